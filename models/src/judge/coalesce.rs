//! Interrupt moderation (virtio 1.4, "Notifications Coalescing"): which limits are in force for each data queue, and when their conditions are met.
//!
//! A round begins with the first packet published after the last notification. Its conditions are met when `max_packets` packets were published or
//! `max_usecs` have passed, whichever comes first; with either limit zero by the first packet. Only then the driver's wish is asked for, and a new round
//! begins, whatever the answer. While a command is under way the old and the new limits may be in force: an interrupt must fit one of them, and is
//! overdue only by all of them.

use std::collections::BTreeMap;

use super::Judge;
use super::features;
use super::net::shape::Role;

/// How far a device may stray from the limits.
///
/// The specification calls them approximate and names no figure (NETCOAL-DEV-007). A timer of whole microseconds is off by one of them, a coarse one by
/// a share of the limit. What follows the expiry has to find its way through credits and other traffic, so lateness has a bound of its own.
pub(crate) const TOLERANCE: Tolerance = Tolerance {
    early_per_cent: 10,
    least_us: 1,
    late_us: 50,
};

/// See [`TOLERANCE`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tolerance {
    /// Part of `max_usecs` by which a round may be shorter, or its end later.
    early_per_cent: u32,
    /// The same in microseconds, if that is more.
    least_us: u32,
    /// Time from the end of a round to the look at the driver's event word, or the interrupt, in microseconds.
    late_us: u32,
}

/// Limits of one queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) max_packets: u32,
    pub(crate) max_usecs: u32,
}

impl Limits {
    /// As a command carries them.
    pub(crate) fn from_bytes(data: &[u8]) -> Option<Self> {
        let packets = data.first_chunk::<4>()?;
        let usecs = data.get(4..)?.first_chunk::<4>()?;
        Some(Limits {
            max_packets: u32::from_le_bytes(*packets),
            max_usecs: u32::from_le_bytes(*usecs),
        })
    }

    /// For a message.
    pub(crate) fn words(self) -> String {
        format!("{} packets, {} us", self.max_packets, self.max_usecs)
    }

    fn off(self) -> bool {
        self.max_packets == 0 || self.max_usecs == 0
    }
}

/// Limits in force: global ones by direction, and those of every enabled data queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Receive, transmit.
    global: [Limits; 2],
    queues: BTreeMap<u16, Limits>,
}

impl Settings {
    /// A data queue was enabled: it begins with the global limits of its direction.
    pub(crate) fn enable(&mut self, queue: u16) {
        self.queues.insert(queue, self.global[usize::from(queue % 2)]);
    }

    /// A reset of a queue was asked for.
    pub(crate) fn disable(&mut self, queue: u16) {
        self.queues.remove(&queue);
    }

    /// Limits of an enabled data queue.
    pub(crate) fn of(&self, queue: u16) -> Option<Limits> {
        self.queues.get(&queue).copied()
    }

    pub(crate) fn set_all(&mut self, direction: usize, limits: Limits) {
        self.global[direction] = limits;
        for (_, l) in self
            .queues
            .iter_mut()
            .filter(|(q, _)| usize::from(**q % 2) == direction)
        {
            *l = limits;
        }
    }

    /// False if there is no such enabled data queue.
    pub(crate) fn set(&mut self, queue: u16, limits: Limits) -> bool {
        self.queues.get_mut(&queue).map(|l| *l = limits).is_some()
    }
}

/// The running round of one queue.
#[derive(Debug, Default)]
pub(crate) struct Moderation {
    /// Limits that may be in force; none: the queue is not moderated.
    limits: Vec<Limits>,
    /// Cycles of a microsecond.
    per_us: f64,
    /// Since when no others may be.
    since: u64,
    /// When the round began.
    first: Option<u64>,
    packets: u64,
    /// Packets published when the conditions were already met, and before the look at the event word crossed. The device may have begun that look
    /// before them (requests wait for credits), so they may belong to the next round.
    after: Straddling,
    /// Those of the round before: this round may have begun with them.
    before: Straddling,
    /// Since when the packets alone meet the conditions under all `limits`.
    full: Option<u64>,
    /// The conditions were met under limits that may no longer be in force.
    met_before: bool,
    /// Rounds that ended with a look at the event word, and whose interrupt has not been seen.
    ended: usize,
}

/// Packets that two rounds may count.
#[derive(Clone, Copy, Debug, Default)]
struct Straddling {
    first: Option<u64>,
    packets: u64,
}

impl Moderation {
    /// Is there a feature that moderates this queue, and are its limits known?
    pub(crate) fn active(&self) -> bool {
        !self.limits.is_empty()
    }

