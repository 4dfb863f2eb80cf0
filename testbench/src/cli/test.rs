//! `ringside test`: random legal scenarios with all stress on, until the driver has written so many descriptors.
//!
//! Every scenario is a process of its own, as many at a time as there are processors. A state file remembers what is done, so that the
//! command goes on where it was stopped; scenarios that failed are run again. A failure ends with the one command that repeats it, and of each kind
//! of failure the first is shrunk.

mod junit;
mod state;
mod suite;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::Args;
use ringside_sim::ParamValue;
use sha2::{Digest as _, Sha256};

use super::interrupt::Interrupt;
use super::out::outln;
use super::paint::{Paint, Progress, count};
use super::run_args::parse_parameter;
use super::{CliError, Outcome};
use crate::bucket::Bucket;
use crate::run::load_dut;
use crate::scenario::Scenario;
use crate::workspace;
pub(super) use state::Record;
use state::{Header, Smallest, State};
use suite::SuiteArgs;

/// Scenarios of one seed at most: their numbers are seed * this + 0, 1, 2 ...
const SCENARIOS: u64 = 1_000_000;
/// How often the terminal is told how far it is.
const TELL: Duration = Duration::from_millis(500);
/// Longest text of a failure that is shown, in characters.
const SHOWN: usize = 160;

/// `ringside test`
#[derive(Clone, Debug, Args)]
pub(super) struct TestArgs {
    /// Descriptors that the drivers of the scenarios are to write in all, split and packed
    #[arg(long, value_name = "DESCRIPTORS", value_parser = clap::value_parser!(u64).range(1..))]
    random: Option<u64>,
    #[command(flatten)]
    suite: SuiteArgs,
    /// Which random scenarios: those from a million times this on
    #[arg(long, value_name = "S", default_value_t = 1, requires = "random", value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    seed: u64,
    /// So many times the frames of a random scenario
    #[arg(long, value_name = "N", default_value_t = 20, requires = "random", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    stretch: u32,
    /// Scenarios at a time [default: processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: Option<u64>,
    /// What came of each scenario as JUnit XML, for CI: cycles, seconds, failures by their kind
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Where it is remembered what is done [default: reports/out/random-S.jsonl]
    #[arg(long, value_name = "FILE", requires = "random")]
    state: Option<PathBuf>,
    /// Parameter of the device's top module, e.g. BUG=3; may be repeated. The design's own assertions are then left out of the model
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "random", value_parser = parse_parameter)]
    set: Vec<(String, ParamValue)>,
    /// Runs at most to shrink the first failure of a kind; 0: it is not shrunk
    #[arg(long, value_name = "N", requires = "random", default_value_t = 150)]
    shrink_runs: u64,
    /// Seconds at most for that
    #[arg(long, value_name = "N", requires = "random", default_value_t = 180, value_parser = clap::value_parser!(u64).range(1..))]
    shrink_seconds: u64,
}

/// What the threads share.
struct Work<'a> {
    args: &'a TestArgs,
    descriptors: u64,
    program: PathBuf,
    state: Mutex<State>,
    children: Mutex<Vec<Child>>,
    next: AtomicU64,
    stop: &'a AtomicBool,
    paint: Paint,
    /// How long each scenario took that was run now, by its number.
    wall: Mutex<BTreeMap<u64, Duration>>,
}

pub(super) fn test(args: &TestArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    let jobs = args
        .jobs
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get() as u64));
    match args.random {
        Some(descriptors) => random(args, descriptors, jobs, interrupt),
        None => suite::suite(
            &args.suite,
            args.junit.as_deref(),
            usize::try_from(jobs).unwrap_or(usize::MAX),
            interrupt,
        ),
    }
}

