//! What can keep a report from being written.

use std::path::PathBuf;

use crate::lines::LineError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The input is no trace, a line of it is no event, or it cannot be read.
    #[error("{name}: {source}")]
    Trace {
        /// Name of the trace.
        name: String,
        /// Line, column and cause.
        source: LineError,
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
        figure: String,
        /// What the plotting library said.
        cause: String,
    },
}
