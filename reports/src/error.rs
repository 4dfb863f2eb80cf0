//! What can keep a report from being written.

use std::path::PathBuf;

use ringside_models::trace::TraceError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The input is no trace, or a line of it is no event.
    #[error("{name}: {source}")]
    Trace {
        /// Name of the trace.
        name: String,
        /// Line, column and cause.
        source: TraceError,
    },
    /// The input has not even a first line.
    #[error("{name}: empty, expected a Ringside trace")]
    Empty {
        /// Name of the trace.
        name: String,
    },
    /// The last line was cut in the middle.
    #[error("{name}: cut in the middle of line {line}: {cause}; {events} whole events come before it")]
    Cut {
        /// Name of the trace.
        name: String,
        /// Number of the incomplete line, from 1.
        line: usize,
        /// Whole events before it.
        events: u64,
        /// What the parser said.
        cause: TraceError,
    },
    /// The input could not be read.
    #[error("{name}: cannot read after line {line}: {source}")]
    Read {
        /// Name of the trace.
        name: String,
        /// Last line that was read.
        line: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// An output file or folder could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A picture could not be drawn.
    #[error("cannot draw the picture `{figure}`: {cause}")]
    Draw {
        /// Which one.
        figure: &'static str,
        /// What the plotting library said.
        cause: String,
    },
}
