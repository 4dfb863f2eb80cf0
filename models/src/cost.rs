//! What a run cost on PCIe: packets and wire bytes by purpose and queue, and the latencies a ring is judged by.
//!
//! Feed it every event with the cause the judge gave it. Times are in cycles of the boundary's clock.

use std::collections::BTreeMap;

use crate::event::{Channel, Event, What};
use crate::fairness::Shares;
use crate::judge::{Cause, Purpose};
use crate::tlp::Body;

/// Packets and bytes of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets the device sent.
    pub up_tlps: u64,
    /// Bytes on the link they took, framing and header included.
    pub up_wire_bytes: u64,
    /// Payload bytes in them.
    pub up_payload_bytes: u64,
    /// Packets the host sent.
    pub down_tlps: u64,
    /// Bytes on the link they took.
    pub down_wire_bytes: u64,
    /// Payload bytes in them.
    pub down_payload_bytes: u64,
    /// Requests (memory reads and writes, messages) the device sent; completions are in `up_tlps` only.
    pub requests: u64,
    /// Entries, descriptors, elements ... moved by those requests.
    pub items: u64,
    /// Of those, the ones that the device had no use for.
    pub wasted: u64,
}

impl Traffic {
    /// Adds another one.
    pub fn add(&mut self, o: &Traffic) {
        self.up_tlps += o.up_tlps;
        self.up_wire_bytes += o.up_wire_bytes;
        self.up_payload_bytes += o.up_payload_bytes;
        self.down_tlps += o.down_tlps;
        self.down_wire_bytes += o.down_wire_bytes;
        self.down_payload_bytes += o.down_payload_bytes;
        self.requests += o.requests;
        self.items += o.items;
        self.wasted += o.wasted;
    }
}

/// The latencies of one queue, one sample a happening, in cycles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// From a kick that found the queue idle to the device's next read for that queue.
    pub kick_to_read_cycles: Vec<u64>,
    /// From a kick that found no other one unanswered to the device's next read of payload for that queue; transmit queues only have those.
    pub kick_to_payload_cycles: Vec<u64>,
    /// From the last payload packet of the queue (completion of a read, or write) to the used index or descriptor that follows it.
    pub payload_to_used_cycles: Vec<u64>,
    /// From a used index or descriptor to the MSI-X message that follows it.
    pub used_to_msix_cycles: Vec<u64>,
}

/// One queue's share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueCosts {
    /// Kicks received.
    pub kicks: u64,
    /// Interrupts sent.
    pub interrupts: u64,
    /// Writes that published used chains: of the used index (split) or of used descriptors (packed).
    pub publications: u64,
    /// Chains returned.
    pub chains: u64,
    /// Reads of the available index that brought nothing new.
    pub idle_index_reads: u64,
    /// Payload bytes read from memory.
    pub payload_read_bytes: u64,
    /// Payload bytes written to memory.
    pub payload_written_bytes: u64,
    /// Latencies.
    pub latencies: Latencies,
    kicked: Option<u64>,
    kicked_unserved: Option<u64>,
    payload_done: Option<u64>,
    used: Option<u64>,
}

/// Costs of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// By purpose and queue.
    pub traffic: BTreeMap<(Purpose, Option<u16>), Traffic>,
    /// By queue.
    pub queues: BTreeMap<u16, QueueCosts>,
    /// Frames that left on the wire.
    pub frames_tx: u64,
    /// Bytes of those frames.
    pub frames_tx_bytes: u64,
    /// Frames handed to the device.
    pub frames_rx: u64,
    /// Bytes of those frames.
    pub frames_rx_bytes: u64,
    /// Frames the device dropped.
    pub frames_dropped: u64,
    /// Frames on the wire by transmit queue pair.
    pub tx_shares: Shares,
    /// Chains returned and payload bytes written, by receive queue.
    pub rx_shares: Shares,
    /// First cycle of the traffic window: the first payload packet or frame, control queue aside.
    pub first_cycle: Option<u64>,
    /// Its last cycle so far: the last use of a ring or frame.
    pub last_cycle: Option<u64>,
    /// Bytes on the link in the window, device to host, whatever they were for.
    pub window_up_wire_bytes: u64,
    /// The same, host to device.
    pub window_down_wire_bytes: u64,
    /// Bytes (up, down) since the window's last cycle: they count when traffic goes on.
    pending: (u64, u64),
}

