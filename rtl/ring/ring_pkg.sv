// Records that stay inside the ring engine.
package ring_pkg;

  /// What a ring read was for. Travels in the request's meta.
  typedef enum logic [2:0] {
    RkIndex  = 3'd0,               // available idx
    RkEntry  = 3'd1,               // available ring entries
    RkDesc   = 3'd2,               // first descriptors of published chains
    RkWindow = 3'd3,               // followers of a chain, or indirect table entries
    RkEvent  = 3'd4                // used_event or available flags; packed: driver event suppression
  } read_kind_e;

  /// Meta of a ring read: 28 bits, the four above belong to the mux that shares the read pool between engines.
  typedef struct packed {
    read_kind_e  kind;
    logic [3:0]  qid;
    logic [12:0] slot;             // first slot (a packed ring's: epoch in bit 12) or window number
    logic [5:0]  count;            // items asked for, 1..32
    logic [1:0]  offset;           // first byte inside lane 0
  } read_meta_t;

  /// A descriptor as it lies in memory of a split ring, address in the low bits. One of a packed ring has flags last:
  /// `desc_of` brings it into this order, with the buffer id in place of `next`.
  typedef struct packed {
    logic [15:0] next;             // packed: buffer id
    logic [15:0] flags;
    logic [31:0] len_bytes;
    logic [63:0] addr;
  } desc_t;

  localparam int unsigned FlagNext     = 0;
  localparam int unsigned FlagWrite    = 1;
  localparam int unsigned FlagIndirect = 2;
  localparam int unsigned FlagAvail    = 7;    // packed ring
  localparam int unsigned FlagUsed     = 15;   // packed ring

  /// The descriptor in 16 bytes of memory.
  function automatic desc_t desc_of(input logic [127:0] bytes, input logic packed_ring);
    desc_of = desc_t'(bytes);
    if (packed_ring) begin
      desc_of.next  = bytes[111:96];
      desc_of.flags = bytes[127:112];
    end
  endfunction

  /// What a ring write was for. Travels in the op's meta.
  typedef enum logic [1:0] {
    WkElements = 2'd0,             // used elements that do not show yet
    WkIndex    = 2'd1,             // used idx; packed: used descriptors that show at once
    WkArm      = 2'd2              // avail_event or used flags; packed: device event suppression
  } write_kind_e;

  /// Meta of a ring write.
  typedef struct packed {
    write_kind_e kind;
    logic [3:0]  qid;
    logic [15:0] count;            // used elements that an index write publishes; packed: ring slots
    logic [9:0]  packets;          // packets whose last buffer is among them
  } write_meta_t;

  /// One beat of a ring write: at most 32 bytes, and no more than the data path. The op (addr, len, meta) counts on the first beat.
  typedef struct packed {
    logic [63:0] addr;
    logic [16:0] len_bytes;
    write_meta_t meta;
    logic [255:0] data;
    logic [5:0]  bytes;
    logic        first;
    logic        last;
  } ring_write_t;

  /// A window request: read up to 4 (direct) or 16 (indirect) descriptors from entry `index` of `table_addr`.
  typedef struct packed {
    logic [3:0]  qid;
    logic [5:0]  window;
    logic [63:0] table_addr;
    logic [15:0] index;
    logic [15:0] limit;            // entries of the table
    logic        direct;
  } window_req_t;

  /// Why and where a stage wants a queue frozen.
  typedef struct packed {
    logic                       valid;
    logic [3:0]                 qid;
    ringside_pkg::queue_error_e code;
  } fault_t;

endpackage
