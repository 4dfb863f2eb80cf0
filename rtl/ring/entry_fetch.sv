// Reads available ring entries in batches, never beyond the known index, and keeps the heads per queue until the
// descriptor stage takes them in order. Positions are reserved when a read is asked for, so answers come in any order.
module entry_fetch
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ     = 4,
  /// Width of the data path in bits.
  parameter int unsigned DATA_W = 512,
  /// Head slots a queue, power of two.
  parameter int unsigned DEPTH  = 256,
  /// Planted bug, 0: none.
  parameter int unsigned BUG    = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a slot number.
  localparam int unsigned AW = $clog2(DEPTH)
) (
  /// Clock.
  input  logic                  clk_i,
  /// Synchronous reset, active low.
  input  logic                  rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0]   ctx_i,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]         run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]         clear_i,
  /// Per queue: known available index.
  input  logic [NQ-1:0][15:0]   known_i,
  /// Per queue: oldest position whose slot is still needed.
  input  logic [NQ-1:0][15:0]   walk_i,
  /// Per queue: next entry to be read.
  output logic [NQ-1:0][15:0]   fetch_o,
  /// Read of entries.
  output logic                  rd_valid_o,
  /// Taken.
  input  logic                  rd_ready_i,
  /// The read.
  output dma_rd_req_t           rd_req_o,
  /// A request of this stage was dropped.
  input  logic                  drop_i,
  /// Its queue.
  input  logic [QW-1:0]         drop_queue_i,
  /// Answer beats.
  input  logic                  beat_valid_i,
  /// Taken.
  output logic                  beat_ready_o,
  /// Its head.
  input  dma_rd_rsp_t           beat_i,
  /// Its data.
  input  logic [DATA_W-1:0]     beat_data_i,
  /// Per queue: next head to take.
  input  logic [NQ-1:0][AW-1:0] next_i,
  /// Per queue: it is there.
  output logic [NQ-1:0]         ready_o,
  /// A head is taken now.
  input  logic                  take_i,
  /// From this queue.
  input  logic [QW-1:0]         take_queue_i,
  /// The head, one cycle later.
  output logic [15:0]           head_o,
  /// Second look at a head that is still held.
  input  logic                  look_i,
  /// Its queue.
  input  logic [QW-1:0]         look_queue_i,
  /// Its slot.
  input  logic [AW-1:0]         look_slot_i,
  /// The head, one cycle later.
  output logic [15:0]           look_head_o,
  /// A read failed.
  output fault_t                fault_o,
  /// Per queue: a read is wanted or outstanding.
  output logic [NQ-1:0]         busy_o
);

  localparam int unsigned SLOTS = (1 << QW) * DEPTH;
  localparam logic [15:0] BATCH = 16'd32;
  // Answers find room whatever else waits: an entry that waited in the read pool would hold up all answers behind it.
  localparam int unsigned BEATS = 32;
  localparam logic [5:0]  READS = 6'(BEATS / (512 / DATA_W + 1));

  logic [NQ-1:0][15:0] fetch_q;
  logic [NQ-1:0]       want, grant_unused;
  logic [QW-1:0]       pick;
  logic                any, load, req_valid_q;
  dma_rd_req_t         req_q;
  read_meta_t          meta;
  logic [15:0]         size, slot, count, to_ring_end, to_page_end, room, wanted;
  logic [63:0]         addr;
  logic [5:0]          reads_q;               // under way
  logic                ended, space;

  assign space      = (reads_q < READS);
  assign fetch_o    = fetch_q;
  assign rd_valid_o = req_valid_q;
  assign rd_req_o   = req_q;
  assign load       = any && space && (!req_valid_q || rd_ready_i);

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic [15:0] left, held;
    assign left    = known_i[q] - fetch_q[q];
    assign held    = fetch_q[q] - walk_i[q];
    assign want[q] = run_i[q] && (left != 16'd0) && !(planted(BUG, 10) && left[15]) && (held < 16'(DEPTH));

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) fetch_q[q] <= ctx_i[q].start;
      else if (load && pick == QW'(q)) fetch_q[q] <= fetch_q[q] + count;
    end
  end

  rr_arbiter #(.N(NQ)) u_pick (
    .clk_i, .rst_ni, .req_i(want), .advance_i(load), .grant_o(grant_unused), .index_o(pick), .valid_o(any)
  );

  // One batch: up to 32 entries, to the end of the ring, to the end of the page, and as long as there are slots.
  always_comb begin
    size        = ctx_i[pick].size;
    slot        = fetch_q[pick] & (size - 16'd1);
    addr        = ctx_i[pick].driver + 64'd4 + {47'b0, slot, 1'b0};
    to_ring_end = size - slot;
    to_page_end = {4'b0, 12'd0 - {1'b0, addr[11:1]}} & 16'h07ff;
    room        = 16'(DEPTH) - (fetch_q[pick] - walk_i[pick]);
    wanted      = planted(BUG, 10) ? BATCH : known_i[pick] - fetch_q[pick];
    count       = (wanted < BATCH) ? wanted : BATCH;
    if (to_ring_end < count) count = to_ring_end;
    if (to_page_end != 16'd0 && to_page_end < count) count = to_page_end;
    if (room < count) count = room;

    meta        = '0;
    meta.kind   = RkEntry;
    meta.qid  = 4'(pick);
    meta.slot   = 13'(fetch_q[pick] & 16'(DEPTH - 1));
    meta.count  = count[5:0];
    meta.offset = addr[1:0];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      req_valid_q <= 1'b0;
      req_q       <= '0;
    end else if (load) begin
      req_valid_q     <= 1'b1;
      req_q.addr      <= addr;
      req_q.len_bytes <= {3'b0, count[5:0], 1'b0};
      req_q.meta      <= 32'(meta);
    end else if (rd_ready_i) begin
      req_valid_q <= 1'b0;
    end
  end

  // Answers.
  logic          item_valid, item_last, item_error;
  logic [15:0]   item;
  read_meta_t    item_meta;
  logic [5:0]    item_index;
  logic [AW-1:0] item_slot;
  logic [QW-1:0] item_queue;

  item_queue #(.DATA_W(DATA_W), .ITEM_BYTES(2), .BEATS(BEATS)) u_items (
    .clk_i, .rst_ni, .beat_valid_i, .beat_ready_o, .beat_i, .beat_data_i, .item_valid_o(item_valid),
    .item_data_o(item), .item_meta_o(item_meta), .item_index_o(item_index), .item_last_o(item_last),
    .error_o(item_error)
  );

  assign item_queue    = QW'(item_meta.qid);
  assign item_slot     = AW'(item_meta.slot) + AW'(item_index);
  assign fault_o.valid = item_error;
  assign fault_o.qid = item_meta.qid;
  assign fault_o.code  = QeDmaError;
  assign ended         = item_last || item_error;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) reads_q <= '0;
    else reads_q <= reads_q + 6'(load) - 6'(ended) - 6'(drop_i);
  end

  queue_counter #(.NQ(NQ)) u_outstanding (
    .clk_i, .rst_ni, .inc_i(load), .inc_queue_i(pick), .dec_i(ended),
    .dec_queue_i(item_queue), .dec2_i(drop_i), .dec2_queue_i(drop_queue_i), .busy_o
  );

  slot_valid #(.NQ(NQ), .DEPTH(DEPTH)) u_valid (
    .clk_i, .rst_ni, .clear_i, .set_i(item_valid), .set_queue_i(item_queue), .set_slot_i(item_slot),
    .next_i, .ready_o, .take_i, .take_queue_i, .take_slot_i(next_i[take_queue_i])
  );

  ram_1r1w #(.W(16), .DEPTH(SLOTS)) u_heads (
    .clk_i, .we_i(item_valid), .waddr_i({item_queue, item_slot}), .wdata_i(item), .re_i(take_i),
    .raddr_i({take_queue_i, next_i[take_queue_i]}), .rdata_o(head_o)
  );

  ram_1r1w #(.W(16), .DEPTH(SLOTS)) u_heads_again (
    .clk_i, .we_i(item_valid), .waddr_i({item_queue, item_slot}), .wdata_i(item), .re_i(look_i),
    .raddr_i({look_queue_i, look_slot_i}), .rdata_o(look_head_o)
  );

  if (BUG == 0) begin : gen_check
    // Nothing beyond the published index is read, nothing beyond the free slots is asked for.
    always_ff @(posedge clk_i) if (rst_ni) published_only : assert (
        !load || (count != 16'd0 && count <= known_i[pick] - fetch_q[pick]));
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{item_meta, item_index};

endmodule
