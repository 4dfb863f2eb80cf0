// Counts what each queue has outstanding between being asked for and being answered.
module queue_counter #(
  /// Queues.
  parameter int unsigned NQ = 4,
  /// Width of a counter.
  parameter int unsigned W  = 10,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic          clk_i,
  /// Synchronous reset, active low.
  input  logic          rst_ni,
  /// One more for a queue.
  input  logic          inc_i,
  /// Its queue.
  input  logic [QW-1:0] inc_queue_i,
  /// One less for a queue.
  input  logic          dec_i,
  /// Its queue.
  input  logic [QW-1:0] dec_queue_i,
  /// One less for a queue: a second place where the work may end.
  input  logic          dec2_i,
  /// Its queue.
  input  logic [QW-1:0] dec2_queue_i,
  /// Per queue: not zero.
  output logic [NQ-1:0] busy_o
);

  logic [NQ-1:0][W-1:0] count_q;

  logic [NQ-1:0] inc, dec, dec2;
  assign inc  = NQ'(inc_i) << inc_queue_i;
  assign dec  = NQ'(dec_i) << dec_queue_i;
  assign dec2 = NQ'(dec2_i) << dec2_queue_i;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_busy
    assign busy_o[q] = (count_q[q] != '0);
  end

  // One process for all queues, entered only when something is counted: most of these counters rest most of the time.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
    end else if (inc_i || dec_i || dec2_i) begin
      for (int unsigned q = 0; q < NQ; q++) begin
        count_q[q] <= count_q[q] + W'(inc[q]) - W'(dec[q]) - W'(dec2[q]);
        // Nothing ends that was not begun, and the counter never runs over.
        assert (!(dec[q] || dec2[q]) || count_q[q] >= (W'(dec[q]) + W'(dec2[q])));
        assert (!inc[q] || dec[q] || dec2[q] || count_q[q] != '1);
      end
    end
  end

endmodule
