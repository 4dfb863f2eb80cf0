//! `ringside test [SCENARIO]... [--dut FILE]`: scenario files on a design, Ringside's own, a netlist of it, or a stranger's.
//!
//! Every scenario is a process of its own, as many at a time as there are processors. What a design was not made for (a feature that it
//! does not offer, a parameter that a netlist has no more) is left out and said, with the reason; it is no failure, but a suite
//! of which nothing could be run has not passed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use ringside_models::coverage::Coverage;

use crate::cli::interrupt::Interrupt;
use crate::cli::out::outln;
use crate::cli::paint::{Paint, Progress, grouped};
use crate::cli::{CliError, Outcome, failure};
use crate::coverage::{self, Closure, CoverageError, Holes};
use crate::workspace;

use super::junit;
use super::state::Record;
use crate::bucket::Bucket;

/// Where Ringside's own scenarios are.
const FOLDER: &str = "golden/scenarios";
/// What failed once.
const REGRESSIONS: &str = "golden/regressions";
/// The holes in their coverage that are explained.
const HOLES: &str = "golden/coverage.toml";
/// Longest reason that is shown, in characters.
const SHOWN: usize = 160;

/// What is run, and on what.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct SuiteArgs {
    /// Scenario files, or folders of them [default: golden/scenarios, without the folders in it]
    #[arg(value_name = "SCENARIO", conflicts_with_all = ["random", "all"])]
    scenarios: Vec<PathBuf>,
    /// The stress and coverage scenarios, and those that failed once, too
    #[arg(long, conflicts_with = "random")]
    all: bool,
    /// Description of the device under test [default: what the scenario says, or rtl/dut.toml]
    #[arg(long, value_name = "FILE", conflicts_with = "random")]
    dut: Option<PathBuf>,
    /// Run each on this design too and demand the same at every pin in every cycle
    #[arg(long, value_name = "FILE", conflicts_with = "random")]
    same_as: Option<PathBuf>,
    /// Hold what was met against the coverage plan, docs/coverage.md
    #[arg(long, conflicts_with = "random")]
    coverage: bool,
    /// Holes that are explained [default: golden/coverage.toml]
    #[arg(long, value_name = "FILE", requires = "coverage")]
    holes: Option<PathBuf>,
}

/// What came of one scenario.
enum Verdict {
    Pass {
        cycles: u64,
        met: Box<Coverage>,
    },
    Skip {
        why: String,
    },
    Fail {
        why: String,
        bucket: String,
        cycles: u64,
    },
}

/// What came of a scenario, and how long it took.
struct Done {
    verdict: Verdict,
    wall: Duration,
}

pub(super) fn suite(
    args: &SuiteArgs,
    junit: Option<&Path>,
    jobs: usize,
    interrupt: &Interrupt,
) -> Result<Outcome, CliError> {
    let files = args.files()?;
    let holes = args.holes()?;
    let program = std::env::current_exe().map_err(CliError::file("find", "the ringside command"))?;
    let progress = Progress::new();
    let stop = interrupt.flag();
    let (next, paint) = (AtomicUsize::new(0), Paint::stdout());
    let done: Mutex<BTreeMap<usize, Done>> = Mutex::default();
    let worker = || -> Result<(), CliError> {
        loop {
            let n = next.fetch_add(1, Ordering::SeqCst);
            let Some(file) = files.get(n) else { break };
            let words = args.command(file);
            let began = junit::Watch::start();
            let verdict = one(&program, &words, &stop)?;
            if stop.load(Ordering::SeqCst) {
                break;
            }
            progress.hide(|| outln!("{}", line(file, &verdict, &words, paint)));
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            let wall = began.elapsed();
            done.insert(n, Done { verdict, wall });
            progress.say(&format!("{} of {} scenarios", done.len(), files.len()));
        }
        Ok(())
    };
    let run_all = || {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..jobs.min(files.len())).map(|_| scope.spawn(worker)).collect();
            threads
                .into_iter()
                .try_for_each(|t| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
        })
    };
    let ran = Interrupt::during(run_all);
    drop(progress);
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = junit {
        let cases: Vec<_> = done.iter().map(|(n, d)| d.case(&files[*n], args)).collect();
        junit::write(path, "scenarios", &cases)?;
    }
    ran?;
    let closed = holes.is_none_or(|holes| {
        let mut met = Coverage::default();
        for d in done.values() {
            if let Verdict::Pass { met: here, .. } = &d.verdict {
                met.add(here);
            }
        }
        let closure = Closure::of(&met, &holes);
        outln!("\n{}", closure.table());
        // Some scenarios alone need not meet everything.
        !args.all || closure.is_closed()
    });
    let count = |is: fn(&Verdict) -> bool| done.values().filter(|d| is(&d.verdict)).count();
    let passed = count(|v| matches!(v, Verdict::Pass { .. }));
    let failed = count(|v| matches!(v, Verdict::Fail { .. }));
    let cycles: u64 = done
        .values()
        .map(|d| {
            if let Verdict::Pass { cycles, .. } = d.verdict {
                cycles
            } else {
                0
            }
        })
        .sum();
    let word = if failed > 0 || passed == 0 || !closed {
        paint.bad("FAIL")
    } else {
        paint.good("PASS")
    };
    outln!(
        "\n  {word}   {passed} scenarios passed in {} cycles, {failed} failed, {} this design was not made for, {} not run",
        grouped(cycles),
        done.len() - passed - failed,
        files.len() - done.len()
    );
    Ok(
        if failed > 0 || !closed || (passed == 0 && done.len() == files.len()) {
            Outcome::Violations
        } else if stop.load(Ordering::SeqCst) {
            Outcome::Interrupted
        } else {
            Outcome::Pass
        },
    )
}

