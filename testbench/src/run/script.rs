//! What happens in a run, step by step: the one task that everything else serves.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use ringside_models::fairness::jain_per_mille;
use ringside_sim::SimHandle;
use ringside_sim::sync::{Either, select2};

use super::observer::Pulse;
use super::wire_end::{WireEnd, tx_pair};
use crate::driver::command::Command;
use crate::driver::config::{NeedsReset, Vectors};
use crate::driver::error::DriverError;
use crate::driver::net::NetDriver;
use crate::host::Host;
use crate::scenario::{Direction, Pace, Phase, Scenario, Side};
use crate::wire::Frame;

/// Frames that are to go each way.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    /// From the driver.
    pub tx: VecDeque<Frame>,
    /// From the wire.
    pub rx: VecDeque<Frame>,
}

/// The task's world.
pub struct Script {
    /// The simulation.
    pub sim: SimHandle,
    /// The host.
    pub host: Host,
    /// The driver.
    pub driver: NetDriver,
    /// The wire.
    pub wire: Rc<WireEnd>,
    /// What to do.
    pub scenario: Scenario,
    /// What is left to send.
    pub frames: RefCell<Frames>,
    /// The stream's counters.
    pub pulse: Pulse,
    /// Resets so far: frames may then be lost on the way.
    pub resets: std::cell::Cell<u64>,
    /// Where [`Phase::Progress`] counts from: a cycle, and frames by queue.
    pub mark: RefCell<(u64, BTreeMap<u16, u64>)>,
    /// Findings about the run as a whole.
    pub findings: RefCell<Vec<String>>,
    /// Steps that were begun: cycle, and the word that scenarios have for it.
    pub begun: RefCell<Vec<(u64, String)>>,
}

/// Why traffic stopped moving.
enum Waited {
    Done,
    Stuck,
    NeedsReset,
}

/// Without any packet or frame for so many cycles a run that is not done is stuck. Longer than a device waits for receive buffers.
const STUCK_CYCLES: u64 = 150_000;

/// Cycles between two looks at the counters: nobody waits for them to the cycle, and looking costs time.
const LOOK_CYCLES: u64 = 16;

impl Script {
    /// Runs the scenario to its end.
    ///
    /// # Errors
    /// What the driver could not cope with.
    pub async fn run(self: Rc<Self>) -> Result<(), DriverError> {
        self.wire.link().set(true);
        let config = self.driver.start().await?;
        self.note(&format!("driver: up; {config}"));
        for (number, phase) in self.scenario.steps().iter().enumerate() {
            if !self.scenario.phases.is_empty() {
                self.note(&format!("phase {}: {phase}", number + 1));
            }
            self.begun.borrow_mut().push((self.sim.now(), phase.word()));
            self.step(phase).await?;
        }
        if !self.comes_to_rest(self.quiet_cycles()).await {
            self.find("the device never came to rest after the last step".to_owned());
        } else if !self.accounted() {
            // It may hold frames back in the hope of receive buffers, or have lost them in a reset: only time tells.
            self.comes_to_rest(STUCK_CYCLES).await;
        }
        Ok(())
    }

    /// After so many cycles without a packet or a frame nothing is on its way any more: longer than the host keeps credits back.
    fn quiet_cycles(&self) -> u64 {
        let starve = self.scenario.host.credits.starve.as_ref();
        let starved = starve.map_or(0, |s| s.for_cycles);
        self.scenario.limits.quiet_cycles + u64::from(starved)
    }

    /// Waits until no packet and no frame moved for so many cycles.
    async fn comes_to_rest(&self, cycles: u64) -> bool {
        let activity = self.pulse.clone();
        self.sim.quiet(cycles, move || activity.activity()).await.is_ok()
    }

    /// Every frame that the device took from the wire was delivered, or reported as dropped.
    fn accounted(&self) -> bool {
        self.received() + self.wire.dropped() >= self.wire.taken()
    }

