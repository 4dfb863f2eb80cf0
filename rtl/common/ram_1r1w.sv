/// One write port, one read port with one cycle of latency. Reading the word that is being written gives the old word.
/// rdata_o holds while re_i is low. Contents are undefined until written.
module ram_1r1w #(
  /// Word width in bits.
  parameter int unsigned W = 32,
  /// Words, any number >= 1.
  parameter int unsigned DEPTH = 16,
  localparam int unsigned ADDR_W = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  /// Clock.
  input  logic              clk_i,
  /// Write enable.
  input  logic              we_i,
  /// Write address.
  input  logic [ADDR_W-1:0] waddr_i,
  /// Word to write.
  input  logic [W-1:0]      wdata_i,
  /// Read enable.
  input  logic              re_i,
  /// Read address.
  input  logic [ADDR_W-1:0] raddr_i,
  /// The word, one cycle after re_i.
  output logic [W-1:0]      rdata_o
);

  logic [W-1:0] mem_q [DEPTH];
  logic [W-1:0] rdata_q;

  assign rdata_o = rdata_q;

  always_ff @(posedge clk_i) begin
    if (we_i) mem_q[waddr_i] <= wdata_i;
    if (re_i) rdata_q <= mem_q[raddr_i];
  end

endmodule
