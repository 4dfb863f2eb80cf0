//! The yardstick's formulas: what a batch of equal packets has to cost, and what rate link, pins and reads in flight then allow.
//!
//! A batch of `k` packets is found by an idle device: one read of what says that there is work, the fewest reads of entries and descriptors, every payload
//! byte once, one return of the batch; with events, a look at the driver's wish, a new wish of its own, and one message. Addresses are taken to be aligned and
//! rings to have no end. Bytes a TLP beside its data: read and write 24, completion 20, message 24 in all, kick 28 in all.

#![expect(clippy::cast_precision_loss, reason = "costs of a batch are far below 2^52")]

use std::collections::BTreeMap;

use ringside_models::link::usable_bits_per_second;

use crate::driver::config::{Events, NET_HEADER_BYTES};
use crate::driver::ring::{Format, FreeList, Shape};
use crate::host::config::Split;
use crate::scenario::{Direction, Scenario};
use crate::wire::generate::Sizes;

/// Framing, sequence number, check and header of a request with a 64-bit address, bytes.
const REQUEST: u64 = 24;
/// The same of a completion.
const COMPLETION: u64 = 20;
/// An MSI-X message as the formulas count it, bytes.
const MESSAGE: u64 = 24;
/// Longest frame that there is a formula for, bytes.
const LONGEST: u32 = 65_536;
/// A kick, bytes.
const KICK: u64 = 28;
/// Payload reads in flight of Ringside's own device with 5, 8 and 10 bits of tags (`rtl/README.md`).
const READS: [f64; 3] = [16.0, 128.0, 512.0];

/// Everything that can be predicted, by name.
pub const NAMES: [&str; 7] = [
    "requests",
    "up",
    "down",
    "busier",
    "mpps_link",
    "mpps_boundary",
    "mpps",
];

/// What a device's pins are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pins {
    /// Width of the data path, bits.
    pub width_bits: u32,
    /// Clock, MHz.
    pub clock_mhz: f64,
}

/// Cost of one batch.
struct Cost {
    mps: u64,
    mrrs: u64,
    /// Completions are cut at every multiple of this, bytes.
    cut: u64,
    beat: u64,
    requests: u64,
    up: u64,
    down: u64,
    /// Beats of requests and of completions.
    rq: u64,
    rc: u64,
}

impl Cost {
    fn new(s: &Scenario, pins: Pins) -> Self {
        let link = &s.host.link;
        let mps = u64::from(link.mps_bytes).max(1);
        Cost {
            mps,
            mrrs: u64::from(link.mrrs_bytes).max(1),
            cut: if s.host.completions.split == Split::Merged {
                mps
            } else {
                u64::from(link.rcb_bytes).max(1)
            },
            beat: u64::from(pins.width_bits / 8).max(1),
            requests: 0,
            up: 0,
            down: 0,
            rq: 0,
            rc: 0,
        }
    }

    fn beats(&self, bytes: u64) -> u64 {
        bytes.div_ceil(self.beat).max(1)
    }

    fn read(&mut self, mut bytes: u64) {
        while bytes > 0 {
            let part = bytes.min(self.mrrs);
            self.requests += 1;
            self.up += REQUEST;
            self.rq += 1;
            let mut left = part.next_multiple_of(4);
            while left > 0 {
                let piece = left.min(self.cut);
                self.down += COMPLETION + piece;
                self.rc += self.beats(piece);
                left -= piece;
            }
            bytes -= part;
        }
    }

    fn write(&mut self, mut bytes: u64) {
        while bytes > 0 {
            let part = bytes.min(self.mps);
            self.requests += 1;
            self.up += REQUEST + part.next_multiple_of(4);
            self.rq += self.beats(part.next_multiple_of(4));
            bytes -= part;
        }
    }
}

/// What all chains of one direction look like.
struct Chains {
    /// Packets of a batch.
    k: u64,
    /// Elements of a packet's chain or of its table, payload bytes of each.
    elements: Vec<u64>,
    /// Buffers of a packet, receiving.
    buffers: u64,
    indirect: bool,
}

impl Chains {
    fn of(s: &Scenario, transmit: bool, frame: u64) -> Self {
        let d = &s.driver;
        let header = u64::from(NET_HEADER_BYTES);
        if transmit {
            let elements = if d.tx.separate_header {
                vec![header, frame]
            } else {
                vec![header + frame]
            };
            return Chains {
                k: u64::from(d.tx.batch).max(1),
                elements,
                buffers: 1,
                indirect: d.tx.shape != Shape::Direct,
            };
        }
        let buffer = match d.rx.buffer_bytes {
            0 if d.mergeable => u64::from(d.rx_buffer_bytes(true, 0)),
            0 => header + frame,
            n => u64::from(n),
        };
        let (mut left, mut elements) = (header + frame, Vec::new());
        while left > 0 {
            elements.push(left.min(buffer));
            left = left.saturating_sub(buffer);
        }
        Chains {
            k: u64::from(d.rx.refill_batch).max(1),
            buffers: elements.len() as u64,
            elements,
            indirect: d.rx.shape != Shape::Direct,
        }
    }
}

