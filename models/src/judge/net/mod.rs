//! The network device's scoreboard: frames in, frames out, control commands.

pub(crate) mod control;
pub(crate) mod filter;
pub(crate) mod receive;
pub(crate) mod shape;
pub(crate) mod transmit;

use std::collections::BTreeMap;

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

    /// The device was started with these features.
    pub(crate) fn start(&mut self, w: &World) {
        let fresh = Control::new(w.features, w.shape.pairs(), self.mac);
        let before = std::mem::replace(&mut self.control, fresh);
        // A driver may fill its queues while the write of DRIVER_OK is still on its way.
        self.control.adopt(before);
    }

    /// A chain became available and is known in full.
    pub(crate) fn chain(&mut self, queue: &Queue, number: u64, w: &World) {
        let Some(chain) = queue.chain(number).filter(|c| c.walked) else {
            return;
        };
        if queue.fault.as_ref().is_some_and(|f| f.0 <= chain.number) {
            return;
        }
        match w.shape.role(queue.index) {
            Role::Tx(pair) => self.transmit.chain(pair, chain, w),
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
                    self.control.command(chain.number, bytes);
                    self.receive.filters_changed(&self.control, w);
                }
            }
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
        if let Role::Tx(pair) = w.shape.role(queue) {
            self.transmit.failed(pair, chain);
        }
    }

    /// Chains of a queue were published as used, together.
    pub(crate) fn returned(&mut self, queue: &Queue, returned: &[Returned], w: &mut World) {
        let index = queue.index;
        match w.shape.role(index) {
            Role::Tx(pair) => {
                for r in returned {
                    self.transmit.returned(pair, r.chain);
                }
            }
            Role::Rx(pair) => {
                let buffers = returned.iter().filter_map(|&r| buffer(queue, r, w)).collect();
                let shape = w.shape.clone();
                self.receive.returned(pair, buffers, &shape, w);
            }
            Role::Control if w.stores => {
                for r in returned {
                    let Some(c) = queue.chain(r.chain) else { continue };
                    let at = c
                        .segments
                        .iter()
                        .find(|s| s.writable && s.len > 0)
                        .map(|s| s.addr);
                    let ack = at
                        .filter(|_| c.written.contains(0, 1))
                        .map(|a| w.shadow.bytes(a, 1)[0]);
                    self.control.returned(index, c.number, ack, w);
                    self.receive.filters_changed(&self.control, w);
                }
            }
            Role::Control | Role::Other => {}
        }
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
