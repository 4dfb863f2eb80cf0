//! The PCIe host: link, root complex, memory, its own requests, enumeration.

pub mod config;
pub mod dice;
pub mod faults;
pub mod latency;
pub mod link;
pub mod memory;
pub mod recorder;
pub mod root_complex;
#[cfg(test)]
mod root_complex_tests;
pub mod split;
