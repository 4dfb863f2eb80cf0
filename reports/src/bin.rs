//! What the timeline keeps of each stretch of time.

use std::collections::BTreeMap;

use crate::timeline::Merge;

/// What happened in one stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bin {
    pub(crate) up_wire_bytes: u64,
    pub(crate) up_payload_bytes: u64,
    pub(crate) down_wire_bytes: u64,
    pub(crate) down_payload_bytes: u64,
    pub(crate) frames_tx: u64,
    pub(crate) frames_rx: u64,
    pub(crate) kicks: u64,
    pub(crate) interrupts: u64,
    /// Most reads in flight at once.
    pub(crate) reads: Gauge,
    /// Most chains in the device's hands, by queue.
    pub(crate) depth: BTreeMap<u16, Gauge>,
}

/// A level: its highest value in the bin, and the one it ended on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gauge {
    pub(crate) peak: u64,
    pub(crate) last: u64,
}

impl Gauge {
    pub(crate) fn set(&mut self, value: u64) {
        self.last = value;
        self.peak = self.peak.max(value);
    }

    fn carried(self) -> Self {
        Gauge {
            peak: self.last,
            last: self.last,
        }
    }

    fn join(&mut self, right: Gauge) {
        self.peak = self.peak.max(right.peak);
        self.last = right.last;
    }
}

impl Merge for Bin {
    fn next(&self) -> Self {
        Bin {
            reads: self.reads.carried(),
            depth: self.depth.iter().map(|(q, g)| (*q, g.carried())).collect(),
            ..Bin::default()
        }
    }

    fn merge(&mut self, r: &Self) {
        self.up_wire_bytes += r.up_wire_bytes;
        self.up_payload_bytes += r.up_payload_bytes;
        self.down_wire_bytes += r.down_wire_bytes;
        self.down_payload_bytes += r.down_payload_bytes;
        self.frames_tx += r.frames_tx;
        self.frames_rx += r.frames_rx;
        self.kicks += r.kicks;
        self.interrupts += r.interrupts;
        self.reads.join(r.reads);
        for (q, g) in &r.depth {
            self.depth.entry(*q).or_default().join(*g);
        }
    }
}
