//! The device-specific configuration structure as read, and the generation counter that goes with it.

use std::collections::BTreeMap;

use super::verdict::Book;
use crate::rules::RuleId;

/// What was read so far.
#[derive(Debug, Default)]
pub(crate) struct DeviceConfig {
    bytes: BTreeMap<u32, u8>,
    /// A byte was read that differs from what was read under the current generation.
    changed: bool,
    generation: Option<u8>,
}

impl DeviceConfig {
    /// A read of the structure was answered.
    pub(crate) fn read(&mut self, offset: u32, data: &[u8]) {
        for (at, &b) in (offset..).zip(data) {
            self.changed |= self.bytes.insert(at, b).is_some_and(|old| old != b);
        }
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
