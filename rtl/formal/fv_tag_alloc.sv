/// Tags of a read pool: none is handed out while it is in use, none is lost, whatever lengths of tags come and go.
module fv_tag_alloc #(
  /// Tags.
  parameter int unsigned TAGS = 32,
  localparam int unsigned TAG_W = $clog2(TAGS)
) (
  /// Clock.
  input logic             clk_i,
  /// A reset at any time.
  input logic             again_i,
  /// 8-bit tags.
  input logic             ext_tag_i,
  /// 10-bit tags.
  input logic             ten_bit_i,
  /// The tag is taken.
  input logic             take_i,
  /// Releases.
  input logic             free_a_i,
  /// Its tag.
  input logic [TAG_W-1:0] tag_a_i,
  /// The second one.
  input logic             free_b_i,
  /// Its tag.
  input logic [TAG_W-1:0] tag_b_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  logic             valid;
  logic [TAG_W-1:0] tag;
  tag_alloc #(.TAGS(TAGS)) u_dut (
    .clk_i, .rst_ni, .ext_tag_i, .ten_bit_i, .valid_o(valid), .tag_o(tag), .take_i, .free_a_valid_i(free_a_i), .free_a_tag_i(tag_a_i),
    .free_b_valid_i(free_b_i), .free_b_tag_i(tag_b_i)
  );

  // Tags in use, as their user sees it.
  logic [TAGS-1:0]  live_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) live_q <= '0;
    else begin
      if (free_a_i) live_q[tag_a_i] <= 1'b0;
      if (free_b_i) live_q[tag_b_i] <= 1'b0;
      if (take_i) live_q[tag] <= 1'b1;
    end
  end

  // Any one tag.
  logic [TAG_W-1:0] who_q;
  always_ff @(posedge clk_i) who_q <= who_q;

  // May tags of this length be used?
  function automatic logic allowed(input logic [TAG_W-1:0] t);
    return ten_bit_i || t < TAG_W'(16) || (ext_tag_i && 32'(t) < 128);
  endfunction
  logic unused_exists;
  always_comb begin
    unused_exists = 1'b0;
    for (int unsigned t = 0; t < TAGS; t++) if (!live_q[t] && allowed(TAG_W'(t))) unused_exists = 1'b1;
  end

  // Clocks in a row in which a tag could have been offered and was not.
  logic [2:0] idle_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || valid || !unused_exists) idle_q <= '0;
    else if (idle_q != '1) idle_q <= idle_q + 3'd1;
  end

  always_ff @(posedge clk_i) begin
    take_offered : assume (!take_i || valid);
    free_live_a : assume (!free_a_i || live_q[tag_a_i]);
    free_live_b : assume (!free_b_i || live_q[tag_b_i]);
    free_once : assume (!(free_a_i && free_b_i) || tag_a_i != tag_b_i);
    if (rst_ni) begin
      // pcie: a tag is unique among the requests that are outstanding
      not_live : assert (!valid || tag != who_q || !live_q[who_q]);
      // contract: a tag is of the length that is enabled
      length : assert (!valid || allowed(tag));
      // contract: no tag is lost: it is in use, offered or about to be, or free
      not_lost : assert (live_q[who_q] || u_dut.free_q[who_q] || (u_dut.valid_q && u_dut.tag_q == who_q));
      // contract: while a tag is unused one is offered, after three clocks at most
      offered : assert (idle_q < 3'd4);
      // invariant: exactly one of them
      only_one : assert (!(live_q[who_q] && (u_dut.free_q[who_q] || (u_dut.valid_q && u_dut.tag_q == who_q)))
          && !(u_dut.free_q[who_q] && u_dut.valid_q && u_dut.tag_q == who_q));
      // invariant: the same for all tags
      partition : assert ((live_q ^ u_dut.free_q ^ (u_dut.valid_q ? TAGS'(1) << u_dut.tag_q : '0)) == '1
          && (live_q & u_dut.free_q) == '0 && (!u_dut.valid_q || (!live_q[u_dut.tag_q] && !u_dut.free_q[u_dut.tag_q])));
      long_tag_given_back : cover (u_dut.valid_q && !valid && u_dut.tag_q >= TAG_W'(16));
      both_released : cover (free_a_i && free_b_i);
    end
  end

endmodule
