//! Transaction-layer packets: the types, and their coding to and from the four header dwords of the wire.
//!
//! Payload is kept in bytes, always a whole number of dwords, lowest address first, as it crosses the boundary's `tdata`.

use serde::{Deserialize, Serialize};

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
        #[serde(with = "hex_u64")]
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
        #[serde(with = "hex_u64")]
        addr: u64,
        /// Byte enables of the first dword.
        fbe: u8,
        /// Byte enables of the last dword; 0 when there is one dword.
        lbe: u8,
        /// Payload, whole dwords.
        #[serde(with = "hex_bytes")]
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
        #[serde(with = "hex_bytes")]
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
        #[serde(with = "hex_bytes", default, skip_serializing_if = "Vec::is_empty")]
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
        #[serde(with = "hex_bytes", default, skip_serializing_if = "Vec::is_empty")]
        data: Vec<u8>,
    },
    /// Anything else, kept raw.
    Other {
        /// The four header dwords.
        hdr: [u32; 4],
        /// Payload.
        #[serde(with = "hex_bytes", default, skip_serializing_if = "Vec::is_empty")]
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

/// Why a header could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlpError {
    /// The header's length field and the payload disagree.
    #[error(
        "TLP header says {header_dw} payload dwords, {payload_bytes} bytes came with it (dw0 {dw0:#010x})"
    )]
    PayloadLength {
        /// Dwords announced.
        header_dw: u16,
        /// Bytes present.
        payload_bytes: usize,
        /// First header dword.
        dw0: u32,
    },
    /// A reserved completion status.
    #[error("reserved completion status {status} (dw1 {dw1:#010x})")]
    Status {
        /// The three bits.
        status: u8,
        /// Second header dword.
        dw1: u32,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(v: &u8) -> bool {
    *v == 0
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(v: &bool) -> bool {
    !*v
}

const FMT_DATA: u32 = 0b010;
const FMT_4DW: u32 = 0b001;

fn length_field(dw: usize) -> u32 {
    (dw as u32) & 0x3ff // 1024 is coded 0
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

    /// The header as the boundary's `thdr` carries it: dw0 first, unused dwords zero.
    #[must_use]
    pub fn header(&self) -> [u32; 4] {
        // A tag's bits 9 and 8 lie in dw0 (10-bit tags); its other bits beside the requester id.
        let high = u32::from(self.tag().unwrap_or(0));
        let dw0 = |fmt: u32, kind: u32, dw: usize| {
            fmt << 29
                | (high >> 9 & 1) << 23
                | (high >> 8 & 1) << 19
                | kind << 24
                | u32::from(self.tc & 7) << 20
                | u32::from(self.attr >> 2 & 1) << 18
                | u32::from(self.poisoned) << 14
                | u32::from(self.attr & 3) << 12
                | u32::from(self.at & 3) << 10
                | length_field(dw)
        };
        let request = |req: u16, tag: u16, lbe: u8, fbe: u8| {
            u32::from(req) << 16
                | u32::from(tag & 0xff) << 8
                | u32::from(lbe & 0xf) << 4
                | u32::from(fbe & 0xf)
        };
        let address = |addr: u64| {
            if addr >> 32 == 0 {
                [addr as u32, 0]
            } else {
                [(addr >> 32) as u32, addr as u32]
            }
        };
        let wide = |addr: u64| if addr >> 32 == 0 { 0 } else { FMT_4DW };
        match &self.body {
            Body::MRd {
                req,
                tag,
                addr,
                dw,
                fbe,
                lbe,
            } => {
                let a = address(*addr);
                [
                    dw0(wide(*addr), 0, usize::from(*dw)),
                    request(*req, *tag, *lbe, *fbe),
                    a[0],
                    a[1],
                ]
            }
            Body::MWr {
                req,
                tag,
                addr,
                fbe,
                lbe,
                data,
            } => {
                let a = address(*addr);
                [
                    dw0(FMT_DATA | wide(*addr), 0, data.len() / 4),
                    request(*req, *tag, *lbe, *fbe),
                    a[0],
                    a[1],
                ]
            }
            Body::CfgRd {
                req,
                tag,
                target,
                reg,
                fbe,
            } => [
                dw0(0, 4, 1),
                request(*req, *tag, 0, *fbe),
                u32::from(*target) << 16 | u32::from(reg & 0xffc),
                0,
            ],
            Body::CfgWr {
                req,
                tag,
                target,
                reg,
                fbe,
                ..
            } => [
                dw0(FMT_DATA, 4, 1),
                request(*req, *tag, 0, *fbe),
                u32::from(*target) << 16 | u32::from(reg & 0xffc),
                0,
            ],
            Body::Cpl {
                cpl,
                req,
                tag,
                status,
                bytes,
                lower,
                data,
            } => {
                let fmt = if data.is_empty() { 0 } else { FMT_DATA };
                [
                    dw0(fmt, 0b01010, data.len() / 4),
                    u32::from(*cpl) << 16 | status.code() << 13 | u32::from(bytes & 0xfff),
                    u32::from(*req) << 16 | u32::from(tag & 0xff) << 8 | u32::from(lower & 0x7f),
                    0,
                ]
            }
            Body::Msg {
                req,
                tag,
                routing,
                code,
                data,
            } => {
                let fmt = FMT_4DW | if data.is_empty() { 0 } else { FMT_DATA };
                let dw1 = u32::from(*req) << 16 | u32::from(tag & 0xff) << 8 | u32::from(*code);
                [
                    dw0(fmt, 0b10000 | u32::from(routing & 7), data.len() / 4),
                    dw1,
                    0,
                    0,
                ]
            }
            Body::Other { hdr, .. } => *hdr,
        }
    }

    /// Decodes a header and its payload. Unknown formats come back as [`Body::Other`].
    ///
    /// # Errors
    /// When the length field contradicts the payload, or a completion status is reserved.
    pub fn decode(hdr: [u32; 4], prefix: Option<u32>, data: Vec<u8>) -> Result<Tlp, TlpError> {
        let [dw0, dw1, dw2, dw3] = hdr;
        let has_data = dw0 >> 30 & 1 == 1;
        let wide = dw0 >> 29 & 1 == 1;
        let dw = match (dw0 & 0x3ff) as u16 {
            0 => 1024,
            n => n,
        };
        let announced = if has_data { usize::from(dw) * 4 } else { 0 };
        if announced != data.len() {
            return Err(TlpError::PayloadLength {
                header_dw: if has_data { dw } else { 0 },
                payload_bytes: data.len(),
                dw0,
            });
        }
        let req = (dw1 >> 16) as u16;
        let high = |dw0: u32| ((dw0 >> 23 & 1) << 9 | (dw0 >> 19 & 1) << 8) as u16; // of a 10-bit tag
        let tag = (dw1 >> 8 & 0xff) as u16 | high(dw0);
        let (lbe, fbe) = ((dw1 >> 4 & 0xf) as u8, (dw1 & 0xf) as u8);
        let addr = if wide {
            u64::from(dw2) << 32 | u64::from(dw3 & !3)
        } else {
            u64::from(dw2 & !3)
        };
        let body = match (dw0 >> 29, dw0 >> 24 & 0x1f) {
            (0 | 1, 0) => Body::MRd {
                req,
                tag,
                addr,
                dw,
                fbe,
                lbe,
            },
            (2 | 3, 0) => Body::MWr {
                req,
                tag,
                addr,
                fbe,
                lbe,
                data,
            },
            (0, 4) => Body::CfgRd {
                req,
                tag,
                target: (dw2 >> 16) as u16,
                reg: (dw2 & 0xffc) as u16,
                fbe,
            },
            (2, 4) => Body::CfgWr {
                req,
                tag,
                target: (dw2 >> 16) as u16,
                reg: (dw2 & 0xffc) as u16,
                fbe,
                data,
            },
            (0 | 2, 0b01010) => Body::Cpl {
                cpl: (dw1 >> 16) as u16,
                req: (dw2 >> 16) as u16,
                tag: (dw2 >> 8 & 0xff) as u16 | high(dw0),
                status: CplStatus::from_code((dw1 >> 13 & 7) as u8).ok_or(TlpError::Status {
                    status: (dw1 >> 13 & 7) as u8,
                    dw1,
                })?,
                bytes: match (dw1 & 0xfff) as u16 {
                    0 => 4096,
                    n => n,
                },
                lower: (dw2 & 0x7f) as u8,
                data,
            },
            (1 | 3, t) if t >> 3 == 0b10 => Body::Msg {
                req,
                tag,
                routing: (t & 7) as u8,
                code: (dw1 & 0xff) as u8,
                data,
            },
            _ => Body::Other { hdr, data },
        };
        Ok(Tlp {
            tc: (dw0 >> 20 & 7) as u8,
            attr: ((dw0 >> 12 & 3) | (dw0 >> 18 & 1) << 2) as u8,
            at: (dw0 >> 10 & 3) as u8,
            poisoned: dw0 >> 14 & 1 == 1,
            prefix,
            body,
        })
    }
}

impl CplStatus {
    fn code(self) -> u32 {
        match self {
            CplStatus::Sc => 0,
            CplStatus::Ur => 1,
            CplStatus::Crs => 2,
            CplStatus::Ca => 4,
        }
    }
    fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(CplStatus::Sc),
            1 => Some(CplStatus::Ur),
            2 => Some(CplStatus::Crs),
            4 => Some(CplStatus::Ca),
            _ => None,
        }
    }
}

