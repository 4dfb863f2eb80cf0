// The rings of NQ queues, all split or all packed: kicks become published chains, completions become used elements and
// notifications.
//
//   kick_state -> split_input | packed_input -> descriptor_store -> window_ahead, window_pool -> chain_walk
//   -> chain_store -> device type -> ring_output (used_writer | packed_used, ring_write_mux, notify_decide)
module ring_engine
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues, 1..16.
  parameter int unsigned NQ             = 4,
  /// Width of the data path in bits, 64..512.
  parameter int unsigned DATA_W         = 512,
  /// Largest queue size, power of two, 2..32768.
  parameter int unsigned MAX_QUEUE_SIZE = 256,
  /// Windows for followers and indirect tables, shared by the queues.
  parameter int unsigned WINDOWS        = 48,
  /// Cycles without a completion after which used elements are written.
  parameter int unsigned IDLE_CYCLES    = 24,
  /// Age of the oldest completion at which used elements are written.
  parameter int unsigned AGE_CYCLES     = 128,
  /// Clocks of a microsecond.
  parameter int unsigned CLOCK_MHZ      = 250,
  /// Planted bug, 0: none.
  parameter int unsigned BUG            = 0,
  /// Width of a byte count.
  localparam int unsigned BW = $clog2(DATA_W / 8) + 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Queue contexts; `enable` falling stops a queue.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// Negotiated features.
  input  features_t           features_i,
  /// Limits of interrupt moderation.
  input  coalesce_t [NQ-1:0]  coalesce_i,
  /// Device Control.Max_Read_Request_Size code.
  input  logic [2:0]          mrrs_i,
  /// The read pool forgets what is outstanding and answers nothing more (device reset, all queues disabled).
  input  logic                flush_i,
  /// Kick, never stalls.
  input  logic                kick_valid_i,
  /// The kick.
  input  kick_t               kick_i,
  /// Ring read.
  output logic                rd_req_valid_o,
  /// Taken.
  input  logic                rd_req_ready_i,
  /// The read; meta[31:28] is zero.
  output dma_rd_req_t         rd_req_o,
  /// Answer beat, answers in any order.
  input  logic                rd_rsp_valid_i,
  /// Taken.
  output logic                rd_rsp_ready_o,
  /// Its head; meta[31:28] is not looked at.
  input  dma_rd_rsp_t         rd_rsp_i,
  /// Its data.
  input  logic [DATA_W-1:0]   rd_rsp_data_i,
  /// Ring write.
  output logic                wr_op_valid_o,
  /// Taken.
  input  logic                wr_op_ready_i,
  /// The write.
  output dma_wr_op_t          wr_op_o,
  /// Byte stream of the writes.
  output logic                wr_data_valid_o,
  /// Taken.
  input  logic                wr_data_ready_i,
  /// Data from lane 0.
  output logic [DATA_W-1:0]   wr_data_o,
  /// Its bytes.
  output logic [BW-1:0]       wr_data_bytes_o,
  /// A write has its place in the request order.
  input  logic                wr_done_valid_i,
  /// Its meta.
  input  logic [31:0]         wr_done_meta_i,
  /// Suspended: fetch nothing, show no chain, end every round of moderation. What is in flight goes on to its end.
  input  logic                hold_i,
  /// Held back, nothing is in flight to the driver and nothing due.
  output logic                quiet_o,
  /// Per queue: published chains not yet popped.
  output logic [NQ-1:0][15:0] chain_count_o,
  /// Look at a record: queue.
  input  logic [15:0]         peek_queue_i,
  /// Records after the oldest.
  input  logic [15:0]         peek_index_i,
  /// The record, one cycle later.
  output chain_t              peek_chain_o,
  /// Remove the oldest record.
  input  logic                chain_pop_i,
  /// Of this queue.
  input  logic [15:0]         chain_pop_queue_i,
  /// Take the oldest segment.
  input  logic                seg_pop_i,
  /// Of this queue.
  input  logic [15:0]         seg_queue_i,
  /// The segment, one cycle later.
  output segment_t            seg_o,
  /// A used buffer.
  input  logic                cpl_valid_i,
  /// Taken.
  output logic                cpl_ready_o,
  /// The completion.
  input  completion_t         cpl_i,
  /// Used buffer notification.
  output logic                irq_valid_o,
  /// Taken.
  input  logic                irq_ready_i,
  /// Its queue.
  output logic [15:0]         irq_queue_o,
  /// A queue froze (pulse).
  output logic                error_valid_o,
  /// Which.
  output logic [15:0]         error_queue_o,
  /// Why.
  output queue_error_e        error_code_o,
  /// The device type freezes a queue.
  input  logic                device_error_valid_i,
  /// Which.
  input  logic [15:0]         device_error_queue_i,
  /// Look at the position of a queue.
  input  logic [15:0]         look_queue_i,
  /// How far it is, one cycle later.
  output queue_position_t     position_o,
  /// Per queue: disabled, nothing outstanding and nothing to come.
  output logic [NQ-1:0]       idle_o
);

  localparam int unsigned QW    = (NQ > 1) ? $clog2(NQ) : 1;
  localparam int unsigned DEPTH = (MAX_QUEUE_SIZE < 1024) ? MAX_QUEUE_SIZE : 1024;
  localparam int unsigned AW    = $clog2(DEPTH);
  localparam int unsigned NW    = NQ + WINDOWS;

  // Who runs, who is quiet.
  logic          rst_read_n, is_packed;
  logic [NQ-1:0] enable, enable_q, run, run_split, run_packed, clear, busy;
  logic [NQ-1:0] index_busy, entry_busy, split_busy, packed_busy, arm_busy, desc_busy, window_busy, event_busy,
                 write_busy;
  fault_t [7:0]  fault;

  assign rst_read_n = rst_ni && !flush_i;
  assign is_packed  = features_i.ring_packed;
  assign run_split  = run & {NQ{!is_packed}};
  assign run_packed = run & {NQ{is_packed}};
  assign desc_busy  = split_busy | packed_busy;
  assign busy       = index_busy | entry_busy | desc_busy | arm_busy | window_busy | event_busy | write_busy;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_enable
    assign enable[q] = ctx_i[q].enable;
  end

  always_comb begin
    fault[6]       = '0;
    fault[6].valid = device_error_valid_i && (device_error_queue_i < 16'(NQ));
    fault[6].qid = device_error_queue_i[3:0];
    fault[6].code  = QeDevice;
  end

  ring_fault #(.NQ(NQ), .SOURCES(8)) u_fault (
    .clk_i, .rst_ni, .enable_i(enable), .busy_i(busy), .fault_i(fault), .run_o(run), .clear_o(clear), .idle_o,
    .error_valid_o, .error_queue_o, .error_code_o
  );

  // Answers go to the stage that asked.
  read_meta_t    rsp_meta;
  logic          rsp_index, rsp_entry, rsp_desc, rsp_event, entry_ready, desc_ready;
  logic [31:0]   rsp_word;
  logic [QW-1:0] rsp_queue;

  assign rsp_meta  = read_meta_t'(rd_rsp_i.meta[27:0]);
  assign rsp_queue = QW'(rsp_meta.qid);
  assign rsp_word  = rd_rsp_data_i[31:0] >> {rsp_meta.offset, 3'b000};
  // An answer that nobody waits for (the queue was reset without a drain, planted bug 22) is taken and ignored.
  assign rsp_index = rd_rsp_valid_i && (rsp_meta.kind == RkIndex) && index_busy[rsp_queue];
  assign rsp_event = rd_rsp_valid_i && (rsp_meta.kind == RkEvent) && event_busy[rsp_queue];
  assign rsp_entry = rd_rsp_valid_i && (rsp_meta.kind == RkEntry) && entry_busy[rsp_queue];
  assign rsp_desc  = rd_rsp_valid_i && ((rsp_meta.kind == RkDesc && desc_busy[rsp_queue])
                                        || (rsp_meta.kind == RkWindow && window_busy[rsp_queue]));
  assign rd_rsp_ready_o = !(rsp_entry && !entry_ready) && !(rsp_desc && !desc_ready);

  // Requests of the stages: index, entries, descriptors, windows, event words.
  logic [4:0]        rd_valid, rd_ready, drop;
  logic [2:0]        split_rd_valid;
  logic [1:0]        packed_rd_valid;
  logic [QW-1:0]     drop_queue;
  dma_rd_req_t [4:0] rd_req;
  dma_rd_req_t [2:0] split_rd_req;
  dma_rd_req_t [1:0] packed_rd_req;

  assign rd_valid[2:0] = is_packed ? {packed_rd_valid, 1'b0} : split_rd_valid;
  assign rd_req[0]     = split_rd_req[0];
  assign rd_req[2:1]   = is_packed ? packed_rd_req : split_rd_req[2:1];

  ring_read_mux #(.NQ(NQ)) u_read_mux (
    .clk_i, .rst_ni(rst_read_n), .run_i(planted(BUG, 51) ? enable : run), .drop_o(drop),
    .drop_queue_o(drop_queue), .valid_i(rd_valid & {1'b1, {4{!hold_i}}}), .ready_o(rd_ready), .req_i(rd_req),
    .rd_valid_o(rd_req_valid_o), .rd_ready_i(rd_req_ready_i), .rd_req_o
  );

  // Kicks.
  logic [NQ-1:0]       work, split_taken, packed_taken;
  logic [NQ-1:0][15:0] known, passed, here, used, walk, size;
  logic                advance, advance_taken;
  logic [QW-1:0]       advance_queue, arm_done_queue;
  logic [15:0]         advance_index;
  logic                split_arm_valid, packed_arm_valid, arm_ready, arm_done;
  ring_write_t         split_arm, packed_arm;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_size
    assign size[q] = ctx_i[q].size;
  end

  kick_state #(.NQ(NQ)) u_kick (
    .clk_i, .rst_ni(rst_read_n), .run_i(run), .clear_i(clear), .size_i(size), .kick_valid_i, .kick_i,
    .packed_i(is_packed), .known_i(is_packed ? passed : known), .used_i(used), .here_i(here),
    .answer_i(rsp_index), .answer_queue_i(rsp_queue), .work_o(work), .work_taken_i(split_taken | packed_taken),
    .advance_o(advance), .advance_queue_o(advance_queue), .advance_index_o(advance_index),
    .advance_taken_i(advance_taken || !is_packed)
  );

  // Which descriptors to read.
  logic          ahead_look, ask, refused, pass, stop, unsure, begins, first_again, first_next, again_end;
  logic [QW-1:0] ahead_queue, ask_queue;
  logic [15:0]   ask_position;
  logic [AW-1:0] ahead_slot, pass_slot;
  logic [NQ-1:0] slot_filled, forget, epoch, hold, undo, redo, in_list, slot_unsure;
  desc_t         ahead;
  logic          item_valid, item_last, item_error, given, desc_end, desc_end_epoch, first_given, first_take;
  desc_t         item, first;
  read_meta_t    item_meta;
  logic [5:0]    item_index, given_window, first_window;
  logic [QW-1:0] desc_end_queue, first_take_queue;
  logic [AW-1:0] first_take_slot;
  logic [15:0]   first_head;

  split_input #(.NQ(NQ), .DATA_W(DATA_W), .DEPTH(DEPTH), .BUG(BUG)) u_split (
    .clk_i, .rst_ni(rst_read_n), .ctx_i, .features_i, .mrrs_i, .run_i(run_split), .clear_i(clear), .work_i(work),
    .work_taken_o(split_taken), .advance_i(advance && !is_packed), .advance_queue_i(advance_queue),
    .advance_index_i(advance_index), .used_i(used), .walk_i(walk), .known_o(known), .rd_valid_o(split_rd_valid),
    .rd_ready_i(rd_ready[2:0]), .rd_req_o(split_rd_req), .drop_i(is_packed ? 3'b0 : drop[2:0]),
    .drop_queue_i(drop_queue), .ans_valid_i(rsp_index), .ans_queue_i(rsp_queue), .ans_value_i(rsp_word[15:0]),
    .beat_valid_i(rsp_entry), .beat_ready_o(entry_ready), .beat_i(rd_rsp_i), .beat_data_i(rd_rsp_data_i),
    .end_i(desc_end && !is_packed), .end_queue_i(desc_end_queue), .look_i(first_take),
    .look_queue_i(first_take_queue), .look_slot_i(first_take_slot), .look_head_o(first_head),
    .arm_valid_o(split_arm_valid), .arm_ready_i(arm_ready && !is_packed), .arm_o(split_arm), .arm_done_i(arm_done),
    .arm_done_queue_i(arm_done_queue), .fault_o(fault[2:0]), .index_busy_o(index_busy), .entry_busy_o(entry_busy),
    .desc_busy_o(split_busy)
  );

  packed_input #(.NQ(NQ), .DEPTH(DEPTH), .BUG(BUG)) u_packed (
    .clk_i, .rst_ni(rst_read_n), .ctx_i, .features_i, .mrrs_i, .run_i(run_packed), .clear_i(clear),
    .work_i(work), .work_taken_o(packed_taken), .advance_i(advance && is_packed),
    .advance_queue_i(advance_queue), .advance_index_i(advance_index), .advance_taken_o(advance_taken),
    .used_i(used), .walk_i(walk), .walk_in_list_i(in_list), .redo_i(redo), .passed_i(passed), .here_o(here),
    .ask_i(ask), .ask_queue_i(ask_queue), .ask_position_i(ask_position), .desc_i(ahead), .begins_i(begins),
    .pass_i(pass), .stop_o(stop), .unsure_o(unsure), .hold_o(hold), .undo_o(undo), .fault_o(fault[7]),
    .forget_o(forget), .epoch_o(epoch), .rd_valid_o(packed_rd_valid),
    .rd_ready_i(rd_ready[2:1] & {2{is_packed}}), .rd_req_o(packed_rd_req), .drop_i(drop[2:1] & {2{is_packed}}),
    .drop_queue_i(drop_queue), .end_i(desc_end && is_packed), .end_queue_i(desc_end_queue),
    .end_epoch_i(desc_end_epoch), .again_end_i(again_end), .arm_valid_o(packed_arm_valid),
    .arm_ready_i(arm_ready && is_packed), .arm_o(packed_arm), .arm_done_i(arm_done),
    .arm_done_queue_i(arm_done_queue), .arm_busy_o(arm_busy), .desc_busy_o(packed_busy)
  );

  // Descriptors in their slots, and the windows of those whose chains go on elsewhere.
  logic [NQ-1:0][AW-1:0] ahead_next;
  logic [NQ-1:0]         first_ready;

  descriptor_store #(.NQ(NQ), .DATA_W(DATA_W), .DEPTH(DEPTH)) u_store (
    .clk_i, .rst_ni(rst_read_n), .clear_i(clear), .packed_i(is_packed), .forget_i(forget), .epoch_i(epoch),
    .beat_valid_i(rsp_desc), .beat_ready_o(desc_ready), .beat_i(rd_rsp_i), .beat_data_i(rd_rsp_data_i),
    .item_valid_o(item_valid), .item_o(item), .item_meta_o(item_meta), .item_index_o(item_index),
    .item_last_o(item_last), .item_error_o(item_error), .again_end_o(again_end), .end_o(desc_end),
    .end_queue_o(desc_end_queue), .end_epoch_o(desc_end_epoch), .next_i(ahead_next), .filled_o(slot_filled),
    .look_i(ahead_look), .look_queue_i(ahead_queue), .look_slot_i(ahead_slot), .look_o(ahead),
    .look_begins_o(begins), .pass_i(pass), .pass_queue_i(ask_queue), .pass_slot_i(pass_slot),
    .pass_unsure_i(unsure), .pass_next_i(ahead.flags[FlagNext]), .walk_i(walk), .unsure_o(slot_unsure),
    .given_i(given), .given_window_i(given_window), .take_i(first_take), .take_queue_i(first_take_queue),
    .take_slot_i(first_take_slot), .first_o(first), .first_given_o(first_given), .first_window_o(first_window),
    .first_again_o(first_again), .first_next_o(first_next), .fault_o(fault[3])
  );

  window_ahead #(.NQ(NQ), .DEPTH(DEPTH)) u_ahead (
    .clk_i, .rst_ni(rst_read_n), .run_i(run), .clear_i(clear), .hold_i(hold), .undo_i(undo), .walk_i(walk),
    .next_o(ahead_next), .filled_i(slot_filled), .look_o(ahead_look), .look_queue_o(ahead_queue),
    .look_slot_o(ahead_slot), .ask_o(ask), .ask_queue_o(ask_queue), .refused_i(refused), .stop_i(stop),
    .ask_position_o(ask_position), .pass_o(pass), .pass_slot_o(pass_slot), .passed_o(passed),
    .ready_o(first_ready)
  );

  // Followers and indirect tables.
  logic                want_valid, want_ready, window_free, look;
  window_req_t         want;
  logic [5:0]          free_window, look_window;
  logic [3:0]          look_place;
  logic [NW-1:0]       filled;
  logic [NW-1:0][15:0] window_base;
  logic [NW-1:0][4:0]  window_count;
  desc_t               looked;

  window_pool #(.NQ(NQ), .WINDOWS(WINDOWS), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE), .BUG(BUG)) u_windows (
    .clk_i, .rst_ni(rst_read_n), .ctx_i, .features_i, .mrrs_i, .run_i(run), .item_valid_i(item_valid),
    .item_i(item), .item_meta_i(item_meta), .item_index_i(item_index), .item_last_i(item_last),
    .item_error_i(item_error), .ask_valid_i(ask && !stop), .ask_queue_i(ask_queue), .ask_i(ahead), .given_o(given),
    .given_window_o(given_window), .refused_o(refused), .want_valid_i(want_valid),
    .want_ready_o(want_ready), .want_i(want), .free_i(window_free), .free_window_i(free_window),
    .filled_o(filled), .base_o(window_base), .count_o(window_count), .rd_valid_o(rd_valid[3]),
    .rd_ready_i(rd_ready[3]), .rd_req_o(rd_req[3]),
    .drop_i(drop[3]), .drop_queue_i(drop_queue), .look_i(look), .look_window_i(look_window),
    .look_place_i(look_place), .look_o(looked), .busy_o(window_busy)
  );

  // Chains.
  logic [NQ-1:0][15:0] seg_level, chain_level;
  logic [QW-1:0]       put_queue;
  logic                put_seg, put_chain;
  segment_t            seg;
  chain_t              chain;

  chain_walk #(.NQ(NQ), .DEPTH(DEPTH), .MAX_QUEUE_SIZE(MAX_QUEUE_SIZE), .NW(NW), .BUG(BUG)) u_walk (
    .clk_i, .rst_ni(rst_read_n), .ctx_i, .features_i, .run_i(run), .clear_i(clear), .walk_o(walk),
    .ready_i(first_ready & ~slot_unsure & ~hold), .redo_o(redo), .in_chain_o(in_list), .take_o(first_take),
    .take_queue_o(first_take_queue), .take_slot_o(first_take_slot), .first_i(first),
    .first_given_i(first_given), .first_window_i(first_window), .first_again_i(first_again),
    .first_next_i(first_next), .head_i(first_head), .filled_i(filled), .base_i(window_base),
    .count_i(window_count), .look_o(look), .look_window_o(look_window), .look_place_o(look_place),
    .look_i(looked), .want_valid_o(want_valid), .want_ready_i(want_ready), .want_o(want), .free_o(window_free),
    .free_window_o(free_window), .seg_level_i(seg_level), .chain_level_i(chain_level), .put_queue_o(put_queue),
    .put_seg_o(put_seg), .seg_o(seg), .put_chain_o(put_chain), .chain_o(chain), .fault_o(fault[4])
  );

  // The store is emptied when a queue starts, not when it stops: the device type may still be taking segments then.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) enable_q <= '0;
    else enable_q <= enable;
  end

  logic [NQ-1:0][15:0] chain_count;
  assign chain_count_o = hold_i ? '0 : chain_count;

  chain_store #(.NQ(NQ), .DEPTH(MAX_QUEUE_SIZE)) u_chains (
    .clk_i, .rst_ni, .clear_i(enable & ~enable_q), .run_i(run), .put_queue_i(put_queue), .put_seg_i(put_seg),
    .seg_i(seg), .put_chain_i(put_chain), .chain_i(chain), .seg_level_o(seg_level), .chain_level_o(chain_level),
    .count_o(chain_count), .peek_queue_i, .peek_index_i, .peek_chain_o, .chain_pop_i, .chain_pop_queue_i,
    .seg_pop_i, .seg_queue_i, .seg_o
  );

  // The way back.
  ring_output #(
    .NQ(NQ), .DATA_W(DATA_W), .IDLE_CYCLES(IDLE_CYCLES), .AGE_CYCLES(AGE_CYCLES), .CLOCK_MHZ(CLOCK_MHZ), .BUG(BUG)
  ) u_output (
    .clk_i, .rst_ni, .rst_read_ni(rst_read_n), .ctx_i, .features_i,
    .coalesce_i((hold_i && !planted(BUG, 60)) ? '0 : coalesce_i), .run_i(run), .clear_i(clear), .quiet_o,
    .pop_i(chain_pop_i), .pop_queue_i(chain_pop_queue_i), .look_queue_i, .position_o, .cpl_valid_i, .cpl_ready_o,
    .cpl_i,
    .arm_valid_i((is_packed ? packed_arm_valid : split_arm_valid) && !hold_i), .arm_ready_o(arm_ready),
    .arm_i(is_packed ? packed_arm : split_arm),
    .arm_done_o(arm_done), .arm_done_queue_o(arm_done_queue),
    .wr_op_valid_o, .wr_op_ready_i, .wr_op_o, .wr_data_valid_o, .wr_data_ready_i, .wr_data_o, .wr_data_bytes_o,
    .wr_done_valid_i, .wr_done_meta_i, .used_o(used), .rd_valid_o(rd_valid[4]), .rd_ready_i(rd_ready[4]),
    .rd_req_o(rd_req[4]), .ans_valid_i(rsp_event), .ans_queue_i(rsp_queue), .ans_value_i(rsp_word),
    .ans_status_i(rd_rsp_i.status), .irq_valid_o, .irq_ready_i, .irq_queue_o, .fault_o(fault[5]),
    .event_busy_o(event_busy), .write_busy_o(write_busy)
  );

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{rsp_meta, drop};

endmodule
