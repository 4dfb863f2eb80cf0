//! The page of a comparison: one file, no script.

use std::fmt::Write as _;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::budget::Finding;
use super::difference::{Better, Change, Comparison, is_headline};
use super::text::{EXACT, number, pair, percent};
use crate::page::style;

pub(super) fn page(c: &Comparison, findings: &[Finding]) -> Markup {
    let broken = findings.iter().filter(|f| f.broken.is_some()).count();
    let (headline, others): (Vec<&Change>, Vec<&Change>) =
        c.changes.iter().partition(|d| is_headline(&d.metric));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (c.names[0]) " and " (c.names[1]) " – Ringside comparison" }
                style { (PreEscaped(style::sheet())) }
            }
            body {
                main {
                    header {
                        p.kicker { "Ringside comparison" }
                        div.title {
                            h1 { (c.names[0]) " → " (c.names[1]) }
                            @if broken > 0 { span.verdict.bad { "over budget" } }
                            @else if !findings.is_empty() { span.verdict.good { "within budget" } }
                        }
                        p.lead { (in_words(c)) }
                    }
                    @if !findings.is_empty() { (budgets(findings)) }
                    @if !c.conditions.is_empty() { (conditions(c)) }
                    @if !headline.is_empty() { (changes("headline", "The run in numbers", &headline)) }
                    @if !others.is_empty() { (changes("tables", "Row by row", &others)) }
                }
            }
        }
    }
}

fn in_words(c: &Comparison) -> String {
    let mut text = if c.is_empty() {
        format!("No difference in {} numbers.", c.compared)
    } else {
        format!("{} of {} numbers differ.", c.changes.len(), c.compared)
    };
    for (name, _) in c.names.iter().zip(c.passed).filter(|(_, passed)| !passed) {
        let _ = write!(text, " {name} did not pass.");
    }
    format!("{text} {EXACT}")
}

fn budgets(findings: &[Finding]) -> Markup {
    html! {
        section id="budgets" {
            h2 { "Budgets" }
            div.scroll {
                table {
                    thead { tr { th { "Metric" } th.n { "Value" } th { "" } } }
                    tbody {
                        @for f in findings {
                            tr {
                                td { (f.metric) }
                                td.n { (f.value.map_or("–".to_owned(), number)) }
                                td {
                                    @match &f.broken {
                                        None => { span.verdict.small.good { "kept" } }
                                        Some(cause) => { span.verdict.small.bad { "broken" } " " (cause) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn conditions(c: &Comparison) -> Markup {
    html! {
        section id="conditions" {
            h2 { "The runs were not made alike" }
            div.scroll {
                table {
                    thead { tr { th { "Condition" } th { (c.names[0]) } th { (c.names[1]) } } }
                    tbody { @for d in &c.conditions { tr { td { (d.name) } td { (d.a) } td { (d.b) } } } }
                }
            }
        }
    }
}

fn changes(id: &str, title: &str, changes: &[&Change]) -> Markup {
    html! {
        section id=(id) {
            h2 { (title) }
            div.scroll role="region" aria-label=(title) tabindex="0" {
                table {
                    thead { tr { th { "Metric" } th.n { "A" } th.n { "B" } th.n { "Change" } th { "" } } }
                    tbody {
                        @for d in changes {
                            @let [a, b] = pair(d);
                            tr {
                                td { (d.metric) }
                                td.n { (a) }
                                td.n { (b) }
                                td.n { (percent(d)) }
                                td { @match d.better {
                                    Some(Better::Better) => { span.verdict.small.good { "better" } }
                                    Some(Better::Worse) => { span.verdict.small.bad { "worse" } }
                                    None => {}
                                } }
                            }
                        }
                    }
                }
            }
        }
    }
}
