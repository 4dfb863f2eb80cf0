// Interrupt moderation: how long what was published waits before the driver's event word is looked at (virtio 1.4,
// "Notifications Coalescing"). A round begins with the first packet published after the last look and is due when
// max_packets packets were published or max_usecs microseconds have passed, whichever comes first; with either limit
// at zero every publication is due at once. The limits are compared in every clock, so new ones count at once.
module notify_moderate
  import bug_pkg::*;
  import ringside_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ        = 4,
  /// Clocks of a microsecond.
  parameter int unsigned CLOCK_MHZ = 250,
  /// Planted bug, 0: none.
  parameter int unsigned BUG       = 0,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of the count of clocks in a microsecond.
  localparam int unsigned CW = (CLOCK_MHZ > 1) ? $clog2(CLOCK_MHZ) : 1
) (
  /// Clock.
  input  logic                clk_i,
  /// Synchronous reset, active low.
  input  logic                rst_ni,
  /// Limits in force. Zeros end every round.
  input  coalesce_t [NQ-1:0]  limits_i,
  /// Per queue: positions after which an event index has been passed whatever it says.
  input  logic [NQ-1:0][16:0] lap_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]       clear_i,
  /// Used buffers were published.
  input  logic                publish_i,
  /// Their queue.
  input  logic [QW-1:0]       publish_queue_i,
  /// Ring positions.
  input  logic [15:0]         publish_count_i,
  /// Packets. One over several buffers is one.
  input  logic [9:0]          publish_packets_i,
  /// Per queue: the event word is being asked for; what is published from the next clock on is another round.
  input  logic [NQ-1:0]       asked_i,
  /// Per queue: something was published and the round is due.
  output logic [NQ-1:0]       due_o,
  /// Per queue, after the asking: any event index is passed.
  output logic [NQ-1:0]       sure_o
);

  localparam logic [CW-1:0] LastCycle = CW'(CLOCK_MHZ - 1);

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    coalesce_t     limits, kept_q;
    logic          here, open, off, full, timed, sure_q;
    logic [16:0]   count_q;                   // ring positions, held at 65536
    logic [17:0]   count_next;
    logic [31:0]   packets_q, usecs_q;        // both held near their top
    logic [CW-1:0] cycles_q;                  // of the running microsecond
    logic [9:0]    add;

    assign here       = publish_i && (publish_queue_i == QW'(q));
    assign add        = planted(BUG, 43) ? publish_count_i[9:0] : publish_packets_i;
    assign count_next = {1'b0, count_q} + {2'b0, publish_count_i};

    // Planted bug 50 compares with the limits of the last publication.
    assign limits   = planted(BUG, 50) ? kept_q : limits_i[q];
    assign open     = count_q != '0;
    assign off      = (limits.max_packets == '0) || (limits.max_usecs == '0);
    assign full     = (packets_q >= limits.max_packets) && (limits.max_packets != '0);
    assign timed    = (usecs_q >= limits.max_usecs) && (limits.max_usecs != '0);
    assign due_o[q] = open && (full || timed || (planted(BUG, 46) ? (limits == '0) : off));
    assign sure_o[q] = sure_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        count_q   <= '0;
        packets_q <= '0;
        usecs_q   <= '0;
        cycles_q  <= '0;
        sure_q    <= 1'b0;
        kept_q    <= '0;
      end else begin
        if (here) kept_q <= limits_i[q];
        if (open || planted(BUG, 44)) begin
          cycles_q <= (cycles_q == LastCycle) ? '0 : cycles_q + 1'b1;
          if (cycles_q == LastCycle && usecs_q != '1) usecs_q <= usecs_q + 32'd1;
        end
        if (asked_i[q]) begin
          // Planted bug 47 takes the end of the waiting for the driver's wish.
          sure_q    <= (count_q >= lap_i[q]) || (planted(BUG, 47) && timed);
          count_q   <= here ? {1'b0, publish_count_i} : '0;
          packets_q <= here ? 32'(add) : '0;
          cycles_q  <= '0;
          if (!planted(BUG, 44)) usecs_q <= '0;
        end else if (here) begin
          count_q   <= (count_next >= 18'd65536) ? 17'd65536 : count_next[16:0];
          packets_q <= (&packets_q[31:10]) ? packets_q : packets_q + 32'(add);
        end
      end
    end
  end

  // Bits of records that this block has no use for.
  logic unused;
  assign unused = ^{publish_count_i, publish_packets_i};

endmodule
