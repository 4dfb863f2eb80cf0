// Walks chains in available order, one descriptor a cycle over all queues: NEXT, INDIRECT, the checks of the policy
// table, segments and the chain record. A first descriptor without NEXT and INDIRECT, the common case, takes one
// cycle even when one queue alone has work; so does every descriptor in the ring itself of a packed queue, whose lists
// lie in consecutive slots. A chain is published only when it is complete.
module chain_walk
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ             = 4,
  /// Descriptor slots a queue, power of two.
  parameter int unsigned DEPTH          = 256,
  /// Segments and chains the store holds a queue.
  parameter int unsigned MAX_QUEUE_SIZE = 256,
  /// All windows.
  parameter int unsigned NW             = 36,
  /// Planted bug, 0: none.
  parameter int unsigned BUG            = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a slot number.
  localparam int unsigned AW = $clog2(DEPTH)
) (
  /// Clock.
  input  logic                  clk_i,
  /// Synchronous reset, active low.
  input  logic                  rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0]   ctx_i,
  /// Negotiated features.
  input  features_t             features_i,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]         run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]         clear_i,
  /// Per queue: what was passed behind the slot that was just taken is wrong.
  output logic [NQ-1:0]         redo_o,
  /// Per queue: inside a chain.
  output logic [NQ-1:0]         in_chain_o,
  /// Per queue: next slot to take (split: next chain to start). Slots before it are free again.
  output logic [NQ-1:0][15:0]   walk_o,
  /// Per queue: that slot's descriptor is there.
  input  logic [NQ-1:0]         ready_i,
  /// A slot is taken now: read its descriptor and its head.
  output logic                  take_o,
  /// Its queue.
  output logic [QW-1:0]         take_queue_o,
  /// Its slot.
  output logic [AW-1:0]         take_slot_o,
  /// The slot's descriptor, one cycle later.
  input  desc_t                 first_i,
  /// It has a window.
  input  logic                  first_given_i,
  /// That window.
  input  logic [5:0]            first_window_i,
  /// It was read again, and is what the second reading said (packed ring).
  input  logic                  first_again_i,
  /// Its NEXT flag as first read: what was passed behind it relies on that.
  input  logic                  first_next_i,
  /// Its head.
  input  logic [15:0]           head_i,
  /// Per window: filled.
  input  logic [NW-1:0]         filled_i,
  /// Per window: first descriptor's number.
  input  logic [NW-1:0][15:0]   base_i,
  /// Per window: descriptors.
  input  logic [NW-1:0][4:0]    count_i,
  /// Look into a window.
  output logic                  look_o,
  /// Window.
  output logic [5:0]            look_window_o,
  /// Place.
  output logic [3:0]            look_place_o,
  /// The descriptor, one cycle later.
  input  desc_t                 look_i,
  /// A window is wanted.
  output logic                  want_valid_o,
  /// Taken.
  input  logic                  want_ready_i,
  /// What.
  output window_req_t           want_o,
  /// A window is not needed any more.
  output logic                  free_o,
  /// Its number.
  output logic [5:0]            free_window_o,
  /// Per queue: segments in the store.
  input  logic [NQ-1:0][15:0]   seg_level_i,
  /// Per queue: chains in the store.
  input  logic [NQ-1:0][15:0]   chain_level_i,
  /// Queue of what follows.
  output logic [QW-1:0]         put_queue_o,
  /// A segment (its `last` is open until the chain ends).
  output logic                  put_seg_o,
  /// The segment.
  output segment_t              seg_o,
  /// The chain is complete.
  output logic                  put_chain_o,
  /// The record.
  output chain_t                chain_o,
  /// A ring rule was broken.
  output fault_t                fault_o
);

  typedef struct packed {
    logic        in_chain;
    logic        need_read;        // the next descriptor is not in the window
    logic        indirect;         // inside an indirect table
    logic        wrote;            // a device-writable descriptor was seen
    logic [63:0] table_addr;
    logic [15:0] limit;            // entries of the table
    logic [15:0] index;            // next descriptor
    logic [15:0] visited;          // descriptors seen in this chain
    logic [5:0]  window;
    chain_t      record;
  } walk_t;

  walk_t               state_q [NQ];
  walk_t               at, cur, nxt;
  logic [NQ-1:0][15:0] walk_q;
  logic [NQ-1:0]       room, start_ok, follow_ok, want, grant_unused, want_req, want_grant;
  logic [QW-1:0]       pick, want_q;
  logic                any, p_valid_q, p_slot_q, p_first, p_simple, p_run, ends, in_ring, redo;
  logic [QW-1:0]       p_queue_q;

  assign walk_o  = walk_q;
  assign in_ring = features_i.ring_packed;     // the list itself lies in the slots

  // Schedule: which queue's descriptor is looked at next.
  for (genvar q = 0; q < int'(NQ); q++) begin : gen_schedule
    logic here, in_slots;
    assign redo_o[q]     = redo && (p_queue_q == QW'(q));
    assign in_chain_o[q] = state_q[q].in_chain;
    assign here         = p_valid_q && (p_queue_q == QW'(q));
    assign in_slots     = !state_q[q].in_chain || (in_ring && !state_q[q].indirect);
    assign room[q]      = (seg_level_i[q] + 16'(here) < 16'(MAX_QUEUE_SIZE))
                          && (chain_level_i[q] + 16'(here) < 16'(MAX_QUEUE_SIZE));
    assign start_ok[q]  = run_i[q] && in_slots && ready_i[q] && room[q] && (!here || p_simple);
    assign follow_ok[q] = run_i[q] && !in_slots && !state_q[q].need_read
                          && filled_i[state_q[q].window] && room[q] && !here;
    assign want_req[q]  = run_i[q] && !in_slots && state_q[q].need_read;
  end

  assign want = start_ok | follow_ok;

  rr_arbiter #(.N(NQ)) u_pick (
    .clk_i, .rst_ni, .req_i(want), .advance_i(1'b1), .grant_o(grant_unused), .index_o(pick), .valid_o(any)
  );

  assign take_o        = any && start_ok[pick];
  assign take_queue_o  = pick;
  assign take_slot_o   = walk_q[pick][AW-1:0];
  assign look_o        = any && follow_ok[pick];
  assign look_window_o = state_q[pick].window;
  assign look_place_o  = 4'(state_q[pick].index - base_i[state_q[pick].window]);

  // Windows the walkers have to ask for themselves.
  rr_arbiter #(.N(NQ)) u_want (
    .clk_i, .rst_ni, .req_i(want_req), .advance_i(want_ready_i), .grant_o(want_grant), .index_o(want_q),
    .valid_o(want_valid_o)
  );

  always_comb begin
    want_o.qid      = 4'(want_q);
    want_o.window     = state_q[want_q].window;
    want_o.table_addr = state_q[want_q].table_addr;
    want_o.index      = state_q[want_q].index;
    want_o.limit      = state_q[want_q].limit;
    want_o.direct     = !state_q[want_q].indirect;
  end

  // Process the descriptor.
  desc_t        d;
  logic [15:0]  size, table_limit, after, place;
  logic         has_next, is_indirect, in_table, write, table_bad;
  logic [32:0]  sum;
  queue_error_e code;

  assign size        = ctx_i[p_queue_q].size;
  assign table_limit = in_ring ? 16'(MAX_QUEUE_SIZE) : size;
  assign d           = p_slot_q ? first_i : look_i;
  assign at          = state_q[p_queue_q];
  assign p_first     = p_slot_q && !(in_ring && at.in_chain);
  // A table of a packed ring: entries one after the other to its end, whatever their flags say.
  assign in_table    = in_ring && !p_slot_q && !planted(BUG, 41);
  assign has_next    = in_table ? (at.index + 16'd1 != at.limit) : d.flags[FlagNext] && !planted(BUG, 9);
  assign is_indirect = d.flags[FlagIndirect] && !in_table;
  assign write       = d.flags[FlagWrite];
  assign p_run       = p_valid_q && run_i[p_queue_q];
  assign p_simple    = p_slot_q && (in_ring || !has_next) && !is_indirect && !redo;
  assign redo        = p_run && p_slot_q && first_again_i && (d.flags[FlagNext] != first_next_i);
  assign table_bad   = (d.len_bytes[31:4] == '0) || (d.len_bytes[3:0] != '0 && !planted(BUG, 31));

  always_comb begin
    cur = at;
    if (p_first) begin
      cur            = '0;
      cur.table_addr = ctx_i[p_queue_q].desc;
      cur.limit      = size;
      cur.index      = head_i;
      cur.window     = first_given_i ? first_window_i : 6'(p_queue_q);
      cur.need_read  = !first_given_i;
      cur.record.id  = head_i;
    end
    after = (planted(BUG, 2) || in_ring) ? cur.index + 16'd1 : d.next;
    place = after - base_i[cur.window];
    sum   = {1'b0, write ? cur.record.writable_bytes : cur.record.readable_bytes} + {1'b0, d.len_bytes};

    nxt  = cur;
    code = QeNone;
    if (is_indirect) begin
      nxt.in_chain   = 1'b1;
      nxt.indirect   = 1'b1;
      nxt.table_addr = d.addr;
      nxt.limit      = d.len_bytes[19:4];
      nxt.index      = 16'd0;
      nxt.need_read  = !p_slot_q || cur.need_read;
      if (!features_i.indirect_desc || cur.indirect || has_next || table_bad || (in_ring && !p_first)) begin
        code = QeIndirect;
      end else if (d.len_bytes[31:4] > 28'(table_limit)) begin
        code = QeChainLength;
      end
    end else begin
      nxt.visited  = cur.visited + 16'd1;
      nxt.wrote    = cur.wrote || write;
      nxt.index    = after;
      nxt.in_chain = has_next;
      if (!p_slot_q) nxt.need_read = (place >= 16'(count_i[cur.window]));
      if (d.len_bytes != '0) nxt.record.segments = cur.record.segments + 16'd1;
      if (write) nxt.record.writable_bytes = sum[32] ? '1 : sum[31:0];
      else nxt.record.readable_bytes = sum[32] ? '1 : sum[31:0];
      if (cur.wrote && !write) code = QeOrder;
      else if (has_next && nxt.visited >= size && !(in_ring && cur.indirect)) code = QeChainLength;
      else if (has_next && after >= cur.limit && !planted(BUG, 7) && !in_ring) code = QeNextRange;
    end
    // A buffer of a packed ring has the id of its last slot, and gives all of them back.
    if (in_ring && p_slot_q) begin
      nxt.record.slots = cur.record.slots + 16'd1;
      nxt.record.id    = (planted(BUG, 35) && !p_first) ? cur.record.id : d.next;
    end
  end

  assign ends          = p_run && (code == QeNone) && !nxt.in_chain;
  assign fault_o.valid = p_run && (code != QeNone);
  assign fault_o.qid = 4'(p_queue_q);
  assign fault_o.code  = code;

  assign put_queue_o   = p_queue_q;
  assign put_seg_o     = p_run && (code == QeNone) && !is_indirect && (d.len_bytes != '0);
  assign put_chain_o   = ends;
  assign chain_o       = nxt.record;
  assign free_o        = ends && !p_slot_q && (cur.window >= 6'(NQ));
  assign free_window_o = cur.window;

  always_comb begin
    seg_o.addr      = d.addr;
    seg_o.len_bytes = d.len_bytes;
    seg_o.write     = write;
    seg_o.last      = ends;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      p_valid_q <= 1'b0;
      p_slot_q  <= 1'b0;
      p_queue_q <= '0;
    end else begin
      p_valid_q <= any;
      p_slot_q  <= take_o;
      p_queue_q <= pick;
    end
  end

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_state
    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        state_q[q] <= '0;
        walk_q[q]  <= ctx_i[q].start;
      end else begin
        if (take_o && pick == QW'(q)) walk_q[q] <= walk_q[q] + 16'd1;
        if (want_grant[q] && want_ready_i) state_q[q].need_read <= 1'b0;
        if (p_run && p_queue_q == QW'(q)) state_q[q] <= nxt;
        // A published chain is never longer than the queue (a packed ring's table: than the store).
        assert (!ends || p_queue_q != QW'(q) || chain_o.segments <= table_limit);
      end
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{features_i, at};

endmodule
