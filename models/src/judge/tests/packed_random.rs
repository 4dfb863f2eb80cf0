//! Random legal pairs of driver and device on a packed ring: never a violation; with one wrong step, always one.

use std::fmt::Write as _;

use super::packed::PACKED;
use super::told;
use crate::event::What;
use crate::testutil::{Buffer, LAP, Listed, TX, World};

/// A small deterministic generator (PCG's multiplier), so that a failure names its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What the device may do wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Wrap,
    Id,
    Skip,
    WriteFlag,
    Long,
    NoInterrupt,
    Interrupt,
    FlagsFirst,
    Twice,
}

const WRONG: [Wrong; 9] = [
    Wrong::Wrap,
    Wrong::Id,
    Wrong::Skip,
    Wrong::WriteFlag,
    Wrong::Long,
    Wrong::NoInterrupt,
    Wrong::Interrupt,
    Wrong::FlagsFirst,
    Wrong::Twice,
];

struct Pair {
    w: World,
    random: Random,
    /// Lists offered and not fetched, fetched and not used.
    offered: Vec<(Listed, Vec<u8>)>,
    fetched: Vec<Listed>,
    avail: u64,
    used: u64,
    frames: u64,
    /// What the driver asks of interrupts.
    mode: u16,
    event: u64,
    wrong: Option<Wrong>,
    done_wrong: bool,
}

impl Pair {
    fn new(seed: u64, wrong: Option<Wrong>) -> Self {
        let mut w = World::started(PACKED);
        w.events.retain(|e| !matches!(e.what, What::Credit { .. })); // of which this pair has no end
        Pair {
            w,
            random: Random(seed),
            offered: Vec::new(),
            fetched: Vec::new(),
            avail: 0,
            used: 0,
            frames: 0,
            mode: 0,
            event: 0,
            wrong,
            done_wrong: false,
        }
    }

    fn free(&self) -> u64 {
        u64::from(LAP) - (self.avail - self.used)
    }

    fn offer(&mut self) {
        let free = self.free();
        if free == 0 {
            return;
        }
        let indirect = self.random.below(3) == 0;
        let pieces = 1 + self.random.below(if indirect { 4 } else { free });
        self.frames += 1;
        let frame: Vec<u8> = (0..40 + self.frames % 50)
            .map(|i| (i * 7 + self.frames) as u8)
            .collect();
        let mut bytes = vec![0; 12];
        bytes.extend_from_slice(&frame);
        let step = bytes.len().div_ceil(pieces as usize);
        let buffers: Vec<Buffer> = bytes.chunks(step).map(|c| Buffer::Out(c.to_vec())).collect();
        let list = self.w.list(TX, &buffers, indirect);
        if self.random.below(3) == 0 {
            self.w.scan(TX, list.position, 1); // it looks, and there is nothing yet
        }
        self.w.show(TX, &list);
        self.w.kick(TX);
        self.avail += list.count;
        self.offered.push((list, frame));
    }

    fn fetch(&mut self) {
        if self.offered.is_empty() {
            return;
        }
        let (list, frame) = self.offered.remove(0);
        let lap = u64::from(LAP);
        let ahead = lap - list.position % lap;
        if self.random.below(2) == 0 {
            // Speculation over as much as there is; what does not share the head's line is read again.
            let count = 1 + self.random.below(ahead);
            self.w.scan(TX, list.position, count);
        }
        self.w.fetch_list(TX, &list);
        self.w.read_list(&list);
        self.w.wire_tx(&frame);
        self.fetched.push(list);
    }

    fn asks(&self, from: u64, to: u64) -> bool {
        match self.mode {
            0 => true,
            1 => false,
            _ => {
                let place = |p: u64| self.w.place(p);
                (from..to).any(|p| place(p) == place(self.event))
            }
        }
    }

    fn put_used(&mut self, position: u64, id: u16, len: u32, flags: u16) {
        let at = self.w.descriptor_at(TX, position);
        let bytes = World::used_bytes(id, len, flags);
        if self.random.below(2) == 0 {
            self.w.put(at, &bytes);
        } else {
            self.w.put(at + 8, &bytes[8..14]);
            self.w.put(at + 14, &bytes[14..]);
        }
    }