    async fn step(self: &Rc<Self>, phase: &Phase) -> Result<(), DriverError> {
        if !matches!(phase, Phase::Progress { .. } | Phase::Fairness { .. }) {
            *self.mark.borrow_mut() = (self.sim.now(), self.arrived());
        }
        match phase {
            Phase::Traffic { frames, wait } => {
                self.start_traffic(*frames);
                if *wait {
                    self.finish_traffic().await?;
                }
            }
            Phase::Wait { cycles } => self.sim.cycles(*cycles).await,
            Phase::DeviceReset {} => {
                self.resets.set(self.resets.get() + 1);
                self.driver.reset().await?;
            }
            Phase::FunctionReset {} => {
                self.resets.set(self.resets.get() + 1);
                self.driver.function_reset().await?;
            }
            Phase::QueueReset { queue } => {
                self.resets.set(self.resets.get() + 1);
                self.driver.reset_queue(*queue).await?;
            }
            Phase::Suspend { wait } => self.driver.suspend(*wait).await?,
            Phase::Resume {} => self.driver.resume().await?,
            Phase::Checkpoint { queue, quiet } => self.driver.checkpoint(*queue, *quiet).await?,
            Phase::Restore { queue } => {
                self.resets.set(self.resets.get() + 1);
                match queue {
                    Some(index) => self.driver.restore_queue(*index).await?,
                    None => self.driver.restore().await?,
                }
            }
            Phase::Mask { vectors } => self.driver.mask(vectors, true).await?,
            Phase::Unmask { vectors } => self.driver.mask(vectors, false).await?,
            Phase::BusMaster { on } => {
                let intx = self.scenario.driver.vectors == Vectors::Intx;
                self.host.set_command(true, *on, intx).await?;
            }
            Phase::Control { command, ok } => self.control(command, *ok).await?,
            Phase::Link { up } => self.wire.link().set(*up),
            Phase::Refill { on } => self.driver.inboxes().iter().for_each(|i| i.set_refill(*on)),
            Phase::ReadConfig {} => {
                let config = self.driver.read_config().await?;
                let words = config.map_or_else(|| "is not there".to_owned(), |c| c.to_string());
                self.note(&format!("driver: device configuration {words}"));
            }
            Phase::Withhold { queue, what } => {
                if !self.driver.has_queue(*queue) {
                    self.find(format!("withhold: the driver uses no queue {queue}"));
                }
                self.host.withhold(*queue, *what);
            }
            Phase::Release { queue } => self.host.release(*queue),
            Phase::TakeFrames { on } => self.wire.take_frames(*on),
            Phase::Progress {
                queue,
                frames,
                cycles,
            } => self.expect_progress(*queue, *frames, *cycles).await,
            Phase::Fairness { direction, per_mille } => self.expect_fairness(*direction, *per_mille),
        }
        Ok(())
    }

    /// A control command; a device that asks for a reset instead gets it, and the command once more.
    async fn control(&self, command: &Command, ok: Option<bool>) -> Result<(), DriverError> {
        match self.driver.command(command, ok).await {
            Err(DriverError::NeedsReset { .. }) => {
                self.resets.set(self.resets.get() + 1);
                self.driver.reset().await?;
                self.driver.command(command, ok).await
            }
            done => done,
        }
    }

    /// Frames that have gone all the way, by virtqueue.
    fn arrived(&self) -> BTreeMap<u16, u64> {
        let sent = self.wire.counts().sent_by.borrow();
        let sent = sent.iter().map(|(pair, n)| (2 * pair + 1, *n));
        let inboxes = self.driver.inboxes();
        let received = inboxes
            .iter()
            .enumerate()
            .map(|(pair, i)| (2 * pair as u16, i.packets()));
        sent.chain(received).collect()
    }

    /// Waits for frames of a queue, and finds fault when they are late.
    async fn expect_progress(self: &Rc<Self>, queue: u16, frames: u64, cycles: u64) {
        let (start, before) = self.mark.borrow().clone();
        let before = before.get(&queue).copied().unwrap_or_default();
        let me = Rc::clone(self);
        let so_far = move || me.arrived().get(&queue).copied().unwrap_or_default() - before;
        let (count, sim) = (so_far.clone(), self.sim.clone());
        let over = move || {
            let now = sim.now();
            now.is_multiple_of(LOOK_CYCLES) && (count() >= frames || now - start >= cycles)
        };
        self.sim.until("progress of a queue", over).await;
        let (arrived, took) = (so_far(), self.sim.now() - start);
        if arrived < frames {
            self.find(format!(
                "queue {queue} did not go on: {arrived} of {frames} frames in {cycles} cycles"
            ));
        } else {
            self.note(&format!("queue {queue}: {arrived} frames in {took} cycles"));
        }
    }

    /// Finds fault when the queues in use were not served evenly.
    fn expect_fairness(&self, direction: Side, per_mille: u64) {
        let (start, before) = self.mark.borrow().clone();
        let arrived = self.arrived();
        let odd = u16::from(direction == Side::Tx);
        let shares: Vec<u64> = (0..self.scenario.driver.queue_pairs)
            .map(|pair| 2 * pair + odd)
            .map(|queue| {
                let count = |of: &BTreeMap<u16, u64>| of.get(&queue).copied().unwrap_or_default();
                count(&arrived) - count(&before)
            })
            .collect();
        let (cycles, index) = (
            self.sim.now() - start,
            jain_per_mille(&shares).unwrap_or_default(),
        );
        let text = format!(
            "frames by queue {shares:?} in {cycles} cycles: Jain's index {}.{:03}",
            index / 1000,
            index % 1000
        );
        if index < per_mille {
            self.find(format!("{text}, less than {per_mille} thousandths"));
        } else {
            self.note(&text);
        }
    }

    fn note(&self, text: &str) {
        self.host.recorder().note(text);
    }

    fn find(&self, text: String) {
        self.note(&text);
        self.findings.borrow_mut().push(text);
    }

