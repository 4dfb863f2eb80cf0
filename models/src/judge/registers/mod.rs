//! The common configuration structure: what the driver wrote, what reads must return, and what follows from both.

mod answers;
mod fields;
mod start;
mod status;

use std::collections::BTreeMap;

use super::features::{self, Features};
use super::verdict::Book;
use crate::rules::RuleId;
use fields::{Field, field_at};

/// Status bits.
pub(crate) const ACKNOWLEDGE: u8 = 1;
pub(crate) const DRIVER: u8 = 2;
pub(crate) const DRIVER_OK: u8 = 4;
pub(crate) const FEATURES_OK: u8 = 8;
pub(crate) const SUSPEND: u8 = 16;
pub(crate) const NEEDS_RESET: u8 = 64;
/// No vector mapped.
pub(crate) const NO_VECTOR: u16 = 0xffff;

/// Registers of one queue.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QueueRegs {
    /// Size in force, as far as known.
    pub(crate) size: Option<u16>,
    max_size: Option<u16>,
    pub(crate) vector: Option<u16>,
    pub(crate) enable: bool,
    pub(crate) notify_off: Option<u16>,
    /// `queue_notif_config_data`, once read with the feature that gives it.
    pub(crate) kick_value: Option<u16>,
    pub(crate) desc: u64,
    pub(crate) driver: u64,
    pub(crate) device: u64,
    /// Where the queue begins if not at the beginning: an index, or {wrap, slot} (checkpoint window).
    pub(crate) start: Option<u16>,
    /// A queue reset was asked for and not yet seen done.
    pub(crate) resetting: bool,
}

/// The structure.
#[derive(Debug)]
pub(crate) struct Registers {
    device_type: u32,
    device_feature_select: u32,
    driver_feature_select: u32,
    offered: Features,
    offered_windows: u8,
    offered_judged: bool,
    accepted: Features,
    /// What holds since `FEATURES_OK`.
    pub(crate) negotiated: Features,
    legal: Option<bool>,
    pub(crate) config_vector: Option<u16>,
    pub(crate) status: u8,
    pub(crate) suspension: Suspension,
    /// A reset was written and status has not been read as 0 since.
    pub(crate) resetting: bool,
    ever_reset: bool,
    queue_select: u16,
    pub(crate) queues: BTreeMap<u16, QueueRegs>,
    /// `num_queues`, once read.
    pub(crate) num_queues: Option<u16>,
}

/// How far a suspension is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Suspension {
    /// The device is not suspended.
    #[default]
    None,
    /// The driver asked for it.
    Asked,
    /// The device said that it is.
    Reached,
    /// The driver asked for its end.
    Ending,
}

impl Suspension {
    /// The driver may not add buffers, kick, or write registers.
    pub(crate) fn waits(self) -> bool {
        matches!(self, Suspension::Asked | Suspension::Reached)
    }
}

/// What an access means for the rest of the judge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Status 0 was written.
    ResetStarted,
    /// Status was read as 0 after a reset.
    ResetDone,
    /// `DRIVER_OK` was set with `FEATURES_OK`.
    Started,
    /// Status was read.
    StatusRead(u8),
    /// The queue was enabled.
    Enabled(u16),
    /// A reset of the queue was asked for.
    QueueResetStarted(u16),
    /// It is done.
    QueueResetDone(u16),
    /// A vector register changed.
    Vectors,
    /// A suspension was asked for.
    SuspendAsked,
    /// Status was read: the device is suspended.
    Suspended(u8),
    /// The end of a suspension was asked for.
    ResumeAsked,
    /// Status was read: the device runs again.
    Resumed(u8),
}

/// The circumstances of a register read, fixed when the request crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadContext {
    offset: u32,
    bytes: u32,
    queue: u16,
    select: u32,
    expected: Option<u64>,
    resetting: bool,
    suspension: Suspension,
}

impl ReadContext {
    /// What was read, in the specification's terms.
    pub(crate) fn words(&self) -> String {
        match field_at(self.offset, self.bytes) {
            Some(field) => field.name.to_owned(),
            None => format!("{} bytes at offset {:#x}", self.bytes, self.offset),
        }
    }

    /// Offset of the field.
    pub(crate) fn offset(&self) -> u32 {
        self.offset
    }
}

/// Offset of `config_msix_vector`.
pub(crate) const CONFIG_VECTOR: u32 = 0x10;
/// Offset of `queue_msix_vector`.
pub(crate) const QUEUE_VECTOR: u32 = 0x1a;
/// Offset of `config_generation`.
pub(crate) const GENERATION: u32 = 0x15;

fn half(old: u64, high: bool, v: u32) -> u64 {
    if high {
        old & 0xffff_ffff | u64::from(v) << 32
    } else {
        old & !0xffff_ffff | u64::from(v)
    }
}

impl Registers {
    pub(crate) fn new(device_type: u32) -> Self {
        Registers {
            device_type,
            device_feature_select: 0,
            driver_feature_select: 0,
            offered: 0,
            offered_windows: 0,
            offered_judged: false,
            accepted: 0,
            negotiated: 0,
            legal: None,
            config_vector: None,
            status: 0,
            suspension: Suspension::None,
            resetting: false,
            ever_reset: false,
            queue_select: 0,
            queues: BTreeMap::new(),
            num_queues: None,
        }
    }

