//! Memory that a queue's descriptors name or named, published or not: where a device may end up that was given something torn.
//!
//! A driver that shows a list before it is complete, or changes it afterwards, voids its queue: the device may have taken any mixture of what stood
//! in the ring before and after. What lies beyond everything that stood there is nobody's mixture, and is judged as ever.

use std::collections::{BTreeMap, BTreeSet};

use super::past::Past;
use super::shadow::Shadow;

const BYTES: u64 = 16;
/// `INDIRECT` in a descriptor's flags.
const INDIRECT: u16 = 4;
/// Most entries of indirect tables looked at for one address. With more of them nothing is held against the device.
const ENTRIES: u64 = 4096;

/// What one queue's descriptors name.
#[derive(Debug, Default)]
struct Named {
    addresses: BTreeSet<u64>,
    /// Indirect tables: address, and the longest that it was.
    tables: BTreeMap<u64, u64>,
    longest: u64,
}

impl Named {
    fn note(&mut self, descriptor: &[u8]) {
        let Ok(d) = <[u8; BYTES as usize]>::try_from(descriptor) else {
            return;
        };
        let addr = u64::from_le_bytes([d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]]);
        let len = u64::from(u32::from_le_bytes([d[8], d[9], d[10], d[11]]));
        if u16::from_le_bytes([d[14], d[15]]) & INDIRECT != 0 {
            let longest = self.tables.entry(addr).or_default();
            *longest = len.max(*longest);
        }
        self.addresses.insert(addr);
        self.longest = self.longest.max(len);
    }

    fn holds(&self, addr: u64, shadow: &Shadow) -> bool {
        let near = |set: &BTreeSet<u64>, longest: u64| {
            let from = addr.saturating_sub(longest);
            set.range(from..=addr).any(|&start| addr - start < longest)
        };
        if near(&self.addresses, self.longest) {
            return true;
        }
        let mut entries = Named::default();
        let mut left = ENTRIES;
        for (&table, &len) in &self.tables {
            let Some(rest) = left.checked_sub(len / BYTES) else {
                return true;
            };
            left = rest;
            for n in 0..len / BYTES {
                entries.note(&shadow.bytes(table.wrapping_add(BYTES * n), BYTES as usize));
            }
        }
        near(&entries.addresses, entries.longest)
    }
}

/// The void queues and what their descriptors name.
#[derive(Debug, Default)]
pub(crate) struct VoidQueues(BTreeMap<u16, Named>);

impl VoidQueues {
    /// The driver stored to the descriptors `first..=last` of a void queue, which lie from `start` on.
    /// With the store that voids it, everything in the ring counts, and what was there lately.
    pub(crate) fn stored(
        &mut self,
        queue: u16,
        (start, end): (u64, u64),
        (first, last): (u64, u64),
        past: &Past,
        shadow: &Shadow,
    ) {
        let known = self.0.contains_key(&queue);
        let named = self.0.entry(queue).or_default();
        let (from, to) = if known {
            (
                start + first / BYTES * BYTES,
                start + last / BYTES * BYTES + BYTES,
            )
        } else {
            (start, end)
        };
        let to = to.min(end);
        for at in (from..to).step_by(BYTES as usize) {
            named.note(&shadow.bytes(at, BYTES as usize));
        }
        // Each earlier content of a slot is what is there now under the bytes that were replaced.
        for (at, bytes) in past.over(from, to) {
            let first = at - (at - start) % BYTES;
            let len = (at - first) as usize + bytes.len();
            let mut before = shadow.bytes(first, len.next_multiple_of(BYTES as usize));
            before[len - bytes.len()..len].copy_from_slice(bytes);
            for descriptor in before.chunks(BYTES as usize) {
                named.note(descriptor);
            }
        }
    }

    /// The queue begins a new life.
    pub(crate) fn enabled(&mut self, queue: u16) {
        self.0.remove(&queue);
    }

    /// A void queue whose descriptors name this byte.
    pub(crate) fn queue_of(&self, addr: u64, shadow: &Shadow) -> Option<u16> {
        self.0
            .iter()
            .find(|(_, n)| n.holds(addr, shadow))
            .map(|(&q, _)| q)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(addr: u64, len: u32, flags: u16) -> Vec<u8> {
        let mut d = addr.to_le_bytes().to_vec();
        d.extend_from_slice(&len.to_le_bytes());
        d.extend_from_slice(&[0, 0]);
        d.extend_from_slice(&flags.to_le_bytes());
        d
    }

    #[test]
    fn what_stands_in_the_ring_stood_there_or_stands_in_a_table_is_named() {
        let (mut shadow, mut past) = (Shadow::new(false), Past::default());
        shadow.write(0x1000, &descriptor(0x9000, 64, 0));
        past.replaced(0x1000, descriptor(0x5000, 32, 0), 10);
        shadow.write(0x1010, &descriptor(0x2000, 16, INDIRECT));
        shadow.write(0x2000, &descriptor(0x7000, 8, 0));
        let mut v = VoidQueues::default();
        assert_eq!(v.queue_of(0x9000, &shadow), None);
        v.stored(3, (0x1000, 0x1020), (0, 15), &past, &shadow);
        for (addr, named) in [
            (0x9000, true),
            (0x903f, true),
            (0x9040, false),
            (0x5000, true),
            (0x2000, true),
            (0x7000, true),
            (0x7008, false),
            (0x8000, false),
        ] {
            assert_eq!(v.queue_of(addr, &shadow), named.then_some(3), "{addr:#x}");
        }
        shadow.write(0x1010, &descriptor(0xa000, 4, 0));
        v.stored(3, (0x1000, 0x1020), (16, 31), &past, &shadow);
        assert_eq!(v.queue_of(0xa000, &shadow), Some(3), "stored later");
        v.enabled(3);
        assert_eq!(v.queue_of(0x9000, &shadow), None);
    }
}
