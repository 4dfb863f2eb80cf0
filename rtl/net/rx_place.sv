// Receive placement: writes each packet into the chains it was given, and completes them. Orders of all packets
// follow each other without a gap; a packet's chains are completed together, after its last write has its place in
// the request order. A queue that stops leaves the rest of its packet to be discarded.
module rx_place
  import bug_pkg::*;
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Receive queues.
    parameter int unsigned NQ     = 4,
    /// Chains that may wait for completion: at least the largest queue, since one packet may take all of it.
    parameter int unsigned CHAINS = 256,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG    = 0,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic          clk_i,
    /// Synchronous reset, active low.
    input  logic          rst_ni,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0] run_i,
    /// Nothing is waiting in front of this block.
    input  logic          no_more_frames_i,
    /// Chain with its share of a packet.
    input  logic          chain_valid_i,
    /// Taken.
    output logic          chain_ready_o,
    /// Its queue.
    input  logic [QW-1:0] chain_queue_i,
    /// The chain.
    input  rx_chain_t     chain_i,
    /// Takes the oldest segment.
    output logic          seg_pop_o,
    /// Queue of the pop.
    output logic [QW-1:0] seg_queue_o,
    /// The segment, one cycle later.
    input  segment_t      seg_i,
    /// Write order.
    output logic          op_valid_o,
    /// Taken.
    input  logic          op_ready_i,
    /// The order.
    output dma_wr_op_t    op_o,
    /// The oldest order's writes have their place in the request order.
    input  logic          op_done_i,
    /// The same order to the byte stream.
    output logic          len_valid_o,
    /// Taken.
    input  logic          len_ready_i,
    /// Bytes of the order.
    output logic [16:0]   len_bytes_o,
    /// Discard them instead.
    output logic          len_discard_o,
    /// Used buffer.
    output logic          cpl_valid_o,
    /// Taken.
    input  logic          cpl_ready_i,
    /// The used buffer.
    output completion_t   cpl_o,
    /// Nothing of the queue is inside.
    output logic [NQ-1:0] idle_o
);

  typedef struct packed {
    logic [QW-1:0] pair;
    logic          lost;
    logic          more;
    logic [15:0]   id;
    logic [15:0]   slots;
    logic [16:0]   bytes;
  } used_t;

  seg_item_t     item;
  logic          item_valid, item_take, used_in_ready, tail_in_ready, retire;
  logic [QW-1:0] item_queue;
  /* verilator lint_off UNUSED */
  rx_chain_t     chain;  // segments are counted before
  /* verilator lint_on UNUSED */
  logic [16:0]   left, left_q, piece;
  logic          write, discard, close, closed, closed_q, order, order_go;
  logic [15:0]   issued_q, issued_next, finished_q, tail_mark;
  used_t         used_in, used;
  logic          used_valid, tail_valid, placed, drop;

  seg_fetch #(
      .NQ   (NQ),
      .TAG_W($bits(rx_chain_t))
  ) u_segments (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .run_i         (run_i),
      .rec_valid_i   (chain_valid_i),
      .rec_ready_o   (chain_ready_o),
      .rec_queue_i   (chain_queue_i),
      .rec_segments_i(chain_i.segments),
      .rec_tag_i     (chain_i),
      .seg_pop_o     (seg_pop_o),
      .seg_queue_o   (seg_queue_o),
      .seg_i         (seg_i),
      .item_valid_o  (item_valid),
      .item_ready_i  (item_take),
      .item_o        (item),
      .item_queue_o  (item_queue),
      .item_tag_o    (chain)
  );

  // One order per segment that takes bytes; the chain closes with the order that exhausts its share, or with its loss.
  always_comb begin
    left    = item.first ? chain.bytes : left_q;
    closed  = !item.first && closed_q;
    piece   = (item.seg.len_bytes < 32'(left)) ? item.seg.len_bytes[16:0] : left;
    write   = !item.abort && item.seg.write && (piece != '0);
    discard = item.abort && (left != '0);
    order   = write || discard;
    close   = !closed && (discard || (write && (piece == left)));
    order_go = (!write || op_ready_i) && len_ready_i;
    item_take = item_valid && (!order || order_go) && (!close || (used_in_ready && tail_in_ready));
  end

  assign op_valid_o     = item_valid && write && len_ready_i && (!close || (used_in_ready && tail_in_ready));
  assign len_valid_o    = item_take && order;
  assign len_bytes_o    = discard ? left : piece;
  assign len_discard_o  = discard;
  assign op_o.addr      = item.seg.addr;
  assign op_o.len_bytes = piece;
  assign op_o.meta      = '0;
  assign issued_next    = issued_q + 16'(write);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      issued_q   <= '0;
      finished_q <= '0;
    end else begin
      if (item_take) issued_q <= issued_next;
      finished_q <= finished_q + 16'(op_done_i);
    end
    if (item_take) begin
      left_q   <= discard ? 17'd0 : (write ? (left - piece) : left);
      closed_q <= closed || close;
    end
  end

  always_comb begin
    used_in.pair = item_queue;
    used_in.lost  = discard;
    used_in.more  = chain.more;
    used_in.id    = chain.id;
    used_in.slots = chain.slots;
    used_in.bytes = chain.bytes;
  end

  sync_fifo #(
      .W    ($bits(used_t)),
      .DEPTH(CHAINS)
  ) u_used (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (item_take && close),
      .in_ready_o (used_in_ready),
      .in_data_i  (used_in),
      .out_valid_o(used_valid),
      .out_ready_i(retire),
      .out_data_o (used),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  // Per packet: how many orders must be finished before its chains may be used.
  sync_fifo #(
      .W    (16),
      .DEPTH(32)
  ) u_tails (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (item_take && close && !chain.more),
      .in_ready_o (tail_in_ready),
      .in_data_i  (issued_next),
      .out_valid_o(tail_valid),
      .out_ready_i(retire && !used.more),
      .out_data_o (tail_mark),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  logic [NQ-1:0][15:0] inside_q;
  /* verilator lint_off UNUSED */
  logic [15:0]         ahead;  // only its sign
  /* verilator lint_on UNUSED */

  assign ahead       = finished_q - tail_mark;      // modulo 2^16; the marks lie less than half of that away
  assign placed      = tail_valid && (!ahead[15] || planted(BUG, 32));
  assign drop        = used.lost || !run_i[used.pair];
  assign cpl_valid_o = used_valid && placed && !drop;
  assign retire      = used_valid && placed && (drop || cpl_ready_i);

  always_comb begin
    cpl_o.queue         = 16'(used.pair);
    cpl_o.id            = used.id;
    cpl_o.slots         = used.slots;
    cpl_o.written_bytes = 32'(used.bytes);
    cpl_o.more          = used.more;
    cpl_o.whole         = planted(BUG, 58);      // each buffer says how much of it was written
    cpl_o.flush         = !used.more && no_more_frames_i && (inside_q[used.pair] == 16'd1);
    for (int unsigned q = 0; q < NQ; q++) idle_o[q] = inside_q[q] == 16'd0;
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned q = 0; q < NQ; q++) begin
      if (!rst_ni) begin
        inside_q[q] <= '0;
      end else begin
        inside_q[q] <= inside_q[q] + 16'(chain_valid_i && chain_ready_o && (chain_queue_i == QW'(q)))
                       - 16'(retire && (used.pair == QW'(q)));
      end
    end
  end

  // A chain's segments hold what its record promised.
  always_ff @(posedge clk_i) if (rst_ni) assert (!item_take || !item.last || closed || close);
  // Nothing is finished that was not ordered.
  always_ff @(posedge clk_i) if (rst_ni) assert (!op_done_i || (finished_q != issued_q));

endmodule
