//! One packed virtqueue, seen from both sides: what the driver made available, and what the device has read of it and returned.
//!
//! Places are counted as running positions: position `p` is slot `p % size`, and the wrap counter there is 1 in even laps.

mod device;
mod driver;
mod event;
mod used;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut, Range};

use super::address_map::{Area, RingArea};
use super::asking::Asking;
use super::queue::base::{Base, RingRules};
use super::queue::list::Descriptor;
use super::registers::QueueRegs;
use super::world::World;
use crate::rules::RuleId;
use event::EventStructure;

/// Descriptor flag: equals the driver's wrap counter in a descriptor that is available.
const AVAIL: u16 = 1 << 7;
/// Descriptor flag: the opposite of it there; equals `AVAIL` in one that is used.
const USED: u16 = 1 << 15;

static RULES: RingRules = RingRules {
    used_len: RuleId::PackedUsedLen,
    used_early: RuleId::PackedUsedEarly,
    payload_order: RuleId::PackedPayloadOrder,
};

/// What the device last read of a slot.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// Event numbers of the read and of its completion.
    asked: u64,
    answered: u64,
    descriptor: Descriptor,
}

/// When the driver's latest stores to a slot become visible.
#[derive(Clone, Copy, Debug, Default)]
struct Visible {
    body: u64,
    flags: u64,
    /// The flags that stand there.
    word: u16,
}

/// A packed virtqueue.
#[derive(Debug)]
pub(crate) struct PackedQueue {
    base: Base,
    /// Position of the next descriptor that the driver will make available.
    next_avail: u64,
    /// Position behind the last list that the device knows of.
    known_position: u64,
    /// Position of the next used descriptor that the driver waits for.
    next_used: u64,
    /// Latest list with each slot.
    owner: Vec<Option<u64>>,
    visible: Vec<Visible>,
    /// What the device knows of the slots (only without stores).
    seen: Vec<Option<Seen>>,
    /// Lists in flight by buffer id and number.
    ids: BTreeSet<(u16, u64)>,
    /// Lists returned and not forgotten, by id.
    returned: BTreeMap<u16, u64>,
    /// Lists that the driver changed while they were available.
    tampered: BTreeSet<u64>,
    /// The position whose head became available before its followers, once told.
    premature: Option<u64>,
    /// Lists whose table is not known in full (only without stores).
    unwalked: Vec<u64>,
    /// Bytes written of used descriptors that the driver has not reached, by position.
    pending: BTreeMap<u64, u16>,
    device_event: EventStructure,
    driver_event: EventStructure,
}

impl Deref for PackedQueue {
    type Target = Base;

    fn deref(&self) -> &Base {
        &self.base
    }
}

impl DerefMut for PackedQueue {
    fn deref_mut(&mut self) -> &mut Base {
        &mut self.base
    }
}

impl PackedQueue {
    /// The queue was enabled with these registers. Returns the lists that are available already.
    pub(crate) fn enable(index: u16, regs: &QueueRegs, size: u16, w: &mut World) -> (Self, Range<u64>) {
        let event_idx = w.has(super::features::EVENT_IDX);
        let n = usize::from(size);
        let start = regs.start.map_or(0, |at| {
            let lap = if at >> 15 == 1 { 0 } else { u64::from(size) };
            u64::from(at & 0x7fff) + lap
        });
        let mut q = PackedQueue {
            base: Base::new(
                index,
                regs,
                size,
                Asking::Structure { size, event_idx },
                &RULES,
                w,
            ),
            next_avail: start,
            known_position: start,
            next_used: start,
            owner: vec![None; n],
            visible: vec![Visible::default(); n],
            seen: vec![None; n],
            ids: BTreeSet::new(),
            returned: BTreeMap::new(),
            tampered: BTreeSet::new(),
            premature: None,
            unwalked: Vec::new(),
            pending: BTreeMap::new(),
            device_event: EventStructure::default(),
            driver_event: EventStructure::default(),
        };
        q.place(q.areas(), [16, 4, 4], w);
        let word = w.shadow.u32(q.driver);
        q.decision.word.push(0, word);
        if regs.start.is_some() {
            // What a former device and the driver asked for still stands there.
            let asked = w.shadow.u32(q.device);
            q.kicks.found(asked);
            q.device_event.found(asked);
            q.driver_event.found(word);
        }
        let now = w.book.now;
        let new = if w.stores {
            q.publish_stored(now, w)
        } else {
            q.nothing_new()
        };
        if regs.start.is_none() {
            q.check_zeroed(w);
        }
        (q, new)
    }

