//! The device's side of a split queue, input: which index, entries and descriptors it has read, and whether it knew enough to use them.

use std::ops::Range;

use super::SplitQueue;
use crate::judge::address_map::Area;
use crate::judge::cause::{Cause, Purpose};
use crate::judge::queue::RingAnswer;
use crate::judge::world::World;
use crate::rules::RuleId;

impl SplitQueue {
    /// The device was told that the available index is `idx`, by the index read issued as event `asked` or (none) by a kick.
    /// Returns the chains that became available by it, which can only happen without the driver's stores.
    fn device_learned(&mut self, idx: u16, asked: Option<u64>, w: &mut World) -> Range<u64> {
        let ahead = u64::from(idx.wrapping_sub(self.device_known as u16));
        let none = self.nothing_new();
        if ahead > u64::from(self.size) {
            // What was asked for before the device learned what it knows may be older than that, and so may any kick.
            let newer = asked.is_some_and(|asked| asked > self.learned);
            if newer || ahead <= 0x7fff {
                self.index_jumps(idx, w);
            }
            return none;
        }
        let known = self.device_known + ahead;
        let new = if w.stores {
            none
        } else if known > self.published {
            let now = w.book.now;
            self.publish((known - self.published) as u16, now, w)
        } else {
            none
        };
        let known = known.min(self.published);
        let mask = self.size - 1;
        for n in self.device_known..known {
            self.slot_known[usize::from(n as u16 & mask)] = w.seq;
            if let Some(c) = self.chain_mut(n) {
                c.known = w.seq;
            }
        }
        if known > self.device_known {
            (self.device_known, self.learned) = (known, w.seq);
        }
        new
    }

    /// The device has seen an index that no legal driver can have stored, and must not follow it.
    fn index_jumps(&mut self, idx: u16, w: &mut World) {
        let from = self.device_known;
        if !w.stores && self.fault.is_none() {
            self.fault = Some((from, format!("avail.idx jumps from {} to {idx}", from as u16)));
            w.book.check(
                RuleId::DriverAvailIdx,
                Some(self.index),
                false,
                || format!("avail.idx moves by at most {} from {}", self.size, from as u16),
                || format!("{idx}, a step of {}", idx.wrapping_sub(from as u16)),
            );
        }
        self.fault_seen |= self.fault.is_some();
    }

    fn entry_slots(&self, first: u64, last: u64) -> std::ops::RangeInclusive<u64> {
        (first.max(4) - 4) / 2..=((last - 4) / 2).min(u64::from(self.size) - 1)
    }

    /// A read of `first..=last` of the available ring was issued.
    pub(crate) fn avail_read(&mut self, first: u64, last: u64, w: &mut World) -> Cause {
        let q = self.index;
        if first <= 3 && last >= 2 {
            if self.kicks.index_read(w.seq) {
                w.book.held(RuleId::NotifyReread);
            }
            w.book.row(Some(q), "read avail.idx", self.driver + 2, 0);
        }
        let entries = last >= 4 && first < self.used_event_offset();
        let (mut items, mut wasted) = (0, 0);
        if entries {
            for slot in self.entry_slots(first, last) {
                items += 1;
                let Some(number) = self.slot_number[slot as usize] else {
                    wasted += 1;
                    continue;
                };
                let seq = w.seq;
                // Without stores the head is what this read will bring.
                if !self.entry_is_known(number) && !w.stores && number < self.device_known {
                    continue;
                }
                match self.chain_mut(number).filter(|c| !c.used) {
                    Some(c) if c.known != 0 && c.entry.0 == 0 => c.entry.0 = seq,
                    _ => wasted += 1,
                }
            }
        }
        let event = self.driver_event_offset();
        if first <= event + 1 && last >= event {
            w.book.row(Some(q), "read driver event", self.driver + event, 0);
            self.decision.event_asked(q, w);
        }
        let purpose = match () {
            () if first <= 3 && last >= 2 => Purpose::AvailIndex,
            () if entries => Purpose::AvailEntry,
            () => Purpose::DriverEvent,
        };
        Cause {
            wasted,
            ..Cause::of(purpose).on(q).items(items)
        }
    }

