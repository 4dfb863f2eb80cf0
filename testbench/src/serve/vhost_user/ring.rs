//! What a frontend says of one ring before it runs, and whether that can be.

use std::os::fd::OwnedFd;

use super::message::VringAddr;
use super::regions::Regions;
use crate::driver::layout::Layout;
use crate::driver::ring::Areas;
use crate::serve::parent::Place;

/// Bytes of a packed ring's event structure.
const EVENT_BYTES: u64 = 4;
/// Largest ring.
const SIZE_MAX: u32 = 32768;
/// Wrap bit of a packed ring's position.
const WRAP: u32 = 0x8000;

/// How a frontend tells of available buffers.
#[derive(Debug, Default)]
pub enum Kick {
    /// It has not said so: the ring does not run.
    #[default]
    Unknown,
    /// It does not: the backend is to look.
    Polled,
    /// With this.
    Fd(OwnedFd),
}

/// A ring that cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// A size that no ring has.
    #[error("ring {ring} has {size} entries: a ring has 1 to {SIZE_MAX}, a split one a power of two")]
    Size {
        /// Ring.
        ring: u16,
        /// Entries.
        size: u32,
    },
    /// A part that lies nowhere.
    #[error("ring {ring}: its {part}, {len_bytes:#x} bytes at {user:#x}, is in no region of memory")]
    Nowhere {
        /// Ring.
        ring: u16,
        /// Descriptor, driver or device area.
        part: &'static str,
        /// Where it should be, in the frontend's address space.
        user: u64,
        /// Its length.
        len_bytes: u64,
    },
    /// A part that lies askew.
    #[error("ring {ring}: its {part} at {guest:#x} is not aligned to {align} bytes")]
    Askew {
        /// Ring.
        ring: u16,
        /// Descriptor, driver or device area.
        part: &'static str,
        /// Its guest address.
        guest: u64,
        /// What it has to be aligned to.
        align: u64,
    },
    /// A position that the ring does not have.
    #[error("ring {ring} is to go on at {base:#x}: it has no such position")]
    Base {
        /// Ring.
        ring: u16,
        /// The position given.
        base: u32,
    },
}

/// One ring.
#[derive(Debug, Default)]
pub struct Ring {
    /// Entries.
    pub size: u32,
    /// Where it is to go on.
    pub base: u32,
    /// Where it is.
    pub addr: Option<VringAddr>,
    /// How the driver tells of buffers.
    pub kick: Kick,
    /// How it wants to be told.
    pub call: Option<OwnedFd>,
    /// Told to run.
    pub enabled: bool,
    /// Kicks that came.
    pub kicks: u64,
    /// Interrupts passed on.
    pub calls: u64,
}

impl Ring {
    /// Takes the number of entries. Whether it must be a power of two is known once the features are.
    ///
    /// # Errors
    /// [`RingError`]: no ring has so many, or none.
    pub fn resize(&mut self, ring: u32, size: u32) -> Result<(), RingError> {
        if size == 0 || size > SIZE_MAX {
            return Err(RingError::Size {
                ring: ring as u16,
                size,
            });
        }
        self.size = size;
        Ok(())
    }

