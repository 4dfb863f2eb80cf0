/// The request channel: credits and bus mastering kept, TLPs never cut into, everything that is taken comes out, in that order,
/// and nobody who may start waits for ever.
module fv_rq_arbiter
  import ringside_pkg::*;
#(
  /// Planted bug.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input logic             clk_i,
  /// A reset at any time.
  input logic             again_i,
  /// Memory requests may leave.
  input logic             bus_master_i,
  /// Reset of the function.
  input logic             flush_i,
  /// Credits granted anew: posted headers, posted data, non-posted headers.
  input logic [7:0]       ph_more_i,
  /// Credits granted anew.
  input logic [11:0]      pd_more_i,
  /// Credits granted anew.
  input logic [7:0]       nph_more_i,
  /// Beats offered.
  input logic [2:0]       valid_i,
  /// Last beats.
  input logic [2:0]       last_i,
  /// Headers.
  input tlp_hdr_t [2:0]   hdr_i,
  /// Payload.
  input logic [2:0][63:0] data_i,
  /// Dwords present.
  input logic [2:0][1:0]  keep_i,
  /// Taken by the link.
  input logic             ready_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  // Cumulative limits, as UpdateFC brings them; what a transmitter has left by its own count.
  logic [7:0]  ph_limit_q, nph_limit_q, ph_left_q, nph_left_q;
  logic [11:0] pd_limit_q, pd_left_q;

  logic [2:0]  ready;
  logic        out_valid, out_last, idle;
  tlp_hdr_t    out_hdr;
  logic [1:0]  out_keep;
  logic [63:0] out_data;
  rq_arbiter #(.DATA_W(64), .N(3), .BUG(BUG)) u_dut (
    .clk_i, .rst_ni, .bus_master_i, .flush_i, .fc_ph_limit_i(ph_limit_q), .fc_pd_limit_i(pd_limit_q), .fc_nph_limit_i(nph_limit_q),
    .in_valid_i(valid_i), .in_ready_o(ready), .in_last_i(last_i), .in_hdr_i(hdr_i), .in_keep_i(keep_i), .in_data_i(data_i),
    .rq_tvalid_o(out_valid), .rq_tready_i(ready_i), .rq_tlast_o(out_last), .rq_thdr_o(out_hdr), .rq_tkeep_o(out_keep),
    .rq_tdata_o(out_data), .idle_o(idle)
  );

  // The stream whose beat is taken, and whether its TLP begins.
  logic [2:0]  taken, in_tlp_q;
  logic        any, begins, memory, posted, kept, discard_q, discards;
  tlp_hdr_t    hdr;
  logic [11:0] credits;
  assign taken = valid_i & ready;
  assign any   = taken != '0;
  always_comb begin
    hdr = '0;
    for (int unsigned i = 0; i < 3; i++) if (taken[i]) hdr = hdr_i[i];
  end
  assign begins   = any && in_tlp_q == '0;
  assign memory   = hdr[28:24] == 5'd0;
  assign posted   = hdr[30] || !memory;
  assign discards = begins ? memory && posted && !bus_master_i && flush_i : discard_q;
  assign kept     = any && !discards;
  assign credits  = hdr[30] ? 12'((13'(hdr[9:0]) + 13'd3) >> 2) : 12'd0;

  logic        kept_q;
  tlp_hdr_t    hdr_q;
  logic [63:0] data_q;
  logic        last_q, out_waits_q, out_last_q, was_open_q;
  tlp_hdr_t    out_hdr_q;
  logic [63:0] out_data_q;
  always_ff @(posedge clk_i) begin
    kept_q      <= rst_ni && kept;
    hdr_q       <= hdr;
    out_waits_q <= rst_ni && out_valid && !ready_i;
    out_last_q  <= out_last;
    out_hdr_q   <= out_hdr;
    out_data_q  <= out_data;
    for (int unsigned i = 0; i < 3; i++) begin
      if (taken[i]) begin
        data_q <= data_i[i];
        last_q <= last_i[i];
      end
    end
    if (!rst_ni) begin
      in_tlp_q    <= '0;
      discard_q   <= 1'b0;
      ph_limit_q  <= ph_more_i & 8'h7f;
      pd_limit_q  <= pd_more_i & 12'h7ff;
      nph_limit_q <= nph_more_i & 8'h7f;
      ph_left_q   <= ph_more_i & 8'h7f;
      pd_left_q   <= pd_more_i & 12'h7ff;
      nph_left_q  <= nph_more_i & 8'h7f;
    end else begin
      for (int unsigned i = 0; i < 3; i++) if (taken[i]) in_tlp_q[i] <= !last_i[i];
      if (begins) discard_q <= discards;
      ph_limit_q  <= ph_limit_q + ph_more_i;
      pd_limit_q  <= pd_limit_q + pd_more_i;
      nph_limit_q <= nph_limit_q + nph_more_i;
      ph_left_q   <= ph_left_q + ph_more_i - 8'(begins && kept && posted);
      pd_left_q   <= pd_left_q + pd_more_i - ((begins && kept) ? credits : 12'd0);
      nph_left_q  <= nph_left_q + nph_more_i - 8'(begins && kept && !posted);
    end
  end

  // Any one stream; how often others were begun while it could have been.
  logic [1:0] who_q;
  logic [2:0] passed_q;
  logic       could;
  always_ff @(posedge clk_i) who_q <= who_q;
  assign could = valid_i[who_q] && hdr_i[who_q][28:24] == 5'd0 && hdr_i[who_q][30] && bus_master_i && ph_left_q != '0
                 && pd_left_q >= 12'((13'(hdr_i[who_q][9:0]) + 13'd3) >> 2) && in_tlp_q[who_q] == 1'b0;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !could || taken[who_q]) passed_q <= '0;
    else if (begins && passed_q != '1) passed_q <= passed_q + 3'd1;
  end

  // How many streams are asked before the one that is followed.
  int unsigned distance, pointer;
  always_comb begin
    pointer  = u_dut.u_choice.behind_q[1] ? 0 : u_dut.u_choice.behind_q[2] ? 1 : 2;
    distance = (32'(who_q) > pointer) ? 32'(who_q) - pointer - 1 : 32'(who_q) + 2 - pointer;
  end

  always_ff @(posedge clk_i) begin
    who_exists : assume (who_q < 2'd3);
    // UpdateFC never grants more than half the range beyond what was consumed.
    ph_window : assume (8'd127 - ph_left_q >= ph_more_i);
    pd_window : assume (12'd2047 - pd_left_q >= pd_more_i);
    nph_window : assume (8'd127 - nph_left_q >= nph_more_i);
    if (rst_ni) begin
      // contract: one beat of one stream a clock
      one_taken : assert ((taken & (taken - 3'd1)) == '0);
      // pcie: a TLP starts only with its posted header, posted data and non-posted header credits
      credits_kept : assert (!(begins && kept) || (posted ? ph_left_q != '0 && pd_left_q >= credits : nph_left_q != '0));
      // pcie: memory requests leave only with Bus Master Enable
      mastering : assert (!(begins && kept) || !memory || bus_master_i);
      // pcie: TLPs are not interleaved
      locked : assert (!any || in_tlp_q == '0 || (taken & in_tlp_q) == taken);
      // contract: what is taken leaves next, unchanged: the order of taking is the order of requests
      leaves_next : assert (!kept_q || (out_valid && out_last == last_q && out_data == data_q && out_hdr == hdr_q));
      // contract: nothing else leaves
      nothing_else : assert (!out_valid || kept_q || out_waits_q);
      // contract: a beat offered to the link stays until it is taken
      stable : assert (!out_waits_q || (out_valid && out_last == out_last_q && out_hdr == out_hdr_q && out_data == out_data_q));
      // contract: who may start is begun after one TLP of each of the others at most
      bounded_wait : assert (passed_q <= 3'd2);
      // contract: idle means that nothing is offered and nothing under way
      idle_means : assert (!idle || (valid_i == '0 && in_tlp_q == '0 && !out_valid));
      // invariant: the lock is on the stream whose TLP is open
      lock : assert (u_dut.locked_q == (in_tlp_q != '0) && (!u_dut.locked_q || (in_tlp_q == 3'd1 << u_dut.locked_index_q && u_dut.discarding_q == discard_q)));
      // invariant: both count alike, and never below nothing
      left : assert (ph_left_q == 8'(ph_limit_q - u_dut.u_ph.consumed_q) && pd_left_q == 12'(pd_limit_q - u_dut.u_pd.consumed_q)
          && nph_left_q == 8'(nph_limit_q - u_dut.u_nph.consumed_q) && !ph_left_q[7] && !pd_left_q[11] && !nph_left_q[7]);
      // invariant: the pointer's mask is of upper streams only, and nearer with every TLP that passes
      nearer : assert (u_dut.u_choice.behind_q[0] == 1'b0 && (!u_dut.u_choice.behind_q[1] || u_dut.u_choice.behind_q[2])
          && 32'(passed_q) + distance <= 2);
      passes : cover (passed_q == 3'd2);
      two_beats : cover (out_valid && !out_last && kept_q && ready_i);
      thrown_away : cover (begins && discards);
    end
  end

endmodule
