// Where the chains of each transmit queue are: between store and request, between request and wire, on the way to the ring.
// A packet that is on its way to the wire when its queue stops is stale: it goes out, but the queue does not wait for it,
// however long the wire does, and it is not used.
module tx_inside #(
    /// Queues.
    parameter int unsigned NQ = 4,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic          clk_i,
    /// Synchronous reset, active low.
    input  logic          rst_ni,
    /// Device reset: the read pool forgets everything.
    input  logic          flush_i,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0] run_i,
    /// A chain was taken from its store.
    input  logic [NQ-1:0] taken_i,
    /// It ended before its packet began, two sources.
    input  logic [NQ-1:0] refused_i,
    /// Second source of the same.
    input  logic [NQ-1:0] abandoned_i,
    /// All of a packet is asked for.
    input  logic          asked_i,
    /// Its queue.
    input  logic [QW-1:0] asked_pair_i,
    /// A packet leaves the read pool for the wire.
    input  logic          begins_i,
    /// A packet was dropped in the read pool.
    input  logic          gone_i,
    /// Its queue, of either.
    input  logic [QW-1:0] pool_pair_i,
    /// A packet is partly in a frame: the next one done.
    input  logic          mid_frame_i,
    /// A packet is all in its frame.
    input  logic          done_i,
    /// Queue of both.
    input  logic [QW-1:0] done_pair_i,
    /// It is to be used.
    output logic          live_o,
    /// A used buffer goes to the ring, or nowhere.
    input  logic          used_i,
    /// Its queue.
    input  logic [QW-1:0] used_pair_i,
    /// Reads of the queue are unanswered.
    input  logic [NQ-1:0] waiting_i,
    /// One chain of the queue is inside.
    output logic [NQ-1:0] only_one_o,
    /// Nothing of the queue is inside.
    output logic [NQ-1:0] idle_o
);

  logic [NQ-1:0][15:0] inside_q, fetch_q;  // chains; those not yet asked for
  logic [NQ-1:0][3:0]  begun_q, stale_q;   // packets between pool and frame: bounded by the stages there

  assign live_o = run_i[done_pair_i] && (stale_q[done_pair_i] == '0) && !flush_i;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic        begins, ends;
    logic [15:0] fetch;

    assign begins = begins_i && pool_pair_i == QW'(q);
    assign ends   = done_i && done_pair_i == QW'(q);
    assign fetch  = fetch_q[q] + 16'(taken_i[q]) - 16'(refused_i[q]) - 16'(abandoned_i[q])
                    - 16'(asked_i && asked_pair_i == QW'(q));

    assign only_one_o[q] = inside_q[q] == 16'd1;
    assign idle_o[q]     = (inside_q[q] == 16'd0) && (fetch_q[q] == 16'd0) && !waiting_i[q];

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        inside_q[q] <= '0;
        fetch_q[q]  <= '0;
        begun_q[q]  <= '0;
        stale_q[q]  <= '0;
      end else begin
        fetch_q[q]  <= fetch;
        inside_q[q] <= inside_q[q] + 16'(taken_i[q]) - 16'(refused_i[q]) - 16'(abandoned_i[q])
                       - 16'(gone_i && pool_pair_i == QW'(q)) - 16'(used_i && used_pair_i == QW'(q))
                       - (run_i[q] ? 16'd0 : 16'(begun_q[q]) + 16'(begins));
        if (run_i[q]) begin
          begun_q[q] <= begun_q[q] + 4'(begins) - 4'(ends && live_o);
          stale_q[q] <= stale_q[q] - 4'(ends && !live_o);
        end else begin
          begun_q[q] <= '0;
          stale_q[q] <= stale_q[q] + begun_q[q] + 4'(begins) - 4'(ends);
        end
        if (flush_i) begin
          inside_q[q] <= fetch;
          stale_q[q]  <= 4'(mid_frame_i && done_pair_i == QW'(q) && !done_i);
        end
      end
    end
  end

endmodule
