/// MSI-X: table and pending bits behind BAR2, and the messages. A masked vector that is fired becomes pending and is sent
/// once when it may. A message is made from the table in the cycle it leaves, so a mask or a new address written before
/// that moment counts.
module msix
  import bug_pkg::*;
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Table entries, 1..2048.
  parameter int unsigned NUM_VECTORS = 10,
  /// Planted bug, 0 = none. Here: 17 messages carry the Relaxed Ordering attribute.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input  logic        clk_i,
  /// Synchronous reset, active low.
  input  logic        rst_ni,
  /// Function level reset: all vectors masked, nothing pending, table zero.
  input  logic        flr_i,
  /// Reset of the device: nothing pending, the table stays.
  input  logic        flush_i,
  /// These vectors are pending no more.
  input  logic [NUM_VECTORS-1:0] forget_i,
  /// Requester id.
  input  logic [15:0] bdf_i,
  /// MSI-X Enable.
  input  logic        enable_i,
  /// Function Mask.
  input  logic        function_mask_i,
  /// BAR2 access, held until the response.
  input  logic        req_valid_i,
  /// The access.
  /* verilator lint_off UNUSED */
  input  reg_req_t    req_i,  // accesses of any TLP length are alike here
  /* verilator lint_on UNUSED */
  /// Response pulse.
  output logic        rsp_valid_o,
  /// Read data.
  output logic [31:0] rsp_rdata_o,
  /// A vector is fired.
  input  logic        fire_valid_i,
  /// Taken: sent soon, pending, or dropped (beyond the table, MSI-X off).
  output logic        fire_ready_o,
  /// The vector.
  input  logic [10:0] fire_vector_i,
  /// Message offered (one beat). Withdrawn when its vector is masked.
  output logic        tlp_valid_o,
  /// Message taken.
  input  logic        tlp_ready_i,
  /// Its header.
  output tlp_hdr_t    tlp_hdr_o,
  /// Its dword.
  output logic [31:0] tlp_data_o,
  /// No message under way (pending bits do not count).
  output logic        idle_o
);

  localparam int unsigned VEC_W = (NUM_VECTORS > 1) ? $clog2(NUM_VECTORS) : 1;
  localparam int unsigned PBA_DWORDS = (NUM_VECTORS + 31) / 32;

  // The message part of an entry: address low, address high, data. Dwords never written read as 0.
  logic [31:2]                 low_q [NUM_VECTORS];
  logic [31:0]                 high_q [NUM_VECTORS];
  logic [31:0]                 data_q [NUM_VECTORS];
  logic [NUM_VECTORS-1:0][2:0] written_q;
  logic [NUM_VECTORS-1:0]      mask_q, pending_q;

  function automatic logic [31:0] merge(input logic [31:0] stored, input logic [31:0] fresh,
                                        input logic [3:0] be);
    logic [31:0] result;
    for (int i = 0; i < 4; i++) result[i*8+:8] = be[i] ? fresh[i*8+:8] : stored[i*8+:8];
    return result;
  endfunction

  // Register access.
  logic             access, in_table, rsp_q;
  logic [VEC_W-1:0] entry;
  logic [2:0][31:0] entry_dwords;
  logic [31:0]      rdata, rdata_q, old, merged;
  logic [PBA_DWORDS*32-1:0] pba;

  assign access   = req_valid_i && !rsp_q;
  assign in_table = !req_i.addr[15] && req_i.addr[14:4] < 11'(NUM_VECTORS);
  assign entry    = VEC_W'(req_i.addr[14:4]);
  assign merged   = merge(old, req_i.wdata, req_i.be);
  assign pba      = (PBA_DWORDS*32)'(pending_q);

  always_comb begin
    entry_dwords[0] = written_q[entry][0] ? {low_q[entry], 2'b00} : '0;
    entry_dwords[1] = written_q[entry][1] ? high_q[entry] : '0;
    entry_dwords[2] = written_q[entry][2] ? data_q[entry] : '0;
    old = (req_i.addr[3:2] == 2'd3) ? {31'd0, mask_q[entry]} : entry_dwords[req_i.addr[3:2]];
    rdata = '0;
    if (in_table) rdata = old;
    for (int unsigned i = 0; i < PBA_DWORDS; i++) begin
      if (req_i.addr[15:2] == 14'h2000 + 14'(i)) rdata = pba[i*32+:32];
    end
  end

  always_ff @(posedge clk_i) begin
    if (access && req_i.write && in_table) begin
      case (req_i.addr[3:2])
        2'd0:    low_q[entry] <= merged[31:2];
        2'd1:    high_q[entry] <= merged;
        2'd2:    data_q[entry] <= merged;
        default: ;  // the mask has its own place below
      endcase
    end
    rdata_q <= rdata;
    if (!rst_ni) rsp_q <= 1'b0;
    else rsp_q <= access;
  end

  assign rsp_valid_o = rsp_q;
  assign rsp_rdata_o = rdata_q;

  // Messages.
  logic             send_valid_q, open, fire_take, fire_known, release_valid, release_take, turn_q, sent;
  logic [VEC_W-1:0] send_vector_q, release_vector, fire_vector;
  logic [31:2]      send_low;
  logic [31:0]      send_high;
  tlp_hdr_t         header;

  assign open        = enable_i && !function_mask_i && !mask_q[send_vector_q];
  assign send_low    = written_q[send_vector_q][0] ? low_q[send_vector_q] : '0;
  assign send_high   = written_q[send_vector_q][1] ? high_q[send_vector_q] : '0;
  assign header      = mem_header(1'b1, {send_high, send_low}, 8'd1, 8'h0f, bdf_i, 10'h000);
  assign tlp_valid_o = send_valid_q && open;
  assign tlp_hdr_o   = header | (planted(BUG, 17) ? 128'h2000 : 128'h0);
  assign tlp_data_o  = written_q[send_vector_q][2] ? data_q[send_vector_q] : '0;
  assign sent        = tlp_valid_o && tlp_ready_i;

  // A pending vector that has become free to send, and a fired one, take turns.
  always_comb begin
    release_vector = '0;
    for (int i = int'(NUM_VECTORS) - 1; i >= 0; i--) begin
      if (pending_q[i] && !mask_q[i]) release_vector = VEC_W'(i);
    end
  end
  assign release_valid = enable_i && !function_mask_i && (pending_q & ~mask_q) != '0;
  assign fire_ready_o  = !send_valid_q && !(release_valid && turn_q);
  assign fire_take     = fire_valid_i && fire_ready_o;
  assign fire_known    = fire_vector_i < 11'(NUM_VECTORS) && enable_i && !flush_i;
  assign fire_vector   = VEC_W'(fire_vector_i);
  assign release_take  = release_valid && !send_valid_q && !fire_take;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || flr_i) begin
      send_valid_q  <= 1'b0;
      send_vector_q <= '0;
      turn_q        <= 1'b0;
      pending_q     <= (planted(BUG, 71) && !flr_i) ? pending_q : '0;
      mask_q        <= '1;
      written_q     <= '0;
    end else begin
      if (sent) send_valid_q <= 1'b0;
      // Masked before it left: back to pending.
      if (send_valid_q && !open) begin
        send_valid_q             <= 1'b0;
        pending_q[send_vector_q] <= 1'b1;
      end
      if (fire_take && fire_known) begin
        turn_q <= 1'b1;
        if (function_mask_i || mask_q[fire_vector]) begin
          pending_q[fire_vector] <= 1'b1;
        end else begin
          send_valid_q           <= 1'b1;
          send_vector_q          <= fire_vector;
          pending_q[fire_vector] <= 1'b0;
        end
      end
      if (release_take) begin
        turn_q                    <= 1'b0;
        // Void in this very clock: it must not leave any more.
        send_valid_q              <= !flush_i && !forget_i[release_vector];
        send_vector_q             <= release_vector;
        pending_q[release_vector] <= 1'b0;
      end
      for (int unsigned v = 0; v < NUM_VECTORS; v++) if (flush_i || forget_i[v]) pending_q[v] <= 1'b0;
      if (access && req_i.write && in_table) begin
        if (req_i.addr[3:2] == 2'd3) begin
          if (req_i.be[0]) mask_q[entry] <= req_i.wdata[0];
        end else begin
          written_q[entry][req_i.addr[3:2]] <= 1'b1;
        end
      end
    end
  end

  assign idle_o = !send_valid_q;

  always_ff @(posedge clk_i) if (rst_ni) masked_is_silent : assert (
      !tlp_valid_o || (enable_i && !function_mask_i && !mask_q[send_vector_q]));

endmodule
