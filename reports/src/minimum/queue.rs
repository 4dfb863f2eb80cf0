//! One split queue, followed through the device's own reads and writes, and what its transfers would have cost at least.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ringside_models::judge::Purpose;

use super::chain::{Descriptors, overlay};
use super::cost::Limits;
use super::tally::Tally;
use crate::registers::{Ring, Role};

/// Chains that the device learnt of at once.
#[derive(Clone, Debug)]
struct Batch {
    first: u64,
    count: u64,
    done: u64,
    /// Entries of the available ring that were read.
    entries: u64,
    descriptors: BTreeSet<u16>,
    /// The device learnt of it from a kick that carried the index, not from a read.
    by_kick: bool,
}

/// Elements that `IN_ORDER` saves.
#[derive(Clone, Copy, Debug, Default)]
struct Skip {
    in_order: bool,
    /// Chains returned since the last return that the minimum has counted, for which no later element can stand: the device did not use up their room.
    needed: u64,
    /// The last chain returned is none of them.
    last_was_full: bool,
}

impl Skip {
    fn returned(&mut self, full: bool) {
        self.last_was_full = full;
        self.needed += u64::from(!full);
    }

    /// Elements needed for `count` chains that are returned at once.
    fn take(&mut self, count: u64) -> u64 {
        let needed = std::mem::take(&mut self.needed) + u64::from(self.last_was_full);
        if self.in_order { needed } else { count }
    }
}

/// A queue from its enabling to its reset.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    ring: Ring,
    pub(crate) role: Role,
    event_idx: bool,
    descriptors: Descriptors,
    /// Chains that the device knows of since the enabling.
    known: u64,
    /// Chains known and not returned: place in the order of availability, and head once its entry was read.
    outstanding: BTreeMap<u64, Option<u16>>,
    places: BTreeMap<u16, u64>,
    batches: VecDeque<Batch>,
    elements: BTreeMap<u16, [u8; 8]>,
    /// Chains returned since the enabling.
    used: u64,
    /// Of those, the ones whose return the minimum has counted.
    given_back: u64,
    skip: Skip,
    /// The last chain of a batch was in the publication at hand.
    batch_ended: bool,
}

impl Queue {
    pub(crate) fn new(ring: Ring, role: Role, event_idx: bool, in_order: bool) -> Self {
        Queue {
            ring,
            role,
            event_idx,
            descriptors: Descriptors::default(),
            known: 0,
            outstanding: BTreeMap::new(),
            places: BTreeMap::new(),
            batches: VecDeque::new(),
            elements: BTreeMap::new(),
            used: 0,
            given_back: 0,
            skip: Skip {
                in_order,
                ..Skip::default()
            },
            batch_ended: false,
        }
    }

    /// The device was told by a kick that the available index is `index`.
    pub(crate) fn told(&mut self, index: u16) {
        self.learn(index, true);
    }

    fn learn(&mut self, index: u16, by_kick: bool) {
        let grown = u64::from(index.wrapping_sub(self.known as u16));
        if grown == 0 || grown > u64::from(self.ring.size) {
            return;
        }
        self.batches.push_back(Batch {
            first: self.known,
            count: grown,
            done: 0,
            entries: 0,
            descriptors: BTreeSet::new(),
            by_kick,
        });
        self.outstanding
            .extend((self.known..self.known + grown).map(|place| (place, None)));
        self.known += grown;
    }

    /// Chains known so far.
    pub(crate) fn known(&self) -> u64 {
        self.known
    }

