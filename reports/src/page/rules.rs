//! What the judge found, and every rule it applied.

use maud::{Markup, html};
use ringside_models::{clauses, rules as catalogue};

use super::parts::{Look, PLAIN, data, section, table};
use crate::report::Report;
use crate::table::{Table, Value};

/// Occurrences of a rule that are shown in full.
const SHOWN: usize = 5;

pub(crate) fn violations(r: &Report) -> Markup {
    let Some(t) = r.table("violations") else {
        return html! {};
    };
    let mut rules: Vec<String> = t.rows.iter().map(|row| row[t.at("rule")].plain()).collect();
    rules.sort_unstable();
    rules.dedup();
    // what nobody announced first
    rules.sort_by_key(|id| r.judgement.expected.contains(id));
    section(
        "violations",
        "Violations",
        "",
        &html! {
            @for id in &r.judgement.missing {
                div.finding.bad { h3 { (id) } p { "Announced by the scenario and not found." } }
            }
            @for id in &rules { (finding(r, t, id)) }
            p.source { "All that were kept: " (data("violations")) }
        },
    )
}

fn finding(r: &Report, t: &Table, id: &str) -> Markup {
    let found: Vec<&Vec<Value>> = t
        .rows
        .iter()
        .filter(|row| row[t.at("rule")].plain() == id)
        .collect();
    let rule = catalogue::find(id).map(catalogue::RuleId::rule);
    let count = r.table("rules").and_then(|rules| {
        rules
            .rows
            .iter()
            .find(|row| row[rules.at("rule")].plain() == id)
            .map(|row| row[rules.at("violated")].show())
    });
    let announced = r.judgement.expected.iter().any(|e| e == id);
    html! {
        div.finding .bad[!announced] .warn[announced] {
            h3 {
                code { (id) }
                span.count { (count.unwrap_or_default()) "×" @if announced { " as announced" } }
            }
            @if let Some(rule) = rule {
                p { (rule.sentence) " Binds the " (rule.scope.word()) "." }
                @for clause in rule.clauses {
                    @if let Some(c) = clauses::find(clause) { p.clause { code { (c.id) } " " (c.level) " – " (c.paraphrase) } }
                }
            }
            @for (i, row) in found.iter().take(SHOWN).enumerate() { (occurrence(t, row, i == 0)) }
            @if found.len() > SHOWN {
                p.source { "and " (found.len() - SHOWN) " more kept in " (data("violations")) }
            }
        }
    }
}

fn occurrence(t: &Table, row: &[Value], open: bool) -> Markup {
    let cell = |key| &row[t.at(key)];
    let context = cell("context").plain();
    html! {
        details open[open] {
            summary {
                "cycle " (cell("cycle").show())
                @if let Value::Count(n) = cell("line") { ", line " (n) " of the trace" }
                @if let Value::Count(q) = cell("queue") { ", queue " (q) }
            }
            dl.pair-of {
                dt { "expected" } dd { (cell("expected").plain()) }
                dt { "got" } dd { (cell("got").plain()) }
            }
            @if !context.is_empty() {
                p.small { "Before it: cycle, event, address, value" }
                pre { (context) }
            }
        }
    }
}

pub(crate) fn rules(r: &Report) -> Markup {
    let Some(t) = r.table("rules") else {
        return html! {};
    };
    let part = |state: fn(&str) -> bool| {
        let mut p = t.clone();
        p.rows.retain(|row| state(&row[t.at("state")].plain()));
        p
    };
    let violated = part(|s| s.starts_with("violated"));
    let held = part(|s| s == "held");
    let idle = part(|s| s == "not exercised");
    let off = part(|s| s == "off");
    let block = |p: &Table, what: &str, open: bool, hide: &'static [&'static str]| {
        html! {
            @if !p.rows.is_empty() {
                details.rules open[open] {
                    summary { strong { (p.rows.len()) } " " (what) }
                    (table(&numbered(p, what), Look { hide, ..PLAIN }))
                }
            }
        }
    };
    section(
        "rules",
        "Rules",
        "Each packet, store, kick, interrupt and frame was held against these. A rule that was not exercised says nothing about the device.",
        &html! {
            (block(&violated, "violated", true, &["off_because"]))
            (block(&held, "held", false, &["state", "violated", "off_because"]))
            (block(&idle, "not exercised by this trace", false, &["state", "checked", "violated", "off_because"]))
            (block(&off, "off", true, &["state", "checked", "violated"]))
            @if let Some(c) = r.table("compared") { (table(c, PLAIN)) }
        },
    )
}

/// The part of the table of rules, under its own anchor and caption.
fn numbered(t: &Table, what: &str) -> Table {
    let mut part = t.clone();
    part.caption = match what {
        "violated" => "Violated",
        "held" => "Held",
        "off" => "Off",
        _ => "Not exercised",
    };
    part
}
