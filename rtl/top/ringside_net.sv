// One PCIe function that is a virtio-net device. Flat ports: the boundary of rtl/README.md, the same for every DUT.
module ringside_net
  import bug_pkg::*;
  import ringside_pkg::*;
#(
    /// Width of the data path in bits, 64..512.
    parameter int unsigned DATA_W          = 512,
    /// Queue pairs, 1..16.
    parameter int unsigned QUEUE_PAIRS     = 4,
    /// Largest queue, a power of two.
    parameter int unsigned MAX_QUEUE_SIZE  = 1024,
    /// MAC address at reset, first byte on the wire in 47:40.
    parameter logic [47:0] MAC             = 48'h52_54_00_12_34_56,
    /// Maximum transmission unit in bytes.
    parameter int unsigned MTU             = 9000,
    /// Larger received frames are dropped.
    parameter int unsigned MAX_FRAME_BYTES = 9216,
    /// Clocks a received frame waits for buffers; 0 = for ever.
    parameter int unsigned RX_WAIT_CYCLES  = 65536,
    /// Clock in MHz: turns microseconds of interrupt moderation into clocks.
    parameter int unsigned CLOCK_MHZ       = 250,
    /// Planted bug, 0 = none, 32'hffff_ffff = chosen at run time (bug_pkg).
    parameter int unsigned BUG             = 0
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
    /* verilator lint_off UNUSED */
    /// Prefix: not understood, ignored.
    input  logic [31:0]         cq_tprefix_i,
    /// There is a prefix.
    input  logic                cq_tprefix_valid_i,
    /* verilator lint_on UNUSED */

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
    /* verilator lint_off UNUSED */
    /// Prefix: not understood, ignored.
    input  logic [31:0]         rc_tprefix_i,
    /// There is a prefix.
    input  logic                rc_tprefix_valid_i,
    /* verilator lint_on UNUSED */

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

  localparam int unsigned NumQueues = 2 * QUEUE_PAIRS + 1;
  localparam int unsigned NumVectors = NumQueues + 1;
  localparam int unsigned NumWr = 5;
  localparam int unsigned NetConfigBytes = 12;
  localparam int unsigned BytesW = $clog2(DATA_W / 8) + 1;

  pcie_config_t                   pcie_config;
  logic                           flr, flush, dma_idle, msix_idle, reg_valid, reg_rsp_valid;
  reg_req_t                       reg_req;
  logic [31:0]                    reg_rsp_rdata;
  logic                           ring_req_valid, ring_req_ready, ring_rsp_valid, ring_rsp_ready;
  logic                           payload_req_valid, payload_req_ready, payload_rsp_valid, payload_rsp_ready;
  dma_rd_req_t                    ring_req, payload_req;
  dma_rd_rsp_t                    ring_rsp, payload_rsp;
  logic [15:0]                    payload_drop;
  stream_state_t                  payload_streams;
  logic [DATA_W-1:0]              ring_rsp_data, payload_rsp_data;
  logic [NumWr-1:0]               wr_op_valid, wr_op_ready, wr_data_valid, wr_data_ready, wr_done_valid;
  dma_wr_op_t [NumWr-1:0]         wr_op;
  logic [NumWr-1:0][DATA_W-1:0]   wr_data;
  logic [NumWr-1:0][BytesW-1:0]   wr_data_bytes;
  logic [NumWr-1:0][31:0]         wr_done_meta;
  logic                           fire_valid, fire_ready, intx;
  logic [10:0]                    fire_vector;
  logic [NumVectors-1:0]          msix_forget;
  /* verilator lint_off UNUSED */
  logic                           stray_completion;  // for waves and coverage
  /* verilator lint_on UNUSED */

  pcie_endpoint #(
      .DATA_W(DATA_W), .NUM_VECTORS(NumVectors), .NUM_QUEUES(NumQueues), .NUM_WR(NumWr),
      .DEVICE_CFG_BYTES(NetConfigBytes), .PAYLOAD_STREAMS(QUEUE_PAIRS), .BUG(BUG)
  ) u_endpoint (
      .clk_i, .rst_ni,
      .cq_tdata_i, .cq_tkeep_i, .cq_tvalid_i, .cq_tready_o, .cq_tlast_i, .cq_thdr_i,
      .cc_tdata_o, .cc_tkeep_o, .cc_tvalid_o, .cc_tready_i, .cc_tlast_o, .cc_thdr_o,
      .rq_tdata_o, .rq_tkeep_o, .rq_tvalid_o, .rq_tready_i, .rq_tlast_o, .rq_thdr_o,
      .rc_tdata_i, .rc_tkeep_i, .rc_tvalid_i, .rc_tready_o, .rc_tlast_i, .rc_thdr_i,
      .fc_ph_limit_i, .fc_pd_limit_i, .fc_nph_limit_i, .fc_npd_limit_i, .fc_cplh_limit_i, .fc_cpld_limit_i,
      .bar0_req_valid_o(reg_valid), .bar0_req_o(reg_req),
      .bar0_rsp_valid_i(reg_rsp_valid), .bar0_rsp_rdata_i(reg_rsp_rdata),
      .ring_req_valid_i(ring_req_valid), .ring_req_ready_o(ring_req_ready), .ring_req_i(ring_req),
      .ring_rsp_valid_o(ring_rsp_valid), .ring_rsp_ready_i(ring_rsp_ready), .ring_rsp_o(ring_rsp),
      .ring_rsp_data_o(ring_rsp_data),
      .payload_req_valid_i(payload_req_valid), .payload_req_ready_o(payload_req_ready), .payload_req_i(payload_req),
      .payload_rsp_valid_o(payload_rsp_valid), .payload_rsp_ready_i(payload_rsp_ready), .payload_rsp_o(payload_rsp),
      .payload_rsp_data_o(payload_rsp_data), .payload_drop_i(payload_drop), .payload_streams_o(payload_streams),
      .wr_op_valid_i(wr_op_valid), .wr_op_ready_o(wr_op_ready), .wr_op_i(wr_op),
      .wr_data_valid_i(wr_data_valid), .wr_data_ready_o(wr_data_ready), .wr_data_i(wr_data),
      .wr_data_bytes_i(wr_data_bytes), .wr_done_valid_o(wr_done_valid), .wr_done_meta_o(wr_done_meta),
      .fire_valid_i(fire_valid), .fire_ready_o(fire_ready), .fire_vector_i(fire_vector),
      .intx_level_i(intx), .pcie_config_o(pcie_config), .flr_o(flr), .flush_i(flush), .idle_o(dma_idle),
      .msix_idle_o(msix_idle), .msix_forget_i(msix_forget),
      .stray_completion_o(stray_completion)
  );

  // A mistyped number would otherwise be a device without a bug.
  if (BUG > BugLast && BUG != BugRuntime) begin : gen_no_such_bug
    $error("BUG = %0d: bugs have the numbers 1 to %0d, 0 plants none", BUG, BugLast);
  end
  if (BUG == BugRuntime) begin : gen_choose_bug
    initial choose();
  end

  assign cc_tprefix_o       = '0;
  assign cc_tprefix_valid_o = 1'b0;
  assign rq_tprefix_o       = '0;
  assign rq_tprefix_valid_o = 1'b0;

  virtio_net #(
      .DATA_W(DATA_W), .QUEUE_PAIRS(QUEUE_PAIRS), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE), .MAC(MAC), .MTU(MTU),
      .MAX_FRAME_BYTES(MAX_FRAME_BYTES), .RX_WAIT_CYCLES(RX_WAIT_CYCLES), .NUM_VECTORS(NumVectors), .NUM_WR(NumWr),
      .CLOCK_MHZ(CLOCK_MHZ), .BUG(BUG)
  ) u_net (
      .clk_i, .rst_ni, .pcie_config_i(pcie_config), .flr_i(flr), .flush_o(flush), .dma_idle_i(dma_idle),
      .msix_idle_i(msix_idle), .msix_forget_o(msix_forget),
      .reg_valid_i(reg_valid), .reg_i(reg_req), .reg_rsp_valid_o(reg_rsp_valid), .reg_rsp_rdata_o(reg_rsp_rdata),
      .ring_req_valid_o(ring_req_valid), .ring_req_ready_i(ring_req_ready), .ring_req_o(ring_req),
      .ring_rsp_valid_i(ring_rsp_valid), .ring_rsp_ready_o(ring_rsp_ready), .ring_rsp_i(ring_rsp),
      .ring_rsp_data_i(ring_rsp_data),
      .payload_req_valid_o(payload_req_valid), .payload_req_ready_i(payload_req_ready), .payload_req_o(payload_req),
      .payload_rsp_valid_i(payload_rsp_valid), .payload_rsp_ready_o(payload_rsp_ready), .payload_rsp_i(payload_rsp),
      .payload_rsp_data_i(payload_rsp_data), .payload_drop_o(payload_drop), .payload_streams_i(payload_streams),
      .wr_op_valid_o(wr_op_valid), .wr_op_ready_i(wr_op_ready), .wr_op_o(wr_op),
      .wr_data_valid_o(wr_data_valid), .wr_data_ready_i(wr_data_ready), .wr_data_o(wr_data),
      .wr_data_bytes_o(wr_data_bytes), .wr_done_valid_i(wr_done_valid), .wr_done_meta_i(wr_done_meta),
      .fire_valid_o(fire_valid), .fire_ready_i(fire_ready), .fire_vector_o(fire_vector), .intx_o(intx),
      .tx_tvalid_o(net_tx_tvalid_o), .tx_tready_i(net_tx_tready_i), .tx_tdata_o(net_tx_tdata_o),
      .tx_tkeep_o(net_tx_tkeep_o), .tx_tlast_o(net_tx_tlast_o), .tx_queue_o(net_tx_queue_o),
      .tx_error_o(net_tx_error_o),
      .rx_tvalid_i(net_rx_tvalid_i), .rx_tready_o(net_rx_tready_o), .rx_tdata_i(net_rx_tdata_i),
      .rx_tkeep_i(net_rx_tkeep_i), .rx_tlast_i(net_rx_tlast_i), .rx_flow_i(net_rx_flow_i),
      .rx_drop_o(net_rx_drop_o), .rx_drop_reason_o(net_rx_drop_reason_o), .link_up_i
  );

endmodule