/// Costs of a batch of one direction.
fn batch(s: &Scenario, transmit: bool, chains: &Chains, pins: Pins) -> Cost {
    let d = &s.driver;
    let mut c = Cost::new(s, pins);
    let Chains { k, buffers, .. } = *chains;
    // what the rings hold: chains when sending, buffers when receiving
    let heads = k * buffers;
    let elements = if transmit { chains.elements.len() as u64 } else { 1 };
    let slots = if chains.indirect { 1 } else { elements };
    let contiguous = d.ring == Format::Packed || d.in_order || d.free_list == FreeList::Fifo;
    if d.ring == Format::Split {
        if !d.notification_data {
            c.read(2);
        }
        c.read(2 * heads);
    }
    if contiguous {
        c.read(16 * slots * heads);
    } else {
        (0..slots * heads).for_each(|_| c.read(16));
    }
    for _ in 0..k {
        if chains.indirect {
            (0..buffers).for_each(|_| c.read(16 * elements));
        }
        for &bytes in &chains.elements {
            if transmit { c.read(bytes) } else { c.write(bytes) }
        }
    }
    // in order, one element stands for the batch; a received buffer needs its own length
    let returned = if d.in_order && transmit { 1 } else { heads };
    match d.ring {
        Format::Split => {
            c.write(8 * returned);
            c.write(2);
        }
        Format::Packed if slots > 1 && returned > 1 => (0..returned).for_each(|_| c.write(16)),
        // the first buffer of a merged packet becomes visible last
        Format::Packed if buffers > 1 && k > 1 => {
            c.write(16 * (returned - 1));
            c.write(16);
        }
        Format::Packed => c.write(16 * returned),
    }
    if d.events != Events::Poll {
        let word = if d.ring == Format::Split { 2 } else { 4 };
        c.read(word);
        c.write(word);
        c.requests += 1;
        c.up += MESSAGE;
    }
    c.down += KICK;
    c
}

