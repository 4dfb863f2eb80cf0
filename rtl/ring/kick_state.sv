// "Work may exist": a bit per queue, set by kicks and once when the queue starts (drivers may fill queues before
// DRIVER_OK). A kick with a position (NOTIFICATION_DATA) moves the known available index itself when it is plausible:
// ahead by 1..size and never more than size beyond what was given back. Anything else is only a hint to look. For a
// packed ring the position is a slot with its wrap counter, and `packed_avail` says whether it was of use.
module kick_state
  import ringside_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ = 4,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// Per queue: entries.
  input  logic [NQ-1:0][15:0] size_i,
  /// Kick, never stalls. Its queue number is inside the engine.
  input  logic                kick_valid_i,
  /// The kick.
  input  kick_t               kick_i,
  /// The queues are packed rings.
  input  logic                packed_i,
  /// Per queue: known available index; packed: positions before this were found available.
  input  logic [NQ-1:0][15:0] known_i,
  /// Per queue: published used index.
  input  logic [NQ-1:0][15:0] used_i,
  /// Per queue, packed: wrap counter and slot of that position.
  input  logic [NQ-1:0][15:0] here_i,
  /// An answer moves the known index of this queue now: a position must wait its turn and becomes a hint.
  input  logic                answer_i,
  /// Its queue.
  input  logic [QW-1:0]       answer_queue_i,
  /// Per queue: look at the available index.
  output logic [NQ-1:0]       work_o,
  /// Per queue: an index read was issued, the bit is used up.
  input  logic [NQ-1:0]       work_taken_i,
  /// A position was accepted.
  output logic                advance_o,
  /// Its queue.
  output logic [QW-1:0]       advance_queue_o,
  /// New known available index.
  output logic [15:0]         advance_index_o,
  /// It was of use: no need to look besides.
  input  logic                advance_taken_i
);

  logic          kick_q, has_position_q;
  logic [QW-1:0] queue_q;
  logic [15:0]   position_q, ahead, total, size, here, slots;
  logic          plausible;
  logic [NQ-1:0] work_q;

  assign size  = size_i[queue_q];
  assign ahead = position_q - known_i[queue_q];
  assign total = position_q - used_i[queue_q];

  assign here  = here_i[queue_q];
  assign slots = {1'b0, position_q[14:0]} - {1'b0, here[14:0]} + ((position_q[15] != here[15]) ? size : 16'd0);

  assign plausible = packed_i ? (slots != 16'd0) && (slots <= size) && ({1'b0, position_q[14:0]} < size)
                     : (ahead != 16'd0) && (ahead <= size) && (total <= size)
                       && !(answer_i && answer_queue_i == queue_q);
  assign advance_o = kick_q && run_i[queue_q] && has_position_q && plausible;
  assign advance_queue_o = queue_q;
  assign advance_index_o = packed_i ? known_i[queue_q] + slots : position_q;
  assign work_o          = work_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      kick_q         <= 1'b0;
      has_position_q <= 1'b0;
      queue_q        <= '0;
      position_q     <= '0;
      work_q         <= '1;
    end else begin
      kick_q         <= kick_valid_i && (kick_i.queue < 16'(NQ));
      has_position_q <= kick_i.has_position;
      queue_q        <= QW'(kick_i.queue);
      position_q     <= kick_i.position;
      for (int unsigned q = 0; q < NQ; q++) begin
        if (work_taken_i[q]) work_q[q] <= 1'b0;
        if (kick_q && !(advance_o && advance_taken_i) && queue_q == QW'(q)) work_q[q] <= 1'b1;
        if (clear_i[q]) work_q[q] <= 1'b1;
      end
    end
  end

endmodule
