//! Memory that belongs to somebody else: a driver outside this process stores to it when it likes, and nobody tells.

use std::fmt::Debug;
use std::rc::Rc;

/// Bytes of somebody else at bus addresses of their own.
pub trait Backing: Debug {
    /// First bus address.
    fn base(&self) -> u64;

    /// Bytes, more than 0; the last one's bus address is at most `u64::MAX`.
    fn len_bytes(&self) -> u64;

    /// Copies bytes out, as they were at one moment. The range lies inside.
    fn read(&self, offset: u64, into: &mut [u8]);

    /// Copies bytes in, from the lowest address to the highest, aligned words of up to 8 bytes whole. The range lies inside.
    fn write(&self, offset: u64, from: &[u8]);
}

/// All such memory.
#[derive(Debug, Default)]
pub(super) struct Foreign(Vec<Rc<dyn Backing>>);

impl Foreign {
    pub(super) fn set(&mut self, regions: Vec<Rc<dyn Backing>>) {
        self.0 = regions;
    }

    /// Cuts `addr..addr + len` at the regions' borders: region, offset in it, length. `None` unless regions hold all of it.
    fn pieces(&self, addr: u64, len: u64) -> Option<Vec<(&dyn Backing, u64, usize)>> {
        if self.0.is_empty() {
            return None;
        }
        let (mut at, mut left) = (addr, len);
        let mut pieces = Vec::with_capacity(1);
        loop {
            let region = self
                .0
                .iter()
                .find(|r| at.checked_sub(r.base()).is_some_and(|o| o < r.len_bytes()))?;
            let offset = at - region.base();
            let take = left.min(region.len_bytes() - offset);
            pieces.push((&**region, offset, take as usize));
            left -= take;
            if left == 0 {
                return Some(pieces);
            }
            at = at.checked_add(take)?;
        }
    }

    /// Do regions hold all these bytes?
    pub(super) fn holds(&self, addr: u64, len: u64) -> bool {
        self.pieces(addr, len).is_some()
    }

    /// Copies bytes out; false if they are not here.
    pub(super) fn read(&self, addr: u64, into: &mut [u8]) -> bool {
        let Some(pieces) = self.pieces(addr, into.len() as u64) else {
            return false;
        };
        let mut done = 0;
        for (region, offset, len) in pieces {
            region.read(offset, &mut into[done..done + len]);
            done += len;
        }
        true
    }

    /// Copies in the bytes that `enabled` names; false if they are not here.
    pub(super) fn write(&self, addr: u64, data: &[u8], enabled: impl Fn(usize) -> bool) -> bool {
        if !self.holds(addr, data.len() as u64) {
            return false;
        }
        let mut from = 0;
        while from < data.len() {
            if !enabled(from) {
                from += 1;
                continue;
            }
            let to = (from..data.len()).find(|i| !enabled(*i)).unwrap_or(data.len());
            let part = addr.wrapping_add(from as u64);
            let mut done = from;
            for (region, offset, len) in self.pieces(part, (to - from) as u64).unwrap_or_default() {
                region.write(offset, &data[done..done + len]);
                done += len;
            }
            from = to;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[derive(Debug)]
    struct Bytes(u64, RefCell<Vec<u8>>);

    impl Backing for Bytes {
        fn base(&self) -> u64 {
            self.0
        }

        fn len_bytes(&self) -> u64 {
            self.1.borrow().len() as u64
        }

        fn read(&self, offset: u64, into: &mut [u8]) {
            into.copy_from_slice(&self.1.borrow()[offset as usize..][..into.len()]);
        }

        fn write(&self, offset: u64, from: &[u8]) {
            self.1.borrow_mut()[offset as usize..][..from.len()].copy_from_slice(from);
        }
    }

    fn two() -> (Foreign, Rc<Bytes>, Rc<Bytes>) {
        let a = Rc::new(Bytes(0x1000, RefCell::new(vec![0; 16])));
        let b = Rc::new(Bytes(0x1010, RefCell::new(vec![0; 16])));
        let mut foreign = Foreign::default();
        foreign.set(vec![b.clone(), a.clone()]);
        (foreign, a, b)
    }

    #[test]
    fn ranges_may_cross_neighbours_and_nothing_else() {
        let (f, ..) = two();
        assert!(f.holds(0x1000, 32) && f.holds(0x100f, 2) && f.holds(0x101f, 1));
        assert!(!f.holds(0xfff, 2) && !f.holds(0x101f, 2) && !f.holds(u64::MAX, 4));
        assert!(!Foreign::default().holds(0x1000, 1));
    }

    #[test]
    fn byte_enables_hold_across_a_border() {
        let (f, a, b) = two();
        assert!(f.write(0x100c, &[1, 2, 3, 4, 5, 6, 7, 8], |i| i != 0 && i != 7));
        assert_eq!(a.1.borrow()[12..], [0, 2, 3, 4]);
        assert_eq!(b.1.borrow()[..4], [5, 6, 7, 0]);
        let mut back = [9; 8];
        assert!(f.read(0x100c, &mut back));
        assert_eq!(back, [0, 2, 3, 4, 5, 6, 7, 0]);
        assert!(!f.write(0x101e, &[1; 4], |_| true));
        assert_eq!(b.1.borrow()[14..], [0, 0], "nothing of it is written");
        assert!(!f.read(0x101e, &mut back[..4]));
    }

    #[test]
    fn memory_at_the_very_top_can_be_used() {
        let mut f = Foreign::default();
        f.set(vec![Rc::new(Bytes(u64::MAX - 15, RefCell::new(vec![7; 16])))]);
        assert!(f.holds(u64::MAX - 15, 16) && !f.holds(u64::MAX - 15, 17));
        let mut back = [0; 4];
        assert!(f.read(u64::MAX - 3, &mut back));
        assert_eq!(back, [7; 4]);
    }
}
