//! Bringing the device up: features, queues, and the tasks that serve them.

use std::cell::RefCell;
use std::rc::Rc;

use ringside_sim::JoinHandle;
use ringside_sim::sync::Event;

use super::{Device, NetDriver, Pair, checkpoint};
use crate::driver::command::{Command, RxMode};
use crate::driver::config::{Events, NeedsReset, Vectors};
use crate::driver::control::Control;
use crate::driver::error::DriverError;
use crate::driver::features::{self, Features};
use crate::driver::queue::{Context, DriverQueue, SharedQueue};
use crate::driver::ring::{QueueOptions, Ring};
use crate::driver::rx::{self, Receiver, RxBuffer};
use crate::driver::transport::{NO_VECTOR, NetDeviceConfig, Transport};
use crate::driver::tx::{Transmitter, TxBuffers};
use crate::host::dice::Dice;
use crate::host::memory::Part;

/// Entries that the control queue has at least: header, data and acknowledgement are three elements.
const CONTROL_SIZE: u16 = 4;

/// How often a device is brought up before the driver believes that it cannot be.
const BRING_UPS: u32 = 3;

impl NetDriver {
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
    pub(super) async fn bring_up(&self, transport: Transport) -> Result<NetDeviceConfig, DriverError> {
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
    pub(super) fn recovers(&self) -> bool {
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
            let control = Control::new(
                Rc::clone(&queue),
                inner.config.command_shape,
                inner.host.memory().clone(),
                self.sim().clone(),
            );
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
    pub(super) async fn set_up(&self, features: Features) -> Result<(), DriverError> {
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
    pub(super) fn context(&self, transport: &Transport, features: Features) -> Context {
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
    pub(super) async fn queue<T>(
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

    pub(super) fn receiver(
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

    pub(super) fn start_tx(&self, pair: usize) {
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

    pub(super) fn task(
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
}
