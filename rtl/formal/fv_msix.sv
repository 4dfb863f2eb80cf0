/// MSI-X: silent when masked, no event lost, none invented, the pending bits tell the truth, and what may leave does.
module fv_msix
  import ringside_pkg::*;
#(
  /// Table entries.
  parameter int unsigned NUM_VECTORS = 3,
  /// Planted bug.
  parameter int unsigned BUG = 0
) (
  /// Clock.
  input logic                   clk_i,
  /// A reset at any time.
  input logic                   again_i,
  /// Function level reset.
  input logic                   flr_i,
  /// Device reset.
  input logic                   flush_i,
  /// Vectors that are void.
  input logic [NUM_VECTORS-1:0] forget_i,
  /// Requester id.
  input logic [15:0]            bdf_i,
  /// MSI-X Enable.
  input logic                   enable_i,
  /// Function Mask.
  input logic                   function_mask_i,
  /// Register access.
  input logic                   req_valid_i,
  /// The access.
  input reg_req_t               req_i,
  /// A vector is fired.
  input logic                   fire_valid_i,
  /// Which.
  input logic [10:0]            fire_vector_i,
  /// The link takes a message.
  input logic                   tlp_ready_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  logic        rsp_valid, fire_ready, tlp_valid, idle;
  logic [31:0] rdata, data;
  tlp_hdr_t    hdr;
  msix #(.NUM_VECTORS(NUM_VECTORS), .BUG(BUG)) u_dut (
    .clk_i, .rst_ni, .flr_i, .flush_i, .forget_i, .bdf_i, .enable_i, .function_mask_i, .req_valid_i, .req_i,
    .rsp_valid_o(rsp_valid), .rsp_rdata_o(rdata), .fire_valid_i, .fire_ready_o(fire_ready), .fire_vector_i,
    .tlp_valid_o(tlp_valid), .tlp_ready_i, .tlp_hdr_o(hdr), .tlp_data_o(data), .idle_o(idle)
  );

  // Any one vector.
  logic [10:0] who_q;
  always_ff @(posedge clk_i) who_q <= who_q;

  // Its table entry, as the host wrote it; a dword never written reads 0.
  logic [2:0][31:0] entry_q;
  logic             masked_q, access, mine;
  assign access = req_valid_i && !rsp_valid;
  assign mine   = access && req_i.write && req_i.addr[15:4] == {1'b0, who_q};
  always_ff @(posedge clk_i) begin
    if (!rst_ni || flr_i) begin
      entry_q  <= '0;
      masked_q <= 1'b1;
    end else if (mine) begin
      for (int unsigned d = 0; d < 3; d++) begin
        for (int unsigned b = 0; b < 4; b++) begin
          if (req_i.addr[3:2] == 2'(d) && req_i.be[b]) entry_q[d][b*8+:8] <= req_i.wdata[b*8+:8];
        end
      end
      if (req_i.addr[3:2] == 2'd0) entry_q[0][1:0] <= 2'b00;
      if (req_i.addr[3:2] == 2'd3 && req_i.be[0]) masked_q <= req_i.wdata[0];
    end
  end

  // It is owed a message: fired, neither sent nor forgotten since.
  logic owed_q, fired, sending, sent, open;
  assign open    = enable_i && !function_mask_i && !masked_q;
  assign fired   = fire_valid_i && fire_ready && fire_vector_i == who_q && enable_i && !flush_i;
  assign sending = !idle && 11'(u_dut.send_vector_q) == who_q;
  assign sent    = tlp_valid && tlp_ready_i && sending;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || flr_i) owed_q <= 1'b0;
    else if ((flush_i || forget_i[who_q]) && (!sending || sent || !open) && !(fired && open)) owed_q <= 1'b0;
    else owed_q <= fired || (owed_q && !sent);
  end

  // Clocks for which it could have left, nothing else in its way than other vectors.
  logic [3:0] stuck_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !owed_q || !open || !tlp_ready_i || sent || (access && req_i.write)) stuck_q <= '0;
    else if (stuck_q != '1) stuck_q <= stuck_q + 4'd1;
  end

  logic [31:0] pba_q, table_q;
  logic        reads_pba_q, reads_table_q;
  always_ff @(posedge clk_i) begin
    reads_pba_q   <= rst_ni && access && req_i.addr[15:2] == 14'h2000;
    reads_table_q <= rst_ni && access && req_i.addr[15:4] == {1'b0, who_q};
    pba_q         <= 32'(u_dut.pending_q);
    table_q       <= (req_i.addr[3:2] == 2'd3) ? 32'(masked_q) : entry_q[req_i.addr[3:2]];
  end

  always_ff @(posedge clk_i) begin
    who_exists : assume (32'(who_q) < NUM_VECTORS);
    // Others are not kept by the vector registers (queue_table, virtio_device).
    fires_existing : assume (32'(fire_vector_i) < NUM_VECTORS);
    if (rst_ni) begin
      // pcie: a masked vector is silent (Function Mask, its own Mask, MSI-X Enable)
      masked_silent : assert (!(tlp_valid && sending) || open);
      // pcie: no event is lost: it is sent, or its pending bit is set
      not_lost : assert (!owed_q || sending || u_dut.pending_q[who_q]);
      // pcie: no message without an event
      not_invented : assert (!sent || owed_q);
      // pcie: the Pending Bit Array says which vectors have a message pending
      pending_read : assert (!reads_pba_q || (rsp_valid && rdata == pba_q));
      // pcie: the table reads back as written
      table_read : assert (!reads_table_q || (rsp_valid && rdata == table_q));
      // pcie: a message is a memory write of one dword, to the address and with the data of its entry, no attributes
      message : assert (!sent || (data == entry_q[2] && hdr[9:0] == 10'd1 && hdr[23:10] == '0 && hdr[30]
          && hdr[28:24] == 5'd0 && hdr[39:32] == 8'h0f && (hdr[29] ? {hdr[95:64], hdr[127:96]} == {entry_q[1], entry_q[0]}
                                           : entry_q[1] == '0 && hdr[95:64] == entry_q[0])));
      // contract: a vector that may leave does, within four clocks for each one that there is
      leaves : assert (32'(stuck_q) <= 4 * NUM_VECTORS);
      // invariant: as the host wrote it
      same_entry : assert (u_dut.mask_q[who_q] == masked_q
          && (u_dut.written_q[who_q][0] ? {u_dut.low_q[who_q], 2'b00} : 32'd0) == entry_q[0]
          && (u_dut.written_q[who_q][1] ? u_dut.high_q[who_q] : 32'd0) == entry_q[1]
          && (u_dut.written_q[who_q][2] ? u_dut.data_q[who_q] : 32'd0) == entry_q[2]);
      // invariant: what is pending or on its way was fired
      owed_there : assert (owed_q == (sending || u_dut.pending_q[who_q]));
      // invariant: not both
      owed_once : assert (!(sending && u_dut.pending_q[who_q]));
      // invariant: the vector on its way exists
      sends_existing : assert (32'(u_dut.send_vector_q) < NUM_VECTORS);
      pends_and_leaves : cover (sent && $past(stuck_q) > 4'd1);
      wide_address : cover (sent && hdr[29]);
    end
  end

endmodule
