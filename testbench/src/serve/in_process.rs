//! A synchronous driver, in a thread of its own, in lockstep with the simulated device.
//!
//! Such a driver calls and expects an answer; it cannot wait for a clock. So it runs in a thread, and either it runs or the
//! clock does, never both: each register access hands over what the driver stored since the last one, cycles pass until
//! the access is done, and the answer brings back what the device wrote. The driver's memory is a mirror of the host's, so its
//! stores are in the trace like those of Ringside's own driver, every rule is on, and a run repeats bit for bit.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use ringside_sim::sync;

use crate::driver::error::DriverError;
use crate::host::{Function, Host, Interrupt, Intx, MemoryError, RequestError};
use crate::run::bench::{Bench, Outcome};
use crate::run::wire_end::WireEnd;
use crate::run::{RunError, RunOptions, RunResult, load_dut, load_frames, max_frame_bytes};
use crate::scenario::{Direction, Scenario};
use crate::wire::Frame;

/// Longest time that a driver may think between two calls; it spins for good then, or waits for something that never comes.
const THINKING: Duration = Duration::from_mins(1);
/// Time that it has to end once the simulation is over.
const LEAVING_MS: u32 = 5_000;

/// What a driver asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Read a register of 1, 2, 4 or 8 bytes.
    Read {
        /// Bus address.
        addr: u64,
        /// Bytes.
        size: usize,
    },
    /// Write a register of 1, 2, 4 or 8 bytes: posted, no time passes.
    Write {
        /// Bus address.
        addr: u64,
        /// Its bytes, little-endian.
        data: Vec<u8>,
    },
    /// Memory that the device can reach; the answer is its bus address. No time passes.
    Alloc {
        /// Bytes.
        len: u64,
        /// Alignment, a power of two.
        align: u64,
    },
    /// Give such memory back. No time passes.
    Free {
        /// Its bus address.
        addr: u64,
    },
    /// See what is in memory now. No time passes.
    Look {},
    /// Let time pass.
    Cycles {
        /// How much.
        cycles: u64,
    },
    /// The wire begins to send what the scenario has for the device. No time passes.
    Wire {},
    /// Let time pass until an interrupt arrives, but not for ever.
    Interrupt {
        /// Longest wait, in cycles.
        cycles: u64,
    },
}

/// A turn of the driver: what it stored since the last one, in the order in which it wants that seen, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Address and bytes of each store.
    pub stores: Vec<(u64, Vec<u8>)>,
    /// The request.
    pub ask: Ask,
    /// Address and length of the memory that it wants to see afterwards.
    pub views: Vec<(u64, usize)>,
}

/// What it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Register read, or address of memory.
    pub value: u64,
    /// The memory asked for.
    pub views: Vec<Vec<u8>>,
    /// Interrupt messages that arrived, by their data, and levels of `INTx`.
    pub interrupts: Vec<Signal>,
    /// The cycle in which the clock stands.
    pub cycle: u64,
}

/// An interrupt, as a processor sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// MSI-X, with the data of the vector.
    Message(u32),
    /// The level of an `INTx` line changed.
    Level(bool),
}

/// Why a driver cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuestError {
    /// An access failed.
    #[error(transparent)]
    Access(#[from] RequestError),
    /// The memory asked for cannot be.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The simulation is over.
    #[error("the simulation has ended")]
    Over,
}

/// The driver's end of the bridge.
#[derive(Debug)]
pub struct Guest {
    function: Function,
    turns: Sender<Turn>,
    replies: Receiver<Result<Reply, GuestError>>,
}

impl Guest {
    /// The function that it is to drive, as firmware left it: BARs and bus master set, `INTx` allowed, MSI-X off.
    #[must_use]
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// Takes a turn.
    ///
    /// # Errors
    /// [`GuestError`]: the access failed, or there is no simulation any more.
    pub fn turn(&self, turn: Turn) -> Result<Reply, GuestError> {
        self.turns.send(turn).map_err(|_| GuestError::Over)?;
        self.replies.recv().map_err(|_| GuestError::Over)?
    }
}

/// The simulation's end of the bridge.
struct Clock<'a> {
    host: &'a Host,
    wire: &'a WireEnd,
    frames: VecDeque<Frame>,
    messages: sync::Receiver<Interrupt>,
    levels: sync::Receiver<Intx>,
}

