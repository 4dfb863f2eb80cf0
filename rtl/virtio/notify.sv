// Kick decode. One address per queue; the value repeats the queue index, or with NOTIF_CONFIG_DATA what the device asked
// for. A kick of the wrong width, with another value, or for a queue that does not run, is ignored.
module notify
  import bug_pkg::*;
  import ringside_pkg::*;
#(
  /// Number of queues.
  parameter int unsigned QUEUES = 9,
  /// Planted bug; 18: position of a NOTIFICATION_DATA kick decoded wrong; 53: the value is not looked at; 54: with
  /// NOTIFICATION_DATA the device's own value is not known.
  parameter int unsigned BUG = 0
) (
  /// A write into the notification region, offset in dwords from its start.
  input  logic              write_i,
  /// The TLP carried exactly one dword.
  input  logic              single_i,
  /// Dword offset.
  input  logic [9:0]        dword_i,
  /// Byte enables.
  input  logic [3:0]        be_i,
  /// Data written.
  input  logic [31:0]       wdata_i,
  /// NOTIFICATION_DATA was negotiated.
  input  logic              notification_data_i,
  /// NOTIF_CONFIG_DATA was negotiated.
  input  logic              notif_config_data_i,
  /// Queues that run.
  input  logic [QUEUES-1:0] running_i,
  /// Decoded kick, `kick_o.queue` is the global index.
  output logic              kick_valid_o,
  /// The kick.
  output kick_t             kick_o
);

  localparam int unsigned IdxW = $clog2(QUEUES);

  logic        width_ok, value_ok, queue_ok;
  logic [15:0] value;
  assign width_ok = single_i && be_i == (notification_data_i ? 4'b1111 : 4'b0011);
  assign value    = (notif_config_data_i && !(planted(BUG, 54) && notification_data_i)) ? kick_value({6'd0, dword_i})
                                                                                        : {6'd0, dword_i};
  assign value_ok = (wdata_i[15:0] == value) || planted(BUG, 53);
  assign queue_ok = value_ok && {22'd0, dword_i} < QUEUES && running_i[dword_i[IdxW-1:0]];

  assign kick_valid_o        = write_i && width_ok && queue_ok;
  assign kick_o.queue        = {6'd0, dword_i};
  assign kick_o.has_position = notification_data_i;
  assign kick_o.position     = planted(BUG, 18) ? {wdata_i[30:16], wdata_i[31]} : wdata_i[31:16];

endmodule
