//! Interrupts on their way to the tasks that wait for them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use ringside_sim::sync::Event;

use super::error::DriverError;
use super::transport::Transport;
use crate::host::Host;

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

    async fn wake_by_isr(&self) -> Result<(), DriverError> {
        let Some(transport) = self.0.borrow().intx.clone() else {
            return Ok(());
        };
        let isr = transport.isr().await?;
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
        Ok(())
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
    if let Some(mut lines) = host.take_intx() {
        let (routes, sim_) = (routes.clone(), sim.clone());
        let task = async move {
            while let Some(line) = lines.recv().await {
                if line.asserted {
                    sim_.until_cycle(line.cycle + reaction_cycles).await;
                    if let Err(e) = routes.wake_by_isr().await {
                        failed(e);
                    }
                }
            }
        };
        sim.spawn("INTx", task).detach();
    }
}
