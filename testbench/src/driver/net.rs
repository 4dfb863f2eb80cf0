//! The virtio-net driver as a whole: bring-up, the tasks of its queues, resets, and what it found.

mod checkpoint;
mod resets;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ringside_sim::sync::{Either, Event, select2};
use ringside_sim::{JoinHandle, SimHandle};

use super::command::{Command, RxMode};
use super::config::{DriverConfig, Events, NeedsReset, Vectors};
use super::control::{self, Control};
use super::error::DriverError;
use super::features::{self, Features};
use super::gate::Gate;
use super::interrupts::{self, Routes};
use super::queue::{Breaches, Context, DriverQueue, SharedQueue};
use super::ring::{QueueOptions, Ring};
use super::rx::{self, Inbox, Receiver, RxBuffer};
use super::transport::{NO_VECTOR, NetDeviceConfig, Transport, status};
use super::tx::{Backlog, Transmitter, TxBuffers};
use crate::host::Host;
use crate::host::dice::Dice;
use crate::host::memory::Part;

/// Entries that the control queue has at least: header, data and acknowledgement are three elements.
const CONTROL_SIZE: u16 = 4;

/// How often a device is brought up before the driver believes that it cannot be.
const BRING_UPS: u32 = 3;

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

    /// Enumerates the function and brings the device up.
    ///
    /// # Errors
    /// The first thing that a driver cannot work with.
    pub async fn start(&self) -> Result<NetDeviceConfig, DriverError> {
        let function = self.0.host.enumerate().await?;
        let transport = Transport::new(&self.0.host, function)?;
        self.bring_up(transport).await
    }

    /// Brings the device up. One that asks for a reset meanwhile gets it and another try, unless the driver is told to ignore that.
    async fn bring_up(&self, transport: Transport) -> Result<NetDeviceConfig, DriverError> {
        for _ in 1..BRING_UPS {
            match self.bring_up_once(transport.clone()).await {
                Err(e) if self.recovers() && e.is_worth_a_reset() => {
                    let inner = &self.0;
                    inner
                        .host
                        .recorder()
                        .note(format!("driver: bring-up begins again: {e}"));
                    inner.restarts.set(inner.restarts.get() + 1);
                    self.put_down(&transport).await?;
                }
                done => return done,
            }
        }
        self.bring_up_once(transport).await
    }

    /// Does the driver reset a device that asks for it?
    fn recovers(&self) -> bool {
        self.0.config.needs_reset == NeedsReset::Recover
    }

    async fn bring_up_once(&self, transport: Transport) -> Result<NetDeviceConfig, DriverError> {
        let inner = &self.0;
        let config = &inner.config;
        inner.wants_reset.set(false);
        let vectors = transport.set_up_interrupts(config.vectors).await?;
        let features = transport.negotiate(config).await?;
        let device = transport.net_config(features).await?;
        let pairs = config.queue_pairs;
        if pairs > device.max_queue_pairs {
            return Err(DriverError::Lacks {
                what: format!("{pairs} queue pairs"),
                has: format!(
                    "has {} (VIRTIO_NET_F_MQ {})",
                    device.max_queue_pairs,
                    if features.has(features::MQ) {
                        "taken"
                    } else {
                        "not taken"
                    }
                ),
            });
        }
        let control_index = if features.has(features::MQ) {
            2 * device.max_queue_pairs
        } else {
            2
        };
        inner.routes.clear();
        if vectors == 0 {
            inner.routes.use_intx(transport.clone());
        }
        let changed = Event::new("configuration change");
        inner.routes.config(0, &changed);
        if vectors > 0 {
            transport.set_config_vector(0).await?;
        }
        let context = self.context(&transport, features);
        let mut set = Vec::new();
        for pair in 0..pairs {
            let rx = self.queue::<RxBuffer>(&context, 2 * pair, vectors, 1).await?;
            let tx = self
                .queue::<TxBuffers>(&context, 2 * pair + 1, vectors, 1)
                .await?;
            set.push(Pair {
                rx,
                tx,
                rx_task: None,
                tx_task: None,
            });
        }
        let control_queue = if features.has(features::CTRL_VQ) {
            let context = Context {
                gate: inner.control_gate.clone(),
                ..context.clone()
            };
            Some(
                self.queue::<()>(&context, control_index, vectors, CONTROL_SIZE)
                    .await?,
            )
        } else {
            None
        };
        let mut receivers = Vec::new();
        for (pair, p) in set.iter().enumerate() {
            let mut receiver = self.receiver(pair, &p.rx, features)?;
            receiver.prime()?;
            receivers.push(receiver);
        }
        transport.driver_ok().await?;
        let watch = self.watch_config(transport.clone(), changed);
        let config_task = self.sim().spawn("configuration changes", watch);
        let control = control_queue.map(|queue| {
            let control = Control::new(Rc::clone(&queue), inner.host.memory().clone(), self.sim().clone());
            (Rc::new(control), queue)
        });
        for (pair, (p, receiver)) in set.iter_mut().zip(receivers).enumerate() {
            p.rx_task = Some(self.task(&format!("receive {pair}"), receiver.run()));
        }
        *inner.device.borrow_mut() = Some(Device {
            transport,
            features,
            control_index,
            pairs: set,
            control,
            config_task,
        });
        self.set_up(features).await?;
        // Only now may other transmit queues than the first be used (NETRSS-DRV-009).
        for pair in 0..usize::from(pairs) {
            self.start_tx(pair);
        }
        Ok(device)
    }

    /// Sends the commands of a bring-up.
    async fn set_up(&self, features: Features) -> Result<(), DriverError> {
        let config = &self.0.config;
        if config.promiscuous && features.has(features::CTRL_RX) {
            self.command(
                &Command::RxMode {
                    mode: RxMode::Promisc,
                    on: true,
                },
                Some(true),
            )
            .await?;
        }
        self.set_coalescing(config, features).await?;
        let pairs = config.queue_pairs;
        if pairs > 1 {
            self.command(&Command::Pairs { pairs }, Some(true)).await?;
        }
        Ok(())
    }

    /// What the queues of a device have in common.
    fn context(&self, transport: &Transport, features: Features) -> Context {
        Context {
            sim: self.sim().clone(),
            transport: transport.clone(),
            features,
            events: self.0.config.events,
            publish: self.0.config.publish,
            poll_cycles: self.reaction_cycles(),
            kicks: self.0.config.kicks,
            gate: self.0.gate.clone(),
            seed: self.0.seed,
            breaches: self.0.breaches.clone(),
            descriptors: Rc::clone(&self.0.descriptors),
        }
    }

    /// Allocates a ring of at least `least` entries and enables its queue.
    async fn queue<T>(
        &self,
        context: &Context,
        index: u16,
        vectors: u16,
        least: u16,
    ) -> Result<SharedQueue<T>, DriverError> {
        let config = &self.0.config;
        let max = context.transport.queue_size_max(index).await?;
        let size = match config.queue_size {
            0 => max,
            size => size.max(least).min(max),
        };
        let options = QueueOptions {
            event_idx: context.features.has(features::EVENT_IDX),
            in_order: context.features.has(features::IN_ORDER),
            free_list: config.free_list,
            dice: Dice::new(self.0.seed, &format!("driver/queue {index}")),
            start: config.ring_start,
        };
        checkpoint::check_start(config, index, size)?;
        let memory = self.0.host.memory();
        let ring = Ring::new(config.ring, memory, size, options)?;
        let areas = ring.areas();
        for addr in [areas.descriptor, areas.driver, areas.device] {
            memory.assign(addr, index, Part::Rings);
        }
        let vector = match config.vectors {
            _ if config.events == Events::Poll || vectors == 0 => NO_VECTOR,
            Vectors::Single => 0,
            Vectors::PerQueue if index + 1 < vectors => index + 1,
            _ => 1.min(vectors - 1),
        };
        let registers = context
            .transport
            .enable_queue(index, &areas, vector, context.features, config.ring_start)
            .await?;
        let event = Event::new("interrupt");
        self.0.routes.queue(vector, &event);
        Ok(Rc::new(RefCell::new(DriverQueue::new(
            ring,
            registers,
            context.clone(),
            event,
        ))))
    }

    fn receiver(
        &self,
        pair: usize,
        queue: &SharedQueue<RxBuffer>,
        features: Features,
    ) -> Result<Receiver, DriverError> {
        let config = &self.0.config;
        let mergeable = features.has(features::MRG_RXBUF);
        let bytes = config.rx_buffer_bytes(mergeable, self.0.max_frame_bytes);
        let size = queue.borrow().ring.areas().size;
        if !rx::fits(&config.rx, bytes, size) {
            return Err(DriverError::Lacks {
                what: format!(
                    "a receive queue for buffers of {bytes} bytes in pieces of {}",
                    config.rx.element_bytes
                ),
                has: format!("gives a queue of {size}"),
            });
        }
        let memory = self.0.host.memory().clone();
        Ok(Receiver::new(
            Rc::clone(queue),
            Rc::clone(&self.0.inboxes[pair]),
            config.rx.clone(),
            bytes,
            mergeable,
            memory,
        ))
    }

    fn start_tx(&self, pair: usize) {
        let mut device = self.0.device.borrow_mut();
        let Some(p) = device.as_mut().and_then(|d| d.pairs.get_mut(pair)) else {
            return;
        };
        let transmitter = Transmitter::new(
            Rc::clone(&p.tx),
            Rc::clone(&self.0.backlogs[pair]),
            self.0.config.tx.clone(),
            self.0.host.memory().clone(),
            self.sim().clone(),
            self.0.config.events,
        );
        p.tx_task = Some(self.task(&format!("transmit {pair}"), transmitter.run()));
    }

    fn task(
        &self,
        name: &str,
        work: impl Future<Output = Result<(), DriverError>> + 'static,
    ) -> JoinHandle<()> {
        let inner = Rc::clone(&self.0);
        let label = name.to_owned();
        self.sim().spawn(name, async move {
            if let Err(e) = work.await {
                inner.find(&format!("{label} stopped: {e}"));
            }
        })
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
