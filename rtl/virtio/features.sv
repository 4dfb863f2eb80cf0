// Feature windows and closure: what is offered, what the driver wrote, and whether that subset may be accepted.
module features
  import ringside_pkg::*;
#(
  /// Offered feature bits.
  parameter logic [127:0] DEVICE_FEATURES = '0
) (
  /// Clock.
  input  logic         clk_i,
  /// Synchronous reset, active low.
  input  logic         rst_ni,
  /// Device reset: forget the driver's features and both selectors.
  input  logic         clear_i,
  /// FEATURES_OK is set: the driver's features are frozen.
  input  logic         frozen_i,
  /// Write strobes, one per field, with the dword written.
  input  logic         device_select_we_i,
  /// driver_feature_select is written.
  input  logic         driver_select_we_i,
  /// driver_feature is written.
  input  logic         driver_feature_we_i,
  /// Data written.
  input  logic [31:0]  wdata_i,
  /// Read values of the four fields.
  output logic [31:0]  device_select_o,
  /// device_feature.
  output logic [31:0]  device_feature_o,
  /// driver_feature_select.
  output logic [31:0]  driver_select_o,
  /// driver_feature.
  output logic [31:0]  driver_feature_o,
  /// The driver's subset is acceptable (combinational).
  output logic         legal_o,
  /// Accepted features: zero until frozen.
  output logic [127:0] accepted_o,
  /// The accepted features that engines ask for.
  output features_t    features_o
);

  logic [31:0]  device_select_q, driver_select_q;
  logic [127:0] driver_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      device_select_q <= '0;
      driver_select_q <= '0;
      driver_q        <= '0;
    end else begin
      if (device_select_we_i) device_select_q <= wdata_i;
      if (driver_select_we_i) driver_select_q <= wdata_i;
      if (driver_feature_we_i && !frozen_i && driver_select_q < 32'd4) begin
        driver_q[{driver_select_q[1:0], 5'd0} +: 32] <= wdata_i;
      end
    end
  end

  assign device_select_o  = device_select_q;
  assign driver_select_o  = driver_select_q;
  assign device_feature_o = (device_select_q < 32'd4) ? DEVICE_FEATURES[{device_select_q[1:0], 5'd0} +: 32] : '0;
  assign driver_feature_o = (driver_select_q < 32'd4) ? driver_q[{driver_select_q[1:0], 5'd0} +: 32] : '0;

  // Prerequisites of the specification among the bits that any device of ours can offer.
  logic needs_ctrl_vq;
  assign needs_ctrl_vq = driver_q[18] || driver_q[19] || driver_q[22] || driver_q[23]
                      || driver_q[52] || driver_q[53];
  assign legal_o = (driver_q & ~DEVICE_FEATURES) == '0
                && driver_q[32]                          // VERSION_1
                && (!needs_ctrl_vq || driver_q[17]);

  assign accepted_o = frozen_i ? driver_q : '0;

  always_comb begin
    features_o                   = '0;
    features_o.indirect_desc     = accepted_o[28];
    features_o.event_idx         = accepted_o[29];
    features_o.ring_packed       = accepted_o[34];
    features_o.in_order          = accepted_o[35];
    features_o.notification_data = accepted_o[38];
    features_o.notif_config_data = accepted_o[39];
    features_o.mtu               = accepted_o[3];
    features_o.mrg_rxbuf         = accepted_o[15];
    features_o.net_status        = accepted_o[16];
    features_o.ctrl_vq           = accepted_o[17];
    features_o.ctrl_rx           = accepted_o[18];
    features_o.ctrl_vlan         = accepted_o[19];
    features_o.ctrl_rx_extra     = accepted_o[20];
    features_o.mq                = accepted_o[22];
    features_o.ctrl_mac_addr     = accepted_o[23];
    features_o.vq_notf_coal      = accepted_o[52];
    features_o.notf_coal         = accepted_o[53];
  end

endmodule
