//! Bytes behind addresses: sparse pages.

use std::collections::BTreeMap;

/// Bytes of a page.
pub const PAGE_BYTES: u64 = 4096;

/// What memory holds that nobody has written.
pub const FRESH: u8 = 0xc5;

type Page = Box<[u8; PAGE_BYTES as usize]>;

/// Memory by page; a page exists once it is [mapped](Pages::map).
#[derive(Debug, Default)]
pub(super) struct Pages(BTreeMap<u64, Page>);

impl Pages {
    /// Makes every page of `addr..end` exist.
    pub(super) fn map(&mut self, addr: u64, end: u64) {
        for page in addr / PAGE_BYTES..end.div_ceil(PAGE_BYTES) {
            self.0
                .entry(page)
                .or_insert_with(|| Box::new([FRESH; PAGE_BYTES as usize]));
        }
    }

    /// Do all bytes exist?
    #[must_use]
    pub(super) fn is_mapped(&self, addr: u64, len: u64) -> bool {
        let Some(end) = addr.checked_add(len) else {
            return false;
        };
        let pages = addr / PAGE_BYTES..end.div_ceil(PAGE_BYTES).max(addr / PAGE_BYTES + 1);
        let want = pages.end - pages.start;
        want == 1 && self.0.contains_key(&pages.start) || self.0.range(pages).count() as u64 == want
    }

    /// Copies bytes out; what is not mapped reads as [`FRESH`].
    pub(super) fn read(&self, addr: u64, into: &mut [u8]) {
        let mut done = 0;
        for (page, offset, len) in pieces(addr, into.len()) {
            let part = &mut into[done..done + len];
            match self.0.get(&page) {
                Some(bytes) => part.copy_from_slice(&bytes[offset..offset + len]),
                None => part.fill(FRESH),
            }
            done += len;
        }
    }

    /// Copies bytes in; what is not mapped is lost.
    pub(super) fn write(&mut self, addr: u64, from: &[u8]) {
        let mut done = 0;
        for (page, offset, len) in pieces(addr, from.len()) {
            if let Some(bytes) = self.0.get_mut(&page) {
                bytes[offset..offset + len].copy_from_slice(&from[done..done + len]);
            }
            done += len;
        }
    }

    /// Sets `len` bytes to `value`.
    pub(super) fn fill(&mut self, addr: u64, len: u64, value: u8) {
        for (page, offset, len) in pieces(addr, len as usize) {
            if let Some(bytes) = self.0.get_mut(&page) {
                bytes[offset..offset + len].fill(value);
            }
        }
    }

    /// The first byte of `addr..addr + len` that is not `value`: its address and what it holds.
    #[must_use]
    pub(super) fn first_not(&self, addr: u64, len: u64, value: u8) -> Option<(u64, u8)> {
        let mut base = addr;
        for (page, offset, len) in pieces(addr, len as usize) {
            if let Some(bytes) = self.0.get(&page)
                && let Some(i) = bytes[offset..offset + len].iter().position(|b| *b != value)
            {
                return Some((base + i as u64, bytes[offset + i]));
            }
            base = base.wrapping_add(len as u64);
        }
        None
    }
}

/// Cuts a range at page borders: page number, offset in it, length.
fn pieces(addr: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let mut at = addr;
    let mut left = len;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let offset = (at % PAGE_BYTES) as usize;
        let take = left.min(PAGE_BYTES as usize - offset);
        let piece = (at / PAGE_BYTES, offset, take);
        at = at.wrapping_add(take as u64);
        left -= take;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cross_pages() {
        let mut p = Pages::default();
        p.map(0x1000, 0x3000);
        let data: Vec<u8> = (0..=255).cycle().take(5000).collect();
        p.write(0x1800, &data);
        let mut back = vec![0; 5000];
        p.read(0x1800, &mut back);
        assert_eq!(back, data);
        assert_eq!(p.first_not(0x17f0, 32, FRESH), Some((0x1800, 0)));
        p.fill(0x1ff0, 32, 7);
        assert_eq!(p.first_not(0x1ff0, 32, 7), None);
    }

    #[test]
    fn what_is_not_mapped_is_not_there() {
        let mut p = Pages::default();
        p.map(0x1000, 0x2000);
        assert!(p.is_mapped(0x1000, 4096));
        assert!(!p.is_mapped(0x1fff, 2));
        assert!(!p.is_mapped(u64::MAX, 2));
        p.write(0x5000, &[1, 2]);
        let mut back = [0; 2];
        p.read(0x5000, &mut back);
        assert_eq!(back, [FRESH; 2]);
    }
}
