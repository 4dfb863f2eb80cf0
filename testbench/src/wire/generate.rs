//! Traffic from a seed: frame sizes, flows, rate and bursts.
//!
//! Each frame is a UDP datagram whose payload begins with a running number and goes on with bytes that depend on it, so that no two
//! frames are alike and a byte that goes missing or moves is seen. Random choices come from `hash(run seed, path)`.

use std::fmt;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::Frame;

/// Frames that room is made for beforehand: a count out of all proportion shall not ask for memory at once.
const ROOM: usize = 1 << 16;

/// Shortest frame of a generator: Ethernet, IPv4 and UDP headers and the running number.
pub const SHORTEST_BYTES: u32 = 14 + 20 + 8 + 4;

/// Law of frame sizes, in bytes without FCS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Sizes {
    /// All alike.
    Fixed {
        /// Bytes.
        bytes: u32,
    },
    /// The simple Internet mix: 7 of 60, 4 of 590, 1 of 1514 bytes, shuffled by the seed.
    Imix {},
    /// Uniformly random.
    Random {
        /// Shortest, bytes.
        min_bytes: u32,
        /// Longest, bytes.
        max_bytes: u32,
    },
    /// One after the other, from the shortest to the longest and again: every alignment of a frame's end is met.
    Sweep {
        /// Shortest, bytes.
        min_bytes: u32,
        /// Longest, bytes.
        max_bytes: u32,
    },
    /// A list, repeated.
    List {
        /// Bytes of each frame.
        bytes: Vec<u32>,
    },
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sizes::Fixed { bytes } => write!(f, "{bytes} bytes"),
            Sizes::Imix {} => f.write_str("IMIX (7 of 60, 4 of 590, 1 of 1514 bytes)"),
            Sizes::Random { min_bytes, max_bytes } => write!(f, "random, {min_bytes} to {max_bytes} bytes"),
            Sizes::Sweep { min_bytes, max_bytes } => write!(f, "sweep, {min_bytes} to {max_bytes} bytes"),
            Sizes::List { bytes } => {
                let words: Vec<String> = bytes.iter().map(u32::to_string).collect();
                write!(f, "{} bytes in turn", words.join(", "))
            }
        }
    }
}

/// What a generator makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Generator {
    /// Frame sizes.
    pub sizes: Sizes,
    /// Number of distinct UDP flows, taken in turn.
    pub flows: u32,
    /// Rate of timed traffic in Mbit/s of frame bytes; 0: as fast as it goes.
    pub rate_mbps: u32,
    /// Frames that come back to back before the next pause of timed traffic.
    pub burst: u32,
}

impl Default for Generator {
    fn default() -> Self {
        Generator {
            sizes: Sizes::Fixed { bytes: 60 },
            flows: 16,
            rate_mbps: 0,
            burst: 1,
        }
    }
}

/// A generator that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeneratorError {
    /// A size outside what a frame can have.
    #[error("generator frame size {bytes} bytes is outside {SHORTEST_BYTES}..={max_bytes}")]
    Size {
        /// The size asked for.
        bytes: u32,
        /// Longest frame of the device, bytes.
        max_bytes: u32,
    },
    /// Shortest above longest.
    #[error("generator sizes: shortest ({min_bytes}) is above longest ({max_bytes})")]
    Order {
        /// Shortest, bytes.
        min_bytes: u32,
        /// Longest, bytes.
        max_bytes: u32,
    },
    /// Nothing to choose from.
    #[error("generator: {what} must not be zero or empty")]
    Empty {
        /// Which setting.
        what: &'static str,
    },
}