    /// The limits that may be in force changed.
    pub(crate) fn set(&mut self, limits: Vec<Limits>, per_us: f64, now: u64) {
        if limits == self.limits {
            return;
        }
        self.met_before |= self.first.is_some() && (!self.active() || self.met(now));
        self.limits = limits;
        self.per_us = per_us;
        self.since = now;
        self.full = self.is_full().then_some(now);
    }

    #[expect(
        clippy::cast_sign_loss,
        reason = "neither a time nor a clock rate is negative"
    )]
    fn cycles(&self, usecs: f64) -> u64 {
        (usecs * self.per_us) as u64
    }

    fn slack(limits: Limits) -> f64 {
        let part = f64::from(limits.max_usecs) * f64::from(TOLERANCE.early_per_cent) / 100.0;
        part.max(f64::from(TOLERANCE.least_us))
    }

    fn counted(&self, limits: Limits) -> bool {
        limits.off() || self.packets >= u64::from(limits.max_packets)
    }

    fn is_full(&self) -> bool {
        self.first.is_some() && self.limits.iter().all(|&l| self.counted(l))
    }

    /// Packets were published.
    pub(crate) fn published(&mut self, packets: u64, now: u64) {
        if packets == 0 {
            return;
        }
        if self.met(now) {
            self.after.first.get_or_insert(now);
            self.after.packets = self.after.packets.saturating_add(packets);
        }
        self.first.get_or_insert(now);
        self.packets = self.packets.saturating_add(packets);
        if self.full.is_none() && self.is_full() {
            self.full = Some(now);
        }
    }

    /// Are the conditions met under any limits that may be in force?
    fn met(&self, now: u64) -> bool {
        let Some(first) = self.before.first.or(self.first) else {
            return false;
        };
        let packets = self.packets.saturating_add(self.before.packets);
        self.limits.iter().any(|&l| {
            let wait = (f64::from(l.max_usecs) - Self::slack(l)).max(0.0);
            l.off() || packets >= u64::from(l.max_packets) || now >= first.saturating_add(self.cycles(wait))
        })
    }

    /// Since when they are met under all of them, with all the time that the tolerance gives.
    pub(crate) fn due(&self, now: u64) -> Option<u64> {
        let first = self.first?;
        let timed = self.limits.iter().map(|&l| {
            let wait = f64::from(l.max_usecs) + Self::slack(l);
            first.saturating_add(if l.off() { 0 } else { self.cycles(wait) })
        });
        let timed = timed.max()?;
        let due = self.full.map_or(timed, |full| full.min(timed)).max(self.since);
        (due <= now).then_some(due)
    }

    /// More than the tolerance after the end of a round.
    pub(crate) fn overdue(&self, now: u64) -> Option<u64> {
        self.due(now)
            .filter(|due| now - due > self.cycles(TOLERANCE.late_us.into()))
    }

    /// The device looks at the event word. Is that the end of a round?
    pub(crate) fn asked(&mut self, now: u64) -> bool {
        let end = self.met_before && self.first.is_some() || self.met(now);
        if end {
            self.ended += 1;
            self.next_round();
        }
        end
    }

    /// The driver does not want an interrupt of any round that ended.
    pub(crate) fn declined(&mut self) {
        self.ended = 0;
    }

    /// May an interrupt come now?
    pub(crate) fn permits(&self, now: u64) -> bool {
        !self.active() || self.ended > 0 || self.first.is_none() || self.met_before || self.met(now)
    }

    /// One came for this queue.
    pub(crate) fn take(&mut self) {
        match self.ended.checked_sub(1) {
            Some(left) => self.ended = left,
            None => self.next_round(),
        }
    }

    /// What was published is done with.
    pub(crate) fn next_round(&mut self) {
        self.first = None;
        self.packets = 0;
        self.before = std::mem::take(&mut self.after);
        self.full = None;
        self.met_before = false;
    }

    /// Interrupts could not be delivered until now: lateness counts from here.
    pub(crate) fn restart(&mut self, now: u64) {
        self.since = now;
    }

    /// Where the round stands, for a message.
    #[expect(clippy::cast_precision_loss, reason = "shown to a hundredth of a microsecond")]
    pub(crate) fn state(&self, now: u64) -> String {
        let waited = self
            .first
            .map_or(0.0, |f| now.saturating_sub(f) as f64 / self.per_us.max(1e-9));
        let limits: Vec<String> = self.limits.iter().map(|l| l.words()).collect();
        format!(
            "{} packets in {waited:.2} us; limits {}",
            self.packets,
            limits.join(" or ")
        )
    }
}

