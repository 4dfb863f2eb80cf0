//! The readers of a live run's event stream: judge, costs, trace file, capture of what left the device.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ringside_models::cost::Costs;
use ringside_models::event::{Event, Header, What};
use ringside_models::judge::{Judge, Verdict};
use ringside_models::rules::Scope;

use super::trace_file::{TraceFile, TraceFileError};
use crate::wire::record::{RecordError, Recording};

/// What an [`Observer`] is to do beside counting.
pub struct Readers {
    /// Judge every event. Off only to measure what it costs.
    pub judge: bool,
    /// The trace, written or digested.
    pub trace: TraceFile,
    /// Frames that left the device.
    pub capture: Option<Recording>,
}

/// Shared counters that the run looks at while it goes.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Rc<PulseCells>);

#[derive(Debug, Default)]
struct PulseCells {
    activity: Cell<u64>,
    device_violations: Cell<u64>,
    first_violation: Cell<Option<u64>>,
}

impl Pulse {
    /// Packets and frames so far: what must stand still for a run to be quiet.
    #[must_use]
    pub fn activity(&self) -> u64 {
        self.0.activity.get()
    }

    /// Violations so far.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.0.device_violations.get()
    }

    /// Cycle of the first violation that the scenario does not provoke.
    #[must_use]
    pub fn first_violation(&self) -> Option<u64> {
        self.0.first_violation.get()
    }
}

/// What the readers found.
pub struct Findings {
    /// The judgement; absent when nobody judged.
    pub verdict: Option<Verdict>,
    /// What the run cost on PCIe.
    pub costs: Costs,
    /// Events seen.
    pub events: u64,
    /// Digest of the trace, if asked for.
    pub digest: Option<String>,
    /// Frames written to the capture.
    pub captured: u64,
}

/// An artefact could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// The trace.
    #[error(transparent)]
    Trace(#[from] TraceFileError),
    /// The capture.
    #[error(transparent)]
    Capture(#[from] RecordError),
}

/// All readers in one.
pub struct Observer {
    judge: Option<Judge>,
    costs: Costs,
    readers: Readers,
    expect: Vec<String>,
    pulse: Pulse,
    events: u64,
    capture_failed: Option<RecordError>,
}

impl Observer {
    /// Readers of a run with this header.
    #[must_use]
    pub fn new(header: &Header, readers: Readers) -> Self {
        Observer {
            judge: readers.judge.then(|| Judge::new(header)),
            costs: Costs::new(),
            readers,
            expect: header.expect.clone(),
            pulse: Pulse::default(),
            events: 0,
            capture_failed: None,
        }
    }

    /// The counters.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Takes one event.
    pub fn event(&mut self, event: &Event) {
        self.events += 1;
        self.readers.trace.event(event);
        let cells = &self.pulse.0;
        if matches!(
            event.what,
            What::Tlp { .. } | What::WireTx { .. } | What::WireRx { .. } | What::WireDrop { .. }
        ) {
            cells.activity.set(cells.activity.get() + 1);
        }
        if let (
            What::WireTx {
                error: false, data, ..
            },
            Some(capture),
            None,
        ) = (&event.what, &mut self.readers.capture, &self.capture_failed)
        {
            self.capture_failed = capture.frame(event.cycle, data).err();
        }
        let Some(judge) = &mut self.judge else { return };
        let observation = judge.observe(event);
        self.costs.observe(event, observation.cause.as_ref());
        let binding = observation
            .violations
            .iter()
            .filter(|v| v.scope() != Scope::Advice);
        for violation in binding {
            cells.device_violations.set(cells.device_violations.get() + 1);
            if cells.first_violation.get().is_none() && !self.expect.iter().any(|e| e == violation.rule) {
                cells.first_violation.set(Some(violation.cycle));
            }
        }
    }

    /// Ends all readers. `whole`: the run was not stopped, so its artefacts are what their names say.
    ///
    /// # Errors
    /// [`ArtefactError`] when something could not be written, now or earlier.
    pub fn finish(self, whole: bool) -> Result<Findings, ArtefactError> {
        if let Some(failed) = self.capture_failed {
            return Err(failed.into());
        }
        let digest = self.readers.trace.finish(whole)?;
        let captured = self
            .readers
            .capture
            .map(|capture| capture.finish(whole))
            .transpose()?
            .unwrap_or(0);
        Ok(Findings {
            verdict: self.judge.map(Judge::finish),
            costs: self.costs,
            events: self.events,
            digest,
            captured,
        })
    }
}

/// An observer that a sink of the event stream can hold while the run keeps it too.
pub type SharedObserver = Rc<RefCell<Option<Observer>>>;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use ringside_models::event::{EndReason, Link, TRACE_VERSION};

    pub(crate) fn header() -> Header {
        Header {
            ringside_trace: TRACE_VERSION,
            dut: "test".into(),
            device_type: 1,
            clock_mhz: 250.0,
            data_width_bits: 512,
            link: Link {
                generation: 3,
                lanes: 8,
                mps_bytes: 256,
                mrrs_bytes: 512,
                rcb_bytes: 64,
            },
            driver_stores: true,
            seed: 1,
            scenario: "test".into(),
            expect: vec![],
            conditions: vec![],
        }
    }

    #[test]
    fn frames_out_are_captured_and_counted_and_broken_ones_are_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let capture = Recording::create(&dir.path().join("out.pcap"), 250.0).unwrap();
        let trace = TraceFile::create(None, false, &header()).unwrap();
        let mut o = Observer::new(
            &header(),
            Readers {
                judge: true,
                trace,
                capture: Some(capture),
            },
        );
        let pulse = o.pulse();
        for (cycle, error) in [(10, false), (20, true)] {
            o.event(&Event {
                cycle,
                what: What::WireTx {
                    queue: 0,
                    error,
                    data: vec![1; 60],
                },
            });
        }
        assert_eq!(pulse.activity(), 2);
        o.event(&Event {
            cycle: 30,
            what: What::End {
                reason: EndReason::Truncated,
            },
        });
        let found = o.finish(true).unwrap();
        assert_eq!((found.captured, found.events), (1, 3));
        assert!(found.verdict.is_some());
    }
}
