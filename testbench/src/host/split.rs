//! How the answer to a read is cut into completions (PCIe 2.3.1.1: only at read completion boundaries, in address order).

use ringside_models::tlp::Tlp;

use super::config::{CompletionConfig, LinkConfig, Split};
use super::dice::Dice;

/// One completion's part of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Address of its first dword.
    pub addr: u64,
    /// Length in bytes, whole dwords.
    pub len_bytes: u64,
    /// Byte Count: valid bytes of the request from here on.
    pub remaining_bytes: u16,
    /// Lower Address: low seven bits of the first valid byte's address.
    pub lower: u8,
}

/// The bytes of a read that count: the first one's address, and how many.
///
/// A zero-length read is answered with one dword, of which one byte counts (PCIe 2.2.9, table of byte counts). Byte enables that no legal request
/// has (none in the first or last of several dwords) are read as all on: the judge objects to them, the host just answers.
#[must_use]
pub fn valid_bytes(request: &Tlp, addr: u64, dw: u16) -> (u64, u64) {
    let whole = if dw == 1 { 1 } else { u64::from(dw) * 4 };
    request.span().unwrap_or((addr, whole))
}

/// Cuts reads.
#[derive(Clone, Debug)]
pub struct Splitter {
    split: Split,
    mps: u64,
    rcb: u64,
}

impl Splitter {
    /// The policy of a configuration.
    #[must_use]
    pub fn new(link: &LinkConfig, completions: &CompletionConfig) -> Self {
        Splitter {
            split: completions.split,
            mps: link.mps_bytes.into(),
            rcb: link.rcb_bytes.into(),
        }
    }

    /// No completion carries more than this from now on.
    pub fn set_payload_bytes(&mut self, mps_bytes: u32) {
        self.mps = mps_bytes.into();
    }

    /// The pieces of the read `request` of `dw` dwords at `addr`, in address order, at least one.
    pub fn pieces(&self, request: &Tlp, addr: u64, dw: u16, dice: &mut Dice) -> Vec<Piece> {
        let end = addr + u64::from(dw) * 4;
        let (first, bytes) = valid_bytes(request, addr, dw);
        let mut pieces = Vec::with_capacity(1);
        let mut at = addr;
        while at < end {
            let cut = match self.split {
                Split::Merged => (at / self.mps + 1) * self.mps,
                Split::Rcb => (at / self.rcb + 1) * self.rcb,
                Split::Random => (at / self.rcb + 1 + dice.below(self.mps / self.rcb)) * self.rcb,
            };
            let stop = cut.min(end);
            let valid = at.max(first);
            pieces.push(Piece {
                addr: at,
                len_bytes: stop - at,
                remaining_bytes: (first + bytes - valid) as u16,
                lower: (valid & 0x7f) as u8,
            });
            at = stop;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_models::tlp::Body;

    fn cut(split: Split, addr: u64, dw: u16, fbe: u8, lbe: u8) -> Vec<Piece> {
        let splitter = Splitter::new(
            &LinkConfig::default(),
            &CompletionConfig {
                split,
                reorder: false,
            },
        );
        let request = Tlp::new(Body::MRd {
            req: 0,
            tag: 0,
            addr,
            dw,
            fbe,
            lbe,
        });
        splitter.pieces(&request, addr, dw, &mut Dice::new(1, "split"))
    }

    #[test]
    fn merged_cuts_at_the_payload_size_only() {
        let p = cut(Split::Merged, 0x10f0, 80, 0b1100, 0b0001);
        let shape: Vec<_> = p
            .iter()
            .map(|p| (p.addr, p.len_bytes, p.remaining_bytes, p.lower))
            .collect();
        // 320 bytes less 2 before and 3 behind
        assert_eq!(
            shape,
            [
                (0x10f0, 16, 315, 0x72),
                (0x1100, 256, 301, 0),
                (0x1200, 48, 45, 0)
            ]
        );
    }

    #[test]
    fn every_policy_covers_the_read_in_order_at_legal_places() {
        for split in [Split::Merged, Split::Rcb, Split::Random] {
            for start in (0..512).step_by(4) {
                for dw in [1, 2, 16, 17, 64, 128] {
                    let lbe = if dw == 1 { 0 } else { 0xf };
                    let pieces = cut(split, 0x4000 + start, dw, 0xf, lbe);
                    let mut at = 0x4000 + start;
                    for p in &pieces {
                        assert_eq!(p.addr, at);
                        assert!(at == 0x4000 + start || at % 64 == 0);
                        assert!(p.len_bytes <= 256);
                        at += p.len_bytes;
                        assert_eq!(
                            u64::from(p.remaining_bytes),
                            0x4000 + start + u64::from(dw) * 4 - p.addr
                        );
                    }
                    assert_eq!(at, 0x4000 + start + u64::from(dw) * 4);
                }
            }
        }
        assert_eq!(cut(Split::Rcb, 0x1000, 128, 0xf, 0xf).len(), 8);
    }

    #[test]
    fn a_zero_length_read_gets_a_dword_that_counts_one_byte() {
        let p = cut(Split::Merged, 0x1004, 1, 0, 0);
        assert_eq!(
            (p.len(), p[0].len_bytes, p[0].remaining_bytes, p[0].lower),
            (1, 4, 1, 4)
        );
    }
}
