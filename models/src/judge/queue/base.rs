//! What a virtqueue has whatever its format: its registers, its chains, its faults, its notifications.

use std::ops::Range;

use super::chain::{Chain, Chains};
use crate::judge::address_map::RingArea;
use crate::judge::asking::Asking;
use crate::judge::features;
use crate::judge::interrupt::Decision;
use crate::judge::met;
use crate::judge::notify::Kicks;
use crate::judge::registers::QueueRegs;
use crate::judge::world::World;
use crate::rules::RuleId;

/// Is the queue running?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Live,
    /// A reset (of device or queue) was asked for; what is in flight may still finish.
    Stopping,
    /// The reset was acknowledged: nothing may happen here any more.
    Dead,
}

/// Rules that say the same of both formats, each under the format's own name.
#[derive(Debug)]
pub(crate) struct RingRules {
    pub(crate) used_len: RuleId,
    pub(crate) used_early: RuleId,
    pub(crate) payload_order: RuleId,
}

/// The part of a queue that does not depend on its format.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each with its own name"
)]
pub(crate) struct Base {
    pub(crate) index: u16,
    pub(crate) size: u16,
    pub(crate) desc: u64,
    pub(crate) driver: u64,
    pub(crate) device: u64,
    pub(crate) state: State,
    /// Tells this life of the queue from earlier ones.
    pub(crate) epoch: u64,
    pub(crate) event_idx: bool,
    pub(crate) in_order: bool,
    pub(crate) indirect: bool,
    pub(crate) rules: &'static RingRules,

    /// Chains made available so far.
    pub(crate) published: u64,
    /// Chains that the device knows to be available.
    pub(crate) device_known: u64,
    pub(crate) chains: Chains,

    /// The first malformed thing that the driver published: chain number and what.
    pub(crate) fault: Option<(u64, String)>,
    /// The device was shown the fault, though no chain carries it.
    pub(crate) fault_seen: bool,
    /// Cycle in which `DEVICE_NEEDS_RESET` was read since the fault.
    pub(crate) frozen: Option<u64>,
    /// A read of its ring structures failed.
    pub(crate) broken: bool,

    pub(crate) kicks: Kicks,
    pub(crate) decision: Decision,
}

impl Base {
    /// The queue was enabled with these registers.
    pub(crate) fn new(
        index: u16,
        regs: &QueueRegs,
        size: u16,
        asking: Asking,
        rules: &'static RingRules,
        w: &World,
    ) -> Self {
        Base {
            index,
            size,
            desc: regs.desc,
            driver: regs.driver,
            device: regs.device,
            state: State::Live,
            epoch: w.seq,
            event_idx: w.has(features::EVENT_IDX),
            in_order: w.has(features::IN_ORDER),
            indirect: w.has(features::INDIRECT_DESC),
            rules,
            published: 0,
            device_known: 0,
            chains: Chains::default(),
            fault: None,
            fault_seen: false,
            frozen: None,
            broken: false,
            kicks: Kicks::new(asking),
            decision: Decision::new(asking),
        }
    }

    /// Gives the ring's parts to the map of addresses, and judges where they lie.
    pub(crate) fn place(&self, areas: [RingArea; 3], alignment: [u64; 3], w: &mut World) {
        let aligned = [self.desc, self.driver, self.device]
            .iter()
            .zip(alignment)
            .all(|(at, n)| at.is_multiple_of(n));
        w.book.check(
            RuleId::DriverRingLayout,
            Some(self.index),
            aligned,
            || {
                let [a, b, c] = alignment;
                format!("addresses aligned to {a}, {b} and {c} bytes")
            },
            || format!("{:#x}, {:#x}, {:#x}", self.desc, self.driver, self.device),
        );
        for area in areas {
            // What an earlier ring held there is nothing that this one's driver stored.
            w.shadow.forget(area.start, (area.end - area.start) as usize);
            let clash = w.rings.add(area);
            w.book.check(
                RuleId::DriverRingLayout,
                Some(self.index),
                clash.is_none(),
                || "ring parts that do not overlap".into(),
                || clash.map_or(String::new(), |c| format!("{area:x?} overlaps {c:x?}")),
            );
        }
    }

    /// No chains: where the next one to be published will be.
    pub(crate) fn nothing_new(&self) -> Range<u64> {
        self.published..self.published
    }

