// Packed ring: may the descriptor that `window_ahead` looks at be passed to the walker? A head may if its flags say
// available in this lap. A follower may if it was read after its head had been seen available, or lies in the head's
// 64-byte line and came with the same read: its own flags prove nothing, a driver may write them before the rest. One
// that at least looks available is passed as unsure and read again before the walker takes it; if it then turns out
// that its list goes on, or does not, other than the first reading said, everything behind it is forgotten.
// Anything else sends the fetch back to this slot. A follower that can be trusted and is not available breaks the ring:
// the list runs on into slots that the driver did not publish. Relied on is only that a 16-byte descriptor is read untorn and that
// what one read returns of a 64-byte line was sampled together.
module packed_check
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
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
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// The queues are packed rings; else nothing is ever stopped.
  input  logic                packed_i,
  /// Per queue: next position to be read.
  input  logic [NQ-1:0][15:0] fetch_i,
  /// Per queue: positions before this were passed to the walker.
  input  logic [NQ-1:0][15:0] passed_i,
  /// Per queue: the fetch may be sent back.
  input  logic [NQ-1:0]       settled_i,
  /// Per queue: next position the walker takes.
  input  logic [NQ-1:0][15:0] walk_i,
  /// Per queue: it is inside a list.
  input  logic [NQ-1:0]       walk_in_list_i,
  /// Per queue: what was passed behind that position is wrong.
  input  logic [NQ-1:0]       redo_i,
  /// A descriptor is looked at.
  input  logic                ask_i,
  /// Its queue.
  input  logic [QW-1:0]       ask_queue_i,
  /// Its position, the next one to be passed.
  input  logic [15:0]         ask_position_i,
  /// The descriptor.
  input  desc_t               desc_i,
  /// It was the first of its answer.
  input  logic                begins_i,
  /// It is passed.
  input  logic                pass_i,
  /// It is not to be passed.
  output logic                stop_o,
  /// If it is passed, it is to be read again.
  output logic                unsure_o,
  /// There is room to have it read again.
  input  logic                again_room_i,
  /// Per queue: something is being read again.
  input  logic [NQ-1:0]       again_busy_i,
  /// A list runs on into a slot that is not available.
  output fault_t              fault_o,
  /// Per queue: the fetch goes back.
  output logic [NQ-1:0]       rewind_o,
  /// Per queue: to this position.
  output logic [NQ-1:0][15:0] rewind_to_o,
  /// Per queue: which has this wrap counter and slot.
  output logic [NQ-1:0][15:0] rewind_here_o,
  /// Per queue: back to the walker's position, what was passed is taken back.
  output logic [NQ-1:0]       undo_o,
  /// Per queue: wait for that.
  output logic [NQ-1:0]       hold_o,
  /// Per queue: the slot at the next position is not available.
  output logic [NQ-1:0]       dry_o,
  /// Per queue: wrap counter and slot of the next position to be passed.
  output logic [NQ-1:0][15:0] here_o
);

  logic [NQ-1:0][14:0] slot_q;
  logic [NQ-1:0]       wrap_q, in_list_q, near_q, redo_q, still_q, undo;
  logic [NQ-1:0][15:0] mark_q;                 // positions from here on were read after the head was seen
  logic                wrap, avail, used, available, near, fresh, trusted, new_line, goes_on, last_slot, back, follows;
  logic                wait_again;
  logic [15:0]         behind;
  logic [63:0]         addr;

  assign wrap      = wrap_q[ask_queue_i];
  assign avail     = desc_i.flags[FlagAvail];
  assign used      = desc_i.flags[FlagUsed];
  assign available = planted(BUG, 34) ? (avail != used) : (avail == wrap) && (used != wrap);
  assign goes_on   = desc_i.flags[FlagNext];

  assign addr      = ctx_i[ask_queue_i].desc + {45'b0, slot_q[ask_queue_i], 4'b0};
  assign new_line  = (addr[5:4] == 2'd0) || begins_i;
  assign near      = near_q[ask_queue_i] && !new_line;
  assign behind    = ask_position_i - mark_q[ask_queue_i];
  assign fresh     = !behind[15];
  assign trusted   = fresh || near || planted(BUG, 42);
  assign last_slot = ({1'b0, slot_q[ask_queue_i]} + 16'd1 == ctx_i[ask_queue_i].size);

  // A table is read ahead for the walker: not while the walk up to it is unsure.
  assign follows    = in_list_q[ask_queue_i];
  assign unsure_o   = packed_i && follows && !trusted;
  assign wait_again = (unsure_o && !again_room_i) || (desc_i.flags[FlagIndirect] && again_busy_i[ask_queue_i]);
  assign stop_o     = packed_i && ask_i && (!available || wait_again || redo_q[ask_queue_i]);
  assign back       = packed_i && ask_i && !available && !fault_o.valid && !redo_q[ask_queue_i]
                      && settled_i[ask_queue_i];

  assign fault_o.valid = packed_i && ask_i && follows && trusted && !available && !redo_q[ask_queue_i];
  assign fault_o.qid   = 4'(ask_queue_i);
  assign fault_o.code  = QeNextRange;
  assign undo_o        = undo;
  assign hold_o        = redo_q;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic        here, later;
    logic [15:0] passed_by;
    logic [14:0] walk_slot;

    assign here      = (ask_queue_i == QW'(q));
    assign here_o[q] = {wrap_q[q], slot_q[q]};
    // Undo when nothing looks at the queue any more and its reads are home.
    assign undo[q]   = redo_q[q] && still_q[q] && settled_i[q] && !again_busy_i[q];
    assign passed_by = passed_i[q] - walk_i[q];
    assign later     = ({1'b0, slot_q[q]} < passed_by);
    assign walk_slot = 15'({1'b0, slot_q[q]} - passed_by + (later ? ctx_i[q].size : 16'd0));

    assign rewind_o[q]      = undo[q] || (back && here);
    assign rewind_to_o[q]   = undo[q] ? walk_i[q] : passed_i[q];
    assign rewind_here_o[q] = undo[q] ? {wrap_q[q] ^ later, walk_slot} : here_o[q];
    assign dry_o[q]         = back && here && !in_list_q[q];

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        slot_q[q]    <= ctx_i[q].start[14:0];
        wrap_q[q]    <= ctx_i[q].start[15];
        in_list_q[q] <= 1'b0;
        near_q[q]    <= 1'b0;
        mark_q[q]    <= ctx_i[q].start;
        redo_q[q]    <= 1'b0;
        still_q[q]   <= 1'b0;
      end else begin
        still_q[q] <= redo_q[q];
        if (redo_i[q]) redo_q[q] <= 1'b1;
        if (packed_i && here && pass_i) begin
          slot_q[q]    <= last_slot ? '0 : slot_q[q] + 15'd1;
          wrap_q[q]    <= wrap_q[q] ^ last_slot;
          in_list_q[q] <= goes_on;
          near_q[q]    <= follows ? near : 1'b1;
          if (!follows) mark_q[q] <= fetch_i[q];
        end
        if (here && back) mark_q[q] <= ask_position_i;
        if (undo[q]) begin
          slot_q[q]    <= walk_slot;
          wrap_q[q]    <= wrap_q[q] ^ later;
          in_list_q[q] <= walk_in_list_i[q];
          near_q[q]    <= 1'b0;
          mark_q[q]    <= walk_i[q];
          redo_q[q]    <= 1'b0;
        end
      end
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{ctx_i, desc_i, addr, behind};

endmodule
