//! A study as CSV, and as a few lines of Markdown.

use std::fmt::Write as _;

use super::definition::{Choice, Metric, Plot};
use super::results::{Results, Row};
use crate::table::quoted;

/// Every run with all its numbers.
pub(super) fn csv(r: &Results) -> String {
    let predictions = predictions(r);
    let mut head: Vec<String> = r.axes.iter().map(|a| a.key.clone()).collect();
    head.push("passed".to_owned());
    head.extend(r.metrics.iter().map(|m| m.key.clone()));
    head.extend(predictions.iter().map(|p| format!("predicted_{p}")));
    let mut out = head.join(",") + "\r\n";
    for row in &r.rows {
        let number = |n: Option<&f64>| n.map_or_else(String::new, f64::to_string);
        let mut cells: Vec<String> = r
            .axes
            .iter()
            .map(|a| row.at.get(&a.key).cloned().unwrap_or_default())
            .collect();
        cells.push(row.passed.to_string());
        cells.extend(r.metrics.iter().map(|m| number(row.values.get(&m.key))));
        cells.extend(predictions.iter().map(|p| number(row.predicted.get(p))));
        let cells: Vec<String> = cells.iter().map(|c| quoted(c)).collect();
        out.push_str(&(cells.join(",") + "\r\n"));
    }
    out
}

/// Names of all predictions that a run has.
pub(super) fn predictions(r: &Results) -> Vec<String> {
    let mut names: Vec<String> = r
        .rows
        .iter()
        .flat_map(|row| row.predicted.keys().cloned())
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a page of documents says of studies: question, answer, conditions.
#[must_use]
pub fn markdown(studies: &[Results]) -> String {
    let mut out = String::from(HEAD);
    for r in studies {
        let _ = write!(
            out,
            "\n## `{}`: {}\n\n*{}*\n\n{}\n\n{} runs.",
            r.name,
            r.title,
            r.question,
            r.sentence(),
            r.rows.len()
        );
        for condition in &r.conditions {
            let _ = write!(out, " {condition}");
        }
        let broken = r.broken();
        if !broken.is_empty() {
            let _ = write!(out, " **{} budgets are not kept.**", broken.len());
        }
        out.push('\n');
        for table in r.plots.first().map(|plot| tables(r, plot)).unwrap_or_default() {
            let _ = write!(out, "\n{table}");
        }
    }
    out
}

/// The numbers of a picture as tables, one for each choice that it is drawn for: a row a line, a column a place across.
fn tables(r: &Results, plot: &Plot) -> Vec<String> {
    let Some(y) = r.metric(&plot.y) else {
        return Vec::new();
    };
    // where points are named, x is a number too
    let Some(rows) = plot.names.as_ref().or(plot.lines.as_ref()) else {
        return Vec::new();
    };
    let across = if plot.names.is_some() {
        plot.each.as_ref()
    } else {
        Some(&plot.x)
    };
    let Some(across) = across else {
        return Vec::new();
    };
    let each: Vec<Option<&Choice>> = match &plot.each {
        Some(axis) if axis != across => r.choices(axis).iter().map(Some).collect(),
        _ => vec![None],
    };
    let number = |row: &Row, m: &Metric| row.values.get(&m.key).map(|n| format!("{n:.*}", m.digits));
    let cell = |row: &Row| -> Option<String> {
        let value = number(row, y)?;
        if let Some(x) = r.metric(&plot.x) {
            return Some(format!("{}; {value}", number(row, x)?));
        }
        let predicted = row.predicted.get(plot.predicted.as_ref().unwrap_or(&plot.y));
        Some(predicted.map_or_else(|| value.clone(), |p| format!("{value} ({p:.*})", y.digits)))
    };
    let mut tables = Vec::new();
    for choice in each {
        let mut what = y.title.clone();
        if let Some(x) = r.metric(&plot.x) {
            what = format!("{}; {what}", x.title);
        }
        if let Some(choice) = choice {
            what = format!("{}: {what}", choice.name);
        }
        let title = r.axis(across).map_or("", |a| a.title.as_str());
        let columns = r.choices(across);
        let heads: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        let mut table = format!(
            "{what} (predicted), over {title}:\n\n| | {} |\n|---|{}\n",
            heads.join(" | "),
            "---:|".repeat(columns.len())
        );
        if !r.rows.iter().any(|row| {
            row.predicted
                .contains_key(plot.predicted.as_ref().unwrap_or(&plot.y))
        }) {
            table = table.replacen(" (predicted)", "", 1);
        }
        for line in r.choices(rows) {
            let _ = write!(table, "| {} |", line.name);
            for column in columns {
                let mut at = plot.only.clone();
                at.insert(rows.clone(), line.name.clone());
                at.insert(across.clone(), column.name.clone());
                if let (Some(axis), Some(choice)) = (&plot.each, choice) {
                    at.insert(axis.clone(), choice.name.clone());
                }
                let found: Vec<String> = r.rows_at(&at).filter_map(cell).collect();
                let _ = write!(table, " {} |", found.join(", "));
            }
            table.push('\n');
        }
        tables.push(table);
    }
    tables
}

const HEAD: &str = "# Studies

Questions that one run cannot answer. `ringside study list` names them, `ringside study NAME` (`make study` for all) runs one and writes a page with pictures, tables and the sentence below, JSON, and
CSV beside each picture, into `reports/out/study`; `--jobs N` runs at a time. Runs are kept under the hash of scenario, model and program, so a study that was interrupted goes on, and one that was
run before only draws. This page is made from the results beside the studies: `ringside study --all --keep` replaces them, `UPDATE=1 cargo test -p ringside --test studies` this page.

A study is data, a file as in `golden/studies/` (`ringside study my.toml` runs yours): `question`; `scenario`, what all runs have in common; each `[[axis]]` something that is varied, numbers (`values`, and
`into`: the scenario's keys, and what the number is multiplied by there) or choices with a piece of a scenario each; each `[[metric]]` a number of the run's `report.json` (`from = { headline = ... }`, or rows of a
`table`); each `[[plot]]` a picture; `predict` the formulas drawn beside it; each `[[budget]]` a limit (`max`, `max_above_predicted_percent`) that makes the exit code 1. `answer` names how the sentence is made of the
numbers (`reports/src/study/answer`); a study without it says where its first metric is least and most.
";
