//! The RTL's cycles on the guest's clock.

/// When a cycle is. While the device has nothing to do its clock may stand still, and the guest's go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Time {
    period_ps: u64,
    /// The cycle at which this guest's clock began.
    origin: u64,
    skipped_ns: u64,
}

impl Time {
    pub(super) fn new(period_ps: u64) -> Self {
        Time {
            period_ps,
            origin: 0,
            skipped_ns: 0,
        }
    }

    /// A guest's clock begins at this cycle, at 0.
    pub(super) fn begin(&mut self, cycle: u64) {
        (self.origin, self.skipped_ns) = (cycle, 0);
    }

    /// The guest's time at this cycle, in nanoseconds.
    pub(super) fn at(&self, cycle: u64) -> u64 {
        let run = u128::from(cycle.saturating_sub(self.origin)) * u128::from(self.period_ps) / 1000;
        u64::try_from(run)
            .unwrap_or(u64::MAX)
            .saturating_add(self.skipped_ns)
    }

    /// This cycle, which nothing distinguishes from those before and behind it, is at `ns` or later.
    pub(super) fn skip_to(&mut self, cycle: u64, ns: u64) {
        self.skipped_ns += ns.saturating_sub(self.at(cycle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_have_their_time_and_skips_only_go_forward() {
        let mut t = Time::new(3200);
        assert_eq!((t.at(0), t.at(5), t.at(6)), (0, 16, 19));
        t.skip_to(5, 1_000_000);
        assert_eq!((t.at(5), t.at(10)), (1_000_000, 1_000_016));
        t.skip_to(10, 500);
        assert_eq!(t.at(10), 1_000_016);
        assert_eq!(t.at(u64::MAX), u64::MAX);
        // The next guest's clock is its own.
        t.begin(100);
        assert_eq!((t.at(100), t.at(105), t.at(7)), (0, 16, 0));
    }
}
