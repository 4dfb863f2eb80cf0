/// First-word fall-through FIFO: the oldest word stands on out_data_o while out_valid_o. A word written into an
/// empty FIFO is offered one cycle later. in_ready_o does not depend on out_ready_i, so a full FIFO loses no timing.
module sync_fifo #(
  /// Word width in bits.
  parameter int unsigned W = 8,
  /// Words held, any number >= 1.
  parameter int unsigned DEPTH = 4,
  localparam int unsigned COUNT_W = $clog2(DEPTH + 1)
) (
  /// Clock.
  input  logic               clk_i,
  /// Synchronous reset, active low.
  input  logic               rst_ni,
  /// Empties the FIFO; a word offered in the same cycle is lost.
  input  logic               clear_i,
  /// Writer: word offered.
  input  logic               in_valid_i,
  /// Writer: there is room.
  output logic               in_ready_o,
  /// Writer: the word.
  input  logic [W-1:0]       in_data_i,
  /// Reader: a word is offered.
  output logic               out_valid_o,
  /// Reader: takes it.
  input  logic               out_ready_i,
  /// Reader: the oldest word.
  output logic [W-1:0]       out_data_o,
  /// Words held.
  output logic [COUNT_W-1:0] count_o
);

  localparam int unsigned PTR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1;
  localparam logic [PTR_W-1:0] LAST = PTR_W'(DEPTH - 1);

  logic [W-1:0]       mem_q [DEPTH];
  logic [PTR_W-1:0]   wptr_q, rptr_q;
  logic [COUNT_W-1:0] count_q;
  logic               push, pop;

  assign in_ready_o  = count_q != COUNT_W'(DEPTH);
  assign out_valid_o = count_q != '0;
  assign out_data_o  = mem_q[rptr_q];
  assign count_o     = count_q;
  assign push        = in_valid_i && in_ready_o;
  assign pop         = out_valid_o && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (push) mem_q[wptr_q] <= in_data_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      wptr_q  <= '0;
      rptr_q  <= '0;
      count_q <= '0;
    end else if (push || pop) begin
      if (push) wptr_q <= (wptr_q == LAST) ? '0 : wptr_q + 1'b1;
      if (pop) rptr_q <= (rptr_q == LAST) ? '0 : rptr_q + 1'b1;
      if (push && !pop) count_q <= count_q + 1'b1;
      if (pop && !push) count_q <= count_q - 1'b1;
    end
  end

  always_ff @(posedge clk_i) if (rst_ni) count_bound : assert (32'(count_q) <= DEPTH);

endmodule
