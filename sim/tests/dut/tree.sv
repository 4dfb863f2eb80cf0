// Two levels and an include file, for the cache and for lcov.
`include "tree.svh"
module tree (
    input  logic       clk_i,
    input  logic       rst_ni,
    input  logic [7:0] a_i,
    output logic [7:0] y_o
);
    leaf u_leaf (.clk_i, .rst_ni, .a_i(a_i + 8'd`OFFSET), .y_o);
endmodule

module leaf (
    input  logic       clk_i,
    input  logic       rst_ni,
    input  logic [7:0] a_i,
    output logic [7:0] y_o
);
    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            y_o <= '0;
        end else if (a_i == 8'hff) begin
            y_o <= 8'h55;
        end else begin
            y_o <= a_i;
        end
    end
    at_max: cover property (@(posedge clk_i) a_i == 8'hff);
endmodule
