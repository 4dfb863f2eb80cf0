// Registers one TLP channel: a cycle of latency, a beat a clock.
module tlp_slice #(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W = 256,
    localparam int unsigned W = DATA_W + DATA_W / 32 + 162
) (
    /// Clock.
    input  logic         clk_i,
    /// Synchronous reset, active low.
    input  logic         rst_ni,
    /// Beat offered.
    input  logic         in_valid_i,
    /// Beat taken.
    output logic         in_ready_o,
    /// Payload, keep, last, header, prefix, prefix valid.
    input  logic [W-1:0] in_i,
    /// Beat offered on.
    output logic         out_valid_o,
    /// Beat taken.
    input  logic         out_ready_i,
    /// The same fields.
    output logic [W-1:0] out_o
);

  skid_buffer #(.W(W)) u_skid (
      .clk_i, .rst_ni, .in_valid_i, .in_ready_o, .in_data_i(in_i), .out_valid_o, .out_ready_i, .out_data_o(out_o)
  );

endmodule
