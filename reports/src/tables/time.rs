//! What happened when: throughput, latencies, depth of queues.

use ringside_models::event::Header;

use crate::collect::{Collector, latency as name};
use crate::histogram::Histogram;
use crate::registers::Role;
use crate::table::{Column, Table, Value, col};

const THROUGHPUT: &[Column] = &[
    col("cycle", "From cycle"),
    col("cycles", "Cycles"),
    col("up_bytes_per_cycle", "Bytes up / cycle"),
    col("up_payload_bytes_per_cycle", "of it payload"),
    col("down_bytes_per_cycle", "Bytes down / cycle"),
    col("down_payload_bytes_per_cycle", "of it payload"),
    col("link_bytes_per_cycle", "Link"),
    col("frames_tx", "Frames out"),
    col("frames_rx", "Frames in"),
    col("kicks", "Kicks"),
    col("interrupts", "Interrupts"),
    col("reads_in_flight", "Reads in flight"),
];

pub(crate) fn throughput(c: &Collector, ceiling: f64) -> Table {
    let mut t = Table::new("throughput", "Link and frames over time", THROUGHPUT);
    let Some(line) = &c.timeline else { return t };
    for (i, b) in line.bins.iter().enumerate() {
        let rate = |bytes: u64| Value::ratio(bytes, line.width_cycles, 2);
        t.push(vec![
            Value::Count(line.start + i as u64 * line.width_cycles),
            Value::Count(line.width_cycles),
            rate(b.up_wire_bytes),
            rate(b.up_payload_bytes),
            rate(b.down_wire_bytes),
            rate(b.down_payload_bytes),
            Value::Number(ceiling, 2),
            Value::Count(b.frames_tx),
            Value::Count(b.frames_rx),
            Value::Count(b.kicks),
            Value::Count(b.interrupts),
            Value::Count(b.reads.peak),
        ]);
    }
    t
}

const DEPTH: &[Column] = &[
    col("cycle", "From cycle"),
    col("cycles", "Cycles"),
    col("queue", "Queue"),
    col("role", "Role"),
    col("depth", "Chains"),
];

pub(crate) fn depth(c: &Collector) -> Table {
    let mut t = Table::new("depth", "Most chains in the device's hands", DEPTH);
    let Some(line) = &c.timeline else { return t };
    for queue in c.peak_depth.keys() {
        for (i, b) in line.bins.iter().enumerate() {
            if let Some(g) = b.depth.get(queue) {
                t.push(vec![
                    Value::Count(line.start + i as u64 * line.width_cycles),
                    Value::Count(line.width_cycles),
                    Value::Count(u64::from(*queue)),
                    Value::text(c.registers.role(*queue).word()),
                    Value::Count(g.peak),
                ]);
            }
        }
    }
    t
}

/// Whose latencies belong to no queue.
pub(crate) const EVERY_QUEUE: &str = "every queue";

/// Every distribution with samples: what it is of, of which queues.
fn distributions(c: &Collector) -> Vec<(&'static str, &'static str, &Histogram)> {
    let mut all = Vec::new();
    for (role, d) in &c.distributions {
        if *role == Role::Control {
            continue;
        }
        all.push((name::KICK_TO_READ, role.word(), &d.kick_to_read));
        all.push((name::KICK_TO_PAYLOAD, role.word(), &d.kick_to_payload));
        all.push((name::PAYLOAD_TO_USED, role.word(), &d.payload_to_used));
        all.push((name::NEWEST_TO_MSIX, role.word(), &d.newest_to_msix));
        all.push((name::OLDEST_TO_MSIX, role.word(), &d.oldest_to_msix));
    }
    all.push((name::ROUND_TRIP, EVERY_QUEUE, &c.round_trip));
    all.retain(|(_, _, h)| h.len() > 0);
    all
}

const LATENCY: &[Column] = &[
    col("what", "From – to"),
    col("role", "Queues"),
    col("samples", "Samples"),
    col("min_cycles", "Min"),
    col("p50_cycles", "Median"),
    col("p90_cycles", "90 %"),
    col("p99_cycles", "99 %"),
    col("max_cycles", "Max"),
    col("mean_cycles", "Mean"),
    col("p50_ns", "Median ns"),
    col("p99_ns", "99 % ns"),
    col("max_ns", "Max ns"),
];

pub(crate) fn latency(h: &Header, c: &Collector) -> Table {
    let mut t = Table::new("latency", "Latencies in cycles and nanoseconds", LATENCY);
    let ns = |cycles: Option<u64>| Value::number(cycles.map(|c| c as f64 * 1000.0 / h.clock_mhz), 0);
    for (what, role, d) in distributions(c) {
        t.push(vec![
            Value::text(what),
            Value::text(role),
            Value::Count(d.len()),
            Value::count(d.min()),
            Value::count(d.percentile(500)),
            Value::count(d.percentile(900)),
            Value::count(d.percentile(990)),
            Value::count(d.max()),
            Value::number(d.mean(), 1),
            ns(d.percentile(500)),
            ns(d.percentile(990)),
            ns(d.max()),
        ]);
    }
    t
}

/// Steps kept of each distribution.
const CDF_STEPS: usize = 200;

const CDF: &[Column] = &[
    col("what", "From – to"),
    col("role", "Queues"),
    col("cycles", "Cycles"),
    col("ns", "ns"),
    col("share", "Share not above"),
];

pub(crate) fn latency_cdf(h: &Header, c: &Collector) -> Table {
    let mut t = Table::new("latency_cdf", "Distribution of the latencies", CDF);
    for (what, role, d) in distributions(c) {
        for (cycles, share) in d.cumulative(CDF_STEPS) {
            t.push(vec![
                Value::text(what),
                Value::text(role),
                Value::Count(cycles),
                Value::Number(cycles as f64 * 1000.0 / h.clock_mhz, 0),
                Value::Number(share, 4),
            ]);
        }
    }
    t
}