    /// Hands the next frames over.
    fn start_traffic(&self, count: Option<usize>) {
        let traffic = &self.scenario.traffic;
        let mut frames = self.frames.borrow_mut();
        let start = self.sim.now();
        let clock = self.host.clock();
        let due = |first: u64, frame: &Frame| match traffic.pace {
            Pace::Max => 0,
            Pace::Timed => start + clock.cycles(frame.at_ns - first),
        };
        let take = |queue: &mut VecDeque<Frame>| {
            let n = count.unwrap_or(usize::MAX).min(queue.len());
            queue.drain(..n).collect::<Vec<_>>()
        };
        let (tx, rx) = (take(&mut frames.tx), take(&mut frames.rx));
        let sent: u64 = self
            .driver
            .backlogs()
            .iter()
            .map(|b| b.sent() + b.waiting() as u64)
            .sum();
        for (number, frame) in tx.iter().enumerate() {
            let pair = tx_pair(
                traffic.spread,
                self.scenario.driver.queue_pairs,
                sent + number as u64,
                frame,
            );
            self.driver.backlogs()[pair].push(due(tx[0].at_ns, frame), frame.clone());
        }
        for frame in &rx {
            self.wire.give(due(rx[0].at_ns, frame), frame);
        }
    }

    /// Waits until what was handed over has gone all the way.
    async fn finish_traffic(self: &Rc<Self>) -> Result<(), DriverError> {
        loop {
            match self.wait().await {
                Waited::Done => return Ok(()),
                Waited::NeedsReset if self.scenario.driver.needs_reset == NeedsReset::Recover => {
                    self.resets.set(self.resets.get() + 1);
                    self.driver.reset().await?;
                }
                Waited::NeedsReset | Waited::Stuck => {
                    self.find(format!("traffic is stuck: {}", self.progress()));
                    for line in self.driver.state() {
                        self.note(&line);
                    }
                    return Ok(());
                }
            }
        }
    }

    async fn wait(self: &Rc<Self>) -> Waited {
        let recover = self.scenario.driver.needs_reset == NeedsReset::Recover;
        let reset = self.driver.needs_reset().wait();
        if recover && self.driver.wants_reset() {
            return Waited::NeedsReset;
        }
        let me = Rc::clone(self);
        let (mut last, mut since) = (self.pulse.activity(), self.sim.now());
        let mut exact = false;
        let quiet_cycles = self.quiet_cycles();
        let over = move || {
            let (now, activity) = (me.sim.now(), me.pulse.activity());
            if !now.is_multiple_of(LOOK_CYCLES) {
                return false;
            }
            if activity != last {
                (last, since) = (activity, now);
            }
            let limit = if me.is_done(&mut exact) && !exact {
                quiet_cycles
            } else {
                STUCK_CYCLES
            };
            exact || now - since >= limit && !me.is_paced(now)
        };
        let over = self.sim.until("traffic done or stuck", over);
        if recover {
            if let Either::Second(()) = select2(over, reset).await {
                return Waited::NeedsReset;
            }
        } else {
            over.await;
        }
        if self.is_done(&mut exact) {
            Waited::Done
        } else {
            Waited::Stuck
        }
    }

    /// Frames are still due in the future: standing still is no sign of anything.
    fn is_paced(&self, now: u64) -> bool {
        self.scenario.traffic.pace == Pace::Timed
            && (self.wire.pending() > 0 || self.driver.backlogs().iter().any(|b| b.is_due_after(now)))
    }

    /// Has everything gone all the way? `exact` says that no doubt is left: after a reset frames may be lost inside the device.
    fn is_done(&self, exact: &mut bool) -> bool {
        let idle = self
            .driver
            .backlogs()
            .iter()
            .all(|b| b.waiting() == 0 && b.in_flight() == 0);
        let given = idle && self.wire.pending() == 0;
        *exact = given && self.accounted() && self.all_looped();
        *exact || given && self.resets.get() + self.driver.restarts() > 0
    }

    /// In loop-back every frame that the device sent is on its way back the moment it is whole; what it has not sent yet cannot be.
    fn all_looped(&self) -> bool {
        let counts = self.wire.counts();
        let gone = counts.sent.get() + counts.broken.get();
        let lost: u64 = self.driver.backlogs().iter().map(|b| b.lost()).sum();
        let sent: u64 = self.driver.backlogs().iter().map(|b| b.sent()).sum();
        self.scenario.traffic.direction == Direction::Rx || gone + lost >= sent
    }

    fn received(&self) -> u64 {
        self.driver.inboxes().iter().map(|i| i.packets()).sum()
    }

    /// Where the frames are, in one line.
    #[must_use]
    pub fn progress(&self) -> String {
        let sum = |f: fn(&crate::driver::tx::Backlog) -> u64| {
            self.driver.backlogs().iter().map(|b| f(b)).sum::<u64>()
        };
        format!(
            "{} frames wait in the driver, {} are with the device, {} left it; {} wait on the wire, the device took {}, the driver received {}, {} were dropped",
            sum(|b| b.waiting() as u64),
            sum(crate::driver::tx::Backlog::in_flight),
            self.wire.counts().sent.get(),
            self.wire.pending(),
            self.wire.taken(),
            self.received(),
            self.wire.dropped()
        )
    }
}
