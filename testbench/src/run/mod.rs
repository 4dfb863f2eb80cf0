//! Running a scenario: model, host, driver, wire and judge put together.

pub mod observer;
pub mod trace_file;
