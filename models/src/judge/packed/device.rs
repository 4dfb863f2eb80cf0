//! The device's side of a packed queue, input: which descriptors it has read, and whether it knew enough to use them.

use std::ops::Range;

use super::walk::walk;
use super::{PackedQueue, Seen};
use crate::judge::address_map::Area;
use crate::judge::cause::{Cause, Purpose};
use crate::judge::queue::RingAnswer;
use crate::judge::queue::list::Descriptor;
use crate::judge::windows::Coverage;
use crate::judge::world::World;
use crate::rules::RuleId;

/// What memory is sampled in: descriptors of one line are read in one moment.
const LINE_BYTES: u64 = 64;

/// A read of descriptors that was answered.
struct Answered<'a> {
    /// Offset of its first byte in the ring.
    first: u64,
    data: &'a [u8],
    asked: u64,
}

impl Answered<'_> {
    /// Slots that came as a whole.
    fn slots(&self) -> Range<u16> {
        let end = self.first + self.data.len() as u64;
        self.first.div_ceil(16) as u16..(end / 16) as u16
    }

    fn bytes(&self, slot: u16) -> Option<&[u8; 16]> {
        let at = (16 * u64::from(slot)).checked_sub(self.first)? as usize;
        self.data.get(at..)?.first_chunk()
    }
}

impl PackedQueue {
    /// A read of `first..=last` of a ring part was issued.
    pub(crate) fn ring_read(&mut self, area: Area, first: u64, last: u64, w: &mut World) -> Cause {
        if area == Area::Driver {
            return self.driver_event_read(first, w);
        }
        let slots = (first / 16) as u16..=(last / 16) as u16;
        let items = slots.clone().count() as u32;
        w.book.row(
            Some(self.index),
            "read descriptors",
            self.desc + first,
            items.into(),
        );
        if slots.contains(&self.slot(self.known_position)) && self.kicks.index_read(w.seq) {
            w.book.held(RuleId::NotifyReread);
        }
        let begun = |slot: u16| {
            self.owner_at(self.position(slot))
                .and_then(|(n, _)| self.chain(n))
                .is_some_and(|c| c.started && !c.used)
        };
        let repeated = w.stores && self.fault.is_none() && slots.clone().all(begun);
        w.book.check(
            RuleId::SafeDoubleFetch,
            Some(self.index),
            !repeated,
            || "no descriptor fetched again once its list was begun".into(),
            || format!("slots {}..={} read again", slots.start(), slots.end()),
        );
        Cause::of(Purpose::Descriptor).on(self.index).items(items)
    }

    /// The read issued as event `asked` with `cause` was answered.
    pub(crate) fn ring_answer(
        &mut self,
        area: Area,
        first: u64,
        data: &[u8],
        (asked, mut cause): (u64, Cause),
        w: &mut World,
    ) -> RingAnswer {
        let mut new = self.nothing_new();
        if area == Area::Driver {
            self.driver_event_answer(first, data, asked, w);
            return RingAnswer { new, cause };
        }
        let read = Answered { first, data, asked };
        let useful = if w.stores {
            self.descriptors_came(&read, w)
        } else {
            let useful;
            (new, useful) = self.descriptors_shown(&read, w);
            useful
        };
        cause.wasted = cause.items.saturating_sub(useful);
        while let Some(c) = self.chain(self.device_known).filter(|c| c.known != 0) {
            let end = c.position + c.slots.len() as u64;
            self.known_position = end;
            self.device_known += 1;
        }
        RingAnswer { new, cause }
    }

    /// With stores: which published descriptors did it bring? Returns how many are new to the device.
    fn descriptors_came(&mut self, read: &Answered, w: &mut World) -> u32 {
        let (desc, seq) = (self.desc, w.seq);
        let line = |slot: u16| (desc + 16 * u64::from(slot)) / LINE_BYTES;
        let mut useful = 0;
        // Heads first: what they prove holds for their line.
        let mut proven = Vec::new();
        for followers in [false, true] {
            for slot in read.slots() {
                let position = self.position(slot);
                let Some((number, at)) = self.owner_at(position).filter(|o| (o.1 > 0) == followers) else {
                    continue;
                };
                let Some(bytes) = read.bytes(slot) else { continue };
                let right =
                    *bytes == *w.shadow.bytes(self.address(position), 16) || self.tampered.contains(&number);
                let available = self.available(Descriptor::parse(bytes).words[1], position);
                let Some(c) = self.chain_mut(number) else { continue };
                if !followers && available {
                    proven.push((number, line(slot)));
                    if c.known == 0 {
                        c.known = seq;
                    }
                }
                let trusted = if followers {
                    c.known != 0 && (read.asked > c.known || proven.contains(&(number, line(slot))))
                } else {
                    available
                };
                if trusted && right && c.fetched[at] == (0, 0) {
                    c.fetched[at] = (read.asked, seq);
                    useful += 1;
                }
            }
        }
        useful
    }

