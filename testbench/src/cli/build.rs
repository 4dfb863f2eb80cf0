//! `ringside build`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ringside_sim::{DutConfig, Mode};

use super::out::outln;
use super::paint::Progress;
use super::{CliError, Outcome};
use crate::workspace;

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeArg {
    Fast,
    Trace,
    Cover,
}

/// `ringside build`
#[derive(Clone, Debug, Args)]
pub(super) struct BuildArgs {
    /// Description of the device under test [default: rtl/dut.toml]
    #[arg(long, value_name = "FILE")]
    dut: Option<PathBuf>,
    /// What the model is for; may be repeated
    #[arg(long, value_enum, default_values_t = [ModeArg::Fast])]
    mode: Vec<ModeArg>,
}

pub(super) fn build(args: &BuildArgs) -> Result<Outcome, CliError> {
    let dut = DutConfig::load(
        &args
            .dut
            .clone()
            .unwrap_or_else(|| workspace::path("rtl/dut.toml")),
    )?;
    for mode in &args.mode {
        let mode = match mode {
            ModeArg::Fast => Mode::Fast,
            ModeArg::Trace => Mode::Trace,
            ModeArg::Cover => Mode::Cover,
        };
        let progress = Progress::new();
        let built = ringside_sim::build(&dut, mode, &|text| progress.say(text))?;
        drop(progress);
        let how = if built.cached { "was in the cache" } else { "built" };
        outln!(
            "{} {}: {how}, {} ports, {}",
            dut.name,
            mode.name(),
            built.ports.len(),
            built.library.display()
        );
    }
    Ok(Outcome::Pass)
}
