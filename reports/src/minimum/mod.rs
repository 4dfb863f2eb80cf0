//! The yardstick: how few requests and bytes the same chains could have cost.
//!
//! The minimum takes what the device could not choose as given: how many chains it learnt of at once (at each read of the available index; of a packed
//! ring, what was published when it asked), which descriptors they took, where their buffers lay, ring ends, the link's limits. It asks of the device
//! one read of the index a batch, the fewest reads that bring the entries and descriptors, every payload byte once, and one return of the batch, shared
//! with others that ended with it (on receive queues, where frames come when they come, one return where the device made one).

mod chain;
mod cost;
mod packed;
mod published;
mod queue;
mod tally;

use std::collections::BTreeMap;

use ringside_models::event::Link;
use ringside_models::judge::{Cause, Purpose};
use ringside_models::tlp::{Body, Tlp};

use crate::flight::Asked;
use crate::registers::{Change, Role};
use chain::Segment;
use cost::{Cost, Limits};
pub(crate) use tally::{Row, Tally};

/// A queue of either format.
#[derive(Debug)]
enum Queue {
    Split(queue::Queue),
    Packed(packed::Queue),
}

impl Queue {
    fn role(&self) -> Role {
        match self {
            Queue::Split(q) => q.role,
            Queue::Packed(q) => q.role,
        }
    }

    fn finish(self, limits: &Limits, tally: &mut Tally) {
        match self {
            Queue::Split(q) => q.finish(limits, tally),
            Queue::Packed(q) => q.finish(limits, tally),
        }
    }
}

/// Negotiated features that the minimum depends on.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each feature bit")]
pub(crate) struct Features {
    pub(crate) event_idx: bool,
    pub(crate) notification_data: bool,
    pub(crate) packed: bool,
    pub(crate) in_order: bool,
}

/// Follows every queue.
#[derive(Debug)]
pub(crate) struct Yardstick {
    limits: Limits,
    queues: BTreeMap<u16, Queue>,
    roles: BTreeMap<u16, Role>,
    pub(crate) tallies: BTreeMap<Role, Tally>,
    notification_data: bool,
    /// Why there is no yardstick.
    pub(crate) off: Option<&'static str>,
}

impl Yardstick {
    pub(crate) fn new(link: &Link) -> Self {
        Yardstick {
            limits: Limits::new(link),
            queues: BTreeMap::new(),
            roles: BTreeMap::new(),
            tallies: BTreeMap::new(),
            notification_data: false,
            off: None,
        }
    }

    /// The driver enabled or stopped queues.
    pub(crate) fn change(&mut self, change: Change, features: Features, role: impl Fn(u16) -> Role) {
        match change {
            Change::Enabled(number, ring) => {
                self.stop(number);
                self.notification_data = features.notification_data;
                if ring.size == 0 {
                    self.off = Some("the size of a queue is not in the trace");
                    return;
                }
                let role = role(number);
                self.roles.insert(number, role);
                let queue = if features.packed {
                    Queue::Packed(packed::Queue::new(ring, role, features.in_order))
                } else {
                    Queue::Split(queue::Queue::new(
                        ring,
                        role,
                        features.event_idx,
                        features.in_order,
                    ))
                };
                self.queues.insert(number, queue);
            }
            Change::Stopped(number) => self.stop(number),
            Change::Reset => self.finish_queues(),
        }
    }

    fn stop(&mut self, number: u16) {
        if let Some(queue) = self.queues.remove(&number) {
            let tally = self.tallies.entry(queue.role()).or_default();
            queue.finish(&self.limits, tally);
        }
    }

    fn finish_queues(&mut self) {
        while let Some(number) = self.queues.keys().next().copied() {
            self.stop(number);
        }
    }

    fn actual(&mut self, cause: Cause, cost: Cost) {
        let Some(role) = cause.queue.and_then(|q| self.roles.get(&q)) else {
            return;
        };
        if matches!(cause.purpose, Purpose::Register | Purpose::Config) {
            return;
        }
        let tally = self.tallies.entry(*role).or_default();
        tally.rows.entry(cause.purpose).or_default().actual.add(cost);
    }

    /// The device sent a request.
    pub(crate) fn sent(&mut self, tlp: &Tlp, cause: Cause) {
        self.actual(
            cause,
            Cost {
                requests: 1,
                up_bytes: tlp.wire_bytes(),
                down_bytes: 0,
            },
        );
    }

