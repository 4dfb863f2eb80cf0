// Per queue: how far the driver has published, and whether it has to kick. One index read for a batch; only when a
// queue has run dry, and a look again found nothing, are kicks asked for, followed by one more look (the driver may
// have published between the two). A queue that waits for a kick reads nothing.
module avail_index
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
  /// Per queue: work may exist.
  input  logic [NQ-1:0]       work_i,
  /// Per queue: the index read that answers the work bit was issued.
  output logic [NQ-1:0]       work_taken_o,
  /// A kick brought a position.
  input  logic                advance_i,
  /// Its queue.
  input  logic [QW-1:0]       advance_queue_i,
  /// New known index.
  input  logic [15:0]         advance_index_i,
  /// Per queue: next available entry to be read.
  input  logic [NQ-1:0][15:0] fetch_i,
  /// Per queue: published used index.
  input  logic [NQ-1:0][15:0] used_i,
  /// Per queue: known available index.
  output logic [NQ-1:0][15:0] known_o,
  /// Read of an index.
  output logic                rd_valid_o,
  /// Taken.
  input  logic                rd_ready_i,
  /// The read.
  output dma_rd_req_t         rd_req_o,
  /// An index read was answered.
  input  logic                ans_valid_i,
  /// Its queue.
  input  logic [QW-1:0]       ans_queue_i,
  /// The index in memory.
  input  logic [15:0]         ans_value_i,
  /// How the read ended.
  input  rd_status_e          ans_status_i,
  /// Write of avail_event or used flags.
  output logic                wr_valid_o,
  /// Taken.
  input  logic                wr_ready_i,
  /// The write.
  output ring_write_t         wr_o,
  /// Such a write has its place in the request order.
  input  logic                done_i,
  /// Its queue.
  input  logic [QW-1:0]       done_queue_i,
  /// The index jumped, or could not be read.
  output fault_t              fault_o,
  /// Per queue: a read or write is outstanding.
  output logic [NQ-1:0]       busy_o
);

  typedef enum logic [2:0] {
    StIdle  = 3'd0,                // dry, the driver will kick
    StRead  = 3'd1,                // wants to read the index
    StWait  = 3'd2,                // index read outstanding
    StBusy  = 3'd3,                // known entries are being read
    StQuiet = 3'd4,                // wants to tell the driver not to kick (used flags 1)
    StArm   = 3'd5,                // wants to ask for kicks (avail_event, or used flags 0)
    StArmed = 3'd6                 // waits until that write has its place
  } state_e;

  state_e              state_q [NQ];
  logic [NQ-1:0][15:0] known_q, armed_q;
  logic [NQ-1:0]       suppressed_q, again_q, quieting_q;
  logic [NQ-1:0]       want_rd, want_wr, rd_grant, wr_grant, news;
  logic [QW-1:0]       rd_q, wr_q;
  logic                stale, jump;
  logic [15:0]         size, ahead, total, held;
  read_meta_t          rd_meta;
  logic [63:0]         rd_addr;

  assign known_o = known_q;

  rr_arbiter #(.N(NQ)) u_read (
    .clk_i, .rst_ni, .req_i(want_rd), .advance_i(rd_ready_i), .grant_o(rd_grant), .index_o(rd_q),
    .valid_o(rd_valid_o)
  );

  rr_arbiter #(.N(NQ)) u_write (
    .clk_i, .rst_ni, .req_i(want_wr), .advance_i(wr_ready_i), .grant_o(wr_grant), .index_o(wr_q),
    .valid_o(wr_valid_o)
  );

  assign rd_addr      = ctx_i[rd_q].driver + 64'd2;
  assign work_taken_o = rd_grant & {NQ{rd_ready_i}};

  always_comb begin
    rd_meta            = '0;
    rd_meta.kind       = RkIndex;
    rd_meta.qid      = 4'(rd_q);
    rd_meta.count      = 6'd1;
    rd_meta.offset     = rd_addr[1:0];
    rd_req_o           = '0;
    rd_req_o.addr      = rd_addr;
    rd_req_o.len_bytes = 10'd2;
    rd_req_o.meta      = 32'(rd_meta);
  end

  // With EVENT_IDX: "kick when you publish entry `known`". Without: used flags, 1 while busy, 0 to ask for kicks.
  always_comb begin
    wr_o            = '0;
    wr_o.addr       = ctx_i[wr_q].device;
    wr_o.data[0]    = (state_q[wr_q] == StQuiet);
    if (features_i.event_idx) begin
      wr_o.addr       = ctx_i[wr_q].device + 64'd4 + {45'b0, ctx_i[wr_q].size, 3'b000};
      wr_o.data[15:0] = known_q[wr_q];
    end
    wr_o.len_bytes  = 17'd2;
    wr_o.bytes      = 6'd2;
    wr_o.meta.kind  = WkArm;
    wr_o.meta.qid   = 4'(wr_q);
    wr_o.first      = 1'b1;
    wr_o.last       = 1'b1;
  end

  // What an answer says. Behind the known index: an older view than a kick brought. Never moves backwards.
  assign size  = ctx_i[ans_queue_i].size;
  assign ahead = ans_value_i - known_q[ans_queue_i];
  assign total = ans_value_i - used_i[ans_queue_i];
  // With 32768 entries a full ring ahead is as far as one behind: what is plausible ahead is not old.
  assign stale = features_i.notification_data && (16'd0 - ahead) <= size
                 && !(ahead <= size && total <= size && total >= held);
  assign held  = known_q[ans_queue_i] - used_i[ans_queue_i];
  assign jump  = (total > size || total < held) && !planted(BUG, 8);

  always_comb begin
    fault_o       = '0;
    fault_o.qid = 4'(ans_queue_i);
    fault_o.valid = ans_valid_i && (ans_status_i != RdOk || (ahead != 16'd0 && !stale && jump));
    fault_o.code  = (ans_status_i != RdOk) ? QeDmaError : QeIndexJump;
  end

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic        dry, answer, need_arm;
    logic [15:0] left;

    assign left       = known_q[q] - fetch_i[q];
    assign dry        = (left == 16'd0) || (planted(BUG, 10) && left[15]);
    assign answer     = ans_valid_i && (ans_queue_i == QW'(q));
    assign news[q]    = answer && (ahead != 16'd0) && !stale && !fault_o.valid;
    assign need_arm   = suppressed_q[q] || (features_i.event_idx && armed_q[q] != known_q[q] && !planted(BUG, 14));
    assign want_rd[q] = run_i[q] && (state_q[q] == StRead);
    // One such write at a time: the place that StArmed waits for must be that of its own write.
    assign want_wr[q] = run_i[q] && (state_q[q] == StArm || state_q[q] == StQuiet) && !quieting_q[q];
    assign busy_o[q]  = (state_q[q] == StWait) || (state_q[q] == StArmed);

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        state_q[q]      <= StIdle;
        known_q[q]      <= ctx_i[q].start;
        armed_q[q]      <= ctx_i[q].start;   // the driver zeroes a new ring: the first kick is asked for
        suppressed_q[q] <= ctx_i[q].restored && !planted(BUG, 65);
        again_q[q]      <= 1'b0;
        quieting_q[q]   <= 1'b0;
      end else begin
        if (done_i && done_queue_i == QW'(q)) quieting_q[q] <= 1'b0;
        if (news[q]) known_q[q] <= ans_value_i;
        // Never more than a ring full of buffers belongs to the device.
        assert (!run_i[q] || BUG != 0 || (known_q[q] - used_i[q]) <= ctx_i[q].size);
        if (advance_i && advance_queue_i == QW'(q)) known_q[q] <= advance_index_i;

        unique case (state_q[q])
          StIdle: begin
            again_q[q] <= 1'b0;
            if (run_i[q] && work_i[q]) state_q[q] <= StRead;
            else if (run_i[q] && !dry) state_q[q] <= StBusy;
          end
          StRead: if (work_taken_o[q]) state_q[q] <= StWait;
          StWait: if (answer) begin
            if (!news[q] && dry) state_q[q] <= need_arm ? StArm : StIdle;
            else if (again_q[q] && !features_i.event_idx && !suppressed_q[q]) state_q[q] <= StQuiet;
            else state_q[q] <= StBusy;
          end
          StBusy: if (dry) begin
            again_q[q] <= 1'b1;
            state_q[q] <= StRead;
          end
          StQuiet: if (wr_grant[q] && wr_ready_i) begin
            suppressed_q[q] <= 1'b1;
            quieting_q[q]   <= 1'b1;
            state_q[q]      <= StBusy;
          end
          StArm: if (wr_grant[q] && wr_ready_i) begin
            armed_q[q] <= known_q[q];
            state_q[q] <= StArmed;
          end
          StArmed: if (done_i && done_queue_i == QW'(q)) begin
            suppressed_q[q] <= 1'b0;
            state_q[q]      <= planted(BUG, 11) ? StIdle : StRead;
          end
          default: state_q[q] <= StIdle;
        endcase
      end
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{features_i};

endmodule
