// The virtio transport of one function: registers behind BAR0, device status, queues, kicks and notifications.
module virtio_device
  import bug_pkg::*;
  import ringside_pkg::*;
#(
  /// Queue pairs of the device type; queues are 2*QUEUE_PAIRS + 1 (control).
  parameter int unsigned QUEUE_PAIRS = 4,
  /// Largest queue size offered (power of two).
  parameter int unsigned MAX_QUEUE_SIZE = 256,
  /// Offered feature bits.
  parameter logic [127:0] DEVICE_FEATURES = '0,
  /// Size of the MSI-X table.
  parameter int unsigned NUM_VECTORS = 10,
  /// Planted bug: 15, 16, 18, 22 in the leaves; 19: config_generation never changes; 23: queues survive a reset.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input  logic                          clk_i,
  /// Synchronous reset, active low.
  input  logic                          rst_ni,
  /// What configuration space says.
  input  pcie_config_t                  pcie_config_i,
  /// Function level reset (pulse).
  input  logic                          flr_i,

  // BAR0 register bus.
  /// Register access, held until the response.
  input  logic                          reg_valid_i,
  /// The access.
  input  reg_req_t                      reg_i,
  /// Response.
  output logic                          reg_rsp_valid_o,
  /// Data read.
  output logic [31:0]                   reg_rsp_rdata_o,

  // Device configuration (0x2000..), forwarded.
  /// Access to device configuration, held until the response.
  output logic                          dev_valid_o,
  /// The access, address still 0x2000 and up.
  output reg_req_t                      dev_req_o,
  /// Response.
  input  logic                          dev_rsp_valid_i,
  /// Data read.
  input  logic [31:0]                   dev_rsp_rdata_i,
  /// Device configuration changed and the driver is to hear of it (pulse).
  input  logic                          config_change_i,
  /// Device configuration reads otherwise from this cycle on, whoever changed it (pulse).
  input  logic                          config_touch_i,

  // Queue contexts per engine, accepted features, run state.
  /// Receive queues.
  output queue_ctx_t [QUEUE_PAIRS-1:0]  rx_ctx_o,
  /// Transmit queues.
  output queue_ctx_t [QUEUE_PAIRS-1:0]  tx_ctx_o,
  /// Control queue.
  output queue_ctx_t                    ctrl_ctx_o,
  /// The accepted features that engines ask for.
  output features_t                     features_o,
  /// All accepted features, zero until FEATURES_OK.
  output logic [127:0]                  driver_features_o,
  /// DRIVER_OK with FEATURES_OK, suspended or not, no reset running.
  output logic                          driver_ok_o,

  // Kicks, `queue` local to the engine.
  /// Kick of a receive queue.
  output logic                          rx_kick_valid_o,
  /// The kick.
  output kick_t                         rx_kick_o,
  /// Kick of a transmit queue.
  output logic                          tx_kick_valid_o,
  /// The kick.
  output kick_t                         tx_kick_o,
  /// Kick of the control queue.
  output logic                          ctrl_kick_valid_o,
  /// The kick.
  output kick_t                         ctrl_kick_o,

  // Reset, suspension and drain.
  /// A device reset runs: flush.
  output logic                          reset_o,
  /// A suspension: begin nothing new.
  output logic                          hold_o,
  /// Held back, the engines have nothing in flight and nothing due.
  input  logic                          quiet_i,
  /// Receive queue quiet: ring engine and device type.
  input  logic [QUEUE_PAIRS-1:0]        rx_idle_i,
  /// Transmit queue quiet.
  input  logic [QUEUE_PAIRS-1:0]        tx_idle_i,
  /// Control queue quiet.
  input  logic                          ctrl_idle_i,
  /// The whole requester is quiet.
  input  logic                          dma_idle_i,
  /// No interrupt message is under way.
  input  logic                          msix_idle_i,

  // A queue froze.
  /// A receive queue froze.
  input  logic                          rx_error_valid_i,
  /// A transmit queue froze.
  input  logic                          tx_error_valid_i,
  /// The control queue froze.
  input  logic                          ctrl_error_valid_i,

  // Positions of the queue looked at; queue local to the engine, the control engine has one.
  /// The queue.
  output logic [15:0]                   look_queue_o,
  /// How far it is, by each engine.
  input  queue_position_t [2:0]         position_i,

  // Used buffer notifications, `queue` local to the engine.
  /// Receive queue: used buffer notification.
  input  logic                          rx_irq_valid_i,
  /// Taken.
  output logic                          rx_irq_ready_o,
  /// Its queue.
  input  logic [15:0]                   rx_irq_queue_i,
  /// Transmit queue: used buffer notification.
  input  logic                          tx_irq_valid_i,
  /// Taken.
  output logic                          tx_irq_ready_o,
  /// Its queue.
  input  logic [15:0]                   tx_irq_queue_i,
  /// Control queue: used buffer notification.
  input  logic                          ctrl_irq_valid_i,
  /// Taken.
  output logic                          ctrl_irq_ready_o,
  /// Its queue.
  input  logic [15:0]                   ctrl_irq_queue_i,

  // To the interrupt sources of the function.
  /// Send this vector.
  output logic                          msix_fire_valid_o,
  /// Taken.
  input  logic                          msix_fire_ready_i,
  /// The vector.
  output logic [10:0]                   msix_fire_vector_o,
  /// Vectors whose pending interrupts are void: those of queues just reset that nobody else uses.
  output logic [NUM_VECTORS-1:0]        msix_forget_o,
  /// INTx level.
  output logic                          intx_o
);

  // Records are carried whole; these parts belong to other blocks.
  logic unused;
  assign unused = &{1'b0, pcie_config_i, rx_irq_queue_i[15], tx_irq_queue_i[15], ctrl_irq_queue_i};

  localparam int unsigned Queues   = 2 * QUEUE_PAIRS + 1;
  localparam int unsigned CtrlFull = 2 * QUEUE_PAIRS;    // control queue with MQ
  localparam int unsigned CtrlOne  = 2;                  // control queue without MQ

  // ---------------------------------------------------------------------------------------------------------------
  // Register bus: regions by address bits 15:12. Everything but device configuration answers in the next cycle.
  // ---------------------------------------------------------------------------------------------------------------
  logic        rsp_valid_q;
  logic [31:0] rsp_rdata_q, common_rdata, checkpoint_rdata;
  logic        is_common, is_isr, is_device, is_notify, is_checkpoint, access, checkpoint_rsp;
  logic [7:0]  isr_value;

  assign is_common = reg_i.addr[15:6] == 10'h000;
  assign is_isr    = reg_i.addr[15:2] == 14'h0400;
  assign is_device = reg_i.addr[15:12] == 4'h2;
  assign is_notify = reg_i.addr[15:12] == 4'h3;
  assign is_checkpoint = reg_i.addr[15:12] == 4'h4;
  assign access    = reg_valid_i && !rsp_valid_q && !is_device && !is_checkpoint;

  assign dev_valid_o = reg_valid_i && is_device;
  assign dev_req_o   = reg_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rsp_valid_q <= 1'b0;
      rsp_rdata_q <= '0;
    end else begin
      rsp_valid_q <= access;
      if (access) rsp_rdata_q <= is_common ? common_rdata : is_isr ? {24'd0, isr_value} : 32'd0;
    end
  end
  assign reg_rsp_valid_o = rsp_valid_q || (dev_valid_o && dev_rsp_valid_i) || checkpoint_rsp;
  assign reg_rsp_rdata_o = rsp_valid_q ? rsp_rdata_q : checkpoint_rsp ? checkpoint_rdata : dev_rsp_rdata_i;

  // ---------------------------------------------------------------------------------------------------------------
  // Common configuration
  // ---------------------------------------------------------------------------------------------------------------
  logic [31:0]      device_select, device_feature, driver_select, driver_feature, field;
  logic [15:0]      config_vector_q, queue_select_q;
  logic [7:0]       status, generation_q;
  logic [15:0]      q_size, q_vector, q_notify_off, q_kick_value;
  logic             q_enable, q_reset;
  logic [5:0][31:0] q_addr;
  logic device_select_we, driver_select_we, driver_feature_we, config_vector_we, status_we, queue_select_we;
  logic size_we, vector_we, enable_we, reset_we;
  logic [5:0]       addr_we;

  common_config u_common (
    .access_i(access && is_common), .write_i(reg_i.write), .dword_i(reg_i.addr[5:2]), .be_i(reg_i.be),
    .wdata_i(reg_i.wdata), .rdata_o(common_rdata),
    .device_select_i(device_select), .device_feature_i(device_feature),
    .driver_select_i(driver_select), .driver_feature_i(driver_feature),
    .config_vector_i(config_vector_q), .num_queues_i(16'(Queues)), .status_i(status), .generation_i(generation_q),
    .queue_select_i(queue_select_q), .size_i(q_size), .vector_i(q_vector), .enable_i(q_enable),
    .notify_off_i(q_notify_off), .addr_i(q_addr), .reset_i(q_reset), .kick_value_i(q_kick_value),
    .device_select_we_o(device_select_we), .driver_select_we_o(driver_select_we),
    .driver_feature_we_o(driver_feature_we), .config_vector_we_o(config_vector_we), .status_we_o(status_we),
    .queue_select_we_o(queue_select_we), .size_we_o(size_we), .vector_we_o(vector_we), .enable_we_o(enable_we),
    .reset_we_o(reset_we), .addr_we_o(addr_we), .field_o(field)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // Status, features, queues
  // ---------------------------------------------------------------------------------------------------------------
  logic reset_active, clear, features_ok, features_legal, needs_reset_event, drained, irq_idle, writable;
  logic [127:0] accepted;
  logic [Queues-1:0] present, idle_queue, free_queue;
  queue_ctx_t [Queues-1:0] table_ctx, ctx;
  logic [Queues-1:0][15:0] vectors;
  logic [Queues-1:0] finished;

  assign writable = !reset_active && !hold_o;             // in a reset or suspension all writes but the status are lost

  device_status #(.BUG(BUG)) u_status (
    .clk_i, .rst_ni, .we_i(status_we), .wdata_i(field[7:0]), .flr_i,
    .features_legal_i(features_legal),
    .error_i(rx_error_valid_i || tx_error_valid_i || ctrl_error_valid_i),
    .suspend_i(accepted[43]), .quiet_i(quiet_i && dma_idle_i && irq_idle), .hold_o,
    .drained_i(drained), .status_o(status), .reset_o(reset_active), .clear_o(clear),
    .features_ok_o(features_ok), .driver_ok_o, .needs_reset_event_o(needs_reset_event)
  );
  assign reset_o = reset_active;
  assign drained = planted(BUG, 23) || ((&rx_idle_i) && (&tx_idle_i) && ctrl_idle_i && dma_idle_i && irq_idle);

  features #(.DEVICE_FEATURES(DEVICE_FEATURES)) u_features (
    .clk_i, .rst_ni, .clear_i(clear), .frozen_i(features_ok),
    .device_select_we_i(device_select_we && writable), .driver_select_we_i(driver_select_we && writable),
    .driver_feature_we_i(driver_feature_we && writable), .wdata_i(field),
    .device_select_o(device_select), .device_feature_o(device_feature),
    .driver_select_o(driver_select), .driver_feature_o(driver_feature),
    .legal_o(features_legal), .accepted_o(accepted), .features_o
  );
  assign driver_features_o = accepted;

  // Until features are accepted every queue shows; then those the negotiated set does not have are absent.
  for (genvar q = 0; q < Queues; q++) begin : g_present
    logic negotiated;
    always_comb begin
      negotiated = features_o.mq;
      if (q < 2)         negotiated = 1'b1;
      if (q == CtrlOne)  negotiated = features_o.mq || features_o.ctrl_vq;
      if (q == CtrlFull) negotiated = features_o.ctrl_vq && (features_o.mq || q == CtrlOne);
    end
    assign present[q] = !features_ok || negotiated;
  end

  queue_table #(.QUEUES(Queues), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE), .NUM_VECTORS(NUM_VECTORS), .BUG(BUG)) u_queues (
    .clk_i, .rst_ni, .clear_i(clear), .features_ok_i(features_ok), .ring_reset_i(accepted[40]), .packed_i(accepted[34]),
    .present_i(present),
    .select_i(queue_select_q), .size_we_i(size_we && writable), .vector_we_i(vector_we && writable),
    .enable_we_i(enable_we && writable), .reset_we_i(reset_we && writable), .addr_we_i(writable ? addr_we : '0),
    .wdata_i(field), .size_o(q_size), .vector_o(q_vector), .enable_o(q_enable), .reset_o(q_reset),
    .notify_off_o(q_notify_off), .addr_o(q_addr), .ctx_o(table_ctx), .vectors_o(vectors), .finished_o(finished),
    .free_o(free_queue), .idle_i(idle_queue)
  );

  logic [Queues-1:0] renewed;
  logic [15:0]       look, ctrl_index;
  logic              look_ctrl;
  assign ctrl_index   = features_o.mq ? 16'(CtrlFull) : 16'(CtrlOne);
  assign renewed      = {Queues{clear}} | finished
                        | ((size_we && writable) ? free_queue & (Queues'(1) << queue_select_q) : '0);
  assign look_queue_o = {1'b0, look[15:1]};
  assign look_ctrl    = features_o.ctrl_vq && look == ctrl_index;

  checkpoint #(.QUEUES(Queues), .BUG(BUG)) u_checkpoint (
    .clk_i, .rst_ni, .valid_i(reg_valid_i && is_checkpoint), .req_i(reg_i), .rsp_valid_o(checkpoint_rsp),
    .rsp_rdata_o(checkpoint_rdata), .writable_i(writable && features_ok), .packed_i(features_o.ring_packed),
    .present_i(present), .free_i(free_queue), .clear_i(renewed), .ctx_i(table_ctx), .ctx_o(ctx), .look_queue_o(look),
    .position_i(look_ctrl ? position_i[2] : look[0] ? position_i[1] : position_i[0])
  );

  // An absent queue has size 0.
  assign q_kick_value = (features_o.notif_config_data && q_size != '0) ? kick_value(q_notify_off) : '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear) begin
      config_vector_q <= planted(BUG, 15) ? 16'h0000 : 16'hffff;
      queue_select_q  <= '0;
    end else if (writable) begin
      if (config_vector_we) config_vector_q <= ({16'd0, field[15:0]} < NUM_VECTORS) ? field[15:0] : 16'hffff;
      if (queue_select_we)  queue_select_q  <= field[15:0];
    end
  end

  // config_generation moves when a changed configuration is next read, so any number of changes between two reads shows.
  logic changed_q, config_read;
  assign config_read = dev_valid_o && dev_rsp_valid_i && !reg_i.write;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      changed_q    <= 1'b0;
      generation_q <= '0;
    end else begin
      changed_q <= (changed_q || config_touch_i) && !config_read;
      if (config_read && (changed_q || config_touch_i) && !planted(BUG, 19)) generation_q <= generation_q + 8'd1;
    end
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Queue index <-> engine. The control queue stands behind the last pair that the negotiated features allow.
  // ---------------------------------------------------------------------------------------------------------------
  logic [Queues-1:0] running, ever_ran_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) ever_ran_q <= '0;
    else         ever_ran_q <= ever_ran_q | running;
  end
  for (genvar q = 0; q < Queues; q++) begin : g_running
    assign running[q] = (ctx[q].enable && driver_ok_o) || (planted(BUG, 23) && ever_ran_q[q]);
  end

  for (genvar p = 0; p < QUEUE_PAIRS; p++) begin : g_pair
    logic exists;
    assign exists = p == 0 || features_o.mq;
    always_comb begin
      rx_ctx_o[p]        = ctx[2*p];
      rx_ctx_o[p].enable = running[2*p] && exists;
      tx_ctx_o[p]        = ctx[2*p+1];
      tx_ctx_o[p].enable = running[2*p+1] && exists;
    end
  end
  always_comb begin
    ctrl_ctx_o        = features_o.mq ? ctx[CtrlFull] : ctx[CtrlOne];
    ctrl_ctx_o.enable = features_o.ctrl_vq && (features_o.mq ? running[CtrlFull] : running[CtrlOne]);
  end
  for (genvar q = 0; q < Queues; q++) begin : g_idle
    localparam int unsigned Pair = (q / 2 < QUEUE_PAIRS) ? q / 2 : 0;      // of the control queue: not looked at
    always_comb begin
      idle_queue[q] = (q % 2 == 0) ? rx_idle_i[Pair] : tx_idle_i[Pair];
      if (q == CtrlFull || (q == CtrlOne && !features_o.mq)) idle_queue[q] = ctrl_idle_i;
      // An interrupt of the queue may still stand before the request channel: its reset waits for it.
      if (!msix_idle_i) idle_queue[q] = 1'b0;
    end
  end

  // Kicks
  logic  kick_valid, to_ctrl;
  kick_t kick, local_kick;
  notify #(.QUEUES(Queues), .BUG(BUG)) u_notify (
    .write_i(access && is_notify && reg_i.write), .single_i(reg_i.single), .dword_i(reg_i.addr[11:2]), .be_i(reg_i.be),
    .wdata_i(reg_i.wdata), .notification_data_i(features_o.notification_data),
    .notif_config_data_i(features_o.notif_config_data), .running_i(running),
    .kick_valid_o(kick_valid), .kick_o(kick)
  );
  assign to_ctrl = features_o.ctrl_vq && kick.queue == ctrl_index;
  always_comb begin
    local_kick        = kick;
    local_kick.queue  = to_ctrl ? 16'd0 : {1'b0, kick.queue[15:1]};
    rx_kick_o         = local_kick;
    tx_kick_o         = local_kick;
    ctrl_kick_o       = local_kick;
    ctrl_kick_valid_o = kick_valid && to_ctrl;
    rx_kick_valid_o   = kick_valid && !to_ctrl && !kick.queue[0];
    tx_kick_valid_o   = kick_valid && !to_ctrl && kick.queue[0];
  end

  // ---------------------------------------------------------------------------------------------------------------
  // Notifications to the driver
  // ---------------------------------------------------------------------------------------------------------------
  logic       config_event, isr_queue_event;
  logic [2:0] irq_ready;
  assign config_event = (config_change_i && driver_ok_o) || needs_reset_event;
  assign {ctrl_irq_ready_o, tx_irq_ready_o, rx_irq_ready_o} = irq_ready;

  interrupt #(.QUEUES(Queues), .NUM_VECTORS(NUM_VECTORS), .BUG(BUG)) u_interrupt (
    .clk_i, .rst_ni, .clear_i(clear), .msix_enable_i(pcie_config_i.msix_enable), .vectors_i(vectors),
    .finished_i(finished), .forget_o(msix_forget_o),
    .config_vector_i(config_vector_q),
    .irq_valid_i({ctrl_irq_valid_i, tx_irq_valid_i, rx_irq_valid_i}), .irq_ready_o(irq_ready),
    .irq_queue_i({ctrl_index, {tx_irq_queue_i[14:0], 1'b1}, {rx_irq_queue_i[14:0], 1'b0}}),
    .config_event_i(config_event), .fire_valid_o(msix_fire_valid_o), .fire_ready_i(msix_fire_ready_i),
    .fire_vector_o(msix_fire_vector_o), .isr_queue_event_o(isr_queue_event), .idle_o(irq_idle)
  );

  isr u_isr (
    .clk_i, .rst_ni, .clear_i(clear), .msix_enable_i(pcie_config_i.msix_enable), .queue_event_i(isr_queue_event),
    .config_event_i(config_event), .read_i(access && is_isr && !reg_i.write && reg_i.be[0]),
    .value_o(isr_value), .intx_o
  );

  if (BUG == 0) begin : g_check
    always_ff @(posedge clk_i) if (rst_ni) no_queue_runs_in_reset : assert (!reset_active || running == '0);
    always_ff @(posedge clk_i) if (rst_ni) no_queue_runs_before_driver_ok : assert (driver_ok_o || running == '0);
    always_ff @(posedge clk_i) if (rst_ni) no_kick_for_a_queue_at_rest : assert (!kick_valid || running != '0);
  end

endmodule
