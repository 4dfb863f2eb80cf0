//! What can go wrong for a driver. Most of it is the device's fault, and so a finding and no bug of Ringside.

use crate::host::MsixError;
use crate::host::enumerate::EnumerateError;
use crate::host::memory::MemoryError;
use crate::host::requests::RequestError;

use ringside_models::hex;

use super::ring::{AddError, UsedError};
use super::transport::QueuePosition;

/// Why the driver could not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// A register access failed.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// Enumeration failed.
    #[error("{0}")]
    Enumerate(#[from] EnumerateError),
    /// Interrupts could not be programmed.
    #[error("{0}")]
    Msix(#[from] MsixError),
    /// Memory ran out, or the driver misused it.
    #[error("{0}")]
    Memory(#[from] MemoryError),
    /// A chain could not be added.
    #[error("queue {queue}: {cause}")]
    Add {
        /// virtqueue index.
        queue: u16,
        /// Why.
        cause: AddError,
    },
    /// The used ring makes no sense.
    #[error("queue {queue}: {cause}")]
    Used {
        /// virtqueue index.
        queue: u16,
        /// Why.
        cause: UsedError,
    },
    /// The device did not come out of reset.
    #[error(
        "device status still reads {status:#04x} {cycles} cycles after 0 was written to it (PCICFG-DRV-005)"
    )]
    Reset {
        /// Status read last.
        status: u8,
        /// Time waited.
        cycles: u64,
    },
    /// A queue did not come out of reset.
    #[error(
        "queue {queue}: queue_reset reads {reset}, queue_enable {enable} {cycles} cycles after the reset was asked for"
    )]
    QueueReset {
        /// virtqueue index.
        queue: u16,
        /// `queue_reset` read last.
        reset: u16,
        /// `queue_enable` read last.
        enable: u16,
        /// Time waited.
        cycles: u64,
    },
    /// The device is not suspended, or does not come back.
    #[error("the device does not {what}: status reads {status:#04x} {cycles} cycles after it was asked to")]
    Suspend {
        /// What it was asked to.
        what: &'static str,
        /// Status read last.
        status: u8,
        /// Time waited.
        cycles: u64,
    },
    /// The device does not go on where it is to.
    #[error(
        "queue {queue}: the checkpoint window reads {got:#010x} after {start:#06x} was written as the position to begin at (available and used)"
    )]
    Start {
        /// virtqueue index.
        queue: u16,
        /// Written.
        start: u16,
        /// Read back.
        got: u32,
    },
    /// The device's position is not the one that the ring in memory has.
    #[error("queue {queue}: the device says {device}; the ring in memory says {}", .memory.map_or("nothing that makes sense".to_owned(), |m| format!("used {m:#06x}")))]
    Position {
        /// virtqueue index.
        queue: u16,
        /// What the checkpoint window says.
        device: QueuePosition,
        /// Used position in memory.
        memory: Option<u16>,
    },
    /// A queue does not come to rest.
    #[error("queue {queue}: not at rest after {cycles} cycles without new buffers; the device says {device}")]
    Restless {
        /// virtqueue index.
        queue: u16,
        /// What the checkpoint window says.
        device: QueuePosition,
        /// Time waited.
        cycles: u64,
    },
    /// A driver makes nothing available to a suspended device.
    #[error("no command can be sent while the device is suspended (SUSP-DRV-003)")]
    Suspended,
    /// The device does not offer what every modern driver needs.
    #[error("the device does not offer VIRTIO_F_VERSION_1 (offers {offered:#x})")]
    NoVersion1 {
        /// Feature bits offered.
        offered: u128,
    },
    /// The device does not offer what the run asks for: not its fault.
    #[error("{wanted} needs {feature} (bit {bit}), which the device does not offer (offers {offered:#x})")]
    NotOffered {
        /// What the run asks for, as a scenario says it.
        wanted: &'static str,
        /// The feature's name.
        feature: &'static str,
        /// Its bit.
        bit: u8,
        /// Feature bits offered.
        offered: u128,
    },
    /// The device refused the features.
    #[error(
        "the device cleared FEATURES_OK for the features {features:#x} (offers {offered:#x}): status reads {status:#04x}"
    )]
    Features {
        /// Feature bits written.
        features: u128,
        /// Feature bits offered.
        offered: u128,
        /// Status read back.
        status: u8,
    },
    /// The device does not start.
    #[error("device status reads {status:#04x} after DRIVER_OK was written")]
    NotRunning {
        /// Status read back.
        status: u8,
    },
    /// Something that the run needs is not there.
    #[error("the run needs {what}, the device {has}")]
    Lacks {
        /// What is needed.
        what: String,
        /// What the device has.
        has: String,
    },
    /// A vector was refused.
    #[error("{register} reads back {got:#06x} after {wrote:#06x} was written (PCIINT-DRV-006)")]
    Vector {
        /// Which register.
        register: String,
        /// Written.
        wrote: u16,
        /// Read.
        got: u16,
    },
    /// A queue that should be there is not.
    #[error("queue {queue} does not exist: queue_size reads 0")]
    NoQueue {
        /// virtqueue index.
        queue: u16,
    },
    /// The device asks for a reset instead of answering.
    #[error(
        "control command {}: the device asks for a reset instead of an answer",
        hex::text(command, " ")
    )]
    NeedsReset {
        /// The command's first bytes.
        command: Vec<u8>,
    },
    /// The control queue did not answer.
    #[error(
        "control command {}: no answer within {cycles} cycles",
        hex::text(command, " ")
    )]
    NoAnswer {
        /// The command's first bytes.
        command: Vec<u8>,
        /// Time waited.
        cycles: u64,
    },
    /// The control queue's answer is not what the scenario wants.
    #[error(
        "control command {}: acknowledged with {ack}, the scenario wants {wanted}",
        hex::text(command, " ")
    )]
    Answer {
        /// The command's first bytes.
        command: Vec<u8>,
        /// The ack byte.
        ack: u8,
        /// `ok` or `error`.
        wanted: &'static str,
    },
    /// The result of a control command is not what the scenario wants.
    #[error("control command {command:02x?}: the result is {got:02x?}, the scenario wants {wanted:02x?}")]
    Result {
        /// The command's bytes.
        command: Vec<u8>,
        /// The bytes behind the ack byte, as far as the used length reaches.
        got: Vec<u8>,
        /// What they should be.
        wanted: Vec<u8>,
    },
    /// Device configuration kept changing.
    #[error("config_generation changed at each of {tries} tries to read the device configuration")]
    Generation {
        /// Tries.
        tries: u32,
    },
}

impl DriverError {
    /// May a device that works all the same have caused this, so that a second try is worth it? A host whose reads fail
    /// can make a device ask for a reset, or refuse a command that it could not read.
    #[must_use]
    pub fn is_worth_a_reset(&self) -> bool {
        matches!(
            self,
            DriverError::NeedsReset { .. } | DriverError::NotRunning { .. } | DriverError::Answer { .. }
        )
    }
}
