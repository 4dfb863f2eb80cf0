//! The process that runs one mutant: one scenario after the other until one does not pass, a line of JSON for each.

use std::path::Path;

use ringside_sim::{ParamValue, SimError};
use serde::{Deserialize, Serialize};

use super::plan::{Orders, name};
use crate::bucket::Bucket;
use crate::cli::out::outln;
use crate::cli::run::simulate;
use crate::cli::{CliError, Outcome};
use crate::run::{Ended, RunOptions, RunResult};
use crate::scenario::Scenario;
use crate::strength::schema::PARAMETER;

/// A mutant may take so many times the cycles of the unmutated device ...
const PATIENCE: u64 = 3;
/// ... and so many more.
const PATIENCE_CYCLES: u64 = 100_000;
/// Seconds of a scenario: only what does not even use up its cycles meets this end.
const PATIENCE_SECONDS: u64 = 200;

/// What came of one scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ran {
    /// Its name.
    pub(super) scenario: String,
    /// Cycles that it took.
    pub(super) cycles: u64,
    /// Digest of the output pins; empty: it did not come to its end.
    pub(super) digest: String,
    /// Why it did not pass.
    pub(super) why: Option<String>,
    /// Is that a panic of ours?
    pub(super) ours: bool,
}

/// Runs the mutant, from this step of the plan on; 0: no mutant, and then all scenarios whatever comes.
///
/// # Errors
/// What has nothing to do with the device.
pub(super) fn work(plan: &Path, mutant: usize, from: usize) -> Result<Outcome, CliError> {
    let text = std::fs::read(plan).map_err(CliError::file("read", plan))?;
    let orders: Orders = serde_json::from_slice(&text).map_err(|e| CliError::file("read", plan)(e.into()))?;
    for step in orders.steps.iter().skip(from) {
        let mut scenario = Scenario::load(&step.scenario)?;
        scenario.dut = Some(orders.dut.clone());
        let number = ParamValue::Int(i64::try_from(mutant).unwrap_or(i64::MAX));
        scenario.parameters.insert(PARAMETER.to_owned(), number);
        if step.cycles > 0 {
            let limits = &mut scenario.limits;
            limits.max_cycles = limits.max_cycles.min(step.cycles * PATIENCE + PATIENCE_CYCLES);
            limits.wall_seconds = PATIENCE_SECONDS;
        }
        let options = RunOptions {
            digest: true,
            no_assert: true,
            ..RunOptions::default()
        };
        let result = simulate(&scenario, &options)?;
        let why = (!result.passed()).then(|| why(&result, &scenario));
        let ran = Ran {
            scenario: name(&step.scenario),
            cycles: result.cycles,
            digest: result
                .port_digest
                .as_ref()
                .map_or_else(String::new, |d| format!("{:016x} {}", d.value, d.cycles)),
            ours: matches!(
                result.ended,
                Ended::Sim(SimError::TaskPanic { .. } | SimError::Nested)
            ),
            why,
        };
        let dead = ran.why.is_some();
        outln!(
            "{}",
            serde_json::to_string(&ran).map_err(|e| CliError::file("write", "the outcome")(e.into()))?
        );
        if dead && mutant > 0 {
            break;
        }
    }
    Ok(Outcome::Pass)
}

fn why(result: &RunResult, scenario: &Scenario) -> String {
    if let Ended::Sim(SimError::TaskPanic { .. }) = &result.ended {
        return "a panic of Ringside".to_owned();
    }
    Bucket::of(result, scenario).map_or_else(|| "a run that did not pass".to_owned(), |b| b.what)
}
