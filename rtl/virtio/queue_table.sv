// Registers of every queue, selected by queue_select: size, vector, enable, reset with drain, addresses.
module queue_table
  import bug_pkg::*;
  import ringside_pkg::*;
#(
  /// Number of queues.
  parameter int unsigned QUEUES = 9,
  /// Largest queue size offered (power of two).
  parameter int unsigned MAX_QUEUE_SIZE = 256,
  /// Size of the MSI-X table.
  parameter int unsigned NUM_VECTORS = 10,
  /// Planted bug; 15: vectors are 0 after reset.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input  logic                          clk_i,
  /// Synchronous reset, active low.
  input  logic                          rst_ni,
  /// Device reset: everything to defaults.
  input  logic                          clear_i,
  /// FEATURES_OK: queues may be enabled.
  input  logic                          features_ok_i,
  /// RING_RESET was negotiated.
  input  logic                          ring_reset_i,
  /// RING_PACKED was negotiated: sizes need not be powers of two.
  input  logic                          packed_i,
  /// Queues that exist under the negotiated features; others read as absent.
  input  logic [QUEUES-1:0]             present_i,
  /// Selected queue.
  input  logic [15:0]                   select_i,
  /// Field write strobes.
  input  logic                          size_we_i,
  /// queue_msix_vector is written.
  input  logic                          vector_we_i,
  /// queue_enable is written.
  input  logic                          enable_we_i,
  /// queue_reset is written.
  input  logic                          reset_we_i,
  /// One strobe per dword: desc lo, hi, driver lo, hi, device lo, hi.
  input  logic [5:0]                    addr_we_i,
  /// The written value, moved to bit 0.
  input  logic [31:0]                   wdata_i,
  /// Read values of the selected queue (zero for an absent one).
  output logic [15:0]                   size_o,
  /// queue_msix_vector.
  output logic [15:0]                   vector_o,
  /// queue_enable.
  output logic                          enable_o,
  /// queue_reset.
  output logic                          reset_o,
  /// queue_notify_off.
  output logic [15:0]                   notify_off_o,
  /// queue_desc, queue_driver, queue_device, low dword first.
  output logic [5:0][31:0]              addr_o,
  /// Contexts; `enable` is the register and no queue reset running (the caller adds DRIVER_OK).
  output queue_ctx_t [QUEUES-1:0]       ctx_o,
  /// Vector of every queue.
  output logic [QUEUES-1:0][15:0]       vectors_o,
  /// Neither enabled nor being reset.
  output logic [QUEUES-1:0]             free_o,
  /// One cycle at the end of a queue reset.
  output logic [QUEUES-1:0]             finished_o,
  /// Nothing of that queue is in flight (meaningful while its context is disabled).
  input  logic [QUEUES-1:0]             idle_i
);

  localparam logic [15:0] NoVector    = 16'hffff;
  localparam logic [2:0]  SettleCycles = 3'd4;      // idle becomes meaningful this long after enable fell

  logic [QUEUES-1:0]            enable_q, resetting_q;
  logic [QUEUES-1:0][15:0]      size_q, vector_q;
  logic [QUEUES-1:0][5:0][31:0] addr_q;
  logic [QUEUES-1:0][2:0]       settle_q;

  logic [15:0] value;
  logic        size_legal, vector_legal;
  assign value        = wdata_i[15:0];
  assign size_legal   = value != '0 && (packed_i || (value & (value - 16'd1)) == '0)
                        && {16'd0, value} <= MAX_QUEUE_SIZE;
  assign vector_legal = {16'd0, value} < NUM_VECTORS;

  logic written;
  assign written = size_we_i || vector_we_i || enable_we_i || reset_we_i || addr_we_i != '0;

  for (genvar q = 0; q < QUEUES; q++) begin : g_queue
    logic sel, quiet, finished;
    assign sel      = select_i == 16'(q) && present_i[q];
    assign quiet    = !enable_q[q] && !resetting_q[q];
    assign finished = resetting_q[q] && settle_q[q] == '0 && idle_i[q];
    assign finished_o[q] = finished;
    assign free_o[q]     = quiet;

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i || finished) begin
        enable_q[q]    <= 1'b0;
        resetting_q[q] <= 1'b0;
        settle_q[q]    <= '0;
        size_q[q]      <= 16'(MAX_QUEUE_SIZE);
        vector_q[q]    <= planted(BUG, 15) ? 16'h0000 : NoVector;
        addr_q[q]      <= '0;
      end else begin
        if (settle_q[q] != '0) settle_q[q] <= settle_q[q] - 3'd1;
        if (written && sel) begin
          if (size_we_i && quiet && size_legal) size_q[q] <= value;
          if (vector_we_i) vector_q[q] <= vector_legal ? value : NoVector;
          if (enable_we_i && quiet && features_ok_i && value == 16'd1) enable_q[q] <= 1'b1;
          if (reset_we_i && ring_reset_i && enable_q[q] && !resetting_q[q] && value == 16'd1) begin
            resetting_q[q] <= 1'b1;
            settle_q[q]    <= SettleCycles;
          end
          for (int unsigned i = 0; i < 6; i++) begin
            if (addr_we_i[i] && quiet) addr_q[q][i] <= wdata_i;
          end
        end
      end
    end

    always_comb begin
      ctx_o[q]        = '0;                  // where it begins is added by `checkpoint`
      ctx_o[q].enable = enable_q[q] && !resetting_q[q];
      ctx_o[q].size   = size_q[q];
      // Alignment is the driver's duty (16, 2, 4); what it left over is not ours to carry further.
      ctx_o[q].desc   = {addr_q[q][1], addr_q[q][0][31:4], 4'd0};
      ctx_o[q].driver = {addr_q[q][3], addr_q[q][2][31:1], 1'b0};
      ctx_o[q].device = {addr_q[q][5], addr_q[q][4][31:2], 2'b0};
    end
  end

  assign vectors_o = vector_q;

  always_comb begin
    size_o       = '0;
    vector_o     = NoVector;
    enable_o     = 1'b0;
    reset_o      = 1'b0;
    notify_off_o = '0;
    addr_o       = '0;
    for (int unsigned q = 0; q < QUEUES; q++) begin
      if (select_i == 16'(q) && present_i[q]) begin
        size_o       = size_q[q];
        vector_o     = vector_q[q];
        enable_o     = enable_q[q];
        reset_o      = resetting_q[q];
        notify_off_o = 16'(q);
        addr_o       = addr_q[q];
      end
    end
  end

endmodule
