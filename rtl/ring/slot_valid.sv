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

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    assign ready_o[q] = valid_q[q][next_i[q]];

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        valid_q[q] <= '0;
      end else begin
        if (take_i && take_queue_i == QW'(q)) valid_q[q][take_slot_i] <= 1'b0;
        if (set_i && set_queue_i == QW'(q)) valid_q[q][set_slot_i] <= 1'b1;
        // A slot is reserved once: it is never filled twice, and only filled slots are taken.
        assert (!(set_i && set_queue_i == QW'(q)) || !valid_q[q][set_slot_i]);
        assert (!(take_i && take_queue_i == QW'(q)) || valid_q[q][take_slot_i]);
      end
    end
  end

endmodule
