/// Completions of one read pool: finds the request a completion belongs to, checks it, places its payload in the slot,
/// and reports each request once, when its last byte is there or when it failed. Any split, any interleaving, any order
/// across tags, one beat a cycle, never stalling. The pool asks what it knows of a tag by number (entry_*).
module rd_collect
  import bug_pkg::*;
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  /// Tags, a power of two.
  parameter int unsigned TAGS = 128,
  /// The pool of ring reads (see dma_read).
  parameter bit RINGS = 1'b0,
  /// Planted bug, 0 = none. Here: 27 places later completions behind whatever completion came last.
  parameter int unsigned BUG = 0,
  localparam int unsigned TAG_W = $clog2(TAGS),
  localparam int unsigned LANES = DATA_W / 32
) (
  /// Clock.
  input  logic              clk_i,
  /// Synchronous reset, active low.
  input  logic              rst_ni,
  /// Our requester id; completions for another one are strays.
  input  logic [15:0]       bdf_i,
  /// Beat of a completion; always taken.
  input  logic              rc_valid_i,
  /// First beat of its TLP.
  input  logic              rc_first_i,
  /// Last beat of its TLP.
  input  logic              rc_last_i,
  /// Header, with the first beat.
  /* verilator lint_off UNUSED */
  input  tlp_hdr_t          rc_hdr_i,  // completions have three dwords
  /* verilator lint_on UNUSED */
  /// Dwords present.
  input  logic [LANES-1:0]  rc_keep_i,
  /// Payload.
  input  logic [DATA_W-1:0] rc_data_i,
  /// A request left: its tag is outstanding from now on.
  input  logic              issue_valid_i,
  /// The tag.
  input  logic [TAG_W-1:0]  issue_tag_i,
  /// Bytes requested.
  input  logic [9:0]        issue_len_bytes_i,
  /// Asks for the request of this tag.
  output logic [TAG_W-1:0]  entry_tag_o,
  /// Its address bits [8:0].
  input  logic [8:0]        entry_addr_lo_i,
  /// Its length.
  input  logic [9:0]        entry_len_bytes_i,
  /// This tag's time-out passed.
  input  logic              expired_valid_i,
  /// The tag.
  input  logic [TAG_W-1:0]  expired_tag_i,
  /// Time-out noted.
  output logic              expired_ready_o,
  /// Tags whose completion is awaited (or feared, after a time-out).
  output logic [TAGS-1:0]   outstanding_o,
  /// A request has its outcome.
  output logic              outcome_valid_o,
  /// Its tag.
  output logic [TAG_W-1:0]  outcome_tag_o,
  /// The outcome.
  output rd_status_e        outcome_status_o,
  /// A tag that had timed out is clear of late completions.
  output logic              late_clear_valid_o,
  /// The tag.
  output logic [TAG_W-1:0]  late_clear_tag_o,
  /// Beat for the slot memory.
  output logic              slot_we_o,
  /// Its slot.
  output logic [TAG_W-1:0]  slot_tag_o,
  /// Place of lane 0, address bits [8:2].
  output logic [6:0]        slot_place_o,
  /// Lanes present.
  output logic [LANES-1:0]  slot_keep_o,
  /// The dwords.
  output logic [DATA_W-1:0] slot_data_o,
  /// Pulse: a completion nobody waits for was dropped.
  output logic              stray_o,
  /// Pulses for the status register: unsupported request, completer abort, poisoned data received.
  output logic [2:0]        error_o
);

  // Stage 1: the beat as it came.
  logic              s1_valid_q, s1_first_q, s1_last_q;
  /* verilator lint_off UNUSED */
  logic [95:0]       s1_hdr_q;  // attributes, completer id and the like do not matter
  /* verilator lint_on UNUSED */
  logic [LANES-1:0]  s1_keep_q;
  logic [DATA_W-1:0] s1_data_q;

  always_ff @(posedge clk_i) begin
    if (rc_valid_i) begin
      s1_first_q <= rc_first_i;
      s1_last_q  <= rc_last_i;
      s1_hdr_q   <= rc_hdr_i[95:0];
      s1_keep_q  <= rc_keep_i;
      s1_data_q  <= rc_data_i;
    end
    s1_valid_q <= rst_ni && rc_valid_i;
  end

  // What is known of a tag.
  logic [TAGS-1:0] outstanding_q, timed_out_q, poisoned_q;
  logic [9:0]      remaining_q [TAGS];

  // Stage 1, first beat: the verdict on the TLP.
  logic [TAG_W-1:0] tag;
  logic [9:0]       remaining;
  logic [8:0]       start;
  logic [10:0]      dwords;
  logic [12:0]      byte_count, carried;
  logic             mine, live, late, success, malformed, complete, late_final, poisoned;
  logic [6:0]       shared_place_q;
  logic [8:0]       index;          // of the tag in its pool, see dma_read

  assign index       = {s1_hdr_q[23], s1_hdr_q[19]} == 2'b00 ? {2'b00, s1_hdr_q[79:73]} :
                       {s1_hdr_q[23] && !RINGS, s1_hdr_q[79:72]};
  assign tag         = index[TAG_W-1:0];
  assign entry_tag_o = tag;
  assign remaining   = remaining_q[tag];
  assign start       = entry_addr_lo_i + entry_len_bytes_i[8:0] - remaining[8:0];
  assign dwords      = (s1_hdr_q[9:0] == '0) ? 11'd1024 : {1'b0, s1_hdr_q[9:0]};
  assign byte_count  = (s1_hdr_q[43:32] == '0) ? 13'd4096 : {1'b0, s1_hdr_q[43:32]};
  assign success     = s1_hdr_q[47:45] == CplSuccess;
  assign poisoned    = s1_hdr_q[14];
  assign mine        = s1_hdr_q[28:24] == TlpCpl && s1_hdr_q[95:80] == bdf_i &&
                       {1'b0, index} < 10'(TAGS) && outstanding_q[tag];
  assign live        = mine && !timed_out_q[tag];
  assign late        = mine && timed_out_q[tag];
  // Bytes of the request that this payload can hold.
  assign carried     = {dwords, 2'b00} - 13'(start[1:0]);
  assign complete    = carried >= 13'(remaining);
  assign malformed   = success && (!s1_hdr_q[30] || byte_count != 13'(remaining) ||
                       dwords > 11'(dword_count(start[1:0], remaining)));
  assign late_final  = !success || ({dwords, 2'b00} - 13'(s1_hdr_q[65:64])) >= byte_count;

  // Stage 2: payload to the slot; with the last beat, the outcome.
  typedef enum logic [2:0] {
    CplPart, CplDone, CplFailed, CplMalformed, CplLatePart, CplLateFinal, CplStray
  } verdict_e;

  verdict_e          verdict, s2_verdict_q;
  logic              s2_valid_q, s2_last_q;
  logic [TAG_W-1:0]  s2_tag_q;
  logic [6:0]        s2_place_q;
  logic [LANES-1:0]  s2_keep_q;
  logic [DATA_W-1:0] s2_data_q;

  always_comb begin
    verdict = CplStray;
    if (late) verdict = late_final ? CplLateFinal : CplLatePart;
    else if (live && !success) verdict = CplFailed;
    else if (live && malformed) verdict = CplMalformed;
    else if (live) verdict = complete ? CplDone : CplPart;
  end

  always_ff @(posedge clk_i) begin
    if (s1_valid_q) begin
      s2_last_q <= s1_last_q;
      s2_keep_q <= s1_keep_q;
      s2_data_q <= s1_data_q;
      if (s1_first_q) begin
        s2_tag_q     <= tag;
        s2_verdict_q <= verdict;
        s2_place_q   <= (planted(BUG, 27) && remaining != entry_len_bytes_i) ? shared_place_q : start[8:2];
      end else begin
        s2_place_q <= s2_place_q + 7'(LANES);
      end
      if (s1_first_q) begin
        shared_place_q <= start[8:2] + dwords[6:0];
      end
    end
    s2_valid_q <= rst_ni && s1_valid_q;
  end

  assign slot_we_o    = s2_valid_q && (s2_verdict_q == CplPart || s2_verdict_q == CplDone);
  assign slot_tag_o   = s2_tag_q;
  assign slot_place_o = s2_place_q;
  assign slot_keep_o  = s2_keep_q;
  assign slot_data_o  = s2_data_q;

  // A request whose time-out passes while its last completion is inside is late from that moment on; a second final
  // completion right behind the first finds the tag no longer outstanding.
  logic s2_end, s2_live, s2_late_end;
  assign s2_end      = s2_valid_q && s2_last_q;
  assign s2_live     = outstanding_q[s2_tag_q] && !timed_out_q[s2_tag_q];
  assign s2_late_end = s2_end && outstanding_q[s2_tag_q] && timed_out_q[s2_tag_q] &&
                       (s2_verdict_q == CplLateFinal || s2_verdict_q == CplDone || s2_verdict_q == CplFailed);

  always_comb begin
    outcome_valid_o    = 1'b0;
    outcome_tag_o      = s2_tag_q;
    outcome_status_o   = RdFault;
    late_clear_valid_o = s2_late_end;
    late_clear_tag_o   = s2_tag_q;
    expired_ready_o    = !s2_end;
    if (s2_end && s2_live) begin
      outcome_valid_o = s2_verdict_q == CplDone || s2_verdict_q == CplFailed || s2_verdict_q == CplMalformed;
      if (s2_verdict_q == CplDone) outcome_status_o = poisoned_q[s2_tag_q] ? RdPoison : RdOk;
    end else if (!s2_end && expired_valid_i) begin
      outcome_tag_o      = expired_tag_i;
      outcome_status_o   = RdTimeout;
      outcome_valid_o    = !timed_out_q[expired_tag_i];
      late_clear_tag_o   = expired_tag_i;
      late_clear_valid_o = timed_out_q[expired_tag_i];
    end
  end

  assign outstanding_o = outstanding_q;
  assign stray_o       = s2_end && (s2_verdict_q == CplStray || s2_verdict_q == CplLatePart ||
                         s2_verdict_q == CplLateFinal);

  always_ff @(posedge clk_i) begin
    if (s1_valid_q && s1_first_q && live && success && !malformed && !complete) begin
      remaining_q[tag] <= remaining - carried[9:0];
    end
    if (issue_valid_i) remaining_q[issue_tag_i] <= issue_len_bytes_i;
    if (!rst_ni) begin
      outstanding_q <= '0;
      timed_out_q   <= '0;
      poisoned_q    <= '0;
      error_o       <= '0;
    end else begin
      if (s1_valid_q && s1_first_q && live && poisoned) poisoned_q[tag] <= 1'b1;
      // After a malformed completion, and after a time-out, more completions may come: the tag stays in quarantine.
      if (outcome_valid_o) begin
        if (outcome_status_o == RdTimeout || s2_verdict_q == CplMalformed) timed_out_q[outcome_tag_o] <= 1'b1;
        else outstanding_q[outcome_tag_o] <= 1'b0;
      end
      if (late_clear_valid_o) begin
        outstanding_q[late_clear_tag_o] <= 1'b0;
      end
      if (issue_valid_i) begin
        outstanding_q[issue_tag_i] <= 1'b1;
        timed_out_q[issue_tag_i]   <= 1'b0;
        poisoned_q[issue_tag_i]    <= 1'b0;
      end
      error_o <= {s1_valid_q && s1_first_q && live && poisoned,
                  s1_valid_q && s1_first_q && live && s1_hdr_q[47:45] == CplAbort,
                  s1_valid_q && s1_first_q && live && s1_hdr_q[47:45] == CplUnsupported};
    end
  end

  always_ff @(posedge clk_i) if (rst_ni) issue_on_free_tag : assert (
      !issue_valid_i || !outstanding_q[issue_tag_i]);

endmodule
