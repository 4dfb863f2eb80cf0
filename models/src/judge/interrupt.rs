//! When a queue must, may and must not interrupt.
//!
//! A publication `old..new` opens a window. Reading the driver's event word closes it: values visible in between decide. If all of them ask for
//! an interrupt it is owed; if one does it is permitted; if none does it is not.

use std::collections::VecDeque;

use super::asking::{Asking, Wish};
use super::coalesce::Moderation;
use super::notify::GRACE_CYCLES;
use super::windows::History;
use super::world::World;
use crate::rules::RuleId;

#[derive(Clone, Copy, Debug)]
struct Open {
    old: u64,
    new: u64,
    cycle: u64,
    seq: u64,
    /// An interrupt may come of it, but need not: the queue is being stopped, or the line stands already.
    excused: bool,
}

/// More reasons than this are not remembered: a device that tells of many publications with one message leaves the others behind.
const REMEMBERED: usize = 1024;

/// Interrupt state of a queue.
#[derive(Debug)]
pub(crate) struct Decision {
    asking: Asking,
    /// Values of the word in which the driver says what it wants to hear of.
    pub(crate) word: History,
    /// How long an interrupt has to wait.
    pub(crate) moderation: Moderation,
    open: VecDeque<Open>,
    /// Since when an interrupt is owed.
    owed: Option<u64>,
    /// Publications that permit an interrupt, by the cycle at which that was decided. Each message takes one.
    reasons: VecDeque<u64>,
    /// Publications that were done with before a message was put down to them. A device that asks for one batch after the other may still ask for these.
    spare: usize,
    /// Publications that one answer was about together with an earlier one, and of which it did not want to hear. A device that asks for one after the
    /// other asks for these again, and the driver may have changed its mind.
    behind: VecDeque<Open>,
    /// A publication was looked at and nobody wanted to be told.
    declined: bool,
    /// Checks that held since the last look, by rule: event word read.
    answered: u64,
    /// Reads of the event word under way: a device that waits for one cannot begin the next.
    reading: u32,
}

/// How an interrupt looks from one of the queues mapped to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// Nothing was published since the last one.
    Nothing,
    /// Something was published, and the driver did not want to be told.
    Unneeded,
    /// The driver wants to be told, but not yet.
    Early,
    /// Something was published that the driver may want to be told of; the device has not heard yet whether it does.
    Possible,
    /// It may.
    Permitted,
    /// It must.
    Owed,
}

impl Decision {
    pub(crate) fn new(asking: Asking) -> Self {
        Decision {
            asking,
            word: History::default(),
            moderation: Moderation::default(),
            open: VecDeque::new(),
            owed: None,
            reasons: VecDeque::new(),
            spare: 0,
            behind: VecDeque::new(),
            declined: false,
            answered: 0,
            reading: 0,
        }
    }

    /// What was asked of this publication from its beginning to now: the least and the most.
    fn wishes(&self, o: Open, now: u64) -> (Wish, Wish) {
        self.word
            .during(o.cycle, now)
            .map(|v| self.asking.wish(v, o.old, o.new))
            .fold((Wish::Yes, Wish::No), |(least, most), w| {
                (least.min(w), most.max(w))
            })
    }

    /// The positions `old..new` of the ring were published as used (`excused`: an interrupt may come of it, but need not).
    pub(crate) fn published(&mut self, old: u64, new: u64, excused: bool, seq: u64, now: u64) {
        self.open.push_back(Open {
            old,
            new,
            cycle: now,
            seq,
            excused,
        });
    }

    /// A read of the event word was issued.
    pub(crate) fn event_asked(&mut self, queue: u16, w: &mut World) {
        self.answered += 1;
        if self.moderation.active() {
            let now = w.book.now;
            self.check_overdue(queue, w);
            if self.moderation.asked(now) {
                w.book.held(RuleId::IntCoalesceLate);
            }
        }
        self.reading += 1;
    }

