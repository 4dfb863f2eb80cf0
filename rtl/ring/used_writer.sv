// Used elements, gathered per queue and written in batches: up to 32 elements in one write, split at the ring end,
// followed by the used index. The index never stops inside a group of completions that belong together (`more`), though
// its elements may be written before. A batch is due when the device type asks for it, when it is full, when no further
// completion came for a while, or when its oldest element is old. With IN_ORDER one element stands for a run of buffers
// that were used up completely: the last one's, at the place of the first one's, across the ring end too.
module used_writer
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ          = 4,
  /// Width of the data path in bits: an element takes a beat of 64, two of them one of 128.
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
  /// Per queue: elements are being written.
  output logic [NQ-1:0]       busy_o
);

  localparam int unsigned SLOTS = 64;
  localparam logic [6:0]  BATCH = 7'd32;
  localparam int unsigned TW    = $clog2(AGE_CYCLES + 1);
  localparam bit          WIDE  = (DATA_W >= 128);

  typedef enum logic [1:0] {
    StPick     = 2'd0,
    StElements = 2'd1,
    StIndex    = 2'd2,
    StRun      = 2'd3              // IN_ORDER: buffers that need no element of their own
  } state_e;

  logic [65:0]         element_q [(1 << QW) * SLOTS];   // whole, more, length, id
  logic [NQ-1:0][6:0]  put_q, get_q, level;
  logic [NQ-1:0][15:0] used_q, closed_q, told_q;            // elements written, whole groups, published
  logic [NQ-1:0][9:0]  packets_q;                            // packets closed and not published: 64 at most
  logic [NQ-1:0]       flush_q, due, grant_unused;
  logic [QW-1:0]       cq, pick, queue_q;
  logic                any, put, start, known_queue, held, skip, pop, two;
  state_e              state_q;
  logic [6:0]          count, count_q, sent_q, run_q;
  logic [15:0]         slot, size, to_ring_end, here_q, index;
  logic [65:0]         element;
  logic [64:0]         second;
  logic [6:0]          step;
  logic [63:0]         ring_q;

  // Completions in.
  assign cq          = QW'(cpl_i.queue);
  assign known_queue = cpl_i.queue < 16'(NQ);
  assign cpl_ready_o = !known_queue || !run_i[cq] || (level[cq] != 7'(SLOTS));
  assign put         = cpl_valid_i && known_queue && run_i[cq] && (level[cq] != 7'(SLOTS));

  always_ff @(posedge clk_i) begin
    if (put) element_q[{cq, put_q[cq][5:0]}] <= {cpl_i.whole, cpl_i.more, cpl_i.written_bytes, 16'd0, cpl_i.id};
  end

  // Which queue has a batch due.
  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic [TW-1:0] idle_q, age_q;
    logic          put_here, start_here, pop_here;

    assign put_here   = put && (cq == QW'(q));
    assign start_here = start && (pick == QW'(q));
    assign pop_here   = pop && (queue_q == QW'(q));
    assign level[q]   = put_q[q] - get_q[q];
    assign due[q]     = run_i[q] && (level[q] != 7'd0)
                        && (flush_q[q] || level[q] >= BATCH || idle_q >= TW'(IDLE_CYCLES) || age_q >= TW'(AGE_CYCLES));
    assign busy_o[q]  = (state_q != StPick) && (queue_q == QW'(q));

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        put_q[q]   <= '0;
        get_q[q]   <= '0;
        used_q[q]  <= ctx_i[q].start;
        closed_q[q] <= ctx_i[q].start;
        told_q[q]   <= ctx_i[q].start;
        packets_q[q] <= '0;
        flush_q[q] <= 1'b0;
        idle_q     <= '0;
        age_q      <= '0;
      end else begin
        if (put_here) put_q[q] <= put_q[q] + 7'd1;
        if (pop_here) begin
          get_q[q]     <= get_q[q] + step;
          packets_q[q] <= packets_q[q] + 10'(!element[64]) + 10'(two && !second[64]);
          if (two && !second[64]) closed_q[q] <= here_q + 16'd2;
          else if (!element[64]) closed_q[q] <= here_q + 16'd1;
        end
        if (wr_ready_i && state_q == StIndex && queue_q == QW'(q)) begin
          told_q[q]    <= index;
          packets_q[q] <= '0;
        end
        if (start_here && !in_order_i) used_q[q] <= used_q[q] + 16'(count);
        else if (in_order_i && pop_here) used_q[q] <= used_q[q] + 16'(step);
        // The published index never passes what was written, which never passes a whole lap.
        assert (BUG != 0 || (used_q[q] - told_q[q]) <= ctx_i[q].size || !run_i[q]);
        assert (BUG != 0 || (closed_q[q] - told_q[q]) <= (used_q[q] - told_q[q]));
        if (put_here && cpl_i.flush) flush_q[q] <= 1'b1;
        else if (in_order_i ? pop_here && level[q] == step : start_here && count == level[q]) begin
          flush_q[q] <= 1'b0;
        end
        if (put_here || start_here || level[q] == 7'd0) idle_q <= '0;
        else if (idle_q != '1) idle_q <= idle_q + 1'b1;
        if (start_here || level[q] == 7'd0) age_q <= '0;
        else if (age_q != '1) age_q <= age_q + 1'b1;
      end
    end
  end

  rr_arbiter #(.N(NQ)) u_pick (
    .clk_i, .rst_ni, .req_i(due), .advance_i(start), .grant_o(grant_unused), .index_o(pick), .valid_o(any)
  );

  // One batch: to the end of the ring at most.
  assign start       = any && (state_q == StPick);
  assign size        = ctx_i[pick].size;
  assign slot        = planted(BUG, 4) ? used_q[pick] : used_q[pick] & (size - 16'd1);
  assign to_ring_end = size - (used_q[pick] & (size - 16'd1));

  always_comb begin
    count = (level[pick] < BATCH) ? level[pick] : BATCH;
    if (to_ring_end < 16'(count) && !planted(BUG, 4)) count = to_ring_end[6:0];
  end

  // A run: as long as the buffer was used up completely and another one waits behind it.
  assign skip = (state_q == StRun) && element[65] && (level[queue_q] > 7'd1) && (run_q != 7'(SLOTS - 1));
  assign pop  = skip || (state_q == StElements && wr_ready_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= StPick;
      queue_q <= '0;
      run_q   <= '0;
      count_q <= '0;
      sent_q  <= '0;
      here_q  <= '0;
      ring_q  <= '0;
    end else begin
      unique case (state_q)
        StPick: if (start) begin
          state_q <= planted(BUG, 1) ? StIndex : in_order_i ? StRun : StElements;
          queue_q <= pick;
          run_q   <= '0;
          count_q <= count;
          sent_q  <= '0;
          here_q  <= used_q[pick];
          ring_q  <= ctx_i[pick].device + 64'd4 + {45'b0, slot, 3'b000};
        end
        StRun: if (skip) begin
          run_q  <= run_q + 7'd1;
          here_q <= here_q + 16'd1;
        end else begin
          state_q <= StElements;
          if (run_q != 7'd0) count_q <= 7'd1;
          if (planted(BUG, 55)) begin
            ring_q <= ctx_i[queue_q].device + 64'd4
                      + {45'b0, here_q & (ctx_i[queue_q].size - 16'd1), 3'b000};
          end
        end
        StElements: if (wr_ready_i) begin
          sent_q <= sent_q + step;
          here_q <= here_q + 16'(step);
          if (sent_q + step == count_q) state_q <= planted(BUG, 1) ? StPick : StIndex;
        end
        StIndex: if (held) sent_q <= sent_q + 7'd1;
        else if (wr_ready_i || !wr_valid_o) state_q <= planted(BUG, 1) ? StElements : StPick;
        default: state_q <= StPick;
      endcase
    end
  end

  // Two elements a beat: a batch takes half as many clocks as it has elements, which leaves time for its index.
  assign element = element_q[{queue_q, get_q[queue_q][5:0]}];
  assign second  = 65'(element_q[{queue_q, 6'(get_q[queue_q][5:0] + 6'd1)}]);
  assign two     = WIDE && (state_q == StElements) && (sent_q + 7'd2 <= count_q);
  assign step    = two ? 7'd2 : 7'd1;
  assign held    = planted(BUG, 12) && (sent_q < 7'd96);      // lets the event word be read before the index
  assign index   = planted(BUG, 1) ? used_q[queue_q] : closed_q[queue_q];

  // Elements first, then the index that publishes them: both go the same way in this order.
  always_comb begin
    wr_valid_o      = (state_q == StElements) || (state_q == StIndex && index != told_q[queue_q] && !held);
    wr_o            = '0;
    wr_o.meta.qid   = 4'(queue_q);
    wr_o.meta.count = index - told_q[queue_q];
    wr_o.meta.packets = packets_q[queue_q];
    if (state_q == StElements) begin
      wr_o.meta.kind = WkElements;
      if (planted(BUG, 12)) wr_o.meta.count = 16'(count_q);
      wr_o.addr      = ring_q;
      wr_o.len_bytes = {7'b0, count_q, 3'b000};
      wr_o.data      = 256'({two ? second[63:0] : 64'd0, element[63:0]});
      wr_o.bytes     = two ? 6'd16 : 6'd8;
      wr_o.first     = (sent_q == 7'd0);
      wr_o.last      = (sent_q + step == count_q);
    end else begin
      wr_o.meta.kind = WkIndex;
      wr_o.addr      = ctx_i[queue_q].device + 64'd2;
      wr_o.len_bytes = 17'd2;
      wr_o.data      = 256'(index);
      wr_o.bytes     = 6'd2;
      wr_o.first     = 1'b1;
      wr_o.last      = 1'b1;
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{cpl_i};

endmodule
