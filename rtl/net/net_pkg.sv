// Records inside virtio-net: what its stages hand to each other.
package net_pkg;

  // A queue is called queue here too (see ringside_pkg).
  /* verilator lint_off SYMRSVDWORD */

  /// Bytes of struct virtio_net_hdr_v1: the header of every packet in memory, both ways.
  localparam int unsigned NetHdrBytes = 12;
  /// Unicast entries of the MAC filter table, and multicast entries. The first half of the table is unicast.
  localparam int unsigned MacEntries = 16;

  /// A segment on its way through a data path, or the news that the rest of its chain is lost.
  typedef struct packed {
    logic                     first;   // first item of its chain
    logic                     last;    // last item of its chain, exactly one per chain
    logic                     abort;   // the queue stopped: seg is meaningless, nothing more of this chain comes
    ringside_pkg::segment_t   seg;
  } seg_item_t;

  /// A packet of a transmit chain, noted when its first bytes are asked for.
  typedef struct packed {
    logic [15:0] queue;
    logic [15:0] id;
    logic [15:0] slots;
    logic [16:0] total_bytes;          // bytes that will be delivered, header included; 0: nothing goes to the wire
    logic [16:0] skip_bytes;           // header bytes at the front that are not frame
    logic        whole;                // all of its chain is asked for
  } tx_packet_t;

  /// Meta of a payload read: what is to be known of its answer. The lower six bits are those that the read pool looks at.
  typedef struct packed {
    logic [8:0]  note;                 // of its packet
    logic [9:0]  bytes;                // 0: no read
    logic [1:0]  offset;               // of the first byte in its dword
    logic        is_long;                 // the packet may be begun before all of it has been read
    logic        last;                 // of its packet
    logic [3:0]  tx_queue;
  } piece_meta_t;

  /// Which frames the receive side takes (virtio 1.4, "Packet Receive Filtering").
  typedef struct packed {
    logic        promisc;
    logic        allmulti;
    logic        alluni;
    logic        nomulti;
    logic        nouni;
    logic        nobcast;
    logic        uni_overflow;         // more unicast addresses than the table holds: take all unicast
    logic        multi_overflow;       // likewise multicast
    logic [47:0] mac;                  // own address, first byte on the wire in 47:40
    logic [15:0] pairs;                // active queue pairs
  } rx_mode_t;

  /// One change of the VLAN table.
  typedef struct packed {
    logic        valid;
    logic        member;               // 1 add, 0 delete
    logic [11:0] vid;
  } vlan_update_t;

  /// Why a received frame was dropped (net_rx_drop_reason_o).
  typedef enum logic [3:0] {
    DropNone       = 4'd0,
    DropFiltered   = 4'd1,
    DropNoBuffers  = 4'd2,
    DropTooLarge   = 4'd3,             // larger than the single buffer (no MRG_RXBUF)
    DropFrameBytes = 4'd4,             // larger than MAX_FRAME_BYTES or than MTU lets through
    DropNotRunning = 4'd5
  } drop_reason_e;

  /// A received frame in the frame buffer, in arrival order; dropped ones keep their place in it.
  typedef struct packed {
    logic [16:0]  bytes;               // bytes stored, to be delivered or skipped
    drop_reason_e reason;              // DropNone: deliver
    logic [15:0]  pair;                // receive queue
  } rx_frame_t;

  /// What the frame buffer's reader does with its oldest frame.
  typedef struct packed {
    logic        drop;                 // skip its bytes
    logic [16:0] bytes;
    logic [15:0] num_buffers;
  } rx_packet_t;

  /// A receive chain with its share of a packet.
  typedef struct packed {
    logic [15:0] id;
    logic [15:0] slots;
    logic [15:0] segments;
    logic [16:0] bytes;                // bytes of the packet (header included) that go into this chain
    logic        more;                 // the packet goes on in the next chain
  } rx_chain_t;

  /* verilator lint_on SYMRSVDWORD */
endpackage
