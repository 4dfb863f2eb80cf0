// Windows: small buffers for the descriptors that follow a first descriptor (up to 4 by NEXT, up to 16 of an indirect
// table). They are given out in available order (`window_ahead`). A chain that outgrows its window reads on into it.
// Windows 0..NQ-1 belong to the walkers of the queues, so that progress never depends on the pool.
module window_pool
  import bug_pkg::*;
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ      = 4,
  /// Windows shared by all queues, NQ + WINDOWS <= 64.
  parameter int unsigned WINDOWS = 48,
  /// Largest indirect table of a packed ring, in entries.
  parameter int unsigned MAX_QUEUE_SIZE = 256,
  /// Planted bug, 0: none.
  parameter int unsigned BUG     = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// All windows.
  localparam int unsigned NW = NQ + WINDOWS
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Queue contexts.
  input  queue_ctx_t [NQ-1:0] ctx_i,
  /// Negotiated features.
  input  features_t           features_i,
  /// Max_Read_Request_Size code.
  input  logic [2:0]          mrrs_i,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]       run_i,
  /// Answer items of descriptor and window reads.
  input  logic                item_valid_i,
  /// The descriptor.
  input  desc_t               item_i,
  /// What was read.
  input  read_meta_t          item_meta_i,
  /// Place in the answer.
  input  logic [5:0]          item_index_i,
  /// Last item of its answer.
  input  logic                item_last_i,
  /// A read failed (`item_meta_i` says which).
  input  logic                item_error_i,
  /// A first descriptor asks for a window.
  input  logic                ask_valid_i,
  /// Its queue.
  input  logic [QW-1:0]       ask_queue_i,
  /// The descriptor.
  input  desc_t               ask_i,
  /// It got one.
  output logic                given_o,
  /// Its number.
  output logic [5:0]          given_window_o,
  /// It needs one and there is none.
  output logic                refused_o,
  /// A walker wants a window read (on).
  input  logic                want_valid_i,
  /// Taken.
  output logic                want_ready_o,
  /// What.
  input  window_req_t         want_i,
  /// A chain is through with its window.
  input  logic                free_i,
  /// Its number.
  input  logic [5:0]          free_window_i,
  /// Per window: filled.
  output logic [NW-1:0]       filled_o,
  /// Per window: number of its first descriptor in the table.
  output logic [NW-1:0][15:0] base_o,
  /// Per window: descriptors in it.
  output logic [NW-1:0][4:0]  count_o,
  /// Read of a window.
  output logic                rd_valid_o,
  /// Taken.
  input  logic                rd_ready_i,
  /// The read.
  output dma_rd_req_t         rd_req_o,
  /// A request of this stage was dropped.
  input  logic                drop_i,
  /// Its queue.
  input  logic [QW-1:0]       drop_queue_i,
  /// Look into a window.
  input  logic                look_i,
  /// Window.
  input  logic [5:0]          look_window_i,
  /// Place in it.
  input  logic [3:0]          look_place_i,
  /// The descriptor, one cycle later.
  output desc_t               look_o,
  /// Per queue: a read is wanted or outstanding.
  output logic [NQ-1:0]       busy_o
);

  logic [NW-1:0]       used_q, filled_q;
  logic [NW-1:0][15:0] base_q;
  logic [NW-1:0][4:0]  count_q;
  logic [NW-1:0][3:0]  owner_q;

  assign filled_o = filled_q;
  assign base_o   = base_q;
  assign count_o  = count_q;

  // A first descriptor: does its chain go on, and is that legal?
  logic          goes_on, indirect, any_free;
  logic [5:0]    free_window;
  logic [15:0]   size, table_limit;
  logic [QW-1:0] item_queue;
  window_req_t   early, early_out, want;

  assign item_queue = QW'(item_meta_i.qid);
  assign size       = ctx_i[ask_queue_i].size;
  assign indirect   = ask_i.flags[FlagIndirect];

  assign table_limit = features_i.ring_packed ? 16'(MAX_QUEUE_SIZE) : size;

  always_comb begin
    // The list of a packed ring lies in the slots: only tables are read here.
    goes_on = ask_i.flags[FlagNext] && (ask_i.next < size) && !features_i.ring_packed;
    if (indirect) begin
      goes_on = features_i.indirect_desc && !ask_i.flags[FlagNext] && (ask_i.len_bytes[31:4] != '0)
                && (ask_i.len_bytes[3:0] == '0)
                && (ask_i.len_bytes[31:4] <= 28'(table_limit));
    end
    if (planted(BUG, 2) || planted(BUG, 9)) goes_on = 1'b0;    // those walk differently

  end

  // The lowest bit of a mask, and its number from the one-hot choice: a search through all windows is long.
  function automatic logic [NW-1:0] with_bit(int unsigned b);
    for (int unsigned w = 0; w < NW; w++) with_bit[w] = ((w >> b) & 1) != 0;
  endfunction

  logic [NW-1:0] unused_windows, choice;
  assign unused_windows = {~used_q[NW-1:NQ], {NQ{1'b0}}};
  assign any_free       = unused_windows != '0;
  assign choice         = unused_windows & (~unused_windows + 1'b1);
  for (genvar b = 0; b < 6; b++) begin : gen_free_window
    assign free_window[b] = (choice & with_bit(b)) != '0;
  end

  assign given_o        = ask_valid_i && goes_on && any_free;
  assign refused_o      = goes_on && !any_free;
  assign given_window_o = free_window;

  always_comb begin
    early            = '0;
    early.qid        = 4'(ask_queue_i);
    early.window     = free_window;
    early.table_addr = indirect ? ask_i.addr : ctx_i[ask_queue_i].desc;
    early.index      = indirect ? 16'd0 : ask_i.next;
    early.limit      = indirect ? ask_i.len_bytes[19:4] : size;
    early.direct     = !indirect;
  end

  // Requests: walkers first, they stand at the head of their queue.
  logic                         early_valid, early_ready, room_unused, take;
  logic [$clog2(WINDOWS+1)-1:0] level_unused;

  sync_fifo #(.W($bits(window_req_t)), .DEPTH(WINDOWS)) u_early (
    .clk_i, .rst_ni, .clear_i(1'b0), .in_valid_i(given_o), .in_ready_o(room_unused), .in_data_i(early),
    .out_valid_o(early_valid), .out_ready_i(early_ready), .out_data_o(early_out), .count_o(level_unused)
  );

  assign want         = want_valid_i ? want_i : early_out;
  assign want_ready_o = take;
  assign early_ready  = take && !want_valid_i;

  logic          extent, join_free, join_begin, issue;
  logic [5:0]    extent_window;
  logic [15:0]   extent_base;
  logic [4:0]    extent_count, join_bytes;
  logic [QW-1:0] issue_queue;
  logic [NQ-1:0] held, waiting, outstanding;

  window_read #(.NQ(NQ)) u_read (
    .clk_i, .rst_ni, .mrrs_i, .run_i, .req_valid_i(want_valid_i || early_valid), .req_ready_o(take), .req_i(want),
    .extent_o(extent), .extent_window_o(extent_window), .extent_base_o(extent_base),
    .extent_count_o(extent_count), .join_free_i(join_free), .join_o(join_begin), .join_bytes_o(join_bytes),
    .issue_o(issue), .issue_queue_o(issue_queue), .rd_valid_o, .rd_ready_i, .rd_req_o, .held_o(held)
  );

  // Answers.
  logic       item_window, item_part, joined, mem_we;
  logic [5:0] item_w;
  desc_t      join_data, entry;

  assign item_w      = item_meta_i.slot[5:0];
  assign item_window = item_valid_i && (item_meta_i.kind == RkWindow);
  assign item_part   = (item_meta_i.kind == RkWindow) && item_meta_i.slot[12];
  assign mem_we      = item_window && (!item_part || joined);
  assign entry       = desc_of(item_part ? join_data : item_i, features_i.ring_packed);

  window_join u_join (
    .clk_i, .rst_ni, .begin_i(join_begin), .bytes_i(join_bytes), .free_o(join_free),
    .part_i(item_part && (item_valid_i || item_error_i)), .part_second_i(item_meta_i.slot[11]),
    .part_data_i(item_i), .done_o(joined), .data_o(join_data)
  );

  ram_1r1w #(.W(128), .DEPTH(1024)) u_descriptors (
    .clk_i, .we_i(mem_we), .waddr_i({item_w, item_index_i[3:0]}), .wdata_i(entry),
    .re_i(look_i), .raddr_i({look_window_i, look_place_i}), .rdata_o(look_o)
  );

  queue_counter #(.NQ(NQ)) u_waiting (
    .clk_i, .rst_ni, .inc_i(given_o), .inc_queue_i(ask_queue_i), .dec_i(early_valid && early_ready),
    .dec_queue_i(QW'(early_out.qid)), .dec2_i(1'b0), .dec2_queue_i('0), .busy_o(waiting)
  );

  queue_counter #(.NQ(NQ)) u_outstanding (
    .clk_i, .rst_ni, .inc_i(issue), .inc_queue_i(issue_queue),
    .dec_i((item_meta_i.kind == RkWindow) && ((item_valid_i && item_last_i) || item_error_i)),
    .dec_queue_i(item_queue), .dec2_i(drop_i), .dec2_queue_i(drop_queue_i), .busy_o(outstanding)
  );

  assign busy_o = held | waiting | outstanding;

  // Queues that stopped and have nothing under way; of those, the ones that have given their windows back.
  logic [NQ-1:0] still, swept_q;
  assign still = ~run_i & ~busy_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      swept_q  <= '0;
      used_q   <= '0;
      filled_q <= '0;
      base_q   <= '0;
      count_q  <= '0;
      owner_q  <= '0;
    end else begin
      // The windows of a queue that stopped come back when nothing of it is under way: once, then there are none.
      swept_q <= still;
      if (given_o) swept_q[ask_queue_i] <= 1'b0;
      if ((still & ~swept_q) != '0) begin
        for (int unsigned w = NQ; w < NW; w++) begin
          if (still[QW'(owner_q[w])]) used_q[w] <= 1'b0;
        end
      end
      if (free_i) used_q[free_window_i] <= 1'b0;
      if (given_o) begin
        used_q[free_window]   <= 1'b1;
        owner_q[free_window]  <= 4'(ask_queue_i);
        filled_q[free_window] <= 1'b0;
      end
      if (want_valid_i && take) filled_q[want_i.window] <= 1'b0;
      if (extent) begin
        base_q[extent_window]  <= extent_base;
        count_q[extent_window] <= extent_count;
      end
      if (mem_we && item_last_i) filled_q[item_w] <= 1'b1;
      // No window is freed twice or filled without having been asked for.
      assert (!free_i || used_q[free_window_i] || free_window_i < 6'(NQ));
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{features_i, item_meta_i, item_index_i};

endmodule
