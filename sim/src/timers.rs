//! Waits for a cycle: a heap keyed by cycle and order of registration.

use std::cell::{Cell, RefCell};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::rc::Rc;

use crate::kernel::Sleeper;

/// A timer's state, shared by the heap and the future that waits.
#[derive(Default)]
pub(crate) struct TimerState {
    fired: Cell<bool>,
    dropped: Cell<bool>,
}

struct Timer {
    cycle: u64,
    seq: u64,
    state: Rc<TimerState>,
    sleeper: Sleeper,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.cycle, self.seq).cmp(&(other.cycle, other.seq))
    }
}

/// All timers of a run.
#[derive(Default)]
pub(crate) struct Timers {
    heap: RefCell<BinaryHeap<Reverse<Timer>>>,
    /// Timers that somebody still waits for.
    live: Cell<usize>,
    seq: Cell<u64>,
}

impl Timers {
    pub(crate) fn add(&self, cycle: u64, sleeper: Sleeper) -> Rc<TimerState> {
        let seq = self.seq.get();
        self.seq.set(seq + 1);
        self.live.set(self.live.get() + 1);
        let state = Rc::new(TimerState::default());
        let mut heap = self.heap.borrow_mut();
        // Dropped timers (time-outs that were not needed) leave when they outnumber the rest.
        if heap.len() > 64 && heap.len() > 2 * self.live.get() {
            heap.retain(|Reverse(timer)| !timer.state.dropped.get());
        }
        heap.push(Reverse(Timer {
            cycle,
            seq,
            state: Rc::clone(&state),
            sleeper,
        }));
        state
    }

    /// The future of this timer is gone.
    pub(crate) fn forget(&self, state: &TimerState) {
        if !state.fired.get() && !state.dropped.replace(true) {
            self.live.set(self.live.get() - 1);
        }
    }

    /// The next timer that is due, earliest first.
    pub(crate) fn pop_due(&self, now: u64) -> Option<Sleeper> {
        let mut heap = self.heap.borrow_mut();
        while heap.peek().is_some_and(|Reverse(timer)| timer.cycle <= now) {
            let Some(Reverse(timer)) = heap.pop() else { break };
            if !timer.state.dropped.get() {
                timer.state.fired.set(true);
                self.live.set(self.live.get() - 1);
                return Some(timer.sleeper);
            }
        }
        None
    }

    /// True when somebody waits for a cycle.
    pub(crate) fn any(&self) -> bool {
        self.live.get() > 0
    }

    pub(crate) fn clear(&self) {
        let heap = std::mem::take(&mut *self.heap.borrow_mut());
        drop(heap);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn sleeper() -> Sleeper {
        Sleeper::Foreign(Waker::noop().clone())
    }

    #[test]
    fn dropped_timers_neither_fire_nor_pile_up() {
        let timers = Timers::default();
        for _ in 0..10_000 {
            let state = timers.add(1_000_000, sleeper());
            timers.forget(&state);
        }
        assert!(!timers.any());
        assert!(
            timers.heap.borrow().len() <= 130,
            "{}",
            timers.heap.borrow().len()
        );
        assert!(timers.pop_due(u64::MAX).is_none());
        timers.add(5, sleeper());
        assert!(timers.any() && timers.pop_due(4).is_none());
        assert!(timers.pop_due(5).is_some() && !timers.any());
    }
}
