// The receive side of virtio-net, with its ports and without its work: every chain comes back at once.
/* verilator lint_off UNUSED */
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
/* verilator lint_on UNUSED */

  chain_sink #(.NQ(NQ), .NAME("rx")) u_sink (
    .clk_i, .rst_ni, .run_i, .idle_o, .chain_count_i, .peek_queue_o, .chain_pop_o, .peek_chain_i, .seg_pop_o,
    .seg_queue_o, .seg_i, .cpl_valid_o, .cpl_ready_i, .cpl_o
  );

  assign peek_index_o = '0;
  assign device_error_valid_o = '0;
  assign device_error_queue_o = '0;
  assign op_valid_o = '0;
  assign op_o = '0;
  assign data_valid_o = '0;
  assign data_o = '0;
  assign data_bytes_o = '0;
  assign tready_o = '1;
  assign drop_o = '0;
  assign drop_reason_o = '0;

endmodule
