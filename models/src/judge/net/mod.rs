//! The network device's scoreboard: frames in, frames out, control commands.

pub(crate) mod control;
pub(crate) mod filter;
mod given;
mod moderation;
pub(crate) mod receive;
pub(crate) mod shape;
pub(crate) mod transmit;

use std::collections::BTreeMap;

use super::coalesce::Limits;
use super::queue::chain::Chain;
use super::queue::{Queue, Returned};
use super::startup::Startup;
use super::world::World;
use control::Control;
use filter::Mac;
use receive::{Buffer, Receive};
use shape::{Role, tx_queue};
use transmit::Transmit;

/// Longest control command kept, in bytes.
const LONGEST_COMMAND: u64 = 1 << 16;

/// The scoreboard.
#[derive(Debug)]
pub(crate) struct Net {
    transmit: Transmit,
    receive: Receive,
    control: Control,
    pub(crate) mac: Option<Mac>,
}

impl Net {
    pub(crate) fn new() -> Self {
        Net {
            transmit: Transmit::default(),
            receive: Receive::default(),
            control: Control::new(0, None, None),
            mac: None,
        }
    }

    /// The device was started with these features and these queues.
    pub(crate) fn start(&mut self, running: &[u16], w: &World) {
        let mut fresh = Control::new(w.features, w.shape.pairs(), self.mac);
        for &queue in running.iter().filter(|&&q| is_data(q, w)) {
            fresh.coalesce(|s| s.enable(queue));
        }
        let before = std::mem::replace(&mut self.control, fresh);
        // A driver may fill its queues while the write of DRIVER_OK is still on its way.
        self.control.adopt(before);
    }

    /// A chain became available and is known in full.
    pub(crate) fn chain(&mut self, queue: &Queue, number: u64, w: &mut World) {
        let Some(chain) = queue.chain(number).filter(|c| c.walked) else {
            return;
        };
        if queue.fault.as_ref().is_some_and(|f| f.0 <= chain.number) {
            return;
        }
        match w.shape.role(queue.index) {
            Role::Tx(pair) => {
                self.transmit.chain(pair, chain, w);
                if w.stores {
                    given::transmit(pair, chain, self.control.commanded_pairs(), w);
                }
            }
            Role::Control => {
                let mut bytes = Vec::new();
                for s in chain
                    .segments
                    .iter()
                    .filter(|s| !s.writable && chain.readable_bytes <= LONGEST_COMMAND)
                {
                    bytes.extend_from_slice(&w.shadow.bytes(s.addr, s.len as usize));
                }
                if w.stores {
                    given::command(queue.index, &bytes, w);
                    let room = chain.writable_bytes;
                    self.control.command(chain.number, bytes, room);
                    self.receive.filters_changed(&self.control, w);
                }
            }
            Role::Rx(pair) if w.stores => given::receive(pair, chain, w),
            Role::Rx(_) | Role::Other => {}
        }
    }

    /// The device read bytes of a chain's readable part (wanted only without stores).
    pub(crate) fn read(&mut self, queue: u16, chain: u64, offset: u64, data: &[u8], w: &World) {
        if let Role::Tx(pair) = w.shape.role(queue) {
            self.transmit.read(pair, chain, offset, data);
        }
    }

    /// A read of a chain's buffers failed.
    pub(crate) fn read_failed(&mut self, queue: u16, chain: u64, w: &World) {
        match w.shape.role(queue) {
            Role::Tx(pair) => self.transmit.failed(pair, chain),
            Role::Control => self.control.unreadable(chain),
            Role::Rx(_) | Role::Other => {}
        }
    }

    /// Chains of a queue were published as used, together. Returns how many packets of a data queue that completes.
    pub(crate) fn returned(&mut self, queue: &Queue, returned: &[Returned], w: &mut World) -> u64 {
        let index = queue.index;
        match w.shape.role(index) {
            Role::Tx(pair) => {
                for r in returned {
                    self.transmit.returned(pair, r.chain);
                }
                return returned.len() as u64;
            }
            Role::Rx(pair) => {
                let buffers = returned.iter().filter_map(|&r| buffer(queue, r, w)).collect();
                let shape = w.shape.clone();
                return self.receive.returned(pair, buffers, &shape, w);
            }
            Role::Control if w.stores => {
                for r in returned {
                    let Some(c) = queue.chain(r.chain) else { continue };
                    let number = c.number;
                    let answer = answer(c, r.len, w);
                    self.control.returned(index, number, &answer, w);
                    self.receive.filters_changed(&self.control, w);
                }
            }
            Role::Control | Role::Other => {}
        }
        0
    }

