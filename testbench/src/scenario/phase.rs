//! The steps of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::driver::command::Command;
pub use crate::host::memory::Part;

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Phase {
    /// Start the next frames.
    Traffic {
        /// How many; absent: all that are left.
        #[serde(default)]
        frames: Option<usize>,
        /// Wait until they have gone all the way.
        #[serde(default = "yes")]
        wait: bool,
    },
    /// Let time pass.
    Wait {
        /// How long.
        cycles: u64,
    },
    /// Reset the device and initialise it again. Frames under way are lost.
    DeviceReset {},
    /// Function level reset, then enumerate and initialise again.
    FunctionReset {},
    /// Reset one queue and enable it again. Frames in it are lost.
    QueueReset {
        /// virtqueue index.
        queue: u16,
    },
    /// Hold the driver back and suspend the device (`VIRTIO_F_SUSPEND`).
    Suspend {
        /// Wait until it is suspended.
        #[serde(default = "yes")]
        wait: bool,
    },
    /// End the suspension and go on.
    Resume {},
    /// Ask the device how far queues are (checkpoint window).
    Checkpoint {
        /// virtqueue index; absent: every queue in use.
        #[serde(default)]
        queue: Option<u16>,
        /// Wait until it is at rest, and compare with the ring in memory.
        #[serde(default = "yes")]
        quiet: bool,
    },
    /// Take the queues from the device and have it go on with the same rings where they stood: all by a suspension and a reset, or one by its own reset.
    Restore {
        /// virtqueue index; absent: all.
        #[serde(default)]
        queue: Option<u16>,
    },
    /// Mask MSI-X vectors; with `INTx`: Interrupt Disable.
    Mask {
        /// Which; empty: the whole function.
        #[serde(default)]
        vectors: Vec<u16>,
    },
    /// Unmask MSI-X vectors, or allow `INTx` again.
    Unmask {
        /// Which; empty: the whole function.
        #[serde(default)]
        vectors: Vec<u16>,
    },
    /// Allow or forbid the function to send requests (Bus Master Enable).
    BusMaster {
        /// Allow?
        on: bool,
    },
    /// A command on the control queue.
    Control {
        /// The command.
        command: Command,
        /// The answer that it must get: ok or not. Absent: either, the judge decides.
        #[serde(default)]
        ok: Option<bool>,
    },
    /// Change the link state that the device sees.
    Link {
        /// New state.
        up: bool,
    },
    /// Stop or resume giving fresh receive buffers.
    Refill {
        /// Resume?
        on: bool,
    },
    /// Read the device configuration as a driver does, generation loop included.
    ReadConfig {},
    /// The host answers no read of what belongs to a queue until `release`.
    Withhold {
        /// virtqueue index.
        queue: u16,
        /// Which reads.
        what: Part,
    },
    /// Answer these reads again, those that wait too.
    Release {
        /// virtqueue index.
        queue: u16,
    },
    /// Stop (false) or resume taking beats of `net_tx`.
    TakeFrames {
        /// Resume?
        on: bool,
    },
    /// Wait until so many frames of a queue have left the device, or reached the driver. If they are late the run fails.
    Progress {
        /// virtqueue index of a transmit or receive queue.
        queue: u16,
        /// How many, counted from the beginning of the last other step.
        frames: u64,
        /// In how many cycles, counted from there too.
        cycles: u64,
    },
    /// Look how evenly the queues were served since the beginning of the last step that was neither `progress` nor this. If less than this the run fails.
    Fairness {
        /// Transmit queues, or receive queues.
        direction: Side,
        /// Least Jain's index of their frames, in thousandths.
        per_mille: u64,
    },
}

/// Queues of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Transmit queues.
    Tx,
    /// Receive queues.
    Rx,
}

fn yes() -> bool {
    true
}

impl Phase {
    /// The word that a scenario file has for the step.
    #[must_use]
    pub fn word(&self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|v| v["do"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// As a scenario file says it, in one line.
impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match toml::Value::try_from(self) {
            Ok(table) => write!(f, "{table}"),
            // TOML has no numbers beyond 63 bits.
            Err(_) => write!(f, "{self:?}"),
        }
    }
}
