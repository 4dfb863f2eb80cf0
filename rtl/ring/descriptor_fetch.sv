// Takes heads in order, checks their range and reads the first descriptors of their chains: runs of ascending heads
// become one read of up to 32 descriptors. Many reads are outstanding; their answers come in any order into the slots
// of their positions.
module descriptor_fetch
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
  /// Max_Read_Request_Size code.
  input  logic [2:0]            mrrs_i,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]         run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]         clear_i,
  /// Per queue: known available index.
  input  logic [NQ-1:0][15:0]   known_i,
  /// Per queue: next head to take.
  output logic [NQ-1:0][AW-1:0] next_o,
  /// Per queue: it is there.
  input  logic [NQ-1:0]         ready_i,
  /// A head is taken now.
  output logic                  take_o,
  /// From this queue.
  output logic [QW-1:0]         take_queue_o,
  /// The head, one cycle later.
  input  logic [15:0]           head_i,
  /// Read of descriptors.
  output logic                  rd_valid_o,
  /// Taken.
  input  logic                  rd_ready_i,
  /// The read.
  output dma_rd_req_t           rd_req_o,
  /// A request of this stage was dropped.
  input  logic                  drop_i,
  /// Its queue.
  input  logic [QW-1:0]         drop_queue_i,
  /// A head was out of range.
  output fault_t                fault_o,
  /// The read of this answer ended.
  input  logic                  end_i,
  /// Its queue.
  input  logic [QW-1:0]         end_queue_i,
  /// Per queue: a read is wanted or outstanding.
  output logic [NQ-1:0]         busy_o
);

  localparam int unsigned REQ_W = 64 + 10 + 28;
  localparam logic [1:0] PATIENCE = 2'd3;      // idle cycles before a run is closed

  // Take: one head a cycle, staying with a queue for up to 32 heads so that runs stay whole.
  logic [NQ-1:0][15:0] next_q;
  logic [NQ-1:0]       want, grant_unused;
  logic [QW-1:0]       pick, last_q, rr_pick;
  logic [4:0]          burst_q;
  logic                any, stay, room;
  logic [2:0]          level;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    assign next_o[q] = next_q[q][AW-1:0];
    assign want[q]   = run_i[q] && ready_i[q] && (next_q[q] != known_i[q]);

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) next_q[q] <= ctx_i[q].start;
      else if (take_o && take_queue_o == QW'(q)) next_q[q] <= next_q[q] + 16'd1;
    end
  end

  assign room         = (level <= 3'd2);
  assign stay         = want[last_q] && (burst_q != 5'd31);
  assign pick         = stay ? last_q : rr_pick;
  assign take_o       = any && room;
  assign take_queue_o = pick;

  rr_arbiter #(.N(NQ)) u_pick (
    .clk_i, .rst_ni, .req_i(want), .advance_i(take_o && !stay), .grant_o(grant_unused), .index_o(rr_pick),
    .valid_o(any)
  );

  // A head arrives.
  logic          got_q, got_ok;
  logic [QW-1:0] got_queue_q;
  logic [AW-1:0] got_slot_q;
  logic          in_range;

  assign in_range      = (head_i < ctx_i[got_queue_q].size) || planted(BUG, 6);
  assign got_ok        = got_q && run_i[got_queue_q] && in_range;
  assign fault_o.valid = got_q && run_i[got_queue_q] && !in_range;
  assign fault_o.qid = 4'(got_queue_q);
  assign fault_o.code  = QeHeadRange;

  // The run that is being gathered.
  logic          run_valid_q, extend, close, push, push_ready;
  logic [QW-1:0] run_queue_q;
  logic [AW-1:0] run_slot_q;
  logic [15:0]   run_head_q;
  logic [5:0]    run_count_q, run_limit_q;
  logic [1:0]    idle_q;
  logic [63:0]   got_addr, run_addr;
  logic [15:0]   to_table_end;
  logic [5:0]    limit;
  logic [8:0]    to_page_end;
  read_meta_t    meta;

  assign got_addr     = ctx_i[got_queue_q].desc + {44'b0, head_i, 4'b0};
  assign to_page_end  = 9'd256 - {1'b0, got_addr[11:4]};
  assign to_table_end = ctx_i[got_queue_q].size - head_i;

  always_comb begin
    limit = (mrrs_i == 3'd0) ? 6'd8 : (mrrs_i == 3'd1) ? 6'd16 : 6'd32;
    if (to_page_end < 9'(limit)) limit = to_page_end[5:0];
    if (in_range && to_table_end < 16'(limit)) limit = to_table_end[5:0];
  end

  assign extend = got_ok && run_valid_q && (got_queue_q == run_queue_q) && (run_count_q != run_limit_q)
                  && (head_i == run_head_q + 16'(run_count_q));
  assign close  = run_valid_q && !extend
                  && (got_ok || !run_i[run_queue_q]
                      || (push_ready && (run_count_q == run_limit_q || idle_q == PATIENCE)));

  assign run_addr = ctx_i[run_queue_q].desc + {44'b0, run_head_q, 4'b0};

  always_comb begin
    meta       = '0;
    meta.kind  = RkDesc;
    meta.qid = 4'(run_queue_q);
    meta.slot  = 13'(run_slot_q);
    meta.count = run_count_q;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      got_q       <= 1'b0;
      got_queue_q <= '0;
      got_slot_q  <= '0;
      last_q      <= '0;
      burst_q     <= '0;
      run_valid_q <= 1'b0;
      run_queue_q <= '0;
      run_slot_q  <= '0;
      run_head_q  <= '0;
      run_count_q <= '0;
      run_limit_q <= '0;
      idle_q      <= '0;
    end else begin
      got_q       <= take_o;
      got_queue_q <= take_queue_o;
      got_slot_q  <= next_o[take_queue_o];
      if (take_o) begin
        last_q  <= pick;
        burst_q <= stay ? burst_q + 5'd1 : 5'd0;
      end
      idle_q <= (got_ok || idle_q == PATIENCE) ? 2'd0 : idle_q + 2'd1;
      if (extend) begin
        run_count_q <= run_count_q + 6'd1;
      end else if (got_ok) begin
        run_valid_q <= 1'b1;
        run_queue_q <= got_queue_q;
        run_slot_q  <= got_slot_q;
        run_head_q  <= head_i;
        run_count_q <= 6'd1;
        run_limit_q <= limit;
      end else if (close) begin
        run_valid_q <= 1'b0;
      end
    end
  end

  // Closed runs wait for the read port.
  logic [REQ_W-1:0] out;

  assign push = close && run_i[run_queue_q];

  sync_fifo #(.W(REQ_W), .DEPTH(4)) u_requests (
    .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(push), .in_ready_o(push_ready),
    .in_data_i({run_addr, {run_count_q, 4'b0}, meta}), .out_valid_o(rd_valid_o), .out_ready_i(rd_ready_i),
    .out_data_o(out), .count_o(level)
  );

  assign rd_req_o = {out[REQ_W-1:28], 4'b0, out[27:0]};

  queue_counter #(.NQ(NQ)) u_outstanding (
    .clk_i, .rst_ni, .inc_i(push), .inc_queue_i(run_queue_q), .dec_i(end_i), .dec_queue_i(end_queue_i),
    .dec2_i(drop_i), .dec2_queue_i(drop_queue_i), .busy_o
  );

  always_ff @(posedge clk_i) begin
    // Takes are gated by the level, so a closed run always finds room.
    if (rst_ni) assert (!push || push_ready);
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{got_addr};

endmodule
