//! One split virtqueue, seen from both sides: what the driver made available, and what the device has learned, fetched and returned.

pub(crate) mod device;
pub(crate) mod driver;
pub(crate) mod used;
pub(crate) mod walk;

use std::collections::{BTreeSet, VecDeque};

use super::address_map::{Area, RingArea, SpanKey};
use super::interrupt::Decision;
use super::notify::Kicks;
use super::windows::Coverage;
use super::world::World;
use crate::rules::RuleId;
use walk::{Fault, Segment};

/// A head that is not known yet, or invalid.
pub(crate) const NO_HEAD: u16 = 0xffff;

/// A descriptor chain.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each with its own name"
)]
pub(crate) struct Chain {
    /// Running number in its queue.
    pub(crate) number: u64,
    pub(crate) head: u16,
    pub(crate) segments: Vec<Segment>,
    pub(crate) slots: Vec<u16>,
    pub(crate) indirect: Option<(u64, u32)>,
    pub(crate) fault: Option<Fault>,
    /// All its descriptors are known to the judge.
    pub(crate) walked: bool,
    pub(crate) readable_bytes: u64,
    pub(crate) writable_bytes: u64,
    /// Cycle from which the device could see it in the ring.
    pub(crate) visible_cycle: u64,
    /// Event number at which the device learned of it; 0: not yet.
    pub(crate) known: u64,
    /// Event numbers of the first read of its ring entry that was issued after `known`, and of its completion.
    entry: (u64, u64),
    /// The same for each of `slots`.
    fetched: Vec<(u64, u64)>,
    table_asked: Coverage,
    table_got: Coverage,
    /// The device has begun to use it.
    started: bool,
    /// Payload reads not yet answered.
    pub(crate) reads_outstanding: u32,
    /// Readable bytes asked for.
    pub(crate) read: Coverage,
    /// A read of its buffers failed.
    pub(crate) read_failed: bool,
    pub(crate) written: Coverage,
    pub(crate) used: bool,
    /// Returned with a length that was not written: cycle and length, until it is clear whether the bytes come late or never.
    short: Option<(u64, u32)>,
    spans: Vec<SpanKey>,
}

/// Is the queue running?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Live,
    /// A reset (of device or queue) was asked for; what is in flight may still finish.
    Stopping,
    /// The reset was acknowledged: nothing may happen here any more.
    Dead,
}

/// A split virtqueue.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each with its own name"
)]
pub(crate) struct Queue {
    pub(crate) index: u16,
    pub(crate) size: u16,
    pub(crate) desc: u64,
    pub(crate) driver: u64,
    pub(crate) device: u64,
    pub(crate) state: State,
    /// Tells this life of the queue from earlier ones.
    pub(crate) epoch: u64,
    pub(crate) event_idx: bool,
    pub(crate) in_order: bool,
    pub(crate) indirect: bool,

    /// Chains made available so far, and the index as the driver stored it.
    pub(crate) published: u64,
    avail_idx: u16,
    /// Chains that the device knows to be available.
    pub(crate) device_known: u64,
    /// Chains returned so far.
    pub(crate) returned: u64,
    pub(crate) in_flight: u32,
    by_head: Vec<Option<Chain>>,
    /// Heads in order of publication; the first one has number `order_base`.
    order: VecDeque<u16>,
    order_base: u64,
    /// Latest chain number of each ring slot.
    slot_number: Vec<Option<u64>>,
    /// Event number at which the device learned of the latest chain of each ring slot.
    slot_known: Vec<u64>,
    /// Event number of the latest answered read of each descriptor (only without stores).
    descriptor_seen: Vec<u64>,
    /// Which chain in flight owns a descriptor: its head.
    owner: Vec<u16>,
    /// Chains whose descriptors are not all known (only without stores).
    unwalked: Vec<u16>,

    pub(crate) used_idx: u16,
    /// Bytes written of each used slot since it was last published.
    pending: Vec<u8>,
    pending_slots: u32,
    /// Slots published before their element was written.
    owed_slots: BTreeSet<u16>,

    /// The first malformed thing that the driver published: chain number and what.
    pub(crate) fault: Option<(u64, String)>,
    /// The device was shown an index that jumps.
    fault_seen: bool,
    /// `DEVICE_NEEDS_RESET` was read since the fault.
    pub(crate) frozen: bool,
    /// A read of its ring structures failed.
    pub(crate) broken: bool,

    pub(crate) kicks: Kicks,
    pub(crate) decision: Decision,
}

