//! Golden traces: what the device did when somebody last said that it was right.
//!
//! A golden file is a whole trace. Two traces are compared without time unless cycles are asked for: events are put into streams
//! (per channel, purpose and queue) whose order does not depend on latencies, and tags, cycles and credits are left out. Streams are aligned, so that one
//! transaction more is one difference.

mod align;
mod compare;
mod normal;
mod words;

pub use compare::{Difference, compare};
pub use normal::{Line, Normal, Precision, normalise};
