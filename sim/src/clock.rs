//! The clock: bus models in two phases, the model's edge between them, tasks when the dust has settled.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::build::{Direction, Mode};
use crate::digest::PortDigest;
use crate::dut::DutConfig;
use crate::error::{SetupError, SimError};
use crate::handle::SimHandle;
use crate::kernel::{Kernel, panic_message};
use crate::machine::Machine;
use crate::model::{Model, PortError};
use crate::port::Port;

/// What a bus model is told in each phase.
#[derive(Debug)]
pub struct Cycle<'a> {
    /// Number of this cycle; 0 is the first cycle of reset.
    pub now: u64,
    pub(crate) progress: &'a mut bool,
}

impl Cycle<'_> {
    /// Says that something moved: this cycle does not count as idle, though no task woke.
    #[inline]
    pub fn progress(&mut self) {
        *self.progress = true;
    }
}

/// A bus model: everything that must happen in every cycle.
///
/// It behaves like a flop: [`Bfm::sample`] reads settled values before the edge, [`Bfm::drive`] sets inputs after it. A
/// model that reads only in `sample` and writes only in `drive` gives the same run in any order of models. While the
/// design is in reset neither is called.
pub trait Bfm {
    /// Before the edge: read ports. Every value has settled. Inputs must not be set here: the edge would see some of what follows from them and not the rest.
    fn sample(&mut self, cx: &mut Cycle<'_>);

    /// After the edge: set inputs. What the edge did to outputs shows only in the next `sample`.
    fn drive(&mut self, cx: &mut Cycle<'_>);

    /// One line about its state, for the picture of a hang.
    fn status(&self) -> Option<String> {
        None
    }
}

/// Cycles to dump waveforms of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceWindow {
    /// The FST file; created when the window opens.
    pub path: PathBuf,
    /// First cycle dumped.
    pub from: u64,
    /// Last cycle dumped.
    pub to: u64,
}

/// What the clock does while a task awaits something outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExternalPolicy {
    /// Cycles pass. Not reproducible: how many depends on the machine.
    #[default]
    FreeRun,
    /// No cycle passes while any outside answer is pending. Reproducible.
    Lockstep,
}

/// How to run a simulation.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Seed of everything random in this run. The model's own is given when it is loaded.
    pub seed: u64,
    /// The run is an error when it reaches this many cycles.
    pub max_cycles: u64,
    /// The run is an error when it takes this much real time.
    pub wall_limit: Option<Duration>,
    /// Waveforms from the start; see also [`SimHandle::arm_trace`].
    pub trace: Option<TraceWindow>,
    /// Where coverage goes when the run ends, well or not.
    pub coverage: Option<PathBuf>,
    /// Take the digest of all output ports in every cycle.
    pub digest: bool,
    /// Cycles of reset before the main task starts.
    pub reset_cycles: u64,
    /// A hang: so many cycles without a task waking, a bus model making progress, or a timer running.
    pub idle_limit_cycles: u64,
    /// Limit of [`SimHandle::quiet`].
    pub quiet_limit_cycles: u64,
    /// What the clock does while a task awaits something outside.
    pub external: ExternalPolicy,
    /// Set to true from another thread, it ends the run as [`SimError::Stopped`] within a few cycles.
    pub stop: Option<Arc<AtomicBool>>,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            max_cycles: 1_000_000_000,
            wall_limit: None,
            trace: None,
            coverage: None,
            digest: false,
            reset_cycles: 16,
            idle_limit_cycles: 200_000,
            quiet_limit_cycles: 1_000_000,
            external: ExternalPolicy::default(),
            stop: None,
        }
    }
}

/// How a run ended well.
pub struct SimOutcome<T> {
    /// What the main task returned.
    pub value: T,
    /// Cycles clocked, reset included.
    pub cycles: u64,
    /// The digest, when [`SimOptions::digest`] asked for it.
    pub port_digest: Option<PortDigest>,
    /// What the design printed.
    pub rtl_log: Vec<String>,
    /// The bus models, in the order they were added.
    pub bfms: Vec<Box<dyn Bfm>>,
}

impl<T: std::fmt::Debug> std::fmt::Debug for SimOutcome<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimOutcome")
            .field("value", &self.value)
            .field("cycles", &self.cycles)
            .field("port_digest", &self.port_digest)
            .finish_non_exhaustive()
    }
}

