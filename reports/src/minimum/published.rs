//! What the driver of a packed ring has published: laps, and the flags that its stores left in each slot.

use std::collections::BTreeMap;

const AVAIL: u16 = 1 << 7;
const USED: u16 = 1 << 15;

/// Running positions on a ring of `size` slots: slot, and the wrap counter of the lap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Laps {
    size: u64,
}

impl Laps {
    pub(crate) fn new(size: u16) -> Self {
        Laps {
            size: u64::from(size).max(1),
        }
    }

    /// The first position from `start` on that has this slot.
    pub(crate) fn from(self, start: u64, slot: u64) -> u64 {
        start + (slot + self.size - start % self.size) % self.size
    }

    /// Do these flags say that the descriptor at a position is available?
    pub(crate) fn available(self, position: u64, flags: u16) -> bool {
        let wrap = (position / self.size).is_multiple_of(2);
        (flags & AVAIL != 0) == wrap && (flags & USED != 0) != wrap
    }
}

/// The slots as the driver left them.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    base: u64,
    laps: Laps,
    flags: Vec<u16>,
    /// Stores of flags that are not visible yet: by cycle, in the order of the trace.
    coming: BTreeMap<(u64, u64), (usize, u16)>,
    stores: u64,
    /// Slots published since the enabling.
    end: u64,
}

impl Published {
    /// The ring at `base`, before anything was published.
    pub(crate) fn new(base: u64, laps: Laps) -> Self {
        Published {
            base,
            laps,
            flags: vec![0; laps.size as usize],
            coming: BTreeMap::new(),
            stores: 0,
            end: 0,
        }
    }

    /// A store of the driver, visible from a cycle on.
    pub(crate) fn stored(&mut self, visible: u64, addr: u64, data: &[u8]) {
        let end = addr.saturating_add(data.len() as u64);
        if end <= self.base || addr >= self.base + 16 * self.laps.size {
            return;
        }
        let first = addr.saturating_sub(self.base) / 16;
        let last = ((end - 1 - self.base) / 16).min(self.laps.size - 1);
        for slot in first..=last {
            let at = (self.base + 16 * slot + 14).checked_sub(addr).map(|o| o as usize);
            if let Some(b) = at.and_then(|o| data.get(o..o.checked_add(2)?)) {
                self.coming.insert(
                    (visible, self.stores),
                    (slot as usize, u16::from_le_bytes([b[0], b[1]])),
                );
                self.stores += 1;
            }
        }
    }

    /// Slots published and visible at a cycle, when `used` of them came back.
    pub(crate) fn at(&mut self, cycle: u64, used: u64) -> u64 {
        while let Some((&key, &(slot, flags))) = self.coming.first_key_value()
            && key.0 <= cycle
        {
            self.coming.remove(&key);
            self.flags[slot] = flags;
        }
        while self.end < used + self.laps.size
            && self
                .laps
                .available(self.end, self.flags[(self.end % self.laps.size) as usize])
        {
            self.end += 1;
        }
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_go_round() {
        let laps = Laps::new(5);
        assert_eq!([laps.from(7, 2), laps.from(7, 1), laps.from(7, 0)], [7, 11, 10]);
        // laps 0 and 2 want AVAIL 1 and USED 0, lap 1 the other way round
        assert!(laps.available(0, AVAIL) && !laps.available(0, 0) && !laps.available(0, AVAIL | USED));
        assert!(laps.available(5, USED) && !laps.available(5, AVAIL) && !laps.available(5, 0));
        assert!(laps.available(10, AVAIL));
    }

    #[test]
    fn a_store_counts_when_it_is_visible_and_the_ring_has_an_end() {
        let mut p = Published::new(0x1000, Laps::new(2));
        let descriptor = |flags: u16| {
            let mut d = vec![0; 14];
            d.extend(flags.to_le_bytes());
            d
        };
        p.stored(50, 0x1010, &descriptor(AVAIL));
        assert_eq!(p.at(60, 0), 0); // the first slot is empty
        p.stored(80, 0x100e, &AVAIL.to_le_bytes());
        assert_eq!([p.at(79, 0), p.at(80, 0)], [0, 2]);
        p.stored(90, 0x1000, &descriptor(USED));
        assert_eq!([p.at(90, 0), p.at(90, 1)], [2, 3]); // not before the slot came back
        p.stored(90, 0x2000, &descriptor(AVAIL));
        p.stored(90, 0x0ff2, &descriptor(AVAIL)); // ends where the ring begins
        assert_eq!(p.at(100, 2), 3);
    }
}
