// Which answer of an unordered read pool is next: its clients take turns, an answer each, oldest first. A client that
// takes answers slower than they come (descriptors are cut one a clock) so holds up the others by one answer, not by
// all of its answers that came before theirs.
module rd_turns
  import ringside_pkg::*;
#(
  /// Tags.
  parameter int unsigned TAGS = 256,
  /// Clients, a power of two.
  parameter int unsigned CLIENTS = 4,
  localparam int unsigned TAG_W = $clog2(TAGS),
  localparam int unsigned CW = $clog2(CLIENTS)
) (
  /// Clock.
  input  logic             clk_i,
  /// Synchronous reset, active low.
  input  logic             rst_ni,
  /// A request leaves.
  input  logic             issue_valid_i,
  /// Its tag.
  input  logic [TAG_W-1:0] issue_tag_i,
  /// Its client.
  input  logic [CW-1:0]    issue_client_i,
  /// A request is answered.
  input  logic             outcome_valid_i,
  /// Its tag.
  input  logic [TAG_W-1:0] outcome_tag_i,
  /// How it ended.
  input  rd_status_e       outcome_status_i,
  /// There is one to be delivered.
  output logic             next_valid_o,
  /// Its tag.
  output logic [TAG_W-1:0] next_tag_o,
  /// How it ended.
  output rd_status_e       next_status_o,
  /// A beat of it is read.
  input  logic             next_beat_i,
  /// That was its last one.
  input  logic             next_pop_i
);

  logic [CW-1:0]             client_q [TAGS];
  logic [CLIENTS-1:0][TAG_W:0] count;
  logic [CLIENTS-1:0]        some, grant_unused;
  logic [CW-1:0]             turn, pick, pick_q;
  logic                      begun_q, any_unused, room;
  logic [1:0]                status;

  always_ff @(posedge clk_i) if (issue_valid_i) client_q[issue_tag_i] <= issue_client_i;

  for (genvar c = 0; c < int'(CLIENTS); c++) begin : gen_client
    assign some[c] = (count[c] != '0);
  end

  // An answer that has begun goes on to its end.
  rr_arbiter #(.N(CLIENTS)) u_turn (
    .clk_i, .rst_ni, .req_i(some), .advance_i(next_beat_i && !begun_q), .grant_o(grant_unused), .index_o(turn),
    .valid_o(any_unused)
  );

  assign pick = begun_q ? pick_q : turn;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      begun_q <= 1'b0;
      pick_q  <= '0;
    end else if (next_beat_i) begin
      begun_q <= !next_pop_i;
      pick_q  <= pick;
    end
  end

  queue_fifo #(.W(TAG_W + 2), .NQ(CLIENTS), .DEPTH(TAGS)) u_done (
    .clk_i, .rst_ni, .in_valid_i(outcome_valid_i), .in_queue_i(client_q[outcome_tag_i]), .in_ready_o(room),
    .in_data_i({outcome_status_i, outcome_tag_i}), .out_queue_i(pick), .out_valid_o(next_valid_o),
    .out_data_o({status, next_tag_o}), .out_ready_i(next_pop_i), .count_o(count)
  );

  assign next_status_o = rd_status_e'(status);

  always_ff @(posedge clk_i) if (rst_ni) done_room : assert (!outcome_valid_i || room);

endmodule
