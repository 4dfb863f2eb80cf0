// Takes published chain records from an engine's store, round robin over its queues, one per clock.
module chain_fetch
  import ringside_pkg::*;
#(
    /// Queues of the engine.
    parameter int unsigned NQ = 1,
    /// Width of a queue number.
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0]       run_i,
    /// Published chains per queue, not yet popped.
    input  logic [NQ-1:0][15:0] chain_count_i,
    /// Queue whose oldest record is read, and removed when `pop_o`.
    output logic [QW-1:0]       peek_queue_o,
    /// Removes the oldest record of `peek_queue_o`.
    output logic                pop_o,
    /// The record, one cycle after the peek.
    input  chain_t              peek_chain_i,
    /// A record for the data path.
    output logic                rec_valid_o,
    /// Taken.
    input  logic                rec_ready_i,
    /// Its queue.
    output logic [QW-1:0]       rec_queue_o,
    /// The record.
    output chain_t              rec_o
);

  localparam int unsigned Depth = 4;

  logic [NQ-1:0] want, grant_unused;
  logic [QW-1:0] index, pend_queue_q;
  logic          any, pend_q, fifo_ready;
  logic [2:0]    held_q;

  always_comb begin
    for (int unsigned q = 0; q < NQ; q++) begin
      want[q] = run_i[q] && (chain_count_i[q] != 16'd0);
    end
  end

  rr_arbiter #(
      .N(NQ)
  ) u_arbiter (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    (want),
      .advance_i(pop_o),
      .grant_o  (grant_unused),
      .index_o  (index),
      .valid_o  (any)
  );

  assign pop_o        = any && (held_q < 3'(Depth));
  assign peek_queue_o = index;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pend_q <= 1'b0;
      held_q <= '0;
    end else begin
      pend_q <= pop_o;
      held_q <= held_q + 3'(pop_o) - 3'(rec_valid_o && rec_ready_i);
    end
    pend_queue_q <= index;
  end

  sync_fifo #(
      .W    ($bits(chain_t) + QW),
      .DEPTH(Depth)
  ) u_records (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (pend_q),
      .in_ready_o (fifo_ready),
      .in_data_i  ({peek_chain_i, pend_queue_q}),
      .out_valid_o(rec_valid_o),
      .out_ready_i(rec_ready_i),
      .out_data_o ({rec_o, rec_queue_o}),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  always_ff @(posedge clk_i) if (rst_ni) assert (!pend_q || fifo_ready);

endmodule
