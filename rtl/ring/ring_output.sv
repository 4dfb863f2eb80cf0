// The way back of both rings: completions become used elements (split: with their index), and the driver is notified.
// Kick suppression writes go the same way.
module ring_output
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ          = 4,
  /// Width of the data path in bits.
  parameter int unsigned DATA_W      = 512,
  /// Cycles without a completion after which used elements are written.
  parameter int unsigned IDLE_CYCLES = 24,
  /// Age of the oldest completion at which used elements are written.
  parameter int unsigned AGE_CYCLES  = 128,
  /// Clocks of a microsecond.
  parameter int unsigned CLOCK_MHZ   = 250,
  /// Planted bug, 0: none.
  parameter int unsigned BUG         = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a byte count.
  localparam int unsigned BW = $clog2(DATA_W / 8) + 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// The same, also while the read pool is flushed.
  input  logic                rst_read_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// Negotiated features.
  input  features_t           features_i,
  /// Limits of interrupt moderation.
  input  coalesce_t [NQ-1:0]  coalesce_i,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// Of the queues that run nothing is gathered, being written, moderated or being decided.
  output logic                quiet_o,
  /// The device type takes a chain.
  input  logic                pop_i,
  /// Of this queue.
  input  logic [15:0]         pop_queue_i,
  /// Look at the position of this queue.
  input  logic [15:0]         look_queue_i,
  /// Its position, one cycle later.
  output queue_position_t     position_o,
  /// A used buffer.
  input  logic                cpl_valid_i,
  /// Taken.
  output logic                cpl_ready_o,
  /// The completion.
  input  completion_t         cpl_i,
  /// Kick suppression's write.
  input  logic                arm_valid_i,
  /// Taken.
  output logic                arm_ready_o,
  /// The beat.
  input  ring_write_t         arm_i,
  /// Such a write has its place in the request order.
  output logic                arm_done_o,
  /// Its queue.
  output logic [QW-1:0]       arm_done_queue_o,
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
  /// Per queue: published used index (packed: slots given back).
  output logic [NQ-1:0][15:0] used_o,
  /// Read of an event word.
  output logic                rd_valid_o,
  /// Taken.
  input  logic                rd_ready_i,
  /// The read.
  output dma_rd_req_t         rd_req_o,
  /// An event word was read.
  input  logic                ans_valid_i,
  /// Its queue.
  input  logic [QW-1:0]       ans_queue_i,
  /// The word.
  input  logic [31:0]         ans_value_i,
  /// How the read ended.
  input  rd_status_e          ans_status_i,
  /// Used buffer notification.
  output logic                irq_valid_o,
  /// Taken.
  input  logic                irq_ready_i,
  /// Its queue.
  output logic [15:0]         irq_queue_o,
  /// An event word could not be read.
  output fault_t              fault_o,
  /// Per queue: an event read is outstanding.
  output logic [NQ-1:0]       event_busy_o,
  /// Per queue: a write is under way.
  output logic [NQ-1:0]       write_busy_o
);

  logic          split_cpl_ready, packed_cpl_ready, split_valid, packed_valid, used_valid, used_ready;
  logic          index_enters, publish, is_packed, stalled;
  logic [6:0]    stall_q;
  logic [NQ-1:0] run_split, run_packed, split_busy, packed_busy, mux_busy;
  ring_write_t   split_beat, packed_beat, used_beat;
  write_meta_t   done_meta;
  logic [QW-1:0] done_queue, publish_queue;
  logic [15:0]   publish_count;
  logic [9:0]    publish_packets;
  logic [NQ-1:0] event_due, event_sure, event_asked;
  logic [NQ-1:0][16:0] lap;

  assign is_packed    = features_i.ring_packed;
  assign run_split    = run_i & {NQ{!is_packed}};
  assign run_packed   = run_i & {NQ{is_packed}};
  assign cpl_ready_o  = is_packed ? packed_cpl_ready : split_cpl_ready;
  assign used_valid   = split_valid || (packed_valid && !stalled);
  assign used_beat    = packed_valid ? packed_beat : split_beat;
  assign write_busy_o = split_busy | packed_busy | mux_busy;

  used_writer #(
    .NQ(NQ), .DATA_W(DATA_W), .IDLE_CYCLES(IDLE_CYCLES), .AGE_CYCLES(AGE_CYCLES), .BUG(BUG)
  ) u_split (
    .clk_i, .rst_ni, .ctx_i, .in_order_i(features_i.in_order), .run_i(run_split), .clear_i,
    .cpl_valid_i(cpl_valid_i && !is_packed),
    .cpl_ready_o(split_cpl_ready), .cpl_i, .wr_valid_o(split_valid), .wr_ready_i(used_ready && !packed_valid),
    .wr_o(split_beat), .busy_o(split_busy)
  );

  packed_used #(
    .NQ(NQ), .DATA_W(DATA_W), .IDLE_CYCLES(IDLE_CYCLES), .AGE_CYCLES(AGE_CYCLES), .BUG(BUG)
  ) u_packed (
    .clk_i, .rst_ni, .ctx_i, .in_order_i(features_i.in_order), .run_i(run_packed), .clear_i,
    .cpl_valid_i(cpl_valid_i && is_packed),
    .cpl_ready_o(packed_cpl_ready), .cpl_i, .wr_valid_o(packed_valid), .wr_ready_i(used_ready && !stalled),
    .wr_o(packed_beat), .busy_o(packed_busy)
  );

  ring_write_mux #(.NQ(NQ), .DATA_W(DATA_W)) u_write_mux (
    .clk_i, .rst_ni, .used_valid_i(used_valid), .used_ready_o(used_ready), .used_i(used_beat), .arm_valid_i,
    .arm_ready_o, .arm_i, .op_valid_o(wr_op_valid_o), .op_ready_i(wr_op_ready_i), .op_o(wr_op_o),
    .data_valid_o(wr_data_valid_o), .data_ready_i(wr_data_ready_i), .data_o(wr_data_o),
    .data_bytes_o(wr_data_bytes_o), .done_i(wr_done_valid_i), .done_queue_i(done_queue),
    .index_enters_o(index_enters), .busy_o(mux_busy)
  );

  assign done_meta        = write_meta_t'(wr_done_meta_i);
  assign done_queue       = QW'(done_meta.qid);
  assign arm_done_o       = wr_done_valid_i && (done_meta.kind == WkArm);
  assign arm_done_queue_o = done_queue;

  // Completions whose slots were not published yet, and how far every queue is.
  logic [NQ-1:0]       owes;
  logic [NQ-1:0][15:0] place, told;

  ring_position #(.NQ(NQ), .BUG(BUG)) u_position (
    .clk_i, .rst_ni, .ctx_i, .packed_i(is_packed), .run_i, .clear_i, .pop_i, .pop_queue_i,
    .given_i(cpl_valid_i && cpl_ready_o), .cpl_i, .publish_i(publish), .publish_queue_i(publish_queue),
    .publish_count_i(publish_count), .used_i(place), .told_i(told), .busy_i(event_due | event_busy_o | write_busy_o),
    .owes_o(owes), .look_queue_i, .position_o
  );

  // Planted bug 60 leaves rounds of moderation open, and does not ask for them here.
  assign quiet_o = ((owes | (planted(BUG, 60) ? '0 : event_due)) & run_i) == '0 && write_busy_o == '0
                   && event_busy_o == '0 && !irq_valid_o;

  // Planted bugs 12 and 38 look at the event word before what it belongs to is written (38 keeps that back meanwhile).
  assign stalled = planted(BUG, 38) && packed_valid && packed_beat.first && (packed_beat.meta.kind == WkIndex)
                   && (stall_q != 7'd96);
  assign publish = planted(BUG, 12) ? index_enters : planted(BUG, 38) ? stalled && (stall_q == '0)
                   : wr_done_valid_i && (done_meta.kind == WkIndex);
  assign publish_queue = (planted(BUG, 12) || planted(BUG, 38)) ? QW'(used_beat.meta.qid) : done_queue;
  assign publish_count = (planted(BUG, 12) || planted(BUG, 38)) ? used_beat.meta.count : done_meta.count;
  assign publish_packets = (planted(BUG, 12) || planted(BUG, 38)) ? used_beat.meta.packets : done_meta.packets;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || !packed_valid || used_ready) stall_q <= '0;
    else if (stalled) stall_q <= stall_q + 7'd1;
  end

  // Event indices count to 65536 on a split ring, twice round a packed one.
  for (genvar q = 0; q < int'(NQ); q++) begin : gen_lap
    assign lap[q] = is_packed ? {ctx_i[q].size, 1'b0} : 17'd65536;
  end

  notify_moderate #(.NQ(NQ), .CLOCK_MHZ(CLOCK_MHZ), .BUG(BUG)) u_moderate (
    .clk_i, .rst_ni(rst_read_ni), .limits_i(coalesce_i), .lap_i(lap), .clear_i, .publish_i(publish),
    .publish_queue_i(publish_queue), .publish_count_i(publish_count), .publish_packets_i(publish_packets),
    .asked_i(event_asked), .due_o(event_due), .sure_o(event_sure)
  );

  notify_decide #(.NQ(NQ), .BUG(BUG)) u_notify (
    .clk_i, .rst_ni(rst_read_ni), .ctx_i, .features_i, .run_i, .clear_i, .publish_i(publish),
    .publish_queue_i(publish_queue), .publish_count_i(publish_count), .due_i(event_due), .sure_i(event_sure),
    .asked_o(event_asked), .used_o, .place_o(place), .told_o(told), .rd_valid_o, .rd_ready_i, .rd_req_o,
    .ans_valid_i, .ans_queue_i, .ans_value_i, .ans_status_i, .irq_valid_o, .irq_ready_i, .irq_queue_o, .fault_o,
    .busy_o(event_busy_o)
  );

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{wr_done_meta_i, features_i, used_beat};

endmodule
