//! `ringside golden`: scenarios whose traces somebody has accepted.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ringside_reports::input;
use ringside_sim::SimError;

use super::interrupt::Interrupt;
use super::out::outln;
use super::paint::{Paint, Progress, count};
use super::{CliError, Outcome};
use crate::golden::{Difference, Normal, Precision, compare, normalise};
use crate::run::{Ended, RunOptions, RunResult};
use crate::scenario::Scenario;
use crate::unfinished::{Unfinished, part_of};
use crate::workspace;

/// Golden traces longer than this are kept compressed.
const LONG_BYTES: u64 = 1 << 20;
/// How hard: they are written once and read for ever.
const LEVEL: i32 = 19;

/// `ringside golden`
#[derive(Clone, Debug, Args)]
pub(super) struct GoldenArgs {
    #[command(subcommand)]
    action: Action,
    /// Folder of the accepted traces; the scenarios are in the folder `scenarios` beside it
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
    /// Compare cycles too
    #[arg(long, global = true)]
    exact: bool,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Compare; differences are named
    Check {
        /// Only these scenarios
        names: Vec<String>,
    },
    /// Compare; the first difference of each stream is shown, and what came before the first of all
    Diff {
        /// Only these scenarios
        names: Vec<String>,
    },
    /// Make what the device does now golden
    Accept {
        /// Only these scenarios
        names: Vec<String>,
    },
}

/// One golden scenario and its trace.
pub(super) struct Golden {
    name: String,
    scenario: PathBuf,
    trace: PathBuf,
}

pub(super) fn golden(args: &GoldenArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    let dir = args
        .dir
        .clone()
        .unwrap_or_else(|| workspace::path("golden/traces"));
    let precision = if args.exact {
        Precision::Exact
    } else {
        Precision::Timeless
    };
    let (names, accept, show) = match &args.action {
        Action::Check { names } => (names, false, false),
        Action::Diff { names } => (names, false, true),
        Action::Accept { names } => (names, true, true),
    };
    let all = find(&dir, names)?;
    let paint = Paint::stdout();
    let mut worst = Outcome::Pass;
    let mut changed = 0;
    for golden in &all {
        let scratch = scratch_file(&dir, &golden.name)?;
        let result = run_into(golden, &scratch, interrupt);
        if let Ok(RunResult {
            ended: Ended::Sim(SimError::Stopped { .. }),
            ..
        }) = &result
        {
            let _ = std::fs::remove_file(part_of(&scratch));
            return Ok(Outcome::Interrupted);
        }
        let report = result.and_then(|r| {
            let (differences, lines) = differences(golden, &scratch, precision)?;
            Ok((r, differences, lines))
        });
        let (result, differences, lines) = match report {
            Ok(r) => r,
            Err(e) => {
                let _ = std::fs::remove_file(&scratch);
                return Err(e);
            }
        };
        let same = differences.as_ref().is_some_and(Vec::is_empty);
        let word = match (&differences, same) {
            _ if !result.passed() => paint.bad("fails"),
            (None, _) => paint.bad("no trace"),
            (_, true) => paint.good("same"),
            (_, false) => paint.bad("differs"),
        };
        outln!(
            "{:<26} {word}  {}",
            golden.name,
            paint.dim(&count(lines as u64, "line"))
        );
        for (index, d) in differences.iter().flatten().enumerate() {
            let text = if show { d.to_string() } else { d.in_a_line() };
            let first = if index == 0 { "first " } else { "then  " };
            outln!("  {first}{}", text.replace('\n', "\n  "));
        }
        if accept && result.passed() && (!same || !golden.trace.is_file()) {
            put(&scratch, &dir, &golden.name)?;
            changed += 1;
        } else {
            let _ = std::fs::remove_file(&scratch);
        }
        if !result.passed() || !same && !accept {
            worst = Outcome::Violations;
        }
    }
    if accept {
        outln!(
            "{} accepted, {} as before",
            count(changed, "trace"),
            all.len() as u64 - changed
        );
    }
    Ok(worst)
}

/// Where an accepted trace may be: as it is, or compressed.
fn places(dir: &Path, name: &str) -> [PathBuf; 2] {
    ["jsonl", "jsonl.zst"].map(|kind| dir.join(format!("{name}.{kind}")))
}