    /// A moderated round ended longer ago than may be.
    fn check_overdue(&mut self, queue: u16, w: &mut World) {
        let now = w.book.now;
        let excused = self.reading > 0 || self.open.front().is_none_or(|o| o.excused);
        let Some(due) = self.moderation.overdue(now).filter(|_| !excused) else {
            return;
        };
        w.book.broke_at(
            RuleId::IntCoalesceLate,
            due,
            Some(queue),
            "a read of the driver's event word, or an interrupt, soon after the conditions were met".into(),
            format!("neither; {}", self.moderation.state(now)),
        );
    }

    /// The read issued as event `asked` was answered.
    pub(crate) fn event_answered(&mut self, asked: u64, now: u64) {
        self.reading = self.reading.saturating_sub(1);
        self.moderation.restart(now);
        let nothing_new = self.open.front().is_none_or(|o| o.seq >= asked);
        if nothing_new && self.spare > 0 {
            self.spare -= 1;
            self.reasons.push_back(now);
        } else if nothing_new
            && let Some(o) = self.behind.pop_front()
            && self.wishes(o, now).1 != Wish::No
        {
            self.reasons.push_back(now);
        }
        let mut first = true;
        while let Some(o) = self.open.front().copied().filter(|o| o.seq < asked) {
            self.open.pop_front();
            let (least, most) = self.wishes(o, now);
            let together = !std::mem::take(&mut first);
            if least == Wish::Yes && !o.excused {
                self.owed.get_or_insert(now);
            }
            if most == Wish::No {
                self.declined = true;
                if together && self.behind.len() < REMEMBERED {
                    self.behind.push_back(o);
                }
                continue;
            }
            if self.reasons.len() == REMEMBERED {
                self.reasons.pop_front();
            }
            self.reasons.push_back(now);
        }
        if self.reasons.is_empty() {
            self.moderation.declined();
        }
    }

    /// An interrupt that can mean this queue was sent: why?
    pub(crate) fn reason(&self, now: u64) -> Reason {
        match self.wished(now) {
            Reason::Possible | Reason::Permitted | Reason::Owed if !self.moderation.permits(now) => {
                Reason::Early
            }
            reason => reason,
        }
    }

    fn wished(&self, now: u64) -> Reason {
        if self.owed.is_some() {
            return Reason::Owed;
        }
        if !self.reasons.is_empty() {
            return Reason::Permitted;
        }
        match () {
            () if self.open.iter().any(|&o| self.wishes(o, now).1 != Wish::No) => Reason::Possible,
            () if self.declined || !self.open.is_empty() => Reason::Unneeded,
            () => Reason::Nothing,
        }
    }

    /// An interrupt was put down to this queue.
    pub(crate) fn take(&mut self) {
        self.moderation.take();
        if self.reasons.pop_front().is_none() {
            self.open.clear(); // sent without asking: nothing is left to decide
        }
    }

    /// An interrupt came that makes the driver look at this queue.
    pub(crate) fn told(&mut self) {
        self.owed = None;
        self.declined = false;
    }

    /// Interrupts of this queue need not come now. One that was decided may still be under way.
    pub(crate) fn excuse(&mut self) {
        self.owed = None;
        self.open.iter_mut().for_each(|o| o.excused = true);
    }

    /// The driver looks at the queue; reasons from before this cycle are done with.
    pub(crate) fn seen(&mut self, before: u64) {
        self.excuse();
        self.declined = false;
        let had = self.reasons.len();
        self.reasons.retain(|&c| c >= before);
        self.spare = (self.spare + had - self.reasons.len()).min(REMEMBERED);
    }

    /// Was something published of which the driver may still want to hear?
    pub(crate) fn unsettled(&self) -> bool {
        self.owed.is_some() || self.open.iter().any(|o| !o.excused)
    }

    /// When the latest reason for an interrupt came up, if any is left.
    pub(crate) fn newest(&self) -> Option<u64> {
        let open = self.open.back().map(|o| o.cycle);
        self.reasons.back().copied().max(open)
    }

    /// The vector was unmasked: what is owed counts from now.
    pub(crate) fn restart(&mut self, now: u64) {
        if let Some(o) = &mut self.owed {
            *o = now;
        }
        self.moderation.restart(now);
    }

