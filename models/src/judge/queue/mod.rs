//! A virtqueue whatever its format: what the rest of the judge asks of it.

pub(crate) mod base;
pub(crate) mod chain;
pub(crate) mod list;

use std::ops::{Deref, DerefMut, Range};

pub(crate) use base::{Base, State};

use super::address_map::Area;
use super::cause::{Cause, Purpose};
use super::features::RING_PACKED;
use super::packed::PackedQueue;
use super::registers::QueueRegs;
use super::split::SplitQueue;
use super::world::World;
use crate::rules::RuleId;

/// A chain that was just returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Its number.
    pub(crate) chain: u64,
    /// Bytes that it is said to hold.
    pub(crate) len: u32,
}

/// What a write of the device to its ring amounted to.
#[derive(Debug, Default)]
pub(crate) struct UsedWrite {
    /// Chains returned, in ring order; those of a group became visible to the driver in one moment.
    pub(crate) groups: Vec<Vec<Returned>>,
    /// Ring positions that the driver finds used now: from, to.
    pub(crate) published: Option<(u64, u64)>,
}

/// What the answer of a ring read amounted to.
#[derive(Debug)]
pub(crate) struct RingAnswer {
    /// Chains that became available by it (only without stores).
    pub(crate) new: Range<u64>,
    /// The cause of the last completion.
    pub(crate) cause: Cause,
}

/// A virtqueue.
#[derive(Debug)]
pub(crate) enum Queue {
    Split(SplitQueue),
    Packed(PackedQueue),
}

impl Deref for Queue {
    type Target = Base;

    fn deref(&self) -> &Base {
        match self {
            Queue::Split(q) => q,
            Queue::Packed(q) => q,
        }
    }
}

impl DerefMut for Queue {
    fn deref_mut(&mut self) -> &mut Base {
        match self {
            Queue::Split(q) => q,
            Queue::Packed(q) => q,
        }
    }
}

impl Queue {
    /// The queue was enabled with these registers. Returns the chains that are available already.
    pub(crate) fn enable(index: u16, regs: &QueueRegs, size: u16, w: &mut World) -> (Self, Range<u64>) {
        if w.has(RING_PACKED) {
            let (q, new) = PackedQueue::enable(index, regs, size, w);
            (Queue::Packed(q), new)
        } else {
            let (q, new) = SplitQueue::enable(index, regs, size, w);
            (Queue::Split(q), new)
        }
    }

    /// The driver stored into `first..=last` of a ring part. Returns the chains that became available.
    pub(crate) fn driver_stored(
        &mut self,
        area: Area,
        span: (u64, u64),
        visible: u64,
        w: &mut World,
    ) -> Range<u64> {
        match self {
            Queue::Split(q) => q.driver_stored(area, span, visible, w),
            Queue::Packed(q) => q.driver_stored(area, span, visible, w),
        }
    }

    /// Ring positions that the chains `new` take.
    pub(crate) fn positions(&self, new: &Range<u64>) -> (u64, u64) {
        match self {
            Queue::Split(_) => (new.start, new.end),
            Queue::Packed(q) => q.positions(new),
        }
    }

    /// A kick carried the position `at` ({wrap, offset} as in the kick's upper half).
    /// Returns the position up to which it tells, and the chains that became available by it (only without stores).
    pub(crate) fn kick_position(&mut self, at: u16, w: &mut World) -> (u64, Range<u64>) {
        match self {
            Queue::Split(q) => q.kick_position(at, w),
            Queue::Packed(q) => q.kick_position(at, w),
        }
    }

    /// The position after the last one published.
    pub(crate) fn published_position(&self) -> u64 {
        match self {
            Queue::Split(q) => q.published,
            Queue::Packed(q) => q.published_position(),
        }
    }

    /// The position behind what was returned.
    pub(crate) fn used_position(&self) -> u64 {
        match self {
            Queue::Split(q) => q.used_position(),
            Queue::Packed(q) => q.used_position(),
        }
    }

    /// How far behind position `from` the one that `word` names lies, round the numbers that there are; none: it names none.
    pub(crate) fn distance(&self, word: u16, from: u64) -> Option<u64> {
        match self {
            Queue::Split(_) => Some(u64::from(word.wrapping_sub(from as u16))),
            Queue::Packed(q) => (word & 0x7fff < q.size).then(|| q.ahead(word, from)),
        }
    }

    /// A position as registers and kicks name it: an index, or {wrap, slot}.
    pub(crate) fn word(&self, position: u64) -> u16 {
        match self {
            Queue::Split(_) => position as u16,
            Queue::Packed(q) => q.word(position),
        }
    }

