// The 64-byte common configuration structure: fields by offset and width. An access of another width than its field's is
// a driver error: such a write is ignored, a read returns the bytes.
module common_config (
  /// One register access: strobe, direction, dword offset (0..15), byte enables, data.
  input  logic             access_i,
  /// It writes.
  input  logic             write_i,
  /// Dword offset.
  input  logic [3:0]       dword_i,
  /// Byte enables.
  input  logic [3:0]       be_i,
  /// Data written.
  input  logic [31:0]      wdata_i,
  /// Data read.
  output logic [31:0]      rdata_o,

  // Device-wide fields.
  /// device_feature_select.
  input  logic [31:0]      device_select_i,
  /// Offered features of that window.
  input  logic [31:0]      device_feature_i,
  /// driver_feature_select.
  input  logic [31:0]      driver_select_i,
  /// Driver features of that window.
  input  logic [31:0]      driver_feature_i,
  /// config_msix_vector.
  input  logic [15:0]      config_vector_i,
  /// num_queues.
  input  logic [15:0]      num_queues_i,
  /// device_status.
  input  logic [7:0]       status_i,
  /// config_generation.
  input  logic [7:0]       generation_i,
  /// queue_select.
  input  logic [15:0]      queue_select_i,

  // Fields of the selected queue.
  /// queue_size.
  input  logic [15:0]      size_i,
  /// queue_msix_vector.
  input  logic [15:0]      vector_i,
  /// queue_enable.
  input  logic             enable_i,
  /// queue_notify_off.
  input  logic [15:0]      notify_off_i,
  /// queue_desc, queue_driver, queue_device, low dword first.
  input  logic [5:0][31:0] addr_i,
  /// queue_notif_config_data.
  input  logic [15:0]      kick_value_i,
  /// queue_reset.
  input  logic             reset_i,

  // Write strobes; `field_o` is the written value moved to bit 0.
  /// device_feature_select is written.
  output logic             device_select_we_o,
  /// driver_feature_select is written.
  output logic             driver_select_we_o,
  /// driver_feature is written.
  output logic             driver_feature_we_o,
  /// config_msix_vector is written.
  output logic             config_vector_we_o,
  /// device_status is written.
  output logic             status_we_o,
  /// queue_select is written.
  output logic             queue_select_we_o,
  /// queue_size is written.
  output logic             size_we_o,
  /// queue_msix_vector is written.
  output logic             vector_we_o,
  /// queue_enable is written.
  output logic             enable_we_o,
  /// queue_reset is written.
  output logic             reset_we_o,
  /// An address dword is written, one strobe each.
  output logic [5:0]       addr_we_o,
  /// The written value, moved to bit 0.
  output logic [31:0]      field_o
);

  logic we, whole, low, high;
  assign we    = access_i && write_i;
  assign whole = we && be_i == 4'b1111;
  assign low   = we && be_i == 4'b0011;
  assign high  = we && be_i == 4'b1100;

  assign field_o = (be_i == 4'b1100) ? {16'd0, wdata_i[31:16]} : wdata_i;

  assign device_select_we_o  = whole && dword_i == 4'h0;
  assign driver_select_we_o  = whole && dword_i == 4'h2;
  assign driver_feature_we_o = whole && dword_i == 4'h3;
  assign config_vector_we_o  = low   && dword_i == 4'h4;
  assign status_we_o         = we && be_i == 4'b0001 && dword_i == 4'h5;
  assign queue_select_we_o   = high  && dword_i == 4'h5;
  assign size_we_o           = low   && dword_i == 4'h6;
  assign vector_we_o         = high  && dword_i == 4'h6;
  assign enable_we_o         = low   && dword_i == 4'h7;
  assign reset_we_o          = high  && dword_i == 4'he;
  for (genvar i = 0; i < 6; i++) begin : g_addr
    assign addr_we_o[i] = whole && dword_i == 4'(8 + i);
  end

  always_comb begin
    unique case (dword_i)
      4'h0:    rdata_o = device_select_i;
      4'h1:    rdata_o = device_feature_i;
      4'h2:    rdata_o = driver_select_i;
      4'h3:    rdata_o = driver_feature_i;
      4'h4:    rdata_o = {num_queues_i, config_vector_i};
      4'h5:    rdata_o = {queue_select_i, generation_i, status_i};
      4'h6:    rdata_o = {vector_i, size_i};
      4'h7:    rdata_o = {notify_off_i, 15'd0, enable_i};
      4'h8:    rdata_o = addr_i[0];
      4'h9:    rdata_o = addr_i[1];
      4'ha:    rdata_o = addr_i[2];
      4'hb:    rdata_o = addr_i[3];
      4'hc:    rdata_o = addr_i[4];
      4'hd:    rdata_o = addr_i[5];
      4'he:    rdata_o = {15'd0, reset_i, kick_value_i};
      default: rdata_o = '0;                        // admin queues: none
    endcase
  end

endmodule
