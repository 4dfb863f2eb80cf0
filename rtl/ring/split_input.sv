// The split ring's way in, up to the reads of first descriptors: available index, entries, runs of descriptors.
module split_input
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ     = 4,
  /// Width of the data path in bits.
  parameter int unsigned DATA_W = 512,
  /// Slots a queue, power of two.
  parameter int unsigned DEPTH  = 256,
  /// Planted bug, 0: none.
  parameter int unsigned BUG    = 0,
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
  /// Per queue: enabled, not frozen, and split.
  input  logic [NQ-1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// Per queue: work may exist.
  input  logic [NQ-1:0]       work_i,
  /// Per queue: the index read that answers the work bit was issued.
  output logic [NQ-1:0]       work_taken_o,
  /// A kick brought a position.
  input  logic                advance_i,
  /// Its queue.
  input  logic [QW-1:0]       advance_queue_i,
  /// New known index.
  input  logic [15:0]         advance_index_i,
  /// Per queue: published used index.
  input  logic [NQ-1:0][15:0] used_i,
  /// Per queue: next chain to start.
  input  logic [NQ-1:0][15:0] walk_i,
  /// Per queue: known available index.
  output logic [NQ-1:0][15:0] known_o,
  /// Reads of index, entries, descriptors.
  output logic [2:0]          rd_valid_o,
  /// Taken.
  input  logic [2:0]          rd_ready_i,
  /// The reads.
  output dma_rd_req_t [2:0]   rd_req_o,
  /// Requests that were dropped.
  input  logic [2:0]          drop_i,
  /// Their queue.
  input  logic [QW-1:0]       drop_queue_i,
  /// An index read was answered.
  input  logic                ans_valid_i,
  /// Its queue.
  input  logic [QW-1:0]       ans_queue_i,
  /// The index in memory.
  input  logic [15:0]         ans_value_i,
  /// Answer beat of an entry read.
  input  logic                beat_valid_i,
  /// Taken.
  output logic                beat_ready_o,
  /// Head of an answer beat.
  input  dma_rd_rsp_t         beat_i,
  /// Its data.
  input  logic [DATA_W-1:0]   beat_data_i,
  /// A read of descriptors ended.
  input  logic                end_i,
  /// Its queue.
  input  logic [QW-1:0]       end_queue_i,
  /// Second look at a head that is still held.
  input  logic                look_i,
  /// Its queue.
  input  logic [QW-1:0]       look_queue_i,
  /// Its slot.
  input  logic [AW-1:0]       look_slot_i,
  /// The head, one cycle later.
  output logic [15:0]         look_head_o,
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
  /// Errors of index, entries, heads.
  output fault_t [2:0]        fault_o,
  /// Per queue: an index read or a write of kick suppression is outstanding.
  output logic [NQ-1:0]       index_busy_o,
  /// Per queue: entries are being read.
  output logic [NQ-1:0]       entry_busy_o,
  /// Per queue: descriptors are being read.
  output logic [NQ-1:0]       desc_busy_o
);

  logic [NQ-1:0][15:0]   fetch;
  logic [NQ-1:0][AW-1:0] head_next;
  logic [NQ-1:0]         head_ready;
  logic                  head_take;
  logic [QW-1:0]         head_take_queue;
  logic [15:0]           head;

  avail_index #(.NQ(NQ), .BUG(BUG)) u_index (
    .clk_i, .rst_ni, .ctx_i, .features_i, .run_i, .clear_i, .work_i, .work_taken_o, .advance_i, .advance_queue_i,
    .advance_index_i, .fetch_i(fetch), .used_i, .known_o, .rd_valid_o(rd_valid_o[0]), .rd_ready_i(rd_ready_i[0]),
    .rd_req_o(rd_req_o[0]), .ans_valid_i, .ans_queue_i, .ans_value_i, .ans_status_i(beat_i.status),
    .wr_valid_o(arm_valid_o), .wr_ready_i(arm_ready_i), .wr_o(arm_o), .done_i(arm_done_i),
    .done_queue_i(arm_done_queue_i), .fault_o(fault_o[0]), .busy_o(index_busy_o)
  );

  entry_fetch #(.NQ(NQ), .DATA_W(DATA_W), .DEPTH(DEPTH), .BUG(BUG)) u_entry (
    .clk_i, .rst_ni, .ctx_i, .run_i, .clear_i, .known_i(known_o), .walk_i, .fetch_o(fetch),
    .rd_valid_o(rd_valid_o[1]), .rd_ready_i(rd_ready_i[1]), .rd_req_o(rd_req_o[1]), .drop_i(drop_i[1]),
    .drop_queue_i, .beat_valid_i, .beat_ready_o, .beat_i, .beat_data_i, .next_i(head_next), .ready_o(head_ready),
    .take_i(head_take), .take_queue_i(head_take_queue), .head_o(head), .look_i, .look_queue_i, .look_slot_i,
    .look_head_o, .fault_o(fault_o[1]), .busy_o(entry_busy_o)
  );

  descriptor_fetch #(.NQ(NQ), .DEPTH(DEPTH), .BUG(BUG)) u_desc (
    .clk_i, .rst_ni, .ctx_i, .mrrs_i, .run_i, .clear_i, .known_i(known_o), .next_o(head_next),
    .ready_i(head_ready), .take_o(head_take), .take_queue_o(head_take_queue), .head_i(head),
    .rd_valid_o(rd_valid_o[2]), .rd_ready_i(rd_ready_i[2]), .rd_req_o(rd_req_o[2]), .drop_i(drop_i[2]),
    .drop_queue_i, .fault_o(fault_o[2]), .end_i, .end_queue_i, .busy_o(desc_busy_o)
  );

  // Bits that this block has no use for: a dropped index read needs no account.
  logic unused;
  assign unused = ^{drop_i[0]};

endmodule
