//! What the rings cost on PCIe: requests by cause, bytes by kind, and both beside the least possible.

use std::collections::BTreeMap;

use ringside_models::cost::Traffic;
use ringside_models::judge::Purpose;

use super::time::EVERY_QUEUE;
use super::{all_packets, packets};
use crate::collect::{Collector, Requests};
use crate::kind::Kind;
use crate::registers::Role;
use crate::table::{Column, Table, Value, col};

const CAUSES: &[Column] = &[
    col("role", "Queues"),
    col("cause", "Cause"),
    col("reads", "Reads"),
    col("writes", "Writes"),
    col("requests_per_packet", "Requests / packet"),
    col("up_bytes_per_packet", "Bytes up / packet"),
    col("down_bytes_per_packet", "Bytes down / packet"),
    col("items", "Items moved"),
    col("wasted", "of no use"),
];

pub(crate) fn causes(c: &Collector) -> Table {
    let mut t = Table::new("causes", "Requests of the device and link bytes by cause", CAUSES);
    let mut rows: BTreeMap<(bool, Option<Role>, Purpose), (Requests, Traffic)> = BTreeMap::new();
    // what belongs to no queue comes last
    let key = |queue: Option<u16>, purpose| (queue.is_none(), queue.map(|q| c.registers.role(q)), purpose);
    for ((purpose, queue), r) in &c.requests {
        let (sum, _) = rows.entry(key(*queue, *purpose)).or_default();
        sum.reads += r.reads;
        sum.writes += r.writes;
    }
    for ((purpose, queue), traffic) in &c.costs.traffic {
        rows.entry(key(*queue, *purpose)).or_default().1.add(traffic);
    }
    for ((_, role, purpose), (r, traffic)) in rows {
        let per = match role {
            Some(role) => packets(c, role),
            None => all_packets(c),
        };
        t.push(vec![
            Value::text(role.map_or("function", Role::word)),
            Value::text(purpose.name()),
            Value::Count(r.reads),
            Value::Count(r.writes),
            Value::ratio(r.reads + r.writes, per, 3),
            Value::ratio(traffic.up_wire_bytes, per, 1),
            Value::ratio(traffic.down_wire_bytes, per, 1),
            Value::Count(traffic.items),
            Value::Count(traffic.wasted),
        ]);
    }
    t
}

const LINES: &[Column] = &[
    col("role", "Queues"),
    col("cause", "Cause"),
    col("line", "Line"),
    col("cycle", "Cycle"),
    col("since", "Since cycle"),
    col("text", "In the trace"),
];

/// The first requests of each cause as the trace has them, and where the longest latencies ended.
pub(crate) fn lines(c: &Collector) -> Table {
    let mut t = Table::new(
        "lines",
        "The first requests of each cause, and the ends of the longest latencies, as the trace has them",
        LINES,
    );
    // what belongs to no queue comes last, as among the causes
    let mut kinds: Vec<_> = c.examples.requests.iter().collect();
    kinds.sort_by_key(|((role, purpose), _)| (role.is_none(), *role, *purpose));
    for ((role, purpose), examples) in kinds {
        for e in examples {
            t.push(vec![
                Value::text(role.map_or("function", Role::word)),
                Value::text(purpose.name()),
                Value::Count(e.line),
                Value::Count(e.cycle),
                Value::None,
                Value::text(e.text.clone()),
            ]);
        }
    }
    for ((role, what), (e, cycles)) in &c.examples.longest {
        if *role != Some(Role::Control) {
            t.push(vec![
                Value::text(role.map_or(EVERY_QUEUE, Role::word)),
                Value::text(format!("longest {what}")),
                Value::Count(e.line),
                Value::Count(e.cycle),
                Value::Count(e.cycle.saturating_sub(*cycles)),
                Value::text(e.text.clone()),
            ]);
        }
    }
    t
}

