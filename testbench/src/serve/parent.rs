//! The driver of the RTL's function on behalf of somebody else: what a vDPA parent driver such as `vp_vdpa` does. It programs registers,
//! kicks and takes interrupts; the rings belong to others and are never touched here.

use std::collections::BTreeMap;

use crate::driver::config::Vectors;
use crate::driver::error::DriverError;
use crate::driver::features::{
    ACCESS_PLATFORM, CTRL_VQ, EVENT_IDX, Features, IN_ORDER, INDIRECT_DESC, MAC, MQ, MRG_RXBUF,
    ORDER_PLATFORM, RING_PACKED, RING_RESET, STATUS, VERSION_1,
};
use crate::driver::ring::Areas;
use crate::driver::transport::{NO_VECTOR, QueuePosition, QueueRegisters, Transport};
use crate::host::Host;
use crate::serve::shadow_control::ShadowControl;

/// Features of the rings and of the network header: what a driver elsewhere may be offered.
const PASSED: [u8; 9] = [
    MAC,
    MRG_RXBUF,
    STATUS,
    MQ,
    INDIRECT_DESC,
    EVENT_IDX,
    VERSION_1,
    RING_PACKED,
    IN_ORDER,
];
/// What concerns the way over PCIe, and so this driver alone.
const OWN: [u8; 3] = [ACCESS_PLATFORM, ORDER_PLATFORM, RING_RESET];

/// Where a ring is, and where in it the device is to go on: absent at the beginning of a new ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its parts.
    pub areas: Areas,
    /// An index (split), or a slot with its wrap counter in bit 15 (packed).
    pub start: Option<u16>,
}

struct Running {
    features: Features,
    /// Owner of the control queue, and the pairs that are active: with MQ.
    control: Option<ShadowControl>,
    pairs: u16,
    queues: BTreeMap<u16, QueueRegisters>,
}

/// The function, brought up as far as a driver can without rings.
pub struct Parent {
    transport: Transport,
    offered: Features,
    vectors: u16,
    queue_pairs: u16,
    running: Option<Running>,
}

impl Parent {
    /// Enumerates the function, programs its interrupts and asks what it offers.
    ///
    /// # Errors
    /// The first thing that a driver cannot work with.
    pub async fn new(host: &Host) -> Result<Self, DriverError> {
        let function = host.enumerate().await?;
        let transport = Transport::new(host, function)?;
        let vectors = transport.set_up_interrupts(Vectors::default()).await?;
        let offered = transport.begin().await?;
        if !offered.has(VERSION_1) {
            return Err(DriverError::NoVersion1 { offered: offered.0 });
        }
        let queue_pairs = transport.net_config(offered).await?.max_queue_pairs;
        transport.reset().await?;
        Ok(Parent {
            transport,
            offered,
            vectors,
            queue_pairs,
            running: None,
        })
    }

    /// Queue pairs that the device has.
    #[must_use]
    pub fn queue_pairs(&self) -> u16 {
        self.queue_pairs
    }

    /// What a driver elsewhere is offered.
    #[must_use]
    pub fn offered(&self) -> Features {
        let passed = PASSED.iter().filter(|b| self.offered.has(**b));
        passed.fold(Features::default(), |f, b| f.with(*b))
    }

    /// Do the rings run?
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Bytes of the device configuration.
    ///
    /// # Errors
    /// An access failed.
    pub async fn config_bytes(&self, offset: u32, len: u32) -> Result<Vec<u8>, DriverError> {
        self.transport.config_bytes(offset, len).await
    }

    /// Largest size of a queue.
    ///
    /// # Errors
    /// There is no such queue.
    pub async fn queue_size_max(&self, queue: u16) -> Result<u16, DriverError> {
        self.transport.queue_size_max(queue).await
    }

