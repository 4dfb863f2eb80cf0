// Takes published chain records of transmit queues from their store and lets them in, round robin, one per clock, when
// there are tags for all their reads. A queue whose next chain has to wait does not hold up the others.
module tx_chains
  import bug_pkg::*;
  import ringside_pkg::*;
#(
    /// Queues.
    parameter int unsigned NQ  = 4,
    /// Planted bug, 0 = none. Here: 69 the lowest queue is always first.
    parameter int unsigned BUG = 0,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Device Control.Max_Read_Request_Size.
    input  logic [2:0]          mrrs_i,
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
    /// Asks for the tags of a chain.
    output logic                ask_valid_o,
    /// Reads that it takes at most.
    output logic [16:0]         ask_reads_o,
    /// They are there.
    input  logic                ask_ok_i,
    /// Something changed: ask again.
    input  logic                news_i,
    /// A long packet is being asked for: no chain may come in.
  input  logic                closed_i,
  /// A record for the data path.
    output logic                rec_valid_o,
    /// Taken.
    input  logic                rec_ready_i,
    /// Its queue, also of the question.
    output logic [QW-1:0]       rec_queue_o,
    /// The record.
    output chain_t              rec_o
);

  localparam int unsigned Depth = 4;

  logic [NQ-1:0]      want, have, unused_want, unused_have;
  logic [NQ-1:0][2:0] held_q, stored;
  logic [NQ-1:0]      blocked_q;
  logic [QW-1:0]      index, pend_queue_q;
  logic               pend_q, fifo_ready, rec_any, rec_stored, failed, rec_take;

  always_comb begin
    for (int unsigned q = 0; q < NQ; q++) begin
      want[q] = run_i[q] && (chain_count_i[q] != 16'd0) && (held_q[q] < 3'(Depth));
      have[q] = (stored[q] != '0) && ((!blocked_q[q] && !closed_i) || !run_i[q]);
    end
  end

  rr_arbiter #(
      .N(NQ)
  ) u_pop (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    (want),
      .advance_i(!planted(BUG, 69)),
      .grant_o  (unused_want),
      .index_o  (index),
      .valid_o  (pop_o)
  );

  assign peek_queue_o = index;

  queue_fifo #(
      .W    ($bits(chain_t)),
      .NQ   (NQ),
      .DEPTH(Depth)
  ) u_records (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .in_valid_i (pend_q),
      .in_queue_i (pend_queue_q),
      .in_ready_o (fifo_ready),
      .in_data_i  (peek_chain_i),
      .out_queue_i(rec_queue_o),
      .out_valid_o(rec_stored),
      .out_data_o (rec_o),
      .out_ready_i(rec_take),
      .count_o    (stored)
  );

  // A chain that does not get its tags lets the others try, and is asked about again when there is news.
  rr_arbiter #(
      .N(NQ)
  ) u_admit (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    (have),
      .advance_i((rec_take || failed) && !planted(BUG, 69)),
      .grant_o  (unused_have),
      .index_o  (rec_queue_o),
      .valid_o  (rec_any)
  );

  // Each segment takes at most one read more than its length does: its first may be short. What ends early gives back.
  assign ask_reads_o = {rec_o.segments, 1'b0} +
                       (17'(rec_o.readable_bytes[16:7]) >> ((mrrs_i < 3'd2) ? mrrs_i[1:0] : 2'd2));
  assign ask_valid_o = rec_any && run_i[rec_queue_o];
  assign failed      = ask_valid_o && !ask_ok_i;
  assign rec_valid_o = rec_any && !failed;
  assign rec_take    = rec_valid_o && rec_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pend_q    <= 1'b0;
      held_q    <= '0;
      blocked_q <= '0;
    end else begin
      pend_q <= pop_o;
      for (int unsigned q = 0; q < NQ; q++) begin
        held_q[q] <= held_q[q] + 3'(pop_o && index == QW'(q)) - 3'(rec_take && rec_queue_o == QW'(q));
        if (news_i) blocked_q[q] <= 1'b0;
        else if (failed && rec_queue_o == QW'(q)) blocked_q[q] <= 1'b1;
      end
    end
    pend_queue_q <= index;
  end

  always_ff @(posedge clk_i) if (rst_ni) room_for_popped : assert (!pend_q || fifo_ready);
  always_ff @(posedge clk_i) if (rst_ni) chosen_is_stored : assert (!rec_any || rec_stored);

endmodule
