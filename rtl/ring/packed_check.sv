// Packed ring: may the descriptor that `window_ahead` looks at be passed to the walker? A head may if its flags say
// available in this lap. A follower may if it was read after its head had been seen available, or lies in the head's
// 64-byte line and came with the same read: its own flags prove nothing, a driver may write them before the rest.
// Anything else sends the fetch back to this slot. Relied on is only that a 16-byte descriptor is read untorn and that
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
  /// Per queue: the fetch may be sent back.
  input  logic [NQ-1:0]       settled_i,
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
  /// Per queue: the fetch goes back to the first slot that was not passed.
  output logic [NQ-1:0]       rewind_o,
  /// Per queue: because that slot is not available.
  output logic [NQ-1:0]       dry_o,
  /// Per queue: wrap counter and slot of the next position to be passed.
  output logic [NQ-1:0][15:0] here_o
);

  logic [NQ-1:0][14:0] slot_q;
  logic [NQ-1:0]       wrap_q, in_list_q, near_q;
  logic [NQ-1:0][15:0] mark_q;                 // positions from here on were read after the head was seen
  logic                wrap, avail, used, available, near, fresh, trusted, new_line, goes_on, last_slot, back;
  logic [15:0]         behind;
  logic [63:0]         addr;

  assign wrap      = wrap_q[ask_queue_i];
  assign avail     = desc_i.flags[FlagAvail];
  assign used      = desc_i.flags[FlagUsed];
  assign available = planted(BUG, 41) ? (avail != used) : (avail == wrap) && (used != wrap);
  assign goes_on   = desc_i.flags[FlagNext];

  assign addr      = ctx_i[ask_queue_i].desc + {45'b0, slot_q[ask_queue_i], 4'b0};
  assign new_line  = (addr[5:4] == 2'd0) || begins_i;
  assign near      = near_q[ask_queue_i] && !new_line;
  assign behind    = ask_position_i - mark_q[ask_queue_i];
  assign fresh     = !behind[15];
  assign trusted   = fresh || near || planted(BUG, 49);
  assign last_slot = ({1'b0, slot_q[ask_queue_i]} + 16'd1 == ctx_i[ask_queue_i].size);

  assign stop_o = packed_i && ask_i && !(in_list_q[ask_queue_i] ? trusted : available);
  assign back   = stop_o && settled_i[ask_queue_i];

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic here;
    assign here        = (ask_queue_i == QW'(q));
    assign rewind_o[q] = back && here;
    assign dry_o[q]    = back && here && !in_list_q[q];
    assign here_o[q]   = {wrap_q[q], slot_q[q]};

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        slot_q[q]    <= '0;
        wrap_q[q]    <= 1'b1;
        in_list_q[q] <= 1'b0;
        near_q[q]    <= 1'b0;
        mark_q[q]    <= '0;
      end else if (packed_i && here) begin
        if (pass_i) begin
          slot_q[q]    <= last_slot ? '0 : slot_q[q] + 15'd1;
          wrap_q[q]    <= wrap_q[q] ^ last_slot;
          in_list_q[q] <= goes_on;
          near_q[q]    <= in_list_q[q] ? near : 1'b1;
          if (!in_list_q[q]) mark_q[q] <= fetch_i[q];
        end
        if (back) mark_q[q] <= ask_position_i;
      end
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{ctx_i, desc_i, addr, behind};

endmodule
