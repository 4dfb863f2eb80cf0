// Turns window requests into reads: up to 4 descriptors by NEXT, up to 16 of an indirect table, to the end of the table
// and the page, within Max_Read_Request_Size. Indirect tables have no alignment rule, so a descriptor may straddle
// two pages: that one takes two reads, whose parts `window_join` puts together.
module window_read
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ = 4,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic          clk_i,
  /// Synchronous reset, active low.
  input  logic          rst_ni,
  /// Max_Read_Request_Size code.
  input  logic [2:0]    mrrs_i,
  /// Per queue: enabled and not frozen. Requests of others are dropped.
  input  logic [NQ-1:0] run_i,
  /// Request.
  input  logic          req_valid_i,
  /// Taken.
  output logic          req_ready_o,
  /// The request.
  input  window_req_t   req_i,
  /// A window's extent is known now.
  output logic          extent_o,
  /// Window.
  output logic [5:0]    extent_window_o,
  /// Its first descriptor's number in the table.
  output logic [15:0]   extent_base_o,
  /// Its descriptors.
  output logic [4:0]    extent_count_o,
  /// No straddling descriptor is being put together.
  input  logic          join_free_i,
  /// A straddling descriptor begins.
  output logic          join_o,
  /// Bytes of it in the first page.
  output logic [4:0]    join_bytes_o,
  /// A read was handed over.
  output logic          issue_o,
  /// Its queue.
  output logic [QW-1:0] issue_queue_o,
  /// Read.
  output logic          rd_valid_o,
  /// Taken.
  input  logic          rd_ready_i,
  /// The read.
  output dma_rd_req_t   rd_req_o,
  /// Per queue: a request stands here.
  output logic [NQ-1:0] held_o
);

  window_req_t req_q;
  dma_rd_req_t rd_q;
  read_meta_t  meta;
  logic        req_valid_q, rd_valid_q, second_q;
  logic        dead, straddle, load, first_half, finished;
  logic [63:0] addr;
  logic [15:0] to_limit;
  logic [8:0]  to_page_end;
  logic [4:0]  count, head_bytes;

  assign addr        = req_q.table_addr + {44'b0, req_q.index, 4'b0};
  assign to_limit    = req_q.limit - req_q.index;
  assign to_page_end = 9'd256 - {1'b0, addr[11:4]} - {8'b0, addr[3:0] != 4'd0};
  assign straddle    = (to_page_end == 9'd0);
  assign head_bytes  = 5'd16 - {1'b0, addr[3:0]};
  assign dead        = !run_i[QW'(req_q.qid)] && !second_q;

  assign load        = req_valid_q && !dead && (!rd_valid_q || rd_ready_i)
                       && (!straddle || second_q || join_free_i);
  assign first_half  = load && straddle && !second_q;
  assign finished    = (load && !first_half) || (req_valid_q && dead);
  assign req_ready_o = !req_valid_q || finished;

  always_comb begin
    count = req_q.direct ? 5'd4 : (mrrs_i == 3'd0) ? 5'd8 : 5'd16;
    // Unaligned, so many bytes take one dword more than the request size allows.
    if (addr[1:0] != 2'd0 && !req_q.direct && mrrs_i <= 3'd1) count = count - 5'd1;
    if (to_limit < 16'(count)) count = to_limit[4:0];
    if (to_page_end < 9'(count)) count = to_page_end[4:0];
    if (straddle) count = 5'd1;
  end

  assign extent_o        = load && !second_q;
  assign extent_window_o = req_q.window;
  assign extent_base_o   = req_q.index;
  assign extent_count_o  = count;
  assign join_o          = first_half;
  assign join_bytes_o    = head_bytes;
  assign issue_o         = load;
  assign issue_queue_o   = QW'(req_q.qid);
  assign rd_valid_o      = rd_valid_q;
  assign rd_req_o        = rd_q;

  always_comb begin
    held_o = '0;
    for (int unsigned q = 0; q < NQ; q++) held_o[q] = req_valid_q && (req_q.qid == 4'(q));

    meta        = '0;
    meta.kind   = RkWindow;
    meta.qid  = req_q.qid;
    meta.slot   = {straddle, second_q, 5'b0, req_q.window};
    meta.count  = {1'b0, count};
    meta.offset = second_q ? 2'd0 : addr[1:0];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      req_valid_q <= 1'b0;
      req_q       <= '0;
      rd_valid_q  <= 1'b0;
      rd_q        <= '0;
      second_q    <= 1'b0;
    end else begin
      if (req_ready_o) begin
        req_valid_q <= req_valid_i;
        req_q       <= req_i;
      end
      if (rd_ready_i) rd_valid_q <= 1'b0;
      if (load) begin
        rd_valid_q     <= 1'b1;
        second_q       <= first_half;
        rd_q.meta      <= 32'(meta);
        rd_q.addr      <= second_q ? {addr[63:12] + 52'd1, 12'b0} : addr;
        rd_q.len_bytes <= !straddle ? {1'b0, count, 4'b0}
                          : second_q ? 10'd16 - 10'(head_bytes) : 10'(head_bytes);
      end
    end
  end

endmodule
