// Receive side of virtio-net: frames from the wire, filtered and steered, into receive buffers. Planning of a frame
// overlaps the writing of the ones before it; frames stay in order.
module net_rx
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W          = 512,
    /// Receive queues.
    parameter int unsigned NQ              = 4,
    /// Largest queue.
    parameter int unsigned MAX_QUEUE_SIZE  = 256,
    /// Larger frames are dropped; at most 65524, so that a packet fits one write.
    parameter int unsigned MAX_FRAME_BYTES = 9216,
    /// Longest packet behind the Ethernet header while MTU is negotiated.
    parameter int unsigned MTU             = 9000,
    /// Frame buffer in bytes, a power of two that holds at least two of the largest frames.
    parameter int unsigned BUFFER_BYTES    = (MAX_FRAME_BYTES > 16384) ? (1 << $clog2(2 * MAX_FRAME_BYTES)) : 32768,
    /// Clocks a frame waits for buffers; 0 = for ever.
    parameter int unsigned RX_WAIT_CYCLES  = 65536,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG             = 0,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
    localparam int unsigned CW = $clog2(DATA_W / 8) + 1
) (
    /// Clock.
    input  logic                          clk_i,
    /// Synchronous reset, active low.
    input  logic                          rst_ni,
    /// Device runs (DRIVER_OK).
    input  logic                          active_i,
    /// Negotiated features.
    /* verilator lint_off UNUSED */
    input  features_t                     features_i,  // a few of them matter here
    /* verilator lint_on UNUSED */
    /// Receive modes, own address, active pairs.
    input  rx_mode_t                      mode_i,
    /// Address table.
    input  logic [2*MacEntries-1:0][47:0] table_i,
    /// Which entries count.
    input  logic [2*MacEntries-1:0]       table_valid_i,
    /// Change of the VLAN table.
    input  vlan_update_t                  vlan_update_i,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0]                 run_i,
    /// Nothing of the queue is inside this block.
    output logic [NQ-1:0]                 idle_o,

    /// Suspended: take no chain, frames wait.
    input  logic                          hold_i,
    /// Published chains per queue.
    input  logic [NQ-1:0][15:0]           chain_count_i,
    /// Queue of the peek and pop.
    output logic [QW-1:0]                 peek_queue_o,
    /// Chain looked at, 0 = oldest.
    output logic [15:0]                   peek_index_o,
    /// The record, one cycle later.
    input  chain_t                        peek_chain_i,
    /// Removes the oldest chain record of `peek_queue_o`.
    output logic                          chain_pop_o,
    /// Takes the oldest segment.
    output logic                          seg_pop_o,
    /// Queue of the pop.
    output logic [QW-1:0]                 seg_queue_o,
    /// The segment, one cycle later.
    input  segment_t                      seg_i,
    /// Used buffer.
    output logic                          cpl_valid_o,
    /// Taken.
    input  logic                          cpl_ready_i,
    /// The used buffer.
    output completion_t                   cpl_o,
    /// Freezes a queue.
    output logic                          device_error_valid_o,
    /// That queue.
    output logic [QW-1:0]                 device_error_queue_o,

    /// Payload write.
    output logic                          op_valid_o,
    /// Taken.
    input  logic                          op_ready_i,
    /// The write.
    output dma_wr_op_t                    op_o,
    /// Its bytes.
    output logic                          data_valid_o,
    /// Taken.
    input  logic                          data_ready_i,
    /// From lane 0.
    output logic [DATA_W-1:0]             data_o,
    /// How many.
    output logic [CW-1:0]                 data_bytes_o,
    /// The oldest write has its place in the request order.
    input  logic                          op_done_i,

    /// Frame bytes.
    input  logic [DATA_W-1:0]             tdata_i,
    /// Valid bytes.
    input  logic [DATA_W/8-1:0]           tkeep_i,
    /// Beat offered.
    input  logic                          tvalid_i,
    /// Beat taken.
    output logic                          tready_o,
    /// Last beat.
    input  logic                          tlast_i,
    /// Flow hash of the frame.
    input  logic [15:0]                   tflow_i,
    /// A frame was dropped; in frame order.
    output logic                          drop_o,
    /// Why.
    output logic [3:0]                    drop_reason_o
);

  if (MAX_FRAME_BYTES > 65524 || BUFFER_BYTES < 2 * MAX_FRAME_BYTES || (1 << $clog2(BUFFER_BYTES)) != BUFFER_BYTES)
  begin : gen_bad_size
    $error("net_rx: MAX_FRAME_BYTES at most 65524, BUFFER_BYTES a power of two of twice that at least");
  end

  localparam int unsigned Beats = BUFFER_BYTES / (DATA_W / 8);
  localparam int unsigned AW = $clog2(Beats);
  localparam int unsigned Frames = 128;
  localparam int unsigned FrameSlack = 4;       // records already on their way when the wire is stopped

  logic              mem_we, mem_re, frame_in_valid, frame_in_ready, frame_valid, frame_ready, frame_room;
  logic [AW-1:0]     mem_waddr, mem_raddr;
  logic [DATA_W-1:0] mem_wdata, mem_rdata;
  logic [AW:0]       freed;
  rx_frame_t         frame_in, frame;
  logic [$clog2(Frames+1)-1:0] frame_count;

  rx_ingest #(
      .DATA_W         (DATA_W),
      .BEATS          (Beats),
      .MAX_FRAME_BYTES(MAX_FRAME_BYTES),
      .MTU            (MTU),
      .BUG            (BUG)
  ) u_ingest (
      .clk_i        (clk_i),
      .rst_ni       (rst_ni),
      .active_i     (active_i),
      .mtu_i        (features_i.mtu),
      .vlan_filter_i(features_i.ctrl_vlan),
      .mode_i       (mode_i),
      .table_i      (table_i),
      .table_valid_i(table_valid_i),
      .vlan_update_i(vlan_update_i),
      .tdata_i      (tdata_i),
      .tkeep_i      (tkeep_i),
      .tvalid_i     (tvalid_i),
      .tready_o     (tready_o),
      .tlast_i      (tlast_i),
      .tflow_i      (tflow_i),
      .mem_we_o     (mem_we),
      .mem_waddr_o  (mem_waddr),
      .mem_wdata_o  (mem_wdata),
      .freed_i      (freed),
      .frame_room_i (frame_room),
      .frame_valid_o(frame_in_valid),
      .frame_o      (frame_in)
  );

  ram_1r1w #(
      .W    (DATA_W),
      .DEPTH(Beats)
  ) u_buffer (
      .clk_i  (clk_i),
      .we_i   (mem_we),
      .waddr_i(mem_waddr),
      .wdata_i(mem_wdata),
      .re_i   (mem_re),
      .raddr_i(mem_raddr),
      .rdata_o(mem_rdata)
  );

  sync_fifo #(
      .W    ($bits(rx_frame_t)),
      .DEPTH(Frames)
  ) u_frames (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (frame_in_valid),
      .in_ready_o (frame_in_ready),
      .in_data_i  (frame_in),
      .out_valid_o(frame_valid),
      .out_ready_i(frame_ready),
      .out_data_o (frame),
      .count_o    (frame_count)
  );

  assign frame_room = frame_count < ($clog2(Frames + 1))'(Frames - FrameSlack);

  logic          packet_in_valid, packet_in_ready, packet_valid, packet_ready, chain_valid, chain_ready, drop;
  logic          len_valid, len_ready, len_discard;
  logic [16:0]   len_bytes;
  rx_packet_t    packet_in, packet;
  rx_chain_t     chain;
  logic [QW-1:0] chain_queue;
  logic [NQ-1:0] plan_busy, place_idle;
  drop_reason_e  drop_reason;

  rx_plan #(
      .NQ            (NQ),
      .RX_WAIT_CYCLES(RX_WAIT_CYCLES),
      .BUG           (BUG)
  ) u_plan (
      .clk_i               (clk_i),
      .rst_ni              (rst_ni),
      .mergeable_i         (features_i.mrg_rxbuf),
      .run_i               (run_i),
      .hold_i              (hold_i),
      .chain_count_i       (chain_count_i),
      .peek_queue_o        (peek_queue_o),
      .peek_index_o        (peek_index_o),
      .chain_pop_o         (chain_pop_o),
      .peek_chain_i        (peek_chain_i),
      .device_error_valid_o(device_error_valid_o),
      .device_error_queue_o(device_error_queue_o),
      .frame_valid_i       (frame_valid),
      .frame_ready_o       (frame_ready),
      .frame_i             (frame),
      .packet_valid_o      (packet_in_valid),
      .packet_ready_i      (packet_in_ready),
      .packet_o            (packet_in),
      .chain_valid_o       (chain_valid),
      .chain_ready_i       (chain_ready),
      .chain_queue_o       (chain_queue),
      .chain_o             (chain),
      .busy_o              (plan_busy),
      .drop_o              (drop),
      .drop_reason_o       (drop_reason)
  );

  sync_fifo #(
      .W    ($bits(rx_packet_t)),
      .DEPTH(8)
  ) u_packets (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (packet_in_valid),
      .in_ready_o (packet_in_ready),
      .in_data_i  (packet_in),
      .out_valid_o(packet_valid),
      .out_ready_i(packet_ready),
      .out_data_o (packet),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  rx_place #(
      .NQ    (NQ),
      .CHAINS(MAX_QUEUE_SIZE),
      .BUG   (BUG)
  ) u_place (
      .clk_i           (clk_i),
      .rst_ni          (rst_ni),
      .run_i           (run_i),
      .no_more_frames_i(!frame_valid),
      .chain_valid_i   (chain_valid),
      .chain_ready_o   (chain_ready),
      .chain_queue_i   (chain_queue),
      .chain_i         (chain),
      .seg_pop_o       (seg_pop_o),
      .seg_queue_o     (seg_queue_o),
      .seg_i           (seg_i),
      .op_valid_o      (op_valid_o),
      .op_ready_i      (op_ready_i),
      .op_o            (op_o),
      .op_done_i       (op_done_i),
      .len_valid_o     (len_valid),
      .len_ready_i     (len_ready),
      .len_bytes_o     (len_bytes),
      .len_discard_o   (len_discard),
      .cpl_valid_o     (cpl_valid_o),
      .cpl_ready_i     (cpl_ready_i),
      .cpl_o           (cpl_o),
      .idle_o          (place_idle)
  );

  rx_pump #(
      .DATA_W(DATA_W),
      .BEATS (Beats)
  ) u_pump (
      .clk_i         (clk_i),
      .rst_ni        (rst_ni),
      .packet_valid_i(packet_valid),
      .packet_ready_o(packet_ready),
      .packet_i      (packet),
      .mem_re_o      (mem_re),
      .mem_raddr_o   (mem_raddr),
      .mem_rdata_i   (mem_rdata),
      .freed_o       (freed),
      .len_valid_i   (len_valid),
      .len_ready_o   (len_ready),
      .len_bytes_i   (len_bytes),
      .len_discard_i (len_discard),
      .data_valid_o  (data_valid_o),
      .data_ready_i  (data_ready_i),
      .data_o        (data_o),
      .data_bytes_o  (data_bytes_o)
  );

  assign idle_o = place_idle & ~plan_busy;

  always_ff @(posedge clk_i) begin
    drop_o        <= drop && rst_ni;
    drop_reason_o <= drop_reason;
  end

  always_ff @(posedge clk_i) if (rst_ni) assert (!frame_in_valid || frame_in_ready);

endmodule