const BYTES: &[Column] = &[
    col("direction", "Direction"),
    col("kind", "Bytes that were"),
    col("bytes", "Bytes"),
    col("bytes_per_packet", "Bytes / packet"),
    col("share_percent", "% of the traffic"),
    col("link_percent", "% of the link"),
];

pub(crate) fn bytes(c: &Collector, ceiling: f64) -> Table {
    let mut t = Table::new("bytes", "What the link carried while frames moved", BYTES);
    let per = all_packets(c);
    let budget = ceiling * c.window.map_or(0.0, |w| w.cycles() as f64);
    for (direction, side) in [
        ("device to host", c.window_bytes.up),
        ("host to device", c.window_bytes.down),
    ] {
        let total: u64 = side.iter().sum();
        let mut row = |kind: &str, n: u64| {
            t.push(vec![
                Value::text(direction),
                Value::text(kind),
                Value::Count(n),
                Value::ratio(n, per, 1),
                Value::percent(n as f64, total as f64),
                Value::percent(n as f64, budget),
            ]);
        };
        for kind in Kind::ALL {
            if side[kind as usize] > 0 {
                row(kind.name(), side[kind as usize]);
            }
        }
        row("all", total);
    }
    t
}

const BATCHES: &[Column] = &[
    col("what", "Chains at once"),
    col("role", "Queues"),
    col("times", "Times"),
    col("min", "Min"),
    col("p50", "Median"),
    col("p90", "90 %"),
    col("max", "Max"),
    col("mean", "Mean"),
];

/// How many chains moved at once: what batching there was to use, and what was used of it.
pub(crate) fn batches(c: &Collector) -> Table {
    let mut t = Table::new("batches", "Sizes of batches", BATCHES);
    for (role, tally) in &c.yardstick.tallies {
        for (what, h) in [
            ("found by the device", &tally.found),
            ("returned", &tally.returned),
        ] {
            if h.len() > 0 {
                t.push(vec![
                    Value::text(what),
                    Value::text(role.word()),
                    Value::Count(h.len()),
                    Value::count(h.min()),
                    Value::count(h.percentile(500)),
                    Value::count(h.percentile(900)),
                    Value::count(h.max()),
                    Value::number(h.mean(), 2),
                ]);
            }
        }
    }
    t
}

const YARDSTICK: &[Column] = &[
    col("role", "Queues"),
    col("cause", "Cause"),
    col("requests", "Requests"),
    col("least_requests", "least"),
    col("requests_efficiency_percent", "efficiency %"),
    col("up_bytes", "Bytes up"),
    col("least_up_bytes", "least"),
    col("up_efficiency_percent", "efficiency %"),
    col("down_bytes", "Bytes down"),
    col("least_down_bytes", "least"),
    col("down_efficiency_percent", "efficiency %"),
];

pub(crate) fn yardstick(c: &Collector) -> Table {
    let mut t = Table::new(
        "yardstick",
        "Beside the least that the same chains could have cost",
        YARDSTICK,
    );
    if c.yardstick.off.is_some() {
        return t;
    }
    for (role, tally) in &c.yardstick.tallies {
        if !tally.counts() || *role == Role::Control {
            continue;
        }
        let mut line = |cause: &str, row: crate::minimum::Row| {
            let (a, m) = (row.actual, row.minimum);
            let three = |actual: u64, least: u64| {
                [
                    Value::Count(actual),
                    Value::Count(least),
                    Value::percent(least as f64, actual as f64),
                ]
            };
            let mut cells = vec![Value::text(role.word()), Value::text(cause)];
            cells.extend(three(a.requests, m.requests));
            cells.extend(three(a.up_bytes, m.up_bytes));
            cells.extend(three(a.down_bytes, m.down_bytes));
            t.push(cells);
        };
        for (purpose, row) in &tally.rows {
            line(purpose.name(), *row);
        }
        line("all", tally.total());
    }
    t
}
