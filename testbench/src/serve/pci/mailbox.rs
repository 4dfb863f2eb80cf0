//! A split virtqueue with the device's side in software: what carries accesses and interrupts between the guest and this process. The rings of the
//! device under test are never served here.

use crate::driver::ring::Areas;
use crate::serve::parent::Place;
use crate::serve::vhost_user::regions::Regions;

/// Longest message taken: a header and the longest access.
const MESSAGE_MAX: usize = 8192;
const NEXT: u16 = 1;
const WRITE: u16 = 2;
/// Flag of the available ring: no interrupts, please.
const NO_INTERRUPT: u16 = 1;

/// A virtqueue in which something cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    /// More entries than there are.
    #[error("queue {queue}: its available index is {available:#x}, {ahead} ahead; it has {size} entries")]
    Index {
        /// Queue.
        queue: u16,
        /// The index.
        available: u16,
        /// Entries beyond the last that was taken.
        ahead: u16,
        /// Entries there are.
        size: u16,
    },
    /// A descriptor that is not there.
    #[error("queue {queue}: descriptor {index} of {size}")]
    Descriptor {
        /// Queue.
        queue: u16,
        /// Its index.
        index: u16,
        /// Descriptors there are.
        size: u16,
    },
    /// A chain that does not end.
    #[error("queue {queue}: the chain at descriptor {head} goes round")]
    Loop {
        /// Queue.
        queue: u16,
        /// Its head.
        head: u16,
    },
    /// Flags of features that were not offered.
    #[error("queue {queue}: descriptor {index} has flags {flags:#x}: only NEXT and WRITE were agreed on")]
    Flags {
        /// Queue.
        queue: u16,
        /// Its index.
        index: u16,
        /// Flags.
        flags: u16,
    },
    /// A message longer than any.
    #[error("queue {queue}: the chain at descriptor {head} has more than {MESSAGE_MAX} bytes")]
    Long {
        /// Queue.
        queue: u16,
        /// Its head.
        head: u16,
    },
    /// Memory that is not there.
    #[error("queue {queue}: {len} bytes at {addr:#x} are in no region of memory")]
    Nowhere {
        /// Queue.
        queue: u16,
        /// Guest address.
        addr: u64,
        /// Bytes.
        len: usize,
    },
}

/// A chain that the guest made available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    head: u16,
    /// What the guest says in it.
    pub message: Vec<u8>,
    /// Where an answer goes: addresses and lengths.
    room: Vec<(u64, usize)>,
}

impl Chain {
    /// Bytes that an answer may have.
    #[must_use]
    pub fn room(&self) -> usize {
        self.room.iter().map(|(_, len)| len).sum()
    }
}

/// One such queue.
#[derive(Debug)]
pub struct Mailbox {
    queue: u16,
    areas: Areas,
    /// Chains taken, and given back.
    taken: u16,
    used: u16,
}

impl Mailbox {
    /// The queue at this place.
    #[must_use]
    pub fn new(queue: u16, place: &Place) -> Self {
        let start = place.start.unwrap_or(0);
        Mailbox {
            queue,
            areas: place.areas,
            taken: start,
            used: start,
        }
    }

    /// Where it goes on if it is stopped now.
    #[must_use]
    pub fn position(&self) -> u16 {
        self.taken
    }

    fn read<const N: usize>(&self, memory: &Regions, addr: u64) -> Result<[u8; N], MailboxError> {
        let mut bytes = [0; N];
        self.copy(memory, addr, &mut bytes).map(|()| bytes)
    }

    fn copy(&self, memory: &Regions, addr: u64, into: &mut [u8]) -> Result<(), MailboxError> {
        let (queue, len) = (self.queue, into.len());
        if memory.read(addr, into) {
            Ok(())
        } else {
            Err(MailboxError::Nowhere { queue, addr, len })
        }
    }

