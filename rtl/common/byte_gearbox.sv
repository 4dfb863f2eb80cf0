/// Byte stream re-cutter: beats of 1..DATA_W/8 bytes go in, any number of bytes up to DATA_W/8 comes out.
/// Holds three beats, so that it sustains a full beat in and a full beat out every cycle at any misalignment.
module byte_gearbox #(
  /// Beat width in bits.
  parameter int unsigned DATA_W = 64,
  localparam int unsigned BYTES = DATA_W / 8,
  localparam int unsigned BYTES_W = $clog2(BYTES) + 1,
  localparam int unsigned LEVEL_W = BYTES_W + 1
) (
  /// Clock.
  input  logic               clk_i,
  /// Synchronous reset, active low.
  input  logic               rst_ni,
  /// Forgets everything held; a beat offered in the same cycle is lost.
  input  logic               clear_i,
  /// Beat offered.
  input  logic               in_valid_i,
  /// There is room for a whole beat.
  output logic               in_ready_o,
  /// Bytes of the beat, first one in lane 0.
  input  logic [DATA_W-1:0]  in_data_i,
  /// Bytes in the beat, 1..DATA_W/8.
  input  logic [BYTES_W-1:0] in_bytes_i,
  /// Bytes the consumer wants, 0..DATA_W/8; may change every cycle.
  input  logic [BYTES_W-1:0] out_want_i,
  /// At least out_want_i bytes are held.
  output logic               out_valid_o,
  /// The oldest bytes from lane 0; lanes from level_o on are 0.
  output logic [DATA_W-1:0]  out_data_o,
  /// Takes out_want_i bytes; only with out_valid_o.
  input  logic               out_take_i,
  /// Bytes held, 0..3*DATA_W/8.
  output logic [LEVEL_W-1:0] level_o
);

  localparam int unsigned HOLD_W = 3 * DATA_W;

  // A memory of one word: a simulator then touches these bits only in cycles that write them.
  logic [HOLD_W-1:0]  hold_q [1];
  logic [LEVEL_W-1:0] level_q, taken, base;
  logic [DATA_W-1:0]  fresh;
  logic               push, pull;

  assign in_ready_o  = level_q   <= LEVEL_W'(2 * BYTES);
  assign out_valid_o = level_q >= LEVEL_W'(out_want_i);
  assign out_data_o  = hold_q[0][DATA_W-1:0];
  assign level_o     = level_q;
  assign push        = in_valid_i && in_ready_o;
  assign pull        = out_take_i && out_valid_o;
  assign taken       = pull ? LEVEL_W'(out_want_i) : '0;
  assign base        = level_q - taken;

  assign fresh       = in_data_i & ~({DATA_W{1'b1}} << {in_bytes_i, 3'b000});

  // Lanes above the level stay zero, so that new bytes can be merged with OR.
  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      hold_q[0] <= '0;
      level_q   <= '0;
    end else if (push) begin
      hold_q[0] <= (hold_q[0] >> {taken, 3'b000})
                   | (HOLD_W'(fresh) << {base, 3'b000});
      level_q   <= base + LEVEL_W'(in_bytes_i);
    end else if (pull) begin
      hold_q[0] <= hold_q[0] >> {taken, 3'b000};
      level_q   <= base;
    end
  end

  always_ff @(posedge clk_i) if (rst_ni) beat_size : assert (
      !in_valid_i || (in_bytes_i != '0 && in_bytes_i <= BYTES_W'(BYTES)));
  always_ff @(posedge clk_i) if (rst_ni) want_size : assert (out_want_i <= BYTES_W'(BYTES));

endmodule
