//! Where queues stand, and going on there: what a migration, or a bridge to a vhost backend, does with a device.

use std::rc::Rc;

use super::NetDriver;
use crate::driver::config::DriverConfig;
use crate::driver::error::DriverError;
use crate::driver::features::{self, Features};
use crate::driver::queue::SharedQueue;
use crate::driver::ring::{Areas, Format};
use crate::driver::rx::RxBuffer;
use crate::driver::transport::{QueuePosition, Transport};
use crate::driver::tx::TxBuffers;

/// Cycles that a queue without new buffers may take to come to rest.
const REST_CYCLES_MAX: u64 = 200_000;
/// Cycles between two looks at it.
const REST_POLL_CYCLES: u64 = 50;

/// A queue in use, whatever its chains belong to.
#[derive(Clone)]
enum Any {
    Rx(SharedQueue<RxBuffer>),
    Tx(SharedQueue<TxBuffers>),
    Control(SharedQueue<()>),
}

/// The same call for any.
macro_rules! any {
    ($queue:expr, $q:ident => $call:expr) => {
        match $queue {
            Any::Rx(queue) => {
                let $q = &mut *queue.borrow_mut();
                $call
            }
            Any::Tx(queue) => {
                let $q = &mut *queue.borrow_mut();
                $call
            }
            Any::Control(queue) => {
                let $q = &mut *queue.borrow_mut();
                $call
            }
        }
    };
}

impl Any {
    fn index(&self) -> u16 {
        any!(self, q => q.index())
    }

    fn vector(&self) -> u16 {
        any!(self, q => q.registers().vector)
    }

    fn areas(&self) -> Areas {
        any!(self, q => q.ring.areas())
    }

    fn used_position(&self) -> Option<u16> {
        any!(self, q => q.ring.used_position())
    }

    /// Enables the queue at a position of its ring.
    async fn enable(&self, transport: &Transport, features: Features, at: u16) -> Result<(), DriverError> {
        let (index, areas, vector) = (self.index(), self.areas(), self.vector());
        let registers = transport
            .enable_queue(index, &areas, vector, features, Some(at))
            .await?;
        any!(self, q => q.set_registers(registers));
        Ok(())
    }

    /// Tells the device of what it has not returned.
    fn kick(&self) -> Result<(), DriverError> {
        any!(self, q => if q.ring.in_flight() > 0 { q.kick() } else { Ok(()) })
    }
}

/// Can the queues of `config` begin where it says?
pub(super) fn check_start(config: &DriverConfig, index: u16, size: u16) -> Result<(), DriverError> {
    match config.ring_start {
        Some(start) if config.ring == Format::Packed && start & 0x7fff >= size => Err(DriverError::Lacks {
            what: format!("slot {} of queue {index} (driver.ring_start)", start & 0x7fff),
            has: format!("has {size} slots there"),
        }),
        _ => Ok(()),
    }
}

impl NetDriver {
    fn queues_in_use(&self) -> Option<(Transport, Features, Vec<Any>)> {
        let device = self.0.device.borrow();
        let d = device.as_ref()?;
        let mut queues = Vec::new();
        for p in &d.pairs {
            queues.push(Any::Rx(Rc::clone(&p.rx)));
            queues.push(Any::Tx(Rc::clone(&p.tx)));
        }
        queues.extend(d.control.as_ref().map(|c| Any::Control(Rc::clone(&c.1))));
        Some((d.transport.clone(), d.features, queues))
    }

    fn one_of(queues: Vec<Any>, queue: Option<u16>) -> Result<Vec<Any>, DriverError> {
        let Some(index) = queue else { return Ok(queues) };
        let one: Vec<Any> = queues.into_iter().filter(|q| q.index() == index).collect();
        if one.is_empty() {
            let (what, has) = (format!("queue {index} in use"), "has it not".to_owned());
            return Err(DriverError::Lacks { what, has });
        }
        Ok(one)
    }

    /// Waits until the queue is at rest.
    async fn rest(&self, transport: &Transport, queue: u16) -> Result<QueuePosition, DriverError> {
        let start = self.sim().now();
        loop {
            let device = transport.queue_position(queue).await?;
            let cycles = self.sim().now() - start;
            if device.quiet {
                return Ok(device);
            }
            if cycles > REST_CYCLES_MAX {
                return Err(DriverError::Restless {
                    queue,
                    device,
                    cycles,
                });
            }
            self.sim().cycles(REST_POLL_CYCLES).await;
        }
    }

