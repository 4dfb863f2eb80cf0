//! The driver's side of a split queue: chains made available, read from its stores (or, without them, from what the device read).

use super::walk::{Walk, walk};
use super::{Chain, NO_HEAD, Queue, settle};
use crate::judge::address_map::{Kind, Span};
use crate::judge::windows::Coverage;
use crate::judge::world::World;
use crate::rules::RuleId;

impl Queue {
    /// The driver stored `idx` as available index. Returns the numbers of the chains that became available.
    pub(crate) fn driver_index(&mut self, idx: u16, visible: u64, w: &mut World) -> std::ops::Range<u64> {
        let from = self.published;
        let delta = idx.wrapping_sub(self.avail_idx);
        if delta == 0 || self.fault.as_ref().is_some_and(|f| f.0 <= from) {
            return from..from;
        }
        let room = u32::from(self.size) - self.in_flight.min(u32::from(self.size));
        w.book.check(
            RuleId::DriverAvailIdx,
            Some(self.index),
            u32::from(delta) <= room,
            || format!("avail.idx moves by at most {room} from {}", self.avail_idx),
            || format!("{idx}, a step of {delta}"),
        );
        if delta > self.size {
            self.fault = Some((from, format!("avail.idx jumps from {} to {idx}", self.avail_idx)));
            return from..from;
        }
        self.publish(delta, visible, w)
    }

    /// Makes the next `count` entries available.
    pub(super) fn publish(&mut self, count: u16, visible: u64, w: &mut World) -> std::ops::Range<u64> {
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
            if open || self.numbered(number).is_some() {
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
        let Some(place) = self.order.get_mut(at as usize) else {
            return;
        };
        if *place != NO_HEAD {
            return;
        }
        if head < self.size {
            *place = head;
            if let Some(old) = self.by_head[usize::from(head)].take() {
                w.book.check(
                    RuleId::DriverChain,
                    Some(self.index),
                    old.used,
                    || format!("a head that is not in flight for chain {number}"),
                    || format!("head {head} of chain {} published again", old.number),
                );
                if !old.used {
                    self.in_flight -= 1;
                    self.disown(&old);
                }
                settle(self.index, &old, w);
                old.spans.iter().for_each(|&k| w.spans.remove(k));
            }
            self.by_head[usize::from(head)] = Some(Chain::new(number, head, visible));
            self.in_flight += 1;
        }
        self.resolve(number, head, w);
    }

    /// Walks the chain as far as memory is known.
    pub(super) fn resolve(&mut self, number: u64, head: u16, w: &mut World) {
        // Without stores a descriptor counts as it was read after the chain became known; what an earlier reading ahead brought may be stale.
        let known = self.slot_known[usize::from(number as u16 & (self.size - 1))];
        let fresh = |slot: u16| w.stores || self.descriptor_seen[usize::from(slot)] > known;
        let walked = walk(&w.shadow, self.desc, self.size, head, self.indirect, fresh);
        if walked.unknown {
            if !self.unwalked.contains(&head) {
                self.unwalked.push(head);
            }
            self.register(number, head, walked, w);
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
        self.register(number, head, walked, w);
        if let Some(chain) = self.chain_mut(head) {
            chain.fault = fault;
            chain.walked = true;
        }
    }

    /// Gives what is known of a chain to the map of addresses. A longer walk of the same chain adds to a shorter one.
    fn register(&mut self, number: u64, head: u16, walked: Walk, w: &mut World) {
        let index = self.index;
        let Some(chain) = self.by_head.get_mut(usize::from(head)).and_then(Option::as_mut) else {
            return;
        };
        let mut span = |start: u64, len: u64, kind, offset| {
            if len > 0 {
                let end = start.saturating_add(len);
                chain.spans.push(w.spans.add(Span {
                    start,
                    end,
                    queue: index,
                    head,
                    chain: number,
                    kind,
                    offset,
                    used: false,
                }));
            }
        };
        let new = chain.segments.len().min(walked.segments.len());
        for s in &walked.segments[new..] {
            let (kind, offset) = if s.writable {
                (Kind::Writable, &mut chain.writable_bytes)
            } else {
                (Kind::Readable, &mut chain.readable_bytes)
            };
            span(s.addr, u64::from(s.len), kind, *offset);
            *offset += u64::from(s.len);
        }
        if let Some((addr, len)) = walked.indirect.filter(|_| chain.indirect.is_none()) {
            span(addr, u64::from(len), Kind::Indirect, 0);
        }
        for &s in &walked.slots {
            self.owner[usize::from(s)] = head;
        }
        chain.fetched.resize(walked.slots.len(), (0, 0));
        (chain.segments, chain.slots, chain.indirect) = (walked.segments, walked.slots, walked.indirect);
    }

    /// Gives up the ownership of a chain's descriptors.
    pub(super) fn disown(&mut self, chain: &Chain) {
        for &s in &chain.slots {
            if self.owner[usize::from(s)] == chain.head {
                self.owner[usize::from(s)] = NO_HEAD;
            }
        }
    }

    /// The driver stored into a ring part of a running queue, elsewhere than in the available ring.
    pub(crate) fn driver_touched(&self, table: bool, first: u64, last: u64, w: &mut World) {
        if table {
            let exposed = (first / 16..=last / 16)
                .map(|s| s as u16)
                .find(|&s| self.owner.get(usize::from(s)).is_some_and(|&h| h != NO_HEAD));
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

impl Chain {
    fn new(number: u64, head: u16, visible_cycle: u64) -> Self {
        Chain {
            number,
            head,
            segments: Vec::new(),
            slots: Vec::new(),
            indirect: None,
            fault: None,
            walked: false,
            readable_bytes: 0,
            writable_bytes: 0,
            visible_cycle,
            known: 0,
            entry: (0, 0),
            fetched: Vec::new(),
            table_asked: Coverage::default(),
            table_got: Coverage::default(),
            started: false,
            reads_outstanding: 0,
            read: Coverage::default(),
            read_failed: false,
            written: Coverage::default(),
            used: false,
            short: None,
            spans: Vec::new(),
        }
    }
}
