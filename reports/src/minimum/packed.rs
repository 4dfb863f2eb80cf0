//! One packed queue, followed through the device's own reads and writes, and what its transfers would have cost at least.
//!
//! There is no index to read: what the device learns at once is what a read of descriptors brings. A device that reads less than lay there
//! is held against what lay there: a batch is all that was published when the first of its reads was asked, and what the reads brought that were
//! asked before the device knew its end. Without the driver's stores only the latter is known.

use std::collections::{BTreeMap, VecDeque};

use ringside_models::judge::Purpose;

use super::chain::{Descriptors, Segment, overlay};
use super::cost::Limits;
use super::published::{Laps, Published};
use super::tally::Tally;
use crate::flight::Asked;
use crate::registers::{Ring, Role};

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;
/// Bytes of a descriptor.
const DESCRIPTOR_BYTES: u64 = 16;
/// Those of a used descriptor that mean nothing: a device need not write them, and the least does not ask it to write less than it did.
const RESERVED: u16 = 0x00ff;
/// Its flags.
const FLAGS: u16 = 0xc000;
/// Where `num_buffers` lies in the header of a received packet.
const NUM_BUFFERS: usize = 10;

/// A list that the device knows of and has not returned.
#[derive(Clone, Debug)]
struct List {
    position: u64,
    slots: u64,
    segments: Vec<Segment>,
    table: Option<(u64, u64)>,
}

/// Lists that the device learnt of at once, by their slots.
#[derive(Clone, Debug)]
struct Batch {
    first: u64,
    end: u64,
    lists: u64,
    /// Slots of those that were returned.
    done: u64,
}

/// A list that was returned since the minimum last counted a return.
#[derive(Clone, Copy, Debug)]
struct Given {
    position: u64,
    slots: u64,
    /// The device left out the reserved bytes of its used descriptor.
    short: bool,
    /// All its room was written: with `IN_ORDER` a later one may stand for it.
    full: bool,
    /// It holds the start of a packet that goes on in others.
    merged: bool,
}

/// A queue from its enabling to its reset.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    ring: Ring,
    pub(crate) role: Role,
    in_order: bool,
    laps: Laps,
    published: Published,
    tables: Descriptors,
    /// Available descriptors that reads brought, of lists that are not yet known.
    seen: BTreeMap<u64, [u8; 16]>,
    /// Slots of the lists known since the enabling.
    known: u64,
    /// Slots of the lists returned since the enabling.
    used: u64,
    lists: BTreeMap<u64, List>,
    ids: BTreeMap<u16, u64>,
    batches: VecDeque<Batch>,
    /// Used descriptors that do not show yet: which bytes were written, and what.
    written: BTreeMap<u64, (u16, [u8; 16])>,
    /// `num_buffers` as written to the start of a buffer, by its address.
    headers: BTreeMap<u64, u16>,
    given: Vec<Given>,
    /// The last list of a batch was in the publication at hand.
    batch_ended: bool,
}

impl Queue {
    pub(crate) fn new(ring: Ring, role: Role, in_order: bool) -> Self {
        let laps = Laps::new(ring.size);
        Queue {
            ring,
            role,
            in_order,
            laps,
            published: Published::new(ring.desc, laps),
            tables: Descriptors::default(),
            seen: BTreeMap::new(),
            known: 0,
            used: 0,
            lists: BTreeMap::new(),
            ids: BTreeMap::new(),
            batches: VecDeque::new(),
            written: BTreeMap::new(),
            headers: BTreeMap::new(),
            given: Vec::new(),
            batch_ended: false,
        }
    }

    /// The driver stored something that is visible from a cycle on.
    pub(crate) fn stored(&mut self, visible: u64, addr: u64, data: &[u8]) {
        self.published.stored(visible, addr, data);
    }

    /// What is known, and published, at this cycle.
    pub(crate) fn asked(&mut self, cycle: u64) -> Asked {
        Asked {
            known: self.known,
            visible: self.published.at(cycle, self.used),
        }
    }

    /// Slots that the device has in hand: published, as far as is known, less returned.
    pub(crate) fn depth(&mut self, cycle: u64) -> u64 {
        self.published.at(cycle, self.used).max(self.known) - self.used.min(self.known)
    }

    /// The device read memory.
    pub(crate) fn read(&mut self, addr: u64, data: &[u8], asked: Asked, purpose: Purpose) {
        if purpose == Purpose::IndirectTable {
            self.tables.read_indirect(addr, data);
            return;
        }
        let end = addr.saturating_add(data.len() as u64);
        let ring_end = self.ring.desc + DESCRIPTOR_BYTES * u64::from(self.ring.size);
        if purpose != Purpose::Descriptor || end <= self.ring.desc || addr >= ring_end {
            return;
        }
        let first = addr.saturating_sub(self.ring.desc).div_ceil(DESCRIPTOR_BYTES);
        for slot in first..(end.min(ring_end) - self.ring.desc) / DESCRIPTOR_BYTES {
            let at = (self.ring.desc + DESCRIPTOR_BYTES * slot - addr) as usize;
            let Some(record) = data.get(at..).and_then(<[u8]>::first_chunk::<16>) else {
                continue;
            };
            let position = self.laps.from(self.known, slot);
            if self.laps.available(position, u16_at(record, 14)) {
                self.seen.insert(position, *record);
            } else {
                self.seen.remove(&position);
            }
        }
        self.learn(asked);
    }

