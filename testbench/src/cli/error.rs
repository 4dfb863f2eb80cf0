//! What keeps a command from doing its work.

use std::path::PathBuf;

use ringside_reports::LineError;
use ringside_reports::compare::CompareError;
use ringside_reports::study::StudyError;
use ringside_sim::{BuildError, DutError};

use crate::coverage::CoverageError;
use crate::driver::error::DriverError;
use crate::run::RunError;
use crate::scenario::ScenarioError;
use crate::serve::vhost_user::socket::ListenError;
use crate::strength::StrengthError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The run could not be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The scenario cannot be used.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Coverage cannot be held against the plan.
    #[error(transparent)]
    Coverage(#[from] CoverageError),
    /// The device's description cannot be used.
    #[error(transparent)]
    Dut(#[from] DutError),
    /// The model cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Nobody can be served.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The design cannot be mutated.
    #[error(transparent)]
    Strength(#[from] StrengthError),
    /// Arguments that do not go together.
    #[error("{0}")]
    Usage(String),
    /// The device lacks what the arguments or the scenario ask for.
    #[error("{dut}: {cause}")]
    Unmet {
        /// The device.
        dut: String,
        /// What is missing.
        cause: DriverError,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {what} {}: {cause}", path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The state of `ringside test` cannot be used.
    #[error("{}: {cause}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The file is no trace.
    #[error("{}: {cause}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the line.
        cause: LineError,
    },
    /// The trace could not be put into another form.
    #[error("cannot convert {}: {cause}", path.display())]
    Convert {
        /// The trace.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// Two runs cannot be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A study cannot be used, or its page cannot be made.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// The report could not be made.
    #[error("cannot report {}: {cause}", path.display())]
    Report {
        /// The trace.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

impl CliError {
    /// Usage, build or input.
    pub(super) const CODE: u8 = 2;
    /// The design was not made for it: a feature that it does not offer, a parameter that a netlist has no more.
    pub(super) const UNABLE: u8 = 5;

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            CliError::Run(RunError::Readers) => 3,
            CliError::Unmet { .. }
            | CliError::Build(BuildError::Fixed { .. })
            | CliError::Run(RunError::Build(BuildError::Fixed { .. })) => Self::UNABLE,
            _ => Self::CODE,
        }
    }

    /// A file problem.
    pub(super) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| CliError::File { what, path, cause }
    }
}
