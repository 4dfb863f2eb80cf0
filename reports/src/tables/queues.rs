//! Each queue's share, and what happened to frames that did not arrive.

use crate::collect::Collector;
use crate::table::{Column, Table, Value, col};

const QUEUES: &[Column] = &[
    col("queue", "Queue"),
    col("role", "Role"),
    col("chains", "Chains returned"),
    col("payload_read_bytes", "Bytes read"),
    col("payload_written_bytes", "Bytes written"),
    col("requests", "DMA requests"),
    col("requests_per_chain", "Requests / chain"),
    col("kicks", "Kicks"),
    col("chains_per_kick", "Chains / kick"),
    col("publications", "Used-index writes"),
    col("chains_per_publication", "Chains / write"),
    col("interrupts", "Interrupts"),
    col("chains_per_interrupt", "Chains / interrupt"),
    col("idle_index_reads", "Idle index reads"),
    col("peak_depth", "Peak depth"),
];

pub(crate) fn queues(c: &Collector) -> Table {
    let mut t = Table::new("queues", "Queue by queue", QUEUES);
    for (queue, q) in &c.costs.queues {
        let requests: u64 = c
            .requests
            .iter()
            .filter(|((_, of), _)| *of == Some(*queue))
            .map(|(_, r)| r.reads + r.writes)
            .sum();
        t.push(vec![
            Value::Count(u64::from(*queue)),
            Value::text(c.registers.role(*queue).word()),
            Value::Count(q.chains),
            Value::Count(q.payload_read_bytes),
            Value::Count(q.payload_written_bytes),
            Value::Count(requests),
            Value::ratio(requests, q.chains, 2),
            Value::Count(q.kicks),
            Value::ratio(q.chains, q.kicks, 2),
            Value::Count(q.publications),
            Value::ratio(q.chains, q.publications, 2),
            Value::Count(q.interrupts),
            Value::ratio(q.chains, q.interrupts, 2),
            Value::Count(q.idle_index_reads),
            Value::count(c.peak_depth.get(queue).copied()),
        ]);
    }
    t
}

const FAIRNESS: &[Column] = &[
    col("direction", "Direction"),
    col("queues", "Queues"),
    col("packets", "Packets"),
    col("least", "Least of a queue"),
    col("most", "Most of a queue"),
    col("jain_packets", "Jain's index, packets"),
    col("jain_bytes", "Jain's index, bytes"),
];

/// How evenly queues were served while all of them had work.
pub(crate) fn fairness(c: &Collector) -> Table {
    let mut t = Table::new("fairness", "Fairness between queues", FAIRNESS);
    for (direction, shares) in [("transmit", &c.costs.tx_shares), ("receive", &c.costs.rx_shares)] {
        let Some((packets, bytes)) = shares.index_per_mille() else {
            continue;
        };
        let while_all = shares.while_all_had_work();
        let each = || while_all.values().map(|s| s.packets);
        t.push(vec![
            Value::text(direction),
            Value::Count(shares.queues() as u64),
            Value::Count(each().sum()),
            Value::count(each().min()),
            Value::count(each().max()),
            Value::ratio(packets, 1000, 3),
            Value::ratio(bytes, 1000, 3),
        ]);
    }
    t
}

const DROPS: &[Column] = &[
    col("reason", "Code"),
    col("meaning", "Frames dropped because"),
    col("frames", "Frames"),
];

pub(crate) fn drops(c: &Collector) -> Table {
    let mut t = Table::new("drops", "Frames that the device dropped", DROPS);
    for (reason, frames) in &c.drops {
        let meaning = match reason {
            1 => "the receive filter did not let them pass",
            2 => "there was no buffer",
            3 => "they were too large for the buffers",
            4 => "they were over the maximum size",
            5 => "the queue was not running",
            _ => "of a reason this reader does not know",
        };
        t.push(vec![
            Value::Count(u64::from(*reason)),
            Value::text(meaning),
            Value::Count(*frames),
        ]);
    }
    t
}
