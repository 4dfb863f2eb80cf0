//! Where every event of a run passes: one stream, in cycle order, to any number of readers.

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::rc::Rc;

use ringside_models::event::{Event, What};
use ringside_sim::SimHandle;

/// A reader of the stream.
pub type Sink = Box<dyn FnMut(&Event)>;

#[derive(Default)]
struct Shared {
    sim: OnceCell<SimHandle>,
    now: Cell<u64>,
    last: Cell<u64>,
    count: Cell<u64>,
    sinks: RefCell<Vec<Sink>>,
}

/// Handle to the stream; clones write to the same one. It also tells the time, so that what is not clocked can date its events.
#[derive(Clone, Default)]
pub struct Recorder(Rc<Shared>);

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("now", &self.now())
            .field("events", &self.0.count.get())
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// A stream without readers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reader. It sees the events from now on, and must not record any itself.
    pub fn add_sink(&self, sink: Sink) {
        self.0.sinks.borrow_mut().push(sink);
    }

    /// Is anybody reading? Callers ask before they build an expensive event.
    #[must_use]
    pub fn is_read(&self) -> bool {
        !self.0.sinks.borrow().is_empty()
    }

    /// Records what happened at `cycle`. The stream never goes back: an earlier cycle than the last is raised to it.
    pub fn record(&self, cycle: u64, what: What) {
        let cycle = cycle.max(self.0.last.get());
        self.0.last.set(cycle);
        self.0.count.set(self.0.count.get() + 1);
        let event = Event { cycle, what };
        for sink in self.0.sinks.borrow_mut().iter_mut() {
            sink(&event);
        }
    }

    /// As [`Recorder::record`], but builds the event only if somebody reads.
    pub fn record_with(&self, cycle: u64, what: impl FnOnce() -> What) {
        if self.is_read() {
            self.record(cycle, what());
        }
    }

    /// Records a remark at the present cycle.
    pub fn note(&self, text: impl Into<String>) {
        self.record(self.now(), What::Note { text: text.into() });
    }

    /// Takes the time from a simulation from now on. Only the first call counts.
    pub fn attach(&self, sim: SimHandle) {
        let _ = self.0.sim.set(sim);
    }

    /// The present cycle: the simulation's, or without one the last [set](Recorder::set_now).
    #[must_use]
    pub fn now(&self) -> u64 {
        self.0.sim.get().map_or_else(|| self.0.now.get(), SimHandle::now)
    }

    /// Sets the present cycle where no simulation is attached.
    pub fn set_now(&self, cycle: u64) {
        self.0.now.set(cycle);
    }

    /// Events recorded so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.count.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reader_sees_every_event_in_cycle_order() {
        let r = Recorder::new();
        let seen: Rc<RefCell<Vec<Event>>> = Rc::default();
        assert!(!r.is_read());
        r.record_with(3, || unreachable!("nobody reads"));
        for _ in 0..2 {
            let seen = Rc::clone(&seen);
            r.add_sink(Box::new(move |e| seen.borrow_mut().push(e.clone())));
        }
        r.set_now(9);
        r.clone().note("nine");
        r.record(7, What::LinkUp { up: true });
        let cycles: Vec<u64> = seen.borrow().iter().map(|e| e.cycle).collect();
        assert_eq!(cycles, [9, 9, 9, 9]);
        assert_eq!(r.count(), 2);
    }
}
