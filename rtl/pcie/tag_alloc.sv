/// Free tags of one read pool. One allocation and two releases a cycle; the next tag stands ready in a register.
module tag_alloc #(
  /// Tags, a power of two, at least 32.
  parameter int unsigned TAGS = 128,
  localparam int unsigned TAG_W = $clog2(TAGS)
) (
  /// Clock.
  input  logic             clk_i,
  /// Synchronous reset, active low: all free.
  input  logic             rst_ni,
  /// 8-bit tags are enabled: the first 128 of the pool are used; otherwise the first 16 (5-bit tags, two pools).
  input  logic             ext_tag_i,
  /// 10-bit tags are enabled: all are used.
  input  logic             ten_bit_i,
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

  localparam int unsigned GROUP = 16;
  localparam int unsigned GROUPS = TAGS / GROUP;

  logic [TAGS-1:0]           free_q;
  logic [GROUPS-1:0]         allowed, some, first_group;
  logic [GROUP-1:0]          in_group, first_place;
  logic [$clog2(GROUPS)-1:0] group;
  logic [3:0]                place;
  logic                      valid_q, usable, load;
  logic [TAG_W-1:0]          tag_q, lowest;

  // A long tag may stand ready when the host turns long tags off.
  assign usable  = allowed[tag_q[TAG_W-1:4]];
  assign valid_o = valid_q && usable;
  assign tag_o   = tag_q;
  assign load    = !valid_q || take_i || !usable;

  // The lowest free one: first its group, then its place there.
  for (genvar g = 0; g < int'(GROUPS); g++) begin : gen_group
    assign allowed[g] = ten_bit_i || g == 0 || (ext_tag_i && g < 8);
    assign some[g]    = allowed[g] && free_q[g*GROUP+:GROUP] != '0;
  end

  /// The numbers below 64 whose bit `b` is set.
  function automatic logic [63:0] numbers_with(int unsigned b);
    for (int unsigned i = 0; i < 64; i++) numbers_with[i] = ((i >> b) & 1) != 0;
  endfunction

  // Isolating the lowest bit first makes each bit of its number one reduction.
  assign first_group = some & (~some + 1'b1);
  assign in_group    = free_q[{group, 4'd0}+:GROUP];
  assign first_place = in_group & (~in_group + 1'b1);
  assign lowest      = {group, place};
  for (genvar b = 0; b < $clog2(GROUPS); b++) begin : gen_lowest_group
    localparam logic [63:0] With = numbers_with(b);
    assign group[b] = |(first_group & With[GROUPS-1:0]);
  end
  for (genvar b = 0; b < 4; b++) begin : gen_lowest_place
    localparam logic [63:0] With = numbers_with(b);
    assign place[b] = |(first_place & With[GROUP-1:0]);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      free_q  <= '1;
      valid_q <= 1'b0;
      tag_q   <= '0;
    end else begin
      if (load) begin
        valid_q <= some != '0;
        tag_q   <= lowest;
        if (some != '0) free_q[lowest] <= 1'b0;
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
