//! Serving a guest: each access is made on the device before the guest hears that its message was taken, so the order of everything is the guest's.
//!
//! Without a calendar the device's clock goes while there is something to do, and stands still while there is not. With one the guest runs in no time,
//! and sleeps while the clock goes: until it wants to run again, or the device interrupts it.

use std::collections::VecDeque;
use std::ops::Deref;
use std::path::PathBuf;

use rustix::event::{PollFd, PollFlags};

use super::calendar::Calendar;
use super::frontend::{COMMANDS, Frontend, INTERRUPTS, Said};
use super::op::{self, Op, OpError};
use super::report::{GuestReport, Left};
use super::slot::Slot;
use super::time::Time;
use crate::driver::error::DriverError;
use crate::run::{RunOptions, RunResult};
use crate::scenario::Scenario;
use crate::serve::service::{self, ServeError, ServeOptions, Served, wait};
use crate::serve::vhost_user::socket::{Channel, Listener};
use crate::wire::mirror;

/// Cycles between two looks at the outside while the device works.
const STRIDE_CYCLES: u64 = 64;
/// The same while the guest sleeps in simulated time, and nobody but the device and a wish to end can do anything.
const WATCH_CYCLES: u64 = 4096;
/// Longest sleep: after so long somebody may have asked for the end.
const SLEEP_MS: i64 = 100;

/// How to serve a guest.
#[derive(Debug)]
pub struct PciOptions {
    /// As at any socket: the guest's slot is to be had there.
    pub service: ServeOptions,
    /// Where its calendar is, if its time is simulated.
    pub calendar: Option<PathBuf>,
    /// Everybody on the wire answers ([`mirror`]), instead of what the scenario's direction says.
    pub mirror: bool,
    /// Features that no guest is shown, so that none can take them.
    pub withheld: u128,
}

/// A guest.
struct Guest {
    slot: Slot,
    channel: Option<Channel>,
    frontend: Frontend,
    calendar: Option<Calendar>,
    /// Interrupts that are on their way to it: when they arrived, and what they are.
    pending: VecDeque<(u64, [u8; op::HEADER_BYTES + 4])>,
    interrupts: u64,
    /// The wire has had its frames for it.
    begun: bool,
}

/// Everything at hand while serving.
struct Service<'a> {
    served: Served<'a>,
    time: Time,
    /// Packets so far, and the cycle since when there were no more.
    moved: (u64, u64),
    withheld: u128,
    calendars: Option<&'a Listener>,
}

impl<'a> Deref for Service<'a> {
    type Target = Served<'a>;

    fn deref(&self) -> &Served<'a> {
        &self.served
    }
}

