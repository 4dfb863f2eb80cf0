//! The device's side of a packed queue, output: used descriptors, where they are, in which order they appear, and what they claim.

use super::{AVAIL, PackedQueue, USED};
use crate::judge::address_map::Area;
use crate::judge::cause::{Cause, Purpose};
use crate::judge::queue::list::WRITE;
use crate::judge::queue::{Returned, UsedWrite};
use crate::judge::world::World;
use crate::rules::RuleId;

/// Bytes of a used descriptor: length and id; flags.
const LEN_AND_ID: u16 = 0x3f00;
const FLAGS: u16 = 0xc000;

impl PackedQueue {
    /// The device wrote `first..=last` of a ring part that it may write (already in shadow memory).
    pub(crate) fn ring_write(
        &mut self,
        area: Area,
        first: u64,
        last: u64,
        w: &mut World,
    ) -> (Cause, UsedWrite) {
        if area == Area::Device {
            return (self.device_event_write(first, last, w), UsedWrite::default());
        }
        let mut fresh = Vec::new();
        for slot in (first / 16) as u16..=(last / 16) as u16 {
            let start = 16 * u64::from(slot);
            let mask = (first.max(start)..=last.min(start + 15)).fold(0u16, |m, b| m | 1 << (b - start));
            let position = self.position(slot);
            self.visible[usize::from(slot)].word = w.shadow.u16(self.desc + start + 14);
            w.book.row(
                Some(self.index),
                "write used descriptor",
                self.desc + start,
                u64::from(w.shadow.u32(self.desc + start + 8))
                    | u64::from(w.shadow.u32(self.desc + start + 12)) << 32,
            );
            self.check_slot(position, w);
            let before = self.pending.get(&position).copied().unwrap_or(0);
            self.check_order(slot, before, mask, w);
            self.pending.insert(position, before | mask);
            fresh.push(position);
        }
        let out = self.publish_used(&fresh, w);
        let items = out.groups.iter().map(Vec::len).sum::<usize>() as u32;
        (
            Cause::of(Purpose::UsedDescriptor).on(self.index).items(items),
            out,
        )
    }

    /// May a used descriptor stand here? Only where the device has read what was there.
    fn check_slot(&self, position: u64, w: &mut World) {
        let slot = self.slot(position);
        let read = self
            .owner_at(position)
            .and_then(|(n, at)| Some((self.chain(n)?, at)))
            .is_some_and(|(c, at)| c.used || c.fetched[at].1 != 0 || self.fault.is_some());
        let free = position >= self.next_avail;
        w.book.check(
            RuleId::PackedUsedSlot,
            Some(self.index),
            !free && (read || !w.stores),
            || {
                format!(
                    "a slot from {} on whose descriptor was available and has been read",
                    self.slot(self.next_used)
                )
            },
            || {
                if free {
                    format!("slot {slot}, which is not available")
                } else {
                    format!("slot {slot}, which was not read")
                }
            },
        );
    }

    fn check_order(&self, slot: u16, before: u16, mask: u16, w: &mut World) {
        let all = before | mask;
        let flags_late = before & FLAGS == 0 && mask & LEN_AND_ID | before & LEN_AND_ID == LEN_AND_ID;
        let ok = mask & FLAGS == 0 && before & FLAGS == 0
            || mask & FLAGS == FLAGS && all & LEN_AND_ID == LEN_AND_ID && flags_late;
        w.book.check(
            RuleId::PackedUsedOrder,
            Some(self.index),
            ok,
            || format!("length and id of slot {slot} written before its flags or with them, once"),
            || match () {
                () if before & FLAGS != 0 => "written again after the flags".into(),
                () if mask & FLAGS != FLAGS => "half of the flags".into(),
                () => "the flags first".into(),
            },
        );
    }

    /// Follows the used descriptors as the driver does. `fresh`: positions written just now, which appear one after the other.
    fn publish_used(&mut self, fresh: &[u64], w: &mut World) -> UsedWrite {
        let from = self.next_used;
        let mut groups: Vec<Vec<Returned>> = Vec::new();
        while let Some(mask) = self.pending.get(&self.next_used).copied()
            && mask & FLAGS != 0
        {
            let position = self.next_used;
            self.pending.remove(&position);
            let mut group = Vec::new();
            self.take(position, &mut group, w);
            match groups.last_mut().filter(|_| !fresh.contains(&position)) {
                Some(last) => last.append(&mut group),
                None => groups.push(group),
            }
        }
        groups.retain(|g| !g.is_empty());
        UsedWrite {
            groups,
            published: (self.next_used > from).then_some((from, self.next_used)),
        }
    }

