/// One PCIe function: configuration space, register access from the host, DMA and interrupts to the host. Contract in
/// README.md; this file only wires.
module pcie_endpoint
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  /// MSI-X table entries, 1..2048.
  parameter int unsigned NUM_VECTORS = 10,
  /// Queues: length of the kick region.
  parameter int unsigned NUM_QUEUES = 9,
  /// Write clients.
  parameter int unsigned NUM_WR = 5,
  /// Length of the device configuration structure.
  parameter int unsigned DEVICE_CFG_BYTES = 12,
  /// Ring reads outstanding at most, a power of two, 16..128.
  parameter int unsigned RING_TAGS = 256,
  /// Payload reads outstanding at most, a power of two, 16..128.
  parameter int unsigned PAYLOAD_TAGS = 512,
  /// Streams of payload reads, 1..16: answers of one do not wait for those of another.
  parameter int unsigned PAYLOAD_STREAMS = 1,
  /// Completion time-out in cycles for the default range, >= 256.
  parameter int unsigned TIMEOUT_CYCLES = 65536,
  /// Planted bug, 0 = none (see the blocks).
  parameter int unsigned BUG = 0,
  localparam int unsigned LANES = DATA_W / 32,
  localparam int unsigned BYTES_W = $clog2(DATA_W / 8) + 1
) (
  /// Clock.
  input  logic                            clk_i,
  /// Synchronous reset, active low.
  input  logic                            rst_ni,
  /// Requests of the host.
  input  logic [DATA_W-1:0]               cq_tdata_i,
  /// Dwords present (implied by the header, not used).
  /* verilator lint_off UNUSED */
  input  logic [LANES-1:0]                cq_tkeep_i,
  /* verilator lint_on UNUSED */
  /// Beat offered.
  input  logic                            cq_tvalid_i,
  /// Beat taken.
  output logic                            cq_tready_o,
  /// Last beat.
  input  logic                            cq_tlast_i,
  /// Header, with the first beat.
  input  logic [127:0]                    cq_thdr_i,
  /// Our completions.
  output logic [DATA_W-1:0]               cc_tdata_o,
  /// Dwords present.
  output logic [LANES-1:0]                cc_tkeep_o,
  /// Beat offered.
  output logic                            cc_tvalid_o,
  /// Beat taken.
  input  logic                            cc_tready_i,
  /// Last beat.
  output logic                            cc_tlast_o,
  /// Header.
  output logic [127:0]                    cc_thdr_o,
  /// Our requests.
  output logic [DATA_W-1:0]               rq_tdata_o,
  /// Dwords present.
  output logic [LANES-1:0]                rq_tkeep_o,
  /// Beat offered.
  output logic                            rq_tvalid_o,
  /// Beat taken.
  input  logic                            rq_tready_i,
  /// Last beat.
  output logic                            rq_tlast_o,
  /// Header.
  output logic [127:0]                    rq_thdr_o,
  /// Completions of our reads.
  input  logic [DATA_W-1:0]               rc_tdata_i,
  /// Dwords present.
  input  logic [LANES-1:0]                rc_tkeep_i,
  /// Beat offered.
  input  logic                            rc_tvalid_i,
  /// Beat taken: always.
  output logic                            rc_tready_o,
  /// Last beat.
  input  logic                            rc_tlast_i,
  /// Header, with the first beat.
  input  logic [127:0]                    rc_thdr_i,
  /// Posted header credits, cumulative.
  input  logic [7:0]                      fc_ph_limit_i,
  /// Posted data credits, cumulative.
  input  logic [11:0]                     fc_pd_limit_i,
  /// Non-posted header credits, cumulative.
  input  logic [7:0]                      fc_nph_limit_i,
  /// Non-posted data credits (no request of ours needs one).
  /* verilator lint_off UNUSED */
  input  logic [11:0]                     fc_npd_limit_i,
  /* verilator lint_on UNUSED */
  /// Completion header credits, cumulative.
  input  logic [7:0]                      fc_cplh_limit_i,
  /// Completion data credits, cumulative.
  input  logic [11:0]                     fc_cpld_limit_i,
  /// BAR0 access, held until the response.
  output logic                            bar0_req_valid_o,
  /// The access.
  output reg_req_t                        bar0_req_o,
  /// Response pulse.
  input  logic                            bar0_rsp_valid_i,
  /// Read data.
  input  logic [31:0]                     bar0_rsp_rdata_i,
  /// Ring read offered.
  input  logic                            ring_req_valid_i,
  /// Ring read taken.
  output logic                            ring_req_ready_o,
  /// The ring read.
  input  dma_rd_req_t                     ring_req_i,
  /// Ring answer beat offered (any order).
  output logic                            ring_rsp_valid_o,
  /// Ring answer beat taken.
  input  logic                            ring_rsp_ready_i,
  /// Its head.
  output dma_rd_rsp_t                     ring_rsp_o,
  /// Its data.
  output logic [DATA_W-1:0]               ring_rsp_data_o,
  /// Payload read offered.
  input  logic                            payload_req_valid_i,
  /// Payload read taken.
  output logic                            payload_req_ready_o,
  /// The payload read.
  input  dma_rd_req_t                     payload_req_i,
  /// Payload answer beat offered (request order).
  output logic                            payload_rsp_valid_o,
  /// Payload answer beat taken.
  input  logic                            payload_rsp_ready_i,
  /// Its head.
  output dma_rd_rsp_t                     payload_rsp_o,
  /// Its data.
  output logic [DATA_W-1:0]               payload_rsp_data_o,
  /// Streams whose answers are swallowed, but for a group under way.
  input  logic [15:0]                     payload_drop_i,
  /// What becomes of payload reads.
  output stream_state_t                   payload_streams_o,
  /// Write operations offered.
  input  logic [NUM_WR-1:0]               wr_op_valid_i,
  /// Write operations taken.
  output logic [NUM_WR-1:0]               wr_op_ready_o,
  /// The operations.
  input  dma_wr_op_t [NUM_WR-1:0]         wr_op_i,
  /// Bytes offered.
  input  logic [NUM_WR-1:0]               wr_data_valid_i,
  /// Bytes taken.
  output logic [NUM_WR-1:0]               wr_data_ready_o,
  /// The bytes.
  input  logic [NUM_WR-1:0][DATA_W-1:0]   wr_data_i,
  /// How many, 1..DATA_W/8.
  input  logic [NUM_WR-1:0][BYTES_W-1:0]  wr_data_bytes_i,
  /// Pulse: an operation has its place in the request order.
  output logic [NUM_WR-1:0]               wr_done_valid_o,
  /// Its meta.
  output logic [NUM_WR-1:0][31:0]         wr_done_meta_o,
  /// MSI-X vector fired.
  input  logic                            fire_valid_i,
  /// Taken.
  output logic                            fire_ready_o,
  /// The vector.
  input  logic [10:0]                     fire_vector_i,
  /// Vectors that are pending no more.
  input  logic [NUM_VECTORS-1:0]          msix_forget_i,
  /// An ISR bit is set.
  input  logic                            intx_level_i,
  /// Effective configuration.
  output pcie_config_t                    pcie_config_o,
  /// Pulse: Function Level Reset.
  output logic                            flr_o,
  /// Device reset: take no reads, swallow answers, forget pending interrupts.
  input  logic                            flush_i,
  /// No DMA anywhere.
  output logic                            idle_o,
  /// No interrupt message is under way.
  output logic                            msix_idle_o,
  /// Pulse: a completion nobody waits for was dropped.
  output logic                            stray_completion_o
);

  localparam int unsigned NUM_RQ = NUM_WR + 4;  // writes, payload reads, ring reads, MSI-X, INTx
  localparam int unsigned RQ_READ = NUM_WR;
  localparam int unsigned RQ_MSIX = NUM_WR + 2;
  localparam int unsigned RQ_INTX = NUM_WR + 3;

  pcie_config_t cfg;
  link_events_t events;
  assign pcie_config_o = cfg;

  logic        config_req_valid, cpl_bar0_valid, cpl_bar2_valid, config_rsp_valid, cpl_rsp_valid;
  logic        win_valid, win_bar2, win_rsp_valid, bar2_rsp_valid, capture_valid;
  reg_req_t    cpl_req, win_req;
  logic [31:0] config_rdata, bar2_rdata, bar_rdata;
  logic [15:0] capture_bdf;
  logic [47:0] bar0_base, bar2_base;
  logic [3:0]  timeout_range;
  logic        timeout_disable, reads_idle;

  completer #(
    .DATA_W(DATA_W)
  ) u_completer (
    .clk_i,
    .rst_ni,
    .cq_tvalid_i, .cq_tready_o, .cq_tlast_i,
    .cq_thdr_i,
    .cq_tdata_i,
    .cc_tvalid_o, .cc_tready_i, .cc_tlast_o, .cc_thdr_o,
    .cc_tkeep_o,
    .cc_tdata_o,
    .fc_cplh_limit_i, .fc_cpld_limit_i,
    .rq_valid_i(rq_tvalid_o), .rq_ready_i(rq_tready_i),
    .bdf_i             (cfg.bdf),
    .memory_space_i    (cfg.memory_space),
    .bar0_base_i       (bar0_base),
    .bar2_base_i       (bar2_base),
    .config_req_valid_o(config_req_valid),
    .bar0_req_valid_o  (cpl_bar0_valid),
    .bar2_req_valid_o  (cpl_bar2_valid),
    .req_o             (cpl_req),
    .rsp_valid_i       (cpl_rsp_valid),
    .rsp_rdata_i       (config_rsp_valid ? config_rdata : bar_rdata),
    .capture_valid_o   (capture_valid),
    .capture_bdf_o     (capture_bdf),
    .events_o          ({events.unsupported_posted, events.unsupported, events.aborted,
                         events.poisoned_request})
  );

  // While the access window is at work the completer waits for configuration space, so the two never meet on a BAR.
  assign bar0_req_valid_o = cpl_bar0_valid || (win_valid && !win_bar2);
  assign bar0_req_o       = win_valid ? win_req : cpl_req;
  assign bar_rdata        = bar2_rsp_valid ? bar2_rdata : bar0_rsp_rdata_i;
  assign win_rsp_valid    = win_valid && (bar0_rsp_valid_i || bar2_rsp_valid);
  assign cpl_rsp_valid    = config_rsp_valid || (!win_valid && (bar0_rsp_valid_i || bar2_rsp_valid));

  config_space #(
    .NUM_VECTORS     (NUM_VECTORS),
    .NUM_QUEUES      (NUM_QUEUES),
    .DEVICE_CFG_BYTES(DEVICE_CFG_BYTES)
  ) u_config (
    .clk_i,
    .rst_ni,
    .req_valid_i      (config_req_valid),
    .req_i            (cpl_req),
    .rsp_valid_o      (config_rsp_valid),
    .rsp_rdata_o      (config_rdata),
    .capture_valid_i  (capture_valid),
    .capture_bdf_i    (capture_bdf),
    .win_req_valid_o  (win_valid),
    .win_bar2_o       (win_bar2),
    .win_req_o        (win_req),
    .win_rsp_valid_i  (win_rsp_valid),
    .win_rsp_rdata_i  (bar_rdata),
    .intx_level_i,
    .pending_i        (!reads_idle),
    .events_i         (events),
    .bar0_base_o      (bar0_base),
    .bar2_base_o      (bar2_base),
    .config_o         (cfg),
    .timeout_range_o  (timeout_range),
    .timeout_disable_o(timeout_disable),
    .flr_o
  );

  logic [NUM_RQ-1:0]             tlp_valid, tlp_ready, tlp_last;
  tlp_hdr_t [NUM_RQ-1:0]         tlp_hdr;
  logic [NUM_RQ-1:0][LANES-1:0]  tlp_keep;
  logic [NUM_RQ-1:0][DATA_W-1:0] tlp_data;
  logic [NUM_WR-1:0]             wr_idle;
  logic                          arbiter_idle, msix_idle;
  logic [31:0]                   msix_data;

  for (genvar i = 0; i < NUM_WR; i++) begin : g_write
    dma_write #(
      .DATA_W(DATA_W),
      .BUG   (BUG)
    ) u_write (
      .clk_i,
      .rst_ni,
      .bdf_i       (cfg.bdf),
      .mps_i       (cfg.mps),
      .op_valid_i  (wr_op_valid_i[i]),
      .op_ready_o  (wr_op_ready_o[i]),
      .op_i        (wr_op_i[i]),
      .data_valid_i(wr_data_valid_i[i]),
      .data_ready_o(wr_data_ready_o[i]),
      .data_i      (wr_data_i[i]),
      .data_bytes_i(wr_data_bytes_i[i]),
      .done_valid_o(wr_done_valid_o[i]),
      .done_meta_o (wr_done_meta_o[i]),
      .tlp_valid_o (tlp_valid[i]),
      .tlp_ready_i (tlp_ready[i]),
      .tlp_last_o  (tlp_last[i]),
      .tlp_hdr_o   (tlp_hdr[i]),
      .tlp_keep_o  (tlp_keep[i]),
      .tlp_data_o  (tlp_data[i]),
      .idle_o      (wr_idle[i])
    );
  end

  read_pools #(
    .DATA_W        (DATA_W),
    .RING_TAGS     (RING_TAGS),
    .PAYLOAD_TAGS  (PAYLOAD_TAGS),
    .PAYLOAD_STREAMS(PAYLOAD_STREAMS),
    .TIMEOUT_CYCLES(TIMEOUT_CYCLES),
    .BUG           (BUG)
  ) u_reads (
    .clk_i, .rst_ni,
    .config_i         (cfg),
    .timeout_range_i  (timeout_range),
    .timeout_disable_i(timeout_disable),
    .flush_i,
    .idle_o     (reads_idle),
    .req_valid_i({ring_req_valid_i, payload_req_valid_i}),
    .req_ready_o({ring_req_ready_o, payload_req_ready_o}),
    .req_i      ({ring_req_i, payload_req_i}),
    .rsp_valid_o({ring_rsp_valid_o, payload_rsp_valid_o}),
    .rsp_ready_i({ring_rsp_ready_i, payload_rsp_ready_i}),
    .rsp_o      ({ring_rsp_o, payload_rsp_o}),
    .rsp_data_o ({ring_rsp_data_o, payload_rsp_data_o}),
    .payload_drop_i, .payload_streams_o,
    .tlp_valid_o(tlp_valid[RQ_READ+1:RQ_READ]),
    .tlp_ready_i(tlp_ready[RQ_READ+1:RQ_READ]),
    .tlp_hdr_o  (tlp_hdr[RQ_READ+1:RQ_READ]),
    .rc_tvalid_i, .rc_tready_o, .rc_tlast_i, .rc_thdr_i, .rc_tkeep_i,
    .rc_tdata_i,
    .stray_o    (stray_completion_o),
    .error_o    ({events.got_poisoned, events.got_abort, events.got_unsupported})
  );

  msix #(
    .NUM_VECTORS(NUM_VECTORS),
    .BUG        (BUG)
  ) u_msix (
    .clk_i, .rst_ni,
    .flr_i          (flr_o),
    .flush_i, .bdf_i(cfg.bdf), .forget_i(msix_forget_i),
    .enable_i       (cfg.msix_enable),
    .function_mask_i(cfg.msix_function_mask),
    .req_valid_i    (cpl_bar2_valid || (win_valid && win_bar2)),
    .req_i          (bar0_req_o),
    .rsp_valid_o    (bar2_rsp_valid),
    .rsp_rdata_o    (bar2_rdata),
    .fire_valid_i,
    .fire_ready_o,
    .fire_vector_i,
    .tlp_valid_o    (tlp_valid[RQ_MSIX]),
    .tlp_ready_i    (tlp_ready[RQ_MSIX]),
    .tlp_hdr_o      (tlp_hdr[RQ_MSIX]),
    .tlp_data_o     (msix_data),
    .idle_o         (msix_idle)
  );

  intx u_intx (
    .clk_i,
    .rst_ni,
    .bdf_i         (cfg.bdf),
    .level_i       (intx_level_i && !flr_o && !flush_i), // a reset takes the reason back, whatever else it clears first
    .msix_enable_i (cfg.msix_enable),
    .intx_disable_i(cfg.intx_disable),
    .tlp_valid_o   (tlp_valid[RQ_INTX]),
    .tlp_ready_i   (tlp_ready[RQ_INTX]),
    .tlp_hdr_o     (tlp_hdr[RQ_INTX])
  );

  // One-beat requests: only MSI-X has a payload.
  assign tlp_last[NUM_RQ-1:NUM_WR] = '1;
  assign tlp_keep[NUM_RQ-1:NUM_WR] = {LANES'(0), LANES'(1), LANES'(0), LANES'(0)};
  assign tlp_data[NUM_RQ-1:NUM_WR] = {DATA_W'(0), DATA_W'(msix_data), DATA_W'(0), DATA_W'(0)};

  rq_arbiter #(
    .DATA_W(DATA_W),
    .N     (NUM_RQ),
    .BUG   (BUG)
  ) u_arbiter (
    .clk_i,
    .rst_ni,
    .bus_master_i(cfg.bus_master),
    .flush_i,
    .fc_ph_limit_i,
    .fc_pd_limit_i,
    .fc_nph_limit_i,
    .in_valid_i  (tlp_valid),
    .in_ready_o  (tlp_ready),
    .in_last_i   (tlp_last),
    .in_hdr_i    (tlp_hdr),
    .in_keep_i   (tlp_keep),
    .in_data_i   (tlp_data),
    .rq_tvalid_o,
    .rq_tready_i,
    .rq_tlast_o,
    .rq_thdr_o,
    .rq_tkeep_o,
    .rq_tdata_o,
    .idle_o      (arbiter_idle)
  );

  assign idle_o      = reads_idle && wr_idle == '1 && msix_idle && arbiter_idle;
  assign msix_idle_o = msix_idle;

endmodule
