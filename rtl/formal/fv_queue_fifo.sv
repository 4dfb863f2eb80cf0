/// Many FIFOs in one memory: what goes in comes out of the same queue, in order, once, unchanged.
module fv_queue_fifo #(
  /// Queues.
  parameter int unsigned NQ = 2,
  /// Entries of each.
  parameter int unsigned DEPTH = 4,
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  localparam int unsigned AW = $clog2(DEPTH)
) (
  /// Clock.
  input logic          clk_i,
  /// A reset at any time.
  input logic          again_i,
  /// Offered.
  input logic          in_valid_i,
  /// Of this queue.
  input logic [QW-1:0] in_queue_i,
  /// The entry.
  input logic [3:0]    in_data_i,
  /// Queue looked at.
  input logic [QW-1:0] out_queue_i,
  /// Taken.
  input logic          out_ready_i,
  /// Follow the entry that goes in now.
  input logic          follow_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  logic                in_ready, out_valid;
  logic [3:0]          out_data;
  logic [NQ-1:0][AW:0] count;
  queue_fifo #(.W(4), .NQ(NQ), .DEPTH(DEPTH)) u_dut (
    .clk_i, .rst_ni, .in_valid_i, .in_queue_i, .in_ready_o(in_ready), .in_data_i, .out_queue_i, .out_valid_o(out_valid),
    .out_data_o(out_data), .out_ready_i, .count_o(count)
  );

  // Any one queue, and any one entry of it: its data, and how many stand before it.
  logic [QW-1:0] who_q;
  logic          following_q, push, pop;
  logic [3:0]    data_q;
  logic [AW:0]   before_q, count_q;
  always_ff @(posedge clk_i) who_q <= who_q;
  assign push = in_valid_i && in_ready && in_queue_i == who_q;
  assign pop  = out_valid && out_ready_i && out_queue_i == who_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      following_q <= 1'b0;
      count_q     <= '0;
    end else begin
      count_q <= count_q + (AW + 1)'(push) - (AW + 1)'(pop);
      if (following_q) begin
        if (pop) before_q <= before_q - 1'b1;
        if (pop && before_q == '0) following_q <= 1'b0;
      end else if (push && follow_i) begin
        following_q <= 1'b1;
        data_q      <= in_data_i;
        before_q    <= count_q - (AW + 1)'(pop);
      end
    end
  end

  logic [AW-1:0] place;
  assign place = u_dut.get_q[who_q][AW-1:0] + before_q[AW-1:0];

  always_ff @(posedge clk_i) begin
    who_exists : assume (32'(who_q) < NQ && 32'(in_queue_i) < NQ && 32'(out_queue_i) < NQ);
    if (rst_ni) begin
      // contract: in order, once, unchanged
      comes_out : assert (!(following_q && before_q == '0 && out_queue_i == who_q) || (out_valid && out_data == data_q));
      // contract: the count is what went in and did not come out
      counts : assert (count[who_q] == count_q);
      // contract: no more than there is room for, and as much as that
      room : assert (32'(count_q) <= DEPTH && (in_queue_i != who_q || in_ready == (32'(count_q) != DEPTH)));
      // contract: an entry is offered as long as there is one
      offered : assert (out_queue_i != who_q || out_valid == (count_q != '0));
      // invariant: the entry followed is among those held, and lies where its turn is
      held : assert (!following_q || (before_q < count_q && u_dut.mem_q[{who_q, place}] == data_q));
      full : cover (32'(count_q) == DEPTH && following_q && 32'(before_q) == DEPTH - 1);
      out : cover (following_q && pop && before_q == '0);
    end
  end

endmodule
