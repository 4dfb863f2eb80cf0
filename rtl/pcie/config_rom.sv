/// The constant part of configuration space, dword by dword, so that the layout reads as a table. What software can change
/// is laid over it in `config_space`; a field that is 0 here and listed there belongs to that overlay.
module config_rom
  import pcie_pkg::*;
#(
  /// MSI-X table entries.
  parameter int unsigned NUM_VECTORS = 10,
  /// Queues: the kick region is 4 bytes each.
  parameter int unsigned NUM_QUEUES = 9,
  /// Length of the device configuration structure.
  parameter int unsigned DEVICE_CFG_BYTES = 12,
  /// Vendor id of the checkpoint window's capability: "RS", which PCI-SIG has given to nobody; who makes a device of this
  /// puts their own here.
  parameter logic [15:0] VENDOR_ID = 16'h5253
) (
  /// Dword of configuration space (byte offset / 4).
  input  logic [5:0]  dword_i,
  /// Its constant bits.
  output logic [31:0] value_o
);

  /// First dword of a capability: {next, id}. Byte offsets.
  function automatic logic [31:0] cap(input logic [15:0] body, input logic [7:0] next, input logic [7:0] id);
    return {body, next, id};
  endfunction

  /// First dword of a virtio structure capability (id 0x09).
  function automatic logic [31:0] virtio_cap(input logic [7:0] cfg_type, input logic [7:0] bytes,
                                             input logic [7:0] next);
    return {cfg_type, bytes, next, 8'h09};
  endfunction

  always_comb begin
    case ({dword_i, 2'b00})
      // Type 0 header
      8'h00: value_o = 32'h1041_1af4;                          // virtio network device, vendor 0x1AF4
      8'h04: value_o = 32'h0010_0000;                          // Status: capability list
      8'h08: value_o = 32'h0200_0001;                          // Ethernet controller, revision 1
      8'h0c: value_o = 32'h0000_0000;                          // header type 0, one function
      8'h10: value_o = 32'h0000_000c;                          // BAR0: 64 bit, prefetchable
      8'h18: value_o = 32'h0000_000c;                          // BAR2: 64 bit, prefetchable
      8'h2c: value_o = 32'h1100_1af4;                          // subsystem
      8'h34: value_o = {24'd0, CapPm};                         // capability list
      8'h3c: value_o = 32'h0000_0100;                          // interrupt pin A
      // Power management: version 3, D0 and D3hot, no PME, no soft reset
      CapPm:         value_o = cap(16'h0003, CapMsix, 8'h01);
      CapPm + 8'h4:  value_o = 32'h0000_0008;
      // MSI-X: table in BAR2 at 0, pending bits in BAR2 at 0x8000
      CapMsix:        value_o = cap({5'd0, 11'(NUM_VECTORS - 1)}, CapPcie, 8'h11);
      CapMsix + 8'h4: value_o = 32'h0000_0002;
      CapMsix + 8'h8: value_o = 32'h0000_8002;
      // PCI Express: version 2 endpoint
      CapPcie:         value_o = cap(16'h0002, CapCommon, 8'h10);
      CapPcie + 8'h04: value_o = 32'h1000_8022;                // FLR, role-based errors, 8-bit tags, MPS 512
      CapPcie + 8'h0c: value_o = 32'h0040_0083;                // x8, 8 GT/s
      CapPcie + 8'h10: value_o = 32'h1083_0000;                // running at that
      CapPcie + 8'h24: value_o = 32'h0003_0011;                // 10-bit tags; time-out range A, disable
      CapPcie + 8'h2c: value_o = 32'h0000_000e;                // 2.5, 5, 8 GT/s
      CapPcie + 8'h30: value_o = 32'h0000_0003;
      // Virtio structures: {type, bar, offset, length}
      CapCommon:         value_o = virtio_cap(8'd1, 8'd16, CapNotify);
      CapCommon + 8'hc:  value_o = 32'd64;
      CapNotify:         value_o = virtio_cap(8'd2, 8'd20, CapIsr);
      CapNotify + 8'h8:  value_o = 32'h0000_3000;
      CapNotify + 8'hc:  value_o = 4 * NUM_QUEUES;
      CapNotify + 8'h10: value_o = 32'd4;                      // notify_off_multiplier
      CapIsr:            value_o = virtio_cap(8'd3, 8'd16, CapDevice);
      CapIsr + 8'h8:     value_o = 32'h0000_1000;
      CapIsr + 8'hc:     value_o = 32'd1;
      CapDevice:         value_o = virtio_cap(8'd4, 8'd16, CapWindow);
      CapDevice + 8'h8:  value_o = 32'h0000_2000;
      CapDevice + 8'hc:  value_o = DEVICE_CFG_BYTES;
      CapWindow:         value_o = virtio_cap(8'd5, 8'd20, CapVendor);
      // Vendor data: {BAR, structure 1, vendor}, offset and length of the checkpoint window (virtio/checkpoint.sv)
      CapVendor:         value_o = virtio_cap(8'd9, 8'd16, 8'h00);
      CapVendor + 8'h4:  value_o = {16'h0001, VENDOR_ID};
      CapVendor + 8'h8:  value_o = 32'h0000_4000;
      CapVendor + 8'hc:  value_o = 8 * NUM_QUEUES;
      default:           value_o = '0;
    endcase
  end

endmodule
