//! Reception: buffers given, packets put together from one or more of them, buffers given again.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ringside_sim::sync::Event;

use super::config::{NET_HEADER_BYTES, RxConfig};
use super::error::DriverError;
use super::queue::{SharedQueue, publish, wait_used};
use super::ring::{Element, Shape};
use crate::host::memory::{Memory, MemoryError};

/// Alignment of a receive buffer: a cache line, as page fragments have.
const ALIGN_BYTES: u64 = 64;

/// One buffer's elements.
#[derive(Clone, Debug)]
pub struct RxBuffer(Vec<Element>);

/// What was received. Outlives resets of the device.
pub struct Inbox {
    packets: Cell<u64>,
    bytes: Cell<u64>,
    /// Packets whose header or length makes no sense, with the reason of the first.
    bad: Cell<u64>,
    first_bad: RefCell<Option<String>>,
    refill: Cell<bool>,
    refill_on: Event,
}

impl Default for Inbox {
    fn default() -> Self {
        Inbox {
            packets: Cell::new(0),
            bytes: Cell::new(0),
            bad: Cell::new(0),
            first_bad: RefCell::default(),
            refill: Cell::new(true),
            refill_on: Event::new("refill allowed"),
        }
    }
}

impl Inbox {
    /// Packets received.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets.get()
    }

    /// Frame bytes received.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// Packets that made no sense, and why the first did not.
    #[must_use]
    pub fn bad(&self) -> (u64, Option<String>) {
        (self.bad.get(), self.first_bad.borrow().clone())
    }

    /// Allows fresh buffers, or not.
    pub fn set_refill(&self, on: bool) {
        self.refill.set(on);
        self.refill_on.notify();
    }

    fn note_bad(&self, why: String) {
        self.bad.set(self.bad.get() + 1);
        self.first_bad.borrow_mut().get_or_insert(why);
    }
}

/// A packet of which some buffers have come.
#[derive(Default)]
struct Partial {
    buffers_left: u16,
    bytes: u64,
}

/// One receive queue at work.
pub struct Receiver {
    queue: SharedQueue<RxBuffer>,
    inbox: Rc<Inbox>,
    config: RxConfig,
    buffer_bytes: u32,
    mergeable: bool,
    memory: Memory,
    partial: Partial,
}

impl Receiver {
    /// Receives into buffers of `buffer_bytes` through `queue`.
    #[must_use]
    pub fn new(
        queue: SharedQueue<RxBuffer>,
        inbox: Rc<Inbox>,
        config: RxConfig,
        buffer_bytes: u32,
        mergeable: bool,
        memory: Memory,
    ) -> Self {
        let partial = Partial::default();
        Receiver {
            queue,
            inbox,
            config,
            buffer_bytes,
            mergeable,
            memory,
            partial,
        }
    }

    /// Fills the queue for the first time. Before `DRIVER_OK` nobody is told (INIT-DRV-015); [`Receiver::run`] does that.
    ///
    /// # Errors
    /// No memory, or a buffer that does not fit the queue.
    pub fn prime(&mut self) -> Result<(), DriverError> {
        while self.add_one()? {}
        self.queue.borrow_mut().ring.publish(None);
        Ok(())
    }

    /// Works until the device makes no sense any more.
    ///
    /// # Errors
    /// What the device, or the driver, did wrong.
    pub async fn run(mut self) -> Result<(), DriverError> {
        publish(&self.queue).await?; // kicks for the buffers given before DRIVER_OK
        loop {
            let gate = self.queue.borrow().gate();
            gate.pass().await;
            let resumed = self.inbox.refill_on.wait();
            self.queue.borrow_mut().ring.disable_interrupts();
            let mut fresh = 0;
            loop {
                let used = self.queue.borrow_mut().pop()?;
                let Some(used) = used else { break };
                self.take(&used.token, used.len_bytes);
                if self.inbox.refill.get() && self.add_one()? {
                    fresh += 1;
                    if fresh >= self.config.refill_batch {
                        fresh = 0;
                        publish(&self.queue).await?;
                    }
                }
            }
            if self.inbox.refill.get() {
                while self.add_one()? {
                    fresh += 1;
                }
            }
            if fresh > 0 {
                publish(&self.queue).await?;
            }
            if self.queue.borrow().ring.has_used() {
                continue;
            }
            if self.inbox.refill.get() {
                wait_used(&self.queue, 1).await;
            } else {
                super::queue::wait_used_or(&self.queue, 1, resumed).await;
            }
        }
    }