impl Judge {
    /// Queues, commands or features changed: every data queue learns which limits may be in force.
    pub(super) fn moderation_changed(&mut self) {
        let negotiated = self.w.has(features::NOTF_COAL) || self.w.has(features::VQ_NOTF_COAL);
        if !negotiated || !self.w.stores || !self.w.shape.net {
            return;
        }
        let now = self.w.book.now;
        for (&index, q) in &mut self.queues {
            if matches!(self.w.shape.role(index), Role::Rx(_) | Role::Tx(_)) {
                let mut limits = self.net.limits(index);
                // On its way into a suspension a device tells what is due without waiting (SUSP-DEV-011).
                if self.registers.suspension.waits() && !limits.is_empty() {
                    limits.push(Limits::default());
                }
                q.decision.moderation.set(limits, self.header.clock_mhz, now);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(packets: u32, usecs: u32) -> Moderation {
        let mut m = Moderation::default();
        let limits = Limits {
            max_packets: packets,
            max_usecs: usecs,
        };
        m.set(vec![limits], 250.0, 0);
        m
    }

    #[test]
    fn whichever_limit_is_first_ends_the_round() {
        let mut m = round(4, 100);
        m.published(3, 1000);
        assert!(!m.permits(2000) && m.due(2000).is_none());
        m.published(1, 3000);
        assert!(m.permits(3000));
        assert_eq!(m.due(3000), Some(3000));
        assert!(m.asked(3100) && m.permits(3200));
        m.take();
        m.published(1, 4000);
        assert!(!m.permits(4000 + 22_000), "a new round began");
        assert!(m.permits(4000 + 22_500), "90 of 100 us are near enough");
        assert_eq!(m.due(4000 + 27_499), None);
        assert_eq!(m.due(40_000), Some(4000 + 27_500));
        assert_eq!(m.overdue(4000 + 27_500 + 12_501), Some(4000 + 27_500));
    }

    #[test]
    fn packets_before_a_late_look_may_begin_the_next_round() {
        let mut m = round(4, 100);
        m.published(4, 1000);
        m.published(1, 1200);
        assert!(m.asked(1400), "a look that waited behind the packet at 1200");
        m.take();
        m.published(2, 2000);
        assert!(!m.permits(2000), "three at most");
        m.published(1, 3000);
        assert!(
            m.permits(3000) && m.due(3000).is_none(),
            "it may, and it need not yet"
        );
        m.published(1, 4000);
        assert_eq!(m.due(4000), Some(4000));
        assert!(m.asked(4001));
        m.take();
        m.published(3, 5000);
        assert!(
            m.permits(5000),
            "the fourth of the last round may have come after its look began"
        );
        assert!(m.asked(5001));
        m.take();
        m.published(3, 6000);
        assert!(!m.permits(6000), "nothing straddled");
    }

    #[test]
    fn either_limit_at_zero_ends_every_round_at_once() {
        for (packets, usecs) in [(0, 100), (100, 0), (0, 0)] {
            let mut m = round(packets, usecs);
            m.published(1, 50);
            assert!(m.permits(50));
            assert_eq!(m.due(60), Some(50));
        }
    }

    #[test]
    fn while_a_command_is_under_way_both_limits_may_hold() {
        let (many, one) = (
            Limits {
                max_packets: 9,
                max_usecs: 1000,
            },
            Limits {
                max_packets: 1,
                max_usecs: 1000,
            },
        );
        let mut m = round(9, 1000);
        m.published(1, 100);
        m.set(vec![many, one], 250.0, 200);
        assert!(m.permits(200) && m.due(300).is_none());
        m.set(vec![one], 250.0, 400);
        assert_eq!(m.due(400), Some(400));
        m.set(vec![many], 250.0, 500);
        assert!(m.permits(500) && m.due(600).is_none(), "it was met before");
    }

    #[test]
    fn a_queue_enabled_again_has_the_global_limits() {
        let mut s = Settings::default();
        let l = |n| Limits {
            max_packets: n,
            max_usecs: n,
        };
        s.enable(0);
        s.enable(1);
        s.set_all(1, l(5));
        assert!(s.set(0, l(7)) && s.set(1, l(8)) && !s.set(3, l(9)));
        assert_eq!((s.of(0), s.of(1), s.of(3)), (Some(l(7)), Some(l(8)), None));
        for q in [0, 1] {
            s.disable(q);
            assert_eq!(s.of(q), None);
            s.enable(q);
        }
        assert_eq!((s.of(0), s.of(1)), (Some(l(0)), Some(l(5))));
    }
}