    /// The read issued as event `asked` was answered with `data`, which starts at offset `first` of the available ring.
    /// Returns newly published chains (without stores) and how many chains the device learned of.
    pub(super) fn avail_answer(
        &mut self,
        first: u64,
        data: &[u8],
        asked: u64,
        w: &mut World,
    ) -> (Range<u64>, u64) {
        let word = |offset: u64| {
            let at = offset.checked_sub(first)? as usize;
            Some(u16::from_le_bytes([*data.get(at)?, *data.get(at + 1)?]))
        };
        let last = first + data.len() as u64 - 1;
        let before = self.device_known;
        let mut new = self.nothing_new();
        if last >= 5 && first < self.used_event_offset() {
            for slot in self.entry_slots(first, last) {
                self.entry_answer(slot, word(4 + 2 * slot), asked, w);
            }
        }
        if let Some(idx) = word(2) {
            w.book
                .row(Some(self.index), "avail.idx is", self.driver + 2, idx.into());
            new = self.device_learned(idx, Some(asked), w);
        }
        if let Some(value) = word(self.driver_event_offset()) {
            w.book.row(
                Some(self.index),
                "driver event is",
                self.driver + self.driver_event_offset(),
                value.into(),
            );
            let now = w.book.now;
            if !w.stores {
                self.decision.word.push(now, value.into()); // all that is known of it
            }
            self.decision.event_answered(asked, now);
        }
        (new, self.device_known - before)
    }

    fn entry_answer(&mut self, slot: u64, head: Option<u16>, asked: u64, w: &mut World) {
        let Some(number) = self.slot_number[slot as usize] else {
            return;
        };
        if self.entry_is_known(number) {
            if let Some(c) = self.chain_mut(number)
                && c.entry == (asked, 0)
            {
                c.entry.1 = w.seq;
            }
            return;
        }
        if let Some(head) = head
            && !w.stores
            && number < self.device_known
        {
            let (now, known) = (w.book.now, self.slot_known[slot as usize]);
            self.entry_known(number, head, now, w);
            if let Some(c) = self.chain_mut(number) {
                (c.known, c.entry) = (known, (asked, w.seq));
            }
        }
    }

    /// A read of `first..=last` of the descriptor table was issued.
    pub(crate) fn descriptor_read(&mut self, first: u64, last: u64, w: &mut World) -> Cause {
        let (mut items, mut useful, mut again, mut waiting) = (0, 0, 0, 0);
        let mut chain = None;
        for slot in (first / 16) as u16..=(last / 16) as u16 {
            items += 1;
            let seq = w.seq;
            let Some(c) = self.owner[usize::from(slot)]
                .and_then(|n| self.chain_mut(n))
                .filter(|c| c.known != 0)
            else {
                continue;
            };
            let Some(at) = c.slots.iter().position(|&s| s == slot) else {
                continue;
            };
            if c.fetched[at].0 == 0 {
                c.fetched[at].0 = seq;
                useful += 1;
                chain.get_or_insert(c.number);
            } else {
                again += 1;
                // A read ahead may bring it and be thrown away, as long as the chain has not been begun.
                waiting += u32::from(!c.started);
            }
        }
        w.book.row(
            Some(self.index),
            "read descriptors",
            self.desc + first,
            items.into(),
        );
        if w.stores {
            // What a malformed chain makes a device read is no fetch of good descriptors; the error policy has rules of its own.
            let faulty = self.fault.is_some();
            let repeated = useful + waiting == 0 && again > 0 && !faulty;
            w.book.check(
                RuleId::SafeDoubleFetch,
                Some(self.index),
                !repeated,
                || "no descriptor fetched again once its chain was begun".into(),
                || format!("descriptors {}..={} read again", first / 16, last / 16),
            );
            w.book.check(
                RuleId::SplitDescUnavailable,
                Some(self.index),
                useful + again > 0 || faulty,
                || "at least one descriptor of a chain known to be available and not yet returned".into(),
                || format!("descriptors {}..={}", first / 16, last / 16),
            );
        }
        let wasted = if w.stores { items - useful } else { 0 };
        Cause {
            chain,
            wasted,
            ..Cause::of(Purpose::Descriptor).on(self.index).items(items)
        }
    }

