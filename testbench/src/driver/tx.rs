//! Transmission: frames from a backlog into chains, batches, kicks, and buffers taken back.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use ringside_sim::SimHandle;
use ringside_sim::sync::Event;

use super::config::{Events, NET_HEADER_BYTES, TxConfig};
use super::error::DriverError;
use super::queue::{SharedQueue, publish, wait_used_or};
use super::ring::Element;
use crate::host::memory::{Memory, MemoryError, Part};
use crate::wire::Frame;

/// Alignment of a transmit buffer: what a network stack's `NET_IP_ALIGN` leaves.
const ALIGN_BYTES: u64 = 2;

/// Memory of one frame under way.
#[derive(Debug)]
pub struct TxBuffers(Vec<u64>);

/// Frames that wait for a queue, and what became of the others. Outlives resets of the device.
pub struct Backlog {
    frames: RefCell<VecDeque<(u64, Frame)>>,
    work: Event,
    sent: Cell<u64>,
    returned: Cell<u64>,
    lost: Cell<u64>,
}

impl Default for Backlog {
    fn default() -> Self {
        Backlog {
            frames: RefCell::default(),
            work: Event::new("frames to send"),
            sent: Cell::new(0),
            returned: Cell::new(0),
            lost: Cell::new(0),
        }
    }
}

impl Backlog {
    /// Adds a frame that is due at `cycle`.
    pub fn push(&self, cycle: u64, frame: Frame) {
        self.frames.borrow_mut().push_back((cycle, frame));
        self.work.notify();
    }

    /// Frames not yet given to the device.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.frames.borrow().len()
    }

    /// Frames given to the device.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Frames given and neither taken back nor lost.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.sent.get() - self.returned.get() - self.lost.get()
    }

    /// Frames lost with a queue that was reset.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// Says that frames under way went with their queue.
    pub fn lose(&self, frames: u64) {
        self.lost.set(self.lost.get() + frames);
    }

    /// Is a frame due only after `cycle`?
    #[must_use]
    pub fn is_due_after(&self, cycle: u64) -> bool {
        self.next_due().is_some_and(|due| due > cycle)
    }

    fn next_due(&self) -> Option<u64> {
        self.frames.borrow().front().map(|f| f.0)
    }
}

/// One transmit queue at work.
pub struct Transmitter {
    queue: SharedQueue<TxBuffers>,
    backlog: Rc<Backlog>,
    config: TxConfig,
    memory: Memory,
    sim: SimHandle,
    events: Events,
}

impl Transmitter {
    /// Sends what is in `backlog` through `queue`.
    #[must_use]
    pub fn new(
        queue: SharedQueue<TxBuffers>,
        backlog: Rc<Backlog>,
        config: TxConfig,
        memory: Memory,
        sim: SimHandle,
        events: Events,
    ) -> Self {
        Transmitter {
            queue,
            backlog,
            config,
            memory,
            sim,
            events,
        }
    }

    /// Works until the device makes no sense any more.
    ///
    /// # Errors
    /// What the device, or the driver, did wrong.
    pub async fn run(self) -> Result<(), DriverError> {
        loop {
            let gate = self.queue.borrow().gate();
            gate.pass().await;
            let work = self.backlog.work.wait();
            self.queue.borrow_mut().ring.disable_interrupts();
            self.reclaim()?;
            if self.fill()? > 0 {
                publish(&self.queue).await?;
                continue;
            }
            let now = self.sim.now();
            let in_flight = self.queue.borrow().ring.in_flight() as u64;
            match self.backlog.next_due() {
                // Paced traffic: sleep until the next frame, taking buffers back on the way costs nothing.
                Some(due) if due > now => self.sim.until_cycle(due).await,
                waiting => {
                    let after = self.interrupt_after(in_flight, waiting.is_some());
                    match (in_flight, waiting) {
                        (0, None) => work.await,
                        (_, None) => wait_used_or(&self.queue, after, work).await,
                        (_, Some(_)) => super::queue::wait_used(&self.queue, after).await,
                    }
                }
            }
        }
    }

