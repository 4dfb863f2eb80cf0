// Checkpoint window (vendor data, not of the virtio specification): how far each queue is, and where a queue begins that
// takes over a ring which somebody else has run. Two dwords a queue: {used, avail}, and {flags, told}. A read of both in
// one packet shows one moment. The completer sees to it that no answer passes the writes that it tells of.
module checkpoint
  import bug_pkg::*;
  import ringside_pkg::*;
#(
  /// Number of queues.
  parameter int unsigned QUEUES = 9,
  /// Planted bug, 0: none.
  parameter int unsigned BUG = 0,
  /// Width of a queue number.
  localparam int unsigned W = $clog2(QUEUES + 1)
) (
  /// Clock.
  input  logic                    clk_i,
  /// Synchronous reset, active low.
  input  logic                    rst_ni,
  /// Access to the window, held until the response.
  input  logic                    valid_i,
  /// The access; the lower 12 bits of the address are those in the window.
  input  reg_req_t                req_i,
  /// Done.
  output logic                    rsp_valid_o,
  /// Data read.
  output logic [31:0]             rsp_rdata_o,
  /// Writes count: features are accepted, and neither reset nor suspension is under way.
  input  logic                    writable_i,
  /// The queues are packed rings.
  input  logic                    packed_i,
  /// Queues that exist; others read 0.
  input  logic [QUEUES-1:0]       present_i,
  /// Queues that are neither enabled nor being reset.
  input  logic [QUEUES-1:0]       free_i,
  /// The queue has a new size, or is as after a reset: it begins where a new ring does.
  input  logic [QUEUES-1:0]       clear_i,
  /// Contexts without their beginning.
  input  queue_ctx_t [QUEUES-1:0] ctx_i,
  /// Contexts.
  output queue_ctx_t [QUEUES-1:0] ctx_o,
  /// The queue that is looked at.
  output logic [15:0]             look_queue_o,
  /// How far it is, one cycle later.
  input  queue_position_t         position_i
);

  typedef enum logic [1:0] {
    StIdle = 2'd0,
    StLook = 2'd1,                 // the position is there
    StDone = 2'd2
  } state_e;

  state_e            state_q;
  logic [QUEUES-1:0] restored_q;
  logic [15:0]       start_q [QUEUES];
  logic [W-1:0]      queue;
  logic              exists, legal, upper, write, pair_q;
  logic [15:0]       value;
  queue_position_t   seen_q;

  assign upper        = req_i.addr[2];
  assign exists       = {23'd0, req_i.addr[11:3]} < QUEUES && present_i[queue];
  assign queue        = ({23'd0, req_i.addr[11:3]} < QUEUES) ? W'(req_i.addr[11:3]) : '0;
  assign look_queue_o = 16'(queue);
  assign value        = req_i.wdata[15:0];

  // What was begun and not given back nobody can finish: both positions are the same.
  assign legal = value == req_i.wdata[31:16] && (!packed_i || {1'b0, value[14:0]} < ctx_i[queue].size);
  assign write = valid_i && state_q == StIdle && req_i.write && req_i.single && req_i.be == 4'hf && !upper && legal
                 && exists && writable_i && free_i[queue];

  for (genvar q = 0; q < QUEUES; q++) begin : g_queue
    always_ff @(posedge clk_i) begin
      if (!rst_ni || (clear_i[q] && !planted(BUG, 66))) restored_q[q] <= 1'b0;
      else if (write && queue == W'(q)) restored_q[q] <= 1'b1;
      if (write && queue == W'(q)) start_q[q] <= value;
    end

    always_comb begin
      ctx_o[q]          = ctx_i[q];
      ctx_o[q].restored = restored_q[q];
      ctx_o[q].start    = restored_q[q] ? start_q[q] : {packed_i, 15'd0};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StIdle;
      seen_q  <= '0;
      pair_q  <= 1'b0;
    end else begin
      unique case (state_q)
        StIdle: if (valid_i) state_q <= (req_i.write || !exists) ? StDone : StLook;
        StLook: state_q <= StDone;
        default: state_q <= StIdle;
      endcase
      // Dwords of one packet follow one another without a gap: the upper one belongs to the lower one before it.
      pair_q <= valid_i && (pair_q || (state_q == StLook && !upper)) && !(state_q == StDone && upper);
      if (state_q == StLook && !(pair_q && upper)) seen_q <= position_i;
    end
  end

  assign rsp_valid_o = (state_q == StDone) && valid_i;
  assign rsp_rdata_o = (req_i.write || !exists) ? '0
                       : upper ? {15'd0, seen_q.quiet, seen_q.told} : {seen_q.used, seen_q.avail};

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{ctx_i, req_i};

endmodule
