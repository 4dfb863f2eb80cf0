/// Cuts a read of up to 64 KiB into requests for `dma_read`: each at most min(Max_Read_Request_Size, 512) bytes, none
/// across 4 KiB. req_last_o marks the last one; it travels beside the record, so the client chooses where to keep it
/// (usually a side FIFO, or a meta bit merged on the way to the pool).
module read_splitter
  import bug_pkg::*;
  import ringside_pkg::*;
  import pcie_pkg::*;
#(
  /// Planted bug, 0 = none. Here: 26 ignores Max_Read_Request_Size.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input  logic        clk_i,
  /// Synchronous reset, active low.
  input  logic        rst_ni,
  /// Forgets the operation in work (reset of the client).
  input  logic        clear_i,
  /// Max_Read_Request_Size code of the configuration space.
  input  logic [2:0]  mrrs_i,
  /// Read offered.
  input  logic        op_valid_i,
  /// Read taken.
  output logic        op_ready_o,
  /// First byte.
  input  logic [63:0] op_addr_i,
  /// Bytes, 1..65536.
  input  logic [16:0] op_len_bytes_i,
  /// Goes into every request.
  input  logic [31:0] op_meta_i,
  /// Request offered.
  output logic        req_valid_o,
  /// Request taken.
  input  logic        req_ready_i,
  /// The request.
  output dma_rd_req_t req_o,
  /// Last request of its read.
  output logic        req_last_o
);

  chunk_splitter u_split (
    .clk_i,
    .rst_ni,
    .clear_i,
    .limit_bytes_i    (planted(BUG, 26) ? 10'(ChunkBytesMax) : size_code_bytes(mrrs_i)),
    .op_valid_i,
    .op_ready_o,
    .op_addr_i,
    .op_len_bytes_i,
    .op_meta_i,
    .chunk_valid_o    (req_valid_o),
    .chunk_ready_i    (req_ready_i),
    .chunk_addr_o     (req_o.addr),
    .chunk_len_bytes_o(req_o.len_bytes),
    .chunk_meta_o     (req_o.meta),
    .chunk_last_o     (req_last_o)
  );

endmodule
