//! A device with a host before it, a wire behind it and readers at its side: what every run has, whoever drives it.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use ringside_models::event::{EndReason, Header, TRACE_VERSION, What};
use ringside_sim::digest::PortDigest;
use ringside_sim::{DutConfig, Mode, Model, Sim, SimError, SimOptions, SimOutcome};

use super::engine::{Ended, FrameCounts, RunOptions, RunResult, Uninitialised};
use super::error::RunError;
use super::observer::{ArtefactError, Observer, Pulse, Readers, SharedObserver};
use super::trace_file::TraceFile;
use super::view_file;
use super::wire_end::WireEnd;
use crate::boundary::Boundary;
use crate::driver::error::DriverError;
use crate::host::{Host, Recorder};
use crate::scenario::Scenario;
use crate::wire::record::Recording;

/// What stands round a device.
pub struct Bench {
    /// The trace's header.
    pub header: Header,
    /// Root complex, memory, link.
    pub host: Host,
    /// The far end of the frame streams.
    pub wire: Rc<WireEnd>,
    /// What moved, and what was found so far.
    pub pulse: Pulse,
    recorder: Recorder,
    observer: SharedObserver,
}

impl Bench {
    /// Builds and loads the model of `dut`, and puts host, wire and readers on it. `driver_stores`: the trace will have
    /// what the driver stores to memory ([`Header::driver_stores`]).
    ///
    /// # Errors
    /// [`RunError`]: something of the run's surroundings is not right.
    pub fn install(
        scenario: &Scenario,
        dut: &DutConfig,
        options: &RunOptions,
        driver_stores: bool,
        progress: &dyn Fn(&str),
    ) -> Result<(Sim, Bench), RunError> {
        let mode = match (&options.waves, &options.coverage) {
            (Some(_), _) => Mode::Trace,
            (None, Some(_)) => Mode::Cover,
            (None, None) => Mode::Fast,
        };
        let built = ringside_sim::build(dut, mode, progress)?;
        let seed = (options.uninitialised == Uninitialised::Random).then_some(scenario.seed);
        let model = Model::load_with(&built, seed)?;
        if let Some(window) = &options.waves {
            let marker = options.marker.map(|cycle| cycle.saturating_mul(dut.period_ps()));
            view_file::write(&window.path, &model.ports(), marker).map_err(|cause| RunError::ViewFile {
                path: view_file::beside(&window.path),
                cause,
            })?;
        }
        let sim_options = SimOptions {
            seed: scenario.seed,
            max_cycles: scenario.limits.max_cycles,
            wall_limit: (scenario.limits.wall_seconds > 0)
                .then(|| Duration::from_secs(scenario.limits.wall_seconds)),
            trace: options.waves.clone(),
            coverage: options.coverage.clone(),
            digest: options.digest,
            idle_limit_cycles: scenario.limits.idle_cycles,
            stop: options.stop.clone(),
            ..SimOptions::default()
        };
        let mut sim = Sim::new(model, dut, sim_options)?;
        let boundary = Boundary::resolve(|name| sim.port(name))?;
        let net = boundary.net.ok_or(RunError::NoFrames {
            dut: dut.name.clone(),
        })?;
        let header = Header {
            ringside_trace: TRACE_VERSION,
            dut: dut.name.clone(),
            device_type: 1,
            clock_mhz: dut.clock_mhz,
            data_width_bits: boundary.data_bits,
            link: scenario.host.link.event_link(),
            driver_stores,
            seed: scenario.seed,
            scenario: scenario.name.clone(),
            expect: scenario.expect.clone(),
            conditions: conditions(scenario, dut),
        };
        let recorder = Recorder::new();
        let observer = observe(&header, options, &recorder)?;
        let pulse = observer
            .borrow()
            .as_ref()
            .map(Observer::pulse)
            .unwrap_or_default();
        let host = Host::install(
            &mut sim,
            &boundary,
            &scenario.host,
            dut.clock_mhz,
            recorder.clone(),
            scenario.seed,
        )?;
        let wire = Rc::new(WireEnd::install(&mut sim, &net, scenario, &recorder));
        let bench = Bench {
            header,
            host,
            wire,
            pulse,
            recorder,
            observer,
        };
        Ok((sim, bench))
    }

