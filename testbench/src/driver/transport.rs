//! virtio over PCI, as a driver does it: initialisation in the specification's order, queues, kicks, resets.

mod checkpoint;
mod queues;

use std::fmt;

use ringside_models::hex;
use ringside_sim::SimHandle;

use super::config::{DriverConfig, Vectors};
use super::error::DriverError;
use super::features::{self, Features, NOTIF_CONFIG_DATA, NOTIFICATION_DATA, RING_PACKED, VERSION_1};
use super::ring::{Areas, Format};
use crate::host::{Function, Host, Virtio};

pub use checkpoint::QueuePosition;

/// Device status bits (spec-digest 1.4).
pub mod status {
    /// The driver has seen the device.
    pub const ACKNOWLEDGE: u8 = 1;
    /// The driver knows how to drive it.
    pub const DRIVER: u8 = 2;
    /// The driver is ready.
    pub const DRIVER_OK: u8 = 4;
    /// Negotiation is complete.
    pub const FEATURES_OK: u8 = 8;
    /// The driver wants the device suspended, or it is.
    pub const SUSPEND: u8 = 16;
    /// The device wants to be reset.
    pub const NEEDS_RESET: u8 = 64;
    /// The driver has given up.
    pub const FAILED: u8 = 128;
}

/// virtio device type of a network device.
const NET: u16 = 1;

/// No vector.
pub const NO_VECTOR: u16 = 0xffff;

/// Cycles that a reset may take before the driver gives up.
const RESET_CYCLES_MAX: u64 = 200_000;
/// Cycles between two looks at a reset.
const RESET_POLL_CYCLES: u64 = 50;
/// Tries to read a consistent device configuration.
const GENERATION_TRIES: u32 = 8;

/// PCI Express capability.
const CAP_PCIE: u8 = 0x10;
/// Device Control, relative to it.
const DEVICE_CONTROL: u16 = 8;
/// Initiate Function Level Reset.
const INITIATE_FLR: u32 = 1 << 15;
/// Time given to a function level reset. The specification allows 100 ms, which nobody wants to simulate; ours drains in far less.
const FLR_CYCLES: u64 = 5_000;

/// Offsets in the common configuration (spec-digest 1.6).
mod reg {
    pub(super) const DEVICE_FEATURE_SELECT: u64 = 0x00;
    pub(super) const DEVICE_FEATURE: u64 = 0x04;
    pub(super) const DRIVER_FEATURE_SELECT: u64 = 0x08;
    pub(super) const DRIVER_FEATURE: u64 = 0x0c;
    pub(super) const CONFIG_MSIX_VECTOR: u64 = 0x10;
    pub(super) const NUM_QUEUES: u64 = 0x12;
    pub(super) const DEVICE_STATUS: u64 = 0x14;
    pub(super) const CONFIG_GENERATION: u64 = 0x15;
    pub(super) const QUEUE_SELECT: u64 = 0x16;
    pub(super) const QUEUE_SIZE: u64 = 0x18;
    pub(super) const QUEUE_MSIX_VECTOR: u64 = 0x1a;
    pub(super) const QUEUE_ENABLE: u64 = 0x1c;
    pub(super) const QUEUE_NOTIFY_OFF: u64 = 0x1e;
    pub(super) const QUEUE_DESC: u64 = 0x20;
    pub(super) const QUEUE_DRIVER: u64 = 0x28;
    pub(super) const QUEUE_DEVICE: u64 = 0x30;
    pub(super) const QUEUE_NOTIF_CONFIG_DATA: u64 = 0x38;
    pub(super) const QUEUE_RESET: u64 = 0x3a;
}

/// Device configuration of a network device, as far as this driver uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetDeviceConfig {
    /// The device's MAC address.
    pub mac: [u8; 6],
    /// Status: bit 0 link up.
    pub status: u16,
    /// Queue pairs that the device has.
    pub max_queue_pairs: u16,
    /// Its MTU.
    pub mtu: u16,
}

