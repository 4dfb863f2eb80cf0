//! What the judge meets on its way, in the words of the coverage plan.

use super::address_map::Area;
use super::cause::{Cause, Purpose};
use super::dma::{Failure, Read, ReadTarget};
use super::features::{EVENT_IDX, MRG_RXBUF, NOTIF_CONFIG_DATA, NOTIFICATION_DATA, RING_PACKED};
use super::queue::chain::Chain;
use super::queue::{Base, Queue, State};
use super::world::World;
use super::{Judge, Life};
use crate::coverage::{FEATURES, Of};

/// The ring's format.
fn ring(w: &World) -> &'static str {
    if w.has(RING_PACKED) { "packed" } else { "split" }
}

/// How both sides say what they want to be told of.
fn events(w: &World) -> &'static str {
    if w.has(EVENT_IDX) { "event_idx" } else { "flags" }
}

fn count(n: u64) -> &'static str {
    match n {
        0..=1 => "1",
        2..=7 => "to_7",
        8..=31 => "to_31",
        _ => "more",
    }
}

fn length(bytes: usize) -> &'static str {
    match bytes {
        0..=64 => "to_64",
        65..=512 => "to_512",
        513..=1518 => "to_1518",
        _ => "longer",
    }
}

/// Does what lies at positions `from..to` lie across the ring's end?
fn across(from: u64, to: u64, size: u16) -> bool {
    let size = u64::from(size);
    to > from && from / size != (to - 1) / size
}

/// The driver finished its negotiation.
pub(super) fn negotiated(w: &mut World) {
    let ring = ring(w);
    for (bit, name) in FEATURES {
        let taken = if w.has(bit) { "yes" } else { "no" };
        w.book.cover.meet(Of::Feature, &[ring, name, taken]);
    }
}

/// A chain comes back.
pub(super) fn returned(base: &Base, chain: &Chain, w: &mut World) {
    let ring = ring(w);
    let size = match base.size {
        0..=4 => "to_4",
        5..=64 => "to_64",
        65..=256 => "to_256",
        _ => "larger",
    };
    let lap = match chain.position {
        p if p < u64::from(base.size) => "first",
        p if p < 65_536 => "later",
        _ => "index_wrapped",
    };
    w.book.cover.meet(Of::Lap, &[ring, size, lap]);
    if ring == "packed" && !base.size.is_power_of_two() {
        w.book.cover.meet(Of::Edge, &["packed_odd_size"]);
    }
    if !chain.walked || chain.fault.is_some() {
        return;
    }
    if ring == "packed" && chain.slots.first() > chain.slots.last() {
        w.book.cover.meet(Of::Edge, &["packed_list"]);
    }
    let shape = match (chain.indirect.is_some(), chain.slots.len(), chain.segments.len()) {
        (true, 2.., _) => "mixed",
        (true, _, 1) => "table_one",
        (true, _, 2..=4) => "table_few",
        (true, ..) => "table_many",
        (false, _, 1) => "one",
        (false, _, 2..=4) => "few",
        (false, ..) => "many",
    };
    let access = match (chain.readable_bytes, chain.writable_bytes) {
        (_, 0) => "read",
        (0, _) => "write",
        _ => "both",
    };
    let order = if base.in_order { "in_order" } else { "any_order" };
    w.book.cover.meet(Of::Chain, &[ring, shape, access, order]);
}

/// The device learned of chains by one answer; `from` is the number of the first.
pub(super) fn learned(base: &Base, from: u64, w: &mut World) {
    let n = base.device_known - from;
    if n > 0 {
        let (ring, events) = (ring(w), events(w));
        w.book.cover.meet(Of::Batch, &[ring, "learned", events, count(n)]);
        if ring == "split" && across(from, base.device_known, base.size) {
            w.book.cover.meet(Of::Edge, &["split_learned"]);
        }
    }
}

/// The device published used buffers: chains, and the ring positions that they take.
pub(super) fn published(chains: u64, (from, to): (u64, u64), size: u16, w: &mut World) {
    let (ring, events) = (ring(w), events(w));
    w.book
        .cover
        .meet(Of::Batch, &[ring, "returned", events, count(chains)]);
    if across(from, to, size) {
        let edge = if ring == "split" {
            "split_returned"
        } else {
            "packed_returned"
        };
        w.book.cover.meet(Of::Edge, &[edge]);
    }
}

/// A kick arrived.
pub(super) fn kick(w: &mut World) {
    let by = match (w.has(NOTIF_CONFIG_DATA), w.has(NOTIFICATION_DATA)) {
        (false, false) => "kick",
        (false, true) => "kick_position",
        (true, false) => "kick_value",
        (true, true) => "kick_value_position",
    };
    let (ring, events) = (ring(w), events(w));
    w.book.cover.meet(Of::Told, &[ring, events, by]);
}

