// Published chains and their segments, per queue. A chain's record appears after all of its segments.
module chain_store
  import ringside_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ    = 4,
  /// Chains and segments a queue, power of two.
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
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// Per queue: enabled and not frozen; else nothing is offered.
  input  logic [NQ-1:0]       run_i,
  /// Queue of what is put.
  input  logic [QW-1:0]       put_queue_i,
  /// A segment; `last` counts when the chain ends with it.
  input  logic                put_seg_i,
  /// The segment.
  input  segment_t            seg_i,
  /// The chain is complete (with this segment, if there is one).
  input  logic                put_chain_i,
  /// Its record.
  input  chain_t              chain_i,
  /// Per queue: segments held.
  output logic [NQ-1:0][15:0] seg_level_o,
  /// Per queue: chains held.
  output logic [NQ-1:0][15:0] chain_level_o,
  /// Per queue: chains offered.
  output logic [NQ-1:0][15:0] count_o,
  /// Look at a record: queue.
  input  logic [15:0]         peek_queue_i,
  /// Records after the oldest.
  input  logic [15:0]         peek_index_i,
  /// The record, one cycle later.
  output chain_t              peek_chain_o,
  /// Remove the oldest record.
  input  logic                chain_pop_i,
  /// Of this queue.
  input  logic [15:0]         chain_pop_queue_i,
  /// Take the oldest segment.
  input  logic                seg_pop_i,
  /// Of this queue.
  input  logic [15:0]         seg_queue_i,
  /// The segment, one cycle later.
  output segment_t            seg_o
);

  localparam int unsigned SLOTS = (1 << QW) * DEPTH;

  logic [NQ-1:0][15:0] seg_w_q, seg_r_q, chain_w_q, chain_r_q;
  logic [QW-1:0]       peek_q, pop_q, seg_q;
  logic [AW-1:0]       seg_slot, last_slot, peek_slot;
  logic                last;
  logic [96:0]         seg_data;

  assign peek_q    = QW'(peek_queue_i);
  assign pop_q     = QW'(chain_pop_queue_i);
  assign seg_q     = QW'(seg_queue_i);
  assign seg_slot  = seg_w_q[put_queue_i][AW-1:0];
  // A chain that ends with an empty descriptor: its last segment is already written.
  assign last_slot = put_seg_i ? seg_slot : seg_slot - 1'b1;
  assign peek_slot = AW'(chain_r_q[peek_q] + peek_index_i);

  ram_1r1w #(.W(97), .DEPTH(SLOTS)) u_segments (
    .clk_i, .we_i(put_seg_i), .waddr_i({put_queue_i, seg_slot}),
    .wdata_i({seg_i.addr, seg_i.len_bytes, seg_i.write}), .re_i(seg_pop_i),
    .raddr_i({seg_q, seg_r_q[seg_q][AW-1:0]}), .rdata_o(seg_data)
  );

  ram_1r1w #(.W(1), .DEPTH(SLOTS)) u_last (
    .clk_i, .we_i(put_seg_i || (put_chain_i && chain_i.segments != 16'd0)), .waddr_i({put_queue_i, last_slot}),
    .wdata_i(put_chain_i), .re_i(seg_pop_i), .raddr_i({seg_q, seg_r_q[seg_q][AW-1:0]}), .rdata_o(last)
  );

  ram_1r1w #(.W($bits(chain_t)), .DEPTH(SLOTS)) u_chains (
    .clk_i, .we_i(put_chain_i), .waddr_i({put_queue_i, chain_w_q[put_queue_i][AW-1:0]}), .wdata_i(chain_i),
    .re_i(1'b1), .raddr_i({peek_q, peek_slot}), .rdata_o(peek_chain_o)
  );

  assign seg_o.addr      = seg_data[96:33];
  assign seg_o.len_bytes = seg_data[32:1];
  assign seg_o.write     = seg_data[0];
  assign seg_o.last      = last;

  logic moved;
  assign moved = put_seg_i || put_chain_i || seg_pop_i || chain_pop_i;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic put_seg, put_chain, pop_seg, pop_chain;

    assign put_seg          = put_seg_i && (put_queue_i == QW'(q));
    assign put_chain        = put_chain_i && (put_queue_i == QW'(q));
    assign pop_seg          = seg_pop_i && (seg_q == QW'(q));
    assign pop_chain        = chain_pop_i && (pop_q == QW'(q));
    assign seg_level_o[q]   = seg_w_q[q] - seg_r_q[q];
    assign chain_level_o[q] = chain_w_q[q] - chain_r_q[q];
    assign count_o[q]       = run_i[q] ? chain_level_o[q] : 16'd0;

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        seg_w_q[q]   <= '0;
        seg_r_q[q]   <= '0;
        chain_w_q[q] <= '0;
        chain_r_q[q] <= '0;
      end else if (moved) begin
        seg_w_q[q]   <= seg_w_q[q] + 16'(put_seg);
        seg_r_q[q]   <= seg_r_q[q] + 16'(pop_seg);
        chain_w_q[q] <= chain_w_q[q] + 16'(put_chain);
        chain_r_q[q] <= chain_r_q[q] + 16'(pop_chain);
        // The device type takes only what was published, the walker puts only where there is room.
        assert (!pop_chain || chain_level_o[q] != 16'd0);
        assert (!pop_seg || seg_level_o[q] != 16'd0);
        assert (!put_seg || seg_level_o[q] < 16'(DEPTH));
        assert (!put_chain || chain_level_o[q] < 16'(DEPTH));
      end
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{seg_i, peek_queue_i, chain_pop_queue_i, seg_queue_i};

endmodule
