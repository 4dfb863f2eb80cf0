//! Tests as data. Every golden scenario, stress scenario, capture and planted bug is one test, run by the `ringside` command in a process of its own.
//!
//! Names: `golden/NAME` (the device does what was accepted), `rejudge/NAME` (the accepted trace gets the live verdict offline), `stress/NAME`
//! (the scenario passes), `coverage/NAME` (the same, of one that is there for what no other meets), `regression/NAME` (a scenario that failed once passes), `traffic/FILE` (a capture goes through), `random/SEED-RING` (a random legal scenario passes), `twice/NAME` (two runs, the second with waveforms, are the same), `bug/N-ID` (the
//! planted bug is caught by the rule named for it, which is silent without the bug).

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use ringside::coverage::{self, Closure, Holes};
use ringside_models::coverage::Coverage;
use serde::Deserialize;

/// Random scenarios that every run of the tests holds, each with split and with packed rings; `ringside test --random` runs as many more as one likes.
const RANDOM: std::ops::Range<u64> = 1..17;

/// In place of a rule: a step `progress` or `fairness` of the scenario finds fault.
const EXPECTATION: &str = "expectation";

/// The scenario that is run twice.
const TWICE: &str = "torn_reads";

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bugs {
    bug: Vec<Bug>,
}

/// A row of `golden/bugs.toml`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bug {
    /// Value of the parameter `BUG`.
    number: u32,
    /// Row of the catalogue of bugs that real devices have had.
    id: String,
    /// The bug in a few words.
    what: String,
    /// Scenario that provokes it.
    scenario: String,
    /// Rule that has to catch it; [`EXPECTATION`]: no rule knows what the host withholds, the scenario's own steps have to see it.
    rule: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn ringside(args: &[&str]) -> Result<Done, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringside"));
    command.args(args).current_dir(root()).env("NO_COLOR", "1");
    let out = command
        .output()
        .map_err(|e| Failed::from(format!("cannot start ringside: {e}")))?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Done {
        code: out.status.code(),
        stdout: text(out.stdout),
        stderr: text(out.stderr),
    })
}

/// What golden, stress and regression scenarios met of the coverage plan, and how many of them there were.
static MET: Mutex<(Option<Coverage>, usize)> = Mutex::new((None, 0));

/// It passes, and counts for coverage.
fn covers(args: &[&str]) -> Result<(), Failed> {
    let done = ringside(&[args, &["--json"]].concat())?;
    if done.code != Some(0) {
        // Once more, in words.
        passes(args)?;
        return Err(format!(
            "ringside {} failed, and passed when it was asked why",
            args.join(" ")
        )
        .into());
    }
    let summary = serde_json::from_str(&done.stdout).map_err(|e| e.to_string())?;
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    coverage::add_summary(met.0.get_or_insert_default(), &summary).map_err(|e| e.to_string())?;
    met.1 += 1;
    Ok(())
}

/// Is the plan met, by all of these scenarios, but for the holes that are explained? And does the page say so?
fn coverage_is_closed(scenarios: usize) -> Result<(), String> {
    let holes = Holes::load(&root().join("golden/coverage.toml")).map_err(|e| e.to_string())?;
    let page = coverage::page(&holes);
    let path = root().join("docs/coverage.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).map_err(|e| e.to_string())?;
    }
    if std::fs::read_to_string(&path).unwrap_or_default() != page {
        return Err("docs/coverage.md is not what plan and holes say: UPDATE=1 cargo test -p ringside --test scenarios".to_owned());
    }
    let met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    if met.1 < scenarios {
        return Ok(()); // some were filtered out, or failed
    }
    let closure = Closure::of(met.0.as_ref().unwrap_or(&Coverage::default()), &holes);
    if closure.is_closed() {
        return Ok(());
    }
    Err(format!(
        "{}\n  repeat  ringside test --all --coverage",
        closure.table()
    ))
}

