// The packed ring's way in: how far to read (`packed_avail`), the reads (`packed_fetch`), and what may be passed on
// (`packed_check`), some of it to be read again (`packed_again`). Descriptors themselves go the same way as a split ring's: `descriptor_store` to `chain_walk`.
module packed_input
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ    = 4,
  /// Descriptor slots a queue, power of two.
  parameter int unsigned DEPTH = 256,
  /// Planted bug, 0: none.
  parameter int unsigned BUG   = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a slot number.
  localparam int unsigned AW = $clog2(DEPTH)
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// Negotiated features.
  input  features_t           features_i,
  /// Max_Read_Request_Size code.
  input  logic [2:0]          mrrs_i,
  /// Per queue: enabled, not frozen, and packed.
  input  logic [NQ-1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// Per queue: work may exist.
  input  logic [NQ-1:0]       work_i,
  /// Per queue: what is read from now on answers the work bit.
  output logic [NQ-1:0]       work_taken_o,
  /// A kick brought a position.
  input  logic                advance_i,
  /// Its queue.
  input  logic [QW-1:0]       advance_queue_i,
  /// Descriptors before this position are said to be available.
  input  logic [15:0]         advance_index_i,
  /// It was of use.
  output logic                advance_taken_o,
  /// Per queue: slots given back.
  input  logic [NQ-1:0][15:0] used_i,
  /// Per queue: positions before this have left their slots.
  input  logic [NQ-1:0][15:0] walk_i,
  /// Per queue: the walker is inside a list.
  input  logic [NQ-1:0]       walk_in_list_i,
  /// Per queue: the walker found that what follows was passed wrongly.
  input  logic [NQ-1:0]       redo_i,
  /// Per queue: positions before this were passed to the walker.
  input  logic [NQ-1:0][15:0] passed_i,
  /// Per queue: wrap counter and slot of that position.
  output logic [NQ-1:0][15:0] here_o,
  /// A descriptor is looked at.
  input  logic                ask_i,
  /// Its queue.
  input  logic [QW-1:0]       ask_queue_i,
  /// Its position.
  input  logic [15:0]         ask_position_i,
  /// The descriptor.
  input  desc_t               desc_i,
  /// It was the first of its answer.
  input  logic                begins_i,
  /// It is passed.
  input  logic                pass_i,
  /// It is not to be passed.
  output logic                stop_o,
  /// If it is passed, the walker waits for its second reading.
  output logic                unsure_o,
  /// Per queue: nothing is looked at or taken.
  output logic [NQ-1:0]       hold_o,
  /// Per queue: what was passed to the walker and not taken is taken back.
  output logic [NQ-1:0]       undo_o,
  /// A list runs on into a slot that is not available.
  output fault_t              fault_o,
  /// Per queue: what was read beyond what was passed is forgotten.
  output logic [NQ-1:0]       forget_o,
  /// Per queue: epoch of the answers that count.
  output logic [NQ-1:0]       epoch_o,
  /// Second and first readings of descriptors.
  output logic [1:0]          rd_valid_o,
  /// Taken.
  input  logic [1:0]          rd_ready_i,
  /// The reads.
  output dma_rd_req_t [1:0]   rd_req_o,
  /// Requests that were dropped.
  input  logic [1:0]          drop_i,
  /// Their queue.
  input  logic [QW-1:0]       drop_queue_i,
  /// The read of this answer ended.
  input  logic                end_i,
  /// Its queue.
  input  logic [QW-1:0]       end_queue_i,
  /// Its epoch.
  input  logic                end_epoch_i,
  /// A second reading ended, of that queue.
  input  logic                again_end_i,
  /// Kick suppression's write.
  output logic                arm_valid_o,
  /// Taken.
  input  logic                arm_ready_i,
  /// The beat.
  output ring_write_t         arm_o,
  /// Such a write has its place in the request order.
  input  logic                arm_done_i,
  /// Its queue.
  input  logic [QW-1:0]       arm_done_queue_i,
  /// Per queue: a write of kick suppression is outstanding.
  output logic [NQ-1:0]       arm_busy_o,
  /// Per queue: descriptors are being read.
  output logic [NQ-1:0]       desc_busy_o
);

  logic [NQ-1:0][15:0] goal, fetch;
  logic [NQ-1:0][15:0] rewind_to, rewind_here;
  logic [NQ-1:0]       dry, settled, again_busy, fetch_busy;
  logic                again_room;

  assign desc_busy_o = fetch_busy | again_busy;

  packed_avail #(.NQ(NQ), .DEPTH(DEPTH), .BUG(BUG)) u_avail (
    .clk_i, .rst_ni, .ctx_i, .features_i, .run_i, .clear_i, .work_i, .work_taken_o, .advance_i, .advance_queue_i,
    .advance_index_i, .advance_taken_o, .passed_i, .here_i(here_o), .used_i, .dry_i(dry), .goal_o(goal),
    .wr_valid_o(arm_valid_o), .wr_ready_i(arm_ready_i), .wr_o(arm_o), .done_i(arm_done_i),
    .done_queue_i(arm_done_queue_i), .busy_o(arm_busy_o)
  );

  packed_fetch #(.NQ(NQ), .DEPTH(DEPTH)) u_fetch (
    .clk_i, .rst_ni, .ctx_i, .mrrs_i, .run_i, .clear_i, .goal_i(goal), .walk_i, .used_i, .rewind_i(forget_o),
    .rewind_to_i(rewind_to), .rewind_here_i(rewind_here), .fetch_o(fetch), .epoch_o, .settled_o(settled),
    .rd_valid_o(rd_valid_o[1]), .rd_ready_i(rd_ready_i[1]), .rd_req_o(rd_req_o[1]), .drop_i(drop_i[1]),
    .drop_queue_i, .end_i, .end_queue_i, .end_epoch_i, .busy_o(fetch_busy)
  );

  packed_check #(.NQ(NQ), .BUG(BUG)) u_check (
    .clk_i, .rst_ni, .ctx_i, .clear_i, .packed_i(features_i.ring_packed), .fetch_i(fetch), .passed_i,
    .settled_i(settled), .walk_i, .walk_in_list_i, .redo_i, .ask_i, .ask_queue_i, .ask_position_i, .desc_i, .begins_i,
    .pass_i, .stop_o, .unsure_o, .again_room_i(again_room), .again_busy_i(again_busy), .fault_o, .rewind_o(forget_o),
    .rewind_to_o(rewind_to), .rewind_here_o(rewind_here), .undo_o, .hold_o, .dry_o(dry), .here_o
  );

  packed_again #(.NQ(NQ), .DEPTH(DEPTH)) u_again (
    .clk_i, .rst_ni, .ctx_i, .room_o(again_room), .note_i(pass_i && unsure_o), .note_queue_i(ask_queue_i),
    .note_slot_i(here_o[ask_queue_i][14:0]), .note_place_i(AW'(ask_position_i)), .rd_valid_o(rd_valid_o[0]),
    .rd_ready_i(rd_ready_i[0]), .rd_req_o(rd_req_o[0]), .drop_i(drop_i[0]), .drop_queue_i, .end_i(again_end_i),
    .end_queue_i, .busy_o(again_busy)
  );

endmodule
