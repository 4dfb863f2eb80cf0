// An example of a design that is not ringside_net: the same function behind register slices on its four TLP channels, as
// if it sat across a chip from the hard block. It shows what another design has to bring: a top with the boundary's
// ports, a file list, a dut.toml.
module registered_net #(
    /// Width of the data path in bits, 64..512.
    parameter int unsigned DATA_W      = 256,
    /// Queue pairs, 1..16.
    parameter int unsigned QUEUE_PAIRS = 2
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,

    /// Requests of the host.
    input  logic [DATA_W-1:0]   cq_tdata_i,
    /// Dwords present.
    input  logic [DATA_W/32-1:0] cq_tkeep_i,
    /// Beat offered.
    input  logic                cq_tvalid_i,
    /// Beat taken.
    output logic                cq_tready_o,
    /// Last beat.
    input  logic                cq_tlast_i,
    /// Header, with the first beat.
    input  logic [127:0]        cq_thdr_i,
    /// Prefix: not understood, ignored.
    input  logic [31:0]         cq_tprefix_i,
    /// There is a prefix.
    input  logic                cq_tprefix_valid_i,

    /// Completions of ours.
    output logic [DATA_W-1:0]   cc_tdata_o,
    /// Dwords present.
    output logic [DATA_W/32-1:0] cc_tkeep_o,
    /// Beat offered.
    output logic                cc_tvalid_o,
    /// Beat taken.
    input  logic                cc_tready_i,
    /// Last beat.
    output logic                cc_tlast_o,
    /// Header.
    output logic [127:0]        cc_thdr_o,
    /// Never used.
    output logic [31:0]         cc_tprefix_o,
    /// Never set.
    output logic                cc_tprefix_valid_o,

    /// Requests of ours.
    output logic [DATA_W-1:0]   rq_tdata_o,
    /// Dwords present.
    output logic [DATA_W/32-1:0] rq_tkeep_o,
    /// Beat offered.
    output logic                rq_tvalid_o,
    /// Beat taken.
    input  logic                rq_tready_i,
    /// Last beat.
    output logic                rq_tlast_o,
    /// Header.
    output logic [127:0]        rq_thdr_o,
    /// Never used.
    output logic [31:0]         rq_tprefix_o,
    /// Never set.
    output logic                rq_tprefix_valid_o,

    /// Completions of the host.
    input  logic [DATA_W-1:0]   rc_tdata_i,
    /// Dwords present.
    input  logic [DATA_W/32-1:0] rc_tkeep_i,
    /// Beat offered.
    input  logic                rc_tvalid_i,
    /// Beat taken.
    output logic                rc_tready_o,
    /// Last beat.
    input  logic                rc_tlast_i,
    /// Header, with the first beat.
    input  logic [127:0]        rc_thdr_i,
    /// Prefix: not understood, ignored.
    input  logic [31:0]         rc_tprefix_i,
    /// There is a prefix.
    input  logic                rc_tprefix_valid_i,

    /// Posted header credits granted, cumulative.
    input  logic [7:0]          fc_ph_limit_i,
    /// Posted data credits granted, cumulative.
    input  logic [11:0]         fc_pd_limit_i,
    /// Non-posted header credits granted, cumulative.
    input  logic [7:0]          fc_nph_limit_i,
    /// Non-posted data credits granted, cumulative.
    input  logic [11:0]         fc_npd_limit_i,
    /// Completion header credits granted, cumulative.
    input  logic [7:0]          fc_cplh_limit_i,
    /// Completion data credits granted, cumulative.
    input  logic [11:0]         fc_cpld_limit_i,

    /// Frame to the wire.
    output logic [DATA_W-1:0]   net_tx_tdata_o,
    /// Valid bytes.
    output logic [DATA_W/8-1:0] net_tx_tkeep_o,
    /// Beat offered.
    output logic                net_tx_tvalid_o,
    /// Beat taken.
    input  logic                net_tx_tready_i,
    /// Last beat.
    output logic                net_tx_tlast_o,
    /// Transmit queue pair of the frame.
    output logic [15:0]         net_tx_queue_o,
    /// With the last beat: discard the frame.
    output logic                net_tx_error_o,

    /// Frame from the wire.
    input  logic [DATA_W-1:0]   net_rx_tdata_i,
    /// Valid bytes.
    input  logic [DATA_W/8-1:0] net_rx_tkeep_i,
    /// Beat offered.
    input  logic                net_rx_tvalid_i,
    /// Beat taken.
    output logic                net_rx_tready_o,
    /// Last beat.
    input  logic                net_rx_tlast_i,
    /// Flow hash of the frame.
    input  logic [15:0]         net_rx_flow_i,
    /// A frame was dropped; in frame order.
    output logic                net_rx_drop_o,
    /// Why.
    output logic [3:0]          net_rx_drop_reason_o,
    /// Link state.
    input  logic                link_up_i
);

  // One beat with everything that belongs to it.
  typedef struct packed {
    logic [DATA_W-1:0]    tdata;
    logic [DATA_W/32-1:0] tkeep;
    logic                 tlast;
    logic [127:0]         thdr;
    logic [31:0]          tprefix;
    logic                 tprefix_valid;
  } beat_t;

  beat_t cq_beat, cc_beat, rq_beat, rc_beat;
  logic  cq_valid, cc_valid, rq_valid, rc_valid, cq_ready, cc_ready, rq_ready, rc_ready;

  tlp_slice #(.DATA_W(DATA_W)) u_cq (
      .clk_i, .rst_ni,
      .in_valid_i(cq_tvalid_i), .in_ready_o(cq_tready_o),
      .in_i({cq_tdata_i, cq_tkeep_i, cq_tlast_i, cq_thdr_i, cq_tprefix_i, cq_tprefix_valid_i}),
      .out_valid_o(cq_valid), .out_ready_i(cq_ready), .out_o(cq_beat)
  );

  tlp_slice #(.DATA_W(DATA_W)) u_rc (
      .clk_i, .rst_ni,
      .in_valid_i(rc_tvalid_i), .in_ready_o(rc_tready_o),
      .in_i({rc_tdata_i, rc_tkeep_i, rc_tlast_i, rc_thdr_i, rc_tprefix_i, rc_tprefix_valid_i}),
      .out_valid_o(rc_valid), .out_ready_i(rc_ready), .out_o(rc_beat)
  );

  tlp_slice #(.DATA_W(DATA_W)) u_cc (
      .clk_i, .rst_ni,
      .in_valid_i(cc_valid), .in_ready_o(cc_ready), .in_i(cc_beat),
      .out_valid_o(cc_tvalid_o), .out_ready_i(cc_tready_i),
      .out_o({cc_tdata_o, cc_tkeep_o, cc_tlast_o, cc_thdr_o, cc_tprefix_o, cc_tprefix_valid_o})
  );

  tlp_slice #(.DATA_W(DATA_W)) u_rq (
      .clk_i, .rst_ni,
      .in_valid_i(rq_valid), .in_ready_o(rq_ready), .in_i(rq_beat),
      .out_valid_o(rq_tvalid_o), .out_ready_i(rq_tready_i),
      .out_o({rq_tdata_o, rq_tkeep_o, rq_tlast_o, rq_thdr_o, rq_tprefix_o, rq_tprefix_valid_o})
  );

  ringside_net #(
      .DATA_W(DATA_W), .QUEUE_PAIRS(QUEUE_PAIRS)
  ) u_function (
      .clk_i, .rst_ni,
      .cq_tvalid_i(cq_valid), .cq_tready_o(cq_ready), .cq_tdata_i(cq_beat.tdata),
      .cq_tkeep_i(cq_beat.tkeep), .cq_tlast_i(cq_beat.tlast), .cq_thdr_i(cq_beat.thdr),
      .cq_tprefix_i(cq_beat.tprefix), .cq_tprefix_valid_i(cq_beat.tprefix_valid),
      .cc_tvalid_o(cc_valid), .cc_tready_i(cc_ready), .cc_tdata_o(cc_beat.tdata),
      .cc_tkeep_o(cc_beat.tkeep), .cc_tlast_o(cc_beat.tlast), .cc_thdr_o(cc_beat.thdr),
      .cc_tprefix_o(cc_beat.tprefix), .cc_tprefix_valid_o(cc_beat.tprefix_valid),
      .rq_tvalid_o(rq_valid), .rq_tready_i(rq_ready), .rq_tdata_o(rq_beat.tdata),
      .rq_tkeep_o(rq_beat.tkeep), .rq_tlast_o(rq_beat.tlast), .rq_thdr_o(rq_beat.thdr),
      .rq_tprefix_o(rq_beat.tprefix), .rq_tprefix_valid_o(rq_beat.tprefix_valid),
      .rc_tvalid_i(rc_valid), .rc_tready_o(rc_ready), .rc_tdata_i(rc_beat.tdata),
      .rc_tkeep_i(rc_beat.tkeep), .rc_tlast_i(rc_beat.tlast), .rc_thdr_i(rc_beat.thdr),
      .rc_tprefix_i(rc_beat.tprefix), .rc_tprefix_valid_i(rc_beat.tprefix_valid),
      .fc_ph_limit_i, .fc_pd_limit_i, .fc_nph_limit_i, .fc_npd_limit_i, .fc_cplh_limit_i, .fc_cpld_limit_i,
      .net_tx_tdata_o, .net_tx_tkeep_o, .net_tx_tvalid_o, .net_tx_tready_i, .net_tx_tlast_o, .net_tx_queue_o,
      .net_tx_error_o, .net_rx_tdata_i, .net_rx_tkeep_i, .net_rx_tvalid_i, .net_rx_tready_o, .net_rx_tlast_i,
      .net_rx_flow_i, .net_rx_drop_o, .net_rx_drop_reason_o, .link_up_i
  );

endmodule
