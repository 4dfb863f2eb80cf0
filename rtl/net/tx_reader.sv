// Reads the pieces of transmit packets and delivers their bytes packed from lane 0, without gaps for alignment. Each queue is
// a stream of the ordered read pool, so packets come in the order in which they are complete, each without a break. All that
// has to be known of an answer travels with its request, so nothing here is per queue.
module tx_reader
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W = 512,
    /// Queues.
    parameter int unsigned NQ     = 4,
    /// Width of the number of a packet's note.
    parameter int unsigned NOTE_W = 9,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG    = 0,
    localparam int unsigned CW = $clog2(DATA_W / 8) + 1,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic              clk_i,
    /// Synchronous reset, active low.
    input  logic              rst_ni,
    /// Device Control.Max_Read_Request_Size.
    input  logic [2:0]        mrrs_i,
    /// The read pool takes and answers nothing (device reset): what is asked for ends here.
    input  logic              flush_i,
    /// Piece of memory to read.
    input  logic              op_valid_i,
    /// Taken.
    output logic              op_ready_o,
    /// First byte.
    input  logic [63:0]       op_addr_i,
    /// Bytes.
    input  logic [16:0]       op_bytes_i,
    /// Its queue.
    input  logic [QW-1:0]     op_queue_i,
    /// Nothing to read: only the end of the packet.
    input  logic              op_fill_i,
    /// Last piece of its packet.
    input  logic              op_last_i,
    /// Its packet is long.
    input  logic              op_long_i,
    /// Tags kept for the packet.
    input  logic [9:0]        op_tags_i,
    /// The packet's note.
    input  logic [NOTE_W-1:0] op_note_i,
    /// Queue of the request on offer, or that just ended a packet.
    output logic [QW-1:0]     more_queue_o,
    /// There is a tag beyond those that were kept.
    input  logic              more_ok_i,
    /// Takes it.
    output logic              more_take_o,
    /// Kept tags that the packet did not need; given with its last request.
    output logic [9:0]        back_tags_o,
    /// All of a packet of `more_queue_o` is asked for.
    output logic              asked_o,
  /// And it was a long one.
  output logic              asked_long_o,
    /// Payload read.
    output logic              req_valid_o,
    /// Taken.
    input  logic              req_ready_i,
    /// The read; no bytes: an answer without a read.
    output dma_rd_req_t       req_o,
    /// Answer beat.
    input  logic              rsp_valid_i,
    /// Taken.
    output logic              rsp_ready_o,
    /// Head of the beat.
    /* verilator lint_off UNUSED */
    input  dma_rd_rsp_t       rsp_i,
    /* verilator lint_on UNUSED */
    /// Data of the beat.
    input  logic [DATA_W-1:0] rsp_data_i,
    /// Bytes offered.
    output logic              bytes_valid_o,
    /// Taken.
    input  logic              bytes_ready_i,
    /// The bytes.
    output logic [DATA_W-1:0] bytes_data_o,
    /// How many: 0 in place of a piece that could not be read.
    output logic [CW-1:0]     bytes_count_o,
    /// Of the packet with this note.
    output logic [NOTE_W-1:0] bytes_note_o,
    /// Its last ones.
    output logic              bytes_last_o,
    /// Bytes are missing.
    output logic              bytes_error_o
);

  localparam int unsigned B = DATA_W / 8;

  // Of an operation, in the splitter.
  typedef struct packed {
    logic [9:0] tags;
    logic [8:0] note;
    logic       is_long;
    logic       last;
    logic [3:0] tx_queue;
  } op_t;

  logic        split_valid, split_ready, split_req_valid, split_last, fill_now, want, go, last, kept, fresh_q;
  logic [3:0]  pending_q;        // operations inside the splitter: a fill must not overtake them
  logic [9:0]  left, left_q;     // tags kept for the packet and not used yet
  dma_rd_req_t split_req;
  op_t         op_in, op;
  piece_meta_t piece_in;
  /* verilator lint_off UNUSED */
  piece_meta_t piece;  // without what the read pool looks at
  /* verilator lint_on UNUSED */

  assign op_in       = '{tags: op_tags_i, note: 9'(op_note_i), is_long: op_long_i, last: op_last_i,
                         tx_queue: 4'(op_queue_i)};
  assign fill_now    = op_valid_i && op_fill_i && (pending_q == '0);
  assign split_valid = op_valid_i && !op_fill_i && (pending_q != '1);
  assign op_ready_o  = op_fill_i ? (fill_now && go) : (split_ready && (pending_q != '1));

  read_splitter #(
      .BUG(BUG)
  ) u_splitter (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .clear_i       (1'b0),
      .mrrs_i        (mrrs_i),
      .op_valid_i    (split_valid),
      .op_ready_o    (split_ready),
      .op_addr_i     (op_addr_i),
      .op_len_bytes_i(op_bytes_i),
      .op_meta_i     (32'(op_in)),
      .req_valid_o   (split_req_valid),
      .req_ready_i   (go),
      .req_o         (split_req),
      .req_last_o    (split_last)
  );

  assign want        = split_req_valid || fill_now;
  assign op          = fill_now ? op_in : op_t'(split_req.meta[$bits(op_t)-1:0]);
  assign last        = fill_now || (op.last && split_last);
  assign left        = fresh_q ? op.tags : left_q;
  assign kept        = left != '0;
  assign req_valid_o = want && (kept || more_ok_i) && !flush_i;
  assign go          = want && (flush_i || (req_ready_i && (kept || more_ok_i)));

  // What a flush swallows takes no tag.
  assign more_queue_o = QW'(op.tx_queue);
  assign more_take_o  = go && !kept && !flush_i;
  assign asked_o      = go && last;
  assign asked_long_o = asked_o && op.is_long;
  assign back_tags_o  = !go ? '0 : (last ? left : 10'(flush_i && kept)) - 10'(last && kept && !flush_i);

  always_comb begin
    piece_in = '{note: op.note, bytes: fill_now ? '0 : split_req.len_bytes, offset: fill_now ? '0 : split_req.addr[1:0],
                 is_long: op.is_long, last: last, tx_queue: op.tx_queue};
    req_o           = split_req;
    req_o.len_bytes = piece_in.bytes;
    req_o.meta      = 32'(piece_in);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pending_q <= '0;
      fresh_q   <= 1'b1;
    end else begin
      pending_q <= pending_q + 4'(split_valid && split_ready) - 4'(split_req_valid && go && split_last);
      if (go) fresh_q <= last;
    end
    if (go) left_q <= left - 10'(kept);
  end

  // Answer side: one output beat per answer beat, shifted down on the first.
  logic              begun_q, out_valid_q, out_error_q, out_last_q, failed;
  logic [9:0]        left_bytes, left_bytes_q, room, take;
  logic [NOTE_W-1:0] out_note_q;
  logic [DATA_W-1:0] out_data_q;
  logic [CW-1:0]     out_count_q;

  always_comb begin
    piece      = piece_meta_t'(rsp_i.meta[$bits(piece_meta_t)-1:0]);
    left_bytes = begun_q ? left_bytes_q : piece.bytes;
    failed     = rsp_i.status != RdOk;
    room       = 10'(B) - (begun_q ? 10'd0 : {8'd0, piece.offset});
    take       = failed ? '0 : ((left_bytes < room) ? left_bytes : room);
  end

  assign rsp_ready_o = !out_valid_q || bytes_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || flush_i) begin
      begun_q     <= 1'b0;
      out_valid_q <= 1'b0;
    end else begin
      if (rsp_valid_i && rsp_ready_o) begun_q <= !rsp_i.last;
      if (rsp_ready_o) out_valid_q <= rsp_valid_i;
    end
    if (rsp_valid_i && rsp_ready_o) begin
      left_bytes_q <= left_bytes - take;
      out_count_q  <= CW'(take);
      out_note_q   <= NOTE_W'(piece.note);
      out_last_q   <= piece.last && rsp_i.last;
      out_error_q  <= failed;
      out_data_q   <= begun_q ? rsp_data_i : (rsp_data_i >> {piece.offset, 3'b000});
    end
  end

  assign bytes_valid_o = out_valid_q;
  assign bytes_data_o  = out_data_q;
  assign bytes_count_o = out_count_q;
  assign bytes_note_o  = out_note_q;
  assign bytes_last_o  = out_last_q;
  assign bytes_error_o = out_error_q;

  // The answer of a good request ends exactly with its last byte.
  always_ff @(posedge clk_i) if (rst_ni) assert (
      !(rsp_valid_i && rsp_ready_o) || flush_i || failed || (rsp_i.last == (take == left_bytes)));

endmodule
