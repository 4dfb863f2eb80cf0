/// The one place where the request order is made: N TLP streams onto `rq`. Round robin, locked for the length of a TLP. A
/// TLP starts only with its flow-control credits and, for memory requests, with bus mastering; a stream that must wait
/// does not hold up the others. Taken here = place in the request order fixed.
module rq_arbiter
  import bug_pkg::*;
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  /// TLP streams.
  parameter int unsigned N = 2,
  /// Planted bug, 0 = none. Here: 28 ignores posted credits, 29 ignores bus mastering.
  parameter int unsigned BUG = 0,
  localparam int unsigned LANES = DATA_W / 32
) (
  /// Clock.
  input  logic                     clk_i,
  /// Synchronous reset, active low.
  input  logic                     rst_ni,
  /// Memory requests may leave.
  input  logic                     bus_master_i,
  /// Reset of the function: memory writes that bus mastering forbids are discarded instead of kept.
  input  logic                     flush_i,
  /// Posted header credits granted, cumulative.
  input  logic [7:0]               fc_ph_limit_i,
  /// Posted data credits granted, cumulative.
  input  logic [11:0]              fc_pd_limit_i,
  /// Non-posted header credits granted, cumulative.
  input  logic [7:0]               fc_nph_limit_i,
  /// Beats offered.
  input  logic [N-1:0]             in_valid_i,
  /// Beats taken.
  output logic [N-1:0]             in_ready_o,
  /// Last beats.
  input  logic [N-1:0]             in_last_i,
  /// Headers, constant over a TLP.
  input  tlp_hdr_t [N-1:0]         in_hdr_i,
  /// Dwords present.
  input  logic [N-1:0][LANES-1:0]  in_keep_i,
  /// Payload.
  input  logic [N-1:0][DATA_W-1:0] in_data_i,
  /// Request beat offered to the link.
  output logic                     rq_tvalid_o,
  /// Taken.
  input  logic                     rq_tready_i,
  /// Last beat of its TLP.
  output logic                     rq_tlast_o,
  /// Header.
  output tlp_hdr_t                 rq_thdr_o,
  /// Dwords present.
  output logic [LANES-1:0]         rq_tkeep_o,
  /// Payload.
  output logic [DATA_W-1:0]        rq_tdata_o,
  /// Nothing offered here and nothing on rq.
  output logic                     idle_o
);

  localparam int unsigned INDEX_W = (N > 1) ? $clog2(N) : 1;

  logic [7:0]  ph_left, nph_left, ph_used, nph_used;
  logic [11:0] pd_left, pd_used;

  credit_counter #(
    .W(8)
  ) u_ph (
    .clk_i, .rst_ni, .limit_i(fc_ph_limit_i), .consume_i(ph_used), .left_o(ph_left)
  );
  credit_counter #(
    .W(12)
  ) u_pd (
    .clk_i, .rst_ni, .limit_i(fc_pd_limit_i), .consume_i(pd_used), .left_o(pd_left)
  );
  credit_counter #(
    .W(8)
  ) u_nph (
    .clk_i, .rst_ni, .limit_i(fc_nph_limit_i), .consume_i(nph_used), .left_o(nph_left)
  );

  // What each stream needs to start.
  logic [N-1:0]       posted, discard, may_start, grant;
  logic [N-1:0][11:0] data_credits;
  logic [INDEX_W-1:0] index, locked_index_q, sel;
  logic               any, locked_q, discarding_q, discarding, move, start, beat;

  always_comb begin
    for (int unsigned i = 0; i < N; i++) begin
      logic memory, room;
      memory          = in_hdr_i[i][28:24] == TlpMem;
      posted[i]       = in_hdr_i[i][30] || !memory;
      data_credits[i] = in_hdr_i[i][30] ? 12'((13'(in_hdr_i[i][9:0]) + 13'd3) >> 2) : '0;
      room            = posted[i] ? planted(BUG, 28) || (ph_left != '0 && pd_left >= data_credits[i])
                                  : nph_left != '0;
      discard[i]      = memory && posted[i] && !bus_master_i && flush_i;
      may_start[i]    = in_valid_i[i] && (discard[i] || (room && (!memory || bus_master_i || planted(BUG, 29))));
    end
  end

  rr_arbiter #(
    .N(N)
  ) u_choice (
    .clk_i,
    .rst_ni,
    .req_i    (may_start),
    .advance_i(start),
    .grant_o  (grant),
    .index_o  (index),
    .valid_o  (any)
  );

  assign sel        = locked_q ? locked_index_q : index;
  assign discarding = locked_q ? discarding_q : discard[index];
  assign move       = !rq_tvalid_o || rq_tready_i;
  assign start      = move && !locked_q && any;
  assign beat       = start || (move && locked_q && in_valid_i[locked_index_q]);
  assign ph_used    = 8'(start && !discarding && posted[index]);
  assign nph_used   = 8'(start && !discarding && !posted[index]);
  assign pd_used    = (start && !discarding) ? data_credits[index] : '0;

  always_comb begin
    in_ready_o = '0;
    if (locked_q) in_ready_o[locked_index_q] = move;
    else if (move) in_ready_o = grant;
  end

  always_ff @(posedge clk_i) begin
    if (beat) begin
      rq_tlast_o <= in_last_i[sel];
      rq_thdr_o  <= in_hdr_i[sel];
      rq_tkeep_o <= in_keep_i[sel];
      rq_tdata_o <= in_data_i[sel];
    end
    if (start) begin
      locked_index_q <= index;
      discarding_q   <= discard[index];
    end
    if (!rst_ni) begin
      rq_tvalid_o <= 1'b0;
      locked_q    <= 1'b0;
    end else begin
      if (move) rq_tvalid_o <= beat && !discarding;
      if (beat) locked_q <= !in_last_i[sel];
    end
  end

  assign idle_o = !rq_tvalid_o && !locked_q && in_valid_i == '0;

  // A stream that was refused for want of credits may be passed, never cut into.
  always_ff @(posedge clk_i) if (rst_ni) locked_stream_only : assert (
      !locked_q || (in_ready_o & ~(N'(1) << locked_index_q)) == '0);
  always_ff @(posedge clk_i) if (rst_ni) no_memory_without_mastering : assert (
      planted(BUG, 29) || !start || discarding || in_hdr_i[index][28:24] != TlpMem || bus_master_i);

endmodule
