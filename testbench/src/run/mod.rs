//! Running a scenario: model, host, driver, wire and judge put together.

pub mod bench;
mod engine;
mod error;
pub mod observer;
pub mod script;
pub mod trace_file;
pub mod view_file;
pub mod wire_end;

pub use engine::{
    Ended, FrameCounts, RunOptions, RunResult, Uninitialised, load_dut, load_frames, max_frame_bytes, run,
};
pub use error::RunError;
