// Transmit, first half: from published chains to pieces of memory to read. Takes chains round robin as tags allow, refuses
// those that cannot hold the packet header, and notes every packet before its first piece.
module net_tx_fetch
  import bug_pkg::*;
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Transmit queues.
    parameter int unsigned NQ  = 4,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG = 0,
    /// Width of a queue number.
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Device Control.Max_Read_Request_Size.
    input  logic [2:0]          mrrs_i,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0]       run_i,
    /// Published chains per queue.
    input  logic [NQ-1:0][15:0] chain_count_i,
    /// Queue of the peek and pop.
    output logic [QW-1:0]       peek_queue_o,
    /// Removes the oldest chain record.
    output logic                chain_pop_o,
    /// The record, one cycle later.
    input  chain_t              peek_chain_i,
    /// Takes the oldest segment.
    output logic                seg_pop_o,
    /// Queue of the pop.
    output logic [QW-1:0]       seg_queue_o,
    /// The segment, one cycle later.
    input  segment_t            seg_i,
    /// Asks for the tags of a chain.
    output logic                ask_valid_o,
    /// Of this queue.
    output logic [QW-1:0]       ask_queue_o,
    /// Reads that it takes at most.
    output logic [16:0]         ask_reads_o,
    /// They are there.
    input  logic                ask_ok_i,
    /// So many are kept for it.
    input  logic [9:0]          ask_tags_i,
    /// It may need more than the queue can have.
    input  logic                ask_long_i,
    /// The chain comes in.
    output logic                admit_o,
    /// Something changed: ask again.
    input  logic                news_i,
    /// No chain may come in.
  input  logic                closed_i,
  /// Freezes a queue: its chain has no room for the header.
    output logic                device_error_valid_o,
    /// That queue.
    output logic [QW-1:0]       device_error_queue_o,
    /// Piece of memory to read.
    output logic                op_valid_o,
    /// Taken.
    input  logic                op_ready_i,
    /// First byte.
    output logic [63:0]         op_addr_o,
    /// Bytes.
    output logic [16:0]         op_bytes_o,
    /// Its queue.
    output logic [QW-1:0]       op_queue_o,
    /// No read: the rest of a chain whose queue stopped, or all of one that is not read.
    output logic                op_fill_o,
    /// First of its packet.
    output logic                op_first_o,
    /// Last of its packet.
    output logic                op_last_o,
    /// Its packet is long (see `ask_long_i`).
    output logic                op_long_o,
    /// Tags kept for its chain.
    output logic [9:0]          op_tags_o,
    /// A packet begins.
    output logic                packet_valid_o,
    /// Noted.
    input  logic                packet_ready_i,
    /// The packet.
    output tx_packet_t          packet_o,
    /// A chain was taken from this queue.
    output logic [NQ-1:0]       taken_o,
    /// A taken chain was dropped before its packet began (its queue stopped or was refused): two sources.
    output logic [NQ-1:0]       refused_o,
    /// Second source of the same.
    output logic [NQ-1:0]       abandoned_o,
    /// Tags kept for the latter go back.
    output logic [9:0]          back_tags_o,
    /// To this queue.
    output logic [QW-1:0]       back_queue_o,
    /// It was a long one.
    output logic                back_long_o
);

  // Larger than any frame that the stream's users can carry; such a packet is used up without being read.
  localparam int unsigned MaxPacketBytes = 65536;

  // What each segment needs to know of its chain.
  typedef struct packed {
    logic [9:0]  tags;
    logic        is_long;
    logic        too_large;
    logic        writable;
    logic [15:0] id;
    logic [15:0] slots;
    logic [16:0] total_bytes;
  } tag_t;

  logic          rec_valid, rec_take, seg_rec_ready, short_header, usable;
  logic [QW-1:0] rec_queue, item_queue;
  /* verilator lint_off UNUSED */
  chain_t        rec;  // how many writable bytes a transmit chain has means nothing
  /* verilator lint_on UNUSED */
  tag_t          rec_tag, item_tag;
  seg_item_t     item;
  logic          item_valid, item_take;

  tx_chains #(
      .NQ (NQ),
      .BUG(BUG)
  ) u_chains (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .mrrs_i       (mrrs_i),
      .run_i        (run_i),
      .chain_count_i(chain_count_i),
      .peek_queue_o (peek_queue_o),
      .pop_o        (chain_pop_o),
      .peek_chain_i (peek_chain_i),
      .ask_valid_o  (ask_valid_o),
      .ask_reads_o  (ask_reads_o),
      .ask_ok_i     (ask_ok_i),
      .news_i       (news_i),
      .closed_i     (closed_i),
      .rec_valid_o  (rec_valid),
      .rec_ready_i  (rec_take),
      .rec_queue_o  (rec_queue),
      .rec_o        (rec)
  );

  assign short_header         = rec.readable_bytes < NetHdrBytes;
  assign usable               = run_i[rec_queue] && !short_header;
  assign rec_take             = rec_valid && (!usable || seg_rec_ready);
  assign device_error_valid_o = rec_valid && run_i[rec_queue] && short_header;
  assign device_error_queue_o = rec_queue;
  assign ask_queue_o          = rec_queue;
  assign admit_o              = rec_valid && usable && seg_rec_ready;
  assign rec_tag.tags         = ask_tags_i;
  assign rec_tag.is_long      = ask_long_i;
  assign rec_tag.too_large    = rec.readable_bytes > MaxPacketBytes;
  assign rec_tag.writable     = rec.writable_bytes != 32'd0;
  assign rec_tag.id           = rec.id;
  assign rec_tag.slots        = rec.slots;
  assign rec_tag.total_bytes  = rec.readable_bytes[16:0];

  seg_fetch #(
      .NQ   (NQ),
      .TAG_W($bits(tag_t))
  ) u_segments (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .run_i         (run_i),
      .rec_valid_i   (rec_valid && usable),
      .rec_ready_o   (seg_rec_ready),
      .rec_queue_i   (rec_queue),
      .rec_segments_i(rec.segments),
      .rec_tag_i     (rec_tag),
      .seg_pop_o     (seg_pop_o),
      .seg_queue_o   (seg_queue_o),
      .seg_i         (seg_i),
      .item_valid_o  (item_valid),
      .item_ready_i  (item_take),
      .item_o        (item),
      .item_queue_o  (item_queue),
      .item_tag_o    (item_tag)
  );

  logic [16:0] left, left_q, piece;
  logic        read, fill, note, order;

  always_comb begin
    left  = item.first ? (item_tag.too_large ? 17'd0 : item_tag.total_bytes) : left_q;
    piece = (item.seg.len_bytes < {15'd0, left}) ? item.seg.len_bytes[16:0] : left;
    note  = item.first && !item.abort;
    read  = !item.abort && !item.seg.write && (piece != 17'd0);
    fill  = (item.abort && !item.first && (left != 17'd0)) || (note && left == 17'd0);
    order = read || fill;
  end

  assign packet_valid_o = item_valid && note && (!order || op_ready_i);
  assign op_valid_o     = item_valid && order && (!note || packet_ready_i);
  assign item_take      = item_valid && (!order || op_ready_i) && (!note || packet_ready_i);
  assign op_addr_o      = item.seg.addr;
  assign op_bytes_o     = piece;
  assign op_queue_o     = item_queue;
  assign op_fill_o      = fill;
  assign op_first_o     = note;
  assign op_last_o      = fill || (piece == left);
  assign op_long_o      = item_tag.is_long;
  assign op_tags_o      = item_tag.tags;

  always_comb begin
    packet_o.queue       = 16'(item_queue);
    packet_o.id          = item_tag.id;
    packet_o.slots       = item_tag.slots;
    packet_o.total_bytes = left;
    packet_o.whole       = !item_tag.too_large && !item_tag.writable;
    packet_o.skip_bytes  = planted(BUG, 21) ? piece : 17'(NetHdrBytes);
    taken_o     = '0;
    refused_o   = '0;
    abandoned_o = '0;
    taken_o[peek_queue_o]   = chain_pop_o;
    refused_o[rec_queue]    = rec_valid && !usable;
    abandoned_o[item_queue] = item_take && item.first && item.abort;
    back_queue_o            = item_queue;
    back_long_o             = item_take && item.first && item.abort && item_tag.is_long;
    back_tags_o             = (item_take && item.first && item.abort) ? item_tag.tags : '0;
  end

  always_ff @(posedge clk_i) begin
    if (item_take) left_q <= item.abort ? 17'd0 : (read ? (left - piece) : left);
  end

  // The record's sum and its segments agree: a packet is asked for to its last byte.
  always_ff @(posedge clk_i) if (rst_ni) assert (
      !item_take || !item.last || item.abort || (left == (read ? piece : 17'd0)));

endmodule
