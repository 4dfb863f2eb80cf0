//! Kicks of one queue: what the device asked for, whether the driver obeyed, and whether the device looked again after asking.

use super::asking::{Asking, Wish};
use super::windows::History;
use super::world::World;
use crate::rules::RuleId;

/// After this many cycles something that must follow is taken to be missing.
pub(crate) const GRACE_CYCLES: u64 = 65_536;

/// Ring positions published without a kick so far.
#[derive(Clone, Copy, Debug)]
struct Unkicked {
    from: u64,
    to: u64,
    cycle: u64,
}

/// Kick state of a queue.
#[derive(Debug)]
pub(crate) struct Kicks {
    asking: Asking,
    /// Values of the word in which the device says what it wants to hear of.
    word: History,
    /// Event number and cycle of an enabling write that no index read has followed yet.
    armed: Option<(u64, u64)>,
    unkicked: Option<Unkicked>,
    /// Position up to which the device was told, or promised to look.
    notified: u64,
}

impl Kicks {
    pub(crate) fn new(asking: Asking) -> Self {
        Kicks {
            asking,
            word: History::default(),
            armed: None,
            unkicked: None,
            notified: 0,
        }
    }

    /// The word stood like this when the queue began.
    pub(crate) fn found(&mut self, value: u32) {
        self.word.push(0, value);
    }

    /// The device wrote `used.flags`.
    pub(crate) fn flags(&mut self, value: u32, seq: u64, now: u64) {
        let was = self.word.latest();
        self.word.push(now, value);
        if was & 1 == 1 && value & 1 == 0 {
            self.armed = Some((seq, now));
        }
    }

    /// The device wrote the position that it wants to hear of; `enabling` if it asks for a kick to come.
    pub(crate) fn event(&mut self, value: u32, enabling: bool, seq: u64, now: u64) {
        self.word.push(now, value);
        if enabling {
            self.armed = Some((seq, now));
        }
    }

    /// The device issued a read of the available index. True if one was due.
    pub(crate) fn index_read(&mut self, seq: u64) -> bool {
        self.armed.take_if(|a| a.0 < seq).is_some()
    }

    fn always_wanted(&self, u: Unkicked, now: u64) -> bool {
        self.word
            .during(u.cycle, now)
            .all(|v| self.asking.wish(v, u.from, u.to) == Wish::Yes)
    }

    /// The driver made what lies at positions `from..to` available.
    pub(crate) fn published(&mut self, from: u64, to: u64, now: u64) {
        let open = self.unkicked.filter(|&u| self.always_wanted(u, now));
        if let (Some(u), None) = (self.unkicked, open) {
            self.notified = self.notified.max(u.to);
        }
        self.unkicked = Some(open.map_or(Unkicked { from, to, cycle: now }, |u| Unkicked { to, ..u }));
    }

    /// A kick arrived that tells of everything below position `upto`.
    pub(crate) fn kicked(&mut self, upto: u64) {
        self.notified = self.notified.max(upto);
        self.armed = None;
        match &mut self.unkicked {
            Some(u) if u.to <= upto => self.unkicked = None,
            Some(u) => u.from = u.from.max(upto),
            None => {}
        }
    }

    /// Position up to which the device was told, or promised to look by not asking for a kick.
    pub(crate) fn notified(&self, now: u64) -> u64 {
        match self.unkicked {
            Some(u) if !self.always_wanted(u, now) => self.notified.max(u.to),
            _ => self.notified,
        }
    }

    /// What must follow counts from now.
    pub(crate) fn restart(&mut self, now: u64) {
        if let Some((_, cycle)) = &mut self.armed {
            *cycle = now;
        }
    }

    /// Something is overdue (`over`: the run is over, so everything open is).
    pub(crate) fn sweep(&mut self, queue: u16, over: bool, w: &mut World) {
        let now = w.book.now;
        if let Some((_, cycle)) = self.armed.filter(|a| over || now - a.1 > GRACE_CYCLES) {
            self.armed = None;
            w.book.broke_at(
                RuleId::NotifyReread,
                cycle,
                Some(queue),
                "a read of the available index after kicks were enabled".into(),
                "none followed".into(),
            );
        }
    }

    /// At the end of the run: did the driver owe a kick? Not for what the device found itself, below position `known`:
    /// its request may have landed in memory only after the driver had looked.
    pub(crate) fn owed_by_driver(&self, queue: u16, known: u64, w: &mut World) {
        let now = w.book.now;
        let Some(u) = self.unkicked.filter(|u| u.to > known) else {
            w.book.held(RuleId::DriverKickMissing);
            return;
        };
        let missing = self.always_wanted(u, now);
        if missing {
            w.book.broke_at(
                RuleId::DriverKickMissing,
                u.cycle,
                Some(queue),
                format!(
                    "a kick for ring positions {}..{} (the device asks for one)",
                    u.from, u.to
                ),
                "none".into(),
            );
        } else {
            w.book.held(RuleId::DriverKickMissing);
        }
    }
}
