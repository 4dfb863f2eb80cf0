/// Cuts an operation of up to 64 KiB into pieces that are legal as one TLP each: at most limit_bytes_i counted in whole
/// dwords, never across 4 KiB. What fits into one piece stays whole; otherwise the first cut is at the first address
/// aligned to the limit, so that all later pieces are aligned. One piece a cycle.
module chunk_splitter
  import bug_pkg::*;
#(
  /// Planted bug, 0 = none. Here: 25 lets pieces cross a 4 KiB border.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input  logic        clk_i,
  /// Synchronous reset, active low.
  input  logic        rst_ni,
  /// Forgets the operation in work.
  input  logic        clear_i,
  /// Largest piece in bytes: 128, 256 or 512.
  input  logic [9:0]  limit_bytes_i,
  /// Operation offered.
  input  logic        op_valid_i,
  /// Operation taken.
  output logic        op_ready_o,
  /// First byte.
  input  logic [63:0] op_addr_i,
  /// Bytes, 1..65536.
  input  logic [16:0] op_len_bytes_i,
  /// Comes back with every piece.
  input  logic [31:0] op_meta_i,
  /// Piece offered.
  output logic        chunk_valid_o,
  /// Piece taken.
  input  logic        chunk_ready_i,
  /// First byte of the piece.
  output logic [63:0] chunk_addr_o,
  /// Bytes of the piece, 1..512.
  output logic [9:0]  chunk_len_bytes_o,
  /// The operation's meta.
  output logic [31:0] chunk_meta_o,
  /// Last piece of its operation.
  output logic        chunk_last_o
);

  logic        valid_q;
  logic [63:0] addr_q;
  logic [16:0] len_q;
  logic [31:0] meta_q;
  logic        keep_4k, fits, crosses;
  logic [9:0]  to_border;

  assign keep_4k   = !planted(BUG, 25);
  assign fits      = (17'(addr_q[1:0]) + len_q) <= 17'(limit_bytes_i);
  assign crosses   = keep_4k && (17'(addr_q[11:0]) + len_q) > 17'd4096;
  assign to_border = limit_bytes_i - (keep_4k ? (addr_q[9:0] & (limit_bytes_i - 10'd1)) : 10'(addr_q[1:0]));

  assign chunk_valid_o     = valid_q;
  assign chunk_addr_o      = addr_q;
  assign chunk_last_o      = fits && !crosses;
  assign chunk_len_bytes_o = chunk_last_o ? len_q[9:0] : to_border;
  assign chunk_meta_o      = meta_q;
  assign op_ready_o        = !valid_q || (chunk_ready_i && chunk_last_o);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      valid_q <= 1'b0;
      addr_q  <= '0;
      len_q   <= '0;
      meta_q  <= '0;
    end else if (op_valid_i && op_ready_o) begin
      valid_q <= 1'b1;
      addr_q  <= op_addr_i;
      len_q   <= op_len_bytes_i;
      meta_q  <= op_meta_i;
    end else if (valid_q && chunk_ready_i) begin
      valid_q <= !chunk_last_o;
      addr_q  <= addr_q + 64'(chunk_len_bytes_o);
      len_q   <= len_q - 17'(chunk_len_bytes_o);
    end
  end

  always_ff @(posedge clk_i) if (rst_ni) op_not_empty : assert (!op_valid_i || op_len_bytes_i != '0);
  always_ff @(posedge clk_i) if (rst_ni) chunk_in_page : assert (
      !valid_q || !keep_4k || (13'(addr_q[11:0]) + 13'(chunk_len_bytes_o)) <= 13'd4096);
  always_ff @(posedge clk_i) if (rst_ni) chunk_in_limit : assert (
      !valid_q || (11'(addr_q[1:0]) + 11'(chunk_len_bytes_o)) <= 11'(limit_bytes_i));

endmodule
