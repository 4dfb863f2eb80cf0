//! What the host's tests share: a device under a host, and its events.
#![allow(dead_code, reason = "not every test file needs all of it")]

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use ringside::boundary::Boundary;
use ringside::host::config::HostConfig;
use ringside::host::{Host, Recorder};
use ringside_models::event::{Event, What};
use ringside_sim::{DutConfig, Mode, Model, Sim, SimError, SimHandle, SimOptions, build};

/// A device and its host, ready to run.
pub(crate) struct Run {
    events: Rc<RefCell<Vec<Event>>>,
    recorder: Recorder,
    sim: Sim,
    host: Host,
}

/// A design by its file below testbench/.
pub(crate) fn dut(file: &str, parameters: &[(&str, i64)]) -> DutConfig {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    parameters
        .iter()
        .fold(DutConfig::load(&path).unwrap(), |dut, (name, value)| {
            dut.with_parameter(name, *value)
        })
}

/// The design under a host of this configuration.
pub(crate) fn start(dut: &DutConfig, config: &HostConfig, seed: u64) -> Run {
    let built = build(dut, Mode::Fast, &|_| {}).unwrap();
    let model = Model::load(&built, seed).unwrap();
    let options = SimOptions {
        seed,
        max_cycles: 2_000_000,
        ..SimOptions::default()
    };
    let mut sim = Sim::new(model, dut, options).unwrap();
    let boundary = Boundary::resolve(|name| sim.port(name)).unwrap();
    let recorder = Recorder::new();
    let events: Rc<RefCell<Vec<Event>>> = Rc::default();
    let log = Rc::clone(&events);
    recorder.add_sink(Box::new(move |e| log.borrow_mut().push(e.clone())));
    let host = Host::install(&mut sim, &boundary, config, dut.clock_mhz, recorder.clone(), seed).unwrap();
    Run {
        events,
        recorder,
        sim,
        host,
    }
}

impl Run {
    /// Runs `test` to its end and returns the events.
    pub(crate) fn go(self, test: impl AsyncFnOnce(&Host, &SimHandle)) -> Vec<Event> {
        self.try_go(test).unwrap()
    }

    /// As `go`, with the simulator's error.
    pub(crate) fn try_go(self, test: impl AsyncFnOnce(&Host, &SimHandle)) -> Result<Vec<Event>, SimError> {
        let host = self.host.clone();
        self.sim
            .run(async move |sim: SimHandle| test(&host, &sim).await)?;
        let events = self.events.take();
        assert_eq!(events.len() as u64, self.recorder.count());
        assert!(events.is_sorted_by_key(|e| e.cycle), "cycles go back");
        Ok(events)
    }
}

/// What the pins did wrong.
pub(crate) fn pins(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .filter_map(|e| match &e.what {
            What::Pin { channel, problem } => Some(format!("{channel}: {problem}")),
            _ => None,
        })
        .collect()
}