    /// Has everything been said?
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.size > 0 && self.addr.is_some() && !matches!(self.kick, Kick::Unknown)
    }

    /// Where the device is to find it.
    ///
    /// # Errors
    /// [`RingError`]: it cannot run.
    pub fn place(&self, ring: u16, packed: bool, regions: &Regions) -> Result<Option<Place>, RingError> {
        let Some(addr) = self.addr.filter(|_| self.is_ready()) else {
            return Ok(None);
        };
        let size = match u16::try_from(self.size) {
            Ok(n) if self.size <= SIZE_MAX && (packed || n.is_power_of_two()) => n,
            _ => {
                return Err(RingError::Size {
                    ring,
                    size: self.size,
                });
            }
        };
        let start = self.start(ring, size, packed)?;
        let place = |part, user, len_bytes, align: u64| {
            let guest = regions.guest(user, len_bytes).ok_or(RingError::Nowhere {
                ring,
                part,
                user,
                len_bytes,
            })?;
            if !guest.is_multiple_of(align) {
                return Err(RingError::Askew {
                    ring,
                    part,
                    guest,
                    align,
                });
            }
            Ok(guest)
        };
        let [driver, device] = if packed {
            [(EVENT_BYTES, 4), (EVENT_BYTES, 4)]
        } else {
            [(Layout::available_bytes(size), 2), (Layout::used_bytes(size), 4)]
        };
        let areas = Areas {
            size,
            descriptor: place("descriptor area", addr.descriptor, Layout::table_bytes(size), 16)?,
            driver: place("driver area", addr.driver, driver.0, driver.1)?,
            device: place("device area", addr.device, device.0, device.1)?,
        };
        Ok(Some(Place { areas, start }))
    }

    /// Where the device is to begin. Of what was begun and not returned elsewhere nothing is known here: it is done again.
    fn start(&self, ring: u16, size: u16, packed: bool) -> Result<Option<u16>, RingError> {
        let base = self.base;
        let bad = Err(RingError::Base { ring, base });
        if !packed {
            return match u16::try_from(base) {
                Ok(0) => Ok(None),
                Ok(index) => Ok(Some(index)),
                Err(_) => bad,
            };
        }
        // Frontends write the start of a packed ring in four ways: with both wrap bits, with one, with none.
        if base & !(WRAP | WRAP << 16) == 0 && base != WRAP << 16 {
            return Ok(None);
        }
        let used = (base >> 16) as u16;
        if used & !(WRAP as u16) < size {
            Ok(Some(used))
        } else {
            bad
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::RegionInfo;
    use super::*;

    fn regions() -> Regions {
        let file = tempfile::tempfile().unwrap();
        file.set_len(0x1_0000).unwrap();
        let info = RegionInfo {
            guest: 0x10_0000,
            len_bytes: 0x1_0000,
            user: 0x7f00_0000_0000,
            offset: 0,
        };
        let mut regions = Regions::default();
        regions.add(info, &file.into()).unwrap();
        regions
    }

    fn ring(size: u32, base: u32, offsets: [u64; 3]) -> Ring {
        let user = |offset: u64| 0x7f00_0000_0000u64.wrapping_add(offset);
        let [descriptor, driver, device] = offsets.map(user);
        Ring {
            size,
            base,
            addr: Some(VringAddr {
                index: 0,
                flags: 0,
                descriptor,
                device,
                driver,
            }),
            kick: Kick::Polled,
            ..Ring::default()
        }
    }

    #[test]
    fn a_good_ring_gets_guest_addresses() {
        let want = Areas {
            size: 256,
            descriptor: 0x10_0000,
            driver: 0x10_1000,
            device: 0x10_2000,
        };
        let good = [0, 0x1000, 0x2000];
        let at = |start| Ok(Some(Place { areas: want, start }));
        for (base, start) in [(0, None), (1, Some(1)), (0xffff, Some(0xffff))] {
            assert_eq!(ring(256, base, good).place(3, false, &regions()), at(start));
        }
        for base in [0, 0x8000, 0x8000_8000] {
            assert_eq!(ring(256, base, good).place(3, true, &regions()), at(None));
        }
        for (base, start) in [(0x8007_8009, 0x8007), (0x00ff_00ff, 0xff), (0x8000_0000, 0x8000)] {
            assert_eq!(ring(256, base, good).place(3, true, &regions()), at(Some(start)));
        }
        assert!(ring(100, 0, good).place(3, true, &regions()).is_ok());
        assert_eq!(Ring::default().place(3, true, &regions()), Ok(None));
    }

    #[test]
    fn absurd_rings_are_refused() {
        let good = [0, 0x1000, 0x2000];
        let text = |r: Ring, packed| r.place(3, packed, &regions()).unwrap_err().to_string();
        for size in [100, 0x1_0000, 65537] {
            assert!(text(ring(size, 0, good), false).contains("entries"), "{size}");
        }
        assert!(text(ring(40_000, 0, good), true).contains("entries"));
        assert!(text(ring(256, 0x1_0007, good), false).contains("go on at 0x10007"));
        assert!(text(ring(256, 0x8100_8100, good), true).contains("go on at"));
        for (i, part) in ["descriptor", "driver", "device"].into_iter().enumerate() {
            for far in [0xffff, 0x1_0000, u64::MAX - 0x7f00_0000_0000, 1 << 46] {
                let mut offsets = good;
                offsets[i] = far;
                let text = text(ring(256, 0, offsets), false);
                assert!(text.contains(part) && text.contains("in no region"), "{text}");
            }
            let mut offsets = good;
            offsets[i] += 1;
            assert!(text(ring(256, 0, offsets), false).contains("not aligned"));
        }
    }
}
