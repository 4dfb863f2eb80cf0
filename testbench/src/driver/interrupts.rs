//! Interrupts on their way to the tasks that wait for them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ringside_sim::sync::{Event, Receiver};

use super::error::DriverError;
use super::transport::Transport;
use crate::host::{Host, Intx};

/// Who is to be woken by which vector.
#[derive(Clone, Default)]
pub struct Routes(Rc<RefCell<RouteTable>>);

#[derive(Default)]
struct RouteTable {
    vectors: BTreeMap<u16, Vec<Event>>,
    queues: Vec<Event>,
    config: Option<Event>,
    /// Set while `INTx` is in use: the ISR tells what an interrupt is for.
    intx: Option<Transport>,
}

impl Routes {
    /// Forgets all routes.
    pub fn clear(&self) {
        *self.0.borrow_mut() = RouteTable::default();
    }

    /// Interrupts of `vector`, or of any queue on `INTx`, wake `event`.
    pub fn queue(&self, vector: u16, event: &Event) {
        let mut table = self.0.borrow_mut();
        table.vectors.entry(vector).or_default().push(event.clone());
        table.queues.push(event.clone());
    }

    /// Configuration changes wake `event`.
    pub fn config(&self, vector: u16, event: &Event) {
        let mut table = self.0.borrow_mut();
        table.vectors.entry(vector).or_default().push(event.clone());
        table.config = Some(event.clone());
    }

    /// `INTx` is in use.
    pub fn use_intx(&self, transport: Transport) {
        self.0.borrow_mut().intx = Some(transport);
    }

    fn wake(&self, vector: u16) {
        let events = self.0.borrow().vectors.get(&vector).cloned().unwrap_or_default();
        events.iter().for_each(Event::notify);
    }

    /// Reads ISR status and wakes whom it names. Returns what it read; 0 also when `INTx` is not in use.
    async fn wake_by_isr(&self) -> Result<u8, DriverError> {
        let Some(transport) = self.0.borrow().intx.clone() else {
            return Ok(0);
        };
        let isr = match transport.isr().await {
            // Its interrupts were freed while it asked: whatever came of the question, nobody wants to know.
            Err(_) if self.0.borrow().intx.is_none() => return Ok(0),
            answer => answer?,
        };
        let (queues, config) = {
            let table = self.0.borrow();
            (table.queues.clone(), table.config.clone())
        };
        if isr & 1 != 0 {
            queues.iter().for_each(Event::notify);
        }
        if isr & 2 != 0 {
            config.iter().for_each(Event::notify);
        }
        Ok(isr)
    }
}

/// After so many looks in a row that found nothing a handler believes that the line is stuck, and waits for it to move.
const EMPTY_LOOKS: u32 = 8;

/// Changes of the interrupt line.
struct Lines(Receiver<Intx>);

impl Lines {
    /// The level after all the changes that have arrived, `level` if none has.
    fn latest(&mut self, level: bool) -> bool {
        let mut latest = level;
        while let Some(line) = self.0.try_recv() {
            latest = line.asserted;
        }
        latest
    }
}

/// Starts the two tasks that hand interrupts over, `reaction_cycles` after their arrival. They live as long as the run.
pub fn start(host: &Host, routes: &Routes, reaction_cycles: u64, failed: impl Fn(DriverError) + 'static) {
    let sim = host.sim().clone();
    if let Some(mut interrupts) = host.take_interrupts() {
        let (routes, sim_) = (routes.clone(), sim.clone());
        let task = async move {
            while let Some(interrupt) = interrupts.recv().await {
                sim_.until_cycle(interrupt.cycle + reaction_cycles).await;
                routes.wake(interrupt.vector_data as u16);
            }
        };
        sim.spawn("interrupts", task).detach();
    }
    if let Some(lines) = host.take_intx() {
        let (routes, sim_) = (routes.clone(), sim.clone());
        let mut lines = Lines(lines);
        let task = async move {
            while let Some(line) = lines.0.recv().await {
                let (mut level, mut since, mut empty) = (line.asserted, line.cycle, 0);
                // The line is a level: the handler runs again as long as it stands, for what came while it ran tells of itself in no other way.
                while level && empty < EMPTY_LOOKS {
                    sim_.until_cycle(since + reaction_cycles).await;
                    level = lines.latest(level);
                    if !level {
                        break;
                    }
                    match routes.wake_by_isr().await {
                        Ok(0) => empty += 1,
                        Ok(_) => empty = 0,
                        Err(e) => {
                            failed(e);
                            break;
                        }
                    }
                    since = sim_.now();
                    level = lines.latest(level);
                }
            }
        };
        sim.spawn("INTx", task).detach();
    }
}
