//! The frontend's memory: where it is in its own address space, where the device finds it, and the mapped files.

use std::os::fd::OwnedFd;
use std::rc::Rc;

use super::message::RegionInfo;
use crate::host::memory::Backing;
use crate::serve::shared_memory::{MapError, SharedMemory};

/// From here on addresses belong to the host's own memory.
pub const GUEST_END: u64 = 1 << 61;
/// Regions in all.
pub const SLOTS: usize = 32;

/// Memory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegionError {
    /// It cannot be mapped.
    #[error(transparent)]
    Map(#[from] MapError),
    /// Two regions at one address.
    #[error(
        "the region of {len_bytes:#x} bytes at {guest:#x} overlaps the one of {other_bytes:#x} at {other:#x}"
    )]
    Overlap {
        /// Its guest address.
        guest: u64,
        /// Its length.
        len_bytes: u64,
        /// The other's guest address.
        other: u64,
        /// The other's length.
        other_bytes: u64,
    },
    /// An address that no processor has.
    #[error("the region of {len_bytes:#x} bytes at {guest:#x} ends beyond {GUEST_END:#x}")]
    High {
        /// Its guest address.
        guest: u64,
        /// Its length.
        len_bytes: u64,
    },
    /// Too many.
    #[error("there are {SLOTS} regions already")]
    Full,
    /// None to remove.
    #[error("there is no region of {len_bytes:#x} bytes at {guest:#x}")]
    None {
        /// The guest address given.
        guest: u64,
        /// The length given.
        len_bytes: u64,
    },
}

/// All of it.
#[derive(Debug, Default)]
pub struct Regions(Vec<(RegionInfo, Rc<SharedMemory>)>);

impl Regions {
    /// Adds a region.
    ///
    /// # Errors
    /// [`RegionError`].
    pub fn add(&mut self, info: RegionInfo, file: &OwnedFd) -> Result<(), RegionError> {
        let (guest, len_bytes) = (info.guest, info.len_bytes);
        if self.0.len() == SLOTS {
            return Err(RegionError::Full);
        }
        let memory = SharedMemory::map(file, info.offset, guest, len_bytes)?;
        if guest.checked_add(len_bytes).is_none_or(|end| end > GUEST_END)
            || info.user.checked_add(len_bytes).is_none()
        {
            return Err(RegionError::High { guest, len_bytes });
        }
        let meets = |(other, _): &&(RegionInfo, _)| {
            guest < other.guest + other.len_bytes && other.guest < guest + len_bytes
        };
        if let Some((other, _)) = self.0.iter().find(meets) {
            return Err(RegionError::Overlap {
                guest,
                len_bytes,
                other: other.guest,
                other_bytes: other.len_bytes,
            });
        }
        self.0.push((info, Rc::new(memory)));
        Ok(())
    }

    /// Takes a region away.
    ///
    /// # Errors
    /// There is none like it.
    pub fn remove(&mut self, info: RegionInfo) -> Result<(), RegionError> {
        let same = |r: &RegionInfo| (r.guest, r.user, r.len_bytes) == (info.guest, info.user, info.len_bytes);
        let at = self
            .0
            .iter()
            .position(|(r, _)| same(r))
            .ok_or(RegionError::None {
                guest: info.guest,
                len_bytes: info.len_bytes,
            })?;
        self.0.remove(at);
        Ok(())
    }

    /// The guest address of `len` bytes at the frontend's own address `user`; they lie in one region.
    #[must_use]
    pub fn guest(&self, user: u64, len: u64) -> Option<u64> {
        self.0.iter().find_map(|(r, _)| {
            let offset = user.checked_sub(r.user)?;
            (offset.checked_add(len)? <= r.len_bytes).then_some(r.guest + offset)
        })
    }

    /// The region that holds all of these bytes, and where in it.
    fn holder(&self, guest: u64, len: usize) -> Option<(&SharedMemory, u64)> {
        self.0.iter().find_map(|(r, memory)| {
            let offset = guest.checked_sub(r.guest)?;
            (offset.checked_add(len as u64)? <= r.len_bytes).then_some((&**memory, offset))
        })
    }

    /// Copies bytes at a guest address out; false unless one region holds them all.
    #[must_use]
    pub fn read(&self, guest: u64, into: &mut [u8]) -> bool {
        let holder = self.holder(guest, into.len());
        holder.map(|(memory, offset)| memory.read(offset, into)).is_some()
    }

    /// Copies bytes in at a guest address; false, and nothing is written, unless one region holds them all.
    #[must_use]
    pub fn write(&self, guest: u64, from: &[u8]) -> bool {
        let holder = self.holder(guest, from.len());
        holder
            .map(|(memory, offset)| memory.write(offset, from))
            .is_some()
    }

    /// What the device can reach.
    #[must_use]
    pub fn lent(&self) -> Vec<Rc<dyn Backing>> {
        self.0
            .iter()
            .map(|(_, memory)| Rc::clone(memory) as Rc<dyn Backing>)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> OwnedFd {
        let file = tempfile::tempfile().unwrap();
        file.set_len(0x10000).unwrap();
        file.into()
    }

    fn info(guest: u64, len_bytes: u64, user: u64) -> RegionInfo {
        RegionInfo {
            guest,
            len_bytes,
            user,
            offset: 0,
        }
    }

    #[test]
    fn addresses_are_translated_inside_one_region_only() {
        let (mut r, file) = (Regions::default(), file());
        r.add(info(0x1000, 0x1000, 0x7000_0000), &file).unwrap();
        r.add(info(0x2000, 0x1000, 0x9000_0000), &file).unwrap();
        assert_eq!(r.guest(0x7000_0ff0, 16), Some(0x1ff0));
        assert_eq!(r.guest(0x9000_0000, 1), Some(0x2000));
        for (user, len) in [
            (0x7000_0ff0, 17),
            (0x6fff_ffff, 1),
            (u64::MAX, 2),
            (0x7000_0000, u64::MAX),
        ] {
            assert_eq!(r.guest(user, len), None);
        }
        r.remove(info(0x1000, 0x1000, 0x7000_0000)).unwrap();
        assert_eq!(r.guest(0x7000_0000, 1), None);
        assert!(r.remove(info(0x1000, 0x1000, 0x7000_0000)).is_err());
        assert_eq!(r.lent().len(), 1);
    }

    #[test]
    fn regions_that_cannot_be_are_refused() {
        let (mut r, file) = (Regions::default(), file());
        r.add(info(0x1000, 0x1000, 0), &file).unwrap();
        let text = |r: &mut Regions, i| r.add(i, &file).unwrap_err().to_string();
        assert!(text(&mut r, info(0x1fff, 2, 0)).contains("overlaps"));
        assert!(text(&mut r, info(GUEST_END, 2, 0)).contains("ends beyond"));
        assert!(text(&mut r, info(0x8000, 2, u64::MAX)).contains("ends beyond"));
        assert!(text(&mut r, info(0x8000, 0, 0)).contains("cannot be"));
        for n in 1..SLOTS as u64 {
            r.add(info(0x10_0000 * n, 0x1000, 0), &file).unwrap();
        }
        assert!(text(&mut r, info(0x8000, 1, 0)).contains("already"));
    }
}
