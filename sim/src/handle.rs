//! What a task sees of the simulation: the cycle number, and waits on it.

use std::cell::RefCell;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use rand_pcg::Pcg64;

use crate::clock::TraceWindow;
use crate::kernel::{Condition, Kernel, Sleeper, TaskId, Write};
use crate::port::Port;
use crate::timers::TimerState;
use crate::wait::{Awaited, note};

/// Nothing came within the time allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing within {cycles} cycles ({}:{})", at.file(), at.line())]
pub struct Elapsed {
    /// The time allowed.
    pub cycles: u64,
    /// Where it was set.
    pub at: &'static Location<'static>,
}

/// A task's view of a running simulation. Cheap to clone; stays in its thread.
#[derive(Clone)]
pub struct SimHandle {
    kernel: Rc<Kernel>,
}

impl SimHandle {
    pub(crate) fn new(kernel: Rc<Kernel>) -> Self {
        Self { kernel }
    }

    /// The cycle that is about to be clocked. 0 is the first cycle of reset.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.kernel.now.get()
    }

    /// The seed of this run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.kernel.seed
    }

    /// A random stream of its own for whoever is called `path`; see [`crate::rng::rng`].
    #[must_use]
    pub fn rng(&self, path: &str) -> Pcg64 {
        crate::rng::rng(self.seed(), path)
    }

    /// Waits for the next clock edge. For small tests: prefer waits that wake a task once per transaction.
    #[track_caller]
    pub fn rising_edge(&self) -> RisingEdge {
        RisingEdge {
            kernel: Rc::clone(&self.kernel),
            from: self.now(),
            registered: false,
            at: Location::caller(),
        }
    }

    /// Waits for `n` clock edges; 0 returns at once.
    #[track_caller]
    pub fn cycles(&self, n: u64) -> Cycles {
        self.until_cycle(self.now().saturating_add(n))
    }

    /// Waits until cycle `cycle` is about to be clocked; returns at once when it was.
    #[track_caller]
    pub fn until_cycle(&self, cycle: u64) -> Cycles {
        Cycles {
            kernel: Rc::clone(&self.kernel),
            due: cycle,
            state: None,
            at: Location::caller(),
        }
    }

    /// Waits until `predicate` holds. The kernel asks it once per cycle, on settled values; the task wakes once.
    #[track_caller]
    pub fn until(&self, name: &'static str, predicate: impl FnMut() -> bool + 'static) -> Until {
        let condition = Condition {
            predicate: RefCell::new(Box::new(predicate)),
            holds: false.into(),
            sleeper: RefCell::new(None),
        };
        Until {
            kernel: Rc::clone(&self.kernel),
            name,
            condition: Rc::new(condition),
            registered: false,
            at: Location::caller(),
        }
    }

    /// Starts a task. It runs for the first time when the tasks that are ready now have run.
    ///
    /// A dropped [`JoinHandle`] leaves the task running; the end of the main task ends all.
    pub fn spawn<T: 'static>(&self, name: &str, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        let shared = Rc::new(RefCell::new(Joint {
            value: None,
            sleeper: None,
        }));
        let theirs = Rc::clone(&shared);
        let name: Rc<str> = name.into();
        let body = async move {
            let value = future.await;
            let sleeper = {
                let mut joint = theirs.borrow_mut();
                joint.value = Some(value);
                joint.sleeper.take()
            };
            if let Some(waker) = sleeper {
                waker.wake();
            }
        };
        let id = self.kernel.add(Rc::clone(&name), Some(Box::pin(body)));
        JoinHandle {
            kernel: Rc::clone(&self.kernel),
            id,
            name,
            shared,
        }
    }

    /// Runs `future`, but not longer than `cycles`. When both come in the same cycle, the future wins.
    #[track_caller]
    pub fn timeout<F: Future>(&self, cycles: u64, future: F) -> Timeout<F> {
        Timeout {
            future: Box::pin(future),
            timer: self.cycles(cycles),
            cycles,
            at: Location::caller(),
        }
    }

    /// Waits until `activity` has returned the same number for `n_cycles` cycles in a row.
    ///
    /// # Errors
    /// [`Elapsed`] after [`crate::SimOptions::quiet_limit_cycles`].
    #[track_caller]
    pub fn quiet(&self, n_cycles: u64, activity: impl Fn() -> u64 + 'static) -> Timeout<Until> {
        let mut last = activity();
        let mut since = self.now();
        let kernel = Rc::downgrade(&self.kernel);
        let quiet = self.until("quiet", move || {
            let Some(kernel) = kernel.upgrade() else {
                return true;
            };
            let count = activity();
            if count != last {
                last = count;
                since = kernel.now.get();
            }
            kernel.now.get() - since >= n_cycles
        });
        self.timeout(self.kernel.quiet_limit_cycles, quiet)
    }

    /// Awaits something outside the simulation: a socket, a process. What happens to the clock meanwhile is the run's
    /// [`crate::ExternalPolicy`].
    #[track_caller]
    pub fn external<F: Future>(&self, future: F) -> External<F> {
        self.kernel.externals.set(self.kernel.externals.get() + 1);
        External {
            kernel: Rc::clone(&self.kernel),
            future: Box::pin(future),
            at: Location::caller(),
        }
    }

    /// Sets an input port after the next edge, as a flop would.
    pub fn write(&self, port: Port, value: u64) {
        self.kernel.writes.borrow_mut().push(Write::Value(port, value));
    }

    /// Sets a wide input port after the next edge.
    pub fn write_words(&self, port: Port, words: &[u32]) {
        self.kernel
            .writes
            .borrow_mut()
            .push(Write::Words(port, words.to_vec()));
    }

    /// Arms waveforms for a window of cycles; an open window is closed first. The model must be built for
    /// [`crate::Mode::Trace`]: if not, the run ends with an error.
    pub fn arm_trace(&self, window: TraceWindow) {
        *self.kernel.arm.borrow_mut() = Some(window);
    }
}

