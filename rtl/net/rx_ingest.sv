// Frames from the wire into the frame buffer. Every frame is stored; the verdict (filter, size) travels with its
// record, so that drops are reported in frame order. A full buffer stalls the wire.
module rx_ingest
  import bug_pkg::*;
  import net_pkg::*;
#(
    /// Width of the data path in bits.
    parameter int unsigned DATA_W          = 512,
    /// Beats of the frame buffer, a power of two.
    parameter int unsigned BEATS           = 512,
    /// Larger frames are dropped.
    parameter int unsigned MAX_FRAME_BYTES = 9216,
    /// With mtu_i, so are those that are longer than this and an Ethernet header, with or without a VLAN tag.
    parameter int unsigned MTU             = 9000,
    /// Planted bug, 0 = none.
    parameter int unsigned BUG             = 0,
    localparam int unsigned AW = $clog2(BEATS)
) (
    /// Clock.
    input  logic                          clk_i,
    /// Synchronous reset, active low.
    input  logic                          rst_ni,
    /// Device runs (DRIVER_OK).
    input  logic                          active_i,
    /// MTU is negotiated.
    input  logic                          mtu_i,
    /// VLAN filtering is negotiated.
    input  logic                          vlan_filter_i,
    /// Receive modes, own address, active pairs.
    input  rx_mode_t                      mode_i,
    /// Address table.
    input  logic [2*MacEntries-1:0][47:0] table_i,
    /// Which entries count.
    input  logic [2*MacEntries-1:0]       table_valid_i,
    /// Change of the VLAN table.
    input  vlan_update_t                  vlan_update_i,
    /// Frame bytes.
    input  logic [DATA_W-1:0]             tdata_i,
    /// Valid bytes, contiguous from lane 0.
    input  logic [DATA_W/8-1:0]           tkeep_i,
    /// Beat offered.
    input  logic                          tvalid_i,
    /// Beat taken.
    output logic                          tready_o,
    /// Last beat.
    input  logic                          tlast_i,
    /// Flow hash.
    input  logic [15:0]                   tflow_i,
    /// Frame buffer write.
    output logic                          mem_we_o,
    /// Its address.
    output logic [AW-1:0]                 mem_waddr_o,
    /// Its data.
    output logic [DATA_W-1:0]             mem_wdata_o,
    /// Beats given back by the reader.
    input  logic [AW:0]                   freed_i,
    /// Room for several more records.
    input  logic                          frame_room_i,
    /// A frame is complete.
    output logic                          frame_valid_o,
    /// Its record.
    output rx_frame_t                     frame_o
);

  localparam int unsigned B = DATA_W / 8;
  localparam int unsigned CW = $clog2(B) + 1;
  localparam int unsigned HeadBytes = 16;     // addresses, type, and the tag that may follow

  // ---- store
  logic [AW-1:0] write_q;
  logic [AW:0]   free_q;
  logic [16:0]   bytes_q, stored_q, bytes, stored;
  logic [CW-1:0] count;
  logic          first_q, take, keep;

  always_comb begin
    count = '0;
    if (tvalid_i) begin
      for (int unsigned i = 0; i < B; i++) count += CW'(tkeep_i[i]);
    end
    // Counting stops once the frame is known to be too large, so no length overflows.
    bytes  = (first_q ? 17'd0 : bytes_q) + 17'(count);
    keep   = (bytes <= 17'(MAX_FRAME_BYTES)) && (count != '0);
    stored = (first_q ? 17'd0 : stored_q) + (keep ? 17'(count) : 17'd0);
  end

  assign tready_o    = (free_q != '0) && frame_room_i;
  assign take        = tvalid_i && tready_o;
  assign mem_we_o    = take && keep;
  assign mem_waddr_o = write_q;
  assign mem_wdata_o = tdata_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q <= '0;
      free_q  <= (AW + 1)'(BEATS);
      first_q <= 1'b1;
    end else begin
      free_q <= free_q + freed_i - (AW + 1)'(mem_we_o);
      if (mem_we_o) write_q <= write_q + AW'(1);
      if (take) first_q <= tlast_i;
    end
    if (take) begin
      bytes_q  <= (bytes > 17'(MAX_FRAME_BYTES)) ? 17'(MAX_FRAME_BYTES + 1) : bytes;
      stored_q <= stored;
    end
  end

  // ---- head of the frame, bytes it does not have are zero
  logic [127:0] head, head_q;
  logic [15:0]  ethertype;
  logic         has_tag;
  logic         head_at_q, head_done, head_now;

  always_comb begin
    head = first_q ? '0 : head_q;
    if (tvalid_i) begin
      for (int unsigned i = 0; i < HeadBytes; i++) begin
        if (B >= HeadBytes) begin
          if (first_q && tkeep_i[i%B]) head[i*8+:8] = tdata_i[(i%B)*8+:8];
        end else if ((i / B) == (first_q ? 0 : 1)) begin
          if (tkeep_i[i%B] && (first_q || !head_at_q)) head[i*8+:8] = tdata_i[(i%B)*8+:8];
        end
      end
    end
    // head_at_q: the head of this frame has been seen already
    head_done = (B >= HeadBytes) || !first_q || tlast_i;
    head_now  = take && head_done && (first_q || !head_at_q);
    ethertype = {head[12*8+:8], head[13*8+:8]};
    has_tag    = ethertype == 16'h8100;
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      head_q    <= head;
      head_at_q <= head_done;
    end
  end

  logic verdict_valid, verdict, verdict_q;

  rx_filter u_filter (
      .clk_i        (clk_i),
      .active_i     (active_i),
      .vlan_filter_i(vlan_filter_i),
      .mode_i       (mode_i),
      .table_i      (table_i),
      .table_valid_i(table_valid_i),
      .vlan_update_i(vlan_update_i),
      .valid_i      (head_now),
      .dst_i        ({head[0+:8], head[8+:8], head[16+:8], head[24+:8], head[32+:8], head[40+:8]}),
      .tagged_i     (has_tag),
      .vid_i        ({head[14*8+:4], head[15*8+:8]}),
      .valid_o      (verdict_valid),
      .pass_o       (verdict)
  );

  // ---- the record waits for the verdict, which is never later than two clocks after the last beat
  logic        end1_q, end2_q, over1_q, over2_q;
  logic [16:0] bytes1_q, bytes2_q;
  logic [15:0] flow1_q, pair2_q;
  /* verilator lint_off UNUSED */
  logic [31:0] scaled;  // the upper half is the pair
  /* verilator lint_on UNUSED */

  assign scaled = 32'(flow1_q) * 32'(mode_i.pairs);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      end1_q <= 1'b0;
      end2_q <= 1'b0;
    end else begin
      end1_q <= take && tlast_i;
      end2_q <= end1_q;
    end
    over1_q   <= (bytes > 17'(MAX_FRAME_BYTES))
                 || (mtu_i && (bytes > 17'(MTU) + ((has_tag || planted(BUG, 67)) ? 17'd18 : 17'd14)));
    over2_q   <= over1_q;
    bytes1_q  <= stored;
    bytes2_q  <= bytes1_q;
    flow1_q   <= tflow_i;
    pair2_q   <= scaled[31:16];
    if (verdict_valid) verdict_q <= verdict;
  end

  always_comb begin
    frame_valid_o  = end2_q;
    frame_o.bytes  = bytes2_q;
    frame_o.pair   = pair2_q;
    frame_o.reason = DropNone;
    if (!(verdict_valid ? verdict : verdict_q) || (bytes2_q == '0)) frame_o.reason = DropFiltered;
    if (over2_q) frame_o.reason = DropFrameBytes;
  end

endmodule
