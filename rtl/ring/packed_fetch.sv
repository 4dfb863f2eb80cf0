// Packed ring: reads descriptors straight from the ring, up to 32 a read and several reads at a time, as far as `goal`
// says. Positions are running 16-bit numbers, the slot follows beside them round a ring of any size. When the check
// sends the fetch back, answers of reads that are still under way carry the old epoch and are ignored.
module packed_fetch
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ    = 4,
  /// Descriptor slots a queue, power of two.
  parameter int unsigned DEPTH = 256,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// Max_Read_Request_Size code.
  input  logic [2:0]          mrrs_i,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]       run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// Per queue: read up to this position.
  input  logic [NQ-1:0][15:0] goal_i,
  /// Per queue: positions before this have left their slots.
  input  logic [NQ-1:0][15:0] walk_i,
  /// Per queue: positions before this were given back to the driver.
  input  logic [NQ-1:0][15:0] used_i,
  /// Per queue: go back.
  input  logic [NQ-1:0]       rewind_i,
  /// Per queue: to this position.
  input  logic [NQ-1:0][15:0] rewind_to_i,
  /// Per queue: which has this wrap counter and slot.
  input  logic [NQ-1:0][15:0] rewind_here_i,
  /// Per queue: next position to be read.
  output logic [NQ-1:0][15:0] fetch_o,
  /// Per queue: epoch of the answers that count.
  output logic [NQ-1:0]       epoch_o,
  /// Per queue: no answers of an old epoch are under way.
  output logic [NQ-1:0]       settled_o,
  /// Read of descriptors.
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
  /// Its epoch.
  input  logic                end_epoch_i,
  /// Per queue: a read is wanted or outstanding.
  output logic [NQ-1:0]       busy_o
);

  localparam int unsigned CW = 11;

  logic [NQ-1:0][15:0]   fetch_q;
  logic [NQ-1:0][14:0]   slot_q;
  logic [NQ-1:0]         epoch_q, want, grant_unused;
  logic [NQ-1:0][CW-1:0] out_q, old_q;         // reads under way; those of them whose answers do not count
  logic [NQ-1:0][15:0]   room;
  logic [QW-1:0]         pick;
  logic                  any, load, req_valid_q;
  dma_rd_req_t           req_q;
  read_meta_t            meta;
  logic [15:0]           most, wanted, count, full, to_ring_end, to_page_end, next_slot;
  logic [1:0]            over;
  logic [63:0]           addr;

  assign fetch_o    = fetch_q;
  assign epoch_o    = epoch_q;
  assign rd_valid_o = req_valid_q;
  assign rd_req_o   = req_q;
  assign load       = any && (!req_valid_q || rd_ready_i);
  assign most       = (mrrs_i == 3'd0) ? 16'd8 : (mrrs_i == 3'd1) ? 16'd16 : 16'd32;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic [15:0] left, held, lent, slots, lap;
    logic        issue, answer, drop;

    // Room: free slots of the store, and never more than the ring beyond what was given back. While reads are under
    // way a small room waits to become a large one.
    assign left    = goal_i[q] - fetch_q[q];
    assign held    = fetch_q[q] - walk_i[q];
    assign lent    = fetch_q[q] - used_i[q];
    assign slots   = 16'(DEPTH) - held;
    assign lap     = ctx_i[q].size - lent;
    assign room[q] = (slots < lap) ? slots : lap;
    assign want[q] = run_i[q] && !rewind_i[q] && (left != 16'd0) && (room[q] != 16'd0)
                     && (room[q] >= left || room[q] >= most || out_q[q] == '0);

    assign issue        = load && (pick == QW'(q));
    assign answer       = end_i && (end_queue_i == QW'(q));
    assign drop         = drop_i && (drop_queue_i == QW'(q));
    assign settled_o[q] = (old_q[q] == '0);
    assign busy_o[q]    = (out_q[q] != '0);

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        fetch_q[q] <= ctx_i[q].start;
        slot_q[q]  <= ctx_i[q].start[14:0];
        epoch_q[q] <= 1'b0;
        out_q[q]   <= '0;
        old_q[q]   <= '0;
      end else begin
        out_q[q] <= out_q[q] + CW'(issue) - CW'(answer) - CW'(drop);
        if (answer && end_epoch_i != epoch_q[q]) old_q[q] <= old_q[q] - 1'b1;
        if (issue) begin
          fetch_q[q] <= fetch_q[q] + count;
          slot_q[q]  <= next_slot[14:0];
        end
        if (rewind_i[q]) begin
          fetch_q[q] <= rewind_to_i[q];
          slot_q[q]  <= rewind_here_i[q][14:0];
          epoch_q[q] <= !epoch_q[q];
          old_q[q]   <= out_q[q] - CW'(answer);
        end
        if (clear_i[q]) begin
          fetch_q[q] <= ctx_i[q].start;
          slot_q[q]  <= ctx_i[q].start[14:0];
          epoch_q[q] <= 1'b0;
          old_q[q]   <= '0;
        end
        // Nothing ends that was not begun; never more than the ring is asked for; a rewind only when all is settled.
        assert (!(answer || drop) || out_q[q] >= CW'(answer) + CW'(drop));
        assert (!run_i[q] || lent <= ctx_i[q].size);
        assert (!rewind_i[q] || old_q[q] == '0);
      end
    end
  end

  rr_arbiter #(.N(NQ)) u_pick (
    .clk_i, .rst_ni, .req_i(want), .advance_i(load), .grant_o(grant_unused), .index_o(pick), .valid_o(any)
  );

  // One read: to the ring end, the page end, the goal and the room; one that is cut for its size ends with a line.
  always_comb begin
    addr        = ctx_i[pick].desc + {45'b0, slot_q[pick], 4'b0};
    to_ring_end = ctx_i[pick].size - {1'b0, slot_q[pick]};
    to_page_end = 16'd256 - {8'b0, addr[11:4]};
    wanted      = goal_i[pick] - fetch_q[pick];
    if (room[pick] < wanted) wanted = room[pick];
    full        = most;
    over        = addr[5:4];                   // a full read that begins inside a line would end inside one
    if (wanted > most) full = most - {14'b0, over};
    count       = (wanted < full) ? wanted : full;
    if (to_ring_end < count) count = to_ring_end;
    if (to_page_end < count) count = to_page_end;
    next_slot   = (count == to_ring_end) ? 16'd0 : {1'b0, slot_q[pick]} + count;

    meta        = '0;
    meta.kind   = RkDesc;
    meta.qid    = 4'(pick);
    meta.slot   = {epoch_q[pick], 2'b0, 10'(fetch_q[pick] & 16'(DEPTH - 1))};
    meta.count  = count[5:0];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      req_valid_q <= 1'b0;
      req_q       <= '0;
    end else if (load) begin
      req_valid_q     <= 1'b1;
      req_q.addr      <= addr;
      req_q.len_bytes <= {count[5:0], 4'b0};
      req_q.meta      <= 32'(meta);
    end else if (rd_ready_i) begin
      req_valid_q <= 1'b0;
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{ctx_i, rewind_here_i, next_slot};

endmodule
