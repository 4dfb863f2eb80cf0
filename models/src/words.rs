//! Packets and structures as a person calls them, for messages.

use std::fmt;

use crate::event::Region;
use crate::hex;
use crate::tlp::{Body, CplStatus, Tlp};

/// Payload bytes shown of a packet that nobody expected.
const SHOWN_BYTES: usize = 16;

impl fmt::Display for CplStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CplStatus::Sc => "Successful Completion",
            CplStatus::Ur => "Unsupported Request",
            CplStatus::Crs => "Configuration Request Retry Status",
            CplStatus::Ca => "Completer Abort",
        })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Region::Common => "common configuration",
            Region::Notify => "the notification structure",
            Region::Isr => "ISR status",
            Region::Device => "device-specific configuration",
            Region::MsixTable => "the MSI-X table",
            Region::MsixPba => "the MSI-X pending bits",
            Region::Checkpoint => "the checkpoint window",
        })
    }
}

impl fmt::Display for Tlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.body {
            Body::MRd { addr, dw, .. } => write!(f, "memory read of {dw} dwords at {addr:#x}")?,
            Body::MWr { addr, data, .. } => write!(f, "memory write of {} bytes at {addr:#x}", data.len())?,
            Body::CfgRd { target, reg, .. } => {
                write!(f, "configuration read of register {reg:#05x} of {target:#06x}")?;
            }
            Body::CfgWr { target, reg, .. } => {
                write!(f, "configuration write of register {reg:#05x} of {target:#06x}")?;
            }
            Body::Cpl { req, tag, status, .. } => write!(f, "completion to {req:#06x}, tag {tag}: {status}")?,
            Body::Msg { code, routing, .. } => write!(f, "message {code:#04x}, routing {routing}")?,
            Body::Other { hdr, .. } => {
                f.write_str("packet with header")?;
                for dword in hdr {
                    write!(f, " {dword:08x}")?;
                }
            }
        }
        let data = self.data();
        if !data.is_empty() {
            let shown = &data[..data.len().min(SHOWN_BYTES)];
            let more = if data.len() > shown.len() { " …" } else { "" };
            write!(f, ", data {}{more}", hex::text(shown, " "))?;
        }
        if self.poisoned {
            f.write_str(", poisoned")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_called_what_the_specification_calls_them() {
        let write = Body::CfgWr {
            req: 0,
            tag: 1,
            target: 0x100,
            reg: 0x10,
            fbe: 15,
            data: vec![0, 1, 2, 255],
        };
        assert_eq!(
            Tlp::new(write).to_string(),
            "configuration write of register 0x010 of 0x0100, data 00 01 02 ff"
        );
        let mut other = Tlp::new(Body::Other {
            hdr: [0x4a00_0001, 0, 2, 3],
            data: vec![7; 20],
        });
        other.poisoned = true;
        let data = "07 ".repeat(SHOWN_BYTES);
        assert_eq!(
            other.to_string(),
            format!("packet with header 4a000001 00000000 00000002 00000003, data {data}…, poisoned")
        );
    }

    #[test]
    fn no_bytes_are_no_text() {
        assert_eq!(
            (hex::text(&[], ":"), hex::text(&[2, 0xff], ":")),
            (String::new(), "02:ff".into())
        );
    }
}
