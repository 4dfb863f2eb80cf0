// A clock behind a gate, and a path that no register interrupts: what follows from the clock as from any other input.
module gated (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       enable_i,
  output logic       clock_o,
  output logic [7:0] count_o
);
  logic gate;
  assign gate    = clk_i & enable_i;
  assign clock_o = gate;
  always_ff @(posedge gate) begin
    if (!rst_ni) count_o <= '0;
    else count_o <= count_o + 8'd1;
  end
  level : assert property (@(posedge clk_i) count_o != 8'd200);
endmodule
