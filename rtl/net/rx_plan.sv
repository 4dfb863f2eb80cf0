// Receive planning: gives each frame, in arrival order, the chains it goes into, or drops it with a reason.
// A frame is planned when its queue has the room for all of it; until then it waits a bounded time, holding up the
// frames behind it. Chains are looked at before they are taken, so a dropped frame costs the driver no buffer.
module rx_plan
  import bug_pkg::*;
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Receive queues.
    parameter int unsigned NQ             = 4,
    /// Clocks a frame waits for buffers; 0 = for ever.
    parameter int unsigned RX_WAIT_CYCLES = 65536,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG            = 0,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// MRG_RXBUF is negotiated.
    input  logic                mergeable_i,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0]       run_i,
    /// Suspended: frames wait where they are, however long.
    input  logic                hold_i,
    /// Published chains per queue.
    input  logic [NQ-1:0][15:0] chain_count_i,
    /// Queue of the peek and pop.
    output logic [QW-1:0]       peek_queue_o,
    /// Chain looked at, 0 = oldest.
    output logic [15:0]         peek_index_o,
    /// Removes the oldest chain record.
    output logic                chain_pop_o,
    /// The record, one cycle later.
    input  chain_t              peek_chain_i,
    /// Freezes a queue: its chain is no receive buffer.
    output logic                device_error_valid_o,
    /// That queue.
    output logic [QW-1:0]       device_error_queue_o,
    /// Oldest frame.
    input  logic                frame_valid_i,
    /// Frame decided.
    output logic                frame_ready_o,
    /// Its record.
    input  rx_frame_t           frame_i,
    /// Order to the frame buffer's reader.
    output logic                packet_valid_o,
    /// Taken.
    input  logic                packet_ready_i,
    /// The order.
    output rx_packet_t          packet_o,
    /// Chain for the frame.
    output logic                chain_valid_o,
    /// Taken.
    input  logic                chain_ready_i,
    /// Its queue.
    output logic [QW-1:0]       chain_queue_o,
    /// The chain.
    output rx_chain_t           chain_o,
    /// Queue that is being planned for.
    output logic [NQ-1:0]       busy_o,
    /// A frame was dropped.
    output logic                drop_o,
    /// Why.
    output drop_reason_e        drop_reason_o
);

  typedef enum logic [2:0] {
    Idle  = 3'd0,      // look at the oldest chain
    Judge = 3'd1,      // its record is there: enough?
    More  = 3'd2,      // look at the next one, waiting for it if need be
    Order = 3'd3,      // several chains suffice: tell the reader
    Take  = 3'd4,      // look at the oldest chain of the plan again
    Give  = 3'd5       // take it and hand it on
  } state_e;

  state_e        state_q, state_d;
  logic [QW-1:0] queue;
  logic [16:0]   total, left_q, left_d, share;
  logic [31:0]   sum_q, sum_d, sum;
  logic [15:0]   seen_q, seen_d;
  logic [31:0]   wait_q;
  logic          runs, no_buffer, enough, single, late, lost;
  drop_reason_e  reason;

  assign queue     = frame_i.pair[QW-1:0];
  assign runs      = run_i[queue];
  assign total     = frame_i.bytes + 17'(NetHdrBytes);
  assign sum       = sum_q + ((peek_chain_i.writable_bytes[31:17] != '0) ? 32'h1_ffff : peek_chain_i.writable_bytes);
  assign no_buffer = (peek_chain_i.writable_bytes == '0) || (peek_chain_i.readable_bytes != '0);
  assign enough    = sum >= 32'(total);
  assign single    = seen_q == 16'd0;
  assign late      = (RX_WAIT_CYCLES != 0) && (wait_q >= 32'(RX_WAIT_CYCLES));
  // A queue that stops while chains are taken leaves the rest of the packet without a place.
  assign lost      = !runs;
  assign share     = (peek_chain_i.writable_bytes < 32'(left_q)) ? peek_chain_i.writable_bytes[16:0] : left_q;

  assign peek_queue_o         = queue;
  assign device_error_queue_o = queue;
  assign chain_queue_o        = queue;

  always_comb begin
    state_d              = state_q;
    sum_d                = sum_q;
    seen_d               = seen_q;
    left_d               = left_q;
    peek_index_o         = 16'd0;
    chain_pop_o          = 1'b0;
    device_error_valid_o = 1'b0;
    frame_ready_o        = 1'b0;
    packet_valid_o       = 1'b0;
    chain_valid_o        = 1'b0;
    reason               = DropNone;
    chain_o.id           = peek_chain_i.id;
    chain_o.slots        = peek_chain_i.slots;
    chain_o.segments     = peek_chain_i.segments;
    chain_o.bytes        = total;
    chain_o.more         = 1'b0;
    packet_o.drop        = 1'b0;
    packet_o.bytes       = frame_i.bytes;
    packet_o.num_buffers = seen_q + 16'd1 - 16'(planted(BUG, 20));

    unique case (state_q)
      Idle: begin
        sum_d  = '0;
        seen_d = '0;
        if (frame_valid_i && !hold_i) begin
          if (frame_i.reason != DropNone) reason = frame_i.reason;
          else if (!runs) reason = DropNotRunning;
          else if (chain_count_i[queue] != 16'd0) state_d = Judge;
          else if (late) reason = DropNoBuffers;
        end
      end
      Judge: begin
        peek_index_o = seen_q;
        if (!runs) begin
          state_d = Idle;
        end else if (no_buffer) begin
          device_error_valid_o = 1'b1;
          state_d              = Idle;
        end else if (!enough && !mergeable_i) begin
          reason = DropTooLarge;
        end else if (!enough) begin
          sum_d   = sum;
          seen_d  = seen_q + 16'd1;
          state_d = More;
        end else if (single) begin
          packet_valid_o = chain_ready_i;
          chain_valid_o  = packet_ready_i;
          if (packet_ready_i && chain_ready_i) begin
            chain_pop_o   = 1'b1;
            frame_ready_o = 1'b1;
            state_d       = Idle;
          end
        end else begin
          state_d = Order;
        end
      end
      More: begin
        peek_index_o = seen_q;
        if (!runs || hold_i) state_d = Idle;
        else if (chain_count_i[queue] > seen_q) state_d = Judge;
        else if (late) reason = DropNoBuffers;
      end
      Order: begin
        packet_valid_o = 1'b1;
        left_d         = total;
        if (packet_ready_i) state_d = Take;
      end
      Take: begin
        state_d = Give;
      end
      Give: begin
        chain_valid_o = 1'b1;
        chain_o.bytes = lost ? left_q : share;
        chain_o.more  = !lost && (share != left_q);
        if (chain_ready_i) begin
          chain_pop_o   = !lost;
          left_d        = left_q - chain_o.bytes;
          state_d       = chain_o.more ? Take : Idle;
          frame_ready_o = !chain_o.more;
        end
      end
      default: state_d = Idle;
    endcase

    if (reason != DropNone) begin
      packet_valid_o = 1'b1;
      packet_o.drop  = 1'b1;
      frame_ready_o  = packet_ready_i;
      state_d        = packet_ready_i ? Idle : state_q;
    end
  end

  assign drop_o        = (reason != DropNone) && packet_ready_i;
  assign drop_reason_o = reason;

  always_comb begin
    busy_o        = '0;
    busy_o[queue] = state_q != Idle;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Idle;
      wait_q  <= '0;
    end else begin
      state_q <= state_d;
      if (frame_ready_o || !frame_valid_i) wait_q <= '0;
      else if (!late && !hold_i) wait_q <= wait_q + 32'd1;
    end
    sum_q  <= sum_d;
    seen_q <= seen_d;
    left_q <= left_d;
  end

endmodule
