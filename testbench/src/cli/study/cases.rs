//! The runs of a study: each a process of its own, as many at a time as there are processors, and kept under the hash of all that it depends on, so
//! that a study goes on where it stopped.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use ringside_reports::study::{Case, Definition, Results, Row, StudyError};
use ringside_sim::Mode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::super::failure;
use super::super::paint::{Progress, count};
use super::super::test::{Record, digest};
use super::{CliError, StudyArgs};
use crate::run::load_dut;
use crate::scenario::Scenario;
use crate::shrink::scenario::to_toml;
use crate::study::predict::{NAMES, Pins, predict};

/// Version of what is kept of a run.
const KEPT_VERSION: u32 = 1;
/// Tables of a report that are long and that no metric wants.
const LONG: [&str; 5] = ["throughput", "latency_cdf", "depth", "lines", "rules"];

/// A run that is to be done.
struct Planned {
    case: Case,
    name: String,
    scenario: Scenario,
    pins: Pins,
    /// The scenario as a file.
    text: String,
    /// Digest of all that the run depends on.
    key: String,
}

/// What is kept of a run.
#[derive(Serialize, Deserialize)]
struct Kept {
    passed: bool,
    why: String,
    report: Value,
}

/// What the runs of all studies share.
pub(super) struct Runner<'a> {
    args: &'a StudyArgs,
    /// Where runs are kept.
    folder: PathBuf,
    program: PathBuf,
    /// Digest of the program: a driver or a judge that changed makes other numbers.
    digest: String,
    /// Digest of a device's model, by its description and parameters.
    models: BTreeMap<String, String>,
}

impl<'a> Runner<'a> {
    pub(super) fn new(args: &'a StudyArgs, out: &Path) -> Result<Self, CliError> {
        let program = std::env::current_exe().map_err(CliError::file("find", "the ringside command"))?;
        Ok(Runner {
            args,
            folder: out.join("runs"),
            digest: if args.kept {
                String::new()
            } else {
                digest(&program)?
            },
            program,
            models: BTreeMap::new(),
        })
    }

