//! Ringside's testbench: the PCIe host, the driver, the wire, scenarios, and what ties them to a device.

pub mod driver;
pub mod host;
pub mod wire;
