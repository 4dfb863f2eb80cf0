//! Serving: the device's clock goes while there is something to do, and stands still while there is not.

use std::ops::Deref;

use rustix::event::{PollFd, PollFlags};

use super::backend::{Backend, BackendError};
use super::ring::Kick;
use super::socket::{Channel, ChannelError};
use crate::driver::error::DriverError;
use crate::run::{RunOptions, RunResult};
use crate::scenario::Scenario;
use crate::serve::parent::Parent;
use crate::serve::service::{self, ServeError, ServeOptions, Served, wait};

/// Cycles between two looks at the outside while the device works.
const STRIDE_CYCLES: u64 = 64;
/// Longest sleep: after so long somebody may have asked for the end.
const SLEEP_MS: i64 = 100;
/// A frontend that does not pass the status on has said everything when it has been silent for so long.
const SILENCE_MS: i64 = 50;
/// Between two looks at rings whose driver does not kick.
const POLL_MS: i64 = 1;

/// How a frontend left.
#[derive(Debug, thiserror::Error)]
pub enum Left {
    /// The connection.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// What it said.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// It is sent away.
    #[error("the service ends")]
    Stopped,
    /// The system refuses to wait.
    #[error("poll: {0}")]
    Poll(std::io::Error),
}

impl Left {
    /// Did it leave as one does?
    #[must_use]
    pub fn is_fair(&self) -> bool {
        matches!(self, Left::Channel(ChannelError::Closed) | Left::Stopped)
    }
}

/// What a frontend did here.
#[derive(Debug)]
pub struct PeerReport {
    /// Features that its driver took.
    pub features: u128,
    /// Were its rings packed?
    pub packed: bool,
    /// Starts of the device.
    pub starts: u64,
    /// Kicks that came, of all rings.
    pub kicks: u64,
    /// Interrupts passed on, of all rings.
    pub calls: u64,
    /// How it left.
    pub left: Left,
}

/// Everything at hand while serving.
struct Service<'a> {
    served: Served<'a>,
    parent: Parent,
}

impl<'a> Deref for Service<'a> {
    type Target = Served<'a>;

    fn deref(&self) -> &Served<'a> {
        &self.served
    }
}

/// What came from outside: a message waits, and rings were kicked.
#[derive(Default)]
struct Outside {
    message: bool,
    kicked: Vec<u16>,
}

fn look(channel: &Channel, backend: &Backend, ms: i64) -> Result<Outside, std::io::Error> {
    let rings: Vec<u16> = backend.kicks().map(|(ring, _)| ring).collect();
    let mut fds = vec![PollFd::new(channel.socket(), PollFlags::IN)];
    fds.extend(backend.kicks().map(|(_, fd)| PollFd::new(fd, PollFlags::IN)));
    wait(&mut fds, ms)?;
    let kicked = rings
        .iter()
        .zip(&fds[1..])
        .filter(|(_, fd)| !fd.revents().is_empty())
        .map(|(ring, _)| *ring)
        .collect();
    Ok(Outside {
        message: !fds[0].revents().is_empty(),
        kicked,
    })
}

