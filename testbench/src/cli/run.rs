//! `ringside run`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ringside_sim::{SimError, TraceWindow};

use super::interrupt::Interrupt;
use super::out::{out, outln};
use super::paint::{Paint, Progress};
use super::run_args::RunArgs;
use super::second::Second;
use super::{CliError, Outcome, failure, report, summary};
use crate::bucket::Bucket;
use crate::driver::error::DriverError;
use crate::run::{Ended, RunOptions, RunResult, Uninitialised};
use crate::scenario::Scenario;
use crate::unfinished::part_of;

/// Cycles of waveforms before a violation.
pub(super) const WAVES_BEFORE: u64 = 2_000;
/// Cycles of waveforms after it.
const WAVES_AFTER: u64 = 200;

/// Where a run leaves things.
struct Files {
    folder: PathBuf,
    trace: Option<PathBuf>,
    capture: Option<PathBuf>,
}

pub(super) fn run(args: &RunArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    let scenario = args.scenario()?;
    let files = files(args, &scenario)?;
    let options = RunOptions {
        trace: files.trace.clone(),
        capture: files.capture.clone(),
        unjudged: args.unjudged,
        no_assert: args.no_assert,
        digest: Second::of(args).is_some(),
        uninitialised: Second::of(args).map_or_else(Uninitialised::default, Second::uninitialised),
        waves: args.window(files.folder.join("waves.fst")),
        marker: None,
        coverage: args.coverage.clone(),
        stop: Some(interrupt.flag()),
    };
    let result = simulate(&scenario, &options)?;
    if let Ended::Driver(cause @ DriverError::NotOffered { .. }) = result.ended {
        let dut = result.header.dut;
        return Err(CliError::Unmet { dut, cause });
    }
    let mut outcome = outcome(&result);
    let mut left = Vec::new();
    let mut notes = String::new();
    let stopped = outcome == Outcome::Interrupted;
    if let (Some(second), false) = (Second::of(args), stopped) {
        let (same, text) = second.run(args, &scenario, &result, &files.folder, interrupt)?;
        notes.push_str(&text);
        if !same {
            outcome = second.difference();
        }
    }
    let written = |path: &Path| if stopped { part_of(path) } else { path.to_owned() };
    if let Some(path) = &files.trace {
        left.push(("trace", written(path).display().to_string()));
    }
    if let (Some(path), false) = (&files.trace, stopped || args.no_report || args.no_files) {
        left.push((
            "report",
            report::write(path, &files.folder)?.display().to_string(),
        ));
    }
    if let Some(path) = &files.capture {
        left.push(("frames", written(path).display().to_string()));
    }
    if let Some(window) = &options.waves {
        if window.from < result.cycles {
            left.push(("waves", waves_text(window, result.cycles)));
        } else {
            let _ = writeln!(
                notes,
                "  waves  none: the run was over after cycle {}, the window begins at {}",
                result.cycles, window.from
            );
        }
    }
    if let (Some(cycle), false) = (
        result.first_violation,
        stopped || args.no_rerun || args.no_files || args.waves.is_some(),
    ) {
        let path = files.folder.join("violation.fst");
        let window = TraceWindow {
            path: path.clone(),
            from: cycle.saturating_sub(WAVES_BEFORE),
            to: cycle + WAVES_AFTER,
        };
        let text = waves_text(&window, result.cycles);
        simulate(
            &scenario,
            &RunOptions {
                waves: Some(window),
                marker: Some(cycle),
                no_assert: args.no_assert,
                stop: Some(interrupt.flag()),
                ..RunOptions::default()
            },
        )?;
        left.push(("waves", text));
    }
    let repeat = repeat_command(&scenario);
    let bucket = Bucket::of(&result, &scenario);
    if args.json {
        outln!(
            "{}",
            summary::run_json(
                &result,
                (outcome == Outcome::Pass, bucket.as_ref()),
                &left,
                &notes,
                &repeat
            )
        );
    } else {
        print_summary(&result, &left, &notes, &repeat);
    }
    Ok(outcome)
}

