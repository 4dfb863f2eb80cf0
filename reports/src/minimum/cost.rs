//! Requests and link bytes: what a transfer of so many bytes from such an address costs at least.

use ringside_models::event::Link;

/// Framing, sequence number and LCRC of a packet.
const FRAMING_BYTES: u64 = 8;
/// Header of a completion.
const CPL_HEADER_BYTES: u64 = 12;
const PAGE_BYTES: u64 = 4096;

/// Requests of the device, and bytes on the link each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) requests: u64,
    pub(crate) up_bytes: u64,
    pub(crate) down_bytes: u64,
}

impl Cost {
    pub(crate) fn add(&mut self, o: Cost) {
        self.requests += o.requests;
        self.up_bytes += o.up_bytes;
        self.down_bytes += o.down_bytes;
    }
}

/// The limits in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    mps: u64,
    mrrs: u64,
}

impl Limits {
    pub(crate) fn new(link: &Link) -> Self {
        Limits {
            mps: u64::from(link.mps_bytes),
            mrrs: u64::from(link.mrrs_bytes),
        }
    }

    /// Fewest reads, and fewest bytes each way, that bring `bytes` from `addr`. Not all of them at once: where reads begin off a completion boundary,
    /// more of them can need fewer completions.
    pub(crate) fn read(&self, addr: u64, bytes: u64) -> Cost {
        let mut cost = Cost::default();
        for (at, _) in pieces(addr, bytes, self.mrrs) {
            cost.requests += 1;
            cost.up_bytes += request_bytes(at);
        }
        for (at, n) in pieces(addr, bytes, PAGE_BYTES) {
            let payload = (at + n).next_multiple_of(4) - (at & !3);
            cost.down_bytes += (FRAMING_BYTES + CPL_HEADER_BYTES) * payload.div_ceil(self.mps) + payload;
        }
        cost
    }

    /// Fewest writes and bytes that bring `bytes` to `addr`.
    pub(crate) fn write(&self, addr: u64, bytes: u64) -> Cost {
        let mut cost = Cost::default();
        for (at, n) in pieces(addr, bytes, self.mps) {
            let payload = (at + n).next_multiple_of(4) - (at & !3);
            cost.requests += 1;
            cost.up_bytes += request_bytes(at) + payload;
        }
        cost
    }

    /// Reads of `count` entries of `entry_bytes` from slot `first` of a ring at `base`, `size` slots round.
    pub(crate) fn read_ring(&self, base: u64, entry_bytes: u64, size: u16, first: u64, count: u64) -> Cost {
        around(size, first, count, |slot, n| {
            self.read(base + slot * entry_bytes, n * entry_bytes)
        })
    }

    /// The same for writes.
    pub(crate) fn write_ring(&self, base: u64, entry_bytes: u64, size: u16, first: u64, count: u64) -> Cost {
        around(size, first, count, |slot, n| {
            self.write(base + slot * entry_bytes, n * entry_bytes)
        })
    }
}

fn around(size: u16, first: u64, count: u64, transfer: impl Fn(u64, u64) -> Cost) -> Cost {
    let size = u64::from(size).max(1);
    let mut cost = Cost::default();
    let (mut at, mut left) = (first % size, count);
    while left > 0 {
        let n = left.min(size - at);
        cost.add(transfer(at, n));
        left -= n;
        at = 0;
    }
    cost
}

/// Framing and header of a memory request.
fn request_bytes(addr: u64) -> u64 {
    FRAMING_BYTES + if addr >> 32 == 0 { 12 } else { 16 }
}

/// Cuts a range into requests of at most `limit` bytes that do not cross a page. Whole dwords count: a request that starts inside one is that
/// much shorter.
fn pieces(addr: u64, bytes: u64, limit: u64) -> impl Iterator<Item = (u64, u64)> {
    let mut at = addr;
    let mut left = bytes;
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let n = left.min(limit - (at & 3)).min(PAGE_BYTES - at % PAGE_BYTES);
        let piece = (at, n);
        at = at.saturating_add(n);
        left -= n;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { mps: 256, mrrs: 512 };

    fn cost(requests: u64, up_bytes: u64, down_bytes: u64) -> Cost {
        Cost {
            requests,
            up_bytes,
            down_bytes,
        }
    }

    #[test]
    fn reads() {
        assert_eq!(LIMITS.read(0x1_0000_0000, 0), cost(0, 0, 0));
        // 72 bytes above 4 GiB: one 24-byte request, one completion of 20 + 72
        assert_eq!(LIMITS.read(0x1_0000_0000, 72), cost(1, 24, 92));
        // below 4 GiB the header is a dword shorter; 2 bytes come as a dword
        assert_eq!(LIMITS.read(0x1002, 2), cost(1, 20, 24));
        // 600 bytes: 512 + 88; completions 256, 256, 88
        assert_eq!(LIMITS.read(0x1000, 600), cost(2, 40, 3 * 20 + 600));
        assert_eq!(LIMITS.read(0x1010, 512), cost(1, 20, 2 * 20 + 512));
        // a page boundary costs a request
        assert_eq!(LIMITS.read(0x1fc0, 128), cost(2, 40, 2 * 20 + 128));
    }

    #[test]
    fn writes() {
        assert_eq!(LIMITS.write(0x1000, 256), cost(1, 20 + 256, 0));
        assert_eq!(LIMITS.write(0x1002, 256), cost(2, 2 * 20 + 260, 0));
        assert_eq!(LIMITS.write(0x1_0000_0ffe, 4), cost(2, 2 * 24 + 8, 0));
    }

    #[test]
    fn the_end_of_a_ring_costs_a_request() {
        assert_eq!(
            LIMITS.read_ring(0x1000, 16, 256, 8, 32),
            cost(1, 20, 2 * 20 + 512)
        );
        assert_eq!(
            LIMITS.read_ring(0x1000, 16, 256, 255, 2),
            cost(2, 40, 2 * 20 + 32)
        );
        assert_eq!(LIMITS.write_ring(0x1004, 8, 4, 3, 2), cost(2, 40 + 16, 0));
    }
}
