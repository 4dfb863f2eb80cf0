//! Rules that a driver may be told to break, each on purpose and at one place.

use serde::{Deserialize, Serialize};

/// One deliberate breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Misbehave {
    /// What is done wrong.
    pub what: Wrong,
    /// virtqueue index: receive queue of pair i is 2i, transmit queue 2i+1, control queue the last.
    pub queue: u16,
    /// Which chain of that queue since the run's start, from 0.
    #[serde(default)]
    pub at: u64,
}

/// What a driver can do wrong, with the clause it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// The available entry names a descriptor beyond the table (bugs S09).
    BadHead,
    /// `next` of the chain's last descriptor lies beyond the table (bugs S10).
    NextOutOfRange,
    /// The chain's last descriptor leads back to its first (SPLIT-DRV-004, bugs S10).
    Loop,
    /// The available index runs ahead by more than the queue size (bugs S12).
    IndexJump,
    /// The length of an indirect table is no multiple of 16 (bugs X03).
    IndirectRagged,
    /// An indirect table without entries (bugs X03).
    IndirectEmpty,
    /// An indirect table refers to another (SPLIT-DRV-007, bugs X04).
    IndirectNested,
    /// INDIRECT and NEXT in one descriptor (SPLIT-DRV-009, bugs X04).
    IndirectNext,
    /// A readable element after a writable one (SPLIT-DRV-002).
    ReadableAfterWritable,
    /// The chain's elements change after publication (INIT-DRV-016, bugs X01).
    Mutate,
    /// The kick that is due is not sent (SPLIT-DRV-022, SPLIT-DRV-024).
    NoKick,
    /// A second kick with nothing new. Legal: devices must bear it (SPLIT-DEV-022).
    ExtraKick,
    /// The kick has the other width: 32 bits without `NOTIFICATION_DATA`, 16 with it (PCINTF-DRV-001, 002).
    KickWidth,
    /// The index becomes visible before the descriptors do: no barrier (SPLIT-DRV-029).
    NoBarrier,
    /// A transmit chain too short for its packet header.
    ShortHeader,
}

impl Wrong {
    /// Does the breach lie in a chain's descriptors, entry or index? Such a chain never comes back.
    #[must_use]
    pub fn spoils_ring(self) -> bool {
        !matches!(
            self,
            Wrong::Mutate | Wrong::NoKick | Wrong::ExtraKick | Wrong::KickWidth | Wrong::NoBarrier
        )
    }
}
