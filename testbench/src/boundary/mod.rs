//! The device boundary: flat ports found by name, packets and frames in place of beats, and a watch on every handshake.
//!
//! [`TlpSink`] and [`TlpSource`] carry the four TLP channels for the host, [`FrameSink`] and [`FrameSource`] the frame streams for the wire. What the
//! pins do wrong becomes a [`What::Pin`](ringside_models::event::What::Pin) event; the packet itself goes on as far as it can be read.

mod beats;
mod frames;
mod ports;
mod pressure;
mod stall;
mod tlp_pins;

pub use frames::{FrameFeeder, FrameSink, FrameSource, LinkUp, RxFrame, TxFrame};
pub use ports::{Boundary, BoundaryError, CreditPorts, FramePorts, NetPorts, TlpPorts};
pub use pressure::{BackPressure, Pressure};
pub use stall::Problems;
pub use tlp_pins::{Arrived, TlpSink, TlpSource};