    /// The device read memory; when it asked, it knew of `known` chains.
    pub(crate) fn read(&mut self, addr: u64, data: &[u8], known: u64, purpose: Purpose) {
        let within = |at: u64, bytes: usize| {
            let from = at.checked_sub(addr)? as usize;
            data.get(from..from.checked_add(bytes)?)
        };
        if purpose == Purpose::IndirectTable {
            self.descriptors.read_indirect(addr, data);
            return;
        }
        let size = u64::from(self.ring.size);
        // the index first: entries that came with it belong to the chains that it covers
        if let Some(index) = within(self.ring.driver + 2, 2) {
            self.learn(u16::from_le_bytes([index[0], index[1]]), false);
        }
        // entries of chains that became known while the read was on its way may be old
        let known = if purpose == Purpose::AvailIndex {
            self.known
        } else {
            known
        };
        let base = self.ring.driver + 4;
        let end = addr.saturating_add(data.len() as u64);
        if size > 0 && end > base && addr < base + 2 * size {
            for slot in addr.saturating_sub(base).div_ceil(2)..((end - base) / 2).min(size) {
                if let Some(e) = within(base + 2 * slot, 2) {
                    self.entry(slot, u16::from_le_bytes([e[0], e[1]]), known);
                }
            }
        }
        self.descriptors
            .read_direct(self.ring.desc, self.ring.size, addr, data);
    }

    fn entry(&mut self, slot: u64, head: u16, known: u64) {
        let size = u64::from(self.ring.size);
        // the latest known place with this slot
        let back = (known + size - 1 - slot) % size;
        let Some(place) = known.checked_sub(1 + back) else {
            return;
        };
        if let Some(seen @ None) = self.outstanding.get_mut(&place) {
            *seen = Some(head);
            self.places.insert(head, place);
            if let Some(b) = batch(&mut self.batches, place) {
                b.entries += 1;
            }
        }
    }

    /// The device wrote memory.
    pub(crate) fn wrote(&mut self, addr: u64, data: &[u8], limits: &Limits, tally: &mut Tally) {
        let base = self.ring.device + 4;
        let end = addr.saturating_add(data.len() as u64);
        let size = u64::from(self.ring.size);
        if end > base && addr < base + 8 * size {
            // an element may come in two writes: a page may end inside it
            for slot in addr.saturating_sub(base) / 8..(end - base).div_ceil(8).min(size) {
                overlay(
                    self.elements.entry(slot as u16).or_default(),
                    base + 8 * slot,
                    addr,
                    data,
                );
            }
        }
        let index = (self.ring.device + 2).checked_sub(addr).map(|o| o as usize);
        if let Some(bytes) = index.and_then(|o| data.get(o..o.checked_add(2)?)) {
            self.published(u16::from_le_bytes([bytes[0], bytes[1]]), limits, tally);
        }
    }

    fn published(&mut self, index: u16, limits: &Limits, tally: &mut Tally) {
        self.batch_ended = false;
        let count = u64::from(index.wrapping_sub(self.used as u16));
        let size = u64::from(self.ring.size);
        if count == 0 || count > size {
            return;
        }
        tally.returned.add(count);
        for number in self.used..self.used + count {
            let element = self.elements.remove(&((number % size) as u16));
            let explained = element.and_then(|e| {
                let word = |i: usize| u32::from_le_bytes([e[i], e[i + 1], e[i + 2], e[i + 3]]);
                let head = u16::try_from(word(0)).ok()?;
                self.returned_before(head, limits, tally);
                self.returned(head, Some(u64::from(word(4))), limits, tally)
            });
            // with IN_ORDER another's element may stand for this one
            tally.unexplained += u64::from(explained.is_none() && !self.skip.in_order);
        }
        tally.chains += count;
        let late = self.outstanding.range(..self.used + count).count();
        tally.unexplained += if self.skip.in_order { late as u64 } else { 0 };
        self.used += count;
        // frames come when they come; elsewhere a batch could have been returned with its last chain, together with whatever else was then
        if self.role == Role::Receive || self.batch_ended {
            self.give_back(limits, tally);
        }
    }

    /// With `IN_ORDER` an element stands for all chains before its own, too.
    fn returned_before(&mut self, head: u16, limits: &Limits, tally: &mut Tally) {
        let Some(&place) = self.places.get(&head).filter(|_| self.skip.in_order) else {
            return;
        };
        let older: Vec<u16> = self.outstanding.range(..place).filter_map(|(_, h)| *h).collect();
        for head in older {
            if self.returned(head, None, limits, tally).is_none() {
                tally.unexplained += 1;
            }
        }
    }