    /// Runs what is not kept; the results, and how many runs there were in words.
    pub(super) fn run(
        &mut self,
        study: &Definition,
        file: &Path,
        stop: &AtomicBool,
    ) -> Result<(Results, String), CliError> {
        std::fs::create_dir_all(&self.folder).map_err(CliError::file("create", &self.folder))?;
        let progress = Progress::new();
        let planned = self.plan(study, file, &progress)?;
        let (next, fresh) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let done: Mutex<BTreeMap<usize, Row>> = Mutex::default();
        let unable: Mutex<Vec<String>> = Mutex::default();
        let runner = &*self;
        let worker = || -> Result<(), CliError> {
            loop {
                let n = next.fetch_add(1, Ordering::SeqCst);
                let Some(plan) = planned.get(n).filter(|_| !stop.load(Ordering::SeqCst)) else {
                    return Ok(());
                };
                match runner.kept(plan, stop, &fresh)? {
                    Ok(kept) => {
                        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                        done.insert(n, row(study, plan, &kept));
                        progress.say(&format!(
                            "{}: {} of {} runs",
                            study.name,
                            done.len(),
                            planned.len()
                        ));
                    }
                    Err(why) => unable
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(format!("{}: {why}", plan.name)),
                }
            }
        };
        let jobs = self.args.jobs.and_then(|n| usize::try_from(n).ok());
        let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..jobs.min(planned.len()))
                .map(|_| {
                    scope.spawn(|| {
                        let done = worker();
                        if done.is_err() {
                            stop.store(true, Ordering::SeqCst);
                        }
                        done
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|t| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
                .collect::<Result<Vec<()>, CliError>>()
        })?;
        let rows: Vec<Row> = done
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .into_values()
            .collect();
        let mut line = count(rows.len() as u64, "run");
        let old = rows.len().saturating_sub(fresh.into_inner());
        if old > 0 {
            let _ = write!(line, ", {old} kept from before");
        }
        let unable = unable.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = unable.first() {
            let _ = write!(line, ", {} not possible ({first})", unable.len());
        }
        let mut devices: Vec<String> = planned.iter().map(|p| self.device(p)).collect();
        devices.sort_unstable();
        devices.dedup();
        Ok((Results::new(study, devices, rows), line))
    }

    /// Name of the device, and the beginning of its model's digest.
    fn device(&self, plan: &Planned) -> String {
        let model = self
            .models
            .get(&device_key(&plan.scenario))
            .map_or("", String::as_str);
        let short: String = model.chars().take(12).collect();
        format!(
            "{} bit at {} MHz, model {short}",
            plan.pins.width_bits, plan.pins.clock_mhz
        )
    }

    /// Scenarios of all runs, their models built.
    fn plan(
        &mut self,
        study: &Definition,
        file: &Path,
        progress: &Progress,
    ) -> Result<Vec<Planned>, CliError> {
        let wrong = |cause: String| StudyError::Format {
            path: file.to_owned(),
            cause,
        };
        if let Some(name) = study.predict.iter().find(|p| !NAMES.contains(&p.as_str())) {
            return Err(wrong(format!(
                "nothing predicts {name:?}; there are {}",
                NAMES.join(", ")
            ))
            .into());
        }
        let base = file.parent().unwrap_or(Path::new(""));
        let mut planned = Vec::new();
        for case in study.cases().map_err(wrong)? {
            let name = case.name(study);
            let mut scenario: Scenario = toml::Value::Table(case.scenario.clone())
                .try_into()
                .map_err(|e| wrong(format!("run {name:?}: {e}")))?;
            scenario.name.clone_from(&study.name);
            for relative in [&mut scenario.dut, &mut scenario.traffic.pcap]
                .into_iter()
                .flatten()
            {
                *relative = base.join(&*relative);
            }
            scenario.dut = self.args.dut.clone().or(scenario.dut);
            scenario.parameters.extend(self.args.set.iter().cloned());
            // a file elsewhere says where these are
            for path in [&mut scenario.dut, &mut scenario.traffic.pcap]
                .into_iter()
                .flatten()
            {
                *path = std::path::absolute(&*path).map_err(CliError::file("find", &*path))?;
            }
            scenario.check()?;
            let mut dut = load_dut(&scenario)?;
            dut.no_assert = !self.args.set.is_empty();
            let device = device_key(&scenario);
            if !self.models.contains_key(&device) {
                let built = ringside_sim::build(&dut, Mode::Fast, &|text| progress.say(text))?;
                self.models.insert(device.clone(), built.hash);
            }
            let text = to_toml(&scenario).map_err(|e| wrong(format!("run {name:?}: {e}")))?;
            let width = dut.parameters.get("DATA_W").or_else(|| dut.fixed.get("DATA_W"));
            let width_bits = width.and_then(|w| w.to_string().parse().ok()).unwrap_or(512);
            let pins = Pins {
                width_bits,
                clock_mhz: dut.clock_mhz,
            };
            let parts = [
                &KEPT_VERSION.to_string(),
                &self.digest,
                &self.models[&device],
                &dut.clock_mhz.to_string(),
                &text,
            ];
            planned.push(Planned {
                case,
                name,
                pins,
                key: hex(&Sha256::digest(parts.map(String::as_str).join("\0"))),
                scenario,
                text,
            });
        }
        Ok(planned)
    }

    /// What is kept of a run, after running it if need be; or why the device cannot do it.
    fn kept(
        &self,
        plan: &Planned,
        stop: &AtomicBool,
        fresh: &AtomicUsize,
    ) -> Result<Result<Kept, String>, CliError> {
        let path = self.folder.join(&plan.key).with_extension("json");
        if let Ok(text) = std::fs::read_to_string(&path)
            && let Ok(kept) = serde_json::from_str(&text)
        {
            return Ok(Ok(kept));
        }
        let (scenario, files) = (path.with_extension("toml"), path.with_extension("files"));
        std::fs::write(&scenario, &plan.text).map_err(CliError::file("write", &scenario))?;
        let mut words = vec![
            "run".to_owned(),
            "--scenario".to_owned(),
            scenario.display().to_string(),
        ];
        words.extend((!self.args.set.is_empty()).then(|| "--no-assert".to_owned()));
        let out = Command::new(&self.program)
            .args(&words)
            .args(["--json", "--no-rerun", "--out"])
            .arg(&files)
            .stdin(Stdio::null())
            .output()
            .map_err(CliError::file("run", &self.program))?;
        let [stdout, stderr] = [&out.stdout, &out.stderr].map(|b| String::from_utf8_lossy(b));
        let said = stderr.trim().trim_start_matches("error: ").to_owned();
        let record = Record::of_run(0, out.status.code(), &stdout, &stderr);
        let stopped = stop.load(Ordering::SeqCst);
        match out.status.code().and_then(|c| u8::try_from(c).ok()) {
            Some(CliError::UNABLE) => return Ok(Err(if said.is_empty() { record.why } else { said })),
            Some(CliError::CODE) if !stopped => {
                let words: Vec<String> = words.iter().map(|w| failure::quote(w)).collect();
                return Err(CliError::Usage(format!(
                    "ringside {} ({}): {said}",
                    words.join(" "),
                    plan.name
                )));
            }
            _ => {}
        }
        let report = std::fs::read(files.join("report.json")).ok();
        let mut report: Value = report
            .and_then(|r| serde_json::from_slice(&r).ok())
            .unwrap_or_default();
        if let Some(tables) = report["tables"].as_object_mut() {
            tables.retain(|name, _| !LONG.contains(&name.as_str()));
        }
        let _ = std::fs::remove_dir_all(&files);
        let kept = Kept {
            passed: record.passed,
            why: record.why,
            report,
        };
        fresh.fetch_add(1, Ordering::SeqCst);
        // A run that failed is done again the next time, and its scenario stays.
        if kept.passed {
            let text = serde_json::to_string(&kept).map_err(|e| CliError::file("write", &path)(e.into()))?;
            let part = path.with_added_extension("part");
            std::fs::write(&part, text)
                .and_then(|()| std::fs::rename(&part, &path))
                .map_err(CliError::file("write", &path))?;
            let _ = std::fs::remove_file(&scenario);
        }
        Ok(Ok(kept))
    }
}

fn row(study: &Definition, plan: &Planned, kept: &Kept) -> Row {
    let values = study
        .metrics
        .iter()
        .filter_map(|m| Some((m.key.clone(), m.of(&kept.report, &plan.case.at)?)));
    let mut predicted = predict(&plan.scenario, plan.pins);
    predicted.retain(|name, _| study.predict.contains(name));
    Row {
        at: plan.case.at.clone(),
        passed: kept.passed,
        why: kept.why.clone(),
        values: values.collect(),
        predicted,
    }
}

/// What a model depends on, as far as a scenario says it.
fn device_key(s: &Scenario) -> String {
    format!("{:?} {:?}", s.dut, s.parameters)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
