//! The inside of a run: reset, cycles, waveform windows, limits.

use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::Ordering;

use crate::build::Mode;
use crate::clock::{Bfm, Cycle, ExternalPolicy, SimOptions, TraceWindow};
use crate::digest::{Digester, PortDigest};
use crate::dut::DutConfig;
use crate::error::SimError;
use crate::kernel::{Kernel, Unsettled, Write};
use crate::model::{Model, ModelError, RtlError};
use crate::port::Port;

/// Cycles between two looks at sockets and the wall clock: 5 ns a cycle, 80 us of latency.
const STRIDE_CYCLES: u32 = 64;
/// The same while a peer outside is being talked to.
const STRIDE_EXTERNAL_CYCLES: u32 = 16;

/// A model with its clock, and what is done to it in every cycle.
pub(crate) struct Machine {
    pub(crate) model: Model,
    pub(crate) bfms: Vec<Box<dyn Bfm>>,
    pub(crate) options: SimOptions,
    clock: Port,
    reset: Port,
    reset_value: bool,
    period_ps: u64,
    digester: Option<Digester>,
    window: Option<TraceWindow>,
    dumping: bool,
    idle_cycles: u64,
    polls_seen: u64,
}

impl Machine {
    pub(crate) fn new(model: Model, dut: &DutConfig, clock: Port, reset: Port, options: SimOptions) -> Self {
        Self {
            clock,
            reset,
            reset_value: !dut.reset.active_low,
            period_ps: dut.period_ps(),
            bfms: Vec::new(),
            digester: options.digest.then(|| Digester::new(&model)),
            window: options.trace.clone(),
            model,
            options,
            dumping: false,
            idle_cycles: 0,
            polls_seen: 0,
        }
    }

    /// Reset, then cycles until the main task ends.
    pub(crate) async fn run(
        &mut self,
        kernel: &Kernel,
        mut main: Pin<&mut (dyn Future<Output = ()> + '_)>,
    ) -> Result<(), SimError> {
        self.reset.set_bool(self.reset_value);
        for _ in 0..self.options.reset_cycles {
            self.edge(kernel, true)?;
            kernel.now.set(kernel.now.get() + 1);
        }
        self.reset.set_bool(!self.reset_value);
        self.model.eval()?;

        let mut until_yield = STRIDE_CYCLES;
        loop {
            if Self::settle(kernel, main.as_mut())? {
                return Ok(());
            }
            let outside = kernel.externals.get() > 0;
            if outside && self.options.external == ExternalPolicy::Lockstep {
                kernel.outside_wake().await;
                continue;
            }
            self.check_limits(kernel, outside)?;
            self.edge(kernel, false)?;
            kernel.advance();
            until_yield -= 1;
            if until_yield == 0 {
                until_yield = if outside {
                    STRIDE_EXTERNAL_CYCLES
                } else {
                    STRIDE_CYCLES
                };
                self.model.drain_log();
                self.check_stop(kernel)?;
                tokio::task::yield_now().await;
            }
        }
    }

    fn check_stop(&self, kernel: &Kernel) -> Result<(), SimError> {
        match &self.options.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(SimError::Stopped {
                cycle: kernel.now.get(),
            }),
            _ => Ok(()),
        }
    }

