//! What split and packed virtqueues have in common for the code that uses them, and the choice between the two.

mod error;

use serde::{Deserialize, Serialize};

use super::misbehave::Wrong;
use super::packed::PackedQueue;
use super::split::SplitQueue;
use crate::host::dice::Dice;
use crate::host::memory::{Memory, MemoryError};

pub use error::{AddError, UsedError};

/// The format of the rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Descriptor table, available ring, used ring.
    #[default]
    Split,
    /// One descriptor ring that both sides write (`VIRTIO_F_RING_PACKED`).
    Packed,
}

/// Order in which the numbers of finished buffers are used again: descriptors of a split ring, buffer ids of a packed one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreeList {
    /// Last freed, first used: Linux. Heads of a batch tend to run downwards.
    #[default]
    Lifo,
    /// First freed, first used: DPDK. Heads of a batch tend to run upwards.
    Fifo,
    /// Any: a random free descriptor of a split ring; for a packed ring a random number of 16 bits that is not in flight, which need be no slot.
    Random,
}

/// How a chain's elements are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Descriptors of the ring, linked by NEXT.
    #[default]
    Direct,
    /// One descriptor that refers to a table of its own.
    Indirect,
    /// The first element in the ring's table, the others in a table of their own that it leads to (SPLIT-DEV-008). Split rings only.
    DirectThenIndirect,
}

impl Shape {
    /// Descriptors of the ring that a chain of `elements` takes.
    #[must_use]
    pub fn descriptors(self, elements: usize) -> usize {
        match self {
            Shape::Indirect => 1,
            Shape::DirectThenIndirect if elements > 1 => 2,
            Shape::Direct | Shape::DirectThenIndirect => elements,
        }
    }
}

/// One contiguous piece of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// Bus address.
    pub addr: u64,
    /// Length in bytes.
    pub len_bytes: u32,
    /// The device writes it.
    pub write: bool,
}

/// How a queue is run.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// `VIRTIO_F_EVENT_IDX` was negotiated.
    pub event_idx: bool,
    /// `VIRTIO_F_IN_ORDER` was negotiated: one used element may stand for several chains, and descriptors of a split ring are taken one after
    /// the other (SPLIT-DSC-005).
    pub in_order: bool,
    /// Order in which numbers are used again.
    pub free_list: FreeList,
    /// Makes the choices of [`FreeList::Random`].
    pub dice: Dice,
    /// Position at which the ring begins, as if so much had gone through it; absent: a new ring.
    pub start: Option<u16>,
}

/// A chain that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used<T> {
    /// What its owner gave with it.
    pub token: T,
    /// Bytes that the device says it wrote. All that there is room for where a later chain's used element stands for this one (`VIRTIO_F_IN_ORDER`).
    pub len_bytes: u32,
}

/// A used element that stands for all chains up to the one that it names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Batch<K> {
    /// The last of them.
    pub(super) last: K,
    /// Bytes written into that one.
    pub(super) len_bytes: u32,
}

/// What counts as written into a chain that was skipped: all of it.
pub(super) fn completely(room_bytes: u64) -> u32 {
    u32::try_from(room_bytes).unwrap_or(u32::MAX)
}

/// What a device is told of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// Entries or slots.
    pub size: u16,
    /// Descriptor area: table, or descriptor ring.
    pub descriptor: u64,
    /// Driver area: available ring, or driver event suppression structure.
    pub driver: u64,
    /// Device area: used ring, or device event suppression structure.
    pub device: u64,
}

/// Allocates a part of a ring and zeroes it (PCI-DSC-005).
pub(super) fn zeroed(memory: &Memory, len: u64, align: u64) -> Result<u64, MemoryError> {
    let addr = memory.alloc(len, align)?;
    memory.store(addr, &vec![0; len as usize]);
    Ok(addr)
}

/// One virtqueue, from the driver's side. `T` is what the owner wants back with a chain.
pub enum Ring<T> {
    /// A split virtqueue.
    Split(SplitQueue<T>),
    /// A packed virtqueue.
    Packed(PackedQueue<T>),
}

/// The same call for either.
macro_rules! either {
    ($ring:expr, $queue:ident => $call:expr) => {
        match $ring {
            Ring::Split($queue) => $call,
            Ring::Packed($queue) => $call,
        }
    };
}

