// Goes through arrived first descriptors in available order, ahead of the walker, and has windows read for the chains
// that go on: the followers of many chains are on their way together, always those that are needed next. Without a
// free window a queue waits here, unless the walker already waits for this very chain: that one has its own window.
module window_ahead
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ    = 4,
  /// Descriptor slots a queue, power of two.
  parameter int unsigned DEPTH = 256,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1,
  /// Width of a slot number.
  localparam int unsigned AW = $clog2(DEPTH)
) (
  /// Clock.
  input  logic                  clk_i,
  /// Synchronous reset, active low.
  input  logic                  rst_ni,
  /// Per queue: enabled and not frozen.
  input  logic [NQ-1:0]         run_i,
  /// Per queue: state goes to its reset value.
  input  logic [NQ-1:0]         clear_i,
  /// Per queue: nothing is looked at.
  input  logic [NQ-1:0]         hold_i,
  /// Per queue: what the walker has not taken is taken back.
  input  logic [NQ-1:0]         undo_i,
  /// Per queue: next chain the walker starts (packed: next slot it takes).
  input  logic [NQ-1:0][15:0]   walk_i,
  /// Per queue: next slot looked at here.
  output logic [NQ-1:0][AW-1:0] next_o,
  /// Per queue: it is filled.
  input  logic [NQ-1:0]         filled_i,
  /// Read a slot.
  output logic                  look_o,
  /// Its queue.
  output logic [QW-1:0]         look_queue_o,
  /// Its slot.
  output logic [AW-1:0]         look_slot_o,
  /// The slot's descriptor (one cycle after `look_o`) asks for a window.
  output logic                  ask_o,
  /// Its queue.
  output logic [QW-1:0]         ask_queue_o,
  /// It needs a window and there is none.
  input  logic                  refused_i,
  /// It is not to be passed (packed ring: not available, or not to be trusted yet).
  input  logic                  stop_i,
  /// Its position.
  output logic [15:0]           ask_position_o,
  /// The slot is passed to the walker.
  output logic                  pass_o,
  /// Its slot.
  output logic [AW-1:0]         pass_slot_o,
  /// Per queue: positions before this are passed to the walker.
  output logic [NQ-1:0][15:0]   passed_o,
  /// Per queue: the walker may start its next chain.
  output logic [NQ-1:0]         ready_o
);

  logic [NQ-1:0][15:0] next_q, passed_q;
  logic [NQ-1:0]       want, grant_unused;
  logic [QW-1:0]       pick, queue_q;
  logic [15:0]         position_q;
  logic                any, valid_q, wait_here;

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    assign next_o[q]   = next_q[q][AW-1:0];
    assign passed_o[q] = passed_q[q];
    assign ready_o[q] = (passed_q[q] != walk_i[q]);
    assign want[q]    = run_i[q] && filled_i[q] && !hold_i[q] && !(wait_here && queue_q == QW'(q));

    always_ff @(posedge clk_i) begin
      if (!rst_ni || clear_i[q]) begin
        next_q[q]   <= walk_i[q];
        passed_q[q] <= walk_i[q];
      end else begin
        if (wait_here && queue_q == QW'(q)) next_q[q] <= position_q;
        else if (any && pick == QW'(q)) next_q[q] <= next_q[q] + 16'd1;
        if (pass_o && queue_q == QW'(q)) passed_q[q] <= position_q + 16'd1;
        if (undo_i[q]) begin
          next_q[q]   <= walk_i[q];
          passed_q[q] <= walk_i[q];
        end
        // Positions are passed in order and never more than once.
        assert (!(pass_o && queue_q == QW'(q)) || position_q == passed_q[q]);
      end
    end
  end

  rr_arbiter #(.N(NQ)) u_pick (
    .clk_i, .rst_ni, .req_i(want), .advance_i(1'b1), .grant_o(grant_unused), .index_o(pick), .valid_o(any)
  );

  assign look_o       = any;
  assign look_queue_o = pick;
  assign look_slot_o  = next_q[pick][AW-1:0];

  assign ask_o       = valid_q && run_i[queue_q];
  assign ask_queue_o = queue_q;
  assign ask_position_o = position_q;
  assign wait_here   = ask_o && (stop_i || (refused_i && (position_q != walk_i[queue_q])));
  assign pass_o      = ask_o && !wait_here;
  assign pass_slot_o = position_q[AW-1:0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q    <= 1'b0;
      queue_q    <= '0;
      position_q <= '0;
    end else begin
      valid_q    <= any;
      queue_q    <= pick;
      position_q <= next_q[pick];
    end
  end

endmodule
