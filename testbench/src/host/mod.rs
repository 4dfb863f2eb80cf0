//! The PCIe host: link, root complex, memory, its own requests, enumeration.
//!
//! [`Host::install`] puts it on a device's [boundary](crate::boundary). What happens per cycle happens in one bus model; tasks use the [`Host`] handle and wake
//! once per transaction. The parts that decide anything ([`root_complex`], [`memory`], [`link`], [`enumerate`]) know no pins and are tested without.

mod bfm;
pub mod config;
pub mod dice;
pub mod enumerate;
#[cfg(test)]
mod enumerate_tests;
pub mod faults;
mod function;
mod handle;
pub mod latency;
pub mod link;
pub mod memory;
mod msix;
pub mod recorder;
pub mod requests;
mod reset;
pub mod root_complex;
#[cfg(test)]
mod root_complex_tests;
mod schedule;
pub mod split;
mod virtio_caps;

pub use bfm::Traffic;
pub use config::{HostConfig, HostConfigError};
pub use function::{Bar, Capability, Function, Msix, Structure, Virtio};
pub use handle::{DEVICE_BDF, Host, TIMEOUT_CYCLES};
pub use memory::{Memory, MemoryError};
pub use msix::MsixError;
pub use recorder::Recorder;
pub use requests::RequestError;
pub use root_complex::{Interrupt, Intx, MSI_WINDOW};
