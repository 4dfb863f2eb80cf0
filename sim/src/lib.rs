//! ringside-sim
#![deny(missing_docs)]

pub mod build;
pub mod dut;
mod filelist;
#[expect(unsafe_code, unreachable_pub, reason = "the bridge to C++")]
mod ffi;
pub mod model;
pub mod port;