/// Addresses as `"0x…"` strings: JSON numbers lose precision beyond 2^53 in other languages.
pub mod hex_u64 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes `"0x…"`.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(v: &u64, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{v:#x}"))
    }

    /// Reads `"0x…"`.
    ///
    /// # Errors
    /// When the string is not a hexadecimal number with prefix.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
        let s = std::borrow::Cow::<'de, str>::deserialize(d)?;
        s.strip_prefix("0x")
            .and_then(|h| u64::from_str_radix(h, 16).ok())
            .ok_or_else(|| {
                D::Error::custom(format_args!("expected an address such as \"0x1000\", got {s:?}"))
            })
    }
}

/// Payload as a string of hexadecimal digits, lowest address first.
pub mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    /// Writes two digits a byte.
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(v: &[u8], s: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(v.len() * 2);
        for b in v {
            text.push(DIGITS[usize::from(b >> 4)] as char);
            text.push(DIGITS[usize::from(b & 15)] as char);
        }
        s.serialize_str(&text)
    }

    fn digit(c: u8) -> Option<u8> {
        (c as char).to_digit(16).map(|d| d as u8)
    }

    /// Reads two digits a byte.
    ///
    /// # Errors
    /// When a character is no hexadecimal digit or their number is odd.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        let s = std::borrow::Cow::<'de, str>::deserialize(d)?;
        let bytes = s.as_bytes();
        if bytes.len() % 2 != 0 {
            return Err(D::Error::custom(format_args!(
                "odd number of hexadecimal digits ({})",
                bytes.len()
            )));
        }
        bytes
            .chunks_exact(2)
            .enumerate()
            .map(|(i, p)| match (digit(p[0]), digit(p[1])) {
                (Some(h), Some(l)) => Ok(h << 4 | l),
                _ => Err(D::Error::custom(format_args!("no hexadecimal digit at byte {i}"))),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "callers build it in place")]
    fn round_trip(tlp: Tlp) {
        let decoded = Tlp::decode(tlp.header(), tlp.prefix, tlp.data().to_vec()).unwrap();
        assert_eq!(decoded, tlp);
        let line = serde_json::to_string(&tlp).unwrap();
        assert_eq!(serde_json::from_str::<Tlp>(&line).unwrap(), tlp, "{line}");
    }

    #[test]
    fn ten_bit_tags_lie_in_two_dwords() {
        let read = Tlp::new(Body::MRd {
            req: 0x0108,
            tag: 0x2a5,
            addr: 0x1000,
            dw: 4,
            fbe: 0xf,
            lbe: 0xf,
        });
        let [dw0, dw1, ..] = read.header();
        assert_eq!((dw0 >> 23 & 1, dw0 >> 19 & 1, dw1 >> 8 & 0xff), (1, 0, 0xa5));
        round_trip(read);
        round_trip(Tlp::new(Body::Cpl {
            cpl: 1,
            req: 0x0108,
            tag: 0x1ff,
            status: CplStatus::Sc,
            bytes: 4,
            lower: 0,
            data: vec![1, 2, 3, 4],
        }));
    }

    #[test]
    fn every_kind_survives_the_wire_and_json() {
        for addr in [0x1000, 0xffff_fffc, 0x1_0000_0000, 0xffff_ffff_ffff_fffc] {
            round_trip(Tlp::new(Body::MRd {
                req: 0x0108,
                tag: 0xff,
                addr,
                dw: 1024,
                fbe: 0xf,
                lbe: 0x7,
            }));
            round_trip(Tlp::new(Body::MWr {
                req: 1,
                tag: 0,
                addr,
                fbe: 0xc,
                lbe: 0,
                data: vec![1, 2, 3, 4],
            }));
        }
        round_trip(Tlp::new(Body::CfgRd {
            req: 0,
            tag: 3,
            target: 0x0100,
            reg: 0xffc,
            fbe: 0xf,
        }));
        round_trip(Tlp::new(Body::CfgWr {
            req: 0,
            tag: 3,
            target: 0x0100,
            reg: 4,
            fbe: 1,
            data: vec![6, 0, 0, 0],
        }));
        for status in [CplStatus::Sc, CplStatus::Ur, CplStatus::Crs, CplStatus::Ca] {
            let mut t = Tlp::new(Body::Cpl {
                cpl: 1,
                req: 2,
                tag: 9,
                status,
                bytes: 4096,
                lower: 0x7c,
                data: vec![0; 64],
            });
            t.attr = 7;
            t.poisoned = true;
            round_trip(t);
        }
        round_trip(Tlp::new(Body::Msg {
            req: 8,
            tag: 0,
            routing: 4,
            code: 0x20,
            data: vec![],
        }));
    }

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

    #[test]
    fn a_lying_length_is_an_error() {
        let t = Tlp::new(Body::MWr {
            req: 0,
            tag: 0,
            addr: 0,
            fbe: 15,
            lbe: 15,
            data: vec![0; 8],
        });
        let err = Tlp::decode(t.header(), None, vec![0; 4]).unwrap_err();
        assert!(matches!(
            err,
            TlpError::PayloadLength {
                header_dw: 2,
                payload_bytes: 4,
                ..
            }
        ));
    }
}