    /// The host sent a packet: a completion or a kick.
    pub(crate) fn received(&mut self, tlp: &Tlp, cause: Cause) {
        self.actual(
            cause,
            Cost {
                requests: 0,
                up_bytes: 0,
                down_bytes: tlp.wire_bytes(),
            },
        );
        if self.notification_data
            && cause.purpose == Purpose::Kick
            && let Body::MWr { data, .. } = &tlp.body
            && let (Some(Queue::Split(queue)), [_, _, low, high]) =
                (cause.queue.and_then(|q| self.queues.get_mut(&q)), data.as_slice())
        {
            queue.told(u16::from_le_bytes([*low, *high]));
        }
    }

    /// What the queue of this request looks like at this cycle.
    pub(crate) fn asked(&mut self, cycle: u64, cause: Cause) -> Asked {
        match cause.queue.and_then(|q| self.queues.get_mut(&q)) {
            Some(Queue::Split(q)) => Asked {
                known: q.known(),
                visible: 0,
            },
            Some(Queue::Packed(q)) => q.asked(cycle),
            None => Asked::default(),
        }
    }

    /// Slots in hand of a packed queue.
    pub(crate) fn depth(&mut self, cycle: u64, queue: u16) -> Option<u16> {
        match self.queues.get_mut(&queue) {
            Some(Queue::Packed(q)) => u16::try_from(q.depth(cycle)).ok(),
            _ => None,
        }
    }

    /// The driver stored something that is visible from a cycle on.
    pub(crate) fn stored(&mut self, visible: u64, addr: u64, data: &[u8]) {
        for queue in self.queues.values_mut() {
            if let Queue::Packed(q) = queue {
                q.stored(visible, addr, data);
            }
        }
    }

    /// The device read memory.
    pub(crate) fn read(&mut self, addr: u64, data: &[u8], asked: Asked, cause: Cause) {
        if matches!(cause.purpose, Purpose::Payload) {
            return;
        }
        match cause.queue.and_then(|q| self.queues.get_mut(&q)) {
            Some(Queue::Split(q)) => q.read(addr, data, asked.known, cause.purpose),
            Some(Queue::Packed(q)) => q.read(addr, data, asked, cause.purpose),
            None => {}
        }
    }

    /// The device wrote memory.
    pub(crate) fn wrote(&mut self, addr: u64, data: &[u8], cause: Cause) {
        let Some(queue) = cause.queue.and_then(|q| self.queues.get_mut(&q)) else {
            return;
        };
        let tally = self.tallies.entry(queue.role()).or_default();
        match queue {
            Queue::Split(q) if cause.purpose != Purpose::Payload => q.wrote(addr, data, &self.limits, tally),
            Queue::Split(_) => {}
            Queue::Packed(q) => q.wrote(addr, data, cause.purpose, &self.limits, tally),
        }
    }

    /// Everything that the queues of frames cost and could have cost; `None` when a part of it is not known.
    pub(crate) fn total(&self) -> Option<Row> {
        let mut sum = Row::default();
        let mut any = false;
        for (role, tally) in &self.tallies {
            if *role == Role::Control || tally.chains == 0 {
                continue;
            }
            if !tally.counts() {
                return None;
            }
            any = true;
            let row = tally.total();
            sum.actual.add(row.actual);
            sum.minimum.add(row.minimum);
        }
        (any && self.off.is_none()).then_some(sum)
    }

    /// No more events come.
    pub(crate) fn finish(&mut self) {
        self.finish_queues();
        for tally in self.tallies.values_mut() {
            tally.cap();
        }
    }
}

/// Bytes that the device may write.
fn room(segments: &[Segment]) -> u64 {
    segments.iter().filter(|s| s.writable).map(|s| s.bytes).sum()
}

/// Moving the payload of a chain once.
fn transfers(segments: &[Segment], written: u64, limits: &Limits, tally: &mut Tally) {
    let mut left = written;
    for s in segments {
        if s.writable {
            let n = s.bytes.min(left);
            left -= n;
            tally.least(Purpose::Payload, limits.write(s.addr, n));
        } else {
            tally.least(Purpose::Payload, limits.read(s.addr, s.bytes));
        }
    }
}
