/// Shares of the payload tags. Every running queue has a part of its own, T / (4 NQ) of the T tags in force rounded down to a
/// power of two; the rest is for whoever needs it. A chain is let in when there are tags for all of its reads, so no queue's
/// unanswered reads ever stand in the way of another's. A queue that the rest cannot serve is the next to get of it, so
/// that chains of many reads do not starve beside chains of few. What a queue that starts finds taken it gets as it comes back.
module tx_shares #(
  /// Queues.
  parameter int unsigned NQ = 4,
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic                 clk_i,
  /// Synchronous reset, active low.
  input  logic                 rst_ni,
  /// Tags in force.
  input  logic [9:0]           tags_i,
  /// Queue is enabled and not frozen.
  input  logic [NQ-1:0]        run_i,
  /// A chain asks to be let in.
  input  logic                 ask_valid_i,
  /// Of this queue.
  input  logic [QW-1:0]        ask_queue_i,
  /// Reads it takes at most.
  input  logic [16:0]          ask_reads_i,
  /// It may come in.
  output logic                 ask_ok_o,
  /// Tags kept for it.
  output logic [9:0]           ask_tags_o,
  /// More reads than the queue can ever have outstanding: it gets a quarter of that, and one tag at a time beyond.
  output logic                 ask_long_o,
  /// It comes in.
  input  logic                 admit_i,
  /// Queue that asks for one more tag.
  input  logic [QW-1:0]        more_queue_i,
  /// There is one.
  output logic                 more_ok_o,
  /// Takes it.
  input  logic                 more_take_i,
  /// All of a long packet is asked for, or it ended before it began.
  input  logic                 long_over_i,
  /// A long packet is being asked for: no chain may come in.
  output logic                 closed_o,
  /// Tags kept for a chain that did not need them, two sources.
  input  logic [1:0][9:0]      back_tags_i,
  /// Their queues.
  input  logic [1:0][QW-1:0]   back_queue_i,
  /// Tags that are free again.
  input  logic [1:0]           freed_i,
  /// Whose they were.
  input  logic [1:0][QW-1:0]   freed_queue_i,
  /// Something came back, or a wait ended: ask again.
  output logic                 news_o
);

  localparam int unsigned OwnShift = $clog2(4 * NQ);

  logic [NQ-1:0][9:0] used_q, own, own_left;
  logic [9:0]         part, all_used, all_left, rest, rest_used, limit, rest_left, ask_room, more_room;
  logic               waiting_q, waiter_gone, closed_q;
  logic [QW-1:0]      waiter_q;

  always_comb begin
    part      = ((tags_i >> OwnShift) == '0) ? 10'd1 : (tags_i >> OwnShift);
    rest      = tags_i;
    rest_used = '0;
    all_used  = '0;
    for (int unsigned q = 0; q < NQ; q++) begin
      // The queue whose packet is being asked for keeps its part to the end: all others stand behind it.
      own[q]      = (run_i[q] || more_queue_i == QW'(q)) ? part : 10'd0;
      own_left[q] = (used_q[q] < own[q]) ? (own[q] - used_q[q]) : 10'd0;
      rest       -= own[q];
      rest_used  += used_q[q] + own_left[q] - own[q];
      all_used   += used_q[q];
    end
  end

  // None left while the host has just turned long tags off.
  assign all_left   = (all_used < tags_i) ? (tags_i - all_used) : 10'd0;
  assign limit      = rest + part;
  assign rest_left  = (rest_used < rest) ? (rest - rest_used) : 10'd0;
  assign ask_long_o = ask_reads_i > 17'(limit);
  assign ask_tags_o = !ask_long_o ? ask_reads_i[9:0] : (limit < 10'd4) ? 10'd1 : (limit >> 2);
  assign ask_room   = own_left[ask_queue_i] + ((waiting_q && waiter_q != ask_queue_i) ? 10'd0 : rest_left);
  assign ask_ok_o   = ask_tags_o <= ask_room && ask_tags_o <= all_left;
  assign more_room  = own_left[more_queue_i] + rest_left;
  assign more_ok_o  = more_room != '0 && all_left != '0 && !admit_i;

  assign closed_o    = closed_q;
  assign waiter_gone = waiting_q && (!run_i[waiter_q] || (admit_i && ask_queue_i == waiter_q));
  assign news_o      = waiter_gone || freed_i != '0 || back_tags_i != '0;

  always_ff @(posedge clk_i) begin
    if (ask_valid_i && !ask_ok_o && !waiting_q) waiter_q <= ask_queue_i;
    if (!rst_ni) waiting_q <= 1'b0;
    else if (waiter_gone) waiting_q <= 1'b0;
    else if (ask_valid_i && !ask_ok_o) waiting_q <= 1'b1;
  end

  // Requests leave in one line. A chain that came in behind a long packet would keep tags that the long one lives on, and yet
  // have to wait for it.
  always_ff @(posedge clk_i) begin
    if (!rst_ni || long_over_i) closed_q <= 1'b0;
    else if (admit_i && ask_long_o) closed_q <= 1'b1;
  end

  for (genvar q = 0; q < int'(NQ); q++) begin : g_queue
    logic [9:0] gets, gives;

    always_comb begin
      gets  = ((admit_i && ask_queue_i == QW'(q)) ? ask_tags_o : 10'd0) + 10'(more_take_i && more_queue_i == QW'(q));
      gives = '0;
      for (int unsigned i = 0; i < 2; i++) begin
        gives += ((back_queue_i[i] == QW'(q)) ? back_tags_i[i] : 10'd0) + 10'(freed_i[i] && freed_queue_i[i] == QW'(q));
      end
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) used_q[q] <= '0;
      else used_q[q] <= used_q[q] + gets - gives;
    end

    always_ff @(posedge clk_i) if (rst_ni) gives_what_it_has : assert (gives <= used_q[q] + gets);
  end

endmodule
