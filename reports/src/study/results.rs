//! What the runs of a study gave: all that its page is made of.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StudyError;
use super::definition::{Answer, Axis, Budget, Choice, Definition, Metric, Plot};
use super::grid::agrees;

/// Version of `study.json`. Bump when a reader of the old version would misread a new file.
pub const FORMAT_VERSION: u32 = 1;

/// What a study gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// [`FORMAT_VERSION`].
    pub ringside_study: u32,
    /// The study's name.
    pub name: String,
    /// Title of its page.
    pub title: String,
    /// What it asks.
    pub question: String,
    /// How the answer is made of the numbers.
    pub answer: Answer,
    /// What all runs have in common.
    pub conditions: Vec<String>,
    /// The devices that ran, and the digests of their models.
    pub devices: Vec<String>,
    /// What was varied.
    pub axes: Vec<Axis>,
    /// What was measured.
    pub metrics: Vec<Metric>,
    /// What is drawn.
    pub plots: Vec<Plot>,
    /// What may not be exceeded.
    pub budgets: Vec<Budget>,
    /// The runs.
    pub rows: Vec<Row>,
}

/// What one run gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The choice on each axis.
    pub at: BTreeMap<String, String>,
    /// No rule was broken, and the run came to its end.
    pub passed: bool,
    /// If not: why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Measured, by metric.
    pub values: BTreeMap<String, f64>,
    /// Predicted, by name.
    pub predicted: BTreeMap<String, f64>,
}

impl Results {
    /// Of a study and its runs.
    #[must_use]
    pub fn new(study: &Definition, devices: Vec<String>, rows: Vec<Row>) -> Self {
        Results {
            ringside_study: FORMAT_VERSION,
            name: study.name.clone(),
            title: study.title.clone(),
            question: study.question.clone(),
            answer: study.answer,
            conditions: study.conditions.clone(),
            devices,
            axes: study
                .axes
                .iter()
                .map(super::definition::AxisFile::plain)
                .collect(),
            metrics: study.metrics.clone(),
            plots: study.plots.clone(),
            budgets: study.budgets.clone(),
            rows,
        }
    }

    /// Reads `study.json`.
    ///
    /// # Errors
    /// [`StudyError`] when it cannot be read, is none, or of another version.
    pub fn load(path: &Path) -> Result<Self, StudyError> {
        let text = std::fs::read_to_string(path).map_err(|cause| StudyError::Read {
            path: path.to_owned(),
            cause,
        })?;
        let wrong = |cause: String| StudyError::Results {
            path: path.to_owned(),
            cause,
        };
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        match json["ringside_study"].as_u64() {
            Some(v) if v == u64::from(FORMAT_VERSION) => {}
            Some(v) => {
                return Err(wrong(format!(
                    "results of version {v}, and this program knows {FORMAT_VERSION}"
                )));
            }
            None => {
                return Err(wrong(
                    "no results of a study: `ringside_study` is missing".to_owned(),
                ));
            }
        }
        serde_json::from_value(json).map_err(|e| wrong(e.to_string()))
    }

    /// The file's text: one run a line, so that a change shows as the runs that it changed.
    #[must_use]
    pub fn to_json(&self) -> String {
        let head = Results {
            rows: Vec::new(),
            ..self.clone()
        };
        let head = serde_json::to_string_pretty(&head).unwrap_or_default();
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|r| format!("    {}", serde_json::to_string(r).unwrap_or_default()))
            .collect();
        let head = head.trim_end_matches('}').trim_end().trim_end_matches("[]");
        format!("{head}[\n{}\n  ]\n}}\n", rows.join(",\n"))
    }

    /// Did every run pass?
    #[must_use]
    pub fn passed(&self) -> bool {
        self.rows.iter().all(|r| r.passed)
    }

    /// The answer, in one sentence made of the numbers.
    #[must_use]
    pub fn sentence(&self) -> String {
        let failed = self.rows.iter().filter(|r| !r.passed).count();
        if failed > 0 {
            return format!("No answer: {failed} of {} runs failed.", self.rows.len());
        }
        super::answer::sentence(self)
            .unwrap_or_else(|| "No answer: the runs lack numbers that it would be made of.".to_owned())
    }

    /// An axis.
    pub(super) fn axis(&self, key: &str) -> Option<&Axis> {
        self.axes.iter().find(|a| a.key == key)
    }

    /// The choices of an axis; none if there is no such axis.
    pub(super) fn choices(&self, key: &str) -> &[Choice] {
        self.axis(key).map_or(&[], |a| &a.choices)
    }

    /// A metric.
    pub(super) fn metric(&self, key: &str) -> Option<&Metric> {
        self.metrics.iter().find(|m| m.key == key)
    }

    /// The runs with these choices.
    pub(super) fn rows_at(&self, only: &BTreeMap<String, String>) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |r| agrees(&r.at, only))
    }

    /// The one run with these choices; `None` if there is none, or more than one.
    pub(super) fn row(&self, at: &[(&str, &str)]) -> Option<&Row> {
        let at = at
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let mut rows = self.rows_at(&at);
        let first = rows.next()?;
        rows.next().is_none().then_some(first)
    }

    /// What was measured in the one run with these choices.
    pub(super) fn value(&self, metric: &str, at: &[(&str, &str)]) -> Option<f64> {
        self.row(at)?.values.get(metric).copied()
    }
}
