// Who runs: a queue is frozen at its first error and stays so until it is disabled. Errors are reported one a cycle.
module ring_fault
  import ringside_pkg::*;
  import ring_pkg::*;
#(
  /// Queues.
  parameter int unsigned NQ      = 4,
  /// Stages that can find an error.
  parameter int unsigned SOURCES = 8,
  /// Width of a queue number.
  localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
  /// Clock.
  input  logic                 clk_i,
  /// Synchronous reset, active low.
  input  logic                 rst_ni,
  /// Per queue: enabled.
  input  logic [NQ-1:0]        enable_i,
  /// Per queue: something is under way in a stage.
  input  logic [NQ-1:0]        busy_i,
  /// Errors of the stages.
  input  fault_t [SOURCES-1:0] fault_i,
  /// Per queue: may work.
  output logic [NQ-1:0]        run_o,
  /// Per queue: every state to its reset value.
  output logic [NQ-1:0]        clear_o,
  /// Per queue: disabled and quiet.
  output logic [NQ-1:0]        idle_o,
  /// A queue froze.
  output logic                 error_valid_o,
  /// Which.
  output logic [15:0]          error_queue_o,
  /// Why.
  output queue_error_e         error_code_o
);

  logic [NQ-1:0] frozen_q, report_q, grant;
  queue_error_e  code_q [NQ];
  logic [QW-1:0] index;

  assign run_o   = enable_i & ~frozen_q;
  assign idle_o  = ~enable_i & ~busy_i;
  assign clear_o = idle_o;

  rr_arbiter #(.N(NQ)) u_report (
    .clk_i, .rst_ni, .req_i(report_q), .advance_i(1'b1), .grant_o(grant), .index_o(index), .valid_o(error_valid_o)
  );

  assign error_queue_o = 16'(index);
  assign error_code_o  = code_q[index];

  for (genvar q = 0; q < int'(NQ); q++) begin : gen_queue
    logic         hit;
    queue_error_e code;

    always_comb begin
      hit  = 1'b0;
      code = QeNone;
      for (int unsigned s = 0; s < SOURCES; s++) begin
        if (fault_i[s].valid && fault_i[s].qid == 4'(q) && !hit) begin
          hit  = 1'b1;
          code = fault_i[s].code;
        end
      end
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        frozen_q[q] <= 1'b0;
        report_q[q] <= 1'b0;
        code_q[q]   <= QeNone;
      end else begin
        if (grant[q]) report_q[q] <= 1'b0;
        if (clear_o[q]) begin
          frozen_q[q] <= 1'b0;
          report_q[q] <= 1'b0;
        end else if (hit && run_o[q]) begin
          frozen_q[q] <= 1'b1;
          report_q[q] <= 1'b1;
          code_q[q]   <= code;
        end
      end
    end
  end

endmodule
