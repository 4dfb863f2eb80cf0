//! The pictures of a study, and the numbers of each as CSV.

use std::collections::BTreeMap;

use super::definition::{Choice, Plot, Scale};
use super::results::{Results, Row};
use crate::error::ReportError;
use crate::plot::theme::{Ink, LABEL, LINES};
use crate::plot::xy::{Points, Series};
use crate::plot::{self, Figure, ticks};
use crate::table::quoted;

/// A picture and its numbers.
pub(super) struct Drawn {
    pub(super) picture: Figure,
    pub(super) csv: String,
}

/// Every picture that there are numbers for.
pub(super) fn figures(r: &Results) -> Result<Vec<Drawn>, ReportError> {
    let mut drawn = Vec::new();
    for plot in &r.plots {
        let each: Vec<Option<&Choice>> = match &plot.each {
            Some(axis) => r.choices(axis).iter().map(Some).collect(),
            None => vec![None],
        };
        for choice in each {
            let mut only = plot.only.clone();
            if let (Some(axis), Some(choice)) = (&plot.each, choice) {
                only.insert(axis.clone(), choice.name.clone());
            }
            drawn.extend(figure(r, plot, choice, &only)?);
        }
    }
    Ok(drawn)
}

/// One line of a picture.
struct Line<'a> {
    name: String,
    ink: Ink,
    rows: Vec<&'a Row>,
}

fn lines<'a>(r: &'a Results, plot: &Plot, only: &BTreeMap<String, String>) -> Vec<Line<'a>> {
    let rows = || r.rows_at(only);
    match &plot.lines {
        None => vec![Line {
            name: String::new(),
            ink: LINES[0],
            rows: rows().collect(),
        }],
        Some(axis) => r
            .choices(axis)
            .iter()
            .enumerate()
            .map(|(i, choice)| Line {
                name: choice.name.clone(),
                ink: LINES[i.min(LINES.len() - 1)],
                rows: rows()
                    .filter(|row| row.at.get(axis) == Some(&choice.name))
                    .collect(),
            })
            .filter(|line| !line.rows.is_empty())
            .collect(),
    }
}

/// The horizontal axis.
struct Across<'a> {
    plot: &'a Plot,
    /// The choices, if it is an axis of the study.
    choices: &'a [Choice],
}

impl Across<'_> {
    fn of(&self, row: &Row) -> Option<f64> {
        if self.choices.is_empty() {
            return row.values.get(&self.plot.x).copied();
        }
        let name = row.at.get(&self.plot.x)?;
        let (i, choice) = self.choices.iter().enumerate().find(|(_, c)| c.name == *name)?;
        self.place(i, choice)
    }

    fn place(&self, i: usize, choice: &Choice) -> Option<f64> {
        match self.plot.scale {
            Scale::Even => Some(i as f64),
            Scale::Linear => choice.amount,
            Scale::Logarithmic => choice.amount.filter(|a| *a > 0.0).map(f64::log2),
        }
    }

    /// Range and ticks.
    fn layout(&self, most: f64) -> (std::ops::Range<f64>, Vec<(f64, String)>) {
        if self.choices.is_empty() {
            let at = ticks::linear(most, 5);
            let end = at.last().copied().unwrap_or(1.0);
            return (0.0..end, at.into_iter().map(|t| (t, ticks::label(t))).collect());
        }
        let name = |c: &Choice| c.short.clone().unwrap_or_else(|| c.name.clone());
        let at: Vec<(f64, String)> = self
            .choices
            .iter()
            .enumerate()
            .filter_map(|(i, c)| Some((self.place(i, c)?, name(c))))
            .collect();
        let all = || at.iter().map(|t| t.0);
        let (from, to) = (
            all().fold(f64::INFINITY, f64::min),
            all().fold(f64::NEG_INFINITY, f64::max),
        );
        let room = ((to - from) * 0.05).max(0.1);
        (from - room..to + room, at)
    }
}

