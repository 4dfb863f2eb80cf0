// A counter, a 512-bit pipeline and a few odd widths: the smallest design that has every kind of port.
module counter #(
    parameter int STEP = 1,
    parameter logic [15:0] TAG = 16'h1234,
    parameter NAME = "none"
) (
    input  logic         clk_i,
    input  logic         rst_ni,
    input  logic         enable_i,
    input  logic [511:0] wide_i,
    output logic [511:0] wide_o,
    input  logic [39:0]  mid_i,
    output logic [39:0]  mid_o,
    output logic [31:0]  count_o,
    output logic [15:0]  tag_o,
    output logic         named_o,
    output logic         next_o
);
    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            count_o <= '0;
        end else if (enable_i) begin
            count_o <= count_o + 32'(STEP);
        end
        wide_o <= wide_i;
    end
    // A combinational path from input to output.
    assign mid_o   = ~mid_i;
    assign tag_o   = TAG;
    assign named_o = (NAME == "ringside");
    assign next_o  = enable_i;
endmodule
