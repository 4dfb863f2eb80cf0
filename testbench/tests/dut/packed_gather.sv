// A packed queue's used descriptors, fed with lists of four slots at a steady pace and never asked to hurry.
module packed_gather
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Clocks from one completion to the next.
  parameter int unsigned PACE = 20,
  /// Completions.
  parameter int unsigned COUNT = 40
) (
  input  logic clk_i,
  input  logic rst_ni,
  /// A completion is taken.
  output logic put_o,
  /// A used descriptor is written.
  output logic shown_o,
  /// All have been.
  output logic done_o
);
  queue_ctx_t  ctx;
  completion_t cpl;
  ring_write_t wr;
  logic        ready;
  logic [15:0] wait_q, given_q, shown_q;

  always_comb begin
    ctx        = '0;
    ctx.enable = 1'b1;
    ctx.size   = 16'd256;
    cpl        = '0;
    cpl.id     = given_q;
    cpl.slots  = 16'd4;
  end

  assign put_o  = (wait_q == '0) && (given_q != 16'(COUNT)) && ready;
  assign done_o = shown_q == 16'(COUNT);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      wait_q  <= 16'd1;
      given_q <= '0;
      shown_q <= '0;
    end else begin
      wait_q <= (wait_q == '0) ? 16'(PACE - 1) : wait_q - 16'd1;
      if (put_o) given_q <= given_q + 16'd1;
      if (shown_o) shown_q <= shown_q + 16'd1;
    end
  end

  packed_used #(.NQ(1), .IDLE_CYCLES(24), .AGE_CYCLES(128)) u_used (
    .clk_i, .rst_ni, .ctx_i(ctx), .in_order_i(1'b0), .run_i(1'b1), .clear_i(1'b0),
    .cpl_valid_i((wait_q == '0) && (given_q != 16'(COUNT))),
    .cpl_ready_o(ready), .cpl_i(cpl), .wr_valid_o(shown_o), .wr_ready_i(1'b1), .wr_o(wr),
    /* verilator lint_off PINCONNECTEMPTY */
    .busy_o()
    /* verilator lint_on PINCONNECTEMPTY */
  );
endmodule
