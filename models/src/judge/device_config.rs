//! The device-specific configuration structure as read, and the generation counter that goes with it.

use std::collections::BTreeMap;

use super::features::{self, Features};
use super::verdict::Book;
use crate::rules::RuleId;

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct DeviceConfig {
    bytes: BTreeMap<u32, u8>,
    generation: Option<Generation>,
    first_mtu: Option<u16>,
}

/// `config_generation` as it was last read, and what was read since.
///
/// A device may count at the very moment when a field changes: so of two different values of a byte no more follows than that the counter moved
/// between the latest reading before the first of them and the earliest one after the second. Bytes of another generation say nothing.
#[derive(Debug)]
struct Generation {
    value: u8,
    /// When the answer came. The device took what was asked for after that at a later time.
    answered: u64,
    /// Bytes asked for since, as first answered.
    bytes: BTreeMap<u32, u8>,
    /// When an answer first brought another value of one of them.
    changed: Option<u64>,
}

/// Offset of `max_virtqueue_pairs` in the network device's structure.
pub(crate) const MAX_PAIRS: u32 = 8;
/// Offset of `mtu`.
const MTU: u32 = 10;

impl DeviceConfig {
    /// A read of the structure, asked for at cycle `asked`, was answered at cycle `now`.
    pub(crate) fn read(&mut self, offset: u32, data: &[u8], asked: u64, now: u64) {
        for (at, &b) in (offset..).zip(data) {
            self.bytes.insert(at, b);
            if let Some(g) = self.generation.as_mut().filter(|g| asked >= g.answered)
                && *g.bytes.entry(at).or_insert(b) != b
            {
                g.changed.get_or_insert(now);
            }
        }
    }

    /// A reset: whatever changes with it need not be counted.
    pub(crate) fn reset(&mut self) {
        self.generation = None;
    }

    /// A network device: are the fields in range that a read of bytes `offset..offset + len` brought?
    pub(crate) fn judge_net(&mut self, offset: u32, len: u32, offered: Features, book: &mut Book) {
        let read = |field: u32| (offset..offset + len).contains(&field);
        if let Some(pairs) = self.get::<2>(MAX_PAIRS).map(u16::from_le_bytes)
            && read(MAX_PAIRS)
            && features::has(offered, features::MQ)
        {
            book.check(
                RuleId::NetConfig,
                None,
                (1..=0x8000).contains(&pairs),
                || "max_virtqueue_pairs within 1 and 0x8000".into(),
                || format!("{pairs}"),
            );
        }
        if let Some(mtu) = self.mtu()
            && read(MTU)
            && features::has(offered, features::MTU)
        {
            let before = self.first_mtu.get_or_insert(mtu);
            let before = *before;
            book.check(
                RuleId::NetConfig,
                None,
                mtu >= 68 && mtu == before,
                || format!("mtu 68 or more, and {before} as first read"),
                || format!("{mtu}"),
            );
        }
    }

    /// The network device's `mtu`, if it was read.
    pub(crate) fn mtu(&self) -> Option<u16> {
        self.get::<2>(MTU).map(u16::from_le_bytes)
    }

    /// `config_generation`, asked for at cycle `asked`, was answered.
    pub(crate) fn generation(&mut self, value: u8, asked: u64, book: &mut Book) {
        if let Some(old) = self.generation.as_mut().filter(|old| old.value == value) {
            let changed = old.changed.is_some_and(|at| at <= asked);
            book.check(
                RuleId::CfgGeneration,
                None,
                !changed,
                || format!("another generation than {value}: fields read since have changed"),
                || format!("{value}"),
            );
            if changed {
                self.generation = None; // told once
            }
        } else if self.generation.is_some() {
            book.held(RuleId::CfgGeneration);
            self.generation = None;
        }
        let now = book.now;
        self.generation.get_or_insert_with(|| Generation {
            value,
            answered: now,
            bytes: BTreeMap::new(),
            changed: None,
        });
    }

    /// Bytes `offset..offset + N`, if all were read.
    pub(crate) fn get<const N: usize>(&self, offset: u32) -> Option<[u8; N]> {
        let mut out = [0; N];
        for (at, b) in (offset..).zip(&mut out) {
            *b = *self.bytes.get(&at)?;
        }
        Some(out)
    }
}
