// Answer of a control command: the acknowledge byte and, for a query, the eight bytes of its result behind it. Keeps
// where the first nine writable bytes of the chain lie, however they are cut, and writes the answer there.
module ctrl_answer
  import ringside_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W = 512,
    localparam int unsigned CW = $clog2(DATA_W / 8) + 1
) (
    /// Clock.
    input  logic              clk_i,
    /// Synchronous reset, active low.
    input  logic              rst_ni,
    /// A new chain begins.
    input  logic              clear_i,
    /// A writable segment of it.
    input  logic              seg_valid_i,
    /// Its address.
    input  logic [63:0]       seg_addr_i,
    /// Its length, not zero.
    input  logic [31:0]       seg_len_i,
    /// Writable bytes found, 0..9.
    output logic [3:0]        room_o,
    /// Write the answer. All segments were shown.
    input  logic              go_i,
    /// Acknowledge in 7:0, result behind it; held until done.
    input  logic [71:0]       answer_i,
    /// Its bytes: 1, or 9 where there is room; held until done.
    input  logic [3:0]        bytes_i,
    /// Pulse: all of it has its place in the request order.
    output logic              done_o,

    /// Write.
    output logic              op_valid_o,
    /// Taken.
    input  logic              op_ready_i,
    /// The write.
    output dma_wr_op_t        op_o,
    /// Its bytes.
    output logic              data_valid_o,
    /// Taken.
    input  logic              data_ready_i,
    /// From lane 0.
    output logic [DATA_W-1:0] data_o,
    /// How many.
    output logic [CW-1:0]     data_bytes_o,
    /// A write has its place in the request order.
    input  logic              op_done_i
);

  localparam logic [3:0] Longest = 4'd9;
  localparam int unsigned Width = (DATA_W > 72) ? 72 : DATA_W;     // bytes of one beat that a piece can have

  typedef enum logic [1:0] {
    Idle  = 2'd0,
    Order = 2'd1,
    Bytes = 2'd2,
    Wait  = 2'd3
  } state_e;

  state_e      state_q;
  logic [63:0] addr_q [16];
  logic [3:0]  len_q [16];
  logic [3:0]  pieces_q, room_q, at_q, sent_q, out_q;    // pieces kept, their bytes; in work, bytes before; writes open
  logic [3:0]  free, keep, left, piece, beat;
  logic [Width-1:0] rest;
  logic        last_beat;
  logic [3:0]  inside_q;                                           // bytes of the piece already handed over

  // What of a segment is of use.
  assign free   = Longest - room_q;
  assign keep   = (seg_len_i < 32'(free)) ? seg_len_i[3:0] : free;
  assign room_o = room_q;

  always_ff @(posedge clk_i) begin
    if (clear_i) begin
      pieces_q <= '0;
      room_q   <= '0;
    end else if (seg_valid_i && keep != '0) begin
      addr_q[pieces_q] <= seg_addr_i;
      len_q[pieces_q]  <= keep;
      pieces_q         <= pieces_q + 4'd1;
      room_q           <= room_q + keep;
    end
  end

  assign left      = bytes_i - sent_q;
  assign piece     = (len_q[at_q] < left) ? len_q[at_q] : left;
  assign rest      = Width'(answer_i >> {sent_q + inside_q, 3'b000});
  assign beat      = (piece - inside_q > 4'(Width / 8)) ? 4'(Width / 8) : piece - inside_q;
  assign last_beat = inside_q + beat == piece;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q  <= Idle;
      at_q     <= '0;
      sent_q   <= '0;
      inside_q <= '0;
      out_q    <= '0;
    end else begin
      out_q <= out_q + 4'(op_valid_o && op_ready_i) - 4'(op_done_i);
      case (state_q)
        Idle: if (go_i) begin
          state_q <= Order;
          at_q    <= '0;
          sent_q  <= '0;
        end
        Order: if (op_ready_i) begin
          state_q  <= Bytes;
          inside_q <= '0;
        end
        Bytes: if (data_ready_i) begin
          inside_q <= inside_q + beat;
          if (last_beat) begin
            at_q    <= at_q + 4'd1;
            sent_q  <= sent_q + piece;
            state_q <= (piece == left) ? Wait : Order;
          end
        end
        Wait: if (done_o) state_q <= Idle;
        default: state_q <= Idle;
      endcase
    end
  end

  assign op_valid_o     = state_q == Order;
  assign op_o.addr      = addr_q[at_q];
  assign op_o.len_bytes = 17'(piece);
  assign op_o.meta      = '0;
  assign data_valid_o   = state_q == Bytes;
  assign data_o         = DATA_W'(rest);
  assign data_bytes_o   = CW'(beat);
  assign done_o         = (state_q == Wait) && (out_q == 4'(op_done_i));

endmodule