    fn shape(&self) -> Shape {
        self.config.shape
    }

    /// Gives one buffer; false if the queue has as many as it may.
    fn add_one(&mut self) -> Result<bool, DriverError> {
        let q = &mut *self.queue.borrow_mut();
        let most = if self.config.buffers == 0 {
            usize::MAX
        } else {
            self.config.buffers.into()
        };
        let elements = self.elements();
        if q.ring.in_flight() >= most || !q.ring.has_room(elements, self.shape()) {
            return Ok(false);
        }
        let buffer = self.allocate()?;
        q.add(&buffer.0.clone(), self.shape(), buffer)?;
        Ok(true)
    }

    fn piece_bytes(&self) -> u32 {
        match self.config.element_bytes {
            0 => self.buffer_bytes,
            n => n.min(self.buffer_bytes),
        }
    }

    fn elements(&self) -> usize {
        self.buffer_bytes.div_ceil(self.piece_bytes()) as usize
    }

    fn allocate(&self) -> Result<RxBuffer, MemoryError> {
        let (mut elements, mut left) = (Vec::new(), self.buffer_bytes);
        while left > 0 {
            let len_bytes = left.min(self.piece_bytes());
            let addr = self.memory.alloc(len_bytes.into(), ALIGN_BYTES)?;
            elements.push(Element {
                addr,
                len_bytes,
                write: true,
            });
            left -= len_bytes;
        }
        Ok(RxBuffer(elements))
    }

    /// Takes one used buffer: the first of a packet, or a further one.
    fn take(&mut self, buffer: &RxBuffer, len_bytes: u32) {
        if self.partial.buffers_left == 0 {
            if len_bytes < NET_HEADER_BYTES {
                self.inbox.note_bad(format!(
                    "a used length of {len_bytes} bytes has no room for the packet header"
                ));
            } else {
                let header = self.load(buffer, NET_HEADER_BYTES);
                let buffers = u16::from_le_bytes([header[10], header[11]]);
                let right = if self.mergeable {
                    buffers >= 1
                } else {
                    buffers == 1
                };
                if !right {
                    self.inbox.note_bad(format!("num_buffers is {buffers}"));
                }
                let buffers_left = buffers.max(1) - 1;
                self.partial = Partial {
                    buffers_left: if self.mergeable { buffers_left } else { 0 },
                    bytes: u64::from(len_bytes - NET_HEADER_BYTES),
                };
                self.finish_if_whole();
            }
        } else {
            self.partial.buffers_left -= 1;
            self.partial.bytes += u64::from(len_bytes);
            self.finish_if_whole();
        }
        // As a stack hands the packet on and takes a fresh page: the old memory is freed and watched.
        buffer.0.iter().for_each(|e| self.memory.free(e.addr));
    }

    fn finish_if_whole(&mut self) {
        if self.partial.buffers_left == 0 {
            self.inbox.packets.set(self.inbox.packets.get() + 1);
            self.inbox.bytes.set(self.inbox.bytes.get() + self.partial.bytes);
        }
    }

    /// The first `bytes` bytes of a buffer, over its elements.
    fn load(&self, buffer: &RxBuffer, bytes: u32) -> Vec<u8> {
        let mut data = Vec::new();
        for e in &buffer.0 {
            let want = (bytes as usize - data.len()).min(e.len_bytes as usize);
            data.extend(self.memory.load(e.addr, want));
        }
        data
    }
}

/// Frees the buffers of a queue that was reset.
pub fn free_all(memory: &Memory, tokens: Vec<RxBuffer>) {
    tokens
        .into_iter()
        .flat_map(|t| t.0)
        .for_each(|e| memory.free(e.addr));
}

/// Largest number of buffers of a queue of `size` for `buffer_bytes`, as a check before a run.
#[must_use]
pub fn fits(config: &RxConfig, buffer_bytes: u32, size: u16) -> bool {
    let piece = if config.element_bytes == 0 {
        buffer_bytes
    } else {
        config.element_bytes.min(buffer_bytes)
    };
    let elements = buffer_bytes.div_ceil(piece) as usize;
    config.shape.descriptors(elements) <= usize::from(size) && elements <= usize::from(size)
}
