//! What all queues of the driver share: the ring, its registers, the way to wait for the device, the breaches planned for it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use ringside_sim::SimHandle;
use ringside_sim::sync::{Event, select2};

use super::config::{Events, KickConfig, Publish};
use super::error::DriverError;
use super::features::Features;
use super::gate::Gate;
use super::misbehave::{Misbehave, Wrong};
use super::ring::{AddError, Element, Ring, Shape, Used};
use super::transport::{QueueRegisters, Transport};
use crate::host::dice::Dice;

const NOTHING: Element = Element {
    addr: 0,
    len_bytes: 0,
    write: false,
};

/// Of a packet header: reserved flags, no segmentation, and rubbish in `hdr_len`, `gso_size`, `csum_start` and `csum_offset`.
const ODD_HEADER: [u8; 10] = [0xf0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// What does not change while a device runs.
#[derive(Clone)]
pub struct Context {
    /// The simulation.
    pub sim: SimHandle,
    /// The way to the device.
    pub transport: Transport,
    /// Features in force.
    pub features: Features,
    /// How both sides are told of progress.
    pub events: Events,
    /// When chains become visible to the device.
    pub publish: Publish,
    /// Cycles between two looks of a polling driver.
    pub poll_cycles: u64,
    /// How kicks travel.
    pub kicks: KickConfig,
    /// Shut while the device is suspended.
    pub gate: Gate,
    /// Seed of the run.
    pub seed: u64,
    /// The breaches that are left, by queue and chain number.
    pub breaches: Breaches,
    /// Counts descriptors written, in rings and tables.
    pub descriptors: Rc<Cell<u64>>,
}

/// Breaches that are still to come, by queue and chain number of the run.
#[derive(Clone, Debug, Default)]
pub struct Breaches(Rc<RefCell<BreachState>>);

#[derive(Debug, Default)]
struct BreachState {
    left: BTreeMap<(u16, u64), Wrong>,
    chains: BTreeMap<u16, u64>,
}

impl Breaches {
    /// The breaches of a scenario.
    #[must_use]
    pub fn new(list: &[Misbehave]) -> Self {
        let left = list.iter().map(|m| ((m.queue, m.at), m.what)).collect();
        Breaches(Rc::new(RefCell::new(BreachState {
            left,
            chains: BTreeMap::new(),
        })))
    }

    /// Counts a chain of `queue` and says what is to be wrong with it.
    #[must_use]
    pub fn next(&self, queue: u16) -> Option<Wrong> {
        let state = &mut *self.0.borrow_mut();
        let number = state.chains.entry(queue).or_default();
        let wrong = state.left.remove(&(queue, *number));
        *number += 1;
        wrong
    }
}

/// One queue in use.
pub struct DriverQueue<T> {
    /// The ring.
    pub ring: Ring<T>,
    registers: QueueRegisters,
    context: Context,
    interrupt: Event,
    wrong: Option<Wrong>,
    mutate: Option<u16>,
    dice: Dice,
    /// False once the queue is given up: what is late then never leaves.
    kicks: Rc<Cell<bool>>,
}

impl<T> DriverQueue<T> {
    /// A ring that the device knows by these registers, and whose interrupts ring `interrupt`.
    #[must_use]
    pub fn new(ring: Ring<T>, registers: QueueRegisters, context: Context, interrupt: Event) -> Self {
        let dice = Dice::new(
            context.seed,
            &format!("driver/kicks of queue {}", registers.index),
        );
        DriverQueue {
            ring,
            registers,
            context,
            interrupt,
            wrong: None,
            mutate: None,
            dice,
            kicks: Rc::new(Cell::new(true)),
        }
    }

    /// virtqueue index.
    #[must_use]
    pub fn index(&self) -> u16 {
        self.registers.index
    }

    /// As the device knows the queue.
    #[must_use]
    pub fn registers(&self) -> QueueRegisters {
        self.registers
    }

    /// The device knows the queue anew.
    pub fn set_registers(&mut self, registers: QueueRegisters) {
        self.registers = registers;
    }

    /// What rings when an interrupt for this queue has come.
    #[must_use]
    pub fn interrupt(&self) -> Event {
        self.interrupt.clone()
    }

    /// What holds this queue's task back while the device is suspended.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.context.gate.clone()
    }

    /// Sends no kick from now on, not even those that are late.
    pub fn silence(&self) {
        self.kicks.set(false);
    }

    /// Tells the device, now or later, once or twice.
    ///
    /// # Errors
    /// The kick could not be sent.
    pub fn kick(&mut self) -> Result<(), DriverError> {
        let KickConfig {
            late_ns_max,
            repeat_per_mille,
        } = self.context.kicks;
        let copies = 1 + u32::from(repeat_per_mille > 0 && self.dice.chance(repeat_per_mille));
        for _ in 0..copies {
            let (registers, features, position) =
                (self.registers, self.context.features, self.ring.position());
            let transport = self.context.transport.clone();
            if late_ns_max == 0 {
                transport.kick(&registers, features, position, false)?;
                continue;
            }
            let late_ns = self.dice.up_to(late_ns_max.into());
            let cycles = transport.host().clock().cycles(late_ns);
            let (sim, allowed) = (self.context.sim.clone(), Rc::clone(&self.kicks));
            let gate = self.context.gate.clone();
            let late = async move {
                sim.cycles(cycles).await;
                gate.pass().await;
                // A device that is gone needs no kick; any other failure shows at the next access.
                if allowed.get() {
                    let _ = transport.kick(&registers, features, position, false);
                }
            };
            self.context.sim.spawn("late kick", late).detach();
        }
        Ok(())
    }

    /// Adds a chain, spoilt if that is planned for it.
    ///
    /// # Errors
    /// [`DriverError::Add`]; a full queue is an error too.
    pub fn add(&mut self, elements: &[Element], shape: Shape, token: T) -> Result<(), DriverError> {
        let queue = self.index();
        let fits = self.ring.has_room(elements.len(), shape);
        let wrong = if fits {
            self.context.breaches.next(queue)
        } else {
            None
        };
        let short = Element {
            len_bytes: elements.first().map_or(0, |e| e.len_bytes.min(8)),
            ..elements.first().copied().unwrap_or(NOTHING)
        };
        let elements = if wrong == Some(Wrong::ShortHeader) {
            std::slice::from_ref(&short)
        } else {
            elements
        };
        if let (Some(Wrong::HeaderFlags), Some(first)) = (wrong, elements.first()) {
            let header = &ODD_HEADER[..ODD_HEADER.len().min(first.len_bytes as usize)];
            self.context.transport.host().memory().store(first.addr, header);
        }
        let head = self
            .ring
            .add(elements, shape, token, wrong)
            .map_err(|cause| DriverError::Add { queue, cause })?;
        let in_ring = shape.descriptors(elements.len());
        let direct = match shape {
            Shape::Direct => elements.len(),
            Shape::Indirect => 0,
            Shape::DirectThenIndirect => 1,
        };
        let written = (in_ring + elements.len() - direct.min(elements.len())) as u64;
        self.context
            .descriptors
            .set(self.context.descriptors.get() + written);
        if wrong.is_some() {
            self.wrong = wrong;
        }
        if wrong == Some(Wrong::Mutate) {
            self.mutate = Some(head);
        }
        if self.context.publish == Publish::Chain {
            self.ring.publish(self.wrong);
        }
        Ok(())
    }

    /// Takes the next used chain.
    ///
    /// # Errors
    /// [`DriverError::Used`] when the used ring makes no sense.
    pub fn pop(&mut self) -> Result<Option<Used<T>>, DriverError> {
        let queue = self.index();
        self.ring
            .pop()
            .map_err(|cause| DriverError::Used { queue, cause })
    }
}

