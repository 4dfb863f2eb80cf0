// Fetches the segments of chains whose record was popped, one per clock, and marks where each chain begins and ends.
// A queue that stops in the middle of a chain gives one item with `abort`; every record ends in exactly one item with
// `last`. After an abort a second one of the same chain may follow: it carries no more news than the first.
module seg_fetch
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Queues of the engine.
    parameter int unsigned NQ    = 1,
    /// Width of what the client wants back with every item.
    parameter int unsigned TAG_W = 1,
    /// Width of a queue number.
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic             clk_i,
    /// Synchronous reset, active low.
    input  logic             rst_ni,
    /// Queue is enabled and not frozen: its segments may be used.
    input  logic [NQ-1:0]    run_i,
    /// A chain whose segments are wanted.
    input  logic             rec_valid_i,
    /// Taken.
    output logic             rec_ready_o,
    /// Its queue.
    input  logic [QW-1:0]    rec_queue_i,
    /// Its number of segments.
    input  logic [15:0]      rec_segments_i,
    /// The client's own note.
    input  logic [TAG_W-1:0] rec_tag_i,
    /// Takes the oldest segment of `seg_queue_o` from the chain store.
    output logic             seg_pop_o,
    /// Queue of the pop.
    output logic [QW-1:0]    seg_queue_o,
    /// The segment, one cycle after the pop.
    input  segment_t         seg_i,
    /// Item available.
    output logic             item_valid_o,
    /// Item taken.
    input  logic             item_ready_i,
    /// The item.
    output seg_item_t        item_o,
    /// Its queue.
    output logic [QW-1:0]    item_queue_o,
    /// The client's note of its chain.
    output logic [TAG_W-1:0] item_tag_o
);

  localparam int unsigned Depth = 4;

  logic             busy_q, first_q, pend_q, pend_first_q, pend_last_q, pend_abort_q;
  logic [QW-1:0]    queue_q, pend_queue_q;
  logic [15:0]      left_q;
  logic [TAG_W-1:0] tag_q, pend_tag_q;
  logic [2:0]       held_q;      // items promised or stored: bounds the pops in flight by the FIFO's room
  logic             issue, stop, finish, load, fifo_ready;
  seg_item_t        item_in;

  assign issue       = busy_q && (held_q < 3'(Depth));
  assign stop        = !run_i[queue_q] || (left_q == 16'd0);
  assign finish      = issue && (stop || (left_q == 16'd1));
  assign rec_ready_o = !busy_q || finish;
  assign load        = rec_valid_i && rec_ready_o;
  assign seg_pop_o   = issue && !stop;
  assign seg_queue_o = queue_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      pend_q <= 1'b0;
      held_q <= '0;
    end else begin
      busy_q <= load || (busy_q && !finish);
      pend_q <= issue;
      held_q <= held_q + 3'(issue) - 3'(item_valid_o && item_ready_i);
    end
    if (load) begin
      queue_q <= rec_queue_i;
      left_q  <= rec_segments_i;
      tag_q   <= rec_tag_i;
      first_q <= 1'b1;
    end else if (issue) begin
      left_q  <= left_q - 16'd1;
      first_q <= 1'b0;
    end
    pend_first_q <= first_q;
    pend_last_q  <= finish;
    pend_abort_q <= stop;
    pend_queue_q <= queue_q;
    pend_tag_q   <= tag_q;
  end

  // A queue that stopped between pop and answer may already have lost its store: the answer is not to be trusted.
  always_comb begin
    item_in.first = pend_first_q;
    item_in.last  = pend_last_q;
    item_in.abort = pend_abort_q || !run_i[pend_queue_q];
    item_in.seg   = seg_i;
  end

  sync_fifo #(
      .W    ($bits(seg_item_t) + QW + TAG_W),
      .DEPTH(Depth)
  ) u_items (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (pend_q),
      .in_ready_o (fifo_ready),
      .in_data_i  ({item_in, pend_queue_q, pend_tag_q}),
      .out_valid_o(item_valid_o),
      .out_ready_i(item_ready_i),
      .out_data_o ({item_o, item_queue_o, item_tag_o}),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  always_ff @(posedge clk_i) if (rst_ni) assert (!pend_q || fifo_ready);

endmodule
