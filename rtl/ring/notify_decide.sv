// After a used index write (packed: used descriptors) has its place in the request order, reads the driver's event
// word and decides whether to interrupt. The read is behind the write on the same path, so a driver that changes the word and then looks at the
// used index misses nothing. Batches that were published while a read was under way share the next one.
module notify_decide
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ  = 4,
  /// Planted bug, 0: none.
  parameter int unsigned BUG = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// Negotiated features.
  input  features_t           features_i,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// A used index was published.
  input  logic                publish_i,
  /// Its queue.
  input  logic [QW-1:0]       publish_queue_i,
  /// Elements it published; packed: ring slots.
  input  logic [15:0]         publish_count_i,
  /// Per queue: something was published and its moderation is over.
  input  logic [NQ-1:0]       due_i,
  /// Per queue, after the asking: the event index is passed whatever it says.
  input  logic [NQ-1:0]       sure_i,
  /// Per queue: a decision over all that was published so far begins.
  output logic [NQ-1:0]       asked_o,
  /// Per queue: published used index; packed: slots given back.
  output logic [NQ-1:0][15:0] used_o,
  /// Per queue: position behind what was published; packed: counted round two laps.
  output logic [NQ-1:0][15:0] place_o,
  /// Per queue: the same of what was decided upon.
  output logic [NQ-1:0][15:0] told_o,
  /// Read of the event word.
  output logic                rd_valid_o,
  /// Taken.
  input  logic                rd_ready_i,
  /// The read.
  output dma_rd_req_t         rd_req_o,
  /// An event word was read.
  input  logic                ans_valid_i,
  /// Its queue.
  input  logic [QW-1:0]       ans_queue_i,
  /// The word (16 bits of it in a split ring).
  input  logic [31:0]         ans_value_i,
  /// How the read ended.
  input  rd_status_e          ans_status_i,
  /// Used buffer notification.
  output logic                irq_valid_o,
  /// Taken.
  input  logic                irq_ready_i,
  /// Its queue.
  output logic [15:0]         irq_queue_o,
  /// An event word could not be read.
  output fault_t              fault_o,
  /// Per queue: a read is outstanding.
  output logic [NQ-1:0]       busy_o
);

  logic [NQ-1:0][15:0] used_q, decided_q, asked_q, cache_q;
  // The same in a packed ring, 0..2*size-1: the slots of its second lap, with wrap 0, count on behind the first.
  logic [NQ-1:0][15:0] place_q, place_asked_q, place_decided_q;
  logic [NQ-1:0]       reading_q, irq_q, cached_q, want, grant, irq_grant, early, enabled;
  logic [QW-1:0]       rd_q, irq_index;
  logic [63:0]         addr;
  read_meta_t          meta;

  assign used_o = used_q;
  assign busy_o = reading_q;
  assign place_o = features_i.ring_packed ? place_q : used_q;
  assign told_o  = features_i.ring_packed ? place_decided_q : decided_q;

  rr_arbiter #(.N(NQ)) u_read (
    .clk_i, .rst_ni, .req_i(want), .advance_i(rd_ready_i), .grant_o(grant), .index_o(rd_q), .valid_o(rd_valid_o)
  );

  rr_arbiter #(.N(NQ)) u_irq (
    .clk_i, .rst_ni, .req_i(irq_q & enabled), .advance_i(irq_ready_i), .grant_o(irq_grant), .index_o(irq_index),
    .valid_o(irq_valid_o)
  );

  assign irq_queue_o = 16'(irq_index);

  // used_event behind the available ring, or the flags at its start.
  always_comb begin
    addr = ctx_i[rd_q].driver;
    if (features_i.ring_packed) addr[1:0] = 2'b00;
    else if (features_i.event_idx) addr = addr + 64'd4 + {47'b0, ctx_i[rd_q].size, 1'b0};
    meta               = '0;
    meta.kind          = RkEvent;
    meta.qid         = 4'(rd_q);
    meta.count         = 6'd1;
    meta.offset        = addr[1:0];
    rd_req_o.addr      = addr;
    rd_req_o.len_bytes = features_i.ring_packed ? 10'd4 : 10'd2;
    rd_req_o.meta      = 32'(meta);
  end

  assign fault_o.valid = ans_valid_i && (ans_status_i != RdOk);
  assign fault_o.qid = 4'(ans_queue_i);
  assign fault_o.code  = QeDmaError;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic        answer, decide, wants_irq, passed, pass_cached, crossed, wanted;
    logic [16:0] twice, target, gap, place_next;
    // A queue that is being reset announces nothing more. A frozen one announces what was decided before; an open round
    // of moderation it leaves alone, for the event word must not be read any more: the configuration interrupt that
    // tells of the error is what makes the driver look.
    assign enabled[q]  = ctx_i[q].enable;
    logic [15:0] event_word, place_start;
    assign place_start = {1'b0, ctx_i[q].start[14:0]} + (ctx_i[q].start[15] ? 16'd0 : ctx_i[q].size);

    assign answer      = ans_valid_i && (ans_queue_i == QW'(q)) && reading_q[q];
    // Planted bug 51 looks although the queue is frozen.
    assign early[q]    = (run_i[q] || (planted(BUG, 51) && enabled[q])) && due_i[q] && !reading_q[q];
    assign asked_o[q]  = pass_cached || (grant[q] && rd_ready_i);
    assign pass_cached = early[q] && cached_q[q] && planted(BUG, 30);
    assign want[q]     = early[q] && !pass_cached;
    assign decide      = (answer && ans_status_i == RdOk) || pass_cached;
    assign event_word  = pass_cached ? cache_q[q] : ans_value_i[15:0];

    // The driver is told when the index it waits for lies in what was published since the last decision.
    always_comb begin
      logic [15:0] upto, distance, batch;
      upto     = pass_cached ? used_q[q] : asked_q[q];
      distance = upto - event_word - (planted(BUG, 13) ? 16'd0 : 16'd1);
      batch    = upto - decided_q[q];
      if (planted(BUG, 56) && features_i.in_order) batch = 16'(batch != '0);
      passed   = (distance < batch) || sure_i[q];
    end

    // Packed: the same with slots, a position on its second lap counted behind the first. Mode 3 is reserved: as 0.
    always_comb begin
      twice      = {ctx_i[q].size, 1'b0};
      target     = {2'b0, ans_value_i[14:0]} + ((ans_value_i[15] || planted(BUG, 39)) ? 17'd0 : {1'b0, ctx_i[q].size});
      gap        = target - {1'b0, place_decided_q[q]};
      if (target < {1'b0, place_decided_q[q]}) gap = gap + twice;
      crossed    = (gap < {1'b0, 16'(asked_q[q] - decided_q[q])});
      place_next = {1'b0, place_q[q]} + {1'b0, publish_count_i};
      if (place_next >= twice) place_next = place_next - twice;
      unique case (ans_value_i[17:16])
        2'd1:    wanted = 1'b0;
        2'd2:    wanted = crossed || sure_i[q] || !features_i.event_idx;
        default: wanted = 1'b1;
      endcase
    end

    assign wants_irq = decide && (features_i.ring_packed ? wanted : features_i.event_idx ? passed : !event_word[0]);

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        used_q[q]    <= ctx_i[q].start;
        decided_q[q] <= ctx_i[q].start;
        asked_q[q]   <= ctx_i[q].start;
        cache_q[q]   <= '0;
        cached_q[q]  <= 1'b0;
        reading_q[q] <= 1'b0;
        irq_q[q]     <= 1'b0;
        place_q[q]         <= place_start;
        place_asked_q[q]   <= place_start;
        place_decided_q[q] <= place_start;
      end else begin
        if (publish_i && publish_queue_i == QW'(q)) begin
          used_q[q]  <= used_q[q] + publish_count_i;
          place_q[q] <= place_next[15:0];
        end
        if (grant[q] && rd_ready_i) begin
          reading_q[q] <= 1'b1;
          asked_q[q]   <= used_q[q];
          place_asked_q[q] <= place_q[q];
        end
        if (answer) begin
          reading_q[q] <= 1'b0;
          cached_q[q]  <= 1'b1;
          cache_q[q]   <= ans_value_i[15:0];
        end
        if (pass_cached) cached_q[q] <= 1'b0;
        if (decide) decided_q[q] <= pass_cached ? used_q[q] : asked_q[q];
        if (decide) place_decided_q[q] <= place_asked_q[q];
        if (wants_irq) irq_q[q] <= 1'b1;
        else if (irq_grant[q] && irq_ready_i) irq_q[q] <= 1'b0;
      end
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{features_i, ans_value_i};

endmodule
