//! Reads of the common configuration structure that were answered: is the value right, and what follows from it?

use super::fields::field_at;
use super::{Effect, NO_VECTOR, QueueRegs, ReadContext, Registers};
use crate::judge::features::{self, Features};
use crate::judge::verdict::Book;
use crate::rules::RuleId;

impl Registers {
    /// A read was answered with `value`.
    pub(crate) fn read_done(&mut self, at: ReadContext, value: u64, book: &mut Book) -> Effect {
        if field_at(at.offset, at.bytes).is_none() {
            return Effect::None;
        }
        book.compared.registers += 1;
        let queue = (0x18..0x3c).contains(&at.offset).then_some(at.queue);
        let word = value as u16;
        match at.offset {
            0x04 => self.offered_read(at.select, value as u32, book),
            0x10 | 0x1a => {
                if let Some(e) = at.expected {
                    book.check(
                        RuleId::CfgVector,
                        queue,
                        value == e || word == NO_VECTOR,
                        || format!("vector {e:#x}, or 0xffff if it could not be mapped"),
                        || format!("{value:#x}"),
                    );
                    if word == NO_VECTOR && e != u64::from(NO_VECTOR) {
                        self.vector_failed(at);
                        return Effect::Vectors;
                    }
                }
            }
            0x12 => self.num_queues = Some(word),
            0x14 => return self.status_read(at, value as u8, book),
            0x18 => self.size_read(at, word, book),
            0x1c => {
                if let Some(e) = at.expected
                    && !at.resetting
                {
                    book.check(
                        RuleId::CfgQueueEnable,
                        queue,
                        value == e,
                        || format!("{e}"),
                        || format!("{value}"),
                    );
                }
            }
            0x1e => self.queues.entry(at.queue).or_default().notify_off = Some(word),
            0x38 if self.has(features::NOTIF_CONFIG_DATA) => {
                self.queues.entry(at.queue).or_default().kick_value = Some(word);
            }
            0x3a => {
                let pending = self.queues.get(&at.queue).is_some_and(|q| q.resetting);
                book.check(
                    RuleId::CfgQueueReset,
                    queue,
                    word == 0 || word == 1 && (pending || at.resetting),
                    || "0 unless a queue reset is in progress".into(),
                    || format!("{word}"),
                );
                if word == 0 && pending {
                    let q = self.queues.entry(at.queue).or_default();
                    *q = QueueRegs {
                        size: q.max_size,
                        max_size: q.max_size,
                        notify_off: q.notify_off,
                        kick_value: q.kick_value,
                        ..QueueRegs::default()
                    };
                    return Effect::QueueResetDone(at.queue);
                }
            }
            _ => {
                if let Some(e) = at.expected
                    && !at.resetting
                {
                    book.check(
                        RuleId::CfgReadback,
                        queue,
                        value == e,
                        || {
                            format!(
                                "{} reads back {e:#x}",
                                field_at(at.offset, at.bytes).map_or("", |f| f.name)
                            )
                        },
                        || format!("{value:#x}"),
                    );
                }
            }
        }
        Effect::None
    }

    fn vector_failed(&mut self, at: ReadContext) {
        if at.offset == 0x10 {
            self.config_vector = Some(NO_VECTOR);
        } else {
            self.queues.entry(at.queue).or_default().vector = Some(NO_VECTOR);
        }
    }

    fn offered_read(&mut self, window: u32, value: u32, book: &mut Book) {
        if window >= 4 {
            book.check(
                RuleId::CfgOffered,
                None,
                value == 0,
                || format!("0 in feature window {window}"),
                || format!("{value:#x}"),
            );
            return;
        }
        self.offered |= Features::from(value) << (32 * window);
        self.offered_windows |= 1 << window;
        if self.offered_windows & 3 == 3 && !self.offered_judged {
            self.offered_judged = true;
            let version = features::has(self.offered, features::VERSION_1);
            book.check(
                RuleId::CfgOffered,
                None,
                version,
                || "VERSION_1 offered".into(),
                || format!("bits {}", features::list(self.offered)),
            );
            let broken = features::broken_prerequisite(self.offered, self.device_type);
            book.check(
                RuleId::CfgOffered,
                None,
                broken.is_none(),
                || "offered features closed under prerequisites".into(),
                || {
                    broken.map_or(String::new(), |(bit, needs)| {
                        let needs = needs.iter().fold(0, |set, &n| set | 1 << n);
                        format!("bit {bit} without any of {}", features::list(needs))
                    })
                },
            );
        }
        let undefined = features::undefined(Features::from(value) << (32 * window), self.device_type);
        book.check(
            RuleId::CfgOffered,
            None,
            undefined == 0,
            || "no undefined or reserved feature".into(),
            || format!("bits {}", features::list(undefined)),
        );
    }

    fn size_read(&mut self, at: ReadContext, word: u16, book: &mut Book) {
        let legal = word == 0 || self.has(features::RING_PACKED) || word.is_power_of_two();
        book.check(
            RuleId::CfgQueueSize,
            Some(at.queue),
            legal && word <= 32768,
            || "0 or a power of two (packed: any number) up to 32768".into(),
            || format!("{word}"),
        );
        if at.resetting {
            return;
        }
        if let Some(e) = at.expected {
            book.check(
                RuleId::CfgQueueSize,
                Some(at.queue),
                u64::from(word) == e,
                || format!("{e}"),
                || format!("{word}"),
            );
        }
        let q = self.queues.entry(at.queue).or_default();
        if q.size.is_none() {
            q.size = Some(word);
            q.max_size = Some(word);
        }
    }
}
