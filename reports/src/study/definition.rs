//! What a study is, as data.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StudyError;

/// Most runs of a study.
const MOST_CASES: usize = 5_000;

/// A study as its file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name: the file's.
    #[serde(skip)]
    pub name: String,
    /// Title of the page.
    pub title: String,
    /// What it asks.
    pub question: String,
    /// How the answer is made of the numbers.
    #[serde(default)]
    pub answer: Answer,
    /// What all runs have in common, in words.
    #[serde(default)]
    pub conditions: Vec<String>,
    /// What all runs have in common, as a scenario.
    #[serde(default)]
    pub scenario: toml::Table,
    /// What is varied.
    #[serde(rename = "axis")]
    pub axes: Vec<AxisFile>,
    /// Combinations that are left out: choices by axis, all of which have to agree.
    #[serde(default)]
    pub skip: Vec<BTreeMap<String, String>>,
    /// What is measured.
    #[serde(rename = "metric")]
    pub metrics: Vec<Metric>,
    /// Predictions that are of interest, by name; none: what is measured is not predicted.
    #[serde(default)]
    pub predict: Vec<String>,
    /// What is drawn.
    #[serde(rename = "plot", default)]
    pub plots: Vec<Plot>,
    /// What may not be exceeded.
    #[serde(rename = "budget", default)]
    pub budgets: Vec<Budget>,
}

/// How a study's answer is made of its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Least and most of the first metric.
    #[default]
    Extremes,
    /// Ring formats over the batch.
    Formats,
    /// Interrupts saved against time waited.
    Moderation,
    /// Indirect tables against chains.
    Indirect,
    /// Small merged buffers against big ones.
    Mergeable,
    /// Rate beside the limits of links.
    Link,
    /// What is spared by data in kicks.
    NotificationData,
    /// Completions cut or whole.
    Completions,
    /// Rate over the number of queues.
    Queues,
    /// Rate and reads in flight over the latency.
    Outstanding,
}

/// Something that is varied, as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxisFile {
    /// Name in files.
    pub key: String,
    /// Name on the page.
    pub title: String,
    /// Numbers that it takes, put into the scenario by `into`.
    #[serde(default)]
    pub values: Vec<u64>,
    /// Dotted keys of the scenario, and what the number is multiplied by there.
    #[serde(default)]
    pub into: BTreeMap<String, u64>,
    /// Or: named choices.
    #[serde(rename = "choice", default)]
    pub choices: Vec<ChoiceFile>,
}

/// A named choice, as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceFile {
    /// Its name.
    pub name: String,
    /// A shorter one, beside a point of a picture.
    #[serde(default)]
    pub short: Option<String>,
    /// What it amounts to, where that is a number.
    #[serde(default)]
    pub amount: Option<f64>,
    /// What it changes in the scenario.
    #[serde(default)]
    pub scenario: toml::Table,
}

/// Something that is varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Name in files.
    pub key: String,
    /// Name on the page.
    pub title: String,
    /// What it is varied over, in order.
    pub choices: Vec<Choice>,
}

/// One value of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// A shorter one, beside a point of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    /// What it amounts to, where that is a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<f64>,
}

/// Something that is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Name in files, and of the prediction that belongs to it.
    pub key: String,
    /// Name on the page.
    pub title: String,
    /// Digits after the point on the page.
    #[serde(default = "two")]
    pub digits: usize,
    /// Where it comes from.
    pub from: Source,
}

fn two() -> usize {
    2
}

/// Where a number comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Source {
    /// A number of the report's headline.
    Headline(String),
    /// A sum over rows of a table of the report.
    Table {
        /// Which table.
        name: String,
        /// Rows whose cells are these; `$axis` stands for the case's choice on that axis. None given: every row.
        #[serde(rename = "where", default)]
        rows: BTreeMap<String, String>,
        /// The column that is summed.
        column: String,
        /// A second column that each summand is multiplied by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        times: Option<String>,
        /// Numbers of the headline that the sum is divided by, one after the other.
        #[serde(default)]
        per: Vec<String>,
    },
}

/// How an axis is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// One choice as far from the next as any other.
    #[default]
    Even,
    /// By value.
    Linear,
    /// By the logarithm of the value.
    Logarithmic,
}

/// A picture, or one of a kind for each choice of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plot {
    /// Across: an axis or a metric.
    pub x: String,
    /// Upwards: a metric.
    pub y: String,
    /// A line for each choice of this axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<String>,
    /// A picture for each choice of this axis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<String>,
    /// Only where the choices are these, by axis.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
    /// How the horizontal axis is laid out, if it is an axis of the study.
    #[serde(default)]
    pub scale: Scale,
    /// The prediction drawn beside it; the one that has the metric's name if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<String>,
    /// Points are named by their choice on this axis, and not joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<String>,
}

