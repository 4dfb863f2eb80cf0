//! Rules of the PCI Express transaction layer that need no knowledge of virtio.

use super::config_space::ConfigSpace;
use super::verdict::Book;
use crate::event::Link;
use crate::rules::RuleId;
use crate::tlp::{Body, Tlp};

/// Credit limits and what the device has consumed, cumulative.
#[derive(Debug, Default)]
pub(crate) struct Credits {
    /// (headers, data) limits: posted, non-posted, completions. `None` before the first credit event.
    limits: Option<[(u8, u16); 3]>,
    consumed: [(u8, u16); 3],
}

impl Credits {
    pub(crate) fn limit(&mut self, limits: [(u8, u16); 3]) {
        self.limits = Some(limits);
    }

    /// The reset pin was active: consumption starts over.
    pub(crate) fn reset(&mut self) {
        self.consumed = Default::default();
    }

    /// Headers and data units that a packet of this class may still take; `None`: nobody has said.
    pub(crate) fn left(&self, class: usize) -> Option<(u8, u16)> {
        let ((lh, ld), (headers, data)) = (self.limits?[class], self.consumed[class]);
        let (h, d) = (lh.wrapping_sub(headers), ld.wrapping_sub(data) & 0xfff);
        Some((if h < 0x80 { h } else { 0 }, if d < 0x800 { d } else { 0 }))
    }

    fn spend(&mut self, tlp: &Tlp, book: &mut Book) {
        let class = match &tlp.body {
            Body::MWr { .. } | Body::Msg { .. } => 0,
            Body::MRd { .. } | Body::CfgRd { .. } | Body::CfgWr { .. } | Body::Other { .. } => 1,
            Body::Cpl { .. } => 2,
        };
        let units = tlp.data().len().div_ceil(16) as u16;
        let used = &mut self.consumed[class];
        used.0 = used.0.wrapping_add(1);
        used.1 = (used.1 + units) & 0xfff;
        let (headers, data) = *used;
        let Some(limits) = self.limits else { return };
        let (lh, ld) = limits[class];
        let ok = lh.wrapping_sub(headers) < 0x80 && (units == 0 || (ld.wrapping_sub(data) & 0xfff) < 0x800);
        book.check(
            RuleId::BusCredit,
            None,
            ok,
            || {
                format!(
                    "{} credits up to {lh} headers and {ld} data units",
                    ["posted", "non-posted", "completion"][class]
                )
            },
            || format!("this packet takes header {headers} and data up to {data} (cumulative, modular)"),
        );
    }
}

fn contiguous_from_top(be: u8) -> bool {
    matches!(be & 0xf, 0b1111 | 0b1110 | 0b1100 | 0b1000)
}

fn contiguous_from_bottom(be: u8) -> bool {
    matches!(be & 0xf, 0b1111 | 0b0111 | 0b0011 | 0b0001)
}

/// Are these byte enables legal for a request of `dw` dwords at `addr`?
fn byte_enables_legal(addr: u64, dw: u64, fbe: u8, lbe: u8) -> bool {
    match dw {
        0 => false,
        1 => lbe & 0xf == 0,
        2 if addr & 7 == 0 => fbe & 0xf != 0 && lbe & 0xf != 0,
        _ => contiguous_from_top(fbe) && contiguous_from_bottom(lbe),
    }
}

