// The one way of ring writes to the DMA writer: used elements and indices, avail_event and used flags. Order in is
// order out. Counts per queue what has not found its place in the request order yet.
module ring_write_mux
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ     = 4,
  /// Width of the data path in bits.
  parameter int unsigned DATA_W = 512,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a byte count.
  localparam int unsigned BW = $clog2(DATA_W / 8) + 1
) (
  /// Clock.
  input  logic              clk_i,
  /// Synchronous reset, active low.
  input  logic              rst_ni,
  /// Used writer's beat.
  input  logic              used_valid_i,
  /// Taken.
  output logic              used_ready_o,
  /// The beat.
  input  ring_write_t       used_i,
  /// Kick suppression's write, one beat each.
  input  logic              arm_valid_i,
  /// Taken.
  output logic              arm_ready_o,
  /// The beat.
  input  ring_write_t       arm_i,
  /// Op.
  output logic              op_valid_o,
  /// Taken.
  input  logic              op_ready_i,
  /// The op.
  output dma_wr_op_t        op_o,
  /// Data beat.
  output logic              data_valid_o,
  /// Taken.
  input  logic              data_ready_i,
  /// The data.
  output logic [DATA_W-1:0] data_o,
  /// Its bytes.
  output logic [BW-1:0]     data_bytes_o,
  /// An op has its place in the request order.
  input  logic              done_i,
  /// Its queue.
  input  logic [QW-1:0]     done_queue_i,
  /// Used index writes entering the order now (only for planted bug 12).
  output logic              index_enters_o,
  /// Per queue: a write is under way.
  output logic [NQ-1:0]     busy_o
);

  ring_write_t beat_q;
  logic        valid_q, op_done_q, data_done_q, in_batch_q;
  logic        op_ok, data_ok, finish, take, pick_arm, last_arm_q, began;
  ring_write_t pick;

  // A batch of elements is never interrupted; between batches the two take turns.
  assign pick_arm     = arm_valid_i && !in_batch_q && (!used_valid_i || !last_arm_q);
  assign pick         = pick_arm ? arm_i : used_i;
  assign take         = (!valid_q || finish) && (pick_arm || used_valid_i);
  assign arm_ready_o  = (!valid_q || finish) && pick_arm;
  assign used_ready_o = (!valid_q || finish) && !pick_arm && used_valid_i;

  // Op and data of a beat may be taken in different cycles.
  assign op_valid_o   = valid_q && beat_q.first && !op_done_q;
  assign data_valid_o = valid_q && !data_done_q;
  assign op_ok        = !beat_q.first || op_done_q || op_ready_i;
  assign data_ok      = data_done_q || data_ready_i;
  assign finish       = valid_q && op_ok && data_ok;

  assign op_o.addr      = beat_q.addr;
  assign op_o.len_bytes = beat_q.len_bytes;
  assign op_o.meta      = 32'(beat_q.meta);
  assign data_o         = DATA_W'(beat_q.data);
  assign data_bytes_o   = BW'(beat_q.bytes);

  assign began          = take && pick.first;
  assign index_enters_o = take && !pick_arm && (pick.meta.kind == WkElements) && pick.first;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q     <= 1'b0;
      beat_q      <= '0;
      op_done_q   <= 1'b0;
      data_done_q <= 1'b0;
      in_batch_q  <= 1'b0;
      last_arm_q  <= 1'b0;
    end else begin
      if (op_valid_o && op_ready_i) op_done_q <= 1'b1;
      if (data_valid_o && data_ready_i) data_done_q <= 1'b1;
      if (finish) begin
        valid_q     <= 1'b0;
        op_done_q   <= 1'b0;
        data_done_q <= 1'b0;
      end
      if (take) begin
        valid_q    <= 1'b1;
        beat_q     <= pick;
        in_batch_q <= !pick.last;
        last_arm_q <= pick_arm;
      end
    end
  end

  queue_counter #(.NQ(NQ)) u_outstanding (
    .clk_i, .rst_ni, .inc_i(began), .inc_queue_i(QW'(pick.meta.qid)), .dec_i(done_i), .dec_queue_i(done_queue_i),
    .dec2_i(1'b0), .dec2_queue_i('0), .busy_o
  );

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{beat_q};

endmodule
