//! What a guest asks of the function in its slot (Linux, `uapi/linux/virtio_pcidev.h`): a header of 16 bytes and data behind it.

/// Bytes of a header: operation, BAR, two of nothing, size, address.
pub const HEADER_BYTES: usize = 16;
/// Bytes of configuration space.
pub const CONFIG_BYTES: u64 = 4096;
/// Longest access to a BAR.
pub const ACCESS_MAX: u32 = 4096;
/// Operation of an interrupt message.
const MSI: u8 = 7;

/// An access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Read configuration space.
    ConfigRead {
        /// Register.
        reg: u16,
        /// Bytes: 1, 2, 4 or 8, naturally aligned.
        size: usize,
    },
    /// Write configuration space.
    ConfigWrite {
        /// Register.
        reg: u16,
        /// 1, 2, 4 or 8 bytes, naturally aligned.
        data: Vec<u8>,
    },
    /// Read a BAR.
    Read {
        /// Which.
        bar: u8,
        /// Offset in it.
        offset: u64,
        /// Bytes.
        size: usize,
    },
    /// Write a BAR.
    Write {
        /// Which.
        bar: u8,
        /// Offset in it.
        offset: u64,
        /// The bytes.
        data: Vec<u8>,
    },
}

/// A message that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// Not even a header.
    #[error("a message of {bytes} bytes: its header alone has {HEADER_BYTES}")]
    Header {
        /// Bytes there.
        bytes: usize,
    },
    /// An operation that guests do not have.
    #[error("operation {op} is none that a guest may ask for (1 to 5)")]
    Unknown {
        /// Its number.
        op: u8,
    },
    /// An access to configuration space that no processor makes.
    #[error(
        "configuration access of {size} bytes at {addr:#x}: 1, 2, 4 or 8 bytes, naturally aligned, below {CONFIG_BYTES:#x}"
    )]
    Config {
        /// Register.
        addr: u64,
        /// Bytes.
        size: u32,
    },
    /// An access to a BAR that is too long, or empty.
    #[error("access of {size} bytes at {addr:#x} of BAR{bar}: 1 to {ACCESS_MAX} bytes")]
    Size {
        /// Which.
        bar: u8,
        /// Offset.
        addr: u64,
        /// Bytes.
        size: u32,
    },
    /// A write whose data are not all there.
    #[error("a write of {size} bytes brings {bytes}")]
    Data {
        /// Bytes announced.
        size: u32,
        /// Bytes there.
        bytes: usize,
    },
    /// A read whose answer has no room.
    #[error("a read of {size} bytes has room for {room}")]
    Room {
        /// Bytes read.
        size: usize,
        /// Bytes of room.
        room: usize,
    },
}

impl Op {
    /// Reads a message.
    ///
    /// # Errors
    /// [`OpError`]: there is no such access.
    pub fn parse(message: &[u8]) -> Result<Self, OpError> {
        let Some((header, data)) = message.split_first_chunk::<HEADER_BYTES>() else {
            return Err(OpError::Header { bytes: message.len() });
        };
        let (op, bar) = (header[0], header[1]);
        let size = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let addr = u64::from_le_bytes(std::array::from_fn(|i| header[8 + i]));
        let take = |count: usize| {
            let bytes = data.len();
            data.get(..count)
                .map(<[u8]>::to_vec)
                .ok_or(OpError::Data { size, bytes })
        };
        match op {
            1 | 2 => {
                let good = [1, 2, 4, 8].contains(&size) && addr.is_multiple_of(size.into());
                if !good || addr >= CONFIG_BYTES {
                    return Err(OpError::Config { addr, size });
                }
                let reg = addr as u16;
                let size = size as usize;
                Ok(if op == 1 {
                    Op::ConfigRead { reg, size }
                } else {
                    Op::ConfigWrite {
                        reg,
                        data: take(size)?,
                    }
                })
            }
            3..=5 => {
                if !(1..=ACCESS_MAX).contains(&size) {
                    return Err(OpError::Size { bar, addr, size });
                }
                let offset = addr;
                Ok(match op {
                    3 => Op::Read {
                        bar,
                        offset,
                        size: size as usize,
                    },
                    4 => Op::Write {
                        bar,
                        offset,
                        data: take(size as usize)?,
                    },
                    // One byte, so many times.
                    _ => Op::Write {
                        bar,
                        offset,
                        data: vec![take(1)?[0]; size as usize],
                    },
                })
            }
            _ => Err(OpError::Unknown { op }),
        }
    }

