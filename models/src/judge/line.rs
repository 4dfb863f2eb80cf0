//! `INTx` and ISR status: a level, the messages that move it, and the register that says why and takes it back.
//!
//! The line stands as long as a reason does. What the device decides and what the host reads cross each other: a reason that arises about the time of
//! a read of ISR status may be in what was read, or keep the line up, or raise it again. Only what lies clearly before the read is settled by it.

use std::collections::BTreeMap;

use super::cause::{Cause, Purpose};
use super::changes::DECISION_CYCLES;
use super::config_space::ConfigSpace;
use super::messages::Messages;
use super::notify::GRACE_CYCLES;
use super::queue::{Queue, State};
use super::world::World;
use crate::rules::RuleId;

/// The line and the register.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each with its own name"
)]
pub(crate) struct Line {
    pub(crate) asserted: bool,
    /// Whatever it stood for was read at this cycle; it must fall.
    must_fall: Option<u64>,
    /// Bits that the next read must show.
    pub(crate) isr_config: bool,
    isr_any: bool,
    /// Reads of ISR status under way.
    reading: u32,
    /// Cycle of the last answer.
    read_at: Option<u64>,
    /// An answer came since the line rose.
    read_since_rise: bool,
    /// The line fell because `INTx` was disabled: its reason stands.
    parked: bool,
}

impl Line {
    /// A reset of the virtio device.
    pub(crate) fn reset(&mut self) {
        *self = Line {
            asserted: self.asserted,
            reading: self.reading,
            ..Line::default()
        };
    }
}

impl Messages {
    /// The device sent a message request.
    pub(crate) fn intx(
        &mut self,
        code: u8,
        config: &ConfigSpace,
        queues: &mut BTreeMap<u16, Queue>,
        acknowledged: u64,
        w: &mut World,
    ) -> Cause {
        let assert = match code {
            0x20..=0x23 => true,
            0x24..=0x27 => false,
            _ => {
                w.book.check(
                    RuleId::BusKind,
                    None,
                    false,
                    || "INTx messages only".into(),
                    || format!("message code {code:#04x}"),
                );
                return Cause::of(Purpose::Unknown);
            }
        };
        w.book.row(
            None,
            if assert { "assert INTx" } else { "deassert INTx" },
            0,
            code.into(),
        );
        w.book.check(
            RuleId::IntIntx,
            None,
            assert != self.line.asserted,
            || "assert and deassert in turn".into(),
            || {
                if assert {
                    "asserted twice".into()
                } else {
                    "deasserted twice".into()
                }
            },
        );
        self.line.asserted = assert;
        if !assert {
            self.line.must_fall = None;
            let disabled = !config.intx_disable.surely_off(acknowledged);
            self.line.parked = disabled && !self.line.read_since_rise;
            return Cause::of(Purpose::Intx);
        }
        w.book.compared.interrupts += 1;
        let msix = config.msix_enable.is_some_and(|s| s.surely_on(acknowledged));
        w.book.check(
            RuleId::IntIntx,
            None,
            !msix,
            || "no INTx with MSI-X enabled".into(),
            || "asserted".into(),
        );
        let disabled = config.intx_disable.surely_on(acknowledged);
        w.book.check(
            RuleId::IntIntx,
            None,
            !disabled,
            || "no INTx with Interrupt Disable set".into(),
            || "asserted".into(),
        );
        let running = |q: &&Queue| q.state != State::Dead;
        let newest = queues
            .values()
            .filter(running)
            .filter_map(|q| q.decision.newest())
            .chain(self.changes.newest())
            .max();
        // A read on its way, or one since the reason arose, may have taken the bits with it.
        self.line.isr_any = self.line.reading == 0 && newest > self.line.read_at;
        self.line.read_since_rise = false;
        if std::mem::take(&mut self.line.parked) {
            return Cause::of(Purpose::Intx);
        }
        let users: Vec<u16> = queues
            .iter()
            .filter(|(_, q)| running(q))
            .map(|(&i, _)| i)
            .collect();
        self.delivered(&users, true, queues, w, Purpose::Intx)
    }

    /// A read of ISR status crossed.
    pub(crate) fn isr_asked(&mut self) {
        self.line.reading += 1;
    }

    /// A read of ISR status that crossed at cycle `asked` was answered.
    pub(crate) fn isr_read(
        &mut self,
        value: u8,
        asked: u64,
        config: &ConfigSpace,
        queues: &mut BTreeMap<u16, Queue>,
        w: &mut World,
    ) {
        let line = &mut self.line;
        line.reading = line.reading.saturating_sub(1);
        line.read_at = Some(w.book.now);
        line.read_since_rise = true;
        line.parked = false;
        w.book.compared.registers += 1;
        w.book.check(
            RuleId::IntIsr,
            None,
            value & !3 == 0,
            || "only bits 0 and 1".into(),
            || format!("{value:#x}"),
        );
        if std::mem::take(&mut line.isr_any) {
            w.book.check(
                RuleId::IntIsr,
                None,
                value & 3 != 0,
                || "the cause of the INTx that is asserted".into(),
                || "0".into(),
            );
        }
        if std::mem::take(&mut line.isr_config) {
            w.book.check(
                RuleId::IntIsr,
                None,
                value & 2 != 0,
                || "bit 1 after a configuration interrupt".into(),
                || format!("{value:#x}"),
            );
        }
        if config.msix_enable.is_none_or(super::windows::Switch::on) {
            return;
        }
        // The driver looks at everything now: what was asserted for stands for all that had come up by then.
        let before = asked.saturating_sub(DECISION_CYCLES);
        for q in queues.values_mut() {
            q.decision.seen(before);
        }
        self.changes.seen(before);
        if self.line.asserted {
            self.line.must_fall.get_or_insert(w.book.now);
        }
    }

    /// The line is overdue to fall (`over`: the run is over).
    pub(crate) fn sweep_line(&mut self, queues: &BTreeMap<u16, Queue>, over: bool, w: &mut World) {
        let now = w.book.now;
        let Some(cycle) = self
            .line
            .must_fall
            .filter(|&c| over || now.saturating_sub(c) > GRACE_CYCLES)
        else {
            return;
        };
        self.line.must_fall = None;
        // Something that came up since the read holds it, rightly.
        let held = self.changes.newest().is_some() || queues.values().any(|q| q.decision.newest().is_some());
        if !held {
            w.book.broke_at(
                RuleId::IntIntx,
                cycle,
                None,
                "INTx de-asserted after ISR was read".into(),
                "still asserted".into(),
            );
        }
    }
}
