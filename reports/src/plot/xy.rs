//! Points over values: measured ones with dots, predicted ones as a dashed line.

use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::theme::{GRID, Ink, LABEL, TEXT};
use super::{TEXT_SIZE, ticks};

/// How far a name stands from its point, in pixels.
const APART: i32 = 14;
/// Points nearer than this share of an axis have their names together.
const NEAR: f64 = 0.02;

/// Points of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) ink: Ink,
    pub(crate) points: Vec<(f64, f64)>,
    /// A dashed line without dots.
    pub(crate) dashed: bool,
    /// A name beside each point; the points are then not joined. As many as points, or none.
    pub(crate) names: Vec<String>,
}

/// A picture of points.
#[derive(Clone, Debug)]
pub(crate) struct Points {
    pub(crate) x_label: String,
    pub(crate) x: Range<f64>,
    /// Ticks of the horizontal axis: where, and what is written there.
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) y_max: f64,
    pub(crate) series: Vec<Series>,
}

/// Draws it.
pub(crate) fn draw(p: &Points, size: (u32, u32)) -> Result<String, String> {
    let mut svg = String::new();
    let fault = |e: &dyn std::fmt::Display| e.to_string();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let y_ticks = ticks::linear(p.y_max, 4);
        let y_top = y_ticks.last().copied().unwrap_or(1.0);
        let (x_len, y_len) = (p.ticks.len(), y_ticks.len());
        let mut chart = ChartBuilder::on(&root)
            .margin_top(10)
            .margin_right(18)
            .set_label_area_size(LabelAreaPosition::Left, 46)
            .set_label_area_size(LabelAreaPosition::Bottom, 40)
            .build_cartesian_2d(
                Axis {
                    range: p.x.clone(),
                    ticks: p.ticks.iter().map(|t| t.0).collect(),
                },
                Axis {
                    range: 0.0..y_top * 1.02,
                    ticks: y_ticks,
                },
            )
            .map_err(|e| fault(&e))?;
        let text = |ink: Ink| ("sans-serif", TEXT_SIZE).into_font().color(&ink.rgb());
        let label = |x: &f64| {
            let tick = p.ticks.iter().find(|t| (t.0 - x).abs() < 1e-9);
            tick.map_or_else(String::new, |t| t.1.clone())
        };
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.rgb())
            .axis_style(GRID.rgb())
            .x_labels(x_len)
            .y_labels(y_len)
            .x_label_formatter(&label)
            .y_label_formatter(&|y| ticks::label(*y))
            .x_desc(p.x_label.as_str())
            .axis_desc_style(text(LABEL))
            .label_style(text(LABEL))
            .draw()
            .map_err(|e| fault(&e))?;
        for series in &p.series {
            let points = series.points.iter().copied();
            if series.dashed {
                let line = DashedLineSeries::new(points, 5, 4, series.ink.rgb().stroke_width(1));
                chart.draw_series(line).map_err(|e| fault(&e))?;
                continue;
            }
            if series.names.is_empty() {
                let line = LineSeries::new(points.clone(), series.ink.rgb().stroke_width(2));
                chart.draw_series(line).map_err(|e| fault(&e))?;
            }
            let dots = points
                .clone()
                .map(|at| Circle::new(at, 4, series.ink.rgb().filled()));
            chart.draw_series(dots).map_err(|e| fault(&e))?;
            let span = (p.x.end - p.x.start, y_top);
            let names = together(&series.points, &series.names, span);
            let names = names.into_iter().enumerate().map(|(i, (at, name))| {
                let style = text(TEXT).pos(Pos::new(anchor(at.0, &p.x), VPos::Center));
                // every other one stands higher, or below at the top: those near each other stay apart
                let away = match (i % 2 == 1, at.1 > 0.85 * span.1) {
                    (false, _) => -APART,
                    (true, false) => -2 * APART,
                    (true, true) => APART,
                };
                EmptyElement::at(at) + Text::new(name, (0, away), style)
            });
            chart.draw_series(names).map_err(|e| fault(&e))?;
        }
        root.present().map_err(|e| fault(&e))?;
    }
    Ok(svg)
}

/// Which end of a name stands at its point: the one that keeps it in the picture.
fn anchor(x: f64, range: &Range<f64>) -> HPos {
    let share = (x - range.start) / (range.end - range.start).max(f64::MIN_POSITIVE);
    match share {
        s if s < 0.2 => HPos::Left,
        s if s > 0.8 => HPos::Right,
        _ => HPos::Center,
    }
}

/// Points and their names, those of points that lie on each other together.
fn together(points: &[(f64, f64)], names: &[String], span: (f64, f64)) -> Vec<((f64, f64), String)> {
    let mut kept: Vec<((f64, f64), String)> = Vec::new();
    for (at, name) in points.iter().zip(names) {
        let near = |(k, _): &&mut ((f64, f64), String)| {
            (k.0 - at.0).abs() <= NEAR * span.0 && (k.1 - at.1).abs() <= NEAR * span.1
        };
        match kept.iter_mut().find(near) {
            Some((_, names)) => *names = format!("{names}, {name}"),
            None => kept.push((*at, name.clone())),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_on_each_other_share_a_name() {
        let names = ["a", "b", "c"].map(str::to_owned);
        let found = together(&[(1.0, 1.0), (1.0, 1.01), (5.0, 1.0)], &names, (10.0, 10.0));
        assert_eq!(
            found,
            [((1.0, 1.0), "a, b".to_owned()), ((5.0, 1.0), "c".to_owned())]
        );
        assert!(matches!(anchor(9.0, &(0.0..10.0)), HPos::Right));
    }
}
