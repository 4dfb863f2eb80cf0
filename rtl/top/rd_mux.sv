// Shares one read pool among several clients. The client's number travels in meta[31:28] and brings the answer back;
// clients own meta[27:0]. In an ordered pool each client gets its answers in its own request order.
module rd_mux
  import ringside_pkg::*;
#(
    /// Clients, 1..16.
    parameter int unsigned N = 3,
    localparam int unsigned IW = (N > 1) ? $clog2(N) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Client request offered.
    input  logic        [N-1:0] req_valid_i,
    /// Client request taken.
    output logic        [N-1:0] req_ready_o,
    /// Client requests.
    /* verilator lint_off UNUSED */
    input  dma_rd_req_t [N-1:0] req_i,  // meta[31:28] is the mux's own
    /* verilator lint_on UNUSED */
    /// Answer beat for a client.
    output logic        [N-1:0] rsp_valid_o,
    /// Answer beat taken by it.
    input  logic        [N-1:0] rsp_ready_i,
    /// Head of the beat, for all clients.
    output dma_rd_rsp_t         rsp_o,
    /// Request to the pool.
    output logic                pool_req_valid_o,
    /// Taken.
    input  logic                pool_req_ready_i,
    /// The request.
    output dma_rd_req_t         pool_req_o,
    /// Answer beat of the pool.
    input  logic                pool_rsp_valid_i,
    /// Taken.
    output logic                pool_rsp_ready_o,
    /// Its head.
    input  dma_rd_rsp_t         pool_rsp_i
);

  logic [N-1:0]  grant;
  logic [IW-1:0] index, back;

  rr_arbiter #(
      .N(N)
  ) u_arbiter (
      .clk_i    (clk_i),
      .rst_ni   (rst_ni),
      .req_i    (req_valid_i),
      .advance_i(pool_req_ready_i),
      .grant_o  (grant),
      .index_o  (index),
      .valid_o  (pool_req_valid_o)
  );

  assign req_ready_o = grant & {N{pool_req_ready_i}};
  assign back        = pool_rsp_i.meta[28+:IW];

  always_comb begin
    pool_req_o       = req_i[index];
    pool_req_o.meta  = {4'(index), req_i[index].meta[27:0]};
    rsp_o            = pool_rsp_i;
    rsp_o.meta       = {4'd0, pool_rsp_i.meta[27:0]};
    rsp_valid_o      = '0;
    rsp_valid_o[back] = pool_rsp_valid_i;
    pool_rsp_ready_o = rsp_ready_i[back];
  end

  always_ff @(posedge clk_i) if (rst_ni) assert (!pool_rsp_valid_i || (32'(pool_rsp_i.meta[31:28]) < N));

endmodule