    /// Asks the device how far a queue (or every one) is. `quiet`: waits until it is at rest, and compares with the ring in memory.
    ///
    /// # Errors
    /// No such queue, no checkpoint window, no rest, or another position than the ring has.
    pub async fn checkpoint(&self, queue: Option<u16>, quiet: bool) -> Result<(), DriverError> {
        let Some((transport, _, queues)) = self.queues_in_use() else {
            return Ok(());
        };
        for queue in Self::one_of(queues, queue)? {
            let index = queue.index();
            let device = if quiet {
                self.rest(&transport, index).await?
            } else {
                transport.queue_position(index).await?
            };
            let note = format!("driver: queue {index}: {device}");
            self.0.host.recorder().note(note);
            if quiet {
                at_rest(&queue, device)?;
            }
        }
        Ok(())
    }

    /// Takes every queue from the device, resets it, and has it go on with the same rings where they stood. The device is suspended for that, so
    /// that nothing is lost in them.
    ///
    /// # Errors
    /// No suspension, no checkpoint window, a queue that is not where its ring is, or a device that does not come up again with the same features.
    pub async fn restore(&self) -> Result<(), DriverError> {
        let Some((transport, features, queues)) = self.queues_in_use() else {
            return Ok(());
        };
        if !features.has(features::SUSPEND) {
            let (what, has) = ("VIRTIO_F_SUSPEND (driver.suspend = true)", "has not taken it");
            return Err(DriverError::Lacks {
                what: what.into(),
                has: has.into(),
            });
        }
        if !self.0.gate.is_shut() {
            self.suspend(true).await?;
        }
        let mut positions = Vec::new();
        for queue in &queues {
            let device = transport.queue_position(queue.index()).await?;
            at_rest(queue, device)?;
            positions.push(device.used);
        }
        transport.reset().await?;
        let config = &self.0.config;
        let taken = transport.negotiate(config).await?;
        if taken != features {
            return Err(DriverError::Lacks {
                what: format!("the features {:#x} again", features.0),
                has: format!("took {:#x}", taken.0),
            });
        }
        if self.vectors(&transport) > 0 {
            transport.set_config_vector(0).await?;
        }
        for (queue, &at) in queues.iter().zip(&positions) {
            transport.queue_position(queue.index()).await?; // where a new ring would begin: for the judge
            queue.enable(&transport, features, at).await?;
        }
        transport.driver_ok().await?;
        self.0.control_gate.open();
        for queue in &queues {
            queue.kick()?;
        }
        self.set_up(features).await?;
        self.0.gate.open();
        Ok(())
    }

    /// The same with one data queue, by a queue reset. Buffers are held back until it rests; what comes in from the wire meanwhile would move it, and
    /// is an error.
    ///
    /// # Errors
    /// As [`NetDriver::restore`], and without `VIRTIO_F_RING_RESET`.
    pub async fn restore_queue(&self, index: u16) -> Result<(), DriverError> {
        let Some((transport, features, queues)) = self.queues_in_use() else {
            return Ok(());
        };
        let queue = Self::one_of(queues, Some(index))?.remove(0);
        if !features.has(features::RING_RESET) || matches!(queue, Any::Control(_)) {
            let what = format!("VIRTIO_F_RING_RESET and a data queue {index} in use");
            let has = "has not both".to_owned();
            return Err(DriverError::Lacks { what, has });
        }
        self.0.gate.shut();
        let device = self.rest(&transport, index).await?;
        at_rest(&queue, device)?;
        transport.reset_queue(index).await?;
        at_rest(&queue, device)?; // nothing came in on the way
        transport.queue_position(index).await?; // where a new ring would begin: for the judge
        queue.enable(&transport, features, device.used).await?;
        queue.kick()?;
        self.0.gate.open();
        Ok(())
    }
}

/// Is the queue at rest, where its ring in memory is?
fn at_rest(queue: &Any, device: QueuePosition) -> Result<(), DriverError> {
    let memory = queue.used_position();
    let one = device.avail == device.used && device.told == device.used;
    if device.quiet && one && memory == Some(device.used) {
        return Ok(());
    }
    let queue = queue.index();
    Err(DriverError::Position {
        queue,
        device,
        memory,
    })
}
