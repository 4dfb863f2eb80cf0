//! Reference models and rules of virtio rings on PCIe: pure, deterministic, no I/O, no async, no clock of its own.
//!
//! A reader of the crate starts with [`event`] (what can happen at the boundary) and [`tlp`] (the packets it happens in), then [`rules`]
//! (what must hold) and [`judge`] (who decides it); [`trace`] is the file format, [`cost`] what a run cost on PCIe, [`link`] what a link carries.

#![allow(
    clippy::verbose_bit_mask,
    reason = "byte enables and register fields are masks, not counts"
)]

pub mod accounts;
pub mod clauses;
pub mod cost;
pub mod coverage;
pub mod event;
pub mod fairness;
pub mod features;
pub mod hex;
pub mod judge;
pub mod link;
pub mod rules;
#[cfg(any(test, feature = "testutil"))]
pub mod testutil;
pub mod tlp;
pub mod trace;
mod words;
