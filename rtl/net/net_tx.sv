// Transmit side of virtio-net: chains of all transmit queues become frames on the wire, many packets in flight.
// A chain is used when its last byte has been read; nothing is written into it (written_bytes 0).
module net_tx
  import bug_pkg::*;
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W   = 512,
    /// Transmit queues.
    parameter int unsigned NQ       = 4,
    /// Tags of the payload pool, a power of two.
    parameter int unsigned REQUESTS = 512,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG      = 0,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Device Control.Max_Read_Request_Size.
    input  logic [2:0]          mrrs_i,
    /// The read pool takes and answers nothing (device reset): what is asked for is lost.
    input  logic                flush_i,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0]       run_i,
    /// Nothing of the queue is inside this block.
    output logic [NQ-1:0]       idle_o,

    /// Published chains per queue.
    input  logic [NQ-1:0][15:0] chain_count_i,
    /// Queue of the peek and pop.
    output logic [QW-1:0]       peek_queue_o,
    /// Removes the oldest chain record.
    output logic                chain_pop_o,
    /// The record, one cycle later.
    input  chain_t              peek_chain_i,
    /// Takes the oldest segment.
    output logic                seg_pop_o,
    /// Queue of the pop.
    output logic [QW-1:0]       seg_queue_o,
    /// The segment, one cycle later.
    input  segment_t            seg_i,
    /// Used buffer.
    output logic                cpl_valid_o,
    /// Taken.
    input  logic                cpl_ready_i,
    /// The used buffer.
    output completion_t         cpl_o,
    /// Freezes a queue.
    output logic                device_error_valid_o,
    /// That queue.
    output logic [QW-1:0]       device_error_queue_o,

    /// Payload read.
    output logic                req_valid_o,
    /// Taken.
    input  logic                req_ready_i,
    /// The read.
    output dma_rd_req_t         req_o,
    /// Answer beat; packets whole, those of a queue in their order.
    input  logic                rsp_valid_i,
    /// Taken.
    output logic                rsp_ready_o,
    /// Head of the beat.
    input  dma_rd_rsp_t         rsp_i,
    /// Data of the beat.
    input  logic [DATA_W-1:0]   rsp_data_i,
    /// Answers of these queues are not wanted.
    output logic [15:0]         drop_o,
    /// What becomes of the reads.
    input  stream_state_t       streams_i,

    /// Frame beat.
    output logic                tvalid_o,
    /// Taken.
    input  logic                tready_i,
    /// Frame bytes.
    output logic [DATA_W-1:0]   tdata_o,
    /// Valid bytes.
    output logic [DATA_W/8-1:0] tkeep_o,
    /// Last beat.
    output logic                tlast_o,
    /// Transmit queue of the frame.
    output logic [15:0]         tqueue_o,
    /// With `tlast_o`: discard the frame.
    output logic                terror_o
);

  localparam int unsigned CW = $clog2(DATA_W / 8) + 1;

  localparam int unsigned NW = $clog2(REQUESTS);

  typedef struct packed {
    logic [QW-1:0] pair;
    logic [15:0]   id;
    logic [15:0]   slots;
    logic [16:0]   total_bytes;
    logic          whole;
  } used_t;

  // ---- chains become requests, as far as there are tags
  logic               ask_valid, ask_ok, ask_long, admit, news, more_ok, more_take, asked, asked_long;
  logic               back_long, closed;
  logic [QW-1:0]      ask_queue, more_queue, back_queue;
  logic [16:0]        ask_reads;
  logic [9:0]         ask_tags, op_tags, back_abandoned, back_asked;
  logic               op_valid, op_ready, op_fill, op_first, op_last, op_long, note_valid, note_ready;
  logic [63:0]        op_addr;
  logic [16:0]        op_bytes;
  logic [QW-1:0]      op_queue;
  tx_packet_t         note;
  logic [NQ-1:0]      taken, refused, abandoned;
  logic [1:0][QW-1:0] freed_queue;

  always_comb begin
    for (int unsigned i = 0; i < 2; i++) freed_queue[i] = QW'(streams_i.freed_stream[i]);
  end

  tx_shares #(
      .NQ(NQ)
  ) u_shares (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .tags_i       (streams_i.tags),
      .run_i        (run_i),
      .ask_valid_i  (ask_valid),
      .ask_queue_i  (ask_queue),
      .ask_reads_i  (ask_reads),
      .ask_ok_o     (ask_ok),
      .ask_tags_o   (ask_tags),
      .ask_long_o   (ask_long),
      .admit_i      (admit),
      .more_queue_i (more_queue),
      .more_ok_o    (more_ok),
      .more_take_i  (more_take),
      .long_over_i  (asked_long || back_long),
      .closed_o     (closed),
      .back_tags_i  ({back_asked, back_abandoned}),
      .back_queue_i ({more_queue, back_queue}),
      .freed_i      (streams_i.freed),
      .freed_queue_i(freed_queue),
      .news_o       (news)
  );

  net_tx_fetch #(
      .NQ (NQ),
      .BUG(BUG)
  ) u_fetch (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .mrrs_i              (mrrs_i),
      .run_i               (run_i),
      .chain_count_i       (chain_count_i),
      .peek_queue_o        (peek_queue_o),
      .chain_pop_o         (chain_pop_o),
      .peek_chain_i        (peek_chain_i),
      .seg_pop_o           (seg_pop_o),
      .seg_queue_o         (seg_queue_o),
      .seg_i               (seg_i),
      .ask_valid_o         (ask_valid),
      .ask_queue_o         (ask_queue),
      .ask_reads_o         (ask_reads),
      .ask_ok_i            (ask_ok),
      .ask_tags_i          (ask_tags),
      .ask_long_i          (ask_long),
      .admit_o             (admit),
      .news_i              (news),
      .closed_i            (closed),
      .device_error_valid_o(device_error_valid_o),
      .device_error_queue_o(device_error_queue_o),
      .op_valid_o          (op_valid),
      .op_ready_i          (op_ready),
      .op_addr_o           (op_addr),
      .op_bytes_o          (op_bytes),
      .op_queue_o          (op_queue),
      .op_fill_o           (op_fill),
      .op_first_o          (op_first),
      .op_last_o           (op_last),
      .op_long_o           (op_long),
      .op_tags_o           (op_tags),
      .packet_valid_o      (note_valid),
      .packet_ready_i      (note_ready),
      .packet_o            (note),
      .taken_o             (taken),
      .refused_o           (refused),
      .abandoned_o         (abandoned),
      .back_tags_o         (back_abandoned),
      .back_queue_o        (back_queue),
      .back_long_o         (back_long)
  );

  // ---- notes of packets, from the first request until the frame is made; each has a tag at least, so there are enough
  logic              note_free, note_take, gone_valid, orphan_q, mid_frame, done_valid, done_ready, done_error;
  logic [NW-1:0]     note_new, note_now_q, done_note, bytes_note;
  tx_packet_t        notes_q [REQUESTS];
  /* verilator lint_off UNUSED */
  tx_packet_t        done;  // what the used buffer needs of it
  piece_meta_t       gone;  // its owner
  /* verilator lint_on UNUSED */

  assign gone       = piece_meta_t'(streams_i.meta[$bits(piece_meta_t)-1:0]);
  assign gone_valid = streams_i.taken && streams_i.dropped && gone.last;
  assign note_ready = note_free || flush_i;
  assign note_take  = note_valid && note_free && !flush_i;

  tag_alloc #(
      .TAGS(REQUESTS)
  ) u_notes (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni && !flush_i),
      .ext_tag_i     (1'b1),
      .ten_bit_i     (1'b1),
      .valid_o       (note_free),
      .tag_o         (note_new),
      .take_i        (note_take),
      .free_a_valid_i(done_valid && !orphan_q),
      .free_a_tag_i  (done_note),
      .free_b_valid_i(gone_valid),
      .free_b_tag_i  (NW'(gone.note))
  );

  always_ff @(posedge clk_i) begin
    if (note_take) begin
      notes_q[note_new] <= note;
      note_now_q        <= note_new;
    end
  end

  // ---- answers become frames
  logic              bytes_valid, bytes_ready, bytes_last, bytes_error;
  logic [DATA_W-1:0] bytes_data;
  logic [CW-1:0]     bytes_count;

  tx_reader #(
      .DATA_W(DATA_W),
      .NQ    (NQ),
      .NOTE_W(NW),
      .BUG   (BUG)
  ) u_reader (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .mrrs_i       (mrrs_i),
      .flush_i      (flush_i),
      .op_valid_i   (op_valid),
      .op_ready_o   (op_ready),
      .op_addr_i    (op_addr),
      .op_bytes_i   (op_bytes),
      .op_queue_i   (op_queue),
      .op_fill_i    (op_fill),
      .op_last_i    (op_last),
      .op_long_i    (op_long),
      .op_tags_i    (op_tags),
      .op_note_i    (op_first ? note_new : note_now_q),
      .more_queue_o (more_queue),
      .more_ok_i    (more_ok),
      .more_take_o  (more_take),
      .back_tags_o  (back_asked),
      .asked_o      (asked),
      .asked_long_o (asked_long),
      .req_valid_o  (req_valid_o),
      .req_ready_i  (req_ready_i),
      .req_o        (req_o),
      .rsp_valid_i  (rsp_valid_i),
      .rsp_ready_o  (rsp_ready_o),
      .rsp_i        (rsp_i),
      .rsp_data_i   (rsp_data_i),
      .bytes_valid_o(bytes_valid),
      .bytes_ready_i(bytes_ready),
      .bytes_data_o (bytes_data),
      .bytes_count_o(bytes_count),
      .bytes_note_o (bytes_note),
      .bytes_last_o (bytes_last),
      .bytes_error_o(bytes_error)
  );

  net_tx_frame #(
      .DATA_W(DATA_W),
      .BUG   (BUG)
  ) u_frame (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .flush_i      (flush_i),
      .packet_i     (notes_q[bytes_note]),
      .bytes_valid_i(bytes_valid),
      .bytes_ready_o(bytes_ready),
      .bytes_data_i (bytes_data),
      .bytes_count_i(bytes_count),
      .bytes_last_i (bytes_last),
      .bytes_error_i(bytes_error),
      .inside_o     (mid_frame),
      .done_valid_o (done_valid),
      .done_error_o (done_error),
      .done_ready_i (done_ready),
      .done_packet_o(done),
      .tvalid_o     (tvalid_o),
      .tready_i     (tready_i),
      .tdata_o      (tdata_o),
      .tkeep_o      (tkeep_o),
      .tlast_o      (tlast_o),
      .tqueue_o     (tqueue_o),
      .terror_o     (terror_o)
  );

  // A packet that is padded outlives the beat that told its note.
  logic [NW-1:0] done_note_q;
  assign done_note = (bytes_valid && bytes_ready) ? bytes_note : done_note_q;

  always_ff @(posedge clk_i) begin
    if (bytes_valid && bytes_ready) done_note_q <= bytes_note;
    // The packet under way when a flush took its note away.
    if (!rst_ni) orphan_q <= 1'b0;
    else orphan_q <= mid_frame && !done_valid && (flush_i || orphan_q);
  end

  // ---- used buffers
  used_t         used_in, used;
  logic          used_valid, used_pop, used_in_ready, live;
  logic [QW-1:0] done_pair;

  assign done_pair           = done.queue[QW-1:0];
  assign used_in.pair        = done_pair;
  assign used_in.id          = done.id;
  assign used_in.slots       = done.slots;
  assign used_in.total_bytes = done.total_bytes;
  assign used_in.whole       = done.whole && !done_error;
  assign done_ready          = used_in_ready || !live;

  sync_fifo #(
      .W    ($bits(used_t)),
      .DEPTH(8)
  ) u_used (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (flush_i),
      .in_valid_i (done_valid && live),
      .in_ready_o (used_in_ready),
      .in_data_i  (used_in),
      .out_valid_o(used_valid),
      .out_ready_i(used_pop),
      .out_data_o (used),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  // A stopped queue takes no more used buffers: what was in flight for it ends here.
  assign cpl_valid_o = used_valid && run_i[used.pair];
  assign used_pop    = used_valid && (cpl_ready_i || !run_i[used.pair]);

  logic [NQ-1:0] only_one;

  tx_inside #(
      .NQ(NQ)
  ) u_inside (
      .clk_i       (clk_i),
      .rst_ni      (rst_ni),
      .flush_i     (flush_i),
      .run_i       (run_i),
      .taken_i     (taken),
      .refused_i   (refused),
      .abandoned_i (abandoned),
      .asked_i     (asked),
      .asked_pair_i(more_queue),
      .begins_i    (streams_i.taken && !streams_i.dropped),
      .gone_i      (gone_valid),
      .pool_pair_i (gone.tx_queue[QW-1:0]),
      .mid_frame_i (mid_frame),
      .done_i      (done_valid),
      .done_pair_i (done_pair),
      .live_o      (live),
      .used_i      (used_pop),
      .used_pair_i (used.pair),
      .waiting_i   (streams_i.waiting[NQ-1:0]),
      .only_one_o  (only_one),
      .idle_o      (idle_o)
  );

  always_comb begin
    drop_o = '0;
    for (int unsigned q = 0; q < NQ; q++) drop_o[q] = !run_i[q];
    cpl_o.queue         = 16'(used.pair);
    cpl_o.id            = used.id;
    cpl_o.slots         = used.slots;
    cpl_o.written_bytes = planted(BUG, 5) ? 32'(used.total_bytes) : 32'd0;
    cpl_o.whole         = used.whole;
    cpl_o.flush         = only_one[used.pair] && (chain_count_i[used.pair] == 16'd0);
    cpl_o.more          = 1'b0;
  end

  always_ff @(posedge clk_i) if (rst_ni) flush_stops_queues : assert (!flush_i || run_i == '0);

endmodule
