//! Puts model, host, driver, wire and readers together, runs the script, and says what came of it.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ringside_models::event::Header;
use ringside_sim::digest::PortDigest;
use ringside_sim::{DutConfig, ParamValue, SimError, TraceWindow};

use super::bench::{Bench, Outcome};
use super::error::RunError;
use super::observer::Findings;
use super::script::{Frames, Script};
use crate::driver::error::DriverError;
use crate::driver::net::NetDriver;
use crate::scenario::{Direction, Scenario};
use crate::wire::capture::{self, Limits};
use crate::workspace;

/// Frames that a generator makes when the scenario does not say.
const GENERATED_FRAMES: usize = 100;
/// Longest frame of a device that does not say.
const MAX_FRAME_BYTES: u32 = 9216;
/// MTU of a device that does not say.
const MTU: u32 = 9000;
/// What Ethernet adds to the MTU: header and one VLAN tag.
const ETHERNET_BYTES: u32 = 18;

/// What to do beside running.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Write the trace here.
    pub trace: Option<PathBuf>,
    /// Write the frames that leave the device here.
    pub capture: Option<PathBuf>,
    /// Do not judge. Only to measure what judging costs.
    pub unjudged: bool,
    /// Take digests of trace and ports.
    pub digest: bool,
    /// Leave the design's own assertions out of the model: the judge is to speak first.
    pub no_assert: bool,
    /// What the design does not initialise.
    pub uninitialised: Uninitialised,
    /// Waveforms of these cycles.
    pub waves: Option<TraceWindow>,
    /// The cycle at which the waveforms' state file has its marker.
    pub marker: Option<u64>,
    /// Line and user coverage, to this file.
    pub coverage: Option<PathBuf>,
    /// Set to true, it ends the run early; trace and capture then stay beside their places ([`crate::unfinished`]).
    pub stop: Option<Arc<AtomicBool>>,
}

/// How state begins that the design does not initialise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uninitialised {
    /// At random, from the scenario's seed: nothing may depend on it.
    #[default]
    Random,
    /// At zero: two designs that name their registers differently can be compared pin by pin.
    Zero,
}

/// Frames on each leg of their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct FrameCounts {
    /// Given to the device by the driver.
    pub sent: u64,
    /// Left the device whole.
    pub wire_tx: u64,
    /// Left the device marked as broken.
    pub broken: u64,
    /// Taken by the device from the wire.
    pub wire_rx: u64,
    /// Received by the driver.
    pub received: u64,
    /// Dropped by the device.
    pub dropped: u64,
    /// Lost with a queue that was reset.
    pub lost: u64,
    /// Of a capture, left out because they did not fit.
    pub skipped: u64,
}

/// How the run ended.
#[derive(Debug)]
pub enum Ended {
    /// Every step was done.
    Complete,
    /// The driver could not go on.
    Driver(DriverError),
    /// The simulation did not.
    Sim(SimError),
}

/// What came of a run.
pub struct RunResult {
    /// The trace's header.
    pub header: Header,
    /// How it ended.
    pub ended: Ended,
    /// Cycles simulated.
    pub cycles: u64,
    /// What the readers found.
    pub findings: Findings,
    /// What driver and script found wrong.
    pub complaints: Vec<String>,
    /// State of the rings, when the run did not end well.
    pub rings: Vec<String>,
    /// Frames.
    pub frames: FrameCounts,
    /// Descriptors that the driver wrote, in rings and indirect tables.
    pub descriptors: u64,
    /// First violation that was not expected.
    pub first_violation: Option<u64>,
    /// Steps that were begun: cycle, and the word that scenarios have for it.
    pub steps: Vec<(u64, String)>,
    /// Digest of all output ports, cycle by cycle.
    pub port_digest: Option<PortDigest>,
    /// What the design printed.
    pub rtl_log: Vec<String>,
}

impl RunResult {
    /// Did the run end as it should, with nothing but what was expected?
    #[must_use]
    pub fn passed(&self) -> bool {
        let expects = !self.header.expect.is_empty();
        let judged = self
            .findings
            .verdict
            .as_ref()
            .is_none_or(ringside_models::judge::Verdict::passed);
        // A scenario that provokes a violation may leave the driver with something to complain about.
        judged && matches!(self.ended, Ended::Complete) && (self.complaints.is_empty() || expects)
    }
}

