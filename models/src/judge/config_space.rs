//! Configuration space as the host wrote and read it: bus number, command, PCI Express and MSI-X control.

use super::window::Window;
use super::windows::Switch;

const COMMAND: u16 = 0x04;
const CAP_POINTER: u16 = 0x34;
const CAP_PCIE: u8 = 0x10;
const CAP_MSIX: u8 = 0x11;
const CAP_VENDOR: u8 = 0x09;
/// `cfg_type` of the `PCI_CFG` capability.
const PCI_CFG: u8 = 5;

/// What the judge knows of configuration space.
#[derive(Debug)]
pub(crate) struct ConfigSpace {
    dwords: Box<[Option<u32>; 1024]>,
    /// Bus/device/function of the last configuration write.
    pub(crate) bdf: Option<u16>,
    /// The command register was written (else the trace has no enumeration and bus mastering is not judged).
    pub(crate) command_seen: bool,
    pub(crate) bus_master: Switch,
    pub(crate) intx_disable: Switch,
    pub(crate) ext_tag: Option<bool>,
    /// 10-Bit Tag Requester Enable.
    pub(crate) ten_bit_tag: bool,
    /// MSI-X Enable; `None` while nobody has found the capability.
    pub(crate) msix_enable: Option<Switch>,
    pub(crate) function_mask: Switch,
    pub(crate) window: Window,
    pcie: Option<u16>,
    msix: Option<u16>,
    /// Vendor-specific capabilities found so far.
    vendor: Vec<u16>,
    /// The capability list has been read to its end.
    walked: bool,
}

/// What a configuration write did beyond storing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConfigEffect {
    None,
    /// Function-level reset was started.
    Flr,
    /// MSI-X enable or function mask changed.
    Msix,
}

impl ConfigSpace {
    pub(crate) fn new() -> Self {
        ConfigSpace {
            dwords: Box::new([None; 1024]),
            bdf: None,
            command_seen: false,
            bus_master: Switch::default(),
            intx_disable: Switch::default(),
            ext_tag: None,
            ten_bit_tag: false,
            msix_enable: None,
            function_mask: Switch::default(),
            window: Window::default(),
            pcie: None,
            msix: None,
            vendor: Vec::new(),
            walked: false,
        }
    }

    /// After a reset that clears configuration space. Where the capabilities are is still known.
    pub(crate) fn reset(&mut self, seq: u64) {
        self.bus_master.set(false, seq);
        self.intx_disable.set(false, seq);
        self.function_mask.set(false, seq);
        if let Some(m) = &mut self.msix_enable {
            m.set(false, seq);
        }
        self.ext_tag = None;
        self.ten_bit_tag = false;
    }

    /// A configuration read was answered.
    pub(crate) fn read_done(&mut self, reg: u16, value: u32) {
        self.dwords[usize::from(reg >> 2) & 1023] = Some(value);
        self.window.read_done(reg, value);
        if !self.walked {
            self.find_capabilities();
        }
    }

    /// A dword as it was last read.
    pub(crate) fn dword(&self, reg: u16) -> Option<u32> {
        self.dwords[usize::from(reg >> 2) & 1023]
    }

    /// Vendor-specific capabilities found so far, in list order.
    pub(crate) fn vendor_capabilities(&self) -> impl Iterator<Item = u16> {
        self.vendor.iter().copied()
    }

    /// The vendor-specific capability that `reg` belongs to, unless it is the window.
    pub(crate) fn read_only_capability(&self, reg: u16) -> Option<u16> {
        let bytes = |at: u16| u16::from(self.byte(at + 2).unwrap_or(0));
        let found = self
            .vendor
            .iter()
            .copied()
            .find(|&at| (at..at + bytes(at)).contains(&reg))?;
        (self.window.at != Some(found)).then_some(found)
    }

    /// Has the capability list been read to its end?
    pub(crate) fn walked(&self) -> bool {
        self.walked
    }

    /// Vectors of the MSI-X table, if known.
    pub(crate) fn vectors(&self) -> Option<u16> {
        let control = self.dword(self.msix?)?;
        Some((control >> 16 & 0x7ff) as u16 + 1)
    }

    fn byte(&self, at: u16) -> Option<u8> {
        self.dwords[usize::from(at >> 2)].map(|v| (v >> (8 * (at & 3))) as u8)
    }

