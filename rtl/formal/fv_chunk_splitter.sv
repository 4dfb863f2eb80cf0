/// Pieces of a DMA operation, for every address and length: each is legal as one TLP, together they are the operation.
module fv_chunk_splitter #(
  /// Planted bug.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input logic        clk_i,
  /// A reset at any time.
  input logic        again_i,
  /// Forgets the operation.
  input logic        clear_i,
  /// Operation offered.
  input logic        op_valid_i,
  /// First byte.
  input logic [63:0] op_addr_i,
  /// Bytes.
  input logic [16:0] op_len_i,
  /// Comes back.
  input logic [31:0] op_meta_i,
  /// Piece taken.
  input logic        chunk_ready_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  // Max_Payload_Size or Max_Read_Request_Size: one of three, for all time.
  logic [1:0] code_q;
  logic [9:0] limit;
  always_ff @(posedge clk_i) code_q <= code_q;
  assign limit = pcie_pkg::size_code_bytes({1'b0, code_q});

  logic        op_ready, valid, last;
  logic [63:0] addr;
  logic [9:0]  len;
  logic [31:0] meta;
  chunk_splitter #(.BUG(BUG)) u_dut (
    .clk_i, .rst_ni, .clear_i, .limit_bytes_i(limit), .op_valid_i, .op_ready_o(op_ready), .op_addr_i, .op_len_bytes_i(op_len_i),
    .op_meta_i, .chunk_valid_o(valid), .chunk_ready_i, .chunk_addr_o(addr), .chunk_len_bytes_o(len), .chunk_meta_o(meta),
    .chunk_last_o(last)
  );

  // What is left of the operation.
  logic        busy_q, taken;
  logic [63:0] next_q;
  logic [16:0] left_q;
  logic [31:0] meta_q;
  assign taken = op_valid_i && op_ready;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) busy_q <= 1'b0;
    else if (taken) begin
      busy_q <= 1'b1;
      next_q <= op_addr_i;
      left_q <= op_len_i;
      meta_q <= op_meta_i;
    end else if (valid && chunk_ready_i) begin
      busy_q <= !last;
      next_q <= next_q + 64'(len);
      left_q <= left_q - 17'(len);
    end
  end

  // A clock ago, and offered then without being taken.
  logic        waits_q, last_q;
  logic [63:0] addr_q;
  logic [9:0]  len_q;
  always_ff @(posedge clk_i) begin
    waits_q <= rst_ni && !clear_i && valid && !chunk_ready_i;
    addr_q  <= addr;
    len_q   <= len;
    last_q  <= last;
  end

  always_ff @(posedge clk_i) begin
    length_legal : assume (!op_valid_i || (op_len_i != '0 && op_len_i <= 17'd65536));
    if (rst_ni) begin
      // pcie: a request never crosses a 4 KiB border
      in_page : assert (!valid || 13'(addr[11:0]) + 13'(len) <= 13'd4096);
      // pcie: a payload is at most Max_Payload_Size, a read at most Max_Read_Request_Size, in whole dwords
      in_limit : assert (!valid || 11'(addr[1:0]) + 11'(len) <= 11'(limit));
      // contract: no piece is empty
      not_empty : assert (!valid || len != '0);
      // contract: pieces follow one another without a gap, from the first byte to the last
      contiguous : assert (!valid || (busy_q && addr == next_q && meta == meta_q && 17'(len) <= left_q));
      // contract: the last one is the one with which nothing is left
      last_ends : assert (!valid || last == (17'(len) == left_q));
      // contract: a piece that is offered stays until it is taken
      stable : assert (!waits_q || (valid && addr == addr_q && len == len_q && last == last_q));
      // contract: what fits into one request stays whole
      stays_whole : assert (!valid || last || 17'(addr[1:0]) + left_q > 17'(limit) || 17'(addr[11:0]) + left_q > 17'd4096);
      // contract: a piece a clock: pieces behind the first begin at a border of the limit
      aligned : assert (!busy_q || valid);
      // invariant: what is left is what the block has left
      same : assert (busy_q == u_dut.valid_q && (!busy_q || (u_dut.addr_q == next_q && u_dut.len_q == left_q && u_dut.meta_q == meta_q)));
      // invariant: and it is not nothing
      some_left : assert (!busy_q || (left_q != '0 && left_q <= 17'd65536));
      whole_64k : cover (taken && op_len_i == 17'd65536 && busy_q && last && addr[11:0] == 12'hf81 && chunk_ready_i);
      odd_end : cover (valid && last && addr[1:0] == 2'd3 && len == 10'd1 && busy_q && !taken);
    end
  end

endmodule
