/// Legacy interrupt of a function without a wire: a level becomes Assert_INTA and Deassert_INTA messages.
module intx
  import ringside_pkg::*;
  import pcie_pkg::*;
(
  /// Clock.
  input  logic        clk_i,
  /// Synchronous reset, active low: INTA is de-asserted.
  input  logic        rst_ni,
  /// Requester id.
  input  logic [15:0] bdf_i,
  /// The function wants attention.
  input  logic        level_i,
  /// MSI-X is enabled: INTx stays silent.
  input  logic        msix_enable_i,
  /// Command.Interrupt Disable.
  input  logic        intx_disable_i,
  /// Message offered (one beat, no payload). May be withdrawn when its reason vanishes.
  output logic        tlp_valid_o,
  /// Message taken.
  input  logic        tlp_ready_i,
  /// Its header.
  output tlp_hdr_t    tlp_hdr_o
);

  logic asserted_q, wanted;

  assign wanted      = level_i && !msix_enable_i && !intx_disable_i;
  assign tlp_valid_o = wanted != asserted_q;
  assign tlp_hdr_o   = {
    64'd0,
    bdf_i, 8'd0, wanted ? MsgAssertInta : MsgDeassertInta,
    3'b001, TlpMsgLocal, 24'd0
  };

  always_ff @(posedge clk_i) begin
    if (!rst_ni) asserted_q <= 1'b0;
    else if (tlp_valid_o && tlp_ready_i) asserted_q <= wanted;
  end

endmodule