/// An interrupt of a queue arrived.
pub(super) fn interrupt(purpose: Purpose, w: &mut World) {
    let by = if purpose == Purpose::Msix { "msix" } else { "intx" };
    let (ring, events) = (ring(w), events(w));
    w.book.cover.meet(Of::Told, &[ring, events, by]);
}

/// A read was answered, or given up.
pub(super) fn answered(read: &Read, cause: &Cause, overtaken: bool, w: &mut World) {
    let of = match cause.purpose {
        Purpose::AvailIndex => "avail_index",
        Purpose::AvailEntry => "avail_entry",
        Purpose::Descriptor => "descriptor",
        Purpose::IndirectTable => "table",
        Purpose::DriverEvent => "driver_event",
        Purpose::Payload => "payload",
        _ => return,
    };
    if let Some(failure) = read.failed {
        let how = match failure {
            Failure::Unsupported => "unsupported",
            Failure::Aborted => "aborted",
            Failure::Poisoned => "poisoned",
            Failure::Silence => "silence",
        };
        let ring = ring(w);
        w.book.cover.meet(Of::ReadError, &[ring, of, how]);
        return;
    }
    let of = match read.target {
        ReadTarget::Ring {
            area: Area::Desc | Area::Driver,
            ..
        } => "ring",
        ReadTarget::Spans { .. } if of == "payload" => "payload",
        _ => return,
    };
    let pieces = match read.pieces {
        0..=1 => "one",
        2..=4 => "to_4",
        _ => "more",
    };
    let turn = if overtaken { "overtaken" } else { "in_turn" };
    w.book.cover.meet(Of::Answer, &[of, pieces, turn]);
}

/// A frame that was sent was compared.
pub(super) fn sent(bytes: usize, w: &mut World) {
    w.book.cover.meet(Of::Frame, &["sent", length(bytes)]);
}

/// A frame that was delivered is compared.
pub(super) fn delivered(bytes: usize, buffers: usize, w: &mut World) {
    w.book.cover.meet(Of::Frame, &["received", length(bytes)]);
    let mergeable = if w.has(MRG_RXBUF) { "yes" } else { "no" };
    let buffers = match buffers {
        0..=1 => "1",
        2 => "2",
        _ => "more",
    };
    let ring = ring(w);
    w.book
        .cover
        .meet(Of::Merge, &[ring, mergeable, buffers, length(bytes)]);
}

/// A frame was dropped, with this number of a reason.
pub(super) fn dropped(reason: u8, w: &mut World) {
    let reason = match reason {
        1 => "filter",
        2 => "no_buffers",
        3 => "buffer_too_small",
        4 => "too_long",
        5 => "queue_not_running",
        _ => return,
    };
    let ring = ring(w);
    w.book.cover.meet(Of::Drop, &[ring, reason]);
}

/// A control command of this class was acknowledged.
pub(super) fn command(class: Option<u8>, ok: bool, w: &mut World) {
    let class = match class {
        Some(0) => "rx",
        Some(1) => "mac",
        Some(2) => "vlan",
        Some(4) => "mq",
        Some(6) => "coalesce",
        _ => "other",
    };
    let (ring, answer) = (ring(w), if ok { "ok" } else { "error" });
    w.book.cover.meet(Of::Command, &[ring, class, answer]);
}

impl Judge {
    /// A reset or suspension is asked for, of all queues or of one.
    pub(super) fn met_reset(&mut self, how: &str, only: Option<u16>) {
        if self.life != Life::Running {
            return;
        }
        let live = |q: &&Queue| q.state == State::Live && only.is_none_or(|only| only == q.index);
        let queues: Vec<&Queue> = self.queues.values().filter(live).collect();
        let mut under_way = Vec::new();
        for q in &queues {
            let begun = q.begun().is_some();
            let known = q.in_flight().any(|c| c.known != 0 && !c.started);
            let of = [
                (q.has_unpublished(), "unpublished"),
                (begun, "begun"),
                (self.reads.wait_for(q.index), "reading"),
                (known, "known"),
            ];
            under_way.extend(of.iter().filter(|(is, _)| *is).map(|(_, what)| *what));
        }
        if under_way.is_empty() && !queues.is_empty() {
            under_way.push("nothing");
        }
        under_way.sort_unstable();
        under_way.dedup();
        let ring = ring(&self.w);
        for what in under_way {
            self.w.book.cover.meet(Of::Reset, &[how, ring, what]);
        }
    }
}
