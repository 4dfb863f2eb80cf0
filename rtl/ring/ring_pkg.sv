// Records that stay inside the ring engine.
package ring_pkg;

  /// What a ring read was for. Travels in the request's meta.
  typedef enum logic [2:0] {
    RkIndex  = 3'd0,               // available idx
    RkEntry  = 3'd1,               // available ring entries
    RkDesc   = 3'd2,               // first descriptors of published chains
    RkWindow = 3'd3,               // followers of a chain, or indirect table entries
    RkEvent  = 3'd4                // used_event or available flags
  } read_kind_e;

  /// Meta of a ring read: 28 bits, the four above belong to the mux that shares the read pool between engines.
  typedef struct packed {
    read_kind_e  kind;
    logic [3:0]  qid;
    logic [12:0] slot;             // first slot (entries, descriptors) or window number
    logic [5:0]  count;            // items asked for, 1..32
    logic [1:0]  offset;           // first byte inside lane 0
  } read_meta_t;

  /// A descriptor as it lies in memory, address in the low bits.
  typedef struct packed {
    logic [15:0] next;
    logic [15:0] flags;
    logic [31:0] len_bytes;
    logic [63:0] addr;
  } desc_t;

  localparam int unsigned FlagNext     = 0;
  localparam int unsigned FlagWrite    = 1;
  localparam int unsigned FlagIndirect = 2;

  /// What a ring write was for. Travels in the op's meta.
  typedef enum logic [1:0] {
    WkElements = 2'd0,             // used elements
    WkIndex    = 2'd1,             // used idx
    WkArm      = 2'd2              // avail_event or used flags
  } write_kind_e;

  /// Meta of a ring write.
  typedef struct packed {
    write_kind_e kind;
    logic [3:0]  qid;
    logic [15:0] count;            // used elements that an index write publishes
  } write_meta_t;

  /// One beat of a ring write: at most 8 bytes. The op (addr, len, meta) counts on the first beat.
  typedef struct packed {
    logic [63:0] addr;
    logic [16:0] len_bytes;
    write_meta_t meta;
    logic [63:0] data;
    logic [3:0]  bytes;
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
