//! The reference driver: virtio-net over split or packed virtqueues on PCI, as the specification wants one to be.
//!
//! It obeys the clauses of area `host-driver-model`; [`misbehave`] has the switches that break one on purpose.

pub mod coalesce;
pub mod command;
pub mod config;
pub mod control;
pub mod error;
pub mod features;
pub mod gate;
pub mod interrupts;
pub mod layout;
pub mod misbehave;
pub mod net;
pub mod packed;
pub mod queue;
pub mod ring;
pub mod rx;
pub mod split;
pub mod transport;
pub mod tx;
