/// The two read pools and the completion stream they share. Index 1 is the ring pool (tags with bit 0 set, answers in any
/// order), index 0 the payload pool (streams with an order each).
module read_pools
  import ringside_pkg::*;
#(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  /// Ring reads outstanding at most.
  parameter int unsigned RING_TAGS = 256,
  /// Payload reads outstanding at most.
  parameter int unsigned PAYLOAD_TAGS = 512,
  /// Streams of payload reads, 1..16.
  parameter int unsigned PAYLOAD_STREAMS = 1,
  /// Completion time-out in cycles for the default range.
  parameter int unsigned TIMEOUT_CYCLES = 65536,
  /// Planted bug, 0 = none (see dma_read).
  parameter int unsigned BUG = 0,
  localparam int unsigned LANES = DATA_W / 32
) (
  /// Clock.
  input  logic                   clk_i,
  /// Synchronous reset, active low.
  input  logic                   rst_ni,
  /// What configuration space says.
  /* verilator lint_off UNUSED */
  input  pcie_config_t           config_i,  // id, tag width and MRRS of it
  /* verilator lint_on UNUSED */
  /// Completion Timeout Value.
  input  logic [3:0]             timeout_range_i,
  /// Completion Timeout Disable.
  input  logic                   timeout_disable_i,
  /// Reset: take no requests, swallow answers.
  input  logic                   flush_i,
  /// Payload streams whose answers are swallowed, but for a group under way.
  input  logic [15:0]            payload_drop_i,
  /// What becomes of payload reads.
  output stream_state_t          payload_streams_o,
  /// Nothing outstanding, nothing on offer.
  output logic                   idle_o,
  /// Requests offered.
  input  logic [1:0]             req_valid_i,
  /// Requests taken.
  output logic [1:0]             req_ready_o,
  /// The requests.
  input  dma_rd_req_t [1:0]      req_i,
  /// Answer beats offered.
  output logic [1:0]             rsp_valid_o,
  /// Answer beats taken.
  input  logic [1:0]             rsp_ready_i,
  /// Their heads.
  output dma_rd_rsp_t [1:0]      rsp_o,
  /// Their data.
  output logic [1:0][DATA_W-1:0] rsp_data_o,
  /// MRd offered.
  output logic [1:0]             tlp_valid_o,
  /// MRd taken.
  input  logic [1:0]             tlp_ready_i,
  /// Their headers.
  output tlp_hdr_t [1:0]         tlp_hdr_o,
  /// Completion beat offered.
  input  logic                   rc_tvalid_i,
  /// Taken: always.
  output logic                   rc_tready_o,
  /// Last beat of its TLP.
  input  logic                   rc_tlast_i,
  /// Header, with the first beat.
  input  tlp_hdr_t               rc_thdr_i,
  /// Dwords present.
  input  logic [LANES-1:0]       rc_tkeep_i,
  /// Payload.
  input  logic [DATA_W-1:0]      rc_tdata_i,
  /// Pulse: a completion nobody waits for was dropped.
  output logic                   stray_o,
  /// Pulses {poisoned, completer abort, unsupported request} received.
  output logic [2:0]             error_o
);

  logic [1:0]      pool_valid, idle, stray;
  logic            rc_first;
  logic [1:0][2:0] error;
  /* verilator lint_off UNUSED */
  stream_state_t [1:0] streams;  // rings have none
  /* verilator lint_on UNUSED */

  rc_demux u_demux (
    .clk_i,
    .rst_ni,
    .rc_tvalid_i,
    .rc_tready_o,
    .rc_tlast_i,
    .rc_thdr_i,
    .pool_valid_o(pool_valid),
    .first_o     (rc_first)
  );

  for (genvar p = 0; p < 2; p++) begin : g_pool
    dma_read #(
      .DATA_W        (DATA_W),
      .TAGS          ((p == 1) ? RING_TAGS : PAYLOAD_TAGS),
      .RINGS         (p == 1),
      .STREAMS       ((p == 0) ? PAYLOAD_STREAMS : 0),
      .TIMEOUT_CYCLES(TIMEOUT_CYCLES),
      .BUG           (BUG)
    ) u_reads (
      .clk_i,
      .rst_ni,
      .bdf_i      (config_i.bdf),
      .ext_tag_i  (config_i.ext_tag),
      .ten_bit_i  (config_i.ten_bit_tag),
      .mrrs_i     (config_i.mrrs),
      .timeout_range_i,
      .timeout_disable_i,
      .flush_i,
      .drop_i     (payload_drop_i),
      .streams_o  (streams[p]),
      .idle_o     (idle[p]),
      .req_valid_i(req_valid_i[p]),
      .req_ready_o(req_ready_o[p]),
      .req_i      (req_i[p]),
      .rsp_valid_o(rsp_valid_o[p]),
      .rsp_ready_i(rsp_ready_i[p]),
      .rsp_o      (rsp_o[p]),
      .rsp_data_o (rsp_data_o[p]),
      .tlp_valid_o(tlp_valid_o[p]),
      .tlp_ready_i(tlp_ready_i[p]),
      .tlp_hdr_o  (tlp_hdr_o[p]),
      .rc_valid_i (pool_valid[p]),
      .rc_first_i (rc_first),
      .rc_last_i  (rc_tlast_i),
      .rc_hdr_i   (rc_thdr_i),
      .rc_keep_i  (rc_tkeep_i),
      .rc_data_i  (rc_tdata_i),
      .stray_o    (stray[p]),
      .error_o    (error[p])
    );
  end

  assign payload_streams_o = streams[0];
  assign idle_o  = idle == '1;
  assign stray_o = stray != '0;
  assign error_o = error[1] | error[0];

endmodule
