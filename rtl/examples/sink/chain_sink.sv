// A device type that gives every chain back at once, unused: what remains is the ring engine. Takes a record and a
// segment a clock. Counts chains and clocks and says so on the simulator's error stream; a bench top, not for synthesis.
module chain_sink
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Queues of the engine.
    parameter int unsigned NQ    = 4,
    /// Which engine it is, for the count's line.
    parameter              NAME  = "tx",
    /// Chains taken; then it stops, so that a driver that always gives new ones comes to rest.
    parameter int unsigned COUNT = 16384,
    /// Chains between two lines.
    parameter int unsigned STEP  = 512,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0]       run_i,
    /// Nothing of the queue is inside this block.
    output logic [NQ-1:0]       idle_o,
    /// Published chains per queue.
    input  logic [NQ-1:0][15:0] chain_count_i,
    /// Queue of the peek and pop.
    output logic [QW-1:0]       peek_queue_o,
    /// Removes the oldest chain record.
    output logic                chain_pop_o,
    /// The record, one cycle later.
    input  chain_t              peek_chain_i,
    /// Takes the oldest segment.
    output logic                seg_pop_o,
    /// Queue of the pop.
    output logic [QW-1:0]       seg_queue_o,
    /// The segment, one cycle later.
    input  segment_t            seg_i,
    /// Used buffer.
    output logic                cpl_valid_o,
    /// Taken.
    input  logic                cpl_ready_i,
    /// The used buffer.
    output completion_t         cpl_o
);

  typedef struct packed {
    logic [15:0] id;
    logic [15:0] slots;
  } tag_t;

  logic          rec_valid, seg_ready, item_valid, item_take;
  logic [QW-1:0] rec_queue, item_queue;
  chain_t        rec;
  tag_t          rec_tag, item_tag;
  seg_item_t     item;
  logic [31:0]   chains_q, clock_q;
  logic [NQ-1:0] run;
  logic [NQ-1:0][15:0] inside_q;

  assign run = (chains_q < COUNT) ? run_i : '0;

  chain_fetch #(.NQ(NQ)) u_chains (
    .clk_i, .rst_ni, .run_i(run), .chain_count_i, .peek_queue_o, .pop_o(chain_pop_o), .peek_chain_i,
    .rec_valid_o(rec_valid), .rec_ready_i(seg_ready), .rec_queue_o(rec_queue), .rec_o(rec)
  );

  assign rec_tag.id    = rec.id;
  assign rec_tag.slots = rec.slots;

  seg_fetch #(.NQ(NQ), .TAG_W($bits(tag_t))) u_segments (
    .clk_i, .rst_ni, .run_i, .rec_valid_i(rec_valid), .rec_ready_o(seg_ready), .rec_queue_i(rec_queue),
    .rec_segments_i(rec.segments), .rec_tag_i(rec_tag), .seg_pop_o, .seg_queue_o, .seg_i,
    .item_valid_o(item_valid), .item_ready_i(item_take), .item_o(item), .item_queue_o(item_queue),
    .item_tag_o(item_tag)
  );

  assign cpl_valid_o = item_valid && item.last && run_i[item_queue];
  assign item_take   = item_valid && (!cpl_valid_o || cpl_ready_i);

  always_comb begin
    cpl_o       = '0;
    cpl_o.queue = 16'(item_queue);
    cpl_o.id    = item_tag.id;
    cpl_o.slots = item_tag.slots;
  end

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    assign idle_o[q] = (inside_q[q] == 16'd0);
    always_ff @(posedge clk_i) begin
      if (!rst_ni) inside_q[q] <= '0;
      else inside_q[q] <= inside_q[q] + 16'(chain_pop_o && peek_queue_o == QW'(q))
                          - 16'(item_take && item.last && item_queue == QW'(q));
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      chains_q <= '0;
      clock_q  <= '0;
    end else begin
      clock_q <= clock_q + 32'd1;
      if (cpl_valid_o && cpl_ready_i) begin
        chains_q <= chains_q + 32'd1;
        if ((chains_q + 32'd1) % STEP == 32'd0) begin
          $fwrite(32'h8000_0002, "sink %s chains %0d clock %0d\n", NAME, chains_q + 32'd1, clock_q);
        end
      end
    end
  end

endmodule
