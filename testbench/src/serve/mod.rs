//! Drivers that nobody here wrote, on the device: in this process ([`in_process`]).

pub mod in_process;
