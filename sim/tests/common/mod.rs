//! What every test file needs: designs from `tests/dut`, built into the shared cache.
#![allow(dead_code, reason = "not every test file needs all of it")]

use std::path::{Path, PathBuf};

use ringside_sim::build::{BuiltModel, Mode, build};
use ringside_sim::dut::DutConfig;
use ringside_sim::{Model, Sim, SimOptions};

/// The folder of the test designs.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dut")
}

/// A test design by name.
pub(crate) fn dut(name: &str) -> DutConfig {
    DutConfig::load(&folder().join(format!("{name}.toml"))).expect("the test design loads")
}

/// Its model.
pub(crate) fn model(dut: &DutConfig, mode: Mode) -> BuiltModel {
    build(dut, mode, &|_| {}).unwrap_or_else(|error| panic!("{error}"))
}

/// The counter, clocked, with these options.
pub(crate) fn counter(options: SimOptions) -> Sim {
    let dut = dut("counter");
    let model = Model::load(&model(&dut, Mode::Fast), options.seed).expect("the model loads");
    Sim::new(model, &dut, options).expect("the counter has clock and reset")
}
