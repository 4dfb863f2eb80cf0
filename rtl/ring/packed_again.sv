// Packed ring: followers that came before their head was seen available are read a second time, those of a list
// together. The first reading only said how far the list goes; what the walker takes is the second one.
module packed_again
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ    = 4,
  /// Descriptor slots a queue, power of two.
  parameter int unsigned DEPTH = 256,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a slot number.
  localparam int unsigned AW = $clog2(DEPTH)
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// There is room for one more.
  output logic                room_o,
  /// A descriptor is to be read again.
  input  logic                note_i,
  /// Its queue.
  input  logic [QW-1:0]       note_queue_i,
  /// Its slot in the ring.
  input  logic [14:0]         note_slot_i,
  /// Its slot in the store.
  input  logic [AW-1:0]       note_place_i,
  /// Read.
  output logic                rd_valid_o,
  /// Taken.
  input  logic                rd_ready_i,
  /// The read.
  output dma_rd_req_t         rd_req_o,
  /// A request of this stage was dropped.
  input  logic                drop_i,
  /// Its queue.
  input  logic [QW-1:0]       drop_queue_i,
  /// The read of this answer ended.
  input  logic                end_i,
  /// Its queue.
  input  logic [QW-1:0]       end_queue_i,
  /// Per queue: a second reading is due.
  output logic [NQ-1:0]       busy_o
);

  localparam int unsigned REQ_W    = 64 + 10 + 28;
  localparam logic [5:0]  RUN_MAX  = 6'd8;     // 128 bytes: within every Max_Read_Request_Size
  localparam logic [1:0]  PATIENCE = 2'd3;     // idle cycles before a run is closed

  // The run that is being gathered.
  logic             run_valid_q, extend, close, push, push_ready;
  logic [QW-1:0]    run_queue_q;
  logic [14:0]      run_slot_q;
  logic [AW-1:0]    run_place_q;
  logic [5:0]       run_count_q;
  logic [1:0]       idle_q;
  logic [2:0]       level;
  logic [63:0]      addr, note_addr;
  logic [NQ-1:0]    outstanding;
  logic [REQ_W-1:0] out;
  read_meta_t       meta;

  assign room_o    = (level <= 3'd2);
  assign addr      = ctx_i[run_queue_q].desc + {45'b0, run_slot_q, 4'b0};
  assign note_addr = ctx_i[note_queue_i].desc + {45'b0, note_slot_i, 4'b0};

  // In one piece: not past the ring end, not into the next page.
  assign extend = note_i && run_valid_q && (note_queue_i == run_queue_q) && (run_count_q != RUN_MAX)
                  && (note_slot_i == run_slot_q + 15'(run_count_q)) && (note_slot_i != '0)
                  && (note_addr[11:4] != '0);
  assign close  = run_valid_q && !extend && (note_i || idle_q == PATIENCE) && push_ready;
  assign push   = close;

  always_comb begin
    meta       = '0;
    meta.kind  = RkDesc;
    meta.qid   = 4'(run_queue_q);
    meta.slot  = {3'b010, 10'(run_place_q)};
    meta.count = run_count_q;
    for (int unsigned q = 0; q < NQ; q++) busy_o[q] = outstanding[q] || (run_valid_q && run_queue_q == QW'(q));
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      run_valid_q <= 1'b0;
      run_queue_q <= '0;
      run_slot_q  <= '0;
      run_place_q <= '0;
      run_count_q <= '0;
      idle_q      <= '0;
    end else begin
      idle_q <= (note_i || idle_q == PATIENCE) ? 2'd0 : idle_q + 2'd1;
      if (extend) begin
        run_count_q <= run_count_q + 6'd1;
      end else if (note_i) begin
        run_valid_q <= 1'b1;
        run_queue_q <= note_queue_i;
        run_slot_q  <= note_slot_i;
        run_place_q <= note_place_i;
        run_count_q <= 6'd1;
      end else if (close) begin
        run_valid_q <= 1'b0;
      end
      // Notes come only where there is room, so a closed run always finds some.
      assert (!(note_i && run_valid_q && !extend) || push_ready);
    end
  end

  sync_fifo #(.W(REQ_W), .DEPTH(4)) u_requests (
    .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(push), .in_ready_o(push_ready),
    .in_data_i({addr, {run_count_q, 4'b0}, meta}), .out_valid_o(rd_valid_o), .out_ready_i(rd_ready_i),
    .out_data_o(out), .count_o(level)
  );

  assign rd_req_o = {out[REQ_W-1:28], 4'b0, out[27:0]};

  queue_counter #(.NQ(NQ)) u_outstanding (
    .clk_i, .rst_ni, .inc_i(push), .inc_queue_i(run_queue_q), .dec_i(end_i), .dec_queue_i(end_queue_i),
    .dec2_i(drop_i), .dec2_queue_i(drop_queue_i), .busy_o(outstanding)
  );

  // Bits that this block has no use for: a request of a queue that stopped is dropped by the mux.
  logic unused;
  assign unused = ^{ctx_i, note_addr};

endmodule
