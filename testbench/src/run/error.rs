//! Why a run could not be made, or not be finished for reasons that are not the device's.

use std::path::PathBuf;

use ringside_sim::{BuildError, DutError, ModelError, SetupError};

use super::observer::ArtefactError;
use crate::boundary::BoundaryError;
use crate::host::HostConfigError;
use crate::scenario::ScenarioError;
use crate::wire::capture::CaptureError;
use crate::wire::generate::GeneratorError;

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The device's description.
    #[error(transparent)]
    Dut(#[from] DutError),
    /// The model could not be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The model could not be loaded.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Clock or reset.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The model has not the boundary of a device.
    #[error(transparent)]
    Boundary(#[from] BoundaryError),
    /// The device has no frame streams.
    #[error("{dut} has no net_tx and net_rx ports: this command drives network devices")]
    NoFrames {
        /// The device.
        dut: String,
    },
    /// The host's configuration.
    #[error(transparent)]
    Host(#[from] HostConfigError),
    /// The capture.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The generator.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// Trace or capture could not be written.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// The state file for a viewer of waveforms could not be written.
    #[error("cannot write {}: {cause}", path.display())]
    ViewFile {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The readers went away during the run: a bug of Ringside.
    #[error("the readers of the event stream were gone at the run's end; this is a bug of Ringside")]
    Readers,
}
