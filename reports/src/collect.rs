//! One pass over a trace: everything the report needs, in bounded memory.

use std::collections::BTreeMap;

use ringside_models::cost::{Costs, Latencies};
use ringside_models::event::{Channel, EndReason, Event, Header, What};
use ringside_models::judge::{Cause, Observation, Purpose};
use ringside_models::tlp::{Body, Tlp};

use crate::bin::Bin;
use crate::depth::Depths;
use crate::examples::Examples;
use crate::flight::Flight;
use crate::histogram::Histogram;
use crate::kind::WireBytes;
use crate::minimum::{Features, Yardstick};
use crate::registers::{Change, EVENT_IDX, IN_ORDER, NOTIFICATION_DATA, RING_PACKED, Registers, Role};
use crate::timeline::Timeline;

/// First width of a bin of the timeline.
const BIN_CYCLES: u64 = 32;

/// Reads and writes (and messages) that the device sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Requests {
    pub(crate) reads: u64,
    pub(crate) writes: u64,
}

/// What latencies are called.
pub(crate) mod latency {
    pub(crate) const KICK_TO_READ: &str = "kick to first read";
    pub(crate) const KICK_TO_PAYLOAD: &str = "kick to first payload read";
    pub(crate) const PAYLOAD_TO_USED: &str = "payload done to used index";
    pub(crate) const NEWEST_TO_MSIX: &str = "newest used index to MSI-X";
    pub(crate) const OLDEST_TO_MSIX: &str = "oldest used index to MSI-X";
    pub(crate) const ROUND_TRIP: &str = "memory read round trip";
}

/// Distributions of the latencies, over all queues of a role.
#[derive(Clone, Debug, Default)]
pub(crate) struct Distributions {
    pub(crate) kick_to_read: Histogram,
    pub(crate) kick_to_payload: Histogram,
    pub(crate) payload_to_used: Histogram,
    /// From the latest publication before a message.
    pub(crate) newest_to_msix: Histogram,
    /// From the first publication that no message followed yet.
    pub(crate) oldest_to_msix: Histogram,
}

/// The stretch in which frames moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Window {
    pub(crate) fn cycles(self) -> u64 {
        self.last - self.first + 1
    }
}

/// Everything gathered from a trace.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) costs: Costs,
    pub(crate) registers: Registers,
    pub(crate) requests: BTreeMap<(Purpose, Option<u16>), Requests>,
    pub(crate) timeline: Option<Timeline<Bin>>,
    pub(crate) distributions: BTreeMap<Role, Distributions>,
    pub(crate) round_trip: Histogram,
    pub(crate) window: Option<Window>,
    /// Bytes from the first to the last cycle of the window.
    pub(crate) window_bytes: WireBytes,
    pending_bytes: WireBytes,
    pub(crate) peak_depth: BTreeMap<u16, u64>,
    pub(crate) peak_reads: u64,
    pub(crate) drops: BTreeMap<u8, u64>,
    pub(crate) notes: u64,
    pub(crate) events: u64,
    pub(crate) last_cycle: u64,
    pub(crate) ended: Option<EndReason>,
    pub(crate) yardstick: Yardstick,
    pub(crate) examples: Examples,
    /// Cycle of the latest used-index write of each queue that no message followed yet.
    newest: BTreeMap<u16, u64>,
    depths: Depths,
    flight: Flight,
    stores: bool,
}

impl Collector {
    pub(crate) fn new(header: &Header) -> Self {
        Collector {
            costs: Costs::new(),
            registers: Registers::new(header.device_type),
            requests: BTreeMap::new(),
            timeline: None,
            distributions: BTreeMap::new(),
            round_trip: Histogram::default(),
            window: None,
            window_bytes: WireBytes::default(),
            pending_bytes: WireBytes::default(),
            peak_depth: BTreeMap::new(),
            peak_reads: 0,
            drops: BTreeMap::new(),
            notes: 0,
            events: 0,
            last_cycle: 0,
            ended: None,
            yardstick: Yardstick::new(&header.link),
            examples: Examples::default(),
            newest: BTreeMap::new(),
            depths: Depths::default(),
            flight: Flight::default(),
            stores: header.driver_stores,
        }
    }

