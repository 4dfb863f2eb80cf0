//! Chains: what the driver made available with one head or one buffer id, and what the device did with it.

use std::collections::{BTreeMap, BTreeSet};

use super::base::Base;
use super::list::{Fault, Segment, Walk};
use crate::judge::address_map::{Kind, Span, SpanKey};
use crate::judge::windows::Coverage;
use crate::judge::world::World;

/// A descriptor chain (split) or list (packed).
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each with its own name"
)]
pub(crate) struct Chain {
    /// Running number in its queue.
    pub(crate) number: u64,
    /// What a used entry names it by: its head (split), its buffer id (packed).
    pub(crate) id: u16,
    /// What the specification calls `id`.
    id_name: &'static str,
    /// Running position of the ring at which it was made available: an available entry (split), its first descriptor (packed).
    pub(crate) position: u64,
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
    /// Event numbers of the first read of its ring entry that was issued after `known`, and of its completion (split).
    pub(crate) entry: (u64, u64),
    /// For each of `slots`: event numbers of the first read that was good for it, and of its completion.
    pub(crate) fetched: Vec<(u64, u64)>,
    pub(crate) table_asked: Coverage,
    pub(crate) table_got: Coverage,
    /// The device has begun to use it.
    pub(crate) started: bool,
    /// Payload reads not yet answered.
    pub(crate) reads_outstanding: u32,
    /// Readable bytes asked for.
    pub(crate) read: Coverage,
    /// A read of its buffers failed.
    pub(crate) read_failed: bool,
    pub(crate) written: Coverage,
    pub(crate) used: bool,
    /// Returned with a length that was not written: cycle and length, until it is clear whether the bytes come late or never.
    pub(crate) short: Option<(u64, u32)>,
    spans: Vec<SpanKey>,
}

impl Chain {
    pub(crate) fn new(
        number: u64,
        (id_name, id): (&'static str, u16),
        position: u64,
        visible_cycle: u64,
    ) -> Self {
        Chain {
            number,
            id,
            id_name,
            position,
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

    /// For messages.
    pub(crate) fn name(&self) -> String {
        format!("chain {} ({} {})", self.number, self.id_name, self.id)
    }

    /// Takes over what is known of it and gives it to the map of addresses. A longer walk of the same chain adds to a shorter one.
    pub(crate) fn register(&mut self, queue: u16, walked: Walk, w: &mut World) {
        let number = self.number;
        let mut span = |spans: &mut Vec<SpanKey>, start: u64, len: u64, kind, offset| {
            if len > 0 {
                spans.push(w.spans.add(Span {
                    start,
                    end: start.saturating_add(len),
                    queue,
                    chain: number,
                    kind,
                    offset,
                    used: false,
                    reached: start,
                }));
            }
        };
        let new = self.segments.len().min(walked.segments.len());
        for s in &walked.segments[new..] {
            let (kind, offset) = if s.writable {
                (Kind::Writable, &mut self.writable_bytes)
            } else {
                (Kind::Readable, &mut self.readable_bytes)
            };
            span(&mut self.spans, s.addr, u64::from(s.len), kind, *offset);
            *offset += u64::from(s.len);
        }
        if let Some((addr, len)) = walked.indirect.filter(|_| self.indirect.is_none()) {
            span(&mut self.spans, addr, u64::from(len), Kind::Indirect, 0);
        }
        self.fetched.resize(walked.slots.len(), (0, 0));
        (self.segments, self.slots, self.indirect) = (walked.segments, walked.slots, walked.indirect);
    }

    /// It is returned: its memory is the driver's again.
    pub(crate) fn give_up(&mut self, w: &mut World) {
        self.used = true;
        self.spans.iter().for_each(|&k| w.spans.mark_used(k));
        if let Some((addr, bytes)) = self.indirect {
            w.shadow.forget(addr, bytes as usize);
        }
    }

    /// Nothing more can be said of it: decides what was open and frees its addresses.
    pub(crate) fn forget(&mut self, base: &Base, w: &mut World) {
        self.settle(base, w);
        if let Some((addr, bytes)) = self.indirect.filter(|_| !self.used) {
            w.shadow.forget(addr, bytes as usize);
        }
        self.spans.drain(..).for_each(|k| w.spans.remove(k));
    }

    /// Returned with too great a length, and the bytes never came.
    pub(crate) fn settle(&self, base: &Base, w: &mut World) {
        if let Some((cycle, len)) = self.short {
            let written = self.written.prefix();
            w.book.broke_at(
                base.rules.used_len,
                cycle,
                Some(base.index),
                format!(
                    "at most {written} bytes, the gapless part written to {}",
                    self.name()
                ),
                format!("len {len}"),
            );
        }
    }
}

/// The chains of a queue by number: those in flight, and returned ones as long as they are remembered.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    all: BTreeMap<u64, Chain>,
    flying: BTreeSet<u64>,
}

impl Chains {
    pub(crate) fn get(&self, number: u64) -> Option<&Chain> {
        self.all.get(&number)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Chain> {
        self.all.get_mut(&number)
    }

    /// A chain was made available.
    pub(crate) fn add(&mut self, chain: Chain) {
        self.flying.insert(chain.number);
        self.all.insert(chain.number, chain);
    }

    /// Takes a chain that is being returned; it is no longer in flight.
    pub(crate) fn retire(&mut self, number: u64) -> Option<Chain> {
        self.flying.remove(&number);
        self.all.remove(&number)
    }

    /// Keeps a returned chain in mind.
    pub(crate) fn remember(&mut self, chain: Chain) {
        self.all.insert(chain.number, chain);
    }

    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &Chain> {
        self.flying.iter().filter_map(|n| self.all.get(n))
    }

    /// Number of the oldest chain in flight.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.flying.first().copied()
    }

    /// Is the chain with this number in flight?
    pub(crate) fn flies(&self, number: u64) -> bool {
        self.flying.contains(&number)
    }

    /// How many are in flight.
    pub(crate) fn flying(&self) -> u32 {
        self.flying.len() as u32
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Chain> {
        self.all.values()
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Chain> + use<> {
        self.flying.clear();
        std::mem::take(&mut self.all).into_values()
    }
}
