/// One flow-control credit type as the transmitter sees it: the limit comes cumulative, modulo its width, as in UpdateFC.
module credit_counter #(
  /// Width of the limit: 8 for header credits, 12 for data credits.
  parameter int unsigned W = 8
) (
  /// Clock.
  input  logic         clk_i,
  /// Synchronous reset, active low: nothing consumed.
  input  logic         rst_ni,
  /// Credits granted since reset.
  input  logic [W-1:0] limit_i,
  /// Credits consumed in this cycle.
  input  logic [W-1:0] consume_i,
  /// Credits left; 0 when more were consumed than granted.
  output logic [W-1:0] left_o
);

  logic [W-1:0] consumed_q, difference;

  assign difference = limit_i - consumed_q;
  assign left_o     = difference[W-1] ? '0 : difference;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) consumed_q <= '0;
    else consumed_q <= consumed_q + consume_i;
  end

endmodule