/// What every packet of the device must obey. `acknowledged`: latest request of the host that the device has answered.
pub(crate) fn check_upstream(
    tlp: &Tlp,
    link: &Link,
    config: &ConfigSpace,
    credits: &mut Credits,
    acknowledged: u64,
    book: &mut Book,
) {
    credits.spend(tlp, book);
    let payload = tlp.data().len();
    book.check(
        RuleId::BusMps,
        None,
        payload <= link.mps_bytes as usize,
        || format!("at most {} bytes of payload", link.mps_bytes),
        || format!("{payload}"),
    );
    book.check(
        RuleId::BusKind,
        None,
        !matches!(
            tlp.body,
            Body::CfgRd { .. } | Body::CfgWr { .. } | Body::Other { .. }
        ),
        || "a memory request, a message or a completion".into(),
        || tlp.to_string(),
    );
    let (req, tag, addr, dw, fbe, lbe, read) = match &tlp.body {
        Body::MRd {
            req,
            tag,
            addr,
            dw,
            fbe,
            lbe,
        } => (*req, *tag, *addr, u64::from(*dw), *fbe, *lbe, true),
        Body::MWr {
            req,
            tag,
            addr,
            fbe,
            lbe,
            data,
        } => (*req, *tag, *addr, data.len() as u64 / 4, *fbe, *lbe, false),
        _ => return,
    };
    book.check(
        RuleId::Bus4k,
        None,
        (addr & 0xfff) + 4 * dw <= 4096,
        || "a request inside one 4 KiB page".into(),
        || format!("{dw} dwords at {addr:#x}"),
    );
    book.check(
        RuleId::BusBe,
        None,
        byte_enables_legal(addr, dw, fbe, lbe),
        || "legal byte enables".into(),
        || format!("first {fbe:#06b}, last {lbe:#06b}, {dw} dwords at {addr:#x}"),
    );
    if config.command_seen {
        book.check(
            RuleId::BusMaster,
            None,
            !config.bus_master.surely_off(acknowledged),
            || "no memory request while bus mastering is off".into(),
            || format!("a request for {addr:#x}"),
        );
    }
    if let Some(bdf) = config.bdf {
        book.check(
            RuleId::BusRequester,
            None,
            req == bdf,
            || format!("requester id {bdf:#06x}"),
            || format!("{req:#06x}"),
        );
    }
    let plain = tlp.tc == 0 && tlp.at == 0 && tlp.attr & 0b101 == 0;
    book.check(
        RuleId::BusAttr,
        None,
        plain,
        || "traffic class 0, untranslated, no NS, no IDO".into(),
        || format!("tc {}, at {}, attr {:#05b}", tlp.tc, tlp.at, tlp.attr),
    );
    if read {
        let asked = 4 * dw;
        book.check(
            RuleId::BusMrrs,
            None,
            asked <= u64::from(link.mrrs_bytes),
            || format!("at most {} bytes", link.mrrs_bytes),
            || format!("{asked}"),
        );
        // With 10-bit tags the two upper bits are never both zero (PCIe 2.2.6.2): an 8-bit completer is found out by them.
        let tags = match (config.ten_bit_tag, config.ext_tag) {
            (true, _) => 256..1024,
            (false, Some(false)) => 0..32,
            (false, _) => 0..256,
        };
        book.check(
            RuleId::BusTagWidth,
            None,
            tags.contains(&tag),
            || format!("a tag of {}..{}", tags.start, tags.end),
            || format!("{tag}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_enables() {
        for (addr, dw, fbe, lbe, legal) in [
            (0, 1, 0b0101, 0, true),
            (0, 1, 0, 0, true),
            (0, 1, 15, 15, false),
            (0, 2, 0b0101, 0b1010, true),
            (4, 2, 0b0101, 0b1111, false),
            (4, 2, 0b1100, 0b0011, true),
            (0, 3, 0b1000, 0b0001, true),
            (0, 3, 0b0111, 0b1111, false),
            (0, 3, 0b1111, 0, false),
            (0, 2, 0b1111, 0, false),
        ] {
            assert_eq!(
                byte_enables_legal(addr, dw, fbe, lbe),
                legal,
                "{addr} {dw} {fbe:b} {lbe:b}"
            );
        }
    }

    #[test]
    fn credits_are_cumulative_and_modular() {
        let mut book = Book::new();
        let mut c = Credits::default();
        let write = |n| {
            Tlp::new(Body::MWr {
                req: 0,
                tag: 0,
                addr: 0,
                fbe: 15,
                lbe: 15,
                data: vec![0; n],
            })
        };
        for i in 0..300u16 {
            c.limit([((i + 1) as u8, ((i + 1) * 4) & 0xfff), (0, 0), (0, 0)]);
            c.spend(&write(64), &mut book);
        }
        assert!(book.take_fresh().is_empty());
        c.spend(&write(64), &mut book);
        assert_eq!(book.take_fresh()[0].rule, "BUS-CREDIT");
    }
}