impl<T> Ring<T> {
    /// Allocates and zeroes a ring. A split ring's `size` must be a power of two.
    ///
    /// # Errors
    /// [`MemoryError`] when there is no memory for it.
    pub fn new(
        format: Format,
        memory: &Memory,
        size: u16,
        options: QueueOptions,
    ) -> Result<Self, MemoryError> {
        Ok(match format {
            Format::Split => Ring::Split(SplitQueue::new(memory, size, options)?),
            Format::Packed => Ring::Packed(PackedQueue::new(memory, size, options)?),
        })
    }

    /// What the device is told of the ring.
    #[must_use]
    pub fn areas(&self) -> Areas {
        either!(self, q => q.areas())
    }

    /// Descriptors of the ring that are free.
    #[must_use]
    pub fn free_descriptors(&self) -> usize {
        either!(self, q => q.free_descriptors())
    }

    /// Is there room for a chain of so many elements?
    #[must_use]
    pub fn has_room(&self, elements: usize, shape: Shape) -> bool {
        shape.descriptors(elements) <= self.free_descriptors()
    }

    /// Chains added and not yet taken back.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        either!(self, q => q.in_flight())
    }

    /// The position as published, as a kick with `NOTIFICATION_DATA` carries it in its upper half (BASIC-DSC-006 to 009).
    #[must_use]
    pub fn position(&self) -> u16 {
        either!(self, q => q.position())
    }

    /// The position behind the last chain that the device has returned, by what lies in memory; none: what lies there makes no sense.
    #[must_use]
    pub fn used_position(&self) -> Option<u16> {
        either!(self, q => q.used_position())
    }

    /// Writes a chain, which [`Ring::publish`] shows to the device; the number by which it will come back. `wrong` spoils it on purpose.
    ///
    /// # Errors
    /// [`AddError`] when it does not fit, now or ever.
    pub fn add(
        &mut self,
        elements: &[Element],
        shape: Shape,
        token: T,
        wrong: Option<Wrong>,
    ) -> Result<u16, AddError> {
        either!(self, q => q.add(elements, shape, token, wrong))
    }

    /// Shows all added chains to the device.
    pub fn publish(&mut self, wrong: Option<Wrong>) {
        either!(self, q => q.publish(wrong));
    }

    /// Must the device be told of what was published since the last question? To be asked behind a full barrier.
    pub fn kick_needed(&mut self) -> bool {
        either!(self, q => q.kick_needed())
    }

    /// Has the device used chains that were not taken back yet?
    #[must_use]
    pub fn has_used(&self) -> bool {
        either!(self, q => q.has_used())
    }

    /// Has the device already got as far as [`Ring::enable_interrupts`] with the same `after` asks for?
    #[must_use]
    pub fn has_reached(&self, after: u16) -> bool {
        either!(self, q => q.has_reached(after))
    }

    /// Takes the next used chain back and frees its descriptors.
    ///
    /// # Errors
    /// [`UsedError`] when what the device wrote makes no sense; the queue is then of no further use.
    pub fn pop(&mut self) -> Result<Option<Used<T>>, UsedError> {
        either!(self, q => q.pop())
    }

    /// Asks for no interrupts for now.
    pub fn disable_interrupts(&mut self) {
        either!(self, q => q.disable_interrupts());
    }

    /// Asks for an interrupt once `after` more chains than now taken back (at least 1) are used. The caller passes a full barrier and
    /// looks at [`Ring::has_reached`] then, or an interrupt may be missed.
    pub fn enable_interrupts(&mut self, after: u16) {
        either!(self, q => q.enable_interrupts(after));
    }

    /// Takes back everything, used or not, and frees the ring: for a device or a queue that was reset (INIT-DRV-017).
    pub fn dismantle(&mut self) -> Vec<T> {
        either!(self, q => q.dismantle())
    }

    /// Changes a published chain (on purpose: [`Wrong::Mutate`]). `number`: what [`Ring::add`] gave.
    pub fn mutate(&mut self, number: u16) {
        either!(self, q => q.mutate(number));
    }

    /// One line on the ring's state, for a hang.
    #[must_use]
    pub fn state(&self) -> String {
        either!(self, q => q.state())
    }
}
