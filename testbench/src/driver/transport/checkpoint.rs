//! The checkpoint window (vendor data, `rtl/virtio/checkpoint.sv`): how far queues are, and where they go on.

use std::fmt;

use super::Transport;
use crate::driver::error::DriverError;

/// Bytes of a queue in the window.
const QUEUE_BYTES: u64 = 8;

/// How far a queue is, as the device says it. A position is an index (split), or a slot with its wrap counter in bit 15 (packed).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePosition {
    /// Behind the last buffer that the device is through with.
    pub avail: u16,
    /// Behind the last buffer returned.
    pub used: u16,
    /// Up to here the driver was notified, or did not want to be.
    pub told: u16,
    /// Nothing is under way.
    pub quiet: bool,
}

impl fmt::Display for QueuePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.quiet { "quiet" } else { "busy" };
        write!(
            f,
            "available {:#06x}, used {:#06x}, told {:#06x}, {state}",
            self.avail, self.used, self.told
        )
    }
}

impl Transport {
    fn checkpoint(&self, queue: u16) -> Result<u64, DriverError> {
        let at = QUEUE_BYTES * u64::from(queue);
        match self.virtio.checkpoint {
            Some(window) if at + QUEUE_BYTES <= u64::from(window.len_bytes) => Ok(window.addr + at),
            _ => Err(DriverError::Lacks {
                what: format!("a checkpoint window with queue {queue}"),
                has: "has none".into(),
            }),
        }
    }

    /// Where a queue is to go on that is not enabled yet, written and read back.
    pub(super) async fn set_start(&self, queue: u16, start: u16) -> Result<(), DriverError> {
        let at = self.checkpoint(queue)?;
        let value = u32::from(start) << 16 | u32::from(start);
        self.host.mmio_post(at, &value.to_le_bytes())?;
        let got = self.host.mmio_read(at, 4).await? as u32;
        if got == value {
            Ok(())
        } else {
            Err(DriverError::Start { queue, start, got })
        }
    }

    /// How far a queue is: one read of the checkpoint window.
    ///
    /// # Errors
    /// The device has no such window, or the access failed.
    pub async fn queue_position(&self, queue: u16) -> Result<QueuePosition, DriverError> {
        let value = self.host.mmio_read(self.checkpoint(queue)?, 8).await?;
        Ok(QueuePosition {
            avail: value as u16,
            used: (value >> 16) as u16,
            told: (value >> 32) as u16,
            quiet: value >> 48 & 1 == 1,
        })
    }
}
