//! What the function says of itself in configuration space: its ids, and where its virtio structures are.
//!
//! Each word is judged when the host has read what it needs for that, once and in whatever order: a host that reads less has less judged.

use std::collections::BTreeSet;

use super::config_space::ConfigSpace;
use super::features::{self, Features};
use super::verdict::Book;
use crate::rules::RuleId;

const ID: u16 = 0x00;
const REVISION: u16 = 0x08;
const SUBSYSTEM: u16 = 0x2c;
const VENDOR: u16 = 0x1af4;

/// `cfg_type` of the structures.
const COMMON: u8 = 1;
const NOTIFY: u8 = 2;
const ISR: u8 = 3;
const DEVICE: u8 = 4;
const PCI_CFG: u8 = 5;
const SHARED_MEMORY: u8 = 8;
const VENDOR_DATA: u8 = 9;

/// Device types that have a configuration structure of their own: network, block, console, SCSI host.
const CONFIGURED: [u32; 4] = [1, 2, 3, 8];

/// A structure that is at a place in a BAR.
#[derive(Clone, Copy, Debug)]
struct Place {
    bar: u8,
    offset: u64,
    len_bytes: u64,
}

/// What has been judged already.
#[derive(Debug, Default)]
pub(crate) struct Capabilities {
    /// Words, by register.
    words: BTreeSet<u16>,
    /// Capabilities whose place has been judged.
    places: BTreeSet<u16>,
    complete: bool,
}

impl Capabilities {
    /// A configuration read was answered, and `config` knows its value.
    pub(crate) fn read(&mut self, reg: u16, config: &ConfigSpace, device_type: u32, book: &mut Book) {
        if let Some(id) = config
            .dword(ID)
            .filter(|_| matches!(reg, ID | REVISION | SUBSYSTEM))
        {
            for reg in [ID, REVISION, SUBSYSTEM] {
                if let Some(value) = config.dword(reg)
                    && self.words.insert(reg)
                {
                    identity(reg, value, id, device_type, book);
                }
            }
        }
        let caps: Vec<(u16, u32)> = config
            .vendor_capabilities()
            .filter_map(|at| Some((at, config.dword(at)?)))
            .collect();
        for &(at, head) in &caps {
            if self.words.insert(at) {
                judge_head(at, head, book);
            }
            let kind = (head >> 24) as u8;
            if kind == VENDOR_DATA {
                self.vendor_data(at, head, config, book);
            } else if let Some(place) = place(config, at, kind)
                && self.places.insert(at)
            {
                judge_place(at, kind, place, book);
            }
        }
        if config.walked() && !self.complete {
            self.complete = true;
            for kind in [COMMON, NOTIFY, ISR, DEVICE, PCI_CFG] {
                let wanted = kind != DEVICE || CONFIGURED.contains(&device_type);
                book.check(
                    RuleId::CfgCapability,
                    None,
                    !wanted || caps.iter().any(|c| (c.1 >> 24) as u8 == kind),
                    || format!("a capability of type {kind} ({})", name(kind)),
                    || "none in the list".into(),
                );
            }
        }
    }

    fn vendor_data(&mut self, at: u16, head: u32, config: &ConfigSpace, book: &mut Book) {
        let Some(word) = config.dword(at + 4).filter(|_| self.places.insert(at)) else {
            return;
        };
        let (len, vendor) = ((head >> 16) as u8, word as u16);
        book.check(
            RuleId::CfgCapability,
            None,
            len.is_multiple_of(4) && vendor != VENDOR,
            || "vendor data: cap_len a multiple of 4, vendor_id not 0x1af4".into(),
            || format!("cap_len {len}, vendor_id {vendor:#x} at {at:#x}"),
        );
    }

    /// The device is started: do the structures hold the fields of what was `offered`, and does every notification structure serve every queue?
    pub(crate) fn started(
        config: &ConfigSpace,
        offered: Features,
        offsets: impl Iterator<Item = (u16, u16)>,
        book: &mut Book,
    ) {
        let offsets: Vec<(u16, u16)> = offsets.collect();
        for at in config.vendor_capabilities() {
            let kind = config.dword(at).map_or(0, |head| (head >> 24) as u8);
            let Some(place) = place(config, at, kind) else {
                continue;
            };
            if kind == COMMON {
                common_fields(at, place, offered, book);
            }
            if kind == NOTIFY
                && let Some(multiplier) = config.dword(at + 16)
            {
                notification(place, multiplier, offered, &offsets, book);
            }
        }
    }
}

/// The common configuration has every field that an offered feature adds to it.
fn common_fields(at: u16, place: Place, offered: Features, book: &mut Book) {
    let added = [
        (features::NOTIF_CONFIG_DATA, 0x3a),
        (features::RING_RESET, 0x3c),
        (features::ADMIN_VQ, 0x40),
    ];
    let mut needed = added.iter().filter(|&&(bit, _)| features::has(offered, bit));
    if let Some(&(bit, end)) = needed.next_back() {
        book.check(
            RuleId::CfgCapability,
            None,
            place.len_bytes >= end,
            || format!("common configuration: {end} bytes or more, for the fields of feature {bit}"),
            || format!("{} bytes at {at:#x}", place.len_bytes),
        );
    }
}

