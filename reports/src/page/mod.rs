//! The page: one file, no script, no outside reference but the CSV files beside it.

mod head;
pub(crate) mod parts;
mod rules;
mod sections;
pub(crate) mod style;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::plot::Figure;
use crate::report::{FORMAT_VERSION, Report};

/// The whole page.
pub(crate) fn page(report: &Report, figures: &[Figure]) -> Markup {
    let violated = report.judgement.violations > 0 || !report.judgement.missing.is_empty();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("Ringside, report format {FORMAT_VERSION}"));
                title { (report.name) " – Ringside report" }
                style { (PreEscaped(style::sheet())) }
            }
            body {
                main {
                    (head::head(report))
                    nav aria-label="Sections" {
                        @if violated { a href="#violations" { "Violations" } }
                        a href="#requests" { "Requests" }
                        a href="#link" { "Link" }
                        a href="#latency" { "Latency" }
                        a href="#yardstick" { "Yardstick" }
                        a href="#queues" { "Queues" }
                        a href="#rules" { "Rules" }
                        a href="#lines" { "Lines" }
                        a href="#conditions" { "Conditions" }
                        a href="#words" { "Words" }
                    }
                    @if violated { (rules::violations(report)) }
                    (sections::requests(report, figures))
                    (sections::link(report, figures))
                    (sections::latency(report, figures))
                    (sections::yardstick(report))
                    (sections::queues(report, figures))
                    (rules::rules(report))
                    (sections::lines(report))
                    (sections::conditions(report))
                    (sections::words())
                }
            }
        }
    }
}