fn random(args: &TestArgs, descriptors: u64, jobs: u64, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    let plain = Scenario {
        parameters: args.set.iter().cloned().collect(),
        ..Scenario::default()
    };
    let mut dut = load_dut(&plain)?;
    dut.no_assert = !args.set.is_empty();
    let progress = Progress::new();
    let built = ringside_sim::build(&dut, ringside_sim::Mode::Fast, &|text| progress.say(text))?;
    let path = args
        .state
        .clone()
        .unwrap_or_else(|| workspace::path("reports/out").join(format!("random-{}.jsonl", args.seed)));
    let program = std::env::current_exe().map_err(CliError::file("find", "the ringside command"))?;
    let header =
        Header::new(args.seed, args.stretch, &built.hash, &digest(&program)?).with(&device_words(args));
    let state = State::open(path, &header)?;
    let flag = interrupt.flag();
    let work = Work {
        args,
        descriptors,
        program,
        state: Mutex::new(state),
        children: Mutex::default(),
        next: AtomicU64::new(0),
        stop: &flag,
        paint: Paint::stdout(),
        wall: Mutex::default(),
    };
    let ran = Interrupt::during(|| run_all(&work, jobs, &progress));
    drop(progress);
    let state = held(&work.state);
    if let Some(path) = &args.junit {
        junit::write(path, "random", &cases(&state, &held(&work.wall), args))?;
    }
    ran?;
    outln!("{}", state.summary(descriptors, work.paint));
    Ok(if state.failures() > 0 {
        Outcome::Violations
    } else if flag.load(Ordering::SeqCst) {
        Outcome::Interrupted
    } else {
        Outcome::Pass
    })
}

/// Every scenario that the state knows, for JUnit.
fn cases(state: &State, wall: &BTreeMap<u64, Duration>, args: &TestArgs) -> Vec<junit::Case> {
    let case = |r: &Record| junit::Case {
        name: r.scenario.clone(),
        cycles: r.cycles,
        wall: wall.get(&r.seed).copied(),
        fate: if r.passed {
            junit::Fate::Passed
        } else {
            junit::Fate::Failed {
                bucket: r.bucket.as_ref().map_or_else(String::new, Bucket::to_string),
                why: r.why.clone(),
                repeat: format!("ringside {}", random_words(args, r.seed).join(" ")),
            }
        },
    };
    state.records().map(case).collect()
}

/// The command that runs a random scenario.
fn random_words(args: &TestArgs, seed: u64) -> Vec<String> {
    let mut words: Vec<String> = ["run", "--random"].map(str::to_owned).into();
    words.extend([seed.to_string(), "--stretch".to_owned(), args.stretch.to_string()]);
    words.extend(device_words(args));
    words
}

/// What every run is told of the device.
fn device_words(args: &TestArgs) -> Vec<String> {
    let set = args
        .set
        .iter()
        .flat_map(|(key, value)| ["--set".to_owned(), format!("{key}={value}")]);
    let bare = (!args.set.is_empty()).then(|| "--no-assert".to_owned());
    set.chain(bare).collect()
}

/// Digest of the program: what drives and judges.
pub(super) fn digest(program: &Path) -> Result<String, CliError> {
    let bytes = std::fs::read(program).map_err(CliError::file("read", program))?;
    Ok(Sha256::digest(&bytes)
        .iter()
        .take(16)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
}

/// A lock that a thread which panicked does not take with it: what it guards is whole after every step.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_all(work: &Work, jobs: u64, progress: &Progress) -> Result<(), CliError> {
    let before = held(&work.state).descriptors();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(|| worker(work))).collect();
        while threads.iter().any(|t| !t.is_finished()) {
            std::thread::sleep(TELL);
            if work.stop.load(Ordering::SeqCst) {
                // Whoever waits for them sees them end; what they did is done again the next time.
                for child in held(&work.children).iter_mut() {
                    let _ = child.kill();
                }
            }
            progress.say(&held(&work.state).progress(work.descriptors, before, progress.elapsed()));
        }
        threads
            .into_iter()
            .try_for_each(|t| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
    })
}

