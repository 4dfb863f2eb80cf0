/// Answers the host's requests: one at a time and in order, so that a read sees every earlier write. Each dword becomes one
/// access on a register bus; reads of up to 128 bytes are collected and leave as one completion.
module completer
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  localparam int unsigned LANES = DATA_W / 32
) (
  /// Clock.
  input  logic              clk_i,
  /// Synchronous reset, active low.
  input  logic              rst_ni,
  /// Request beat offered.
  input  logic              cq_tvalid_i,
  /// Request beat taken.
  output logic              cq_tready_o,
  /// Last beat of its TLP.
  input  logic              cq_tlast_i,
  /// Header, with the first beat.
  input  tlp_hdr_t          cq_thdr_i,
  /// Payload.
  input  logic [DATA_W-1:0] cq_tdata_i,
  /// Completion beat offered.
  output logic              cc_tvalid_o,
  /// Completion beat taken.
  input  logic              cc_tready_i,
  /// Last beat of its TLP.
  output logic              cc_tlast_o,
  /// Header, constant over the TLP.
  output tlp_hdr_t          cc_thdr_o,
  /// Dwords present.
  output logic [LANES-1:0]  cc_tkeep_o,
  /// Payload.
  output logic [DATA_W-1:0] cc_tdata_o,
  /// Completion header credits granted, cumulative.
  input  logic [7:0]        fc_cplh_limit_i,
  /// Completion data credits granted, cumulative.
  input  logic [11:0]       fc_cpld_limit_i,
  /// A request of ours stands on rq: what completes here must not pass it.
  input  logic              rq_valid_i,
  /// That request's beat is taken.
  input  logic              rq_ready_i,
  /// Completer id.
  input  logic [15:0]       bdf_i,
  /// Memory space is enabled.
  input  logic              memory_space_i,
  /// BAR0 base, bits 63:16.
  input  logic [47:0]       bar0_base_i,
  /// BAR2 base, bits 63:16.
  input  logic [47:0]       bar2_base_i,
  /// Access to configuration space, BAR0 and BAR2 (one at a time), held until the response.
  output logic              config_req_valid_o,
  /// BAR0.
  output logic              bar0_req_valid_o,
  /// BAR2.
  output logic              bar2_req_valid_o,
  /// The access, common to the three.
  output reg_req_t          req_o,
  /// Response of whichever was asked.
  input  logic              rsp_valid_i,
  /// Its read data.
  input  logic [31:0]       rsp_rdata_i,
  /// A configuration write names our bus and device.
  output logic              capture_valid_o,
  /// The number.
  output logic [15:0]       capture_bdf_o,
  /// Pulses for the status registers {unsupported posted, unsupported, aborted, poisoned}.
  output logic [3:0]        events_o
);

  localparam int unsigned LANE_W = $clog2(LANES);

  typedef enum logic [2:0] {
    StIdle, StDecode, StAccess, StDrain, StComplete
  } state_e;

  state_e           state_q;
  /* verilator lint_off UNUSED */
  tlp_hdr_t         hdr_q;       // not every reserved bit is of interest
  /* verilator lint_on UNUSED */
  request_t         decoded, request_q;
  logic [10:0]      index_q;     // dword in work
  logic [31:0][31:0] data_q;
  logic [6:0]       beat_dw_q;   // dwords already sent

  logic        is_last, lane_last, beat_here, skip, accessed, beat_done, first_cc, capture, passed_q;
  logic [3:0]  be;
  logic [10:0] payload_dw;

  request_decode #(
    .READ_DWORDS_MAX(32)
  ) u_decode (
    .hdr_i         (hdr_q),
    .memory_space_i,
    .bar0_base_i,
    .bar2_base_i,
    .request_o     (decoded),
    .capture_o     (capture)
  );

  // One dword.
  assign is_last   = index_q == request_q.dwords - 11'd1;
  assign lane_last = index_q[LANE_W-1:0] == LANE_W'(LANES - 1);
  assign be        = (index_q == '0) ? request_q.first_be : is_last ? request_q.last_be : 4'hf;
  assign beat_here = !request_q.has_data || cq_tvalid_i;
  assign skip      = be == 4'h0;  // no byte enabled: no access, no side effect
  assign accessed  = state_q == StAccess && beat_here && (skip || rsp_valid_i);
  assign beat_done = accessed && request_q.has_data && (lane_last || is_last);

  assign req_o = '{
    write:  request_q.has_data,
    single: request_q.dwords == 11'd1,
    addr:   request_q.addr + {3'd0, index_q, 2'b00},
    be:     be,
    wdata:  cq_tdata_i[{index_q[LANE_W-1:0], 5'd0}+:32]
  };

  logic access;
  assign access             = state_q == StAccess && beat_here && !skip;
  assign config_req_valid_o = access && request_q.action == ActConfig;
  assign bar0_req_valid_o   = access && request_q.action == ActBar0;
  assign bar2_req_valid_o   = access && request_q.action == ActBar2;

  assign capture_valid_o = state_q == StDecode && capture;
  assign capture_bdf_o   = hdr_q[95:80];

  // A request without payload is one beat and leaves cq at once; with payload its beats leave as their dwords are used.
  assign cq_tready_o = (state_q == StIdle && !cq_thdr_i[30]) || state_q == StDrain || beat_done;

  always_ff @(posedge clk_i) begin
    if (state_q == StIdle) hdr_q <= cq_thdr_i;
    if (state_q == StDecode) request_q <= decoded;
    if (accessed && !request_q.has_data) data_q[index_q[4:0]] <= skip ? '0 : rsp_rdata_i;
    events_o <= '0;
    // All that had its place in the request order when the answer was made has left once rq was seen free.
    passed_q <= state_q == StComplete && (passed_q || !rq_valid_i || rq_ready_i);
    if (!rst_ni) begin
      state_q   <= StIdle;
      index_q   <= '0;
      beat_dw_q <= '0;
    end else begin
      case (state_q)
        StIdle: begin
          index_q   <= '0;
          beat_dw_q <= '0;
          if (cq_tvalid_i) state_q <= StDecode;
        end
        StDecode: begin
          events_o <= {decoded.action == ActDrop && hdr_q[28:27] != TlpMsg && !hdr_q[14],
                       decoded.action == ActUnsupported, decoded.action == ActAbort,
                       hdr_q[14] && hdr_q[30]};
          if (decoded.action inside {ActConfig, ActBar0, ActBar2}) state_q <= StAccess;
          else if (decoded.has_data) state_q <= StDrain;
          else state_q <= decoded.posted ? StIdle : StComplete;
        end
        StAccess: begin
          if (accessed) begin
            index_q <= index_q + 11'd1;
            if (beat_done && cq_tlast_i) state_q <= request_q.posted ? StIdle : StComplete;
            else if (is_last) state_q <= request_q.has_data ? StDrain : StComplete;
          end
        end
        StDrain: begin
          if (cq_tvalid_i && cq_tlast_i) state_q <= request_q.posted ? StIdle : StComplete;
        end
        StComplete: begin
          if (cc_tvalid_o && cc_tready_i) begin
            beat_dw_q <= beat_dw_q + 7'(LANES);
            if (cc_tlast_o) state_q <= StIdle;
          end
        end
        default: state_q <= StIdle;
      endcase
    end
  end

  // The completion.
  logic        refused, credits;
  logic [2:0]  status;
  logic [7:0]  cplh_left, cplh_limit_q;
  logic [11:0] cpld_left, cpld_need, cpld_limit_q;

  // Through registers, so that no path goes from the limits to the completion channel.
  always_ff @(posedge clk_i) begin
    cplh_limit_q <= fc_cplh_limit_i;
    cpld_limit_q <= fc_cpld_limit_i;
  end

  logic        consume;

  assign refused    = request_q.action == ActUnsupported || request_q.action == ActAbort;
  assign payload_dw = (refused || request_q.has_data) ? '0 : request_q.dwords;
  assign status     = (request_q.action == ActAbort) ? CplAbort : refused ? CplUnsupported : CplSuccess;
  assign cpld_need  = 12'((payload_dw + 11'd3) >> 2);
  assign first_cc   = beat_dw_q == '0;
  assign credits    = cplh_left != '0 && cpld_left >= cpld_need;
  assign consume    = cc_tvalid_o && cc_tready_i && first_cc;

  credit_counter #(
    .W(8)
  ) u_cplh (
    .clk_i, .rst_ni, .limit_i(cplh_limit_q), .consume_i(8'(consume)), .left_o(cplh_left)
  );
  credit_counter #(
    .W(12)
  ) u_cpld (
    .clk_i, .rst_ni, .limit_i(cpld_limit_q), .consume_i(consume ? cpld_need : '0), .left_o(cpld_left)
  );

  // Limits only grow, so what was offered stays offered.
  assign cc_tvalid_o = state_q == StComplete && (!first_cc || (credits && (passed_q || !rq_valid_i)));
  assign cc_tlast_o  = 11'(beat_dw_q) + 11'(LANES) >= payload_dw;
  assign cc_tdata_o  = data_q[beat_dw_q[4:0]+:LANES];
  assign cc_tkeep_o  = cc_tlast_o ? ~({LANES{1'b1}} << (payload_dw - 11'(beat_dw_q))) : '1;
  assign cc_thdr_o   = {
    32'd0,
    hdr_q[63:40], 1'b0, request_q.lower_addr,
    bdf_i, status, 1'b0, request_q.byte_count,
    1'b0, payload_dw != '0, 1'b0, TlpCpl,                       // Fmt, Type
    hdr_q[23], hdr_q[22:20], hdr_q[19:18], 4'b0000, hdr_q[13:12], // tag 9, TC, tag 8, attributes
    2'b00, payload_dw[9:0]                                      // AT, length
  };

endmodule
