// TLP coding: the numbers of the PCI Express Base Specification chapter 2 and the arithmetic of byte enables.
package pcie_pkg;

  import ringside_pkg::*;

  // Type field, dw0[28:24].
  localparam logic [4:0] TlpMem  = 5'b00000;
  localparam logic [4:0] TlpCfg0 = 5'b00100;
  localparam logic [4:0] TlpCpl  = 5'b01010;
  // Messages: 10rrr with the routing in rrr; 100 = local, terminate at the receiver.
  localparam logic [1:0] TlpMsg      = 2'b10;
  localparam logic [4:0] TlpMsgLocal = 5'b10100;

  localparam logic [7:0] MsgAssertInta   = 8'h20;
  localparam logic [7:0] MsgDeassertInta = 8'h24;

  localparam logic [2:0] CplSuccess     = 3'b000;
  localparam logic [2:0] CplUnsupported = 3'b001;
  localparam logic [2:0] CplAbort       = 3'b100;

  /// The largest request or payload that any block here handles, bytes. Device Capabilities announce the same.
  localparam int unsigned ChunkBytesMax = 512;

  /// Bytes meant by a Max_Payload_Size or Max_Read_Request_Size code, limited to what the blocks handle.
  function automatic logic [9:0] size_code_bytes(input logic [2:0] code);
    return (code == 3'd0) ? 10'd128 : (code == 3'd1) ? 10'd256 : 10'(ChunkBytesMax);
  endfunction

  /// Dwords touched by len_bytes (1..512) from byte offset addr_lo of a dword.
  function automatic logic [7:0] dword_count(input logic [1:0] addr_lo, input logic [9:0] len_bytes);
    return 8'((11'(len_bytes) + 11'(addr_lo) + 11'd3) >> 2);
  endfunction

  /// Enables of the first and the last dword {last, first} of a span; last is 0 for one dword.
  function automatic logic [7:0] byte_enables(input logic [1:0] addr_lo, input logic [9:0] len_bytes);
    logic [3:0] first, tail;
    logic [1:0] end_lo;
    end_lo = addr_lo + len_bytes[1:0];
    first  = 4'hf << addr_lo;
    tail   = 4'hf >> (2'd0 - end_lo);
    if (dword_count(addr_lo, len_bytes) == 8'd1) return {4'h0, first & tail};
    return {tail, first};
  endfunction

  /// Header of a memory request without relaxed ordering, no-snoop, digest or poison. 3 dwords below 4 GiB.
  function automatic tlp_hdr_t mem_header(input logic write, input logic [63:2] dword_addr,
                                          input logic [7:0] dwords, input logic [7:0] enables,
                                          input logic [15:0] bdf, input logic [7:0] tag);
    logic        wide;
    logic [31:0] low;
    wide = dword_addr[63:32] != '0;
    low  = {dword_addr[31:2], 2'b00};
    return {
      wide ? low : 32'd0,
      wide ? dword_addr[63:32] : low,
      bdf, tag, enables,
      1'b0, write, wide, TlpMem, 14'd0, 2'b00, dwords
    };
  endfunction

endpackage