    fn give_back(&mut self) {
        if self.fetched.is_empty() {
            return;
        }
        let at = self.random.below(self.fetched.len() as u64) as usize;
        let list = self.fetched.remove(at);
        let flags = self.w.used_flags(self.used);
        let (from, to) = (self.used, self.used + list.count);
        let wish = self.asks(from, to);
        let applies = match self.wrong {
            Some(Wrong::NoInterrupt) => wish,
            Some(Wrong::Interrupt) => !wish,
            Some(Wrong::Skip) => list.count > 1,
            Some(_) => true,
            None => false,
        };
        let wrong = self
            .wrong
            .filter(|_| applies && !self.done_wrong && self.frames > 8);
        self.done_wrong |= wrong.is_some();
        match wrong {
            Some(Wrong::Wrap) => self.put_used(from, list.id, 0, flags ^ 0x8080),
            Some(Wrong::Id) => self.put_used(from, list.id ^ 0x2000, 0, flags),
            Some(Wrong::Skip) => self.put_used(from + 1, list.id, 0, self.w.used_flags(from + 1)),
            Some(Wrong::WriteFlag) => self.put_used(from, list.id, 0, flags | 2),
            Some(Wrong::Long) => self.put_used(from, list.id, 9, flags | 2),
            Some(Wrong::FlagsFirst) => {
                let at = self.w.descriptor_at(TX, from);
                self.w.put(at + 14, &flags.to_le_bytes());
            }
            Some(Wrong::Twice) => {
                self.put_used(from, list.id, 0, flags);
                self.put_used(from, list.id, 0, flags);
            }
            _ => self.put_used(from, list.id, 0, flags),
        }
        self.used = to;
        self.w.read_structure(TX);
        let interrupt = match wrong {
            Some(Wrong::NoInterrupt) => false,
            Some(Wrong::Interrupt) => true,
            _ => wish,
        };
        if interrupt {
            self.w.msix(TX);
        }
    }

    fn ask(&mut self) {
        self.mode = self.random.below(3) as u16;
        self.event = self.used + self.random.below(u64::from(LAP) + 1);
        self.w.ask_interrupt(TX, self.mode, self.event);
    }

    fn ask_kick(&mut self) {
        // With a full ring there is nothing to look at.
        if self.free() > 0 {
            let mode = self.random.below(3) as u16;
            let at = self.avail;
            self.w.ask_kick(TX, mode, at);
        }
    }

    fn step(&mut self) {
        match self.random.below(8) {
            0..=2 => self.offer(),
            3 | 4 => self.fetch(),
            5 | 6 => self.give_back(),
            _ if self.random.below(2) == 0 => self.ask(),
            _ => self.ask_kick(),
        }
    }

    fn run(seed: u64, wrong: Option<Wrong>, steps: usize) -> Self {
        let mut pair = Pair::new(seed, wrong);
        for _ in 0..steps {
            pair.step();
            if pair.done_wrong {
                break;
            }
        }
        while !(pair.done_wrong || pair.offered.is_empty() && pair.fetched.is_empty()) {
            pair.fetch();
            pair.give_back();
        }
        pair
    }
}

#[test]
fn legal_pairs_are_never_blamed() {
    let mut bad = String::new();
    for seed in 0..100 {
        let v = Pair::run(seed, None, 300).w.verdict();
        assert!(
            v.compared.chains > 20,
            "seed {seed}: {} chains",
            v.compared.chains
        );
        if !v.violations.is_empty() {
            let _ = write!(bad, "\nseed {seed}:{}", told(&v));
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn without_stores_neither() {
    let mut bad = String::new();
    for seed in 0..50 {
        let v = Pair::run(seed, None, 200).w.without_stores().verdict();
        if !v.violations.is_empty() {
            let _ = write!(bad, "\nseed {seed}:{}", told(&v));
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

#[test]
fn one_wrong_step_is_always_found() {
    let mut missed = Vec::new();
    for wrong in WRONG {
        for seed in 0..20 {
            let pair = Pair::run(seed, Some(wrong), 1000);
            assert!(pair.done_wrong, "{wrong:?}, seed {seed}: nothing done");
            if pair.w.verdict().violations.is_empty() {
                missed.push(format!("{wrong:?}, seed {seed}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}
