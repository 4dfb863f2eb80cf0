//! Mutants of a small design, from its netlist's text to a model: none in force, the design is what it was; one in force, it is just that one.

use std::path::Path;

use ringside::strength::cells::Source;
use ringside::strength::mutant::{self, Mutant};
use ringside::strength::{sample, schema};
use ringside_sim::{DutConfig, Mode, Model};

const DESIGN: &str = "module tiny
  import ints_pkg::*;
#(
  parameter int unsigned LIMIT = 5
) (
  input logic clk_i,
  input logic rst_ni,
  input logic [3:0] a_i,
  input logic [3:0] b_i,
  output logic y_o,
  output logic [3:0] q_o
);
  assign y_o = a_i < 4'(LIMIT) && b_i == 4'd3;
  always_ff @(posedge clk_i) if (y_o) q_o <= a_i + b_i;
endmodule
";

/// What synthesis would say of it: the two sides, the whole, the sum, and the assignment.
const NETLIST: &str = r#"
module \tiny
  attribute \src "tiny.sv:13.16-13.31"
  cell $lt $1
  attribute \src "tiny.sv:13.35-13.46"
  cell $eq $2
  attribute \src "tiny.sv:13.16-13.46"
  cell $logic_and $3
  attribute \src "tiny.sv:14.46-14.55"
  cell $add $4
  attribute \src "tiny.sv:14.39-14.56|tiny.sv:14.30-14.56"
  cell $mux $5
end
"#;

fn at(model: &mut Model, a: u64, b: u64) -> (bool, u64) {
    let [clock, a_i, b_i, y_o, q_o] =
        ["clk_i", "a_i", "b_i", "y_o", "q_o"].map(|name| model.port(name).expect(name));
    a_i.set_u64(a);
    b_i.set_u64(b);
    for level in [false, true] {
        clock.set_bool(level);
        model.eval().expect("settles");
    }
    (y_o.get_bool(), q_o.get_u64())
}

/// `y` of every pair of inputs, and the sums that were taken.
fn behaviour(dut: &Path, mutant: i64) -> Vec<(bool, u64)> {
    let dut = DutConfig::load(dut)
        .expect("a description")
        .with_parameter("MUTANT", mutant);
    let built = ringside_sim::build(&dut, Mode::Fast, &|_| {}).expect("it builds");
    let mut model = Model::load_with(&built, None).expect("it loads");
    (0..256).map(|n| at(&mut model, n % 16, n / 16)).collect()
}

/// The same, calculated.
fn expected(y: impl Fn(u64, u64) -> bool, next: impl Fn(bool, u64, u64, u64) -> u64) -> Vec<(bool, u64)> {
    let mut q = 0;
    let step = |n: u64| {
        let (a, b) = (n % 16, n / 16);
        q = next(y(a, b), a, b, q) % 16;
        (y(a, b), q)
    };
    (0..256).map(step).collect()
}

#[test]
fn one_model_has_the_design_and_each_of_its_mutants() {
    let folder = tempfile::tempdir().expect("a folder");
    let base = folder.path().join("old");
    let sources = [
        Source::new(
            &base.join("ints_pkg.sv"),
            "package ints_pkg;\nendpackage\n".to_owned(),
        ),
        Source::new(&base.join("tiny.sv"), DESIGN.to_owned()),
    ];
    let mutants = mutant::all(NETLIST, &sources, &base).expect("mutants");
    let mutants = sample::sample(&mutants, 1000, 1);
    let new = folder.path().join("new");
    let files = schema::write(&sources, &base, "tiny", &mutants, &new).expect("written");
    let dut = new.join("dut.toml");
    let text = format!(
        "top = \"tiny\"\nfiles = {files:?}\n[parameters]\nMUTANT = 0\n[runtime.MUTANT]\nbuilt_as = 1\nrange = [0, {}]\n",
        mutants.len()
    );
    std::fs::write(&dut, text).expect("written");

    let number = |from: &str, to: &str| -> i64 {
        let is = |m: &Mutant| m.name.from == from && m.name.to == to;
        let index = mutants.iter().position(is);
        let all: Vec<_> = mutants.iter().map(|m| (&m.name.from, &m.name.to)).collect();
        i64::try_from(index.unwrap_or_else(|| panic!("{from} becomes {to}: {all:?}")) + 1).expect("small")
    };
    let whole = "a_i < 4'(LIMIT) && b_i == 4'd3";
    let good = |a: u64, b: u64| a < 5 && b == 3;
    let takes = |y: bool, a: u64, b: u64, q: u64| if y { a + b } else { q };
    let same = expected(good, takes);
    assert!(same.iter().any(|(y, _)| *y) && same.iter().any(|(y, _)| !*y));
    let cases = [
        (0, same),
        (
            number("a_i < 4'(LIMIT)", "a_i <= 4'(LIMIT)"),
            expected(|a, b| a <= 5 && b == 3, takes),
        ),
        (
            number("b_i == 4'd3", "b_i == 4'd4"),
            expected(|a, b| a < 5 && b == 4, takes),
        ),
        (
            number("b_i == 4'd3", "b_i != 4'd3"),
            expected(|a, b| a < 5 && b != 3, takes),
        ),
        (
            number(whole, "a_i < 4'(LIMIT) || b_i == 4'd3"),
            expected(|a, b| a < 5 || b == 3, takes),
        ),
        (
            number(whole, "((b_i == 4'd3) && 1'b1)"),
            expected(|_, b| b == 3, takes),
        ),
        (
            number("a_i + b_i", "a_i - b_i"),
            expected(good, |y, a, b, q| if y { 16 + a - b } else { q }),
        ),
        (number("y_o", "1'b1"), expected(good, |_, a, b, _| a + b)),
        (number("y_o", "1'b0"), expected(good, |_, _, _, _| 0)),
        (number("q_o <= a_i + b_i;", ""), expected(good, |_, _, _, _| 0)),
    ];
    for (mutant, is) in cases {
        assert_eq!(behaviour(&dut, mutant), is, "mutant {mutant} of {mutants:?}");
    }
}