fn figure(
    r: &Results,
    plot: &Plot,
    each: Option<&Choice>,
    only: &BTreeMap<String, String>,
) -> Result<Option<Drawn>, ReportError> {
    let Some(y) = r.metric(&plot.y) else {
        return Ok(None);
    };
    let across = Across {
        plot,
        choices: r.choices(&plot.x),
    };
    let x_title = r
        .axis(&plot.x)
        .map(|a| &a.title)
        .or_else(|| r.metric(&plot.x).map(|m| &m.title));
    let prediction = plot.predicted.as_ref().unwrap_or(&plot.y);
    let mut series = Vec::new();
    let mut legend = Vec::new();
    let mut csv = String::from("line,x,measured,predicted\r\n");
    let mut words = Vec::new();
    let short = |row: &Row| {
        let axis = plot.names.as_ref()?;
        let name = row.at.get(axis)?;
        let choice = r.choices(axis).iter().find(|c| c.name == *name)?;
        Some(choice.short.clone().unwrap_or_else(|| name.clone()))
    };
    let mut any_predicted = false;
    for line in lines(r, plot, only) {
        let mut points: Vec<(f64, f64, String)> = Vec::new();
        let mut predicted = Vec::new();
        for row in &line.rows {
            let (Some(x), value) = (across.of(row), row.values.get(&plot.y)) else {
                continue;
            };
            let guess = row.predicted.get(prediction).copied();
            if let Some(value) = value {
                points.push((x, *value, short(row).unwrap_or_default()));
            }
            predicted.extend(guess.map(|g| (x, g)));
            let across = row.at.get(&plot.x).cloned();
            let across = across.or_else(|| row.values.get(&plot.x).map(f64::to_string));
            let name = if line.name.is_empty() {
                short(row).unwrap_or_default()
            } else {
                line.name.clone()
            };
            let cells = [
                name,
                across.unwrap_or_default(),
                value.map_or_else(String::new, f64::to_string),
                guess.map_or_else(String::new, |g| g.to_string()),
            ];
            csv.push_str(&(cells.map(|c| quoted(&c)).join(",") + "\r\n"));
        }
        if points.is_empty() {
            continue;
        }
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        predicted.sort_by(|a: &(f64, f64), b| a.0.total_cmp(&b.0));
        let ends = [points.first(), points.last()].map(|p| p.map_or(0.0, |p| p.1));
        words.push(
            format!("{} from {:.3} to {:.3}", line.name, ends[0], ends[1])
                .trim_start()
                .to_owned(),
        );
        if !line.name.is_empty() {
            legend.push((line.ink, line.name.clone()));
        }
        if !predicted.is_empty() {
            any_predicted = true;
            series.push(Series {
                ink: line.ink,
                points: predicted,
                dashed: true,
                names: Vec::new(),
            });
        }
        let names = if plot.names.is_some() {
            points.iter().map(|p| p.2.clone()).collect()
        } else {
            Vec::new()
        };
        series.push(Series {
            ink: line.ink,
            points: points.iter().map(|p| (p.0, p.1)).collect(),
            dashed: false,
            names,
        });
    }
    if series.is_empty() {
        return Ok(None);
    }
    if any_predicted {
        legend.push((LABEL, "dashed: predicted".to_owned()));
    }
    let all = || series.iter().flat_map(|s| &s.points);
    let most = |of: fn(&(f64, f64)) -> f64| all().map(of).fold(0.0, f64::max);
    let (x, at) = across.layout(most(|p| p.0));
    let x_title = x_title.cloned().unwrap_or_default();
    let points = Points {
        x_label: x_title.clone(),
        x,
        ticks: at,
        y_max: most(|p| p.1),
        series,
    };
    let mut id = format!("{}-over-{}", plot.y, plot.x);
    let mut title = y.title.clone();
    if let Some(choice) = each {
        let word = choice.name.chars().map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        });
        id = format!("{id}-{}", word.collect::<String>());
        title = format!("{}: {title}", choice.name);
    }
    let (wide, narrow) = plot::points(&id, &points)?;
    Ok(Some(Drawn {
        picture: Figure {
            words: format!("{title} over {x_title}: {}", words.join("; ")),
            id,
            title,
            legend,
            wide,
            narrow,
        },
        csv,
    }))
}
