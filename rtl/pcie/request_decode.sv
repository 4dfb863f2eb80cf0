/// What the completer does with a request, from its header alone: configuration space, a BAR, or which refusal.
module request_decode
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Longest read that is answered, dwords.
  parameter int unsigned READ_DWORDS_MAX = 32
) (
  /// The header.
  /* verilator lint_off UNUSED */
  input  tlp_hdr_t    hdr_i,  // not every bit is of interest
  /* verilator lint_on UNUSED */
  /// Memory space is enabled.
  input  logic        memory_space_i,
  /// BAR0 base, bits 63:16.
  input  logic [47:0] bar0_base_i,
  /// BAR2 base, bits 63:16.
  input  logic [47:0] bar2_base_i,
  /// The verdict.
  output request_t    request_o,
  /// It is a configuration write to us, which carries our bus and device number.
  output logic        capture_o
);

  logic        memory, config0, message, poisoned, ours, in_bar0, in_bar2, fits_page, one_dword;
  logic [63:0] addr;
  logic [4:0]  kind;
  logic [10:0] dwords;

  assign kind      = hdr_i[28:24];
  assign memory    = kind == TlpMem;
  assign config0   = kind == TlpCfg0 && !hdr_i[29];
  assign message   = kind[4:3] == TlpMsg;
  assign poisoned  = hdr_i[14];
  // Dword address: 4-dword headers carry the high half first.
  assign addr      = hdr_i[29] ? {hdr_i[95:64], hdr_i[127:98], 2'b00} : {32'd0, hdr_i[95:66], 2'b00};
  assign ours      = hdr_i[82:80] == 3'd0;     // function number of a configuration request
  assign in_bar0   = addr[63:16] == bar0_base_i;
  assign in_bar2   = addr[63:16] == bar2_base_i;
  assign fits_page = 13'(addr[11:2]) + 13'(dwords) <= 13'd1024;
  assign one_dword = dwords == 11'd1;
  assign dwords    = (hdr_i[9:0] == '0) ? 11'd1024 : {1'b0, hdr_i[9:0]};
  assign capture_o = request_o.action == ActConfig && hdr_i[30];

  // Enabled bytes of a one-dword request, from its first to its last (PCI Express table of byte counts).
  function automatic logic [2:0] span(input logic [3:0] be);
    logic [2:0] first, last;
    first = be[0] ? 3'd0 : be[1] ? 3'd1 : be[2] ? 3'd2 : 3'd3;
    last  = be[3] ? 3'd3 : be[2] ? 3'd2 : be[1] ? 3'd1 : 3'd0;
    return (be == 4'h0) ? 3'd1 : last - first + 3'd1;
  endfunction

  // Bytes before the first enabled one and after the last enabled one.
  function automatic logic [1:0] leading(input logic [3:0] be);
    return (be[0] || be == 4'h0) ? 2'd0 : be[1] ? 2'd1 : be[2] ? 2'd2 : 2'd3;
  endfunction
  function automatic logic [1:0] trailing(input logic [3:0] be);
    return (be[3] || be == 4'h0) ? 2'd0 : be[2] ? 2'd1 : be[1] ? 2'd2 : 2'd3;
  endfunction

  always_comb begin
    request_o              = '0;
    request_o.has_data     = hdr_i[30];
    request_o.posted       = (memory && hdr_i[30]) || message;
    request_o.dwords       = dwords;
    request_o.first_be     = hdr_i[35:32];
    request_o.last_be      = hdr_i[39:36];
    request_o.addr         = memory ? addr[15:0] : {4'd0, hdr_i[75:66], 2'b00};
    // Only memory reads have a length and an address worth reporting.
    request_o.byte_count   = 12'd4;
    if (memory && !hdr_i[30]) begin
      request_o.byte_count = one_dword ? 12'(span(hdr_i[35:32])) :
                             {dwords[9:0], 2'b00} - 12'(leading(hdr_i[35:32])) -
                             12'(trailing(hdr_i[39:36]));
      request_o.lower_addr = {addr[6:2], leading(hdr_i[35:32])};
    end

    request_o.action = request_o.posted ? ActDrop : ActUnsupported;
    if (config0 && ours && one_dword && !(hdr_i[30] && poisoned)) begin
      request_o.action = ActConfig;
    end else if (memory && memory_space_i && (in_bar0 || in_bar2)) begin
      if (hdr_i[30]) request_o.action = poisoned ? ActDrop : in_bar0 ? ActBar0 : ActBar2;
      else if (dwords > 11'(READ_DWORDS_MAX) || !fits_page) request_o.action = ActAbort;
      else request_o.action = in_bar0 ? ActBar0 : ActBar2;
    end
  end

endmodule
