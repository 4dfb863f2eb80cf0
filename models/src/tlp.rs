//! Transaction-layer packets: the types, and what can be said of one. `header.rs` codes them as they cross the wire.
//!
//! Payload is kept in bytes, always a whole number of dwords, lowest address first, as it crosses the boundary's `tdata`.

mod header;

use serde::{Deserialize, Serialize};

use crate::hex;
pub use header::TlpError;

/// One transaction-layer packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tlp {
    /// Traffic class, 0..=7.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tc: u8,
    /// Attributes: bit 0 no snoop, bit 1 relaxed ordering, bit 2 id-based ordering.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attr: u8,
    /// Address type: 0 untranslated, 1 translation request, 2 translated.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub at: u8,
    /// Poisoned (EP).
    #[serde(default, skip_serializing_if = "is_false")]
    pub poisoned: bool,
    /// End-to-end prefix (PASID), if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u32>,
    /// What it is.
    pub body: Body,
}

/// The kinds of packet that cross the boundary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Body {
    /// Memory read request.
    MRd {
        /// Requester id, bus 15:8, device 7:3, function 2:0.
        req: u16,
        /// Tag, unique among the requester's outstanding non-posted requests.
        tag: u16,
        /// Byte address of the first dword (a multiple of 4).
        #[serde(with = "hex::address")]
        addr: u64,
        /// Length in dwords, 1..=1024.
        dw: u16,
        /// Byte enables of the first dword.
        fbe: u8,
        /// Byte enables of the last dword; 0 when there is one dword.
        lbe: u8,
    },
    /// Memory write request (posted).
    MWr {
        /// Requester id.
        req: u16,
        /// Tag (no meaning for a posted request).
        tag: u16,
        /// Byte address of the first dword (a multiple of 4).
        #[serde(with = "hex::address")]
        addr: u64,
        /// Byte enables of the first dword.
        fbe: u8,
        /// Byte enables of the last dword; 0 when there is one dword.
        lbe: u8,
        /// Payload, whole dwords.
        #[serde(with = "hex::bytes")]
        data: Vec<u8>,
    },
    /// Configuration read, type 0.
    CfgRd {
        /// Requester id.
        req: u16,
        /// Tag.
        tag: u16,
        /// Bus/device/function addressed.
        target: u16,
        /// Register byte offset (a multiple of 4), 0..=0xffc.
        reg: u16,
        /// Byte enables.
        fbe: u8,
    },
    /// Configuration write, type 0.
    CfgWr {
        /// Requester id.
        req: u16,
        /// Tag.
        tag: u16,
        /// Bus/device/function addressed.
        target: u16,
        /// Register byte offset (a multiple of 4), 0..=0xffc.
        reg: u16,
        /// Byte enables.
        fbe: u8,
        /// The dword written.
        #[serde(with = "hex::bytes")]
        data: Vec<u8>,
    },
    /// Completion, with or without data.
    Cpl {
        /// Completer id.
        cpl: u16,
        /// Requester id.
        req: u16,
        /// Tag of the request.
        tag: u16,
        /// Completion status.
        status: CplStatus,
        /// Remaining bytes of the request including this packet, 1..=4096.
        bytes: u16,
        /// Low seven bits of the address of the first valid byte.
        lower: u8,
        /// Payload, whole dwords; empty for a completion without data.
        #[serde(with = "hex::bytes", default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<u8>,
    },
    /// Message request.
    Msg {
        /// Requester id.
        req: u16,
        /// Tag.
        tag: u16,
        /// Routing, type bits 2:0.
        routing: u8,
        /// Message code; 0x20..=0x27 assert/deassert `INTx`.
        code: u8,
        /// Payload, whole dwords, may be empty.
        #[serde(with = "hex::bytes", default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<u8>,
    },
    /// Anything else, kept raw.
    Other {
        /// The four header dwords.
        hdr: [u32; 4],
        /// Payload.
        #[serde(with = "hex::bytes", default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<u8>,
    },
}

