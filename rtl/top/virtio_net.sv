// The virtio-net device without its PCIe function: registers, three ring engines (receive, transmit, control) and the
// network engines, with one port to each read pool and one write client per writer.
module virtio_net
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W          = 512,
    /// Queue pairs.
    parameter int unsigned QUEUE_PAIRS     = 4,
    /// Largest queue.
    parameter int unsigned MAX_QUEUE_SIZE  = 1024,
    /// MAC address at reset, first byte on the wire in 47:40.
    parameter logic [47:0] MAC             = 48'h52_54_00_12_34_56,
    /// Maximum transmission unit in bytes.
    parameter int unsigned MTU             = 9000,
    /// Larger received frames are dropped.
    parameter int unsigned MAX_FRAME_BYTES = 9216,
    /// Clocks a received frame waits for buffers; 0 = for ever.
    parameter int unsigned RX_WAIT_CYCLES  = 65536,
    /// MSI-X vectors.
    parameter int unsigned NUM_VECTORS     = 10,
    /// Write clients: rings of receive, transmit, control; receive payload; control acknowledge.
    parameter int unsigned NUM_WR          = 5,
    /// Clock in MHz.
    parameter int unsigned CLOCK_MHZ       = 250,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG             = 0,
    localparam int unsigned BYTES_W = $clog2(DATA_W / 8) + 1
) (
    /// Clock.
    input  logic                           clk_i,
    /// Synchronous reset, active low.
    input  logic                           rst_ni,
    /// PCIe settings in force.
    input  pcie_config_t                   pcie_config_i,
    /// Function level reset.
    input  logic                           flr_i,
    /// A device reset is running: the requester forgets what it can.
    output logic                           flush_o,
    /// The requester is quiet.
    input  logic                           dma_idle_i,
    /// No interrupt message is under way.
    input  logic                           msix_idle_i,

    /// BAR0 access.
    input  logic                           reg_valid_i,
    /// The access.
    input  reg_req_t                       reg_i,
    /// Its response.
    output logic                           reg_rsp_valid_o,
    /// Data read.
    output logic [31:0]                    reg_rsp_rdata_o,

    /// Ring read.
    output logic                           ring_req_valid_o,
    /// Taken.
    input  logic                           ring_req_ready_i,
    /// The read.
    output dma_rd_req_t                    ring_req_o,
    /// Answer beat.
    input  logic                           ring_rsp_valid_i,
    /// Taken.
    output logic                           ring_rsp_ready_o,
    /// Its head.
    input  dma_rd_rsp_t                    ring_rsp_i,
    /// Its data.
    input  logic [DATA_W-1:0]              ring_rsp_data_i,
    /// Payload read.
    output logic                           payload_req_valid_o,
    /// Taken.
    input  logic                           payload_req_ready_i,
    /// The read.
    output dma_rd_req_t                    payload_req_o,
    /// Answer beat, in the order of its stream.
    input  logic                           payload_rsp_valid_i,
    /// Taken.
    output logic                           payload_rsp_ready_o,
    /// Its head.
    input  dma_rd_rsp_t                    payload_rsp_i,
    /// Its data.
    input  logic [DATA_W-1:0]              payload_rsp_data_i,
    /// Streams (transmit queues) whose answers are to be swallowed.
    output logic [15:0]                    payload_drop_o,
    /// What becomes of payload reads.
    input  stream_state_t                  payload_streams_i,

    /// Writes, one client per writer.
    output logic [NUM_WR-1:0]              wr_op_valid_o,
    /// Taken.
    input  logic [NUM_WR-1:0]              wr_op_ready_i,
    /// The writes.
    output dma_wr_op_t [NUM_WR-1:0]        wr_op_o,
    /// Bytes of the writes.
    output logic [NUM_WR-1:0]              wr_data_valid_o,
    /// Taken.
    input  logic [NUM_WR-1:0]              wr_data_ready_i,
    /// From lane 0.
    output logic [NUM_WR-1:0][DATA_W-1:0]  wr_data_o,
    /// How many.
    output logic [NUM_WR-1:0][BYTES_W-1:0] wr_data_bytes_o,
    /// The oldest write of a client has its place in the request order.
    input  logic [NUM_WR-1:0]              wr_done_valid_i,
    /// Its meta.
    /* verilator lint_off UNUSED */
    input  logic [NUM_WR-1:0][31:0]        wr_done_meta_i,  // the network engines count instead
    /* verilator lint_on UNUSED */

    /// Interrupt message.
    output logic                           fire_valid_o,
    /// Taken.
    input  logic                           fire_ready_i,
    /// Its vector.
    output logic [10:0]                    fire_vector_o,
    /// Vectors that are pending no more.
    output logic [NUM_VECTORS-1:0]         msix_forget_o,
    /// Interrupt line.
    output logic                           intx_o,

    /// Frame beat to the wire.
    output logic                           tx_tvalid_o,
    /// Taken.
    input  logic                           tx_tready_i,
    /// Frame bytes.
    output logic [DATA_W-1:0]              tx_tdata_o,
    /// Valid bytes.
    output logic [DATA_W/8-1:0]            tx_tkeep_o,
    /// Last beat.
    output logic                           tx_tlast_o,
    /// Transmit queue of the frame.
    output logic [15:0]                    tx_queue_o,
    /// Discard the frame.
    output logic                           tx_error_o,
    /// Frame beat from the wire.
    input  logic                           rx_tvalid_i,
    /// Taken.
    output logic                           rx_tready_o,
    /// Frame bytes.
    input  logic [DATA_W-1:0]              rx_tdata_i,
    /// Valid bytes.
    input  logic [DATA_W/8-1:0]            rx_tkeep_i,
    /// Last beat.
    input  logic                           rx_tlast_i,
    /// Flow hash.
    input  logic [15:0]                    rx_flow_i,
    /// A received frame was dropped.
    output logic                           rx_drop_o,
    /// Why.
    output logic [3:0]                     rx_drop_reason_o,
    /// Link state.
    input  logic                           link_up_i
);

  localparam int unsigned QP = QUEUE_PAIRS;
  localparam int unsigned QW = (QP > 1) ? $clog2(QP) : 1;

  // Offered features: ring bits INDIRECT_DESC 28, EVENT_IDX 29, VERSION_1 32, ACCESS_PLATFORM 33, RING_PACKED 34,
  // IN_ORDER 35, ORDER_PLATFORM 36, NOTIFICATION_DATA 38, NOTIF_CONFIG_DATA 39, RING_RESET 40, SUSPEND 43; net bits
  // MTU 3, MAC 5, MRG_RXBUF 15, STATUS 16, CTRL_VQ 17, CTRL_RX 18, CTRL_VLAN 19, CTRL_RX_EXTRA 20, MQ 22,
  // CTRL_MAC_ADDR 23, VQ_NOTF_COAL 52, NOTF_COAL 53.
  localparam logic [127:0] Features = 128'h30_09df_30df_8028;

  // Clocks that used elements wait for company: since the last one, and in all. The last of a queue never waits.
  localparam int unsigned RxUsedIdle = 96, RxUsedAge = 512, TxUsedIdle = 256, TxUsedAge = 1024;

  // ---- registers, queues, interrupts
  queue_ctx_t [QP-1:0] rx_ctx, tx_ctx;
  queue_ctx_t          ctrl_ctx;
  features_t           features;
  logic                driver_ok, config_change, config_touch, dev_valid, dev_rsp_valid;
  reg_req_t            dev_req;
  logic [31:0]         dev_rsp_rdata;
  logic                rx_kick_valid, tx_kick_valid, ctrl_kick_valid;
  kick_t               rx_kick, tx_kick, ctrl_kick;
  logic [QP-1:0]       rx_ring_idle, tx_ring_idle, rx_net_idle, tx_net_idle;
  logic                ctrl_ring_idle, ctrl_net_idle;
  logic                rx_error, tx_error, ctrl_error, rx_irq_valid, tx_irq_valid, ctrl_irq_valid;
  logic                rx_irq_ready, tx_irq_ready, ctrl_irq_ready, hold, rx_quiet, tx_quiet, ctrl_quiet;
  logic [15:0]         rx_irq_queue, tx_irq_queue, ctrl_irq_queue, look_queue;
  queue_position_t [2:0] position;
  logic [15:0]         rx_error_queue, tx_error_queue, ctrl_error_queue;
  /* verilator lint_off UNUSED */
  logic [127:0]        driver_features;      // for waves: what the driver accepted
  queue_error_e        rx_error_code, tx_error_code, ctrl_error_code;  // for waves: why a queue froze
  /* verilator lint_on UNUSED */

  virtio_device #(
      .QUEUE_PAIRS(QP), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE),
      .DEVICE_FEATURES(Features), .NUM_VECTORS(NUM_VECTORS), .BUG(BUG)
  ) u_device (
      .clk_i, .rst_ni, .pcie_config_i, .flr_i,
      .reg_valid_i, .reg_i, .reg_rsp_valid_o, .reg_rsp_rdata_o,
      .dev_valid_o(dev_valid), .dev_req_o(dev_req), .dev_rsp_valid_i(dev_rsp_valid), .dev_rsp_rdata_i(dev_rsp_rdata),
      .config_change_i(config_change), .config_touch_i(config_touch),
      .rx_ctx_o(rx_ctx), .tx_ctx_o(tx_ctx), .ctrl_ctx_o(ctrl_ctx),
      .features_o(features), .driver_features_o(driver_features), .driver_ok_o(driver_ok),
      .rx_kick_valid_o(rx_kick_valid), .rx_kick_o(rx_kick), .tx_kick_valid_o(tx_kick_valid), .tx_kick_o(tx_kick),
      .ctrl_kick_valid_o(ctrl_kick_valid), .ctrl_kick_o(ctrl_kick),
      .reset_o(flush_o), .dma_idle_i, .msix_idle_i, .hold_o(hold), .quiet_i(rx_quiet && tx_quiet && ctrl_quiet
          && rx_net_idle == '1 && tx_net_idle == '1 && ctrl_net_idle),
      .rx_idle_i(rx_ring_idle & rx_net_idle), .tx_idle_i(tx_ring_idle & tx_net_idle),
      .ctrl_idle_i(ctrl_ring_idle && ctrl_net_idle),
      .rx_error_valid_i(rx_error), .tx_error_valid_i(tx_error), .ctrl_error_valid_i(ctrl_error),
      .rx_irq_valid_i(rx_irq_valid), .rx_irq_ready_o(rx_irq_ready), .rx_irq_queue_i(rx_irq_queue),
      .tx_irq_valid_i(tx_irq_valid), .tx_irq_ready_o(tx_irq_ready), .tx_irq_queue_i(tx_irq_queue),
      .ctrl_irq_valid_i(ctrl_irq_valid), .ctrl_irq_ready_o(ctrl_irq_ready), .ctrl_irq_queue_i(ctrl_irq_queue),
      .msix_fire_valid_o(fire_valid_o), .msix_fire_ready_i(fire_ready_i), .msix_fire_vector_o(fire_vector_o),
      .msix_forget_o, .intx_o, .look_queue_o(look_queue), .position_i(position)
  );

  // ---- rings: one engine per direction, on one read pool with the commands, which so never wait for transmit payload
  logic        [3:0] ring_req_valid, ring_req_ready, ring_rsp_valid, ring_rsp_ready;
  dma_rd_req_t [3:0] ring_req;
  dma_rd_rsp_t       ring_rsp;

  rd_mux #(.N(4)) u_ring_mux (
      .clk_i, .rst_ni, .req_valid_i(ring_req_valid), .req_ready_o(ring_req_ready), .req_i(ring_req),
      .rsp_valid_o(ring_rsp_valid), .rsp_ready_i(ring_rsp_ready), .rsp_o(ring_rsp),
      .pool_req_valid_o(ring_req_valid_o), .pool_req_ready_i(ring_req_ready_i), .pool_req_o(ring_req_o),
      .pool_rsp_valid_i(ring_rsp_valid_i), .pool_rsp_ready_o(ring_rsp_ready_o), .pool_rsp_i(ring_rsp_i)
  );

  // Ring writes reach the request channel with all their bytes.
  logic       [2:0]              ring_op_valid, ring_op_ready, ring_data_valid, ring_data_ready;
  dma_wr_op_t [2:0]              ring_op;
  logic       [2:0][DATA_W-1:0]  ring_data;
  logic       [2:0][BYTES_W-1:0] ring_data_bytes;

  for (genvar e = 0; e < 3; e++) begin : gen_gather
    write_gather #(
        .DATA_W(DATA_W)
    ) u_gather (
        .clk_i, .rst_ni, .op_valid_i(ring_op_valid[e]), .op_ready_o(ring_op_ready[e]), .op_i(ring_op[e]),
        .data_valid_i(ring_data_valid[e]), .data_ready_o(ring_data_ready[e]), .data_i(ring_data[e]),
        .data_bytes_i(ring_data_bytes[e]),
        .op_valid_o(wr_op_valid_o[e]), .op_ready_i(wr_op_ready_i[e]), .op_o(wr_op_o[e]),
        .data_valid_o(wr_data_valid_o[e]), .data_ready_i(wr_data_ready_i[e]), .data_o(wr_data_o[e]),
        .data_bytes_o(wr_data_bytes_o[e])
    );
  end

  coalesce_t [QP-1:0]  rx_coalesce, tx_coalesce;
  logic [QP-1:0][15:0] rx_chain_count, tx_chain_count;
  logic [15:0]         ctrl_chain_count, rx_peek_index;
  logic [QW-1:0]       rx_peek_queue, tx_peek_queue, rx_seg_queue, tx_seg_queue;
  logic [QW-1:0]       rx_device_error_queue, tx_device_error_queue;
  chain_t              rx_peek_chain, tx_peek_chain, ctrl_peek_chain;
  segment_t            rx_seg, tx_seg, ctrl_seg;
  logic                rx_chain_pop, tx_chain_pop, ctrl_chain_pop, rx_seg_pop, tx_seg_pop, ctrl_seg_pop;
  logic                rx_cpl_valid, tx_cpl_valid, ctrl_cpl_valid, rx_cpl_ready, tx_cpl_ready, ctrl_cpl_ready;
  completion_t         rx_cpl, tx_cpl, ctrl_cpl;
  logic                rx_device_error, tx_device_error, ctrl_device_error;

  ring_engine #(
      .NQ(QP), .DATA_W(DATA_W), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE), .CLOCK_MHZ(CLOCK_MHZ), .IDLE_CYCLES(RxUsedIdle),
      .AGE_CYCLES(RxUsedAge), .BUG(BUG)
  ) u_ring_rx (
      .clk_i, .rst_ni, .flush_i(flush_o), .ctx_i(rx_ctx), .features_i(features), .mrrs_i(pcie_config_i.mrrs),
      .coalesce_i(rx_coalesce), .kick_valid_i(rx_kick_valid), .kick_i(rx_kick),
      .rd_req_valid_o(ring_req_valid[0]), .rd_req_ready_i(ring_req_ready[0]), .rd_req_o(ring_req[0]),
      .rd_rsp_valid_i(ring_rsp_valid[0]), .rd_rsp_ready_o(ring_rsp_ready[0]), .rd_rsp_i(ring_rsp),
      .rd_rsp_data_i(ring_rsp_data_i),
      .wr_op_valid_o(ring_op_valid[0]), .wr_op_ready_i(ring_op_ready[0]), .wr_op_o(ring_op[0]),
      .wr_data_valid_o(ring_data_valid[0]), .wr_data_ready_i(ring_data_ready[0]), .wr_data_o(ring_data[0]),
      .wr_data_bytes_o(ring_data_bytes[0]),
      .wr_done_valid_i(wr_done_valid_i[0]), .wr_done_meta_i(wr_done_meta_i[0]),
      .chain_count_o(rx_chain_count),
      .peek_queue_i(16'(rx_peek_queue)), .peek_index_i(rx_peek_index), .peek_chain_o(rx_peek_chain),
      .chain_pop_i(rx_chain_pop), .chain_pop_queue_i(16'(rx_peek_queue)),
      .seg_pop_i(rx_seg_pop), .seg_queue_i(16'(rx_seg_queue)), .seg_o(rx_seg),
      .cpl_valid_i(rx_cpl_valid), .cpl_ready_o(rx_cpl_ready), .cpl_i(rx_cpl),
      .irq_valid_o(rx_irq_valid), .irq_ready_i(rx_irq_ready), .irq_queue_o(rx_irq_queue),
      .error_valid_o(rx_error), .error_queue_o(rx_error_queue), .error_code_o(rx_error_code),
      .device_error_valid_i(rx_device_error), .device_error_queue_i(16'(rx_device_error_queue)),
      .idle_o(rx_ring_idle), .hold_i(hold), .quiet_o(rx_quiet), .look_queue_i(look_queue), .position_o(position[0])
  );

  ring_engine #(
      .NQ(QP), .DATA_W(DATA_W), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE), .CLOCK_MHZ(CLOCK_MHZ), .IDLE_CYCLES(TxUsedIdle),
      .AGE_CYCLES(TxUsedAge), .BUG(BUG)
  ) u_ring_tx (
      .clk_i, .rst_ni, .flush_i(flush_o), .ctx_i(tx_ctx), .features_i(features), .mrrs_i(pcie_config_i.mrrs),
      .coalesce_i(tx_coalesce), .kick_valid_i(tx_kick_valid), .kick_i(tx_kick),
      .rd_req_valid_o(ring_req_valid[1]), .rd_req_ready_i(ring_req_ready[1]), .rd_req_o(ring_req[1]),
      .rd_rsp_valid_i(ring_rsp_valid[1]), .rd_rsp_ready_o(ring_rsp_ready[1]), .rd_rsp_i(ring_rsp),
      .rd_rsp_data_i(ring_rsp_data_i),
      .wr_op_valid_o(ring_op_valid[1]), .wr_op_ready_i(ring_op_ready[1]), .wr_op_o(ring_op[1]),
      .wr_data_valid_o(ring_data_valid[1]), .wr_data_ready_i(ring_data_ready[1]), .wr_data_o(ring_data[1]),
      .wr_data_bytes_o(ring_data_bytes[1]),
      .wr_done_valid_i(wr_done_valid_i[1]), .wr_done_meta_i(wr_done_meta_i[1]),
      .chain_count_o(tx_chain_count),
      .peek_queue_i(16'(tx_peek_queue)), .peek_index_i(16'd0), .peek_chain_o(tx_peek_chain),
      .chain_pop_i(tx_chain_pop), .chain_pop_queue_i(16'(tx_peek_queue)),
      .seg_pop_i(tx_seg_pop), .seg_queue_i(16'(tx_seg_queue)), .seg_o(tx_seg),
      .cpl_valid_i(tx_cpl_valid), .cpl_ready_o(tx_cpl_ready), .cpl_i(tx_cpl),
      .irq_valid_o(tx_irq_valid), .irq_ready_i(tx_irq_ready), .irq_queue_o(tx_irq_queue),
      .error_valid_o(tx_error), .error_queue_o(tx_error_queue), .error_code_o(tx_error_code),
      .device_error_valid_i(tx_device_error), .device_error_queue_i(16'(tx_device_error_queue)),
      .idle_o(tx_ring_idle), .hold_i(hold), .quiet_o(tx_quiet), .look_queue_i(look_queue), .position_o(position[1])
  );

  ring_engine #(.NQ(1), .DATA_W(DATA_W), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE), .BUG(BUG)) u_ring_ctrl (
      .clk_i, .rst_ni, .flush_i(flush_o), .ctx_i(ctrl_ctx), .features_i(features), .mrrs_i(pcie_config_i.mrrs),
      .coalesce_i('0), .kick_valid_i(ctrl_kick_valid), .kick_i(ctrl_kick),
      .rd_req_valid_o(ring_req_valid[2]), .rd_req_ready_i(ring_req_ready[2]), .rd_req_o(ring_req[2]),
      .rd_rsp_valid_i(ring_rsp_valid[2]), .rd_rsp_ready_o(ring_rsp_ready[2]), .rd_rsp_i(ring_rsp),
      .rd_rsp_data_i(ring_rsp_data_i),
      .wr_op_valid_o(ring_op_valid[2]), .wr_op_ready_i(ring_op_ready[2]), .wr_op_o(ring_op[2]),
      .wr_data_valid_o(ring_data_valid[2]), .wr_data_ready_i(ring_data_ready[2]), .wr_data_o(ring_data[2]),
      .wr_data_bytes_o(ring_data_bytes[2]),
      .wr_done_valid_i(wr_done_valid_i[2]), .wr_done_meta_i(wr_done_meta_i[2]),
      .chain_count_o(ctrl_chain_count),
      .peek_queue_i(16'd0), .peek_index_i(16'd0), .peek_chain_o(ctrl_peek_chain),
      .chain_pop_i(ctrl_chain_pop), .chain_pop_queue_i(16'd0),
      .seg_pop_i(ctrl_seg_pop), .seg_queue_i(16'd0), .seg_o(ctrl_seg),
      .cpl_valid_i(ctrl_cpl_valid), .cpl_ready_o(ctrl_cpl_ready), .cpl_i(ctrl_cpl),
      .irq_valid_o(ctrl_irq_valid), .irq_ready_i(ctrl_irq_ready), .irq_queue_o(ctrl_irq_queue),
      .error_valid_o(ctrl_error), .error_queue_o(ctrl_error_queue), .error_code_o(ctrl_error_code),
      .device_error_valid_i(ctrl_device_error), .device_error_queue_i(16'd0),
      .idle_o(ctrl_ring_idle), .hold_i(hold), .quiet_o(ctrl_quiet), .look_queue_i(look_queue), .position_o(position[2])
  );

  // ---- which queues serve frames
  logic [QP-1:0] rx_run, tx_run, rx_enable, tx_enable;
  logic          ctrl_run;
  logic          ctrl_enable_unused;

  queue_gate #(.NQ(QP), .BUG(BUG)) u_rx_gate (
      .clk_i, .rst_ni, .ctx_i(rx_ctx), .ring_error_i(rx_error), .ring_error_queue_i(rx_error_queue),
      .device_error_i(rx_device_error), .device_error_queue_i(rx_device_error_queue), .run_o(rx_run),
      .enable_o(rx_enable)
  );
  queue_gate #(.NQ(QP), .BUG(BUG)) u_tx_gate (
      .clk_i, .rst_ni, .ctx_i(tx_ctx), .ring_error_i(tx_error), .ring_error_queue_i(tx_error_queue),
      .device_error_i(tx_device_error), .device_error_queue_i(tx_device_error_queue), .run_o(tx_run),
      .enable_o(tx_enable)
  );
  queue_gate #(.NQ(1)) u_ctrl_gate (
      .clk_i, .rst_ni, .ctx_i(ctrl_ctx), .ring_error_i(ctrl_error), .ring_error_queue_i(ctrl_error_queue),
      .device_error_i(ctrl_device_error), .device_error_queue_i(1'b0), .run_o(ctrl_run), .enable_o(ctrl_enable_unused)
  );

  // ---- network engines
  rx_mode_t                      mode;
  logic [2*MacEntries-1:0][47:0] mac_table;
  logic [2*MacEntries-1:0]       mac_table_valid;
  vlan_update_t                  vlan_update;

  net_tx #(.DATA_W(DATA_W), .NQ(QP), .BUG(BUG)) u_tx (
      .clk_i, .rst_ni, .mrrs_i(pcie_config_i.mrrs), .flush_i(flush_o), .run_i(tx_run), .idle_o(tx_net_idle),
      .chain_count_i(tx_chain_count), .peek_queue_o(tx_peek_queue), .chain_pop_o(tx_chain_pop),
      .peek_chain_i(tx_peek_chain), .seg_pop_o(tx_seg_pop), .seg_queue_o(tx_seg_queue), .seg_i(tx_seg),
      .cpl_valid_o(tx_cpl_valid), .cpl_ready_i(tx_cpl_ready), .cpl_o(tx_cpl),
      .device_error_valid_o(tx_device_error), .device_error_queue_o(tx_device_error_queue), .drop_o(payload_drop_o),
      .req_valid_o(payload_req_valid_o), .req_ready_i(payload_req_ready_i), .req_o(payload_req_o),
      .rsp_valid_i(payload_rsp_valid_i), .rsp_ready_o(payload_rsp_ready_o), .rsp_i(payload_rsp_i),
      .rsp_data_i(payload_rsp_data_i), .streams_i(payload_streams_i), .tlast_o(tx_tlast_o), .tqueue_o(tx_queue_o),
      .terror_o(tx_error_o), .tvalid_o(tx_tvalid_o), .tready_i(tx_tready_i), .tdata_o(tx_tdata_o), .tkeep_o(tx_tkeep_o)
  );

  net_rx #(
      .DATA_W(DATA_W), .NQ(QP), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE), .MAX_FRAME_BYTES(MAX_FRAME_BYTES),
      .MTU(MTU), .RX_WAIT_CYCLES(RX_WAIT_CYCLES), .BUG(BUG)
  ) u_rx (
      .clk_i, .rst_ni, .active_i(driver_ok), .features_i(features), .mode_i(mode), .table_i(mac_table),
      .table_valid_i(mac_table_valid), .vlan_update_i(vlan_update), .run_i(rx_run), .idle_o(rx_net_idle), .hold_i(hold),
      .chain_count_i(rx_chain_count), .peek_queue_o(rx_peek_queue), .peek_index_o(rx_peek_index),
      .peek_chain_i(rx_peek_chain), .chain_pop_o(rx_chain_pop),
      .seg_pop_o(rx_seg_pop), .seg_queue_o(rx_seg_queue), .seg_i(rx_seg),
      .cpl_valid_o(rx_cpl_valid), .cpl_ready_i(rx_cpl_ready), .cpl_o(rx_cpl),
      .device_error_valid_o(rx_device_error), .device_error_queue_o(rx_device_error_queue),
      .op_valid_o(wr_op_valid_o[3]), .op_ready_i(wr_op_ready_i[3]), .op_o(wr_op_o[3]),
      .data_valid_o(wr_data_valid_o[3]), .data_ready_i(wr_data_ready_i[3]), .data_o(wr_data_o[3]),
      .data_bytes_o(wr_data_bytes_o[3]), .op_done_i(wr_done_valid_i[3]),
      .tdata_i(rx_tdata_i), .tkeep_i(rx_tkeep_i), .tvalid_i(rx_tvalid_i), .tready_o(rx_tready_o),
      .tlast_i(rx_tlast_i), .tflow_i(rx_flow_i), .drop_o(rx_drop_o), .drop_reason_o(rx_drop_reason_o)
  );

  net_ctrl #(.DATA_W(DATA_W), .QUEUE_PAIRS(QP), .MAC(MAC), .BUG(BUG)) u_ctrl (
      .clk_i, .rst_ni, .active_i(driver_ok), .features_i(features), .flush_i(flush_o), .run_i(ctrl_run),
      .idle_o(ctrl_net_idle), .rx_enable_i(rx_enable), .tx_enable_i(tx_enable),
      .chain_count_i(ctrl_chain_count), .chain_pop_o(ctrl_chain_pop), .peek_chain_i(ctrl_peek_chain),
      .seg_pop_o(ctrl_seg_pop), .seg_i(ctrl_seg), .cpl_valid_o(ctrl_cpl_valid), .cpl_ready_i(ctrl_cpl_ready),
      .cpl_o(ctrl_cpl), .device_error_valid_o(ctrl_device_error),
      .req_valid_o(ring_req_valid[3]), .req_ready_i(ring_req_ready[3]), .req_o(ring_req[3]),
      .rsp_valid_i(ring_rsp_valid[3]), .rsp_ready_o(ring_rsp_ready[3]), .rsp_i(ring_rsp), .rsp_data_i(ring_rsp_data_i),
      .op_valid_o(wr_op_valid_o[4]), .op_ready_i(wr_op_ready_i[4]), .op_o(wr_op_o[4]),
      .data_valid_o(wr_data_valid_o[4]), .data_ready_i(wr_data_ready_i[4]), .data_o(wr_data_o[4]),
      .data_bytes_o(wr_data_bytes_o[4]), .op_done_i(wr_done_valid_i[4]),
      .mode_o(mode), .table_o(mac_table), .table_valid_o(mac_table_valid), .vlan_update_o(vlan_update),
      .rx_coalesce_o(rx_coalesce), .tx_coalesce_o(tx_coalesce)
  );

  net_config #(.QUEUE_PAIRS(QP), .MTU(MTU), .BUG(BUG)) u_config (
      .clk_i, .rst_ni, .req_valid_i(dev_valid), .req_i(dev_req), .rsp_valid_o(dev_rsp_valid),
      .rsp_rdata_o(dev_rsp_rdata), .mac_i(mode.mac), .status_i(features.net_status), .link_up_i, .hold_i(hold),
      .config_change_o(config_change), .config_touch_o(config_touch)
  );

endmodule