    fn write(&self, memory: &Regions, addr: u64, from: &[u8]) -> Result<(), MailboxError> {
        let (queue, len) = (self.queue, from.len());
        if memory.write(addr, from) {
            Ok(())
        } else {
            Err(MailboxError::Nowhere { queue, addr, len })
        }
    }

    /// The next chain, if there is one.
    ///
    /// # Errors
    /// [`MailboxError`]: the queue is not as it should be.
    pub fn take(&mut self, memory: &Regions) -> Result<Option<Chain>, MailboxError> {
        let (queue, size) = (self.queue, self.areas.size);
        let available = u16::from_le_bytes(self.read(memory, self.areas.driver + 2)?);
        let ahead = available.wrapping_sub(self.taken);
        if ahead == 0 {
            return Ok(None);
        }
        if ahead > size {
            return Err(MailboxError::Index {
                queue,
                available,
                ahead,
                size,
            });
        }
        let slot = u64::from(self.taken % size);
        let head = u16::from_le_bytes(self.read(memory, self.areas.driver + 4 + 2 * slot)?);
        let mut chain = Chain {
            head,
            message: Vec::new(),
            room: Vec::new(),
        };
        let mut index = head;
        for _ in 0..size {
            if index >= size {
                return Err(MailboxError::Descriptor { queue, index, size });
            }
            let entry: [u8; 16] = self.read(memory, self.areas.descriptor + 16 * u64::from(index))?;
            let addr = u64::from_le_bytes(std::array::from_fn(|i| entry[i]));
            let len = u32::from_le_bytes(std::array::from_fn(|i| entry[8 + i])) as usize;
            let flags = u16::from_le_bytes([entry[12], entry[13]]);
            if flags & !(NEXT | WRITE) != 0 {
                return Err(MailboxError::Flags { queue, index, flags });
            }
            if len > MESSAGE_MAX || chain.message.len() + chain.room() + len > MESSAGE_MAX {
                return Err(MailboxError::Long { queue, head });
            }
            if flags & WRITE == 0 {
                let from = chain.message.len();
                chain.message.resize(from + len, 0);
                self.copy(memory, addr, &mut chain.message[from..])?;
            } else {
                chain.room.push((addr, len));
            }
            if flags & NEXT == 0 {
                self.taken = self.taken.wrapping_add(1);
                return Ok(Some(chain));
            }
            index = u16::from_le_bytes([entry[14], entry[15]]);
        }
        Err(MailboxError::Loop { queue, head })
    }