    /// Of what is not available yet the driver must have zeroed the ring.
    fn check_zeroed(&self, w: &mut World) {
        let old = (self.next_avail.min(u64::from(self.size))..u64::from(self.size))
            .find(|&p| w.shadow.u16(self.address(p) + 14) != 0);
        w.book.check(
            RuleId::DriverRingZero,
            Some(self.index),
            old.is_none(),
            || "a descriptor ring of zeros when the queue is enabled".into(),
            || old.map_or(String::new(), |p| format!("flags in slot {p}")),
        );
    }

    fn areas(&self) -> [RingArea; 3] {
        let part = |area, start: u64, len: u64| RingArea {
            start,
            end: start.saturating_add(len),
            queue: self.index,
            area,
        };
        [
            part(Area::Desc, self.desc, 16 * u64::from(self.size)),
            part(Area::Driver, self.driver, 4),
            part(Area::Device, self.device, 4),
        ]
    }

    fn slot(&self, position: u64) -> u16 {
        (position % u64::from(self.size)) as u16
    }

    /// The wrap counter at a position.
    fn wrap(&self, position: u64) -> bool {
        (position / u64::from(self.size)).is_multiple_of(2)
    }

    /// The position that a slot stands for now: used descriptors of older ones have been found.
    fn position(&self, slot: u16) -> u64 {
        let size = u64::from(self.size);
        let ahead = (u64::from(slot) + size - self.next_used % size) % size;
        self.next_used + ahead
    }

    /// A position as {wrap, slot}.
    pub(crate) fn word(&self, position: u64) -> u16 {
        self.slot(position) | u16::from(self.wrap(position)) << 15
    }

    fn address(&self, position: u64) -> u64 {
        self.desc + 16 * u64::from(self.slot(position))
    }

    /// Distance from a position forward to {wrap, offset}, modulo two laps.
    pub(crate) fn ahead(&self, event: u16, from: u64) -> u64 {
        super::asking::packed_distance(event, from, self.size)
    }

    /// Do these flags make a descriptor at this position available?
    fn available(&self, flags: u16, position: u64) -> bool {
        let wrap = self.wrap(position);
        (flags & AVAIL != 0) == wrap && (flags & USED != 0) != wrap
    }

    /// The list in flight or returned that holds this position.
    fn owner_at(&self, position: u64) -> Option<(u64, usize)> {
        let number = self.owner[usize::from(self.slot(position))]?;
        let c = self.chain(number)?;
        let at = position.checked_sub(c.position)? as usize;
        (at < c.slots.len()).then_some((number, at))
    }

    /// Ring positions that the lists `new` take.
    pub(crate) fn positions(&self, new: &Range<u64>) -> (u64, u64) {
        let from = self.chain(new.start).map_or(self.next_avail, |c| c.position);
        (from, self.next_avail)
    }

    /// The position after the last one published.
    pub(crate) fn published_position(&self) -> u64 {
        self.next_avail
    }

    /// The position behind what was returned.
    pub(crate) fn used_position(&self) -> u64 {
        self.next_used
    }

    /// The position up to which the device knows of lists.
    pub(crate) fn known_position(&self) -> u64 {
        self.known_position
    }

    /// A kick carried {wrap, offset}. Returns the position up to which it tells.
    pub(crate) fn kick_position(&mut self, at: u16, w: &mut World) -> (u64, Range<u64>) {
        let behind = 2 * u64::from(self.size) - self.ahead(at, self.next_avail);
        let behind = behind % (2 * u64::from(self.size));
        let legal = at & 0x7fff < self.size && behind <= u64::from(self.size);
        if w.stores {
            let (slot, wrap) = (self.slot(self.next_avail), self.wrap(self.next_avail));
            w.book.check(
                RuleId::DriverKickData,
                Some(self.index),
                legal || self.fault.is_some(),
                || format!("offset {slot}, wrap {} (or one before)", u8::from(wrap)),
                || format!("offset {}, wrap {}", at & 0x7fff, at >> 15),
            );
        }
        let behind = if w.stores && legal { behind } else { 0 };
        (self.next_avail.saturating_sub(behind), self.nothing_new())
    }

    /// Are there used descriptors that the driver cannot find yet?
    pub(crate) fn has_unpublished(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The run is over: used descriptors that nobody will find.
    pub(crate) fn at_the_end(&self, w: &mut World) {
        let lost = self.pending.keys().next();
        w.book.check(
            RuleId::PackedUsedSlot,
            Some(self.index),
            lost.is_none(),
            || {
                format!(
                    "a used descriptor in slot {}, the next one",
                    self.slot(self.next_used)
                )
            },
            || lost.map_or(String::new(), |&p| format!("one in slot {}", self.slot(p))),
        );
    }
}
