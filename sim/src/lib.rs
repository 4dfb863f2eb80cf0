//! ringside-sim
#![deny(missing_docs)]

pub mod build;
pub mod clock;
pub mod coverage;
pub mod digest;
pub mod dut;
pub mod error;
#[expect(unsafe_code, unreachable_pub, reason = "the bridge to C++")]
mod ffi;
mod filelist;
pub mod handle;
mod kernel;
mod machine;
pub mod model;
pub mod port;
pub mod rng;
pub mod select;
pub mod sync;
mod wait;

pub use build::{BuildError, BuiltModel, Direction, Mode, PortInfo, build};
pub use clock::{Bfm, Cycle, ExternalPolicy, Sim, SimOptions, SimOutcome, TraceWindow};
pub use dut::{DutConfig, DutError, ParamValue};
pub use error::{SetupError, SimError};
pub use handle::{Elapsed, JoinHandle, SimHandle};
pub use model::{Model, ModelError, PortError, RtlError};
pub use port::Port;
pub use rng::rng;
pub use wait::{TaskWait, WaitGraph};
