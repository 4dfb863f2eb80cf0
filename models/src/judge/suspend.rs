//! Suspension (virtio 1.4, "Device Suspend"): a device that was asked to finishes what it has begun, tells what it owes, says that it is
//! suspended, and is silent until the driver wants it back.

use super::messages::Messages;
use super::queue::State;
use super::registers::Suspension;
use super::{Judge, Life, features};
use crate::rules::RuleId;

/// What the judge remembers over a suspension.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// The link when the suspension was asked for, as far as known.
    link: Option<bool>,
    /// A vector was unmasked meanwhile: what was pending from before may come out.
    pub(super) unmasked: bool,
}

impl Judge {
    /// Between the request for a suspension and the end of it?
    pub(super) fn resting(&self) -> bool {
        self.registers.suspension != Suspension::None
    }

    /// A suspension was asked for. Rounds of moderation end early.
    pub(super) fn suspend_asked(&mut self) {
        self.rest = Rest {
            link: self.link.up(),
            unmasked: false,
        };
        self.moderation_changed();
    }

    /// The device says that it is suspended: is everything done that was begun, and told that was due?
    pub(super) fn suspended(&mut self) {
        if self.life != Life::Running {
            return;
        }
        for (&index, q) in self.queues.iter_mut().filter(|(_, q)| q.state == State::Live) {
            if q.fault.is_some() || q.broken {
                continue;
            }
            let vector = self.registers.queues.get(&index).and_then(|r| r.vector);
            let tells = self.messages.deliverable(vector, &self.config)
                && Messages::mapped(vector, &self.config)
                && !self.messages.line_asserted(&self.config);
            let (begun, owes) = (q.begun(), tells && q.decision.unsettled());
            self.w.book.check(
                RuleId::LifeSuspend,
                Some(index),
                begun.is_none() && !owes,
                || "nothing begun and nothing due when the device says that it is suspended".into(),
                || match begun {
                    Some(chain) => format!("chain {chain} was begun and is not used"),
                    None => "used buffers of which the driver wants to hear, and has not".into(),
                },
            );
        }
    }

    /// The end of the suspension was asked for: a link that is not what it was is to be told of.
    pub(super) fn resume_asked(&mut self) {
        let now = self.w.book.now;
        let moved = self.rest.link.is_some() && self.link.up() != self.rest.link;
        if moved && self.w.shape.net {
            self.messages.changes.changed(self.w.has(features::STATUS), now);
        }
    }

    /// The device runs again: what is owed counts from now.
    pub(super) fn resumed(&mut self) {
        let now = self.w.book.now;
        self.w.book.held(RuleId::LifeSuspend);
        for q in self.queues.values_mut() {
            q.decision.restart(now);
            q.kicks.restart(now);
        }
        self.messages.changes.restart(now);
        self.moderation_changed();
    }

    /// The device sent a request while suspended (`message`: an interrupt).
    pub(super) fn acts_in_suspension(&mut self, message: bool) {
        let silent = self.registers.suspension == Suspension::Reached && !(message && self.rest.unmasked);
        if silent || self.w.has(features::SUSPEND) {
            self.w.book.check(
                RuleId::LifeSuspended,
                None,
                !silent,
                || "no request and no interrupt from a suspended device".into(),
                || "one was sent".into(),
            );
        }
    }

    /// The run is over: a suspension that was asked for, or its end, has to come.
    pub(super) fn suspension_at_the_end(&mut self) {
        let waits = match self.registers.suspension {
            Suspension::Asked => "suspended",
            Suspension::Ending => "running again",
            Suspension::None | Suspension::Reached => return,
        };
        let told = self.needs_reset;
        self.w.book.check(
            RuleId::LifeSuspend,
            None,
            told,
            || format!("a device that is {waits}, or DEVICE_NEEDS_RESET"),
            || "neither".into(),
        );
    }
}
