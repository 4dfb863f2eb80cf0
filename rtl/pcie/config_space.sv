/// Configuration space of the function: the constant table of `config_rom` with the registers that software writes laid over
/// it, Function Level Reset, the virtio PCI access window, and what the rest of the device must know of all that.
module config_space
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// MSI-X table entries.
  parameter int unsigned NUM_VECTORS = 10,
  /// Queues of the kick region.
  parameter int unsigned NUM_QUEUES = 9,
  /// Length of the device configuration structure.
  parameter int unsigned DEVICE_CFG_BYTES = 12
) (
  /// Clock.
  input  logic         clk_i,
  /// Synchronous reset, active low.
  input  logic         rst_ni,
  /// Access, held until the response; addr bits 11:2 count.
  input  logic         req_valid_i,
  /// The access.
  /* verilator lint_off UNUSED */
  input  reg_req_t     req_i,
  /* verilator lint_on UNUSED */
  /// Response pulse.
  output logic         rsp_valid_o,
  /// Read data.
  output logic [31:0]  rsp_rdata_o,
  /// A configuration write to us named this bus, device and function.
  input  logic         capture_valid_i,
  /// The number.
  input  logic [15:0]  capture_bdf_i,
  /// Access window: BAR access, held until the response.
  output logic         win_req_valid_o,
  /// In BAR2 instead of BAR0.
  output logic         win_bar2_o,
  /// The access.
  output reg_req_t     win_req_o,
  /// Its response.
  input  logic         win_rsp_valid_i,
  /// Its read data.
  input  logic [31:0]  win_rsp_rdata_i,
  /// An ISR bit is set.
  input  logic         intx_level_i,
  /// Reads are outstanding.
  input  logic         pending_i,
  /// What happened on the link.
  input  link_events_t events_i,
  /// BAR0 base, bits 63:16.
  output logic [47:0]  bar0_base_o,
  /// BAR2 base, bits 63:16.
  output logic [47:0]  bar2_base_o,
  /// Effective configuration (bus_master and memory_space are 0 in D3hot).
  output pcie_config_t config_o,
  /// Completion Timeout Value.
  output logic [3:0]   timeout_range_o,
  /// Completion Timeout Disable.
  output logic         timeout_disable_o,
  /// Pulse: Function Level Reset; all registers here go to their defaults with it.
  output logic         flr_o
);

  // Registers that software writes.
  typedef struct packed {
    logic        memory_space, bus_master, parity_response, serr, intx_disable;
    logic [7:0]  cache_line, interrupt_line;
    logic [47:0] bar0, bar2;
    logic        d3hot;
    logic        msix_enable, msix_mask;
    logic [3:0]  error_reporting;
    logic        relaxed, no_snoop, ext_tag, ten_bit_tag;
    logic [2:0]  mrrs;
    logic [4:0]  timeout;          // {disable, value}
    logic [7:0]  win_bar;
    logic [31:0] win_offset, win_length, win_data;
    logic [5:0]  status;           // {parity, serr, master abort, target abort, signaled abort, data parity}
    logic [3:0]  device_status;    // {unsupported, fatal, non-fatal, correctable}
  } regs_t;

  localparam regs_t DEFAULTS = '{relaxed: 1'b1, no_snoop: 1'b1, mrrs: 3'd2, default: '0};

  regs_t       regs_q, regs_d;
  // Kept through Function Level Reset, as the PCI Express specification lists.
  logic [2:0]  mps_q;
  logic [2:0]  link_control_q;     // {extended synch, common clock, RCB}
  logic [15:0] bdf_q;

  logic [31:0] rom, rdata, wmask, merged;
  logic [7:0]  offset;
  logic        access, write, extended, rsp_q, win_busy_q, flr, win_hit;
  logic [31:0] rdata_q;

  assign offset   = {req_i.addr[7:2], 2'b00};
  assign extended = req_i.addr[11:8] != '0;
  assign access   = req_valid_i && !rsp_q && !win_busy_q;
  assign write    = access && req_i.write && !extended;
  assign wmask    = {{8{req_i.be[3]}}, {8{req_i.be[2]}}, {8{req_i.be[1]}}, {8{req_i.be[0]}}};
  assign merged   = (rdata & ~wmask) | (req_i.wdata & wmask);

  config_rom #(
    .NUM_VECTORS     (NUM_VECTORS),
    .NUM_QUEUES      (NUM_QUEUES),
    .DEVICE_CFG_BYTES(DEVICE_CFG_BYTES)
  ) u_rom (
    .dword_i(req_i.addr[7:2]),
    .value_o(rom)
  );

  // Read: constants with the registers laid over.
  always_comb begin
    rdata = rom;
    case (offset)
      8'h04: begin
        rdata[10]    = regs_q.intx_disable;
        rdata[8]     = regs_q.serr;
        rdata[6]     = regs_q.parity_response;
        rdata[2]     = regs_q.bus_master;
        rdata[1]     = regs_q.memory_space;
        rdata[31:27] = regs_q.status[5:1];
        rdata[24]    = regs_q.status[0];
        rdata[19]    = intx_level_i && !regs_q.msix_enable;
      end
      8'h0c:           rdata[7:0] = regs_q.cache_line;
      8'h10:           rdata[31:16] = regs_q.bar0[15:0];
      8'h14:           rdata = regs_q.bar0[47:16];
      8'h18:           rdata[31:16] = regs_q.bar2[15:0];
      8'h1c:           rdata = regs_q.bar2[47:16];
      8'h3c:           rdata[7:0] = regs_q.interrupt_line;
      CapPm + 8'h4:    rdata[1:0] = {2{regs_q.d3hot}};
      CapMsix:         rdata[31:30] = {regs_q.msix_enable, regs_q.msix_mask};
      CapPcie + 8'h08: begin
        rdata[14:0]  = {regs_q.mrrs, regs_q.no_snoop, 2'b00, regs_q.ext_tag, mps_q, regs_q.relaxed,
                        regs_q.error_reporting};
        rdata[19:16] = regs_q.device_status;
        rdata[21]    = pending_i;
      end
      CapPcie + 8'h10: {rdata[7], rdata[6], rdata[3]} = link_control_q;
      CapPcie + 8'h28: {rdata[12], rdata[4:0]} = {regs_q.ten_bit_tag, regs_q.timeout};
      CapWindow + 8'h4:  rdata[7:0] = regs_q.win_bar;
      CapWindow + 8'h8:  rdata = regs_q.win_offset;
      CapWindow + 8'hc:  rdata = regs_q.win_length;
      CapWindow + 8'h10: rdata = regs_q.win_data;
      default: ;
    endcase
    if (extended) rdata = '0;
  end

  // The access window: 1, 2 or 4 bytes, naturally aligned, inside one of the two BARs.
  logic       win_legal;
  logic [3:0] win_be;
  assign win_hit   = offset == CapWindow + 8'h10 && !extended && req_i.be != '0;
  assign win_be    = (regs_q.win_length == 32'd4) ? 4'hf :
                     ((regs_q.win_length == 32'd2) ? 4'h3 : 4'h1) << regs_q.win_offset[1:0];
  assign win_legal = (regs_q.win_bar == 8'd0 || regs_q.win_bar == 8'd2) && regs_q.win_offset[31:16] == '0 &&
                     (regs_q.win_length == 32'd1 || (regs_q.win_length == 32'd2 && !regs_q.win_offset[0]) ||
                      (regs_q.win_length == 32'd4 && regs_q.win_offset[1:0] == '0));

  assign win_req_valid_o = win_busy_q;
  assign win_bar2_o      = regs_q.win_bar[1];
  assign win_req_o       = '{
    write:  req_i.write,
    single: 1'b1,
    addr:   {regs_q.win_offset[15:2], 2'b00},
    be:     win_be,
    wdata:  regs_q.win_data << {regs_q.win_offset[1:0], 3'b000}
  };

  logic [31:0] win_value;
  always_comb begin
    win_value = win_rsp_rdata_i >> {regs_q.win_offset[1:0], 3'b000};
    if (regs_q.win_length == 32'd1) win_value[31:8] = '0;
    if (regs_q.win_length == 32'd2) win_value[31:16] = '0;
  end

  // Write.
  assign flr = write && offset == CapPcie + 8'h08 && req_i.be[1] && req_i.wdata[15];

  always_comb begin
    regs_d = regs_q;
    if (write) begin
      case (offset)
        8'h04: begin
          regs_d.intx_disable    = merged[10];
          regs_d.serr            = merged[8];
          regs_d.parity_response = merged[6];
          regs_d.bus_master      = merged[2];
          regs_d.memory_space    = merged[1];
          if (req_i.be[3]) regs_d.status = regs_q.status & ~{req_i.wdata[31:27], req_i.wdata[24]};
        end
        8'h0c:             regs_d.cache_line = merged[7:0];
        8'h10:             regs_d.bar0[15:0] = merged[31:16];
        8'h14:             regs_d.bar0[47:16] = merged;
        8'h18:             regs_d.bar2[15:0] = merged[31:16];
        8'h1c:             regs_d.bar2[47:16] = merged;
        8'h3c:             regs_d.interrupt_line = merged[7:0];
        CapPm + 8'h4:      if (merged[1] == merged[0]) regs_d.d3hot = merged[0];  // no D1, no D2
        CapMsix:           {regs_d.msix_enable, regs_d.msix_mask} = merged[31:30];
        CapPcie + 8'h08: begin
          regs_d.mrrs            = merged[14:12];
          regs_d.no_snoop        = merged[11];
          regs_d.ext_tag         = merged[8];
          regs_d.relaxed         = merged[4];
          regs_d.error_reporting = merged[3:0];
          if (req_i.be[2]) regs_d.device_status = regs_q.device_status & ~req_i.wdata[19:16];
        end
        CapPcie + 8'h28:   {regs_d.ten_bit_tag, regs_d.timeout} = {merged[12], merged[4:0]};
        CapWindow + 8'h4:  regs_d.win_bar = merged[7:0];
        CapWindow + 8'h8:  regs_d.win_offset = merged;
        CapWindow + 8'hc:  regs_d.win_length = merged;
        CapWindow + 8'h10: regs_d.win_data = merged;
        default: ;
      endcase
    end
    if (win_busy_q && win_rsp_valid_i && !req_i.write) regs_d.win_data = win_value;
    // Errors: new ones win over the write that clears.
    regs_d.status |= {events_i.poisoned_request || events_i.got_poisoned, 1'b0,
                      events_i.got_unsupported, events_i.got_abort, events_i.aborted,
                      events_i.got_poisoned && regs_q.parity_response};
    regs_d.device_status |= {events_i.unsupported || events_i.unsupported_posted, 1'b0,
                             events_i.unsupported_posted || events_i.poisoned_request ||
                             events_i.got_poisoned,
                             events_i.unsupported || events_i.aborted};
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      regs_q         <= DEFAULTS;
      mps_q          <= '0;
      link_control_q <= '0;
      bdf_q          <= '0;
      rsp_q          <= 1'b0;
      win_busy_q     <= 1'b0;
      flr_o          <= 1'b0;
    end else begin
      regs_q <= flr ? DEFAULTS : regs_d;
      flr_o  <= flr;
      if (write && offset == CapPcie + 8'h08) mps_q <= merged[7:5];
      if (write && offset == CapPcie + 8'h10) link_control_q <= {merged[7], merged[6], merged[3]};
      if (capture_valid_i) bdf_q <= capture_bdf_i;
      if (win_busy_q) begin
        win_busy_q <= !win_rsp_valid_i;
        rsp_q      <= win_rsp_valid_i;
      end else begin
        win_busy_q <= access && win_hit && win_legal;
        rsp_q      <= access && !(win_hit && win_legal);
      end
    end
    if (win_busy_q) rdata_q <= win_value;
    else if (access) rdata_q <= (win_hit && !win_legal) ? '0 : rdata;
  end

  assign rsp_valid_o       = rsp_q;
  assign rsp_rdata_o       = rdata_q;
  assign bar0_base_o       = regs_q.bar0;
  assign bar2_base_o       = regs_q.bar2;
  assign timeout_range_o   = regs_q.timeout[3:0];
  assign timeout_disable_o = regs_q.timeout[4];
  assign config_o          = '{
    bdf:                bdf_q,
    bus_master:         regs_q.bus_master && !regs_q.d3hot,
    memory_space:       regs_q.memory_space && !regs_q.d3hot,
    intx_disable:       regs_q.intx_disable,
    ext_tag:            regs_q.ext_tag,
    ten_bit_tag:        regs_q.ten_bit_tag,
    mps:                mps_q,
    mrrs:               regs_q.mrrs,
    msix_enable:        regs_q.msix_enable,
    msix_function_mask: regs_q.msix_mask
  };

endmodule
