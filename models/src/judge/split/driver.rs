//! The driver's side of a split queue: chains made available, read from its stores (or, without them, from what the device read).

use std::ops::Range;

use super::walk::walk;
use super::{NO_HEAD, SplitQueue};
use crate::judge::address_map::Area;
use crate::judge::queue::chain::Chain;
use crate::judge::queue::list::{Descriptor, NEXT, Walk};
use crate::judge::world::World;
use crate::rules::RuleId;

impl SplitQueue {
    /// The driver stored into `first..=last` of a ring part. Returns the chains that became available.
    pub(crate) fn driver_stored(
        &mut self,
        area: Area,
        (first, last): (u64, u64),
        visible: u64,
        w: &mut World,
    ) -> Range<u64> {
        match area {
            Area::Driver => return self.available_ring_stored(first, last, visible, w),
            Area::Desc => self.driver_touched(true, first, last, w),
            Area::Device => self.driver_touched(false, first, last, w),
        }
        self.nothing_new()
    }

    fn available_ring_stored(&mut self, first: u64, last: u64, visible: u64, w: &mut World) -> Range<u64> {
        let index = Some(self.index);
        if first < 2 {
            let flags = w.shadow.u16(self.driver);
            let ok = if self.event_idx { flags == 0 } else { flags <= 1 };
            w.book.check(
                RuleId::DriverAvailFlags,
                index,
                ok,
                || {
                    if self.event_idx {
                        "0 with EVENT_IDX".into()
                    } else {
                        "0 or 1".into()
                    }
                },
                || format!("avail.flags {flags:#x}"),
            );
            if !self.event_idx {
                self.decision.word.push(visible, flags.into());
            }
        }
        if self.event_idx && last >= self.used_event_offset() {
            let event = w.shadow.u16(self.driver + self.used_event_offset());
            self.decision.word.push(visible, event.into());
        }
        if first > 3 || last < 2 {
            return self.nothing_new();
        }
        let idx = w.shadow.u16(self.driver + 2);
        w.book
            .row(index, "driver: avail.idx", self.driver + 2, idx.into());
        self.driver_index(idx, visible, w)
    }

    /// The driver stored `idx` as available index. Returns the numbers of the chains that became available.
    pub(super) fn driver_index(&mut self, idx: u16, visible: u64, w: &mut World) -> Range<u64> {
        let from = self.published;
        let delta = idx.wrapping_sub(self.avail_idx);
        if delta == 0 || self.fault.as_ref().is_some_and(|f| f.0 <= from) {
            return from..from;
        }
        let room = u32::from(self.size) - self.chains.flying().min(u32::from(self.size));
        w.book.check(
            RuleId::DriverAvailIdx,
            Some(self.index),
            u32::from(delta) <= room,
            || format!("avail.idx moves by at most {room} from {}", self.avail_idx),
            || format!("{idx}, a step of {delta}"),
        );
        if delta > self.size {
            let why = format!("avail.idx jumps from {} to {idx}", self.avail_idx);
            self.fault = Some((from, why));
            return from..from;
        }
        self.publish(delta, visible, w)
    }

    /// Makes the next `count` entries available.
    pub(super) fn publish(&mut self, count: u16, visible: u64, w: &mut World) -> Range<u64> {
        let from = self.published;
        for _ in 0..count {
            let number = self.published;
            let slot = usize::from(self.avail_idx & (self.size - 1));
            self.slot_number[slot] = Some(number);
            self.order.push_back(NO_HEAD);
            self.published += 1;
            self.avail_idx = self.avail_idx.wrapping_add(1);
            w.book.compared.chains_available += 1;
            let entry = self.driver + 4 + 2 * slot as u64;
            if w.shadow.known(entry, 2) {
                self.entry_known(number, w.shadow.u16(entry), visible, w);
            }
        }
        self.prune();
        from..self.published
    }

    /// Forgets the order of chains at the old end that are no longer in flight.
    pub(super) fn prune(&mut self) {
        while let Some(&head) = self.order.front() {
            let number = self.order_base;
            let open =
                head == NO_HEAD && self.fault.is_none() && self.published - number <= u64::from(self.size);
            if open || self.chains.flies(number) {
                break;
            }
            self.order.pop_front();
            self.order_base += 1;
        }
    }

    /// The entry of chain `number` is known: its head is `head`.
    pub(super) fn entry_known(&mut self, number: u64, head: u16, visible: u64, w: &mut World) {
        let Some(at) = number.checked_sub(self.order_base) else {
            return;
        };
        let size = self.size;
        let Some(place) = self.order.get_mut(at as usize) else {
            return;
        };
        if *place != NO_HEAD {
            return;
        }
        if head < size {
            *place = head;
            let old = self.by_head[usize::from(head)].replace(number);
            if let Some(mut old) = old.and_then(|n| self.chains.retire(n)) {
                w.book.check(
                    RuleId::DriverChain,
                    Some(self.index),
                    old.used,
                    || format!("a head that is not in flight for chain {number}"),
                    || format!("head {head} of chain {} published again", old.number),
                );
                if !old.used {
                    self.disown(&old);
                }
                old.forget(&self.base, w);
            }
            let position = number;
            self.chains
                .add(Chain::new(number, ("head", head), position, visible));
        }
        self.resolve(number, head, w);
    }

