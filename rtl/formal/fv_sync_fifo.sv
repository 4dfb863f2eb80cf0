/// FIFO of any depth, with the skid buffer in front of it: what goes in comes out, in order, once, unchanged.
module fv_sync_fifo #(
  /// Words of the FIFO.
  parameter int unsigned DEPTH = 3
) (
  /// Clock.
  input logic       clk_i,
  /// A reset at any time.
  input logic       again_i,
  /// Offered.
  input logic       in_valid_i,
  /// The word.
  input logic [3:0] in_data_i,
  /// Taken.
  input logic       out_ready_i,
  /// Follow the word that goes in now.
  input logic       follow_i
);

  localparam int unsigned CW = $clog2(DEPTH + 1) + 2;

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  logic       in_ready, mid_valid, mid_ready, out_valid;
  logic [3:0] mid_data, out_data;
  logic [$clog2(DEPTH+1)-1:0] count;
  skid_buffer #(.W(4)) u_skid (
    .clk_i, .rst_ni, .in_valid_i, .in_ready_o(in_ready), .in_data_i, .out_valid_o(mid_valid), .out_ready_i(mid_ready), .out_data_o(mid_data)
  );
  sync_fifo #(.W(4), .DEPTH(DEPTH)) u_fifo (
    .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(mid_valid), .in_ready_o(mid_ready), .in_data_i(mid_data), .out_valid_o(out_valid),
    .out_ready_i, .out_data_o(out_data), .count_o(count)
  );

  // Words inside, and any one of them: its data, and how many stand before it.
  logic          following_q, push, pop, waits_q, mid_waits_q;
  logic [3:0]    data_q, offered_q, mid_offered_q;
  logic [CW-1:0] before_q, count_q;
  assign push = in_valid_i && in_ready;
  assign pop  = out_valid && out_ready_i;
  always_ff @(posedge clk_i) begin
    waits_q       <= rst_ni && out_valid && !out_ready_i;
    offered_q     <= out_data;
    mid_waits_q   <= rst_ni && mid_valid && !mid_ready;
    mid_offered_q <= mid_data;
    if (!rst_ni) begin
      following_q <= 1'b0;
      count_q     <= '0;
    end else begin
      count_q <= count_q + CW'(push) - CW'(pop);
      if (following_q) begin
        if (pop) before_q <= before_q - 1'b1;
        if (pop && before_q == '0) following_q <= 1'b0;
      end else if (push && follow_i) begin
        following_q <= 1'b1;
        data_q      <= in_data_i;
        before_q    <= count_q - CW'(pop);
      end
    end
  end

  logic [CW-1:0] turn;
  logic [3:0]    there;
  assign turn = CW'(u_fifo.rptr_q) + before_q;
  always_comb begin
    if (before_q < CW'(count))       there = u_fifo.mem_q[(turn >= CW'(DEPTH)) ? turn - CW'(DEPTH) : turn];
    else if (before_q == CW'(count)) there = u_skid.out_q;
    else                             there = u_skid.skid_q;
  end

  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      // contract: in order, once, unchanged
      comes_out : assert (!(following_q && before_q == '0 && out_valid) || out_data == data_q);
      // contract: nothing is lost: while words are inside, some move or one is offered
      moves : assert (count_q == '0 || out_valid || mid_valid);
      // contract: a word offered stays until it is taken
      stable : assert (!waits_q || (out_valid && out_data == offered_q));
      // contract: likewise between the two
      stable_mid : assert (!mid_waits_q || (mid_valid && mid_data == mid_offered_q));
      // contract: the count of the FIFO is never more than its words
      bounded : assert (32'(count) <= DEPTH && 32'(count_q) <= DEPTH + 2);
      // invariant: what is inside is in one of the two
      counts : assert (count_q == CW'(count) + CW'(u_skid.out_valid_q) + CW'(u_skid.skid_valid_q) && (!u_skid.skid_valid_q || u_skid.out_valid_q));
      // invariant: pointers and count agree
      pointers : assert (32'(u_fifo.rptr_q) < DEPTH && 32'(u_fifo.wptr_q) < DEPTH
          && (CW'(u_fifo.rptr_q) + CW'(count) == CW'(u_fifo.wptr_q) || CW'(u_fifo.rptr_q) + CW'(count) == CW'(u_fifo.wptr_q) + CW'(DEPTH))
          && (32'(count) != DEPTH || u_fifo.rptr_q == u_fifo.wptr_q) && (count != '0 || u_fifo.rptr_q == u_fifo.wptr_q));
      // invariant: the word followed lies where its turn is
      held : assert (!following_q || (before_q < count_q && there == data_q));
      full : cover (32'(count_q) == DEPTH + 2 && following_q && 32'(before_q) == DEPTH + 1);
      out : cover (following_q && pop && before_q == '0);
    end
  end

endmodule