impl Costs {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one event. `cause` is what the judge said about it; ignored for events that are no TLP.
    pub fn observe(&mut self, event: &Event, cause: Option<&Cause>) {
        match &event.what {
            What::Tlp { ch, tlp, .. } => {
                let cause = cause.copied().unwrap_or(Cause::of(Purpose::Unknown));
                let t = self.traffic.entry((cause.purpose, cause.queue)).or_default();
                let (wire, payload) = (tlp.wire_bytes(), tlp.data().len() as u64);
                if ch.is_upstream() {
                    t.up_tlps += 1;
                    t.up_wire_bytes += wire;
                    t.up_payload_bytes += payload;
                } else {
                    t.down_tlps += 1;
                    t.down_wire_bytes += wire;
                    t.down_payload_bytes += payload;
                }
                // What a read of descriptors brought is known when it is answered.
                let answer = cause.purpose == Purpose::Descriptor;
                t.requests += u64::from(*ch == Channel::Rq);
                if (*ch == Channel::Rq && !answer) || (*ch == Channel::Rc && answer && cause.last) {
                    t.items += u64::from(cause.items);
                    t.wasted += u64::from(cause.wasted);
                }
                self.window(event.cycle, *ch, wire, &cause);
                if let Some(q) = cause.queue {
                    self.queue(q, event.cycle, *ch, &tlp.body, &cause);
                }
            }
            What::WireTx { queue, data, .. } => {
                self.frames_tx += 1;
                self.frames_tx_bytes += data.len() as u64;
                self.tx_shares.add(*queue, 1, data.len() as u64);
                self.busy(event.cycle);
            }
            What::WireRx { data, .. } => {
                self.frames_rx += 1;
                self.frames_rx_bytes += data.len() as u64;
                self.busy(event.cycle);
            }
            What::WireDrop { .. } => self.frames_dropped += 1,
            _ => {}
        }
    }

    /// Opens at the first payload packet, goes on to each later use of a ring; bytes behind the last use stay outside.
    fn window(&mut self, cycle: u64, ch: Channel, wire: u64, cause: &Cause) {
        let traffic = !cause.control
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
        if self.first_cycle.is_none() && !(traffic && cause.purpose == Purpose::Payload) {
            return;
        }
        let pending = if ch.is_upstream() {
            &mut self.pending.0
        } else {
            &mut self.pending.1
        };
        *pending += wire;
        if traffic {
            self.busy(cycle);
        }
    }

    fn busy(&mut self, cycle: u64) {
        self.first_cycle.get_or_insert(cycle);
        self.last_cycle = Some(cycle);
        let (up, down) = std::mem::take(&mut self.pending);
        self.window_up_wire_bytes += up;
        self.window_down_wire_bytes += down;
    }

    fn queue(&mut self, queue: u16, cycle: u64, ch: Channel, body: &Body, cause: &Cause) {
        let q = self.queues.entry(queue).or_default();
        let read = matches!(body, Body::MRd { .. });
        match (cause.purpose, ch) {
            (Purpose::Kick, Channel::Cq) => {
                q.kicks += 1;
                q.kicked.get_or_insert(cycle);
                q.kicked_unserved.get_or_insert(cycle);
                return;
            }
            (Purpose::Payload, Channel::Rq) if read => {
                if let Some(kick) = q.kicked_unserved.take() {
                    q.latencies.kick_to_payload_cycles.push(cycle - kick);
                }
            }
            (Purpose::Payload, Channel::Rc) => {
                q.payload_done = Some(cycle);
                q.payload_read_bytes += payload_bytes(body);
            }
            (Purpose::Payload, Channel::Rq) => {
                q.payload_done = Some(cycle);
                q.payload_written_bytes += payload_bytes(body);
                if !cause.control {
                    self.rx_shares.add(queue, 0, payload_bytes(body));
                }
            }
            // Of a network device the odd queues transmit, but for the control queue.
            (Purpose::Descriptor, Channel::Rc)
                if cause.last && cause.items > cause.wasted && !cause.control && queue % 2 == 1 =>
            {
                self.tx_shares.waits(queue / 2);
            }
            (Purpose::AvailIndex, Channel::Rc) if cause.last && cause.items == 0 => q.idle_index_reads += 1,
            (Purpose::UsedIndex | Purpose::UsedDescriptor, Channel::Rq)
                if cause.items > 0 || cause.purpose == Purpose::UsedIndex =>
            {
                q.publications += 1;
                q.chains += u64::from(cause.items);
                if q.payload_written_bytes > 0 && !cause.control {
                    self.rx_shares.add(queue, cause.items.into(), 0);
                }
                if let Some(done) = q.payload_done.take() {
                    q.latencies.payload_to_used_cycles.push(cycle - done);
                }
                q.used.get_or_insert(cycle);
            }
            (Purpose::Msix, Channel::Rq) => {
                q.interrupts += 1;
                if let Some(used) = q.used.take() {
                    q.latencies.used_to_msix_cycles.push(cycle - used);
                }
            }
            (Purpose::Intx, Channel::Rq) => q.interrupts += 1,
            _ => {}
        }
        if read
            && ch == Channel::Rq
            && let Some(kick) = q.kicked.take()
        {
            q.latencies.kick_to_read_cycles.push(cycle - kick);
        }
    }