fn passes(args: &[&str]) -> Result<(), Failed> {
    let done = ringside(args)?;
    if done.code == Some(0) {
        return Ok(());
    }
    Err(format!(
        "ringside {}\nexit code {:?}\n{}{}",
        args.join(" "),
        done.code,
        done.stdout,
        done.stderr
    )
    .into())
}

/// The summary of a run of this scenario with this bug.
fn summary(scenario: &str, bug: u32) -> Result<serde_json::Value, Failed> {
    let set = format!("BUG={bug}");
    let mut args = vec![
        "run",
        "--scenario",
        scenario,
        "--no-files",
        "--no-rerun",
        "--json",
    ];
    if bug != 0 {
        // The design's own assertions would stop the run before the judge has seen what it has to find.
        args.extend(["--set", &set, "--no-assert"]);
    }
    let done = ringside(&args)?;
    serde_json::from_str(&done.stdout)
        .map_err(|e| format!("ringside {}\n{e}: {}{}", args.join(" "), done.stdout, done.stderr).into())
}

/// How often a rule was decided and how often broken in a run of this scenario with this bug.
fn outcome(scenario: &str, bug: u32, rule: &str) -> Result<(u64, u64), Failed> {
    let summary = summary(scenario, bug)?;
    let rules = summary["verdict"]["rules"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let row = rules
        .iter()
        .find(|r| r["id"] == rule)
        .ok_or_else(|| format!("no rule {rule}"))?;
    let number = |key: &str| row[key].as_u64().unwrap_or_default();
    Ok((number("checked"), number("violated")))
}

/// The scenario passes without the bug; with it, it is its own steps that find fault.
fn disappoints(bug: &Bug, scenario: &str) -> Result<(), Failed> {
    if summary(scenario, 0)?["passed"] != true {
        return Err(format!("{} fails without the bug", bug.scenario).into());
    }
    let with = summary(scenario, bug.number)?;
    let complaints = with["complaints"].to_string();
    if complaints.contains("did not go on") || complaints.contains("Jain's index") {
        return Ok(());
    }
    Err(format!(
        "{} ({}): no step of the scenario found fault: {complaints}",
        bug.id, bug.what
    )
    .into())
}

fn caught(bug: &Bug) -> Result<(), Failed> {
    let scenario = scenario_path(&bug.scenario)?;
    if bug.rule == EXPECTATION {
        return disappoints(bug, &scenario);
    }
    let (checked, violated) = outcome(&scenario, 0, &bug.rule)?;
    if violated > 0 {
        return Err(format!("{} fires {violated} times without the bug", bug.rule).into());
    }
    let (with, found) = outcome(&scenario, bug.number, &bug.rule)?;
    if found == 0 {
        return Err(format!(
            "{} ({}): {} did not fire; it was decided {with} times with the bug, {checked} times without",
            bug.id, bug.what, bug.rule
        )
        .into());
    }
    Ok(())
}

/// The table, the design and its description know the same numbers.
fn numbers_agree(numbers: &[u32]) -> Result<(), Failed> {
    let last = numbers.len() as u32;
    if !numbers.iter().copied().eq(1..=last) {
        return Err(format!("golden/bugs.toml does not count from 1 without gaps: {numbers:?}").into());
    }
    let dut = ringside_sim::DutConfig::load(&root().join("rtl/dut.toml")).map_err(|e| e.to_string())?;
    let range = dut.runtime.get("BUG").map(|runtime| runtime.range);
    if range != Some([0, i64::from(last)]) {
        return Err(format!("rtl/dut.toml: [runtime.BUG] has range {range:?}, there are {last} bugs").into());
    }
    // What it admits it elaborates with; the next number it refuses.
    let mut beyond = dut.with_parameter("BUG", last + 1);
    beyond.runtime.clear();
    match ringside_sim::build(&beyond, ringside_sim::Mode::Fast, &|_| {}) {
        Err(error)
            if error
                .to_string()
                .contains(&format!("bugs have the numbers 1 to {last},")) =>
        {
            Ok(())
        }
        Err(error) => Err(format!("BUG = {}: {error}", last + 1).into()),
        Ok(_) => Err(format!(
            "BUG = {} elaborates: rtl/pkg/bug_pkg.sv knows more bugs than the table",
            last + 1
        )
        .into()),
    }
}

/// A scenario's file by its name, golden or stress.
fn scenario_path(name: &str) -> Result<String, Failed> {
    ["golden/scenarios", "golden/scenarios/stress"]
        .iter()
        .map(|folder| format!("{folder}/{name}.toml"))
        .find(|path| root().join(path).is_file())
        .ok_or_else(|| format!("no scenario {name}").into())
}

/// Names without extension of the files in a folder.
fn stems(folder: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let mut found: Vec<(String, String)> = entries
        .map(|e| e.expect("readable").path())
        .filter(|p| p.extension().is_some_and(|x| extensions.iter().any(|e| x == *e)))
        .map(|p| {
            let name = p.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let file = p.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (name, format!("{folder}/{file}"))
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let (mut trials, mut counted) = (Vec::new(), 0);
    for (name, _) in stems("golden/scenarios", &["toml"]) {
        counted += 1;
        let (golden, trace) = (name.clone(), format!("golden/traces/{name}.jsonl"));
        trials.push(Trial::test(format!("golden/{name}"), move || {
            passes(&["golden", "check", &golden])
        }));
        trials.push(Trial::test(format!("rejudge/{name}"), move || {
            covers(&["check", &trace])
        }));
    }
    for (name, file) in stems("golden/scenarios/stress", &["toml"]) {
        let twice = name == TWICE;
        let again = file.clone();
        counted += 1;
        trials.push(Trial::test(format!("stress/{name}"), move || {
            covers(&["run", "--scenario", &file, "--no-files", "--no-rerun"])
        }));
        if twice {
            trials.push(Trial::test(format!("twice/{name}"), move || {
                passes(&["run", "--scenario", &again, "--no-files", "--check-determinism"])
            }));
        }
    }
    for (name, file) in stems("golden/scenarios/coverage", &["toml"]) {
        counted += 1;
        trials.push(Trial::test(format!("coverage/{name}"), move || {
            covers(&["run", "--scenario", &file, "--no-files", "--no-rerun"])
        }));
    }
    for (name, file) in stems("golden/regressions", &["toml"]) {
        counted += 1;
        trials.push(Trial::test(format!("regression/{name}"), move || {
            covers(&["run", "--scenario", &file, "--no-files", "--no-rerun"])
        }));
    }
    for (name, file) in stems("golden/traffic", &["pcap", "pcapng"]) {
        trials.push(Trial::test(format!("traffic/{name}"), move || {
            passes(&[
                "run",
                "--pcap",
                &file,
                "--queues",
                "4",
                "--link",
                "gen3x8",
                "--no-files",
                "--no-rerun",
            ])
        }));
    }
    let table =
        std::fs::read_to_string(root().join("golden/bugs.toml")).expect("golden/bugs.toml is readable");
    let bugs: Bugs = toml::from_str(&table).expect("golden/bugs.toml is a table of bugs");
    let numbers: Vec<u32> = bugs.bug.iter().map(|bug| bug.number).collect();
    trials.push(Trial::test("bug/numbers", move || numbers_agree(&numbers)));
    for bug in bugs.bug {
        trials.push(Trial::test(format!("bug/{}-{}", bug.number, bug.id), move || {
            caught(&bug)
        }));
    }
    for (seed, ring) in RANDOM.flat_map(|s| [(s, "split"), (s, "packed")]) {
        trials.push(Trial::test(format!("random/{seed}-{ring}"), move || {
            let seed = seed.to_string();
            passes(&[
                "run",
                "--random",
                &seed,
                "--ring",
                ring,
                "--no-files",
                "--no-rerun",
            ])
        }));
    }
    let conclusion = libtest_mimic::run(&args, trials);
    if !args.list
        && let Err(why) = coverage_is_closed(counted)
    {
        eprintln!("coverage: {why}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
