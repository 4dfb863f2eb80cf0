//! How a run ends when it does not end well.

use std::time::Duration;

use crate::build::Mode;
use crate::model::{ModelError, PortError, RtlError};
use crate::wait::WaitGraph;

/// Why a simulation cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The clock or the reset port of the design description does not exist.
    #[error("{key} in the design description: {source}")]
    Port {
        /// `clock` or `reset.port`.
        key: &'static str,
        /// What is wrong with it.
        source: PortError,
    },
    /// The clock or the reset is not a one-bit input.
    #[error("{key} in the design description: `{name}` is not a one-bit input")]
    NotABit {
        /// `clock` or `reset.port`.
        key: &'static str,
        /// The port.
        name: String,
    },
    /// Waves or coverage are asked of a model that has none.
    #[error("{what} needs a model built for {need}, this one is built for {have}", need = need.name(), have = have.name())]
    Mode {
        /// Waveforms or coverage.
        what: &'static str,
        /// The mode that has it.
        need: Mode,
        /// The mode of this model.
        have: Mode,
    },
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The design stopped: `$fatal`, `$stop`, an assertion, `$finish`.
    #[error(transparent)]
    Rtl(#[from] RtlError),
    /// All tasks are parked and there is no bus model that could wake one.
    #[error("deadlock: no task can ever wake\n{graph}")]
    Deadlock {
        /// Who waits for what.
        graph: WaitGraph,
    },
    /// Nothing woke any task for very long.
    #[error("hang: nothing happened for {idle_cycles} cycles\n{graph}")]
    Hang {
        /// Cycles without any task waking or bus model making progress.
        idle_cycles: u64,
        /// Who waits for what.
        graph: WaitGraph,
    },
    /// The run reached its limit of cycles.
    #[error("not finished within the limit of {max_cycles} cycles\n{graph}")]
    Limit {
        /// The limit.
        max_cycles: u64,
        /// Who waits for what.
        graph: WaitGraph,
    },
    /// The run reached its limit of real time.
    #[error("not finished within {} s of real time\n{graph}", wall_limit.as_secs_f64())]
    WallClock {
        /// The limit.
        wall_limit: Duration,
        /// Who waits for what.
        graph: WaitGraph,
    },
    /// Tasks wake each other without end within one cycle.
    #[error("cycle {cycle}: tasks wake each other without end; one of them is `{name}`")]
    Circle {
        /// The cycle that never ends.
        cycle: u64,
        /// One task of the circle.
        name: String,
    },
    /// A task, or a bus model, panicked: a bug of the testbench.
    #[error("cycle {cycle}: {name} panicked: {message}")]
    TaskPanic {
        /// Name of the task; `a bus model` when it was one.
        name: String,
        /// When.
        cycle: u64,
        /// What it said.
        message: String,
    },
    /// Somebody wanted the run to end: [`SimOptions::stop`](crate::SimOptions::stop).
    #[error("stopped from outside at cycle {cycle}")]
    Stopped {
        /// When.
        cycle: u64,
    },
    /// Waves or coverage could not be written.
    #[error("cycle {cycle}: {source}")]
    Artefact {
        /// When.
        cycle: u64,
        /// What is wrong.
        source: ModelError,
    },
    /// `Sim::run` was called inside an asynchronous runtime, which it would block.
    #[error("a simulation cannot be run from within an asynchronous runtime: call it from a plain thread")]
    Nested,
    /// The system gave no event loop.
    #[error("cannot start the event loop: {0}")]
    Runtime(std::io::Error),
}

impl SimError {
    /// The cycle at which the run ended; 0 when it never began.
    #[must_use]
    pub const fn cycle(&self) -> u64 {
        match self {
            Self::Rtl(error) => error.cycle,
            Self::Deadlock { graph }
            | Self::Hang { graph, .. }
            | Self::Limit { graph, .. }
            | Self::WallClock { graph, .. } => graph.cycle,
            Self::Circle { cycle, .. }
            | Self::TaskPanic { cycle, .. }
            | Self::Stopped { cycle }
            | Self::Artefact { cycle, .. } => *cycle,
            Self::Nested | Self::Runtime(_) => 0,
        }
    }

    /// Who waited for what, where the error has it.
    #[must_use]
    pub const fn wait_graph(&self) -> Option<&WaitGraph> {
        match self {
            Self::Deadlock { graph }
            | Self::Hang { graph, .. }
            | Self::Limit { graph, .. }
            | Self::WallClock { graph, .. } => Some(graph),
            _ => None,
        }
    }
}
