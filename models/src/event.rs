//! The event stream: everything that happens at the boundary, typed and cycle-stamped. **The trace is the only truth.**
//!
//! A trace file is a [`Header`] line followed by one [`Event`] a line, each a JSON object, cycles never decreasing. Checkers, reports, golden
//! files and captures are readers of this stream, live or from a file, and of nothing else. `docs/trace.md` is the format's manual.

use serde::{Deserialize, Serialize};

use crate::hex;
use crate::tlp::Tlp;

/// Version of the trace format. Bump when a reader of the old version would misread a new file.
pub const TRACE_VERSION: u32 = 1;

/// First line of a trace: what was run, on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`TRACE_VERSION`]; also what identifies the file.
    pub ringside_trace: u32,
    /// Name of the device under test.
    pub dut: String,
    /// virtio device type; 1 is net.
    pub device_type: u32,
    /// Clock of the boundary in MHz: converts cycles to time.
    pub clock_mhz: f64,
    /// Width of `tdata` in bits.
    pub data_width_bits: u32,
    /// The link the host modelled.
    pub link: Link,
    /// Are the driver's stores in the trace ([`What::Store`])? If not, the rules that need store times are off, by name.
    pub driver_stores: bool,
    /// Run seed.
    pub seed: u64,
    /// Name of the scenario, free text.
    pub scenario: String,
    /// Rules that the scenario provokes on purpose: at least one violation of each is expected, none of another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<String>,
    /// Conditions a report's reader wants to see (host latency law, driver options, …), in a fixed order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<(String, String)>,
}

/// PCIe link parameters as the host modelled and programmed them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Generation, 1..=5.
    pub generation: u8,
    /// Lanes.
    pub lanes: u8,
    /// Max payload size in bytes.
    pub mps_bytes: u32,
    /// Max read request size in bytes.
    pub mrrs_bytes: u32,
    /// Read completion boundary in bytes.
    pub rcb_bytes: u32,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Clock cycle; for a packet that of its last beat's handshake.
    #[serde(rename = "c")]
    pub cycle: u64,
    /// What happened.
    #[serde(rename = "e")]
    pub what: What,
}

/// The kinds of event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// A TLP crossed the boundary.
    Tlp {
        /// Channel.
        ch: Channel,
        /// Cycle of its first beat, if it took more than one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<u64>,
        /// The packet.
        tlp: Tlp,
    },
    /// The driver stored into memory that it shares with the device.
    Store {
        /// Byte address.
        #[serde(with = "hex::address")]
        addr: u64,
        /// Bytes stored.
        #[serde(with = "hex::bytes")]
        data: Vec<u8>,
        /// First cycle at which a device read can see it (same as the event's cycle if absent).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        visible: Option<u64>,
    },
    /// Where the host found a structure of the function (after enumeration).
    Map {
        /// Which structure.
        region: Region,
        /// Bus address.
        #[serde(with = "hex::address")]
        addr: u64,
        /// Length in bytes.
        len_bytes: u32,
        /// `notify_off_multiplier`, for [`Region::Notify`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        multiplier: Option<u32>,
    },
    /// A frame left the device on a transmit stream.
    WireTx {
        /// Transmit queue pair it came from.
        queue: u16,
        /// The device marked it as broken (a payload read failed): the wire discards it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        error: bool,
        /// Frame bytes without FCS.
        #[serde(with = "hex::bytes")]
        data: Vec<u8>,
    },
    /// A frame was handed to the device on its receive stream.
    WireRx {
        /// Flow hash that came with it.
        flow: u16,
        /// Frame bytes without FCS.
        #[serde(with = "hex::bytes")]
        data: Vec<u8>,
    },
    /// The device reported that it dropped the oldest received frame not yet delivered.
    WireDrop {
        /// Reason code of the boundary: 1 filtered, 2 no buffers, 3 too large for the buffer, 4 over maximum, 5 queue not running.
        reason: u8,
    },
    /// Link state given to the device changed.
    LinkUp {
        /// New state.
        up: bool,
    },
    /// Credit limits given to the device changed (cumulative, modulo 2^8 for headers and 2^12 for data).
    Credit {
        /// Posted headers.
        ph: u8,
        /// Posted data, 16-byte units.
        pd: u16,
        /// Non-posted headers.
        nph: u8,
        /// Non-posted data.
        npd: u16,
        /// Completion headers.
        cplh: u8,
        /// Completion data.
        cpld: u16,
    },
    /// A handshake rule of the pins was broken (seen only by a live monitor).
    Pin {
        /// Channel or stream name.
        channel: String,
        /// What was wrong.
        problem: String,
    },
    /// The reset pin was active until this cycle.
    HardReset {},
    /// A remark of the scenario: phases, injected faults. Readers may show it; no rule depends on it.
    Note {
        /// Free text.
        text: String,
    },
    /// Last event: the run is over.
    End {
        /// Why.
        reason: EndReason,
    },
}

/// The four TLP channels of the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Host's requests to the device.
    Cq,
    /// The device's completions.
    Cc,
    /// The device's requests.
    Rq,
    /// The host's completions.
    Rc,
}

impl Channel {
    /// True for packets that leave the device (upstream).
    #[must_use]
    pub fn is_upstream(self) -> bool {
        matches!(self, Channel::Cc | Channel::Rq)
    }
}

/// Structures of a virtio PCI function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// Common configuration.
    Common,
    /// Kicks.
    Notify,
    /// ISR status.
    Isr,
    /// Device-specific configuration.
    Device,
    /// MSI-X table.
    MsixTable,
    /// MSI-X pending bits.
    MsixPba,
    /// Ringside's checkpoint window (vendor data): two dwords a queue, {used, avail} and {quiet, told}.
    Checkpoint,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Everything that was to be done was done and nothing is in flight: rules about completeness apply.
    Complete,
    /// Stopped early (limit, error, cut trace): what is missing is not a violation.
    Truncated,
}
