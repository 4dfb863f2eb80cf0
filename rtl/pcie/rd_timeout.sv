/// Completion time-out of one read pool: a coarse time stamp per tag and a scan over the tags, one a cycle. A tag expires
/// between TIMEOUT_CYCLES and TIMEOUT_CYCLES * 9/8 (plus one scan) after its stamp.
module rd_timeout #(
  /// Tags, a power of two.
  parameter int unsigned TAGS = 128,
  /// Time-out in cycles for the default range, >= 256.
  parameter int unsigned TIMEOUT_CYCLES = 65536,
  localparam int unsigned TAG_W = $clog2(TAGS)
) (
  /// Clock.
  input  logic             clk_i,
  /// Synchronous reset, active low.
  input  logic             rst_ni,
  /// Completion Timeout Value of Device Control 2: 1 = a quarter (50..100 us range), 2 = eight times (1..10 ms range).
  input  logic [3:0]       range_i,
  /// Completion Timeout Disable.
  input  logic             disable_i,
  /// Stamps this tag with the present.
  input  logic             stamp_valid_i,
  /// The tag.
  input  logic [TAG_W-1:0] stamp_tag_i,
  /// Tags whose completion is awaited.
  input  logic [TAGS-1:0]  outstanding_i,
  /// A tag has expired.
  output logic             expired_valid_o,
  /// Which.
  output logic [TAG_W-1:0] expired_tag_o,
  /// Takes the expiry: the tag is stamped anew.
  input  logic             expired_ready_i
);

  localparam int unsigned TICK = TIMEOUT_CYCLES / 8;
  localparam int unsigned COUNT_W = $clog2(TICK * 8 + 1);

  logic [COUNT_W-1:0] prescale_q, tick_cycles;
  logic [4:0]         now_q, age;
  logic [4:0]         stamp_q [TAGS];
  logic [TAG_W-1:0]   scan_q;

  always_comb begin
    case (range_i)
      4'd1:    tick_cycles = COUNT_W'(TICK / 4);
      4'd2:    tick_cycles = COUNT_W'(TICK * 8);
      default: tick_cycles = COUNT_W'(TICK);
    endcase
  end

  assign age             = now_q - stamp_q[scan_q];
  assign expired_tag_o   = scan_q;
  assign expired_valid_o = outstanding_i[scan_q] && age >= 5'd9 && !disable_i;

  always_ff @(posedge clk_i) begin
    if (stamp_valid_i) stamp_q[stamp_tag_i] <= now_q;
    if (expired_valid_o && expired_ready_i) stamp_q[scan_q] <= now_q;
    if (!rst_ni) begin
      prescale_q <= '0;
      now_q      <= '0;
      scan_q     <= '0;
    end else begin
      prescale_q <= prescale_q + 1'b1;
      if (prescale_q + 1'b1 >= tick_cycles) begin
        prescale_q <= '0;
        now_q      <= now_q + 5'd1;
      end
      // Stays on an expired tag until it is taken.
      if (!expired_valid_o || expired_ready_i) scan_q <= scan_q + 1'b1;
    end
  end

endmodule
