//! Coverage against its plan: what a whole regression met, what is missing, and which holes somebody has explained.
//!
//! The plan itself is [`ringside_models::coverage`]. A hole (a possible point that was not met) needs a row in a file of holes, with a reason; a
//! row that fits no hole any more has to go. So the file says, at any time, exactly what is not tested.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ringside_models::coverage::{Coverage, NoPoint, Point, agrees, crosses};
use serde::Deserialize;

/// Why what a regression met cannot be held against the plan.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// The file of holes could not be read.
    #[error("cannot read holes {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It is not what a file of holes looks like.
    #[error("holes {}: {cause}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and column.
        cause: toml::de::Error,
    },
    /// A summary of a run without coverage, or with another plan's.
    #[error("the summary of a run has no coverage: {0}")]
    Summary(#[from] serde_json::Error),
    /// A point of another plan.
    #[error(transparent)]
    Point(#[from] NoPoint),
}

/// A hole that somebody has explained.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hole {
    /// Points, `*` standing for any one value.
    pub at: String,
    /// Why they are not met.
    pub why: String,
}

/// The holes that are explained.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holes {
    /// One after the other.
    #[serde(default)]
    pub hole: Vec<Hole>,
}

impl Holes {
    /// Reads a file of holes.
    ///
    /// # Errors
    /// [`CoverageError`] with file, line and column.
    pub fn load(path: &Path) -> Result<Self, CoverageError> {
        let text = std::fs::read_to_string(path).map_err(|cause| CoverageError::Unreadable {
            path: path.to_owned(),
            cause,
        })?;
        toml::from_str(&text).map_err(|cause| CoverageError::Format {
            path: path.to_owned(),
            cause,
        })
    }

    fn explains(&self, name: &str) -> bool {
        self.hole.iter().any(|h| agrees(&h.at, name))
    }
}

/// Adds what a run met, from its summary (`ringside run|check --json`).
///
/// # Errors
/// [`CoverageError`]: there is none, or it is that of another plan.
pub fn add_summary(sum: &mut Coverage, summary: &serde_json::Value) -> Result<(), CoverageError> {
    let met: BTreeMap<String, u64> = serde_json::from_value(summary["verdict"]["coverage"].clone())?;
    Ok(sum.add_named(&met)?)
}

/// One cross: what of it was met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The cross.
    pub id: &'static str,
    /// Points met.
    pub met: usize,
    /// Points that can be met.
    pub possible: usize,
    /// Holes that somebody has explained.
    pub explained: usize,
}

/// What a regression met, held against the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closure {
    /// Cross by cross, in the plan's order.
    pub rows: Vec<Row>,
    /// Holes that nobody has explained.
    pub open: Vec<String>,
    /// Explanations that fit no hole.
    pub idle: Vec<String>,
}

impl Closure {
    /// Holds `met` against the plan.
    #[must_use]
    pub fn of(met: &Coverage, holes: &Holes) -> Self {
        let points: Vec<Point> = met.points().filter(|p| p.impossible.is_none()).collect();
        let empty = |p: &&Point| p.met == 0;
        let of = |id: &str| {
            let start = format!("{id}/");
            points.iter().filter(move |p| p.name.starts_with(&start))
        };
        let rows = crosses()
            .iter()
            .map(|cross| Row {
                id: cross.id,
                met: of(cross.id).filter(|p| p.met > 0).count(),
                possible: of(cross.id).count(),
                explained: of(cross.id)
                    .filter(empty)
                    .filter(|p| holes.explains(&p.name))
                    .count(),
            })
            .collect();
        let open = points.iter().filter(empty).filter(|p| !holes.explains(&p.name));
        let idle = holes
            .hole
            .iter()
            .filter(|h| !points.iter().filter(empty).any(|p| agrees(&h.at, &p.name)));
        Closure {
            rows,
            open: open.map(|p| p.name.clone()).collect(),
            idle: idle.map(|h| h.at.clone()).collect(),
        }
    }

