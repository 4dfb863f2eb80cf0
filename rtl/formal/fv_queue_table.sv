/// Registers of one queue and its reset: what may be written when, sizes, vectors, and a reset that reads 1 until the queue
/// is quiet, ends then, and leaves defaults.
module fv_queue_table
  import ringside_pkg::*;
#(
  /// Planted bug.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input logic        clk_i,
  /// A reset at any time.
  input logic        again_i,
  /// Device reset.
  input logic        clear_i,
  /// FEATURES_OK.
  input logic        features_ok_i,
  /// RING_RESET was negotiated.
  input logic        ring_reset_i,
  /// RING_PACKED was negotiated.
  input logic        packed_i,
  /// Queues that exist.
  input logic [2:0]  present_i,
  /// Selected queue.
  input logic [15:0] select_i,
  /// Field written: size, vector, enable, reset, six address dwords.
  input logic [9:0]  we_i,
  /// What is written.
  input logic [31:0] wdata_i,
  /// Nothing of the queue is in flight.
  input logic [2:0]  idle_i
);

  localparam int unsigned MaxSize = 256, Vectors = 4;

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  logic [15:0]      size, vector, notify_off;
  logic             enable, in_reset;
  logic [5:0][31:0] addr;
  queue_ctx_t [2:0] ctx;
  logic [2:0][15:0] vectors;
  logic [2:0]       finished, free;
  queue_table #(.QUEUES(3), .MAX_QUEUE_SIZE(MaxSize), .NUM_VECTORS(Vectors), .BUG(BUG)) u_dut (
    .clk_i, .rst_ni, .clear_i, .features_ok_i, .ring_reset_i, .packed_i, .present_i, .select_i, .size_we_i(we_i[0]),
    .vector_we_i(we_i[1]), .enable_we_i(we_i[2]), .reset_we_i(we_i[3]), .addr_we_i(we_i[9:4]), .wdata_i, .size_o(size),
    .vector_o(vector), .enable_o(enable), .reset_o(in_reset), .notify_off_o(notify_off), .addr_o(addr), .ctx_o(ctx),
    .vectors_o(vectors), .finished_o(finished), .free_o(free), .idle_i
  );

  // Any one queue, seen through its context and, when it is selected, through its registers.
  logic [1:0] who_q;
  always_ff @(posedge clk_i) who_q <= who_q;
  logic selected, done;
  assign selected = select_i == 16'(who_q) && present_i[who_q];
  assign done     = finished[who_q];

  // A clock ago.
  logic             past_q, enable_q, reset_q, done_q, clear_q, selected_q, features_ok_q, packed_q, ring_reset_q;
  logic [15:0]      vector_q, notify_q;
  logic [9:0]       we_q;
  logic [31:0]      wdata_q;
  queue_ctx_t       ctx_q;
  logic [3:0]       settled_q;
  always_ff @(posedge clk_i) begin
    past_q        <= rst_ni;
    enable_q      <= u_dut.enable_q[who_q];
    reset_q       <= u_dut.resetting_q[who_q];
    done_q        <= done;
    clear_q       <= clear_i;
    selected_q    <= selected;
    features_ok_q <= features_ok_i;
    packed_q      <= packed_i;
    ring_reset_q  <= ring_reset_i;
    vector_q      <= vectors[who_q];
    notify_q      <= notify_off;
    we_q          <= we_i;
    wdata_q       <= wdata_i;
    ctx_q         <= ctx[who_q];
    settled_q     <= (!rst_ni || !u_dut.resetting_q[who_q] || !idle_i[who_q]) ? '0 : (settled_q == '1) ? settled_q : settled_q + 4'd1;
  end

  logic mine, writes_reset;
  logic [15:0] value_q;
  assign mine         = past_q && selected_q && !clear_q && !done_q;
  assign value_q      = wdata_q[15:0];
  assign writes_reset = mine && we_q[3] && value_q == 16'd1 && ring_reset_q && enable_q && !reset_q;

  always_ff @(posedge clk_i) begin
    who_exists : assume (who_q < 2'd3);
    // Accepted features go only with a device reset, in which the table goes to its defaults too.
    packed_stays : assume (!past_q || !packed_q || packed_i || clear_i || clear_q);
    if (rst_ni) begin
      // PCICFG-DEV-014: an absent queue reads size 0
      absent : assert (present_i[who_q] || select_i != 16'(who_q) || (size == '0 && !enable && !in_reset && addr == '0));
      // PCICFG-DEV-015: without RING_PACKED the size is a power of two
      size_legal : assert (packed_i || clear_i || clear_q || (ctx[who_q].size & (ctx[who_q].size - 16'd1)) == '0);
      // contract: a size is never 0 nor more than was offered
      size_range : assert (ctx[who_q].size != '0 && ctx[who_q].size <= 16'(MaxSize));
      // PCIINT-DEV-011, PCIINT-DEV-014: a vector is an entry of the table, or NO_VECTOR
      vector_legal : assert (vectors[who_q] == 16'hffff || vectors[who_q] < 16'(Vectors));
      // PCICFG-DEV-012: queue_reset reads 1 while the reset goes on, and the queue stands still
      reset_stands : assert (!selected || !in_reset || (enable && !ctx[who_q].enable && !free[who_q]));
      // VQ-DEV-001: a reset ends only when nothing of the queue is in flight
      ends_idle : assert (!done || idle_i[who_q]);
      // contract: and soon after that
      reset_ends : assert (settled_q < 4'd7);
      // invariant: the settling time is counted down
      settles : assert (u_dut.settle_q[who_q] <= 3'd4 && (!u_dut.resetting_q[who_q] || 32'(settled_q) + 32'(u_dut.settle_q[who_q]) < 6));
      // invariant: only an enabled queue is reset
      resets_enabled : assert (!u_dut.resetting_q[who_q] || u_dut.enable_q[who_q]);
    end
    if (rst_ni && past_q) begin
      // VQ-DEV-002, PCICFG-DEV-013, PCICFG-DEV-008, PCICFG-DEV-009, PCIINT-DEV-012: after a reset everything is as it was at first
      defaults : assert (!(done_q || clear_q) || (ctx[who_q] == {1'b0, 16'(MaxSize), 209'd0} && vectors[who_q] == 16'hffff
          && !u_dut.resetting_q[who_q] && free[who_q]));
      // PCICFG-DEV-011: writing 1 to queue_reset starts the reset
      reset_starts : assert (!writes_reset || u_dut.resetting_q[who_q]);
      // contract: nothing else does
      reset_only_then : assert (!u_dut.resetting_q[who_q] || reset_q || writes_reset);
      // contract: a queue is enabled by a written 1, after FEATURES_OK, once
      enabled_only : assert (!u_dut.enable_q[who_q] || enable_q || (mine && we_q[2] && value_q == 16'd1 && features_ok_q));
      // VQ-DEV-003: and then it is
      enabled_then : assert (!(mine && we_q[2] && value_q == 16'd1 && features_ok_q && !enable_q) || ctx[who_q].enable);
      // contract: size and addresses do not change while it is enabled or being reset
      constant : assert (!enable_q || done_q || clear_q || ctx[who_q][208:0] == ctx_q[208:0]);
      // contract: another queue's registers are not touched
      not_mine : assert (mine || done_q || clear_q || (ctx[who_q] == ctx_q && vectors[who_q] == vector_q));
      whole_reset : cover (done_q && !ctx[who_q].enable && ctx_q.size == 16'd4);
      odd_size : cover (ctx[who_q].enable && ctx[who_q].size == 16'd7);
    end
  end

endmodule