    /// Brings the device up with the features that the driver elsewhere took, on these rings. Vector 0 is for changes of the
    /// configuration, vector n + 1 for queue n as far as there are any.
    ///
    /// # Errors
    /// The device refuses; then it is reset.
    pub async fn start(&mut self, taken: Features, rings: &BTreeMap<u16, Place>) -> Result<(), DriverError> {
        let started = self.try_start(taken, rings).await;
        match started {
            Ok(running) => {
                self.running = Some(running);
                Ok(())
            }
            Err(e) => {
                self.transport.reset().await?;
                Err(e)
            }
        }
    }

    async fn try_start(&self, taken: Features, rings: &BTreeMap<u16, Place>) -> Result<Running, DriverError> {
        let t = &self.transport;
        let offered = t.begin().await?;
        let mut features = Features(taken.0 & self.offered().0);
        for own in OWN.into_iter().filter(|b| offered.has(*b)) {
            features = features.with(own);
        }
        // MQ needs a control queue. Where the driver elsewhere is content with one pair, neither is.
        let many = features.has(MQ) && offered.has(CTRL_VQ) && rings.keys().any(|q| *q > 1);
        features = if many {
            features.with(CTRL_VQ)
        } else {
            features.without(MQ)
        };
        t.take_features(offered, features).await?;
        if self.vectors > 0 {
            t.set_config_vector(0).await?;
        }
        let mut queues = BTreeMap::new();
        for (queue, Place { areas, start }) in rings {
            let max = t.queue_size_max(*queue).await?;
            if areas.size > max {
                return Err(DriverError::Lacks {
                    what: format!("{} entries in queue {queue}", areas.size),
                    has: format!("has {max}"),
                });
            }
            let vector = if queue + 1 < self.vectors {
                queue + 1
            } else {
                NO_VECTOR
            };
            queues.insert(
                *queue,
                t.enable_queue(*queue, areas, vector, features, *start).await?,
            );
        }
        let control = if many {
            Some(ShadowControl::enable(t, 2 * self.queue_pairs, features).await?)
        } else {
            None
        };
        t.driver_ok().await?;
        Ok(Running {
            features,
            control,
            pairs: 1,
            queues,
        })
    }

    /// Makes so many queue pairs active, if that is another number than before.
    ///
    /// # Errors
    /// The device does not take the command.
    pub async fn set_pairs(&mut self, pairs: u16) -> Result<(), DriverError> {
        if let Some(running) = &mut self.running
            && let Some(control) = &running.control
            && running.pairs != pairs
        {
            control.set_pairs(pairs).await?;
            running.pairs = pairs;
        }
        Ok(())
    }

    /// Which queue an interrupt's data mean.
    #[must_use]
    pub fn queue_of(&self, vector_data: u32) -> Option<u16> {
        let queues = &self.running.as_ref()?.queues;
        queues
            .values()
            .find(|q| u32::from(q.vector) == vector_data)
            .map(|q| q.index)
    }

    /// How far a queue is; `None`: the device does not say (docs/checkpoint.md).
    ///
    /// # Errors
    /// An access failed.
    pub async fn position(&self, queue: u16) -> Result<Option<QueuePosition>, DriverError> {
        match self.transport.queue_position(queue).await {
            Ok(position) => Ok(Some(position)),
            Err(DriverError::Lacks { .. }) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Kicks a queue; one that does not run is left alone.
    ///
    /// # Errors
    /// The access failed.
    pub fn kick(&self, queue: u16) -> Result<(), DriverError> {
        let Some(running) = &self.running else {
            return Ok(());
        };
        match running.queues.get(&queue) {
            Some(registers) => self.transport.kick(registers, running.features, 0, false),
            None => Ok(()),
        }
    }

    /// Resets the device: when it is done, the device has no request under way and sends none.
    ///
    /// # Errors
    /// It never comes out of reset.
    pub async fn stop(&mut self) -> Result<(), DriverError> {
        self.running = None;
        self.transport.reset().await
    }

    /// The device status, as the device shows it.
    ///
    /// # Errors
    /// The access failed.
    pub async fn status(&self) -> Result<u8, DriverError> {
        self.transport.status().await
    }
}