    /// A queue was enabled.
    pub(crate) fn queue_enabled(&mut self, queue: u16, w: &World) {
        if is_data(queue, w) {
            self.control.coalesce(|s| s.enable(queue));
        }
    }

    /// A reset of a queue was asked for.
    pub(crate) fn queue_stopping(&mut self, queue: u16) {
        self.control.coalesce(|s| s.disable(queue));
    }

    /// Limits of interrupt moderation that may be in force for a data queue.
    pub(crate) fn limits(&self, queue: u16) -> Vec<Limits> {
        let mut all: Vec<Limits> = Vec::new();
        for limits in self.control.settings().filter_map(|s| s.of(queue)) {
            if !all.contains(&limits) {
                all.push(limits);
            }
        }
        all
    }

    pub(crate) fn wire_tx(
        &mut self,
        pair: u16,
        error: bool,
        data: &[u8],
        queues: &BTreeMap<u16, Queue>,
        w: &mut World,
    ) {
        let header = w.shape.header_bytes();
        self.transmit
            .wire(pair, error, data, header, queues.get(&tx_queue(pair)), w);
    }

    pub(crate) fn wire_rx(&mut self, flow: u16, data: &[u8], w: &World) {
        self.receive.wire(flow, data, &self.control, w);
    }

    pub(crate) fn wire_drop(
        &mut self,
        reason: u8,
        queues: &BTreeMap<u16, Queue>,
        startup: &Startup,
        w: &mut World,
    ) {
        let shape = w.shape.clone();
        self.receive.dropped(reason, &shape, queues, startup, w);
    }

    /// One queue was reset.
    pub(crate) fn queue_reset(&mut self, queue: u16, w: &World) {
        match w.shape.role(queue) {
            Role::Tx(pair) => self.transmit.reset(pair, w.shape.header_bytes()),
            Role::Rx(pair) => self.receive.reset(Some(pair)),
            Role::Control | Role::Other => {}
        }
    }

    /// The device was reset.
    pub(crate) fn reset(&mut self, queues: impl Iterator<Item = u16>, w: &World) {
        for q in queues {
            self.queue_reset(q, w);
        }
        self.receive.reset(None);
        self.control = Control::new(0, None, self.mac);
    }

    /// The run is over, and complete.
    pub(crate) fn finish(self, w: &mut World) {
        self.transmit.finish(w.shape.header_bytes(), w);
        self.receive.finish(w);
    }
}

fn is_data(queue: u16, w: &World) -> bool {
    matches!(w.shape.role(queue), Role::Rx(_) | Role::Tx(_))
}

/// Longest answer of a control command: acknowledge byte and the limits of a queue.
const ANSWER_BYTES: u64 = 9;

/// The first writable bytes of a returned control chain, as far as they were written; the acknowledge byte also if the used length misses it.
fn answer(chain: &Chain, len: u32, w: &World) -> Vec<u8> {
    let written = (0..ANSWER_BYTES).take_while(|&n| chain.written.contains(n, n + 1));
    let known = (written.count() as u64).min(u64::from(len).max(1)) as usize;
    let mut bytes = Vec::new();
    for s in chain.segments.iter().filter(|s| s.writable) {
        let n = (s.len as usize).min(known - bytes.len());
        bytes.extend_from_slice(&w.shadow.bytes(s.addr, n));
    }
    bytes
}

fn buffer(queue: &Queue, r: Returned, w: &World) -> Option<Buffer> {
    let c = queue.chain(r.chain).filter(|c| c.walked)?;
    let len = (u64::from(r.len).min(c.writable_bytes)) as usize;
    let mut data = vec![0; len];
    let mut at = 0;
    for s in c.segments.iter().filter(|s| s.writable) {
        let n = (s.len as usize).min(len - at);
        w.shadow.read(s.addr, &mut data[at..at + n]);
        at += n;
    }
    Some(Buffer {
        data,
        full: u64::from(r.len) == c.writable_bytes,
        chain: c.number,
    })
}
