// Interrupt moderation settings: commands of class NOTF_COAL, taken byte by byte beside ctrl_parse, and the limits of
// every data queue. The last command that covers a queue decides; a queue that is enabled takes the global limits of its
// direction; while the device does not run all limits are zero.
module ctrl_coalesce
  import bug_pkg::*;
  import ringside_pkg::*;
#(
    /// Most queue pairs.
    parameter int unsigned QUEUE_PAIRS = 4,
    /// Planted bug, 0: none.
    parameter int unsigned BUG         = 0,
    /// Data queues.
    localparam int unsigned NQ = 2 * QUEUE_PAIRS
) (
    /// Clock.
    input  logic               clk_i,
    /// Synchronous reset, active low.
    input  logic               rst_ni,
    /// Device runs (DRIVER_OK).
    input  logic               active_i,
    /// Negotiated features: they decide which commands exist.
    /* verilator lint_off UNUSED */
    input  features_t          features_i,  // the two of moderation
    /* verilator lint_on UNUSED */
    /// Per data queue, by its index: enabled. One that an error froze still is (NETCOAL-DEV-004 speaks of disabled ones).
    input  logic [NQ-1:0]      enable_i,
    /// A new command begins.
    input  logic               start_i,
    /// Its next byte.
    input  logic               byte_valid_i,
    /// The byte.
    input  logic [7:0]         byte_i,
    /// The chain has room for acknowledge and result.
    input  logic               room_i,
    /// The command is complete: take effect if it is right.
    input  logic               commit_i,
    /// The bytes so far are a right command of this class.
    output logic               ok_o,
    /// It asks for a result.
    output logic               query_o,
    /// The result: max_packets in the low half.
    output logic [63:0]        result_o,
    /// Per data queue: its limits.
    output coalesce_t [NQ-1:0] limits_o
);

  localparam logic [7:0] ClassCoalesce = 8'd6, TxSet = 8'd0, RxSet = 8'd1, QueueSet = 8'd2, QueueGet = 8'd3;
  localparam int unsigned QW = $clog2(NQ);
  localparam int unsigned DataBytes = 12;

  coalesce_t [NQ-1:0] limits_q;
  coalesce_t [1:0]    global_q;                // receive, transmit
  coalesce_t          both, one;               // as the two kinds of command carry them
  logic [NQ-1:0]      enable_q;
  logic [3:0]         index_q;                 // bytes so far, at most 15
  logic [7:0]         class_q, command_q;
  logic [DataBytes*8-1:0] data_q;              // first byte in 7:0; bytes 2 and 3 of a queue's are reserved
  logic               known, go, clear;
  logic [QW-1:0]      queue;

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      index_q <= '0;
    end else if (byte_valid_i) begin
      if (index_q != 4'd15) index_q <= index_q + 4'd1;
      if (index_q == 4'd0) class_q <= byte_i;
      if (index_q == 4'd1) command_q <= byte_i;
      for (int unsigned i = 0; i < DataBytes; i++) if (index_q == 4'(i + 2)) data_q[i*8+:8] <= byte_i;
    end
  end

  assign both.max_packets = data_q[31:0];
  assign both.max_usecs   = data_q[63:32];
  assign one.max_packets  = data_q[63:32];
  assign one.max_usecs    = data_q[95:64];
  assign queue            = data_q[QW-1:0];
  assign known            = (data_q[15:0] < 16'(NQ)) && enable_i[queue];

  always_comb begin
    ok_o = 1'b0;
    case (command_q)
      TxSet, RxSet: ok_o = features_i.notf_coal && (index_q >= 4'd10);
      QueueSet:     ok_o = features_i.vq_notf_coal && (index_q >= 4'd14) && known;
      QueueGet:     ok_o = features_i.vq_notf_coal && (index_q >= 4'd6) && known && room_i;
      default:      ok_o = 1'b0;
    endcase
    if (class_q != ClassCoalesce || index_q < 4'd2) ok_o = 1'b0;
  end

  assign query_o  = command_q == QueueGet;
  assign result_o = planted(BUG, 48) ? {global_q[queue[0]].max_usecs, global_q[queue[0]].max_packets}
                                : {limits_q[queue].max_usecs, limits_q[queue].max_packets};

  assign go    = commit_i && ok_o;
  assign clear = !rst_ni || (!active_i && !planted(BUG, 49));

  always_ff @(posedge clk_i) begin
    enable_q <= clear ? '0 : enable_i;
    if (clear) begin
      global_q <= '0;
      limits_q <= '0;
    end else begin
      for (int unsigned q = 0; q < NQ; q++) begin
        if (enable_i[q] && !enable_q[q] && !planted(BUG, 45) && !planted(BUG, 49)) limits_q[q] <= global_q[q[0]];
      end
      if (go && command_q == RxSet) global_q[0] <= both;
      if (go && command_q == TxSet) global_q[1] <= both;
      for (int unsigned q = 0; q < NQ; q++) begin
        if (go && command_q == ((q % 2 == 0) ? RxSet : TxSet)) limits_q[q] <= both;
        if (go && command_q == QueueSet && queue == QW'(q)) limits_q[q] <= one;
      end
    end
  end

  assign limits_o = limits_q;

endmodule