/// A queue shared by the tasks that use it. No borrow is held over a wait.
pub type SharedQueue<T> = Rc<RefCell<DriverQueue<T>>>;

/// Publishes what was added and kicks if the device wants it.
///
/// # Errors
/// The kick could not be sent.
pub async fn publish<T>(queue: &SharedQueue<T>) -> Result<(), DriverError> {
    let (transport, gate, wrong) = {
        let q = &mut *queue.borrow_mut();
        let wrong = q.wrong.take();
        q.ring.publish(wrong);
        (q.context.transport.clone(), q.context.gate.clone(), wrong)
    };
    transport.host().full_barrier().await;
    // Who was suspended after publishing kicks when the device runs again.
    gate.pass().await;
    let q = &mut *queue.borrow_mut();
    let due = q.ring.kick_needed();
    let kicks = match wrong {
        // A kick of the wrong width takes the place of the right one.
        Some(Wrong::NoKick | Wrong::KickWidth) => 0,
        Some(Wrong::ExtraKick) => 2,
        // A spoilt ring is of no use to a test if the device is not told of it.
        Some(w) if w.spoils_ring() => 1,
        _ => u32::from(due),
    };
    let (features, position) = (q.context.features, q.ring.position());
    if wrong == Some(Wrong::KickWidth) {
        transport.kick(&q.registers, features, position, true)?;
    }
    if wrong == Some(Wrong::KickValue) {
        let kick_value = q.registers.kick_value.wrapping_add(1);
        let said = QueueRegisters {
            kick_value,
            ..q.registers
        };
        transport.kick(&said, features, position.wrapping_add(1), false)?;
    }
    for _ in 0..kicks {
        q.kick()?;
    }
    if let Some(head) = q.mutate.take() {
        q.ring.mutate(head);
    }
    Ok(())
}

/// Waits until the device has used chains: by interrupt, once `after` of them are used, or by looking now and then. Returns at once if there are any.
pub async fn wait_used<T>(queue: &SharedQueue<T>, after: u16) {
    let (sim, events, poll_cycles, host, interrupt) = {
        let q = queue.borrow();
        let c = &q.context;
        (
            c.sim.clone(),
            c.events,
            c.poll_cycles,
            c.transport.host().clone(),
            q.interrupt.clone(),
        )
    };
    if events == Events::Poll {
        while !queue.borrow().ring.has_used() {
            sim.cycles(poll_cycles).await;
        }
        return;
    }
    let rung = interrupt.wait();
    queue.borrow_mut().ring.enable_interrupts(after);
    // The race is closed by looking again once the device can see the request (SPLIT-DRV-031, PACKED-DRV-019).
    host.full_barrier().await;
    if queue.borrow().ring.has_reached(after) {
        return;
    }
    rung.await;
}

/// Waits as [`wait_used`] or for `work`, whichever is first.
pub async fn wait_used_or<T>(queue: &SharedQueue<T>, after: u16, work: ringside_sim::sync::EventWait) {
    let used = Box::pin(wait_used(queue, after));
    let _ = select2(used, work).await;
}

/// True for the errors that only say "not now".
#[must_use]
pub fn is_full(error: &DriverError) -> bool {
    matches!(
        error,
        DriverError::Add {
            cause: AddError::Full { .. },
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_comes_once_and_at_its_chain() {
        let b = Breaches::new(&[Misbehave {
            what: Wrong::Loop,
            queue: 1,
            at: 2,
        }]);
        assert_eq!((0..4).map(|_| b.next(0)).collect::<Vec<_>>(), [None; 4]);
        assert_eq!(
            (0..4).map(|_| b.clone().next(1)).collect::<Vec<_>>(),
            [None, None, Some(Wrong::Loop), None]
        );
    }
}
