//! One number for everything a design showed at its pins: two runs that should be the same are, if their digests are.

use std::ops::Range;

use crate::build::Direction;
use crate::model::Model;
use crate::port::Port;

/// Cycles between two checkpoints: a difference is found to within this many.
const CHECKPOINT_CYCLES: u64 = 1024;

/// The result: a rolling 64-bit FNV-1a over the output ports, sampled before every edge after reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortDigest {
    /// The digest of all cycles.
    pub value: u64,
    /// Cycles digested.
    pub cycles: u64,
    /// The digest after every 1024 cycles.
    pub checkpoints: Vec<u64>,
}

impl PortDigest {
    /// The digested cycles within which the first difference lies; `None` when the runs were the same.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<Range<u64>> {
        if self == other {
            return None;
        }
        let same = self
            .checkpoints
            .iter()
            .zip(&other.checkpoints)
            .take_while(|(a, b)| a == b)
            .count() as u64;
        let end = (same + 1) * CHECKPOINT_CYCLES;
        Some(same * CHECKPOINT_CYCLES..end.min(self.cycles.max(other.cycles)))
    }
}

/// Takes the digest while a simulation runs.
#[derive(Debug)]
pub(crate) struct Digester {
    outputs: Vec<Port>,
    words: Vec<u32>,
    digest: PortDigest,
}

impl Digester {
    pub(crate) fn new(model: &Model) -> Self {
        let outputs: Vec<Port> = model
            .ports()
            .iter()
            .filter(|info| info.dir == Direction::Output)
            .filter_map(|info| model.port(&info.name).ok())
            .collect();
        let most = outputs.iter().map(Port::words).max().unwrap_or(0);
        let digest = PortDigest {
            value: 0xcbf2_9ce4_8422_2325,
            cycles: 0,
            checkpoints: Vec::new(),
        };
        Self {
            outputs,
            words: vec![0; most],
            digest,
        }
    }

    pub(crate) fn sample(&mut self) {
        let mut value = self.digest.value;
        let mut step = |word: u64| value = (value ^ word).wrapping_mul(0x0100_0000_01b3);
        for port in &self.outputs {
            if port.width() <= 64 {
                step(port.get_u64());
            } else {
                let words = &mut self.words[..port.words()];
                port.read_words(words);
                for pair in words.chunks(2) {
                    step(u64::from(pair[0]) | pair.get(1).map_or(0, |high| u64::from(*high) << 32));
                }
            }
        }
        // FNV steps of 64 bits leave the low bits weak: fold the high ones down once a cycle.
        value ^= value >> 29;
        self.digest.value = value;
        self.digest.cycles += 1;
        if self.digest.cycles.is_multiple_of(CHECKPOINT_CYCLES) {
            self.digest.checkpoints.push(value);
        }
    }

    pub(crate) fn finish(self) -> PortDigest {
        self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(checkpoints: &[u64], cycles: u64, value: u64) -> PortDigest {
        PortDigest {
            value,
            cycles,
            checkpoints: checkpoints.to_vec(),
        }
    }

    #[test]
    fn the_first_difference_is_narrowed_to_a_checkpoint() {
        let a = digest(&[1, 2, 3], 3100, 9);
        assert_eq!(a.first_difference(&a.clone()), None);
        assert_eq!(a.first_difference(&digest(&[1, 7, 8], 3100, 8)), Some(1024..2048));
        assert_eq!(a.first_difference(&digest(&[1, 2, 3], 3100, 8)), Some(3072..3100));
    }
}