    fn learn(&mut self, asked: Asked) {
        let (before, mut lists) = (self.known, 0);
        while let Some((list, id)) = self.list_at(self.known) {
            self.known += list.slots;
            lists += 1;
            self.ids.insert(id, list.position);
            self.lists.insert(list.position, list);
        }
        if lists == 0 {
            return;
        }
        match self.batches.back_mut().filter(|b| asked.known < b.end) {
            Some(batch) => {
                batch.end = batch.end.max(self.known);
                batch.lists += lists;
            }
            None => self.batches.push_back(Batch {
                first: before,
                end: self.known.max(asked.visible),
                lists,
                done: 0,
            }),
        }
    }

    /// The list that begins at a position, if all of it was read; and its id.
    fn list_at(&mut self, position: u64) -> Option<(List, u16)> {
        let mut list = List {
            position,
            slots: 0,
            segments: Vec::new(),
            table: None,
        };
        loop {
            let d = self.seen.get(&(position + list.slots))?;
            let flags = u16_at(d, 14);
            let (addr, bytes) = (u64_at(d, 0), u64::from(u32_at(d, 8)));
            list.slots += 1;
            if flags & INDIRECT == 0 {
                list.segments.push(Segment {
                    addr,
                    bytes,
                    writable: flags & WRITE != 0,
                });
            } else {
                list.table = Some((addr, bytes));
            }
            if flags & NEXT == 0 {
                let id = u16_at(d, 12);
                self.seen = self.seen.split_off(&(position + list.slots));
                return Some((list, id));
            }
            if list.slots >= u64::from(self.ring.size) {
                return None;
            }
        }
    }

    /// The device wrote memory.
    pub(crate) fn wrote(
        &mut self,
        addr: u64,
        data: &[u8],
        purpose: Purpose,
        limits: &Limits,
        tally: &mut Tally,
    ) {
        if purpose == Purpose::Payload {
            if let Some(n) = data.get(NUM_BUFFERS..NUM_BUFFERS + 2)
                && self.role == Role::Receive
            {
                self.headers.insert(addr, u16::from_le_bytes([n[0], n[1]]));
            }
            return;
        }
        let end = addr.saturating_add(data.len() as u64);
        if purpose != Purpose::UsedDescriptor || end <= self.ring.desc || data.is_empty() {
            return;
        }
        let first = addr.saturating_sub(self.ring.desc) / DESCRIPTOR_BYTES;
        let last = ((end - 1 - self.ring.desc) / DESCRIPTOR_BYTES).min(u64::from(self.ring.size) - 1);
        for slot in first..=last {
            let at = self.ring.desc + DESCRIPTOR_BYTES * slot;
            let (mask, record) = self.written.entry(self.laps.from(self.used, slot)).or_default();
            overlay(record, at, addr, data);
            for byte in 0..DESCRIPTOR_BYTES {
                *mask |= u16::from((addr..end).contains(&(at + byte))) << byte;
            }
        }
        self.show(limits, tally);
    }

    /// Follows the used descriptors as the driver does.
    fn show(&mut self, limits: &Limits, tally: &mut Tally) {
        self.batch_ended = false;
        let mut count = 0;
        while let Some((mask, record)) = self.written.get(&self.used).copied()
            && mask & FLAGS != 0
        {
            self.written.remove(&self.used);
            let (len, id) = (u64::from(u32_at(&record, 8)), u16_at(&record, 12));
            let written = if u16_at(&record, 14) & WRITE == 0 { 0 } else { len };
            let Some(position) = self.ids.remove(&id) else {
                tally.chains += 1;
                tally.unexplained += 1;
                self.used += 1;
                continue;
            };
            // with IN_ORDER a used descriptor stands for all lists before its own, too
            while self.in_order
                && let Some((&oldest, list)) = self.lists.first_key_value()
                && oldest < position
            {
                let room = super::room(&list.segments);
                self.returned(oldest, room, mask, limits, tally);
                count += 1;
            }
            self.returned(position, written, mask, limits, tally);
            count += 1;
        }
        if count > 0 {
            tally.returned.add(count);
            // frames come when they come; elsewhere a batch could have been returned with its last list, together with whatever else was then
            if self.role == Role::Receive || self.batch_ended {
                self.give_back(limits, tally);
            }
        }
    }