/// What may not be exceeded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Of which metric.
    pub metric: String,
    /// Only where the choices are these, by axis.
    #[serde(rename = "where", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub only: BTreeMap<String, String>,
    /// Most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Most above the prediction, in per cent of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_above_predicted_percent: Option<f64>,
}

impl Definition {
    /// Reads a study's file and checks that all it names exists.
    ///
    /// # Errors
    /// [`StudyError`] with the place and what is wrong.
    pub fn load(path: &Path) -> Result<Self, StudyError> {
        let text = std::fs::read_to_string(path).map_err(|cause| StudyError::Read {
            path: path.to_owned(),
            cause,
        })?;
        let name = path
            .file_stem()
            .map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        Self::parse(&text, &name).map_err(|cause| StudyError::Format {
            path: path.to_owned(),
            cause,
        })
    }

    /// [`Definition::load`] from a text.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str, name: &str) -> Result<Self, String> {
        let mut study: Definition = toml::from_str(text).map_err(|e| e.to_string())?;
        name.clone_into(&mut study.name);
        study.check()?;
        Ok(study)
    }

    fn check(&self) -> Result<(), String> {
        unique("axis", self.axes.iter().map(|a| a.key.as_str()))?;
        unique("metric", self.metrics.iter().map(|m| m.key.as_str()))?;
        if self.metrics.is_empty() {
            return Err("it measures nothing: no [[metric]]".to_owned());
        }
        let mut cases = 1_usize;
        for axis in &self.axes {
            let key = &axis.key;
            match (axis.values.len(), axis.choices.len()) {
                (0, 0) => return Err(format!("axis {key:?} has neither values nor choices")),
                (0, _) => {}
                (_, 0) if axis.into.is_empty() => {
                    return Err(format!("axis {key:?} has values, and no `into` to put them in"));
                }
                (_, 0) => {}
                _ => return Err(format!("axis {key:?} has values and choices: one or the other")),
            }
            let axis = axis.plain();
            unique(
                &format!("axis {key:?}, choice"),
                axis.choices.iter().map(|c| c.name.as_str()),
            )?;
            cases = cases.saturating_mul(axis.choices.len());
        }
        if cases > MOST_CASES {
            return Err(format!("{cases} runs, and {MOST_CASES} is the most"));
        }
        self.skip.iter().try_for_each(|only| self.known("skip", only))?;
        for plot in &self.plots {
            self.metric(&plot.y)?;
            if !self.axes.iter().any(|a| a.key == plot.x) {
                self.metric(&plot.x)?;
            }
            for axis in [&plot.lines, &plot.each, &plot.names].into_iter().flatten() {
                self.axis(axis)?;
            }
            self.known("plot", &plot.only)?;
        }
        for budget in &self.budgets {
            self.metric(&budget.metric)?;
            self.known("budget", &budget.only)?;
            if budget.max.is_none() && budget.max_above_predicted_percent.is_none() {
                return Err(format!("the budget of {:?} limits nothing", budget.metric));
            }
        }
        for metric in &self.metrics {
            if let Source::Table { rows, .. } = &metric.from {
                for axis in rows.values().filter_map(|v| v.strip_prefix('$')) {
                    self.axis(axis)?;
                }
            }
        }
        Ok(())
    }

    fn metric(&self, key: &str) -> Result<(), String> {
        let known = self.metrics.iter().any(|m| m.key == key);
        known
            .then_some(())
            .ok_or_else(|| format!("there is no metric {key:?}"))
    }

    fn axis(&self, key: &str) -> Result<&AxisFile, String> {
        let found = self.axes.iter().find(|a| a.key == key);
        found.ok_or_else(|| format!("there is no axis {key:?}"))
    }

    /// Do these choices exist?
    fn known(&self, what: &str, only: &BTreeMap<String, String>) -> Result<(), String> {
        for (axis, choice) in only {
            if !self.axis(axis)?.plain().choices.iter().any(|c| c.name == *choice) {
                return Err(format!("{what}: axis {axis:?} has no choice {choice:?}"));
            }
        }
        Ok(())
    }
}

fn unique<'a>(what: &str, keys: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for key in keys {
        if key.is_empty() {
            return Err(format!("{what} without a name"));
        }
        if !seen.insert(key) {
            return Err(format!("{what} {key:?} is there twice"));
        }
    }
    Ok(())
}

impl AxisFile {
    /// What results say of it.
    #[must_use]
    pub fn plain(&self) -> Axis {
        let numbers = self.values.iter().map(|v| Choice {
            name: v.to_string(),
            short: None,
            amount: Some(*v as f64),
        });
        let named = self.choices.iter().map(|c| Choice {
            name: c.name.clone(),
            short: c.short.clone(),
            amount: c.amount,
        });
        Axis {
            key: self.key.clone(),
            title: self.title.clone(),
            choices: numbers.chain(named).collect(),
        }
    }
}