    fn take(&mut self, position: u64, out: &mut Vec<Returned>, w: &mut World) {
        let (q, at, slot) = (Some(self.index), self.address(position), self.slot(position));
        let (len, id, flags) = (w.shadow.u32(at + 8), w.shadow.u16(at + 12), w.shadow.u16(at + 14));
        let wrap = self.wrap(position);
        w.book.check(
            RuleId::PackedUsedFlags,
            q,
            (flags & AVAIL != 0) == wrap && (flags & USED != 0) == wrap,
            || format!("AVAIL and USED {} in slot {slot}", u8::from(wrap)),
            || {
                format!(
                    "AVAIL {}, USED {}",
                    u8::from(flags & AVAIL != 0),
                    u8::from(flags & USED != 0)
                )
            },
        );
        self.seen[usize::from(slot)] = None;
        let number = self.in_flight_with(id);
        w.book.check(
            RuleId::PackedUsedId,
            q,
            number.is_some(),
            || "the id of a list in flight".into(),
            || match self.returned.get(&id) {
                Some(n) => format!("id {id}, of chain {n}, which was returned before"),
                None => format!("id {id}"),
            },
        );
        let Some(number) = number else {
            self.next_used += 1;
            return;
        };
        if self.in_order {
            self.take_skipped(number, out, w);
        }
        self.take_list(number, (len, flags), out, w);
        // Whatever was written into the slots that the lists took is lost.
        let inside: Vec<u64> = self.pending.range(..self.next_used).map(|(&p, _)| p).collect();
        for p in inside {
            self.pending.remove(&p);
            w.book.check(
                RuleId::PackedUsedSlot,
                q,
                false,
                || format!("the next used descriptor in slot {}", self.slot(self.next_used)),
                || format!("one in slot {}, within the list just returned", self.slot(p)),
            );
        }
    }

    /// With `IN_ORDER` one used descriptor returns all lists up to its own; those skipped count as used up.
    fn take_skipped(&mut self, number: u64, out: &mut Vec<Returned>, w: &mut World) {
        while let Some(oldest) = self.chains.oldest().filter(|&n| n < number) {
            w.book.check(
                RuleId::PackedInOrder,
                Some(self.index),
                self.used_up(oldest),
                || format!("chain {oldest} returned before chain {number}, or used up completely"),
                || "it was skipped".into(),
            );
            let len = self.chain(oldest).map_or(0, |c| c.writable_bytes) as u32;
            let flags = if len > 0 { WRITE } else { 0 };
            self.take_list(oldest, (len, flags), out, w);
        }
    }

    fn take_list(&mut self, number: u64, (len, flags): (u32, u16), out: &mut Vec<Returned>, w: &mut World) {
        self.begin(number, w);
        let Some(c) = self.chain(number) else { return };
        let (id, count, name) = (c.id, c.slots.len() as u64, c.name());
        let touched = c.written != crate::judge::windows::Coverage::default();
        if self.in_order && self.chains.oldest() == Some(number) {
            w.book.held(RuleId::PackedInOrder);
        }
        let write = flags & WRITE != 0;
        let fine = if write { len > 0 || touched } else { !touched };
        w.book.check(
            RuleId::PackedUsedWrite,
            Some(self.index),
            fine,
            || format!("WRITE {} for {name}", u8::from(touched)),
            || format!("WRITE {}", u8::from(write)),
        );
        let len = if write { len } else { 0 };
        self.give_back(number, Some(len), w);
        self.ids.remove(&(id, number));
        if let Some(mut old) = self
            .returned
            .insert(id, number)
            .and_then(|n| self.chains.retire(n))
        {
            old.forget(&self.base, w); // two lists had the same id
        }
        self.tampered.remove(&number);
        self.next_used += count.max(1);
        out.push(Returned { chain: number, len });
    }
}
