// Answers of descriptor and window reads become one stream of descriptors; first descriptors are kept in the slots of
// their positions, where they are looked at twice in order: for their windows, and by the walker.
module descriptor_store
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ     = 4,
  /// Width of the data path in bits.
  parameter int unsigned DATA_W = 512,
  /// Descriptor slots a queue, power of two.
  parameter int unsigned DEPTH  = 256,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a slot number.
  localparam int unsigned AW = $clog2(DEPTH)
) (
  /// Clock.
  input  logic                  clk_i,
  /// Synchronous reset, active low.
  input  logic                  rst_ni,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]         clear_i,
  /// The queues are packed rings.
  input  logic                  packed_i,
  /// Per queue: slots that were not passed are forgotten.
  input  logic [NQ-1:0]         forget_i,
  /// Per queue: answers of the other epoch are ignored.
  input  logic [NQ-1:0]         epoch_i,
  /// Answer beat of a descriptor or window read.
  input  logic                  beat_valid_i,
  /// Taken.
  output logic                  beat_ready_o,
  /// Its head.
  input  dma_rd_rsp_t           beat_i,
  /// Its data.
  input  logic [DATA_W-1:0]     beat_data_i,
  /// A descriptor arrived.
  output logic                  item_valid_o,
  /// The descriptor, as it lies in memory.
  output desc_t                 item_o,
  /// What was read.
  output read_meta_t            item_meta_o,
  /// Place in the answer.
  output logic [5:0]            item_index_o,
  /// Last of its answer.
  output logic                  item_last_o,
  /// A read failed (`item_meta_o` says which).
  output logic                  item_error_o,
  /// A second reading ended.
  output logic                  again_end_o,
  /// A read of first descriptors ended.
  output logic                  end_o,
  /// Its queue.
  output logic [QW-1:0]         end_queue_o,
  /// Its epoch.
  output logic                  end_epoch_o,
  /// Per queue: slot asked about.
  input  logic [NQ-1:0][AW-1:0] next_i,
  /// Per queue: it is filled.
  output logic [NQ-1:0]         filled_o,
  /// First look at a slot.
  input  logic                  look_i,
  /// Its queue.
  input  logic [QW-1:0]         look_queue_i,
  /// The slot.
  input  logic [AW-1:0]         look_slot_i,
  /// The descriptor, one cycle later.
  output desc_t                 look_o,
  /// It was the first of its answer.
  output logic                  look_begins_o,
  /// A slot is passed to the walker.
  input  logic                  pass_i,
  /// Its queue.
  input  logic [QW-1:0]         pass_queue_i,
  /// The slot.
  input  logic [AW-1:0]         pass_slot_i,
  /// It will be read again before the walker may take it.
  input  logic                  pass_unsure_i,
  /// Its NEXT flag as first read.
  input  logic                  pass_next_i,
  /// It was given a window.
  input  logic                  given_i,
  /// That window.
  input  logic [5:0]            given_window_i,
  /// Per queue: slot the walker takes next.
  input  logic [NQ-1:0][15:0]   walk_i,
  /// Per queue: its second reading is not there yet.
  output logic [NQ-1:0]         unsure_o,
  /// The walker takes a descriptor now.
  input  logic                  take_i,
  /// From this queue.
  input  logic [QW-1:0]         take_queue_i,
  /// And this slot.
  input  logic [AW-1:0]         take_slot_i,
  /// The descriptor, one cycle later.
  output desc_t                 first_o,
  /// It has a window.
  output logic                  first_given_o,
  /// That window.
  output logic [5:0]            first_window_o,
  /// It was read again.
  output logic                  first_again_o,
  /// Its NEXT flag as first read.
  output logic                  first_next_o,
  /// A read failed.
  output fault_t                fault_o
);

  localparam int unsigned SLOTS = (1 << QW) * DEPTH;

  logic [127:0]  item, slot_word, look_word, word;
  logic          first, again, second;
  logic [NQ-1:0][AW-1:0] walk_slot;
  logic [AW-1:0] slot;

  item_queue #(.DATA_W(DATA_W), .ITEM_BYTES(16)) u_items (
    .clk_i, .rst_ni, .beat_valid_i, .beat_ready_o, .beat_i, .beat_data_i, .item_valid_o, .item_data_o(item),
    .item_meta_o, .item_index_o, .item_last_o, .error_o(item_error_o)
  );

  assign item_o      = desc_t'(item);
  assign slot_word   = desc_of(item, packed_i);
  assign again       = (item_meta_o.kind == RkDesc) && item_meta_o.slot[11];
  assign first       = item_valid_o && (item_meta_o.kind == RkDesc) && !again && (end_epoch_o == epoch_i[end_queue_o]);
  assign second      = item_valid_o && again;
  assign slot        = AW'(item_meta_o.slot) + AW'(item_index_o);
  assign end_queue_o = QW'(item_meta_o.qid);
  assign end_epoch_o = item_meta_o.slot[12];
  assign end_o       = (item_meta_o.kind == RkDesc) && !again && ((item_valid_o && item_last_o) || item_error_o);
  assign again_end_o = again && ((item_valid_o && item_last_o) || item_error_o);

  assign fault_o.valid = item_error_o;
  assign fault_o.qid = item_meta_o.qid;
  assign fault_o.code  = QeDmaError;

  slot_valid #(.NQ(NQ), .DEPTH(DEPTH)) u_valid (
    .clk_i, .rst_ni, .clear_i(clear_i | forget_i), .set_i(first), .set_queue_i(end_queue_o), .set_slot_i(slot), .next_i,
    .ready_o(filled_o), .take_i(pass_i), .take_queue_i(pass_queue_i), .take_slot_i(pass_slot_i)
  );

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_walk
    assign walk_slot[q] = walk_i[q][AW-1:0];
  end

  slot_valid #(.NQ(NQ), .DEPTH(DEPTH)) u_unsure (
    .clk_i, .rst_ni, .clear_i, .set_i(pass_i && pass_unsure_i), .set_queue_i(pass_queue_i), .set_slot_i(pass_slot_i),
    .next_i(walk_slot), .ready_o(unsure_o), .take_i(second), .take_queue_i(end_queue_o), .take_slot_i(slot)
  );

  ram_1r1w #(.W(129), .DEPTH(SLOTS)) u_look (
    .clk_i, .we_i(first), .waddr_i({end_queue_o, slot}), .wdata_i({item_index_o == '0, slot_word}), .re_i(look_i),
    .raddr_i({look_queue_i, look_slot_i}), .rdata_o({look_begins_o, look_word})
  );

  ram_1r1w #(.W(128), .DEPTH(SLOTS)) u_take (
    .clk_i, .we_i(first || second), .waddr_i({end_queue_o, slot}), .wdata_i(slot_word), .re_i(take_i),
    .raddr_i({take_queue_i, take_slot_i}), .rdata_o(word)
  );

  ram_1r1w #(.W(9), .DEPTH(SLOTS)) u_given (
    .clk_i, .we_i(pass_i), .waddr_i({pass_queue_i, pass_slot_i}),
    .wdata_i({pass_unsure_i, pass_next_i, given_i, given_window_i}), .re_i(take_i),
    .raddr_i({take_queue_i, take_slot_i}), .rdata_o({first_again_o, first_next_o, first_given_o, first_window_o})
  );

  assign look_o  = desc_t'(look_word);
  assign first_o = desc_t'(word);

endmodule