    /// Takes in one event and the cause that the judge gave it.
    pub(crate) fn observe(&mut self, event: &Event, cause: Option<&Cause>) {
        self.events += 1;
        self.last_cycle = event.cycle;
        if let Some(change) = self.registers.observe(event) {
            self.change(change);
        }
        match &event.what {
            What::Tlp { ch, tlp, .. } => self.tlp(
                event.cycle,
                *ch,
                tlp,
                cause.copied().unwrap_or(Cause::of(Purpose::Unknown)),
            ),
            What::Store { addr, data, visible } if self.stores => {
                self.yardstick.stored(visible.unwrap_or(event.cycle), *addr, data);
                if let Some((queue, depth)) = self.depths.available(*addr, data) {
                    self.depth(event.cycle, queue, depth);
                }
            }
            What::WireTx { .. } => {
                self.traffic(event.cycle);
                self.bin(event.cycle).frames_tx += 1;
            }
            What::WireRx { .. } => {
                self.traffic(event.cycle);
                self.bin(event.cycle).frames_rx += 1;
            }
            What::WireDrop { reason } => *self.drops.entry(*reason).or_default() += 1,
            What::Note { .. } => self.notes += 1,
            What::End { reason } => self.ended = Some(*reason),
            _ => {}
        }
        self.costs.observe(event, cause);
        if let Some(queue) = cause.and_then(|c| c.queue)
            && let Some(depth) = self.yardstick.depth(event.cycle, queue)
        {
            self.depth(event.cycle, queue, depth);
        }
        if let Some(queue) = cause.and_then(|c| c.queue) {
            self.drain(queue);
        }
    }

    /// Keeps the line if it is one of the first of its kind.
    pub(crate) fn example(&mut self, line: (u64, &str), event: &Event, seen: &Observation) {
        let role = |c: &Cause| c.queue.map(|q| self.registers.role(q));
        let cause = seen.cause.as_ref().map(|c| (c, role(c)));
        self.examples.observe(line, event, cause, &seen.violations);
    }

    /// Moves the samples that the costs gathered into distributions, so that a long trace needs no more memory than a short one.
    fn drain(&mut self, queue: u16) {
        let Some(costs) = self.costs.queues.get_mut(&queue) else {
            return;
        };
        let l = &mut costs.latencies;
        if l.kick_to_read_cycles.is_empty()
            && l.kick_to_payload_cycles.is_empty()
            && l.payload_to_used_cycles.is_empty()
            && l.used_to_msix_cycles.is_empty()
        {
            return;
        }
        let Latencies {
            kick_to_read_cycles,
            kick_to_payload_cycles,
            payload_to_used_cycles,
            used_to_msix_cycles,
        } = std::mem::take(l);
        let d = self.distributions.entry(self.registers.role(queue)).or_default();
        let role = Some(self.registers.role(queue));
        for (what, samples, into) in [
            (latency::KICK_TO_READ, kick_to_read_cycles, &mut d.kick_to_read),
            (
                latency::KICK_TO_PAYLOAD,
                kick_to_payload_cycles,
                &mut d.kick_to_payload,
            ),
            (
                latency::PAYLOAD_TO_USED,
                payload_to_used_cycles,
                &mut d.payload_to_used,
            ),
            (
                latency::OLDEST_TO_MSIX,
                used_to_msix_cycles,
                &mut d.oldest_to_msix,
            ),
        ] {
            for cycles in samples {
                if into.add(cycles) {
                    self.examples.longest_yet(what, role, cycles);
                }
            }
        }
    }

    fn change(&mut self, change: Change) {
        let registers = &self.registers;
        // of a packed ring there are no indices in memory
        if !(registers.has(RING_PACKED) && matches!(change, Change::Enabled(..))) {
            self.depths.change(change);
        }
        let features = Features {
            event_idx: registers.has(EVENT_IDX),
            notification_data: registers.has(NOTIFICATION_DATA),
            packed: registers.has(RING_PACKED),
            in_order: registers.has(IN_ORDER),
        };
        self.yardstick.change(change, features, |q| registers.role(q));
        if change == Change::Reset {
            self.flight.clear();
        }
    }

    fn bin(&mut self, cycle: u64) -> &mut Bin {
        self.timeline
            .get_or_insert_with(|| Timeline::new(cycle, BIN_CYCLES))
            .at(cycle)
    }

    fn traffic(&mut self, cycle: u64) {
        self.window
            .get_or_insert(Window {
                first: cycle,
                last: cycle,
            })
            .last = cycle;
        self.window_bytes.take_in(&mut self.pending_bytes);
    }

    fn depth(&mut self, cycle: u64, queue: u16, depth: u16) {
        let depth = u64::from(depth);
        let peak = self.peak_depth.entry(queue).or_default();
        *peak = (*peak).max(depth);
        self.bin(cycle).depth.entry(queue).or_default().set(depth);
    }

