//! What shared memory held lately: a read of the device may bring bytes that the driver has replaced since.
//!
//! A read samples memory at any time between its issue and its completion, each part at a time of its own, and a store shows only from the cycle at
//! which it becomes visible. So a byte is right if memory held it at some cycle of the read's life.

use std::collections::VecDeque;

/// Bytes that were replaced.
#[derive(Debug)]
struct Replaced {
    start: u64,
    bytes: Vec<u8>,
    /// Last cycle at which they could be sampled.
    until: u64,
}

/// Replaced bytes that a read under way, or still to come, may bring.
#[derive(Debug, Default)]
pub(crate) struct Past(VecDeque<Replaced>);

impl Past {
    /// These bytes are replaced from cycle `until` on.
    pub(crate) fn replaced(&mut self, start: u64, bytes: Vec<u8>, until: u64) {
        self.0.push_back(Replaced { start, bytes, until });
    }

    /// Forgets what no read issued at cycle `oldest` or later can bring.
    pub(crate) fn forget(&mut self, oldest: u64) {
        while self.0.front().is_some_and(|r| r.until < oldest) {
            self.0.pop_front();
        }
    }

    /// Every run of bytes that was replaced in `start..end` and is not forgotten, cut to that: its address and the bytes.
    pub(crate) fn over(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, &[u8])> {
        self.0.iter().filter_map(move |r| {
            let skip = usize::try_from(start.saturating_sub(r.start)).ok()?;
            let from = start.max(r.start);
            let room = usize::try_from(end.checked_sub(from)?).ok()?;
            let bytes = r.bytes.get(skip..)?;
            let bytes = &bytes[..bytes.len().min(room)];
            (!bytes.is_empty()).then_some((from, bytes))
        })
    }

    /// Did memory hold this byte at cycle `from` or later?
    fn held(&self, addr: u64, byte: u8, from: u64) -> bool {
        self.0.iter().any(|r| {
            let at = addr.checked_sub(r.start).and_then(|a| usize::try_from(a).ok());
            r.until >= from && at.and_then(|a| r.bytes.get(a)) == Some(&byte)
        })
    }

    /// The first byte of `got`, read from `addr` by a read issued at cycle `from`, that memory did not hold: its offset. `now` is what memory holds now.
    pub(crate) fn first_foreign(&self, addr: u64, got: &[u8], now: &[u8], from: u64) -> Option<usize> {
        got.iter()
            .zip(now)
            .enumerate()
            .filter(|(_, (g, n))| g != n)
            .map(|(i, (g, _))| (i, *g))
            .find(|&(i, g)| !self.held(addr + i as u64, g, from))
            .map(|(i, _)| i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_right_as_long_as_they_could_be_sampled() {
        let mut p = Past::default();
        p.replaced(0x100, vec![1, 2, 3, 4], 50);
        let now = [9, 9, 9, 9];
        assert_eq!(p.first_foreign(0x100, &[9, 2, 9, 4], &now, 50), None);
        assert_eq!(p.first_foreign(0x100, &[9, 2, 9, 4], &now, 51), Some(1));
        assert_eq!(p.first_foreign(0x102, &[3, 4, 9], &[9, 9, 9], 10), None);
        assert_eq!(p.first_foreign(0x100, &[9, 9, 7, 9], &now, 10), Some(2));
        p.forget(51);
        assert_eq!(p.first_foreign(0x100, &[1, 9, 9, 9], &now, 10), Some(0));
    }
}
