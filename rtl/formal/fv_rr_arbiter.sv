/// Round robin: one grant, only to a requester, and nobody waits for more than the others once each.
module fv_rr_arbiter #(
  /// Requesters.
  parameter int unsigned N = 4,
  localparam int unsigned INDEX_W = (N > 1) ? $clog2(N) : 1
) (
  /// Clock.
  input logic         clk_i,
  /// A reset at any time.
  input logic         again_i,
  /// Requests, any.
  input logic [N-1:0] req_i,
  /// The grant is used up, any.
  input logic         advance_i
);

  logic begun_q = 1'b0;
  logic rst_ni;
  always_ff @(posedge clk_i) begun_q <= 1'b1;
  assign rst_ni = begun_q && !again_i;

  logic [N-1:0]       grant;
  logic [INDEX_W-1:0] index;
  logic               valid;
  rr_arbiter #(.N(N)) u_dut (
    .clk_i, .rst_ni, .req_i, .advance_i, .grant_o(grant), .index_o(index), .valid_o(valid)
  );

  // Any one requester, the same for all time.
  logic [INDEX_W-1:0] who_q;
  always_ff @(posedge clk_i) who_q <= who_q;

  // Grants used up by others while it waits, and how far behind the pointer it stands (0: next).
  logic [INDEX_W:0]   waited_q;
  logic [INDEX_W:0]   last, distance;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !req_i[who_q] || grant[who_q]) waited_q <= '0;
    else if (advance_i && valid) waited_q <= waited_q + 1'b1;
  end
  always_comb begin
    last = (INDEX_W + 1)'(N - 1);
    for (int unsigned i = 0; i < N; i++) last = last - (INDEX_W + 1)'(u_dut.behind_q[i]);
    distance = ((INDEX_W + 1)'(who_q) > last) ? (INDEX_W + 1)'(who_q) - last - 1'b1
                                             : (INDEX_W + 1)'(who_q) + (INDEX_W + 1)'(N) - last - 1'b1;
  end

  always_ff @(posedge clk_i) begin
    who_exists : assume (32'(who_q) < N);
    if (rst_ni) begin
      // contract: the grant is one-hot
      one_grant : assert ((grant & (grant - N'(1))) == '0);
      // contract: only a requester is granted, and somebody whenever anybody asks
      to_requesters : assert ((grant & ~req_i) == '0 && (grant != '0) == (req_i != '0) && valid == (req_i != '0));
      // contract: the number is that of the grant
      number : assert (!valid || (grant >> index) == N'(1));
      // contract: round robin: nobody waits for more than one grant of each of the others
      bounded_wait : assert (32'(waited_q) < N);
      // invariant: the requesters behind the pointer are the upper ones
      thermometer : assert ((~u_dut.behind_q & (~u_dut.behind_q + N'(1))) == '0);
      // invariant: every grant to another brings the pointer nearer
      nearer : assert (32'(waited_q) + 32'(distance) < N);
      waits_longest : cover (32'(waited_q) == N - 1 && grant[who_q]);
    end
  end

endmodule
