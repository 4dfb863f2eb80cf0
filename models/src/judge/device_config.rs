//! The device-specific configuration structure as read, and the generation counter that goes with it.

use std::collections::BTreeMap;

use super::features::{self, Features};
use super::verdict::Book;
use crate::rules::RuleId;

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct DeviceConfig {
    bytes: BTreeMap<u32, u8>,
    /// A byte was read that differs from what was read under the current generation.
    changed: bool,
    generation: Option<u8>,
    first_mtu: Option<u16>,
}

/// Offset of `max_virtqueue_pairs` in the network device's structure.
pub(crate) const MAX_PAIRS: u32 = 8;
/// Offset of `mtu`.
const MTU: u32 = 10;

impl DeviceConfig {
    /// A read of the structure was answered.
    pub(crate) fn read(&mut self, offset: u32, data: &[u8]) {
        for (at, &b) in (offset..).zip(data) {
            self.changed |= self.bytes.insert(at, b).is_some_and(|old| old != b);
        }
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

    /// `config_generation` was read.
    pub(crate) fn generation(&mut self, value: u8, book: &mut Book) {
        if let Some(old) = self.generation {
            let changed = self.changed;
            book.check(
                RuleId::CfgGeneration,
                None,
                !changed || value != old,
                || format!("another generation than {old}: fields read since have changed"),
                || format!("{value}"),
            );
        }
        self.generation = Some(value);
        self.changed = false;
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