impl Clock<'_> {
    fn signals(&mut self) -> Vec<Signal> {
        let mut signals = Vec::new();
        while let Some(message) = self.messages.try_recv() {
            signals.push(Signal::Message(message.vector_data));
        }
        while let Some(level) = self.levels.try_recv() {
            signals.push(Signal::Level(level.asserted));
        }
        signals
    }

    async fn ask(&mut self, ask: Ask) -> Result<u64, GuestError> {
        let host = self.host;
        match ask {
            Ask::Read { addr, size } => return Ok(host.mmio_read(addr, size).await?),
            Ask::Write { addr, data } => host.mmio_post(addr, &data)?,
            Ask::Alloc { len, align } => return Ok(host.memory().alloc(len, align)?),
            Ask::Free { addr } => host.memory().free(addr),
            Ask::Look {} => {}
            Ask::Wire {} => {
                let now = host.sim().now();
                self.frames
                    .drain(..)
                    .for_each(|frame| self.wire.give(now, &frame));
            }
            Ask::Cycles { cycles } => host.sim().cycles(cycles).await,
            Ask::Interrupt { cycles } => {
                let end = host.sim().now().saturating_add(cycles);
                while self.messages.is_empty() && self.levels.is_empty() && host.sim().now() < end {
                    host.sim().rising_edge().await;
                }
            }
        }
        Ok(0)
    }

    /// Takes turns until the driver has gone. What it did not say, it did not do.
    async fn serve(
        &mut self,
        turns: &Receiver<Turn>,
        replies: &Sender<Result<Reply, GuestError>>,
    ) -> Result<(), String> {
        loop {
            // The whole thread waits here, clock and all: that is what lockstep means.
            let turn = match turns.recv_timeout(THINKING) {
                Ok(turn) => turn,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!(
                        "the driver said nothing for {} s: it spins, or waits for what only the clock could bring",
                        THINKING.as_secs()
                    ));
                }
            };
            for (addr, data) in &turn.stores {
                self.host.memory().store(*addr, data);
            }
            let answer = self.ask(turn.ask).await;
            let reply = answer.map(|value| Reply {
                value,
                views: turn
                    .views
                    .iter()
                    .map(|(addr, len)| self.host.memory().load(*addr, *len))
                    .collect(),
                interrupts: self.signals(),
                cycle: self.host.sim().now(),
            });
            if replies.send(reply).is_err() {
                return Ok(());
            }
        }
    }
}

/// What the simulation ended with: the driver's error, or complaints.
async fn drive(
    host: &Host,
    wire: &WireEnd,
    frames: VecDeque<Frame>,
    start: impl FnOnce(Function) -> (Receiver<Turn>, Sender<Result<Reply, GuestError>>),
    quiet_cycles: u64,
) -> Result<Option<String>, DriverError> {
    wire.link().set(true);
    let function = host.enumerate().await?;
    host.set_command(true, true, true).await?;
    let (turns, replies) = start(function);
    let (Some(messages), Some(levels)) = (host.take_interrupts(), host.take_intx()) else {
        return Ok(Some("somebody else takes the interrupts".to_owned()));
    };
    let mut clock = Clock {
        host,
        wire,
        frames,
        messages,
        levels,
    };
    let complaint = clock.serve(&turns, &replies).await.err();
    drop(replies);
    if complaint.is_none() {
        host.quiet(quiet_cycles).await;
    }
    Ok(complaint)
}

/// What the thread returned. One that spins cannot be ended from outside: it is left behind.
fn join<T>(thread: JoinHandle<T>) -> Result<T, String> {
    for _ in 0..LEAVING_MS {
        if thread.is_finished() {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    if !thread.is_finished() {
        return Err("the driver does not end: it still spins when the simulation is over".to_owned());
    }
    thread.join().map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "without a word".to_owned());
        format!("the driver panicked: {text}")
    })
}

/// Runs `driver` on the scenario's device until it returns, then lets the device come to rest. Of the scenario counts what concerns device,
/// host, wire and traffic from the wire (`direction`: `loopback` brings frames back, `tx` takes them, `rx` and `both` bring
/// the generator's or the capture's); its driver and its steps do not. Also what the driver returned, unless it panicked.
///
/// # Errors
/// [`RunError`]: something of the run's surroundings is not right. What device and driver do wrong is in the result.
pub fn run<T: Send + 'static>(
    scenario: &Scenario,
    options: &RunOptions,
    driver: impl FnOnce(Guest) -> T + Send + 'static,
    progress: &dyn Fn(&str),
) -> Result<(RunResult, Option<T>), RunError> {
    scenario.check()?;
    let mut dut = load_dut(scenario)?;
    dut.no_assert |= options.no_assert;
    let frames = match scenario.traffic.direction {
        Direction::Rx | Direction::Both => load_frames(scenario, max_frame_bytes(&dut))?.0.rx,
        Direction::Tx | Direction::Loopback => Vec::new().into(),
    };
    let (sim, bench) = Bench::install(scenario, &dut, options, true, progress)?;
    let (host, wire) = (bench.host.clone(), Rc::clone(&bench.wire));
    let quiet_cycles = scenario.limits.quiet_cycles;
    let mut thread = None;
    let (outcome, complaint) = {
        let thread = &mut thread;
        Outcome::of(sim.run(async move |_| {
            let start = |function| {
                let (turns, theirs) = channel();
                let (replies, answers) = channel();
                let guest = Guest {
                    function,
                    turns,
                    replies: answers,
                };
                *thread = Some(std::thread::spawn(|| driver(guest)));
                (theirs, replies)
            };
            drive(&host, &wire, frames, start, quiet_cycles).await
        }))
    };
    let mut complaints: Vec<String> = complaint.flatten().into_iter().collect();
    let returned = thread.and_then(|thread| match join(thread) {
        Ok(value) => Some(value),
        Err(why) => {
            complaints.push(why);
            None
        }
    });
    Ok((bench.close(outcome, complaints)?, returned))
}
