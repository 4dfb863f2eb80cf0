// Five kinds of ring reads share one read port, round robin. Requests of a queue that stopped are dropped (the halves of
// a straddling descriptor are not: the other half may be under way).
module ring_read_mux
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ = 4,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic              clk_i,
  /// Synchronous reset, active low.
  input  logic              rst_ni,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]     run_i,
  /// Requests of the stages.
  input  logic [4:0]        valid_i,
  /// Taken.
  output logic [4:0]        ready_o,
  /// The requests.
  input  dma_rd_req_t [4:0] req_i,
  /// A request was taken and dropped.
  output logic [4:0]        drop_o,
  /// Its queue.
  output logic [QW-1:0]     drop_queue_o,
  /// Request to the read pool.
  output logic              rd_valid_o,
  /// Taken.
  input  logic              rd_ready_i,
  /// The request.
  output dma_rd_req_t       rd_req_o
);

  dma_rd_req_t req_q;
  logic        valid_q, any, free, dead;
  read_meta_t  meta;
  logic [4:0]  grant;
  logic [2:0]  index;

  assign free       = !valid_q || rd_ready_i;
  assign ready_o    = grant & {5{free}};
  assign rd_valid_o = valid_q;
  assign dead       = !run_i[drop_queue_o] && !(meta.kind == RkWindow && meta.slot[12]);
  assign drop_o     = ready_o & {5{dead}};
  assign drop_queue_o = QW'(meta.qid);
  assign rd_req_o   = req_q;

  rr_arbiter #(.N(5)) u_arbiter (
    .clk_i, .rst_ni, .req_i(valid_i), .advance_i(free), .grant_o(grant), .index_o(index), .valid_o(any)
  );

  always_comb begin
    meta = '0;
    if (any) meta = read_meta_t'(req_i[index].meta[27:0]);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      req_q   <= '0;
    end else if (free) begin
      valid_q <= any && !dead;
      if (any) req_q <= req_i[index];
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{meta};

  // One request is one TLP: it stays in its page.
  always_ff @(posedge clk_i) if (rst_ni) in_page : assert (
      !valid_q || (req_q.len_bytes != '0 && 13'(req_q.addr[11:0]) + 13'(req_q.len_bytes) <= 13'd4096));

endmodule
