//! The virtio-net driver as a whole: what it is made of, what can be asked of it, and what it found.

mod bring_up;
mod checkpoint;
mod resets;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ringside_sim::sync::{Either, Event, select2};
use ringside_sim::{JoinHandle, SimHandle};

use super::command::Command;
use super::config::{DriverConfig, Vectors};
use super::control::{self, Control};
use super::error::DriverError;
use super::features::Features;
use super::gate::Gate;
use super::interrupts::{self, Routes};
use super::queue::{Breaches, SharedQueue};
use super::rx::{Inbox, RxBuffer};
use super::transport::{NetDeviceConfig, Transport, status};
use super::tx::{Backlog, TxBuffers};
use crate::host::Host;

/// The driver. Outlives resets of its device.
#[derive(Clone)]
pub struct NetDriver(Rc<Inner>);

struct Inner {
    host: Host,
    config: DriverConfig,
    seed: u64,
    max_frame_bytes: u32,
    backlogs: Vec<Rc<Backlog>>,
    inboxes: Vec<Rc<Inbox>>,
    routes: Routes,
    breaches: Breaches,
    gate: Gate,
    /// Of the control queue, which may be needed before the others go on.
    control_gate: Gate,
    needs_reset: Event,
    wants_reset: Cell<bool>,
    descriptors: Rc<Cell<u64>>,
    /// Bring-ups that were begun again.
    restarts: Cell<u64>,
    findings: RefCell<Vec<String>>,
    device: RefCell<Option<Device>>,
}

/// A device that was brought up.
struct Device {
    transport: Transport,
    features: Features,
    /// Index of the control queue.
    control_index: u16,
    pairs: Vec<Pair>,
    control: Option<(Rc<Control>, SharedQueue<()>)>,
    config_task: JoinHandle<()>,
}

struct Pair {
    rx: SharedQueue<RxBuffer>,
    tx: SharedQueue<TxBuffers>,
    rx_task: Option<JoinHandle<()>>,
    tx_task: Option<JoinHandle<()>>,
}

impl NetDriver {
    /// A driver for the device behind `host`, whose frames are at most `max_frame_bytes` long. `seed` decides its random choices.
    #[must_use]
    pub fn new(host: &Host, config: &DriverConfig, max_frame_bytes: u32, seed: u64) -> Self {
        let pairs = usize::from(config.queue_pairs);
        let driver = NetDriver(Rc::new(Inner {
            host: host.clone(),
            config: config.clone(),
            seed,
            max_frame_bytes,
            backlogs: (0..pairs).map(|_| Rc::default()).collect(),
            inboxes: (0..pairs).map(|_| Rc::default()).collect(),
            routes: Routes::default(),
            breaches: Breaches::new(&config.misbehave),
            gate: Gate::default(),
            control_gate: Gate::default(),
            needs_reset: Event::new("device needs reset"),
            wants_reset: Cell::new(false),
            descriptors: Rc::default(),
            restarts: Cell::new(0),
            findings: RefCell::default(),
            device: RefCell::new(None),
        }));
        let weak = Rc::downgrade(&driver.0);
        interrupts::start(host, &driver.0.routes, driver.reaction_cycles(), move |e| {
            if let Some(inner) = weak.upgrade() {
                inner.find(&e.to_string());
            }
        });
        driver
    }

    fn sim(&self) -> &SimHandle {
        self.0.host.sim()
    }

    fn reaction_cycles(&self) -> u64 {
        self.0
            .host
            .clock()
            .cycles(self.0.config.reaction_ns.into())
            .max(1)
    }

    /// Frames to send, one backlog for each queue pair.
    #[must_use]
    pub fn backlogs(&self) -> &[Rc<Backlog>] {
        &self.0.backlogs
    }

    /// What was received, one for each queue pair.
    #[must_use]
    pub fn inboxes(&self) -> &[Rc<Inbox>] {
        &self.0.inboxes
    }

    /// What the driver found wrong with its device.
    #[must_use]
    pub fn findings(&self) -> Vec<String> {
        let mut all = self.0.findings.borrow().clone();
        for (pair, inbox) in self.0.inboxes.iter().enumerate() {
            if let (n @ 1.., Some(first)) = inbox.bad() {
                all.push(format!(
                    "receive queue of pair {pair}: {n} packets make no sense; the first: {first}"
                ));
            }
        }
        all
    }

    /// Rings when the device asks for a reset.
    #[must_use]
    pub fn needs_reset(&self) -> Event {
        self.0.needs_reset.clone()
    }

