//! # ringside-sim: a clocked model
//!
//! Takes a design in SystemVerilog, makes a model of it with Verilator, puts a clock on it, and runs bus models and
//! asynchronous tests against its pins. It knows nothing of PCIe or virtio.
//!
//! ## From a design to a run
//!
//! A design is described by a `dut.toml` beside its sources:
//!
//! ```toml
//! top = "counter"
//! files = ["counter.sv"]          # or filelist = "counter.f"
//! clock = "clk_i"                 # the default
//! clock_mhz = 250.0               # the default
//! [reset]                         # the default
//! port = "rst_ni"
//! active_low = true
//! [parameters]
//! STEP = 1
//! [meta]                          # anything, for others
//! ```
//!
//! ```no_run
//! use std::path::Path;
//! use ringside_sim::{Bfm, Cycle, DutConfig, Mode, Model, Port, Sim, SimOptions, build, sync};
//!
//! /// A bus model: reports every change of the count.
//! struct Monitor {
//!     count: Port,
//!     last: u64,
//!     changes: sync::Sender<(u64, u64)>,
//! }
//!
//! impl Bfm for Monitor {
//!     fn sample(&mut self, cx: &mut Cycle<'_>) {
//!         let count = self.count.get_u64();
//!         if count != self.last {
//!             self.last = count;
//!             self.changes.send((cx.now, count));
//!         }
//!     }
//!     fn drive(&mut self, _: &mut Cycle<'_>) {}
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let dut = DutConfig::load(Path::new("counter/dut.toml"))?.with_parameter("STEP", 3);
//!     let built = build(&dut, Mode::Fast, &|step| eprintln!("{step}"))?; // cached by content
//!     let model = Model::load(&built, 1)?;                               // 1: seed of uninitialised state
//!     let mut sim = Sim::new(model, &dut, SimOptions { max_cycles: 10_000, ..SimOptions::default() })?;
//!
//!     let (changes, mut seen) = sync::channel_named("changes");
//!     let (count, enable) = (sim.port("count_o")?, sim.port("enable_i")?);
//!     sim.add_bfm(Box::new(Monitor { count, last: 0, changes }));
//!
//!     let outcome = sim.run(async |sim| {
//!         sim.write(enable, 1);                                  // after the next edge, like a flop
//!         let first = sim.timeout(100, seen.recv()).await;       // cycles of the design's clock
//!         sim.cycles(10).await;
//!         first
//!     })?;
//!     println!("{:?} after {} cycles", outcome.value, outcome.cycles);
//!     Ok(())
//! }
//! ```
//!
//! ## Time
//!
//! A cycle is: tasks run until all are parked; every bus model *samples* settled values; the rising edge; every bus model
//! *drives* inputs, then the writes of tasks; the falling edge, after which combinational paths have settled. So bus models
//! and tasks behave like flops and their order never matters. A message that a bus model sends in cycle *n* is received by
//! a task before the edge of cycle *n* + 1, all 400 of them if there are 400.
//!
//! Cycle 0 is the first cycle of reset. The main task starts at cycle [`SimOptions::reset_cycles`], with reset released and
//! no edge clocked since; bus models are not called before.
//!
//! ## The same run, always
//!
//! One thread; tasks first in, first out; no hash order; random numbers from [`rng`], a stream for each path; uninitialised
//! state from the seed, the same with waveforms or without; [`sim_select!`] tries its branches in the order in which they
//! stand. [`SimOptions::digest`] gives one number for all outputs in all cycles, and [`digest::PortDigest::first_difference`]
//! the place where two runs part. Only [`ExternalPolicy::FreeRun`] lets real time in.
//!
//! ## When it does not end well
//!
//! Everything comes back as a value: [`BuildError`] with the tool's words and the source line, [`RtlError`] for `$fatal` and
//! failed assertions, [`SimError::Hang`] with the picture of who waits for what since when, [`SimError::TaskPanic`] with name
//! and cycle. After any of them waveforms and coverage are closed and complete.

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
pub mod runtime;
pub mod select;
pub mod sync;
mod timers;
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
