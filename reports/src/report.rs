//! Everything a report says, as values: made once, then rendered as page, JSON and CSV.

use ringside_models::event::{EndReason, Header};
use ringside_models::judge::Verdict;
use ringside_models::rules::{self, Scope};
use serde_json::{Map, Value as Json, json};

use crate::collect::Collector;
use crate::link;
use crate::table::{Column, Table, Value, col};
use crate::tables;

/// Version of `report.json`. Bump when a reader of the old version would misread a new file.
pub const FORMAT_VERSION: u32 = 1;

/// A number of the headline.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: Value,
}

/// How the run ended and was judged.
#[derive(Clone, Debug)]
pub(crate) struct Judgement {
    pub(crate) passed: bool,
    pub(crate) complete: bool,
    /// Violations of any rule, announced or not.
    pub(crate) violations: u64,
    /// Violations of rules that the scenario did not announce.
    pub(crate) unexpected: u64,
    pub(crate) expected: Vec<String>,
    pub(crate) missing: Vec<String>,
    pub(crate) rules_checked: usize,
    pub(crate) rules_off: usize,
}

/// A report.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) header: Header,
    pub(crate) judgement: Judgement,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) tables: Vec<Table>,
    /// What one direction of the link can carry, in bytes per cycle.
    pub(crate) ceiling: f64,
    /// Why there is no comparison with the yardstick.
    pub(crate) yardstick_off: Option<&'static str>,
}

impl Report {
    pub(crate) fn new(name: &str, header: &Header, c: &Collector, verdict: &Verdict) -> Self {
        let ceiling = link::bytes_per_cycle(&header.link, header.clock_mhz);
        let unannounced = |id: &str| !verdict.expect.iter().any(|e| e == id);
        // Advice is in the tables, and is no violation.
        let binds = |id: &str| rules::find(id).is_none_or(|r| r.rule().scope != Scope::Advice);
        let judgement = Judgement {
            passed: verdict.passed(),
            complete: c.ended == Some(EndReason::Complete),
            violations: verdict
                .rules
                .iter()
                .filter(|r| binds(r.id))
                .map(|r| r.violated)
                .sum(),
            unexpected: verdict
                .rules
                .iter()
                .filter(|r| binds(r.id) && unannounced(r.id))
                .map(|r| r.violated)
                .sum(),
            expected: verdict.expect.clone(),
            missing: verdict.missing().map(str::to_owned).collect(),
            rules_checked: verdict.rules.iter().filter(|r| r.checked > 0).count(),
            rules_off: verdict.rules.iter().filter(|r| r.off.is_some()).count(),
        };
        Report {
            name: name.to_owned(),
            header: header.clone(),
            judgement,
            metrics: tables::headline::metrics(header, c, ceiling),
            tables: vec![
                tables::conditions::conditions(header, c),
                tables::cost::causes(c),
                tables::cost::lines(c),
                tables::cost::bytes(c, ceiling),
                tables::cost::yardstick(c),
                tables::cost::batches(c),
                tables::time::throughput(c, ceiling),
                tables::time::latency(header, c),
                tables::time::latency_cdf(header, c),
                tables::time::depth(c),
                tables::queues::queues(c),
                tables::queues::fairness(c),
                tables::queues::drops(c),
                tables::rules::rules(verdict),
                tables::rules::violations(verdict, &c.examples),
                tables::rules::compared(verdict),
            ],
            ceiling,
            yardstick_off: c.yardstick.off,
        }
    }

    /// A metric's value.
    pub(crate) fn metric(&self, key: &str) -> &Value {
        self.metrics
            .iter()
            .find(|m| m.key == key)
            .map_or(&Value::None, |m| &m.value)
    }

    /// A table, by name.
    pub(crate) fn table(&self, id: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.id == id)
    }

    /// The whole report as JSON.
    pub(crate) fn json(&self) -> Json {
        let headline: Map<String, Json> = self
            .metrics
            .iter()
            .map(|m| (m.key.to_owned(), m.value.json()))
            .collect();
        let tables: Map<String, Json> = self.tables.iter().map(|t| (t.id.to_owned(), t.json())).collect();
        let j = &self.judgement;
        json!({
            "ringside_report": FORMAT_VERSION,
            "name": self.name,
            "dut": self.header.dut,
            "scenario": self.header.scenario,
            "verdict": {
                "passed": j.passed,
                "complete": j.complete,
                "violations": j.violations,
                "unexpected": j.unexpected,
                "expected": j.expected,
                "missing": j.missing,
            },
            "headline": headline,
            "link_bytes_per_cycle": self.ceiling,
            "yardstick_off": self.yardstick_off,
            "tables": tables,
        })
    }

    /// The headline as a table.
    pub(crate) fn headline(&self) -> Table {
        const COLUMNS: &[Column] = &[
            col("metric", ""),
            col("title", "What"),
            col("value", "Value"),
            col("unit", "Unit"),
        ];
        let mut t = Table::new("headline", "The run in numbers", COLUMNS);
        for m in &self.metrics {
            t.push(vec![
                Value::text(m.key),
                Value::text(m.title),
                m.value.clone(),
                Value::text(m.unit),
            ]);
        }
        t
    }
}
