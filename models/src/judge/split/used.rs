//! The device's side of a split queue, output: used elements, used index, and what they claim.

use super::{Chain, Queue};
use crate::judge::cause::{Cause, Purpose};
use crate::judge::world::World;
use crate::rules::RuleId;

/// A chain that was just returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Returned {
    pub(crate) head: u16,
    pub(crate) len: u32,
}

/// What a write to the used ring amounted to.
#[derive(Debug, Default)]
pub(crate) struct UsedWrite {
    /// Chains returned, in order of their slots.
    pub(crate) returned: Vec<Returned>,
    /// used.idx moved from..to.
    pub(crate) published: Option<(u16, u16)>,
}

impl Queue {
    /// The device wrote `first..=last` of the used ring (already in shadow memory).
    pub(crate) fn used_write(
        &mut self,
        first: u64,
        last: u64,
        old_idx: u16,
        w: &mut World,
    ) -> (Cause, UsedWrite) {
        let q = self.index;
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
            let items = self.elements(first.max(4), last.min(self.avail_event_offset() - 1), w, &mut out);
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
            let items = self.publish_used(old_idx, new, w, &mut out);
            cause = Cause::of(Purpose::UsedIndex).on(q).items(items);
        }
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
            self.kicks.flags(value, seq, now);
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
        self.kicks.event(value, ahead <= 0x7fff, seq, now);
    }

    /// Elements (or parts of them) in bytes `first..=last` of the used ring.
    fn elements(&mut self, first: u64, last: u64, w: &mut World, out: &mut UsedWrite) -> u32 {
        let mut items = 0;
        for slot in (first - 4) / 8..=(last - 4) / 8 {
            items += 1;
            let start = 4 + 8 * slot;
            let mut mask = 0u8;
            for b in first.max(start)..=last.min(start + 7) {
                mask |= 1 << (b - start);
            }
            let slot = slot as u16;
            let before = self.pending[usize::from(slot)];
            self.pending[usize::from(slot)] |= mask;
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
                    self.take_element(slot, w, out);
                }
                continue;
            }
            let distance = slot.wrapping_sub(self.used_idx) & (self.size - 1);
            let in_flight = self.in_flight;
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

    fn publish_used(&mut self, old: u16, new: u16, w: &mut World, out: &mut UsedWrite) -> u32 {
        let step = new.wrapping_sub(old);
        let in_flight = self.in_flight;
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
        for k in 0..taken {
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
                self.take_element(slot, w, out);
            } else {
                self.owed_slots.insert(slot);
            }
        }
        self.used_idx = new;
        if step != 0 {
            out.published = Some((old, new));
        }
        self.prune();
        u32::from(taken)
    }

    fn take_element(&mut self, slot: u16, w: &mut World, out: &mut UsedWrite) {
        self.pending[usize::from(slot)] = 0;
        self.pending_slots = self.pending_slots.saturating_sub(1);
        let at = self.device + 4 + 8 * u64::from(slot);
        let (id, len) = (w.shadow.u32(at), w.shadow.u32(at + 4));
        let known = u16::try_from(id)
            .ok()
            .and_then(|h| self.chain(h))
            .is_some_and(|c| !c.used);
        w.book.check(
            RuleId::SplitUsedId,
            Some(self.index),
            known,
            || "the head of a chain in flight".into(),
            || match u16::try_from(id).ok().and_then(|h| self.chain(h)) {
                Some(c) => format!("id {id}, head of chain {}, which was returned before", c.number),
                None => format!("id {id}"),
            },
        );
        if known {
            let head = id as u16;
            self.give_back(head, len, w);
            out.returned.push(Returned { head, len });
        }
    }

    fn give_back(&mut self, head: u16, len: u32, w: &mut World) {
        self.begin(head, w);
        let index = self.index;
        let oldest = self.in_flight().next().map(|c| c.number);
        let Some(mut chain) = self.by_head[usize::from(head)].take() else {
            return;
        };
        let number = chain.number;
        if self.in_order {
            w.book.check(
                RuleId::SplitInOrder,
                Some(index),
                oldest == Some(number),
                || format!("chain {}", oldest.unwrap_or(number)),
                || format!("chain {number} (head {head})"),
            );
        }
        if let Some((faulty, why)) = &self.fault {
            let fine = number < *faulty && chain.fault.is_none();
            w.book.check(
                RuleId::RingErrorPolicy,
                Some(index),
                fine,
                || format!("nothing returned from chain {faulty} on ({why})"),
                || format!("chain {number} (head {head}) returned"),
            );
        }
        w.book.check(
            RuleId::SplitUsedEarly,
            Some(index),
            chain.reads_outstanding == 0,
            || format!("all reads of chain {number} (head {head}) answered before it is returned"),
            || format!("{} outstanding", chain.reads_outstanding),
        );
        if chain.walked {
            self.check_len(&mut chain, len, w);
        }
        chain.used = true;
        chain.spans.iter().for_each(|&k| w.spans.mark_used(k));
        self.disown(&chain);
        for &s in &chain.slots {
            w.shadow.forget(self.desc + 16 * u64::from(s), 16);
        }
        if let Some((addr, bytes)) = chain.indirect {
            w.shadow.forget(addr, bytes as usize);
        }
        w.shadow
            .forget(self.driver + 4 + 2 * (number & (u64::from(self.size) - 1)), 2);
        self.by_head[usize::from(head)] = Some(chain);
        self.in_flight -= 1;
        self.returned += 1;
        w.book.compared.chains += 1;
    }

    fn check_len(&self, chain: &mut Chain, len: u32, w: &mut World) {
        let (number, room) = (chain.number, chain.writable_bytes);
        let fits = u64::from(len) <= room;
        if !fits {
            w.book.check(
                RuleId::SplitUsedLen,
                Some(self.index),
                false,
                || format!("at most {room}, the writable bytes of chain {number}"),
                || format!("len {len}"),
            );
        } else if u64::from(len) > chain.written.prefix() {
            chain.short = Some((w.book.now, len));
        } else {
            w.book.held(RuleId::SplitUsedLen);
            w.book.held(RuleId::SplitPayloadOrder);
        }
    }

    /// The device wrote `first..last` of the writable part of a chain.
    pub(crate) fn payload_written(&mut self, head: u16, first: u64, last: u64, w: &mut World) {
        self.begin(head, w);
        let index = self.index;
        let Some(c) = self.chain_mut(head) else { return };
        c.written.add(first, last);
        let number = c.number;
        if c.used {
            let late = c.short.is_some_and(|(_, len)| first < u64::from(len));
            let rule = if late {
                RuleId::SplitPayloadOrder
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
                || format!("chain {number} (head {head}) written before it is returned"),
                || format!("bytes {first}..{last} written afterwards"),
            );
        }
    }
}
