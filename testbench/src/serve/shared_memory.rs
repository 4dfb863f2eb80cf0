//! A file that another process shares with this one, mapped. The only unsafe code of this crate: the other process stores to
//! these bytes at any time, so they are never borrowed, only copied by atomic accesses.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};

use memmap2::{MmapOptions, MmapRaw};

use crate::host::memory::Backing;

/// Copies that must agree are made so often at most: a driver that changes the same bytes faster than this is not one.
const COLLECTS_MAX: u32 = 1_000;

/// Memory cannot be mapped.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// It has no bytes, or its last byte has no address.
    #[error(
        "a region of {len_bytes:#x} bytes at {base:#x} cannot be: it is empty or runs beyond the address space"
    )]
    Range {
        /// Its bus address.
        base: u64,
        /// Its length.
        len_bytes: u64,
    },
    /// The file is shorter than what is to be mapped; touching the rest would end this process.
    #[error(
        "the file of the region at {base:#x} has {file_bytes:#x} bytes, and {need_bytes:#x} are to be mapped"
    )]
    Short {
        /// The region's bus address.
        base: u64,
        /// Bytes of the file.
        file_bytes: u64,
        /// Bytes up to the region's end.
        need_bytes: u64,
    },
    /// The system refuses.
    #[error("the region of {len_bytes:#x} bytes at {base:#x} cannot be mapped: {cause}")]
    System {
        /// Its bus address.
        base: u64,
        /// Its length.
        len_bytes: u64,
        /// The system's words.
        cause: std::io::Error,
    },
}

/// A mapped region.
#[derive(Debug)]
pub struct SharedMemory {
    map: MmapRaw,
    base: u64,
    /// Where the region begins in the mapping.
    skip: usize,
    len: usize,
}

/// Bytes from `at` that one atomic access can move.
fn step(at: usize, left: usize) -> usize {
    let mut step = 8;
    while !at.is_multiple_of(step) || left < step {
        step /= 2;
    }
    step
}

impl SharedMemory {
    /// Maps `len_bytes` bytes of `file` from `offset` on, to be found at the bus address `base`.
    ///
    /// # Errors
    /// [`MapError`]: impossible numbers, a file that is too short, or the system refuses.
    pub fn map(file: &OwnedFd, offset: u64, base: u64, len_bytes: u64) -> Result<Self, MapError> {
        let range = MapError::Range { base, len_bytes };
        let Some(need_bytes) = offset
            .checked_add(len_bytes)
            .filter(|_| len_bytes > 0 && base.checked_add(len_bytes - 1).is_some())
        else {
            return Err(range);
        };
        let system = |cause| MapError::System {
            base,
            len_bytes,
            cause,
        };
        let stat = rustix::fs::fstat(file).map_err(|e| system(e.into()))?;
        let file_bytes = u64::try_from(stat.st_size).unwrap_or(0);
        // A device (DAX) has no size to compare with.
        let sized = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file();
        if sized && file_bytes < need_bytes {
            return Err(MapError::Short {
                base,
                file_bytes,
                need_bytes,
            });
        }
        // From the file's beginning: huge pages can be mapped from a multiple of their size only.
        let need = usize::try_from(need_bytes).map_err(|_| range)?;
        let map = MmapOptions::new().len(need).map_raw(file).map_err(system)?;
        Ok(SharedMemory {
            map,
            base,
            skip: offset as usize,
            len: len_bytes as usize,
        })
    }

    /// Copies out word by word.
    fn collect(&self, offset: usize, into: &mut [u8]) {
        assert!(offset.checked_add(into.len()).is_some_and(|end| end <= self.len));
        let mut done = 0;
        while done < into.len() {
            let at = self.skip + offset + done;
            let n = step(at, into.len() - done);
            // SAFETY: `at..at + n` lies in the mapping (asserted; `skip + len` bytes are mapped), which is page-aligned, so `at` aligns
            // the access; it is atomic, as everything is that this process does there, and any bits are a number.
            let word = unsafe {
                let p = self.map.as_mut_ptr().add(at);
                match n {
                    8 => AtomicU64::from_ptr(p.cast()).load(Ordering::Acquire),
                    4 => AtomicU32::from_ptr(p.cast()).load(Ordering::Acquire).into(),
                    2 => AtomicU16::from_ptr(p.cast()).load(Ordering::Acquire).into(),
                    _ => AtomicU8::from_ptr(p).load(Ordering::Acquire).into(),
                }
            };
            into[done..done + n].copy_from_slice(&word.to_ne_bytes()[..n]);
            done += n;
        }
    }
}

