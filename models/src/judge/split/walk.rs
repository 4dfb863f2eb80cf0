//! Walks a descriptor chain as the specification defines it, and says what is wrong with it.

use crate::judge::queue::list::{Descriptor, Fault, INDIRECT, NEXT, WRITE, Walk};
use crate::judge::shadow::Shadow;

/// Walks the chain that starts at `head` of a table of `size` descriptors at `table`. Slots of the table count as known if `fresh` says so too.
pub(crate) fn walk(
    memory: &Shadow,
    table: u64,
    size: u16,
    head: u16,
    indirect_allowed: bool,
    fresh: impl Fn(u16) -> bool,
) -> Walk {
    let mut w = Walk::default();
    let size = u32::from(size);
    if u32::from(head) >= size {
        w.fault = Some(Fault::Head { head, size });
        return w;
    }
    let (mut base, mut limit, mut at, mut inside) = (table, size, u32::from(head), false);
    let (mut count, mut in_table) = (0, 0);
    loop {
        count += 1;
        in_table += u32::from(inside);
        if count > size || in_table > limit {
            w.fault = Some(Fault::Length {
                limit: limit.min(size),
            });
            return w;
        }
        let place = base.wrapping_add(16 * u64::from(at));
        let Some(d) = Some(place)
            .filter(|_| inside || fresh(at as u16))
            .and_then(|p| Descriptor::at(memory, p))
        else {
            w.unknown = true;
            return w;
        };
        let [flags, next] = d.words;
        if !inside {
            w.slots.push(at as u16);
        }
        if flags & INDIRECT != 0 {
            let fault = match () {
                () if inside => Some(Fault::Nested { at }),
                () if !indirect_allowed => Some(Fault::NotNegotiated { at }),
                () if flags & NEXT != 0 => Some(Fault::IndirectNext { at }),
                () if d.len == 0 || d.len % 16 != 0 => Some(Fault::Table { len: d.len }),
                () => None,
            };
            if fault.is_some() {
                w.fault = fault;
                return w;
            }
            w.indirect = Some((d.addr, d.len));
            (base, limit, at, inside) = (d.addr, d.len / 16, 0, true);
            count -= 1; // the referring descriptor is no buffer
            continue;
        }
        if !w.buffer(at, d.addr, d.len, flags & WRITE != 0) {
            return w;
        }
        if flags & NEXT == 0 {
            return w;
        }
        if u32::from(next) >= limit {
            w.fault = Some(Fault::Next { at, next, limit });
            return w;
        }
        at = u32::from(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::queue::list::Segment;

    fn memory(descriptors: &[(u64, u64, u32, u16, u16)]) -> Shadow {
        let mut m = Shadow::new(false);
        for &(at, addr, len, flags, next) in descriptors {
            m.write(at, &addr.to_le_bytes());
            m.write(at + 8, &len.to_le_bytes());
            m.write(at + 12, &flags.to_le_bytes());
            m.write(at + 14, &next.to_le_bytes());
        }
        m
    }

    fn fault(descriptors: &[(u64, u64, u32, u16, u16)], head: u16, indirect: bool) -> Option<Fault> {
        walk(&memory(descriptors), 0, 4, head, indirect, |_| true).fault
    }

    #[test]
    fn a_chain_with_an_indirect_tail() {
        let w = walk(
            &memory(&[
                (16, 0x1000, 12, NEXT, 3),
                (48, 0x8000, 32, INDIRECT | WRITE, 9),
                (0x8000, 0x2000, 7, NEXT, 1),
                (0x8010, 0x3000, 9, WRITE, 0),
            ]),
            0,
            4,
            1,
            true,
            |_| true,
        );
        assert_eq!(w.fault, None);
        assert_eq!(w.slots, [1, 3]);
        assert_eq!(w.indirect, Some((0x8000, 32)));
        let seg = |addr, len, writable| Segment { addr, len, writable };
        assert_eq!(
            w.segments,
            [
                seg(0x1000, 12, false),
                seg(0x2000, 7, false),
                seg(0x3000, 9, true)
            ]
        );
    }

    #[test]
    fn a_chain_as_long_as_the_queue_is_fine_and_a_loop_is_not() {
        let ring = [
            (0, 1, 1, NEXT, 1),
            (16, 1, 1, NEXT, 2),
            (32, 1, 1, NEXT, 3),
            (48, 1, 1, 0, 0),
        ];
        assert_eq!(fault(&ring, 0, true), None);
        let mut looped = ring;
        looped[3].3 = NEXT;
        assert_eq!(fault(&looped, 0, true), Some(Fault::Length { limit: 4 }));
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(fault(&[], 4, true), Some(Fault::Head { head: 4, size: 4 }));
        assert_eq!(
            fault(&[(0, 1, 1, NEXT, 4)], 0, true),
            Some(Fault::Next {
                at: 0,
                next: 4,
                limit: 4
            })
        );
        assert_eq!(
            fault(&[(0, 1, 1, NEXT | WRITE, 1), (16, 1, 1, 0, 0)], 0, true),
            Some(Fault::Order { at: 1 })
        );
        assert_eq!(
            fault(&[(0, 0x8000, 16, INDIRECT, 0)], 0, false),
            Some(Fault::NotNegotiated { at: 0 })
        );
        assert_eq!(
            fault(&[(0, 0x8000, 16, INDIRECT | NEXT, 0)], 0, true),
            Some(Fault::IndirectNext { at: 0 })
        );
        assert_eq!(
            fault(
                &[(0, 0x8000, 16, INDIRECT, 0), (0x8000, 1, 16, INDIRECT, 0)],
                0,
                true
            ),
            Some(Fault::Nested { at: 0 })
        );
        for len in [0, 15, 17] {
            assert_eq!(
                fault(&[(0, 0x8000, len, INDIRECT, 0)], 0, true),
                Some(Fault::Table { len })
            );
        }
        assert_eq!(
            fault(&[(0, 0x8000, 32, INDIRECT, 0), (0x8000, 1, 1, NEXT, 2)], 0, true),
            Some(Fault::Next {
                at: 0,
                next: 2,
                limit: 2
            })
        );
        assert_eq!(
            fault(&[(0, 0x8000, 32, INDIRECT, 0), (0x8000, 1, 1, NEXT, 0)], 0, true),
            Some(Fault::Length { limit: 2 })
        );
        assert_eq!(
            fault(&[(0, u64::MAX, 2, 0, 0)], 0, true),
            Some(Fault::Wraps {
                addr: u64::MAX,
                len: 2
            })
        );
    }

    #[test]
    fn unknown_memory_is_no_fault() {
        let w = walk(&Shadow::new(true), 0, 4, 0, true, |_| true);
        assert!(w.unknown && w.fault.is_none());
    }
}
