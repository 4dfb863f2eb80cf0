// Frame buffer reader: turns stored frames into the byte stream of packets (header, then frame) and cuts it into the
// orders of the write engine. Dropped frames are skipped, discarded orders swallowed.
module rx_pump
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W = 512,
    /// Beats of the frame buffer, a power of two.
    parameter int unsigned BEATS  = 512,
    localparam int unsigned AW = $clog2(BEATS),
    localparam int unsigned CW = $clog2(DATA_W / 8) + 1
) (
    /// Clock.
    input  logic              clk_i,
    /// Synchronous reset, active low.
    input  logic              rst_ni,
    /// What to do with the oldest frame of the buffer.
    input  logic              packet_valid_i,
    /// Done with it.
    output logic              packet_ready_o,
    /// The order.
    input  rx_packet_t        packet_i,
    /// Frame buffer read.
    output logic              mem_re_o,
    /// Its address.
    output logic [AW-1:0]     mem_raddr_o,
    /// Its data, one cycle later.
    input  logic [DATA_W-1:0] mem_rdata_i,
    /// Beats of the frame buffer that are free again.
    output logic [AW:0]       freed_o,
    /// Length of the next write order.
    input  logic              len_valid_i,
    /// Taken.
    output logic              len_ready_o,
    /// Its bytes.
    input  logic [16:0]       len_bytes_i,
    /// Swallow them.
    input  logic              len_discard_i,
    /// Bytes for the write engine.
    output logic              data_valid_o,
    /// Taken.
    input  logic              data_ready_i,
    /// The bytes from lane 0.
    output logic [DATA_W-1:0] data_o,
    /// How many.
    output logic [CW-1:0]     data_bytes_o
);

  localparam int unsigned B = DATA_W / 8;
  localparam int unsigned HdrBeats = (NetHdrBytes + B - 1) / B;
  localparam int unsigned HdrRest = NetHdrBytes - (HdrBeats - 1) * B;

  // ---- packets into beats: header beats from here, frame beats one clock later from the memory
  typedef struct packed {
    logic          from_mem;
    logic          second;           // second header beat (64-bit data path only)
    logic [15:0]   num_buffers;
    logic [CW-1:0] count;
  } beat_t;

  logic [AW-1:0]     read_q;
  logic [16:0]       sent_q, rest;
  logic [1:0]        hdr_q;
  logic              header, final_beat, issue, skip, pend_q, room, gear_ready, head_valid, head_in_ready;
  /* verilator lint_off UNUSED */
  beat_t             beat, pend_beat_q, head_beat;  // behind the FIFO only the count
  /* verilator lint_on UNUSED */
  logic [2:0]        held_q;
  logic [DATA_W-1:0] pend_data, head_data, hdr_data;
  logic [95:0]       hdr;
  logic [31:0]       hdr_rest;
  logic [AW:0]       beats;

  assign beats = (AW + 1)'((packet_i.bytes + 17'(B - 1)) >> (CW - 1));

  always_comb begin
    header     = hdr_q != 2'(HdrBeats);
    rest       = packet_i.bytes - sent_q;
    final_beat = !header && (rest <= 17'(B));
    room       = held_q < 3'd4;
    skip       = packet_valid_i && packet_i.drop;
    issue      = packet_valid_i && !packet_i.drop && room;
    beat.from_mem    = !header;
    beat.second      = hdr_q != 2'd0;
    beat.num_buffers = packet_i.num_buffers;
    beat.count       = CW'(B);
    if (header && (hdr_q == 2'(HdrBeats - 1))) beat.count = CW'(HdrRest);
    if (final_beat) beat.count = CW'(rest);
  end

  assign packet_ready_o = skip || (issue && final_beat);
  assign mem_re_o       = issue && !header;
  assign mem_raddr_o    = read_q;
  assign freed_o        = skip ? beats : (AW + 1)'(mem_re_o);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_q <= '0;
      sent_q <= '0;
      hdr_q  <= '0;
      pend_q <= 1'b0;
      held_q <= '0;
    end else begin
      read_q <= read_q + freed_o[AW-1:0];
      pend_q <= issue;
      held_q <= held_q + 3'(issue) - 3'(head_valid && gear_ready);
      if (packet_ready_o) begin
        sent_q <= '0;
        hdr_q  <= '0;
      end else if (issue) begin
        if (header) hdr_q <= hdr_q + 2'd1;
        else sent_q <= sent_q + 17'(B);
      end
    end
    pend_beat_q <= beat;
  end

  // Header: no flags, no offload; num_buffers is its last field.
  assign hdr       = {pend_beat_q.num_buffers, 80'd0};
  assign hdr_rest  = hdr[95:64];
  assign hdr_data  = (HdrBeats == 1) ? DATA_W'(hdr) : (pend_beat_q.second ? DATA_W'(hdr_rest) : '0);
  assign pend_data = pend_beat_q.from_mem ? mem_rdata_i : hdr_data;

  sync_fifo #(
      .W    ($bits(beat_t) + DATA_W),
      .DEPTH(4)
  ) u_beats (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (pend_q),
      .in_ready_o (head_in_ready),
      .in_data_i  ({pend_beat_q, pend_data}),
      .out_valid_o(head_valid),
      .out_ready_i(gear_ready),
      .out_data_o ({head_beat, head_data}),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  // ---- beats into orders, which wait here so that the write engine hears of them before their bytes
  logic              len_valid, len_discard, begun_q, gear_valid, take, last;
  logic [16:0]       len_bytes, left, left_q;
  logic [CW-1:0]     want;
  logic [DATA_W-1:0] gear_data;

  sync_fifo #(
      .W    (18),
      .DEPTH(8)
  ) u_orders (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (len_valid_i),
      .in_ready_o (len_ready_o),
      .in_data_i  ({len_discard_i, len_bytes_i}),
      .out_valid_o(len_valid),
      .out_ready_i(take && last),
      .out_data_o ({len_discard, len_bytes}),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  byte_gearbox #(
      .DATA_W(DATA_W)
  ) u_gearbox (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (head_valid),
      .in_ready_o (gear_ready),
      .in_data_i  (head_data),
      .in_bytes_i (head_beat.count),
      .out_want_i (want),
      .out_valid_o(gear_valid),
      .out_data_o (gear_data),
      .out_take_i (take),
      /* verilator lint_off PINCONNECTEMPTY */
      .level_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  always_comb begin
    left = begun_q ? left_q : len_bytes;
    last = left <= 17'(B);
    want = last ? CW'(left) : CW'(B);
  end

  always_comb begin
    take = len_valid && gear_valid && (len_discard || data_ready_i);
  end

  assign data_valid_o = len_valid && gear_valid && !len_discard;
  assign data_o       = gear_data;
  assign data_bytes_o = want;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      begun_q <= 1'b0;
    end else if (take) begin
      begun_q <= !last;
    end
    if (take) left_q <= left - 17'(want);
  end

  always_ff @(posedge clk_i) if (rst_ni) assert (!pend_q || head_in_ready);

endmodule
