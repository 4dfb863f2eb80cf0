// Which queues serve: from the clock after a queue was enabled (its chain store is empty by then) until it is disabled,
// or its ring engine or its device type freezes it.
module queue_gate
  import bug_pkg::*;
  import ringside_pkg::*;
#(
    /// Queues.
    parameter int unsigned NQ = 4,
    /// Planted bug; 52: a queue that an error froze passes for disabled.
    parameter int unsigned BUG = 0,
    localparam int unsigned QW = (NQ > 1) ? $clog2(NQ) : 1
) (
    /// Clock.
    input  logic                clk_i,
    /// Synchronous reset, active low.
    input  logic                rst_ni,
    /// Contexts.
    /* verilator lint_off UNUSED */
    input  queue_ctx_t [NQ-1:0] ctx_i,  // only whether they are enabled
    /* verilator lint_on UNUSED */
    /// The ring engine froze a queue.
    input  logic                ring_error_i,
    /// That queue.
    input  logic [15:0]         ring_error_queue_i,
    /// The device type freezes a queue.
    input  logic                device_error_i,
    /// That queue.
    input  logic [QW-1:0]       device_error_queue_i,
    /// Queue serves.
    output logic [NQ-1:0]       run_o,
    /// Queue is enabled, frozen or not.
    output logic [NQ-1:0]       enable_o
);

  logic [NQ-1:0] stop, on_q, live_q;

  always_comb begin
    for (int unsigned q = 0; q < NQ; q++) begin
      stop[q]  = (ring_error_i && (ring_error_queue_i == 16'(q)))
                 || (device_error_i && (device_error_queue_i == QW'(q)));
      run_o[q] = ctx_i[q].enable && live_q[q];
      enable_o[q] = planted(BUG, 52) ? run_o[q] : ctx_i[q].enable;
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned q = 0; q < NQ; q++) begin
      on_q[q]   <= rst_ni && ctx_i[q].enable;
      live_q[q] <= rst_ni && ctx_i[q].enable && !stop[q] && (live_q[q] || !on_q[q]);
    end
  end

endmodule
