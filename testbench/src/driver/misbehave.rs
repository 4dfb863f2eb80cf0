//! Rules that a driver may be told to break, each on purpose and at one place.

use serde::{Deserialize, Serialize};

use super::ring::Format;

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

/// What a driver can do wrong, with the clause it breaks. Some exist for one format of ring only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// Split: the available entry names a descriptor beyond the table (bugs S09).
    BadHead,
    /// Split: `next` of the chain's last descriptor lies beyond the table (bugs S10).
    NextOutOfRange,
    /// Split: the chain's last descriptor leads back to its first (SPLIT-DRV-004, bugs S10).
    Loop,
    /// Split: the available index runs ahead by more than the queue size (bugs S12).
    IndexJump,
    /// Split, with `VIRTIO_F_IN_ORDER`: the chain's descriptors are not the next ones of the table (SPLIT-DSC-005).
    DescriptorOrder,
    /// Packed: a list of all free slots that goes on in its last: longer than the ring if nothing else is in flight (PACKED-DRV-007).
    LongList,
    /// Packed: AVAIL and USED are those of the other wrap counter, so that the list is not available (PACKED-DSC-008, 009).
    WrongWrap,
    /// Packed: of a list of two or more, the head is shown before its followers are written (PACKED-DRV-011).
    HeadFirst,
    /// Packed: the head's flags are shown before its address, length and id (PACKED-DRV-017).
    FlagsFirst,
    /// Packed: the id is that of a buffer in flight, if there is one.
    ReuseId,
    /// Packed: the last descriptor of a list is an indirect one (PACKED-DRV-015).
    IndirectInList,
    /// Packed: entries of an indirect table carry ids, NEXT, AVAIL and USED. Devices ignore them (PACKED-DRV-013, PACKED-DSC-027).
    TableFlags,
    /// Packed: the next request for interrupts has the reserved mode 3 and reserved bits set.
    EventReserved,
    /// Packed: the next request for interrupts names a slot beyond the ring for a moment.
    EventBeyond,
    /// The length of an indirect table is no multiple of 16 (bugs X03).
    IndirectRagged,
    /// An indirect table without entries (bugs X03).
    IndirectEmpty,
    /// An indirect table refers to another (SPLIT-DRV-007, bugs X04). Packed: devices ignore the flag (PACKED-DRV-013).
    IndirectNested,
    /// INDIRECT and NEXT in one descriptor (SPLIT-DRV-009, PACKED-DRV-015, bugs X04).
    IndirectNext,
    /// A readable element after a writable one (SPLIT-DRV-002, PACKED-DRV-008).
    ReadableAfterWritable,
    /// The chain's elements change after publication (INIT-DRV-016, bugs X01).
    Mutate,
    /// The kick that is due is not sent (SPLIT-DRV-022, SPLIT-DRV-024).
    NoKick,
    /// A second kick with nothing new. Legal: devices must bear it (SPLIT-DEV-022).
    ExtraKick,
    /// The kick has the other width: 32 bits without `NOTIFICATION_DATA`, 16 with it (PCINTF-DRV-001, 002).
    KickWidth,
    /// The kick has the value of the next queue, and names a position beyond what is available (PCINTF-DRV-003 to 006). The right one follows, if one is due.
    KickValue,
    /// What shows the chain becomes visible before its descriptors do: no barrier (SPLIT-DRV-029, PACKED-DRV-017).
    NoBarrier,
    /// A transmit chain too short for its packet header.
    ShortHeader,
    /// A packet header with reserved flags and rubbish in the fields of checksum and segmentation (NET-DRV-018). Devices ignore them
    /// (NET-DEV-017, 018).
    HeaderFlags,
}

impl Wrong {
    /// Does the breach lie in what the device has to understand of a chain? Such a chain never comes back.
    #[must_use]
    pub fn spoils_ring(self) -> bool {
        match self {
            Wrong::BadHead
            | Wrong::NextOutOfRange
            | Wrong::Loop
            | Wrong::IndexJump
            | Wrong::LongList
            | Wrong::WrongWrap
            | Wrong::IndirectInList
            | Wrong::IndirectRagged
            | Wrong::IndirectEmpty
            | Wrong::IndirectNested
            | Wrong::IndirectNext
            | Wrong::ReadableAfterWritable
            | Wrong::ShortHeader => true,
            Wrong::DescriptorOrder
            | Wrong::HeadFirst
            | Wrong::FlagsFirst
            | Wrong::ReuseId
            | Wrong::TableFlags
            | Wrong::EventReserved
            | Wrong::EventBeyond
            | Wrong::Mutate
            | Wrong::NoKick
            | Wrong::ExtraKick
            | Wrong::KickWidth
            | Wrong::KickValue
            | Wrong::NoBarrier
            | Wrong::HeaderFlags => false,
        }
    }

    /// The only format of ring in which the breach exists, if it is not both.
    #[must_use]
    pub fn only(self) -> Option<Format> {
        match self {
            Wrong::BadHead
            | Wrong::NextOutOfRange
            | Wrong::Loop
            | Wrong::IndexJump
            | Wrong::DescriptorOrder => Some(Format::Split),
            Wrong::LongList
            | Wrong::WrongWrap
            | Wrong::HeadFirst
            | Wrong::FlagsFirst
            | Wrong::ReuseId
            | Wrong::IndirectInList
            | Wrong::TableFlags
            | Wrong::EventReserved
            | Wrong::EventBeyond => Some(Format::Packed),
            _ => None,
        }
    }

    /// The word that scenarios use.
    #[must_use]
    pub fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}
