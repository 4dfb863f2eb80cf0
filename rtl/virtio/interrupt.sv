// Notifications to the driver: used buffers of three engines and configuration changes, to a vector or to the ISR.
module interrupt
  import bug_pkg::*;
  import ringside_pkg::*;
#(
  /// Number of queues.
  parameter int unsigned QUEUES = 9,
  /// Size of the MSI-X table.
  parameter int unsigned NUM_VECTORS = 10,
  /// Planted bug; 16: the vector of the next queue is used.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input  logic                    clk_i,
  /// Synchronous reset, active low.
  input  logic                    rst_ni,
  /// Device reset: to defaults.
  input  logic                    clear_i,
  /// MSI-X is enabled.
  input  logic                    msix_enable_i,
  /// Vector of every queue.
  input  logic [QUEUES-1:0][15:0] vectors_i,
  /// A reset of the queue is over.
  input  logic [QUEUES-1:0]       finished_i,
  /// Vectors whose pending bit is void.
  output logic [NUM_VECTORS-1:0]  forget_o,
  /// Vector of configuration changes.
  input  logic [15:0]             config_vector_i,
  /// Used buffer notifications: receive, transmit, control; queue = global index.
  input  logic [2:0]              irq_valid_i,
  /// Taken.
  output logic [2:0]              irq_ready_o,
  /// Their queues.
  input  logic [2:0][15:0]        irq_queue_i,
  /// A configuration change to notify (pulse; coalesced until sent).
  input  logic                    config_event_i,
  /// MSI-X: send this vector.
  output logic                    fire_valid_o,
  /// Taken.
  input  logic                    fire_ready_i,
  /// The vector.
  output logic [10:0]             fire_vector_o,
  /// Sets ISR bit 0.
  output logic                    isr_queue_event_o,
  /// Nothing waits to be sent.
  output logic                    idle_o
);

  localparam logic [15:0] NoVector = 16'hffff;
  localparam int unsigned IdxW = $clog2(QUEUES);

  logic config_pending_q;
  logic [3:0]  request, unused_grant;
  logic [1:0]  index;
  logic        valid, taken;
  logic [15:0] vector;
  logic [IdxW-1:0] irq_index;

  // With MSI-X off the ISR bit (set at the event) is the whole notification of a configuration change.
  assign request = {config_pending_q && msix_enable_i, irq_valid_i};

  rr_arbiter #(.N(4)) u_arbiter (
    .clk_i, .rst_ni,
    .req_i(request), .advance_i(taken),
    .grant_o(unused_grant), .index_o(index), .valid_o(valid)
  );

  always_comb begin
    irq_index = '0;
    for (int unsigned e = 0; e < 3; e++) begin
      if (index == 2'(e)) irq_index = irq_queue_i[e][IdxW-1:0];
    end
    if (planted(BUG, 16)) irq_index = (32'(irq_index) == QUEUES - 1) ? '0 : irq_index + 1'b1;
  end

  assign vector        = (index == 2'd3) ? config_vector_i : vectors_i[irq_index];
  assign fire_valid_o  = valid && msix_enable_i && vector != NoVector;
  assign fire_vector_o = vector[10:0];
  assign taken         = valid && (fire_ready_i || !fire_valid_o);

  always_comb begin
    irq_ready_o = '0;
    for (int unsigned e = 0; e < 3; e++) irq_ready_o[e] = taken && index == 2'(e);
  end
  assign isr_queue_event_o = taken && index != 2'd3 && !msix_enable_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i)              config_pending_q <= 1'b0;
    else if (config_event_i)             config_pending_q <= 1'b1;
    else if (taken && index == 2'd3)     config_pending_q <= 1'b0;
    else if (!msix_enable_i)             config_pending_q <= 1'b0;
  end

  // A masked interrupt of a queue that was reset must not come out later, unless another user of the vector may be meant.
  always_comb begin
    forget_o = '0;
    if (finished_i != '0) begin
      for (int unsigned v = 0; v < NUM_VECTORS; v++) begin
        for (int unsigned q = 0; q < QUEUES; q++) if (finished_i[q] && vectors_i[q] == 16'(v)) forget_o[v] = 1'b1;
        for (int unsigned q = 0; q < QUEUES; q++) if (!finished_i[q] && vectors_i[q] == 16'(v)) forget_o[v] = 1'b0;
        if (config_vector_i == 16'(v)) forget_o[v] = 1'b0;
      end
    end
  end

  assign idle_o = !config_pending_q && irq_valid_i == '0;

endmodule