/// A notification structure serves kicks as wide as the features `offered` make them, of every queue whose offset was read.
fn notification(place: Place, multiplier: u32, offered: Features, offsets: &[(u16, u16)], book: &mut Book) {
    let bytes = if features::has(offered, features::NOTIFICATION_DATA) {
        4
    } else {
        2
    };
    let stepped =
        multiplier == 0 || multiplier.is_power_of_two() && u64::from(multiplier).is_multiple_of(bytes);
    book.check(
        RuleId::CfgNotify,
        None,
        place.offset.is_multiple_of(bytes) && place.len_bytes >= bytes && stepped,
        || format!("offset and multiplier fit for kicks of {bytes} bytes"),
        || {
            format!(
                "offset {:#x}, multiplier {multiplier}, {} bytes",
                place.offset, place.len_bytes
            )
        },
    );
    for &(queue, offset) in offsets {
        let end = u64::from(offset) * u64::from(multiplier) + bytes;
        book.check(
            RuleId::CfgNotify,
            Some(queue),
            end <= place.len_bytes,
            || {
                format!(
                    "a kick's {bytes} bytes within the structure's {}",
                    place.len_bytes
                )
            },
            || format!("queue_notify_off {offset} times {multiplier}: they end at {end}"),
        );
    }
}

fn name(kind: u8) -> &'static str {
    match kind {
        COMMON => "common configuration",
        NOTIFY => "notification",
        ISR => "ISR status",
        DEVICE => "device configuration",
        PCI_CFG => "PCI configuration access",
        SHARED_MEMORY => "shared memory",
        VENDOR_DATA => "vendor data",
        _ => "reserved",
    }
}

/// Bytes of the capability itself, at least.
fn least(kind: u8) -> u8 {
    match kind {
        NOTIFY | PCI_CFG => 20,
        SHARED_MEMORY => 24,
        VENDOR_DATA => 8,
        _ => 16,
    }
}

/// Where a structure is, once all was read that says so: a shared memory region has upper halves of offset and length.
fn place(config: &ConfigSpace, at: u16, kind: u8) -> Option<Place> {
    let upper = |reg: u16| {
        if kind == SHARED_MEMORY {
            config.dword(reg).map(u64::from)
        } else {
            Some(0)
        }
    };
    Some(Place {
        bar: config.dword(at + 4)? as u8,
        offset: u64::from(config.dword(at + 8)?) | upper(at + 16)? << 32,
        len_bytes: u64::from(config.dword(at + 12)?) | upper(at + 20)? << 32,
    })
}

fn judge_head(at: u16, head: u32, book: &mut Book) {
    let (len, kind) = ((head >> 16) as u8, (head >> 24) as u8);
    book.check(
        RuleId::CfgCapability,
        None,
        matches!(kind, COMMON..=PCI_CFG | SHARED_MEMORY | VENDOR_DATA),
        || "a cfg_type that the specification defines".into(),
        || format!("{kind} at {at:#x}"),
    );
    book.check(
        RuleId::CfgCapability,
        None,
        len >= least(kind),
        || format!("cap_len at least {} for {}", least(kind), name(kind)),
        || format!("{len} at {at:#x}"),
    );
}

fn judge_place(at: u16, kind: u8, place: Place, book: &mut Book) {
    // The window's place is the driver's to write.
    if kind == PCI_CFG {
        return;
    }
    let (align, least): (u64, u64) = match kind {
        COMMON => (4, 56),
        DEVICE => (4, 1),
        _ => (1, 1),
    };
    book.check(
        RuleId::CfgCapability,
        None,
        place.bar <= 5 && place.offset.is_multiple_of(align) && place.len_bytes >= least,
        || {
            format!(
                "{}: BAR 0 to 5, offset a multiple of {align}, {least} bytes or more",
                name(kind)
            )
        },
        || {
            format!(
                "BAR {}, offset {:#x}, {} bytes at {at:#x}",
                place.bar, place.offset, place.len_bytes
            )
        },
    );
}

/// Types that have a device id of their own as transitional functions: network, block, console, entropy, balloon, SCSI host, 9P.
const TRANSITIONAL: [(u32, u32); 7] = [
    (1, 0x1000),
    (2, 0x1001),
    (5, 0x1002),
    (3, 0x1003),
    (8, 0x1004),
    (4, 0x1005),
    (9, 0x1009),
];

/// A transitional function (device id below 0x1040) has other subsystem and revision numbers.
fn identity(reg: u16, value: u32, id: u32, device_type: u32, book: &mut Book) {
    let modern = id >> 16 >= 0x1040;
    if reg == ID {
        let device = value >> 16;
        let transitional = TRANSITIONAL.iter().find(|t| t.0 == device_type).map(|t| t.1);
        book.check(
            RuleId::CfgIdentity,
            None,
            value as u16 == VENDOR && (device == 0x1040 + device_type || Some(device) == transitional),
            || {
                let other = transitional.map_or(String::new(), |t| format!(" (or the transitional {t:#x})"));
                format!("vendor 0x1af4, device {:#x}{other}", 0x1040 + device_type)
            },
            || format!("{value:#010x} at {reg:#x}"),
        );
    }
    if !modern {
        return;
    }
    let (ok, expected) = match reg {
        ID => (id >> 16 <= 0x107f, "a device id of 0x1040 to 0x107f"),
        REVISION => (value as u8 >= 1, "revision 1 or more"),
        _ => (value >> 16 >= 0x40, "a subsystem id of 0x40 or more"),
    };
    book.check(
        RuleId::CfgAdvice,
        None,
        ok,
        || expected.into(),
        || format!("{value:#010x} at {reg:#x}"),
    );
}
