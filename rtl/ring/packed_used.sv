// Packed ring: used descriptors, gathered per queue and written in batches of contiguous slots, up to 16 in one write,
// to the ring end or to a buffer that takes more than one slot (the next one's place is further on). A single write
// shows its descriptors in order. Where buffers belong together (`more`) the first one of the batch is kept back and
// written when the group is complete and all others have their place before it: the driver sees all or none. With
// IN_ORDER one descriptor stands for a run of buffers that were used up completely: the last one's, in the first one's
// slot.
module packed_used
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ          = 4,
  /// Width of the data path in bits: a used descriptor takes two beats of 64, two of them one of 256.
  parameter int unsigned DATA_W      = 512,
  /// Cycles without a completion after which a batch is written.
  parameter int unsigned IDLE_CYCLES = 24,
  /// Age of the oldest element at which a batch is written.
  parameter int unsigned AGE_CYCLES  = 128,
  /// Planted bug, 0: none.
  parameter int unsigned BUG         = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// IN_ORDER is negotiated.
  input  logic                in_order_i,
  /// Per queue: enabled and not frozen. Completions of others are taken and dropped.
  input  logic [NQ-1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// Completion.
  input  logic                cpl_valid_i,
  /// Taken.
  output logic                cpl_ready_o,
  /// The completion.
  input  completion_t         cpl_i,
  /// Write beat.
  output logic                wr_valid_o,
  /// Taken.
  input  logic                wr_ready_i,
  /// The beat.
  output ring_write_t         wr_o,
  /// Per queue: descriptors are being written.
  output logic [NQ-1:0]       busy_o
);

  localparam int unsigned SLOTS = 64;
  localparam logic [6:0]  BATCH = 7'd16;      // 256 bytes, one write of the usual Max_Payload_Size
  localparam int unsigned TW    = $clog2(AGE_CYCLES + 1);
  localparam bit          WIDE  = (DATA_W >= 128);
  localparam bit          PAIRS = (DATA_W >= 256);

  typedef enum logic [2:0] {
    StPick  = 3'd0,
    StHold  = 3'd1,                // the first one of a batch with a group is kept back
    StScan  = 3'd2,                // how far do single-slot buffers go?
    StWrite = 3'd3,
    StHead  = 3'd4,                // the one that was kept back
    StRun   = 3'd5                 // IN_ORDER: buffers that need no descriptor of their own
  } state_e;

  typedef struct packed {
    logic        whole;
    logic        more;
    logic [15:0] slots;
    logic [31:0] bytes;
    logic [15:0] id;
  } element_t;

  element_t            element_q [(1 << QW) * SLOTS];
  element_t            head_q [NQ];            // kept back
  element_t            element, last;
  logic [NQ-1:0][6:0]  put_q, get_q, level, lists_q, groups_q;
  logic [NQ-1:0][6:0]  owed_q;                  // their gathering is over: they leave without further waiting
  logic [NQ-1:0][14:0] slot_q, head_slot_q;
  logic [NQ-1:0][15:0] size, pending_q;        // slots passed that do not show yet
  logic [NQ-1:0][9:0]  packets_q;              // packets among them
  logic [NQ-1:0]       wrap_q, head_wrap_q, held_q, flush_q, due, grant_unused;
  logic [QW-1:0]       cq, pick, queue_q;
  logic                any, put, start, known_queue, upper_q, pop, sent_all, keep, wrap, shows, skip, two;
  logic                may_run, run_wrap_q, single_q;
  state_e              state_q;
  logic [6:0]          count, count_q, sent_q, most, run_q, step;
  logic [15:0]         to_ring_end, slots, advance_q, next, passed;
  logic [14:0]         slot, run_slot_q;
  logic [127:0]        word, second;

  // Completions in.
  assign cq          = QW'(cpl_i.queue);
  assign known_queue = cpl_i.queue < 16'(NQ);
  assign cpl_ready_o = !known_queue || !run_i[cq] || (level[cq] != 7'(SLOTS));
  assign put         = cpl_valid_i && known_queue && run_i[cq] && (level[cq] != 7'(SLOTS));

  always_ff @(posedge clk_i) begin
    if (put) begin
      element_q[{cq, put_q[cq][5:0]}] <= {cpl_i.whole, cpl_i.more, cpl_i.slots, cpl_i.written_bytes, cpl_i.id};
    end
  end

  assign element = element_q[{queue_q, get_q[queue_q][5:0]}];
  assign last    = element_q[{queue_q, 6'(get_q[queue_q][5:0] + ((state_q == StWrite) ? 6'd1 : count_q[5:0]))}];
  assign start   = any && (state_q == StPick);
  assign keep    = start && (groups_q[pick] != '0) && !held_q[pick] && !planted(BUG, 37);

  // An element leaves: kept back, or with the last beat of its descriptor.
  assign pop   = skip || (state_q == StHold) || (state_q == StWrite && wr_ready_i && (WIDE || upper_q));
  // Two single-slot buffers a beat: a batch takes half as many clocks as it has buffers.
  assign two   = PAIRS && (state_q == StWrite) && single_q && (sent_q + 7'd2 <= count_q);
  assign step  = two ? 7'd2 : 7'd1;
  assign slots = planted(BUG, 36) ? 16'd1 : (planted(BUG, 57) && skip) ? 16'd0 : element.slots;
  assign next  = {1'b0, slot_q[queue_q]} + slots + 16'(two);
  assign passed = next - size[queue_q];

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic [TW-1:0] idle_q, age_q;
    logic          put_here, pop_here, ripe;
    logic [6:0]    fresh;                        // elements that are still gathered

    assign size[q]    = ctx_i[q].size;
    assign put_here   = put && (cq == QW'(q));
    assign pop_here   = pop && (queue_q == QW'(q));
    assign level[q]   = put_q[q] - get_q[q];
    assign fresh      = level[q] - owed_q[q];
    assign ripe       = (fresh != 7'd0)
                        && (flush_q[q] || fresh >= BATCH || idle_q >= TW'(IDLE_CYCLES) || age_q >= TW'(AGE_CYCLES));
    assign due[q]     = run_i[q] && (ripe || owed_q[q] != 7'd0);
    assign busy_o[q]  = (state_q != StPick) && (queue_q == QW'(q));

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        put_q[q]       <= '0;
        get_q[q]       <= '0;
        lists_q[q]     <= '0;
        groups_q[q]    <= '0;
        slot_q[q]      <= ctx_i[q].start[14:0];
        wrap_q[q]      <= ctx_i[q].start[15] || planted(BUG, 62);
        held_q[q]      <= 1'b0;
        head_q[q]      <= '0;
        head_slot_q[q] <= '0;
        head_wrap_q[q] <= 1'b0;
        pending_q[q]   <= '0;
        packets_q[q]   <= '0;
        flush_q[q]     <= 1'b0;
        owed_q[q]      <= '0;
        idle_q         <= '0;
        age_q          <= '0;
      end else begin
        if (put_here) put_q[q] <= put_q[q] + 7'd1;
        if (pop_here) begin
          get_q[q]     <= get_q[q] + step;
          slot_q[q]    <= (next >= size[q]) ? passed[14:0] : next[14:0];
          wrap_q[q]    <= wrap_q[q] ^ (next >= size[q] && !planted(BUG, 33));
          if (held_q[q] || state_q == StHold) begin
            pending_q[q] <= pending_q[q] + slots + 16'(two);
            packets_q[q] <= packets_q[q] + 10'(!element.more) + 10'(two && !last.more);
          end
          if (state_q == StHold) begin
            held_q[q]      <= 1'b1;
            head_q[q]      <= element;
            head_slot_q[q] <= slot_q[q];
            head_wrap_q[q] <= wrap_q[q];
          end
        end
        if (shows && state_q == StHead && queue_q == QW'(q)) begin
          pending_q[q] <= '0;
          packets_q[q] <= '0;
          held_q[q]    <= 1'b0;
        end
        lists_q[q]  <= lists_q[q] + 7'(put_here && cpl_i.slots > 16'd1) - 7'(pop_here && element.slots > 16'd1);
        groups_q[q] <= groups_q[q] + 7'(put_here && cpl_i.more) - 7'(pop_here && element.more)
                       - 7'(pop_here && two && last.more);
        if (put_here && cpl_i.flush) flush_q[q] <= 1'b1;
        else if (ripe || level[q] == 7'd0) flush_q[q] <= 1'b0;
        // One write takes what is contiguous (a list is the last of its write), so what has waited long enough may
        // need several; only what came since waits anew. A write may take some of that too.
        if (ripe) owed_q[q] <= level[q] - (pop_here ? step : 7'd0);
        else if (pop_here) owed_q[q] <= (owed_q[q] > step) ? owed_q[q] - step : 7'd0;
        if (put_here || ripe || fresh == 7'd0) idle_q <= '0;
        else if (idle_q != '1) idle_q <= idle_q + 1'b1;
        if (ripe || fresh == 7'd0) age_q <= '0;
        else if (age_q != '1) age_q <= age_q + 1'b1;
        assert (owed_q[q] <= level[q]);
        // A buffer has at least one slot and at most the ring; nothing leaves that did not come.
        assert (!put_here || (cpl_i.slots != 16'd0 && cpl_i.slots <= size[q]));
        assert (!pop_here || level[q] >= step);
      end
    end
  end

  rr_arbiter #(.N(NQ)) u_pick (
    .clk_i, .rst_ni, .req_i(due), .advance_i(start), .grant_o(grant_unused), .index_o(pick), .valid_o(any)
  );

  // How many contiguous slots: all there are when every buffer has one slot, else to the first that has more.
  assign to_ring_end = size[queue_q] - {1'b0, slot_q[queue_q]};
  assign most        = (to_ring_end < 16'(BATCH)) ? to_ring_end[6:0] : BATCH;
  assign count       = (level[queue_q] < most) ? level[queue_q] : most;
  assign sent_all    = (sent_q + step == count_q);

  // A run: as long as the buffer was used up completely and another one waits behind it, to the first one of a group.
  assign may_run = (groups_q[queue_q] == '0) || held_q[queue_q];
  assign skip    = (state_q == StRun) && element.whole && may_run && (level[queue_q] > 7'd1)
                   && (run_q != 7'(SLOTS - 1));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q   <= StPick;
      queue_q   <= '0;
      count_q   <= '0;
      sent_q    <= '0;
      upper_q   <= 1'b0;
      advance_q <= '0;
      run_q     <= '0;
      single_q   <= 1'b0;
      run_slot_q <= '0;
      run_wrap_q <= 1'b0;
    end else begin
      unique case (state_q)
        StPick: if (start) begin
          state_q <= keep ? StHold : in_order_i ? StRun : StScan;
          queue_q <= pick;
          single_q <= 1'b0;
          count_q <= '0;
          sent_q  <= '0;
          run_q   <= '0;
        end
        StHold: state_q <= (level[queue_q] == 7'd1) ? StPick : in_order_i ? StRun : StScan;
        StRun: begin
          if (run_q == '0) begin
            advance_q  <= '0;
            run_slot_q <= slot_q[queue_q];
            run_wrap_q <= wrap_q[queue_q];
          end
          if (!may_run && run_q == '0 && !planted(BUG, 37)) begin
            state_q <= StHold;     // a group began since the batch was picked
          end else if (skip) begin
            run_q     <= run_q + 7'd1;
            advance_q <= ((run_q == '0) ? '0 : advance_q) + element.slots;
          end else if (run_q == '0) begin
            state_q <= StScan;
          end else begin
            state_q   <= StWrite;
            count_q   <= 7'd1;
            advance_q <= advance_q + element.slots;
          end
        end
        StScan: begin
          // One cycle without lists, else one for each buffer of the batch.
          if (groups_q[queue_q] != '0 && !held_q[queue_q] && !planted(BUG, 37)) begin
            state_q <= StHold;     // a group began since the batch was picked
            count_q <= '0;
          end else if (lists_q[queue_q] == '0) begin
            state_q   <= StWrite;
            single_q  <= 1'b1;
            count_q   <= count;
            advance_q <= 16'(count);
          end else begin
            count_q   <= count_q + 7'd1;
            advance_q <= 16'(count_q) + (planted(BUG, 36) ? 16'd1 : last.slots);
            if (last.slots > 16'd1 || count_q + 7'd1 >= count) state_q <= StWrite;
          end
        end
        StWrite: if (wr_ready_i) begin
          upper_q <= !WIDE && !upper_q;
          if (WIDE || upper_q) begin
            sent_q <= sent_q + step;
            if (sent_all) begin
              state_q <= (held_q[queue_q] && !(two ? last.more : element.more)) ? StHead : StPick;
            end
          end
        end
        StHead: if (wr_ready_i) begin
          upper_q <= !WIDE && !upper_q;
          if (WIDE || upper_q) state_q <= StPick;
        end
        default: state_q <= StPick;
      endcase
    end
  end

  assign shows = wr_valid_o && wr_ready_i && wr_o.first;

  always_comb begin
    // One op shows its descriptors in the order of their slots; what is written while one is kept back shows nothing.
    slot = (state_q == StHead) ? head_slot_q[queue_q] : (run_q != '0) ? run_slot_q : slot_q[queue_q];
    wrap = (state_q == StHead) ? head_wrap_q[queue_q] : (run_q != '0) ? run_wrap_q : wrap_q[queue_q];
    word = '0;
    word[95:64]   = (state_q == StHead) ? head_q[queue_q].bytes : element.bytes;
    word[111:96]  = (state_q == StHead) ? head_q[queue_q].id : element.id;
    word[112 + FlagAvail] = wrap;
    word[112 + FlagUsed]  = wrap;
    word[112 + FlagWrite] = (word[95:64] != '0);
    // The next slot is in the same lap: no batch passes the ring end.
    second = '0;
    if (two) begin
      second[95:64]  = last.bytes;
      second[111:96] = last.id;
      second[112 + FlagAvail] = wrap;
      second[112 + FlagUsed]  = wrap;
      second[112 + FlagWrite] = (last.bytes != '0);
    end

    wr_valid_o      = (state_q == StWrite) || (state_q == StHead);
    wr_o            = '0;
    wr_o.addr       = ctx_i[queue_q].desc + {45'b0, slot, 4'b0};
    wr_o.meta.qid   = 4'(queue_q);
    wr_o.meta.kind  = (state_q == StWrite && held_q[queue_q]) ? WkElements : WkIndex;
    wr_o.meta.count = (state_q == StHead) ? pending_q[queue_q] : advance_q;
    // Not held: no groups.
    wr_o.meta.packets = (state_q == StHead) ? packets_q[queue_q] : 10'(count_q) + 10'(run_q);
    wr_o.len_bytes  = (state_q == StHead) ? 17'd16 : {6'b0, count_q, 4'b0};
    wr_o.data       = upper_q ? 256'(word[127:64]) : {second, word};
    wr_o.bytes      = two ? 6'd32 : WIDE ? 6'd16 : 6'd8;
    wr_o.first      = !upper_q && (state_q == StHead || sent_q == '0);
    wr_o.last       = (WIDE || upper_q) && (state_q == StHead || sent_all);
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{ctx_i, cpl_i, last, next, passed};

endmodule
