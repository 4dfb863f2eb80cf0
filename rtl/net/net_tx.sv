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
    /// Reads of the payload pool that may be outstanding.
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
    /// The read pool takes and answers nothing (device reset): what is asked for counts as failed.
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
    /// Answer beat, in request order.
    input  logic                rsp_valid_i,
    /// Taken.
    output logic                rsp_ready_o,
    /// Head of the beat.
    input  dma_rd_rsp_t         rsp_i,
    /// Data of the beat.
    input  logic [DATA_W-1:0]   rsp_data_i,

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

  typedef struct packed {
    logic [QW-1:0] pair;
    logic [15:0]   id;
    logic [15:0]   slots;
    logic [16:0]   total_bytes;
    logic          whole;
  } used_t;

  logic              op_valid, op_ready, op_fill, note_valid, note_ready, packet_valid, packet_ready;
  logic [63:0]       op_addr;
  logic [16:0]       op_bytes;
  tx_packet_t        note, packet;
  logic              bytes_valid, bytes_ready, bytes_error, done_valid, done_ready, done_error, used_valid, used_pop;
  logic [DATA_W-1:0] bytes_data;
  logic [CW-1:0]     bytes_count;
  logic [NQ-1:0]     taken, refused, abandoned, finished;
  used_t             used_in, used;

  net_tx_fetch #(
      .NQ (NQ),
      .BUG(BUG)
  ) u_fetch (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .run_i               (run_i),
      .chain_count_i       (chain_count_i),
      .peek_queue_o        (peek_queue_o),
      .chain_pop_o         (chain_pop_o),
      .peek_chain_i        (peek_chain_i),
      .seg_pop_o           (seg_pop_o),
      .seg_queue_o         (seg_queue_o),
      .seg_i               (seg_i),
      .device_error_valid_o(device_error_valid_o),
      .device_error_queue_o(device_error_queue_o),
      .op_valid_o          (op_valid),
      .op_ready_i          (op_ready),
      .op_addr_o           (op_addr),
      .op_bytes_o          (op_bytes),
      .op_fill_o           (op_fill),
      .packet_valid_o      (note_valid),
      .packet_ready_i      (note_ready),
      .packet_o            (note),
      .taken_o             (taken),
      .refused_o           (refused),
      .abandoned_o         (abandoned)
  );

  payload_reader #(
      .DATA_W(DATA_W),
      .DEPTH (REQUESTS),
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
      .op_fill_i    (op_fill),
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
      .bytes_error_o(bytes_error)
  );

  sync_fifo #(
      .W    ($bits(tx_packet_t)),
      .DEPTH(REQUESTS)
  ) u_packets (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (note_valid),
      .in_ready_o (note_ready),
      .in_data_i  (note),
      .out_valid_o(packet_valid),
      .out_ready_i(packet_ready),
      .out_data_o (packet),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  net_tx_frame #(
      .DATA_W(DATA_W),
      .BUG   (BUG)
  ) u_frame (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .packet_valid_i(packet_valid),
      .packet_ready_o(packet_ready),
      .packet_i      (packet),
      .bytes_valid_i (bytes_valid),
      .bytes_ready_o (bytes_ready),
      .bytes_data_i  (bytes_data),
      .bytes_count_i (bytes_count),
      .bytes_error_i (bytes_error),
      .done_valid_o  (done_valid),
      .done_ready_i  (done_ready),
      .done_error_o  (done_error),
      .tvalid_o      (tvalid_o),
      .tready_i      (tready_i),
      .tdata_o       (tdata_o),
      .tkeep_o       (tkeep_o),
      .tlast_o       (tlast_o),
      .tqueue_o      (tqueue_o),
      .terror_o      (terror_o)
  );

  // ---- used buffers and the count of chains inside
  assign used_in.pair       = packet.queue[QW-1:0];
  assign used_in.id          = packet.id;
  assign used_in.slots       = packet.slots;
  assign used_in.total_bytes = packet.total_bytes;
  assign used_in.whole       = packet.whole && !done_error;

  sync_fifo #(
      .W    ($bits(used_t)),
      .DEPTH(8)
  ) u_used (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (done_valid),
      .in_ready_o (done_ready),
      .in_data_i  (used_in),
      .out_valid_o(used_valid),
      .out_ready_i(used_pop),
      .out_data_o (used),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  logic [NQ-1:0][15:0] inside_q;

  // A stopped queue takes no more used buffers: what was in flight for it ends here.
  assign cpl_valid_o = used_valid && run_i[used.pair];
  assign used_pop    = used_valid && (cpl_ready_i || !run_i[used.pair]);

  always_comb begin
    cpl_o.queue         = 16'(used.pair);
    cpl_o.id            = used.id;
    cpl_o.slots         = used.slots;
    cpl_o.written_bytes = planted(BUG, 5) ? 32'(used.total_bytes) : 32'd0;
    cpl_o.flush         = (inside_q[used.pair] == 16'd1) && (chain_count_i[used.pair] == 16'd0);
    cpl_o.more          = 1'b0;
    cpl_o.whole         = used.whole;
    finished            = '0;
    finished[used.pair] = used_pop;
    for (int unsigned q = 0; q < NQ; q++) idle_o[q] = inside_q[q] == 16'd0;
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned q = 0; q < NQ; q++) begin
      if (!rst_ni) begin
        inside_q[q] <= '0;
      end else begin
        inside_q[q] <= inside_q[q] + 16'(taken[q]) - 16'(refused[q]) - 16'(abandoned[q]) - 16'(finished[q]);
      end
    end
  end

endmodule