    /// Gives a chain back with an answer, no longer than its room. Does the guest want to be told?
    ///
    /// # Errors
    /// [`MailboxError::Nowhere`]: its buffer is not there.
    pub fn give(&mut self, memory: &Regions, chain: &Chain, answer: &[u8]) -> Result<bool, MailboxError> {
        let mut rest = answer;
        for (addr, len) in &chain.room {
            let (now, later) = rest.split_at((*len).min(rest.len()));
            self.write(memory, *addr, now)?;
            rest = later;
        }
        let written = (answer.len() - rest.len()) as u32;
        let entry = [u32::from(chain.head).to_le_bytes(), written.to_le_bytes()].concat();
        let slot = u64::from(self.used % self.areas.size);
        self.write(memory, self.areas.device + 4 + 8 * slot, &entry)?;
        self.used = self.used.wrapping_add(1);
        self.write(memory, self.areas.device + 2, &self.used.to_le_bytes())?;
        let flags = u16::from_le_bytes(self.read(memory, self.areas.driver)?);
        Ok(flags & NO_INTERRUPT == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::vhost_user::message::RegionInfo;

    const BASE: u64 = 0x10_0000;
    const SIZE: u16 = 4;

    fn memory() -> Regions {
        let file = tempfile::tempfile().unwrap();
        file.set_len(0x1_0000).unwrap();
        let info = RegionInfo {
            guest: BASE,
            len_bytes: 0x1_0000,
            user: 0,
            offset: 0,
        };
        let mut regions = Regions::default();
        regions.add(info, &file.into()).unwrap();
        regions
    }

    fn mailbox() -> Mailbox {
        let areas = Areas {
            size: SIZE,
            descriptor: BASE,
            driver: BASE + 0x1000,
            device: BASE + 0x2000,
        };
        Mailbox::new(0, &Place { areas, start: None })
    }

    fn descriptor(m: &Regions, index: u64, addr: u64, len: u32, flags: u16, next: u16) {
        let mut entry = addr.to_le_bytes().to_vec();
        entry.extend(len.to_le_bytes());
        entry.extend(flags.to_le_bytes());
        entry.extend(next.to_le_bytes());
        assert!(m.write(BASE + 16 * index, &entry));
    }

    fn offer(m: &Regions, index: u16, head: u16) {
        let slot = u64::from(index.wrapping_sub(1) % SIZE);
        assert!(m.write(BASE + 0x1004 + 2 * slot, &head.to_le_bytes()));
        assert!(m.write(BASE + 0x1002, &index.to_le_bytes()));
    }

    #[test]
    fn messages_are_taken_and_answered_lap_after_lap() {
        let (m, mut b) = (memory(), mailbox());
        assert_eq!(b.take(&m), Ok(None));
        descriptor(&m, 1, BASE + 0x4000, 3, NEXT, 3);
        descriptor(&m, 3, BASE + 0x5000, 2, NEXT | WRITE, 0);
        descriptor(&m, 0, BASE + 0x6000, 4, WRITE, 9);
        assert!(m.write(BASE + 0x4000, b"abc"));
        for lap in 1..=9_u16 {
            offer(&m, lap, 1);
            let chain = b.take(&m).unwrap().unwrap();
            assert_eq!((&chain.message[..], chain.room()), (&b"abc"[..], 6));
            assert_eq!(b.give(&m, &chain, b"12345"), Ok(true));
            let (mut index, mut entry, mut tail) = ([0; 2], [0; 8], [0; 3]);
            assert!(m.read(BASE + 0x2002, &mut index) && m.read(BASE + 0x6000, &mut tail));
            assert!(m.read(BASE + 0x2004 + 8 * u64::from((lap - 1) % SIZE), &mut entry));
            assert_eq!(
                (u16::from_le_bytes(index), entry, &tail),
                (lap, [1, 0, 0, 0, 5, 0, 0, 0], b"345")
            );
            assert_eq!(b.take(&m), Ok(None));
        }
        assert!(m.write(BASE + 0x1000, &[1]));
        offer(&m, 10, 1);
        let chain = b.take(&m).unwrap().unwrap();
        assert_eq!((b.give(&m, &chain, b""), b.position()), (Ok(false), 10));
    }

    #[test]
    fn what_cannot_be_in_a_queue_is_told() {
        let m = memory();
        let text = || mailbox().take(&m).unwrap_err().to_string();
        offer(&m, 5, 0);
        assert!(text().contains("5 ahead; it has 4"));
        offer(&m, 1, 4);
        assert!(text().contains("descriptor 4 of 4"));
        offer(&m, 1, 0);
        descriptor(&m, 0, BASE, 1, NEXT, 0);
        assert!(text().contains("goes round"));
        descriptor(&m, 0, BASE, 1, NEXT, 7);
        assert!(text().contains("descriptor 7 of 4"));
        descriptor(&m, 0, BASE, 16, 4, 0);
        assert!(text().contains("flags 0x4"));
        for len in [8193, u32::MAX] {
            descriptor(&m, 0, BASE, len, 0, 0);
            assert!(text().contains("more than 8192"));
        }
        for addr in [0, BASE + 0xffff, u64::MAX] {
            descriptor(&m, 0, addr, 2, 0, 0);
            assert!(text().contains("in no region"));
        }
        let mut b = mailbox();
        descriptor(&m, 0, 0, 2, WRITE, 0);
        let chain = b.take(&m).unwrap().unwrap();
        assert!(
            b.give(&m, &chain, &[1])
                .unwrap_err()
                .to_string()
                .contains("in no region")
        );
    }
}