/// Completion status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CplStatus {
    /// Successful completion.
    Sc,
    /// Unsupported request.
    Ur,
    /// Configuration request retry.
    Crs,
    /// Completer abort.
    Ca,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(v: &u8) -> bool {
    *v == 0
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(v: &bool) -> bool {
    !*v
}

impl Tlp {
    /// A packet with default traffic class and attributes.
    #[must_use]
    pub fn new(body: Body) -> Self {
        Tlp {
            tc: 0,
            attr: 0,
            at: 0,
            poisoned: false,
            prefix: None,
            body,
        }
    }

    /// Payload bytes (whole dwords), empty if there is none.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        match &self.body {
            Body::MWr { data, .. }
            | Body::CfgWr { data, .. }
            | Body::Cpl { data, .. }
            | Body::Msg { data, .. }
            | Body::Other { data, .. } => data,
            Body::MRd { .. } | Body::CfgRd { .. } => &[],
        }
    }

    /// Header dwords on the wire: 3 or 4.
    #[must_use]
    pub fn header_dw(&self) -> u32 {
        match &self.body {
            Body::MRd { addr, .. } | Body::MWr { addr, .. } if *addr >> 32 == 0 => 3,
            Body::MRd { .. } | Body::MWr { .. } | Body::Msg { .. } => 4,
            Body::CfgRd { .. } | Body::CfgWr { .. } | Body::Cpl { .. } => 3,
            Body::Other { hdr, .. } => 3 + ((hdr[0] >> 29) & 1),
        }
    }

    /// Bytes on the link: framing, sequence number and LCRC (8), prefix, header, payload (pcie-yardstick 3.1).
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        8 + 4 * u64::from(self.prefix.is_some()) + 4 * u64::from(self.header_dw()) + self.data().len() as u64
    }

    /// The tag; `None` for packets of an unknown format.
    #[must_use]
    pub fn tag(&self) -> Option<u16> {
        match self.body {
            Body::MRd { tag, .. }
            | Body::MWr { tag, .. }
            | Body::CfgRd { tag, .. }
            | Body::CfgWr { tag, .. }
            | Body::Cpl { tag, .. }
            | Body::Msg { tag, .. } => Some(tag),
            Body::Other { .. } => None,
        }
    }

    /// True for posted requests (memory writes and messages).
    #[must_use]
    pub fn is_posted(&self) -> bool {
        matches!(self.body, Body::MWr { .. } | Body::Msg { .. })
    }

    /// First byte and number of bytes that a memory request touches (byte enables applied at both ends; holes inside are not shown).
    /// `None` for other packets and for zero-length requests (no byte enabled).
    #[must_use]
    pub fn span(&self) -> Option<(u64, u64)> {
        let (addr, dw, fbe, lbe) = match &self.body {
            Body::MRd {
                addr, dw, fbe, lbe, ..
            } => (*addr, u64::from(*dw), *fbe, *lbe),
            Body::MWr {
                addr, fbe, lbe, data, ..
            } => (*addr, (data.len() / 4) as u64, *fbe, *lbe),
            _ => return None,
        };
        let last = if dw == 1 { fbe } else { lbe };
        if dw == 0 || fbe & 0xf == 0 || last & 0xf == 0 {
            return None;
        }
        let skip = u64::from(fbe.trailing_zeros());
        let tail = u64::from((last & 0xf).leading_zeros() - 4);
        Some((addr.wrapping_add(skip), (dw * 4).saturating_sub(skip + tail)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_follow_the_byte_enables() {
        let w = |fbe, lbe, n: usize| {
            Tlp::new(Body::MWr {
                req: 0,
                tag: 0,
                addr: 0x100,
                fbe,
                lbe,
                data: vec![0; n],
            })
            .span()
        };
        assert_eq!(w(0xf, 0xf, 8), Some((0x100, 8)));
        assert_eq!(w(0b1100, 0, 4), Some((0x102, 2)));
        assert_eq!(w(0b1000, 0b0001, 12), Some((0x103, 6)));
        assert_eq!(w(0, 0, 4), None);
    }

    #[test]
    fn wire_bytes_are_the_yardsticks() {
        let big = Tlp::new(Body::MWr {
            req: 0,
            tag: 0,
            addr: 1 << 32,
            fbe: 15,
            lbe: 15,
            data: vec![0; 64],
        });
        assert_eq!(big.wire_bytes(), 24 + 64);
        let msix = Tlp::new(Body::MWr {
            req: 0,
            tag: 0,
            addr: 0xfee0_0000,
            fbe: 15,
            lbe: 0,
            data: vec![0; 4],
        });
        assert_eq!(msix.wire_bytes(), 20 + 4);
    }
}
