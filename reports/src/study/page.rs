//! The page of a study: one file, no script.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::figures::Drawn;
use super::results::{FORMAT_VERSION, Results, Row};
use super::text::predictions;
use crate::page::{parts, style};
use crate::plot::Figure;
use crate::table::Value;

pub(super) fn page(r: &Results, drawn: &[Drawn]) -> Markup {
    let broken = r.broken();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content=(format!("Ringside, study format {FORMAT_VERSION}"));
                title { (r.title) " – Ringside study" }
                style { (PreEscaped(style::sheet())) }
            }
            body {
                main {
                    header {
                        p.kicker { "Ringside study · " (r.name) }
                        div.title {
                            h1 { (r.title) }
                            @if !r.passed() { span.verdict.bad { "runs failed" } }
                            @else if !broken.is_empty() { span.verdict.bad { "over budget" } }
                            @else if !r.budgets.is_empty() { span.verdict.good { "within budget" } }
                        }
                        p.lead { em { (r.question) } }
                        p.lead { strong { (r.sentence()) } }
                        p.sub { (r.rows.len()) " runs" @for c in &r.conditions { " · " (c.trim_end_matches('.')) } }
                        p.sub { @for d in &r.devices { (d) " " } }
                    }
                    @if !broken.is_empty() {
                        section id="budgets" {
                            h2 { "Budgets that are not kept" }
                            div.scroll { table {
                                thead { tr { th { "Run" } th { "Metric" } th { "" } } }
                                tbody { @for b in &broken { tr { td { (b.run) } td { code { (b.metric) } } td { (b.cause) } } } }
                            } }
                        }
                    }
                    section id="pictures" {
                        h2 { "Measured" }
                        div.pair { @for d in drawn { div { (parts::figure(std::slice::from_ref(&d.picture), &d.picture.id)) (data(&d.picture)) } } }
                    }
                    (runs(r))
                }
            }
        }
    }
}

fn data(f: &Figure) -> Markup {
    html! { p.source { (parts::data(&f.id)) } }
}

fn runs(r: &Results) -> Markup {
    let extra: Vec<String> = predictions(r)
        .into_iter()
        .filter(|p| r.metric(p).is_none())
        .collect();
    let predicted = |key: &str| r.rows.iter().any(|row| row.predicted.contains_key(key));
    let number = |n: Option<&f64>, digits: usize| Value::number(n.copied(), digits).show();
    let failed: Vec<&Row> = r.rows.iter().filter(|row| !row.passed).collect();
    html! {
        section id="runs" {
            h2 { "Every run" }
            @for row in failed { p { span.verdict.small.bad { "failed" } " " (r.name_of(row)) ": " (row.why) } }
            p.caption { "Measured, and predicted where something is " (parts::data("runs")) }
            div.scroll role="region" aria-label="Every run" tabindex="0" {
                table {
                    thead { tr {
                        @for a in &r.axes { th scope="col" { (a.title) } }
                        @for m in &r.metrics {
                            th.n scope="col" { (m.title) }
                            @if predicted(&m.key) { th.n scope="col" { "predicted" } }
                        }
                        @for p in &extra { th.n scope="col" { "predicted " (p.replace('_', " ")) } }
                    } }
                    tbody {
                        @for row in &r.rows {
                            tr {
                                @for a in &r.axes { td { (row.at.get(&a.key).map_or("", String::as_str)) } }
                                @for m in &r.metrics {
                                    td.n { (number(row.values.get(&m.key), m.digits)) }
                                    @if predicted(&m.key) { td.n { (number(row.predicted.get(&m.key), m.digits)) } }
                                }
                                @for p in &extra { td.n { (number(row.predicted.get(p), 2)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
