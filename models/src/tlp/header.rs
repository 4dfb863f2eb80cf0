//! The coding of packets to and from the four header dwords of the wire.

use super::{Body, CplStatus, Tlp};

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

const FMT_DATA: u32 = 0b010;
const FMT_4DW: u32 = 0b001;

fn length_field(dw: usize) -> u32 {
    (dw as u32) & 0x3ff // 1024 is coded 0
}

impl Tlp {
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