    /// After how many used chains an interrupt is worth it: a share of those in flight while frames wait, all of them at the end.
    fn interrupt_after(&self, in_flight: u64, frames_wait: bool) -> u16 {
        if self.events != Events::EventIdx {
            return 1;
        }
        let share = in_flight * u64::from(self.config.interrupt_after_per_mille) / 1000;
        (if frames_wait {
            share
        } else {
            in_flight.min(share.max(1))
        })
        .max(1) as u16
    }

    fn reclaim(&self) -> Result<(), DriverError> {
        let q = &mut *self.queue.borrow_mut();
        while let Some(used) = q.pop()? {
            used.token.0.iter().for_each(|b| self.memory.free(*b));
            self.backlog.returned.set(self.backlog.returned.get() + 1);
        }
        Ok(())
    }

    /// Adds a batch; the number of frames in it.
    fn fill(&self) -> Result<u16, DriverError> {
        let q = &mut *self.queue.borrow_mut();
        let now = self.sim.now();
        for count in 0..self.config.batch {
            let frame = {
                let frames = self.backlog.frames.borrow();
                match frames.front() {
                    Some((due, frame)) if *due <= now => frame.clone(),
                    _ => return Ok(count),
                }
            };
            let pieces = self.pieces(frame.data.len() as u32);
            // A chain longer than the queue would wait for ever: adding it says so.
            let fits = pieces.len() <= usize::from(q.ring.areas().size);
            if fits && !q.ring.has_room(pieces.len(), self.config.shape) {
                return Ok(count);
            }
            let (elements, buffers) = self.lay_out(q.index(), &frame.data, &pieces)?;
            q.add(&elements, self.config.shape, buffers)?;
            self.backlog.frames.borrow_mut().pop_front();
            self.backlog.sent.set(self.backlog.sent.get() + 1);
        }
        Ok(self.config.batch)
    }

    /// Lengths of the elements of header and frame, the header first.
    fn pieces(&self, frame_bytes: u32) -> Vec<u32> {
        let mut pieces = Vec::new();
        let cut = |total: u32, pieces: &mut Vec<u32>| {
            let most = if self.config.element_bytes == 0 {
                total
            } else {
                self.config.element_bytes
            };
            let mut left = total;
            while left > 0 {
                pieces.push(left.min(most));
                left -= left.min(most);
            }
        };
        if self.config.separate_header {
            pieces.push(NET_HEADER_BYTES);
            cut(frame_bytes, &mut pieces);
        } else {
            cut(NET_HEADER_BYTES + frame_bytes, &mut pieces);
        }
        pieces
    }

    fn lay_out(
        &self,
        queue: u16,
        frame: &[u8],
        pieces: &[u32],
    ) -> Result<(Vec<Element>, TxBuffers), MemoryError> {
        // The header without offloads is all zero, num_buffers included (NET-DRV-017, 018).
        let mut bytes = vec![0; NET_HEADER_BYTES as usize];
        bytes.extend_from_slice(frame);
        let (mut elements, mut buffers, mut at) = (Vec::new(), Vec::new(), 0);
        for piece in pieces {
            let addr = self.memory.alloc((*piece).into(), ALIGN_BYTES)?;
            self.memory.assign(addr, queue, Part::Payload);
            self.memory.store(addr, &bytes[at..at + *piece as usize]);
            at += *piece as usize;
            buffers.push(addr);
            elements.push(Element {
                addr,
                len_bytes: *piece,
                write: false,
            });
        }
        Ok((elements, TxBuffers(buffers)))
    }
}

/// Frees the buffers of a queue that was reset; the number of frames lost with it.
#[must_use]
pub fn free_all(memory: &Memory, tokens: Vec<TxBuffers>) -> u64 {
    let lost = tokens.len() as u64;
    tokens.into_iter().flat_map(|t| t.0).for_each(|b| memory.free(b));
    lost
}