impl Queue {
    /// The queue was enabled with these registers.
    pub(crate) fn enable(index: u16, regs: &super::registers::QueueRegs, size: u16, w: &mut World) -> Self {
        let q = Queue {
            index,
            size,
            desc: regs.desc,
            driver: regs.driver,
            device: regs.device,
            state: State::Live,
            epoch: w.seq,
            event_idx: w.has(super::features::EVENT_IDX),
            in_order: w.has(super::features::IN_ORDER),
            indirect: w.has(super::features::INDIRECT_DESC),
            published: 0,
            avail_idx: 0,
            device_known: 0,
            returned: 0,
            in_flight: 0,
            by_head: (0..size).map(|_| None).collect(),
            order: VecDeque::new(),
            order_base: 0,
            slot_number: vec![None; usize::from(size)],
            slot_known: vec![0; usize::from(size)],
            descriptor_seen: vec![0; usize::from(size)],
            owner: vec![NO_HEAD; usize::from(size)],
            unwalked: Vec::new(),
            used_idx: 0,
            pending: vec![0; usize::from(size)],
            pending_slots: 0,
            owed_slots: BTreeSet::new(),
            fault: None,
            fault_seen: false,
            frozen: false,
            broken: false,
            kicks: Kicks::default(),
            decision: Decision::default(),
        };
        let aligned = q.desc.is_multiple_of(16) && q.driver.is_multiple_of(2) && q.device.is_multiple_of(4);
        w.book.check(
            RuleId::DriverRingLayout,
            Some(index),
            aligned,
            || "addresses aligned to 16, 2 and 4 bytes".into(),
            || format!("{:#x}, {:#x}, {:#x}", q.desc, q.driver, q.device),
        );
        for area in q.areas() {
            let clash = w.rings.add(area);
            w.book.check(
                RuleId::DriverRingLayout,
                Some(index),
                clash.is_none(),
                || "ring parts that do not overlap".into(),
                || clash.map_or(String::new(), |c| format!("{area:x?} overlaps {c:x?}")),
            );
        }
        q
    }

    fn areas(&self) -> [RingArea; 3] {
        let size = u64::from(self.size);
        let part = |area, start: u64, len: u64| RingArea {
            start,
            end: start.saturating_add(len),
            queue: self.index,
            area,
        };
        [
            part(Area::Desc, self.desc, 16 * size),
            part(Area::Avail, self.driver, 6 + 2 * size),
            part(Area::Used, self.device, 6 + 8 * size),
        ]
    }

    /// Offset of `used_event` in the available ring.
    pub(crate) fn used_event_offset(&self) -> u64 {
        4 + 2 * u64::from(self.size)
    }

    /// Offset of `avail_event` in the used ring.
    pub(crate) fn avail_event_offset(&self) -> u64 {
        4 + 8 * u64::from(self.size)
    }

    /// Offset in the available ring of the word that governs interrupts.
    pub(crate) fn driver_event_offset(&self) -> u64 {
        if self.event_idx {
            self.used_event_offset()
        } else {
            0
        }
    }

    /// The chain with this head, in flight or returned and not yet published again.
    pub(crate) fn chain(&self, head: u16) -> Option<&Chain> {
        self.by_head.get(usize::from(head))?.as_ref()
    }

    pub(crate) fn chain_mut(&mut self, head: u16) -> Option<&mut Chain> {
        self.by_head.get_mut(usize::from(head))?.as_mut()
    }

    /// Head of the chain with this number, if it is still remembered.
    pub(crate) fn head_of(&self, number: u64) -> Option<u16> {
        let at = number.checked_sub(self.order_base)?;
        self.order.get(at as usize).copied().filter(|&h| h != NO_HEAD)
    }

    /// The chain with this number if it is in flight.
    pub(crate) fn numbered(&self, number: u64) -> Option<&Chain> {
        self.chain(self.head_of(number)?)
            .filter(|c| c.number == number && !c.used)
    }

    /// Chains in flight, in order of publication.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &Chain> {
        (self.order_base..self.order_base + self.order.len() as u64).filter_map(|n| self.numbered(n))
    }

    /// Are there used elements that no index has published yet?
    pub(crate) fn has_unpublished(&self) -> bool {
        self.pending_slots > 0
    }

    /// Does the device know of the malformed chain?
    pub(crate) fn fault_known(&self) -> bool {
        self.fault_seen || self.fault.as_ref().is_some_and(|f| f.0 < self.device_known)
    }

    /// The queue is being thrown away: settles what is open and frees its addresses.
    pub(crate) fn dismantle(mut self, w: &mut World) {
        for chain in self.by_head.iter_mut().filter_map(Option::take) {
            settle(self.index, &chain, w);
            chain.spans.iter().for_each(|&k| w.spans.remove(k));
        }
        w.rings.remove_queue(self.index);
    }

    /// Decides at the end of the run what was still open about returned chains.
    pub(crate) fn settle_all(&self, w: &mut World) {
        for chain in self.by_head.iter().flatten() {
            settle(self.index, chain, w);
        }
    }
}

/// A chain returned with too great a length whose bytes never came.
fn settle(queue: u16, chain: &Chain, w: &mut World) {
    if let Some((cycle, len)) = chain.short {
        let written = chain.written.prefix();
        w.book.broke_at(
            RuleId::SplitUsedLen,
            cycle,
            Some(queue),
            format!(
                "at most {written} bytes, the gapless part written to chain {} (head {})",
                chain.number, chain.head
            ),
            format!("len {len}"),
        );
    }
}
