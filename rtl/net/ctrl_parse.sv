// Control command parser: takes a command byte by byte ({class, command, data}), judges it and holds the settings
// that commands change. A refused command changes nothing. While the device does not run all settings are at their
// reset values: promiscuous (a driver that negotiates no filter commands sees every frame), own address MAC, one pair.
module ctrl_parse
  import ringside_pkg::*;
  import net_pkg::*;
#(
    /// Most queue pairs.
    parameter int unsigned QUEUE_PAIRS = 4,
    /// Address at reset, first byte on the wire in 47:40.
    parameter logic [47:0] MAC         = 48'h0
) (
    /// Clock.
    input  logic                          clk_i,
    /// Device runs (DRIVER_OK).
    input  logic                          active_i,
    /// Negotiated features: they decide which commands exist.
    /* verilator lint_off UNUSED */
    input  features_t                     features_i,  // the net bits
    /* verilator lint_on UNUSED */
    /// A new command begins.
    input  logic                          start_i,
    /// Its next byte.
    input  logic                          byte_valid_i,
    /// The byte.
    input  logic [7:0]                    byte_i,
    /// The command is complete: take effect if it is right.
    input  logic                          commit_i,
    /// The bytes so far are a right command.
    output logic                          ok_o,
    /// Receive modes, own address, active pairs.
    output rx_mode_t                      mode_o,
    /// Address table: unicast half, multicast half.
    output logic [2*MacEntries-1:0][47:0] table_o,
    /// Which entries count.
    output logic [2*MacEntries-1:0]       table_valid_o,
    /// Change of the VLAN table.
    output vlan_update_t                  vlan_update_o
);

  localparam logic [7:0] ClassRx = 8'd0, ClassMac = 8'd1, ClassVlan = 8'd2, ClassMq = 8'd4;
  localparam int unsigned EW = $clog2(MacEntries);

  rx_mode_t    mode_q;
  logic [12:0] index_q;              // bytes so far
  logic [7:0]  class_q, command_q;
  logic [47:0] data_q;               // the first six data bytes, first one in 7:0
  logic [15:0] word;

  // ---- MAC table: count, addresses, count, addresses; kept aside until the command is complete
  logic                           in_count_q, half_q, table_done_q;
  logic [2:0]                     sub_q;
  logic [31:0]                    count_q, count_next;
  logic [12:0]                    seen_q;
  logic [39:0]                    address_q;
  logic [1:0]                     overflow_q;
  logic [2*MacEntries-1:0][47:0]  staged_q, table_q;
  logic [2*MacEntries-1:0]        staged_valid_q, valid_q;

  assign word       = data_q[15:0];
  assign count_next = {byte_i, count_q[31:8]};

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      index_q        <= '0;
      data_q         <= '0;
      in_count_q     <= 1'b1;
      half_q         <= 1'b0;
      table_done_q   <= 1'b0;
      sub_q          <= '0;
      seen_q         <= '0;
      overflow_q     <= '0;
      staged_valid_q <= '0;
    end else if (byte_valid_i) begin
      index_q <= index_q + 13'd1;
      if (index_q == 13'd0) class_q <= byte_i;
      if (index_q == 13'd1) command_q <= byte_i;
      for (int unsigned i = 0; i < 6; i++) if (index_q == 13'(i + 2)) data_q[i*8+:8] <= byte_i;
      if ((index_q >= 13'd2) && !table_done_q) begin
        sub_q     <= sub_q + 3'd1;
        address_q <= {address_q[31:0], byte_i};
        if (in_count_q) begin
          count_q <= count_next;
          if (sub_q == 3'd3) begin
            sub_q  <= '0;
            seen_q <= '0;
            if (count_next == '0) begin
              half_q       <= 1'b1;
              table_done_q <= half_q;
            end else begin
              in_count_q <= 1'b0;
            end
          end
        end else if (sub_q == 3'd5) begin
          sub_q  <= '0;
          seen_q <= seen_q + 13'd1;
          if (seen_q < 13'(MacEntries)) begin
            staged_q[{half_q, seen_q[EW-1:0]}]       <= {address_q, byte_i};
            staged_valid_q[{half_q, seen_q[EW-1:0]}] <= 1'b1;
          end else begin
            overflow_q[half_q] <= 1'b1;
          end
          if ((32'(seen_q) + 32'd1) == count_q) begin
            in_count_q   <= 1'b1;
            half_q       <= 1'b1;
            table_done_q <= half_q;
          end
        end
      end
    end
  end

  // ---- verdict
  always_comb begin
    ok_o = 1'b0;
    unique case (class_q)
      ClassRx: ok_o = (index_q >= 13'd3) && (command_q <= 8'd5)
                      && ((command_q <= 8'd1) ? features_i.ctrl_rx : features_i.ctrl_rx_extra);
      ClassMac: begin
        if (command_q == 8'd0) ok_o = features_i.ctrl_rx && table_done_q;
        if (command_q == 8'd1) ok_o = features_i.ctrl_mac_addr && (index_q >= 13'd8);
      end
      ClassVlan: ok_o = features_i.ctrl_vlan && (command_q <= 8'd1) && (index_q >= 13'd4) && (word < 16'd4096);
      ClassMq: ok_o = features_i.mq && (command_q == 8'd0) && (index_q >= 13'd4)
                      && (word != 16'd0) && (word <= 16'(QUEUE_PAIRS));
      default: ok_o = 1'b0;
    endcase
    if (index_q < 13'd2) ok_o = 1'b0;
  end

  // ---- effect
  logic on, go;

  assign on = data_q[7:0] != 8'd0;
  assign go = commit_i && ok_o;

  always_ff @(posedge clk_i) begin
    if (!active_i) begin
      mode_q         <= '0;
      mode_q.promisc <= 1'b1;
      mode_q.mac     <= MAC;
      mode_q.pairs   <= 16'd1;
      valid_q        <= '0;
    end else if (go) begin
      if (class_q == ClassRx) begin
        if (command_q == 8'd0) mode_q.promisc <= on;
        if (command_q == 8'd1) mode_q.allmulti <= on;
        if (command_q == 8'd2) mode_q.alluni <= on;
        if (command_q == 8'd3) mode_q.nomulti <= on;
        if (command_q == 8'd4) mode_q.nouni <= on;
        if (command_q == 8'd5) mode_q.nobcast <= on;
      end
      if ((class_q == ClassMac) && (command_q == 8'd0)) begin
        table_q               <= staged_q;
        valid_q               <= staged_valid_q;
        mode_q.uni_overflow   <= overflow_q[0];
        mode_q.multi_overflow <= overflow_q[1];
      end
      if ((class_q == ClassMac) && (command_q == 8'd1)) begin
        mode_q.mac <= {data_q[7:0], data_q[15:8], data_q[23:16], data_q[31:24], data_q[39:32], data_q[47:40]};
      end
      if (class_q == ClassMq) mode_q.pairs <= word;
    end
  end

  assign mode_o               = mode_q;
  assign table_o              = table_q;
  assign table_valid_o        = valid_q;
  assign vlan_update_o.valid  = go && (class_q == ClassVlan);
  assign vlan_update_o.member = command_q == 8'd0;
  assign vlan_update_o.vid    = word[11:0];

endmodule
