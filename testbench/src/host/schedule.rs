//! What is to happen at which cycle, in the order of cycles and, within one, of planning.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

#[derive(Debug)]
struct Timed<A> {
    cycle: u64,
    seq: u64,
    action: A,
}

impl<A> Ord for Timed<A> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.cycle, self.seq).cmp(&(other.cycle, other.seq))
    }
}
impl<A> PartialOrd for Timed<A> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<A> PartialEq for Timed<A> {
    fn eq(&self, other: &Self) -> bool {
        self.seq == other.seq
    }
}
impl<A> Eq for Timed<A> {}

/// Planned actions.
#[derive(Debug)]
pub(super) struct Schedule<A> {
    heap: BinaryHeap<Reverse<Timed<A>>>,
    seq: u64,
}

impl<A> Schedule<A> {
    pub(super) fn new() -> Self {
        Schedule {
            heap: BinaryHeap::new(),
            seq: 0,
        }
    }

    /// Plans `action` for `cycle`.
    pub(super) fn at(&mut self, cycle: u64, action: A) {
        self.seq += 1;
        self.heap.push(Reverse(Timed {
            cycle,
            seq: self.seq,
            action,
        }));
    }

    /// The next action that is due at `now`.
    pub(super) fn due(&mut self, now: u64) -> Option<A> {
        let Reverse(first) = self.heap.peek()?;
        if first.cycle > now {
            return None;
        }
        self.heap.pop().map(|Reverse(timed)| timed.action)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_come_by_cycle_then_by_plan() {
        let mut s = Schedule::new();
        for (cycle, name) in [(5, 'c'), (3, 'a'), (5, 'd'), (4, 'b'), (9, 'e')] {
            s.at(cycle, name);
        }
        assert_eq!(s.due(2), None);
        let due: String = std::iter::from_fn(|| s.due(5)).collect();
        assert_eq!(due, "abcd");
        assert!(!s.is_empty());
        assert_eq!(s.due(100), Some('e'));
        assert!(s.is_empty());
    }
}
