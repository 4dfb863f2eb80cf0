//! The runs of a study: every combination of what is varied, but for those left out.

use std::collections::BTreeMap;

use super::definition::{AxisFile, Definition};

/// One run of a study.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The choice on each axis.
    pub at: BTreeMap<String, String>,
    /// Its scenario.
    pub scenario: toml::Table,
}

impl Case {
    /// Its name: the choices in the order of the axes.
    #[must_use]
    pub fn name(&self, study: &Definition) -> String {
        let choice = |a: &AxisFile| self.at.get(&a.key).cloned().unwrap_or_default();
        study.axes.iter().map(choice).collect::<Vec<_>>().join(" · ")
    }
}

impl Definition {
    /// Its runs: the last axis varies fastest.
    ///
    /// # Errors
    /// A dotted key of `into` that leads through something that is no table, or a number too large for a file.
    pub fn cases(&self) -> Result<Vec<Case>, String> {
        let mut cases = vec![Case {
            at: BTreeMap::new(),
            scenario: self.scenario.clone(),
        }];
        for axis in &self.axes {
            let mut more = Vec::new();
            for case in &cases {
                for value in &axis.values {
                    let mut scenario = case.scenario.clone();
                    for (path, factor) in &axis.into {
                        let number = value.checked_mul(*factor).and_then(|n| i64::try_from(n).ok());
                        let number = number.ok_or_else(|| {
                            format!("axis {:?}: {value} times {factor} is too much", axis.key)
                        })?;
                        put(&mut scenario, path, number)
                            .map_err(|cause| format!("axis {:?}: {cause}", axis.key))?;
                    }
                    more.push(case.with(axis, value.to_string(), scenario));
                }
                for choice in &axis.choices {
                    let scenario = merged(case.scenario.clone(), &choice.scenario);
                    more.push(case.with(axis, choice.name.clone(), scenario));
                }
            }
            cases = more;
        }
        cases.retain(|case| !self.skip.iter().any(|only| agrees(&case.at, only)));
        Ok(cases)
    }
}

impl Case {
    fn with(&self, axis: &AxisFile, choice: String, scenario: toml::Table) -> Self {
        let mut at = self.at.clone();
        at.insert(axis.key.clone(), choice);
        Case { at, scenario }
    }
}

/// Are the choices of a run these?
pub(super) fn agrees(at: &BTreeMap<String, String>, only: &BTreeMap<String, String>) -> bool {
    only.iter().all(|(axis, choice)| at.get(axis) == Some(choice))
}

fn put(table: &mut toml::Table, path: &str, number: i64) -> Result<(), String> {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), toml::Value::Integer(number));
            Ok(())
        }
        Some((first, rest)) => {
            let below = table
                .entry(first)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
            let below = below
                .as_table_mut()
                .ok_or_else(|| format!("{first:?} of `{path}` is no table"))?;
            put(below, rest, number)
        }
    }
}

/// A table with what another has put over it, tables inside tables likewise.
fn merged(mut under: toml::Table, over: &toml::Table) -> toml::Table {
    for (key, value) in over {
        let value = match (under.remove(key), value) {
            (Some(toml::Value::Table(a)), toml::Value::Table(b)) => toml::Value::Table(merged(a, b)),
            (_, b) => b.clone(),
        };
        under.insert(key.clone(), value);
    }
    under
}
