/// Write engine of one client: operations plus a byte stream become MWr TLPs within Max_Payload_Size and 4 KiB, with
/// exact byte enables. One beat a cycle; a one-beat write every cycle. The client must be able to supply the bytes of
/// an operation it offered without waiting for anything that itself needs the request channel, and offers no byte that
/// belongs to no operation, reset or not.
module dma_write
  import bug_pkg::*;
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  /// Planted bug, 0 = none. Here: 3 enables whole dwords, 25 crosses 4 KiB.
  parameter int unsigned BUG = 0,
  localparam int unsigned BYTES = DATA_W / 8,
  localparam int unsigned BYTES_W = $clog2(BYTES) + 1
) (
  /// Clock.
  input  logic                 clk_i,
  /// Synchronous reset, active low.
  input  logic                 rst_ni,
  /// Requester id.
  input  logic [15:0]          bdf_i,
  /// Max_Payload_Size code.
  input  logic [2:0]           mps_i,
  /// Operation offered.
  input  logic                 op_valid_i,
  /// Operation taken.
  output logic                 op_ready_o,
  /// The operation.
  input  dma_wr_op_t           op_i,
  /// Bytes offered.
  input  logic                 data_valid_i,
  /// Bytes taken.
  output logic                 data_ready_o,
  /// The bytes, first in lane 0.
  input  logic [DATA_W-1:0]    data_i,
  /// How many, 1..DATA_W/8.
  input  logic [BYTES_W-1:0]   data_bytes_i,
  /// Pulse: the operation's last TLP has its place in the request order.
  output logic                 done_valid_o,
  /// Its meta.
  output logic [31:0]          done_meta_o,
  /// TLP beat offered.
  output logic                 tlp_valid_o,
  /// TLP beat taken.
  input  logic                 tlp_ready_i,
  /// Last beat of the TLP.
  output logic                 tlp_last_o,
  /// Header, constant over the TLP.
  output tlp_hdr_t             tlp_hdr_o,
  /// Dwords of the beat that exist.
  output logic [DATA_W/32-1:0] tlp_keep_o,
  /// Payload.
  output logic [DATA_W-1:0]    tlp_data_o,
  /// No operation in work and nothing offered downstream.
  output logic                 idle_o
);

  localparam int unsigned LANES = DATA_W / 32;

  logic        chunk_valid, chunk_ready, chunk_last;
  logic [63:0] chunk_addr;
  logic [9:0]  chunk_len;
  logic [31:0] chunk_meta;

  chunk_splitter #(
    .BUG(BUG)
  ) u_split (
    .clk_i,
    .rst_ni,
    .clear_i          (1'b0),
    .limit_bytes_i    (size_code_bytes(mps_i)),
    .op_valid_i,
    .op_ready_o,
    .op_addr_i        (op_i.addr),
    .op_len_bytes_i   (op_i.len_bytes),
    .op_meta_i        (op_i.meta),
    .chunk_valid_o    (chunk_valid),
    .chunk_ready_i    (chunk_ready),
    .chunk_addr_o     (chunk_addr),
    .chunk_len_bytes_o(chunk_len),
    .chunk_meta_o     (chunk_meta),
    .chunk_last_o     (chunk_last)
  );

  // The piece in work.
  logic        active_q, first_q, op_last_q;
  tlp_hdr_t    hdr_q;
  logic [1:0]  offset_q;
  logic [9:0]  left_q;
  logic [31:0] meta_q;

  logic                gear_valid, take, move, beat_last;
  logic [DATA_W-1:0]   gear_data, shifted;
  logic [BYTES_W-1:0]  room, want;
  logic [1:0]          offset;
  logic [7:0]          enables;
  /* verilator lint_off UNUSED */
  logic [BYTES_W:0]    level;  // only whether bytes are left matters to nobody here
  /* verilator lint_on UNUSED */

  assign offset    = first_q ? offset_q : 2'd0;
  assign room      = BYTES_W'(BYTES) - BYTES_W'(offset);
  assign beat_last = left_q <= 10'(room);
  assign want      = !active_q ? '0 : beat_last ? BYTES_W'(left_q) : room;
  assign take      = active_q && gear_valid && move;
  assign shifted   = (gear_data & ~({DATA_W{1'b1}} << {want, 3'b000})) << {offset, 3'b000};
  assign enables   = byte_enables(chunk_addr[1:0], chunk_len);

  byte_gearbox #(
    .DATA_W(DATA_W)
  ) u_gear (
    .clk_i,
    .rst_ni,
    .clear_i    (1'b0),  // bytes may come before their operation: none are ever without one
    .in_valid_i (data_valid_i),
    .in_ready_o (data_ready_o),
    .in_data_i  (data_i),
    .in_bytes_i (data_bytes_i),
    .out_want_i (want),
    .out_valid_o(gear_valid),
    .out_data_o (gear_data),
    .out_take_i (take),
    .level_o    (level)
  );

  assign chunk_ready = !active_q || (take && beat_last);

  always_ff @(posedge clk_i) begin
    if (chunk_valid && chunk_ready) begin
      hdr_q <= mem_header(1'b1, chunk_addr[63:2], dword_count(chunk_addr[1:0], chunk_len),
                          planted(BUG, 3) ? {(enables[7:4] == 4'h0) ? 4'h0 : 4'hf, 4'hf} : enables, bdf_i, 10'h000);
      offset_q  <= chunk_addr[1:0];
      op_last_q <= chunk_last;
      meta_q    <= chunk_meta;
    end
    if (!rst_ni) begin
      active_q <= 1'b0;
      first_q  <= 1'b1;
      left_q   <= '0;
    end else if (chunk_ready) begin
      active_q <= chunk_valid;
      first_q  <= 1'b1;
      left_q   <= chunk_len;
    end else if (take) begin
      first_q <= 1'b0;
      left_q  <= left_q - 10'(want);
    end
  end

  // The beat on offer.
  logic              out_valid_q, out_last_q, out_op_last_q, done_q;
  tlp_hdr_t          out_hdr_q;
  logic [LANES-1:0]  out_keep_q;
  logic [DATA_W-1:0] out_data_q;
  logic [31:0]       out_meta_q, done_meta_q;

  assign move = !out_valid_q || tlp_ready_i;

  always_ff @(posedge clk_i) begin
    if (take) begin
      out_last_q    <= beat_last;
      out_op_last_q <= op_last_q;
      out_hdr_q     <= hdr_q;
      out_keep_q    <= ~({LANES{1'b1}} << dword_count(offset, 10'(want)));
      out_data_q    <= shifted;
      out_meta_q    <= meta_q;
    end
    done_meta_q <= out_meta_q;
    if (!rst_ni) begin
      out_valid_q <= 1'b0;
      done_q      <= 1'b0;
    end else begin
      if (move) out_valid_q <= take;
      done_q <= out_valid_q && tlp_ready_i && out_last_q && out_op_last_q;
    end
  end

  assign tlp_valid_o  = out_valid_q;
  assign tlp_last_o   = out_last_q;
  assign tlp_hdr_o    = out_hdr_q;
  assign tlp_keep_o   = out_keep_q;
  assign tlp_data_o   = out_data_q;
  assign done_valid_o = done_q;
  assign done_meta_o  = done_meta_q;
  assign idle_o       = !chunk_valid && !active_q && !out_valid_q && !done_q;

endmodule
