//! Ringside's testbench: the PCIe host, the driver, the wire, scenarios, and what ties them to a device.

pub mod driver;
pub mod boundary;
pub mod host;
pub mod scenario;
pub mod wire;
