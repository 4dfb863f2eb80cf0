// The transmit side of virtio-net, with its ports and without its work: every chain comes back at once.
/* verilator lint_off UNUSED */
module net_tx
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W   = 512,
    /// Transmit queues.
    parameter int unsigned NQ       = 4,
    /// Tags of the payload pool, a power of two.
    parameter int unsigned REQUESTS = 512,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG      = 0,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Device Control.Max_Read_Request_Size.
    input  logic [2:0]          mrrs_i,
    /// The read pool takes and answers nothing (device reset): what is asked for is lost.
    input  logic                flush_i,
    /// Queue is enabled and not frozen.
    input  logic [NQ-1:0]       run_i,
    /// Nothing of the queue is inside this block.
    output logic [NQ-1:0]       idle_o,

    /// Published chains per queue.
    input  logic [NQ-1:0][15:0] chain_count_i,
    /// Queue of the peek and pop.
    output logic [QW-1:0]       peek_queue_o,
    /// Removes the oldest chain record.
    output logic                chain_pop_o,
    /// The record, one cycle later.
    input  chain_t              peek_chain_i,
    /// Takes the oldest segment.
    output logic                seg_pop_o,
    /// Queue of the pop.
    output logic [QW-1:0]       seg_queue_o,
    /// The segment, one cycle later.
    input  segment_t            seg_i,
    /// Used buffer.
    output logic                cpl_valid_o,
    /// Taken.
    input  logic                cpl_ready_i,
    /// The used buffer.
    output completion_t         cpl_o,
    /// Freezes a queue.
    output logic                device_error_valid_o,
    /// That queue.
    output logic [QW-1:0]       device_error_queue_o,

    /// Payload read.
    output logic                req_valid_o,
    /// Taken.
    input  logic                req_ready_i,
    /// The read.
    output dma_rd_req_t         req_o,
    /// Answer beat; packets whole, those of a queue in their order.
    input  logic                rsp_valid_i,
    /// Taken.
    output logic                rsp_ready_o,
    /// Head of the beat.
    input  dma_rd_rsp_t         rsp_i,
    /// Data of the beat.
    input  logic [DATA_W-1:0]   rsp_data_i,
    /// Answers of these queues are not wanted.
    output logic [15:0]         drop_o,
    /// What becomes of the reads.
    input  stream_state_t       streams_i,

    /// Frame beat.
    output logic                tvalid_o,
    /// Taken.
    input  logic                tready_i,
    /// Frame bytes.
    output logic [DATA_W-1:0]   tdata_o,
    /// Valid bytes.
    output logic [DATA_W/8-1:0] tkeep_o,
    /// Last beat.
    output logic                tlast_o,
    /// Transmit queue of the frame.
    output logic [15:0]         tqueue_o,
    /// With `tlast_o`: discard the frame.
    output logic                terror_o
);
/* verilator lint_on UNUSED */

  chain_sink #(.NQ(NQ), .NAME("tx")) u_sink (
    .clk_i, .rst_ni, .run_i, .idle_o, .chain_count_i, .peek_queue_o, .chain_pop_o, .peek_chain_i, .seg_pop_o,
    .seg_queue_o, .seg_i, .cpl_valid_o, .cpl_ready_i, .cpl_o
  );

  assign device_error_valid_o = '0;
  assign device_error_queue_o = '0;
  assign req_valid_o = '0;
  assign req_o = '0;
  assign rsp_ready_o = '1;
  assign drop_o = '0;
  assign tvalid_o = '0;
  assign tdata_o = '0;
  assign tkeep_o = '0;
  assign tlast_o = '0;
  assign tqueue_o = '0;
  assign terror_o = '0;

endmodule