    /// A list was returned: adds its own cost and, with the last one of a batch, that of the batch.
    fn returned(&mut self, position: u64, written: u64, mask: u16, limits: &Limits, tally: &mut Tally) {
        tally.chains += 1;
        let Some(mut list) = self.lists.remove(&position) else {
            tally.unexplained += 1;
            return;
        };
        if let Some((addr, bytes)) = list.table {
            tally.least(Purpose::IndirectTable, limits.read(addr, bytes));
            match self.tables.packed_table(addr, bytes) {
                Some(segments) => list.segments.extend(segments),
                None => tally.unexplained += 1,
            }
            self.tables.forget_table(addr, bytes);
        }
        super::transfers(&list.segments, written, limits, tally);
        let merged = self.merged(&list.segments);
        self.given.push(Given {
            position: self.used,
            slots: list.slots,
            short: mask & RESERVED == 0,
            full: written == super::room(&list.segments),
            merged,
        });
        self.used += list.slots;
        let at = self.batches.partition_point(|b| b.end <= position);
        if let Some(batch) = self.batches.get_mut(at).filter(|b| b.first <= position) {
            batch.done += list.slots;
            if batch.done >= batch.end - batch.first
                && let Some(batch) = self.batches.remove(at)
            {
                self.batch_ended = true;
                self.close(&batch, limits, tally);
            }
        }
    }

    /// Did a packet begin in these buffers that goes on in others?
    fn merged(&mut self, segments: &[Segment]) -> bool {
        let start = segments.iter().find(|s| s.writable).map(|s| s.addr);
        let merged = start.and_then(|a| self.headers.get(&a)).is_some_and(|&n| n > 1);
        for s in segments.iter().filter(|s| s.writable) {
            let inside: Vec<u64> = self
                .headers
                .range(s.addr..s.addr.saturating_add(s.bytes))
                .map(|(&a, _)| a)
                .collect();
            for a in inside {
                self.headers.remove(&a);
            }
        }
        merged
    }

    /// Fetching a batch: its descriptors; and asking for the next kick.
    fn close(&self, b: &Batch, limits: &Limits, tally: &mut Tally) {
        tally.found.add(b.lists);
        tally.least(
            Purpose::Descriptor,
            limits.read_ring(
                self.ring.desc,
                DESCRIPTOR_BYTES,
                self.ring.size,
                b.first,
                b.end - b.first,
            ),
        );
        tally.least(Purpose::DeviceEvent, limits.write(self.ring.device, 4));
    }

    /// Returning at once all lists used since the last time: used descriptors where they have to stand, a look at what the driver asks.
    fn give_back(&mut self, limits: &Limits, tally: &mut Tally) {
        let group = std::mem::take(&mut self.given);
        if group.is_empty() {
            return;
        }
        tally.publications += 1;
        let mut places: Vec<Given> = Vec::new();
        let mut skipped: Option<u64> = None;
        for (i, g) in group.iter().enumerate() {
            let stands_for_it = self.in_order && g.full && i + 1 < group.len();
            if stands_for_it {
                skipped.get_or_insert(g.position);
                continue;
            }
            let (position, end) = (skipped.take().unwrap_or(g.position), g.position + g.slots);
            places.push(Given {
                position,
                slots: end - position,
                ..*g
            });
        }
        // The driver sees a merged packet's buffers all or none: the first place of the group shows last.
        let head = usize::from(places.len() > 1 && group.iter().any(|g| g.merged));
        let (first, rest) = places.split_at(head);
        for part in [first, rest] {
            for run in part.chunk_by(|a, b| a.slots == 1 && a.position + 1 == b.position) {
                self.run(run, limits, tally);
            }
        }
        tally.least(Purpose::DriverEvent, limits.read(self.ring.driver, 4));
    }

    /// One stretch of used descriptors.
    fn run(&self, run: &[Given], limits: &Limits, tally: &mut Tally) {
        let Some(first) = run.first() else { return };
        let mut cost = limits.write_ring(
            self.ring.desc,
            DESCRIPTOR_BYTES,
            self.ring.size,
            first.position,
            run.len() as u64,
        );
        if first.short {
            cost.up_bytes -= u64::from(RESERVED.count_ones());
        }
        tally.least(Purpose::UsedDescriptor, cost);
    }

    /// The queue is gone: what was fetched of open batches had to be fetched.
    pub(crate) fn finish(mut self, limits: &Limits, tally: &mut Tally) {
        for list in self.lists.values() {
            if let Some((addr, bytes)) = list.table
                && self.tables.packed_table(addr, bytes).is_some()
            {
                tally.least(Purpose::IndirectTable, limits.read(addr, bytes));
            }
        }
        self.give_back(limits, tally);
        for mut batch in std::mem::take(&mut self.batches) {
            batch.end = batch.end.min(self.known);
            self.close(&batch, limits, tally);
        }
    }
}

fn u16_at(record: &[u8; 16], at: usize) -> u16 {
    u16::from_le_bytes([record[at], record[at + 1]])
}

fn u32_at(record: &[u8; 16], at: usize) -> u32 {
    u32::from(u16_at(record, at)) | u32::from(u16_at(record, at + 2)) << 16
}

fn u64_at(record: &[u8; 16], at: usize) -> u64 {
    u64::from(u32_at(record, at)) | u64::from(u32_at(record, at + 4)) << 32
}
