/// Device status with feature closure: what the driver set only a reset takes away, features are frozen once accepted and
/// only a legal subset is, a reset reads nonzero until everything is quiet and then ends, suspension and resumption end.
module fv_device_status
  import ringside_pkg::*;
#(
  /// Offered features: VERSION_1, CTRL_VQ and what needs it, RING_RESET, SUSPEND.
  parameter logic [127:0] OFFER = (128'd1 << 32) | (128'd1 << 17) | (128'd1 << 18) | (128'd1 << 22) | (128'd1 << 23) | (128'd1 << 40)
                                | (128'd1 << 43) | (128'd1 << 53) | (128'd1 << 34),
  /// Planted bug.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input logic        clk_i,
  /// A reset at any time.
  input logic        again_i,
  /// Status is written.
  input logic        we_i,
  /// A selector or a feature word is written.
  input logic [2:0]  feature_we_i,
  /// What is written.
  input logic [31:0] wdata_i,
  /// Function level reset.
  input logic        flr_i,
  /// A queue froze.
  input logic        error_i,
  /// Nothing is in flight.
  input logic        drained_i,
  /// Nothing is in flight or due.
  input logic        quiet_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  logic         legal, reset, clear, hold, features_ok, driver_ok, needs_reset, writable;
  logic [7:0]   status;
  logic [31:0]  device_select, device_feature, driver_select, driver_feature;
  logic [127:0] accepted;
  features_t    features_out;
  assign writable = !reset && !hold;

  device_status #(.BUG(BUG)) u_dut (
    .clk_i, .rst_ni, .we_i, .wdata_i(wdata_i[7:0]), .flr_i, .features_legal_i(legal), .error_i, .drained_i,
    .suspend_i(accepted[43]), .quiet_i, .status_o(status), .reset_o(reset), .clear_o(clear), .hold_o(hold),
    .features_ok_o(features_ok), .driver_ok_o(driver_ok), .needs_reset_event_o(needs_reset)
  );
  features #(.DEVICE_FEATURES(OFFER)) u_features (
    .clk_i, .rst_ni, .clear_i(clear), .frozen_i(features_ok), .device_select_we_i(feature_we_i[0] && writable && !we_i),
    .driver_select_we_i(feature_we_i[1] && writable && !we_i), .driver_feature_we_i(feature_we_i[2] && writable && !we_i),
    .wdata_i, .device_select_o(device_select), .device_feature_o(device_feature), .driver_select_o(driver_select),
    .driver_feature_o(driver_feature), .legal_o(legal), .accepted_o(accepted), .features_o(features_out)
  );

  // The closure of the specification's tables, bit by bit (only what can be offered here).
  function automatic logic closed(input logic [127:0] set);
    closed = (set & ~OFFER) == '0 && set[32];
    for (int unsigned b = 18; b <= 53; b++) begin
      if ((b == 18 || b == 19 || b == 20 || b == 21 || b == 22 || b == 23 || b == 52 || b == 53) && set[b] && !set[17]) closed = 1'b0;
    end
  endfunction

  // A clock ago.
  logic         past_q, reset_q, clear_q, we_q, flr_q, error_q, legal_q, quiet_q, hold_q;
  logic [7:0]   status_q, wdata_q;
  logic [127:0] accepted_q;
  // How long a reset has been able to end, how long a suspension.
  logic [3:0]   settled_q;
  logic [4:0]   calm_q;
  always_ff @(posedge clk_i) begin
    past_q     <= rst_ni;
    reset_q    <= reset;
    clear_q    <= clear;
    we_q       <= we_i;
    flr_q      <= flr_i;
    error_q    <= error_i;
    legal_q    <= legal;
    quiet_q    <= quiet_i;
    hold_q     <= hold;
    status_q   <= status;
    wdata_q    <= wdata_i[7:0];
    accepted_q <= accepted;
    settled_q  <= (!rst_ni || !reset || !drained_i) ? '0 : (settled_q == '1) ? settled_q : settled_q + 4'd1;
    calm_q     <= (!rst_ni || !hold || !quiet_i || flr_i || we_i || !status[2]) ? '0 : (calm_q == '1) ? calm_q : calm_q + 5'd1;
  end

  // Clocks of quiet in a row while held.
  logic [3:0] lull_q, lull_was_q;
  always_ff @(posedge clk_i) begin
    lull_was_q <= lull_q;
    if (!rst_ni || !hold || !quiet_i) lull_q <= '0;
    else if (lull_q != '1) lull_q <= lull_q + 4'd1;
  end

  logic resets;
  assign resets = (we_q && wdata_q == '0) || flr_q;

  always_ff @(posedge clk_i) begin
    if (rst_ni && past_q) begin
      // BASIC-DSC-001, BASIC-DEV-009: when a reset has finished the status reads zero, and the features are forgotten
      zero_after_reset : assert (!clear_q || (status == '0 && accepted == '0 && !reset));
      // BASIC-DEV-009: and not before
      nonzero_in_reset : assert (!reset || status != '0);
      // BASIC-DEV-010: a reset ends only when nothing is in flight
      ends_drained : assert (!clear || drained_i);
      // contract: and soon after that
      reset_ends : assert (settled_q < 4'd7);
      // PCICFG-DEV-007: a write of zero, and a function level reset, reset
      zero_resets : assert (!(resets && !reset_q) || reset);
      // contract: nothing else does
      only_zero_resets : assert (!reset || reset_q || resets);
      // contract: what a driver set stays (DRIVER_OK goes while suspended, SUSPEND when it resumes)
      bits_stay : assert (reset || reset_q || (status_q & ~status & 8'b1110_1011) == '0);
      // SUSP-DEV-008: DRIVER_OK goes only in a suspension that was quiet
      suspends_quiet : assert (reset || reset_q || !status_q[2] || status[2] || (hold_q && lull_was_q == '1));
      // SUSP-DEV-006: a suspension is reached once everything is quiet
      suspension_ends : assert (calm_q < 5'd20);
      // SUSP-DEV-001: SUSPEND comes only of a negotiated feature, after DRIVER_OK
      suspend_only : assert (!status[4] || reset || accepted[43]);
      // SUSP-DEV-007: DRIVER_OK written to a suspended device resumes it
      resumes : assert (!(we_q && wdata_q[2] && status_q[4] && !status_q[2] && !reset && !reset_q
          && (status_q & ~wdata_q & 8'b1000_1011) == '0) || (status[2] && !status[4]));
      // BASIC-DEV-006: FEATURES_OK is taken for a legal subset only
      ok_only_legal : assert (!(features_ok && !status_q[3]) || legal_q);
      // BASIC-DEV-005: and for every legal one
      ok_every_legal : assert (!(we_q && !reset_q && !reset && (status_q & ~wdata_q & 8'b1000_1111) == '0 && wdata_q[3] && legal_q) || features_ok);
      // contract: accepted features do not change
      frozen : assert (!(features_ok && status_q[3] && !reset_q) || accepted == accepted_q);
      // BASIC-DEV-002: an error is shown, and stays until a reset
      error_shown : assert (!(error_q && !reset_q && !reset) || status[6]);
    end
    if (rst_ni) begin
      // BASIC-DEV-004, BASIC-DEV-006: what is accepted is closed
      accepted_closed : assert (!features_ok || closed(accepted));
      // BASIC-DEV-005: legal is what the tables say
      legal_is_closed : assert (legal == closed(u_features.driver_q));
      // BASIC-DEV-001: the device runs only with DRIVER_OK or suspended, and FEATURES_OK
      runs_only : assert (!driver_ok || (features_ok && (status[2] || status[4]) && !reset));
      // PCICFG-DEV-003: device_feature shows the window selected, zero beyond
      offer_shown : assert (device_feature == ((device_select > 32'd3) ? 32'd0 : 32'(OFFER >> {device_select[1:0], 5'd0})));
      // PCICFG-DEV-004: driver_feature reads back
      driver_shown : assert (driver_feature == ((driver_select > 32'd3) ? 32'd0 : 32'(u_features.driver_q >> {driver_select[1:0], 5'd0})));
      // invariant: the settling time is what it was set to at most
      settles : assert (u_dut.settle_q <= 3'd4 && (!reset || 32'(settled_q) + 32'(u_dut.settle_q) < 6 ));
      // invariant: calm is counted alike
      calm : assert (!hold || !status[2] || u_dut.calm_q == lull_q);
      // invariant: nor longer than it takes
      calm_bounded : assert (32'(calm_q) <= 32'(u_dut.calm_q) + 32'(u_dut.calm_q == '1) * 3);
      // invariant: one of the two
      suspended_ok : assert (!status[4] || reset || features_ok);
      runs : cover (driver_ok && accepted[22]);
      suspended : cover (hold && !status[2]);
      resumed : cover (past_q && hold_q && !hold && driver_ok);
      reset_from_running : cover (clear_q && status == '0 && accepted_q != '0);
      refused : cover (past_q && we_q && wdata_q[3:0] == 4'hb && status == 8'd3 && u_features.driver_q[22]);
    end
  end

endmodule
