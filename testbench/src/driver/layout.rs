//! Where the parts of a split virtqueue lie (spec-digest 1.1) and the bits in them.

/// Descriptor flag: the chain goes on at `next`.
pub const NEXT: u16 = 1;
/// Descriptor flag: the device writes this element.
pub const WRITE: u16 = 2;
/// Descriptor flag: the element is a table of descriptors.
pub const INDIRECT: u16 = 4;
/// Available ring flag without `EVENT_IDX`: please no interrupts.
pub const NO_INTERRUPT: u16 = 1;
/// Used ring flag without `EVENT_IDX`: please no kicks.
pub const NO_NOTIFY: u16 = 1;

/// Bytes of a descriptor.
pub const DESCRIPTOR_BYTES: u64 = 16;

/// Addresses of the three parts of one ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Entries, a power of two.
    pub size: u16,
    /// Descriptor table.
    pub table: u64,
    /// Available ring.
    pub available: u64,
    /// Used ring.
    pub used: u64,
}

impl Layout {
    /// Bytes of the descriptor table.
    #[must_use]
    pub fn table_bytes(size: u16) -> u64 {
        DESCRIPTOR_BYTES * u64::from(size)
    }

    /// Bytes of the available ring with its event word.
    #[must_use]
    pub fn available_bytes(size: u16) -> u64 {
        6 + 2 * u64::from(size)
    }

    /// Bytes of the used ring with its event word.
    #[must_use]
    pub fn used_bytes(size: u16) -> u64 {
        6 + 8 * u64::from(size)
    }

    /// Address of descriptor `index`.
    #[must_use]
    pub fn descriptor(&self, index: u16) -> u64 {
        self.table + DESCRIPTOR_BYTES * u64::from(index)
    }

    /// Address of the available ring's flags.
    #[must_use]
    pub fn available_flags(&self) -> u64 {
        self.available
    }

    /// Address of the available index.
    #[must_use]
    pub fn available_index(&self) -> u64 {
        self.available + 2
    }

    /// Address of the available ring's slot for running index `index`.
    #[must_use]
    pub fn available_slot(&self, index: u16) -> u64 {
        self.available + 4 + 2 * u64::from(index & (self.size - 1))
    }

    /// Address of `used_event`.
    #[must_use]
    pub fn used_event(&self) -> u64 {
        self.available + 4 + 2 * u64::from(self.size)
    }

    /// Address of the used ring's flags.
    #[must_use]
    pub fn used_flags(&self) -> u64 {
        self.used
    }

    /// Address of the used index.
    #[must_use]
    pub fn used_index(&self) -> u64 {
        self.used + 2
    }

    /// Address of the used ring's slot for running index `index`.
    #[must_use]
    pub fn used_slot(&self, index: u16) -> u64 {
        self.used + 4 + 8 * u64::from(index & (self.size - 1))
    }

    /// Address of `avail_event`.
    #[must_use]
    pub fn available_event(&self) -> u64 {
        self.used + 4 + 8 * u64::from(self.size)
    }
}

/// Was `event` passed on the way from `old` to `new`? (the specification's `vring_need_event`)
#[must_use]
pub fn crossed(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}

/// A descriptor as it lies in memory.
#[must_use]
pub fn descriptor(addr: u64, len_bytes: u32, flags: u16, next: u16) -> [u8; 16] {
    let mut d = [0; 16];
    d[..8].copy_from_slice(&addr.to_le_bytes());
    d[8..12].copy_from_slice(&len_bytes.to_le_bytes());
    d[12..14].copy_from_slice(&flags.to_le_bytes());
    d[14..].copy_from_slice(&next.to_le_bytes());
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossing_is_what_brute_force_says() {
        for old in [0u16, 5, 65530, 65535] {
            for step in 1..20u16 {
                for event in (old.wrapping_sub(3))..=(old.wrapping_sub(3)).saturating_add(30) {
                    let passed = (0..step).any(|i| old.wrapping_add(i) == event);
                    assert_eq!(
                        crossed(event, old.wrapping_add(step), old),
                        passed,
                        "{old} {step} {event}"
                    );
                }
            }
        }
        assert!(!crossed(0, 7, 7), "nothing passed, nothing crossed");
    }
}
