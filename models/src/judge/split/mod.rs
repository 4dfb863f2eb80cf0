//! One split virtqueue, seen from both sides: what the driver made available, and what the device has learned, fetched and returned.

mod device;
mod driver;
mod used;
mod walk;

use std::collections::{BTreeSet, VecDeque};
use std::ops::{Deref, DerefMut};

use super::address_map::{Area, RingArea};
use super::asking::Asking;
use super::features::EVENT_IDX;
use super::queue::base::{Base, RingRules};
use super::queue::chain::Chain;
use super::registers::QueueRegs;
use super::world::World;
use crate::rules::RuleId;

/// A head that is not known yet, or invalid.
const NO_HEAD: u16 = 0xffff;

static RULES: RingRules = RingRules {
    used_len: RuleId::SplitUsedLen,
    used_early: RuleId::SplitUsedEarly,
    payload_order: RuleId::SplitPayloadOrder,
};

/// A split virtqueue.
#[derive(Debug)]
pub(crate) struct SplitQueue {
    base: Base,
    /// The available index as the driver stored it.
    avail_idx: u16,
    /// The latest chain with each head.
    by_head: Vec<Option<u64>>,
    /// Heads in order of publication; the first one has number `order_base`.
    order: VecDeque<u16>,
    order_base: u64,
    /// Latest chain number of each ring slot.
    slot_number: Vec<Option<u64>>,
    /// Event number at which the device learned of the latest chain of each ring slot.
    slot_known: Vec<u64>,
    /// Event number at which the device last learned of chains.
    learned: u64,
    /// Event number of the latest answered read of each descriptor (only without stores).
    descriptor_seen: Vec<u64>,
    /// Which chain in flight owns a descriptor.
    owner: Vec<Option<u64>>,
    /// The descriptor whose turn it is (`IN_ORDER`); none: a chain's descriptors were not known.
    next_descriptor: Option<u16>,
    /// Chains whose descriptors are not all known (only without stores): number and head.
    unwalked: Vec<(u64, u16)>,

    used_idx: u16,
    /// Bytes written of each used slot since it was last published.
    pending: Vec<u8>,
    pending_slots: u32,
    /// Slots published before their element was written.
    owed_slots: BTreeSet<u16>,
}

impl Deref for SplitQueue {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
}

impl DerefMut for SplitQueue {
    fn deref_mut(&mut self) -> &mut Base {
        &mut self.base
    }
}

impl SplitQueue {
    /// The queue was enabled with these registers. Returns the chains that are available already.
    pub(crate) fn enable(
        index: u16,
        regs: &QueueRegs,
        size: u16,
        w: &mut World,
    ) -> (Self, std::ops::Range<u64>) {
        let asking = if w.has(EVENT_IDX) {
            Asking::Position
        } else {
            Asking::Flag
        };
        let n = usize::from(size);
        let start = regs.start.unwrap_or(0);
        let mut base = Base::new(index, regs, size, asking, &RULES, w);
        (base.published, base.device_known) = (start.into(), start.into());
        let mut q = SplitQueue {
            base,
            avail_idx: start,
            by_head: vec![None; n],
            order: VecDeque::new(),
            order_base: start.into(),
            slot_number: vec![None; n],
            slot_known: vec![0; n],
            learned: 0,
            descriptor_seen: vec![0; n],
            owner: vec![None; n],
            next_descriptor: regs.start.is_none().then_some(0),
            unwalked: Vec::new(),
            used_idx: start,
            pending: vec![0; n],
            pending_slots: 0,
            owed_slots: BTreeSet::new(),
        };
        q.place(q.areas(), [16, 2, 4], w);
        let word = w.shadow.u16(q.driver + q.driver_event_offset());
        q.decision.word.push(0, word.into());
        if regs.start.is_some() {
            // What a former device asked for still stands there.
            let asked = if q.event_idx { q.avail_event_offset() } else { 0 };
            let asked = w.shadow.u16(q.device + asked);
            q.kicks.found(asked.into());
        }
        let idx = w.shadow.u16(q.driver + 2);
        let now = w.book.now;
        let new = if w.stores {
            q.driver_index(idx, now, w)
        } else {
            q.nothing_new()
        };
        (q, new)
    }

    fn areas(&self) -> [RingArea; 3] {
        let size = u64::from(self.size);
        let part = |area, start: u64, len: u64| RingArea {
            start,
            end: start.saturating_add(len),
            queue: self.index,
            area,
        };
        [
            part(Area::Desc, self.desc, 16 * size),
            part(Area::Driver, self.driver, 6 + 2 * size),
            part(Area::Device, self.device, 6 + 8 * size),
        ]
    }

    /// Offset of `used_event` in the available ring.
    fn used_event_offset(&self) -> u64 {
        4 + 2 * u64::from(self.size)
    }

    /// Offset of `avail_event` in the used ring.
    fn avail_event_offset(&self) -> u64 {
        4 + 8 * u64::from(self.size)
    }

    /// Offset in the available ring of the word that governs interrupts.
    fn driver_event_offset(&self) -> u64 {
        if self.event_idx {
            self.used_event_offset()
        } else {
            0
        }
    }

    /// The latest chain with this head, in flight or returned.
    fn with_head(&self, head: u16) -> Option<&Chain> {
        let number = (*self.by_head.get(usize::from(head))?)?;
        self.chain(number)
    }

    /// Is the entry of the chain with this number known?
    fn entry_is_known(&self, number: u64) -> bool {
        number
            .checked_sub(self.order_base)
            .and_then(|at| self.order.get(at as usize))
            .is_some_and(|&h| h != NO_HEAD)
    }

    /// The position behind what was returned.
    pub(crate) fn used_position(&self) -> u64 {
        let open = (self.published as u16).wrapping_sub(self.used_idx);
        self.published.saturating_sub(open.into())
    }

    /// Are there used elements that no index has published yet?
    pub(crate) fn has_unpublished(&self) -> bool {
        self.pending_slots > 0
    }
}