/// What the formulas say of a scenario: `requests`, `up` and `down` (link bytes) and `busier` (the greater of the two) a packet; `mpps_link`, `mpps_boundary`
/// and, with the payload reads that can be in flight, `mpps`: the least of the limits. Nothing for traffic of mixed sizes or sent back.
#[must_use]
pub fn predict(s: &Scenario, pins: Pins) -> BTreeMap<String, f64> {
    let Sizes::Fixed { bytes } = s.traffic.generator.sizes else {
        return BTreeMap::new();
    };
    let ways: &[bool] = match s.traffic.direction {
        Direction::Tx => &[true],
        Direction::Rx => &[false],
        Direction::Both => &[true, false],
        Direction::Loopback => return BTreeMap::new(),
    };
    if s.traffic.pcap.is_some() || bytes > LONGEST {
        return BTreeMap::new();
    }
    let frame = u64::from(bytes);
    // of one packet each way
    let (mut requests, mut up, mut down, mut rq, mut rc, mut reads) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for &transmit in ways {
        let chains = Chains::of(s, transmit, frame);
        let cost = batch(s, transmit, &chains, pins);
        let per = |n: u64| n as f64 / chains.k as f64;
        requests += per(cost.requests);
        up += per(cost.up);
        down += per(cost.down);
        rq += per(cost.rq);
        rc += per(cost.rc);
        if transmit {
            let mrrs = u64::from(s.host.link.mrrs_bytes).max(1);
            reads += chains.elements.iter().map(|e| e.div_ceil(mrrs)).sum::<u64>() as f64;
        }
    }
    let n = ways.len() as f64;
    let link = &s.host.link;
    let bytes_per_us = usable_bits_per_second(link.generation, link.lanes) as f64 / 8e6;
    let by_link = n * bytes_per_us / f64::max(up, down);
    let wire = frame.div_ceil(u64::from(pins.width_bits / 8).max(1)) as f64;
    let by_pins = n * pins.clock_mhz / rq.max(rc).max(wire);
    let latency = &s.host.latency;
    let latency_us = (f64::from(latency.base_ns)
        + f64::from(latency.jitter_ns) / 2.0
        + f64::from(latency.tail_ns) * f64::from(latency.tail_per_mille) / 1000.0)
        / 1000.0;
    let in_flight = READS[if link.ten_bit_tag {
        2
    } else {
        usize::from(link.ext_tag)
    }];
    let by_reads = if reads > 0.0 && latency_us > 0.0 {
        n * in_flight / (reads * latency_us)
    } else {
        f64::INFINITY
    };
    let all = [
        requests / n,
        up / n,
        down / n,
        f64::max(up, down) / n,
        by_link,
        by_pins,
        by_link.min(by_pins).min(by_reads),
    ];
    NAMES.into_iter().map(str::to_owned).zip(all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PINS: Pins = Pins {
        width_bits: 512,
        clock_mhz: 250.0,
    };

    fn of(toml: &str) -> BTreeMap<String, f64> {
        let text = format!("{toml}\n[traffic.generator]\nsizes = {{ fixed = {{ bytes = 60 }} }}\n");
        predict(&toml::from_str(&text).unwrap(), PINS)
    }

    /// Section 3.3 of the project's yardstick: requests, bytes up and down a packet of 64 bytes, with events and one MSI-X a batch.
    #[test]
    fn the_formulas_give_the_table_of_the_yardstick() {
        for (driver, direction, k, want) in [
            ("free_list = \"fifo\"", "tx", 1, [9.0, 232.0, 228.0]),
            ("free_list = \"fifo\"", "tx", 8, [2.0, 57.0, 124.5]),
            ("free_list = \"fifo\"", "tx", 32, [1.25, 38.25, 114.1]),
            ("free_list = \"lifo\"", "tx", 4, [3.75, 100.0, 154.0]),
            ("in_order = true", "tx", 16, [1.5, 37.0, 117.3]),
            ("ring = \"packed\"", "tx", 8, [1.625, 55.5, 117.0]),
            (
                "ring = \"packed\"\nin_order = true",
                "tx",
                32,
                [1.156, 28.4, 111.1],
            ),
            ("free_list = \"fifo\"", "rx", 4, [3.0, 154.0, 47.0]),
            ("ring = \"packed\"", "rx", 1, [6.0, 236.0, 88.0]),
        ] {
            let p = of(&format!(
                "[driver]\n{driver}\nmergeable = false\ntx = {{ batch = {k} }}\nrx = {{ refill_batch = {k} }}\n[traffic]\ndirection = \"{direction}\""
            ));
            for (key, want) in ["requests", "up", "down"].into_iter().zip(want) {
                assert!(
                    (p[key] - want).abs() < 0.6,
                    "{driver} {direction} {k}: {key} {} and not {want}",
                    p[key]
                );
            }
        }
    }

    #[test]
    fn chains_tables_and_kicks_with_data_cost_what_they_do() {
        let two = |more: &str| {
            of(&format!(
                "[driver]\nring = \"packed\"\ntx = {{ batch = 4, separate_header = true{more} }}\n[traffic]\ndirection = \"tx\""
            ))["requests"]
        };
        assert!((two("") - 4.0).abs() < 0.01 && (two(", shape = \"indirect\"") - 4.25).abs() < 0.01);
        let data = |on: bool| {
            of(&format!(
                "[driver]\nfree_list = \"fifo\"\nnotification_data = {on}\ntx = {{ batch = 4 }}\n[traffic]\ndirection = \"tx\""
            ))["requests"]
        };
        assert!((data(false) - data(true) - 0.25).abs() < 1e-9);
    }

    #[test]
    fn rates_have_three_limits() {
        let p = |more: &str| {
            of(&format!(
                "{more}\n[driver]\nring = \"packed\"\nevents = \"poll\"\ntx = {{ batch = 32 }}\n[traffic]\ndirection = \"tx\""
            ))
        };
        let narrow = p("[host.link]\nlanes = 1");
        assert!(narrow["mpps"] >= narrow["mpps_link"] && narrow["mpps_link"] < narrow["mpps_boundary"]);
        let wide = p("[host.link]\nlanes = 16\ngeneration = 5\nten_bit_tag = true");
        assert!(wide["mpps"] >= wide["mpps_boundary"] && wide["mpps_boundary"] < wide["mpps_link"]);
        let slow = p("[host.latency]\nbase_ns = 10000\njitter_ns = 0\ntail_per_mille = 0");
        assert!((slow["mpps"] - 12.8).abs() < 1e-9);
    }

    #[test]
    fn mixed_traffic_has_no_formula() {
        let s: Scenario =
            toml::from_str("[traffic]\ndirection = \"tx\"\ngenerator = { sizes = { imix = {} } }").unwrap();
        assert!(predict(&s, PINS).is_empty());
    }
}
