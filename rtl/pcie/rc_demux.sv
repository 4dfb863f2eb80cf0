/// Marks the first beats of the completion stream and hands each completion to the read pool that owns its tag (tag
/// bit 0). Both pools take a beat every cycle, so nothing ever waits here.
module rc_demux
  import ringside_pkg::*;
(
  /// Clock.
  input  logic       clk_i,
  /// Synchronous reset, active low.
  input  logic       rst_ni,
  /// Completion beat offered.
  input  logic       rc_tvalid_i,
  /// Taken: always.
  output logic       rc_tready_o,
  /// Last beat of its TLP.
  input  logic       rc_tlast_i,
  /// Header, with the first beat.
  /* verilator lint_off UNUSED */
  input  tlp_hdr_t   rc_thdr_i,  // only tag bit 0 matters here
  /* verilator lint_on UNUSED */
  /// Beat for pool 0 (even tags) and pool 1 (odd tags).
  output logic [1:0] pool_valid_o,
  /// First beat of its TLP.
  output logic       first_o
);

  logic within_q, pool_q, pool;

  assign rc_tready_o  = 1'b1;
  assign first_o      = !within_q;
  assign pool         = within_q ? pool_q : rc_thdr_i[72];
  assign pool_valid_o = {rc_tvalid_i && pool, rc_tvalid_i && !pool};

  always_ff @(posedge clk_i) begin
    if (rc_tvalid_i) pool_q <= pool;
    if (!rst_ni) within_q <= 1'b0;
    else if (rc_tvalid_i) within_q <= !rc_tlast_i;
  end

endmodule
