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

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic inc, dec, dec2;
    assign inc  = inc_i && (inc_queue_i == QW'(q));
    assign dec  = dec_i && (dec_queue_i == QW'(q));
    assign dec2 = dec2_i && (dec2_queue_i == QW'(q));
    assign busy_o[q] = (count_q[q] != '0);

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        count_q[q] <= '0;
      end else begin
        count_q[q] <= count_q[q] + W'(inc) - W'(dec) - W'(dec2);
        // Nothing ends that was not begun, and the counter never runs over.
        assert (!(dec || dec2) || count_q[q] >= (W'(dec) + W'(dec2)));
        assert (!inc || dec || dec2 || count_q[q] != '1);
      end
    end
  end

endmodule
