//! The allocator: who owns which bytes, guards round every buffer, poison in freed ones.

use std::collections::{BTreeMap, VecDeque};

use super::pages::Pages;

/// Guard bytes before and behind every buffer.
pub const GUARD_BYTES: u64 = 64;
/// What guard bytes hold.
pub const GUARD: u8 = 0xb6;
/// What freed buffers hold.
pub const POISON: u8 = 0x6b;
/// Freed buffers of a size that wait before one is given out again, so that late writes are found.
const QUARANTINE: usize = 32;

/// Misuse of memory, by the driver's code or by the device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// An allocation that cannot be.
    #[error("cannot allocate {len_bytes} bytes aligned to {align_bytes}: {why}")]
    Allocation {
        /// Bytes asked for.
        len_bytes: u64,
        /// Alignment asked for.
        align_bytes: u64,
        /// Reason.
        why: &'static str,
    },
    /// Free of something that is not allocated.
    #[error("cycle {cycle}: {addr:#x} is freed but no buffer starts there")]
    NotAllocated {
        /// Address given.
        addr: u64,
        /// When.
        cycle: u64,
    },
    /// The driver's code touched bytes that it does not own.
    #[error("cycle {cycle}: driver {access} of {len_bytes} bytes at {addr:#x} lies outside every buffer")]
    Outside {
        /// `load` or `store`.
        access: &'static str,
        /// First byte.
        addr: u64,
        /// Length.
        len_bytes: u64,
        /// When.
        cycle: u64,
    },
    /// Guard bytes were written.
    #[error(
        "guard byte {at:#x} holds {found:#04x}: something wrote {} the buffer {addr:#x} of {len_bytes} bytes (found at cycle {cycle})",
        if at < addr { "before" } else { "behind" }
    )]
    Guard {
        /// Buffer.
        addr: u64,
        /// Its length.
        len_bytes: u64,
        /// First damaged byte.
        at: u64,
        /// What it holds.
        found: u8,
        /// When it was found.
        cycle: u64,
    },
    /// A freed buffer was written.
    #[error(
        "byte {at:#x} of the buffer {addr:#x} of {len_bytes} bytes, freed at cycle {freed}, was written after that: {found:#04x} (found at cycle {cycle})"
    )]
    AfterFree {
        /// Buffer.
        addr: u64,
        /// Its length.
        len_bytes: u64,
        /// First changed byte.
        at: u64,
        /// What it holds.
        found: u8,
        /// When the buffer was freed.
        freed: u64,
        /// When it was found.
        cycle: u64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Freed {
    addr: u64,
    cycle: u64,
}

/// Owners of bytes.
#[derive(Debug)]
pub(super) struct Heap {
    next: u64,
    live: BTreeMap<u64, (u64, u64)>,
    freed: BTreeMap<(u64, u64), VecDeque<Freed>>,
}

impl Heap {
    /// An empty heap that grows upwards from `base`.
    #[must_use]
    pub(super) fn new(base: u64) -> Self {
        Heap {
            next: base,
            live: BTreeMap::new(),
            freed: BTreeMap::new(),
        }
    }

    /// Gives out `len` bytes; a freed buffer of the same shape is used again once enough others wait. Misuse found on the way goes to `errors`.
    ///
    /// # Errors
    /// [`MemoryError::Allocation`] for a length of 0, an alignment that is no power of two, or addresses running out.
    pub(super) fn alloc(
        &mut self,
        pages: &mut Pages,
        len: u64,
        align: u64,
        now: u64,
        errors: &mut Vec<MemoryError>,
    ) -> Result<u64, MemoryError> {
        let refuse = |why| MemoryError::Allocation {
            len_bytes: len,
            align_bytes: align,
            why,
        };
        if len == 0 {
            return Err(refuse("a length of 0 has no bytes to own"));
        }
        if !align.is_power_of_two() {
            return Err(refuse("the alignment is no power of two"));
        }
        if let Some(queue) = self.freed.get_mut(&(len, align))
            && queue.len() > QUARANTINE
            && let Some(old) = queue.pop_front()
        {
            errors.extend(poison_error(pages, old, len, now));
            errors.extend(guard_errors(pages, old.addr, len, now));
            self.fence(pages, old.addr, len);
            self.live.insert(old.addr, (len, align));
            return Ok(old.addr);
        }
        let addr = (self.next + GUARD_BYTES)
            .checked_next_multiple_of(align)
            .ok_or_else(|| refuse("out of addresses"))?;
        let end = addr
            .checked_add(len)
            .and_then(|e| e.checked_add(GUARD_BYTES))
            .filter(|e| *e < 1 << 62)
            .ok_or_else(|| refuse("out of addresses"))?;
        pages.map(addr - GUARD_BYTES, end);
        self.next = end;
        self.fence(pages, addr, len);
        self.live.insert(addr, (len, align));
        Ok(addr)
    }

    #[expect(clippy::unused_self, reason = "kept beside its callers: only the heap fences")]
    fn fence(&self, pages: &mut Pages, addr: u64, len: u64) {
        pages.fill(addr - GUARD_BYTES, GUARD_BYTES, GUARD);
        pages.fill(addr + len, GUARD_BYTES, GUARD);
    }

    /// Takes a buffer back, checks its guards and poisons it. Returns its length.
    pub(super) fn free(
        &mut self,
        pages: &mut Pages,
        addr: u64,
        now: u64,
        errors: &mut Vec<MemoryError>,
    ) -> Option<u64> {
        let Some((len, align)) = self.live.remove(&addr) else {
            errors.push(MemoryError::NotAllocated { addr, cycle: now });
            return None;
        };
        errors.extend(guard_errors(pages, addr, len, now));
        self.fence(pages, addr, len);
        pages.fill(addr, len, POISON);
        self.freed
            .entry((len, align))
            .or_default()
            .push_back(Freed { addr, cycle: now });
        Some(len)
    }

    /// The live buffer that holds all of `addr..addr + len`, as (address, length).
    #[must_use]
    pub(super) fn owner(&self, addr: u64, len: u64) -> Option<(u64, u64)> {
        let (start, (size, _)) = self.live.range(..=addr).next_back()?;
        let inside = addr.checked_add(len)? <= start + size;
        inside.then_some((*start, *size))
    }

    /// Checks all guards and all poison.
    pub(super) fn check(&self, pages: &Pages, now: u64, errors: &mut Vec<MemoryError>) {
        for (addr, (len, _)) in &self.live {
            errors.extend(guard_errors(pages, *addr, *len, now));
        }
        for ((len, _), queue) in &self.freed {
            for freed in queue {
                errors.extend(guard_errors(pages, freed.addr, *len, now));
                errors.extend(poison_error(pages, *freed, *len, now));
            }
        }
    }

    /// Buffers in use.
    #[must_use]
    pub(super) fn live(&self) -> usize {
        self.live.len()
    }
}

fn guard_errors(pages: &Pages, addr: u64, len: u64, cycle: u64) -> impl Iterator<Item = MemoryError> {
    [addr - GUARD_BYTES, addr + len]
        .map(|start| pages.first_not(start, GUARD_BYTES, GUARD))
        .into_iter()
        .flatten()
        .map(move |(at, found)| MemoryError::Guard {
            addr,
            len_bytes: len,
            at,
            found,
            cycle,
        })
}

fn poison_error(pages: &Pages, freed: Freed, len: u64, cycle: u64) -> Option<MemoryError> {
    pages
        .first_not(freed.addr, len, POISON)
        .map(|(at, found)| MemoryError::AfterFree {
            addr: freed.addr,
            len_bytes: len,
            at,
            found,
            freed: freed.cycle,
            cycle,
        })
}