    /// Is every possible point met, or its hole explained, and no explanation left over?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.open.is_empty() && self.idle.is_empty()
    }

    /// As a table, with what is missing.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::from("  cross         met  possible  explained   open\n");
        let (mut met, mut possible) = (0, 0);
        for row in &self.rows {
            let open = row.possible - row.met - row.explained;
            let _ = writeln!(
                text,
                "  {:<12}{:>5}{:>10}{:>11}{open:>7}",
                row.id, row.met, row.possible, row.explained
            );
            met += row.met;
            possible += row.possible;
        }
        let _ = writeln!(text, "  {:<12}{met:>5}{possible:>10}", "all");
        for name in &self.open {
            let _ = writeln!(text, "  hole, without a reason: {name}");
        }
        for at in &self.idle {
            let _ = writeln!(text, "  a reason without a hole: {at}");
        }
        text
    }
}

/// The plan and the explained holes as a page of the docs.
#[must_use]
pub fn page(holes: &Holes) -> String {
    let mut text = String::from(
        "# Coverage: the plan, and what is not met\n\n\
         Generated (`UPDATE=1 cargo test -p ringside --test scenarios`) from the plan in `models/src/coverage/plan.rs` and the holes in `golden/coverage.toml`; `make test` fails when they differ.\n\n\
         While a trace is judged, the judge counts which situations of this plan it meets, all of them seen at the boundary, so the plan holds for any device. 100 % means: every possible point of every cross was met\n\
         by a golden trace, a stress scenario, a regression, or one of `golden/scenarios/coverage`, each of which is named after what no other meets. What is not met is a hole; each has a row below with its reason, a row that fits no hole fails the test just as a hole without a row does.\n\n\
         `ringside test --all --coverage` prints the table (add `--dut FILE` for another device, and `--holes FILE` with what it need not do). `make coverage` adds lines and branches of the RTL (lcov).\n",
    );
    for cross in crosses() {
        let _ = writeln!(text, "\n## {}\n\n{}\n", cross.id, cross.about);
        if cross.id == "rule" {
            let _ = writeln!(text, "* every rule of [rules.md](rules.md)");
        } else {
            for d in &cross.dimensions {
                let _ = writeln!(text, "* {}: {}", d.name, d.values.join(", "));
            }
        }
        for (at, why) in cross.impossible {
            let _ = writeln!(text, "* nobody can meet `{at}`: {why}");
        }
        let start = format!("{}/", cross.id);
        for hole in holes.hole.iter().filter(|h| h.at.starts_with(&start)) {
            let _ = writeln!(text, "* **not met** `{}`: {}", &hole.at[start.len()..], hole.why);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_models::coverage::Of;

    fn holes(rows: &[(&str, &str)]) -> Holes {
        let hole = rows
            .iter()
            .map(|(at, why)| Hole {
                at: (*at).to_owned(),
                why: (*why).to_owned(),
            })
            .collect();
        Holes { hole }
    }

    #[test]
    fn a_hole_wants_a_reason_and_a_reason_wants_a_hole() {
        let mut met = Coverage::default();
        let every: Vec<(String, String)> = crosses()
            .iter()
            .map(|c| {
                (
                    format!("{}{}", c.id, "/*".repeat(c.dimensions.len())),
                    "why".to_owned(),
                )
            })
            .collect();
        let rows: Vec<(&str, &str)> = every.iter().map(|(a, w)| (a.as_str(), w.as_str())).collect();
        assert!(Closure::of(&met, &holes(&rows)).is_closed(), "all explained");
        let nothing = Closure::of(&met, &Holes::default());
        assert!(nothing.open.contains(&"edge/packed_list".to_owned()) && nothing.idle.is_empty());
        assert!(
            !nothing.open.iter().any(|n| n.starts_with("chain/packed/mixed/")),
            "nobody can"
        );
        for what in [
            "split_learned",
            "split_returned",
            "packed_list",
            "packed_returned",
            "packed_odd_size",
        ] {
            met.meet(Of::Edge, &[what]);
        }
        let closure = Closure::of(&met, &holes(&rows));
        assert_eq!(closure.idle, ["edge/*"]);
        assert!(
            closure.table().contains("a reason without a hole: edge/*"),
            "{}",
            closure.table()
        );
    }

    #[test]
    fn what_is_no_file_of_holes_is_named_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("holes.toml");
        std::fs::write(&path, "[[hole]]\nat = \"edge/*\"\n").unwrap();
        let e = Holes::load(&path).unwrap_err().to_string();
        assert!(e.contains("holes.toml") && e.contains("why"), "{e}");
        let e = add_summary(&mut Coverage::default(), &serde_json::json!({})).unwrap_err();
        assert!(e.to_string().contains("no coverage"), "{e}");
    }
}
