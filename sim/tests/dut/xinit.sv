// Registers without reset: what they start with is what the seed says.
module xinit (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic [7:0]   in_i,
    output logic [31:0]  raw_o,
    output logic [127:0] wide_o,
    output logic [31:0]  sum_o
);
    logic [31:0]  raw_q;
    logic [127:0] wide_q;
    always_ff @(posedge clk_i) begin
        if (in_i != 0) begin
            raw_q  <= raw_q + 32'(in_i);
            wide_q <= {wide_q[126:0], wide_q[127] ^ in_i[0]};
        end
        if (!rst_ni) sum_o <= '0;
        else sum_o <= sum_o + raw_q;
    end
    assign raw_o  = raw_q;
    assign wide_o = wide_q;
endmodule