    fn tlp(&mut self, cycle: u64, ch: Channel, tlp: &Tlp, cause: Cause) {
        let control = cause
            .queue
            .is_some_and(|q| self.registers.role(q) == Role::Control);
        let is_traffic = !control
            && matches!(ch, Channel::Rq | Channel::Rc)
            && matches!(
                cause.purpose,
                Purpose::Payload
                    | Purpose::UsedElement
                    | Purpose::UsedIndex
                    | Purpose::UsedDescriptor
                    | Purpose::Msix
                    | Purpose::Intx
            );
        let wire = tlp.wire_bytes();
        let opens = is_traffic && cause.purpose == Purpose::Payload;
        if self.window.is_some() || opens {
            self.pending_bytes.count(ch.is_upstream(), cause.purpose, tlp);
            if is_traffic {
                self.traffic(cycle);
            }
        }
        if ch == Channel::Rq {
            let r = self.requests.entry((cause.purpose, cause.queue)).or_default();
            if matches!(tlp.body, Body::MRd { .. }) {
                r.reads += 1;
            } else {
                r.writes += 1;
            }
        }
        if let (Channel::Rq, Some(queue)) = (ch, cause.queue) {
            self.publication(cycle, queue, cause.purpose);
        }
        self.memory(cycle, ch, tlp, cause);
        if self.timeline.is_none()
            && !matches!(ch, Channel::Rq | Channel::Rc)
            && cause.purpose != Purpose::Kick
        {
            return; // bring-up: the timeline starts with the first activity of the rings
        }
        let in_flight = self.flight.len();
        let payload = if cause.purpose == Purpose::Payload {
            tlp.data().len() as u64
        } else {
            0
        };
        let bin = self.bin(cycle);
        if ch.is_upstream() {
            bin.up_wire_bytes += wire;
            bin.up_payload_bytes += payload;
        } else {
            bin.down_wire_bytes += wire;
            bin.down_payload_bytes += payload;
        }
        bin.kicks += u64::from(cause.purpose == Purpose::Kick && ch == Channel::Cq);
        bin.interrupts +=
            u64::from(matches!(cause.purpose, Purpose::Msix | Purpose::Intx) && ch == Channel::Rq);
        if matches!(ch, Channel::Rq | Channel::Rc) {
            bin.reads.set(in_flight);
            self.peak_reads = self.peak_reads.max(in_flight);
        }
    }

    fn publication(&mut self, cycle: u64, queue: u16, purpose: Purpose) {
        if matches!(purpose, Purpose::UsedIndex | Purpose::UsedDescriptor) {
            self.newest.insert(queue, cycle);
        } else if purpose == Purpose::Msix
            && let Some(used) = self.newest.remove(&queue)
        {
            let role = self.registers.role(queue);
            let d = self.distributions.entry(role).or_default();
            if d.newest_to_msix.add(cycle - used) {
                self.examples
                    .longest_yet(latency::NEWEST_TO_MSIX, Some(role), cycle - used);
            }
        }
    }

    fn memory(&mut self, cycle: u64, ch: Channel, tlp: &Tlp, cause: Cause) {
        match (ch, &tlp.body) {
            (Channel::Rq, Body::MRd { .. }) => {
                self.flight
                    .request(cycle, tlp, self.yardstick.asked(cycle, cause));
                self.yardstick.sent(tlp, cause);
            }
            (Channel::Rq, Body::MWr { addr, data, .. }) => {
                if let Some((first, bytes)) = tlp.span() {
                    let skip = (first - addr) as usize;
                    let written = data.get(skip..skip + bytes as usize).unwrap_or(&[]);
                    self.yardstick.sent(tlp, cause);
                    self.yardstick.wrote(first, written, cause);
                    if let Some((queue, depth)) = self.depths.used(first, written) {
                        self.depth(cycle, queue, depth);
                    }
                }
            }
            (Channel::Rq, _) => self.yardstick.sent(tlp, cause),
            (Channel::Rc, _) => {
                self.yardstick.received(tlp, cause);
                let Some(brought) = self.flight.completion(cycle, tlp) else {
                    return;
                };
                if let Some(cycles) = brought.round_trip_cycles
                    && self.round_trip.add(cycles)
                {
                    self.examples.longest_yet(latency::ROUND_TRIP, None, cycles);
                }
                self.yardstick
                    .read(brought.addr, brought.data, brought.note, cause);
                if !self.stores
                    && let Some((queue, depth)) = self.depths.available(brought.addr, brought.data)
                {
                    self.depth(cycle, queue, depth);
                }
            }
            (Channel::Cq, _) => self.yardstick.received(tlp, cause),
            (Channel::Cc, _) => {}
        }
    }

    /// Frames that came through a ring: transmitted, and received but not dropped.
    pub(crate) fn frames(&self) -> (u64, u64) {
        (
            self.costs.frames_tx,
            self.costs.frames_rx.saturating_sub(self.costs.frames_dropped),
        )
    }

    /// No more events come.
    pub(crate) fn finish(&mut self) {
        self.yardstick.finish();
    }
}
