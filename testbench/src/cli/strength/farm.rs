//! Processes that run mutants, several at a time. What one does to its process does nothing to the others.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::design::{Design, digest};
use super::plan::{Orders, Plan, Step, name, write};
use super::state::{End, Record, State};
use super::worker::Ran;
use crate::cli::CliError;
use crate::cli::paint::{Progress, count};

/// How long a process may say nothing: longer than a scenario's own limit.
const SILENCE: Duration = Duration::from_mins(5);
/// How often it is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(300);

/// Scenarios in which the mutated design, without a mutant, is compared with the original.
const COMPARED: usize = 6;

/// The farm.
pub(super) struct Farm<'a> {
    /// The design with its mutants.
    pub(super) design: &'a Design,
    /// Digest of the program that drives and judges.
    pub(super) harness: String,
    program: PathBuf,
    jobs: u64,
    stop: &'a AtomicBool,
    progress: &'a Progress,
}

/// What a process said, and why it said no more if it should have.
type Said = (Vec<Ran>, Option<String>);

impl<'a> Farm<'a> {
    pub(super) fn new(
        design: &'a Design,
        jobs: u64,
        stop: &'a AtomicBool,
        progress: &'a Progress,
    ) -> Result<Self, CliError> {
        let program = std::env::current_exe().map_err(CliError::file("find", "the ringside command"))?;
        let bytes = std::fs::read(&program).map_err(CliError::file("read", &program))?;
        Ok(Farm {
            design,
            harness: digest([bytes]),
            program,
            jobs,
            stop,
            progress,
        })
    }