impl Service<'_> {
    fn note(&self, text: &str) {
        self.host.recorder().note(format!("pci: {text}"));
    }

    fn tell(&self, text: &str) {
        self.note(text);
        (self.options.say)(text);
    }

    fn is_stopped(&self) -> bool {
        self.options.is_stopped()
    }

    /// Is there something to do for the device? It has done all when nothing has moved for long enough.
    fn is_busy(&mut self) -> bool {
        let (activity, now) = (self.pulse.activity(), self.host.sim().now());
        if activity != self.moved.0 || !self.host.is_idle() {
            self.moved = (activity, now);
        }
        now - self.moved.1 < self.quiet_cycles
    }

    /// One guest after the other.
    async fn run(&mut self) -> Result<Vec<GuestReport>, DriverError> {
        let mut reports = Vec::new();
        while !self.is_stopped() {
            let Some(mut guest) = self.arrive() else { continue };
            self.time.begin(self.served.host.sim().now());
            self.tell("a guest connects");
            let left = loop {
                if let Err(left) = self.turn(&mut guest).await {
                    break left.settled();
                }
            };
            self.tell(&format!("it leaves: {left}"));
            let features = guest.slot.taken;
            let counts = guest.slot.leave().await;
            // What the device still had to say to it goes nowhere.
            self.host.quiet(self.quiet_cycles).await;
            self.host.memory().lend(Vec::new());
            while self.served.interrupts.try_recv().is_some() {}
            reports.push(GuestReport {
                counts,
                interrupts: guest.interrupts,
                features,
                time_ns: guest.calendar.map(|c| c.now()),
                left,
            });
            if self.options.once {
                break;
            }
        }
        Ok(reports)
    }

    /// Somebody who has connected: to his calendar first, if he has one.
    fn arrive(&self) -> Option<Guest> {
        let door = self.calendars.unwrap_or(self.listener);
        let mut guest = Guest {
            slot: Slot::new(&self.host, self.withheld),
            channel: None,
            frontend: Frontend::default(),
            calendar: None,
            pending: VecDeque::new(),
            interrupts: 0,
            begun: false,
        };
        let come = match self.calendars {
            None => door.accept().map(|c| {
                guest.channel = c;
                guest.channel.is_some()
            }),
            Some(door) => door
                .accept_stream()
                .and_then(|s| s.map(Calendar::new).transpose())
                .map(|c| {
                    guest.calendar = c;
                    guest.calendar.is_some()
                }),
        };
        match come {
            Ok(true) => return Some(guest),
            Ok(false) => {
                let _ = wait(&mut [PollFd::new(door.socket(), PollFlags::IN)], SLEEP_MS);
            }
            Err(e) => (self.options.say)(&format!("a guest could not connect: {e}")),
        }
        None
    }

    /// Does the next thing.
    async fn turn(&mut self, guest: &mut Guest) -> Result<(), Left> {
        if self.is_stopped() {
            return Err(Left::Stopped);
        }
        self.collect(guest);
        if guest.calendar.is_none() {
            Self::deliver(guest, u64::MAX)?;
        }
        let clocked = guest.calendar.is_none() && self.is_busy();
        let asleep = guest.calendar.as_ref().and_then(Calendar::sleeps_until);
        let awaits_clock = asleep.is_some_and(|until| until.is_some() || self.is_busy());
        let ms = if clocked || awaits_clock { 0 } else { SLEEP_MS };
        let mut fds = vec![match &guest.channel {
            Some(channel) => PollFd::new(channel.socket(), PollFlags::IN),
            None => PollFd::new(self.listener.socket(), PollFlags::IN),
        }];
        fds.extend(
            guest
                .calendar
                .as_ref()
                .map(|c| PollFd::new(c.socket(), PollFlags::IN)),
        );
        wait(&mut fds, ms)?;
        let ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        // What a guest says of its time comes before what it does in it.
        if let (Some(true), Some(calendar)) = (ready.get(1), &mut guest.calendar) {
            return Ok(calendar.take()?);
        }
        if ready[0] {
            if guest.channel.is_some() {
                return self.message(guest).await;
            }
            guest.channel = self.listener.accept()?;
            return Ok(());
        }
        match asleep {
            Some(until) => self.sleep(guest, until).await,
            None if clocked => {
                self.host.sim().cycles(STRIDE_CYCLES).await;
                Ok(())
            }
            None => Ok(()),
        }
    }

    async fn message(&mut self, guest: &mut Guest) -> Result<(), Left> {
        let Some(channel) = &mut guest.channel else {
            return Ok(());
        };
        let message = channel.receive()?;
        let request = message.request;
        let answer = match guest.frontend.take(message, &self.host)? {
            Said::Answer(answer) => {
                self.note(&format!("{request:?}"));
                answer
            }
            Said::Kick(queue, answer) => {
                self.catch_up(guest).await;
                if queue == COMMANDS {
                    self.commands(guest).await?;
                } else if guest.calendar.is_none() {
                    Self::deliver(guest, u64::MAX)?;
                }
                answer
            }
        };
        if let (Some(answer), Some(channel)) = (answer, &mut guest.channel) {
            channel.reply(request, &answer)?;
        }
        Ok(())
    }

    /// The device's clock is not behind the guest's.
    async fn catch_up(&mut self, guest: &Guest) {
        let Some(now) = guest.calendar.as_ref().map(Calendar::now) else {
            return;
        };
        while self.time.at(self.host.sim().now()) < now {
            if self.is_busy() {
                self.host.sim().rising_edge().await;
            } else {
                self.time.skip_to(self.host.sim().now(), now);
            }
        }
    }

    /// Makes all accesses that wait.
    async fn commands(&mut self, guest: &mut Guest) -> Result<(), Left> {
        let queue = usize::from(COMMANDS);
        let mut call = false;
        loop {
            // A guest may have more to ask for than there is time.
            if self.is_stopped() {
                return Err(Left::Stopped);
            }
            let (frontend, slot) = (&mut guest.frontend, &mut guest.slot);
            let Some(mailbox) = &mut frontend.mailboxes[queue] else {
                break;
            };
            let Some(chain) = mailbox.take(&frontend.regions)? else {
                break;
            };
            let op = Op::parse(&chain.message)?;
            let (size, room) = (op.answer_bytes(), chain.room());
            if size > room {
                return Err(OpError::Room { size, room }.into());
            }
            let answer = slot.perform(&op).await?;
            call |= mailbox.give(&frontend.regions, &chain, &answer)?;
        }
        self.moved.1 = self.host.sim().now();
        if guest.slot.counts.starts > 0 && !guest.begun {
            guest.begun = true;
            let now = self.host.sim().now();
            for frame in self.served.frames.drain(..) {
                self.served.wire.give(now, &frame);
            }
            self.tell(&format!("a driver runs, features {:#x}", guest.slot.taken));
        }
        if call {
            Self::call(guest, COMMANDS)?;
        }
        Ok(())
    }

    /// Calls a queue. A guest in simulated time looks at the clock at once.
    fn call(guest: &mut Guest, queue: u16) -> Result<(), Left> {
        if !guest.frontend.call(queue) {
            return Err(Left::Deaf { queue });
        }
        if let Some(calendar) = &mut guest.calendar {
            calendar.await_look()?;
        }
        Ok(())
    }

    /// Interrupts that have arrived since the last time.
    fn collect(&mut self, guest: &mut Guest) {
        while let Some(i) = self.served.interrupts.try_recv() {
            let message = op::interrupt(i.addr, i.vector_data);
            guest.pending.push_back((self.time.at(i.cycle), message));
        }
    }

    /// Gives the guest the interrupts that arrived up to `now`, as far as it has room. Was it called?
    fn deliver(guest: &mut Guest, now: u64) -> Result<bool, Left> {
        let mut call = false;
        while let Some((_, message)) = guest.pending.front().filter(|(at, _)| *at <= now) {
            let frontend = &mut guest.frontend;
            let Some(mailbox) = &mut frontend.mailboxes[usize::from(INTERRUPTS)] else {
                break;
            };
            let Some(chain) = mailbox.take(&frontend.regions)? else {
                break;
            };
            let (size, room) = (message.len(), chain.room());
            if size > room {
                return Err(OpError::Room { size, room }.into());
            }
            call |= mailbox.give(&frontend.regions, &chain, message)?;
            guest.interrupts += 1;
            guest.pending.pop_front();
        }
        if call {
            Self::call(guest, INTERRUPTS)?;
        }
        Ok(call)
    }

    /// The guest sleeps: the clock goes until an interrupt wakes it, or it is time.
    async fn sleep(&mut self, guest: &mut Guest, until: Option<u64>) -> Result<(), Left> {
        let end = until.unwrap_or(u64::MAX);
        let watch = self.host.sim().now() + WATCH_CYCLES;
        loop {
            self.collect(guest);
            let Some(calendar) = &mut guest.calendar else {
                return Ok(());
            };
            let now = self.host.sim().now();
            let first = guest.pending.front().map(|(at, _)| (*at).max(calendar.now()));
            if let Some(at) = first.filter(|at| *at < end) {
                calendar.set_now(at);
                if Self::deliver(guest, at)? {
                    // It may want to run now.
                    return Ok(());
                }
            }
            if let Some(calendar) = guest.calendar.as_mut().filter(|_| self.time.at(now) >= end) {
                calendar.set_now(end);
                return Ok(calendar.run()?);
            }
            if !self.is_busy() {
                if end == u64::MAX {
                    return Ok(());
                }
                self.time.skip_to(now, end);
                continue;
            }
            if now >= watch {
                return Ok(());
            }
            self.host.sim().rising_edge().await;
        }
    }
}

/// Serves the scenario's device to guests until it is told to stop, or the one guest has gone. Of the scenario counts what concerns device, host and
/// wire.
///
/// # Errors
/// [`ServeError`]: nobody can listen there, or something of the run's surroundings is not right. What device and guests do wrong is in the result.
pub fn serve(
    scenario: &Scenario,
    run: &RunOptions,
    options: &PciOptions,
    progress: &dyn Fn(&str),
) -> Result<(RunResult, Vec<GuestReport>), ServeError> {
    let calendars = options.calendar.as_deref().map(Listener::bind).transpose()?;
    service::serve(scenario, run, &options.service, progress, async |served| {
        if options.mirror {
            served.wire.answer_with(Box::new(mirror::answer));
        }
        (served.options.say)(&format!("ready at {}", options.service.socket.display()));
        let mut service = Service {
            time: Time::new(served.period_ps),
            moved: (0, 0),
            withheld: options.withheld,
            calendars: calendars.as_ref(),
            served,
        };
        service.run().await
    })
}
