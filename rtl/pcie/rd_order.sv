/// Which answer of an ordered read pool is delivered next. Requests belong to streams (transmit queues) and come in groups
/// (packets). Within a stream answers keep the order of the requests; streams do not wait for each other: a group is begun
/// once all of it has been answered, round robin over the streams, and then delivered without a break. Only a long group
/// (one that its stream's share of tags cannot hold) is begun at its first answer. A dropped stream's answers end here.
module rd_order
  import bug_pkg::*;
  import ringside_pkg::*;
#(
  /// Tags of the pool.
  parameter int unsigned TAGS = 128,
  /// Streams, 1..16.
  parameter int unsigned STREAMS = 1,
  /// Planted bug, 0 = none. Here: 68 one order over all streams.
  parameter int unsigned BUG = 0,
  localparam int unsigned TAG_W = $clog2(TAGS),
  localparam int unsigned STREAM_W = (STREAMS > 1) ? $clog2(STREAMS) : 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// All answers are dropped, of a group under way too.
  input  logic                flush_i,
  /// Answers of the stream are dropped, but for a group under way.
  input  logic [STREAMS-1:0]  drop_i,
  /// A request was issued.
  input  logic                issue_valid_i,
  /// Its tag.
  input  logic [TAG_W-1:0]    issue_tag_i,
  /// Its stream.
  input  logic [STREAM_W-1:0] issue_stream_i,
  /// Last of its group.
  input  logic                issue_last_i,
  /// Its group is long.
  input  logic                issue_long_i,
  /// It asks for nothing: answered at once, as failed.
  input  logic                issue_null_i,
  /// A request was answered.
  input  logic                outcome_valid_i,
  /// Its tag.
  input  logic [TAG_W-1:0]    outcome_tag_i,
  /// How.
  input  rd_status_e          outcome_status_i,
  /// There is an answer to deliver or to drop.
  output logic                next_valid_o,
  /// Its tag; of a delivered one the same from the first beat on, whatever is dropped in between.
  output logic [TAG_W-1:0]    next_tag_o,
  /// How it was answered.
  output rd_status_e          next_status_o,
  /// It is to be dropped.
  output logic                next_drop_o,
  /// It is the first of its group.
  output logic                next_begins_o,
  /// A beat of it goes out, or it is dropped.
  input  logic                next_beat_i,
  /// Nothing is left of it.
  input  logic                next_pop_i,
  /// Requests of the stream are without an answer.
  output logic [STREAMS-1:0]  waiting_o
);

  localparam int unsigned COUNT_W = $clog2(TAGS + 1);

  // Per tag: the next one of its stream, and what is known of it.
  logic [TAG_W-1:0] after_q [TAGS];
  logic [1:0]       status_q [TAGS];
  logic [TAGS-1:0]  known_q, last_q, of_long_q;

  // Per stream: the list, and its answered front, which one walker lengthens by one request a clock.
  logic [STREAMS-1:0][TAG_W-1:0]   head_q, tail_q, walk_q;
  // Requests, those of the front, those of long groups; groups in the front.
  logic [STREAMS-1:0][COUNT_W-1:0] count_q, front_q, long_q, whole_q;
  logic [STREAMS-1:0]              stuck_q, unwalked, answered, dropped, ready, visit, unused_begin;
  logic [STREAM_W-1:0]             issue_stream, visit_stream, begin_stream, drop_stream, stream, lock_q;
  logic                            visiting, step, beginnable, locked_q, dropping;
  logic [TAG_W-1:0]                visit_tag;

  assign issue_stream = planted(BUG, 68) ? '0 : issue_stream_i;

  always_comb begin
    drop_stream = '0;
    for (int unsigned s = 0; s < STREAMS; s++) begin
      answered[s]  = front_q[s] != '0;
      waiting_o[s] = count_q[s] != front_q[s];
      unwalked[s]  = waiting_o[s] && !stuck_q[s];
      dropped[s]   = answered[s] && (flush_i || ((planted(BUG, 68) ? (drop_i == '1) : drop_i[s]) &&
                     !(locked_q && lock_q == STREAM_W'(s))));
      ready[s]     = (whole_q[s] != '0 || (long_q[s] != '0 && answered[s])) && !dropped[s];
      if (dropped[s]) drop_stream = STREAM_W'(s);
    end
  end

  rr_arbiter #(.N(STREAMS)) u_visit (
    .clk_i, .rst_ni, .req_i(unwalked), .advance_i(1'b1), .grant_o(visit), .index_o(visit_stream), .valid_o(visiting)
  );

  // Whoever has no answer at the end of its front waits for that one.
  assign visit_tag = walk_q[visit_stream];
  assign step      = visiting && known_q[visit_tag];

  rr_arbiter #(.N(STREAMS)) u_begin (
    .clk_i, .rst_ni, .req_i(ready), .advance_i(next_beat_i && next_begins_o), .grant_o(unused_begin),
    .index_o(begin_stream), .valid_o(beginnable)
  );

  assign dropping      = dropped != '0;
  assign stream        = dropping ? drop_stream : (locked_q ? lock_q : begin_stream);
  assign next_valid_o  = dropping || (locked_q ? answered[lock_q] : beginnable);
  assign next_drop_o   = dropping;
  assign next_begins_o = !dropping && !locked_q;
  assign next_tag_o    = head_q[stream];
  assign next_status_o = rd_status_e'(status_q[next_tag_o]);

  always_ff @(posedge clk_i) begin
    if (issue_valid_i) last_q[issue_tag_i] <= issue_last_i;
    if (issue_valid_i) of_long_q[issue_tag_i] <= issue_long_i;
    // The tail of an empty list is a tag that may belong to another stream by now.
    if (issue_valid_i && count_q[issue_stream] != '0) after_q[tail_q[issue_stream]] <= issue_tag_i;
    if (outcome_valid_i) status_q[outcome_tag_i] <= outcome_status_i;
    if (issue_valid_i && issue_null_i) status_q[issue_tag_i] <= RdFault;
    if (next_beat_i && !dropping) lock_q <= stream;
    if (!rst_ni) begin
      known_q  <= '0;
      locked_q <= 1'b0;
    end else begin
      if (next_pop_i) known_q[next_tag_o] <= 1'b0;
      if (outcome_valid_i) known_q[outcome_tag_i] <= 1'b1;
      if (issue_valid_i && issue_null_i) known_q[issue_tag_i] <= 1'b1;
      if (flush_i) locked_q <= 1'b0;
      else if (next_beat_i && !dropping) locked_q <= !(next_pop_i && last_q[next_tag_o]);
    end
  end

  logic [TAG_W-1:0] after_head, after_walk;
  assign after_head = after_q[next_tag_o];
  assign after_walk = after_q[visit_tag];

  for (genvar s = 0; s < int'(STREAMS); s++) begin : g_stream
    logic put, take, walk, last_out, last_in;
    assign put      = issue_valid_i && issue_stream == STREAM_W'(s);
    assign take     = next_pop_i && stream == STREAM_W'(s);
    assign walk     = step && visit[s];
    assign last_out = take && last_q[next_tag_o];
    assign last_in  = walk && last_q[visit_tag];

    always_ff @(posedge clk_i) begin
      if (put) tail_q[s] <= issue_tag_i;
      // The list's new first: the next one, or one that comes right now.
      if (take) head_q[s] <= (count_q[s] == COUNT_W'(1)) ? issue_tag_i : after_head;
      else if (put && count_q[s] == '0) head_q[s] <= issue_tag_i;
      // Likewise the first one behind the front.
      if (walk) walk_q[s] <= (count_q[s] == front_q[s] + 1'b1) ? issue_tag_i : after_walk;
      else if (put && !waiting_o[s]) walk_q[s] <= issue_tag_i;
      if (!rst_ni) begin
        count_q[s] <= '0;
        front_q[s] <= '0;
        whole_q[s] <= '0;
        long_q[s]  <= '0;
        stuck_q[s] <= 1'b0;
      end else begin
        count_q[s] <= count_q[s] + COUNT_W'(put) - COUNT_W'(take);
        front_q[s] <= front_q[s] + COUNT_W'(walk) - COUNT_W'(take);
        whole_q[s] <= whole_q[s] + COUNT_W'(last_in) - COUNT_W'(last_out);
        long_q[s]  <= long_q[s] + COUNT_W'(put && issue_long_i) - COUNT_W'(take && of_long_q[next_tag_o]);
        if (outcome_valid_i && outcome_tag_i == walk_q[s]) stuck_q[s] <= 1'b0;
        else if (visit[s] && !step) stuck_q[s] <= 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) if (rst_ni) deliver_answered : assert (!next_beat_i || answered[stream]);

endmodule
