//! What the judge checked and found.

use ringside_models::judge::Verdict;
use ringside_models::rules::{RULES, Scope};

use crate::examples::Examples;
use crate::table::{Column, Table, Value, col};

const RULE_COLUMNS: &[Column] = &[
    col("rule", "Rule"),
    col("binds", "Binds"),
    col("state", "State"),
    col("checked", "Checked"),
    col("violated", "Violated"),
    col("sentence", "What must hold"),
    col("clauses", "Clauses"),
    col("off_because", "Off because"),
];

pub(crate) fn rules(verdict: &Verdict) -> Table {
    let mut t = Table::new("rules", "Every rule of the judge", RULE_COLUMNS);
    for outcome in &verdict.rules {
        let rule = RULES.iter().find(|r| r.id == outcome.id);
        let announced = verdict.expect.iter().any(|e| e == outcome.id);
        let state = match (outcome.off, outcome.violated, outcome.checked) {
            (Some(_), _, _) => "off",
            (_, 1.., _) if announced => "violated as announced",
            (_, 1.., _) if rule.is_some_and(|r| r.scope == Scope::Advice) => "violated, advice only",
            (_, 1.., _) => "violated",
            (_, _, 0) => "not exercised",
            _ => "held",
        };
        t.push(vec![
            Value::text(outcome.id),
            Value::text(rule.map_or("", |r| Scope::word(r.scope))),
            Value::text(state),
            Value::Count(outcome.checked),
            Value::Count(outcome.violated),
            Value::text(rule.map_or("", |r| r.sentence)),
            Value::Text(rule.map_or(String::new(), |r| r.clauses.join(" "))),
            Value::text(outcome.off.unwrap_or("")),
        ]);
    }
    t
}

const VIOLATIONS: &[Column] = &[
    col("cycle", "Cycle"),
    col("line", "Line of the trace"),
    col("rule", "Rule"),
    col("binds", "Binds"),
    col("queue", "Queue"),
    col("announced", "Announced"),
    col("expected", "Expected"),
    col("got", "Got"),
    col("context", "Before it"),
];

pub(crate) fn violations(verdict: &Verdict, examples: &Examples) -> Table {
    let mut t = Table::new(
        "violations",
        "Violations in the order in which they were found",
        VIOLATIONS,
    );
    for v in &verdict.violations {
        let announced = verdict.expect.iter().any(|e| e == v.rule);
        t.push(vec![
            Value::Count(v.cycle),
            Value::count(examples.line_of(v)),
            Value::text(v.rule),
            Value::text(v.scope().word()),
            Value::count(v.queue.map(u64::from)),
            Value::text(if announced { "yes" } else { "no" }),
            Value::text(v.expected.clone()),
            Value::text(v.got.clone()),
            Value::Text(v.context.join("\n")),
        ]);
    }
    t
}

const COMPARED: &[Column] = &[col("what", "Compared with the model"), col("count", "How many")];

pub(crate) fn compared(verdict: &Verdict) -> Table {
    let mut t = Table::new("compared", "What was compared", COMPARED);
    let c = &verdict.compared;
    for (what, count) in [
        ("packets on the link", c.tlps),
        ("register and configuration reads", c.registers),
        ("chains made available", c.chains_available),
        ("chains returned", c.chains),
        ("frames transmitted, byte by byte", c.frames_tx),
        ("frames received, byte by byte", c.frames_rx),
        ("frames dropped, with their reason", c.frames_dropped),
        ("control commands", c.commands),
        ("kicks", c.kicks),
        ("interrupts", c.interrupts),
        ("payload bytes read", c.payload_read_bytes),
        ("payload bytes written", c.payload_written_bytes),
    ] {
        t.push(vec![Value::text(what), Value::Count(count)]);
    }
    t
}
