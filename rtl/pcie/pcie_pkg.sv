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

  // Capabilities, byte offsets in configuration space.
  localparam logic [7:0] CapPm     = 8'h40;
  localparam logic [7:0] CapMsix   = 8'h48;
  localparam logic [7:0] CapPcie   = 8'h54;
  localparam logic [7:0] CapCommon = 8'h90;
  localparam logic [7:0] CapNotify = 8'ha0;
  localparam logic [7:0] CapIsr    = 8'hb4;
  localparam logic [7:0] CapDevice = 8'hc4;
  localparam logic [7:0] CapWindow = 8'hd4;
  localparam logic [7:0] CapVendor = 8'he8;

  /// What happened on the link that the status registers remember. Pulses.
  typedef struct packed {
    logic unsupported_posted;      // we got a posted request that we do not support
    logic unsupported;             // we answered Unsupported Request
    logic aborted;                 // we answered Completer Abort
    logic poisoned_request;        // we got a poisoned request
    logic got_unsupported;         // our read was answered Unsupported Request
    logic got_abort;               // our read was answered Completer Abort
    logic got_poisoned;            // our read was answered with poisoned data
  } link_events_t;

  /// What the completer does with a request.
  typedef enum logic [2:0] {
    ActConfig,                     // configuration space
    ActBar0,
    ActBar2,
    ActDrop,                       // posted: swallow
    ActUnsupported,                // answer Unsupported Request
    ActAbort                       // answer Completer Abort
  } action_e;

  /// A decoded request.
  typedef struct packed {
    action_e     action;
    logic        posted;
    logic        has_data;
    logic [10:0] dwords;           // length field, 1..1024
    logic [15:0] addr;             // first dword, byte offset in its space
    logic [3:0]  first_be;
    logic [3:0]  last_be;
    logic [11:0] byte_count;       // for its completion
    logic [6:0]  lower_addr;       // for its completion
  } request_t;

  /// Bytes meant by a Max_Payload_Size or Max_Read_Request_Size code, limited to what the blocks handle.
  function automatic logic [9:0] size_code_bytes(input logic [2:0] code);
    return (code == 3'd0) ? 10'd128 : (code == 3'd1) ? 10'd256 : 10'(ChunkBytesMax);
  endfunction

  /// Dwords touched by len_bytes (1..512) from byte offset addr_lo of a dword.
  function automatic logic [7:0] dword_count(input logic [1:0] addr_lo, input logic [9:0] len_bytes);
    /* verilator lint_off UNUSED */
    logic [10:0] sum;
    /* verilator lint_on UNUSED */
    sum = 11'(len_bytes) + 11'(addr_lo) + 11'd3;
    return sum[9:2];
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
                                          input logic [15:0] bdf, input logic [9:0] tag);
    logic        wide;
    logic [31:0] low;
    wide = dword_addr[63:32] != '0;
    low  = {dword_addr[31:2], 2'b00};
    return {
      wide ? low : 32'd0,
      wide ? dword_addr[63:32] : low,
      bdf, tag[7:0], enables,
      1'b0, write, wide, TlpMem, tag[9], 3'd0, tag[8], 9'd0, 2'b00, dwords
    };
  endfunction

endpackage
