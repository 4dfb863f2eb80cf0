//! The device's side of a split queue, output: used elements, used index, and what they claim.

use super::SplitQueue;
use crate::judge::cause::{Cause, Purpose};
use crate::judge::queue::chain::Chain;
use crate::judge::queue::{Returned, UsedWrite};
use crate::judge::world::World;
use crate::rules::RuleId;

impl SplitQueue {
    /// The device wrote `first..=last` of the used ring (already in shadow memory).
    pub(crate) fn used_write(&mut self, first: u64, last: u64, w: &mut World) -> (Cause, UsedWrite) {
        let q = self.index;
        let old_idx = self.used_idx;
        let mut returned = Vec::new();
        let mut out = UsedWrite::default();
        let mut cause = Cause::of(Purpose::DeviceEvent).on(q);
        let flags = first < 2;
        let event = last >= self.avail_event_offset();
        if flags {
            self.device_flags(w);
        }
        if event {
            let value = w.shadow.u16(self.device + self.avail_event_offset());
            self.device_event(value, w);
        }
        if last >= 4 && first < self.avail_event_offset() {
            let items = self.elements(
                first.max(4),
                last.min(self.avail_event_offset() - 1),
                w,
                &mut returned,
            );
            cause = Cause::of(Purpose::UsedElement).on(q).items(items);
        }
        if first <= 3 && last >= 2 {
            let whole = first <= 2 && last >= 3;
            let new = w.shadow.u16(self.device + 2);
            w.book.row(Some(q), "write used.idx", self.device + 2, new.into());
            w.book.check(
                RuleId::SplitUsedIdx,
                Some(q),
                whole,
                || "used.idx written as one 16-bit word".into(),
                || format!("bytes {first}..={last} of the used ring"),
            );
            let (items, published) = self.publish_used(old_idx, new, w, &mut returned);
            out.published = published;
            cause = Cause::of(Purpose::UsedIndex).on(q).items(items);
        }
        out.groups.extend((!returned.is_empty()).then_some(returned));
        (cause, out)
    }

    fn device_flags(&mut self, w: &mut World) {
        let value = w.shadow.u16(self.device);
        w.book
            .row(Some(self.index), "write used.flags", self.device, value.into());
        let ok = if self.event_idx { value == 0 } else { value <= 1 };
        w.book.check(
            RuleId::NotifyFlags,
            Some(self.index),
            ok,
            || {
                if self.event_idx {
                    "0 with EVENT_IDX".into()
                } else {
                    "0 or 1".into()
                }
            },
            || format!("used.flags {value:#x}"),
        );
        if !self.event_idx {
            let (seq, now) = (w.seq, w.book.now);
            self.kicks.flags(value.into(), seq, now);
        }
    }

    fn device_event(&mut self, value: u16, w: &mut World) {
        w.book.row(
            Some(self.index),
            "write avail_event",
            self.device + self.avail_event_offset(),
            value.into(),
        );
        let ahead = value.wrapping_sub(self.device_known as u16);
        let (known, size) = (self.device_known as u16, self.size);
        w.book.check(
            RuleId::NotifyAhead,
            Some(self.index),
            ahead <= size || ahead > 0x7fff,
            || format!("at most {size} ahead of {known}, the index that the device knows"),
            || format!("avail_event {value}"),
        );
        let (seq, now) = (w.seq, w.book.now);
        self.kicks.event(value.into(), ahead <= 0x7fff, seq, now);
    }

    /// Elements (or parts of them) in bytes `first..=last` of the used ring. Returns how many are whole with it: one that a page end cuts in two
    /// writes counts once, with the second.
    fn elements(&mut self, first: u64, last: u64, w: &mut World, out: &mut Vec<Returned>) -> u32 {
        let mut items = 0;
        for slot in (first - 4) / 8..=(last - 4) / 8 {
            let start = 4 + 8 * slot;
            let mut mask = 0u8;
            for b in first.max(start)..=last.min(start + 7) {
                mask |= 1 << (b - start);
            }
            let slot = slot as u16;
            let before = self.pending[usize::from(slot)];
            self.pending[usize::from(slot)] |= mask;
            items += u32::from(mask == 0xff || (before != 0xff && before | mask == 0xff));
            if before == 0 {
                self.pending_slots += 1;
            }
            let at = self.device + start;
            w.book.row(
                Some(self.index),
                "write used element",
                at,
                u64::from(w.shadow.u32(at)) | u64::from(w.shadow.u32(at + 4)) << 32,
            );
            if self.owed_slots.contains(&slot) {
                if self.pending[usize::from(slot)] == 0xff {
                    self.owed_slots.remove(&slot);
                    self.take_element(slot, 1, w, out);
                }
                continue;
            }
            let distance = slot.wrapping_sub(self.used_idx) & (self.size - 1);
            let in_flight = self.chains.flying();
            w.book.check(
                RuleId::SplitUsedSlot,
                Some(self.index),
                u32::from(distance) < in_flight,
                || {
                    format!(
                        "one of the {in_flight} slots from {} on",
                        self.used_idx & (self.size - 1)
                    )
                },
                || format!("slot {slot}"),
            );
        }
        items
    }

