//! The run in a few numbers.

use ringside_models::event::Header;
use ringside_models::judge::Purpose;

use super::all_packets;
use crate::collect::Collector;
use crate::registers::Role;
use crate::report::Metric;
use crate::table::Value;

/// Requests that belong to queues of frames (not to control queues), by condition.
fn requests(c: &Collector, role: Option<Role>) -> u64 {
    c.requests
        .iter()
        .filter(|((_, queue), _)| match queue.map(|q| c.registers.role(q)) {
            Some(Role::Control) => false,
            Some(r) => role.is_none_or(|wanted| wanted == r),
            None => role.is_none(),
        })
        .map(|(_, r)| r.reads + r.writes)
        .sum()
}

fn per_queue(c: &Collector, role: Role, count: impl Fn(&ringside_models::cost::QueueCosts) -> u64) -> u64 {
    c.costs
        .queues
        .iter()
        .filter(|(q, _)| c.registers.role(**q) == role)
        .map(|(_, q)| count(q))
        .sum()
}

/// The numbers, in the order in which they are shown.
pub(crate) fn metrics(header: &Header, c: &Collector, ceiling: f64) -> Vec<Metric> {
    let m = |key, title, unit, value| Metric {
        key,
        title,
        unit,
        value,
    };
    let (tx, rx) = c.frames();
    let packets = all_packets(c);
    let cycles = c.window.map_or(0, crate::collect::Window::cycles);
    let (up, down): (u64, u64) = (c.window_bytes.up.iter().sum(), c.window_bytes.down.iter().sum());
    let budget = ceiling * cycles as f64;
    let mpps = (cycles > 0).then(|| packets as f64 * header.clock_mhz / cycles as f64);
    let kicks = c
        .costs
        .queues
        .iter()
        .filter(|(q, _)| c.registers.role(**q) != Role::Control)
        .map(|(_, q)| q.kicks)
        .sum();
    let interrupts: u64 = c
        .requests
        .iter()
        .filter(|((p, q), _)| {
            matches!(p, Purpose::Msix | Purpose::Intx)
                && q.is_none_or(|q| c.registers.role(q) != Role::Control)
        })
        .map(|(_, r)| r.reads + r.writes)
        .sum();
    let least = c.yardstick.total();
    let efficiency = |part: fn(&crate::minimum::Row) -> (u64, u64)| {
        let shares = least.as_ref().map(part);
        shares.map_or(Value::None, |(least, actual)| {
            Value::percent(least as f64, actual as f64)
        })
    };
    // packets a cycle that the busier way of the link lets pass when each costs the least
    let limit = least
        .filter(|_| packets > 0)
        .map(|l| ceiling * packets as f64 / l.minimum.up_bytes.max(l.minimum.down_bytes).max(1) as f64);
    let gbps =
        |bytes: u64| (cycles > 0).then(|| bytes as f64 * 8.0 * header.clock_mhz / 1000.0 / cycles as f64);
    let role = |role, packets| Value::ratio(requests(c, Some(role)), packets, 2);
    vec![
        m("frames_tx", "Frames transmitted", "frames", Value::Count(tx)),
        m("frames_rx", "Frames received", "frames", Value::Count(rx)),
        m(
            "frames_dropped",
            "Frames dropped by the device",
            "frames",
            Value::Count(c.costs.frames_dropped),
        ),
        m(
            "frame_bytes_tx",
            "Mean size of a transmitted frame",
            "bytes",
            Value::ratio(c.costs.frames_tx_bytes, tx, 1),
        ),
        m(
            "frame_bytes_rx",
            "Mean size of a received frame",
            "bytes",
            Value::ratio(c.costs.frames_rx_bytes, c.costs.frames_rx, 1),
        ),
        m(
            "packets",
            "Packets through the rings, both ways",
            "packets",
            Value::Count(packets),
        ),
        m(
            "window_cycles",
            "Cycles from the first payload or frame to the last use of a ring",
            "cycles",
            Value::Count(cycles),
        ),
        m(
            "packets_per_clock",
            "Packets per clock",
            "packets/cycle",
            Value::ratio(packets, cycles, 4),
        ),
        m("mpps", "Packet rate, both ways", "Mpps", Value::number(mpps, 2)),
        m(
            "limit_mpps",
            "Packet rate that the link allows at the least cost",
            "Mpps",
            Value::number(limit.map(|l| l * header.clock_mhz), 2),
        ),
        m(
            "limit_percent",
            "Packet rate, share of that",
            "%",
            limit.map_or(Value::None, |l| Value::percent(packets as f64, l * cycles as f64)),
        ),
        m(
            "requests_efficiency_percent",
            "DMA requests, least possible / actual",
            "%",
            efficiency(|r| (r.minimum.requests, r.actual.requests)),
        ),
        m(
            "up_efficiency_percent",
            "Link bytes device to host, least possible / actual",
            "%",
            efficiency(|r| (r.minimum.up_bytes, r.actual.up_bytes)),
        ),
        m(
            "down_efficiency_percent",
            "Link bytes host to device, least possible / actual",
            "%",
            efficiency(|r| (r.minimum.down_bytes, r.actual.down_bytes)),
        ),
        m(
            "frame_gbps_tx",
            "Frame data transmitted",
            "Gb/s",
            Value::number(gbps(c.costs.frames_tx_bytes), 2),
        ),
        m(
            "frame_gbps_rx",
            "Frame data handed to the device",
            "Gb/s",
            Value::number(gbps(c.costs.frames_rx_bytes), 2),
        ),
        m(
            "link_up_percent",
            "Link use, device to host",
            "%",
            Value::percent(up as f64, budget),
        ),
        m(
            "link_down_percent",
            "Link use, host to device",
            "%",
            Value::percent(down as f64, budget),
        ),
        m(
            "requests_per_packet",
            "DMA requests per packet",
            "requests/packet",
            Value::ratio(requests(c, None), packets, 2),
        ),
        m(
            "requests_per_tx",
            "DMA requests per transmitted frame",
            "requests/frame",
            role(Role::Transmit, tx),
        ),
        m(
            "requests_per_rx",
            "DMA requests per received frame",
            "requests/frame",
            role(Role::Receive, rx),
        ),
        m(
            "up_bytes_per_packet",
            "Link bytes per packet, device to host",
            "bytes/packet",
            Value::ratio(up, packets, 1),
        ),
        m(
            "down_bytes_per_packet",
            "Link bytes per packet, host to device",
            "bytes/packet",
            Value::ratio(down, packets, 1),
        ),
        m(
            "kicks_per_packet",
            "Kicks per packet",
            "kicks/packet",
            Value::ratio(kicks, packets, 3),
        ),
        m(
            "interrupts_per_packet",
            "Interrupts per packet",
            "interrupts/packet",
            Value::ratio(interrupts, packets, 3),
        ),
        m(
            "kicks_per_tx",
            "Kicks per transmitted frame",
            "kicks/frame",
            Value::ratio(per_queue(c, Role::Transmit, |q| q.kicks), tx, 3),
        ),
        m(
            "kicks_per_rx",
            "Kicks per received frame",
            "kicks/frame",
            Value::ratio(per_queue(c, Role::Receive, |q| q.kicks), rx, 3),
        ),
        m(
            "peak_reads_in_flight",
            "Most reads in flight at once",
            "reads",
            Value::Count(c.peak_reads),
        ),
        m("events", "Events in the trace", "events", Value::Count(c.events)),
    ]
}
