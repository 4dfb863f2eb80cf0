//! What is decided late: things overdue, and everything that must be complete when the run is over.

use super::messages::Messages;
use super::net::Net;
use super::net::shape::Role;
use super::queue::State;
use super::verdict::Verdict;
use super::{Judge, Life, features};
use crate::event::EndReason;
use crate::rules::{RULES, RuleId};

/// A run that is cut off after so long a silence has stalled.
const STALL_CYCLES: u64 = 4096;

impl Judge {
    /// Rules that cannot apply to this trace.
    pub(super) fn switch_rules_off(&mut self) {
        for (&id, rule) in RuleId::ALL.iter().zip(RULES) {
            if rule.needs_stores && !self.header.driver_stores {
                self.w
                    .book
                    .switch_off(id, "the driver's stores are not in the trace");
            } else if rule.id.starts_with("NET-") && self.header.device_type != 1 {
                self.w.book.switch_off(id, "not a network device");
            }
        }
    }

    /// Looks for what is overdue (`over`: the run is over, so everything open is).
    pub(super) fn sweep(&mut self, over: bool) {
        if self.life != Life::Running || self.resting() {
            return;
        }
        let coalescing = self.w.has(features::NOTF_COAL) || self.w.has(features::VQ_NOTF_COAL);
        let now = self.w.book.now;
        for (&index, q) in self.queues.iter_mut().filter(|(_, q)| q.state == State::Live) {
            if q.fault.is_some() || q.broken {
                q.decision.excuse();
                continue;
            }
            q.kicks.sweep(index, over, &mut self.w);
            let vector = self.registers.queues.get(&index).and_then(|r| r.vector);
            if !Messages::mapped(vector, &self.config) || self.messages.line_asserted(&self.config) {
                q.decision.excuse();
            } else if self.messages.deliverable(vector, &self.config) {
                // Without stores the commands are not known, and so neither the limits.
                if self.w.stores || !coalescing {
                    q.decision.sweep(index, over, &mut self.w);
                }
            } else {
                q.decision.restart(now);
            }
        }
        self.messages
            .sweep(&self.registers, &self.config, over, &mut self.w);
        self.messages.sweep_line(&self.queues, over, &mut self.w);
    }

    /// Ends the run and gives the verdict.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        self.link_settles(u64::MAX);
        let ended = self.end.is_some();
        self.w.book.check(
            RuleId::RunEnd,
            None,
            ended,
            || "an end event".into(),
            || "the trace stops without one".into(),
        );
        self.w.book.held(RuleId::RunPin);
        let complete = self.end == Some(EndReason::Complete);
        // A run that was given up after a long silence: whatever is owed will not come.
        let stalled =
            self.end == Some(EndReason::Truncated) && self.w.book.now - self.last_packet >= STALL_CYCLES;
        if complete || stalled {
            self.requests.finish(&mut self.w.book);
            self.reads.finish(&mut self.w.book);
            if self.life == Life::Running {
                self.suspension_at_the_end();
            }
            if self.life == Life::Running && !self.resting() {
                self.note_faults();
                self.sweep(true);
                self.queues_at_the_end();
            }
            if complete && self.w.shape.net {
                std::mem::replace(&mut self.net, Net::new()).finish(&mut self.w);
            }
        }
        self.was_anything_compared();
        self.w.book.into_verdict(self.header.expect)
    }

    fn queues_at_the_end(&mut self) {
        let now = self.w.book.now;
        for (&index, q) in self.queues.iter().filter(|(_, q)| q.state == State::Live) {
            q.at_the_end(&mut self.w);
            if let Some((chain, why)) = &q.fault {
                // Whether the device noticed shows in status, or in a configuration interrupt that made the driver look.
                let noticed = self.needs_reset || !self.messages.changes.fault_untold();
                let knew = q.fault_known();
                let could_tell = self.distress.status_read_since_fault
                    || Messages::mapped(self.registers.config_vector, &self.config);
                if knew && could_tell {
                    self.w.book.check(
                        RuleId::RingErrorPolicy,
                        Some(index),
                        noticed,
                        || {
                            format!(
                                "DEVICE_NEEDS_RESET or a configuration interrupt after chain {chain} ({why})"
                            )
                        },
                        || "neither".into(),
                    );
                }
                continue;
            }
            if q.broken {
                let told = self.needs_reset || !self.messages.changes.fault_untold();
                let could_tell = self.distress.status_read_since_failure
                    || self
                        .messages
                        .deliverable(self.registers.config_vector, &self.config);
                if could_tell {
                    self.w.book.check(
                        RuleId::RingReadFailed,
                        Some(index),
                        told,
                        || {
                            "DEVICE_NEEDS_RESET or a configuration interrupt after a read of the ring failed"
                                .into()
                        },
                        || "neither".into(),
                    );
                }
                continue;
            }
            q.kicks.owed_by_driver(index, q.known_position(), &mut self.w);
            // Receive buffers wait for frames; queues of unknown use may wait for anything.
            if matches!(self.w.shape.role(index), Role::Tx(_) | Role::Control) {
                let told = q.kicks.notified(now);
                let mut stuck = q.in_flight().filter(|c| c.position < told);
                let first = stuck.next().map(|c| c.number);
                let count = usize::from(first.is_some()) + stuck.count();
                self.w.book.check(
                    RuleId::LiveStuck,
                    Some(index),
                    first.is_none(),
                    || format!("chains at positions below {told} used: the device was told of them or promised to look"),
                    || format!("{count} are not, the first is {}", first.unwrap_or(0)),
                );
            }
        }
    }

    fn was_anything_compared(&mut self) {
        let c = &self.w.book.compared;
        let traffic = c.chains + c.frames_tx + c.frames_rx + c.frames_dropped;
        let asked = c.chains_available > 0;
        let ok = c.tlps > 0 && (traffic > 0 || !asked && c.registers > 0);
        self.w.book.check(
            RuleId::RunEmpty,
            None,
            ok,
            || "chains, frames or registers compared".into(),
            || {
                if asked {
                    "chains were available, and nothing came of them".into()
                } else {
                    "nothing was compared".into()
                }
            },
        );
    }
}
