// Puts together the one descriptor that straddles two pages: two reads, answered in any order.
module window_join
  import ring_pkg::*;
(
  /// Clock.
  input  logic       clk_i,
  /// Synchronous reset, active low.
  input  logic       rst_ni,
  /// A straddling descriptor begins.
  input  logic       begin_i,
  /// Bytes of it in the first page, 1..15.
  input  logic [4:0] bytes_i,
  /// None is being put together.
  output logic       free_o,
  /// A part arrived (or failed: then the queue freezes and what is put together here is never looked at).
  input  logic       part_i,
  /// It is the one in the second page.
  input  logic       part_second_i,
  /// Its bytes, from bit 0.
  input  desc_t      part_data_i,
  /// With this part it is complete.
  output logic       done_o,
  /// The descriptor.
  output desc_t      data_o
);

  logic         busy_q, half_q;
  logic [4:0]   bytes_q;
  logic [127:0] data_q, both;

  assign free_o = !busy_q;
  assign done_o = part_i && half_q;
  assign data_o = desc_t'(both);

  always_comb begin
    if (part_second_i) both = data_q | (128'(part_data_i) << {bytes_q, 3'b000});
    else both = data_q | (128'(part_data_i) & ~({128{1'b1}} << {bytes_q, 3'b000}));
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      half_q  <= 1'b0;
      bytes_q <= '0;
      data_q  <= '0;
    end else if (begin_i) begin
      busy_q  <= 1'b1;
      half_q  <= 1'b0;
      bytes_q <= bytes_i;
      data_q  <= '0;
    end else if (part_i) begin
      busy_q <= !half_q;
      half_q <= 1'b1;
      data_q <= both;
    end
  end

endmodule