    /// The descriptor read issued as event `asked` was answered.
    pub(super) fn descriptor_answer(&mut self, first: u64, last: u64, asked: u64, w: &mut World) {
        for slot in (first / 16) as u16..=(last / 16) as u16 {
            self.descriptor_seen[usize::from(slot)] = self.descriptor_seen[usize::from(slot)].max(asked);
            let seq = w.seq;
            let Some(c) = self.owner[usize::from(slot)].and_then(|n| self.chain_mut(n)) else {
                continue;
            };
            let Some(at) = c.slots.iter().position(|&s| s == slot) else {
                continue;
            };
            if c.fetched[at] == (asked, 0) {
                c.fetched[at].1 = seq;
            }
        }
        self.walk_again(w);
    }

    /// Without stores: memory became known, so perhaps chains can be walked further.
    pub(crate) fn walk_again(&mut self, w: &mut World) {
        for (number, head) in std::mem::take(&mut self.unwalked) {
            if self.chain(number).is_none_or(|c| c.used || c.walked) {
                continue;
            }
            self.resolve(number, head, w);
            let seq = w.seq;
            if let Some(c) = self.chain_mut(number).filter(|c| c.walked) {
                c.fetched.fill((seq, seq));
                w.walked.push((self.index, number));
            }
        }
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
            let learned;
            (new, learned) = self.avail_answer(first, data, asked, w);
            cause.items = learned as u32;
        } else {
            // A read may have begun inside the table and gone beyond it: that was judged when it was asked for.
            let end = (first + data.len() as u64).min(16 * u64::from(self.size));
            self.descriptor_answer(first, end - 1, asked, w);
        }
        RingAnswer { new, cause }
    }

    /// A kick carried an available index. Returns the index up to which it tells, and chains that became available by it (without stores).
    pub(crate) fn kick_position(&mut self, at: u16, w: &mut World) -> (u64, Range<u64>) {
        let behind = (self.published as u16).wrapping_sub(at);
        if w.stores {
            let legal = behind <= self.size || self.fault.is_some();
            w.book.check(
                RuleId::DriverKickData,
                Some(self.index),
                legal,
                || format!("available index {} (or one before)", self.published as u16),
                || format!("{at}"),
            );
        }
        let new = self.device_learned(at, None, w);
        let behind = if w.stores { u64::from(behind) } else { 0 };
        (self.published.saturating_sub(behind), new)
    }

    /// The device is about to use the chain: does it know what it needs?
    pub(crate) fn begin(&mut self, number: u64, w: &mut World) {
        let index = self.index;
        let Some(c) = self.chain_mut(number) else { return };
        if std::mem::replace(&mut c.started, true) || !c.walked {
            return;
        }
        let (known, entry) = (c.known, c.entry);
        let missing = c
            .slots
            .iter()
            .zip(&c.fetched)
            .find(|(_, f)| f.1 == 0)
            .map(|(&s, _)| s);
        let table = c.indirect.is_some() && c.table_got == crate::judge::windows::Coverage::default();
        let name = c.name();
        w.book.check(
            RuleId::SplitAvailOrder,
            Some(index),
            known != 0 && entry.1 != 0,
            || format!("index, then entry of {name} read before it is used"),
            || match (known, entry) {
                (0, _) => "the device has not been told that the chain is available".into(),
                (_, (0, _)) => "its entry was not read since".into(),
                _ => "the read of its entry is not answered yet".into(),
            },
        );
        if w.stores {
            w.book.check(
                RuleId::SplitDescStale,
                Some(index),
                missing.is_none() && !table,
                || format!("all descriptors of {name} fetched since it became known"),
                || {
                    missing.map_or("its indirect table was not fetched".into(), |s| {
                        format!("descriptor {s} was not")
                    })
                },
            );
        }
    }
}
