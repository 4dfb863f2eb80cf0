//! The first lines of the trace behind each number, so that whoever doubts one can look.

use std::collections::BTreeMap;

use ringside_models::event::{Channel, Event, What};
use ringside_models::judge::{Cause, Purpose, Violation};

use crate::registers::Role;

/// Lines kept of each kind.
const KEPT: usize = 3;
/// Letters kept of a line.
const LETTERS: usize = 220;

/// A line of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Example {
    /// Its number, from 1.
    pub(crate) line: u64,
    pub(crate) cycle: u64,
    pub(crate) text: String,
}

/// What is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Examples {
    /// Requests of the device, by role of their queue and purpose.
    pub(crate) requests: BTreeMap<(Option<Role>, Purpose), Vec<Example>>,
    /// The line at which each violation was found, by rule and cycle.
    violations: BTreeMap<(&'static str, u64), u64>,
    /// Where the longest latency of each kind ended, and how long it was; those of no role are of every queue.
    pub(crate) longest: BTreeMap<(Option<Role>, &'static str), (Example, u64)>,
    /// Latencies, longest of their kind, that the present line ends.
    ended: Vec<(Option<Role>, &'static str, u64)>,
}

impl Example {
    fn new(line: u64, cycle: u64, text: &str) -> Self {
        let text = text.trim_end();
        let mut short: String = text.chars().take(LETTERS).collect();
        if short.len() < text.len() {
            short.push('…');
        }
        Example {
            line,
            cycle,
            text: short,
        }
    }
}

impl Examples {
    /// The present event ends a latency that is the longest of its kind yet.
    pub(crate) fn longest_yet(&mut self, what: &'static str, role: Option<Role>, cycles: u64) {
        self.ended.push((role, what, cycles));
    }

    /// Takes in a line, its event and what the judge said of it.
    pub(crate) fn observe(
        &mut self,
        (line, text): (u64, &str),
        event: &Event,
        cause: Option<(&Cause, Option<Role>)>,
        violations: &[Violation],
    ) {
        for v in violations {
            // the verdict keeps a few of each rule, and so need this
            let kept = self.violations.range((v.rule, 0)..=(v.rule, u64::MAX)).count();
            if kept < ringside_models::judge::Verdict::KEPT_PER_RULE as usize {
                self.violations.entry((v.rule, v.cycle)).or_insert(line);
            }
        }
        for (role, what, cycles) in self.ended.drain(..) {
            let example = Example::new(line, event.cycle, text);
            self.longest.insert((role, what), (example, cycles));
        }
        let (What::Tlp { ch: Channel::Rq, .. }, Some((cause, role))) = (&event.what, cause) else {
            return;
        };
        let kept = self.requests.entry((role, cause.purpose)).or_default();
        if kept.len() < KEPT {
            kept.push(Example::new(line, event.cycle, text));
        }
    }

    /// The line at which a violation was found; none for what was owed at the end.
    pub(crate) fn line_of(&self, v: &Violation) -> Option<u64> {
        self.violations.get(&(v.rule, v.cycle)).copied()
    }
}
