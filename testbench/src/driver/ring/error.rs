//! What can be wrong with a chain, or with what a device says it has used.

use crate::host::memory::MemoryError;

/// Why a chain was not added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// Too few free descriptors now.
    #[error("the chain needs {needed} descriptors, {free} are free")]
    Full {
        /// Descriptors needed.
        needed: usize,
        /// Descriptors free.
        free: usize,
    },
    /// Longer than the queue ever allows (SPLIT-DRV-008).
    #[error("a chain of {elements} elements does not fit a queue of {size}")]
    TooLong {
        /// Elements of the chain.
        elements: usize,
        /// Queue size.
        size: u16,
    },
    /// No element.
    #[error("a chain needs at least one element")]
    Empty,
    /// A shape that packed rings do not have.
    #[error(
        "a list of a packed ring cannot lead from direct descriptors to an indirect table (PACKED-DRV-015)"
    )]
    Mixed,
    /// No memory for an indirect table.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

/// A used ring that makes no sense: the device's fault, seen by the driver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsedError {
    /// The id is no head.
    #[error("used element {index} names descriptor {id} of a queue of {size}")]
    Range {
        /// Running used index.
        index: u16,
        /// Id found.
        id: u32,
        /// Queue size.
        size: u16,
    },
    /// The id is no head in flight.
    #[error("used element {index} names descriptor {id}, which heads no chain in flight")]
    NotInFlight {
        /// Running used index.
        index: u16,
        /// Id found.
        id: u32,
    },
    /// More written than there was room.
    #[error(
        "used element {index} (descriptor {id}) says {len_bytes} bytes written, the chain has room for {room_bytes}"
    )]
    Length {
        /// Running used index.
        index: u16,
        /// Id found.
        id: u32,
        /// Length found, bytes.
        len_bytes: u32,
        /// Writable bytes of the chain.
        room_bytes: u64,
    },
    /// The index ran ahead of what was given.
    #[error("used index {index} is {ahead} ahead of what was taken, {in_flight} chains are in flight")]
    Index {
        /// Used index found.
        index: u16,
        /// Distance to what was taken.
        ahead: u16,
        /// Chains in flight.
        in_flight: usize,
    },
    /// With `VIRTIO_F_IN_ORDER` an element stands for more chains than the index has passed.
    #[error(
        "used element {index} (descriptor {id}) stands for {chains} chains, the used index has passed {ahead}"
    )]
    Batch {
        /// Running used index.
        index: u16,
        /// Id found.
        id: u32,
        /// Chains up to the one named.
        chains: usize,
        /// Chains that the index has passed.
        ahead: u16,
    },
    /// A packed ring's used descriptor names no buffer in flight.
    #[error("the used descriptor in slot {slot} (wrap counter {}) names buffer {id}, which is not in flight", u8::from(*wrap))]
    BufferId {
        /// Its slot.
        slot: u16,
        /// The device's wrap counter there.
        wrap: bool,
        /// Id found.
        id: u16,
    },
    /// A packed ring's used descriptor says more than there was room for.
    #[error(
        "the used descriptor in slot {slot} (wrap counter {}, buffer {id}) says {len_bytes} bytes written, the chain has room for {room_bytes}",
        u8::from(*wrap)
    )]
    BufferLength {
        /// Its slot.
        slot: u16,
        /// The device's wrap counter there.
        wrap: bool,
        /// Id found.
        id: u16,
        /// Length found, bytes.
        len_bytes: u32,
        /// Writable bytes of the chain.
        room_bytes: u64,
    },
}
