// Records that cross block boundaries. One definition each; widths that depend on DATA_W travel beside the record.
package ringside_pkg;

  // "queue" is a word of virtio before it is one of C++; the models rename it where they must.
  /* verilator lint_off SYMRSVDWORD */

  // ---------------------------------------------------------------------------------------------------------------
  // PCIe
  // ---------------------------------------------------------------------------------------------------------------

  /// TLP header as on the wire: dw0 in bits 31:0 with Fmt at 31:29, dw1 in 63:32, and so on. dw3 is zero for 3-DW headers.
  typedef logic [127:0] tlp_hdr_t;

  /// What the requester and completer need to know of configuration space.
  typedef struct packed {
    logic [15:0] bdf;              // bus/device/function captured from configuration writes
    logic        bus_master;       // Command.Bus Master Enable
    logic        memory_space;     // Command.Memory Space Enable
    logic        intx_disable;     // Command.Interrupt Disable
    logic        ext_tag;          // Device Control.Extended Tag Field Enable: 8-bit tags, else 5-bit
    logic        ten_bit_tag;      // Device Control 2.10-Bit Tag Requester Enable: tags 256..1023
    logic [2:0]  mps;              // Device Control.Max_Payload_Size: 128 << mps bytes
    logic [2:0]  mrrs;             // Device Control.Max_Read_Request_Size: 128 << mrrs bytes
    logic        msix_enable;
    logic        msix_function_mask;
  } pcie_config_t;

  /// One register access of a host, at most one dword. Held until the response.
  typedef struct packed {
    logic        write;
    logic        single;           // the TLP carried exactly one dword (a kick must)
    logic [15:0] addr;             // byte offset in the BAR, dword aligned
    logic [3:0]  be;               // byte enables (reads too: side effects only for enabled bytes)
    logic [31:0] wdata;
  } reg_req_t;

  /// A DMA read: one request is one TLP, so it is 1..512 bytes and never crosses 4 KiB nor exceeds MRRS.
  typedef struct packed {
    logic [63:0] addr;
    logic [9:0]  len_bytes;        // 1..512
    logic [31:0] meta;             // comes back with every beat of the answer
  } dma_rd_req_t;

  typedef enum logic [1:0] {
    RdOk      = 2'd0,
    RdFault   = 2'd1,              // UR or CA completion
    RdPoison  = 2'd2,              // EP set on a completion
    RdTimeout = 2'd3               // no completion in time
  } rd_status_e;

  /// Head of an answer beat; the data travels beside it. Lane 0 is the dword that holds the first requested byte.
  typedef struct packed {
    logic [31:0] meta;
    logic        first;
    logic        last;
    rd_status_e  status;           // valid on every beat; not RdOk: one beat only, data meaningless
  } dma_rd_rsp_t;

  /// What becomes of the requests of an ordered read pool: news for the client, one clock each.
  typedef struct packed {
    logic             taken;       // delivery of a group begins, or a request is dropped
    logic             dropped;     // the latter
    logic [31:0]      meta;        // of that request
    logic [1:0]       freed;       // tags that are free again ...
    logic [1:0][3:0]  freed_stream; // ... and whose they were
    logic [15:0]      waiting;     // level: the stream has requests without an answer
    logic [9:0]       tags;        // level: tags in force
  } stream_state_t;

  /// A DMA write of any length; the engine splits at MPS and 4 KiB. Its bytes follow in the client's byte stream.
  typedef struct packed {
    logic [63:0] addr;
    logic [16:0] len_bytes;        // 1..65536
    logic [31:0] meta;             // comes back when the last TLP has its place in the request order
  } dma_wr_op_t;

  // ---------------------------------------------------------------------------------------------------------------
  // virtio
  // ---------------------------------------------------------------------------------------------------------------

  /// Negotiated features that change what engines do (valid from FEATURES_OK on).
  typedef struct packed {
    logic indirect_desc;           // 28
    logic event_idx;               // 29
    logic ring_packed;             // 34: the queues are packed rings
    logic in_order;                // 35: a used element may stand for several buffers
    logic notification_data;       // 38
    logic notif_config_data;       // 39
    logic mtu;                     // net 3
    logic mrg_rxbuf;               // net 15
    logic ctrl_vq;                 // net 17
    logic mq;                      // net 22
    logic net_status;              // net 16
    logic ctrl_rx;                 // net 18
    logic ctrl_vlan;               // net 19
    logic ctrl_rx_extra;           // net 20
    logic ctrl_mac_addr;           // net 23
    logic vq_notf_coal;            // net 52
    logic notf_coal;               // net 53
  } features_t;

  /// Where a queue lives and whether it runs. Constant while enabled.
  typedef struct packed {
    logic        enable;           // queue_enable and DRIVER_OK and no reset running: the engine may touch memory
    logic [15:0] size;             // entries, power of two for split, any number for packed
    logic [15:0] start;            // where the queue begins: split: index; packed: {wrap, slot}
    logic        restored;         // somebody else ran this ring before: what it asked for still stands in memory
    logic [63:0] desc;
    logic [63:0] driver;           // available ring; packed: driver event suppression
    logic [63:0] device;           // used ring; packed: device event suppression
  } queue_ctx_t;

  /// How far a queue is, all of one moment. A position is an index (split) or {wrap, slot} (packed).
  typedef struct packed {
    logic        quiet;            // no buffer begun and not given back, nothing published and not decided upon
    logic [15:0] told;             // up to here the driver was notified, or did not want to be
    logic [15:0] used;             // behind the last buffer whose return has its place in the request order
    logic [15:0] avail;            // behind the last buffer that the device is through with
  } queue_position_t;

  /// Limits of interrupt moderation of one queue. Either one zero: none.
  typedef struct packed {
    logic [31:0] max_packets;
    logic [31:0] max_usecs;
  } coalesce_t;

  /// What a kick of this queue carries with NOTIF_CONFIG_DATA: no index of a queue, so that a driver which looks at the
  /// register and one which does not are told apart.
  function automatic logic [15:0] kick_value(input logic [15:0] index);
    return 16'h5a3f - index;
  endfunction

  /// A kick after decoding.
  typedef struct packed {
    logic [15:0] queue;            // index inside the engine it is delivered to
    logic        has_position;     // NOTIFICATION_DATA negotiated
    logic [15:0] position;         // split: available idx; packed: {wrap, off}
  } kick_t;

  /// One published descriptor chain: complete, checked, in available order. Which ring it came from is not visible.
  typedef struct packed {
    logic [15:0] id;               // goes back with the completion (split: head index; packed: buffer id)
    logic [15:0] slots;            // goes back with the completion (packed: ring slots of the buffer; split: 0)
    logic [15:0] segments;         // non-empty segments to pop, may be 0
    logic [31:0] readable_bytes;
    logic [31:0] writable_bytes;
  } chain_t;

  /// One contiguous piece of memory of a chain. Zero-length descriptors are left out.
  typedef struct packed {
    logic [63:0] addr;
    logic [31:0] len_bytes;
    logic        write;            // device writes it
    logic        last;             // last of its chain
  } segment_t;

  /// A used buffer on its way back to the driver. Accepted only after its payload has its place in the request order.
  typedef struct packed {
    logic [15:0] queue;            // index inside the engine
    logic [15:0] id;               // of its chain
    logic [15:0] slots;            // of its chain
    logic [31:0] written_bytes;
    logic        flush;            // publish now: nothing more of this batch will follow soon
    logic        more;             // further buffers of the same packet follow: the driver must not see it before them
    logic        whole;            // used up completely: with IN_ORDER the next used element may stand for it
  } completion_t;

  /// Why a queue was frozen (spec-digest 2.12).
  typedef enum logic [3:0] {
    QeNone          = 4'd0,
    QeIndexJump     = 4'd1,        // available idx ahead by more than the queue size
    QeHeadRange     = 4'd2,        // head >= size
    QeNextRange     = 4'd3,        // next >= size, or beyond the indirect table
    QeChainLength   = 4'd4,        // longer than the queue size, or cyclic
    QeIndirect      = 4'd5,        // not negotiated, nested, with NEXT, zero or ragged length
    QeOrder         = 4'd6,        // readable after writable
    QeDmaError      = 4'd7,        // ring structure read failed
    QeDevice        = 4'd8         // device type: required header or status byte does not fit
  } queue_error_e;

  /* verilator lint_on SYMRSVDWORD */
endpackage