impl Generator {
    /// Makes `count` frames.
    ///
    /// # Errors
    /// [`GeneratorError`] when a size is impossible for a device that takes at most `max_bytes`, or a setting is empty.
    pub fn frames(
        &self,
        count: usize,
        seed: u64,
        path: &str,
        max_bytes: u32,
    ) -> Result<Vec<Frame>, GeneratorError> {
        self.check(max_bytes)?;
        let mut rng = ringside_sim::rng(seed, path);
        let mut at_ps = 0u64;
        let mut frames = Vec::with_capacity(count.min(ROOM));
        let mut owed_ps = 0u64;
        for number in 0..count {
            let bytes = match &self.sizes {
                Sizes::Fixed { bytes } => *bytes,
                Sizes::Imix {} => match rng.random_range(0..12u32) {
                    0..7 => 60,
                    7..11 => 590,
                    _ => 1514,
                },
                Sizes::Random { min_bytes, max_bytes } => rng.random_range(*min_bytes..=*max_bytes),
                Sizes::Sweep { min_bytes, max_bytes } => {
                    min_bytes + number as u32 % (max_bytes - min_bytes + 1)
                }
                Sizes::List { bytes } => bytes[number % bytes.len()],
            };
            frames.push(Frame {
                data: udp_frame(number as u32 % self.flows, bytes, number as u32),
                at_ns: at_ps / 1000,
            });
            if self.rate_mbps > 0 {
                owed_ps += u64::from(bytes) * 8 * 1_000_000 / u64::from(self.rate_mbps);
                if (number + 1).is_multiple_of(self.burst as usize) {
                    at_ps += owed_ps;
                    owed_ps = 0;
                }
            }
        }
        Ok(frames)
    }

    fn check(&self, max_bytes: u32) -> Result<(), GeneratorError> {
        let size = |bytes: u32| {
            if (SHORTEST_BYTES..=max_bytes).contains(&bytes) {
                Ok(())
            } else {
                Err(GeneratorError::Size { bytes, max_bytes })
            }
        };
        for (what, value) in [("flows", self.flows), ("burst", self.burst)] {
            if value == 0 {
                return Err(GeneratorError::Empty { what });
            }
        }
        match &self.sizes {
            Sizes::Fixed { bytes } => size(*bytes),
            Sizes::Imix {} => size(1514),
            Sizes::Random { min_bytes, max_bytes } | Sizes::Sweep { min_bytes, max_bytes } => {
                size(*min_bytes)?;
                size(*max_bytes)?;
                if min_bytes > max_bytes {
                    return Err(GeneratorError::Order {
                        min_bytes: *min_bytes,
                        max_bytes: *max_bytes,
                    });
                }
                Ok(())
            }
            Sizes::List { bytes } if bytes.is_empty() => Err(GeneratorError::Empty {
                what: "sizes.list.bytes",
            }),
            Sizes::List { bytes } => bytes.iter().try_for_each(|b| size(*b)),
        }
    }
}

/// A UDP frame of `bytes` bytes of flow `flow` that carries `number`. Addresses are those reserved for documentation.
#[must_use]
pub fn udp_frame(flow: u32, bytes: u32, number: u32) -> Vec<u8> {
    let bytes = bytes.max(SHORTEST_BYTES);
    let ip_bytes = (bytes - 14) as u16;
    let mut f = Vec::with_capacity(bytes as usize);
    f.extend_from_slice(&[
        0x02, 0x52, 0x53, 0, 0, 0x02, 0x02, 0x52, 0x53, 0, 0, 0x01, 0x08, 0x00,
    ]);
    f.extend_from_slice(&[0x45, 0]);
    f.extend_from_slice(&ip_bytes.to_be_bytes());
    f.extend_from_slice(&[0, 0, 0x40, 0, 64, 17, 0, 0]);
    f.extend_from_slice(&[198, 51, 100, 1 + (flow % 250) as u8]);
    f.extend_from_slice(&[203, 0, 113, 1]);
    let checksum = ip_checksum(&f[14..34]);
    f[24..26].copy_from_slice(&checksum.to_be_bytes());
    f.extend_from_slice(&(0x8000 | (flow as u16 & 0x7fff)).to_be_bytes());
    f.extend_from_slice(&9u16.to_be_bytes()); // the discard port
    f.extend_from_slice(&(ip_bytes - 20).to_be_bytes());
    f.extend_from_slice(&[0, 0]); // no checksum: allowed over IPv4
    f.extend_from_slice(&number.to_be_bytes());
    let mut state = number.wrapping_mul(0x9e37_79b9) | 1;
    while f.len() < bytes as usize {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f.push(state as u8);
    }
    f
}

