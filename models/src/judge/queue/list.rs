//! Descriptors, the list of buffers that a walk over them gives, and what can be wrong with it.

use crate::judge::shadow::Shadow;

/// Descriptor flag: the list goes on.
pub(crate) const NEXT: u16 = 1;
/// Descriptor flag: the device writes this buffer.
pub(crate) const WRITE: u16 = 2;
/// Descriptor flag: the buffer holds a table of descriptors.
pub(crate) const INDIRECT: u16 = 4;

/// One buffer of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) addr: u64,
    pub(crate) len: u32,
    pub(crate) writable: bool,
}

/// A walked chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Buffers in order (those found before a fault, if there is one).
    pub(crate) segments: Vec<Segment>,
    /// Slots of the descriptor table or ring visited, in order.
    pub(crate) slots: Vec<u16>,
    /// Indirect table: address, bytes.
    pub(crate) indirect: Option<(u64, u32)>,
    /// Why the chain is malformed.
    pub(crate) fault: Option<Fault>,
    /// Descriptors needed but not known yet.
    pub(crate) unknown: bool,
}

/// What can be wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("head {head} is not below the queue size {size}")]
    Head { head: u16, size: u32 },
    #[error("next {next} of descriptor {at} is not below {limit}")]
    Next { at: u32, next: u16, limit: u32 },
    #[error("more than {limit} descriptors (a loop?)")]
    Length { limit: u32 },
    #[error("descriptor {at} is readable and follows a writable one")]
    Order { at: u32 },
    #[error("descriptor {at} is indirect, which was not negotiated")]
    NotNegotiated { at: u32 },
    #[error("descriptor {at} is indirect and has a next one")]
    IndirectNext { at: u32 },
    #[error("descriptor {at} of an indirect table is itself indirect")]
    Nested { at: u32 },
    #[error("descriptor {at} is indirect within a list")]
    InList { at: u32 },
    #[error("an indirect table of {len} bytes (a multiple of 16, not 0, is needed)")]
    Table { len: u32 },
    #[error("buffer {addr:#x} + {len} ends beyond the address space")]
    Wraps { addr: u64, len: u32 },
    #[error("{0}")]
    Device(&'static str),
}

impl Walk {
    /// Adds a buffer found at place `at`; false if it makes the chain malformed.
    pub(crate) fn buffer(&mut self, at: u32, addr: u64, len: u32, writable: bool) -> bool {
        if !writable && self.segments.last().is_some_and(|s| s.writable) {
            self.fault = Some(Fault::Order { at });
        } else if len > 0 && addr.checked_add(u64::from(len) - 1).is_none() {
            self.fault = Some(Fault::Wraps { addr, len });
        } else {
            self.segments.push(Segment { addr, len, writable });
        }
        self.fault.is_none()
    }
}

/// A descriptor as it lies in memory. The last two words are flags and next in a split table, id and flags in a packed ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) addr: u64,
    pub(crate) len: u32,
    pub(crate) words: [u16; 2],
}

impl Descriptor {
    pub(crate) fn parse(b: &[u8; 16]) -> Self {
        let mut addr = [0; 8];
        addr.copy_from_slice(&b[..8]);
        Descriptor {
            addr: u64::from_le_bytes(addr),
            len: u32::from_le_bytes([b[8], b[9], b[10], b[11]]),
            words: [
                u16::from_le_bytes([b[12], b[13]]),
                u16::from_le_bytes([b[14], b[15]]),
            ],
        }
    }

    /// The descriptor at this address, if all of it is known.
    pub(crate) fn at(memory: &Shadow, at: u64) -> Option<Self> {
        if !memory.known(at, 16) {
            return None;
        }
        let mut b = [0; 16];
        memory.read(at, &mut b);
        Some(Self::parse(&b))
    }
}
