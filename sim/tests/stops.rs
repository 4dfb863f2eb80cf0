//! The design stops: always an error with file and line, never the end of the process.

mod common;

use common::{dut, model};
use ringside_sim::{DutConfig, Mode, Model, RtlError, Sim, SimError, SimOptions, SimOutcome};

fn run(op: u64) -> Result<SimOutcome<()>, SimError> {
    let dut = dut("stops");
    let model = Model::load(&model(&dut, Mode::Fast), 1).unwrap();
    let sim = Sim::new(model, &dut, SimOptions::default()).unwrap();
    let op_i = sim.port("op_i").unwrap();
    sim.run(async |sim| {
        sim.cycles(4).await;
        sim.write(op_i, op);
        sim.cycles(1).await;
        sim.write(op_i, 0);
        sim.cycles(10).await;
    })
}

fn stop(op: u64) -> RtlError {
    match run(op) {
        Err(SimError::Rtl(error)) => error,
        other => panic!("op {op}: {other:?}"),
    }
}

#[test]
fn every_stop_has_its_place() {
    let error = stop(1);
    assert_eq!(
        (error.file.as_str(), error.line, error.cycle),
        ("sim/tests/dut/stops.sv", 11, 21)
    );
    assert_eq!(
        error.to_string(),
        "cycle 21: $fatal at sim/tests/dut/stops.sv:11: Assertion failed in TOP.stops: op is 1"
    );
    assert_eq!(
        stop(2).to_string(),
        "cycle 21: $stop at sim/tests/dut/stops.sv:12"
    );
    let error = stop(3);
    assert_eq!(
        (error.line, error.message.as_str()),
        (13, "Assertion failed in TOP.stops: an error at 84000")
    );
    let error = stop(4);
    assert_eq!((error.kind.as_str(), error.line), ("$finish", 14));
    let error = stop(5);
    assert_eq!(error.kind, "$error");
    assert_eq!(
        (error.line, error.message.as_str()),
        (18, "Assertion failed in TOP.stops.not_five: op is five")
    );
}

#[test]
fn what_the_design_prints_is_kept() {
    let outcome = run(6).unwrap();
    assert_eq!(outcome.rtl_log, ["hello from cycle 21"]);
    assert!(run(0).unwrap().rtl_log.is_empty());
}

/// `$time` counts in the units that the source asks for, whatever its precision.
#[test]
fn simulated_time_follows_the_timescale() {
    let dir = tempfile::tempdir().unwrap();
    let module = "module t(input logic clk_i, input logic rst_ni);\nalways @(posedge clk_i) if (rst_ni) $display(\"%0d\", $time);\nendmodule\n";
    std::fs::write(dir.path().join("dut.toml"), "top = \"t\"\nfiles = [\"t.sv\"]\n").unwrap();
    for (timescale, first) in [
        ("1ns/1ns", "64"),
        ("1ps/1ps", "64000"),
        ("1ps/1fs", "64000"),
        ("10ns/1ns", "6"),
    ] {
        std::fs::write(
            dir.path().join("t.sv"),
            format!("`timescale {timescale}\n{module}"),
        )
        .unwrap();
        let dut = DutConfig::load(&dir.path().join("dut.toml")).unwrap();
        let model = Model::load(&model(&dut, Mode::Fast), 1).unwrap();
        let sim = Sim::new(model, &dut, SimOptions::default()).unwrap();
        let outcome = sim.run(async |sim| sim.cycles(2).await).unwrap();
        assert_eq!(outcome.rtl_log[0], first, "{timescale}");
    }
}

#[test]
fn assertions_can_be_built_out() {
    let mut dut = dut("stops");
    dut.no_assert = true;
    let mut model = Model::load(&model(&dut, Mode::Fast), 1).unwrap();
    let [clock, reset, op] = ["clk_i", "rst_ni", "op_i"].map(|name| model.port(name).unwrap());
    reset.set_bool(true);
    op.set_u64(5);
    for level in [true, false, true] {
        clock.set_bool(level);
        model.eval().unwrap();
    }
}

#[test]
fn a_stopped_model_says_so_when_evaluated_again() {
    let dut = dut("stops");
    let mut model = Model::load(&model(&dut, Mode::Fast), 1).unwrap();
    let [clock, reset, op] = ["clk_i", "rst_ni", "op_i"].map(|name| model.port(name).unwrap());
    reset.set_bool(true);
    op.set_u64(2);
    clock.set_bool(true);
    assert_eq!(model.eval().unwrap_err().kind, "$stop");
    let again = model.eval().unwrap_err();
    assert!(again.message.contains("after it had stopped"), "{again}");
}