    /// Runs scenarios on the unmutated device: how they go. `None`: a signal ended it.
    ///
    /// # Errors
    /// One does not pass.
    pub(super) fn unmutated(&self, orders: &Orders) -> Result<Option<Vec<Step>>, CliError> {
        self.progress.say("the scenarios on the unmutated device");
        let jobs = usize::try_from(self.jobs)
            .unwrap_or(usize::MAX)
            .min(orders.steps.len());
        let process = std::process::id();
        let path = |job: usize| self.design.folder.join(format!("unmutated.{process}.{job}.json"));
        for job in 0..jobs {
            let part = Orders {
                dut: orders.dut.clone(),
                steps: orders.steps.iter().skip(job).step_by(jobs).cloned().collect(),
            };
            write(&path(job), &part)?;
        }
        let said = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..jobs)
                .map(|job| scope.spawn(move || self.mutant(&path(job), 0, 0)))
                .collect();
            let join = |t: std::thread::ScopedJoinHandle<'_, _>| {
                t.join().unwrap_or_else(|p| std::panic::resume_unwind(p))
            };
            threads
                .into_iter()
                .map(join)
                .collect::<Result<Vec<Said>, CliError>>()
        })?;
        for job in 0..jobs {
            let _ = std::fs::remove_file(path(job));
        }
        if self.stop.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let ended = said.iter().find_map(|(_, end)| end.clone());
        let ran: Vec<Ran> = said.into_iter().flat_map(|(ran, _)| ran).collect();
        if let Some(bad) = ran.iter().find(|r| r.why.is_some()) {
            let why = bad.why.as_deref().unwrap_or_default();
            return Err(CliError::Usage(format!(
                "{} does not pass on the unmutated device: {why}",
                bad.scenario
            )));
        }
        let steps = orders.steps.iter().map(|step| {
            let ran = ran
                .iter()
                .find(|r| r.scenario == name(&step.scenario))
                .ok_or_else(|| {
                    let why = ended.as_deref().unwrap_or("nothing was said of it");
                    CliError::Usage(format!("{} on the unmutated device: {why}", name(&step.scenario)))
                })?;
            Ok(Step {
                scenario: step.scenario.clone(),
                cycles: ran.cycles,
                digest: ran.digest.clone(),
            })
        });
        steps.collect::<Result<Vec<_>, CliError>>().map(Some)
    }

    /// With no mutant in force, is the mutated design cycle by cycle and pin by pin the one that it was made from? A few of the scenarios have to say so. False: a
    /// signal ended it.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn is_as_the_original(&self, steps: &[Step]) -> Result<bool, CliError> {
        for step in steps.iter().step_by(steps.len().div_ceil(COMPARED)) {
            self.progress.say(&format!(
                "in lock-step with the original: {}",
                name(&step.scenario)
            ));
            let done = Command::new(&self.program)
                .args(["run", "--no-files", "--no-rerun", "--json", "--scenario"])
                .arg(&step.scenario)
                .arg("--dut")
                .arg(&self.design.dut)
                .arg("--same-as")
                .arg(&self.design.original)
                .stdin(Stdio::null())
                .output()
                .map_err(CliError::file("run", &self.program))?;
            if self.stop.load(Ordering::SeqCst) {
                return Ok(false);
            }
            if !done.status.success() {
                let said = [done.stderr, done.stdout].concat();
                let said: String = String::from_utf8_lossy(&said).chars().take(2000).collect();
                return Err(CliError::Usage(format!(
                    "with no mutant in force {} is not as {} in {}: {said}",
                    self.design.dut.display(),
                    self.design.original.display(),
                    name(&step.scenario)
                )));
            }
        }
        Ok(true)
    }

    /// Runs the mutants that the state does not know yet.
    ///
    /// # Errors
    /// What has nothing to do with a mutant.
    pub(super) fn run(&self, plan: &Plan, chosen: &[usize], state: &mut State) -> Result<(), CliError> {
        let todo: Vec<usize> = chosen.iter().copied().filter(|n| !state.knows(*n)).collect();
        let (done, next) = (chosen.len() - todo.len(), AtomicUsize::new(0));
        let began = self.progress.elapsed();
        let state = Mutex::new(state);
        let worker = || -> Result<(), CliError> {
            while let Some(number) = todo.get(next.fetch_add(1, Ordering::SeqCst)) {
                let (from, seen) = held(&state).begun(*number);
                let said = self.mutant(&plan.path, *number, from)?;
                if self.stop.load(Ordering::SeqCst) {
                    break;
                }
                let mut state = held(&state);
                state.add(record(*number, said, plan, from, seen))?;
                let fresh = state.count(chosen) - done;
                let took = self.progress.elapsed().saturating_sub(began).as_millis();
                let left = took * (todo.len() - fresh) as u128 / fresh.max(1) as u128;
                self.progress.say(&format!(
                    "{} of {}, {} survive, about {} min left",
                    done + fresh,
                    count(chosen.len() as u64, "mutant"),
                    state.survivors(chosen),
                    left.div_ceil(60_000)
                ));
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.jobs.min(todo.len() as u64))
                .map(|_| scope.spawn(worker))
                .collect();
            threads
                .into_iter()
                .map(|t| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p)))
                // One that failed does not keep the others from being waited for.
                .collect::<Vec<_>>()
                .into_iter()
                .collect()
        })
    }

    /// Runs one mutant in a process of its own, from one step of the plan on.
    ///
    /// # Errors
    /// The process cannot be started, or says that it could not do its work.
    pub(super) fn mutant(&self, plan: &Path, number: usize, from: usize) -> Result<Said, CliError> {
        let fail = || CliError::file("run", &self.program);
        let mut child = Command::new(&self.program)
            .args(["strength", "--worker"])
            .arg(plan)
            .args(["--mutant", &number.to_string(), "--from", &from.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(fail())?;
        let (lines, errors) = (read_lines(child.stdout.take()), read_all(child.stderr.take()));
        let (ran, silent) = self.listen(&lines, &mut child);
        let status = child.wait().map_err(fail())?;
        let errors = errors.join().unwrap_or_default();
        if silent {
            return Ok((ran, Some(format!("no answer in {} s", SILENCE.as_secs()))));
        }
        if self.stop.load(Ordering::SeqCst) || status.success() {
            return Ok((ran, None));
        }
        let said = errors.lines().find(|l| !l.trim().is_empty()).unwrap_or_default();
        match status.code() {
            // What is wrong with plan, sources or disk is wrong with every mutant.
            Some(code) if code == i32::from(CliError::CODE) => Err(CliError::Usage(format!(
                "mutant {number}: {}",
                said.trim_start_matches("error: ")
            ))),
            Some(code) => Ok((ran, Some(format!("exit code {code}: {said}")))),
            None => Ok((ran, Some("ended by a signal".to_owned()))),
        }
    }

    /// What the process says, and whether it was silent for too long.
    fn listen(&self, lines: &Receiver<String>, child: &mut Child) -> (Vec<Ran>, bool) {
        let (mut ran, mut silence) = (Vec::new(), Duration::ZERO);
        loop {
            match lines.recv_timeout(LOOK) {
                Ok(line) => {
                    ran.extend(serde_json::from_str::<Ran>(&line));
                    silence = Duration::ZERO;
                }
                Err(RecvTimeoutError::Disconnected) => return (ran, false),
                Err(RecvTimeoutError::Timeout) => {
                    silence += LOOK;
                    let silent = silence > SILENCE;
                    if silent || self.stop.load(Ordering::SeqCst) {
                        let _ = child.kill();
                        return (ran, silent);
                    }
                }
            }
        }
    }
}

/// A lock that a thread which panicked does not take with it.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_lines(from: Option<ChildStdout>) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for line in from
            .map(BufReader::new)
            .into_iter()
            .flat_map(BufReader::lines)
            .map_while(Result::ok)
        {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}

fn read_all(from: Option<std::process::ChildStderr>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut from) = from {
            let _ = from.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// What the runs of a mutant amount to, from one step on, before which it was seen in these.
fn record(number: usize, (ran, broke): Said, plan: &Plan, from: usize, mut seen: Vec<String>) -> Record {
    let next = plan.orders.steps.get(from + ran.len()).map(|s| name(&s.scenario));
    let end = match (ran.last().and_then(|r| Some((r, r.why.clone()?))), broke, next) {
        (Some((last, why)), ..) => End::Killed {
            scenario: last.scenario.clone(),
            why,
            ours: last.ours,
        },
        (None, broke, Some(scenario)) => End::Killed {
            scenario,
            why: broke.unwrap_or_else(|| "a process that ended early".to_owned()),
            ours: true,
        },
        // What breaks when all is done is nothing that the mutant did.
        (None, _, None) => {
            let differs = |r: &&Ran| r.digest != plan.digest_of(&r.scenario);
            seen.extend(ran.iter().filter(differs).map(|r| r.scenario.clone()));
            End::Survived {
                steps: plan.orders.steps.len(),
                seen,
            }
        }
    };
    Record { mutant: number, end }
}
