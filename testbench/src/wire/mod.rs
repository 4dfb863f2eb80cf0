//! The wire behind the device: where frames come from, where they go, and how two ends are joined.
//!
//! Frames are Ethernet without FCS, as they cross the `net_tx` and `net_rx` streams. [`capture`] reads recordings, [`generate`] makes
//! traffic from a seed, [`flow`] gives each frame the hash that steers it, [`record`] writes what left the device, [`mirror`] is a station that answers.

pub mod capture;
pub mod flow;
pub mod generate;
pub mod mirror;
pub mod record;

/// One Ethernet frame without FCS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes.
    pub data: Vec<u8>,
    /// When it is due, in nanoseconds after the first frame of its source. Only timed traffic looks at it.
    pub at_ns: u64,
}

impl Frame {
    /// A frame that is due at once.
    #[must_use]
    pub fn new(data: Vec<u8>) -> Self {
        Frame { data, at_ns: 0 }
    }
}
