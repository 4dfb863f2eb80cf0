// Control queue of virtio-net: one command at a time. Reads the readable bytes of a chain (any split), lets ctrl_parse
// and ctrl_coalesce judge them, writes the acknowledge (and the result of a query) into the writable bytes and completes
// the chain with as many bytes written.
module net_ctrl
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W      = 512,
    /// Most queue pairs.
    parameter int unsigned QUEUE_PAIRS = 4,
    /// Address at reset, first byte on the wire in 47:40.
    parameter logic [47:0] MAC         = 48'h0,
    /// Planted bug, 0: none.
    parameter int unsigned BUG         = 0,
    localparam int unsigned CW = $clog2(DATA_W / 8) + 1
) (
    /// Clock.
    input  logic                          clk_i,
    /// Synchronous reset, active low.
    input  logic                          rst_ni,
    /// Device runs (DRIVER_OK).
    input  logic                          active_i,
    /// Negotiated features.
    input  features_t                     features_i,
    /// The read pool takes and answers nothing (device reset): what is asked for counts as failed.
    input  logic                          flush_i,
    /// Queue is enabled and not frozen.
    input  logic                          run_i,
    /// Nothing of the queue is inside this block.
    output logic                          idle_o,
    /// Receive queues that are enabled, frozen or not.
    input  logic [QUEUE_PAIRS-1:0]        rx_enable_i,
    /// Transmit queues.
    input  logic [QUEUE_PAIRS-1:0]        tx_enable_i,

    /// Published chains.
    input  logic [15:0]                   chain_count_i,
    /// Removes the oldest chain record.
    output logic                          chain_pop_o,
    /// The oldest record, one cycle later.
    input  chain_t                        peek_chain_i,
    /// Takes the oldest segment.
    output logic                          seg_pop_o,
    /// The segment, one cycle later.
    input  segment_t                      seg_i,
    /// Used buffer.
    output logic                          cpl_valid_o,
    /// Taken.
    input  logic                          cpl_ready_i,
    /// The used buffer.
    output completion_t                   cpl_o,
    /// Freezes the queue: there is no room for the acknowledge.
    output logic                          device_error_valid_o,

    /// Payload read.
    output logic                          req_valid_o,
    /// Taken.
    input  logic                          req_ready_i,
    /// The read.
    output dma_rd_req_t                   req_o,
    /// Answer beat, in request order.
    input  logic                          rsp_valid_i,
    /// Taken.
    output logic                          rsp_ready_o,
    /// Head of the beat.
    input  dma_rd_rsp_t                   rsp_i,
    /// Data of the beat.
    input  logic [DATA_W-1:0]             rsp_data_i,
    /// Write of the answer.
    output logic                          op_valid_o,
    /// Taken.
    input  logic                          op_ready_i,
    /// The write.
    output dma_wr_op_t                    op_o,
    /// Its bytes.
    output logic                          data_valid_o,
    /// Taken.
    input  logic                          data_ready_i,
    /// From lane 0.
    output logic [DATA_W-1:0]             data_o,
    /// How many.
    output logic [CW-1:0]                 data_bytes_o,
    /// The write has its place in the request order.
    input  logic                          op_done_i,

    /// Receive modes, own address, active pairs.
    output rx_mode_t                      mode_o,
    /// Address table.
    output logic [2*MacEntries-1:0][47:0] table_o,
    /// Which entries count.
    output logic [2*MacEntries-1:0]       table_valid_o,
    /// Change of the VLAN table.
    output vlan_update_t                  vlan_update_o,
    /// Limits of interrupt moderation of the receive queues.
    output coalesce_t [QUEUE_PAIRS-1:0]   rx_coalesce_o,
    /// Those of the transmit queues.
    output coalesce_t [QUEUE_PAIRS-1:0]   tx_coalesce_o
);

  // The longest command that is read; a longer one is refused unread.
  localparam int unsigned MaxCommandBytes = 4096;
  localparam logic [7:0]  AckOk = 8'd0, AckErr = 8'd1;
  localparam logic [3:0]  AckBytes = 4'd1, ResultBytes = 4'd9;    // alone, with the result of a query

  typedef enum logic [2:0] {
    Idle   = 3'd0,
    Read   = 3'd1,     // segments are asked for, bytes parsed as they come
    Judge  = 3'd2,
    Answer = 3'd3,     // it is written, up to its place in the request order
    Used   = 3'd4
  } state_e;

  state_e            state_q, state_d;
  logic              rec_valid, rec_take, seg_rec_ready, queue_unused;
  chain_t            rec;
  /* verilator lint_off UNUSED */
  seg_item_t         item;  // first: one chain at a time
  /* verilator lint_on UNUSED */
  logic              item_valid, item_take, item_queue_unused, item_tag_unused;
  logic              req_valid, drained;
  logic              bytes_valid, bytes_ready, bytes_error, gear_valid, op_valid, op_ready, start, refused;
  logic [DATA_W-1:0] bytes_data;
  logic [CW-1:0]     bytes_count;
  logic              read, fill, ok, oversize_q, failed_q, lost_q, items_done_q, ack_q;
  logic              parse_ok, coalesce_ok, query, commit, answer_go, answer_done;
  logic [3:0]        room, answer_bytes_q;
  logic [63:0]       result, result_q;
  logic [16:0]       left_q, parse_left_q, piece;
  logic [15:0]       id_q, slots_q;
  logic [2:0]        inside_q;
  logic [7:0]        next_byte;

  chain_fetch #(
      .NQ(1)
  ) u_chains (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .run_i        (run_i),
      .chain_count_i(chain_count_i),
      /* verilator lint_off PINCONNECTEMPTY */
      .peek_queue_o (),
      /* verilator lint_on PINCONNECTEMPTY */
      .pop_o        (chain_pop_o),
      .peek_chain_i (peek_chain_i),
      .rec_valid_o  (rec_valid),
      .rec_ready_i  (rec_take),
      .rec_queue_o  (queue_unused),
      .rec_o        (rec)
  );

  assign refused              = !run_i || (rec.writable_bytes == '0);
  assign start                = (state_q == Idle) && rec_valid && !refused && seg_rec_ready;
  assign rec_take             = (state_q == Idle) && rec_valid && (refused || seg_rec_ready);
  assign device_error_valid_o = (state_q == Idle) && rec_valid && run_i && (rec.writable_bytes == '0);

  seg_fetch #(
      .NQ   (1),
      .TAG_W(1)
  ) u_segments (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .run_i         (run_i),
      .rec_valid_i   (start),
      .rec_ready_o   (seg_rec_ready),
      .rec_queue_i   (1'b0),
      .rec_segments_i(rec.segments),
      .rec_tag_i     (1'b0),
      .seg_pop_o     (seg_pop_o),
      /* verilator lint_off PINCONNECTEMPTY */
      .seg_queue_o   (),
      /* verilator lint_on PINCONNECTEMPTY */
      .seg_i         (seg_i),
      .item_valid_o  (item_valid),
      .item_ready_i  (item_take),
      .item_o        (item),
      .item_queue_o  (item_queue_unused),
      .item_tag_o    (item_tag_unused)
  );

  always_comb begin
    piece = (item.seg.len_bytes < 32'(left_q)) ? item.seg.len_bytes[16:0] : left_q;
    read  = !item.abort && !item.seg.write && (piece != '0);
    fill  = item.abort && (left_q != '0);
  end

  assign op_valid  = item_valid && (read || fill);
  assign item_take = item_valid && (!(read || fill) || op_ready);

  // The ring reads' pool answers as answers come, and must not wait for this block: one short read at a time, when there is
  // room for its bytes.
  assign drained     = !gear_valid && !bytes_valid;
  assign req_valid_o = req_valid && drained;

  payload_reader #(
      .DATA_W(DATA_W),
      .DEPTH (1)
  ) u_reader (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .mrrs_i       (3'd0),
      .flush_i      (flush_i),
      .op_valid_i   (op_valid),
      .op_ready_o   (op_ready),
      .op_addr_i    (item.seg.addr),
      .op_bytes_i   (fill ? left_q : piece),
      .op_fill_i    (fill),
      .req_valid_o  (req_valid),
      .req_ready_i  (req_ready_i && drained),
      .req_o        (req_o),
      .rsp_valid_i  (rsp_valid_i),
      .rsp_ready_o  (rsp_ready_o),
      .rsp_i        (rsp_i),
      .rsp_data_i   (rsp_data_i),
      .bytes_valid_o(bytes_valid),
      .bytes_ready_i(bytes_ready),
      .bytes_data_o (bytes_data),
      .bytes_count_o(bytes_count),
      .bytes_error_o(bytes_error)
  );

  // One byte a clock: commands are short and rare.
  /* verilator lint_off UNUSED */
  logic [DATA_W-1:0] gear_data;  // one byte of it
  /* verilator lint_on UNUSED */

  byte_gearbox #(
      .DATA_W(DATA_W)
  ) u_gearbox (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (bytes_valid),
      .in_ready_o (bytes_ready),
      .in_data_i  (bytes_data),
      .in_bytes_i (bytes_count),
      .out_want_i (CW'(1)),
      .out_valid_o(gear_valid),
      .out_data_o (gear_data),
      .out_take_i (gear_valid),
      /* verilator lint_off PINCONNECTEMPTY */
      .level_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  assign next_byte = gear_data[7:0];

  ctrl_parse #(
      .QUEUE_PAIRS(QUEUE_PAIRS),
      .MAC        (MAC)
  ) u_parse (
      .clk_i        (clk_i),
      .active_i     (active_i),
      .features_i   (features_i),
      .start_i      (start),
      .byte_valid_i (gear_valid),
      .byte_i       (next_byte),
      .commit_i     (commit),
      .ok_o         (parse_ok),
      .mode_o       (mode_o),
      .table_o      (table_o),
      .table_valid_o(table_valid_o),
      .vlan_update_o(vlan_update_o)
  );

  // By queue index: a pair is receive, transmit.
  coalesce_t [2*QUEUE_PAIRS-1:0] limits;
  logic [2*QUEUE_PAIRS-1:0]      data_enable;

  for (genvar p = 0; p < int'(QUEUE_PAIRS); p++) begin : gen_pair
    assign data_enable[2*p +: 2] = {tx_enable_i[p], rx_enable_i[p]};
    assign rx_coalesce_o[p]      = limits[2*p];
    assign tx_coalesce_o[p]      = limits[2*p+1];
  end

  ctrl_coalesce #(
      .QUEUE_PAIRS(QUEUE_PAIRS),
      .BUG        (BUG)
  ) u_coalesce (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .active_i    (active_i),
      .features_i  (features_i),
      .enable_i    (data_enable),
      .start_i     (start),
      .byte_valid_i(gear_valid),
      .byte_i      (next_byte),
      .room_i      (room == ResultBytes),
      .commit_i    (commit),
      .ok_o        (coalesce_ok),
      .query_o     (query),
      .result_o    (result),
      .limits_o    (limits)
  );

  assign ok        = parse_ok || coalesce_ok;
  assign commit    = (state_q == Judge) && !failed_q && !oversize_q && !lost_q;
  assign answer_go = (state_q == Judge) && (state_d == Answer);

  ctrl_answer #(
      .DATA_W(DATA_W)
  ) u_answer (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .clear_i     (start),
      .seg_valid_i (item_take && !item.abort && item.seg.write),
      .seg_addr_i  (item.seg.addr),
      .seg_len_i   (item.seg.len_bytes),
      .room_o      (room),
      .go_i        (answer_go),
      .answer_i    ({result_q, ack_q ? AckOk : AckErr}),
      .bytes_i     (answer_bytes_q),
      .done_o      (answer_done),
      .op_valid_o  (op_valid_o),
      .op_ready_i  (op_ready_i),
      .op_o        (op_o),
      .data_valid_o(data_valid_o),
      .data_ready_i(data_ready_i),
      .data_o      (data_o),
      .data_bytes_o(data_bytes_o),
      .op_done_i   (op_done_i)
  );

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      Idle:    if (start) state_d = Read;
      Read:    if (items_done_q && (parse_left_q == '0)) state_d = Judge;
      Judge:   state_d = (lost_q || !run_i || room == '0) ? Idle : Answer;
      Answer:  if (answer_done) state_d = Used;
      Used:    if (cpl_ready_i || !run_i) state_d = Idle;
      default: state_d = Idle;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q  <= Idle;
      inside_q <= '0;
    end else begin
      state_q  <= state_d;
      inside_q <= inside_q + 3'(chain_pop_o) - 3'(rec_take);
    end
    if (start) begin
      id_q         <= rec.id;
      slots_q      <= rec.slots;
      oversize_q   <= rec.readable_bytes > MaxCommandBytes;
      left_q       <= (rec.readable_bytes > MaxCommandBytes) ? 17'd0 : rec.readable_bytes[16:0];
      parse_left_q <= (rec.readable_bytes > MaxCommandBytes) ? 17'd0 : rec.readable_bytes[16:0];
      failed_q     <= 1'b0;
      lost_q       <= 1'b0;
      items_done_q <= 1'b0;
    end else begin
      if (gear_valid) parse_left_q <= parse_left_q - 17'd1;
      if (bytes_valid && bytes_ready && bytes_error) failed_q <= 1'b1;
      if (item_take) begin
        left_q       <= item.abort ? 17'd0 : (read ? (left_q - piece) : left_q);
        items_done_q <= items_done_q || item.last;
        lost_q       <= lost_q || item.abort;
      end
    end
    if (state_q == Judge) begin
      ack_q          <= ok && !failed_q && !oversize_q;
      answer_bytes_q <= (commit && coalesce_ok && query) ? ResultBytes : AckBytes;
      result_q       <= result;
    end
  end

  assign cpl_valid_o         = (state_q == Used) && run_i;
  assign cpl_o.queue         = '0;
  assign cpl_o.id            = id_q;
  assign cpl_o.slots         = slots_q;
  assign cpl_o.written_bytes = 32'(answer_bytes_q);
  assign cpl_o.flush         = 1'b1;
  assign cpl_o.more          = 1'b0;
  assign cpl_o.whole         = 1'b0;
  assign idle_o              = (state_q == Idle) && (inside_q == '0);

endmodule