    /// Without stores: what it brought is all that is known of the ring. Returns the lists that became known, and how many descriptors were available.
    fn descriptors_shown(&mut self, read: &Answered, w: &mut World) -> (Range<u64>, u32) {
        let mut useful = 0;
        for slot in read.slots() {
            let Some(bytes) = read.bytes(slot) else { continue };
            let descriptor = Descriptor::parse(bytes);
            useful += u32::from(self.available(descriptor.words[1], self.position(slot)));
            let place = &mut self.seen[usize::from(slot)];
            if place.is_none_or(|s| s.asked <= read.asked) {
                *place = Some(Seen {
                    asked: read.asked,
                    answered: w.seq,
                    descriptor,
                });
            }
        }
        let from = self.published;
        while self.fault.is_none() && self.next_avail < self.next_used + u64::from(self.size) {
            let start = self.next_avail;
            let seen = |n: u64| self.seen[usize::from(self.slot(start + n))];
            let Some(head) = seen(0) else { break };
            // A follower counts as it was read with the head or after it.
            let get = |n: u64| {
                let s = seen(n).filter(|s| s.asked >= head.asked)?;
                self.available(s.descriptor.words[1], start + n)
                    .then_some(s.descriptor)
            };
            let list = walk(&w.shadow, self.size, self.indirect, |n| self.slot(start + n), get);
            if let Some(n) = list.waits_for {
                if n > 0 && self.runs_on(&head, start, n) {
                    self.published_too_early(start, n, w);
                    self.fault = Some((
                        self.published,
                        "a list runs on into a slot that is not available".into(),
                    ));
                    self.fault_seen = true;
                }
                break;
            }
            let (number, now) = (self.published, w.book.now);
            self.publish(list, now, w);
            if let Some(c) = self.chain_mut(number) {
                c.known = head.answered;
                c.fetched.fill((head.asked, head.answered));
            }
        }
        (from..self.published, useful)
    }

    /// The `n`-th descriptor of the list at `start` was not available when last read: was that read one that a legal driver's list
    /// would have been complete in? It was if it was asked for after the head had been seen, or brought the head too, in the same line.
    fn runs_on(&self, head: &Seen, start: u64, n: u32) -> bool {
        let position = start + u64::from(n);
        let line = |position: u64| self.address(position) / LINE_BYTES;
        n >= u32::from(self.size)
            || self.seen[usize::from(self.slot(position))].is_some_and(|s| {
                let trusted =
                    s.asked > head.answered || s.asked == head.asked && line(position) == line(start);
                trusted && !self.available(s.descriptor.words[1], position)
            })
    }

    /// The device is about to use the list: does it know what it needs?
    pub(crate) fn begin(&mut self, number: u64, w: &mut World) {
        let index = self.index;
        let Some(c) = self.chain_mut(number) else { return };
        if std::mem::replace(&mut c.started, true) || !c.walked {
            return;
        }
        let name = c.name();
        let known = c.known != 0;
        let missing = c
            .slots
            .iter()
            .zip(&c.fetched)
            .find(|(_, f)| f.1 == 0)
            .map(|(&s, _)| s);
        let table = c.indirect.is_some() && c.table_got == Coverage::default();
        w.book.check(
            RuleId::PackedAvail,
            Some(index),
            known,
            || format!("the first descriptor of {name} read as available before it is used"),
            || "no read of it has brought those flags".into(),
        );
        if known {
            w.book.check(
                RuleId::PackedDescStale,
                Some(index),
                missing.is_none() && !table,
                || format!("all descriptors of {name} read as published: after the first was seen available, or in its 64-byte line"),
                || {
                    missing.map_or("its indirect table was not fetched".into(), |s| {
                        format!("slot {s} was not")
                    })
                },
            );
        }
    }
}
