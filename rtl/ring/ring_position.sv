// How far every queue is, for those who take a ring over from the device or hand it one (virtio/checkpoint.sv): counts
// what the device type holds and what it gave back, and lays the positions of one queue side by side.
module ring_position
  import bug_pkg::*;
  import ringside_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ  = 4,
  /// Planted bug, 0: none.
  parameter int unsigned BUG = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// The queues are packed rings.
  input  logic                packed_i,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// The device type takes a chain.
  input  logic                pop_i,
  /// Of this queue.
  input  logic [15:0]         pop_queue_i,
  /// It is through with a chain.
  input  logic                given_i,
  /// Which.
  input  completion_t         cpl_i,
  /// Chains were published as used.
  input  logic                publish_i,
  /// Of this queue.
  input  logic [QW-1:0]       publish_queue_i,
  /// Index steps (packed: slots).
  input  logic [15:0]         publish_count_i,
  /// Per queue: position behind the last one published; packed: counted round two laps, 0..2*size-1.
  input  logic [NQ-1:0][15:0] used_i,
  /// Per queue: the same of what was decided upon.
  input  logic [NQ-1:0][15:0] told_i,
  /// Per queue: a write or a decision is under way.
  input  logic [NQ-1:0]       busy_i,
  /// Per queue: something was given back and is not published.
  output logic [NQ-1:0]       owes_o,
  /// Look at a queue.
  input  logic [15:0]         look_queue_i,
  /// How far it is, one cycle later.
  output queue_position_t     position_o
);

  logic [NQ-1:0][15:0] owed_q, begun_q;
  logic [NQ-1:0]       begun;
  logic [QW-1:0]       look;
  logic [15:0]         size, used, owed;
  logic [16:0]         avail, twice;
  logic                quiet;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic        pop, given, publish;
    logic [15:0] slots;

    assign pop       = pop_i && (pop_queue_i == 16'(q));
    assign given     = given_i && run_i[q] && (cpl_i.queue == 16'(q));
    assign publish   = publish_i && (publish_queue_i == QW'(q));
    assign slots     = packed_i ? cpl_i.slots : 16'd1;
    assign owes_o[q] = (owed_q[q] != '0);
    assign begun[q]  = (begun_q[q] != '0);

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        owed_q[q]  <= '0;
        begun_q[q] <= '0;
      end else begin
        if (given || publish) owed_q[q] <= owed_q[q] + (given ? slots : '0) - (publish ? publish_count_i : '0);
        if (pop != given) begun_q[q] <= pop ? begun_q[q] + 16'd1 : begun_q[q] - 16'd1;
        // Nothing comes back that was not taken.
        assert (!given || pop || begun[q]);
      end
    end
  end

  // A position as the driver writes it: an index, or a slot with the wrap counter of its lap.
  function automatic logic [15:0] shown(input logic [15:0] place, input logic [15:0] lap);
    if (!packed_i) return place;
    return (place < lap) ? {1'b1, place[14:0]} : {1'b0, 15'(place - lap)};
  endfunction

  assign look  = QW'(look_queue_i);
  assign size  = ctx_i[look].size;
  assign twice = {size, 1'b0};
  assign used  = used_i[look];
  assign owed  = owed_q[look];
  assign quiet = !begun[look] && ((!owes_o[look] && !busy_i[look] && used == told_i[look]) || planted(BUG, 64));

  always_comb begin
    avail = {1'b0, used} + {1'b0, owed};
    if (packed_i && avail >= twice) avail = avail - twice;
  end

  always_ff @(posedge clk_i) begin
    position_o.quiet <= quiet;
    position_o.avail <= shown(avail[15:0], size);
    position_o.used  <= shown(planted(BUG, 63) ? avail[15:0] : used, size);
    position_o.told  <= shown(told_i[look], size);
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{ctx_i, cpl_i, look_queue_i};

endmodule
