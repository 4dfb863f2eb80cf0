/// Marks the first beats of the completion stream and hands each completion to the read pool that owns its tag (see
/// dma_read). Both pools take a beat every cycle, so nothing ever waits here.
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
  input  tlp_hdr_t   rc_thdr_i,  // only the tag matters here
  /* verilator lint_on UNUSED */
  /// Beat for pool 0 (payload) and pool 1 (rings).
  output logic [1:0] pool_valid_o,
  /// First beat of its TLP.
  output logic       first_o
);

  logic       within_q, pool_q, pool;
  logic [1:0] tag_high;

  assign rc_tready_o  = 1'b1;
  assign first_o      = !within_q;
  assign tag_high     = {rc_thdr_i[23], rc_thdr_i[19]};
  assign pool         = within_q ? pool_q : (tag_high == 2'b10) || (tag_high == 2'b00 && rc_thdr_i[72]);
  assign pool_valid_o = {rc_tvalid_i && pool, rc_tvalid_i && !pool};

  always_ff @(posedge clk_i) begin
    if (rc_tvalid_i) pool_q <= pool;
    if (!rst_ni) within_q <= 1'b0;
    else if (rc_tvalid_i) within_q <= !rc_tlast_i;
  end

endmodule
