//! Lines over time or over cycles.

use std::ops::Range;

use plotters::prelude::*;

use super::axis::Axis;
use super::theme::{GRID, Ink, LABEL};
use super::{TEXT_SIZE, ticks};

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) ink: Ink,
    pub(crate) points: Vec<(f64, f64)>,
    /// The area below is filled, the line is not drawn.
    pub(crate) area: bool,
}

/// A picture of lines.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    pub(crate) x_label: &'static str,
    pub(crate) x: Range<f64>,
    /// The horizontal axis counts decimal logarithms.
    pub(crate) logarithmic: bool,
    pub(crate) y_max: f64,
    /// Ticks of the vertical axis are per cent.
    pub(crate) percent: bool,
    pub(crate) series: Vec<Line>,
    /// A level drawn across, with its colour.
    pub(crate) level: Option<(f64, Ink)>,
}

/// Draws it.
pub(crate) fn draw(p: &Lines, size: (u32, u32)) -> Result<String, String> {
    let mut svg = String::new();
    let fault = |e: &dyn std::fmt::Display| e.to_string();
    {
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let y_ticks = ticks::linear(p.y_max, 4);
        let y_top = y_ticks.last().copied().unwrap_or(1.0);
        let x_count = (size.0 / 90) as usize;
        let x_ticks = if p.logarithmic {
            ticks::logarithmic(p.x.start, p.x.end)
        } else {
            ticks::between(p.x.start, p.x.end, x_count)
        };
        let (x_len, y_len) = (x_ticks.len(), y_ticks.len());
        let mut chart = ChartBuilder::on(&root)
            .margin_top(8)
            .margin_right(14)
            .set_label_area_size(LabelAreaPosition::Left, 46)
            .set_label_area_size(LabelAreaPosition::Bottom, 40)
            .build_cartesian_2d(
                Axis {
                    range: p.x.clone(),
                    ticks: x_ticks,
                },
                Axis {
                    range: 0.0..y_top * 1.02,
                    ticks: y_ticks,
                },
            )
            .map_err(|e| fault(&e))?;
        let text = || ("sans-serif", TEXT_SIZE).into_font().color(&LABEL.rgb());
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.rgb())
            .axis_style(GRID.rgb())
            .x_labels(x_len)
            .y_labels(y_len)
            .x_label_formatter(&|x| {
                ticks::label(if p.logarithmic {
                    10_f64.powf(*x).round()
                } else {
                    *x
                })
            })
            .y_label_formatter(&|y| {
                if p.percent {
                    format!("{} %", ticks::label(y * 100.0))
                } else {
                    ticks::label(*y)
                }
            })
            .x_desc(p.x_label)
            .axis_desc_style(text())
            .label_style(text())
            .draw()
            .map_err(|e| fault(&e))?;
        for line in &p.series {
            let points = line.points.iter().copied();
            if line.area {
                chart
                    .draw_series(AreaSeries::new(points, 0.0, line.ink.rgb().mix(0.30)))
                    .map_err(|e| fault(&e))?;
            } else {
                chart
                    .draw_series(LineSeries::new(points, line.ink.rgb().stroke_width(2)))
                    .map_err(|e| fault(&e))?;
            }
        }
        if let Some((level, ink)) = p.level {
            let ends = [(p.x.start, level), (p.x.end, level)];
            let dashes = DashedLineSeries::new(ends, 7, 5, ink.rgb().stroke_width(2));
            chart.draw_series(dashes).map_err(|e| fault(&e))?;
        }
        root.present().map_err(|e| fault(&e))?;
    }
    Ok(svg)
}

/// Points of a staircase: each value holds until the next.
pub(crate) fn stairs(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut out = Vec::with_capacity(points.len() * 2);
    for (i, &(x, y)) in points.iter().enumerate() {
        out.push((x, y));
        out.push((points.get(i + 1).map_or(end, |next| next.0), y));
    }
    out
}
