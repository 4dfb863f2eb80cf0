// The device status byte: what the driver set, FEATURES_OK only for a legal subset, DEVICE_NEEDS_RESET, reset with drain,
// and suspension: SUSPEND holds the engines back, once they are quiet DRIVER_OK goes, and with DRIVER_OK all comes back.
module device_status
  import bug_pkg::*;
#(
  /// Planted bug; 22: the acknowledgement of a reset does not wait for the drain, 59: nor that of a suspension.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input  logic       clk_i,
  /// Synchronous reset, active low.
  input  logic       rst_ni,
  /// Driver writes the byte.
  input  logic       we_i,
  /// The byte written.
  input  logic [7:0] wdata_i,
  /// Function level reset asks for the same as a write of zero.
  input  logic       flr_i,
  /// The driver's feature subset may be accepted.
  input  logic       features_legal_i,
  /// A queue froze: the driver has to reset the device.
  input  logic       error_i,
  /// Nothing of this function is in flight (may be meaningless outside reset).
  input  logic       drained_i,
  /// SUSPEND was negotiated.
  input  logic       suspend_i,
  /// Held back, nothing of this function is in flight, nothing is due.
  input  logic       quiet_i,
  /// The byte as read.
  output logic [7:0] status_o,
  /// High while a reset runs: engines stop and flush.
  output logic       reset_o,
  /// One cycle at the end of a reset: state goes to defaults.
  output logic       clear_o,
  /// Begin nothing new: a suspension was asked for and not yet ended.
  output logic       hold_o,
  /// FEATURES_OK: features are frozen.
  output logic       features_ok_o,
  /// The device runs or is suspended: DRIVER_OK with FEATURES_OK, no reset.
  output logic       driver_ok_o,
  /// DEVICE_NEEDS_RESET was just set while the driver runs: a configuration change notification is due.
  output logic       needs_reset_event_o
);

  localparam logic [7:0] Acknowledge = 8'd1, Driver = 8'd2, DriverOk = 8'd4, FeaturesOk = 8'd8;
  localparam logic [7:0] NeedsReset = 8'd64, Failed = 8'd128;
  localparam logic [7:0] DriverBits = Acknowledge | Driver | DriverOk | FeaturesOk | Failed;
  // Engines see `enable` fall one cycle after reset begins, and their idle needs a cycle more.
  localparam logic [2:0] SettleCycles = 3'd4;
  // Quiet is believed when it lasts: a change of the configuration takes some clocks to become an interrupt.
  localparam logic [3:0] CalmCycles = 4'd15;

  logic [7:0] status_q;
  logic       reset_q;
  logic [2:0] settle_q;
  logic [3:0] calm_q;

  logic start, done, keeps_bits, rest;
  assign start      = !reset_q && ((we_i && wdata_i == '0) || flr_i);
  assign done       = reset_q && settle_q == '0 && (drained_i || planted(BUG, 22));
  assign rest       = status_q[4] && status_q[2] && (calm_q == CalmCycles || planted(BUG, 59));
  assign keeps_bits = (status_q & DriverBits & ~wdata_i) == '0;     // only a reset clears a driver's bit

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      status_q <= '0;
      reset_q  <= 1'b0;
      settle_q <= '0;
      calm_q   <= '0;
    end else if (reset_q) begin
      if (settle_q != '0) settle_q <= settle_q - 3'd1;
      if (done) begin
        reset_q  <= 1'b0;
        status_q <= '0;
      end
    end else if (start) begin
      reset_q  <= 1'b1;
      settle_q <= (status_q == '0) ? '0 : SettleCycles;   // nothing ran: nothing can be in flight
    end else begin
      if (we_i && keeps_bits) begin
        status_q <= status_q | (wdata_i & DriverBits & ~FeaturesOk);
        if ((wdata_i & FeaturesOk) != '0 && features_legal_i) status_q[3] <= 1'b1;
      end
      if (error_i) status_q[6] <= 1'b1;
      calm_q <= (!status_q[4] || !quiet_i) ? '0 : (calm_q == CalmCycles) ? calm_q : calm_q + 4'd1;
      if (we_i && keeps_bits && wdata_i[4] && suspend_i && driver_ok_o && !status_q[4]) status_q[4] <= 1'b1;
      else if (we_i && keeps_bits && wdata_i[2] && status_q[4] && !status_q[2]) status_q[4] <= 1'b0;
      if (rest) status_q[2] <= 1'b0;
    end
  end

  // A reset in progress reads nonzero, whatever the byte was before.
  assign status_o            = (reset_q && status_q == '0) ? NeedsReset : status_q;
  assign reset_o             = reset_q;
  assign clear_o             = done;
  assign features_ok_o       = status_q[3];
  assign driver_ok_o         = status_q[3] && (status_q[2] || status_q[4]) && !reset_q;
  assign hold_o              = status_q[4] && !reset_q;
  assign needs_reset_event_o = error_i && driver_ok_o && !status_q[6];

  always_ff @(posedge clk_i) if (rst_ni) reset_never_reads_zero : assert (!reset_q || status_o != '0);

endmodule