    /// Something is overdue (`over`: the run is over, so everything open is).
    pub(crate) fn sweep(&mut self, queue: u16, over: bool, w: &mut World) {
        let now = w.book.now;
        let late = |cycle: u64| over || now.saturating_sub(cycle) > GRACE_CYCLES;
        if std::mem::take(&mut self.answered) > 0 {
            w.book.held(RuleId::IntEventRead);
        }
        // A device may know the driver's wish before it may act on it: it is late from the end of the round.
        let due = self.moderation.due(now);
        let waits = self.moderation.active() && due.is_none();
        let since = |owed: u64| due.map_or(owed, |due| owed.max(due));
        if let Some(cycle) = self.owed.filter(|&c| !waits && late(since(c))) {
            self.owed = None;
            w.book.broke_at(
                RuleId::IntMissing,
                cycle,
                Some(queue),
                "an interrupt: the event word asked for one in the whole window of the publication".into(),
                "none".into(),
            );
        }
        if self.moderation.active() {
            self.sweep_round(queue, over, w);
            return;
        }
        if let Some(o) = self.open.front().copied().filter(|o| late(o.cycle)) {
            self.open.clear();
            if o.excused {
                return;
            }
            if self.wishes(o, now).0 == Wish::Yes {
                w.book.broke_at(
                    RuleId::IntMissing,
                    o.cycle,
                    Some(queue),
                    format!("an interrupt for the used positions {} to {}", o.old, o.new),
                    "none, and the event word was not read".into(),
                );
            }
            w.book.broke_at(
                RuleId::IntEventRead,
                o.cycle,
                Some(queue),
                format!(
                    "a read of the driver's event word after used position {}, or an interrupt",
                    o.new
                ),
                "neither".into(),
            );
        }
    }

    /// As `sweep`, for what waits for the end of a moderated round.
    fn sweep_round(&mut self, queue: u16, over: bool, w: &mut World) {
        let now = w.book.now;
        self.check_overdue(queue, w);
        let gone = self.reading == 0 && self.moderation.overdue(now).is_some();
        if gone {
            self.open.clear();
            self.moderation.next_round();
        } else if let Some(due) = self.moderation.due(now).filter(|_| over)
            && self.open.front().is_some_and(|o| !o.excused)
        {
            w.book.broke_at(
                RuleId::IntCoalesceLate,
                due,
                Some(queue),
                "a read of the driver's event word, or an interrupt, before the run is over".into(),
                format!("neither; {}", self.moderation.state(now)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two publications before the first look at the word, which then says no; `later`: what it says from cycle 22 on.
    fn two_declined(later: u32) -> Decision {
        let mut d = Decision::new(Asking::Flag);
        d.word.push(0, 1);
        d.published(0, 1, false, 1, 10);
        d.published(1, 2, false, 2, 12);
        d.event_answered(3, 20);
        assert_eq!(d.reason(20), Reason::Unneeded);
        d.word.push(22, later);
        d.published(2, 3, false, 5, 30);
        d.event_answered(4, 40); // the look of the second one, issued before the third
        d
    }

    /// One message for each look that found the driver asking, and no more.
    #[test]
    fn a_device_may_look_for_one_publication_after_the_other() {
        let mut d = two_declined(0);
        assert_eq!(d.reason(40), Reason::Permitted);
        d.told();
        d.take();
        d.event_answered(6, 50); // the look of the third one
        assert_eq!(d.reason(50), Reason::Owed);
        d.told();
        d.take();
        assert_eq!(d.reason(60), Reason::Nothing);
        d.event_answered(7, 70);
        assert_eq!(d.reason(70), Reason::Nothing);
    }

    #[test]
    fn a_second_look_that_finds_nobody_asking_permits_nothing() {
        let d = two_declined(1);
        assert_eq!(d.reason(40), Reason::Unneeded);
    }

    /// A single publication was declined: looking again does not bring it back.
    #[test]
    fn a_declined_publication_is_not_asked_for_twice() {
        let mut d = Decision::new(Asking::Flag);
        d.word.push(0, 1);
        d.published(0, 1, false, 1, 10);
        d.event_answered(2, 20);
        d.word.push(22, 0);
        d.told();
        d.event_answered(3, 40);
        assert_eq!(d.reason(40), Reason::Nothing);
    }
}