    /// The chain with this number, in flight or returned and still remembered.
    pub(crate) fn chain(&self, number: u64) -> Option<&Chain> {
        self.chains.get(number)
    }

    pub(crate) fn chain_mut(&mut self, number: u64) -> Option<&mut Chain> {
        self.chains.get_mut(number)
    }

    /// Chains in flight, in order of publication.
    /// A chain whose payload the device has begun to read or write, and that is not used.
    pub(crate) fn begun(&self) -> Option<u64> {
        let mut chains = self.chains.in_flight();
        chains.find(|c| c.started && !c.used).map(|c| c.number)
    }

    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &Chain> {
        self.chains.in_flight()
    }

    /// Does the device know of the malformed chain?
    pub(crate) fn fault_known(&self) -> bool {
        self.fault_seen || self.fault.as_ref().is_some_and(|f| f.0 < self.device_known)
    }

    /// The queue is being thrown away: settles what is open and frees its addresses.
    pub(crate) fn dismantle(&mut self, w: &mut World) {
        for mut chain in self.chains.drain() {
            chain.forget(self, w);
        }
        w.rings.remove_queue(self.index);
    }

    /// Has the device read and written this chain to its last byte? Only then may a used element of a later one stand for it (`IN_ORDER`).
    pub(crate) fn used_up(&self, number: u64) -> bool {
        self.chain(number).is_some_and(|c| {
            c.reads_outstanding == 0
                && !c.read_failed
                && c.read.contains(0, c.readable_bytes)
                && c.written.contains(0, c.writable_bytes)
        })
    }

    /// Decides at the end of the run what was still open about returned chains.
    pub(crate) fn settle_all(&self, w: &mut World) {
        for chain in self.chains.all() {
            chain.settle(self, w);
        }
    }

    /// Asks what every return of a chain must obey, and marks it returned. `len`: bytes that it is said to hold, if that is said.
    pub(crate) fn give_back(&mut self, number: u64, len: Option<u32>, w: &mut World) {
        let Some(mut chain) = self.chains.retire(number) else {
            return;
        };
        let name = chain.name();
        if let Some((faulty, why)) = &self.fault {
            let fine = number < *faulty && chain.fault.is_none();
            w.book.check(
                RuleId::RingErrorPolicy,
                Some(self.index),
                fine,
                || format!("nothing returned from chain {faulty} on ({why})"),
                || format!("{name} returned"),
            );
        }
        w.book.check(
            self.rules.used_early,
            Some(self.index),
            chain.reads_outstanding == 0,
            || format!("all reads of {name} answered before it is returned"),
            || format!("{} outstanding", chain.reads_outstanding),
        );
        if let Some(len) = len.filter(|_| chain.walked) {
            self.check_len(&mut chain, len, w);
        }
        met::returned(self, &chain, w);
        chain.give_up(w);
        self.chains.remember(chain);
        w.book.compared.chains += 1;
    }

    fn check_len(&self, chain: &mut Chain, len: u32, w: &mut World) {
        let (number, room) = (chain.number, chain.writable_bytes);
        let fits = u64::from(len) <= room;
        if !fits {
            w.book.check(
                self.rules.used_len,
                Some(self.index),
                false,
                || format!("at most {room}, the writable bytes of chain {number}"),
                || format!("len {len}"),
            );
        } else if u64::from(len) > chain.written.prefix() {
            chain.short = Some((w.book.now, len));
        } else {
            w.book.held(self.rules.used_len);
            w.book.held(self.rules.payload_order);
        }
    }

    /// The device wrote `first..last` of the writable part of a chain.
    pub(crate) fn payload_written(&mut self, number: u64, first: u64, last: u64, w: &mut World) {
        let (index, payload_order) = (self.index, self.rules.payload_order);
        let Some(c) = self.chain_mut(number) else { return };
        c.written.add(first, last);
        if !c.used {
            return;
        }
        let name = c.name();
        let late = c.short.is_some_and(|(_, len)| first < u64::from(len));
        let rule = if late {
            payload_order
        } else {
            RuleId::SafeAfterUsed
        };
        if c.short
            .is_some_and(|(_, len)| u64::from(len) <= c.written.prefix())
        {
            c.short = None; // they came, only too late
        }
        w.book.check(
            rule,
            Some(index),
            false,
            || format!("{name} written before it is returned"),
            || format!("bytes {first}..{last} written afterwards"),
        );
    }
}
