/// Reassembly memory: 512 bytes a tag, one bank per dword of a beat, so that a beat is written and a beat is read every
/// cycle at any dword offset. A dword lives at its address bits [8:2] inside its slot; a span that reaches the end of the
/// slot goes on at its start.
module slot_ram #(
  /// Beat width in bits, 64..512.
  parameter int unsigned DATA_W = 512,
  /// Slots.
  parameter int unsigned TAGS = 128,
  localparam int unsigned TAG_W = $clog2(TAGS),
  localparam int unsigned LANES = DATA_W / 32
) (
  /// Clock.
  input  logic              clk_i,
  /// Write a beat.
  input  logic              we_i,
  /// Slot.
  input  logic [TAG_W-1:0]  wtag_i,
  /// Place of lane 0, address bits [8:2].
  input  logic [6:0]        wplace_i,
  /// Lanes to write, contiguous from lane 0.
  input  logic [LANES-1:0]  wkeep_i,
  /// The dwords.
  input  logic [DATA_W-1:0] wdata_i,
  /// Read a beat; outputs hold while low.
  input  logic              re_i,
  /// Slot.
  input  logic [TAG_W-1:0]  rtag_i,
  /// Place of the dword that comes out in lane 0.
  input  logic [6:0]        rplace_i,
  /// The dwords, one cycle later.
  output logic [DATA_W-1:0] rdata_o
);

  localparam int unsigned LANE_W = $clog2(LANES);
  localparam int unsigned ROW_W = 7 - LANE_W;

  logic [LANE_W-1:0] wlane, rlane, rlane_q;
  logic [ROW_W-1:0]  wrow, rrow;
  logic [DATA_W-1:0] wrotated, rraw;
  logic [LANES-1:0]  wmask;
  /* verilator lint_off UNUSED */
  logic [2*DATA_W-1:0] wdouble, rdouble;  // half of a doubled word is its rotation
  logic [2*LANES-1:0]  wkeep_double;
  /* verilator lint_on UNUSED */
  logic [LANES-1:0]  wnext, rnext;  // banks that are one row further

  assign {wrow, wlane} = wplace_i;
  assign {rrow, rlane} = rplace_i;
  assign wdouble       = {wdata_i, wdata_i} << {wlane, 5'd0};
  assign wrotated      = wdouble[2*DATA_W-1:DATA_W];
  assign wkeep_double  = {wkeep_i, wkeep_i} << wlane;
  assign wmask         = we_i ? wkeep_double[2*LANES-1:LANES] : '0;
  assign wnext         = ~({LANES{1'b1}} << wlane);
  assign rnext         = ~({LANES{1'b1}} << rlane);
  assign rdouble       = {rraw, rraw} >> {rlane_q, 5'd0};
  assign rdata_o       = rdouble[DATA_W-1:0];

  always_ff @(posedge clk_i) begin
    if (re_i) rlane_q <= rlane;
  end

  for (genvar b = 0; b < LANES; b++) begin : g_bank
    ram_1r1w #(
      .W    (32),
      .DEPTH(TAGS * (128 / LANES))
    ) u_ram (
      .clk_i,
      .we_i   (wmask[b]),
      .waddr_i({wtag_i, wrow + ROW_W'(wnext[b])}),
      .wdata_i(wrotated[b*32+:32]),
      .re_i,
      .raddr_i({rtag_i, rrow + ROW_W'(rnext[b])}),
      .rdata_o(rraw[b*32+:32])
    );
  end

endmodule
