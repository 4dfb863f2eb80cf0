//! What differs between two runs.

use std::collections::BTreeMap;

use super::measure::measures;
use super::run::Run;

/// Is a change for the better?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Yes.
    Better,
    /// No.
    Worse,
}

impl Better {
    /// As files and people read it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Better::Better => "better",
            Better::Worse => "worse",
        }
    }
}

/// A number that is not the same in both runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its name.
    pub metric: String,
    /// In the first run; `None` if it has no such number.
    pub a: Option<f64>,
    /// In the second run.
    pub b: Option<f64>,
    /// For the better or the worse, where that can be said of the number alone.
    pub better: Option<Better>,
}

impl Change {
    /// `b - a`.
    #[must_use]
    pub fn difference(&self) -> Option<f64> {
        Some(crate::table::tidy(self.b? - self.a?))
    }

    /// By how much it grew, in per cent of the first run; `None` from zero on.
    #[must_use]
    pub fn growth_percent(&self) -> Option<f64> {
        let a = self.a.filter(|a| *a != 0.0)?;
        Some(crate::table::tidy(100.0 * (self.b? - a) / a.abs()))
    }
}

/// A test condition that is not the same in both runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// In the first run; empty if it has none.
    pub a: String,
    /// In the second run.
    pub b: String,
}

/// Two runs side by side.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What they are called.
    pub names: [String; 2],
    /// Did they pass, to their planned end?
    pub passed: [bool; 2],
    /// Test conditions that differ.
    pub conditions: Vec<Condition>,
    /// Numbers that differ: those of the headline first, then by name.
    pub changes: Vec<Change>,
    /// Numbers compared.
    pub compared: usize,
    pub(super) measures: [BTreeMap<String, Option<f64>>; 2],
}

impl Comparison {
    /// Compares two runs.
    #[must_use]
    pub fn new(a: &Run, b: &Run) -> Self {
        let both = [measures(&a.report), measures(&b.report)];
        let mut names: Vec<&String> = both[0].keys().chain(both[1].keys()).collect();
        names.sort_unstable_by_key(|n| (!is_headline(n), n.as_str()));
        names.dedup();
        let compared = names.len();
        let value = |run: usize, name: &String| both[run].get(name).copied().flatten();
        let changes: Vec<Change> = names
            .into_iter()
            .map(|name| (name, value(0, name), value(1, name)))
            .filter(|(_, a, b)| a != b)
            .map(|(name, a, b)| Change {
                metric: name.clone(),
                a,
                b,
                better: better(name, a, b),
            })
            .collect();
        let verdict = |run: &Run| {
            let is = |member: &str| run.report["verdict"][member].as_bool().unwrap_or(false);
            is("passed") && is("complete")
        };
        Comparison {
            names: [a.name.clone(), b.name.clone()],
            passed: [verdict(a), verdict(b)],
            conditions: conditions(a, b),
            changes,
            compared,
            measures: both,
        }
    }

    /// Nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.conditions.is_empty() && self.passed[0] == self.passed[1]
    }
}

/// Is it a number of the headline, not of a table?
pub(super) fn is_headline(metric: &str) -> bool {
    !metric.contains('.')
}

/// Parts of names of which less is better, and of which more is.
const LESS: &[&str] = &[
    "requests_per_",
    "bytes_per_packet",
    "kicks_per_",
    "interrupts_per_",
    "_cycles",
    "_ns",
    "violat",
    "wasted",
    "idle_index_reads",
    "frames_dropped",
    "drops.",
];
const MORE: &[&str] = &[
    "packets_per_clock",
    "mpps",
    "limit_percent",
    "efficiency_percent",
    "frame_gbps",
    "chains_per_",
];

fn better(name: &str, a: Option<f64>, b: Option<f64>) -> Option<Better> {
    let (a, b) = (a?, b?);
    // what the link or the traffic asks for is neither
    if matches!(name, "limit_mpps" | "window_cycles") || name.contains("least_") {
        return None;
    }
    let has = |parts: &[&str]| parts.iter().any(|p| name.contains(p));
    match (has(MORE), has(LESS)) {
        (true, _) => Some(b > a),
        (_, true) => Some(b < a),
        _ => None,
    }
    .map(|good| if good { Better::Better } else { Better::Worse })
}

/// What stands among the conditions though nobody set it.
const LENGTH: &str = "length of the trace";

fn conditions(a: &Run, b: &Run) -> Vec<Condition> {
    let list = |run: &Run| -> Vec<(String, String)> {
        let rows = run.report["tables"]["conditions"].as_array();
        let cell = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("").to_owned();
        rows.into_iter()
            .flatten()
            .filter(|row| row["name"] != LENGTH)
            .map(|row| {
                (
                    format!("{}: {}", cell(row, "group"), cell(row, "name")),
                    cell(row, "value"),
                )
            })
            .collect()
    };
    let (a, b) = (list(a), list(b));
    let find = |list: &[(String, String)], name: &str| {
        let found = list.iter().find(|(n, _)| n == name);
        found.map_or(String::new(), |(_, value)| value.clone())
    };
    let only_b = b.iter().filter(|(n, _)| !a.iter().any(|(m, _)| m == n));
    a.iter()
        .chain(only_b)
        .map(|(name, _)| Condition {
            name: name.clone(),
            a: find(&a, name),
            b: find(&b, name),
        })
        .filter(|c| c.a != c.b)
        .collect()
}
