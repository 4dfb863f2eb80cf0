//! Enumeration as an operating system does it: identify, size and place BARs, walk the capabilities, program the link's limits.

use super::config::LinkConfig;
use super::function::{Bar, Capability, Function, Msix};
use super::requests::RequestError;
use super::virtio_caps;

/// Where 64-bit BARs are placed: above 4 GiB and above the host's memory.
const WINDOW_64: u64 = 0x80_0000_0000;
/// Where 32-bit BARs are placed.
const WINDOW_32: u64 = 0xc000_0000;
const WINDOW_32_END: u64 = 0xfec0_0000;

/// Capabilities fit 48 times into the 192 bytes behind the header.
const CAPABILITIES_MAX: usize = 48;

/// Capability ids.
pub(super) const CAP_MSIX: u8 = 0x11;
const CAP_PCIE: u8 = 0x10;

const COMMAND: u16 = 0x04;
/// Command: memory space enable.
pub(super) const MEMORY_SPACE: u32 = 1 << 1;
/// Command: bus master enable.
pub(super) const BUS_MASTER: u32 = 1 << 2;
/// Command: interrupt disable.
pub(super) const INTX_DISABLE: u32 = 1 << 10;

/// Access to a function's configuration space.
pub trait ConfigAccess {
    /// Reads the dword at `reg`, a multiple of 4.
    fn read(&self, reg: u16) -> impl Future<Output = Result<u32, RequestError>>;
    /// Writes `size` bytes (1, 2 or 4, naturally aligned) at `reg`.
    fn write(&self, reg: u16, size: usize, value: u32) -> impl Future<Output = Result<(), RequestError>>;
}