    /// A chain was returned: adds its own cost and, with the last one of a batch, that of the batch. `len`: bytes written, all its room without.
    fn returned(&mut self, head: u16, len: Option<u64>, limits: &Limits, tally: &mut Tally) -> Option<()> {
        let place = self.places.remove(&head)?;
        self.outstanding.remove(&place);
        let chain = self.descriptors.walk(head, self.ring.size);
        if let Some(chain) = &chain {
            let room = super::room(&chain.segments);
            let written = len.unwrap_or(room);
            super::transfers(&chain.segments, written, limits, tally);
            self.skip.returned(written == room);
            // whoever uses them again must have them read again
            self.descriptors.forget(&chain.descriptors);
            if let Some((addr, bytes)) = chain.table {
                tally.least(Purpose::IndirectTable, limits.read(addr, bytes));
                self.descriptors.forget_table(addr, bytes);
            }
        }
        let b = batch(&mut self.batches, place)?;
        b.done += 1;
        b.descriptors.extend(chain.iter().flat_map(|c| &c.descriptors));
        if b.done == b.count {
            let at = self.batches.partition_point(|b| b.first + b.count <= place);
            if let Some(b) = self.batches.remove(at) {
                self.batch_ended = true;
                self.close(&b, limits, tally);
            }
        }
        chain.map(|_| ())
    }

    /// Fetching a batch: one read of the index, its entries, its descriptors.
    fn close(&self, b: &Batch, limits: &Limits, tally: &mut Tally) {
        tally.found.add(b.count);
        if !b.by_kick {
            tally.least(Purpose::AvailIndex, limits.read(self.ring.driver + 2, 2));
        }
        tally.least(
            Purpose::AvailEntry,
            limits.read_ring(self.ring.driver + 4, 2, self.ring.size, b.first, b.entries),
        );
        let mut descriptors = b.descriptors.iter().copied().peekable();
        while let Some(first) = descriptors.next() {
            let mut count = 1;
            while descriptors.next_if_eq(&(first + count)).is_some() {
                count += 1;
            }
            tally.least(
                Purpose::Descriptor,
                limits.read(self.ring.desc + 16 * u64::from(first), 16 * u64::from(count)),
            );
        }
        let word = if self.event_idx {
            self.ring.device + 4 + 8 * u64::from(self.ring.size)
        } else {
            self.ring.device
        };
        tally.least(Purpose::DeviceEvent, limits.write(word, 2));
    }

    /// Returning at once all chains used since the last time: elements, index, a look at what the driver asks.
    fn give_back(&mut self, limits: &Limits, tally: &mut Tally) {
        let (first, count) = (self.given_back, self.used - self.given_back);
        if count == 0 {
            return;
        }
        self.given_back = self.used;
        tally.publications += 1;
        let count = self.skip.take(count);
        tally.least(
            Purpose::UsedElement,
            limits.write_ring(self.ring.device + 4, 8, self.ring.size, first, count),
        );
        tally.least(Purpose::UsedIndex, limits.write(self.ring.device + 2, 2));
        let word = if self.event_idx {
            self.ring.driver + 4 + 2 * u64::from(self.ring.size)
        } else {
            self.ring.driver
        };
        tally.least(Purpose::DriverEvent, limits.read(word, 2));
    }

    /// The queue is gone: what was fetched of open batches had to be fetched.
    pub(crate) fn finish(mut self, limits: &Limits, tally: &mut Tally) {
        let waiting: Vec<(u64, u16)> = self
            .outstanding
            .iter()
            .filter_map(|(place, head)| Some((*place, (*head)?)))
            .collect();
        for (place, head) in waiting {
            let Some(chain) = self.descriptors.walk(head, self.ring.size) else {
                continue;
            };
            if let Some((addr, bytes)) = chain.table {
                tally.least(Purpose::IndirectTable, limits.read(addr, bytes));
            }
            if let Some(b) = batch(&mut self.batches, place) {
                b.descriptors.extend(&chain.descriptors);
            }
        }
        self.give_back(limits, tally);
        for b in std::mem::take(&mut self.batches) {
            self.close(&b, limits, tally);
        }
    }
}

fn batch(batches: &mut VecDeque<Batch>, place: u64) -> Option<&mut Batch> {
    let at = batches.partition_point(|b| b.first + b.count <= place);
    batches.get_mut(at).filter(|b| b.first <= place)
}