    /// Sum over all queues and purposes.
    #[must_use]
    pub fn total(&self) -> Traffic {
        let mut sum = Traffic::default();
        for t in self.traffic.values() {
            sum.add(t);
        }
        sum
    }

    /// Sum over all queues, by purpose.
    #[must_use]
    pub fn by_purpose(&self) -> BTreeMap<Purpose, Traffic> {
        let mut map: BTreeMap<Purpose, Traffic> = BTreeMap::new();
        for ((p, _), t) in &self.traffic {
            map.entry(*p).or_default().add(t);
        }
        map
    }

    /// Cycles of the traffic window: from the first payload packet or frame to the last use of a ring, control queue aside.
    #[must_use]
    pub fn busy_cycles(&self) -> u64 {
        match (self.first_cycle, self.last_cycle) {
            (Some(a), Some(b)) => b - a + 1,
            _ => 0,
        }
    }
}

/// Bytes that count: enabled bytes of a write, payload of a completion (whole dwords, cut to what its request still wanted).
fn payload_bytes(body: &Body) -> u64 {
    match body {
        Body::Cpl {
            data, bytes, lower, ..
        } => {
            let inside = (data.len() as u64).saturating_sub(u64::from(lower & 3));
            inside.min(u64::from(*bytes))
        }
        Body::MWr { fbe, lbe, data, .. } => {
            let dw = data.len() as u64 / 4;
            let last = if dw == 1 { *fbe } else { *lbe };
            if dw == 0 || fbe & 0xf == 0 || last & 0xf == 0 {
                return 0;
            }
            dw * 4 - u64::from(fbe.trailing_zeros()) - u64::from((last & 0xf).leading_zeros() - 4)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Judge;
    use crate::testutil::{RX, TX, USUAL, World};

    fn costs(world: &World) -> Costs {
        let mut judge = Judge::new(&world.header);
        let mut costs = Costs::new();
        for e in &world.events {
            let seen = judge.observe(e);
            costs.observe(e, seen.cause.as_ref());
        }
        costs
    }

    #[test]
    fn a_queue_that_is_never_served_has_its_share_of_nothing() {
        let mut w = World::started(USUAL);
        let given = w.give(TX, &[crate::testutil::packet(&[8; 60])]);
        assert_eq!(costs(&w).tx_shares.queues(), 0, "the device knows nothing of it");
        w.learn(TX, &given);
        let shares = costs(&w).tx_shares;
        assert_eq!(shares.queues(), 1);
        assert_eq!(
            shares.while_all_had_work()[&(TX / 2)],
            crate::fairness::Share::default()
        );
    }

    #[test]
    fn one_packet_costs_what_the_yardstick_says() {
        let mut w = World::started(USUAL);
        let before = costs(&w);
        w.transmit(&[7; 60]);
        let c = costs(&w);
        let t = |p| c.traffic.get(&(p, Some(TX))).copied().unwrap_or_default();
        // Addresses above 4 GiB: 24 bytes a request, 20 a completion (pcie-yardstick 3.1).
        let index = t(Purpose::AvailIndex);
        assert_eq!(
            (index.requests, index.up_wire_bytes, index.down_wire_bytes),
            (2, 48, 48)
        );
        let descriptor = t(Purpose::Descriptor);
        assert_eq!(
            (
                descriptor.up_wire_bytes,
                descriptor.down_wire_bytes,
                descriptor.items
            ),
            (24, 36, 1)
        );
        let payload = t(Purpose::Payload);
        assert_eq!(
            (
                payload.up_wire_bytes,
                payload.down_wire_bytes,
                payload.down_payload_bytes
            ),
            (24, 92, 72)
        );
        assert_eq!(t(Purpose::UsedElement).up_wire_bytes, 32);
        assert_eq!(t(Purpose::UsedIndex).up_wire_bytes, 28);
        assert_eq!(t(Purpose::DriverEvent).requests, 1);
        assert_eq!(t(Purpose::DeviceEvent).up_wire_bytes, 28);
        assert_eq!(t(Purpose::Msix).up_wire_bytes, 24);
        assert_eq!(t(Purpose::Kick).down_wire_bytes, 24); // the BAR of this world lies below 4 GiB
        assert_eq!((c.frames_tx, c.frames_tx_bytes), (1, 60));
        let all = c.total();
        // Reads: index twice, entry, descriptor, payload, event; writes: element, index, avail_event, MSI-X.
        assert_eq!(all.requests - before.total().requests, 6 + 4);
        assert_eq!(
            c.by_purpose().values().map(|t| t.up_wire_bytes).sum::<u64>(),
            all.up_wire_bytes
        );
    }

    #[test]
    fn latencies_are_the_distances_between_events() {
        let mut w = World::started(USUAL);
        w.transmit(&[7; 60]);
        let c = costs(&w);
        let q = &c.queues[&TX];
        assert_eq!(
            (
                q.kicks,
                q.interrupts,
                q.publications,
                q.chains,
                q.idle_index_reads
            ),
            (1, 1, 1, 1, 1)
        );
        assert_eq!(q.payload_read_bytes, 72);
        // The world lets ten cycles pass with each event.
        assert_eq!(q.latencies.kick_to_read_cycles, [10]);
        assert_eq!(q.latencies.kick_to_payload_cycles, [70]); // index, entry, descriptor asked and answered before
        assert_eq!(q.latencies.payload_to_used_cycles, [30]); // frame on the wire, element, index
        assert_eq!(q.latencies.used_to_msix_cycles, [30]); // event word asked, answered, message
        assert!(!c.queues.contains_key(&RX) || c.queues[&RX].kicks == 0);
    }

    #[test]
    fn speculation_and_repetition_are_waste() {
        let mut w = World::started(USUAL);
        let given = w.give(TX, &[crate::testutil::packet(&[1; 60])]);
        w.kick(TX);
        w.read_index(TX);
        w.fetch(crate::testutil::ring(TX, crate::testutil::Part::Avail, 4), 8); // four entries, one of them available
        w.fetch(crate::testutil::ring(TX, crate::testutil::Part::Desc, 0), 64); // four descriptors, one of them of a chain
        w.read_payload(&given);
        w.read_payload(&given);
        let c = costs(&w);
        let t = |p| c.traffic[&(p, Some(TX))];
        assert_eq!(
            (t(Purpose::AvailEntry).items, t(Purpose::AvailEntry).wasted),
            (4, 3)
        );
        assert_eq!(
            (t(Purpose::Descriptor).items, t(Purpose::Descriptor).wasted),
            (4, 3)
        );
        assert_eq!(t(Purpose::Payload).wasted, 1);
    }

    #[test]
    fn what_a_page_end_cuts_in_two_counts_once() {
        use crate::testutil::{Buffer, Part, ring};
        let mut w = World::started(USUAL);
        let buffers = [Buffer::Out(vec![0; 12]), Buffer::Out(vec![7; 60])];
        let given = w.prepare(TX, &buffers, true);
        w.publish(TX);
        w.kick(TX);
        w.read_index(TX);
        w.read_entry(TX, 1);
        w.fetch(ring(TX, Part::Desc, 16 * u64::from(given.head)), 16);
        let (table, _) = given.table.unwrap();
        w.fetch(table, 24);
        w.fetch(table + 24, 8);
        w.read_payload(&given);
        w.wire_tx(&[7; 60]);
        w.put(ring(TX, Part::Used, 4), &u32::from(given.head).to_le_bytes());
        w.put(ring(TX, Part::Used, 8), &[0; 4]);
        w.used_index(TX, 1);
        w.read_event(TX);
        w.msix(TX);
        assert!(w.clone().verdict().passed());
        let c = costs(&w);
        for purpose in [Purpose::UsedElement, Purpose::IndirectTable] {
            let t = c.traffic[&(purpose, Some(TX))];
            let entries = if purpose == Purpose::IndirectTable { 2 } else { 1 };
            assert_eq!((t.requests, t.items), (2, entries), "{purpose:?}");
        }
    }

    #[test]
    fn enabled_bytes_count_not_dwords() {
        let write = |fbe, lbe, n: usize| {
            payload_bytes(&Body::MWr {
                req: 0,
                tag: 0,
                addr: 0,
                fbe,
                lbe,
                data: vec![0; n],
            })
        };
        assert_eq!(
            [
                write(0xf, 0xf, 8),
                write(0b1100, 0, 4),
                write(0b1000, 0b0001, 12),
                write(0, 0, 4)
            ],
            [8, 2, 6, 0]
        );
    }
}
