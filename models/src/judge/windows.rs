//! Values over time, coverage of byte ranges, and switches whose turning off must first be acknowledged.

use std::collections::VecDeque;

/// The values a word had, and since when each was visible.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// (first visible cycle, value), cycles never decreasing.
    values: VecDeque<(u64, u32)>,
}

const REMEMBERED: usize = 512;

impl History {
    pub(crate) fn push(&mut self, visible: u64, value: u32) {
        if self.values.back().is_some_and(|&(_, v)| v == value) {
            return;
        }
        let visible = self.values.back().map_or(visible, |&(c, _)| c.max(visible));
        self.values.push_back((visible, value));
        if self.values.len() > REMEMBERED {
            self.values.pop_front();
        }
    }

    /// Every value visible at some cycle of `from..=to`. 0 (as zeroed memory) if nothing was ever stored.
    pub(crate) fn during(&self, from: u64, to: u64) -> impl Iterator<Item = u32> {
        let first = self.values.partition_point(|&(c, _)| c <= from).saturating_sub(1);
        let zero = self.values.front().is_none_or(|&(c, _)| c > from).then_some(0);
        zero.into_iter().chain(
            self.values
                .range(first..)
                .take_while(move |&&(c, _)| c <= to)
                .map(|&(_, v)| v),
        )
    }

    /// The latest value, visible or not.
    pub(crate) fn latest(&self) -> u32 {
        self.values.back().map_or(0, |&(_, v)| v)
    }
}

/// Does publishing positions `old..new` pass slot `event`? (Specification: `vring_need_event`.)
pub(crate) fn crossed(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}

/// A set of byte offsets, kept as sorted disjoint ranges. In-order coverage is one range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    ranges: Vec<(u64, u64)>,
}

impl Coverage {
    /// Adds `start..end`; returns how many of its bytes are new.
    pub(crate) fn add(&mut self, start: u64, end: u64) -> u64 {
        if start >= end {
            return 0;
        }
        if let Some(last) = self.ranges.last_mut()
            && last.1 == start
        {
            last.1 = end; // the common case: the next bytes in order
            return end - start;
        }
        let lo = self.ranges.partition_point(|r| r.1 < start);
        let hi = self.ranges.partition_point(|r| r.0 <= end);
        let old: u64 = self.ranges[lo..hi]
            .iter()
            .map(|r| r.1.min(end).saturating_sub(r.0.max(start)))
            .sum();
        let merged = self.ranges[lo..hi]
            .iter()
            .fold((start, end), |m, r| (m.0.min(r.0), m.1.max(r.1)));
        self.ranges.splice(lo..hi, [merged]);
        end - start - old
    }

    /// Length of the gapless part that starts at 0.
    pub(crate) fn prefix(&self) -> u64 {
        self.ranges.first().filter(|r| r.0 == 0).map_or(0, |r| r.1)
    }

    /// Is `start..end` covered?
    pub(crate) fn contains(&self, start: u64, end: u64) -> bool {
        start >= end || self.ranges.iter().any(|r| r.0 <= start && end <= r.1)
    }
}

/// Something that a posted write of the host turns off: in force only once a later request of the host has been answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Switch {
    on: bool,
    off_since: u64,
    on_since: u64,
}

impl Switch {
    pub(crate) fn set(&mut self, on: bool, seq: u64) {
        if self.on && !on {
            self.off_since = seq;
        }
        if !self.on && on {
            self.on_since = seq;
        }
        self.on = on;
    }

    pub(crate) fn on(self) -> bool {
        self.on
    }

    /// On, and the device has shown that it knows.
    pub(crate) fn surely_on(self, acknowledged: u64) -> bool {
        self.on && acknowledged >= self.on_since
    }

    /// Off, and the device has shown that it knows: it answered a request that the host sent at or after the switching.
    pub(crate) fn surely_off(self, acknowledged: u64) -> bool {
        !self.on && acknowledged >= self.off_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_is_the_definition() {
        for old in [0u16, 5, 65530] {
            for n in 0..12u16 {
                for event in (0..40).map(|k| old.wrapping_sub(20).wrapping_add(k)) {
                    let brute = (0..n).any(|k| old.wrapping_add(k) == event);
                    assert_eq!(
                        crossed(event, old.wrapping_add(n), old),
                        brute,
                        "event {event} old {old} n {n}"
                    );
                }
            }
        }
    }

    #[test]
    fn history_gives_what_was_visible() {
        let mut h = History::default();
        let during = |h: &History, a, b| h.during(a, b).collect::<Vec<_>>();
        assert_eq!(during(&h, 0, 9), [0]);
        h.push(10, 1);
        h.push(20, 2);
        h.push(20, 3);
        assert_eq!(during(&h, 0, 9), [0]);
        assert_eq!(during(&h, 5, 10), [0, 1]);
        assert_eq!(during(&h, 10, 19), [1]);
        assert_eq!(during(&h, 12, 25), [1, 2, 3]);
        assert_eq!(during(&h, 30, 40), [3]);
        assert_eq!(h.latest(), 3);
    }

    #[test]
    fn coverage_merges() {
        let mut c = Coverage::default();
        assert_eq!(c.add(0, 4), 4);
        assert_eq!(c.add(4, 8), 4);
        assert_eq!((c.prefix(), c.contains(2, 8), c.contains(2, 9)), (8, true, false));
        assert_eq!(c.add(12, 16), 4);
        assert_eq!(c.add(6, 14), 4);
        assert_eq!(
            c,
            Coverage {
                ranges: vec![(0, 16)]
            }
        );
        assert_eq!(c.add(0, 16), 0);
    }

    #[test]
    fn a_switch_is_off_when_acknowledged() {
        let mut s = Switch::default();
        assert!(s.surely_off(0));
        s.set(true, 5);
        assert!(!s.surely_off(9));
        s.set(false, 10);
        assert!(!s.surely_off(9) && s.surely_off(10));
    }
}
