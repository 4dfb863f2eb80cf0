//! One conversation with a frontend: what it said so far, and what follows from it for the device.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;

use super::message::{F_PROTOCOL_FEATURES, Message, MessageError, Request, protocol};
use super::regions::{RegionError, Regions, SLOTS};
use super::ring::{Kick, Ring, RingError};
use crate::driver::error::DriverError;
use crate::driver::features::{Features, RING_PACKED, VERSION_1};
use crate::driver::transport::status;
use crate::host::Host;
use crate::serve::parent::{Parent, Place};

/// Protocol features offered.
const PROTOCOL: u64 = protocol::MQ
    | protocol::REPLY_ACK
    | protocol::CONFIG
    | protocol::RESET_DEVICE
    | protocol::CONFIGURE_MEM_SLOTS
    | protocol::STATUS;
/// A device that has moved nothing for so long has done all it was given.
const DRAIN_QUIET_CYCLES: u64 = 2_000;
/// Longest time that it gets for that.
const DRAIN_CYCLES: u64 = 200_000;
/// Longest part of the device configuration.
const CONFIG_MAX: u32 = 256;

/// Why a conversation cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// A message that makes no sense.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Memory that cannot be used.
    #[error(transparent)]
    Region(#[from] RegionError),
    /// A ring that cannot run.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// A ring that is not there.
    #[error("{request:?} names ring {ring}: there are {rings}")]
    NoRing {
        /// The request.
        request: Request,
        /// The ring named.
        ring: u32,
        /// Rings there are.
        rings: usize,
    },
    /// Features that were not offered.
    #[error("features {taken:#x} were taken, {offered:#x} are offered: {extra:#x} are not among them")]
    Features {
        /// Features taken.
        taken: u64,
        /// Features offered.
        offered: u64,
        /// Those that are not.
        extra: u64,
    },
    /// A driver before virtio 1.
    #[error(
        "the rings are to run with features {taken:#x}, without VIRTIO_F_VERSION_1: the device has no legacy interface"
    )]
    Legacy {
        /// Features taken.
        taken: u64,
    },
    /// Something that is not done here.
    #[error("{request:?} is not done here, and nothing that asks for it is offered")]
    Unserved {
        /// The request.
        request: Request,
    },
    /// Protocol features without which nothing goes.
    #[error("protocol features {taken:#x} were taken: {lacking:#x} are needed as well")]
    Protocol {
        /// Protocol features taken.
        taken: u64,
        /// Those that are missing.
        lacking: u64,
    },
    /// A ring is to run of which not everything was said.
    #[error("ring {ring} is enabled, but its size or its place was not said")]
    Undescribed {
        /// The ring.
        ring: u16,
    },
    /// The device does not do what it should.
    #[error("device: {0}")]
    Device(#[from] DriverError),
}

/// The state of a conversation.
#[derive(Debug)]
pub struct Backend {
    offered: u64,
    taken: u64,
    protocol: u64,
    status: u8,
    regions: Regions,
    /// The rings, by index.
    pub rings: Vec<Ring>,
    /// Where those lie that were started last.
    started: BTreeMap<u16, Place>,
}

impl Backend {
    /// A conversation about a device that offers this and has so many queue pairs.
    #[must_use]
    pub fn new(offered: Features, queue_pairs: u16) -> Self {
        Backend {
            offered: offered.0 as u64 | F_PROTOCOL_FEATURES,
            taken: 0,
            protocol: 0,
            status: 0,
            regions: Regions::default(),
            rings: (0..2 * queue_pairs).map(|_| Ring::default()).collect(),
            started: BTreeMap::new(),
        }
    }

    /// Features that the driver took.
    #[must_use]
    pub fn taken(&self) -> Features {
        Features(u128::from(self.taken & !F_PROTOCOL_FEATURES))
    }

