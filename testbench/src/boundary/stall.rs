//! The stream handshake's rules: what is valid stays, unchanged, until it is taken.

use ringside_models::event::What;

use crate::host::recorder::Recorder;

/// Problems told per channel; a broken design would else fill the trace.
const TOLD_MAX: u32 = 16;

/// Reports problems of one channel.
#[derive(Clone, Debug)]
pub struct Problems {
    channel: &'static str,
    recorder: Recorder,
    told: u32,
}

impl Problems {
    /// Problems of the channel or stream of this name.
    #[must_use]
    pub fn new(channel: &'static str, recorder: Recorder) -> Self {
        Problems {
            channel,
            recorder,
            told: 0,
        }
    }

    /// Records one.
    pub fn tell(&mut self, now: u64, problem: impl std::fmt::Display) {
        self.told += 1;
        if self.told <= TOLD_MAX {
            let more = if self.told == TOLD_MAX {
                " (no more of this channel are told)"
            } else {
                ""
            };
            self.recorder.record(
                now,
                What::Pin {
                    channel: self.channel.to_owned(),
                    problem: format!("{problem}{more}"),
                },
            );
        }
    }

    /// How many there were, told or not.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.told
    }
}

/// Remembers a beat that was not taken.
#[derive(Debug)]
pub(super) struct StallWatch<B> {
    held: B,
    stalled: bool,
}

impl<B> StallWatch<B> {
    pub(super) fn new(empty: B) -> Self {
        StallWatch {
            held: empty,
            stalled: false,
        }
    }

    /// Nothing is valid. True if a beat that had to stay is gone.
    pub(super) fn idle(&mut self) -> bool {
        std::mem::take(&mut self.stalled)
    }

    /// A beat is valid; `same` compares it with the one that had to stay. True if it changed. `taken` says whether it goes now; if not, `hold` keeps it.
    pub(super) fn valid(
        &mut self,
        taken: bool,
        same: impl FnOnce(&B) -> bool,
        hold: impl FnOnce(&mut B),
    ) -> bool {
        let changed = self.stalled && !same(&self.held);
        self.stalled = !taken;
        if !taken {
            hold(&mut self.held);
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_valid_must_stay() {
        let mut w = StallWatch::new(0);
        let mut step = |value: Option<i32>, taken| match value {
            None => w.idle(),
            Some(v) => w.valid(taken, |held| *held == v, |held| *held = v),
        };
        assert!(!step(None, false));
        assert!(!step(Some(1), false));
        assert!(!step(Some(1), false));
        assert!(step(Some(2), false), "changed while stalled");
        assert!(step(None, false), "dropped while stalled");
        assert!(!step(None, false));
        assert!(!step(Some(3), true));
        assert!(!step(Some(4), true), "another beat after one that was taken");
        assert!(!step(Some(5), false));
        assert!(!step(Some(5), true));
        assert!(!step(None, true));
    }

    #[test]
    fn a_broken_channel_does_not_flood_the_trace() {
        let r = Recorder::new();
        let mut p = Problems::new("rq", r.clone());
        (0..100).for_each(|now| p.tell(now, "bad"));
        assert_eq!((r.count(), p.count()), (16, 100));
    }
}
