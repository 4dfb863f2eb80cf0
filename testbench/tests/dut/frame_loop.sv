// Frame streams looped back by a one-beat register: what comes on net_rx leaves on net_tx. Frames whose first byte is 0xdd are dropped and reported.
module frame_loop #(
  parameter int unsigned DATA_W = 512,
  /// 0 none; 1 data changes while stalled; 2 tkeep has a hole; 3 queue changes within a frame
  parameter int unsigned BUG = 0
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  output logic [DATA_W-1:0]   net_tx_tdata_o,
  output logic [DATA_W/8-1:0] net_tx_tkeep_o,
  output logic                net_tx_tvalid_o,
  input  logic                net_tx_tready_i,
  output logic                net_tx_tlast_o,
  output logic [15:0]         net_tx_queue_o,
  output logic                net_tx_error_o,
  input  logic [DATA_W-1:0]   net_rx_tdata_i,
  input  logic [DATA_W/8-1:0] net_rx_tkeep_i,
  input  logic                net_rx_tvalid_i,
  output logic                net_rx_tready_o,
  input  logic                net_rx_tlast_i,
  input  logic [15:0]         net_rx_flow_i,
  output logic                net_rx_drop_o,
  output logic [3:0]          net_rx_drop_reason_o,
  input  logic                link_up_i
);
  logic                in_frame_q, dropping_q, valid_q, last_q;
  logic [DATA_W-1:0]   data_q;
  logic [DATA_W/8-1:0] keep_q;
  logic [15:0]         queue_q;

  wire drop = in_frame_q ? dropping_q : (net_rx_tdata_i[7:0] == 8'hdd);
  wire take = net_rx_tvalid_i && net_rx_tready_o;

  assign net_rx_tready_o = !valid_q || net_tx_tready_i;
  assign net_tx_tvalid_o = valid_q;
  assign net_tx_tdata_o  = data_q;
  assign net_tx_tkeep_o  = keep_q & ~(BUG == 2 ? (DATA_W/8)'(2) : '0);
  assign net_tx_tlast_o  = last_q;
  assign net_tx_queue_o  = queue_q + 16'(BUG == 3 && last_q);
  assign net_tx_error_o  = last_q && !link_up_i;

  always_ff @(posedge clk_i) begin
    net_rx_drop_o        <= 1'b0;
    net_rx_drop_reason_o <= 4'd1;
    if (!rst_ni) begin
      in_frame_q <= 1'b0;
      dropping_q <= 1'b0;
      valid_q    <= 1'b0;
    end else begin
      if (net_tx_tready_i) valid_q <= 1'b0;
      if (BUG == 1 && valid_q && !net_tx_tready_i) data_q[0] <= !data_q[0];
      if (take) begin
        in_frame_q    <= !net_rx_tlast_i;
        dropping_q    <= drop;
        net_rx_drop_o <= drop && net_rx_tlast_i;
        valid_q       <= !drop;
        data_q        <= net_rx_tdata_i;
        keep_q        <= net_rx_tkeep_i;
        last_q        <= net_rx_tlast_i;
        queue_q       <= net_rx_flow_i;
      end
    end
  end
endmodule
