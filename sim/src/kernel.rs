//! The executor: one thread, first in first out, woken by the clock. Deterministic by construction.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::clock::TraceWindow;
use crate::port::Port;
use crate::timers::Timers;
use crate::wait::{self, Note, TaskWait, WaitGraph};

/// Polls in one cycle after which tasks are said to run in a circle.
const POLLS_PER_CYCLE_MAX: u64 = 10_000_000;

/// A task's place and which tenant of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TaskId {
    index: u32,
    generation: u32,
}

/// The test's own future: it may borrow, so it is not stored here but handed to every [`Kernel::settle`].
pub(crate) const MAIN: TaskId = TaskId {
    index: 0,
    generation: 0,
};

/// Wakes that come through a `Waker`: from combinators, from tokio, from other threads.
#[derive(Default)]
struct Remote {
    queue: Mutex<Vec<TaskId>>,
    any: AtomicBool,
    /// Set while the whole simulation is parked for the outside.
    root: Mutex<Option<Waker>>,
}

struct TaskWaker {
    id: TaskId,
    queued: AtomicBool,
    remote: Arc<Remote>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        self.remote
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(self.id);
        self.remote.any.store(true, Ordering::Release);
        let root = self
            .remote
            .root
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(root) = root {
            root.wake();
        }
    }
}

/// Whom to wake: a task known by number (no reference counting, no lock) or whatever a combinator gave us.
pub(crate) enum Sleeper {
    Task(TaskId),
    Foreign(Waker),
}

type TaskFuture = Pin<Box<dyn Future<Output = ()>>>;

struct Slot {
    generation: u32,
    name: Rc<str>,
    future: Option<TaskFuture>,
    handle: Arc<TaskWaker>,
    waker: Waker,
    live: bool,
    order: u64,
    notes: Vec<Note>,
    since: u64,
}

/// A predicate that the kernel asks once per cycle.
pub(crate) struct Condition {
    pub(crate) predicate: RefCell<Box<dyn FnMut() -> bool>>,
    pub(crate) holds: Cell<bool>,
    pub(crate) sleeper: RefCell<Option<Sleeper>>,
}

/// A store into an input port, done after the edge.
pub(crate) enum Write {
    Value(Port, u64),
    Words(Port, Vec<u32>),
}

/// A task that panicked.
#[derive(Debug)]
pub(crate) struct Panicked {
    pub(crate) name: String,
    pub(crate) message: String,
}

/// Why the tasks could not settle.
#[derive(Debug)]
pub(crate) enum Unsettled {
    Panicked(Panicked),
    Circle { name: String },
}

/// What tasks and handles share.
pub(crate) struct Kernel {
    pub(crate) now: Cell<u64>,
    pub(crate) seed: u64,
    pub(crate) quiet_limit_cycles: u64,
    pub(crate) writes: RefCell<Vec<Write>>,
    pub(crate) externals: Cell<usize>,
    pub(crate) arm: RefCell<Option<TraceWindow>>,
    /// Polls so far: a cycle that polled nothing was idle.
    pub(crate) polls: Cell<u64>,
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<u32>>,
    spawned: Cell<u64>,
    ready: RefCell<VecDeque<TaskId>>,
    current: Cell<Option<TaskId>>,
    edge: RefCell<Vec<Sleeper>>,
    pub(crate) timers: Timers,
    conditions: RefCell<Vec<Rc<Condition>>>,
    remote: Arc<Remote>,
}

impl Kernel {
    pub(crate) fn new(seed: u64, quiet_limit_cycles: u64) -> Rc<Self> {
        let kernel = Rc::new(Self {
            now: Cell::new(0),
            seed,
            quiet_limit_cycles,
            writes: RefCell::default(),
            externals: Cell::new(0),
            arm: RefCell::default(),
            polls: Cell::new(0),
            slots: RefCell::default(),
            free: RefCell::default(),
            spawned: Cell::new(0),
            ready: RefCell::default(),
            current: Cell::new(None),
            edge: RefCell::default(),
            timers: Timers::default(),
            conditions: RefCell::default(),
            remote: Arc::default(),
        });
        let main = kernel.add("main".into(), None);
        debug_assert_eq!(main, MAIN);
        kernel
    }