    /// Ends the stream, asks the readers what they found, and puts together what is the same whoever drove the device. What only the driver
    /// knows (frames of its own, rings, descriptors, steps) is empty: add it.
    ///
    /// # Errors
    /// [`RunError`]: trace or capture could not be written.
    pub fn close(self, outcome: Outcome, mut complaints: Vec<String>) -> Result<RunResult, RunError> {
        let memory = self.host.memory().take_errors();
        complaints.extend(memory.iter().map(|e| format!("memory: {e}")));
        let reason = match outcome.ended {
            Ended::Complete => EndReason::Complete,
            Ended::Driver(_) | Ended::Sim(_) => EndReason::Truncated,
        };
        // Somebody ended it: its artefacts are not what their names say.
        let stopped = matches!(outcome.ended, Ended::Sim(SimError::Stopped { .. }));
        self.recorder.record(outcome.cycles, What::End { reason });
        let observer = self.observer.borrow_mut().take().ok_or(RunError::Readers)?;
        let findings = observer.finish(!stopped)?;
        let counts = self.wire.counts();
        Ok(RunResult {
            header: self.header,
            ended: outcome.ended,
            cycles: outcome.cycles,
            findings,
            complaints,
            rings: Vec::new(),
            frames: FrameCounts {
                wire_tx: counts.sent.get(),
                broken: counts.broken.get(),
                wire_rx: self.wire.taken(),
                dropped: self.wire.dropped(),
                ..FrameCounts::default()
            },
            descriptors: 0,
            first_violation: self.pulse.first_violation(),
            steps: Vec::new(),
            port_digest: outcome.port_digest,
            rtl_log: outcome.rtl_log,
        })
    }
}

/// How a simulation came to its end.
pub struct Outcome {
    /// Why.
    pub ended: Ended,
    cycles: u64,
    port_digest: Option<PortDigest>,
    rtl_log: Vec<String>,
}

impl Outcome {
    /// Of what the simulator says; also what the driver returned, if it could go on to its end.
    pub fn of<T>(said: Result<SimOutcome<Result<T, DriverError>>, SimError>) -> (Outcome, Option<T>) {
        let (ended, value, cycles, port_digest, rtl_log) = match said {
            Ok(o) => {
                let (ended, value) = match o.value {
                    Ok(value) => (Ended::Complete, Some(value)),
                    Err(e) => (Ended::Driver(e), None),
                };
                (ended, value, o.cycles, o.port_digest, o.rtl_log)
            }
            Err(e) => {
                let cycle = e.cycle();
                (Ended::Sim(e), None, cycle, None, Vec::new())
            }
        };
        let outcome = Outcome {
            ended,
            cycles,
            port_digest,
            rtl_log,
        };
        (outcome, value)
    }
}

fn observe(header: &Header, options: &RunOptions, recorder: &Recorder) -> Result<SharedObserver, RunError> {
    let trace =
        TraceFile::create(options.trace.as_deref(), options.digest, header).map_err(ArtefactError::from)?;
    let capture = options
        .capture
        .as_deref()
        .map(|path: &Path| Recording::create(path, header.clock_mhz))
        .transpose()
        .map_err(ArtefactError::from)?;
    let observer = Observer::new(
        header,
        Readers {
            judge: !options.unjudged,
            trace,
            capture,
        },
    );
    let shared: SharedObserver = Rc::new(RefCell::new(Some(observer)));
    let sink = Rc::clone(&shared);
    recorder.add_sink(Box::new(move |event| {
        if let Some(observer) = sink.borrow_mut().as_mut() {
            observer.event(event);
        }
    }));
    Ok(shared)
}

fn conditions(scenario: &Scenario, dut: &DutConfig) -> Vec<(String, String)> {
    let mut conditions = scenario.conditions();
    let source = match &scenario.traffic.pcap {
        // The name only: a trace is the same wherever the tree stands.
        Some(path) => path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default(),
        None => format!("generator, {}", scenario.traffic.generator.sizes),
    };
    conditions.insert(0, ("traffic".to_owned(), source));
    for (name, value) in &dut.parameters {
        conditions.push((format!("parameter {name}"), value.literal()));
    }
    conditions
}
