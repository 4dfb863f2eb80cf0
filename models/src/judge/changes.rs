//! Reasons for configuration interrupts: the configuration changed, or something went wrong that the driver must be told of.

use std::collections::VecDeque;

/// From something that happens to the device until its interrupt logic shows it, at most.
pub(crate) const DECISION_CYCLES: u64 = 64;

/// More reasons than this are not remembered: a device that sends none would pile them up.
const REMEMBERED: usize = 1024;

/// Reasons that no configuration interrupt has been put down to yet.
///
/// A device may tell of several changes with one message, or of each with its own, so a message takes one reason and leaves the others.
#[derive(Debug)]
pub(crate) struct Changes {
    /// Changes, by cycle.
    recent: VecDeque<u64>,
    /// Errors that the device finds when it comes to them: malformed chains, ring reads that failed.
    faults: usize,
    /// An interrupt is owed since this cycle.
    pub(crate) owed: Option<u64>,
    /// Something has gone wrong since the device was started.
    fault_seen: bool,
    /// An interrupt came since the first fault: `DEVICE_NEEDS_RESET` stays set, so that later faults need not be told.
    told_of_fault: bool,
}

impl Default for Changes {
    fn default() -> Self {
        Changes {
            recent: VecDeque::new(),
            faults: 0,
            owed: None,
            fault_seen: false,
            told_of_fault: true,
        }
    }
}

impl Changes {
    /// The configuration changed, or may have.
    pub(crate) fn changed(&mut self, owed: bool, now: u64) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        if owed {
            self.owed.get_or_insert(now);
        }
    }

    /// Something went wrong that the device may have to report.
    pub(crate) fn fault(&mut self) {
        self.faults += 1;
        self.told_of_fault &= self.fault_seen;
        self.fault_seen = true;
    }

    /// `DEVICE_NEEDS_RESET` was read: unless an interrupt told of it, one is to come.
    pub(crate) fn demand(&mut self, now: u64) {
        if !self.told_of_fault {
            self.owed.get_or_insert(now);
        }
    }

    /// Is the driver still to be told that something went wrong?
    pub(crate) fn fault_untold(&self) -> bool {
        !self.told_of_fault
    }

    /// An interrupt came that may have been sent for something else. True if one was owed.
    pub(crate) fn told(&mut self) -> bool {
        self.owed.take().is_some()
    }

    /// Is there a reason for a configuration interrupt?
    pub(crate) fn any(&self) -> bool {
        self.owed.is_some() || !self.recent.is_empty() || self.faults > 0
    }

    /// An interrupt came that can only be a configuration interrupt: is there a reason?
    pub(crate) fn take(&mut self) -> bool {
        let owed = self.owed.take().is_some();
        self.told_of_fault = true;
        if self.recent.pop_front().is_some() {
            return true;
        }
        let fault = self.faults > 0;
        self.faults -= usize::from(fault);
        owed || fault
    }

    /// The device was started: what was before is part of what the driver read, but for what the device may see only now.
    pub(crate) fn started(&mut self, now: u64) {
        self.seen(now.saturating_sub(DECISION_CYCLES));
        self.faults = 0;
        self.fault_seen = false;
        self.told_of_fault = true;
    }

    /// The driver has looked at everything up to this cycle.
    pub(crate) fn seen(&mut self, before: u64) {
        self.owed = None;
        self.recent.retain(|&c| c >= before);
    }

    /// What is owed counts from now.
    pub(crate) fn restart(&mut self, now: u64) {
        if let Some(owed) = &mut self.owed {
            *owed = now;
        }
    }

    /// The latest change not told of.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.recent.back().copied()
    }
}

/// The pin that says whether the link is up. What moves and moves back within a cycle is no change.
#[derive(Debug, Default)]
pub(crate) struct LinkPin {
    up: Option<bool>,
    /// A move not yet told: its cycle, and what was before that cycle.
    moved: Option<(u64, Option<bool>)>,
}

impl LinkPin {
    /// The pin is now so.
    pub(crate) fn set(&mut self, up: bool, now: u64) {
        let before = self.up.replace(up);
        self.moved.get_or_insert((now, before));
    }

    /// Is it up, as far as known?
    pub(crate) fn up(&self) -> Option<bool> {
        self.up
    }

    /// The change that is complete by cycle `now`, if there is one: its cycle.
    pub(crate) fn settled(&mut self, now: u64) -> Option<u64> {
        let (cycle, before) = self.moved.filter(|&(cycle, _)| cycle < now)?;
        self.moved = None;
        (before != self.up).then_some(cycle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_takes_one_reason() {
        let mut c = Changes::default();
        assert!(!c.take());
        c.changed(true, 10);
        c.changed(true, 11);
        assert!(c.take() && c.take() && !c.take());
        c.fault();
        assert!(c.fault_untold() && c.take() && !c.fault_untold() && !c.take());
    }

    #[test]
    fn the_first_fault_has_to_be_told_and_later_ones_may_be() {
        let mut c = Changes::default();
        c.fault();
        c.demand(10);
        assert_eq!(c.owed, Some(10));
        assert!(c.take());
        c.fault();
        c.demand(20);
        assert_eq!(c.owed, None, "DEVICE_NEEDS_RESET was set already");
        assert!(c.take(), "and a second message is fine");
        c.started(1000);
        c.fault();
        assert!(c.fault_untold(), "the next life");
    }

    #[test]
    fn a_link_that_moves_back_in_the_same_cycle_has_not_moved() {
        let mut pin = LinkPin::default();
        pin.set(true, 5);
        assert_eq!(pin.settled(5), None);
        assert_eq!(pin.settled(6), Some(5));
        pin.set(false, 8);
        pin.set(true, 8);
        assert_eq!(pin.settled(9), None);
        pin.set(false, 10);
        assert_eq!(pin.settled(11), Some(10));
        pin.set(true, 11);
        assert_eq!((pin.settled(12), pin.settled(13)), (Some(11), None));
    }
}
