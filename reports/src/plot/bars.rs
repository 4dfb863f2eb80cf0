//! Bars of stacked parts, one below the other.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::theme::{GRID, Ink, LABEL, TEXT};
use super::{TEXT_SIZE, ticks};

/// One bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    /// Written above it.
    pub(crate) title: String,
    /// Parts from left to right.
    pub(crate) parts: Vec<(Ink, f64)>,
}

impl Bar {
    fn total(&self) -> f64 {
        self.parts.iter().map(|p| p.1).sum()
    }
}

/// A picture of bars.
#[derive(Clone, Debug)]
pub(crate) struct Bars {
    pub(crate) x_label: &'static str,
    /// The axis reaches at least so far.
    pub(crate) at_least: f64,
    pub(crate) stack: Vec<Bar>,
    /// A limit drawn across.
    pub(crate) level: Option<(f64, Ink)>,
}

/// Pixels a bar takes with its title.
const PITCH: u32 = 58;
const AXIS: u32 = 44;

/// Draws it, as high as it needs.
pub(crate) fn draw(p: &Bars, width: u32) -> Result<String, String> {
    let mut svg = String::new();
    let fault = |e: &dyn std::fmt::Display| e.to_string();
    let count = p.stack.len() as u32;
    {
        let root = SVGBackend::with_string(&mut svg, (width, PITCH * count + AXIS)).into_drawing_area();
        let longest = p.stack.iter().map(Bar::total).fold(p.at_least, f64::max);
        let x_ticks = ticks::linear(longest, (width / 80) as usize);
        let labels = x_ticks.len();
        let x_end = x_ticks.last().copied().unwrap_or(1.0);
        let mut chart = ChartBuilder::on(&root)
            .margin_left(4)
            .margin_right(18)
            .set_label_area_size(LabelAreaPosition::Bottom, 40)
            .build_cartesian_2d(
                Axis {
                    range: 0.0..x_end,
                    ticks: x_ticks,
                },
                Axis {
                    range: 0.0..f64::from(count),
                    ticks: Vec::new(),
                },
            )
            .map_err(|e| fault(&e))?;
        let text = |ink: Ink| ("sans-serif", TEXT_SIZE).into_font().color(&ink.rgb());
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.rgb())
            .axis_style(GRID.rgb())
            .x_labels(labels)
            .x_label_formatter(&|x| ticks::label(*x))
            .x_desc(p.x_label)
            .axis_desc_style(text(LABEL))
            .label_style(text(LABEL))
            .draw()
            .map_err(|e| fault(&e))?;
        for (i, bar) in p.stack.iter().enumerate() {
            let top = f64::from(count) - i as f64;
            let mut from = 0.0;
            let parts = bar.parts.iter().map(|(ink, length)| {
                let to = from + length;
                let part = Rectangle::new([(from, top - 0.40), (to, top - 0.88)], ink.rgb().filled());
                from = to;
                part
            });
            chart.draw_series(parts).map_err(|e| fault(&e))?;
            let style = text(TEXT).pos(Pos::new(HPos::Left, VPos::Bottom));
            chart
                .draw_series([Text::new(bar.title.clone(), (0.0, top - 0.37), style)])
                .map_err(|e| fault(&e))?;
        }
        if let Some((level, ink)) = p.level {
            let ends = [(level, 0.0), (level, f64::from(count))];
            let dashes = DashedLineSeries::new(ends, 7, 5, ink.rgb().stroke_width(2));
            chart.draw_series(dashes).map_err(|e| fault(&e))?;
        }
        root.present().map_err(|e| fault(&e))?;
    }
    Ok(svg)
}
