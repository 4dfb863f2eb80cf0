// Device configuration of virtio-net, read-only: mac, status, max_virtqueue_pairs, mtu. Readable at any time, also
// before features are negotiated.
module net_config
  import bug_pkg::*;
  import ringside_pkg::*;
#(
    /// Most queue pairs.
    parameter int unsigned QUEUE_PAIRS = 4,
    /// Maximum transmission unit in bytes.
    parameter int unsigned MTU         = 9000,
    /// Planted bug; 61: the link shows while the device is suspended.
    parameter int unsigned BUG         = 0
) (
    /// Clock.
    input  logic        clk_i,
    /// Synchronous reset, active low.
    input  logic        rst_ni,
    /// Register access, held until the response.
    input  logic        req_valid_i,
    /// The access.
    /* verilator lint_off UNUSED */
    input  reg_req_t    req_i,  // read-only: only the address
    /* verilator lint_on UNUSED */
    /// Response pulse.
    output logic        rsp_valid_o,
    /// Data read.
    output logic [31:0] rsp_rdata_o,
    /// Address in force, first byte on the wire in 47:40.
    input  logic [47:0] mac_i,
    /// STATUS is negotiated: the driver wants to hear of link changes.
    input  logic        status_i,
    /// The link is up.
    input  logic        link_up_i,
    /// Suspended: the configuration does not change. What the link did meanwhile shows afterwards.
    input  logic        hold_i,
    /// Pulse: the configuration changed on the device's own account and the driver wants to hear of it.
    output logic        config_change_o,
    /// Pulse: what is read here differs from the cycle before (link, or an address set by command or reset).
    output logic        config_touch_o
);

  logic        link, link_q, link_before_q, known_q;
  logic [47:0] mac_q;

  always_comb begin
    rsp_rdata_o = 32'd0;
    unique case (req_i.addr[11:2])
      10'd0:   rsp_rdata_o = {mac_i[23:16], mac_i[31:24], mac_i[39:32], mac_i[47:40]};
      10'd1:   rsp_rdata_o = {15'd0, link_q, mac_i[7:0], mac_i[15:8]};
      10'd2:   rsp_rdata_o = {16'(MTU), 16'(QUEUE_PAIRS)};
      default: rsp_rdata_o = 32'd0;
    endcase
  end

  assign rsp_valid_o    = req_valid_i;
  assign config_touch_o = known_q && (link_q != link_before_q || mac_i != mac_q);

  assign link = (hold_i && !planted(BUG, 61)) ? link_q : link_up_i;

  // The first state after reset is no change.
  always_ff @(posedge clk_i) begin
    link_before_q <= known_q ? link_q : link_up_i;
    mac_q         <= mac_i;
    if (!rst_ni) begin
      known_q         <= 1'b0;
      link_q          <= 1'b0;
      config_change_o <= 1'b0;
    end else begin
      known_q         <= 1'b1;
      link_q          <= link;
      config_change_o <= known_q && status_i && (link != link_q);
    end
  end

endmodule
