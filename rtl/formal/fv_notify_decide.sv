/// When the driver is told: exactly when the event index that it wrote lies in what was published since the last
/// decision, for every size, with laps and index wrap; flags and modes as the specification says. The crossing test is
/// compared with a walker that marks the driver's slot when it passes over it.
module fv_notify_decide
  import ringside_pkg::*;
#(
  /// Largest queue: arithmetic on 16 bits is what costs.
  parameter int unsigned SIZE_MAX = 1024,
  /// A packed ring.
  parameter bit          PACKED   = 1'b0,
  /// Planted bug.
  parameter int unsigned BUG      = 0
) (
  /// Clock.
  input logic        clk_i,
  /// A reset at any time.
  input logic        again_i,
  /// Enabled and not frozen.
  input logic        run_i,
  /// Enabled.
  input logic        enable_i,
  /// State goes to its reset value.
  input logic        clear_i,
  /// Used ones are published.
  input logic        publish_i,
  /// Slots (split: index steps).
  input logic [15:0] count_i,
  /// Moderation is over.
  input logic        due_i,
  /// The event index is passed whatever it says.
  input logic        sure_i,
  /// The read is taken.
  input logic        rd_ready_i,
  /// The event word is there.
  input logic        ans_valid_i,
  /// Its upper half: mode of a packed ring; flags word of a split one without event index below.
  input logic [31:0] word_i,
  /// How the read ended.
  input rd_status_e  status_i,
  /// The interrupt is taken.
  input logic        irq_ready_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  // Any ring of any size, begun anywhere, and any one event word: the same for all time.
  logic        event_idx_q, in_order_q, start_wrap_q;
  logic [15:0] size_q, start_q, event_q;
  always_ff @(posedge clk_i) begin
        event_idx_q  <= event_idx_q;
    in_order_q   <= in_order_q;
    size_q       <= size_q;
    start_q      <= start_q;
    start_wrap_q <= start_wrap_q;
    event_q      <= event_q;
  end

  queue_ctx_t  ctx;
  features_t   features;
  logic        asked, rd_valid, irq_valid, busy;
  logic [15:0] used, place, told, irq_queue;
  dma_rd_req_t rd_req;
  ring_pkg::fault_t fault;
  always_comb begin
    ctx        = '0;
    ctx.enable = enable_i;
    ctx.size   = size_q;
    ctx.start  = PACKED ? {start_wrap_q, start_q[14:0]} : start_q;
    features             = '0;
    features.ring_packed = PACKED;
    features.event_idx   = event_idx_q;
    features.in_order    = in_order_q;
  end

  notify_decide #(.NQ(1), .BUG(BUG)) u_dut (
    .clk_i, .rst_ni, .ctx_i(ctx), .features_i(features), .run_i, .clear_i, .publish_i, .publish_queue_i(1'b0),
    .publish_count_i(count_i), .due_i, .sure_i, .asked_o(asked), .used_o(used), .place_o(place), .told_o(told),
    .rd_valid_o(rd_valid), .rd_ready_i, .rd_req_o(rd_req), .ans_valid_i, .ans_queue_i(1'b0), .ans_value_i(word_i),
    .ans_status_i(status_i), .irq_valid_o(irq_valid), .irq_ready_i, .irq_queue_o(irq_queue), .fault_o(fault), .busy_o(busy)
  );

  // The walker: the next slot to be published, with the wrap counter of its lap.
  logic        wrap_q, covers, hit_q, hit_asked_q, told_now, ended, decided;
  logic [15:0] slot_q;
  logic [16:0] next;
  logic [16:0] open_q, open_asked_q;     // published and not decided: not asked about, asked about
  assign next = {1'b0, slot_q} + {1'b0, count_i};
  // Is the slot of the event word among the `count_i` next ones?
  always_comb begin
    if (PACKED) covers = (event_q[15] == wrap_q) ? {1'b0, event_q[14:0]} >= slot_q && 17'(event_q[14:0]) < next
                                                   : 17'(event_q[14:0]) + {1'b0, size_q} < next;
    else          covers = (event_q - slot_q) < count_i;
  end

  assign ended   = ans_valid_i && busy;
  assign decided = ended && status_i == RdOk;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      slot_q       <= start_q;
      wrap_q       <= start_wrap_q;
      hit_q        <= 1'b0;
      hit_asked_q  <= 1'b0;
      open_q       <= '0;
      open_asked_q <= '0;
    end else begin
      if (publish_i) begin
        slot_q <= (PACKED && next >= {1'b0, size_q}) ? 16'(next - {1'b0, size_q}) : 16'(next);
        wrap_q <= wrap_q ^ (next >= {1'b0, size_q});
      end
      hit_q  <= (hit_q && !asked) || (publish_i && covers);
      open_q <= (asked ? 17'd0 : open_q) + (publish_i ? 17'(count_i) : 17'd0);
      if (asked) begin
        hit_asked_q  <= hit_asked_q || hit_q;
        open_asked_q <= open_asked_q + open_q;
      end else if (decided) begin
        hit_asked_q  <= 1'b0;
        open_asked_q <= '0;
      end
    end
  end

  // What is undecided at most: more than two laps of a packed ring are not looked at here.
  logic [16:0] twice, limit;
  assign twice = {size_q, 1'b0};
  assign limit = PACKED ? ((twice == 17'd65536) ? 17'd65535 : twice) : 17'd65535;

  // Positions round two laps: `count` further on.
  function automatic logic [16:0] behind(input logic [15:0] from, input logic [16:0] count);
    logic [17:0] sum;
    sum = 18'(from) + 18'(count);
    return (sum >= 18'(twice)) ? 17'(sum - 18'(twice)) : 17'(sum);
  endfunction
  logic [15:0] to_asked;
  assign to_asked = event_q - u_dut.asked_q[0];

  // What the specification asks for when the word is there.
  logic want, interrupts_q, decided_q, want_q;
  always_comb begin
    if (!PACKED)         want = event_idx_q ? hit_asked_q || sure_i : !word_i[0];
    else case (word_i[17:16])
      2'd1:    want = 1'b0;                                            // disabled
      2'd2:    want = !event_idx_q || hit_asked_q || sure_i;          // at a slot
      default: want = 1'b1;                                            // enabled
    endcase
  end
  always_ff @(posedge clk_i) begin
    decided_q    <= rst_ni && !clear_i && decided;
    want_q       <= want;
    interrupts_q <= u_dut.irq_q[0] && !(irq_valid && irq_ready_i);
  end

  always_ff @(posedge clk_i) begin
    size_legal : assume (size_q != '0 && size_q <= 16'(SIZE_MAX) && (PACKED || (size_q & (size_q - 16'd1)) == '0));
    start_legal : assume (!PACKED || start_q < size_q);
    event_legal : assume (!PACKED || {1'b0, event_q[14:0]} < size_q);
    the_event : assume (!ended || !event_idx_q || word_i[15:0] == event_q);
    count_legal : assume (!publish_i || (count_i != '0 && count_i <= size_q));
    // Beyond that `notify_moderate` says that it is sure.
    undecided_bounded : assume (18'(open_q) + 18'(open_asked_q) + (publish_i ? 18'(count_i) : 18'd0) <= 18'(limit));
    if (rst_ni && decided_q) begin
      // SPLIT-DEV-009, SPLIT-DEV-010, SPLIT-DEV-012, SPLIT-DEV-014: told only when the driver asked for it
      told_only_when : assert (want_q || !u_dut.irq_q[0] || interrupts_q);
      // SPLIT-DEV-011, SPLIT-DEV-013: told whenever the driver asked for it
      told_whenever : assert (!want_q || u_dut.irq_q[0]);
    end
    if (rst_ni) begin
      // contract: the position behind what was published, a lap with wrap 0 counted behind the first
      place_is_walker : assert (place == ((PACKED && !wrap_q) ? slot_q + size_q : slot_q));
      // contract: one question at a time, and only about an enabled queue
      asks_once : assert (!rd_valid || (!busy && run_i));
      // VQ-DEV-001: a queue that is not enabled announces nothing
      disabled_silent : assert (!irq_valid || enable_i);
      // invariant: the walker stands on a slot
      walker : assert (!PACKED || slot_q < size_q);
      // invariant: what is not asked about is what was counted
      not_asked : assert (16'(u_dut.used_q[0] - u_dut.asked_q[0]) == 16'(open_q));
      // invariant: likewise what is asked about
      asked_open : assert (16'(u_dut.asked_q[0] - u_dut.decided_q[0]) == 16'(open_asked_q) && !open_q[16] && !open_asked_q[16]);
      // invariant: a mark comes from something published
      bounded : assert (17'(open_q) + 17'(open_asked_q) <= limit);
      // invariant: positions go as indices in a split ring
      split_place : assert (PACKED || slot_q == u_dut.used_q[0]);
      // invariant: split: the mark says whether the event index lies in what is being decided
      split_asked : assert (PACKED || hit_asked_q == (16'(event_q - u_dut.decided_q[0]) < 16'(open_asked_q)));
      // invariant: split: likewise for what is not asked about
      split_hit : assert (PACKED || hit_q == (to_asked < 16'(open_q)));
      // invariant: packed: positions are counted round two laps
      packed_range : assert (!PACKED || (17'(u_dut.place_asked_q[0]) < twice && 17'(u_dut.place_decided_q[0]) < twice));
      // invariant: packed: the position behind what is not asked about
      packed_place : assert (!PACKED || behind(u_dut.place_asked_q[0], open_q) == 17'(place));
      // invariant: packed: the position behind what is asked about
      packed_place_asked : assert (!PACKED || behind(u_dut.place_decided_q[0], open_asked_q) == 17'(u_dut.place_asked_q[0]));
      // invariant: how far to the event index, seen from further on
      split_nearer : assert (PACKED || 16'(event_q - slot_q) == 16'(to_asked - 16'(open_q)));
      crosses_end : cover (event_idx_q && decided_q && want_q && slot_q < 16'd4 && (PACKED ? size_q == 16'd7 && event_q[15] != wrap_q
                                                                                    : event_q > 16'hfffc));
      not_told : cover (event_idx_q && decided_q && !want_q && !u_dut.irq_q[0]);
    end
  end

endmodule
