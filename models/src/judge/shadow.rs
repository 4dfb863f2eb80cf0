//! Shadow memory: what the judge knows of the memory that driver and device share.
//!
//! With the driver's stores in the trace it is the driver's own view: a store counts from its issue, a device write from its crossing.
//! Without them it holds what the device read and wrote, and remembers which bytes are known at all.

use std::collections::BTreeMap;

const PAGE: u64 = 4096;

#[derive(Debug)]
struct Page {
    bytes: Box<[u8; PAGE as usize]>,
    /// One bit a byte; present only where knowledge is tracked.
    known: Option<Box<[u64; 64]>>,
}

/// Sparse memory of 4 KiB pages.
#[derive(Debug)]
pub(crate) struct Shadow {
    pages: BTreeMap<u64, Page>,
    track: bool,
}

/// Splits `addr..addr + len` at page borders: page number, offset in the page, offset in the span, length.
fn pieces(addr: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = addr.wrapping_add(done as u64);
        let offset = (at % PAGE) as usize;
        let n = (PAGE as usize - offset).min(len - done);
        let piece = (at / PAGE, offset, done, n);
        done += n;
        Some(piece)
    })
}

impl Shadow {
    /// `track`: remember which bytes are known.
    pub(crate) fn new(track: bool) -> Self {
        Shadow {
            pages: BTreeMap::new(),
            track,
        }
    }

    pub(crate) fn write(&mut self, addr: u64, data: &[u8]) {
        let track = self.track;
        for (page, offset, at, n) in pieces(addr, data.len()) {
            let page = self.pages.entry(page).or_insert_with(|| Page {
                bytes: Box::new([0; PAGE as usize]),
                known: track.then(|| Box::new([0; 64])),
            });
            page.bytes[offset..offset + n].copy_from_slice(&data[at..at + n]);
            if let Some(known) = &mut page.known {
                (offset..offset + n).for_each(|b| known[b / 64] |= 1 << (b % 64));
            }
        }
    }

    /// Reads; bytes never written are zero.
    pub(crate) fn read(&self, addr: u64, out: &mut [u8]) {
        for (page, offset, at, n) in pieces(addr, out.len()) {
            match self.pages.get(&page) {
                Some(p) => out[at..at + n].copy_from_slice(&p.bytes[offset..offset + n]),
                None => out[at..at + n].fill(0),
            }
        }
    }

    /// Are all these bytes known? Always true where knowledge is not tracked.
    pub(crate) fn known(&self, addr: u64, len: usize) -> bool {
        !self.track
            || pieces(addr, len).all(|(page, offset, _, n)| {
                self.pages
                    .get(&page)
                    .and_then(|p| p.known.as_ref())
                    .is_some_and(|k| (offset..offset + n).all(|b| k[b / 64] >> (b % 64) & 1 == 1))
            })
    }

    /// Forgets bytes (they may have changed unseen). No effect where knowledge is not tracked.
    pub(crate) fn forget(&mut self, addr: u64, len: usize) {
        if !self.track {
            return;
        }
        for (page, offset, _, n) in pieces(addr, len) {
            if let Some(k) = self.pages.get_mut(&page).and_then(|p| p.known.as_mut()) {
                (offset..offset + n).for_each(|b| k[b / 64] &= !(1 << (b % 64)));
            }
        }
    }

    pub(crate) fn u16(&self, addr: u64) -> u16 {
        let mut b = [0; 2];
        self.read(addr, &mut b);
        u16::from_le_bytes(b)
    }

    pub(crate) fn u32(&self, addr: u64) -> u32 {
        let mut b = [0; 4];
        self.read(addr, &mut b);
        u32::from_le_bytes(b)
    }

    pub(crate) fn bytes(&self, addr: u64, len: usize) -> Vec<u8> {
        let mut v = vec![0; len];
        self.read(addr, &mut v);
        v
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_cross_pages_and_the_top_of_memory() {
        let mut s = Shadow::new(false);
        s.write(0xffe, &[1, 2, 3, 4]);
        assert_eq!(s.bytes(0xffd, 6), [0, 1, 2, 3, 4, 0]);
        assert_eq!((s.u16(0xfff), s.u32(0xffe)), (0x0302, 0x0403_0201));
        s.write(u64::MAX, &[9, 8]);
        assert_eq!(s.bytes(u64::MAX, 2), [9, 8]);
    }

    #[test]
    fn knowledge_comes_and_goes() {
        let mut s = Shadow::new(true);
        assert!(!s.known(0x10, 1));
        s.write(0x10, &[0; 16]);
        assert!(s.known(0x10, 16) && !s.known(0xf, 2));
        s.forget(0x18, 2);
        assert!(s.known(0x10, 8) && !s.known(0x10, 9) && s.known(0x1a, 6));
    }
}
