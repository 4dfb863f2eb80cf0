//! Two runs side by side: what changed, by how much, and whether it stays within a budget.
//!
//! A run is its report: `report.json`, or a trace, whose report is made on the way. Cycles of a run are exact and a run can be repeated to the byte, so
//! there is no noise to tell a change from: whatever differs has changed.

mod budget;
mod difference;
mod measure;
mod page;
mod run;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use maud::PreEscaped;
use serde_json::{Value as Json, json};

pub use budget::{Budgets, Finding};
pub use difference::{Better, Change, Comparison, Condition};
pub use run::Run;

use crate::error::ReportError;

/// Version of `compare.json`. Bump when a reader of the old version would misread a new file.
pub const COMPARE_VERSION: u32 = 1;

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// A folder without a run.
    #[error("no run in {}: it holds neither report.json nor trace.jsonl", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// A file that is neither trace nor report.
    #[error("{}: neither a trace nor a report: {cause}", path.display())]
    Neither {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        cause: String,
    },
    /// A report of another format version.
    #[error("{}: report format version {found}, this reader understands version {}", path.display(), crate::FORMAT_VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// A report that lacks something or has it in another form.
    #[error("{}: {member}: expected {expected}", path.display())]
    Member {
        /// The file.
        path: PathBuf,
        /// The member, with the way to it.
        member: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The trace cannot be reported.
    #[error(transparent)]
    Trace(#[from] ReportError),
    /// A budget that cannot be used.
    #[error("{}, line {line}: {cause}", path.display())]
    Budget {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        cause: String,
    },
}

impl Comparison {
    /// The comparison for programs.
    #[must_use]
    pub fn json(&self, findings: &[Finding]) -> Json {
        json!({
            "ringside_compare": COMPARE_VERSION,
            "a": { "name": self.names[0], "passed": self.passed[0] },
            "b": { "name": self.names[1], "passed": self.passed[1] },
            "compared": self.compared,
            "conditions": self.conditions.iter().map(|c| json!({"name": c.name, "a": c.a, "b": c.b})).collect::<Vec<_>>(),
            "changes": self.changes.iter().map(|c| json!({
                "metric": c.metric,
                "a": c.a,
                "b": c.b,
                "difference": c.difference(),
                "growth_percent": c.growth_percent(),
                "verdict": c.better.map(Better::word),
            })).collect::<Vec<_>>(),
            "budgets": findings.iter().map(|f| json!({"metric": f.metric, "line": f.line, "kept": f.broken.is_none(), "cause": f.broken})).collect::<Vec<_>>(),
        })
    }

    /// The changes as CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        let number = |n: Option<f64>| n.map_or(String::new(), |n| n.to_string());
        let mut out = String::from("metric,a,b,difference,growth_percent,verdict\r\n");
        for c in &self.changes {
            let cells = [
                c.metric.clone(),
                number(c.a),
                number(c.b),
                number(c.difference()),
                number(c.growth_percent()),
                c.better.map_or(String::new(), |b| b.word().to_owned()),
            ];
            out += &cells.map(|cell| crate::table::quoted(&cell)).join(",");
            out += "\r\n";
        }
        out
    }

    /// The comparison for a terminal: conditions, every change of the headline, `rows` of the others.
    #[must_use]
    pub fn text(&self, findings: &[Finding], rows: usize) -> String {
        text::text(self, findings, rows)
    }

    /// Writes `compare.html`, `compare.json` and `compare.csv` into a folder, which is made if it does not exist; where the page is.
    ///
    /// # Errors
    /// [`ReportError::Write`] with the file.
    pub fn write(&self, findings: &[Finding], folder: &Path) -> Result<PathBuf, ReportError> {
        fs::create_dir_all(folder).map_err(|source| ReportError::Write {
            path: folder.to_owned(),
            source,
        })?;
        let PreEscaped(page) = page::page(self, findings);
        let html = folder.join("compare.html");
        for (path, text) in [
            (
                folder.join("compare.json"),
                format!("{:#}\n", self.json(findings)),
            ),
            (folder.join("compare.csv"), self.csv()),
            (html.clone(), page),
        ] {
            crate::write::put(&path, &text)?;
        }
        Ok(html)
    }
}
