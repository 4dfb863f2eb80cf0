//! Trace in, numbers and pictures out.
//!
//! [`write_report`] reads a trace once, lets the judge say what every packet was for, and writes one folder:
//!
//! | file | what |
//! |---|---|
//! | `report.html` | one page with everything inside: readable without script, on paper, on a telephone |
//! | `report.json` | every number of the page, for programs ([`FORMAT_VERSION`]) |
//! | `csv/*.csv` | each table and the data of each picture |
//!
//! The three are renderings of the same values. Memory does not grow with the length of the trace.

#![expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are far below 2^52, and fractions are for people"
)]

mod bin;
pub mod capture;
mod collect;
pub mod compare;
mod depth;
mod error;
mod examples;
mod features;
mod flight;
mod glossary;
mod histogram;
pub mod input;
mod kind;
mod lines;
mod link;
mod minimum;
mod page;
pub mod perfetto;
mod plot;
mod read;
mod registers;
mod report;
pub mod study;
mod table;
mod tables;
mod timeline;
mod write;

use std::io::BufRead;
use std::path::{Path, PathBuf};

pub use error::ReportError;
pub use lines::{LineError, TraceLines};
pub use link::{bytes_per_cycle, usable_gbps};
pub use report::FORMAT_VERSION;

/// What a caller wants to print about a report that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// No unexpected violation, and every announced one was found.
    pub passed: bool,
    /// The run came to its planned end.
    pub complete: bool,
    /// Last line of a trace that stops without its end event.
    pub cut_after: Option<usize>,
    /// Violations of rules that the scenario did not announce.
    pub unexpected_violations: u64,
    /// Frames that left on the wire.
    pub frames_tx: u64,
    /// Frames that were delivered into receive buffers.
    pub frames_rx: u64,
    /// Frames that the device dropped.
    pub frames_dropped: u64,
    /// Packets (both ways) per clock cycle while frames moved.
    pub packets_per_clock: Option<f64>,
    /// Share of the link that the device's packets took while frames moved, in per cent.
    pub link_up_percent: Option<f64>,
    /// Share of the link that the host's packets took, in per cent.
    pub link_down_percent: Option<f64>,
    /// DMA requests of the device per packet.
    pub requests_per_packet: Option<f64>,
    /// The page.
    pub html: PathBuf,
    /// The same for programs.
    pub json: PathBuf,
}

/// Reads a trace and writes its report into `out_dir`, which is made if it does not exist. `name` is what the report calls the trace.
///
/// A trace without its end event (a run that was killed) still gives a report, which says so.
///
/// # Errors
/// When the input is no trace, a line of it is cut or wrong, it cannot be read, or a file cannot be written.
pub fn write_report(lines: impl BufRead, name: &str, out_dir: &Path) -> Result<Summary, ReportError> {
    let (report, cut_after) = read::read(lines, name)?;
    let summary = write::write(&report, out_dir)?;
    Ok(Summary { cut_after, ..summary })
}
