// Reads pieces of memory in order and delivers their bytes packed from lane 0: no gaps for alignment, none for errors.
// A piece that could not be read, and a `fill` piece, deliver their full number of bytes as zeros flagged `error`, so
// the counts downstream never depend on what the memory answered.
module payload_reader
  import ringside_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W = 512,
    /// Requests that may be on their way: at least the tags of the pool.
    parameter int unsigned DEPTH  = 256,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG    = 0,
    /// Bytes of a beat, counted: 0..DATA_W/8.
    localparam int unsigned CW = $clog2(DATA_W / 8) + 1
) (
    /// Clock.
    input  logic              clk_i,
    /// Synchronous reset, active low.
    input  logic              rst_ni,
    /// Device Control.Max_Read_Request_Size.
    input  logic [2:0]        mrrs_i,
    /// The read pool takes and answers nothing (device reset): what is asked for counts as failed.
    input  logic              flush_i,
    /// A piece to read.
    input  logic              op_valid_i,
    /// Taken.
    output logic              op_ready_o,
    /// First byte.
    input  logic [63:0]       op_addr_i,
    /// Bytes, 1..65536.
    input  logic [16:0]       op_bytes_i,
    /// Do not read: deliver zeros, flagged.
    input  logic              op_fill_i,
    /// Request to the payload pool.
    output logic              req_valid_o,
    /// Request taken.
    input  logic              req_ready_i,
    /// The request; meta is free for whoever shares the pool.
    output dma_rd_req_t       req_o,
    /// Answer beat, in request order.
    input  logic              rsp_valid_i,
    /// Answer beat taken.
    output logic              rsp_ready_o,
    /// Its head.
    /* verilator lint_off UNUSED */
    input  dma_rd_rsp_t       rsp_i,  // meta belongs to the pool's mux
    /* verilator lint_on UNUSED */
    /// Its data, dword aligned.
    input  logic [DATA_W-1:0] rsp_data_i,
    /// Bytes available.
    output logic              bytes_valid_o,
    /// Bytes taken.
    input  logic              bytes_ready_i,
    /// The bytes, from lane 0.
    output logic [DATA_W-1:0] bytes_data_o,
    /// How many, 1..DATA_W/8.
    output logic [CW-1:0]     bytes_count_o,
    /// They are zeros in place of data that could not be read.
    output logic              bytes_error_o
);

  localparam int unsigned B = DATA_W / 8;

  // One entry per request or fill: what to make of the next answer.
  typedef struct packed {
    logic        fill;
    logic [1:0]  offset;
    logic [16:0] bytes;
  } piece_t;

  logic        split_valid, split_ready, req_valid, req_last, piece_in_valid, piece_in_ready, piece_valid, piece_pop;
  logic [7:0]  pending_q;          // pieces inside the splitter: a fill must not overtake them
  logic        fill_now, req_go;
  dma_rd_req_t req;
  piece_t      piece_in, piece;

  assign fill_now    = op_valid_i && op_fill_i && (pending_q == '0) && !req_valid;
  assign split_valid = op_valid_i && !op_fill_i && (pending_q != '1);
  assign op_ready_o  = op_fill_i ? (fill_now && piece_in_ready) : (split_ready && (pending_q != '1));

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
      .op_meta_i     (32'd0),
      .req_valid_o   (req_valid),
      .req_ready_i   (req_go),
      .req_o         (req),
      .req_last_o    (req_last)
  );

  assign req_valid_o    = req_valid && piece_in_ready && !flush_i;
  assign req_go         = (req_ready_i || flush_i) && piece_in_ready;
  assign req_o          = req;
  assign piece_in_valid = fill_now || (req_valid && req_go);

  always_comb begin
    piece_in.fill   = fill_now;
    piece_in.offset = fill_now ? 2'd0 : req.addr[1:0];
    piece_in.bytes  = fill_now ? op_bytes_i : {7'd0, req.len_bytes};
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pending_q <= '0;
    end else begin
      pending_q <= pending_q + 8'(split_valid && split_ready) - 8'(req_valid && req_go && req_last);
    end
  end

  sync_fifo #(
      .W    ($bits(piece_t)),
      .DEPTH(DEPTH)
  ) u_pieces (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (piece_in_valid),
      .in_ready_o (piece_in_ready),
      .in_data_i  (piece_in),
      .out_valid_o(piece_valid),
      .out_ready_i(piece_pop),
      .out_data_o (piece),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  // Answer side: one output beat per answer beat, shifted down on the first; zeros when there is nothing to show.
  logic              begun_q, failing_q, out_valid_q, out_error_q, step, failed, more_data, rsp_take;
  logic [16:0]       done_q, left, room, take;
  logic [DATA_W-1:0] out_data_q;
  logic [CW-1:0]     out_count_q;

  always_comb begin
    left      = piece.bytes - (begun_q ? done_q : 17'd0);
    failed    = piece.fill || flush_i || (begun_q && failing_q) || (rsp_i.status != RdOk);
    // Waiting for a beat only when one comes: a failed request answered with its single beat already.
    more_data = !(piece.fill || flush_i || (begun_q && failing_q));
    room      = 17'(B) - ((begun_q || piece.fill) ? 17'd0 : {15'd0, piece.offset});
    take      = (left < room) ? left : room;
    step      = piece_valid && (!more_data || rsp_valid_i) && (!out_valid_q || bytes_ready_i);
    rsp_take  = step && more_data;
    piece_pop = step && (take == left);
  end

  assign rsp_ready_o = rsp_take;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      begun_q     <= 1'b0;
      failing_q   <= 1'b0;
      out_valid_q <= 1'b0;
    end else begin
      if (step) begin
        begun_q   <= !piece_pop;
        failing_q <= failed;
      end
      out_valid_q <= step || (out_valid_q && !bytes_ready_i);
    end
    if (step) begin
      done_q      <= piece.bytes - left + take;
      out_count_q <= CW'(take);
      out_error_q <= failed;
      out_data_q  <= failed ? '0 : (begun_q ? rsp_data_i : (rsp_data_i >> {piece.offset, 3'b000}));
    end
  end

  assign bytes_valid_o = out_valid_q;
  assign bytes_data_o  = out_data_q;
  assign bytes_count_o = out_count_q;
  assign bytes_error_o = out_error_q;

  // The answer of a good request ends exactly with its last byte.
  always_ff @(posedge clk_i) if (rst_ni) assert (!rsp_take || failed || (rsp_i.last == (take == left)));

endmodule
