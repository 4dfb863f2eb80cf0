//! The `PCI_CFG` capability: registers behind the BARs, reached through configuration space.

/// Offsets in the capability.
const BAR: u16 = 4;
const OFFSET: u16 = 8;
const LENGTH: u16 = 12;
const DATA: u16 = 16;

/// The window as the host has set it, and where the BARs are.
#[derive(Debug, Default)]
pub(crate) struct Window {
    /// Where the capability lies, once found.
    pub(crate) at: Option<u16>,
    bars: [u32; 6],
    /// BARs known to be 64 bits wide, one bit each.
    wide: u8,
    bar: u8,
    offset: u32,
    length: u32,
}

fn bar_of(reg: u16) -> Option<usize> {
    (0x10..0x28).contains(&reg).then(|| usize::from((reg - 0x10) / 4))
}

impl Window {
    /// A configuration read was answered.
    pub(crate) fn read_done(&mut self, reg: u16, value: u32) {
        if let Some(n) = bar_of(reg)
            && value & 7 == 4
        {
            self.wide |= 1 << n;
        }
    }

    /// A configuration write crossed. The bus address and length of the access that it makes, if it makes one.
    pub(crate) fn write(&mut self, reg: u16, fbe: u8, data: u32) -> Option<(u64, usize)> {
        let mask = (0..4)
            .filter(|b| fbe >> b & 1 == 1)
            .fold(0_u32, |m, b| m | 0xff << (8 * b));
        let merge = |old: u32| old & !mask | data & mask;
        if let Some(n) = bar_of(reg) {
            self.bars[n] = merge(self.bars[n]);
        }
        match reg.checked_sub(self.at?)? {
            BAR => self.bar = merge(u32::from(self.bar)) as u8,
            OFFSET => self.offset = merge(self.offset),
            LENGTH => self.length = merge(self.length),
            DATA => return self.access(),
            _ => {}
        }
        None
    }

    /// The access that a read of this register makes, if it makes one.
    pub(crate) fn read(&self, reg: u16) -> Option<(u64, usize)> {
        (reg.checked_sub(self.at?)? == DATA)
            .then(|| self.access())
            .flatten()
    }

    fn access(&self) -> Option<(u64, usize)> {
        let n = usize::from(self.bar);
        let low = u64::from(*self.bars.get(n)? & !0xf);
        let high = if self.wide >> n & 1 == 1 {
            u64::from(*self.bars.get(n + 1)?)
        } else {
            0
        };
        let addr = (high << 32 | low).wrapping_add(u64::from(self.offset));
        matches!(self.length, 1 | 2 | 4).then_some((addr, self.length as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_is_bar_offset_and_length() {
        let mut w = Window {
            at: Some(0x60),
            ..Window::default()
        };
        w.read_done(0x10, 0xffff_000c & !8);
        w.write(0x10, 15, 0xe000_0004);
        w.write(0x14, 15, 0x80);
        w.write(0x64, 1, 0);
        w.write(0x68, 15, 0x3004);
        assert_eq!(w.write(0x6c, 15, 2), None);
        assert_eq!(w.read(0x70), Some((0x80_e000_3004, 2)));
        assert_eq!(w.write(0x70, 15, 1), Some((0x80_e000_3004, 2)));
        w.write(0x6c, 15, 3);
        assert_eq!((w.read(0x70), w.read(0x74)), (None, None));
        w.write(0x6c, 15, 4);
        w.write(0x64, 1, 9);
        assert_eq!(w.read(0x70), None);
    }
}
