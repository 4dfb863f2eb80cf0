//! Event suppression structures: {wrap, offset} and a mode, written by one side and read by the other.

use super::PackedQueue;
use crate::judge::cause::{Cause, Purpose};
use crate::judge::world::World;
use crate::rules::RuleId;

/// Mode: notify at a position.
const AT_POSITION: u32 = 2;

/// How a structure was written so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct EventStructure {
    mode: u32,
    /// The position was written alone since the mode is another one.
    prepared: bool,
    /// The mode was switched on over an old position: that position.
    exposed: Option<u16>,
}

impl EventStructure {
    /// It stood like this when the queue began.
    pub(super) fn found(&mut self, word: u32) {
        self.mode = word >> 16 & 3;
    }

    /// Bytes `first..=last` were written and the structure is `word` now.
    /// False if the other side could see the mode with a position that was not meant.
    fn written(&mut self, first: u64, last: u64, word: u32) -> bool {
        let (position, flags) = (first <= 1, last >= 2);
        let mode = word >> 16 & 3;
        let at = word as u16;
        let mut good = true;
        if position && flags {
            (self.exposed, self.prepared) = (None, false);
        } else if position {
            good = mode != AT_POSITION || self.exposed.is_none_or(|old| old == at);
            self.exposed = None;
            self.prepared = mode != AT_POSITION;
        } else {
            let bare = mode == AT_POSITION && self.mode != AT_POSITION && !self.prepared;
            self.exposed = bare.then_some(at);
            self.prepared &= mode != AT_POSITION;
        }
        self.mode = mode;
        good
    }
}

impl PackedQueue {
    /// What is wrong with the flags of a structure?
    fn bad_flags(&self, word: u32) -> Option<String> {
        let (mode, reserved) = (word >> 16 & 3, word >> 18);
        match mode {
            _ if reserved != 0 => Some(format!("flags {:#x}", word >> 16)),
            3 => Some("mode 3".into()),
            AT_POSITION if !self.event_idx => Some("mode 2 without EVENT_IDX".into()),
            _ => None,
        }
    }

    fn bad_offset(&self, word: u32) -> Option<u32> {
        let offset = word & 0x7fff;
        (word >> 16 & 3 == AT_POSITION && offset >= u32::from(self.size)).then_some(offset)
    }

    /// The driver stored into its structure.
    pub(super) fn driver_event_stored(&mut self, first: u64, last: u64, visible: u64, w: &mut World) {
        let word = w.shadow.u32(self.driver);
        let size = self.size;
        w.book
            .row(Some(self.index), "driver: event", self.driver, word.into());
        let bad = self.bad_flags(word);
        w.book.check(
            RuleId::DriverEvent,
            Some(self.index),
            bad.is_none(),
            || "mode 0, 1 or (with EVENT_IDX) 2 and no other bit".into(),
            || bad.unwrap_or_default(),
        );
        let far = self.bad_offset(word);
        w.book.check(
            RuleId::DriverEvent,
            Some(self.index),
            far.is_none(),
            || format!("an offset below {size}"),
            || format!("offset {}", far.unwrap_or_default()),
        );
        let good = self.driver_event.written(first, last, word);
        w.book.check(
            RuleId::DriverEvent,
            Some(self.index),
            good,
            || "the position stored before mode 2, or with it".into(),
            || "mode 2 first".into(),
        );
        self.decision.word.push(visible, word);
    }

    /// The device wrote its structure.
    pub(super) fn device_event_write(&mut self, first: u64, last: u64, w: &mut World) -> Cause {
        let q = Some(self.index);
        let word = w.shadow.u32(self.device);
        let (size, was) = (u64::from(self.size), self.device_event.mode);
        w.book.row(q, "write device event", self.device, word.into());
        let bad = self.bad_flags(word);
        w.book.check(
            RuleId::NotifyFlags,
            q,
            bad.is_none(),
            || "mode 0, 1 or (with EVENT_IDX) 2 and no other bit".into(),
            || bad.unwrap_or_default(),
        );
        let far = self.bad_offset(word);
        w.book.check(
            RuleId::NotifyAhead,
            q,
            far.is_none(),
            || format!("an offset below {size}"),
            || format!("offset {}", far.unwrap_or_default()),
        );
        let good = self.device_event.written(first, last, word);
        w.book.check(
            RuleId::NotifyEventOrder,
            q,
            good,
            || "the position written before mode 2, or with it".into(),
            || "mode 2 first, over an old position".into(),
        );
        // While all slots are in flight nothing can become available: the driver must see this write before it can fill one.
        let room = self.known_position < self.next_used + size;
        let enabling = match word >> 16 & 3 {
            _ if !room => false,
            0 => was != 0,
            AT_POSITION => self.ahead(word as u16, self.known_position) <= size,
            _ => false,
        };
        let (seq, now) = (w.seq, w.book.now);
        self.kicks.event(word, enabling, seq, now);
        Cause::of(Purpose::DeviceEvent).on(self.index)
    }

    /// A read of the driver's structure was issued.
    pub(super) fn driver_event_read(&mut self, first: u64, w: &mut World) -> Cause {
        w.book
            .row(Some(self.index), "read driver event", self.driver + first, 0);
        let index = self.index;
        self.decision.event_asked(index, w);
        Cause::of(Purpose::DriverEvent).on(self.index)
    }

    /// The read issued as event `asked` was answered with `data`, the structure's bytes from `first` on.
    pub(super) fn driver_event_answer(&mut self, first: u64, data: &[u8], asked: u64, w: &mut World) {
        let now = w.book.now;
        if first > 2 || first + (data.len() as u64) < 4 {
            return; // without the mode nothing can be decided
        }
        let mut bytes = [0; 4];
        bytes[first as usize..].copy_from_slice(&data[..4 - first as usize]);
        let word = u32::from_le_bytes(bytes);
        w.book
            .row(Some(self.index), "driver event is", self.driver, word.into());
        if !w.stores {
            self.decision.word.push(now, word); // all that is known of it
        }
        self.decision.event_answered(asked, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: u32 = AT_POSITION << 16;

    #[test]
    fn a_mode_over_an_old_position_shows_when_the_position_follows() {
        let mut e = EventStructure::default();
        assert!(e.written(2, 3, MODE | 5)); // perhaps 5 is meant
        assert!(!e.written(0, 1, MODE | 6)); // it was not
        assert!(e.written(0, 1, MODE | 7)); // the mode is on already: moving on is fine
    }

    #[test]
    fn position_first_or_both_at_once_is_fine() {
        let mut e = EventStructure::default();
        assert!(e.written(0, 3, MODE | 5));
        assert!(e.written(2, 3, 1 << 16 | 5));
        assert!(e.written(0, 1, 1 << 16 | 6));
        assert!(e.written(2, 3, MODE | 6));
        assert!(e.written(0, 1, MODE | 7));
    }
}
