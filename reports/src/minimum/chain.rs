//! Descriptor chains as the device saw them in its own reads.

use std::collections::BTreeMap;

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;
/// Dwords of indirect tables remembered at most; tables of returned chains are forgotten, so only a device that fetches without end gets here.
const MAX_DWORDS: usize = 1 << 20;

/// A stretch of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) addr: u64,
    pub(crate) bytes: u64,
    pub(crate) writable: bool,
}

/// A chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Entries of the descriptor table it takes.
    pub(crate) descriptors: Vec<u16>,
    /// Address and bytes of its indirect table.
    pub(crate) table: Option<(u64, u64)>,
    pub(crate) segments: Vec<Segment>,
}

/// Descriptors read so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Descriptors {
    direct: BTreeMap<u16, [u8; 16]>,
    /// Dwords of indirect tables, by address.
    indirect: BTreeMap<u64, [u8; 4]>,
}

#[derive(Clone, Copy)]
struct Descriptor {
    addr: u64,
    len: u32,
    flags: u16,
    next: u16,
}

fn decode(raw: &[u8; 16]) -> Descriptor {
    let word = |at: usize| u32::from_le_bytes([raw[at], raw[at + 1], raw[at + 2], raw[at + 3]]);
    Descriptor {
        addr: u64::from(word(0)) | u64::from(word(4)) << 32,
        len: word(8),
        flags: word(12) as u16,
        next: (word(12) >> 16) as u16,
    }
}

impl Descriptors {
    /// The device read part of the descriptor table (of `size` entries at `base`).
    pub(crate) fn read_direct(&mut self, base: u64, size: u16, addr: u64, data: &[u8]) {
        let end = addr.saturating_add(data.len() as u64);
        if end <= base || data.is_empty() {
            return;
        }
        let first = addr.saturating_sub(base) / 16;
        let last = ((end - 1 - base) / 16).min(u64::from(size).saturating_sub(1));
        for i in first..=last {
            overlay(
                self.direct.entry(i as u16).or_default(),
                base + 16 * i,
                addr,
                data,
            );
        }
    }

    /// The device read part of an indirect table.
    pub(crate) fn read_indirect(&mut self, addr: u64, data: &[u8]) {
        if self.indirect.len() > MAX_DWORDS {
            self.indirect.clear();
        }
        for (i, dword) in data.chunks_exact(4).enumerate() {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(dword);
            self.indirect.insert(addr + 4 * i as u64, bytes);
        }
    }

    /// Entries of the descriptor table are of no use any more.
    pub(crate) fn forget(&mut self, entries: &[u16]) {
        for entry in entries {
            self.direct.remove(entry);
        }
    }

    /// An indirect table is of no use any more.
    pub(crate) fn forget_table(&mut self, addr: u64, bytes: u64) {
        for at in (addr..addr.saturating_add(bytes.min(1 << 20))).step_by(4) {
            self.indirect.remove(&at);
        }
    }

    fn entry(&self, addr: u64) -> Option<[u8; 16]> {
        let mut record = [0; 16];
        for (i, part) in record.chunks_exact_mut(4).enumerate() {
            part.copy_from_slice(self.indirect.get(&addr.wrapping_add(4 * i as u64))?);
        }
        Some(record)
    }

    /// The chain that starts at `head`; `None` if the device never read all of it, or it is malformed.
    pub(crate) fn walk(&self, head: u16, size: u16) -> Option<Chain> {
        let mut chain = Chain::default();
        let mut at = head;
        loop {
            if chain.descriptors.len() >= usize::from(size) {
                return None;
            }
            chain.descriptors.push(at);
            let d = decode(self.direct.get(&at)?);
            if d.flags & INDIRECT != 0 {
                chain.table = Some((d.addr, u64::from(d.len)));
                self.walk_table(&mut chain, d.addr, u64::from(d.len) / 16)?;
                return Some(chain);
            }
            chain.segments.push(segment(d));
            if d.flags & NEXT == 0 {
                return Some(chain);
            }
            at = d.next;
        }
    }

    /// What an indirect table of a packed ring holds: its entries one after the other, whatever their NEXT says (virtio 1.3, 2.8.7).
    pub(crate) fn packed_table(&self, table: u64, bytes: u64) -> Option<Vec<Segment>> {
        (0..bytes / 16)
            .map(|i| {
                let d = decode(&self.entry(table.wrapping_add(16 * i))?);
                // the flags lie where a split ring's descriptor has its next
                Some(segment(Descriptor { flags: d.next, ..d }))
            })
            .collect()
    }

    fn walk_table(&self, chain: &mut Chain, table: u64, entries: u64) -> Option<()> {
        let mut i = 0;
        for _ in 0..entries {
            let d = decode(&self.entry(table.wrapping_add(16 * i))?);
            chain.segments.push(segment(d));
            if d.flags & NEXT == 0 {
                return Some(());
            }
            i = u64::from(d.next);
        }
        None
    }
}

fn segment(d: Descriptor) -> Segment {
    Segment {
        addr: d.addr,
        bytes: u64::from(d.len),
        writable: d.flags & WRITE != 0,
    }
}

/// Copies into a record at `at` what `data` at `addr` holds of it.
pub(crate) fn overlay(record: &mut [u8], at: u64, addr: u64, data: &[u8]) {
    for (i, byte) in record.iter_mut().enumerate() {
        let offset = (at + i as u64).checked_sub(addr);
        if let Some(b) = offset.and_then(|o| data.get(o as usize)) {
            *byte = *b;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(addr: u64, len: u32, flags: u16, next: u16) -> Vec<u8> {
        [
            &addr.to_le_bytes()[..],
            &len.to_le_bytes(),
            &flags.to_le_bytes(),
            &next.to_le_bytes(),
        ]
        .concat()
    }

    #[test]
    fn chains_direct_and_indirect() {
        let mut d = Descriptors::default();
        let table = [
            descriptor(0x9000, 12, NEXT, 3),
            descriptor(0x8000, 32, INDIRECT, 0),
        ]
        .concat();
        d.read_direct(0x1000, 4, 0x1010, &table);
        assert_eq!(d.walk(1, 4), None); // entry 3 was not read
        let last = descriptor(0xa000, 60, WRITE, 0);
        d.read_direct(0x1000, 4, 0x1030, &last[..8]);
        d.read_direct(0x1000, 4, 0x1038, &last[8..]);
        let chain = d.walk(1, 4).unwrap();
        assert_eq!(chain.descriptors, [1, 3]);
        let s = |addr, bytes, writable| Segment {
            addr,
            bytes,
            writable,
        };
        assert_eq!(chain.segments, [s(0x9000, 12, false), s(0xa000, 60, true)]);

        assert_eq!(d.walk(2, 4), None);
        d.read_indirect(
            0x8000,
            &[descriptor(0xb000, 1, NEXT, 1), descriptor(0xc000, 2, 0, 0)].concat(),
        );
        let chain = d.walk(2, 4).unwrap();
        assert_eq!(
            (chain.table, chain.segments),
            (Some((0x8000, 32)), vec![s(0xb000, 1, false), s(0xc000, 2, false)])
        );
        d.forget_table(0x8000, 32);
        assert_eq!(d.walk(2, 4), None);
    }

    #[test]
    fn a_loop_ends() {
        let mut d = Descriptors::default();
        d.read_direct(0, 2, 0, &descriptor(0, 1, NEXT, 0));
        assert_eq!(d.walk(0, 2), None);
    }
}
