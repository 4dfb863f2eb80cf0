//! `ringside shrink`: the smallest scenario found that still fails in the same way.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::Args;
use ringside_sim::{ParamValue, SimError};

use super::interrupt::Interrupt;
use super::out::outln;
use super::paint::{Paint, Progress, count};
use super::run_args::{RingArg, RunArgs, parse_parameter};
use super::{CliError, Outcome, failure};
use crate::bucket::Bucket;
use crate::driver::ring::Format;
use crate::run::{Ended, RunOptions, RunResult, run};
use crate::scenario::Scenario;
use crate::shrink::{Look, scenario as smaller};
use crate::workspace;

/// `ringside shrink`
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ShrinkArgs {
    /// The scenario that fails
    #[arg(value_name = "FILE", required_unless_present = "random")]
    file: Option<PathBuf>,
    /// The random scenario of this number
    #[arg(long, value_name = "SEED", conflicts_with = "file")]
    random: Option<u64>,
    /// So many times the frames of the random scenario
    #[arg(long, value_name = "N", requires = "random", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    stretch: Option<u32>,
    /// Format of the random scenario's rings
    #[arg(long, value_enum, requires = "random")]
    ring: Option<RingArg>,
    /// Parameter of the device's top module, e.g. BUG=3; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_parameter)]
    set: Vec<(String, ParamValue)>,
    /// Leave the design's own assertions out of the model, so that the judge speaks first
    #[arg(long)]
    no_assert: bool,
    /// Runs at most
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Seconds at most; what runs then is finished
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Where to write the smallest scenario [default: reports/out/NAME/smallest.toml]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Summary as JSON
    #[arg(long)]
    json: bool,
}

/// How many times the cycles of the failing run a candidate may take, and how many more.
const PATIENCE: (u64, u64) = (2, 400_000);

/// What every candidate is run with.
struct Trials<'a> {
    args: &'a ShrinkArgs,
    bucket: Bucket,
    /// Cycles after which a candidate is given up.
    cycles: u64,
    stop: Arc<AtomicBool>,
    /// Set when the time is over.
    late: Arc<AtomicBool>,
    progress: Progress,
    runs: u64,
    /// Why no more was tried, if there was more to try.
    cut: Option<&'static str>,
}

pub(super) fn shrink(args: &ShrinkArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    let source = RunArgs {
        scenario: args.file.clone(),
        random: args.random,
        stretch: args.stretch,
        ring: args.ring,
        set: args.set.clone(),
        ..RunArgs::default()
    };
    let scenario = source.scenario()?;
    Interrupt::during(|| shrink_scenario(args, &scenario, interrupt))
}

fn shrink_scenario(
    args: &ShrinkArgs,
    scenario: &Scenario,
    interrupt: &Interrupt,
) -> Result<Outcome, CliError> {
    let stop = interrupt.flag();
    let progress = Progress::new();
    progress.say("running the scenario as it is");
    let options = options(args, &stop);
    let first = run(scenario, &options, &|text| progress.say(text))?;
    if is_stopped(&first) {
        return Ok(Outcome::Interrupted);
    }
    let Some(bucket) = Bucket::of(&first, scenario) else {
        return Err(CliError::Usage(format!(
            "{} passes: there is nothing to shrink",
            scenario.name
        )));
    };
    let limit = matches!(
        first.ended,
        Ended::Sim(SimError::Limit { .. } | SimError::WallClock { .. })
    );
    let mut trials = Trials {
        args,
        bucket,
        cycles: if limit {
            scenario.limits.max_cycles
        } else {
            (first.cycles * PATIENCE.0 + PATIENCE.1).min(scenario.limits.max_cycles)
        },
        stop,
        late: alarm(args.seconds)?,
        progress,
        runs: 0,
        cut: None,
    };
    let odd = |e: serde_json::Error| CliError::Usage(format!("{} cannot be taken apart: {e}", scenario.name));
    let before = smaller::size(scenario).map_err(odd)?;
    let mut failed = None;
    let smallest = smaller::shrink(scenario, &mut |candidate| {
        trials.look(candidate).unwrap_or_else(|e| {
            failed = Some(e);
            Look::Stop
        })
    })
    .map_err(odd)?;
    if let Some(e) = failed {
        return Err(e);
    }
    let after = smaller::size(&smallest).map_err(odd)?;
    let path = args.out.clone().unwrap_or_else(|| {
        workspace::path("reports/out")
            .join(&scenario.name)
            .join("smallest.toml")
    });
    write(&path, &smallest, &trials)?;
    drop(trials.progress);
    tell(
        args,
        &trials.bucket,
        (trials.runs, trials.cut),
        (before, after),
        &smallest,
        &path,
    );
    Ok(if trials.stop.load(Ordering::SeqCst) {
        Outcome::Interrupted
    } else {
        Outcome::Violations
    })
}

