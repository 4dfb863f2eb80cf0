//! The device status byte: the driver's steps, resets, suspension, and what reads of it say.

use super::{
    ACKNOWLEDGE, DRIVER, DRIVER_OK, Effect, FEATURES_OK, NEEDS_RESET, ReadContext, Registers, SUSPEND,
    Suspension,
};
use crate::judge::features;
use crate::judge::verdict::Book;
use crate::rules::RuleId;

impl Registers {
    pub(super) fn write_status(&mut self, value: u8, book: &mut Book) -> Effect {
        let old = self.status;
        if value == 0 {
            self.resetting = true;
            self.status = 0;
            self.suspension = Suspension::None;
            return Effect::ResetStarted;
        }
        let polled = !self.resetting;
        book.check(
            RuleId::DriverInit,
            None,
            polled,
            || "status polled until it reads 0 after a reset".into(),
            || format!("{value:#x} written before"),
        );
        if !polled {
            self.reset();
        }
        // SUSPEND is taken back by the device; who ends a suspension may write it either way.
        let lasting = old & !(NEEDS_RESET | SUSPEND);
        let kept = value & lasting == lasting;
        book.check(
            RuleId::DriverInit,
            None,
            kept || !polled,
            || format!("no status bit of {old:#x} cleared but by reset"),
            || format!("{value:#x} written"),
        );
        let ordered = [ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK]
            .windows(2)
            .all(|w| value & w[1] == 0 || value & w[0] != 0);
        book.check(
            RuleId::DriverInit,
            None,
            ordered,
            || "ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK in this order".into(),
            || format!("{value:#x} written"),
        );
        if let Some(effect) = self.suspend_written(old, value, book) {
            return effect;
        }
        self.status = value & !SUSPEND | old & SUSPEND;
        if value & !old & FEATURES_OK != 0 {
            self.judge_selection(book);
        }
        if value & !old & DRIVER_OK != 0 && value & FEATURES_OK != 0 {
            return Effect::Started;
        }
        Effect::None
    }

    /// A write that asks for a suspension, or for the end of one.
    fn suspend_written(&mut self, old: u8, value: u8, book: &mut Book) -> Option<Effect> {
        if self.suspension == Suspension::Reached {
            let resumes = value & DRIVER_OK != 0;
            if resumes {
                self.suspension = Suspension::Ending;
                self.status = value & !SUSPEND;
            }
            return Some(if resumes {
                Effect::ResumeAsked
            } else {
                Effect::None
            });
        }
        if value & SUSPEND == 0 || old & SUSPEND != 0 {
            return None;
        }
        let may = self.has(features::SUSPEND) && old & DRIVER_OK != 0 && self.suspension == Suspension::None;
        book.check(
            RuleId::DriverSuspend,
            None,
            may,
            || "SUSPEND written only with VIRTIO_F_SUSPEND, while the device runs".into(),
            || format!("{value:#x} written after {old:#x}"),
        );
        // It has no effect otherwise (SUSP-DEV-001): the bit must not show.
        may.then(|| {
            self.suspension = Suspension::Asked;
            self.status = value;
            Effect::SuspendAsked
        })
    }

    /// A register other than status was written.
    pub(super) fn written_in_suspension(&self, name: &str, queue: Option<u16>, book: &mut Book) {
        let asked = self.suspension.waits();
        if asked || self.has(features::SUSPEND) {
            book.check(
                RuleId::DriverSuspend,
                queue,
                !asked,
                || "no register but status written once a suspension was asked for".into(),
                || format!("{name} written"),
            );
        }
    }

    pub(super) fn status_read(&mut self, at: ReadContext, value: u8, book: &mut Book) -> Effect {
        if self.resetting {
            if at.resetting && value == 0 {
                book.held(RuleId::CfgStatus);
                self.reset();
                return Effect::ResetDone;
            }
            return Effect::None; // whatever a device in reset shows, as long as it is not 0
        }
        if at.suspension != self.suspension {
            return Effect::StatusRead(value); // asked for before what the driver wrote since
        }
        if self.suspension != Suspension::None {
            return self.suspended_status(value, book);
        }
        if self.ever_reset || self.status != 0 {
            let mask = !(NEEDS_RESET | FEATURES_OK);
            let want = self.status & mask;
            book.check(
                RuleId::CfgStatus,
                None,
                value & mask == want,
                || format!("{want:#x} (FEATURES_OK and DEVICE_NEEDS_RESET aside)"),
                || format!("{value:#x}"),
            );
        }
        if self.status & FEATURES_OK != 0 {
            let set = value & FEATURES_OK != 0;
            if let Some(legal) = self.legal {
                book.check(
                    RuleId::CfgFeaturesOk,
                    None,
                    set == legal,
                    || {
                        format!(
                            "FEATURES_OK {} for bits {}",
                            if legal { "set" } else { "clear" },
                            features::list(self.accepted)
                        )
                    },
                    || format!("status {value:#x}"),
                );
            }
            if !set {
                self.status &= !FEATURES_OK;
                self.negotiated = 0;
                self.legal = None;
            }
        }
        Effect::StatusRead(value)
    }

    /// Status was read between the request for a suspension and the end of it.
    fn suspended_status(&mut self, value: u8, book: &mut Book) -> Effect {
        let now = (value & SUSPEND != 0, value & DRIVER_OK != 0);
        let (right, words) = match self.suspension {
            Suspension::Reached => (now == (true, false), "SUSPEND without DRIVER_OK"),
            Suspension::Ending => (
                now != (false, false),
                "SUSPEND until the device runs again, then DRIVER_OK alone",
            ),
            _ => (now.0, "SUSPEND, with DRIVER_OK until the device is suspended"),
        };
        book.check(
            RuleId::CfgStatus,
            None,
            right,
            || words.into(),
            || format!("{value:#x}"),
        );
        match (self.suspension, now) {
            (Suspension::Asked, (true, false)) => {
                self.suspension = Suspension::Reached;
                self.status = (self.status | SUSPEND) & !DRIVER_OK;
                Effect::Suspended(value)
            }
            (Suspension::Ending, (false, true)) => {
                self.suspension = Suspension::None;
                Effect::Resumed(value)
            }
            _ => Effect::StatusRead(value),
        }
    }
}