impl std::fmt::Debug for SimHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimHandle")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

/// See [`SimHandle::rising_edge`].
#[must_use = "a wait does nothing unless awaited"]
pub struct RisingEdge {
    kernel: Rc<Kernel>,
    from: u64,
    registered: bool,
    at: &'static Location<'static>,
}

impl Future for RisingEdge {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.kernel.now.get() > self.from {
            return Poll::Ready(());
        }
        let sleeper = self.kernel.sleeper(cx);
        if !self.registered || matches!(sleeper, Sleeper::Foreign(_)) {
            self.kernel.wait_edge(sleeper);
            self.registered = true;
        }
        note(Awaited::Edge, self.at);
        Poll::Pending
    }
}

/// See [`SimHandle::cycles`].
#[must_use = "a wait does nothing unless awaited"]
pub struct Cycles {
    kernel: Rc<Kernel>,
    due: u64,
    state: Option<Rc<TimerState>>,
    at: &'static Location<'static>,
}

impl Future for Cycles {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.kernel.now.get() >= self.due {
            return Poll::Ready(());
        }
        let sleeper = self.kernel.sleeper(cx);
        if self.state.is_none() || matches!(sleeper, Sleeper::Foreign(_)) {
            if let Some(old) = self.state.take() {
                self.kernel.timers.forget(&old);
            }
            self.state = Some(self.kernel.timers.add(self.due, sleeper));
        }
        note(Awaited::Cycle(self.due), self.at);
        Poll::Pending
    }
}

impl Drop for Cycles {
    fn drop(&mut self) {
        if let Some(state) = &self.state {
            self.kernel.timers.forget(state);
        }
    }
}

/// See [`SimHandle::until`].
#[must_use = "a wait does nothing unless awaited"]
pub struct Until {
    kernel: Rc<Kernel>,
    name: &'static str,
    condition: Rc<Condition>,
    registered: bool,
    at: &'static Location<'static>,
}

impl Future for Until {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.condition.holds.get() {
            return Poll::Ready(());
        }
        if !self.registered {
            if (self.condition.predicate.borrow_mut())() {
                return Poll::Ready(());
            }
            self.registered = true;
            self.kernel.wait_condition(Rc::clone(&self.condition));
        }
        *self.condition.sleeper.borrow_mut() = Some(self.kernel.sleeper(cx));
        note(Awaited::Condition(self.name), self.at);
        Poll::Pending
    }
}

/// See [`SimHandle::timeout`].
#[must_use = "a wait does nothing unless awaited"]
pub struct Timeout<F> {
    future: Pin<Box<F>>,
    timer: Cycles,
    cycles: u64,
    at: &'static Location<'static>,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(value) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        let elapsed = Elapsed {
            cycles: self.cycles,
            at: self.at,
        };
        Pin::new(&mut self.timer).poll(cx).map(|()| Err(elapsed))
    }
}

/// See [`SimHandle::external`].
#[must_use = "a wait does nothing unless awaited"]
pub struct External<F> {
    kernel: Rc<Kernel>,
    future: Pin<Box<F>>,
    at: &'static Location<'static>,
}

impl<F: Future> Future for External<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let outcome = self.future.as_mut().poll(cx);
        if outcome.is_pending() {
            note(Awaited::Outside, self.at);
        }
        outcome
    }
}

impl<F> Drop for External<F> {
    fn drop(&mut self) {
        self.kernel.externals.set(self.kernel.externals.get() - 1);
    }
}

struct Joint<T> {
    value: Option<T>,
    sleeper: Option<std::task::Waker>,
}

/// A running task. Await it for its value.
#[must_use = "await the task, or call `detach`"]
pub struct JoinHandle<T> {
    kernel: Rc<Kernel>,
    id: TaskId,
    name: Rc<str>,
    shared: Rc<RefCell<Joint<T>>>,
}

impl<T> JoinHandle<T> {
    /// Lets the task run on its own.
    pub fn detach(self) {}

    /// Stops the task at the wait in which it is.
    pub fn cancel(self) {
        self.kernel.cancel(self.id);
    }

    /// True when the value is there.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.shared.borrow().value.is_some()
    }

    /// Waits for the task's value.
    #[track_caller]
    pub fn join(self) -> Join<T> {
        Join {
            handle: self,
            at: Location::caller(),
        }
    }
}

impl<T> IntoFuture for JoinHandle<T> {
    type Output = T;
    type IntoFuture = Join<T>;

    #[track_caller]
    fn into_future(self) -> Join<T> {
        self.join()
    }
}

/// See [`JoinHandle::join`].
#[must_use = "a wait does nothing unless awaited"]
pub struct Join<T> {
    handle: JoinHandle<T>,
    at: &'static Location<'static>,
}

impl<T> Future for Join<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut joint = self.handle.shared.borrow_mut();
        if let Some(value) = joint.value.take() {
            return Poll::Ready(value);
        }
        joint.sleeper = Some(cx.waker().clone());
        note(Awaited::Task(Rc::clone(&self.handle.name)), self.at);
        Poll::Pending
    }
}
