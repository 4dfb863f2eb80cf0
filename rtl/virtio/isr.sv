// ISR status: bit 0 queue interrupt (only while MSI-X is off), bit 1 configuration change (always). A read clears, an event
// in the same cycle wins.
module isr (
  /// Clock.
  input  logic       clk_i,
  /// Synchronous reset, active low.
  input  logic       rst_ni,
  /// Device reset: to defaults.
  input  logic       clear_i,
  /// MSI-X is enabled.
  input  logic       msix_enable_i,
  /// A used buffer notification falls to the ISR.
  input  logic       queue_event_i,
  /// A configuration change is about to be notified.
  input  logic       config_event_i,
  /// The byte is being read.
  input  logic       read_i,
  /// The byte.
  output logic [7:0] value_o,
  /// INTx level.
  output logic       intx_o
);

  logic [1:0] bits_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) bits_q <= '0;
    else                    bits_q <= (read_i ? 2'b00 : bits_q) | {config_event_i, queue_event_i};
  end

  assign value_o = {6'd0, bits_q};
  assign intx_o  = bits_q != '0 && !msix_enable_i;

endmodule
