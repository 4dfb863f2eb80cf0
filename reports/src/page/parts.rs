//! Pieces that sections are made of.

use maud::{Markup, PreEscaped, html};

use crate::plot::Figure;
use crate::plot::theme::Ink;
use crate::table::{Column, Table, Value};

/// A section with an anchor.
pub(crate) fn section(id: &str, title: &str, lead: &str, body: &Markup) -> Markup {
    html! {
        section id=(id) {
            h2 { (title) }
            @if !lead.is_empty() { p.lead { (lead) } }
            (body)
        }
    }
}

/// A picture with its legend; nothing if the report has no such picture.
pub(crate) fn figure(figures: &[Figure], id: &str) -> Markup {
    let Some(f) = figures.iter().find(|f| f.id == id) else {
        return html! {};
    };
    html! {
        figure id=(format!("fig-{id}")) {
            figcaption {
                strong { (f.title) }
                span.legend { @for (ink, name) in &f.legend { span.key { (swatch(*ink)) (name) } } }
            }
            div.wide role="img" aria-label=(f.words) { (PreEscaped(&f.wide)) }
            div.narrow aria-hidden="true" { (PreEscaped(&f.narrow)) }
        }
    }
}

/// A small square of a colour.
pub(crate) fn swatch(ink: Ink) -> Markup {
    html! { i.swatch style=(format!("background:{}", ink.css())) {} }
}

/// A link to the data behind something.
pub(crate) fn data(id: &str) -> Markup {
    html! { a.data href=(format!("csv/{id}.csv")) { (id) ".csv" } }
}

/// Finds the colour of a name.
pub(crate) type Colour = fn(&str) -> Ink;

/// How a table is set.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    /// Column whose equal cells become a heading above their rows.
    pub(crate) group: Option<&'a str>,
    /// Column before whose cells a colour is shown, and how to find it.
    pub(crate) swatch: Option<(&'a str, Colour)>,
    /// Columns left out.
    pub(crate) hide: &'a [&'a str],
    /// Columns whose numbers lead to the lines behind them.
    pub(crate) source: &'a [&'a str],
}

/// Nothing special.
pub(crate) const PLAIN: Look = Look {
    group: None,
    swatch: None,
    hide: &[],
    source: &[],
};

/// A table with a link to its data.
pub(crate) fn table(t: &Table, look: Look) -> Markup {
    let shown: Vec<(usize, &Column)> = t
        .columns
        .iter()
        .enumerate()
        .filter(|(_, c)| Some(c.key) != look.group && !look.hide.contains(&c.key))
        .collect();
    let numeric = |i: usize| !t.rows.iter().any(|r| r[i].is_text());
    let first = |i: usize| i == shown.first().map_or(0, |s| s.0);
    let group = look.group.map(|g| t.at(g));
    html! {
        p.caption { (t.caption) " " (data(t.id)) }
        div.scroll role="region" aria-label=(t.caption) tabindex="0" {
            table .short[shown.len() <= 3 && t.id != "conditions"] id=(format!("table-{}", t.id)) {
                thead { tr { @for (i, c) in &shown { th scope="col" .n[numeric(*i) && !first(*i)] { (c.title) } } } }
                @if let Some(g) = group {
                    @for rows in t.rows.chunk_by(|a, b| a[g] == b[g]) {
                        tbody {
                            tr.group { th colspan=(shown.len()) scope="rowgroup" { (rows[0][g].show()) } }
                            @for row in rows { (line(t, row, &shown, look)) }
                        }
                    }
                } @else {
                    tbody { @for row in &t.rows { (line(t, row, &shown, look)) } }
                }
            }
        }
    }
}

fn line(t: &Table, row: &[Value], shown: &[(usize, &Column)], look: Look) -> Markup {
    let total = row.iter().any(|v| *v == Value::text("all"));
    let first = |i: usize| i == shown.first().map_or(0, |s| s.0);
    html! {
        tr .total[total] {
            @for (i, c) in shown {
                td .n[!row[*i].is_text() && !first(*i)] .zero[!first(*i) && row[*i].as_f64() == Some(0.0)] {
                    @if let Some((key, ink)) = look.swatch && key == c.key && !total { (swatch(ink(&row[*i].plain()))) }
                    @if c.key.ends_with("efficiency_percent") { (meter(&row[*i])) }
                    @else if look.source.contains(&c.key) && row[*i].as_f64() != Some(0.0) { a.behind href=(format!("#{}", lines_id(t, row))) { (row[*i].show()) } }
                    @else { (row[*i].show()) }
                }
            }
        }
    }
}

/// The anchor of the lines behind a row of causes, or behind the longest latency of a row of latencies.
pub(crate) fn lines_id(t: &Table, row: &[Value]) -> String {
    let part = |key| row[t.at(key)].plain().replace(' ', "-");
    if t.columns.iter().any(|c| c.key == "what") {
        format!("lines-{}-longest-{}", part("role"), part("what"))
    } else {
        format!("lines-{}-{}", part("role"), part("cause"))
    }
}

/// A percentage with a bar as long as it.
fn meter(value: &Value) -> Markup {
    let Some(percent) = value.as_f64() else {
        return html! { (value.show()) };
    };
    let width = format!("--v:{:.0}%", percent.clamp(0.0, 100.0));
    html! { span.meter style=(width) { (value.show()) } }
}
