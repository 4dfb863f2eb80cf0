//! The second run of `ringside run`: the same once more, or the same on another design, which has to show the same at its pins.

use std::path::Path;

use ringside_sim::digest::PortDigest;
use ringside_sim::{SimOptions, TraceWindow};

use super::interrupt::Interrupt;
use super::run::{WAVES_BEFORE, simulate};
use super::run_args::RunArgs;
use super::{CliError, Outcome};
use crate::run::{RunOptions, RunResult, Uninitialised};
use crate::scenario::Scenario;

/// Which run is done after the first.
#[derive(Clone, Copy, Debug)]
pub(super) enum Second<'a> {
    /// `--check-determinism`: another model, with waveforms.
    Again,
    /// `--same-as`: another design.
    Other(&'a Path),
}

impl<'a> Second<'a> {
    /// The second run that the arguments ask for.
    pub(super) fn of(args: &'a RunArgs) -> Option<Self> {
        match &args.same_as {
            Some(dut) => Some(Self::Other(dut)),
            None => args.check_determinism.then_some(Self::Again),
        }
    }

    /// Two designs name their registers differently, and what no reset reaches begins at random: that shows at pins where nothing is valid.
    /// They begin at zero when they are compared.
    pub(super) fn uninitialised(self) -> Uninitialised {
        match self {
            Self::Again => Uninitialised::Random,
            Self::Other(_) => Uninitialised::Zero,
        }
    }

    /// What it means that the runs differ: the same design twice is our fault, two designs are not the same.
    pub(super) fn difference(self) -> Outcome {
        match self {
            Self::Again => Outcome::OurBug,
            Self::Other(_) => Outcome::Violations,
        }
    }

    /// Runs and compares: whether they are the same, and a line for the summary.
    pub(super) fn run(
        self,
        args: &RunArgs,
        scenario: &Scenario,
        first: &RunResult,
        folder: &Path,
        interrupt: &Interrupt,
    ) -> Result<(bool, String), CliError> {
        let options = RunOptions {
            digest: true,
            no_assert: args.no_assert,
            uninitialised: self.uninitialised(),
            stop: Some(interrupt.flag()),
            ..RunOptions::default()
        };
        match self {
            Self::Again => again(scenario, first, folder, options),
            Self::Other(dut) => other(scenario, first, dut, &options),
        }
    }
}

fn again(
    scenario: &Scenario,
    first: &RunResult,
    folder: &Path,
    options: RunOptions,
) -> Result<(bool, String), CliError> {
    std::fs::create_dir_all(folder).map_err(CliError::file("create", folder))?;
    let window = TraceWindow {
        path: folder.join("determinism.fst"),
        from: 0,
        to: WAVES_BEFORE,
    };
    let options = RunOptions {
        waves: Some(window.clone()),
        ..options
    };
    let second = simulate(scenario, &options)?;
    for file in [&window.path, &crate::run::view_file::beside(&window.path)] {
        let _ = std::fs::remove_file(file);
    }
    let same = first.findings.digest == second.findings.digest && first.port_digest == second.port_digest;
    let trace = |result: &RunResult| -> String {
        let digest = result.findings.digest.as_deref().unwrap_or("none");
        digest.chars().take(16).collect()
    };
    let text = if same {
        format!(
            "  twice  the same trace (sha256 {}…), without waveforms and with\n",
            trace(first)
        )
    } else {
        format!(
            "  twice  NOT the same: trace {} then {}; {}\n",
            trace(first),
            trace(&second),
            where_they_part(first, &second)
        )
    };
    Ok((same, text))
}

fn other(
    scenario: &Scenario,
    first: &RunResult,
    dut: &Path,
    options: &RunOptions,
) -> Result<(bool, String), CliError> {
    let scenario = Scenario {
        dut: Some(dut.to_owned()),
        ..scenario.clone()
    };
    let second = simulate(&scenario, options)?;
    // A run that did not come to its end has no digest: two of those say nothing.
    let same = first.port_digest.is_some() && first.port_digest == second.port_digest;
    let (one, two) = (&first.header.dut, &second.header.dut);
    let text = if same {
        let cycles = first.port_digest.as_ref().map_or(0, |d| d.cycles);
        format!("  same   as {two}: every output of every cycle, {cycles} cycles\n")
    } else {
        format!(
            "  same   NO: {one} is not as {two}: {}\n",
            where_they_part(first, &second)
        )
    };
    Ok((same, text))
}

/// Where two runs differ first, as far as their digests tell.
fn where_they_part(first: &RunResult, second: &RunResult) -> String {
    match (&first.port_digest, &second.port_digest) {
        (Some(a), Some(b)) => a.first_difference(b).map_or_else(
            || "the outputs are the same in every cycle".to_owned(),
            |range| {
                // The digest begins when reset ends.
                let reset = SimOptions::default().reset_cycles;
                let (from, to) = (range.start + reset, range.end + reset);
                format!(
                    "outputs part between cycles {from} and {to} ({} and {} cycles in all); look with --waves {from}..{to}",
                    a.cycles, b.cycles
                )
            },
        ),
        (a, b) => {
            let ended = |digest: &Option<PortDigest>, result: &RunResult| match digest {
                Some(_) => format!("well after {} cycles", result.cycles),
                None => format!("badly after {} cycles", result.cycles),
            };
            format!("one run ended {}, the other {}", ended(a, first), ended(b, second))
        }
    }
}
