// Receive filter: decides on destination address and VLAN tag, one frame per clock, verdict two clocks later.
// Promiscuous mode overrides everything else. "No" modes win over "all" modes; an untagged frame is in every VLAN.
module rx_filter
  import net_pkg::*;
(
    /// Clock.
    input  logic                          clk_i,
    /// Device runs (DRIVER_OK); otherwise the VLAN table is being emptied.
    input  logic                          active_i,
    /// VLAN filtering is negotiated.
    input  logic                          vlan_filter_i,
    /// Receive modes and own address.
    /* verilator lint_off UNUSED */
    input  rx_mode_t                      mode_i,  // pairs are for steering
    /* verilator lint_on UNUSED */
    /// Address table: unicast half, then multicast half.
    input  logic [2*MacEntries-1:0][47:0] table_i,
    /// Which entries count.
    input  logic [2*MacEntries-1:0]       table_valid_i,
    /// Change of the VLAN table; takes two clocks.
    input  vlan_update_t                  vlan_update_i,
    /// A frame's addresses are known.
    input  logic                          valid_i,
    /// Destination, first byte on the wire in 47:40.
    input  logic [47:0]                   dst_i,
    /// It carries an 802.1Q tag.
    input  logic                          tagged_i,
    /// The VLAN of the tag.
    input  logic [11:0]                   vid_i,
    /// Verdict.
    output logic                          valid_o,
    /// The frame is wanted.
    output logic                          pass_o
);

  // The table has 64 words of 64 VLANs; while the device does not run one word a clock is cleared.
  logic [63:0]  vlan_q [64];
  logic [5:0]   sweep_q;
  logic [63:0]  old_q;
  vlan_update_t update_q;
  logic [63:0]  update_word;

  always_comb begin
    update_word = old_q;
    update_word[update_q.vid[5:0]] = update_q.member;
  end

  always_ff @(posedge clk_i) begin
    sweep_q  <= sweep_q + 6'd1;
    old_q    <= vlan_q[vlan_update_i.vid[11:6]];
    update_q <= vlan_update_i;
    if (!active_i) begin
      vlan_q[sweep_q] <= '0;
    end else if (update_q.valid) begin
      vlan_q[update_q.vid[11:6]] <= update_word;
    end
  end

  logic                    valid_q, multi_q, broad_q, own_q, tagged_q;
  logic [2*MacEntries-1:0] match_q;
  logic [63:0]             vlan_word_q;
  logic [5:0]              vid_bit_q;
  logic                    multi_hit, uni_hit, address_ok, vlan_ok;

  always_ff @(posedge clk_i) begin
    valid_q <= valid_i;
    if (valid_i) begin
      broad_q     <= dst_i == '1;
      multi_q     <= dst_i[40];
      own_q       <= dst_i == mode_i.mac;
      tagged_q    <= tagged_i;
      vid_bit_q   <= vid_i[5:0];
      vlan_word_q <= vlan_q[vid_i[11:6]];
      for (int unsigned i = 0; i < 2 * MacEntries; i++) begin
        match_q[i] <= table_valid_i[i] && (table_i[i] == dst_i);
      end
    end
  end

  always_comb begin
    multi_hit  = mode_i.allmulti || mode_i.multi_overflow || (match_q[2*MacEntries-1:MacEntries] != '0);
    uni_hit    = mode_i.alluni || mode_i.uni_overflow || own_q || (match_q[MacEntries-1:0] != '0);
    address_ok = broad_q ? !mode_i.nobcast : (multi_q ? (multi_hit && !mode_i.nomulti) : (uni_hit && !mode_i.nouni));
    vlan_ok    = !vlan_filter_i || !tagged_q || vlan_word_q[vid_bit_q];
  end

  always_ff @(posedge clk_i) begin
    valid_o <= valid_q;
    pass_o  <= mode_i.promisc || (address_ok && vlan_ok);
  end

endmodule
