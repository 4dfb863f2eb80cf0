//! Ringside's testbench: the PCIe host, the driver, the wire, scenarios, and what ties them to a device.

pub mod boundary;
pub mod bucket;
pub mod cli;
pub mod coverage;
pub mod driver;
pub mod golden;
pub mod host;
pub mod run;
pub mod scenario;
pub mod serve;
pub mod shrink;
pub mod strength;
pub mod study;
pub mod unfinished;
pub mod wire;
pub mod workspace;
