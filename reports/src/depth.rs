//! How many chains the device has in hand on a split ring, from the two indices in memory: available minus used.

use std::collections::BTreeMap;

use crate::registers::{Change, Ring};

#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    ring: Ring,
    available: u16,
    used: u16,
}

/// Depth of every split queue.
#[derive(Debug, Default)]
pub(crate) struct Depths {
    queues: BTreeMap<u16, Queue>,
}

impl Depths {
    pub(crate) fn change(&mut self, change: Change) {
        match change {
            Change::Enabled(queue, ring) => {
                self.queues.insert(
                    queue,
                    Queue {
                        ring,
                        ..Queue::default()
                    },
                );
            }
            Change::Stopped(queue) => {
                self.queues.remove(&queue);
            }
            Change::Reset => self.queues.clear(),
        }
    }

    /// Memory that the driver stored, or that the device was seen to read: available indices.
    pub(crate) fn available(&mut self, addr: u64, data: &[u8]) -> Option<(u16, u16)> {
        self.index(addr, data, |q| q.ring.driver + 2, |q, v| q.available = v)
    }

    /// Memory that the device wrote: used indices.
    pub(crate) fn used(&mut self, addr: u64, data: &[u8]) -> Option<(u16, u16)> {
        self.index(addr, data, |q| q.ring.device + 2, |q, v| q.used = v)
    }

    fn index(
        &mut self,
        addr: u64,
        data: &[u8],
        place: impl Fn(&Queue) -> u64,
        set: impl Fn(&mut Queue, u16),
    ) -> Option<(u16, u16)> {
        for (number, q) in &mut self.queues {
            let at = place(q).checked_sub(addr).and_then(|o| usize::try_from(o).ok());
            if let Some(bytes) = at.and_then(|o| data.get(o..o.checked_add(2)?)) {
                set(q, u16::from_le_bytes([bytes[0], bytes[1]]));
                return Some((*number, q.available.wrapping_sub(q.used)));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_available_less_used_across_the_wrap() {
        let mut d = Depths::default();
        let ring = Ring {
            size: 256,
            desc: 0x1000,
            driver: 0x2000,
            device: 0x3000,
        };
        d.change(Change::Enabled(3, ring));
        assert_eq!(d.available(0x2000, &[0, 0, 0xfe, 0xff]), Some((3, 0xfffe)));
        assert_eq!(d.used(0x3002, &[0xfd, 0xff]), Some((3, 1)));
        assert_eq!(d.available(0x2002, &[2, 0]), Some((3, 5)));
        assert_eq!(d.available(0x2003, &[2, 0]), None);
        assert_eq!(d.used(0x2002, &[2, 0]), None);
        d.change(Change::Stopped(3));
        assert_eq!(d.available(0x2002, &[2, 0]), None);
    }
}
