//! The tables of a report, each made from what the collector gathered.

pub(crate) mod conditions;
pub(crate) mod cost;
pub(crate) mod headline;
pub(crate) mod queues;
pub(crate) mod rules;
pub(crate) mod time;

use crate::collect::Collector;
use crate::registers::Role;

/// What the cost of a role's queues is divided by: frames that came through, or chains where there are no frames.
pub(crate) fn packets(c: &Collector, role: Role) -> u64 {
    let (tx, rx) = c.frames();
    match role {
        Role::Transmit => tx,
        Role::Receive => rx,
        Role::Control | Role::Other => c
            .costs
            .queues
            .iter()
            .filter(|(q, _)| c.registers.role(**q) == role)
            .map(|(_, q)| q.chains)
            .sum(),
    }
}

/// What everything is divided by: frames, or chains where there are no frames.
pub(crate) fn all_packets(c: &Collector) -> u64 {
    let (tx, rx) = c.frames();
    if tx + rx > 0 {
        tx + rx
    } else {
        packets(c, Role::Other)
    }
}