    fn find_capabilities(&mut self) {
        let mut next = self.byte(CAP_POINTER);
        for _ in 0..48 {
            let Some(at) = next.map(|p| u16::from(p & 0xfc)) else {
                return;
            };
            if at < 0x40 {
                self.walked = true;
                return;
            }
            match self.byte(at) {
                Some(CAP_PCIE) => self.pcie = Some(at),
                Some(CAP_MSIX) => {
                    self.msix = Some(at);
                    // Nobody has written its control word yet, so it is as it was read.
                    let control = self.dwords[usize::from(at >> 2)].unwrap_or(0);
                    let on = self.msix_enable.get_or_insert_default();
                    if control >> 31 & 1 == 1 {
                        on.set(true, 0);
                    }
                }
                Some(CAP_VENDOR) => {
                    if self.byte(at + 3) == Some(PCI_CFG) {
                        self.window.at.get_or_insert(at);
                    }
                    if !self.vendor.contains(&at) {
                        self.vendor.push(at);
                    }
                }
                Some(_) => {}
                None => return,
            }
            next = self.byte(at + 1);
        }
    }

    /// A configuration write crossed.
    pub(crate) fn write(&mut self, target: u16, reg: u16, fbe: u8, data: u32, seq: u64) -> ConfigEffect {
        self.bdf = Some(target);
        let enabled = |byte: u16| fbe >> byte & 1 == 1;
        let mut effect = ConfigEffect::None;
        if reg == COMMAND {
            self.command_seen = true;
            if enabled(0) {
                self.bus_master.set(data >> 2 & 1 == 1, seq);
            }
            if enabled(1) {
                self.intx_disable.set(data >> 10 & 1 == 1, seq);
            }
        }
        if self.pcie.is_some_and(|c| reg == c + 8) && enabled(1) {
            self.ext_tag = Some(data >> 8 & 1 == 1);
            if data >> 15 & 1 == 1 {
                effect = ConfigEffect::Flr;
            }
        }
        // Whoever enables 10-bit tags has read before, in Device Capabilities 2, that there are any.
        let ten_bit =
            |c: u16| self.dwords[usize::from((c + 0x24) >> 2) & 1023].is_some_and(|v| v >> 17 & 1 == 1);
        if self.pcie.is_some_and(|c| reg == c + 0x28 && ten_bit(c)) && enabled(1) {
            self.ten_bit_tag = data >> 12 & 1 == 1;
        }
        if self.msix == Some(reg) && enabled(3) {
            self.msix_enable
                .get_or_insert_default()
                .set(data >> 31 & 1 == 1, seq);
            self.function_mask.set(data >> 30 & 1 == 1, seq);
            effect = ConfigEffect::Msix;
        }
        effect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_found_by_walking_what_was_read() {
        let mut c = ConfigSpace::new();
        c.read_done(0x34, 0x40);
        c.read_done(0x40, 0x0002_5010); // PCI Express at 0x40, next 0x50
        assert_eq!((c.pcie, c.msix), (Some(0x40), None));
        c.read_done(0x50, 0x0008_0011); // MSI-X, end of list
        assert_eq!(c.msix, Some(0x50));
        assert_eq!(c.write(8, 0x50, 0xf, 0x8000_0000, 1), ConfigEffect::Msix);
        assert!(c.msix_enable.unwrap().on() && !c.function_mask.on());
        assert_eq!(c.write(8, 0x48, 0x3, 0x8100, 2), ConfigEffect::Flr);
        assert_eq!((c.ext_tag, c.ten_bit_tag), (Some(true), false));
        c.read_done(0x64, 0x0003_0000);
        c.write(8, 0x68, 0x3, 0x1000, 2);
        assert!(c.ten_bit_tag, "Device Control 2, 10-Bit Tag Requester Enable");
        c.write(8, 4, 1, 6, 3);
        assert!(c.bus_master.on() && c.bdf == Some(8));
    }

    #[test]
    fn a_looping_list_ends() {
        let mut c = ConfigSpace::new();
        c.read_done(0x34, 0x40);
        c.read_done(0x40, 0x4009);
        assert_eq!((c.pcie, c.msix), (None, None));
    }
}
