//! The yardstick: how few requests and bytes the same chains could have cost.
//!
//! The minimum takes what the device could not choose as given: how many chains it learnt of at each read of the available index, which descriptors
//! they took, where their buffers lay, ring ends, the link's limits. It asks of the device one read of the index a batch, the fewest reads that bring
//! the entries and descriptors, every payload byte once, and one return of the batch, shared with others that ended with it (on receive queues, where frames come when they come, one return
//! where the device made one).

mod chain;
mod cost;
mod queue;
mod tally;

use std::collections::BTreeMap;

use ringside_models::event::Link;
use ringside_models::judge::{Cause, Purpose};
use ringside_models::tlp::{Body, Tlp};

use crate::registers::{Change, Role};
use cost::{Cost, Limits};
use queue::Queue;
pub(crate) use tally::{Row, Tally};

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

    /// The driver enabled or stopped queues. `(event_idx, notification_data, packed)` are the features in force.
    pub(crate) fn change(
        &mut self,
        change: Change,
        (event_idx, notification_data, packed): (bool, bool, bool),
        role: impl Fn(u16) -> Role,
    ) {
        match change {
            Change::Enabled(number, ring) => {
                self.stop(number);
                self.notification_data = notification_data;
                if packed {
                    self.off = Some("packed rings: the minimum is known for split rings only");
                    return;
                }
                if ring.size == 0 {
                    self.off = Some("the size of a queue is not in the trace");
                    return;
                }
                self.roles.insert(number, role(number));
                self.queues
                    .insert(number, Queue::new(ring, role(number), event_idx));
            }
            Change::Stopped(number) => self.stop(number),
            Change::Reset => self.finish_queues(),
        }
    }

    fn stop(&mut self, number: u16) {
        if let Some(queue) = self.queues.remove(&number) {
            let tally = self.tallies.entry(queue.role).or_default();
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
            && let (Some(queue), [_, _, low, high]) =
                (cause.queue.and_then(|q| self.queues.get_mut(&q)), data.as_slice())
        {
            queue.told(u16::from_le_bytes([*low, *high]));
        }
    }

    /// Chains that the device knows of on the queue of this request.
    pub(crate) fn known(&self, cause: Cause) -> u64 {
        cause
            .queue
            .and_then(|q| self.queues.get(&q))
            .map_or(0, Queue::known)
    }

    /// The device read memory; when it asked, it knew of `known` chains.
    pub(crate) fn read(&mut self, addr: u64, data: &[u8], known: u64, cause: Cause) {
        if !matches!(cause.purpose, Purpose::Payload)
            && let Some(queue) = cause.queue.and_then(|q| self.queues.get_mut(&q))
        {
            queue.read(addr, data, known, cause.purpose);
        }
    }

    /// The device wrote memory.
    pub(crate) fn wrote(&mut self, addr: u64, data: &[u8], cause: Cause) {
        if !matches!(cause.purpose, Purpose::Payload)
            && let Some(queue) = cause.queue.and_then(|q| self.queues.get_mut(&q))
        {
            let tally = self.tallies.entry(queue.role).or_default();
            queue.wrote(addr, data, &self.limits, tally);
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
