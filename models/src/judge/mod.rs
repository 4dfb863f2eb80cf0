//! The judge: one pass over the events of a trace, live or from a file. Gives every TLP its cause and every rule its outcome.
//!
//! It knows the boundary and the specification, nothing of the device's inside.

mod cause;
mod verdict;

pub use cause::{Cause, Purpose};
pub use verdict::{Compared, RuleOutcome, Verdict, Violation};

use crate::event::{Event, Header, What};
use crate::rules::RuleId;
use verdict::Book;

/// What the judge says about one event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Why the packet crossed the boundary; present for every TLP, absent for every other event.
    pub cause: Option<Cause>,
    /// Rules found broken by this event (usually none).
    pub violations: Vec<Violation>,
}

/// Judges one run, event by event.
#[derive(Debug)]
pub struct Judge {
    header: Header,
    book: Book,
    end: bool,
}

impl Judge {
    /// A judge for a trace with this header.
    #[must_use]
    pub fn new(header: &Header) -> Self {
        Judge {
            header: header.clone(),
            book: Book::new(),
            end: false,
        }
    }

    /// Judges the next event. Events come in the order of the trace.
    pub fn observe(&mut self, event: &Event) -> Observation {
        self.book.now = event.cycle;
        let mut cause = None;
        match &event.what {
            What::Tlp { .. } => {
                self.book.compared.tlps += 1;
                cause = Some(Cause::of(Purpose::Unknown));
            }
            What::Pin { channel, problem } => {
                self.book.check(
                    RuleId::RunPin,
                    None,
                    false,
                    || "a legal handshake".into(),
                    || format!("{channel}: {problem}"),
                );
            }
            What::End { .. } => self.end = true,
            _ => {}
        }
        Observation {
            cause,
            violations: self.book.take_fresh(),
        }
    }

    /// Ends the run and gives the verdict.
    #[must_use]
    pub fn finish(mut self) -> Verdict {
        self.book.check(
            RuleId::RunEnd,
            None,
            self.end,
            || "an end event".into(),
            || "the trace stops without one".into(),
        );
        self.book.into_verdict(self.header.expect)
    }
}
