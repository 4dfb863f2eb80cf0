//! What the function says of itself in configuration space: its ids, and where its virtio structures are.
//!
//! Each word is judged when the host has read what it needs for that, once: a host that reads less has less judged.

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
    offset: u32,
    len_bytes: u32,
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
        if matches!(reg, ID | REVISION | SUBSYSTEM)
            && self.words.insert(reg)
            && let Some(value) = config.dword(reg)
        {
            identity(reg, value, config.dword(ID), device_type, book);
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
            } else if let Some(place) = place(config, at)
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

    /// The device is started: does the notification structure serve what was `offered`, and every queue's offset?
    pub(crate) fn started(
        config: &ConfigSpace,
        offered: Features,
        offsets: impl Iterator<Item = (u16, u16)>,
        book: &mut Book,
    ) {
        let found = config
            .vendor_capabilities()
            .find(|&at| config.dword(at).is_some_and(|head| (head >> 24) as u8 == NOTIFY));
        let Some((place, multiplier)) = found.and_then(|at| place(config, at).zip(config.dword(at + 16)))
        else {
            return;
        };
        let bytes = if features::has(offered, features::NOTIFICATION_DATA) {
            4
        } else {
            2
        };
        let stepped = multiplier == 0 || multiplier.is_power_of_two() && multiplier.is_multiple_of(bytes);
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
        for (queue, offset) in offsets {
            let end = u64::from(offset) * u64::from(multiplier) + u64::from(bytes);
            book.check(
                RuleId::CfgNotify,
                Some(queue),
                end <= u64::from(place.len_bytes),
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

fn place(config: &ConfigSpace, at: u16) -> Option<Place> {
    Some(Place {
        bar: config.dword(at + 4)? as u8,
        offset: config.dword(at + 8)?,
        len_bytes: config.dword(at + 12)?,
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
    let (align, least) = match kind {
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

/// A transitional function (device id below 0x1040) has other subsystem and revision numbers.
fn identity(reg: u16, value: u32, id: Option<u32>, device_type: u32, book: &mut Book) {
    let modern = id.is_some_and(|id| id >> 16 >= 0x1040);
    let (ok, expected) = match reg {
        ID => {
            let device = value >> 16;
            let known = device == 0x1040 + device_type || (0x1000..0x1040).contains(&device);
            (
                value as u16 == VENDOR && known,
                format!(
                    "vendor 0x1af4, device {:#x} (or a transitional one)",
                    0x1040 + device_type
                ),
            )
        }
        REVISION => (!modern || value as u8 >= 1, "revision 1 or more".into()),
        _ => (
            !modern || value >> 16 >= 0x40,
            "a subsystem id of 0x40 or more".into(),
        ),
    };
    book.check(
        RuleId::CfgIdentity,
        None,
        ok,
        || expected,
        || format!("{value:#010x} at {reg:#x}"),
    );
}