    /// Bytes that it is answered with.
    #[must_use]
    pub fn answer_bytes(&self) -> usize {
        match self {
            Op::ConfigRead { size, .. } | Op::Read { size, .. } => *size,
            Op::ConfigWrite { .. } | Op::Write { .. } => 0,
        }
    }
}

/// The message that an interrupt is to the guest: what the function wrote, and where.
#[must_use]
pub fn interrupt(addr: u64, data: u32) -> [u8; HEADER_BYTES + 4] {
    let mut message = [0; HEADER_BYTES + 4];
    (message[0], message[4]) = (MSI, 4);
    message[8..16].copy_from_slice(&addr.to_le_bytes());
    message[16..].copy_from_slice(&data.to_le_bytes());
    message
}

/// Cuts an access into those that a processor makes: 1, 2, 4 or 8 bytes, naturally aligned, the longest that fit, in order. Offset and length of each.
#[must_use]
pub fn pieces(addr: u64, size: usize) -> Vec<(usize, usize)> {
    let mut pieces = Vec::new();
    let mut done = 0;
    while done < size {
        let at = addr.wrapping_add(done as u64);
        let mut n = 8;
        while !at.is_multiple_of(n as u64) || done + n > size {
            n /= 2;
        }
        pieces.push((done, n));
        done += n;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(op: u8, bar: u8, size: u32, addr: u64, data: &[u8]) -> Vec<u8> {
        let mut m = vec![op, bar, 0, 0];
        m.extend(size.to_le_bytes());
        m.extend(addr.to_le_bytes());
        m.extend(data);
        m
    }

    #[test]
    fn messages_become_accesses() {
        let parse = |op, size, addr, data: &[u8]| Op::parse(&message(op, 2, size, addr, data)).unwrap();
        assert_eq!(parse(1, 4, 0x40, &[]), Op::ConfigRead { reg: 0x40, size: 4 });
        let data = vec![6, 4];
        assert_eq!(
            parse(2, 2, 4, &data),
            Op::ConfigWrite {
                reg: 4,
                data: data.clone()
            }
        );
        let (bar, offset) = (2, 0x1003);
        assert_eq!(parse(3, 5, offset, &[]), Op::Read { bar, offset, size: 5 });
        assert_eq!(parse(4, 2, offset, &[6, 4, 9]), Op::Write { bar, offset, data });
        let data = vec![7; 3];
        assert_eq!(parse(5, 3, offset, &[7]), Op::Write { bar, offset, data });
    }

    #[test]
    fn messages_that_cannot_be_are_told() {
        let text = |m: &[u8]| Op::parse(m).unwrap_err().to_string();
        for len in 0..HEADER_BYTES {
            assert!(text(&vec![1; len]).contains("its header alone"));
        }
        for op in [0, 6, 7, 8, 255] {
            assert!(text(&message(op, 0, 4, 0, &[0; 4])).contains("is none"));
        }
        for (size, addr) in [
            (3, 0),
            (0, 0),
            (4, 2),
            (8, 4),
            (4, 4096),
            (4, u64::MAX - 3),
            (u32::MAX, 0),
        ] {
            for op in [1, 2] {
                assert!(text(&message(op, 0, size, addr, &[0; 8])).contains("configuration access"));
            }
        }
        for op in [3, 4, 5] {
            assert!(text(&message(op, 0, 0, 0, &[])).contains("1 to 4096"));
            assert!(text(&message(op, 0, u32::MAX, 0, &[])).contains("1 to 4096"));
        }
        assert_eq!(text(&message(4, 0, 8, 0, &[1; 7])), "a write of 8 bytes brings 7");
        assert_eq!(text(&message(2, 0, 4, 0, &[])), "a write of 4 bytes brings 0");
        assert_eq!(text(&message(5, 0, 4, 0, &[])), "a write of 4 bytes brings 0");
    }

    #[test]
    fn accesses_are_cut_as_a_processor_makes_them() {
        assert_eq!(pieces(0x10, 8), [(0, 8)]);
        assert_eq!(pieces(0x11, 8), [(0, 1), (1, 2), (3, 4), (7, 1)]);
        assert_eq!(pieces(u64::MAX, 2), [(0, 1), (1, 1)]);
        assert_eq!(pieces(0, 0), []);
        for (addr, size) in [(3, 100), (8, 4096), (6, 7)] {
            let cut = pieces(addr, size);
            assert_eq!(cut.iter().map(|(_, n)| n).sum::<usize>(), size);
            assert!(
                cut.iter()
                    .all(|(at, n)| (addr + *at as u64).is_multiple_of(*n as u64))
            );
        }
    }
}
