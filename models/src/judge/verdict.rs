//! What the judge says: violations as they happen, and the verdict over a whole run.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::coverage::{Coverage, Of};
use crate::rules::{self, RULES, RuleId, Scope};

/// A rule was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The rule's id, a row of [`RULES`].
    pub rule: &'static str,
    /// Cycle of the event that broke it.
    pub cycle: u64,
    /// Virtqueue concerned.
    pub queue: Option<u16>,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub got: String,
    /// The last events of that queue (or of the bus) before it, oldest first, one table row each.
    pub context: Vec<String>,
}

impl Violation {
    /// Whom the broken rule binds.
    #[must_use]
    pub fn scope(&self) -> Scope {
        rules::find(self.rule).map_or(Scope::Run, |r| r.rule().scope)
    }
}

/// How one rule fared in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleOutcome {
    /// The rule's id.
    pub id: &'static str,
    /// How often it was decided.
    pub checked: u64,
    /// How often it was broken.
    pub violated: u64,
    /// Why it did not apply to this trace at all.
    pub off: Option<&'static str>,
}

/// What was compared in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// TLPs judged.
    pub tlps: u64,
    /// Register and configuration reads whose value was compared with the model.
    pub registers: u64,
    /// Chains published by the driver.
    pub chains_available: u64,
    /// Chains returned by the device.
    pub chains: u64,
    /// Frames sent that were compared.
    pub frames_tx: u64,
    /// Frames delivered that were compared.
    pub frames_rx: u64,
    /// Frames dropped by the device.
    pub frames_dropped: u64,
    /// Control commands compared.
    pub commands: u64,
    /// Kicks.
    pub kicks: u64,
    /// Interrupts (MSI-X and `INTx` assertions).
    pub interrupts: u64,
    /// Payload bytes read by the device.
    pub payload_read_bytes: u64,
    /// Payload bytes written by the device.
    pub payload_written_bytes: u64,
}

/// The judgement over a whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Violations in the order they were found; of each rule at most [`Verdict::KEPT_PER_RULE`] (the outcomes count all).
    pub violations: Vec<Violation>,
    /// Every rule, in table order.
    pub rules: Vec<RuleOutcome>,
    /// What was compared.
    pub compared: Compared,
    /// Rules that the scenario provokes on purpose (from the header).
    pub expect: Vec<String>,
    /// Situations of the coverage plan that were met.
    pub coverage: Coverage,
}

impl Verdict {
    /// Violations kept of one rule.
    pub const KEPT_PER_RULE: u64 = 32;

    /// Violations of rules that the scenario did not announce, of every scope but [`Scope::Advice`]: advice fails no run.
    pub fn unexpected(&self) -> impl Iterator<Item = &Violation> {
        self.violations
            .iter()
            .filter(|v| v.scope() != Scope::Advice && !self.expect.iter().any(|e| e == v.rule))
    }

    /// Advice of the specification that was not followed and that the scenario did not announce.
    pub fn advice(&self) -> impl Iterator<Item = &Violation> {
        self.of_scope(Scope::Advice)
            .filter(|v| !self.expect.iter().any(|e| e == v.rule))
    }

    /// Announced rules that were not violated (or do not exist).
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.expect
            .iter()
            .map(String::as_str)
            .filter(|e| !self.rules.iter().any(|r| r.id == *e && r.violated > 0))
    }

    /// Violations of rules that bind `scope`.
    pub fn of_scope(&self, scope: Scope) -> impl Iterator<Item = &Violation> {
        self.violations.iter().filter(move |v| v.scope() == scope)
    }

    /// No unexpected violation and no expectation missed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.unexpected().next().is_none() && self.missing().next().is_none()
    }

    /// The outcome of one rule.
    #[must_use]
    pub fn outcome(&self, rule: &str) -> Option<&RuleOutcome> {
        self.rules.iter().find(|r| r.id == rule)
    }
}

/// Counts checks, collects violations and remembers the recent past of each queue.
#[derive(Debug)]
pub(crate) struct Book {
    checked: Vec<u64>,
    violated: Vec<u64>,
    off: Vec<Option<&'static str>>,
    kept: Vec<Violation>,
    fresh: Vec<Violation>,
    /// Cycle of the event being judged.
    pub(crate) now: u64,
    recent: BTreeMap<Option<u16>, Recent>,
    /// Queues whose driver gave the device something that no device can be judged by.
    void: BTreeSet<u16>,
    pub(crate) compared: Compared,
    pub(crate) cover: Coverage,
}

const RECENT: usize = 12;

#[derive(Debug, Default)]
struct Recent {
    rows: [Option<Row>; RECENT],
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    cycle: u64,
    what: &'static str,
    address: u64,
    value: u64,
}

