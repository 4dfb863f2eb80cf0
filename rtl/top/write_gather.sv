// Holds a short write back until all its bytes are here, and packs them into full beats. A client that makes its bytes
// slowly (a used element a clock) would else lock the request channel for as long as it takes to make them.
module write_gather
  import ringside_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W       = 512,
    /// Longest write.
    parameter int unsigned MAX_OP_BYTES = 256,
    localparam int unsigned BYTES_W = $clog2(DATA_W / 8) + 1
) (
    /// Clock.
    input  logic               clk_i,
    /// Synchronous reset, active low.
    input  logic               rst_ni,
    /// Write offered.
    input  logic               op_valid_i,
    /// Write taken.
    output logic               op_ready_o,
    /// The write.
    input  dma_wr_op_t         op_i,
    /// Bytes offered, in the order of the writes.
    input  logic               data_valid_i,
    /// Bytes taken.
    output logic               data_ready_o,
    /// From lane 0.
    input  logic [DATA_W-1:0]  data_i,
    /// How many.
    input  logic [BYTES_W-1:0] data_bytes_i,
    /// Write whose bytes are complete.
    output logic               op_valid_o,
    /// Taken.
    input  logic               op_ready_i,
    /// The write.
    output dma_wr_op_t         op_o,
    /// Its bytes.
    output logic               data_valid_o,
    /// Taken.
    input  logic               data_ready_i,
    /// From lane 0.
    output logic [DATA_W-1:0]  data_o,
    /// How many.
    output logic [BYTES_W-1:0] data_bytes_o
);

  localparam int unsigned B = DATA_W / 8;
  localparam int unsigned Ops = 4;
  localparam int unsigned Beats = 2 * ((MAX_OP_BYTES + B - 1) / B);

  logic               op_room, len_room, op_there, len_there, gear_there, beat_room, move, last;
  logic [16:0]        len, left, left_q;
  logic [BYTES_W-1:0] want;
  logic [DATA_W-1:0]  gear_data;
  logic               begun_q, release_op;
  logic [2:0]         complete_q;     // writes whose bytes are all in the beat queue

  assign op_ready_o = op_room && len_room;

  sync_fifo #(
      .W($bits(dma_wr_op_t)), .DEPTH(Ops)
  ) u_ops (
      .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(op_valid_i && len_room), .in_ready_o(op_room), .in_data_i(op_i),
      .out_valid_o(op_there), .out_ready_i(release_op), .out_data_o(op_o),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  sync_fifo #(
      .W(17), .DEPTH(Ops)
  ) u_lengths (
      .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(op_valid_i && op_room), .in_ready_o(len_room),
      .in_data_i(op_i.len_bytes), .out_valid_o(len_there), .out_ready_i(move && last), .out_data_o(len),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  byte_gearbox #(
      .DATA_W(DATA_W)
  ) u_gearbox (
      .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(data_valid_i), .in_ready_o(data_ready_o), .in_data_i(data_i),
      .in_bytes_i(data_bytes_i), .out_want_i(want), .out_valid_o(gear_there), .out_data_o(gear_data),
      .out_take_i(move),
      /* verilator lint_off PINCONNECTEMPTY */
      .level_o()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  always_comb begin
    left = begun_q ? left_q : len;
    last = left <= 17'(B);
    want = !len_there ? '0 : (last ? BYTES_W'(left) : BYTES_W'(B));
  end

  assign move = len_there && gear_there && beat_room;

  sync_fifo #(
      .W(DATA_W + BYTES_W), .DEPTH(Beats)
  ) u_beats (
      .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(len_there && gear_there), .in_ready_o(beat_room),
      .in_data_i({gear_data, want}), .out_valid_o(data_valid_o), .out_ready_i(data_ready_i),
      .out_data_o({data_o, data_bytes_o}),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  assign op_valid_o = op_there && (complete_q != '0);
  assign release_op = op_ready_i && (complete_q != '0);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      begun_q    <= 1'b0;
      complete_q <= '0;
    end else begin
      if (move) begun_q <= !last;
      complete_q <= complete_q + 3'(move && last) - 3'(op_valid_o && op_ready_i);
    end
    if (move) left_q <= left - 17'(want);
  end

  always_ff @(posedge clk_i) if (rst_ni) assert (!op_valid_i || (op_i.len_bytes <= 17'(MAX_OP_BYTES)));

endmodule
