//! Exact distribution of a latency: how often each number of cycles occurred.
//!
//! Memory grows with the number of *different* values, not of samples.

use std::collections::BTreeMap;

/// Counts by value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Histogram {
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl Histogram {
    /// Counts a sample; is it the longest yet?
    pub(crate) fn add(&mut self, cycles: u64) -> bool {
        let longest = self.max().is_none_or(|max| cycles > max);
        *self.counts.entry(cycles).or_default() += 1;
        self.total += 1;
        longest
    }

    /// Samples.
    pub(crate) fn len(&self) -> u64 {
        self.total
    }

    pub(crate) fn min(&self) -> Option<u64> {
        self.counts.keys().next().copied()
    }

    pub(crate) fn max(&self) -> Option<u64> {
        self.counts.keys().next_back().copied()
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        let sum: u128 = self
            .counts
            .iter()
            .map(|(v, n)| u128::from(*v) * u128::from(*n))
            .sum();
        (self.total > 0).then(|| sum as f64 / self.total as f64)
    }

    /// The smallest value that at least `per_mille` thousandths of the samples do not exceed (nearest rank).
    pub(crate) fn percentile(&self, per_mille: u64) -> Option<u64> {
        let rank = (u128::from(self.total) * u128::from(per_mille))
            .div_ceil(1000)
            .max(1) as u64;
        let mut seen = 0;
        self.counts.iter().find_map(|(v, n)| {
            seen += n;
            (seen >= rank).then_some(*v)
        })
    }

    /// Steps of the cumulative distribution: value and share of samples that do not exceed it, thinned to about `limit` of them, the last kept.
    pub(crate) fn cumulative(&self, limit: usize) -> Vec<(u64, f64)> {
        let stride = self.counts.len().div_ceil(limit.max(1)).max(1);
        let last = self.counts.len().saturating_sub(1);
        let mut seen = 0;
        let mut steps = Vec::new();
        for (i, (v, n)) in self.counts.iter().enumerate() {
            seen += n;
            if i % stride == 0 || i == last {
                steps.push((*v, seen as f64 / self.total as f64));
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_nearest_rank() {
        let mut h = Histogram::default();
        assert_eq!((h.percentile(500), h.min(), h.mean()), (None, None, None));
        for v in [10, 20, 20, 30, 1000] {
            h.add(v);
        }
        // ranks: 50 % of 5 is 2.5, so the third; 90 % is 4.5, so the fifth
        assert_eq!(
            [0, 200, 500, 800, 900, 1000].map(|p| h.percentile(p).unwrap()),
            [10, 10, 20, 30, 1000, 1000]
        );
        assert_eq!((h.min(), h.max(), h.mean()), (Some(10), Some(1000), Some(216.0)));
        assert_eq!(h.cumulative(10), [(10, 0.2), (20, 0.6), (30, 0.8), (1000, 1.0)]);
        assert_eq!(h.cumulative(2), [(10, 0.2), (30, 0.8), (1000, 1.0)]);
    }
}