    fn settle(kernel: &Kernel, main: Pin<&mut (dyn Future<Output = ()> + '_)>) -> Result<bool, SimError> {
        let cycle = kernel.now.get();
        kernel.settle(main).map_err(|unsettled| match unsettled {
            Unsettled::Circle { name } => SimError::Circle { cycle, name },
            Unsettled::Panicked(panicked) => SimError::TaskPanic {
                name: format!("task `{}`", panicked.name),
                cycle,
                message: panicked.message,
            },
        })
    }

    /// Called with every task parked.
    fn check_limits(&mut self, kernel: &Kernel, outside: bool) -> Result<(), SimError> {
        let now = kernel.now.get();
        if now >= self.options.max_cycles {
            let graph = kernel.graph(self.statuses());
            return Err(SimError::Limit {
                max_cycles: self.options.max_cycles,
                graph,
            });
        }
        let polls = kernel.polls.get();
        if polls != self.polls_seen || outside || kernel.clock_will_wake() {
            self.polls_seen = polls;
            self.idle_cycles = 0;
            return Ok(());
        }
        // Only a bus model, or the design through a condition, can change anything from here on.
        if self.bfms.is_empty() && !kernel.has_conditions() {
            return Err(SimError::Deadlock {
                graph: kernel.graph(Vec::new()),
            });
        }
        self.idle_cycles += 1;
        if self.idle_cycles >= self.options.idle_limit_cycles {
            let graph = kernel.graph(self.statuses());
            return Err(SimError::Hang {
                idle_cycles: self.options.idle_limit_cycles,
                graph,
            });
        }
        Ok(())
    }

    pub(crate) fn statuses(&self) -> Vec<String> {
        self.bfms.iter().filter_map(|bfm| bfm.status()).collect()
    }

    /// One clock cycle.
    fn edge(&mut self, kernel: &Kernel, in_reset: bool) -> Result<(), SimError> {
        let now = kernel.now.get();
        let start_ps = now * self.period_ps;
        self.model.set_cycle(now);
        if let Some(window) = kernel.arm.borrow_mut().take() {
            self.rearm(window, now)?;
        }
        if self.window.is_some() {
            self.open_or_close_window(now)?;
        }

        let mut progress = false;
        if !in_reset {
            for bfm in &mut self.bfms {
                bfm.sample(&mut Cycle {
                    now,
                    progress: &mut progress,
                });
            }
            if let Some(digester) = &mut self.digester {
                digester.sample();
            }
        }
        self.clock.set_bool(true);
        self.model.set_time_ps(start_ps);
        // Outside of reset nothing but the clock has moved since the last half cycle ended.
        let outcome = if in_reset {
            self.model.eval()
        } else {
            self.model.eval_edge()
        };
        self.checked(outcome)?;
        self.dump(now, start_ps)?;
        if !in_reset {
            for bfm in &mut self.bfms {
                bfm.drive(&mut Cycle {
                    now,
                    progress: &mut progress,
                });
            }
            if !kernel.writes.borrow().is_empty() {
                for write in kernel.writes.borrow_mut().drain(..) {
                    match write {
                        Write::Value(port, value) => port.set_u64(value),
                        Write::Words(port, words) => port.write_words(&words),
                    }
                }
            }
        }
        self.clock.set_bool(false);
        let half_ps = start_ps + self.period_ps / 2;
        self.model.set_time_ps(half_ps);
        let outcome = self.model.eval();
        self.checked(outcome)?;
        self.dump(now, half_ps)?;
        if progress {
            self.idle_cycles = 0;
        }
        Ok(())
    }

    #[inline]
    fn checked(&mut self, outcome: Result<(), RtlError>) -> Result<(), RtlError> {
        if outcome.is_err() && self.dumping {
            // The last moment is the one that explains the stop.
            let _ = self.model.trace_close();
            self.dumping = false;
        }
        outcome
    }

    #[inline]
    fn dump(&mut self, now: u64, time_ps: u64) -> Result<(), SimError> {
        if self.dumping {
            self.model
                .trace_dump(time_ps)
                .map_err(|source| SimError::Artefact { cycle: now, source })?;
        }
        Ok(())
    }

    fn rearm(&mut self, window: TraceWindow, now: u64) -> Result<(), SimError> {
        let artefact = |source| SimError::Artefact { cycle: now, source };
        if self.model.mode() != Mode::Trace {
            let message = "waveforms were armed, but this model is built without them".to_owned();
            return Err(artefact(ModelError {
                library: window.path,
                message,
            }));
        }
        if self.dumping {
            self.model.trace_close().map_err(artefact)?;
            self.dumping = false;
        }
        self.window = Some(window);
        Ok(())
    }

    fn open_or_close_window(&mut self, now: u64) -> Result<(), SimError> {
        let artefact = |source| SimError::Artefact { cycle: now, source };
        let Some(window) = &self.window else { return Ok(()) };
        if now > window.to {
            if self.dumping {
                self.model.trace_close().map_err(artefact)?;
                self.dumping = false;
            }
            self.window = None;
        } else if now >= window.from && !self.dumping {
            let path = window.path.clone();
            create_parent(&path).map_err(artefact)?;
            self.model.trace_open(&path).map_err(artefact)?;
            self.dumping = true;
        }
        Ok(())
    }

    pub(crate) fn take_digest(&mut self) -> Option<PortDigest> {
        self.digester.take().map(Digester::finish)
    }

    /// Ends the run: final blocks (of a run that went well), waveforms, coverage.
    pub(crate) fn close(&mut self, cycle: u64, ended_well: bool) -> Result<(), SimError> {
        let artefact = |source| SimError::Artefact { cycle, source };
        self.model.set_cycle(cycle);
        let finished = if ended_well { self.model.finish() } else { Ok(()) };
        if self.dumping {
            self.dumping = false;
            self.model.trace_close().map_err(artefact)?;
        }
        if let Some(path) = self.options.coverage.clone() {
            create_parent(&path).map_err(artefact)?;
            self.model.coverage_write(&path).map_err(artefact)?;
        }
        finished.map_err(SimError::from)
    }
}

fn create_parent(path: &Path) -> Result<(), ModelError> {
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(parent).map_err(|error| ModelError {
        library: path.to_owned(),
        message: format!("cannot create its folder: {error}"),
    })
}