    /// Adds a task; it runs first when the tasks settle next.
    pub(crate) fn add(&self, name: Rc<str>, future: Option<TaskFuture>) -> TaskId {
        let mut slots = self.slots.borrow_mut();
        let index = self.free.borrow_mut().pop().unwrap_or(slots.len() as u32);
        let generation = slots.get(index as usize).map_or(0, |slot| slot.generation + 1);
        let id = TaskId { index, generation };
        let handle = Arc::new(TaskWaker {
            id,
            queued: AtomicBool::new(true),
            remote: Arc::clone(&self.remote),
        });
        let waker = Waker::from(Arc::clone(&handle));
        self.spawned.set(self.spawned.get() + 1);
        let order = self.spawned.get();
        let since = self.now.get();
        let slot = Slot {
            generation,
            name,
            future,
            handle,
            waker,
            live: true,
            order,
            notes: Vec::new(),
            since,
        };
        if let Some(place) = slots.get_mut(index as usize) {
            *place = slot;
        } else {
            slots.push(slot);
        }
        self.ready.borrow_mut().push_back(id);
        id
    }

    /// Drops a task's future. Of a task that is being polled, only what comes after the poll.
    pub(crate) fn cancel(&self, id: TaskId) {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(id.index as usize) else {
            return;
        };
        if slot.generation != id.generation || !slot.live || id == MAIN {
            return;
        }
        slot.live = false;
        let future = slot.future.take();
        if self.current.get() != Some(id) {
            self.free.borrow_mut().push(id.index);
        }
        drop(slots);
        // Outside the borrow: the future's own drops may call back.
        drop(future);
    }

    /// Whom a wait that is being polled should wake.
    pub(crate) fn sleeper(&self, cx: &Context<'_>) -> Sleeper {
        if let Some(id) = self.current.get()
            && let Some(slot) = self.slots.borrow().get(id.index as usize)
            && slot.waker.will_wake(cx.waker())
        {
            return Sleeper::Task(id);
        }
        Sleeper::Foreign(cx.waker().clone())
    }

    fn wake(&self, sleeper: Sleeper) {
        match sleeper {
            Sleeper::Task(id) => {
                let slots = self.slots.borrow();
                if let Some(slot) = slots.get(id.index as usize)
                    && slot.generation == id.generation
                    && !slot.handle.queued.swap(true, Ordering::AcqRel)
                {
                    self.ready.borrow_mut().push_back(id);
                }
            }
            Sleeper::Foreign(waker) => waker.wake(),
        }
    }

    pub(crate) fn wait_edge(&self, sleeper: Sleeper) {
        self.edge.borrow_mut().push(sleeper);
    }

    pub(crate) fn wait_condition(&self, condition: Rc<Condition>) {
        self.conditions.borrow_mut().push(condition);
    }

    /// The clock went on: wakes edge waiters in their order, then due timers, then conditions that came to hold.
    pub(crate) fn advance(&self) {
        let now = self.now.get() + 1;
        self.now.set(now);
        if !self.edge.borrow().is_empty() {
            let mut waiters = std::mem::take(&mut *self.edge.borrow_mut());
            for sleeper in waiters.drain(..) {
                self.wake(sleeper);
            }
            let mut edge = self.edge.borrow_mut();
            if edge.is_empty() {
                // The buffer goes back: no allocation per cycle.
                *edge = waiters;
            }
        }
        while let Some(sleeper) = self.timers.pop_due(now) {
            self.wake(sleeper);
        }
        if !self.conditions.borrow().is_empty() {
            let mut conditions = std::mem::take(&mut *self.conditions.borrow_mut());
            conditions.retain(|condition| {
                if Rc::strong_count(condition) == 1 {
                    return false;
                }
                if !(condition.predicate.borrow_mut())() {
                    return true;
                }
                condition.holds.set(true);
                if let Some(sleeper) = condition.sleeper.borrow_mut().take() {
                    self.wake(sleeper);
                }
                false
            });
            let mut added = self.conditions.borrow_mut();
            conditions.append(&mut added);
            *added = conditions;
        }
    }

    fn take_remote(&self) -> bool {
        if !self.remote.any.load(Ordering::Acquire) {
            return false;
        }
        self.remote.any.store(false, Ordering::Release);
        let woken = std::mem::take(&mut *self.remote.queue.lock().unwrap_or_else(PoisonError::into_inner));
        self.ready.borrow_mut().extend(woken);
        true
    }

    /// Polls tasks until every one is parked. True when the main task has ended.
    pub(crate) fn settle(&self, mut main: Pin<&mut dyn Future<Output = ()>>) -> Result<bool, Unsettled> {
        let limit = self.polls.get() + POLLS_PER_CYCLE_MAX;
        loop {
            let next = self.ready.borrow_mut().pop_front();
            let Some(id) = next else {
                if self.take_remote() {
                    continue;
                }
                return Ok(false);
            };
            if self.poll(id, main.as_mut()).map_err(Unsettled::Panicked)? && id == MAIN {
                return Ok(true);
            }
            if self.polls.get() > limit {
                return Err(Unsettled::Circle { name: self.name(id) });
            }
        }
    }