fn ip_checksum(header: &[u8]) -> u16 {
    let mut sum: u32 = header
        .chunks(2)
        .map(|p| u32::from(u16::from_be_bytes([p[0], p[1]])))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(sizes: Sizes, count: usize) -> Vec<usize> {
        let g = Generator {
            sizes,
            ..Generator::default()
        };
        g.frames(count, 1, "t", 9216)
            .unwrap()
            .iter()
            .map(|f| f.data.len())
            .collect()
    }

    #[test]
    fn sizes_follow_their_law() {
        assert_eq!(sizes(Sizes::Fixed { bytes: 64 }, 3), [64, 64, 64]);
        assert_eq!(
            sizes(
                Sizes::Sweep {
                    min_bytes: 60,
                    max_bytes: 62
                },
                5
            ),
            [60, 61, 62, 60, 61]
        );
        assert_eq!(
            sizes(
                Sizes::List {
                    bytes: vec![100, 1500]
                },
                3
            ),
            [100, 1500, 100]
        );
        let imix = sizes(Sizes::Imix {}, 1200);
        assert!((600..800).contains(&imix.iter().filter(|b| **b == 60).count()));
        assert!((60..140).contains(&imix.iter().filter(|b| **b == 1514).count()));
        assert!(
            sizes(
                Sizes::Random {
                    min_bytes: 60,
                    max_bytes: 70
                },
                200
            )
            .iter()
            .all(|b| (60..=70).contains(b))
        );
    }

    #[test]
    fn same_seed_same_frames_and_no_two_alike() {
        let g = Generator {
            sizes: Sizes::Random {
                min_bytes: 60,
                max_bytes: 1500,
            },
            ..Generator::default()
        };
        let a = g.frames(50, 7, "p", 9216).unwrap();
        assert_eq!(a, g.frames(50, 7, "p", 9216).unwrap());
        assert_ne!(a, g.frames(50, 8, "p", 9216).unwrap());
        assert_ne!(a, g.frames(50, 7, "q", 9216).unwrap());
        let distinct: std::collections::BTreeSet<_> = a.iter().map(|f| f.data.clone()).collect();
        assert_eq!(distinct.len(), 50);
    }

    #[test]
    fn timed_traffic_keeps_its_rate_and_its_bursts() {
        let g = Generator {
            sizes: Sizes::Fixed { bytes: 125 },
            rate_mbps: 1000,
            burst: 4,
            ..Generator::default()
        };
        let at: Vec<u64> = g
            .frames(9, 1, "p", 9216)
            .unwrap()
            .iter()
            .map(|f| f.at_ns)
            .collect();
        assert_eq!(at, [0, 0, 0, 0, 4000, 4000, 4000, 4000, 8000]); // 125 bytes are 1 us at 1 Gbit/s
    }

    #[test]
    fn impossible_generators_say_why() {
        let bad = |sizes| {
            Generator {
                sizes,
                ..Generator::default()
            }
            .frames(1, 1, "p", 9216)
            .unwrap_err()
            .to_string()
        };
        assert_eq!(
            bad(Sizes::Fixed { bytes: 9217 }),
            "generator frame size 9217 bytes is outside 46..=9216"
        );
        assert_eq!(
            bad(Sizes::Random {
                min_bytes: 100,
                max_bytes: 99
            }),
            "generator sizes: shortest (100) is above longest (99)"
        );
        assert_eq!(
            bad(Sizes::List { bytes: vec![] }),
            "generator: sizes.list.bytes must not be zero or empty"
        );
    }
}