/// A flag that is set in so many seconds. What is found before then depends on the scenario alone.
fn alarm(seconds: u64) -> Result<Arc<AtomicBool>, CliError> {
    let late = Arc::<AtomicBool>::default();
    let flag = Arc::clone(&late);
    std::thread::Builder::new()
        .name("alarm".into())
        .spawn(move || {
            std::thread::sleep(Duration::from_secs(seconds));
            flag.store(true, Ordering::SeqCst);
        })
        .map_err(CliError::file("start", "a clock"))?;
    Ok(late)
}

fn options(args: &ShrinkArgs, stop: &Arc<AtomicBool>) -> RunOptions {
    RunOptions {
        no_assert: args.no_assert,
        stop: Some(Arc::clone(stop)),
        ..RunOptions::default()
    }
}

fn is_stopped(result: &RunResult) -> bool {
    matches!(result.ended, Ended::Sim(SimError::Stopped { .. }))
}

impl Trials<'_> {
    /// Runs a candidate. What cannot be run at all is no failure of the kind that is looked for.
    fn look(&mut self, candidate: &Scenario) -> Result<Look, CliError> {
        self.cut = if self.stop.load(Ordering::SeqCst) {
            Some("a signal")
        } else if self.runs >= self.args.runs {
            Some("the number of runs")
        } else if self.late.load(Ordering::SeqCst) {
            Some("the time")
        } else {
            None
        };
        if self.cut.is_some() {
            return Ok(Look::Stop);
        }
        self.runs += 1;
        let size = smaller::size(candidate).unwrap_or_default();
        self.progress.say(&format!(
            "run {} of at most {}, {size} differences from the plainest scenario",
            self.runs, self.args.runs
        ));
        let mut limited = candidate.clone();
        limited.limits.max_cycles = self.cycles;
        let result = match run(&limited, &options(self.args, &self.stop), &|_| {}) {
            Ok(result) => result,
            Err(crate::run::RunError::Readers) => return Err(crate::run::RunError::Readers.into()),
            Err(_) => return Ok(Look::Other),
        };
        if is_stopped(&result) {
            self.cut = Some("a signal");
            return Ok(Look::Stop);
        }
        Ok(if self.bucket.shows_in(&result) {
            Look::Same
        } else {
            Look::Other
        })
    }
}

/// The command that shrinks this again.
fn origin(args: &ShrinkArgs) -> String {
    let mut words = vec!["ringside shrink".to_owned()];
    words.extend(args.file.iter().map(|f| failure::quote(&f.to_string_lossy())));
    if let Some(seed) = args.random {
        words.push(format!("--random {seed}"));
    }
    words.extend(args.stretch.map(|n| format!("--stretch {n}")));
    let ring = args.ring.as_ref().and_then(clap::ValueEnum::to_possible_value);
    words.extend(ring.map(|r| format!("--ring {}", r.get_name())));
    words.extend(args.set.iter().map(|(key, value)| format!("--set {key}={value}")));
    if args.no_assert {
        words.push("--no-assert".to_owned());
    }
    words.join(" ")
}