    /// Is this feature in force?
    pub(crate) fn has(&self, bit: u32) -> bool {
        features::has(self.negotiated, bit)
    }

    /// What the device offers, as far as it was read.
    pub(crate) fn offered(&self) -> Features {
        self.offered
    }

    /// (queue, `queue_notify_off`) where it was read.
    pub(crate) fn notify_offsets(&self) -> impl Iterator<Item = (u16, u16)> {
        self.queues.iter().filter_map(|(&i, q)| Some((i, q.notify_off?)))
    }

    /// Defaults after a finished reset.
    pub(crate) fn reset(&mut self) {
        self.accepted = 0;
        self.negotiated = 0;
        self.legal = None;
        self.config_vector = Some(NO_VECTOR);
        self.status = 0;
        self.suspension = Suspension::None;
        self.resetting = false;
        self.ever_reset = true;
        for q in self.queues.values_mut() {
            *q = QueueRegs {
                size: q.max_size,
                max_size: q.max_size,
                vector: Some(NO_VECTOR),
                notify_off: q.notify_off,
                kick_value: q.kick_value,
                ..QueueRegs::default()
            };
        }
    }

    /// Queue with this kick offset (`queue_notify_off`), if the driver read it.
    pub(crate) fn queue_of_notify_off(&self, off: u32) -> Option<u16> {
        self.queues
            .iter()
            .find(|(_, q)| q.notify_off.map(u32::from) == Some(off))
            .map(|(&i, _)| i)
    }

    /// What a kick of this queue carries in its lower half, as far as the driver has found out.
    pub(crate) fn kick_value(&self, queue: u16) -> Option<u16> {
        if self.has(features::NOTIF_CONFIG_DATA) {
            self.queues.get(&queue)?.kick_value
        } else {
            Some(queue)
        }
    }

    /// Queue whose kicks carry this value.
    pub(crate) fn queue_of_kick_value(&self, value: u16) -> Option<u16> {
        if self.has(features::NOTIF_CONFIG_DATA) {
            let mut queues = self.queues.iter();
            queues.find(|(_, q)| q.kick_value == Some(value)).map(|(&i, _)| i)
        } else {
            Some(value)
        }
    }

    fn selected(&mut self) -> &mut QueueRegs {
        self.queues.entry(self.queue_select).or_default()
    }

    /// A write of `bytes` bytes crossed.
    pub(crate) fn write(&mut self, offset: u32, bytes: u32, value: u64, book: &mut Book) -> Effect {
        let queue = (0x18..0x3c).contains(&offset).then_some(self.queue_select);
        if bytes == 8 && matches!(offset, 0x20 | 0x28 | 0x30) {
            book.check(
                RuleId::DriverRegister,
                queue,
                false,
                || "64-bit fields written as two 32-bit halves".into(),
                || format!("an 8-byte write at {offset:#x}"),
            );
            self.write(offset, 4, value & 0xffff_ffff, book);
            return self.write(offset + 4, 4, value >> 32, book);
        }
        let Some(f) = field_at(offset, bytes) else {
            book.check(
                RuleId::DriverRegister,
                queue,
                false,
                || "a write as wide as its field".into(),
                || format!("{bytes} bytes at {offset:#x}"),
            );
            return Effect::None;
        };
        if !book.check(
            RuleId::DriverRegister,
            queue,
            f.writable,
            || format!("{} is not written", f.name),
            || format!("{value:#x} written"),
        ) {
            return Effect::None;
        }
        if offset != 0x14 {
            self.written_in_suspension(f.name, queue, book);
        }
        let word = value as u16;
        match offset {
            0x00 => self.device_feature_select = value as u32,
            0x08 => self.driver_feature_select = value as u32,
            0x0c => self.accept(value as u32, book),
            0x10 => {
                self.config_vector = Some(word);
                return Effect::Vectors;
            }
            0x14 => return self.write_status(value as u8, book),
            0x16 => self.queue_select = word,
            0x18..0x3a => return self.write_queue(f, value, book),
            0x3a => {
                let legal = word == 1 && self.has(features::RING_RESET);
                let enabled = self.selected().enable;
                book.check(
                    RuleId::DriverRegister,
                    queue,
                    legal && enabled,
                    || "queue_reset written 1 for an enabled queue, with RING_RESET".into(),
                    || format!("{word} written, queue enabled: {enabled}"),
                );
                if legal && enabled {
                    self.selected().resetting = true;
                    return Effect::QueueResetStarted(self.queue_select);
                }
            }
            _ => {}
        }
        Effect::None
    }

    fn accept(&mut self, value: u32, book: &mut Book) {
        let frozen = self.status & FEATURES_OK != 0;
        book.check(
            RuleId::DriverFeatures,
            None,
            !frozen,
            || "no feature written after FEATURES_OK".into(),
            || format!("{value:#x} written to window {}", self.driver_feature_select),
        );
        if !frozen && self.driver_feature_select < 4 {
            let shift = 32 * self.driver_feature_select;
            self.accepted = self.accepted & !(0xffff_ffff << shift) | Features::from(value) << shift;
        }
    }

