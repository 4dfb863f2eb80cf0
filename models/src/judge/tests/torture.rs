//! The judge survives any trace: events dropped, repeated, swapped, bent. What it says then is its business; it must not panic or hang.

use super::clean::worlds;
use crate::event::{Event, What};
use crate::judge::Judge;
use crate::tlp::Body;

/// A small deterministic generator (PCG's multiplier), so that a failure names its seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 29
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A number of the kind that breaks things: near zero, near the top, a flipped bit.
    fn bend(&mut self, v: u64, bits: u32) -> u64 {
        let top = u64::MAX >> (64 - bits);
        match self.below(6) {
            0 => self.below(4),
            1 => top - self.below(4),
            2 => v.wrapping_add(self.below(64)) & top,
            3 => v.wrapping_sub(self.below(64)) & top,
            _ => v ^ 1 << self.below(u64::from(bits)),
        }
    }

    fn bend_bytes(&mut self, data: &mut Vec<u8>) {
        match self.below(8) {
            0 => data.clear(),
            1 => data.truncate(data.len() / 2),
            2 => data.extend_from_slice(&[0xff; 5]),
            _ if data.is_empty() => {}
            _ => {
                let at = self.below(data.len() as u64) as usize;
                data[at] = self.bend(u64::from(data[at]), 8) as u8;
            }
        }
    }

    fn bend_event(&mut self, what: &mut What) {
        match what {
            What::Store { addr, data, .. } => match self.below(3) {
                0 => *addr = self.bend(*addr, 64),
                _ => self.bend_bytes(data),
            },
            What::Tlp { tlp, .. } => match &mut tlp.body {
                Body::MRd {
                    addr,
                    dw,
                    fbe,
                    lbe,
                    tag,
                    ..
                } => match self.below(5) {
                    0 => *addr = self.bend(*addr, 64),
                    1 => *dw = self.bend(u64::from(*dw), 16) as u16,
                    2 => *fbe = self.bend(u64::from(*fbe), 8) as u8,
                    3 => *lbe = self.bend(u64::from(*lbe), 8) as u8,
                    _ => *tag = self.bend(u64::from(*tag), 16) as u16,
                },
                Body::MWr {
                    addr, data, fbe, lbe, ..
                } => match self.below(5) {
                    0 => *addr = self.bend(*addr, 64),
                    1 => *fbe = self.bend(u64::from(*fbe), 8) as u8,
                    2 => *lbe = self.bend(u64::from(*lbe), 8) as u8,
                    _ => self.bend_bytes(data),
                },
                Body::Cpl {
                    data,
                    bytes,
                    lower,
                    tag,
                    ..
                } => match self.below(5) {
                    0 => *bytes = self.bend(u64::from(*bytes), 16) as u16,
                    1 => *lower = self.bend(u64::from(*lower), 8) as u8,
                    2 => *tag = self.bend(u64::from(*tag), 16) as u16,
                    _ => self.bend_bytes(data),
                },
                Body::CfgWr { data, reg, .. } => match self.below(2) {
                    0 => *reg = self.bend(u64::from(*reg), 16) as u16,
                    _ => self.bend_bytes(data),
                },
                _ => {}
            },
            What::WireTx { queue, data, .. } => match self.below(2) {
                0 => *queue = self.bend(u64::from(*queue), 16) as u16,
                _ => self.bend_bytes(data),
            },
            What::WireRx { data, .. } => self.bend_bytes(data),
            What::Map {
                addr,
                len_bytes,
                multiplier,
                ..
            } => match self.below(3) {
                0 => *addr = self.bend(*addr, 64),
                1 => *len_bytes = self.bend(u64::from(*len_bytes), 32) as u32,
                _ => *multiplier = Some(self.bend(4, 32) as u32),
            },
            _ => {}
        }
    }

    fn torture(&mut self, events: &mut Vec<Event>) {
        for _ in 0..=self.below(6) {
            let n = events.len() as u64;
            let at = self.below(n) as usize;
            match self.below(6) {
                0 => drop(events.remove(at)),
                1 => events.insert(at, events[at].clone()),
                2 => {
                    let other = self.below(n) as usize;
                    let (a, b) = (events[at].what.clone(), events[other].what.clone());
                    (events[at].what, events[other].what) = (b, a);
                }
                _ => self.bend_event(&mut events[at].what),
            }
        }
    }
}

#[test]
fn no_trace_makes_the_judge_panic() {
    let mut failed = Vec::new();
    for (name, world) in worlds() {
        for seed in 0..1500 {
            let mut events = world.events.clone();
            Random(seed ^ 0x5eed).torture(&mut events);
            let outcome = std::panic::catch_unwind(|| {
                let mut judge = Judge::new(&world.header);
                for e in &events {
                    judge.observe(e);
                }
                judge.finish()
            });
            if outcome.is_err() {
                failed.push(format!("{name}, seed {seed}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
