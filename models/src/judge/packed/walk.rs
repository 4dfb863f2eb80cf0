//! Walks a list of a packed ring as the specification defines it, and says what is wrong with it.

use crate::judge::queue::list::{Descriptor, Fault, INDIRECT, NEXT, WRITE, Walk};
use crate::judge::shadow::Shadow;

/// More entries than any queue has descriptors: nobody means such a table.
const LONGEST_TABLE: u32 = 32768;

/// A list from its head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) walk: Walk,
    /// Buffer id, from the last descriptor.
    pub(crate) id: u16,
    /// The first follower that is not available yet: its place in the list.
    pub(crate) waits_for: Option<u32>,
}

/// Walks the list of which `get` gives the n-th descriptor, if it is available. `slot` names the slot of the n-th one.
pub(crate) fn walk(
    memory: &Shadow,
    size: u16,
    indirect_allowed: bool,
    slot: impl Fn(u64) -> u16,
    get: impl Fn(u64) -> Option<Descriptor>,
) -> List {
    let mut list = List::default();
    for n in 0..u64::from(size) {
        let Some(d) = get(n) else {
            list.waits_for = Some(n as u32);
            return list;
        };
        let at = u32::from(slot(n));
        let [id, flags] = d.words;
        list.walk.slots.push(at as u16);
        list.id = id;
        if flags & INDIRECT != 0 {
            list.walk.fault = match () {
                () if n > 0 => Some(Fault::InList { at }),
                () if !indirect_allowed => Some(Fault::NotNegotiated { at }),
                () if flags & NEXT != 0 => Some(Fault::IndirectNext { at }),
                () if d.len == 0 || d.len % 16 != 0 => Some(Fault::Table { len: d.len }),
                () if d.len / 16 > LONGEST_TABLE => Some(Fault::Length { limit: LONGEST_TABLE }),
                () => None,
            };
            if list.walk.fault.is_none() {
                list.walk.indirect = Some((d.addr, d.len));
                table(memory, &mut list.walk);
            }
            return list;
        }
        if !list.walk.buffer(at, d.addr, d.len, flags & WRITE != 0) || flags & NEXT == 0 {
            return list;
        }
    }
    list.walk.fault = Some(Fault::Length { limit: size.into() });
    list
}

/// Adds the entries of the indirect table: of each only address, length and WRITE count.
pub(crate) fn table(memory: &Shadow, w: &mut Walk) {
    let Some((addr, len)) = w.indirect else { return };
    for at in 0..len / 16 {
        let Some(d) = Descriptor::at(memory, addr.wrapping_add(16 * u64::from(at))) else {
            w.unknown = true;
            return;
        };
        if !w.buffer(at, d.addr, d.len, d.words[1] & WRITE != 0) {
            return;
        }
    }
}

/// The first entry of a table whose flags are more than WRITE.
pub(crate) fn flagged_entry(memory: &Shadow, (addr, len): (u64, u32)) -> Option<(u32, u16)> {
    (0..len / 16)
        .map(|at| (at, memory.u16(addr.wrapping_add(16 * u64::from(at) + 14))))
        .find(|&(_, flags)| flags & !WRITE != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(descriptors: &[(u64, u32, u16, u16)], size: u16) -> List {
        let mut memory = Shadow::new(false);
        for (i, &(addr, len, id, flags)) in [(0x9000, 8, 77, 0xffff ^ WRITE), (0xa000, 9, 78, 0xffff)]
            .iter()
            .enumerate()
        {
            memory.write(0x8000 + 16 * i as u64, &u64::to_le_bytes(addr));
            memory.write(0x8008 + 16 * i as u64, &u32::to_le_bytes(len));
            memory.write(0x800c + 16 * i as u64, &u16::to_le_bytes(id));
            memory.write(0x800e + 16 * i as u64, &u16::to_le_bytes(flags));
        }
        walk(
            &memory,
            size,
            true,
            |n| ((n + 2) % u64::from(size)) as u16,
            |n| {
                descriptors
                    .get(n as usize)
                    .map(|&(addr, len, id, flags)| Descriptor {
                        addr,
                        len,
                        words: [id, flags],
                    })
            },
        )
    }

    #[test]
    fn the_id_is_the_last_ones_and_slots_go_round() {
        let l = list(&[(1, 1, 9, NEXT), (2, 2, 8, NEXT | WRITE), (3, 3, 7, WRITE)], 3);
        assert_eq!((l.id, l.waits_for, l.walk.fault), (7, None, None));
        assert_eq!(l.walk.slots, [2, 0, 1]);
        assert_eq!(
            l.walk
                .segments
                .iter()
                .map(|s| (s.len, s.writable))
                .collect::<Vec<_>>(),
            [(1, false), (2, true), (3, true)]
        );
    }

    #[test]
    fn a_follower_that_is_not_available_is_waited_for() {
        assert_eq!(list(&[(1, 1, 9, NEXT)], 3).waits_for, Some(1));
        assert_eq!(list(&[], 3).waits_for, Some(0));
    }

    #[test]
    fn a_tables_entries_are_consecutive_and_only_write_counts() {
        let l = list(&[(0x8000, 32, 5, INDIRECT | WRITE)], 1);
        assert_eq!(
            (l.id, l.walk.fault, l.walk.indirect),
            (5, None, Some((0x8000, 32)))
        );
        assert_eq!(l.walk.slots.len(), 1);
        assert_eq!(
            l.walk.segments.iter().map(|s| s.writable).collect::<Vec<_>>(),
            [false, true]
        );
    }

    #[test]
    fn each_fault_is_named() {
        let fault = |d: &[(u64, u32, u16, u16)], size| list(d, size).walk.fault;
        let next = (1, 1, 0, NEXT);
        assert_eq!(fault(&[next, next], 2), Some(Fault::Length { limit: 2 }));
        assert_eq!(fault(&[next, (1, 1, 0, 0)], 2), None);
        assert_eq!(
            fault(&[next, (0x8000, 16, 0, INDIRECT)], 4),
            Some(Fault::InList { at: 3 })
        );
        assert_eq!(
            fault(&[(0x8000, 16, 0, INDIRECT | NEXT)], 4),
            Some(Fault::IndirectNext { at: 2 })
        );
        assert_eq!(
            fault(&[(0x8000, 17, 0, INDIRECT)], 4),
            Some(Fault::Table { len: 17 })
        );
        assert_eq!(
            fault(&[(1, 1, 0, NEXT | WRITE), (1, 1, 0, 0)], 4),
            Some(Fault::Order { at: 3 })
        );
    }
}
