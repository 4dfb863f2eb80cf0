//! Accounting: what becomes of each clause of the specification that concerns this project.
//!
//! A clause is checked by a rule of the judge ([`crate::rules`] says which), or `accounts.tsv` says what else is done about it.

use std::sync::LazyLock;

use crate::clauses::{self, Clause};
use crate::rules::{RULES, Rule};

/// What is done about a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// These rules check it in every run; each has a test that it holds and one that it fires.
    Rules(Vec<&'static Rule>),
    /// These tests show it: `path::function`, or the path of a scenario.
    Tests(Vec<&'static str>),
    /// The feature that it is about is not offered.
    Absent(&'static str),
    /// Looked at by people, for this reason.
    Inspected(&'static str),
}

/// A line of `accounts.tsv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    clause: &'static str,
    how: &'static str,
    what: &'static str,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let row = |line: &'static str| {
        let mut fields = line.split('\t');
        Some(Row {
            clause: fields.next()?,
            how: fields.next()?,
            what: fields.next()?,
        })
    };
    include_str!("../accounts.tsv")
        .lines()
        .skip(1)
        .filter_map(row)
        .collect()
});

/// Areas of the catalogue whose every clause is accounted for.
const AREAS: [&str; 6] = [
    "rtl-config",
    "rtl-ring-split",
    "rtl-ring-packed",
    "rtl-notify",
    "rtl-interrupt",
    "rtl-net",
];

/// Clauses of drivers that are about something else than rings, PCI, the network device and initialisation.
const ELSEWHERE: [&str; 9] = [
    "ADMIN-", "ADMQ-", "BLK-", "CAPS-", "CON-", "MMIO-", "PARTS-", "ROBJ-", "SCSI-",
];

/// Has this clause to be accounted for?
#[must_use]
pub fn concerns(clause: &Clause) -> bool {
    AREAS.contains(&clause.area)
        || clause.area == "host-driver-model" && !ELSEWHERE.iter().any(|p| clause.id.starts_with(p))
}

/// What is done about a clause; `None` when nobody has said.
#[must_use]
pub fn of(clause: &str) -> Option<Account> {
    let rules: Vec<&Rule> = RULES.iter().filter(|r| r.clauses.contains(&clause)).collect();
    if !rules.is_empty() {
        return Some(Account::Rules(rules));
    }
    let row = ROWS.iter().find(|r| r.clause == clause)?;
    match row.how {
        "test" => Some(Account::Tests(row.what.split(' ').collect())),
        "absent" => Some(Account::Absent(row.what)),
        "inspected" => Some(Account::Inspected(row.what)),
        _ => None,
    }
}

/// Clauses that are accounted for by the absence of a feature, each with its feature, for example `VIRTIO_NET_F_RSS`.
pub fn absent() -> impl Iterator<Item = (&'static str, &'static str)> {
    ROWS.iter()
        .filter(|r| r.how == "absent")
        .map(|r| (r.clause, r.what))
}

/// Lines of `accounts.tsv` that say nothing: unknown clauses or words, doubles, clauses that a rule checks already.
#[must_use]
pub fn idle_lines() -> Vec<String> {
    let mut wrong = Vec::new();
    for (i, row) in ROWS.iter().enumerate() {
        let mut say = |what: &str| wrong.push(format!("line {}: {}: {what}", i + 2, row.clause));
        match clauses::find(row.clause) {
            None => say("not in the catalogue"),
            Some(c) if !concerns(c) => say("not one of those that are accounted for"),
            Some(_) => {}
        }
        if !matches!(row.how, "test" | "absent" | "inspected") || row.what.is_empty() {
            say("neither test, absent nor inspected, or without a word");
        }
        if ROWS[..i].iter().any(|r| r.clause == row.clause) {
            say("there twice");
        }
        if let Some(rule) = RULES.iter().find(|r| r.clauses.contains(&row.clause)) {
            say(&format!("checked by {} already", rule.id));
        }
    }
    let lines = include_str!("../accounts.tsv").lines().count() - 1;
    if lines != ROWS.len() {
        wrong.push(format!("{} lines are not three fields", lines - ROWS.len()));
    }
    wrong
}
