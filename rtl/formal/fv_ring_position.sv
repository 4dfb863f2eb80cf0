/// Positions of a queue, for every size of a ring: what is shown is where a walker stands that takes one slot after the
/// other and turns its wrap counter at the ring's end.
module fv_ring_position
  import ringside_pkg::*;
#(
  /// Largest queue: arithmetic on 16 bits is what costs.
  parameter int unsigned SIZE_MAX = 1024,
  /// Planted bug.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input logic             clk_i,
  /// A reset at any time.
  input logic             again_i,
  /// Per queue: enabled.
  input logic [1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input logic [1:0]       clear_i,
  /// A chain is taken.
  input logic             pop_i,
  /// Of this queue.
  input logic [15:0]      pop_queue_i,
  /// A chain is given back.
  input logic             given_i,
  /// Which.
  input completion_t      cpl_i,
  /// Used ones are published.
  input logic             publish_i,
  /// Of this queue.
  input logic             publish_queue_i,
  /// Slots (split: index steps).
  input logic [15:0]      count_i,
  /// Positions of the queue that is not followed.
  input logic [15:0]      other_i,
  /// What was decided upon.
  input logic [15:0]      told_i,
  /// Under way.
  input logic [1:0]       busy_i,
  /// Size of the queue that is not followed.
  input logic [15:0]      other_size_i,
  /// Queue looked at.
  input logic [15:0]      look_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  // Any one queue of any size, with either ring, begun anywhere; the same for all time.
  logic        who_q, packed_q, start_wrap_q;
  logic [15:0] size_q, start_q;
  always_ff @(posedge clk_i) begin
    who_q        <= who_q;
    packed_q     <= packed_q;
    size_q       <= size_q;
    start_q      <= start_q;
    start_wrap_q <= start_wrap_q;
  end

  // The walkers: behind the last one published, and behind the last one that the device is through with.
  logic        used_wrap_q, through_wrap_q;
  logic [15:0] used_q, through_q, owed_q, begun_chains_q;
  logic        given, publish, pop;
  logic [15:0] step, through_mid, owed_mid;
  logic [16:0] used_next, through_next;
  logic        through_wrap_mid;
  assign pop          = pop_i && pop_queue_i == 16'(who_q);
  assign given        = given_i && run_i[who_q] && cpl_i.queue == 16'(who_q);
  assign publish      = publish_i && publish_queue_i == who_q;
  assign step         = packed_q ? cpl_i.slots : 16'd1;
  assign used_next    = {1'b0, used_q} + {1'b0, count_i};
  assign through_next = {1'b0, through_q} + {1'b0, step};

  // First what is given back, then what is published: the solver is led through the sum in two steps.
  always_comb begin
    through_mid      = through_q;
    through_wrap_mid = through_wrap_q;
    owed_mid         = owed_q;
    if (given) begin
      through_mid      = (packed_q && through_next >= {1'b0, size_q}) ? 16'(through_next - {1'b0, size_q}) : 16'(through_next);
      through_wrap_mid = through_wrap_q ^ (through_next >= {1'b0, size_q});
      owed_mid         = owed_q + step;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i[who_q]) begin
      used_q         <= start_q;
      through_q      <= start_q;
      used_wrap_q    <= start_wrap_q;
      through_wrap_q <= start_wrap_q;
      owed_q         <= '0;
      begun_chains_q <= '0;
    end else begin
      begun_chains_q <= begun_chains_q + 16'(pop) - 16'(given);
      through_q      <= through_mid;
      through_wrap_q <= through_wrap_mid;
      owed_q         <= publish ? owed_mid - count_i : owed_mid;
      if (publish) begin
        used_q      <= (packed_q && used_next >= {1'b0, size_q}) ? 16'(used_next - {1'b0, size_q}) : 16'(used_next);
        used_wrap_q <= used_wrap_q ^ (used_next >= {1'b0, size_q});
      end
    end
  end

  // `ahead` slots further than a walker: on the same lap or on the next one.
  function automatic logic apart(input logic wrap, input logic [15:0] slot, input logic far_wrap, input logic [15:0] far,
                                 input logic [15:0] ahead);
    return (far_wrap == wrap) ? 17'(far) == 17'(slot) + 17'(ahead) : 17'(far) + 17'(size_q) == 17'(slot) + 17'(ahead);
  endfunction

  // A position as `notify_decide` keeps it: its second lap, with wrap 0, counted behind the first.
  logic [15:0] place;
  assign place = (packed_q && !used_wrap_q) ? used_q + size_q : used_q;

  queue_ctx_t [1:0]       ctx;
  logic       [1:0][15:0] used, told;
  queue_position_t        position;
  logic       [1:0]       owes;
  always_comb begin
    ctx                = '0;
    ctx[who_q].size    = size_q;
    ctx[!who_q].size   = other_size_i;
    used               = {2{other_i}};
    used[who_q]        = place;
    told               = {2{other_i}};
    told[who_q]        = told_i;
  end

  ring_position #(.NQ(2), .BUG(BUG)) u_dut (
    .clk_i, .rst_ni, .ctx_i(ctx), .packed_i(packed_q), .run_i, .clear_i, .pop_i, .pop_queue_i, .given_i, .cpl_i, .publish_i,
    .publish_queue_i, .publish_count_i(count_i), .used_i(used), .told_i(told), .busy_i, .owes_o(owes), .look_queue_i(look_i),
    .position_o(position)
  );

  // What was looked at a clock ago.
  logic            looked_q, quiet_q;
  queue_position_t want_q;
  always_ff @(posedge clk_i) begin
    looked_q    <= rst_ni && look_i == 16'(who_q);
    quiet_q     <= begun_chains_q == '0 && owed_q == '0 && !busy_i[who_q] && told_i == place;
    want_q      <= '0;
    want_q.used  <= packed_q ? {used_wrap_q, used_q[14:0]} : used_q;
    want_q.avail <= packed_q ? {through_wrap_q, through_q[14:0]} : through_q;
  end

  always_ff @(posedge clk_i) begin
    size_legal : assume (size_q != '0 && size_q <= 16'(SIZE_MAX) && (packed_q || (size_q & (size_q - 16'd1)) == '0));
    start_legal : assume (!packed_q || start_q < size_q);
    told_legal : assume (!packed_q || 17'(told_i) < {size_q, 1'b0});
    // At most a ring belongs to the device; nothing is published that was not given back.
    given_legal : assume (!given || (step != '0 && 17'(owed_q) + 17'(step) <= 17'(size_q)));
    publish_legal : assume (!publish || count_i <= owed_q);
    taken_first : assume (!given || pop || begun_chains_q != '0);
    pops_bounded : assume (!pop || begun_chains_q < size_q);
    // The other queue's business is legal too, as far as the block's own assertions ask.
    other_given : assume (!(given_i && run_i[!who_q] && cpl_i.queue == 16'(!who_q)));
    if (rst_ni && looked_q) begin
      // contract: a position is behind the last one published, with the wrap counter of its lap
      used_shown : assert (position.used == want_q.used);
      // contract, SUSP-DEV-008: and behind the last one the device is through with
      avail_shown : assert (position.avail == want_q.avail);
      // PACKED-DEV-002: a slot is one of the ring
      slot_in_ring : assert (!packed_q || ({1'b0, position.used[14:0]} < size_q && {1'b0, position.avail[14:0]} < size_q));
      // SUSP-DEV-010: quiet says that nothing is begun, owed, under way or undecided
      quiet_means : assert (position.quiet == quiet_q);
    end
    if (rst_ni) begin
      // contract: what a queue owes is what was given back and is not published
      owes_shown : assert (owes[who_q] == (owed_q != '0));
      // invariant: the same counts
      counts : assert (u_dut.owed_q[who_q] == owed_q && u_dut.begun_q[who_q] == begun_chains_q && owed_q <= size_q && begun_chains_q <= size_q);
      // invariant: walkers stand on slots, at most a lap apart
      walkers : assert (!packed_q || (used_q < size_q && through_q < size_q && apart(used_wrap_q, used_q, through_wrap_q, through_q, owed_q)));
      // invariant: also between the two steps of a clock
      between_same : assert (!packed_q || through_wrap_mid != used_wrap_q || 17'(through_mid) == 17'(used_q) + 17'(owed_mid));
      // invariant: also between the two steps of a clock
      between_next : assert (!packed_q || through_wrap_mid == used_wrap_q || 17'(through_mid) + 17'(size_q) == 17'(used_q) + 17'(owed_mid));
      // invariant: also between the two steps of a clock
      between_slot : assert (!packed_q || through_mid < size_q);
      // invariant: the same, laps counted as the block counts them
      laps : assert (!packed_q || (through_wrap_q ? 17'(through_q) : 17'(through_q) + 17'(size_q))
          == ((17'(place) + 17'(owed_q) >= {size_q, 1'b0}) ? 17'(place) + 17'(owed_q) - {size_q, 1'b0} : 17'(place) + 17'(owed_q)));
      // invariant: split rings have no laps
      indices : assert (packed_q || through_q == used_q + owed_q);
      odd_ring_wraps : cover (packed_q && size_q == 16'd5 && !used_wrap_q && used_q == 16'd3 && through_wrap_q && owed_q == 16'd4);
      largest_ring : cover (packed_q && 32'(size_q) == SIZE_MAX && 32'(used_q) == SIZE_MAX - 1 && owed_q == size_q);
      index_wraps : cover (!packed_q && used_q == 16'hffff && through_q == 16'd1 && looked_q);
    end
  end

endmodule
