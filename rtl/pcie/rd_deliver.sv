/// Delivery of one read pool: takes requests whose outcome is known, in the order of their streams or as they come, reads
/// their slots and gives their bytes to the client, lane 0 first, one beat a cycle without gaps.
module rd_deliver
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  /// Tags, a power of two.
  parameter int unsigned TAGS = 128,
  /// 0: answers as they complete (see rd_turns); else so many streams (see rd_order). Meta: 3:0 stream, 4 last of its group, 5 long group.
  parameter int unsigned STREAMS = 0,
  /// Planted bug, 0 = none (see rd_order).
  parameter int unsigned BUG = 0,
  localparam int unsigned TAG_W = $clog2(TAGS),
  localparam int unsigned STREAM_W = (STREAMS > 1) ? $clog2(STREAMS) : 1,
  localparam int unsigned STREAM_N = (STREAMS > 1) ? STREAMS : 1,
  localparam int unsigned LANES = DATA_W / 32
) (
  /// Clock.
  input  logic              clk_i,
  /// Synchronous reset, active low.
  input  logic              rst_ni,
  /// Swallow: answers end here without reaching the client.
  input  logic              flush_i,
  /// Likewise for single streams, but for a group under way.
  input  logic [STREAM_N-1:0] drop_i,
  /// A request left.
  input  logic              issue_valid_i,
  /// Its tag.
  input  logic [TAG_W-1:0]  issue_tag_i,
  /// Its meta, the lower bits.
  /* verilator lint_off UNUSED */
  input  logic [5:0]        issue_meta_i,  // as much of it as there are streams
  /// Its client: answers as they complete are given to the clients in turn.
  input  logic [1:0]        issue_client_i,
  /* verilator lint_on UNUSED */
  /// It asks for nothing: answered at once, as failed (streams only).
  input  logic              issue_null_i,
  /// A request has its outcome.
  input  logic              outcome_valid_i,
  /// Its tag.
  input  logic [TAG_W-1:0]  outcome_tag_i,
  /// The outcome.
  input  rd_status_e        outcome_status_i,
  /// Asks for the request of this tag.
  output logic [TAG_W-1:0]  entry_tag_o,
  /// Its address bits [8:0].
  input  logic [8:0]        entry_addr_lo_i,
  /// Its length.
  input  logic [9:0]        entry_len_bytes_i,
  /// Its meta.
  input  logic [31:0]       entry_meta_i,
  /// Reads the slot of entry_tag_o.
  output logic              slot_re_o,
  /// Place of lane 0, address bits [8:2].
  output logic [6:0]        slot_place_o,
  /// The dwords, one cycle later.
  input  logic [DATA_W-1:0] slot_data_i,
  /// The request of entry_tag_o is through; its slot may be used again.
  output logic              delivered_o,
  /// It is through with this status.
  output rd_status_e        delivered_status_o,
  /// The first beat of a group is read, or the request of entry_tag_o is dropped (streams only).
  output logic              taken_o,
  /// The latter.
  output logic              taken_drop_o,
  /// Requests of the stream are without an answer.
  output logic [STREAM_N-1:0] waiting_o,
  /// Beat offered to the client.
  output logic              rsp_valid_o,
  /// Beat taken.
  input  logic              rsp_ready_i,
  /// Head of the beat.
  output dma_rd_rsp_t       rsp_o,
  /// Data of the beat.
  output logic [DATA_W-1:0] rsp_data_o
);

  // Which request is next.
  logic             next_valid, next_pop, next_drop, next_begins, s0_fire;
  rd_status_e       next_status;
  logic [TAG_W-1:0] next_tag;

  if (STREAMS != 0) begin : g_ordered
    rd_order #(
      .TAGS   (TAGS),
      .STREAMS(STREAMS),
      .BUG    (BUG)
    ) u_order (
      .clk_i,
      .rst_ni,
      .flush_i,
      .drop_i,
      .issue_valid_i,
      .issue_tag_i,
      .issue_stream_i  (issue_meta_i[STREAM_W-1:0]),
      .issue_last_i    (issue_meta_i[4]),
      .issue_long_i    (issue_meta_i[5]),
      .issue_null_i,
      .outcome_valid_i,
      .outcome_tag_i,
      .outcome_status_i,
      .next_valid_o    (next_valid),
      .next_tag_o      (next_tag),
      .next_status_o   (next_status),
      .next_drop_o     (next_drop),
      .next_begins_o   (next_begins),
      .next_beat_i     (s0_fire),
      .next_pop_i      (next_pop),
      .waiting_o
    );
  end else begin : g_as_they_come
    /* verilator lint_off UNUSED */
    logic unused_issue;
    assign unused_issue = ^{issue_meta_i, issue_null_i, drop_i};
    /* verilator lint_on UNUSED */

    rd_turns #(
      .TAGS(TAGS)
    ) u_turns (
      .clk_i,
      .rst_ni,
      .issue_valid_i,
      .issue_tag_i,
      .issue_client_i,
      .outcome_valid_i,
      .outcome_tag_i,
      .outcome_status_i,
      .next_valid_o    (next_valid),
      .next_tag_o      (next_tag),
      .next_status_o   (next_status),
      .next_beat_i     (s0_fire),
      .next_pop_i      (next_pop)
    );

    assign next_drop   = flush_i;
    assign next_begins = 1'b1;
    assign waiting_o   = '0;
  end

  // Stage 0: slot read. Stage 1: slot data. Stage 2: the beat on offer.
  logic        s0_last, s1_move, s2_move;
  logic [7:0]  beat_dw_q;    // dwords already read
  logic        s1_valid_q, s2_valid_q;
  dma_rd_rsp_t s1_rsp_q, s2_rsp_q;
  logic [DATA_W-1:0] s2_data_q;

  assign entry_tag_o  = next_tag;
  assign s2_move      = !s2_valid_q || rsp_ready_i;
  assign s1_move      = !s1_valid_q || s2_move;
  assign s0_fire      = next_valid && (s1_move || next_drop);
  assign s0_last      = next_status != RdOk || next_drop ||
                        9'(beat_dw_q) + 9'(LANES) >= 9'(dword_count(entry_addr_lo_i[1:0], entry_len_bytes_i));
  assign next_pop     = s0_fire && s0_last;
  assign slot_re_o    = s0_fire && !next_drop;
  assign slot_place_o = entry_addr_lo_i[8:2] + beat_dw_q[6:0];

  assign delivered_o        = next_pop;
  assign delivered_status_o = next_status;
  assign taken_o            = s0_fire && (next_begins || next_drop);
  assign taken_drop_o       = next_drop;

  always_ff @(posedge clk_i) begin
    if (slot_re_o) begin
      s1_rsp_q <= '{meta: entry_meta_i, first: beat_dw_q == '0, last: s0_last, status: next_status};
    end
    if (s2_move && s1_valid_q) begin
      s2_rsp_q  <= s1_rsp_q;
      s2_data_q <= slot_data_i;
    end
    if (!rst_ni) begin
      beat_dw_q  <= '0;
      s1_valid_q <= 1'b0;
      s2_valid_q <= 1'b0;
    end else begin
      if (slot_re_o) beat_dw_q <= s0_last ? '0 : beat_dw_q + 8'(LANES);
      if (s1_move) s1_valid_q <= slot_re_o;
      if (s2_move) s2_valid_q <= s1_valid_q;
      if (flush_i) begin
        beat_dw_q  <= '0;
        s1_valid_q <= 1'b0;
        s2_valid_q <= 1'b0;
      end
    end
  end

  assign rsp_valid_o = s2_valid_q && !flush_i;
  assign rsp_o       = s2_rsp_q;
  assign rsp_data_o  = s2_data_q;

endmodule