/// Where the waves are, and of which cycles.
fn waves_text(window: &TraceWindow, cycles: u64) -> String {
    let last = window.to.min(cycles.saturating_sub(1));
    format!("{} (cycles {} to {last})", window.path.display(), window.from)
}

pub(super) fn simulate(scenario: &Scenario, options: &RunOptions) -> Result<RunResult, CliError> {
    let progress = Progress::new();
    progress.say("running");
    let run = || crate::run::run(scenario, options, &|text| progress.say(text));
    Ok(Interrupt::during(run)?)
}

fn files(args: &RunArgs, scenario: &Scenario) -> Result<Files, CliError> {
    let folder = args.out_folder(scenario);
    if args.no_files {
        return Ok(Files {
            folder,
            trace: args.trace.clone(),
            capture: None,
        });
    }
    std::fs::create_dir_all(&folder).map_err(CliError::file("create", &folder))?;
    let trace = args.trace.clone().unwrap_or_else(|| folder.join("trace.jsonl"));
    Ok(Files {
        trace: Some(trace),
        capture: Some(folder.join("wire.pcap")),
        folder,
    })
}

/// What the run amounts to.
fn outcome(result: &RunResult) -> Outcome {
    match &result.ended {
        Ended::Sim(SimError::Stopped { .. }) => Outcome::Interrupted,
        Ended::Sim(
            SimError::TaskPanic { .. } | SimError::Nested | SimError::Runtime(_) | SimError::Circle { .. },
        ) => Outcome::OurBug,
        // A rule that was broken says more than the clock that ran out behind it.
        _ if result.first_violation.is_some() => Outcome::Violations,
        Ended::Sim(
            SimError::Limit { .. }
            | SimError::WallClock { .. }
            | SimError::Hang { .. }
            | SimError::Deadlock { .. },
        ) => Outcome::TimeOut,
        Ended::Driver(DriverError::Lacks { .. }) => Outcome::Unable,
        _ if result.passed() => Outcome::Pass,
        _ => Outcome::Violations,
    }
}

/// The command that repeats this run: the arguments of this one, and the seed.
fn repeat_command(scenario: &Scenario) -> String {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let skipped = ["--json", "--no-files", "--check-determinism"];
    words.retain(|w| !skipped.contains(&w.as_str()));
    if !words.iter().any(|w| w == "--seed" || w.starts_with("--seed=")) {
        words.push("--seed".into());
        words.push(scenario.seed.to_string());
    }
    let words: Vec<String> = words.iter().map(|w| failure::quote(w)).collect();
    format!("ringside {}", words.join(" "))
}

fn print_summary(result: &RunResult, left: &[(&str, String)], notes: &str, repeat: &str) {
    let paint = Paint::stdout();
    let mut text = summary::head(&result.header, paint);
    text.push_str(&summary::headline(result, paint));
    text.push_str(&summary::frames_line(result));
    text.push_str(notes);
    if result.findings.verdict.is_some() {
        text.push_str(&summary::cost_table(&result.findings.costs, &result.header));
    }
    if let Some(verdict) = &result.findings.verdict {
        text.push_str(&failure::violations(verdict, repeat, paint));
        text.push_str(&failure::advice(verdict, paint));
    }
    text.push_str(&failure::troubles(result, paint));
    text.push('\n');
    for (what, path) in left {
        let _ = writeln!(text, "  {what:<6} {}", relative(path));
    }
    if matches!(result.ended, Ended::Sim(SimError::Stopped { .. })) && !left.is_empty() {
        let _ = writeln!(
            text,
            "         `.part`: not whole; `ringside check` judges such a trace as far as it goes"
        );
    }
    if left.iter().any(|(what, _)| *what == "waves") {
        let _ = writeln!(
            text,
            "         open with `gtkwave FILE.gtkw` (boundary signals, marker) or `surfer FILE.fst`; which signals to look at: docs/waves.md"
        );
    }
    out!("{text}");
}

/// A path as short as it can be from here.
fn relative(path: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    Path::new(path)
        .strip_prefix(&here)
        .map_or_else(|_| path.to_owned(), |p| p.display().to_string())
}
