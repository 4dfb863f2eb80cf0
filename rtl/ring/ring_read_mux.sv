// Five kinds of ring reads share one read port, round robin. A request that was taken here is issued, whatever happens
// to its queue, unless the whole pool is flushed.
module ring_read_mux
  import ringside_pkg::*;
(
  /// Clock.
  input  logic              clk_i,
  /// Synchronous reset, active low.
  input  logic              rst_ni,
  /// Requests of the stages.
  input  logic [4:0]        valid_i,
  /// Taken.
  output logic [4:0]        ready_o,
  /// The requests.
  input  dma_rd_req_t [4:0] req_i,
  /// Request to the read pool.
  output logic              rd_valid_o,
  /// Taken.
  input  logic              rd_ready_i,
  /// The request.
  output dma_rd_req_t       rd_req_o
);

  dma_rd_req_t req_q;
  logic        valid_q, any, free;
  logic [4:0]  grant;
  logic [2:0]  index;

  assign free       = !valid_q || rd_ready_i;
  assign ready_o    = grant & {5{free}};
  assign rd_valid_o = valid_q;
  assign rd_req_o   = req_q;

  rr_arbiter #(.N(5)) u_arbiter (
    .clk_i, .rst_ni, .req_i(valid_i), .advance_i(free), .grant_o(grant), .index_o(index), .valid_o(any)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      req_q   <= '0;
    end else if (free) begin
      valid_q <= any;
      req_q   <= req_i[index];
    end
  end

  // One request is one TLP: it stays in its page.
  in_page :
  assert property (@(posedge clk_i) disable iff (!rst_ni)
                   !valid_q || (req_q.len_bytes != '0 && 13'(req_q.addr[11:0]) + 13'(req_q.len_bytes) <= 13'd4096));

endmodule
