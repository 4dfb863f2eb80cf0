// A PCIe function just big enough to try the host on: configuration space, one BAR of registers, and a copy engine that reads
// memory, writes it back elsewhere and sends an interrupt. One request at a time: it tests the host, it is no example of a device.
module host_probe #(
  parameter int unsigned DATA_W = 512,
  /// 0 none; 1 tvalid of a write falls while stalled; 2 tkeep of a write has a hole; 3 header length is one too long
  parameter int unsigned BUG = 0
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic [DATA_W-1:0]   cq_tdata_i,
  input  logic [DATA_W/32-1:0] cq_tkeep_i,
  input  logic                cq_tvalid_i,
  output logic                cq_tready_o,
  input  logic                cq_tlast_i,
  input  logic [127:0]        cq_thdr_i,
  input  logic [31:0]         cq_tprefix_i,
  input  logic                cq_tprefix_valid_i,
  output logic [DATA_W-1:0]   cc_tdata_o,
  output logic [DATA_W/32-1:0] cc_tkeep_o,
  output logic                cc_tvalid_o,
  input  logic                cc_tready_i,
  output logic                cc_tlast_o,
  output logic [127:0]        cc_thdr_o,
  output logic [31:0]         cc_tprefix_o,
  output logic                cc_tprefix_valid_o,
  output logic [DATA_W-1:0]   rq_tdata_o,
  output logic [DATA_W/32-1:0] rq_tkeep_o,
  output logic                rq_tvalid_o,
  input  logic                rq_tready_i,
  output logic                rq_tlast_o,
  output logic [127:0]        rq_thdr_o,
  output logic [31:0]         rq_tprefix_o,
  output logic                rq_tprefix_valid_o,
  input  logic [DATA_W-1:0]   rc_tdata_i,
  input  logic [DATA_W/32-1:0] rc_tkeep_i,
  input  logic                rc_tvalid_i,
  output logic                rc_tready_o,
  input  logic                rc_tlast_i,
  input  logic [127:0]        rc_thdr_i,
  input  logic [31:0]         rc_tprefix_i,
  input  logic                rc_tprefix_valid_i,
  input  logic [7:0]          fc_ph_limit_i,
  input  logic [11:0]         fc_pd_limit_i,
  input  logic [7:0]          fc_nph_limit_i,
  input  logic [11:0]         fc_npd_limit_i,
  input  logic [7:0]          fc_cplh_limit_i,
  input  logic [11:0]         fc_cpld_limit_i
);
  localparam int unsigned LANES = DATA_W / 32;

  // ---- configuration space ----
  logic [31:0] cfg_q [64];
  function automatic logic [31:0] cfg_writable(input logic [5:0] index);
    unique case (index)
      6'h01:   return 32'h0000_0406;
      6'h04:   return 32'hffff_f000;  // BAR0: 64-bit, prefetchable, 4 KiB
      6'h05:   return 32'hffff_ffff;
      6'h12:   return 32'h0000_7fff;  // Device Control
      6'h20:   return 32'hc000_0000;  // MSI-X Message Control
      default: return 32'h0;
    endcase
  endfunction

  // ---- registers in BAR0 ----
  logic [31:0] reg_q [16];
  logic [31:0] msix_q [4];
  typedef enum logic [2:0] {CIdle, CAnswer} cstate_e;
  cstate_e      cstate_q;
  logic [127:0] chdr_q;
  logic [31:0]  cdata_q [2];

  wire [127:0] h    = cq_thdr_i;
  wire         wide = h[29];
  wire [11:0]  addr = wide ? {h[107:98], 2'b0} : {h[75:66], 2'b0};
  wire         take = cq_tvalid_i && cq_tready_o;
  wire         is_cfg = h[28:24] == 5'd4;
  wire         is_wr  = h[30];
  wire [5:0]   cfg_index = h[71:66];

  assign cq_tready_o = cstate_q == CIdle;

  function automatic logic [31:0] mask_of(input logic [3:0] be);
    return {{8{be[3]}}, {8{be[2]}}, {8{be[1]}}, {8{be[0]}}};
  endfunction

  // ---- copy engine ----
  typedef enum logic [2:0] {DIdle, DRead, DCollect, DWrite, DInterrupt, DDone} dstate_e;
  dstate_e     dstate_q;
  logic [31:0] buf_q [64];
  logic [6:0]  got_q, sent_q;
  logic        failed_q;
  wire [6:0]   len = reg_q[4][6:0];
  logic        go_q;
  logic [15:0] stall_q;

  always_ff @(posedge clk_i) begin
    go_q <= 1'b0;
    if (!rst_ni) begin
      cstate_q <= CIdle;
      for (int i = 0; i < 64; i++) cfg_q[i] <= 32'h0;
      cfg_q[0]  <= 32'h1041_1af4;
      cfg_q[1]  <= 32'h0010_0000;
      cfg_q[2]  <= 32'h0200_0001;
      cfg_q[4]  <= 32'h0000_000c;
      cfg_q[11] <= 32'h1100_1af4;
      cfg_q[13] <= 32'h0000_0040;
      cfg_q[15] <= 32'h0000_0100;
      // PCIe at 0x40, MSI-X at 0x80, virtio at 0x90, 0xa0, 0xb4
      cfg_q[16] <= 32'h0002_8010;
      cfg_q[17] <= 32'h0000_8022;
      cfg_q[32] <= 32'h0000_9011;
      cfg_q[33] <= 32'h0000_0800;
      cfg_q[34] <= 32'h0000_0c00;
      cfg_q[36] <= 32'h0110_a009;
      cfg_q[38] <= 32'h0000_0000;
      cfg_q[39] <= 32'h0000_0040;
      cfg_q[40] <= 32'h0214_b409;
      cfg_q[42] <= 32'h0000_0100;
      cfg_q[43] <= 32'h0000_0004;
      cfg_q[44] <= 32'h0000_0004;
      cfg_q[45] <= 32'h0310_0009;
      cfg_q[47] <= 32'h0000_0200;
      cfg_q[48] <= 32'h0000_0004;
      for (int i = 0; i < 16; i++) reg_q[i] <= 32'h0;
      for (int i = 0; i < 4; i++) msix_q[i] <= 32'h0;
      msix_q[3] <= 32'h1;
    end else begin
      if (dstate_q == DDone) begin
        reg_q[6] <= {30'h0, failed_q, 1'b1};
      end
      if (cstate_q == CAnswer && cc_tready_i) cstate_q <= CIdle;
      if (take) begin
        chdr_q <= h;
        if (is_cfg) begin
          cstate_q   <= CAnswer;
          cdata_q[0] <= cfg_q[cfg_index];
          if (is_wr) begin
            cfg_q[cfg_index] <= (cfg_q[cfg_index] & ~(cfg_writable(cfg_index) & mask_of(h[35:32]))) |
                                (cq_tdata_i[31:0] & cfg_writable(cfg_index) & mask_of(h[35:32]));
          end
        end else if (is_wr) begin
          if (addr[11:4] == 8'h80) begin
            msix_q[addr[3:2]] <= cq_tdata_i[31:0];
          end else begin
            reg_q[addr[5:2]] <= (reg_q[addr[5:2]] & ~mask_of(h[35:32])) |
                                (cq_tdata_i[31:0] & mask_of(h[35:32]));
            if (h[9:0] == 10'd2) reg_q[addr[5:2] + 4'd1] <= cq_tdata_i[63:32];
            if (addr[5:2] == 4'd5) go_q <= 1'b1;
          end
        end else begin
          cstate_q   <= CAnswer;
          cdata_q[0] <= addr[11:4] == 8'h80 ? msix_q[addr[3:2]] : reg_q[addr[5:2]];
          cdata_q[1] <= reg_q[addr[5:2] + 4'd1];
        end
      end
    end
  end

  // Completions: success, with data for reads.
  wire cpl_data = !chdr_q[30];
  wire [9:0] cpl_dw = chdr_q[28:24] == 5'd4 ? 10'd1 : chdr_q[9:0];
  wire [1:0] first_be = chdr_q[32] ? 2'd0 : chdr_q[33] ? 2'd1 : chdr_q[34] ? 2'd2 : 2'd3;
  wire [2:0] be_count = 3'(chdr_q[32]) + 3'(chdr_q[33]) + 3'(chdr_q[34]) + 3'(chdr_q[35]);
  wire [11:0] cpl_bytes = chdr_q[28:24] == 5'd4 ? 12'd4 : cpl_dw == 10'd2 ? 12'd8 : {9'h0, be_count};
  wire [6:0] cpl_lower = chdr_q[28:24] == 5'd4 ? 7'h0 :
                         {chdr_q[29] ? chdr_q[102:98] : chdr_q[70:66], first_be};
  assign cc_tvalid_o = cstate_q == CAnswer;
  assign cc_tlast_o  = 1'b1;
  assign cc_tkeep_o  = LANES'(!cpl_data ? 2'b00 : cpl_dw == 10'd2 ? 2'b11 : 2'b01);
  assign cc_tdata_o  = DATA_W'({cdata_q[1], cdata_q[0]});
  assign cc_thdr_o   = {32'h0,
                        chdr_q[63:48], chdr_q[47:40], 1'b0, cpl_lower,
                        16'h0100, 4'h0, cpl_bytes,
                        1'b0, cpl_data, 1'b0, 5'b01010, 14'h0, cpl_data ? cpl_dw : 10'h0};
  assign cc_tprefix_o = '0;
  assign cc_tprefix_valid_o = 1'b0;

  // Requests
  wire [63:0] src = {reg_q[1], reg_q[0]};
  wire [63:0] dst = {reg_q[3], reg_q[2]};
  wire        msix_on = cfg_q[32][31] && !cfg_q[32][30] && !msix_q[3][0];
  wire [6:0]  left = len - sent_q;
  wire        last_beat = left <= 7'(LANES);
  wire [9:0]  wlen = {3'h0, len} + (BUG == 3 ? 10'd1 : 10'd0);
  wire [3:0]  lbe = len == 7'd1 ? 4'h0 : 4'hf;
  logic [DATA_W-1:0] wdata;
  logic [LANES-1:0]  wkeep;

  always_comb begin
    wdata = '0;
    wkeep = '0;
    for (int i = 0; i < LANES; i++) begin
      if (7'(i) < left) begin
        wdata[32*i +: 32] = buf_q[6'(sent_q + 7'(i))];
        wkeep[i] = 1'b1;
      end
    end
    if (BUG == 2) wkeep[0] = 1'b0;
    rq_tvalid_o = 1'b0;
    rq_tdata_o  = wdata;
    rq_tkeep_o  = wkeep;
    rq_tlast_o  = last_beat;
    rq_thdr_o   = '0;
    unique case (dstate_q)
      DRead: begin
        rq_tvalid_o = 1'b1;
        rq_tkeep_o  = '0;
        rq_tlast_o  = 1'b1;
        rq_thdr_o   = {src[31:2], 2'b0, src[63:32], 16'h0100, 8'h15, lbe, 4'hf, 3'b001, 19'h0, 3'h0, len};
      end
      DWrite: begin
        rq_tvalid_o = !(BUG == 1 && stall_q == 16'd1);
        rq_thdr_o   = {dst[31:2], 2'b0, dst[63:32], 16'h0100, 8'h00, lbe, 4'hf, 3'b011, 19'h0, wlen};
      end
      DInterrupt: begin
        rq_tvalid_o = msix_on;
        rq_tdata_o  = DATA_W'(msix_q[2]);
        rq_tkeep_o  = LANES'(1'b1);
        rq_tlast_o  = 1'b1;
        rq_thdr_o   = {32'h0, msix_q[0], 16'h0100, 8'h00, 4'h0, 4'hf, 3'b010, 19'h0, 10'd1};
      end
      default: ;
    endcase
  end
  assign rq_tprefix_o = '0;
  assign rq_tprefix_valid_o = 1'b0;
  assign rc_tready_o = dstate_q == DCollect;

  // Where a completion's data belongs: what is left of the request tells how far it is.
  wire [11:0] rc_count = rc_thdr_i[43:32];
  wire [6:0]  rc_at    = len - 7'(rc_count >> 2);
  logic       rc_more_q;
  logic [6:0] rc_next_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      dstate_q  <= DIdle;
      got_q     <= '0;
      sent_q    <= '0;
      failed_q  <= 1'b0;
      rc_more_q <= 1'b0;
      rc_next_q <= '0;
      stall_q   <= '0;
    end else begin
      stall_q <= dstate_q == DWrite && !rq_tready_i ? stall_q + 16'd1 : '0;
      unique case (dstate_q)
        DIdle: if (go_q) begin
          dstate_q <= DRead;
          got_q    <= '0;
          sent_q   <= '0;
          failed_q <= 1'b0;
        end
        DRead: if (rq_tready_i) dstate_q <= DCollect;
        DCollect: begin
          if (rc_tvalid_i) begin
            automatic logic [6:0] at = rc_more_q ? rc_next_q : rc_at;
            automatic logic [6:0] n = 7'($countones(rc_tkeep_i));
            for (int i = 0; i < LANES; i++) begin
              if (rc_tkeep_i[i]) buf_q[6'(at + 7'(i))] <= rc_tdata_i[32*i +: 32];
            end
            rc_more_q <= !rc_tlast_i;
            rc_next_q <= at + n;
            got_q     <= got_q + n;
            if (!rc_more_q && (rc_thdr_i[47:45] != 3'h0 || rc_thdr_i[14])) begin
              failed_q <= 1'b1;
              if (rc_thdr_i[47:45] != 3'h0) dstate_q <= DInterrupt;
            end
            if (got_q + n == len) dstate_q <= failed_q || rc_thdr_i[14] ? DInterrupt : DWrite;
          end
        end
        DWrite: if (rq_tready_i && rq_tvalid_o) begin
          sent_q <= sent_q + 7'(LANES);
          if (last_beat) dstate_q <= DInterrupt;
        end
        DInterrupt: if (rq_tready_i || !msix_on) dstate_q <= DDone;
        DDone: dstate_q <= DIdle;
        default: dstate_q <= DIdle;
      endcase
    end
  end
endmodule