/// A model, its clock and its bus models, ready to run.
pub struct Sim {
    machine: Machine,
    kernel: Rc<Kernel>,
}

impl Sim {
    /// Puts a clock on a model.
    ///
    /// # Errors
    /// [`SetupError`]: no such clock or reset port, or the options need a model of another mode.
    pub fn new(model: Model, dut: &DutConfig, options: SimOptions) -> Result<Self, SetupError> {
        let bit = |key: &'static str, name: &str| {
            let port = model
                .port(name)
                .map_err(|source| SetupError::Port { key, source })?;
            if port.width() == 1 && port.direction() == Direction::Input {
                Ok(port)
            } else {
                Err(SetupError::NotABit {
                    key,
                    name: name.to_owned(),
                })
            }
        };
        let clock = bit("clock", &dut.clock)?;
        let reset = bit("reset.port", &dut.reset.port)?;
        let needs = |what, need| {
            let have = model.mode();
            if have == need {
                Ok(())
            } else {
                Err(SetupError::Mode { what, need, have })
            }
        };
        if options.trace.is_some() {
            needs("a waveform window", Mode::Trace)?;
        }
        if options.coverage.is_some() {
            needs("coverage", Mode::Cover)?;
        }
        let kernel = Kernel::new(options.seed, options.quiet_limit_cycles);
        let machine = Machine::new(model, dut, clock, reset, options);
        Ok(Self { machine, kernel })
    }

    /// A port of the model, for a bus model or a test.
    ///
    /// # Errors
    /// [`PortError`] when there is none of this name.
    pub fn port(&self, name: &str) -> Result<Port, PortError> {
        self.machine.model.port(name)
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.machine.model
    }

    /// Adds a bus model.
    pub fn add_bfm(&mut self, bfm: Box<dyn Bfm>) {
        self.machine.bfms.push(bfm);
    }

    /// A handle, for bus models and tasks made before the run.
    #[must_use]
    pub fn handle(&self) -> SimHandle {
        SimHandle::new(Rc::clone(&self.kernel))
    }

    /// Resets the design, then runs `main` to its end. `main` may borrow; tasks that it spawns end with it.
    ///
    /// # Errors
    /// [`SimError`]: the design stopped, a hang, a limit, a panic, a file.
    pub fn run<T>(self, main: impl AsyncFnOnce(SimHandle) -> T) -> Result<SimOutcome<T>, SimError> {
        let Self { mut machine, kernel } = self;
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(SimError::Nested);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(SimError::Runtime)?;
        let wall_limit = machine.options.wall_limit;
        let mut value = None;
        let handle = SimHandle::new(Rc::clone(&kernel));
        let ended = {
            let slot = &mut value;
            let mut main: Pin<Box<dyn Future<Output = ()> + '_>> =
                Box::pin(async move { *slot = Some(main(handle).await) });
            // tokio gives a future 128 operations per turn and delays the rest: here that would be simulated time.
            let root = tokio::task::coop::unconstrained(machine.run(&kernel, main.as_mut()));
            let block = || {
                runtime.block_on(async {
                    match wall_limit {
                        None => Some(root.await),
                        Some(limit) => tokio::time::timeout(limit, pin!(root)).await.ok(),
                    }
                })
            };
            catch_unwind(AssertUnwindSafe(block))
        };
        let cycle = kernel.now.get();
        let ended = match ended {
            Ok(Some(ended)) => ended,
            Ok(None) => Err(SimError::WallClock {
                wall_limit: wall_limit.unwrap_or_default(),
                graph: kernel.graph(machine.statuses()),
            }),
            Err(payload) => Err(SimError::TaskPanic {
                name: "a bus model".to_owned(),
                cycle,
                message: panic_message(&*payload),
            }),
        };
        kernel.clear();
        let closed = machine.close(cycle, ended.is_ok());
        ended?;
        closed?;
        let value = value.ok_or_else(|| SimError::Deadlock {
            graph: kernel.graph(Vec::new()),
        })?;
        Ok(SimOutcome {
            value,
            cycles: cycle,
            port_digest: machine.take_digest(),
            rtl_log: machine.model.take_log(),
            bfms: std::mem::take(&mut machine.bfms),
        })
    }
}