    /// Walks the chain as far as memory is known.
    pub(super) fn resolve(&mut self, number: u64, head: u16, w: &mut World) {
        // Without stores a descriptor counts as it was read after the chain became known; what an earlier reading ahead brought may be stale.
        let known = self.slot_known[usize::from(number as u16 & (self.size - 1))];
        let fresh = |slot: u16| w.stores || self.descriptor_seen[usize::from(slot)] > known;
        let walked = walk(&w.shadow, self.desc, self.size, head, self.indirect, fresh);
        if self.in_order {
            self.check_turn(number, &walked, w);
        }
        if walked.unknown {
            if !self.unwalked.contains(&(number, head)) {
                self.unwalked.push((number, head));
            }
            self.register(number, walked, w);
            return;
        }
        let fault = walked.fault.or_else(|| w.shape.problem(self.index, &walked));
        w.book.check(
            RuleId::DriverChain,
            Some(self.index),
            fault.is_none(),
            || format!("chain {number} (head {head}) well formed"),
            || fault.map_or(String::new(), |f| f.to_string()),
        );
        if let Some(f) = fault {
            self.fault.get_or_insert_with(|| (number, f.to_string()));
        }
        self.register(number, walked, w);
        if let Some(chain) = self.chain_mut(number) {
            chain.fault = fault;
            chain.walked = true;
        }
    }

    /// `IN_ORDER`: are these the descriptors whose turn it is, one after the other, and the entries of their table too?
    fn check_turn(&mut self, number: u64, walked: &Walk, w: &mut World) {
        if walked.unknown || walked.fault.is_some() {
            self.next_descriptor = None;
            return;
        }
        let after = |slot: u16| if slot + 1 < self.size { slot + 1 } else { 0 };
        let (Some(&first), Some(&last)) = (walked.slots.first(), walked.slots.last()) else {
            return;
        };
        let turn = self.next_descriptor.unwrap_or(first);
        let linked = walked.slots.windows(2).all(|pair| pair[1] == after(pair[0]));
        let table = walked.indirect.and_then(|t| misplaced_entry(t, w));
        w.book.check(
            RuleId::DriverInOrder,
            Some(self.index),
            first == turn && linked && table.is_none(),
            || match table {
                Some((at, _)) => format!("entry {at} of chain {number}'s table leads to entry {}", at + 1),
                None => format!("descriptors from {turn} on, one after the other, for chain {number}"),
            },
            || {
                let slots: Vec<String> = walked.slots.iter().map(u16::to_string).collect();
                table.map_or_else(
                    || format!("descriptors {}", slots.join(", ")),
                    |(_, next)| format!("it leads to {next}"),
                )
            },
        );
        self.next_descriptor = Some(after(last));
    }

    fn register(&mut self, number: u64, walked: Walk, w: &mut World) {
        let index = self.index;
        let Some(chain) = self.base.chain_mut(number) else {
            return;
        };
        for &s in &walked.slots {
            self.owner[usize::from(s)] = Some(number);
        }
        chain.register(index, walked, w);
    }

    /// Gives up the ownership of a chain's descriptors.
    pub(super) fn disown(&mut self, chain: &Chain) {
        for &s in &chain.slots {
            if self.owner[usize::from(s)] == Some(chain.number) {
                self.owner[usize::from(s)] = None;
            }
        }
    }

    /// The driver stored into a ring part of a running queue, elsewhere than in the available ring.
    fn driver_touched(&self, table: bool, first: u64, last: u64, w: &mut World) {
        if table {
            let exposed = (first / 16..=last / 16)
                .map(|s| s as u16)
                .find(|&s| self.owner.get(usize::from(s)).is_some_and(Option::is_some));
            w.book.check(
                RuleId::DriverExposed,
                Some(self.index),
                exposed.is_none(),
                || "descriptors of chains in flight left alone".into(),
                || exposed.map_or(String::new(), |s| format!("descriptor {s} stored to")),
            );
        } else {
            w.book.check(
                RuleId::DriverExposed,
                Some(self.index),
                false,
                || "the used ring left to the device".into(),
                || format!("offsets {first}..={last} stored to"),
            );
        }
    }
}

/// The first entry of an indirect table that does not lead to the next one, and where it leads.
fn misplaced_entry((table, bytes): (u64, u32), w: &World) -> Option<(u32, u16)> {
    for at in 0..bytes / 16 {
        let [flags, next] = Descriptor::at(&w.shadow, table.wrapping_add(16 * u64::from(at)))?.words;
        if flags & NEXT == 0 {
            return None;
        }
        if u32::from(next) != at + 1 {
            return Some((at, next));
        }
    }
    None
}
