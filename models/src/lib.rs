//! Reference models and rules of virtio rings on PCIe: pure, deterministic, no I/O, no async, no clock of its own.
//!
//! A reader of the crate starts with [`event`] (what can happen at the boundary) and [`tlp`] (the packets it happens in).

pub mod event;
pub mod tlp;
