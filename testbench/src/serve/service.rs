//! What every service at a socket has: where it listens, how it is told to end, the device with host and wire round it, and what comes of it.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ringside_sim::sync;
use rustix::event::{PollFd, Timespec, poll};

use super::vhost_user::regions::GUEST_END;
use super::vhost_user::socket::{ListenError, Listener};
use crate::driver::error::DriverError;
use crate::host::{Host, Interrupt};
use crate::run::bench::{Bench, Outcome};
use crate::run::observer::Pulse;
use crate::run::wire_end::WireEnd;
use crate::run::{RunError, RunOptions, RunResult, load_dut, load_frames, max_frame_bytes};
use crate::scenario::{Direction, Scenario};
use crate::wire::Frame;

/// Where the host's own memory begins: beyond what frontends may have.
pub const HOST_MEMORY: u64 = GUEST_END;

/// How to serve.
pub struct ServeOptions {
    /// Where to listen.
    pub socket: PathBuf,
    /// Ends when the first peer has gone.
    pub once: bool,
    /// Set to true, it ends the service in good order.
    pub stop: Arc<AtomicBool>,
    /// Told what a person wants to see while it goes on.
    pub say: Box<dyn Fn(&str)>,
}

impl ServeOptions {
    /// Is it to end?
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeOptions")
            .field("socket", &self.socket)
            .field("once", &self.once)
            .finish_non_exhaustive()
    }
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The device and what is round it.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// The device, with host and wire, as a service has it at hand.
pub(super) struct Served<'a> {
    pub(super) host: Host,
    pub(super) wire: Rc<WireEnd>,
    pub(super) pulse: Pulse,
    pub(super) interrupts: sync::Receiver<Interrupt>,
    /// What the wire has for the driver, once there is one.
    pub(super) frames: Vec<Frame>,
    pub(super) quiet_cycles: u64,
    pub(super) period_ps: u64,
    pub(super) options: &'a ServeOptions,
    pub(super) listener: &'a Listener,
}

/// Listens, sets the scenario's device up and lets `service` have it until it returns. Of the scenario counts what concerns device,
/// host and wire: `direction` `loopback` brings every frame back, `tx` takes it, `rx` and `both` have frames for the driver once its rings run.
pub(super) fn serve<R>(
    scenario: &Scenario,
    run: &RunOptions,
    options: &ServeOptions,
    progress: &dyn Fn(&str),
    service: impl AsyncFnOnce(Served<'_>) -> Result<Vec<R>, DriverError>,
) -> Result<(RunResult, Vec<R>), ServeError> {
    scenario.check().map_err(RunError::from)?;
    let listener = Listener::bind(&options.socket)?;
    let mut dut = load_dut(scenario)?;
    dut.no_assert |= run.no_assert;
    let frames = match scenario.traffic.direction {
        Direction::Rx | Direction::Both => load_frames(scenario, max_frame_bytes(&dut))?.0.rx.into(),
        Direction::Tx | Direction::Loopback => Vec::new(),
    };
    let (sim, bench) = Bench::install(scenario, &dut, run, false, progress)?;
    let reports = RefCell::new(Vec::new());
    let (outcome, complaint) = {
        let (bench, listener, reports, period_ps) = (&bench, &listener, &reports, dut.period_ps());
        Outcome::of(sim.run(async move |_| -> Result<Option<String>, DriverError> {
            let Some(interrupts) = bench.host.take_interrupts() else {
                return Ok(Some("somebody else takes the interrupts".to_owned()));
            };
            bench.wire.link().set(true);
            bench.host.memory().keep_stores_untold();
            let done = service(Served {
                host: bench.host.clone(),
                wire: Rc::clone(&bench.wire),
                pulse: bench.pulse.clone(),
                interrupts,
                frames,
                quiet_cycles: scenario.limits.quiet_cycles,
                period_ps,
                options,
                listener,
            });
            reports.replace(done.await?);
            bench.host.quiet(scenario.limits.quiet_cycles).await;
            Ok(None)
        }))
    };
    let complaints = complaint.flatten().into_iter().collect();
    Ok((bench.close(outcome, complaints)?, reports.into_inner()))
}

/// Waits for one of these, but not for longer.
pub(super) fn wait(fds: &mut [PollFd<'_>], ms: i64) -> Result<(), std::io::Error> {
    let time = Timespec {
        tv_sec: ms / 1000,
        tv_nsec: ms % 1000 * 1_000_000,
    };
    match poll(fds, Some(&time)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
