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

  // The first requester to be looked at.
  logic [INDEX_W-1:0] first_q;

  always_comb begin
    index_o = '0;
    valid_o = |req_i;
    for (int i = int'(N) - 1; i >= 0; i--) begin
      if (req_i[i]) index_o = INDEX_W'(i);
    end
    for (int i = int'(N) - 1; i >= 0; i--) begin
      if (req_i[i] && INDEX_W'(i) >= first_q) index_o = INDEX_W'(i);
    end
    grant_o = '0;
    for (int unsigned i = 0; i < N; i++) grant_o[i] = valid_o && index_o == INDEX_W'(i);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      first_q <= '0;
    end else if (advance_i && valid_o) begin
      first_q <= (index_o == INDEX_W'(N - 1)) ? '0 : index_o + 1'b1;
    end
  end

  always_ff @(posedge clk_i) if (rst_ni) grant_only_to_requests : assert ((grant_o & ~req_i) == '0);

endmodule