/// Why a function cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnumerateError {
    /// A configuration access failed.
    #[error("configuration space: {0}")]
    Access(#[from] RequestError),
    /// No function answers.
    #[error("no function at {bdf:#06x}: vendor id reads {vendor:#06x}")]
    Absent {
        /// Where it was looked for.
        bdf: u16,
        /// What was read.
        vendor: u16,
    },
    /// Another header than type 0.
    #[error("header type {header_type:#04x}: only type 0 is an endpoint")]
    Header {
        /// The register.
        header_type: u8,
    },
    /// A BAR that cannot be.
    #[error("BAR{index} reads {mask:#x} after all ones were written: {why}")]
    Bar {
        /// Index.
        index: u8,
        /// What it read.
        mask: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A BAR does not keep the address written to it.
    #[error("BAR{index} was set to {wrote:#x} and reads {read:#x}")]
    BarReadBack {
        /// Index.
        index: u8,
        /// Address written.
        wrote: u64,
        /// Address read.
        read: u64,
    },
    /// The address window is full.
    #[error("no room for BAR{index} of {size_bytes:#x} bytes")]
    Window {
        /// Index.
        index: u8,
        /// Its size.
        size_bytes: u64,
    },
    /// The capability list is broken.
    #[error("capability list: pointer {pointer:#x} at {at:#x} {why}")]
    List {
        /// The pointer.
        pointer: u8,
        /// Where it stands.
        at: u16,
        /// What is wrong.
        why: &'static str,
    },
    /// A capability points where nothing is.
    #[error("{what} capability at {at:#x}: {why} (BAR {bar}, offset {offset:#x}, length {len_bytes:#x})")]
    Structure {
        /// Which capability.
        what: &'static str,
        /// Its offset in configuration space.
        at: u16,
        /// What is wrong.
        why: &'static str,
        /// Its BAR.
        bar: u8,
        /// Its offset in the BAR.
        offset: u32,
        /// Its length.
        len_bytes: u32,
    },
    /// A virtio structure that must exist does not.
    #[error("virtio: no usable {what} capability")]
    Missing {
        /// Which.
        what: &'static str,
    },
    /// A register does not keep what is written to it.
    #[error("register {reg:#x} ({what}) was set to {wrote:#x} and reads {read:#x}")]
    ReadBack {
        /// The register.
        reg: u16,
        /// Its name.
        what: &'static str,
        /// Written.
        wrote: u32,
        /// Read.
        read: u32,
    },
}

/// Finds out what the function at `bdf` is and sets it up for `link`. Memory space is enabled, bus mastering is left to the driver.
///
/// # Errors
/// [`EnumerateError`]: the first thing that an operating system could not work with.
pub async fn enumerate(
    config: &impl ConfigAccess,
    bdf: u16,
    link: &LinkConfig,
) -> Result<Function, EnumerateError> {
    let mut function = identify(config, bdf).await?;
    // BARs are sized with decoding off: all ones is an address, too.
    config.write(COMMAND, 2, 0).await?;
    function.bars = place_bars(config).await?;
    function.capabilities = capabilities(config).await?;
    if let Some(at) = function.capability(CAP_PCIE) {
        set_up_pcie(config, at, link, &mut function).await?;
    }
    read_structures(config, &mut function).await?;
    config.write(COMMAND, 2, MEMORY_SPACE).await?;
    Ok(function)
}

/// Finds out what the function at `bdf` is that somebody else has set up: reads, and writes nothing. `masks` is what each BAR read after all
/// ones were written to it; 0 where nobody has tried.
///
/// # Errors
/// [`EnumerateError`]: the first thing that an operating system could not work with.
pub async fn describe(
    config: &impl ConfigAccess,
    bdf: u16,
    masks: &[u32; 6],
) -> Result<Function, EnumerateError> {
    let mut function = identify(config, bdf).await?;
    function.bars = bars_as_set(config, masks).await?;
    function.capabilities = capabilities(config).await?;
    if let Some(at) = function.capability(CAP_PCIE) {
        let control = config.read(at + 8).await?;
        let size = |code: u32| 128 << (code & 7).min(5);
        (function.mps_bytes, function.mrrs_bytes) = (size(control >> 5), size(control >> 12));
        function.ext_tag = control >> 8 & 1 == 1;
    }
    read_structures(config, &mut function).await?;
    Ok(function)
}

async fn identify(config: &impl ConfigAccess, bdf: u16) -> Result<Function, EnumerateError> {
    let id = config.read(0).await?;
    let vendor = id as u16;
    if vendor == 0xffff || vendor == 0 {
        return Err(EnumerateError::Absent { bdf, vendor });
    }
    let header_type = (config.read(0x0c).await? >> 16) as u8;
    if header_type & 0x7f != 0 {
        return Err(EnumerateError::Header { header_type });
    }
    let class = config.read(0x08).await?;
    let subsystem = config.read(0x2c).await?;
    let interrupt_pin = (config.read(0x3c).await? >> 8) as u8;
    Ok(Function {
        bdf,
        vendor,
        device: (id >> 16) as u16,
        revision: class as u8,
        class: class >> 8,
        subsystem_vendor: subsystem as u16,
        subsystem: (subsystem >> 16) as u16,
        interrupt_pin,
        bars: Vec::new(),
        capabilities: Vec::new(),
        mps_bytes: 128,
        mrrs_bytes: 128,
        ext_tag: false,
        ten_bit_tag: false,
        msix: None,
        virtio: None,
    })
}

async fn read_structures(config: &impl ConfigAccess, function: &mut Function) -> Result<(), EnumerateError> {
    if let Some(at) = function.capability(CAP_MSIX) {
        function.msix = Some(read_msix(config, at, &function.bars).await?);
    }
    if function.virtio_type().is_some() {
        function.virtio = Some(virtio_caps::read(config, function).await?);
    }
    Ok(())
}

async fn bars_as_set(config: &impl ConfigAccess, masks: &[u32; 6]) -> Result<Vec<Bar>, EnumerateError> {
    let mut bars = Vec::new();
    let mut index = 0;
    while index < 6_u8 {
        let at = usize::from(index);
        let reg = 0x10 + 4 * u16::from(index);
        let low = masks[at];
        if low == 0 || low & 1 == 1 {
            index += 1;
            continue;
        }
        let is_64 = low >> 1 & 3 == 2 && at < 5;
        let mut base = u64::from(config.read(reg).await? & !0xf);
        let mut mask = u64::from(low & !0xf) | 0xffff_ffff_0000_0000;
        if is_64 {
            base |= u64::from(config.read(reg + 4).await?) << 32;
            mask = mask & 0xffff_ffff | u64::from(masks[at + 1]) << 32;
        }
        bars.push(Bar {
            index,
            base,
            size_bytes: (!mask).wrapping_add(1),
            is_64,
            prefetchable: low >> 3 & 1 == 1,
        });
        index += if is_64 { 2 } else { 1 };
    }
    Ok(bars)
}

async fn place_bars(config: &impl ConfigAccess) -> Result<Vec<Bar>, EnumerateError> {
    let mut bars = Vec::new();
    let (mut next_64, mut next_32) = (WINDOW_64, WINDOW_32);
    let mut index = 0;
    while index < 6 {
        let reg = 0x10 + 4 * u16::from(index);
        config.write(reg, 4, u32::MAX).await?;
        let low = config.read(reg).await?;
        let bad = |mask, why| EnumerateError::Bar { index, mask, why };
        if low == 0 {
            index += 1;
            continue;
        }
        if low & 1 == 1 {
            // I/O space: an endpoint has to work without it (PCIe 7.5.1.2.1), so none is given.
            config.write(reg, 4, 0).await?;
            index += 1;
            continue;
        }
        let is_64 = match low >> 1 & 3 {
            0 => false,
            2 if index < 5 => true,
            2 => return Err(bad(low.into(), "the last BAR cannot be 64-bit")),
            _ => return Err(bad(low.into(), "reserved memory type")),
        };
        let mut mask = u64::from(low & !0xf) | 0xffff_ffff_0000_0000;
        if is_64 {
            config.write(reg + 4, 4, u32::MAX).await?;
            let high = config.read(reg + 4).await?;
            mask = mask & 0xffff_ffff | u64::from(high) << 32;
        }
        let size = (!mask).wrapping_add(1);
        if size == 0 || !size.is_power_of_two() {
            return Err(bad(mask, "the size is no power of two"));
        }
        if size < 128 {
            return Err(bad(mask, "a memory BAR has at least 128 bytes"));
        }
        let next = if is_64 { &mut next_64 } else { &mut next_32 };
        let base = next
            .checked_next_multiple_of(size)
            .filter(|b| is_64 || b + size <= WINDOW_32_END)
            .ok_or(EnumerateError::Window {
                index,
                size_bytes: size,
            })?;
        *next = base + size;
        config.write(reg, 4, base as u32).await?;
        let mut read = u64::from(config.read(reg).await? & !0xf);
        if is_64 {
            config.write(reg + 4, 4, (base >> 32) as u32).await?;
            read |= u64::from(config.read(reg + 4).await?) << 32;
        }
        if read != base {
            return Err(EnumerateError::BarReadBack {
                index,
                wrote: base,
                read,
            });
        }
        bars.push(Bar {
            index,
            base,
            size_bytes: size,
            is_64,
            prefetchable: low >> 3 & 1 == 1,
        });
        index += if is_64 { 2 } else { 1 };
    }
    Ok(bars)
}

async fn capabilities(config: &impl ConfigAccess) -> Result<Vec<Capability>, EnumerateError> {
    let mut list: Vec<Capability> = Vec::new();
    if config.read(COMMAND).await? >> 20 & 1 == 0 {
        return Ok(list);
    }
    let mut at = 0x34;
    let mut pointer = config.read(0x34).await? as u8;
    loop {
        // The two low bits are reserved: software masks them.
        let offset = u16::from(pointer & !3);
        if offset == 0 {
            return Ok(list);
        }
        let bad = |why| EnumerateError::List { pointer, at, why };
        if offset < 0x40 {
            return Err(bad("points into the header"));
        }
        if list.iter().any(|c| c.offset == offset) || list.len() == CAPABILITIES_MAX {
            return Err(bad("makes a loop"));
        }
        let head = config.read(offset).await?;
        list.push(Capability {
            id: head as u8,
            offset,
        });
        at = offset + 1;
        pointer = (head >> 8) as u8;
    }
}

/// Device Control 2, 10-Bit Tag Requester Enable.
const TEN_BIT_TAG_ENABLE: u32 = 1 << 12;

/// `128 << n` as the three-bit code n.
fn size_code(bytes: u32) -> u32 {
    (bytes / 128).trailing_zeros()
}

async fn set_up_pcie(
    config: &impl ConfigAccess,
    at: u16,
    link: &LinkConfig,
    function: &mut Function,
) -> Result<(), EnumerateError> {
    let capability = config.read(at + 4).await?;
    let supported = 128 << (capability & 7).min(5);
    let mps = link.mps_bytes.min(supported);
    let ext_tag = link.ext_tag && capability >> 5 & 1 == 1;
    // Error reporting on; relaxed ordering (4), phantom functions (9), aux power (10) and no snoop (11) off; no reset (15).
    let control = 0xf | size_code(mps) << 5 | u32::from(ext_tag) << 8 | size_code(link.mrrs_bytes) << 12;
    config.write(at + 8, 2, control).await?;
    let read = config.read(at + 8).await? & 0xffff;
    let checked = 0b111 << 5 | 1 << 4 | 1 << 8 | 1 << 11 | 0b111 << 12;
    if (read ^ control) & checked != 0 {
        return Err(EnumerateError::ReadBack {
            reg: at + 8,
            what: "Device Control",
            wrote: control,
            read,
        });
    }
    // Link Control, bit 3: the root complex's read completion boundary is 128 bytes.
    let boundary = u32::from(link.rcb_bytes == 128) << 3;
    config.write(at + 0x10, 2, boundary).await?;
    (function.mps_bytes, function.mrrs_bytes, function.ext_tag) = (mps, link.mrrs_bytes, ext_tag);
    // Device Capabilities 2, bit 17: 10-Bit Tag Requester Supported. The host's completer always is.
    if link.ten_bit_tag && config.read(at + 0x24).await? >> 17 & 1 == 1 {
        let control = config.read(at + 0x28).await? & 0xffff | TEN_BIT_TAG_ENABLE;
        config.write(at + 0x28, 2, control).await?;
        let read = config.read(at + 0x28).await? & 0xffff;
        if read != control {
            return Err(EnumerateError::ReadBack {
                reg: at + 0x28,
                what: "Device Control 2",
                wrote: control,
                read,
            });
        }
        function.ten_bit_tag = true;
    }
    Ok(())
}

async fn read_msix(config: &impl ConfigAccess, at: u16, bars: &[Bar]) -> Result<Msix, EnumerateError> {
    let vectors = ((config.read(at).await? >> 16) & 0x7ff) as u16 + 1;
    let table = config.read(at + 4).await?;
    let pba = config.read(at + 8).await?;
    let table_bytes = u32::from(vectors) * 16;
    let pba_bytes = u32::from(vectors).div_ceil(64) * 8;
    Ok(Msix {
        offset: at,
        vectors,
        table: in_bar(
            bars,
            "MSI-X table",
            at,
            (table & 7) as u8,
            table & !7,
            table_bytes,
        )?,
        pba: in_bar(bars, "MSI-X PBA", at, (pba & 7) as u8, pba & !7, pba_bytes)?,
    })
}

/// The bus address of a structure in a BAR.
pub(super) fn in_bar(
    bars: &[Bar],
    what: &'static str,
    at: u16,
    bar: u8,
    offset: u32,
    len_bytes: u32,
) -> Result<u64, EnumerateError> {
    let bad = |why| EnumerateError::Structure {
        what,
        at,
        why,
        bar,
        offset,
        len_bytes,
    };
    let place = bars
        .iter()
        .find(|b| b.index == bar)
        .ok_or_else(|| bad("there is no such memory BAR"))?;
    if u64::from(offset) + u64::from(len_bytes) > place.size_bytes {
        return Err(bad("it ends beyond the BAR"));
    }
    Ok(place.base + u64::from(offset))
}