impl Book {
    pub(crate) fn new() -> Self {
        Book {
            checked: vec![0; RULES.len()],
            violated: vec![0; RULES.len()],
            off: vec![None; RULES.len()],
            kept: Vec::new(),
            fresh: Vec::new(),
            now: 0,
            recent: BTreeMap::new(),
            void: BTreeSet::new(),
            compared: Compared::default(),
            cover: Coverage::default(),
        }
    }

    /// Switches a rule off for this trace, with the reason.
    pub(crate) fn switch_off(&mut self, rule: RuleId, why: &'static str) {
        self.off[rule as usize] = Some(why);
    }

    /// The driver published what was not complete, or changed it afterwards: what the device makes of it is no fault of its own.
    /// Rules on the device are silent for this queue until it is enabled again.
    pub(crate) fn void(&mut self, queue: u16) {
        self.void.insert(queue);
    }

    /// The queue begins a new life.
    pub(crate) fn enabled(&mut self, queue: u16) {
        self.void.remove(&queue);
    }

    /// Is this queue void?
    pub(crate) fn is_void(&self, queue: u16) -> bool {
        self.void.contains(&queue)
    }

    /// Queues that are void.
    pub(crate) fn voids(&self) -> usize {
        self.void.len()
    }

    fn is_silent(&self, rule: RuleId, queue: Option<u16>) -> bool {
        rule.rule().scope == Scope::Device && queue.is_some_and(|q| self.is_void(q))
    }

    /// Remembers a row of the table of recent events of a queue.
    pub(crate) fn row(&mut self, queue: Option<u16>, what: &'static str, address: u64, value: u64) {
        let r = self.recent.entry(queue).or_default();
        r.rows[r.next] = Some(Row {
            cycle: self.now,
            what,
            address,
            value,
        });
        r.next = (r.next + 1) % RECENT;
    }

    /// Decides a rule: counts the check and, if `ok` is false, records the violation.
    pub(crate) fn check(
        &mut self,
        rule: RuleId,
        queue: Option<u16>,
        ok: bool,
        expected: impl FnOnce() -> String,
        got: impl FnOnce() -> String,
    ) -> bool {
        self.checked[rule as usize] += 1;
        if !ok {
            let at = self.now;
            self.record(rule, at, queue, expected(), got());
        }
        ok
    }

    /// Counts a check that held.
    pub(crate) fn held(&mut self, rule: RuleId) {
        self.checked[rule as usize] += 1;
    }

    /// Counts a check that failed at an earlier cycle (or now).
    pub(crate) fn broke_at(
        &mut self,
        rule: RuleId,
        cycle: u64,
        queue: Option<u16>,
        expected: String,
        got: String,
    ) {
        self.checked[rule as usize] += 1;
        self.record(rule, cycle, queue, expected, got);
    }

    fn record(&mut self, rule: RuleId, cycle: u64, queue: Option<u16>, expected: String, got: String) {
        if self.off[rule as usize].is_some() || self.is_silent(rule, queue) {
            return;
        }
        let context = self.context(queue);
        let v = Violation {
            rule: rule.rule().id,
            cycle,
            queue,
            expected,
            got,
            context,
        };
        self.violated[rule as usize] += 1;
        if self.violated[rule as usize] <= Verdict::KEPT_PER_RULE {
            self.kept.push(v.clone());
        }
        self.fresh.push(v);
    }

    fn context(&self, queue: Option<u16>) -> Vec<String> {
        let Some(r) = self.recent.get(&queue) else {
            return Vec::new();
        };
        (0..RECENT)
            .filter_map(|i| r.rows[(r.next + i) % RECENT])
            .map(|row| {
                format!(
                    "{:>10}  {:<20} {:#014x}  {:#x}",
                    row.cycle, row.what, row.address, row.value
                )
            })
            .collect()
    }

    /// Violations since the last call.
    pub(crate) fn take_fresh(&mut self) -> Vec<Violation> {
        std::mem::take(&mut self.fresh)
    }

    pub(crate) fn into_verdict(mut self, expect: Vec<String>) -> Verdict {
        let rules: Vec<RuleOutcome> = RuleId::ALL
            .iter()
            .map(|&r| RuleOutcome {
                id: r.rule().id,
                checked: if self.off[r as usize].is_some() {
                    0
                } else {
                    self.checked[r as usize]
                },
                violated: self.violated[r as usize],
                off: self.off[r as usize],
            })
            .collect();
        for rule in rules.iter().filter(|r| r.checked > 0) {
            self.cover.meet(Of::Rule, &[rule.id]);
        }
        Verdict {
            coverage: self.cover,
            violations: self.kept,
            rules,
            compared: self.compared,
            expect,
        }
    }
}
