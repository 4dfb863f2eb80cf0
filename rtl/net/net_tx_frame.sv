// Transmit, second half: the bytes of packets, one packet after the other, become frames. Drops the packet header wherever
// the descriptors split it, tells when a packet is through, and packs frames for the wire. Bytes that did not come are made up
// at the end of their packet as zeros, so that every frame has the length that its chain says.
module net_tx_frame
  import bug_pkg::*;
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W = 512,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG    = 0,
    /// Bytes of a beat, counted: 0..DATA_W/8.
    localparam int unsigned CW = $clog2(DATA_W / 8) + 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Device reset: no more bytes of the packet under way come.
    input  logic                flush_i,
    /// The packet of the bytes on offer.
    input  tx_packet_t          packet_i,
    /// Bytes of packets.
    input  logic                bytes_valid_i,
    /// Taken.
    output logic                bytes_ready_o,
    /// The bytes, from lane 0; a beat never holds bytes of two packets.
    input  logic [DATA_W-1:0]   bytes_data_i,
    /// How many.
    input  logic [CW-1:0]       bytes_count_i,
    /// They are the last of their packet.
    input  logic                bytes_last_i,
    /// Some are missing.
    input  logic                bytes_error_i,
    /// A packet is under way, `done_packet_o`.
    output logic                inside_o,
    /// All of a packet has its place in a frame.
    output logic                done_valid_o,
    /// With it: a part of it could not be read.
    output logic                done_error_o,
    /// Noted.
    input  logic                done_ready_i,
    /// That packet.
    output tx_packet_t          done_packet_o,
    /// Frame beat.
    output logic                tvalid_o,
    /// Frame beat taken.
    input  logic                tready_i,
    /// Frame bytes.
    output logic [DATA_W-1:0]   tdata_o,
    /// Valid bytes, contiguous from lane 0.
    output logic [DATA_W/8-1:0] tkeep_o,
    /// Last beat of the frame.
    output logic                tlast_o,
    /// Transmit queue of the frame.
    output logic [15:0]         tqueue_o,
    /// With `tlast_o`: a part could not be read, discard the frame.
    output logic                terror_o
);

  localparam int unsigned B = DATA_W / 8;
  // The header moves a beat by at most 12 bytes; only the planted bug needs more.
  localparam int unsigned SHIFT_W = (BUG == 21 || BUG == BugRuntime) ? CW : 4;

  typedef struct packed {
    logic [15:0] tx_queue;
    logic [16:0] bytes;
  } frame_t;

  // ---- header off, packet borders
  tx_packet_t        packet, packet_q;
  logic              begun_q, error_q, pad_q, last, framed, step, frame_in_ready, status_in_ready, gear_ready, err;
  logic [16:0]       got_q, skip_q, had, got, skip, count, cut, body_bytes;
  logic [DATA_W-1:0] body;
  frame_t            frame_in, frame;

  assign packet        = begun_q ? packet_q : packet_i;
  assign done_packet_o = packet;

  always_comb begin
    had            = begun_q ? got_q : 17'd0;
    count          = !pad_q ? 17'(bytes_count_i) :
                     ((packet.total_bytes - had) < 17'(B)) ? (packet.total_bytes - had) : 17'(B);
    got            = had + count;
    skip           = begun_q ? skip_q : packet.skip_bytes;
    cut            = (skip < count) ? skip : count;
    body_bytes     = count - cut;
    body           = (pad_q || bytes_error_i) ? '0 : (bytes_data_i >> {cut[SHIFT_W-1:0], 3'b000});
    last           = (pad_q || bytes_last_i) && (got == packet.total_bytes);
    err            = pad_q || bytes_error_i || (begun_q && error_q);
    frame_in.tx_queue = packet.queue;
    frame_in.bytes = packet.total_bytes - packet.skip_bytes;
    framed         = packet.total_bytes > packet.skip_bytes;
    step           = (pad_q || (bytes_valid_i && !flush_i)) && ((body_bytes == 17'd0) || gear_ready)
                     && (begun_q || !framed || frame_in_ready) && (!last || !framed || status_in_ready)
                     && (!last || done_ready_i);
  end

  assign bytes_ready_o = step && !pad_q;
  assign done_valid_o  = step && last;
  assign inside_o      = begun_q;
  assign done_error_o  = err && packet.total_bytes != 17'd0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      begun_q <= 1'b0;
      pad_q   <= 1'b0;
    end else begin
      if (step) begun_q <= !last;
      if (step && last) pad_q <= 1'b0;
      else if ((step && bytes_last_i) || (flush_i && begun_q)) pad_q <= 1'b1;
    end
    if (step) begin
      packet_q <= packet;
      got_q   <= got;
      skip_q  <= skip - cut;
      error_q <= err;
    end
  end

  // ---- packing
  logic              frame_valid, frame_pop, status_valid, status_err, gear_valid, out_valid_q, out_last_q, out_err_q;
  logic              at_end, emit, framing_q;
  logic [16:0]       left, left_q;
  logic [CW-1:0]     want;
  logic [DATA_W-1:0] gear_data, out_data_q;
  logic [B-1:0]      out_keep_q;
  logic [15:0]       out_queue_q;

  sync_fifo #(
      .W    ($bits(frame_t)),
      .DEPTH(8)
  ) u_frames (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (step && framed && !begun_q),
      .in_ready_o (frame_in_ready),
      .in_data_i  (frame_in),
      .out_valid_o(frame_valid),
      .out_ready_i(frame_pop),
      .out_data_o (frame),
      /* verilator lint_off PINCONNECTEMPTY */
      .count_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  sync_fifo #(
      .W    (1),
      .DEPTH(8)
  ) u_status (
      .clk_i      (clk_i),
      .rst_ni     (rst_ni),
      .clear_i    (1'b0),
      .in_valid_i (step && framed && last),
      .in_ready_o (status_in_ready),
      .in_data_i  (err),
      .out_valid_o(status_valid),
      .out_ready_i(frame_pop),
      .out_data_o (status_err),
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
      .in_valid_i (step && (body_bytes != 17'd0)),
      .in_ready_o (gear_ready),
      .in_data_i  (body),
      .in_bytes_i (CW'(body_bytes)),
      .out_want_i (want),
      .out_valid_o(gear_valid),
      .out_data_o (gear_data),
      .out_take_i (emit),
      /* verilator lint_off PINCONNECTEMPTY */
      .level_o    ()
      /* verilator lint_on PINCONNECTEMPTY */
  );

  always_comb begin
    left      = framing_q ? left_q : frame.bytes;
    at_end    = left <= 17'(B);
    want      = at_end ? CW'(left) : CW'(B);
  end

  // The verdict on the frame exists once its last byte does, so the last beat waits for nothing else.
  always_comb begin
    emit      = frame_valid && gear_valid && (!at_end || status_valid) && (!out_valid_q || tready_i);
    frame_pop = emit && at_end;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      framing_q   <= 1'b0;
      out_valid_q <= 1'b0;
    end else begin
      out_valid_q <= emit || (out_valid_q && !tready_i);
      if (emit) framing_q <= !at_end;
    end
    if (emit) begin
      left_q      <= left - 17'(want);
      out_data_q  <= gear_data;
      out_keep_q  <= B'((((B + 1)'(1)) << want) - (B + 1)'(1));
      out_last_q  <= at_end;
      out_err_q   <= at_end && status_err;
      out_queue_q <= frame.tx_queue;
    end
  end

  assign tvalid_o = out_valid_q;
  assign tdata_o  = out_data_q;
  assign tkeep_o  = out_keep_q;
  assign tlast_o  = out_last_q;
  assign terror_o = out_err_q;
  assign tqueue_o = out_queue_q;

  // Packets end where their counts say.
  always_ff @(posedge clk_i) if (rst_ni) assert (!step || (got <= packet.total_bytes));

endmodule
