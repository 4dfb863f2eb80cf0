//! How evenly queues were served: Jain's index, `(sum x)^2 / (n sum x^2)`: 1 when all got the same, 1/n when one got everything.
//!
//! Over a whole run the index says nothing, because in the end every queue has sent what it had. So shares are taken at the moment when the first
//! of the queues was through: until then all of them had something to do.

use std::collections::BTreeMap;

/// What one queue got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Frames, or chains where frames are not to be told apart.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What the queues of one direction got so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares {
    now: BTreeMap<u16, Share>,
    /// The shares of all queues when this one was last served, and how many services had been.
    then: BTreeMap<u16, (u64, Vec<(u16, Share)>)>,
    services: u64,
}

impl Shares {
    /// A queue was served.
    pub fn add(&mut self, queue: u16, packets: u64, bytes: u64) {
        let share = self.now.entry(queue).or_default();
        share.packets += packets;
        share.bytes += bytes;
        self.services += 1;
        let (at, shares) = self.then.entry(queue).or_default();
        *at = self.services;
        shares.clear();
        shares.extend(self.now.iter().map(|(q, s)| (*q, *s)));
    }

    /// A queue has something to do, and may never be served.
    pub fn waits(&mut self, queue: u16) {
        self.now.entry(queue).or_default();
    }

    /// Queues that had something to do.
    #[must_use]
    pub fn queues(&self) -> usize {
        self.now.len()
    }

    /// What each queue had got when the first of them was served for the last time.
    #[must_use]
    pub fn while_all_had_work(&self) -> BTreeMap<u16, Share> {
        let mut shares: BTreeMap<u16, Share> = self.now.keys().map(|q| (*q, Share::default())).collect();
        if let Some((_, then)) = self.then.values().min_by_key(|(at, _)| *at) {
            shares.extend(then.iter().copied());
        }
        shares
    }

    /// Jain's index of packets and of bytes, per mille; nothing with less than two queues.
    #[must_use]
    pub fn index_per_mille(&self) -> Option<(u64, u64)> {
        let shares = self.while_all_had_work();
        let packets: Vec<u64> = shares.values().map(|s| s.packets).collect();
        let bytes: Vec<u64> = shares.values().map(|s| s.bytes).collect();
        Some((jain_per_mille(&packets)?, jain_per_mille(&bytes)?))
    }
}

/// Jain's index per mille, rounded down; nothing with less than two shares, or where nobody got anything.
#[must_use]
pub fn jain_per_mille(shares: &[u64]) -> Option<u64> {
    let sum: u128 = shares.iter().map(|x| u128::from(*x)).sum();
    let squares: u128 = shares.iter().map(|x| u128::from(*x) * u128::from(*x)).sum();
    if shares.len() < 2 || sum == 0 {
        return None;
    }
    u64::try_from(1000 * sum * sum / (shares.len() as u128 * squares)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_goes_from_one_nth_to_one() {
        assert_eq!(jain_per_mille(&[7, 7, 7, 7]), Some(1000));
        assert_eq!(jain_per_mille(&[7, 0, 0, 0]), Some(250));
        assert_eq!(jain_per_mille(&[1, 2]), Some(900));
        assert_eq!(jain_per_mille(&[3]), None, "nobody to compare with");
        assert_eq!(jain_per_mille(&[0, 0]), None);
    }

    #[test]
    fn shares_are_those_of_the_time_when_all_had_work() {
        let mut even = Shares::default();
        let mut greedy = Shares::default();
        for _ in 0..10 {
            for queue in [1, 3] {
                even.add(queue, 1, 60);
            }
        }
        for queue in [1; 10].into_iter().chain([3; 10]) {
            greedy.add(queue, 1, 60);
        }
        assert_eq!(
            even.while_all_had_work()[&3].packets,
            9,
            "queue 1 was through before"
        );
        assert_eq!(even.index_per_mille(), Some((997, 997)));
        assert_eq!(greedy.queues(), 2);
        assert_eq!(greedy.while_all_had_work()[&3], Share::default());
        assert_eq!(greedy.index_per_mille(), Some((500, 500)));
        even.waits(5);
        let two_of_three = even.index_per_mille().map(|i| i.0);
        assert_eq!(two_of_three, Some(664), "one that waits and gets nothing counts");
    }
}
