//! Failures told apart: what went wrong, on which kind of queue, with which rings, in which step. Runs that fail alike fall into one bucket.

use std::fmt;

use ringside_models::judge::Violation;
use serde::{Deserialize, Serialize};

use crate::run::{Ended, RunResult};
use crate::scenario::{Scenario, word};

/// One kind of failure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// The rule that was broken first; else how the run ended, or what driver or script complained of, without its numbers.
    pub what: String,
    /// `rx`, `tx`, `control`, or `-` where no queue is named.
    pub queue: String,
    /// `split` or `packed`.
    pub ring: String,
    /// The step during which it showed, or `start` before the first.
    pub step: String,
}

/// One line.
impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bucket {
            what,
            queue,
            ring,
            step,
        } = self;
        write!(f, "{what} · {queue} · {ring} · {step}")
    }
}

/// Longest text of a failure without a rule, in characters.
const LONGEST: usize = 100;

/// The first line of a text with every number in it replaced: what two failures of one kind have in common.
#[must_use]
pub fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        out.push_str(if word.starts_with(|c: char| c.is_ascii_digit()) {
            "#"
        } else {
            word
        });
        word.clear();
    };
    for c in text.lines().next().unwrap_or_default().chars() {
        if c.is_ascii_alphanumeric() {
            word.push(c);
        } else {
            flush(&mut word, &mut out);
            out.push(c);
        }
    }
    flush(&mut word, &mut out);
    out.chars().take(LONGEST).collect()
}

/// What failed besides the rules: how the run ended, or what was complained of.
fn trouble(result: &RunResult) -> Option<String> {
    match &result.ended {
        Ended::Driver(e) => Some(without_numbers(&e.to_string())),
        Ended::Sim(e) => Some(without_numbers(&e.to_string())),
        Ended::Complete => result.complaints.first().map(|c| without_numbers(c)),
    }
}

fn first_violation(result: &RunResult) -> Option<&Violation> {
    result.findings.verdict.as_ref()?.unexpected().next()
}

impl Bucket {
    /// Where a run belongs that did not pass.
    #[must_use]
    pub fn of(result: &RunResult, scenario: &Scenario) -> Option<Self> {
        if result.passed() {
            return None;
        }
        let violation = first_violation(result);
        let missing = || {
            let rule = result.findings.verdict.as_ref()?.missing().next()?;
            Some(format!("{rule} not violated"))
        };
        let what = violation
            .map(|v| v.rule.to_owned())
            .or_else(|| trouble(result))
            .or_else(missing)?;
        let queue = violation.and_then(|v| v.queue);
        let at = violation.map_or(result.cycles, |v| v.cycle);
        let step = result.steps.iter().rev().find(|s| s.0 <= at);
        Some(Bucket {
            what,
            queue: queue.map_or("-", |q| kind(q, scenario)).to_owned(),
            ring: word(&scenario.driver.ring),
            step: step.map_or_else(|| "start".to_owned(), |s| s.1.clone()),
        })
    }

    /// Did this run fail in the same way, as far as one rule or one complaint is the same?
    #[must_use]
    pub fn shows_in(&self, result: &RunResult) -> bool {
        let broken = result
            .findings
            .verdict
            .as_ref()
            .is_some_and(|v| v.unexpected().any(|v| v.rule == self.what));
        let told = || !result.passed() && first_violation(result).is_none();
        broken || told() && trouble(result).as_deref() == Some(&self.what)
    }
}

fn kind(queue: u16, scenario: &Scenario) -> &'static str {
    if queue >= scenario.driver.queue_pairs.saturating_mul(2) {
        "control"
    } else if queue.is_multiple_of(2) {
        "rx"
    } else {
        "tx"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_make_no_difference() {
        for (text, bare) in [
            (
                "MRd of 1 bytes at 0x8000001000: Unsupported Request",
                "MRd of # bytes at #: Unsupported Request",
            ),
            ("rq_arbiter.sv:12 u8 failed\nmore", "rq_arbiter.sv:# u8 failed"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(text), bare);
        }
        assert!(without_numbers(&"é".repeat(500)).chars().count() == LONGEST);
    }

    #[test]
    fn queues_have_a_use() {
        let mut s = Scenario::default();
        s.driver.queue_pairs = 2;
        assert_eq!(
            [0, 1, 2, 3, 4, 8, 65535].map(|q| kind(q, &s)),
            ["rx", "tx", "rx", "tx", "control", "control", "control"]
        );
    }
}