    /// Polls one task; true when it ended.
    fn poll(&self, id: TaskId, main: Pin<&mut dyn Future<Output = ()>>) -> Result<bool, Panicked> {
        let (mut future, waker) = {
            let mut slots = self.slots.borrow_mut();
            let Some(slot) = slots.get_mut(id.index as usize) else {
                return Ok(false);
            };
            if slot.generation != id.generation || !slot.live {
                return Ok(false);
            }
            slot.handle.queued.store(false, Ordering::Release);
            (slot.future.take(), slot.waker.clone())
        };
        self.polls.set(self.polls.get() + 1);
        self.current.set(Some(id));
        wait::clear();
        let mut cx = Context::from_waker(&waker);
        let outcome = catch_unwind(AssertUnwindSafe(|| match &mut future {
            Some(future) => future.as_mut().poll(&mut cx),
            None => main.poll(&mut cx),
        }));
        self.current.set(None);
        let mut slots = self.slots.borrow_mut();
        let slot = &mut slots[id.index as usize];
        let done = match outcome {
            Err(payload) => {
                let name = slot.name.to_string();
                drop(slots);
                // What is left of a panicked future may panic again; the first panic is the one to report.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
                return Err(Panicked {
                    name,
                    message: panic_message(&*payload),
                });
            }
            Ok(Poll::Ready(())) => true,
            Ok(Poll::Pending) if !slot.live => true,
            Ok(Poll::Pending) => {
                if wait::collect(&mut slot.notes) {
                    slot.since = self.now.get();
                }
                slot.future = future.take();
                false
            }
        };
        if done {
            slot.live = false;
            self.free.borrow_mut().push(id.index);
        }
        drop(slots);
        drop(future);
        Ok(done)
    }

    fn name(&self, id: TaskId) -> String {
        self.slots
            .borrow()
            .get(id.index as usize)
            .map_or_else(String::new, |slot| slot.name.to_string())
    }

    /// True when a task waits for the clock, so that idle cycles lead somewhere.
    pub(crate) fn clock_will_wake(&self) -> bool {
        !self.edge.borrow().is_empty() || self.timers.any()
    }

    /// True when a task has a predicate that a bus model may make true.
    pub(crate) fn has_conditions(&self) -> bool {
        self.conditions
            .borrow()
            .iter()
            .any(|condition| Rc::strong_count(condition) > 1)
    }

    /// Resolves when a waker fired.
    pub(crate) async fn outside_wake(&self) {
        std::future::poll_fn(|cx| {
            let mut root = self.remote.root.lock().unwrap_or_else(PoisonError::into_inner);
            if self.remote.any.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            *root = Some(cx.waker().clone());
            drop(root);
            // A wake between the check and the store would have found no root to wake.
            if self.remote.any.load(Ordering::Acquire) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Who waits for what, now.
    pub(crate) fn graph(&self, bus_models: Vec<String>) -> WaitGraph {
        let slots = self.slots.borrow();
        let mut live: Vec<&Slot> = slots.iter().filter(|slot| slot.live).collect();
        live.sort_by_key(|slot| slot.order);
        let tasks = live
            .into_iter()
            .map(|slot| TaskWait {
                name: slot.name.to_string(),
                waits: slot
                    .notes
                    .iter()
                    .map(|note| {
                        (
                            note.what.to_string(),
                            format!("{}:{}", note.at.file(), note.at.line()),
                        )
                    })
                    .collect(),
                since_cycle: slot.since,
            })
            .collect();
        WaitGraph {
            cycle: self.now.get(),
            tasks,
            bus_models,
        }
    }

    /// Drops all tasks: their handles point back here, so nothing would ever be freed.
    pub(crate) fn clear(&self) {
        let futures: Vec<_> = {
            let mut slots = self.slots.borrow_mut();
            slots.iter_mut().filter_map(|slot| slot.future.take()).collect()
        };
        // One by one, each in its own net: a panic in a destructor must not hide the error that ended the run.
        for future in futures {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
        }
        let edge = std::mem::take(&mut *self.edge.borrow_mut());
        self.timers.clear();
        let conditions = std::mem::take(&mut *self.conditions.borrow_mut());
        drop((edge, conditions));
    }
}

/// The text of a panic.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