impl Done {
    /// For JUnit.
    fn case(&self, file: &Path, args: &SuiteArgs) -> junit::Case {
        let (cycles, fate) = match &self.verdict {
            Verdict::Pass { cycles, .. } => (*cycles, junit::Fate::Passed),
            Verdict::Skip { why } => (0, junit::Fate::Skipped(why.clone())),
            Verdict::Fail { why, bucket, cycles } => {
                let fate = junit::Fate::Failed {
                    bucket: bucket.clone(),
                    why: why.clone(),
                    repeat: command_line(&args.command(file)),
                };
                (*cycles, fate)
            }
        };
        junit::Case {
            name: file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            cycles,
            wall: Some(self.wall),
            fate,
        }
    }
}

impl SuiteArgs {
    /// The scenarios, in the order of their names.
    fn files(&self) -> Result<Vec<PathBuf>, CliError> {
        let mut named = self.scenarios.clone();
        if named.is_empty() {
            named.push(workspace::path(FOLDER));
        }
        if self.all {
            named.push(workspace::path(FOLDER).join("stress"));
            named.push(workspace::path(FOLDER).join("coverage"));
            named.push(workspace::path(REGRESSIONS));
        }
        let mut files = Vec::new();
        for path in named {
            if !path.is_dir() {
                files.push(path);
                continue;
            }
            let fail = || CliError::file("read", &path);
            let before = files.len();
            for entry in std::fs::read_dir(&path).map_err(fail())? {
                let file = entry.map_err(fail())?.path();
                if file.extension().is_some_and(|end| end == "toml") {
                    files.push(file);
                }
            }
            files[before..].sort();
            if files.len() == before {
                return Err(CliError::Usage(format!(
                    "{} holds no scenario (*.toml)",
                    path.display()
                )));
            }
        }
        Ok(files)
    }

    /// The explained holes, if coverage is asked for.
    fn holes(&self) -> Result<Option<Holes>, CliError> {
        let path = self.holes.clone().unwrap_or_else(|| workspace::path(HOLES));
        Ok(self.coverage.then(|| Holes::load(&path)).transpose()?)
    }

    /// The command that runs one of them.
    fn command(&self, file: &Path) -> Vec<String> {
        let mut words = vec![
            "run".to_owned(),
            "--scenario".to_owned(),
            file.display().to_string(),
        ];
        for (option, value) in [("--dut", &self.dut), ("--same-as", &self.same_as)] {
            if let Some(value) = value {
                words.extend([option.to_owned(), value.display().to_string()]);
            }
        }
        words
    }
}

/// Runs one; what keeps it from being run for another reason than the design ends the suite.
fn one(program: &Path, words: &[String], stop: &AtomicBool) -> Result<Verdict, CliError> {
    let out = Command::new(program)
        .args(words)
        .args(["--no-files", "--no-rerun", "--json"])
        .stdin(Stdio::null())
        .output()
        .map_err(CliError::file("run", program))?;
    let (stdout, stderr) = (
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    let code = out.status.code();
    let said = stderr.trim().trim_start_matches("error: ").to_owned();
    if code == Some(CliError::UNABLE.into()) {
        let why = if said.is_empty() {
            Record::of_run(0, code, &stdout, &stderr).why
        } else {
            said
        };
        return Ok(Verdict::Skip { why });
    }
    if code == Some(CliError::CODE.into()) && !stop.load(Ordering::SeqCst) {
        stop.store(true, Ordering::SeqCst);
        return Err(CliError::Usage(format!("{}: {said}", command_line(words))));
    }
    let record = Record::of_run(0, code, &stdout, &stderr);
    Ok(if record.passed {
        let mut met = Box::<Coverage>::default();
        let summary = serde_json::from_str(&stdout).map_err(CoverageError::from)?;
        coverage::add_summary(&mut met, &summary)?;
        Verdict::Pass {
            cycles: record.cycles,
            met,
        }
    } else {
        Verdict::Fail {
            bucket: record.bucket.as_ref().map_or_else(String::new, Bucket::to_string),
            why: record.why,
            cycles: record.cycles,
        }
    })
}

fn command_line(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|w| failure::quote(w)).collect();
    format!("ringside {}", words.join(" "))
}

fn line(file: &Path, verdict: &Verdict, words: &[String], paint: Paint) -> String {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let short = |why: &str| why.chars().take(SHOWN).collect::<String>();
    match verdict {
        Verdict::Pass { cycles, .. } => {
            format!("  {}   {name}: {} cycles", paint.good("PASS"), grouped(*cycles))
        }
        Verdict::Skip { why } => format!("  {}   {name}: {}", paint.dim("SKIP"), short(why)),
        Verdict::Fail { why, .. } => format!(
            "  {}   {name}: {}\n         repeat  {}",
            paint.bad("FAIL"),
            short(why),
            command_line(words)
        ),
    }
}
