//! What came of it: a table by block, and the survivors by line.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::accepted::{Accepted, Kind};
use super::design::Design;
use super::plan::Plan;
use super::state::{End, State};
use crate::cli::paint::{Paint, count, grouped};

/// The mutants of one block.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    mutants: u64,
    killed: u64,
    seen: u64,
    unseen: u64,
    equivalent: u64,
    unknown: u64,
}

impl Block {
    fn and(self, other: Self) -> Self {
        Block {
            mutants: self.mutants + other.mutants,
            killed: self.killed + other.killed,
            seen: self.seen + other.seen,
            unseen: self.unseen + other.unseen,
            equivalent: self.equivalent + other.equivalent,
            unknown: self.unknown + other.unknown,
        }
    }

    /// Killed of all that are not equivalent, in tenths of a per cent.
    fn score(self) -> String {
        let of = self.killed + self.seen + self.unseen;
        match (self.killed * 1000).checked_div(of) {
            Some(tenths) => format!("{}.{} %", tenths / 10, tenths % 10),
            None => "-".to_owned(),
        }
    }

    fn row(self, name: &str) -> String {
        format!(
            "  {name:<10} {:>8} {:>8} {:>6} {:>8} {:>11} {:>9}",
            self.mutants,
            self.killed,
            self.seen,
            self.unseen,
            self.equivalent,
            self.score()
        )
    }
}

/// The table.
pub(super) struct Table<'a> {
    blocks: BTreeMap<&'a str, Block>,
    /// Killers and how many each.
    killers: BTreeMap<String, u64>,
    /// Lines about survivors that nobody looked into.
    fresh: Vec<String>,
    /// How many were, by kind.
    explained: BTreeMap<Kind, u64>,
    /// Mutants that our program broke on, and how.
    ours: Vec<String>,
}

impl<'a> Table<'a> {
    pub(super) fn new(design: &'a Design, chosen: &[usize], state: &State, accepted: &Accepted) -> Self {
        let mut table = Table {
            blocks: BTreeMap::new(),
            killers: BTreeMap::new(),
            fresh: Vec::new(),
            explained: BTreeMap::new(),
            ours: Vec::new(),
        };
        for number in chosen {
            let mutant = &design.mutants[number - 1];
            let block = table.blocks.entry(mutant.block()).or_default();
            block.mutants += 1;
            match state.end(*number) {
                None => block.unknown += 1,
                Some(End::Killed { scenario, why, ours }) => {
                    block.killed += 1;
                    *table.killers.entry(why.clone()).or_default() += 1;
                    if *ours {
                        let told = format!("{number}  {} ({scenario}: {why})", design.told(*number));
                        table.ours.push(told);
                    }
                }
                Some(End::Survived { seen, .. }) => {
                    let kind = accepted.kind(mutant);
                    match kind {
                        Some(Kind::Equivalent) => block.equivalent += 1,
                        _ if seen.is_empty() => block.unseen += 1,
                        _ => block.seen += 1,
                    }
                    match kind {
                        Some(kind) => *table.explained.entry(kind).or_default() += 1,
                        None => table.fresh.push(line(design, *number, seen)),
                    }
                }
            }
        }
        table
    }

    /// Survivors that are not in the list of those that were looked into.
    pub(super) fn unexplained(&self) -> usize {
        self.fresh.len()
    }

    pub(super) fn text(&self, plan: &Plan, paint: Paint) -> String {
        let cycles = plan.orders.steps.iter().map(|s| s.cycles).sum();
        let mut text = format!(
            "\n  {}, {} cycles on the unmutated device; {} more are beyond the budget\n\n",
            count(plan.orders.steps.len() as u64, "scenario"),
            grouped(cycles),
            plan.beyond
        );
        let head = format!(
            "  {:<10} {:>8} {:>8} {:>6} {:>8} {:>11} {:>9}",
            "block", "mutants", "killed", "seen", "unseen", "equivalent", "score"
        );
        let _ = writeln!(text, "{}", paint.dim(&head));
        for (name, block) in &self.blocks {
            let _ = writeln!(text, "{}", block.row(name));
        }
        let all = self.blocks.values().fold(Block::default(), |a, b| a.and(*b));
        let _ = writeln!(text, "{}\n", paint.strong(&all.row("all")));
        let mut killers: Vec<_> = self.killers.iter().collect();
        killers.sort_by_key(|(why, n)| (std::cmp::Reverse(**n), why.as_str()));
        let told: Vec<String> = killers
            .iter()
            .take(12)
            .map(|(why, n)| format!("{why} {n}"))
            .collect();
        let _ = writeln!(text, "  killed by  {}", told.join(", "));
        for (kind, n) in &self.explained {
            let word = match kind {
                Kind::Equivalent => "cannot be told from the device",
                Kind::Legal => "does what the specifications leave to a device",
                Kind::Unreached => "is wrong where no scenario of the budget goes",
                Kind::Hole => "is wrong, and nobody notices yet",
            };
            let _ = writeln!(text, "  explained  {n:>3}  {word}");
        }
        for told in &self.ours {
            let _ = writeln!(text, "  {}  mutant {told}", paint.bad("ours broke"));
        }
        for told in &self.fresh {
            let _ = writeln!(text, "  {}  {told}", paint.bad("survived"));
        }
        let verdict = match (self.fresh.len(), all.unknown) {
            (0, 0) => paint.good("PASS"),
            (0, _) => paint.strong("SO FAR"),
            _ => paint.bad("FAIL"),
        };
        let _ = write!(
            text,
            "\n  {verdict}   {} of {} killed, {} unexplained, {} not run",
            grouped(all.killed),
            count(all.mutants, "mutant"),
            count(self.fresh.len() as u64, "survivor"),
            all.unknown
        );
        text
    }
}

fn line(design: &Design, number: usize, seen: &[String]) -> String {
    let how = match seen {
        [] => "never seen at the pins".to_owned(),
        [one] => format!("seen in {one}"),
        [one, rest @ ..] => format!("seen in {one} and {} more", rest.len()),
    };
    format!("{number:>4}  {}: {how}", design.told(number))
}