impl Backing for SharedMemory {
    fn base(&self) -> u64 {
        self.base
    }

    fn len_bytes(&self) -> u64 {
        self.len as u64
    }

    /// Two copies in a row that agree were true at the moment between them. That is what a root complex gives of a line of memory.
    fn read(&self, offset: u64, into: &mut [u8]) {
        self.collect(offset as usize, into);
        if into.len() <= 2 {
            return;
        }
        let mut again = vec![0; into.len()];
        for _ in 0..COLLECTS_MAX {
            self.collect(offset as usize, &mut again);
            if again == into {
                return;
            }
            into.copy_from_slice(&again);
        }
    }

    fn write(&self, offset: u64, from: &[u8]) {
        let offset = offset as usize;
        assert!(offset.checked_add(from.len()).is_some_and(|end| end <= self.len));
        let mut done = 0;
        while done < from.len() {
            let at = self.skip + offset + done;
            let n = step(at, from.len() - done);
            let mut word = [0; 8];
            word[..n].copy_from_slice(&from[done..done + n]);
            // SAFETY: as in `collect`.
            unsafe {
                let p = self.map.as_mut_ptr().add(at);
                match n {
                    8 => AtomicU64::from_ptr(p.cast()).store(u64::from_ne_bytes(word), Ordering::Release),
                    4 => AtomicU32::from_ptr(p.cast()).store(
                        u32::from_ne_bytes([word[0], word[1], word[2], word[3]]),
                        Ordering::Release,
                    ),
                    2 => AtomicU16::from_ptr(p.cast())
                        .store(u16::from_ne_bytes([word[0], word[1]]), Ordering::Release),
                    _ => AtomicU8::from_ptr(p).store(word[0], Ordering::Release),
                }
            }
            done += n;
        }
        // What the device reads next it reads after this write.
        fence(Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    fn file(len: u64) -> std::fs::File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(len).unwrap();
        file
    }

    #[test]
    fn what_one_side_writes_the_other_reads() {
        let file = file(8192);
        let fd: OwnedFd = file.try_clone().unwrap().into();
        let memory = SharedMemory::map(&fd, 100, 0x1000, 5000).unwrap();
        for (offset, len) in [(0, 1), (1, 7), (3, 64), (1023, 1025), (4990, 10)] {
            let data: Vec<u8> = (0..len).map(|i| (i * 3 + offset) as u8).collect();
            memory.write(offset as u64, &data);
            let mut back = vec![0; len];
            file.read_exact_at(&mut back, 100 + offset as u64).unwrap();
            assert_eq!(back, data);
            file.write_all_at(&[0x5a], 100 + offset as u64).unwrap();
            memory.read(offset as u64, &mut back);
            assert_eq!((back[0], &back[1..]), (0x5a, &data[1..]));
        }
    }

    #[test]
    fn what_cannot_be_mapped_is_an_error() {
        let fd: OwnedFd = file(4096).into();
        let text = |offset, base, len| SharedMemory::map(&fd, offset, base, len).unwrap_err().to_string();
        assert!(text(0, 0x1000, 4097).contains("has 0x1000 bytes, and 0x1001"));
        assert!(text(4096, 0, 1).contains("0x1001"));
        for (offset, base, len) in [(0, 0, 0), (u64::MAX, 0, 2), (0, u64::MAX, 2)] {
            assert!(
                text(offset, base, len).contains("cannot be"),
                "{offset} {base} {len}"
            );
        }
        let empty: OwnedFd = file(0).into();
        assert!(matches!(
            SharedMemory::map(&empty, 0, 0, 1),
            Err(MapError::Short { file_bytes: 0, .. })
        ));
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        assert!(SharedMemory::map(&reader, 0, 0, 4096).is_err());
    }
}