impl Service<'_> {
    fn note(&self, text: &str) {
        self.host.recorder().note(format!("vhost-user: {text}"));
    }

    /// One frontend after the other.
    async fn run(&mut self) -> Result<Vec<PeerReport>, DriverError> {
        let mut reports = Vec::new();
        while !self.options.is_stopped() {
            let channel = match self.listener.accept() {
                Ok(Some(channel)) => channel,
                Ok(None) => {
                    // Cycles would pass for nothing: nobody is there.
                    let _ = wait(
                        &mut [PollFd::new(self.listener.socket(), PollFlags::IN)],
                        SLEEP_MS,
                    );
                    continue;
                }
                Err(e) => {
                    (self.options.say)(&format!("a frontend could not connect: {e}"));
                    continue;
                }
            };
            self.note("a frontend connects");
            (self.options.say)("a frontend connects");
            let report = self.peer(channel).await?;
            self.note(&format!("it leaves: {}", report.left));
            (self.options.say)(&format!("it leaves: {}", report.left));
            reports.push(report);
            if self.options.once {
                break;
            }
        }
        Ok(reports)
    }

    /// A whole conversation. Whatever ends it, the device is reset afterwards and reaches nobody's memory.
    async fn peer(&mut self, mut channel: Channel) -> Result<PeerReport, DriverError> {
        let mut backend = Backend::new(self.parent.offered(), self.parent.queue_pairs());
        let mut starts = 0;
        let left = loop {
            if let Err(left) = self.converse(&mut channel, &mut backend, &mut starts).await {
                break left;
            }
        };
        self.parent.stop().await?;
        self.host.memory().lend(Vec::new());
        while self.served.interrupts.try_recv().is_some() {}
        Ok(PeerReport {
            features: backend.taken().0,
            packed: backend.is_packed(),
            starts,
            kicks: backend.rings.iter().map(|r| r.kicks).sum(),
            calls: backend.rings.iter().map(|r| r.calls).sum(),
            left,
        })
    }

    /// Until the device has to be looked after anew: it was started, or stopped.
    async fn converse(
        &mut self,
        channel: &mut Channel,
        backend: &mut Backend,
        starts: &mut u64,
    ) -> Result<(), Left> {
        let mut seen = self.pulse.activity();
        let mut moved = self.host.sim().now();
        let runs = self.parent.is_running();
        if runs {
            *starts += 1;
            self.begin(backend)?;
        }
        loop {
            if self.options.is_stopped() {
                return Err(Left::Stopped);
            }
            let now = self.host.sim().now();
            let busy = runs && now - moved < self.quiet_cycles;
            let waits = backend.wants_to_run() && !runs;
            let polled = runs && backend.polled().next().is_some();
            let ms = match (busy, waits, polled) {
                (true, ..) => 0,
                (_, true, _) => SILENCE_MS,
                (.., true) => POLL_MS,
                _ => SLEEP_MS,
            };
            let outside = look(channel, backend, ms).map_err(Left::Poll)?;
            // What was kicked before it was stopped is begun before it is stopped.
            if !waits {
                for ring in outside.kicked {
                    self.kicked(backend, ring)?;
                    moved = self.host.sim().now();
                }
            }
            if outside.message {
                let message = channel.receive()?;
                self.note(&message.to_string());
                let request = message.request;
                if let Some(answer) = backend.take(message, &mut self.parent, &self.served.host).await? {
                    channel.reply(request, &answer)?;
                }
                if self.parent.is_running() != runs {
                    return Ok(());
                }
                continue;
            }
            if waits {
                // A kick, or silence: there is nothing more to be said before the start.
                backend.start(&mut self.parent, &self.served.host).await?;
                return Ok(());
            }
            if !busy && polled {
                for ring in backend.polled() {
                    self.parent.kick(ring).map_err(BackendError::from)?;
                }
                moved = self.host.sim().now();
            }
            self.pass_interrupts_on(backend);
            if busy {
                self.host.sim().cycles(STRIDE_CYCLES).await;
            }
            if self.pulse.activity() != seen {
                (seen, moved) = (self.pulse.activity(), self.host.sim().now());
            }
        }
    }

    /// The rings run from now on. Buffers may be there already, and the wire has frames.
    fn begin(&mut self, backend: &Backend) -> Result<(), Left> {
        for ring in 0..backend.rings.len() as u16 {
            self.parent.kick(ring).map_err(BackendError::from)?;
        }
        let now = self.host.sim().now();
        for frame in self.served.frames.drain(..) {
            self.served.wire.give(now, &frame);
        }
        (self.options.say)(&format!(
            "the rings run: {}, features {:#x}",
            if backend.is_packed() { "packed" } else { "split" },
            backend.taken().0
        ));
        Ok(())
    }

    fn kicked(&self, backend: &mut Backend, index: u16) -> Result<(), Left> {
        let ring = &mut backend.rings[usize::from(index)];
        let Kick::Fd(fd) = &ring.kick else { return Ok(()) };
        match rustix::io::read(fd, &mut [0; 8]) {
            Ok(1..) => {
                ring.kicks += 1;
                self.parent.kick(index).map_err(BackendError::from)?;
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            // A file that ends or cannot be read would be ready for ever.
            Ok(0) | Err(_) => {
                ring.kick = Kick::Unknown;
                self.note(&format!(
                    "ring {index}: its kick descriptor can no longer be read"
                ));
            }
        }
        Ok(())
    }

    fn pass_interrupts_on(&mut self, backend: &mut Backend) {
        while let Some(interrupt) = self.served.interrupts.try_recv() {
            let queue = self.parent.queue_of(interrupt.vector_data);
            let Some(ring) = queue.and_then(|q| backend.rings.get_mut(usize::from(q))) else {
                continue;
            };
            let Some(call) = &ring.call else { continue };
            // A descriptor that takes nothing has been signalled already, or nobody reads it: neither may stop the device.
            let mut fds = [PollFd::new(call, PollFlags::OUT)];
            if wait(&mut fds, 0).is_ok()
                && fds[0].revents().contains(PollFlags::OUT)
                && rustix::io::write(call, &1u64.to_ne_bytes()).is_ok()
            {
                ring.calls += 1;
            }
        }
    }
}

/// Serves the scenario's device at a socket until it is told to stop, or the one frontend has gone. Of the scenario counts what concerns device,
/// host and wire: `direction` `loopback` brings every frame back, `tx` takes it, `rx` and `both` have frames for the driver once its rings run.
///
/// # Errors
/// [`ServeError`]: nobody can listen there, or something of the run's surroundings is not right. What device and frontends do wrong is in
/// the result.
pub fn serve(
    scenario: &Scenario,
    run: &RunOptions,
    options: &ServeOptions,
    progress: &dyn Fn(&str),
) -> Result<(RunResult, Vec<PeerReport>), ServeError> {
    service::serve(scenario, run, options, progress, async |served| {
        let parent = Parent::new(&served.host).await?;
        (options.say)(&format!("ready at {}", options.socket.display()));
        Service { served, parent }.run().await
    })
}