    fn publish_used(
        &mut self,
        old: u16,
        new: u16,
        w: &mut World,
        out: &mut Vec<Returned>,
    ) -> (u32, Option<(u64, u64)>) {
        let step = new.wrapping_sub(old);
        let in_flight = self.chains.flying();
        let legal = u32::from(step) <= in_flight;
        w.book.check(
            RuleId::SplitUsedIdx,
            Some(self.index),
            legal,
            || format!("a step of at most {in_flight} from {old}"),
            || format!("used.idx {new}"),
        );
        let taken = if legal {
            step
        } else {
            step.min(self.pending_slots.min(in_flight) as u16)
        };
        let mut k = 0;
        while k < taken {
            let slot = old.wrapping_add(k) & (self.size - 1);
            let whole = self.pending[usize::from(slot)] == 0xff;
            w.book.check(
                RuleId::SplitUsedOrder,
                Some(self.index),
                whole,
                || format!("element of slot {slot} written before used.idx {new}"),
                || {
                    if self.pending[usize::from(slot)] == 0 {
                        "it was not written".into()
                    } else {
                        "it was written in part".into()
                    }
                },
            );
            if whole {
                k += self.take_element(slot, taken - k, w, out);
            } else {
                self.owed_slots.insert(slot);
                k += 1;
            }
        }
        self.used_idx = new;
        self.prune();
        let from = u64::from(old);
        (
            u32::from(taken),
            (step != 0).then_some((from, from + u64::from(step))),
        )
    }

    /// Takes the element of a slot with the chains that it stands for, `left` at most: so many positions does the index publish from here on. The
    /// positions passed.
    fn take_element(&mut self, slot: u16, left: u16, w: &mut World, out: &mut Vec<Returned>) -> u16 {
        self.pending[usize::from(slot)] = 0;
        self.pending_slots = self.pending_slots.saturating_sub(1);
        let at = self.device + 4 + 8 * u64::from(slot);
        let (id, len) = (w.shadow.u32(at), w.shadow.u32(at + 4));
        let known = u16::try_from(id)
            .ok()
            .and_then(|h| self.with_head(h))
            .is_some_and(|c| !c.used);
        w.book.check(
            RuleId::SplitUsedId,
            Some(self.index),
            known,
            || "the head of a chain in flight".into(),
            || match u16::try_from(id).ok().and_then(|h| self.with_head(h)) {
                Some(c) => format!("id {id}, head of chain {}, which was returned before", c.number),
                None => format!("id {id}"),
            },
        );
        let number = self.by_head.get(id as usize).copied().flatten();
        let Some(number) = number.filter(|_| known) else {
            return 1;
        };
        let mut passed = 1;
        if self.in_order {
            let skipped = self.take_skipped((slot, number), left, w, out);
            if skipped == left {
                return left; // the index does not reach the chain itself
            }
            passed += skipped;
        }
        self.element_taken(number, Some(len), w);
        out.push(Returned { chain: number, len });
        passed
    }

    /// With `IN_ORDER` one element, in the slot of the batch's first chain, returns all chains up to its own; those skipped count as used up.
    fn take_skipped(
        &mut self,
        (slot, number): (u16, u64),
        left: u16,
        w: &mut World,
        out: &mut Vec<Returned>,
    ) -> u16 {
        let skipped: Vec<u64> = self
            .in_flight()
            .map(|c| c.number)
            .take_while(|&n| n < number)
            .collect();
        w.book.check(
            RuleId::SplitInOrder,
            Some(self.index),
            skipped.len() < usize::from(left),
            || {
                format!(
                    "the index moved past {}, which the element of slot {slot} names",
                    self.chain(number).map_or(String::new(), Chain::name)
                )
            },
            || format!("by {left} of {} chains", skipped.len() + 1),
        );
        let mut passed = 0;
        for oldest in skipped.into_iter().take(left.into()) {
            w.book.check(
                RuleId::SplitInOrder,
                Some(self.index),
                self.used_up(oldest),
                || format!("chain {oldest} returned before chain {number}, or used up completely"),
                || "it was skipped".into(),
            );
            let len = self.chain(oldest).map_or(0, |c| c.writable_bytes) as u32;
            self.element_taken(oldest, None, w);
            out.push(Returned { chain: oldest, len });
            // What was written into the slots that the batch passes is lost.
            passed += 1;
            let inside = usize::from(slot.wrapping_add(passed) & (self.size - 1));
            if passed < left && std::mem::take(&mut self.pending[inside]) != 0 {
                self.pending_slots = self.pending_slots.saturating_sub(1);
            }
        }
        passed
    }

    fn element_taken(&mut self, number: u64, len: Option<u32>, w: &mut World) {
        self.begin(number, w);
        self.give_back(number, len, w);
        let Some(slots) = self.chain(number).map(|c| c.slots.clone()) else {
            return;
        };
        for s in slots {
            if self.owner[usize::from(s)] == Some(number) {
                self.owner[usize::from(s)] = None;
            }
            w.shadow.forget(self.desc + 16 * u64::from(s), 16);
        }
        let entry = 4 + 2 * (number & (u64::from(self.size) - 1));
        w.shadow.forget(self.driver + entry, 2);
    }
}