/// Puts an accepted trace into its place, a long one compressed.
fn put(scratch: &Path, dir: &Path, name: &str) -> Result<(), CliError> {
    let [plain, compressed] = places(dir, name);
    let long = std::fs::metadata(scratch).is_ok_and(|m| m.len() > LONG_BYTES);
    let (place, other) = if long {
        (compressed, plain)
    } else {
        (plain, compressed)
    };
    let write = || -> std::io::Result<()> {
        if long {
            let (to, unfinished) = Unfinished::create(&place)?;
            zstd::stream::copy_encode(std::fs::File::open(scratch)?, to, LEVEL)?;
            unfinished.finish()?;
            std::fs::remove_file(scratch)
        } else {
            std::fs::rename(scratch, &place)
        }
    };
    write().map_err(CliError::file("write", &place))?;
    match std::fs::remove_file(&other) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(CliError::file("remove", &other)(e)),
        _ => Ok(()),
    }
}

/// The golden scenarios, all or those named.
pub(super) fn find(dir: &Path, names: &[String]) -> Result<Vec<Golden>, CliError> {
    let scenarios = dir.parent().unwrap_or(Path::new("")).join("scenarios");
    let entries = std::fs::read_dir(&scenarios).map_err(|cause| {
        CliError::Usage(format!(
            "no scenarios for the traces in {}: they are looked for in the folder `scenarios` beside it, and {} cannot be read: {cause}",
            dir.display(),
            scenarios.display()
        ))
    })?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(CliError::file("read", &scenarios))?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            let name = path
                .file_stem()
                .map(|s| s.to_string_lossy().into_owned())
                .unwrap_or_default();
            let [plain, compressed] = places(dir, &name);
            let trace = if compressed.is_file() { compressed } else { plain };
            found.push(Golden {
                name,
                scenario: path,
                trace,
            });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(unknown) = names.iter().find(|n| !found.iter().any(|g| g.name == **n)) {
        let known: Vec<&str> = found.iter().map(|g| g.name.as_str()).collect();
        return Err(CliError::Usage(format!(
            "no golden scenario {unknown:?}; there are: {}",
            known.join(", ")
        )));
    }
    if !names.is_empty() {
        found.retain(|g| names.contains(&g.name));
    }
    Ok(found)
}

fn scratch_file(dir: &Path, name: &str) -> Result<PathBuf, CliError> {
    std::fs::create_dir_all(dir).map_err(CliError::file("create", dir))?;
    Ok(dir.join(format!(".{name}.{}.new", std::process::id())))
}

fn run_into(golden: &Golden, trace: &Path, interrupt: &Interrupt) -> Result<RunResult, CliError> {
    let scenario = Scenario::load(&golden.scenario)?;
    let progress = Progress::new();
    let options = RunOptions {
        trace: Some(trace.to_owned()),
        stop: Some(interrupt.flag()),
        ..RunOptions::default()
    };
    let run = || crate::run::run(&scenario, &options, &|text| progress.say(text));
    Ok(Interrupt::during(run)?)
}

fn read(path: &Path, precision: Precision) -> Result<Normal, CliError> {
    let trace = input::open(path).map_err(CliError::file("read", path))?;
    normalise(trace, precision).map_err(|cause| CliError::Trace {
        path: path.to_owned(),
        cause,
    })
}

/// Differences from the golden trace, or none if there is no golden trace; and lines compared.
fn differences(
    golden: &Golden,
    now: &Path,
    precision: Precision,
) -> Result<(Option<Vec<Difference>>, usize), CliError> {
    let now = read(now, precision)?;
    if !golden.trace.is_file() {
        return Ok((None, now.lines()));
    }
    let before = read(&golden.trace, precision)?;
    Ok((Some(compare(&before, &now)), now.lines()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_traces_are_kept_compressed_and_there_is_one_of_each() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let scratch = dir.join("scratch");
        let names = || {
            let mut names: Vec<String> = std::fs::read_dir(dir)
                .unwrap()
                .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        for (bytes, kept) in [(100, "t.jsonl"), (2 << 20, "t.jsonl.zst"), (100, "t.jsonl")] {
            let text = "0123456789".repeat(bytes / 10);
            std::fs::write(&scratch, &text).unwrap();
            put(&scratch, dir, "t").unwrap();
            assert_eq!(names(), [kept]);
            let mut back = String::new();
            std::io::Read::read_to_string(&mut input::open(&dir.join(kept)).unwrap(), &mut back).unwrap();
            assert_eq!(back, text);
        }
    }
}