/// Runs one scenario after the other.
fn worker(work: &Work) -> Result<(), CliError> {
    while !work.stop.load(Ordering::SeqCst) && held(&work.state).descriptors() < work.descriptors {
        let number = work.next.fetch_add(1, Ordering::SeqCst);
        if number >= SCENARIOS {
            break;
        }
        let seed = work.args.seed * SCENARIOS + number;
        if held(&work.state).has_passed(seed) {
            continue;
        }
        let words = random_words(work.args, seed);
        let began = junit::Watch::start();
        let (code, stdout, stderr) = scenario(work, &words)?;
        if work.stop.load(Ordering::SeqCst) {
            break;
        }
        // What keeps one scenario from being run at all keeps them all: no finding of theirs.
        if matches!(code, Some(c) if c == i32::from(CliError::CODE) || c == i32::from(CliError::UNABLE)) {
            work.stop.store(true, Ordering::SeqCst);
            return Err(CliError::Usage(format!(
                "ringside {}: {}",
                words.join(" "),
                stderr.trim().trim_start_matches("error: ")
            )));
        }
        held(&work.wall).insert(seed, began.elapsed());
        let record = Record::of_run(seed, code, &stdout, &stderr);
        if !record.passed {
            let why: String = record.why.chars().take(SHOWN).collect();
            outln!(
                "  {}   {}: {why}\n         repeat  ringside {}",
                work.paint.bad("FAIL"),
                record.scenario,
                words.join(" ")
            );
        }
        let bucket = record.bucket.clone();
        held(&work.state).add(record)?;
        if let Some(bucket) = bucket {
            smallest(work, seed, &bucket)?;
        }
    }
    Ok(())
}

/// Shrinks the first failure of a kind.
fn smallest(work: &Work, seed: u64, bucket: &Bucket) -> Result<(), CliError> {
    let file = {
        let mut state = held(&work.state);
        if work.args.shrink_runs == 0 || !state.takes(bucket) {
            return Ok(());
        }
        state.smallest_folder().join(format!("{seed}.toml"))
    };
    outln!(
        "  {} {bucket}: at most {} runs",
        work.paint.dim("shrinking"),
        work.args.shrink_runs
    );
    let number = |n: u64| n.to_string();
    let mut words = vec![
        "shrink".to_owned(),
        "--random".to_owned(),
        number(seed),
        "--stretch".to_owned(),
        number(work.args.stretch.into()),
        "--runs".to_owned(),
        number(work.args.shrink_runs),
        "--seconds".to_owned(),
        number(work.args.shrink_seconds),
        "--out".to_owned(),
        file.to_string_lossy().into_owned(),
        "--json".to_owned(),
    ];
    words.extend(device_words(work.args));
    let (_, stdout, _) = child(work, &words)?;
    if let Some(found) = Smallest::of_shrinking(bucket, seed, &stdout) {
        outln!(
            "         {} {}, repeat  {}",
            count(found.steps, "step"),
            count(found.frames, "frame"),
            found.repeat
        );
        held(&work.state).add_smallest(found)?;
    }
    Ok(())
}

/// Runs a scenario without leaving anything behind.
fn scenario(work: &Work, words: &[String]) -> Result<(Option<i32>, String, String), CliError> {
    let quiet = ["--no-files", "--no-rerun", "--json"].map(str::to_owned);
    child(work, &[words, &quiet].concat())
}

/// Runs the command in a process of its own: exit code, what it says, what it complains of.
fn child(work: &Work, words: &[String]) -> Result<(Option<i32>, String, String), CliError> {
    let fail = || CliError::file("run", &work.program);
    let mut child = Command::new(&work.program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fail())?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let id = child.id();
    held(&work.children).push(child);
    // A run says little on its error stream: it never waits for us to read that first.
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let read = out.map_or(Ok(0), |mut o| o.read_to_string(&mut stdout));
    let complaints = err.map_or(Ok(0), |mut e| e.read_to_string(&mut stderr));
    let mut children = held(&work.children);
    let Some(at) = children.iter().position(|c| c.id() == id) else {
        return Ok((None, stdout, stderr));
    };
    let mut child = children.swap_remove(at);
    drop(children);
    let status = child.wait().map_err(fail())?;
    read.and(complaints).map_err(fail())?;
    Ok((status.code(), stdout, stderr))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: TestArgs,
    }

    #[test]
    fn numbers_are_read_with_care() {
        let read =
            |words: &[&str]| Line::try_parse_from(std::iter::once(&"test").chain(words)).map(|l| l.args);
        let args = read(&["--random", "500"]).unwrap();
        assert_eq!(
            (args.random, args.seed, args.stretch, args.jobs),
            (Some(500), 1, 20, None)
        );
        for wrong in [
            &["--random", "0"][..],
            &["--random", "5", "--jobs", "0"],
            &["--random", "5", "--stretch", "0"],
            &["--seed", "3"],
            &["--random", "5", "--dut", "a.toml"],
            &["--all", "one.toml"],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
