/// Free tags of one read pool. One allocation and two releases a cycle; the next tag stands ready in a register.
module tag_alloc #(
  /// Tags, a power of two.
  parameter int unsigned TAGS = 128,
  localparam int unsigned TAG_W = $clog2(TAGS)
) (
  /// Clock.
  input  logic             clk_i,
  /// Synchronous reset, active low: all free.
  input  logic             rst_ni,
  /// 8-bit tags are enabled; otherwise only the first 16 of the pool are used (5-bit tags, two pools).
  input  logic             ext_tag_i,
  /// A tag is ready.
  output logic             valid_o,
  /// The tag.
  output logic [TAG_W-1:0] tag_o,
  /// Takes it.
  input  logic             take_i,
  /// First release.
  input  logic             free_a_valid_i,
  /// Its tag.
  input  logic [TAG_W-1:0] free_a_tag_i,
  /// Second release.
  input  logic             free_b_valid_i,
  /// Its tag.
  input  logic [TAG_W-1:0] free_b_tag_i
);

  localparam int unsigned SHORT_TAGS = (TAGS < 16) ? TAGS : 16;

  logic [TAGS-1:0]  free_q, candidates, first;
  logic             valid_q, usable, load;
  logic [TAG_W-1:0] tag_q, lowest;

  assign candidates = ext_tag_i ? free_q : (free_q & TAGS'((1 << SHORT_TAGS) - 1));
  // A long tag may stand ready when the host turns 8-bit tags off.
  assign usable     = ext_tag_i || {1'b0, tag_q} < (TAG_W + 1)'(SHORT_TAGS);
  assign valid_o    = valid_q && usable;
  assign tag_o      = tag_q;
  assign load       = !valid_q || take_i || !usable;

  /// The tags whose bit `b` is set.
  function automatic logic [TAGS-1:0] tags_with(int unsigned b);
    for (int unsigned i = 0; i < TAGS; i++) tags_with[i] = ((i >> b) & 1) != 0;
  endfunction

  // Isolating the lowest bit first makes each bit of its number one reduction.
  assign first = candidates & (~candidates + 1'b1);
  for (genvar b = 0; b < TAG_W; b++) begin : gen_lowest
    localparam logic [TAGS-1:0] With = tags_with(b);
    assign lowest[b] = |(first & With);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_q  <= '1;
      valid_q <= 1'b0;
      tag_q   <= '0;
    end else begin
      if (load) begin
        valid_q <= candidates != '0;
        tag_q   <= lowest;
        if (candidates != '0) free_q[lowest] <= 1'b0;
        if (valid_q && !usable) free_q[tag_q] <= 1'b1;
      end
      if (free_a_valid_i) free_q[free_a_tag_i] <= 1'b1;
      if (free_b_valid_i) free_q[free_b_tag_i] <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) if (rst_ni) no_double_free : assert (
      !(free_a_valid_i && free_q[free_a_tag_i]) && !(free_b_valid_i && free_q[free_b_tag_i]));
  always_ff @(posedge clk_i) if (rst_ni) no_take_of_nothing : assert (!take_i || valid_o);

endmodule
