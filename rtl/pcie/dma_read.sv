/// Read pool: many outstanding memory reads, one MRd TLP per request, reassembly in a slot per tag. Takes one request,
/// one completion beat and gives one answer beat every cycle. See README.md for the rules of its ports.
module dma_read
  import bug_pkg::*;
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  /// Requests outstanding at most with 10-bit tags, a power of two, 32..512 (rings: 256); 128 with 8-bit, 16 with 5-bit tags.
  parameter int unsigned TAGS = 128,
  /// Which of the two pools this is. Bit 0 of every 5- and 8-bit tag; 10-bit tags: T[9:8] = 10 rings, 01 and 11 payload.
  parameter bit RINGS = 1'b0,
  /// 0: answers as they complete; else so many streams with an order each (see rd_order). Meta: 3:0 stream, 4 last of its
  /// group, 5 long group; a request of no bytes is no read: it is answered at once, as failed.
  parameter int unsigned STREAMS = 0,
  /// Completion time-out in cycles for the default range, >= 256.
  parameter int unsigned TIMEOUT_CYCLES = 65536,
  /// Planted bug, 0 = none. Here: 24 a failed completion leaks its tag; 70 the request on offer is not waited for; 27 in
  /// rd_collect, 68 in rd_order.
  parameter int unsigned BUG = 0,
  localparam int unsigned LANES = DATA_W / 32
) (
  /// Clock.
  input  logic              clk_i,
  /// Synchronous reset, active low.
  input  logic              rst_ni,
  /// Requester id.
  input  logic [15:0]       bdf_i,
  /// 8-bit tags enabled.
  input  logic              ext_tag_i,
  /// 10-bit tags enabled.
  input  logic              ten_bit_i,
  /// Max_Read_Request_Size code (asserted, not enforced: requests come cut).
  input  logic [2:0]        mrrs_i,
  /// Completion Timeout Value.
  input  logic [3:0]        timeout_range_i,
  /// Completion Timeout Disable.
  input  logic              timeout_disable_i,
  /// Reset: take no requests, swallow answers.
  input  logic              flush_i,
  /// Answers of these streams are swallowed, but for a group under way.
  /* verilator lint_off UNUSED */
  input  logic [15:0]       drop_i,  // as many as there are streams
  /* verilator lint_on UNUSED */
  /// What becomes of the streams' requests.
  output stream_state_t     streams_o,
  /// Nothing outstanding, nothing on offer.
  output logic              idle_o,
  /// Request offered.
  input  logic              req_valid_i,
  /// Request taken.
  output logic              req_ready_o,
  /// The request.
  input  dma_rd_req_t       req_i,
  /// Answer beat offered.
  output logic              rsp_valid_o,
  /// Answer beat taken.
  input  logic              rsp_ready_i,
  /// Head of the beat.
  output dma_rd_rsp_t       rsp_o,
  /// Data of the beat.
  output logic [DATA_W-1:0] rsp_data_o,
  /// MRd offered (one beat). Withdrawn by flush_i.
  output logic              tlp_valid_o,
  /// MRd taken: its place in the request order is fixed.
  input  logic              tlp_ready_i,
  /// Its header.
  output tlp_hdr_t          tlp_hdr_o,
  /// Completion beat; always taken.
  input  logic              rc_valid_i,
  /// First beat of its TLP.
  input  logic              rc_first_i,
  /// Last beat of its TLP.
  input  logic              rc_last_i,
  /// Header, with the first beat.
  input  tlp_hdr_t          rc_hdr_i,
  /// Dwords present.
  input  logic [LANES-1:0]  rc_keep_i,
  /// Payload.
  input  logic [DATA_W-1:0] rc_data_i,
  /// Pulse: a completion nobody waits for was dropped.
  output logic              stray_o,
  /// Pulses {poisoned, completer abort, unsupported request} received.
  output logic [2:0]        error_o
);

  localparam int unsigned TAG_W = $clog2(TAGS);
  localparam int unsigned STREAM_N = (STREAMS > 1) ? STREAMS : 1;

  typedef struct packed {
    logic [8:0]  addr_lo;
    logic [9:0]  len_bytes;
    logic [31:0] meta;
  } entry_t;

  // The request on offer as a TLP.
  logic             req_valid_q, tag_valid, issue, null_request;
  dma_rd_req_t      req_q;
  logic [TAG_W-1:0] tag;
  logic [8:0]       index;
  logic [9:0]       tlp_tag;

  always_comb begin
    index   = 9'(tag);
    tlp_tag = {2'b00, index[6:0], RINGS};
    if (ten_bit_i) tlp_tag = RINGS ? {2'b10, index[7:0]} : {index[8], 1'b1, index[7:0]};
  end

  assign null_request = STREAMS != 0 && req_q.len_bytes == '0;
  assign tlp_valid_o = req_valid_q && tag_valid && !flush_i && !null_request;
  assign tlp_hdr_o   = mem_header(1'b0, req_q.addr[63:2], dword_count(req_q.addr[1:0], req_q.len_bytes),
                                  byte_enables(req_q.addr[1:0], req_q.len_bytes), bdf_i, tlp_tag);
  assign issue       = req_valid_q && tag_valid && !flush_i && (null_request || tlp_ready_i);
  assign req_ready_o = !flush_i && (!req_valid_q || issue);

  always_ff @(posedge clk_i) begin
    if (req_valid_i && req_ready_o) req_q <= req_i;
    if (!rst_ni || flush_i) req_valid_q <= 1'b0;
    else if (req_ready_o) req_valid_q <= req_valid_i;
  end

  // What was asked under a tag, constant until the tag is used again.
  entry_t           entry_q [TAGS];
  /* verilator lint_off UNUSED */
  entry_t           collect_entry;  // without its meta
  /* verilator lint_on UNUSED */
  entry_t           deliver_entry;
  logic [TAG_W-1:0] collect_tag, deliver_tag;

  assign collect_entry = entry_q[collect_tag];
  assign deliver_entry = entry_q[deliver_tag];

  always_ff @(posedge clk_i) begin
    if (issue) entry_q[tag] <= '{addr_lo: req_q.addr[8:0], len_bytes: req_q.len_bytes, meta: req_q.meta};
  end

  logic             outcome_valid, late_clear_valid, expired_valid, expired_ready, delivered;
  logic [TAG_W-1:0] outcome_tag, late_clear_tag, expired_tag;
  rd_status_e       outcome_status, delivered_status;
  logic             taken, taken_drop;
  logic [STREAM_N-1:0] waiting;
  logic [TAGS-1:0]  outstanding;
  logic             slot_we, slot_re;
  logic [TAG_W-1:0] slot_wtag;
  logic [6:0]       slot_wplace, slot_rplace;
  logic [LANES-1:0] slot_wkeep;
  logic [DATA_W-1:0] slot_wdata, slot_rdata;

  rd_collect #(
    .DATA_W(DATA_W),
    .TAGS  (TAGS),
    .RINGS (RINGS),
    .BUG   (BUG)
  ) u_collect (
    .clk_i,
    .rst_ni,
    .bdf_i,
    .rc_valid_i,
    .rc_first_i,
    .rc_last_i,
    .rc_hdr_i,
    .rc_keep_i,
    .rc_data_i,
    .issue_valid_i     (issue && !null_request),
    .issue_tag_i       (tag),
    .issue_len_bytes_i (req_q.len_bytes),
    .entry_tag_o       (collect_tag),
    .entry_addr_lo_i   (collect_entry.addr_lo),
    .entry_len_bytes_i (collect_entry.len_bytes),
    .expired_valid_i   (expired_valid),
    .expired_tag_i     (expired_tag),
    .expired_ready_o   (expired_ready),
    .outstanding_o     (outstanding),
    .outcome_valid_o   (outcome_valid),
    .outcome_tag_o     (outcome_tag),
    .outcome_status_o  (outcome_status),
    .late_clear_valid_o(late_clear_valid),
    .late_clear_tag_o  (late_clear_tag),
    .slot_we_o         (slot_we),
    .slot_tag_o        (slot_wtag),
    .slot_place_o      (slot_wplace),
    .slot_keep_o       (slot_wkeep),
    .slot_data_o       (slot_wdata),
    .stray_o,
    .error_o
  );

  rd_timeout #(
    .TAGS          (TAGS),
    .TIMEOUT_CYCLES(TIMEOUT_CYCLES)
  ) u_timeout (
    .clk_i,
    .rst_ni,
    .range_i        (timeout_range_i),
    .disable_i      (timeout_disable_i),
    .stamp_valid_i  (issue),
    .stamp_tag_i    (tag),
    .outstanding_i  (outstanding),
    .expired_valid_o(expired_valid),
    .expired_tag_o  (expired_tag),
    .expired_ready_i(expired_ready)
  );

  slot_ram #(
    .DATA_W(DATA_W),
    .TAGS  (TAGS)
  ) u_slots (
    .clk_i,
    .we_i    (slot_we),
    .wtag_i  (slot_wtag),
    .wplace_i(slot_wplace),
    .wkeep_i (slot_wkeep),
    .wdata_i (slot_wdata),
    .re_i    (slot_re),
    .rtag_i  (deliver_tag),
    .rplace_i(slot_rplace),
    .rdata_o (slot_rdata)
  );

  rd_deliver #(
    .DATA_W (DATA_W),
    .TAGS   (TAGS),
    .STREAMS(STREAMS),
    .BUG    (BUG)
  ) u_deliver (
    .clk_i,
    .rst_ni,
    .flush_i,
    .drop_i            (drop_i[STREAM_N-1:0]),
    .issue_valid_i     (issue),
    .issue_tag_i       (tag),
    .issue_meta_i      (req_q.meta[5:0]),
    .issue_client_i    (req_q.meta[29:28]),
    .issue_null_i      (null_request),
    .outcome_valid_i   (outcome_valid),
    .outcome_tag_i     (outcome_tag),
    .outcome_status_i  (outcome_status),
    .entry_tag_o       (deliver_tag),
    .entry_addr_lo_i   (deliver_entry.addr_lo),
    .entry_len_bytes_i (deliver_entry.len_bytes),
    .entry_meta_i      (deliver_entry.meta),
    .slot_re_o         (slot_re),
    .slot_place_o      (slot_rplace),
    .slot_data_i       (slot_rdata),
    .delivered_o       (delivered),
    .delivered_status_o(delivered_status),
    .taken_o           (taken),
    .taken_drop_o      (taken_drop),
    .waiting_o         (waiting),
    .rsp_valid_o,
    .rsp_ready_i,
    .rsp_o,
    .rsp_data_o
  );

  // A tag is free again when its answer is through *and* no completion can come for it any more.
  logic [TAGS-1:0]          undelivered_q;
  logic [$clog2(TAGS+1)-1:0] undelivered_count_q;
  logic                     free_delivered, free_late;

  assign free_delivered = delivered && !(planted(BUG, 24) && delivered_status == RdFault) &&
                          (!outstanding[deliver_tag] || (late_clear_valid && late_clear_tag == deliver_tag));
  assign free_late      = late_clear_valid && !undelivered_q[late_clear_tag];

  // The owner of a tag, which outlasts its answer.
  logic [3:0] owner_q [TAGS];

  always_ff @(posedge clk_i) begin
    if (issue) owner_q[tag] <= req_q.meta[3:0];
  end

  // A request that a flush swallows had its tag counted already: it is told of when the place is free.
  logic       lost_q;
  logic [3:0] lost_owner_q;

  always_ff @(posedge clk_i) begin
    if (flush_i && req_valid_q) lost_owner_q <= req_q.meta[3:0];
    if (!rst_ni) lost_q <= 1'b0;
    else if (flush_i && req_valid_q) lost_q <= 1'b1;
    else if (!free_late) lost_q <= 1'b0;
  end

  // A request that waits here for its tag or for the request channel is without an answer like those that left.
  logic [15:0] offered;

  always_comb begin
    offered = '0;
    offered[req_q.meta[3:0]] = req_valid_q && !planted(BUG, 70);
  end

  assign streams_o = '{taken: taken, dropped: taken_drop, meta: deliver_entry.meta,
                       freed: {free_late || lost_q, free_delivered},
                       freed_stream: {free_late ? owner_q[late_clear_tag] : lost_owner_q, owner_q[deliver_tag]},
                       waiting: 16'(waiting) | offered,
                       tags: ten_bit_i ? 10'(TAGS) : ext_tag_i ? 10'((TAGS < 128) ? TAGS : 128) : 10'd16};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      undelivered_q       <= '0;
      undelivered_count_q <= '0;
    end else begin
      if (issue) undelivered_q[tag] <= 1'b1;
      if (delivered) undelivered_q[deliver_tag] <= 1'b0;
      if (issue && !delivered) undelivered_count_q <= undelivered_count_q + 1'b1;
      if (delivered && !issue) undelivered_count_q <= undelivered_count_q - 1'b1;
    end
  end

  assign idle_o = !req_valid_q && !lost_q && undelivered_count_q == '0 && !rsp_valid_o;

  tag_alloc #(
    .TAGS(TAGS)
  ) u_tags (
    .clk_i,
    .rst_ni,
    .ext_tag_i,
    .ten_bit_i,
    .valid_o       (tag_valid),
    .tag_o         (tag),
    .take_i        (issue),
    .free_a_valid_i(free_delivered),
    .free_a_tag_i  (deliver_tag),
    .free_b_valid_i(free_late),
    .free_b_tag_i  (late_clear_tag)
  );

  always_ff @(posedge clk_i) if (rst_ni) request_in_limits : assert (
      !req_valid_q || null_request ||
      (req_q.len_bytes != '0 && 13'(req_q.addr[11:0]) + 13'(req_q.len_bytes) <= 13'd4096 &&
      {dword_count(req_q.addr[1:0], req_q.len_bytes), 2'b00} <= 10'(ChunkBytesMax)));
  always_ff @(posedge clk_i) if (rst_ni) request_within_mrrs : assert (
      !req_valid_q || flush_i ||
      planted(BUG, 26) || {dword_count(req_q.addr[1:0], req_q.len_bytes), 2'b00} <= size_code_bytes(mrrs_i));

endmodule
