//! Interrupt moderation as a driver asks for it (spec-digest 5.1): limits per direction, and what a bring-up does with them.

use serde::{Deserialize, Serialize};

use super::command::Command;
use super::config::DriverConfig;
use super::error::DriverError;
use super::features::{Features, NOTF_COAL};
use super::net::NetDriver;

/// Limits of one queue, or of all queues of a direction. Either one zero: an interrupt for every packet that wants one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Most packets before an interrupt.
    pub max_packets: u32,
    /// Longest delay of an interrupt in microseconds.
    pub max_usecs: u32,
}

impl Limits {
    /// As `struct virtio_net_ctrl_coal`.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&self.max_packets.to_le_bytes());
        bytes[4..].copy_from_slice(&self.max_usecs.to_le_bytes());
        bytes
    }

    /// In a few words, for reports.
    #[must_use]
    pub fn words(self) -> String {
        if self.max_packets == 0 || self.max_usecs == 0 {
            "every packet".into()
        } else {
            format!("{} packets or {} us", self.max_packets, self.max_usecs)
        }
    }
}

/// Limits that the driver sets once the device runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Coalesce {
    /// Of all transmit queues.
    pub tx: Limits,
    /// Of all receive queues.
    pub rx: Limits,
}

impl NetDriver {
    /// Sets the limits of `config` in a device that took these features. Limits of zero are what a reset leaves: no command.
    pub(super) async fn set_coalescing(
        &self,
        config: &DriverConfig,
        features: Features,
    ) -> Result<(), DriverError> {
        let Some(coalesce) = config.coalesce.filter(|_| !config.decline.contains(&NOTF_COAL)) else {
            return Ok(());
        };
        if !features.has(NOTF_COAL) {
            return Err(DriverError::Lacks {
                what: "VIRTIO_NET_F_NOTF_COAL for driver.coalesce".into(),
                has: "does not offer it with a control queue".into(),
            });
        }
        for (limits, command) in [
            (coalesce.tx, Command::TxCoalesce(coalesce.tx)),
            (coalesce.rx, Command::RxCoalesce(coalesce.rx)),
        ] {
            if limits != Limits::default() {
                self.command(&command, Some(true)).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_coded_as_the_specification_says() {
        let l = Limits {
            max_packets: 0x0102_0304,
            max_usecs: 5,
        };
        assert_eq!(l.bytes(), [4, 3, 2, 1, 5, 0, 0, 0]);
        assert_eq!(l.words(), "16909060 packets or 5 us");
        let off = Limits { max_packets: 0, ..l };
        assert_eq!(off.words(), "every packet");
    }
}