/// Reads the device's description and applies the scenario's parameters.
///
/// # Errors
/// The description is not there or not right.
pub fn load_dut(scenario: &Scenario) -> Result<DutConfig, RunError> {
    let path = scenario
        .dut
        .clone()
        .unwrap_or_else(|| workspace::path("rtl/dut.toml"));
    let mut dut = DutConfig::load(&path)?;
    for (name, value) in &scenario.parameters {
        dut.parameters.insert(name.clone(), value.clone());
    }
    Ok(dut)
}

fn number(dut: &DutConfig, name: &str) -> Option<u32> {
    match dut.parameters.get(name).or_else(|| dut.fixed.get(name)) {
        Some(ParamValue::Int(n)) => u32::try_from(*n).ok(),
        _ => dut
            .meta
            .get(&name.to_lowercase())
            .and_then(toml::Value::as_integer)
            .and_then(|n| u32::try_from(n).ok()),
    }
}

/// Longest frame that the device takes, in bytes without FCS.
#[must_use]
pub fn max_frame_bytes(dut: &DutConfig) -> u32 {
    let own = number(dut, "MAX_FRAME_BYTES").unwrap_or(MAX_FRAME_BYTES);
    own.min(number(dut, "MTU").unwrap_or(MTU) + ETHERNET_BYTES)
}

/// Frames of the scenario; also how many of a capture were left out.
///
/// # Errors
/// The capture or the generator is not right.
pub fn load_frames(scenario: &Scenario, max_bytes: u32) -> Result<(Frames, u64), RunError> {
    let t = &scenario.traffic;
    let (mut skipped, mut frames) = (0, Frames::default());
    let mut load = |path: &str| -> Result<Vec<_>, RunError> {
        if let Some(file) = &t.pcap {
            let limit = (t.frames > 0).then_some(t.frames);
            let limits = Limits {
                max_bytes: max_bytes as usize,
                unfit: t.unfit,
                frames: limit,
            };
            let capture = capture::read(file, &limits)?;
            skipped = capture.skipped as u64;
            return Ok(capture.frames);
        }
        let count = if t.frames == 0 { GENERATED_FRAMES } else { t.frames };
        Ok(t.generator.frames(count, scenario.seed, path, max_bytes)?)
    };
    if t.direction != Direction::Rx {
        frames.tx = load("traffic/tx")?.into();
    }
    if matches!(t.direction, Direction::Rx | Direction::Both) {
        frames.rx = load("traffic/rx")?.into();
    }
    Ok((frames, skipped))
}

/// Runs a scenario. `progress` is told what takes long.
///
/// # Errors
/// [`RunError`]: something of the run's surroundings is not right. What the device does wrong is in the result.
pub fn run(
    scenario: &Scenario,
    options: &RunOptions,
    progress: &dyn Fn(&str),
) -> Result<RunResult, RunError> {
    scenario.check()?;
    let mut dut = load_dut(scenario)?;
    dut.no_assert |= options.no_assert;
    let max_frame = max_frame_bytes(&dut);
    let (frames, skipped) = load_frames(scenario, max_frame)?;
    let (sim, bench) = Bench::install(scenario, &dut, options, true, progress)?;
    let script = Rc::new(Script {
        sim: sim.handle(),
        host: bench.host.clone(),
        driver: NetDriver::new(&bench.host, &scenario.driver, max_frame, scenario.seed),
        wire: Rc::clone(&bench.wire),
        scenario: scenario.clone(),
        frames: RefCell::new(frames),
        pulse: bench.pulse.clone(),
        resets: Cell::new(0),
        mark: RefCell::default(),
        findings: RefCell::default(),
        begun: RefCell::default(),
    });
    let task = Rc::clone(&script);
    let (outcome, _) = Outcome::of(sim.run(async move |_| task.run().await));
    let mut complaints = script.driver.findings();
    complaints.extend(script.findings.borrow().iter().cloned());
    let backlogs = script.driver.backlogs();
    let result = bench.close(outcome, complaints)?;
    let well = matches!(result.ended, Ended::Complete) && result.complaints.is_empty();
    Ok(RunResult {
        rings: if well { Vec::new() } else { script.driver.state() },
        frames: FrameCounts {
            sent: backlogs.iter().map(|b| b.sent()).sum(),
            received: script.driver.inboxes().iter().map(|i| i.packets()).sum(),
            lost: backlogs.iter().map(|b| b.lost()).sum(),
            skipped,
            ..result.frames
        },
        descriptors: script.driver.descriptors(),
        steps: script.begun.take(),
        ..result
    })
}
