//! `ringside strength`: how strong is the judge? Mutants of the device, hundreds in one model, each run against scenarios of a fixed budget.
//!
//! A mutant is killed when a scenario does not pass on it. One that survives is *seen* if some output pin was not as the unmutated device's in some cycle of
//! a run, and *unseen* otherwise: the first may be a hole of the judge, the second one of the scenarios, and either may be all right. What
//! was looked into is in a list with its reason; a survivor that is not there fails the command.

mod accepted;
mod design;
mod farm;
mod plan;
mod state;
mod table;
mod worker;

use std::path::PathBuf;

use clap::Args;

use super::interrupt::Interrupt;
use super::out::outln;
use super::paint::{Paint, Progress, count};
use super::{CliError, Outcome};
use crate::workspace;
use accepted::Accepted;
use design::Design;

/// `ringside strength`
#[derive(Clone, Debug, Args)]
pub(super) struct StrengthArgs {
    /// Description of the device under test [default: rtl/dut.toml]
    #[arg(long, value_name = "FILE")]
    dut: Option<PathBuf>,
    /// Scenario files, or folders of them, in this order [default: golden/strength/scenarios.txt]
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<PathBuf>,
    /// Mutants in all, from every block in proportion
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Which of the possible mutants
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Budget of a mutant that survives: the first scenarios that together take the unmutated device so many cycles
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    cycles: u64,
    /// Only mutants of files whose name holds this, e.g. ring/; may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Mutants at a time [default: processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: Option<u64>,
    /// Survivors that were looked into, with the reasons
    #[arg(long, value_name = "FILE", default_value = "golden/strength/accepted.toml")]
    accepted: PathBuf,
    /// Only say which mutants there are
    #[arg(long)]
    list: bool,
    /// Run this mutant alone and say what came of every scenario
    #[arg(long, value_name = "N", conflicts_with_all = ["list", "only"])]
    mutant: Option<usize>,
    /// What a process of its own is to run
    #[arg(long, hide = true, value_name = "PLAN", requires = "mutant")]
    worker: Option<PathBuf>,
    /// ... and from which step on
    #[arg(
        long,
        hide = true,
        value_name = "STEP",
        requires = "worker",
        default_value_t = 0
    )]
    from: usize,
}

pub(super) fn strength(args: &StrengthArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    if let (Some(plan), Some(mutant)) = (&args.worker, args.mutant) {
        return worker::work(plan, mutant, args.from);
    }
    let accepted = Accepted::load(&workspace::path(&args.accepted.to_string_lossy()))?;
    let progress = Progress::new();
    let dut = args
        .dut
        .clone()
        .unwrap_or_else(|| workspace::path("rtl/dut.toml"));
    let design = Design::make(&dut, args.count as usize, args.seed, &progress)?;
    if args.list {
        drop(progress);
        for (mutant, number) in design.mutants.iter().zip(1..) {
            outln!("{number:>5}  {:<11} {}", mutant.operator, design.told(number));
        }
        return Ok(Outcome::Pass);
    }
    if let Some(number) = args.mutant.filter(|n| *n > design.mutants.len()) {
        return Err(CliError::Usage(format!(
            "--mutant {number}: there are {} (0: none is in force)",
            design.mutants.len()
        )));
    }
    let jobs = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get() as u64));
    let flag = interrupt.flag();
    let farm = farm::Farm::new(&design, jobs, &flag, &progress)?;
    let plan = Interrupt::during(|| plan::Plan::make(&farm, &args.scenarios, args.cycles))?;
    let Some(plan) = plan else {
        return Ok(Outcome::Interrupted);
    };
    if let Some(number) = args.mutant {
        return one(&farm, &plan, number);
    }
    let chosen: Vec<usize> = (1..=design.mutants.len())
        .filter(|n| {
            let file = &design.mutants[n - 1].name.file;
            args.only.is_empty() || args.only.iter().any(|o| file.contains(o.as_str()))
        })
        .collect();
    if chosen.is_empty() {
        let blocks = args.only.join(", ");
        return Err(CliError::Usage(format!(
            "none of {} is in a file whose name holds {blocks}",
            count(design.mutants.len() as u64, "mutant")
        )));
    }
    let mut state = state::State::open(&design.folder, &plan)?;
    Interrupt::during(|| farm.run(&plan, &chosen, &mut state))?;
    drop(progress);
    let table = table::Table::new(&design, &chosen, &state, &accepted);
    outln!("{}", table.text(&plan, Paint::stdout()));
    Ok(if flag.load(std::sync::atomic::Ordering::SeqCst) {
        Outcome::Interrupted
    } else if table.unexplained() > 0 {
        Outcome::Violations
    } else {
        Outcome::Pass
    })
}

/// `--mutant`
fn one(farm: &farm::Farm, plan: &plan::Plan, number: usize) -> Result<Outcome, CliError> {
    let paint = Paint::stdout();
    if number > 0 {
        outln!("  mutant {number}: {}", farm.design.told(number));
    }
    let (runs, end) = farm.mutant(&plan.path, number, 0)?;
    for run in &runs {
        let seen = run.digest != plan.digest_of(&run.scenario);
        let word = match (&run.why, seen) {
            (Some(why), _) => paint.bad(&format!("killed by {why}")),
            (None, true) => "passed, and pins differ".to_owned(),
            (None, false) => "passed".to_owned(),
        };
        outln!("  {}: {word}", run.scenario);
    }
    if let Some(end) = end {
        outln!("  {}", paint.bad(&format!("killed: {end}")));
    }
    outln!(
        "  repeat  ringside run --dut {} --set MUTANT={number} --no-assert --scenario SCENARIO",
        farm.design.dut.display()
    );
    Ok(Outcome::Pass)
}
