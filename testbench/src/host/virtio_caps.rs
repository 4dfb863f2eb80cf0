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
    for cap in function.capabilities.iter().filter(|c| c.id == CAP_VENDOR) {
        let at = cap.offset;
        let head = config.read(at).await?;
        let (cap_len, cfg_type) = ((head >> 16) as u8, (head >> 24) as u8);
        let bar = config.read(at + 4).await? as u8;
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
        pci_cfg,
    })
}
