//! A PCI function as enumeration found it: everything that a driver needs.

use ringside_models::event::{Region, What};

/// A base address register in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Index, 0..=5; a 64-bit BAR has the lower one.
    pub index: u8,
    /// Bus address assigned.
    pub base: u64,
    /// Size in bytes.
    pub size_bytes: u64,
    /// 64-bit.
    pub is_64: bool,
    /// Prefetchable.
    pub prefetchable: bool,
}

/// A capability in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Its id.
    pub id: u8,
    /// Offset in configuration space.
    pub offset: u16,
}

/// A structure in a BAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Bus address.
    pub addr: u64,
    /// Length in bytes.
    pub len_bytes: u32,
}

/// The virtio structures (virtio 1.4, "Virtio Structure PCI Capabilities").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Virtio {
    /// Common configuration.
    pub common: Structure,
    /// Kicks.
    pub notify: Structure,
    /// `notify_off_multiplier`.
    pub notify_multiplier: u32,
    /// ISR status.
    pub isr: Structure,
    /// Device-specific configuration, if the type has one.
    pub device: Option<Structure>,
    /// Ringside's checkpoint window, if the function has one.
    pub checkpoint: Option<Structure>,
    /// Offset of the access window in configuration space.
    pub pci_cfg: Option<u16>,
}

/// Message signalled interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Msix {
    /// Offset of the capability.
    pub offset: u16,
    /// Vectors, 1..=2048.
    pub vectors: u16,
    /// Bus address of the table.
    pub table: u64,
    /// Bus address of the pending bits.
    pub pba: u64,
}

/// A function after enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Bus/device/function.
    pub bdf: u16,
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Revision.
    pub revision: u8,
    /// Class code, 24 bit.
    pub class: u32,
    /// Subsystem vendor id.
    pub subsystem_vendor: u16,
    /// Subsystem id.
    pub subsystem: u16,
    /// Interrupt pin: 0 none, 1 INTA.
    pub interrupt_pin: u8,
    /// BARs in use, by index.
    pub bars: Vec<Bar>,
    /// Capabilities in list order.
    pub capabilities: Vec<Capability>,
    /// Max payload size in force, bytes.
    pub mps_bytes: u32,
    /// Max read request size in force, bytes.
    pub mrrs_bytes: u32,
    /// Are 8-bit tags in force?
    pub ext_tag: bool,
    /// Are 10-bit tags in force?
    pub ten_bit_tag: bool,
    /// MSI-X, if there is the capability.
    pub msix: Option<Msix>,
    /// virtio structures, if it is a virtio function.
    pub virtio: Option<Virtio>,
}

impl Function {
    /// The virtio device type: device id less 0x1040, for a modern virtio function.
    #[must_use]
    pub fn virtio_type(&self) -> Option<u16> {
        (self.vendor == 0x1af4 && (0x1040..0x1080).contains(&self.device)).then(|| self.device - 0x1040)
    }

    /// The offset of the first capability with this id.
    #[must_use]
    pub fn capability(&self, id: u8) -> Option<u16> {
        self.capabilities.iter().find(|c| c.id == id).map(|c| c.offset)
    }

    /// The events that tell readers of the trace where the function's structures are.
    #[must_use]
    pub fn maps(&self) -> Vec<What> {
        let map = |region, s: Structure, multiplier| What::Map {
            region,
            addr: s.addr,
            len_bytes: s.len_bytes,
            multiplier,
        };
        let mut maps = Vec::new();
        if let Some(v) = &self.virtio {
            maps.push(map(Region::Common, v.common, None));
            maps.push(map(Region::Notify, v.notify, Some(v.notify_multiplier)));
            maps.push(map(Region::Isr, v.isr, None));
            maps.extend(v.device.map(|d| map(Region::Device, d, None)));
            maps.extend(v.checkpoint.map(|c| map(Region::Checkpoint, c, None)));
        }
        if let Some(m) = &self.msix {
            let vectors = u32::from(m.vectors);
            let table = Structure {
                addr: m.table,
                len_bytes: vectors * 16,
            };
            let pba = Structure {
                addr: m.pba,
                len_bytes: vectors.div_ceil(64) * 8,
            };
            maps.push(map(Region::MsixTable, table, None));
            maps.push(map(Region::MsixPba, pba, None));
        }
        maps
    }
}