    /// The position up to which the device knows what is available.
    pub(crate) fn known_position(&self) -> u64 {
        match self {
            Queue::Split(q) => q.device_known,
            Queue::Packed(q) => q.known_position(),
        }
    }

    /// May the device write this part of the ring? If not: what it is.
    pub(crate) fn writable(&self, area: Area) -> Result<(), &'static str> {
        match (self, area) {
            (Queue::Split(_), Area::Desc) => Err("a descriptor table"),
            (Queue::Split(_), Area::Driver) => Err("an available ring"),
            (Queue::Packed(_), Area::Driver) => Err("the driver's event structure"),
            (Queue::Split(_), Area::Device) | (Queue::Packed(_), Area::Desc | Area::Device) => Ok(()),
        }
    }

    /// A read of `first..=last` of a ring part was issued.
    pub(crate) fn ring_read(&mut self, area: Area, first: u64, last: u64, w: &mut World) -> Cause {
        match self {
            Queue::Split(q) if area == Area::Driver => q.avail_read(first, last, w),
            Queue::Split(q) => q.descriptor_read(first, last, w),
            Queue::Packed(q) => q.ring_read(area, first, last, w),
        }
    }

    /// The read issued as event `asked` with `cause` was answered with `data`, which starts at offset `first` of the ring part.
    pub(crate) fn ring_answer(
        &mut self,
        area: Area,
        first: u64,
        data: &[u8],
        (asked, cause): (u64, Cause),
        w: &mut World,
    ) -> RingAnswer {
        match self {
            Queue::Split(q) => q.ring_answer(area, first, data, (asked, cause), w),
            Queue::Packed(q) => q.ring_answer(area, first, data, (asked, cause), w),
        }
    }

    /// The device wrote `first..=last` of a ring part that it may write (already in shadow memory).
    pub(crate) fn ring_write(
        &mut self,
        area: Area,
        first: u64,
        last: u64,
        w: &mut World,
    ) -> (Cause, UsedWrite) {
        debug_assert!(self.writable(area).is_ok());
        match self {
            Queue::Split(q) => q.used_write(first, last, w),
            Queue::Packed(q) => q.ring_write(area, first, last, w),
        }
    }

    /// A read of `first..last` of a chain's indirect table was issued.
    pub(crate) fn table_read(&mut self, number: u64, first: u64, last: u64, w: &mut World) -> Cause {
        let index = self.index;
        let items = (last / 16 - first / 16) as u32; // one that a page end cuts in two reads counts with the second
        w.book
            .row(Some(index), "read indirect table", first, items.into());
        let Some(c) = self.chain_mut(number) else {
            return Cause::of(Purpose::IndirectTable).on(index);
        };
        let new = c.table_asked.add(first, last) > 0 || !c.started;
        w.book.check(
            RuleId::SafeDoubleFetch,
            Some(index),
            new,
            || "no entry of an indirect table fetched again once its chain was begun".into(),
            || format!("bytes {first}..{last} of the table of chain {number} read again"),
        );
        Cause {
            chain: Some(number),
            ..Cause::of(Purpose::IndirectTable).on(index).items(items)
        }
    }

    /// It was answered.
    pub(crate) fn table_answer(&mut self, number: u64, first: u64, last: u64, w: &mut World) {
        if let Some(c) = self.chain_mut(number) {
            c.table_got.add(first, last);
        }
        match self {
            Queue::Split(q) => q.walk_again(w),
            Queue::Packed(q) => q.walk_again(w),
        }
    }

    /// The device is about to use the chain: does it know what it needs?
    pub(crate) fn begin(&mut self, number: u64, w: &mut World) {
        match self {
            Queue::Split(q) => q.begin(number, w),
            Queue::Packed(q) => q.begin(number, w),
        }
    }

    /// The device wrote `first..last` of the writable part of a chain.
    pub(crate) fn payload_written(&mut self, number: u64, first: u64, last: u64, w: &mut World) {
        self.begin(number, w);
        Base::payload_written(self, number, first, last, w);
    }

    /// Are there used entries that the driver cannot find yet?
    pub(crate) fn has_unpublished(&self) -> bool {
        match self {
            Queue::Split(q) => q.has_unpublished(),
            Queue::Packed(q) => q.has_unpublished(),
        }
    }

    /// The run is over, and nothing is in flight.
    pub(crate) fn at_the_end(&self, w: &mut World) {
        self.settle_all(w);
        match self {
            Queue::Split(_) => {}
            Queue::Packed(q) => q.at_the_end(w),
        }
    }
}