impl fmt::Display for NetDeviceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "MAC {}, MTU {}, {} queue pairs, status {:#x}",
            hex::text(&self.mac, ":"),
            self.mtu,
            self.max_queue_pairs,
            self.status
        )
    }
}

/// A queue as the device knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRegisters {
    /// virtqueue index.
    pub index: u16,
    /// Bus address of its kick.
    pub kick: u64,
    /// What a kick carries in its lower half: the index, or what the device asks for.
    pub kick_value: u16,
    /// Vector, or [`NO_VECTOR`].
    pub vector: u16,
}

/// One virtio function and the way to it.
#[derive(Clone)]
pub struct Transport {
    host: Host,
    sim: SimHandle,
    function: Function,
    virtio: Virtio,
}

impl Transport {
    /// A function that was enumerated.
    ///
    /// # Errors
    /// It is no virtio network function.
    pub fn new(host: &Host, function: Function) -> Result<Self, DriverError> {
        match (function.virtio_type(), function.virtio) {
            (Some(NET), Some(virtio)) => Ok(Transport {
                host: host.clone(),
                sim: host.sim().clone(),
                function,
                virtio,
            }),
            (kind, _) => Err(DriverError::Lacks {
                what: "a virtio network function (device id 0x1041)".to_owned(),
                has: format!(
                    "has vendor id {:#06x}, device id {:#06x}{}",
                    function.vendor,
                    function.device,
                    if kind.is_some() {
                        ", another virtio type"
                    } else {
                        ""
                    }
                ),
            }),
        }
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The function.
    #[must_use]
    pub fn function(&self) -> &Function {
        &self.function
    }

    async fn read(&self, offset: u64, size: usize) -> Result<u64, DriverError> {
        Ok(self
            .host
            .mmio_read(self.virtio.common.addr + offset, size)
            .await?)
    }

    fn write(&self, offset: u64, value: u64, size: usize) -> Result<(), DriverError> {
        let bytes = value.to_le_bytes();
        Ok(self
            .host
            .mmio_post(self.virtio.common.addr + offset, &bytes[..size])?)
    }

    /// Device status.
    ///
    /// # Errors
    /// The access failed.
    pub async fn status(&self) -> Result<u8, DriverError> {
        Ok(self.read(reg::DEVICE_STATUS, 1).await? as u8)
    }

    /// Adds a bit to the device status, as a driver that never clears one.
    ///
    /// # Errors
    /// The access failed.
    pub async fn add_status(&self, bit: u8) -> Result<(), DriverError> {
        let old = self.status().await?;
        self.write(reg::DEVICE_STATUS, (old | bit).into(), 1)
    }

    /// Resets the device and waits until it says that it has been (PCICFG-DRV-005).
    ///
    /// # Errors
    /// It never says so.
    pub async fn reset(&self) -> Result<(), DriverError> {
        self.write(reg::DEVICE_STATUS, 0, 1)?;
        let start = self.sim.now();
        loop {
            let status = self.status().await?;
            let cycles = self.sim.now() - start;
            if status == 0 {
                return Ok(());
            }
            if cycles > RESET_CYCLES_MAX {
                return Err(DriverError::Reset { status, cycles });
            }
            self.sim.cycles(RESET_POLL_CYCLES).await;
        }
    }

    /// Steps 1 to 6 of the initialisation (INIT-DRV-002 to 010): reset, ACKNOWLEDGE, DRIVER, features, `FEATURES_OK` and its read-back.
    ///
    /// # Errors
    /// No reset, no `VERSION_1`, or the device refuses the features; then FAILED is set (INIT-DRV-013).
    pub async fn negotiate(&self, config: &DriverConfig) -> Result<Features, DriverError> {
        let offered = self.begin().await?;
        if !offered.has(VERSION_1) {
            self.add_status(status::FAILED).await?;
            return Err(DriverError::NoVersion1 { offered: offered.0 });
        }
        if config.ring == Format::Packed && !offered.has(RING_PACKED) {
            self.add_status(status::FAILED).await?;
            return Err(DriverError::NotOffered {
                wanted: "ring = \"packed\"",
                feature: "VIRTIO_F_RING_PACKED",
                bit: RING_PACKED,
                offered: offered.0,
            });
        }
        let taken = features::choose(offered, config);
        self.take_features(offered, taken).await?;
        Ok(taken)
    }

    /// The first half of [`Transport::negotiate`]: reset, ACKNOWLEDGE, DRIVER, and what the device offers.
    ///
    /// # Errors
    /// No reset, or an access failed.
    pub async fn begin(&self) -> Result<Features, DriverError> {
        self.reset().await?;
        self.add_status(status::ACKNOWLEDGE).await?;
        self.add_status(status::DRIVER).await?;
        let mut offered = Features::default();
        for window in 0..4u32 {
            self.write(reg::DEVICE_FEATURE_SELECT, window.into(), 4)?;
            let bits = self.read(reg::DEVICE_FEATURE, 4).await?;
            offered.0 |= u128::from(bits) << (32 * window);
        }
        Ok(offered)
    }

    /// The second half: the features taken, `FEATURES_OK`, and its read-back.
    ///
    /// # Errors
    /// The device refuses the features; then FAILED is set (INIT-DRV-013).
    pub async fn take_features(&self, offered: Features, taken: Features) -> Result<(), DriverError> {
        for window in 0..4u32 {
            self.write(reg::DRIVER_FEATURE_SELECT, window.into(), 4)?;
            self.write(reg::DRIVER_FEATURE, taken.window(window).into(), 4)?;
        }
        self.add_status(status::FEATURES_OK).await?;
        let status = self.status().await?;
        if status & status::FEATURES_OK == 0 {
            self.add_status(status::FAILED).await?;
            return Err(DriverError::Features {
                features: taken.0,
                offered: offered.0,
                status,
            });
        }
        Ok(())
    }

    /// Bytes of the device configuration from `offset` on, one by one (no generation loop).
    ///
    /// # Errors
    /// An access failed.
    pub async fn config_bytes(&self, offset: u32, len: u32) -> Result<Vec<u8>, DriverError> {
        let mut bytes = Vec::new();
        if let Some(device) = self.virtio.device {
            for at in offset..offset.saturating_add(len).min(device.len_bytes) {
                bytes.push(self.host.mmio_read(device.addr + u64::from(at), 1).await? as u8);
            }
        }
        Ok(bytes)
    }

    /// Step 8: the driver is ready. The status is read back: what follows finds a device that runs.
    ///
    /// # Errors
    /// The access failed, or the device asks for a reset at once.
    pub async fn driver_ok(&self) -> Result<(), DriverError> {
        self.add_status(status::DRIVER_OK).await?;
        let status = self.status().await?;
        if status & status::DRIVER_OK != 0 && status & status::NEEDS_RESET == 0 {
            Ok(())
        } else {
            Err(DriverError::NotRunning { status })
        }
    }

    /// Asks for a suspension and waits until it is reached (SUSP-DRV-002); `wait` false: only asks.
    ///
    /// # Errors
    /// It never is, or the device asks for a reset.
    pub async fn suspend(&self, wait: bool) -> Result<(), DriverError> {
        let asked = self.add_status(status::SUSPEND).await;
        if !wait {
            return asked;
        }
        asked?;
        self.poll_suspension("be suspended", status::SUSPEND).await
    }

    /// Asks for the end of a suspension and waits until the device runs (SUSP-DRV-006).
    ///
    /// # Errors
    /// It never does, or asks for a reset.
    pub async fn resume(&self) -> Result<(), DriverError> {
        self.add_status(status::DRIVER_OK).await?;
        self.poll_suspension("run again", status::DRIVER_OK).await
    }

    /// Waits until of SUSPEND and `DRIVER_OK` only `wanted` is set.
    async fn poll_suspension(&self, what: &'static str, wanted: u8) -> Result<(), DriverError> {
        let start = self.sim.now();
        loop {
            let status = self.status().await?;
            let cycles = self.sim.now() - start;
            if status & (status::SUSPEND | status::DRIVER_OK) == wanted {
                return Ok(());
            }
            if status & status::NEEDS_RESET != 0 || cycles > RESET_CYCLES_MAX {
                return Err(DriverError::Suspend { what, status, cycles });
            }
            self.sim.cycles(RESET_POLL_CYCLES).await;
        }
    }

    /// Reads the device configuration, again if it changed meanwhile (PCICFG-DRV, generation loop).
    ///
    /// # Errors
    /// It keeps changing, or an access failed.
    pub async fn net_config(&self, features: Features) -> Result<NetDeviceConfig, DriverError> {
        let Some(device) = self.virtio.device else {
            let (what, has) = ("a device configuration".to_owned(), "has none".to_owned());
            return Err(DriverError::Lacks { what, has });
        };
        let base = device.addr;
        for _ in 0..GENERATION_TRIES {
            let before = self.read(reg::CONFIG_GENERATION, 1).await?;
            let mut mac = [0; 6];
            if features.has(features::MAC) {
                for (offset, byte) in mac.iter_mut().enumerate() {
                    *byte = self.host.mmio_read(base + offset as u64, 1).await? as u8;
                }
            }
            let word = async |offset: u64, wanted: bool, otherwise: u16| -> Result<u16, DriverError> {
                Ok(if wanted {
                    self.host.mmio_read(base + offset, 2).await? as u16
                } else {
                    otherwise
                })
            };
            let status = word(6, features.has(features::STATUS), 1).await?;
            let max_queue_pairs = word(8, features.has(features::MQ), 1).await?;
            let mtu = word(10, features.has(features::MTU), 1500).await?;
            if self.read(reg::CONFIG_GENERATION, 1).await? == before {
                return Ok(NetDeviceConfig {
                    mac,
                    status,
                    max_queue_pairs,
                    mtu,
                });
            }
        }
        Err(DriverError::Generation {
            tries: GENERATION_TRIES,
        })
    }

    /// Reads and clears the ISR status.
    ///
    /// # Errors
    /// The access failed.
    pub async fn isr(&self) -> Result<u8, DriverError> {
        Ok(self.host.mmio_read(self.virtio.isr.addr, 1).await? as u8)
    }

    /// Enables bus mastering and interrupts. With MSI-X vector v carries the number v. Returns how many vectors there are; 0 when `INTx` is used.
    ///
    /// # Errors
    /// An access failed.
    pub async fn set_up_interrupts(&self, vectors: Vectors) -> Result<u16, DriverError> {
        let msix = self.function.msix.filter(|_| vectors != Vectors::Intx);
        self.host.set_command(true, true, msix.is_none()).await?;
        match msix {
            Some(msix) => {
                self.host.msix_program(&self.function).await?;
                Ok(msix.vectors)
            }
            None => Ok(0),
        }
    }

    /// Masks or unmasks vectors; an empty list means the whole function.
    ///
    /// # Errors
    /// No such vector.
    pub async fn mask(&self, vectors: &[u16], mask: bool) -> Result<(), DriverError> {
        for vector in vectors {
            self.host.msix_mask(&self.function, *vector, mask)?;
        }
        if vectors.is_empty() {
            self.host.msix_enable(&self.function, true, mask).await?;
        }
        Ok(())
    }

    /// Function level reset: everything of the function is as after power-on; it has to be enumerated again.
    ///
    /// # Errors
    /// No PCI Express capability, or an access failed.
    pub async fn function_reset(&self) -> Result<(), DriverError> {
        let Some(at) = self.function.capability(CAP_PCIE) else {
            let (what, has) = (
                "function level reset".to_owned(),
                "has no PCI Express capability".to_owned(),
            );
            return Err(DriverError::Lacks { what, has });
        };
        let control = self.host.config_read_sized(at + DEVICE_CONTROL, 2).await?;
        self.host
            .config_write(at + DEVICE_CONTROL, 2, control | INITIATE_FLR)
            .await?;
        self.sim.cycles(FLR_CYCLES).await;
        Ok(())
    }
}
