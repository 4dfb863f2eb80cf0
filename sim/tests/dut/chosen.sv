// A parameter that is built in, or read when the simulation begins; and one word of the design's own about its values.
module chosen #(
    parameter int MODE = 0,
    parameter int SIZE = 8
) (
    input  logic        clk_i,
    input  logic        rst_ni,
    output logic [31:0] mode_o
);
    if (SIZE > 16) begin : gen_size
        $error("SIZE = %0d: at most 16", SIZE);
    end
    int mode;
    initial begin
        mode = MODE;
        if (MODE == -1 && $value$plusargs("MODE=%d", mode) == 0) mode = -2;
    end
    assign mode_o = mode;
endmodule
