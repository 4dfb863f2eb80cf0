// Stops in every way a design can, on command.
module stops (
    input  logic       clk_i,
    input  logic       rst_ni,
    input  logic [3:0] op_i,
    output logic [3:0] op_o
);
    always_ff @(posedge clk_i) begin
        op_o <= op_i;
        if (rst_ni) begin
            if (op_i == 1) $fatal(1, "op is %0d", op_i);
            if (op_i == 2) $stop;
            if (op_i == 3) $error("an error at %0t", $time);
            if (op_i == 4) $finish;
            if (op_i == 6) $display("hello from cycle %0d", $time / 4);
        end
    end
    not_five: assert property (@(posedge clk_i) disable iff (!rst_ni) op_i != 5) else $error("op is five");
    is_seven: cover property (@(posedge clk_i) op_i == 7);
endmodule
