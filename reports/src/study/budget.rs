//! What a study's runs may cost.

use super::results::{Results, Row};

/// A budget that a run does not keep.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// The run: its choices.
    pub run: String,
    /// The metric.
    pub metric: String,
    /// What was measured, and what may be, in words.
    pub cause: String,
}

impl Results {
    /// The budgets that are not kept. One that no run has numbers for is not kept either.
    #[must_use]
    pub fn broken(&self) -> Vec<Broken> {
        let mut broken = Vec::new();
        for budget in &self.budgets {
            let rows: Vec<&Row> = self.rows_at(&budget.only).collect();
            let mut say = |run: String, cause: String| {
                broken.push(Broken {
                    run,
                    metric: budget.metric.clone(),
                    cause,
                });
            };
            if rows.is_empty() {
                say("no run".to_owned(), "nothing was measured".to_owned());
            }
            for row in rows {
                let Some(&value) = row.values.get(&budget.metric) else {
                    say(self.name_of(row), "not measured".to_owned());
                    continue;
                };
                if let Some(max) = budget.max.filter(|max| value > *max) {
                    say(self.name_of(row), format!("{value:.3}, at most {max}"));
                }
                let Some(percent) = budget.max_above_predicted_percent else {
                    continue;
                };
                match row.predicted.get(&budget.metric) {
                    None => say(self.name_of(row), "nothing is predicted".to_owned()),
                    // a hair of rounding is no excess
                    Some(p) if value > p * (1.0 + percent / 100.0) + 1e-9 => say(
                        self.name_of(row),
                        format!(
                            "{value:.3}, which is {:.1} % above the predicted {p:.3}, at most {percent} %",
                            100.0 * (value / p - 1.0)
                        ),
                    ),
                    Some(_) => {}
                }
            }
        }
        broken
    }

    /// A run's choices, in the order of the axes.
    pub(super) fn name_of(&self, row: &Row) -> String {
        let choice = |a: &super::definition::Axis| row.at.get(&a.key).cloned().unwrap_or_default();
        self.axes.iter().map(choice).collect::<Vec<_>>().join(" · ")
    }
}
