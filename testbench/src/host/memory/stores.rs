//! Stores that the driver has issued and the device cannot see yet.

use std::collections::VecDeque;

use super::pages::Pages;

/// A store on its way.
#[derive(Clone, Debug)]
struct Pending {
    visible: u64,
    addr: u64,
    data: Vec<u8>,
}

impl Pending {
    fn end(&self) -> u64 {
        self.addr.saturating_add(self.data.len() as u64)
    }
}

/// The store buffer, sorted by the cycle of visibility, first issued first among equals.
#[derive(Debug, Default)]
pub(super) struct StoreBuffer {
    queue: VecDeque<Pending>,
    /// No later store becomes visible before this.
    floor: u64,
    /// The latest visibility so far.
    latest: u64,
}

impl StoreBuffer {
    /// Issues a store that wants to be visible at `wish`; returns when it will be. In program order unless `reorder`; even then stores to the same
    /// bytes keep their order (cache coherence), and none passes a [barrier](StoreBuffer::barrier).
    pub(super) fn push(&mut self, addr: u64, data: Vec<u8>, wish: u64, reorder: bool) -> u64 {
        let mut visible = wish.max(self.floor);
        let end = addr.saturating_add(data.len() as u64);
        if reorder {
            for earlier in self.queue.iter().filter(|p| p.addr < end && addr < p.end()) {
                visible = visible.max(earlier.visible);
            }
        } else {
            visible = visible.max(self.latest);
        }
        self.latest = self.latest.max(visible);
        let at = self.queue.partition_point(|p| p.visible <= visible);
        self.queue.insert(at, Pending { visible, addr, data });
        visible
    }

    /// Stores issued from now on become visible no earlier than those before.
    pub(super) fn barrier(&mut self) {
        self.floor = self.latest;
    }

    /// The cycle from which all stores before the last barrier are visible.
    #[must_use]
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// The cycle from which every store so far is visible.
    #[must_use]
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// Makes visible what is due at `now`.
    pub(super) fn settle(&mut self, now: u64, pages: &mut Pages) {
        while let Some(first) = self.queue.front()
            && first.visible <= now
        {
            pages.write(first.addr, &first.data);
            self.queue.pop_front();
        }
    }

    /// Lays the pending stores over bytes read from memory: what the driver sees.
    pub(super) fn overlay(&self, addr: u64, into: &mut [u8]) {
        let end = addr.saturating_add(into.len() as u64);
        for p in self.queue.iter().filter(|p| p.addr < end && addr < p.end()) {
            let (from, to) = (p.addr.max(addr), p.end().min(end));
            let source = &p.data[(from - p.addr) as usize..(to - p.addr) as usize];
            into[(from - addr) as usize..(to - addr) as usize].copy_from_slice(source);
        }
    }

    /// Forgets pending stores inside `addr..addr + len`: their buffer is gone.
    pub(super) fn forget(&mut self, addr: u64, len: u64) {
        self.queue
            .retain(|p| p.addr < addr || p.end() > addr.saturating_add(len));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        let mut p = Pages::default();
        p.map(0, 4096);
        p.fill(0, 4096, 0);
        p
    }

    fn byte(p: &Pages, addr: u64) -> u8 {
        let mut b = [0];
        p.read(addr, &mut b);
        b[0]
    }

    #[test]
    fn stores_become_visible_in_program_order() {
        let (mut s, mut p) = (StoreBuffer::default(), pages());
        assert_eq!(s.push(0, vec![1], 10, false), 10);
        assert_eq!(s.push(1, vec![2], 5, false), 10);
        s.settle(9, &mut p);
        assert_eq!((byte(&p, 0), byte(&p, 1)), (0, 0));
        let mut view = [0; 2];
        s.overlay(0, &mut view);
        assert_eq!(view, [1, 2]);
        s.settle(10, &mut p);
        assert_eq!((byte(&p, 0), byte(&p, 1)), (1, 2));
    }

    #[test]
    fn reordered_stores_keep_barriers_and_bytes() {
        let (mut s, mut p) = (StoreBuffer::default(), pages());
        s.push(0, vec![1, 1], 10, true);
        assert_eq!(s.push(8, vec![2], 5, true), 5);
        assert_eq!(s.push(1, vec![3], 5, true), 10, "same byte");
        s.barrier();
        assert_eq!(s.push(9, vec![4], 6, true), 10, "behind the barrier");
        s.settle(5, &mut p);
        assert_eq!((byte(&p, 0), byte(&p, 8)), (0, 2));
        s.settle(10, &mut p);
        assert_eq!((byte(&p, 1), byte(&p, 9)), (3, 4));
        assert_eq!((s.floor(), s.latest()), (10, 10));
    }

    #[test]
    fn the_view_is_cut_at_its_ends() {
        let mut s = StoreBuffer::default();
        s.push(4, vec![1, 2, 3, 4], 10, false);
        let mut view = [0; 4];
        s.overlay(6, &mut view);
        assert_eq!(view, [3, 4, 0, 0]);
        s.overlay(2, &mut view);
        assert_eq!(view, [3, 4, 1, 2]);
        s.forget(4, 4);
        let mut view = [0; 4];
        s.overlay(4, &mut view);
        assert_eq!(view, [0; 4]);
    }
}
