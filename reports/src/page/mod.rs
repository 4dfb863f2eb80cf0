//! The page.

use maud::{DOCTYPE, Markup, html};

use crate::glossary;
use crate::plot::Figure;
use crate::report::Report;
use crate::table::Table;

/// The whole page.
pub(crate) fn page(report: &Report, _figures: &[Figure]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (report.name) } }
            body {
                h1 { (report.name) }
                (table(&report.headline()))
                @for t in &report.tables { h2 { (t.caption) } (table(t)) }
                dl { @for (word, meaning) in glossary::WORDS { dt { (word) } dd { (meaning) } } }
            }
        }
    }
}

fn table(t: &Table) -> Markup {
    html! {
        table {
            thead { tr { @for c in t.columns { th { (c.title) } } } }
            tbody { @for row in &t.rows { tr { @for v in row { td { (v.show()) } } } } }
        }
    }
}
