//! The virtio vendor capabilities: where the function's structures are (virtio 1.4, "Virtio Structure PCI Capabilities").

use super::enumerate::{ConfigAccess, EnumerateError, in_bar};
use super::function::{Function, Structure, Virtio};

/// Vendor-specific capability.
const CAP_VENDOR: u8 = 0x09;

const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
const DEVICE: u8 = 4;
const PCI_CFG: u8 = 5;
const VENDOR_DATA: u8 = 9;

/// Vendor id and structure of the checkpoint window (`rtl/pcie/config_rom.sv`). Of other vendors' data nothing is known, and nothing is touched (PCI-DRV-017).
const CHECKPOINT: (u16, u8) = (0x5253, 1);
/// Bytes of its capability, and of one queue.
const CHECKPOINT_BYTES: (u8, u32) = (16, 8);

struct Kind {
    name: &'static str,
    cap_bytes: u8,
    least_bytes: u32,
    align_bytes: u32,
}

/// What each structure needs at least. 56 bytes of common configuration are those of virtio 1.0.
fn kind(cfg_type: u8) -> Option<Kind> {
    let (name, cap_bytes, least_bytes, align_bytes) = match cfg_type {
        COMMON => ("common configuration", 16, 56, 4),
        NOTIFY => ("notification", 20, 2, 2),
        ISR => ("ISR", 16, 1, 1),
        DEVICE => ("device configuration", 16, 1, 4),
        PCI_CFG => ("PCI configuration access", 20, 0, 1),
        _ => return None,
    };
    Some(Kind {
        name,
        cap_bytes,
        least_bytes,
        align_bytes,
    })
}

/// Reads the structures; of several capabilities of a type the first usable one counts.
pub(super) async fn read(config: &impl ConfigAccess, function: &Function) -> Result<Virtio, EnumerateError> {
    let mut found: [Option<Structure>; 5] = [None; 5];
    let mut notify_multiplier = 0;
    let mut pci_cfg = None;
    let mut checkpoint = None;
    for cap in function.capabilities.iter().filter(|c| c.id == CAP_VENDOR) {
        let at = cap.offset;
        let head = config.read(at).await?;
        let (cap_len, cfg_type) = ((head >> 16) as u8, (head >> 24) as u8);
        let word = config.read(at + 4).await?;
        let bar = word as u8;
        if cfg_type == VENDOR_DATA && (word as u16, (word >> 16) as u8) == CHECKPOINT && checkpoint.is_none()
        {
            checkpoint = Some(read_checkpoint(config, function, at, cap_len, (word >> 24) as u8).await?);
            continue;
        }
        let Some(kind) = kind(cfg_type) else {
            continue;
        };
        // A BAR number beyond 5 is reserved, and such a capability is to be ignored.
        if bar > 5 {
            continue;
        }
        if cfg_type == PCI_CFG {
            pci_cfg = pci_cfg.or(Some(at));
            continue;
        }
        let offset = config.read(at + 8).await?;
        let len_bytes = config.read(at + 12).await?;
        let bad = |why| EnumerateError::Structure {
            what: kind.name,
            at,
            why,
            bar,
            offset,
            len_bytes,
        };
        if cap_len < kind.cap_bytes {
            return Err(bad("cap_len is too short"));
        }
        if len_bytes < kind.least_bytes {
            return Err(bad("the structure is too short"));
        }
        if !offset.is_multiple_of(kind.align_bytes) {
            return Err(bad("the offset is not aligned"));
        }
        let addr = in_bar(&function.bars, kind.name, at, bar, offset, len_bytes)?;
        let slot = &mut found[usize::from(cfg_type)];
        if slot.is_none() {
            *slot = Some(Structure { addr, len_bytes });
            if cfg_type == NOTIFY {
                notify_multiplier = config.read(at + 16).await?;
                if notify_multiplier != 0 && (!notify_multiplier.is_power_of_two() || notify_multiplier == 1)
                {
                    return Err(bad("notify_off_multiplier is neither 0 nor an even power of two"));
                }
            }
        }
    }
    let must = |cfg_type: u8, what| found[usize::from(cfg_type)].ok_or(EnumerateError::Missing { what });
    Ok(Virtio {
        common: must(COMMON, "common configuration")?,
        notify: must(NOTIFY, "notification")?,
        notify_multiplier,
        isr: must(ISR, "ISR")?,
        device: found[usize::from(DEVICE)],
        checkpoint,
        pci_cfg,
    })
}

async fn read_checkpoint(
    config: &impl ConfigAccess,
    function: &Function,
    at: u16,
    cap_len: u8,
    bar: u8,
) -> Result<Structure, EnumerateError> {
    let (offset, len_bytes) = (config.read(at + 8).await?, config.read(at + 12).await?);
    let what = "checkpoint window";
    let bad = |why| EnumerateError::Structure {
        what,
        at,
        why,
        bar,
        offset,
        len_bytes,
    };
    let (cap_bytes, queue_bytes) = CHECKPOINT_BYTES;
    if cap_len < cap_bytes {
        return Err(bad("cap_len is too short"));
    }
    if !offset.is_multiple_of(queue_bytes) || !len_bytes.is_multiple_of(queue_bytes) {
        return Err(bad("offset and length are no multiples of 8"));
    }
    let addr = in_bar(&function.bars, what, at, bar, offset, len_bytes)?;
    Ok(Structure { addr, len_bytes })
}
