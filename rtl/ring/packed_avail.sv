// Packed ring, per queue: how far to read, and whether the driver has to kick. A kick without a position has as many
// descriptors read as the last burst had; while they all turn out available the goal moves on in growing steps. When
// the ring has run dry, or a burst ended exactly as foreseen, kicks are asked for if they are not already, followed by
// one more look at the next descriptor. A queue that waits for a kick reads nothing.
module packed_avail
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ    = 4,
  /// Descriptor slots a queue, power of two.
  parameter int unsigned DEPTH = 256,
  /// Planted bug, 0: none.
  parameter int unsigned BUG   = 0,
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
  /// Per queue: work may exist.
  input  logic [NQ-1:0]       work_i,
  /// Per queue: what is read from now on answers the work bit.
  output logic [NQ-1:0]       work_taken_o,
  /// A kick brought a position.
  input  logic                advance_i,
  /// Its queue.
  input  logic [QW-1:0]       advance_queue_i,
  /// Descriptors before this position are said to be available.
  input  logic [15:0]         advance_index_i,
  /// It moved the goal; else it is a hint like any other.
  output logic                advance_taken_o,
  /// Per queue: positions before this were found available.
  input  logic [NQ-1:0][15:0] passed_i,
  /// Per queue: wrap counter and slot of that position.
  input  logic [NQ-1:0][15:0] here_i,
  /// Per queue: positions before this were given back.
  input  logic [NQ-1:0][15:0] used_i,
  /// Per queue: the slot there is not available.
  input  logic [NQ-1:0]       dry_i,
  /// Per queue: read up to this position.
  output logic [NQ-1:0][15:0] goal_o,
  /// Write of the device event suppression structure.
  output logic                wr_valid_o,
  /// Taken.
  input  logic                wr_ready_i,
  /// The write.
  output ring_write_t         wr_o,
  /// Such a write has its place in the request order.
  input  logic                done_i,
  /// Its queue.
  input  logic [QW-1:0]       done_queue_i,
  /// Per queue: a write is outstanding.
  output logic [NQ-1:0]       busy_o
);

  typedef enum logic [2:0] {
    StIdle  = 3'd0,                // dry, the driver will kick
    StRead  = 3'd1,                // descriptors up to the goal are being read
    StDry   = 3'd2,                // nothing more to be had for now: what next?
    StArm   = 3'd3,                // wants to ask for kicks
    StArmed = 3'd4                 // waits until that write has its place
  } state_e;

  localparam logic [15:0] STEP_MAX = 16'(DEPTH);
  localparam logic [15:0] LARGE    = 16'd64;   // bursts from here on are read in steps that overlap
  localparam logic [1:0]  ModeOff  = 2'd1;
  localparam logic [1:0]  ModeDesc = 2'd2;

  state_e              state_q [NQ];
  logic [NQ-1:0][15:0] goal_q, step_q, last_q, burst_q, start_q, armed_q;   // next step, and the one under way
  logic [NQ-1:0]       exact_q, told_q, hush_q, hushing_q, suppressed_q, half_q;
  logic [NQ-1:0]       want_wr, wr_grant, taken, told;
  logic [QW-1:0]       wr_q;
  logic [1:0]          mode;

  assign goal_o          = goal_q;
  assign work_taken_o    = taken;
  assign advance_taken_o = (told != '0);

  rr_arbiter #(.N(NQ)) u_write (
    .clk_i, .rst_ni, .req_i(want_wr), .advance_i(wr_ready_i), .grant_o(wr_grant), .index_o(wr_q),
    .valid_o(wr_valid_o)
  );

  // Always the whole structure in one write: position and mode never disagree.
  assign mode = hush_q[wr_q] ? ModeOff : features_i.event_idx ? ModeDesc : 2'd0;

  always_comb begin
    wr_o           = '0;
    wr_o.addr      = ctx_i[wr_q].device;
    wr_o.data      = {224'b0, 14'b0, mode, features_i.event_idx ? here_i[wr_q] : 16'd0};
    wr_o.len_bytes = 17'd4;
    wr_o.bytes     = 6'd4;
    wr_o.meta.kind = WkArm;
    wr_o.meta.qid  = 4'(wr_q);
    wr_o.first     = 1'b1;
    wr_o.last      = 1'b1;
    if (planted(BUG, 40)) begin                       // two writes, the flags first
      wr_o.len_bytes  = 17'd2;
      wr_o.bytes      = 6'd2;
      if (!half_q[wr_q]) begin
        wr_o.addr       = ctx_i[wr_q].device + 64'd2;
        wr_o.data[15:0] = {14'b0, mode};
        wr_o.meta.kind  = WkElements;
      end
    end
  end

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic        reached, full, need_arm, granted, done, over, ended, look;
    logic [15:0] left, ahead, burst;

    assign left       = goal_q[q] - passed_i[q];
    assign reached    = (left == 16'd0);
    assign full       = (16'(passed_i[q] - used_i[q]) == ctx_i[q].size);   // the driver has nothing to publish in
    assign burst      = passed_i[q] - start_q[q];
    assign need_arm   = suppressed_q[q] || (features_i.event_idx ? armed_q[q] != here_i[q] : hushing_q[q]);
    assign want_wr[q] = run_i[q] && ((state_q[q] == StArm && !hushing_q[q]) || hush_q[q]);
    assign granted    = wr_grant[q] && wr_ready_i && (!planted(BUG, 40) || half_q[q] || hush_q[q]);
    assign done       = done_i && (done_queue_i == QW'(q));
    assign busy_o[q]  = (state_q[q] == StArmed) || hushing_q[q];
    assign ahead      = advance_index_i - passed_i[q];
    assign told[q]    = advance_i && (advance_queue_i == QW'(q)) && (ahead > left);
    // A burst of the foreseen length ends here if the ring is full, or the next look is due after a write anyway.
    assign over       = reached && (full || told_q[q] || (exact_q[q] && need_arm));
    // What was read before a position came says nothing about it: a slot that it covers is read again.
    assign ended      = (state_q[q] == StRead) && ((dry_i[q] && !told_q[q]) || over);
    assign taken[q]   = run_i[q] && work_i[q] && (state_q[q] == StIdle || (state_q[q] == StDry && reached));
    assign look       = work_i[q] && !full;

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        state_q[q]      <= StIdle;
        goal_q[q]       <= ctx_i[q].start;
        step_q[q]       <= 16'd1;
        last_q[q]       <= '0;
        burst_q[q]      <= 16'd1;
        start_q[q]      <= ctx_i[q].start;
        armed_q[q]      <= 16'h8000; // the driver zeroes the structure: every kick is asked for
        exact_q[q]      <= 1'b0;
        told_q[q]       <= 1'b0;
        hush_q[q]       <= 1'b0;
        hushing_q[q]    <= 1'b0;
        suppressed_q[q] <= ctx_i[q].restored && !planted(BUG, 65);
        half_q[q]       <= 1'b0;
      end else begin
        if (planted(BUG, 40) && wr_grant[q] && wr_ready_i) half_q[q] <= !half_q[q];
        if (done) hushing_q[q] <= 1'b0;
        if (hush_q[q] && granted) begin
          hush_q[q]       <= 1'b0;
          hushing_q[q]    <= 1'b1;
          suppressed_q[q] <= 1'b1;
        end

        unique case (state_q[q])
          StIdle: if (run_i[q] && (look || !reached)) begin
            state_q[q] <= StRead;
            exact_q[q] <= (burst_q[q] < LARGE);
            step_q[q]  <= (burst_q[q] < LARGE) ? 16'd1 : LARGE;
            last_q[q]  <= burst_q[q];
            if (reached) goal_q[q] <= passed_i[q] + burst_q[q];
          end
          StRead: begin
            // Kicks that come while the queue is busy are of no use: without positions they can be switched off.
            // One such write at a time: the place that StArmed waits for must be that of its own write.
            if (work_i[q] && !features_i.event_idx && !suppressed_q[q] && !hush_q[q] && !hushing_q[q]) begin
              hush_q[q] <= 1'b1;
            end
            if (dry_i[q] && told_q[q]) begin
              told_q[q] <= 1'b0;
            end else if (ended) begin
              state_q[q] <= StDry;
              hush_q[q]  <= 1'b0;
              told_q[q]  <= 1'b0;
              start_q[q] <= passed_i[q];
              if (burst != 16'd0) burst_q[q] <= (burst < STEP_MAX) ? burst : STEP_MAX;
              if (dry_i[q]) goal_q[q] <= passed_i[q];
            end else if (reached || (step_q[q] >= LARGE && !told_q[q] && left <= {1'b0, last_q[q][15:1]})) begin
              // Half of the step under way has turned out available: the next one overlaps with its rest.
              goal_q[q]  <= goal_q[q] + step_q[q];
              last_q[q]  <= step_q[q];
              exact_q[q] <= 1'b0;
              step_q[q]  <= (step_q[q] < STEP_MAX / 4) ? {step_q[q][13:0], 2'b00} : STEP_MAX;
            end
          end
          StDry: if (reached && !look) begin
            state_q[q] <= need_arm ? StArm : StIdle;
          end else begin
            state_q[q] <= StRead;
            exact_q[q] <= 1'b0;
            step_q[q]  <= 16'd4;
            if (reached) goal_q[q] <= passed_i[q] + 16'd1;
          end
          StArm: if (granted && !hush_q[q]) begin
            armed_q[q] <= here_i[q];
            state_q[q] <= StArmed;
          end
          StArmed: if (done) begin
            suppressed_q[q] <= 1'b0;
            exact_q[q]      <= 1'b0;
            step_q[q]       <= 16'd4;
            if ((full && reached) || planted(BUG, 11)) begin
              state_q[q] <= StIdle;
            end else begin
              state_q[q] <= StRead;
              if (reached) goal_q[q] <= passed_i[q] + 16'd1;
            end
          end
          default: state_q[q] <= StIdle;
        endcase
        if (told[q]) begin
          goal_q[q] <= advance_index_i;
          told_q[q] <= 1'b1;
        end
      end
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{ctx_i, features_i};

endmodule
