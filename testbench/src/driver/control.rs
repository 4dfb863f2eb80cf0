//! The control queue: one command at a time, header, data and acknowledgement each an element of its own, as Linux lays them out.

use ringside_sim::SimHandle;

use super::command::Command;
use super::error::DriverError;
use super::queue::{SharedQueue, publish, wait_used};
use super::ring::{Element, Shape};
use crate::host::memory::Memory;

/// Cycles that a command may take.
const ANSWER_CYCLES_MAX: u64 = 200_000;
/// What the ack byte holds before the device writes it: neither OK (0) nor ERR (1).
const UNWRITTEN: u8 = 0xaa;
/// Bytes of a command shown in messages.
const SHOWN: usize = 8;

/// The first bytes of a command, for messages.
#[must_use]
pub fn shown(command: &Command) -> Vec<u8> {
    let bytes = command.bytes();
    bytes[..bytes.len().min(SHOWN)].to_vec()
}

/// A control queue at work.
pub struct Control {
    queue: SharedQueue<()>,
    shape: Shape,
    memory: Memory,
    sim: SimHandle,
}

impl Control {
    /// Commands through `queue`, their elements laid out as `shape` says.
    #[must_use]
    pub fn new(queue: SharedQueue<()>, shape: Shape, memory: Memory, sim: SimHandle) -> Self {
        Control {
            queue,
            shape,
            memory,
            sim,
        }
    }

    /// Sends a command and waits for its answer: the writable part as far as the device says it wrote it, ack byte first.
    ///
    /// # Errors
    /// No answer, or a used ring that makes no sense.
    pub async fn command(&self, command: &Command) -> Result<Vec<u8>, DriverError> {
        let bytes = command.bytes();
        let (header, data) = bytes.split_at(bytes.len().min(2));
        let mut elements = Vec::new();
        for part in [header, data].into_iter().filter(|p| !p.is_empty()) {
            let addr = self.memory.alloc(part.len() as u64, 2)?;
            self.memory.store(addr, part);
            elements.push(Element {
                addr,
                len_bytes: part.len() as u32,
                write: false,
            });
        }
        let readable = elements.len();
        for len_bytes in command.writable() {
            let addr = self.memory.alloc(len_bytes.into(), 1)?;
            self.memory.store(addr, &vec![UNWRITTEN; len_bytes as usize]);
            elements.push(Element {
                addr,
                len_bytes,
                write: true,
            });
        }
        self.queue.borrow_mut().add(&elements, self.shape, ())?;
        publish(&self.queue).await?;
        let answer = self.sim.timeout(ANSWER_CYCLES_MAX, self.answer()).await;
        let written = answer.map_err(|e| DriverError::NoAnswer {
            command: shown(command),
            cycles: e.cycles,
        })??;
        let mut value = Vec::new();
        for e in &elements[readable..] {
            value.extend(self.memory.load(e.addr, e.len_bytes as usize));
        }
        for e in &elements {
            self.memory.free(e.addr);
        }
        // A device may say that it wrote less than the ack byte; what is there is judged all the same.
        value.truncate((written as usize).max(1));
        Ok(value)
    }

    /// Sends a command whose acknowledgement must be OK, or must not.
    ///
    /// # Errors
    /// As [`Control::command`], and when the answer is another.
    pub async fn command_expecting(&self, command: &Command, ok: bool) -> Result<(), DriverError> {
        let answer = self.command(command).await?;
        let (ack, result) = (answer[0], &answer[1..]);
        if (ack == 0) == ok {
            return match command.result() {
                Some(wanted) if ok && result != wanted => Err(DriverError::Result {
                    command: command.bytes(),
                    got: result.to_vec(),
                    wanted,
                }),
                _ => Ok(()),
            };
        }
        let wanted = if ok { "ok" } else { "error" };
        Err(DriverError::Answer {
            command: shown(command),
            ack,
            wanted,
        })
    }

    /// Waits for the answer: how many bytes the device says it wrote.
    async fn answer(&self) -> Result<u32, DriverError> {
        loop {
            self.queue.borrow_mut().ring.disable_interrupts();
            if let Some(used) = self.queue.borrow_mut().pop()? {
                return Ok(used.len_bytes);
            }
            wait_used(&self.queue, 1).await;
        }
    }
}
