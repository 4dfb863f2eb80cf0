/// Round-robin choice among N requests. Combinational; the requester after the last one granted has priority once
/// advance_i was high for a cycle. Hold advance_i low to keep a grant through a burst.
module rr_arbiter #(
  /// Requesters, >= 1.
  parameter int unsigned N = 2,
  localparam int unsigned INDEX_W = (N > 1) ? $clog2(N) : 1
) (
  /// Clock.
  input  logic               clk_i,
  /// Synchronous reset, active low.
  input  logic               rst_ni,
  /// Requests.
  input  logic [N-1:0]       req_i,
  /// The grant is used up in this cycle: the pointer moves behind it.
  input  logic               advance_i,
  /// The grant, one-hot, 0 without a request.
  output logic [N-1:0]       grant_o,
  /// The grant as a number.
  output logic [INDEX_W-1:0] index_o,
  /// There is a grant.
  output logic               valid_o
);

  // Requesters whose number has bit b set.
  function automatic logic [N-1:0] with_bit(int unsigned b);
    for (int unsigned i = 0; i < N; i++) with_bit[i] = ((i >> b) & 1) != 0;
  endfunction

  // Requesters behind the last one granted; they come first. Choosing is the lowest bit of a mask, which is cheaper than
  // comparing numbers, in gates and in a simulator.
  logic [N-1:0] behind_q, first, pool;

  assign first   = req_i & behind_q;
  assign pool    = (first != '0) ? first : req_i;
  assign grant_o = pool & (~pool + 1'b1);
  assign valid_o = req_i != '0;

  for (genvar b = 0; b < int'(INDEX_W); b++) begin : gen_index
    assign index_o[b] = (grant_o & with_bit(b)) != '0;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      behind_q <= '0;
    end else if (advance_i && valid_o) begin
      behind_q <= ~(grant_o | (grant_o - 1'b1));
    end
  end

  always_ff @(posedge clk_i) if (rst_ni) grant_only_to_requests : assert ((grant_o & ~req_i) == '0);

endmodule
