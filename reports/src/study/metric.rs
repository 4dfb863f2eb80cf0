//! Numbers out of a report.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::definition::{Metric, Source};
use crate::table::tidy;

impl Metric {
    /// The number that a report (`report.json`) has for a run with these choices; `None` where it has none: no such row, nothing to divide by.
    #[must_use]
    pub fn of(&self, report: &Json, at: &BTreeMap<String, String>) -> Option<f64> {
        let headline = |key: &str| report["headline"][key].as_f64();
        let number = match &self.from {
            Source::Headline(key) => headline(key)?,
            Source::Table {
                name,
                rows,
                column,
                times,
                per,
            } => {
                let mut sum = None;
                for row in report["tables"][name].as_array()? {
                    let is = |(key, wanted): (&String, &String)| {
                        let wanted = wanted.strip_prefix('$').map_or(Some(wanted), |axis| at.get(axis));
                        wanted.is_some_and(|w| text(&row[key]).as_deref() == Some(w))
                    };
                    if rows.iter().all(is)
                        && let Some(value) = row[column].as_f64()
                        && let Some(factor) = times.as_ref().map_or(Some(1.0), |t| row[t].as_f64())
                    {
                        *sum.get_or_insert(0.0) += value * factor;
                    }
                }
                per.iter().try_fold(sum?, |n, key| Some(n / headline(key)?))?
            }
        };
        number.is_finite().then(|| tidy(number))
    }
}

fn text(cell: &Json) -> Option<String> {
    match cell {
        Json::String(text) => Some(text.clone()),
        Json::Number(n) => Some(n.to_string()),
        _ => None,
    }
}
