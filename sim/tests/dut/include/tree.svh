`define OFFSET 3
