//! The checkpoint window: what the device says of how far its queues are, against what has crossed the boundary.
//!
//! The window is Ringside's own (vendor data, `rtl/virtio/checkpoint.sv`): a function without its capability has no such region, and nothing
//! here applies to it.

use super::queue::State;
use super::{Judge, Life};
use crate::rules::RuleId;

/// Bytes of a queue in the window.
const QUEUE_BYTES: u32 = 8;
/// Of the upper dword: nothing is under way.
const QUIET: u64 = 1 << 48;

/// What held of a queue when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// It was enabled: its life, the position behind what was returned, a chain that was begun and not returned.
    Live {
        epoch: u64,
        used: u64,
        begun: Option<u64>,
    },
    /// It was not, and was to begin here.
    Rests { start: u16 },
    /// A reset was under way, or too little is known.
    Open,
}

/// A read of the window, and what held when it crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    offset: u32,
    then: Then,
}

impl Asked {
    /// Where.
    pub(crate) fn offset(&self) -> u32 {
        self.offset
    }
}

/// The words of an answer, as far as it has them.
struct Shown {
    avail: Option<u16>,
    used: Option<u16>,
    told: Option<u16>,
    quiet: bool,
}

impl Shown {
    fn parse(offset: u32, data: &[u8]) -> Self {
        let upper = (offset % QUEUE_BYTES) as usize;
        let word = |at: usize| {
            let at = at.checked_sub(upper)?;
            Some(u16::from_le_bytes([*data.get(at)?, *data.get(at + 1)?]))
        };
        Shown {
            avail: word(0),
            used: word(2),
            told: word(4),
            quiet: word(6).is_some_and(|w| w & (QUIET >> 48) as u16 != 0),
        }
    }
}

fn queue_at(offset: u32) -> u16 {
    (offset / QUEUE_BYTES) as u16
}

impl Judge {
    /// A read of the window crossed.
    pub(super) fn checkpoint_asked(&self, offset: u32) -> Asked {
        let index = queue_at(offset);
        let regs = self.registers.queues.get(&index);
        let settled = !self.registers.resetting && self.flr.is_none() && regs.is_none_or(|r| !r.resetting);
        let then = match self.queues.get(&index) {
            _ if !settled || self.registers.negotiated == 0 => Then::Open,
            Some(q) if q.state == State::Live && self.life != Life::Stopping => Then::Live {
                epoch: q.epoch,
                used: q.used_position(),
                begun: q.begun(),
            },
            _ if regs.is_some_and(|r| !r.enable && r.size.is_some_and(|s| s > 0)) => Then::Rests {
                start: self.registers.start(index),
            },
            _ => Then::Open,
        };
        Asked { offset, then }
    }

    /// It was answered.
    pub(super) fn checkpoint_answered(&mut self, asked: Asked, data: &[u8]) {
        let index = queue_at(asked.offset);
        let shown = Shown::parse(asked.offset, data);
        match asked.then {
            Then::Rests { start } => {
                let other = [shown.avail, shown.used, shown.told]
                    .into_iter()
                    .flatten()
                    .find(|&w| w != start);
                self.w.book.check(
                    RuleId::CheckpointStart,
                    Some(index),
                    other.is_none(),
                    || format!("{start:#x}, where the queue is to begin"),
                    || format!("{:#x}", other.unwrap_or_default()),
                );
            }
            Then::Live { epoch, used, begun } => {
                let same = self.queues.get(&index).is_some_and(|q| q.epoch == epoch);
                if same && self.life != Life::Stopping {
                    self.judge_position(index, &shown, used, begun);
                }
            }
            Then::Open => {}
        }
    }

    /// A write crossed.
    pub(super) fn checkpoint_written(&mut self, offset: u32, data: &[u8]) {
        let whole = offset
            .is_multiple_of(QUEUE_BYTES)
            .then(|| data.first_chunk::<4>())
            .flatten();
        let whole = whole.filter(|_| data.len() == 4);
        match whole {
            Some(&bytes) => {
                let value = u32::from_le_bytes(bytes);
                self.registers
                    .start_written(queue_at(offset), value, &mut self.w.book);
            }
            None => {
                self.w.book.check(
                    RuleId::DriverCheckpoint,
                    Some(queue_at(offset)),
                    false,
                    || "the lower dword of a queue written as one".into(),
                    || format!("{} bytes at {offset:#x}", data.len()),
                );
            }
        }
    }

    /// `from`: the used position when the read crossed; `begun`: a chain that was under way then.
    fn judge_position(&mut self, index: u16, shown: &Shown, from: u64, begun: Option<u64>) {
        let Some(q) = self.queues.get(&index) else { return };
        let now = q.used_position().max(from);
        let published = q.published_position().max(now);
        let ahead = |word: u16| q.distance(word, from);
        if let (Some(used), Some(avail)) = (shown.used, shown.avail) {
            let (u, a) = (ahead(used), ahead(avail));
            let behind = u.is_some_and(|u| u <= now - from);
            self.w.book.check(
                RuleId::CheckpointUsed,
                Some(index),
                behind,
                || format!("a used position from {:#x} to {:#x}", q.word(from), q.word(now)),
                || format!("{used:#x}"),
            );
            let held = a.is_some_and(|a| u.is_none_or(|u| a >= u) && a <= published - from);
            self.w.book.check(
                RuleId::CheckpointAvail,
                Some(index),
                held || !behind,
                || {
                    let (used, most) = (q.word(from), q.word(published));
                    format!("an available position from the used one, {used:#x} or behind it, to {most:#x}")
                },
                || format!("{avail:#x}"),
            );
        }
        if !shown.quiet {
            return;
        }
        let words: Vec<u16> = [shown.avail, shown.used, shown.told]
            .into_iter()
            .flatten()
            .collect();
        let even = words.windows(2).all(|w| w[0] == w[1]);
        let open = begun.filter(|&n| q.chain(n).is_some_and(|c| !c.used));
        self.w.book.check(
            RuleId::CheckpointQuiet,
            Some(index),
            even && open.is_none(),
            || "of a queue that is said to be quiet one position, and no chain begun".into(),
            || {
                let shown = || {
                    words
                        .iter()
                        .map(|w| format!("{w:#x}"))
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                open.map_or_else(
                    || format!("available, used, told: {}", shown()),
                    |chain| format!("chain {chain} is begun and not used"),
                )
            },
        );
    }
}
