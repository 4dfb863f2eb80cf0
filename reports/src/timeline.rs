//! Quantities over time in a bounded number of bins: when a run outgrows them, neighbours merge and the bins double in width.

/// Most bins there are; after a merge half as many.
pub(crate) const MAX_BINS: usize = 160;

/// How two neighbouring bins become one.
pub(crate) trait Merge: Clone {
    /// The bin that follows this one when nothing happens in it (gauges keep their level).
    fn next(&self) -> Self;
    /// Takes in its right neighbour.
    fn merge(&mut self, right: &Self);
}

/// Bins of equal width from a first cycle on.
#[derive(Clone, Debug)]
pub(crate) struct Timeline<B> {
    /// First cycle of the first bin.
    pub(crate) start: u64,
    /// Width of a bin in cycles.
    pub(crate) width_cycles: u64,
    /// The bins.
    pub(crate) bins: Vec<B>,
}

impl<B: Merge + Default> Timeline<B> {
    pub(crate) fn new(start: u64, width_cycles: u64) -> Self {
        Timeline {
            start,
            width_cycles,
            bins: vec![B::default()],
        }
    }

    /// The bin of a cycle (the first one for cycles before the start).
    pub(crate) fn at(&mut self, cycle: u64) -> &mut B {
        let offset = cycle.saturating_sub(self.start);
        while offset / self.width_cycles >= MAX_BINS as u64 {
            self.halve();
        }
        let i = (offset / self.width_cycles) as usize;
        while self.bins.len() <= i {
            let next = self.bins.last().map(Merge::next).unwrap_or_default();
            self.bins.push(next);
        }
        &mut self.bins[i]
    }

    fn halve(&mut self) {
        self.width_cycles *= 2;
        let merged = self
            .bins
            .chunks(2)
            .map(|pair| {
                let mut bin = pair[0].clone();
                if let Some(right) = pair.get(1) {
                    bin.merge(right);
                }
                bin
            })
            .collect();
        self.bins = merged;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, Default, PartialEq)]
    struct Bin {
        sum: u64,
        level: u64,
    }

    impl Merge for Bin {
        fn next(&self) -> Self {
            Bin {
                sum: 0,
                level: self.level,
            }
        }
        fn merge(&mut self, right: &Self) {
            self.sum += right.sum;
            self.level = self.level.max(right.level);
        }
    }

    #[test]
    fn bins_merge_and_nothing_is_lost() {
        let mut t: Timeline<Bin> = Timeline::new(100, 4);
        for cycle in 100..100 + 4 * 1000 {
            t.at(cycle).sum += 1;
        }
        assert_eq!(t.width_cycles, 32);
        assert_eq!(t.bins.len(), 125); // 4000 cycles
        assert!(t.bins.iter().all(|b| b.sum == 32));
        assert_eq!(t.at(0).sum, 32); // before the start: the first bin
    }

    #[test]
    fn gauges_keep_their_level_over_gaps() {
        let mut t: Timeline<Bin> = Timeline::new(0, 10);
        t.at(5).level = 3;
        t.at(45).level = 1;
        assert_eq!(
            t.bins.iter().map(|b| b.level).collect::<Vec<_>>(),
            [3, 3, 3, 3, 1]
        );
    }
}
