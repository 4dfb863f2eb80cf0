// Per queue, which slots of a reorder buffer have been filled. Slots are set in any order and taken in order.
module slot_valid #(
  /// Queues.
  parameter int unsigned NQ    = 4,
  /// Slots a queue, power of two.
  parameter int unsigned DEPTH = 256,
  /// Width of a queue number.
  localparam int unsigned QW    = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a slot number.
  localparam int unsigned AW    = $clog2(DEPTH)
) (
  /// Clock.
  input  logic                  clk_i,
  /// Synchronous reset, active low.
  input  logic                  rst_ni,
  /// Per queue: forget everything.
  input  logic [NQ-1:0]         clear_i,
  /// A slot was filled.
  input  logic                  set_i,
  /// Its queue.
  input  logic [QW-1:0]         set_queue_i,
  /// Its slot.
  input  logic [AW-1:0]         set_slot_i,
  /// Per queue: the slot asked about.
  input  logic [NQ-1:0][AW-1:0] next_i,
  /// Per queue: that slot is filled.
  output logic [NQ-1:0]         ready_o,
  /// A slot is taken now.
  input  logic                  take_i,
  /// Which.
  input  logic [QW-1:0]         take_queue_i,
  /// Its slot.
  input  logic [AW-1:0]         take_slot_i
);

  logic [DEPTH-1:0] valid_q [NQ];
  // Filled since it was cleared: a queue that rests is not cleared again and again.
  logic [NQ-1:0]    dirty_q;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    assign ready_o[q] = valid_q[q][next_i[q]];
  end

  // One process for all queues: a simulator pays for every assignment that may write the array, in every cycle.
  always_ff @(posedge clk_i) begin
    if (take_i) valid_q[take_queue_i][take_slot_i] <= 1'b0;
    if (set_i && !clear_i[set_queue_i]) begin
      valid_q[set_queue_i][set_slot_i] <= 1'b1;
      dirty_q[set_queue_i]             <= 1'b1;
    end
    for (int unsigned q = 0; q < NQ; q++) begin
      if (!rst_ni || (clear_i[q] && dirty_q[q])) begin
        valid_q[q] <= '0;
        dirty_q[q] <= 1'b0;
      end
    end
  end

  // A slot is reserved once: it is never filled twice, and only filled slots are taken.
  always_ff @(posedge clk_i) if (rst_ni) filled_once : assert (
      !set_i || clear_i[set_queue_i] || !valid_q[set_queue_i][set_slot_i]);
  always_ff @(posedge clk_i) if (rst_ni) taken_when_filled : assert (
      !take_i || clear_i[take_queue_i] || valid_q[take_queue_i][take_slot_i]);

endmodule