    /// Does it use a queue with this index?
    #[must_use]
    pub fn has_queue(&self, index: u16) -> bool {
        let device = self.0.device.borrow();
        device.as_ref().is_some_and(|d| {
            usize::from(index / 2) < d.pairs.len() || index == d.control_index && d.control.is_some()
        })
    }

    /// Does the device ask for a reset?
    #[must_use]
    pub fn wants_reset(&self) -> bool {
        self.0.wants_reset.get()
    }

    /// Descriptors written so far, in rings and indirect tables.
    #[must_use]
    pub fn descriptors(&self) -> u64 {
        self.0.descriptors.get()
    }

    /// How often a bring-up was begun again because the device asked for a reset in it.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.0.restarts.get()
    }

    /// Looks at the status whenever the configuration has changed.
    fn watch_config(&self, transport: Transport, changed: Event) -> impl Future<Output = ()> + 'static {
        let inner = Rc::clone(&self.0);
        async move {
            loop {
                changed.wait().await;
                match transport.status().await {
                    Ok(s) if s & status::NEEDS_RESET != 0 => {
                        inner.host.recorder().note("driver: the device needs a reset");
                        inner.wants_reset.set(true);
                        inner.needs_reset.notify();
                    }
                    Ok(_) => {}
                    Err(e) => inner.find(&e.to_string()),
                }
            }
        }
    }

    /// A command on the control queue; `ok`: the answer it must get.
    ///
    /// # Errors
    /// No control queue, no answer, or the wrong one.
    pub async fn command(&self, command: &Command, ok: Option<bool>) -> Result<(), DriverError> {
        let control = self
            .0
            .device
            .borrow()
            .as_ref()
            .and_then(|d| d.control.as_ref().map(|c| Rc::clone(&c.0)));
        if self.0.control_gate.is_shut() {
            return Err(DriverError::Suspended);
        }
        let Some(control) = control else {
            return Err(DriverError::Lacks {
                what: "a control queue".into(),
                has: "has none in use".into(),
            });
        };
        let answered = async {
            match ok {
                Some(ok) => control.command_expecting(command, ok).await,
                None => control.command(command).await.map(|_| ()),
            }
        };
        if !self.recovers() {
            return answered.await;
        }
        // A device that asks for a reset may never answer.
        let reset = self.0.needs_reset.wait();
        let gone = || DriverError::NeedsReset {
            command: control::shown(command),
        };
        if self.wants_reset() {
            return Err(gone());
        }
        match select2(Box::pin(answered), reset).await {
            Either::First(done) => done,
            Either::Second(()) => Err(gone()),
        }
    }

    /// Reads the device configuration.
    ///
    /// # Errors
    /// It keeps changing, or an access failed.
    pub async fn read_config(&self) -> Result<Option<NetDeviceConfig>, DriverError> {
        let device = self
            .0
            .device
            .borrow()
            .as_ref()
            .map(|d| (d.transport.clone(), d.features));
        match device {
            Some((transport, features)) => transport.net_config(features).await.map(Some),
            None => Ok(None),
        }
    }

    /// Masks or unmasks vectors; an empty list means the whole function. With `INTx` it sets or clears Interrupt Disable.
    ///
    /// # Errors
    /// No such vector.
    pub async fn mask(&self, vectors: &[u16], mask: bool) -> Result<(), DriverError> {
        let transport = self.0.device.borrow().as_ref().map(|d| d.transport.clone());
        match transport {
            Some(_) if self.0.config.vectors == Vectors::Intx => self
                .0
                .host
                .set_command(true, true, !mask)
                .await
                .map_err(Into::into),
            Some(transport) => transport.mask(vectors, mask).await,
            None => Ok(()),
        }
    }

    /// State of every queue, one line each, for a hang.
    #[must_use]
    pub fn state(&self) -> Vec<String> {
        let device = self.0.device.borrow();
        let Some(d) = device.as_ref() else {
            return vec!["no device is up".to_owned()];
        };
        let mut lines = Vec::new();
        for p in &d.pairs {
            let (rx, tx) = (p.rx.borrow(), p.tx.borrow());
            lines.push(format!("queue {}: {}", rx.index(), rx.ring.state()));
            lines.push(format!("queue {}: {}", tx.index(), tx.ring.state()));
        }
        if let Some((_, c)) = &d.control {
            let c = c.borrow();
            lines.push(format!("queue {}: {}", c.index(), c.ring.state()));
        }
        lines
    }
}

impl Inner {
    fn shut_gates(&self) {
        self.gate.shut();
        self.control_gate.shut();
    }

    fn open_gates(&self) {
        self.control_gate.open();
        self.gate.open();
    }

    fn find(&self, what: &str) {
        self.host.recorder().note(format!("driver: {what}"));
        self.findings.borrow_mut().push(what.to_owned());
    }
}
