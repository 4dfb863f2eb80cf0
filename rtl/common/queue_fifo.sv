/// As many FIFOs as queues in one memory: one goes in and one comes out a clock, each of any queue.
module queue_fifo #(
  /// Width of an entry.
  parameter int unsigned W = 8,
  /// Queues.
  parameter int unsigned NQ = 4,
  /// Entries of each queue, a power of two.
  parameter int unsigned DEPTH = 16,
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  localparam int unsigned AW = $clog2(DEPTH)
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Entry offered.
  input  logic                in_valid_i,
  /// Its queue.
  input  logic [QW-1:0]       in_queue_i,
  /// Taken: the queue has room.
  output logic                in_ready_o,
  /// The entry.
  input  logic [W-1:0]        in_data_i,
  /// Queue looked at.
  input  logic [QW-1:0]       out_queue_i,
  /// It has an entry.
  output logic                out_valid_o,
  /// Its oldest.
  output logic [W-1:0]        out_data_o,
  /// Removes it.
  input  logic                out_ready_i,
  /// Entries of each queue.
  output logic [NQ-1:0][AW:0] count_o
);

  logic [W-1:0]        mem_q [(1 << QW) * DEPTH];
  logic [NQ-1:0][AW:0] put_q, get_q;
  logic                push, pop;

  always_comb begin
    for (int unsigned q = 0; q < NQ; q++) count_o[q] = put_q[q] - get_q[q];
  end

  assign in_ready_o  = !count_o[in_queue_i][AW];
  assign out_valid_o = count_o[out_queue_i] != '0;
  assign out_data_o  = mem_q[{out_queue_i, get_q[out_queue_i][AW-1:0]}];
  assign push        = in_valid_i && in_ready_o;
  assign pop         = out_valid_o && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (push) mem_q[{in_queue_i, put_q[in_queue_i][AW-1:0]}] <= in_data_i;
    for (int unsigned q = 0; q < NQ; q++) begin
      if (!rst_ni) begin
        put_q[q] <= '0;
        get_q[q] <= '0;
      end else begin
        put_q[q] <= put_q[q] + (AW + 1)'(push && in_queue_i == QW'(q));
        get_q[q] <= get_q[q] + (AW + 1)'(pop && out_queue_i == QW'(q));
      end
    end
  end

endmodule
