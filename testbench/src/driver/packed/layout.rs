//! Where the parts of a packed virtqueue lie (spec-digest 1.2), the bits in them, and positions in the ring.

/// Descriptor flag: the list goes on in the next slot.
pub const NEXT: u16 = 1;
/// Descriptor flag: the device writes this element; in a used descriptor: it wrote data.
pub const WRITE: u16 = 2;
/// Descriptor flag: the element is a table of descriptors.
pub const INDIRECT: u16 = 4;
/// Descriptor flag: made available in the lap whose wrap counter it shows.
pub const AVAIL: u16 = 1 << 7;
/// Descriptor flag: used in the lap whose wrap counter it shows.
pub const USED: u16 = 1 << 15;

/// Event structure: tell me of everything.
pub const EVENT_ENABLE: u16 = 0;
/// Event structure: tell me of nothing.
pub const EVENT_DISABLE: u16 = 1;
/// Event structure: tell me when the slot in `desc` is passed; only with `EVENT_IDX`.
pub const EVENT_DESC: u16 = 2;
/// The mode within the event structure's flags.
pub const EVENT_MODE: u16 = 3;
/// Event structure, `desc`: the wrap bit.
pub const EVENT_WRAP: u16 = 1 << 15;

/// Bytes of a descriptor.
pub const DESCRIPTOR_BYTES: u64 = 16;
/// Bytes of an event suppression structure.
pub const EVENT_BYTES: u64 = 4;

/// Addresses of the three parts of one ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Slots, 1 to 32768, any number.
    pub size: u16,
    /// Descriptor ring.
    pub ring: u64,
    /// Driver event suppression structure: governs interrupts.
    pub driver_event: u64,
    /// Device event suppression structure: governs kicks.
    pub device_event: u64,
}

impl Layout {
    /// Address of the descriptor in `slot`.
    #[must_use]
    pub fn descriptor(&self, slot: u16) -> u64 {
        self.ring + DESCRIPTOR_BYTES * u64::from(slot)
    }

    /// Address of the flags of the descriptor in `slot`.
    #[must_use]
    pub fn flags(&self, slot: u16) -> u64 {
        self.descriptor(slot) + 14
    }
}

/// A slot and the wrap counter that belongs to it, counted over two laps: 0 to `2 * size - 1`, the first lap with wrap counter 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    count: u32,
    size: u16,
}

impl Position {
    /// Where both sides begin: slot 0, wrap counter 1 (PACKED-DSC-005).
    #[must_use]
    pub fn start(size: u16) -> Self {
        Position { count: 0, size }
    }

    /// Where {wrap, slot} in one word is.
    #[must_use]
    pub fn at(word: u16, size: u16) -> Self {
        let lap = if word & EVENT_WRAP == 0 { size } else { 0 };
        Position {
            count: u32::from(word & !EVENT_WRAP) + u32::from(lap),
            size,
        }
    }

    /// The slot.
    #[must_use]
    pub fn slot(self) -> u16 {
        (self.count % u32::from(self.size)) as u16
    }

    /// The wrap counter, which flips behind the last slot (PACKED-DSC-006).
    #[must_use]
    pub fn wrap(self) -> bool {
        self.count < u32::from(self.size)
    }

    /// The position `slots` further on.
    #[must_use]
    pub fn ahead(self, slots: u32) -> Self {
        let laps = 2 * u32::from(self.size);
        Position {
            count: (self.count + slots % laps) % laps,
            ..self
        }
    }

    /// AVAIL and USED of a descriptor made available here (PACKED-DSC-008, 009).
    #[must_use]
    pub fn available(self) -> u16 {
        if self.wrap() { AVAIL } else { USED }
    }

    /// AVAIL and USED of a descriptor used here (PACKED-DSC-010, 011).
    #[must_use]
    pub fn used(self) -> u16 {
        if self.wrap() { AVAIL | USED } else { 0 }
    }

    /// Slot and wrap counter in one word, as event structures and `NOTIFICATION_DATA` have them.
    #[must_use]
    pub fn word(self) -> u16 {
        self.slot() | if self.wrap() { EVENT_WRAP } else { 0 }
    }

    /// Does the slot named by the event `word` lie among the `slots` that begin here? (PACKED-DSC-034, 035) A word beyond the ring never does.
    #[must_use]
    pub fn passes(self, word: u16, slots: u32) -> bool {
        let (slot, size) = (u32::from(word & !EVENT_WRAP), u32::from(self.size));
        if slot >= size {
            return false;
        }
        let event = slot + if word & EVENT_WRAP == 0 { size } else { 0 };
        (event + 2 * size - self.count) % (2 * size) < slots
    }
}

/// A descriptor as it lies in memory.
#[must_use]
pub fn descriptor(addr: u64, len_bytes: u32, id: u16, flags: u16) -> [u8; 16] {
    let mut d = [0; 16];
    d[..8].copy_from_slice(&addr.to_le_bytes());
    d[8..12].copy_from_slice(&len_bytes.to_le_bytes());
    d[12..14].copy_from_slice(&id.to_le_bytes());
    d[14..].copy_from_slice(&flags.to_le_bytes());
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_wrap_after_the_last_slot_of_any_size() {
        for size in [1u16, 2, 3, 5, 255, 32768] {
            let mut p = Position::start(size);
            for n in 0..5 * u32::from(size) {
                assert_eq!(u32::from(p.slot()), n % u32::from(size));
                assert_eq!(p.wrap(), (n / u32::from(size)).is_multiple_of(2), "{size} {n}");
                p = p.ahead(1);
            }
            assert_eq!(
                Position::start(size).ahead(2 * u32::from(size)),
                Position::start(size)
            );
        }
    }

    #[test]
    fn flags_and_words_follow_the_wrap_counter() {
        let first = Position::start(3).ahead(2);
        assert_eq!(
            (first.available(), first.used(), first.word()),
            (AVAIL, AVAIL | USED, 0x8002)
        );
        let second = first.ahead(1);
        assert_eq!((second.available(), second.used(), second.word()), (USED, 0, 0));
    }

    #[test]
    fn passing_is_what_brute_force_says() {
        for size in [1u16, 2, 3, 5, 8] {
            let laps = 2 * u32::from(size);
            for old in 0..laps {
                let from = Position::start(size).ahead(old);
                for slots in 0..=u32::from(size) {
                    for event in 0..laps {
                        let word = Position::start(size).ahead(event).word();
                        let passed = (0..slots).any(|i| from.ahead(i).word() == word);
                        assert_eq!(from.passes(word, slots), passed, "{size} {old} {slots} {event}");
                    }
                    assert!(
                        !from.passes(size, slots),
                        "a slot beyond the ring is never passed"
                    );
                }
            }
        }
    }
}