fn write(path: &Path, smallest: &Scenario, trials: &Trials) -> Result<(), CliError> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty());
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(CliError::file("create", folder))?;
    }
    let mut s = smallest.clone();
    for file in [&mut s.dut, &mut s.traffic.pcap].into_iter().flatten() {
        *file = seen_from(folder.unwrap_or(Path::new(".")), file);
    }
    let text = smaller::to_toml(&s).map_err(|e| CliError::file("write", path)(std::io::Error::other(e)))?;
    let text = format!("# {}\n# {}\n{text}", trials.bucket, origin(trials.args));
    std::fs::write(path, text).map_err(CliError::file("write", path))
}

/// A file's path from another folder: scenarios name files relative to themselves. As it is, if one of both is not there.
fn seen_from(folder: &Path, file: &Path) -> PathBuf {
    let (Ok(folder), Ok(whole)) = (folder.canonicalize(), file.canonicalize()) else {
        return file.to_owned();
    };
    let (from, to): (Vec<Component>, Vec<Component>) =
        (folder.components().collect(), whole.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - common);
    up.chain(to[common..].iter().copied()).collect()
}

fn tell(
    args: &ShrinkArgs,
    bucket: &Bucket,
    (runs, cut): (u64, Option<&str>),
    (before, after): (usize, usize),
    smallest: &Scenario,
    path: &Path,
) {
    let repeat = format!(
        "ringside run --scenario {}{}",
        failure::quote(&path.to_string_lossy()),
        if args.no_assert { " --no-assert" } else { "" }
    );
    if args.json {
        outln!(
            "{}",
            serde_json::json!({
                "bucket": bucket, "runs": runs, "cut_by": cut, "size_before": before, "size": after,
                "steps": smallest.phases.len(), "frames": smallest.traffic.frames, "file": path, "repeat": repeat,
            })
        );
        return;
    }
    let paint = Paint::stdout();
    let mut text = format!(
        "\n  {}  {bucket}\n  from {} to {after} after {}",
        paint.bad("SMALLEST"),
        count(before as u64, "difference"),
        count(runs, "run"),
    );
    if let Some(cut) = cut {
        let _ = write!(text, ", ended by {cut}: there may be smaller ones");
    }
    let _ = write!(
        text,
        "\n  {}, {}; rings {}\n\n  file    {}\n  repeat  {repeat}",
        count(smallest.phases.len() as u64, "step"),
        count(smallest.traffic.frames as u64, "frame"),
        if smallest.driver.ring == Format::Packed {
            "packed"
        } else {
            "split"
        },
        path.display(),
    );
    outln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_where_the_scenario_is() {
        let top = tempfile::tempdir().unwrap();
        for folder in ["a/b", "c"] {
            std::fs::create_dir_all(top.path().join(folder)).unwrap();
        }
        let file = top.path().join("c/x.pcap");
        std::fs::write(&file, "").unwrap();
        assert_eq!(
            seen_from(&top.path().join("a/b"), &file),
            Path::new("../../c/x.pcap")
        );
        assert_eq!(seen_from(&top.path().join("c"), &file), Path::new("x.pcap"));
        let missing = top.path().join("c/y.pcap");
        assert_eq!(seen_from(&top.path().join("c"), &missing), missing);
    }

    #[test]
    fn the_command_that_shrinks_again_is_whole() {
        let args = ShrinkArgs {
            random: Some(7),
            stretch: Some(3),
            ring: Some(RingArg::Packed),
            set: vec![("BUG".into(), ParamValue::Int(5))],
            no_assert: true,
            ..ShrinkArgs::default()
        };
        assert_eq!(
            origin(&args),
            "ringside shrink --random 7 --stretch 3 --ring packed --set BUG=5 --no-assert"
        );
    }
}
