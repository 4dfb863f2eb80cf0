// Answer beats wait here and are cut into items: a batch of 2-byte entries must not hold up descriptors behind it.
module item_queue
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Width of the data path in bits.
  parameter int unsigned DATA_W     = 512,
  /// Size of an item: 2 (available ring entry) or 16 (descriptor).
  parameter int unsigned ITEM_BYTES = 16,
  /// Beats that wait.
  parameter int unsigned BEATS      = 16
) (
  /// Clock.
  input  logic                    clk_i,
  /// Synchronous reset, active low.
  input  logic                    rst_ni,
  /// Answer beat of this kind.
  input  logic                    beat_valid_i,
  /// Taken.
  output logic                    beat_ready_o,
  /// Its head.
  input  dma_rd_rsp_t             beat_i,
  /// Its data.
  input  logic [DATA_W-1:0]       beat_data_i,
  /// An item.
  output logic                    item_valid_o,
  /// The item.
  output logic [ITEM_BYTES*8-1:0] item_data_o,
  /// What was read.
  output read_meta_t              item_meta_o,
  /// Place in the answer.
  output logic [5:0]              item_index_o,
  /// Last item of its answer.
  output logic                    item_last_o,
  /// The read failed (`item_meta_o` says which).
  output logic                    error_o
);

  localparam int unsigned BEAT_W = DATA_W + 28 + 2 + 1;

  logic [BEAT_W-1:0]          out;
  logic                       out_valid, out_ready;
  logic [$clog2(BEATS+1)-1:0] level_unused;
  logic [3:0]                 mux_unused;

  assign mux_unused = beat_i.meta[31:28];

  sync_fifo #(.W(BEAT_W), .DEPTH(BEATS)) u_beats (
    .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(beat_valid_i), .in_ready_o(beat_ready_o),
    .in_data_i({beat_data_i, beat_i.meta[27:0], beat_i.first, beat_i.last, beat_i.status != RdOk}),
    .out_valid_o(out_valid), .out_ready_i(out_ready), .out_data_o(out), .count_o(level_unused)
  );

  item_slicer #(.DATA_W(DATA_W), .ITEM_BYTES(ITEM_BYTES)) u_slicer (
    .clk_i, .rst_ni, .beat_valid_i(out_valid), .beat_ready_o(out_ready), .beat_data_i(out[BEAT_W-1:31]),
    .beat_meta_i(read_meta_t'(out[30:3])), .beat_first_i(out[2]), .beat_last_i(out[1]), .beat_failed_i(out[0]),
    .item_valid_o, .item_data_o, .item_meta_o, .item_index_o, .item_last_o, .error_o
  );

endmodule