    fn write_queue(&mut self, f: &Field, value: u64, book: &mut Book) -> Effect {
        let index = self.queue_select;
        let q = self.queues.entry(index).or_default();
        let (word, dword) = (value as u16, value as u32);
        if f.offset != 0x1a && f.offset != 0x1c {
            let live = q.enable;
            book.check(
                RuleId::DriverRegister,
                Some(index),
                !live,
                || format!("{} written only while the queue is not enabled", f.name),
                || format!("{value:#x} written to an enabled queue"),
            );
            if live {
                return Effect::None; // a device ignores it (policy), so the old value stays in force
            }
        }
        match f.offset {
            0x18 => {
                let packed = features::has(self.negotiated, features::RING_PACKED);
                let form = if packed { word != 0 } else { word.is_power_of_two() };
                let legal = form && word <= 32768 && q.max_size.is_none_or(|m| word <= m);
                book.check(
                    RuleId::DriverRegister,
                    Some(index),
                    legal,
                    || {
                        let form = if packed { "a size" } else { "a power of two" };
                        format!("{form} not above the device's maximum")
                    },
                    || format!("queue_size {word}"),
                );
                if legal {
                    q.size = Some(word);
                    q.start = None;
                }
            }
            0x1a => {
                q.vector = Some(word);
                return Effect::Vectors;
            }
            0x1c => {
                book.check(
                    RuleId::DriverRegister,
                    Some(index),
                    word == 1,
                    || "only 1 is written to queue_enable".into(),
                    || format!("{word} written"),
                );
                if word == 1 && !q.enable {
                    q.enable = true;
                    return Effect::Enabled(index);
                }
            }
            0x20 | 0x24 => q.desc = half(q.desc, f.offset == 0x24, dword),
            0x28 | 0x2c => q.driver = half(q.driver, f.offset == 0x2c, dword),
            _ => q.device = half(q.device, f.offset == 0x34, dword),
        }
        Effect::None
    }

    fn judge_selection(&mut self, book: &mut Book) {
        self.negotiated = self.accepted;
        let windows: Features = (0..4)
            .filter(|w| self.offered_windows >> w & 1 == 1)
            .map(|w| 0xffff_ffff_u128 << (32 * w))
            .sum();
        let unoffered = self.accepted & !self.offered & windows;
        let broken = features::broken_prerequisite(self.accepted, self.device_type);
        let version = !features::has(self.offered, features::VERSION_1)
            || features::has(self.accepted, features::VERSION_1);
        let ok = unoffered == 0 && broken.is_none() && version;
        let sure = self.accepted & !windows == 0;
        self.legal = if ok { sure.then_some(true) } else { Some(false) };
        book.check(
            RuleId::DriverFeatures,
            None,
            ok,
            || "a subset of what is offered, with prerequisites and VERSION_1".into(),
            || {
                format!(
                    "bits {}; not offered: {}; broken prerequisite of: {}",
                    features::list(self.accepted),
                    features::list(unoffered),
                    broken.map_or("none".into(), |b| b.0.to_string())
                )
            },
        );
    }

    /// A read crossed: remembers what its answer must be.
    pub(crate) fn read(&mut self, offset: u32, bytes: u32, book: &mut Book) -> ReadContext {
        let queue = self.queue_select;
        let known = field_at(offset, bytes).is_some();
        book.check(
            RuleId::DriverRegister,
            None,
            known,
            || "a read as wide as its field".into(),
            || format!("{bytes} bytes at {offset:#x}"),
        );
        let q = self.queues.get(&queue).copied().unwrap_or_default();
        let expected = match offset {
            0x00 => Some(u64::from(self.device_feature_select)),
            0x08 => Some(u64::from(self.driver_feature_select)),
            0x10 => self.config_vector.map(u64::from),
            0x16 => Some(u64::from(queue)),
            0x18 => q.size.map(u64::from),
            // Never written since the reset: unmapped (PCIINT-DEV-012).
            0x1a => q.vector.or(self.ever_reset.then_some(NO_VECTOR)).map(u64::from),
            0x1c => (self.ever_reset || q.enable).then_some(u64::from(q.enable)),
            0x20 => Some(q.desc & 0xffff_ffff),
            0x24 => Some(q.desc >> 32),
            0x28 => Some(q.driver & 0xffff_ffff),
            0x2c => Some(q.driver >> 32),
            0x30 => Some(q.device & 0xffff_ffff),
            0x34 => Some(q.device >> 32),
            0x3a => Some(0),
            _ => None,
        }
        .filter(|_| known && (self.ever_reset || self.status != 0 || matches!(offset, 0x00 | 0x08 | 0x16)));
        ReadContext {
            offset,
            bytes,
            queue,
            select: if offset == 4 {
                self.device_feature_select
            } else {
                0
            },
            expected,
            resetting: self.resetting || q.resetting,
            suspension: self.suspension,
        }
    }
}
