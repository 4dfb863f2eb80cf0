// Cuts the answers of ring reads into items of fixed size, one item a cycle. An answer may begin at any byte of lane 0
// and items may straddle beats; an answer shorter than its last item gives that item with its upper bytes open. The consumer always takes the item: its slot was reserved when the read was asked for.
module item_slicer
  import ring_pkg::*;
#(
  /// Width of the data path in bits.
  parameter int unsigned DATA_W     = 512,
  /// Size of an item: 2 (available ring entry) or 16 (descriptor).
  parameter int unsigned ITEM_BYTES = 16
) (
  /// Clock.
  input  logic                    clk_i,
  /// Synchronous reset, active low.
  input  logic                    rst_ni,
  /// Answer beat.
  input  logic                    beat_valid_i,
  /// Taken.
  output logic                    beat_ready_o,
  /// Data, from the dword of the first byte.
  input  logic [DATA_W-1:0]       beat_data_i,
  /// What was read.
  input  read_meta_t              beat_meta_i,
  /// First beat of an answer.
  input  logic                    beat_first_i,
  /// Last beat of an answer.
  input  logic                    beat_last_i,
  /// The read failed, this is its only beat.
  input  logic                    beat_failed_i,
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
  /// The read failed; `item_meta_o` says which.
  output logic                    error_o
);

  localparam int unsigned BEAT_BYTES = DATA_W / 8;
  localparam int unsigned BUF_W      = DATA_W + ITEM_BYTES * 8;
  localparam int unsigned LW         = $clog2(BEAT_BYTES + ITEM_BYTES + 1);
  localparam logic [LW-1:0] ITEM     = LW'(ITEM_BYTES);
  localparam logic [LW-1:0] BEAT     = LW'(BEAT_BYTES);

  logic [BUF_W-1:0] buf_q;
  logic [LW-1:0]    level_q, level_left;
  read_meta_t       meta_q;
  logic [5:0]       index_q;
  logic             active_q, error_q, ended_q;
  logic             take, done, accept;

  assign take       = active_q && (level_q >= ITEM || ended_q);
  assign done       = take && (index_q + 6'd1 == meta_q.count);
  assign level_left = !take ? level_q : (level_q >= ITEM) ? level_q - ITEM : '0;
  assign accept     = beat_valid_i && beat_ready_o;

  // A new answer starts when the old one is finished; a further beat of the same answer when an item lacks bytes.
  assign beat_ready_o = beat_first_i ? (!active_q || done) : (level_left < ITEM);

  assign item_valid_o = take;
  assign item_data_o  = buf_q[ITEM_BYTES*8-1:0];
  assign item_meta_o  = meta_q;
  assign item_index_o = index_q;
  assign item_last_o  = done;
  assign error_o      = error_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      error_q  <= 1'b0;
      ended_q  <= 1'b0;
      level_q  <= '0;
      index_q  <= '0;
      meta_q   <= '0;
      buf_q    <= '0;
    end else begin
      error_q <= 1'b0;
      if (accept) ended_q <= beat_last_i;
      if (take) begin
        buf_q   <= buf_q >> (ITEM_BYTES * 8);
        level_q <= level_left;
        index_q <= index_q + 6'd1;
      end
      if (done) active_q <= 1'b0;
      if (accept && beat_first_i) begin
        active_q <= !beat_failed_i;
        error_q  <= beat_failed_i;
        meta_q   <= beat_meta_i;
        index_q  <= '0;
        level_q  <= BEAT - LW'(beat_meta_i.offset);
        buf_q    <= BUF_W'(beat_data_i) >> {beat_meta_i.offset, 3'b000};
      end else if (accept) begin
        level_q <= level_left + BEAT;
        buf_q   <= (take ? buf_q >> (ITEM_BYTES * 8) : buf_q) | (BUF_W'(beat_data_i) << {level_left, 3'b000});
      end
    end
  end

endmodule
