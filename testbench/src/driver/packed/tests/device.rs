//! A small device for a packed ring, written after the specification and not after the driver: it walks slot by slot and counts with plain booleans.

use crate::driver::ring::Areas;
use crate::host::memory::Memory;

/// A list that the device has fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) id: u16,
    pub(super) slots: u16,
    /// Address, length, writable.
    pub(super) parts: Vec<(u64, u32, bool)>,
}

/// A slot and the wrap counter there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) slot: u16,
    pub(super) wrap: bool,
}

impl At {
    fn step(&mut self, size: u16) {
        self.slot += 1;
        if self.slot == size {
            *self = At {
                slot: 0,
                wrap: !self.wrap,
            };
        }
    }
}

pub(super) struct Device {
    memory: Memory,
    areas: Areas,
    pub(super) now: u64,
    pub(super) next: At,
    pub(super) used: At,
}

impl Device {
    pub(super) fn new(memory: &Memory, areas: Areas) -> Self {
        let start = At { slot: 0, wrap: true };
        Device {
            memory: memory.clone(),
            areas,
            now: 0,
            next: start,
            used: start,
        }
    }

    fn read<const N: usize>(&self, addr: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.device_read(self.now, addr, &mut bytes);
        bytes
    }

    /// Address, length, id and flags at `addr`.
    fn descriptor(&self, addr: u64) -> (u64, u32, u16, u16) {
        let d: [u8; 16] = self.read(addr);
        (
            u64::from_le_bytes(d[..8].try_into().unwrap()),
            u32::from_le_bytes(d[8..12].try_into().unwrap()),
            u16::from_le_bytes([d[12], d[13]]),
            u16::from_le_bytes([d[14], d[15]]),
        )
    }

    fn is_available(flags: u16, at: At) -> bool {
        (flags >> 7 & 1 == 1) == at.wrap && (flags >> 15 & 1 == 1) != at.wrap
    }

    pub(super) fn sees_available(&self) -> bool {
        let flags = self
            .descriptor(self.areas.descriptor + 16 * u64::from(self.next.slot))
            .3;
        Self::is_available(flags, self.next)
    }

    /// Takes the next list, if there is one. Every descriptor of it has to be available.
    pub(super) fn fetch(&mut self) -> Option<List> {
        if !self.sees_available() {
            return None;
        }
        let mut parts = Vec::new();
        for slots in 1..=self.areas.size {
            let (addr, len, id, flags) =
                self.descriptor(self.areas.descriptor + 16 * u64::from(self.next.slot));
            assert!(
                Self::is_available(flags, self.next),
                "follower {slots} in slot {} has flags {flags:#06x}",
                self.next.slot
            );
            self.next.step(self.areas.size);
            if flags & 4 != 0 {
                assert_eq!((slots, flags & 1, len % 16), (1, 0, 0));
                for entry in 0..u64::from(len / 16) {
                    let (addr, len, _, flags) = self.descriptor(addr + 16 * entry);
                    assert_eq!(flags & !2, 0, "flags of a table's entry");
                    parts.push((addr, len, flags & 2 != 0));
                }
            } else {
                parts.push((addr, len, flags & 2 != 0));
            }
            if flags & 1 == 0 {
                return Some(List { id, slots, parts });
            }
        }
        panic!("a list longer than the ring");
    }

    /// Writes a used descriptor. Its address, NEXT and INDIRECT are garbage: they do not count. Without data the length is, too.
    pub(super) fn finish(&mut self, id: u16, slots: u16, len: Option<u32>) {
        let mut d = [0xa5; 16];
        d[8..12].copy_from_slice(&len.unwrap_or(0xdead_beef).to_le_bytes());
        d[12..14].copy_from_slice(&id.to_le_bytes());
        let flags = if self.used.wrap { 0x8080 } else { 0u16 } | if len.is_some() { 2 } else { 0 } | 5;
        d[14..].copy_from_slice(&flags.to_le_bytes());
        let at = self.areas.descriptor + 16 * u64::from(self.used.slot);
        self.memory.device_write(self.now, at, &d, 15, 15);
        for _ in 0..slots {
            self.used.step(self.areas.size);
        }
    }

    /// Writes the device event structure.
    pub(super) fn ask(&mut self, word: u16, flags: u16) {
        let bytes = (u32::from(flags) << 16 | u32::from(word)).to_le_bytes();
        self.memory
            .device_write(self.now, self.areas.device, &bytes, 15, 0);
    }

    /// Does the driver want to hear of the `slots` used from `from` on?
    pub(super) fn interrupt_due(&self, mut from: At, slots: u16) -> bool {
        let event = u32::from_le_bytes(self.read(self.areas.driver));
        match event >> 16 {
            0 => true,
            1 => false,
            2 => (0..slots).any(|_| {
                let here = u32::from(from.slot) | u32::from(from.wrap) << 15;
                from.step(self.areas.size);
                here == event & 0xffff
            }),
            mode => panic!("event mode {mode}"),
        }
    }
}
