/// Two-word pipeline stage: registers on every path of a valid/ready stream (out_ready_i does not reach in_ready_o
/// in the same cycle) at one word per cycle.
module skid_buffer #(
  /// Word width in bits.
  parameter int unsigned W = 8
) (
  /// Clock.
  input  logic         clk_i,
  /// Synchronous reset, active low.
  input  logic         rst_ni,
  /// Upstream: word offered.
  input  logic         in_valid_i,
  /// Upstream: taken.
  output logic         in_ready_o,
  /// Upstream: the word.
  input  logic [W-1:0] in_data_i,
  /// Downstream: word offered.
  output logic         out_valid_o,
  /// Downstream: taken.
  input  logic         out_ready_i,
  /// Downstream: the word.
  output logic [W-1:0] out_data_o
);

  logic [W-1:0] out_q, skid_q;
  logic         out_valid_q, skid_valid_q;
  logic         push, move;

  assign in_ready_o  = !skid_valid_q;
  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_q;
  assign push        = in_valid_i && in_ready_o;
  assign move        = !out_valid_q || out_ready_i;

  always_ff @(posedge clk_i) begin
    if (move) out_q <= skid_valid_q ? skid_q : in_data_i;
    if (push) skid_q <= in_data_i;
    if (!rst_ni) begin
      out_valid_q  <= 1'b0;
      skid_valid_q <= 1'b0;
    end else if (move) begin
      out_valid_q  <= skid_valid_q || push;
      skid_valid_q <= 1'b0;
    end else if (push) begin
      skid_valid_q <= 1'b1;
    end
  end

endmodule