    /// Are its rings packed?
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.taken().has(RING_PACKED)
    }

    fn has(&self, protocol: u64) -> bool {
        self.protocol & protocol != 0
    }

    fn ring(&mut self, request: Request, ring: u32) -> Result<&mut Ring, BackendError> {
        let rings = self.rings.len();
        self.rings
            .get_mut(ring as usize)
            .ok_or(BackendError::NoRing { request, ring, rings })
    }

    /// Does the frontend say itself when the device is to start?
    #[must_use]
    pub fn passes_status_on(&self) -> bool {
        self.has(protocol::STATUS)
    }

    /// Is everything said that the device needs to start?
    #[must_use]
    pub fn wants_to_run(&self) -> bool {
        let enabled = self.taken & F_PROTOCOL_FEATURES == 0;
        let ready = self
            .rings
            .iter()
            .any(|r| r.is_ready() && (enabled || r.enabled || self.passes_status_on()));
        ready && (!self.passes_status_on() || self.status & status::DRIVER_OK != 0)
    }

    /// Starts the device on the rings that are ready.
    ///
    /// # Errors
    /// [`BackendError`]: a ring or the features cannot be.
    pub async fn start(&mut self, parent: &mut Parent, host: &Host) -> Result<(), BackendError> {
        if !self.taken().has(VERSION_1) {
            return Err(BackendError::Legacy { taken: self.taken });
        }
        let packed = self.is_packed();
        let mut places = BTreeMap::new();
        for (index, ring) in (0..).zip(&self.rings) {
            if let Some(place) = ring.place(index, packed, &self.regions)? {
                places.insert(index, place);
            }
        }
        host.memory().lend(self.regions.lent());
        parent.start(self.taken(), &places).await?;
        self.started = places;
        Ok(parent.set_pairs(self.active_pairs()).await?)
    }

    /// Takes a message: what to answer, if anything.
    ///
    /// # Errors
    /// [`BackendError`]: the conversation cannot go on.
    pub async fn take(
        &mut self,
        mut message: Message,
        parent: &mut Parent,
        host: &Host,
    ) -> Result<Option<Vec<u8>>, BackendError> {
        let request = message.request;
        let number = |n: u64| Ok(Some(n.to_le_bytes().to_vec()));
        match request {
            Request::GetFeatures => return number(self.offered),
            Request::GetProtocolFeatures => return number(PROTOCOL),
            Request::GetQueueNum => return number(self.rings.len() as u64 / 2),
            Request::GetMaxMemSlots => return number(SLOTS as u64),
            Request::GetStatus => return number(self.status_now(parent).await?.into()),
            Request::GetConfig => return self.config(&message, parent).await.map(Some),
            Request::GetVringBase => {
                let (ring, _) = message.vring_state()?;
                return self.stop_ring(request, ring, parent, host).await.map(Some);
            }
            Request::SetFeatures => self.set_features(message.u64()?)?,
            Request::SetProtocolFeatures => self.protocol = message.u64()? & PROTOCOL,
            Request::SetMemTable => {
                let mut regions = Regions::default();
                for (info, file) in message.regions()? {
                    regions.add(info, &file)?;
                }
                self.regions = regions;
                host.memory().lend(self.regions.lent());
            }
            Request::AddMemReg => {
                let files = message.take_fds(1)?;
                let info = message.region()?;
                for file in &files {
                    self.regions.add(info, file)?;
                }
                host.memory().lend(self.regions.lent());
            }
            Request::RemMemReg => {
                self.regions.remove(message.region()?)?;
                host.memory().lend(self.regions.lent());
            }
            Request::SetVringNum => {
                let (ring, size) = message.vring_state()?;
                self.ring(request, ring)?.resize(ring, size)?;
            }
            Request::SetVringBase => {
                let (ring, base) = message.vring_state()?;
                self.ring(request, ring)?.base = base;
            }
            Request::SetVringAddr => {
                let addr = message.vring_addr()?;
                self.ring(request, addr.index)?.addr = Some(addr);
            }
            Request::SetVringKick => {
                let (ring, file) = message.vring_fd()?;
                if let Some(file) = &file {
                    // Whoever else reads it must not make the whole device wait.
                    let flags = rustix::fs::fcntl_getfl(file).unwrap_or(rustix::fs::OFlags::empty());
                    let _ = rustix::fs::fcntl_setfl(file, flags | rustix::fs::OFlags::NONBLOCK);
                }
                self.ring(request, ring)?.kick = file.map_or(Kick::Polled, Kick::Fd);
            }
            Request::SetVringCall => {
                let (ring, file) = message.vring_fd()?;
                self.ring(request, ring)?.call = file;
            }
            Request::SetVringErr => {
                let (ring, _) = message.vring_fd()?;
                self.ring(request, ring)?;
            }
            Request::SetVringEnable => {
                let (ring, on) = message.vring_state()?;
                self.ring(request, ring)?.enabled = on != 0;
                // Without an enabled pair there is no number to tell the device; the driver gives it nothing then.
                parent.set_pairs(self.active_pairs()).await?;
            }
            Request::SetStatus => self.set_status(message.u64()? as u8, parent, host).await?,
            Request::ResetDevice | Request::ResetOwner => self.reset(parent).await?,
            Request::SetOwner => {}
            Request::SetLogBase
            | Request::SetLogFd
            | Request::SendRarp
            | Request::NetSetMtu
            | Request::SetBackendReqFd
            | Request::IotlbMsg
            | Request::SetConfig
            | Request::VringKick => return Err(BackendError::Unserved { request }),
        }
        // With REPLY_ACK a message without an answer of its own gets a number: 0 is well.
        if message.need_reply && self.has(protocol::REPLY_ACK) {
            return number(0);
        }
        Ok(None)
    }

    /// Pairs from the first on whose rings were started and are told to run: at least one.
    fn active_pairs(&self) -> u16 {
        let runs = |pair: &&[Ring]| pair.iter().all(|r| r.enabled && r.is_ready());
        (self.rings.chunks(2).take_while(runs).count() as u16).max(1)
    }

    fn set_features(&mut self, taken: u64) -> Result<(), BackendError> {
        let offered = self.offered;
        let extra = taken & !offered;
        if extra != 0 {
            return Err(BackendError::Features {
                taken,
                offered,
                extra,
            });
        }
        self.taken = taken;
        Ok(())
    }

    async fn set_status(&mut self, to: u8, parent: &mut Parent, host: &Host) -> Result<(), BackendError> {
        self.status = to;
        if to == 0 {
            self.reset(parent).await?;
        } else if !parent.is_running() && self.wants_to_run() {
            self.start(parent, host).await?;
        }
        Ok(())
    }

    /// What the frontend said, and whether the device asks for a reset.
    async fn status_now(&self, parent: &Parent) -> Result<u8, BackendError> {
        let asks = if parent.is_running() {
            parent.status().await? & status::NEEDS_RESET
        } else {
            0
        };
        Ok(self.status | asks)
    }

    /// The device as after power-on; rings have to be described anew.
    async fn reset(&mut self, parent: &mut Parent) -> Result<(), BackendError> {
        self.status = 0;
        for ring in &mut self.rings {
            (ring.enabled, ring.kick, ring.addr) = (false, Kick::Unknown, None);
        }
        if parent.is_running() {
            parent.stop().await?;
        }
        Ok(())
    }

    /// A ring stops, and the frontend wants to know where. The device can stop one ring only with the others: all stop with the first.
    async fn stop_ring(
        &mut self,
        request: Request,
        ring: u32,
        parent: &mut Parent,
        host: &Host,
    ) -> Result<Vec<u8>, BackendError> {
        self.ring(request, ring)?;
        if parent.is_running() {
            // What was given to the device goes all the way, if it can.
            let drained = host.quiet(DRAIN_QUIET_CYCLES);
            let _ = host.sim().timeout(DRAIN_CYCLES, drained).await;
            for (queue, place) in self.started.clone() {
                self.rings[usize::from(queue)].base = self.position(queue, place, parent, host).await?;
            }
            parent.stop().await?;
        }
        let stopped = self.ring(request, ring)?;
        (stopped.kick, stopped.enabled) = (Kick::Unknown, false);
        Ok([ring.to_le_bytes(), stopped.base.to_le_bytes()].concat())
    }

    /// Where a queue goes on: behind the last buffer returned, so that what was begun and not returned is done again. A device that does not say it
    /// itself leaves the used index of a split ring to look at, and of a packed ring nothing: that one is said to be where it began.
    async fn position(
        &self,
        queue: u16,
        place: Place,
        parent: &Parent,
        host: &Host,
    ) -> Result<u32, BackendError> {
        let packed = self.is_packed();
        if let Some(position) = parent.position(queue).await? {
            let used = u32::from(position.used);
            return Ok(if packed { used << 16 | used } else { used });
        }
        if packed {
            return Ok(self.rings[usize::from(queue)].base);
        }
        let mut index = [0; 2];
        host.memory()
            .device_read(host.sim().now(), place.areas.device + 2, &mut index);
        Ok(u16::from_le_bytes(index).into())
    }

    async fn config(&self, message: &Message, parent: &Parent) -> Result<Vec<u8>, BackendError> {
        let (offset, len, _) = message.config()?;
        let mut answer = message.payload[..12].to_vec();
        if len <= CONFIG_MAX && offset <= CONFIG_MAX {
            let mut bytes = parent.config_bytes(offset, len).await?;
            bytes.resize(len as usize, 0);
            answer.extend(bytes);
        } else {
            // An answer without bytes is the protocol's way to say no.
            answer[4..8].fill(0);
        }
        Ok(answer)
    }

    /// Files to listen to: ring and descriptor.
    pub fn kicks(&self) -> impl Iterator<Item = (u16, &OwnedFd)> {
        (0..)
            .zip(&self.rings)
            .filter_map(|(index, ring)| match &ring.kick {
                Kick::Fd(fd) => Some((index, fd)),
                Kick::Unknown | Kick::Polled => None,
            })
    }

    /// Rings that the device is to look at without being told.
    pub fn polled(&self) -> impl Iterator<Item = u16> {
        let polled = |(index, ring): (u16, &Ring)| matches!(ring.kick, Kick::Polled).then_some(index);
        (0..).zip(&self.rings).filter_map(polled)
    }
}
