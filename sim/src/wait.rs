//! What a parked task waits for: noted by every wait as it returns `Pending`, collected by the kernel, printed on a hang.

use std::cell::RefCell;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// What a wait is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Awaited {
    Edge,
    /// The clock, up to this cycle.
    Cycle(u64),
    /// A predicate with this name.
    Condition(&'static str),
    /// A message on the channel with this name.
    Message(&'static str),
    /// The answer of a oneshot with this name.
    Answer(&'static str),
    /// The event with this name.
    Event(&'static str),
    /// The end of another task.
    Task(Rc<str>),
    /// Something outside the simulation.
    Outside,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Edge => f.write_str("the next clock edge"),
            Self::Cycle(cycle) => write!(f, "cycle {cycle}"),
            Self::Condition(name) => write!(f, "condition `{name}`"),
            Self::Message(name) => write!(f, "a message on `{name}`"),
            Self::Answer(name) => write!(f, "the answer of `{name}`"),
            Self::Event(name) => write!(f, "event `{name}`"),
            Self::Task(name) => write!(f, "task `{name}` to end"),
            Self::Outside => f.write_str("an answer from outside the simulation"),
        }
    }
}

/// One wait of one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) what: Awaited,
    pub(crate) at: &'static Location<'static>,
}

thread_local! {
    /// Waits that returned `Pending` in the poll that runs now. A select leaves one for each branch.
    static NOTES: RefCell<Vec<Note>> = const { RefCell::new(Vec::new()) };
}

/// Called by a wait just before it returns `Pending`.
pub(crate) fn note(what: Awaited, at: &'static Location<'static>) {
    NOTES.with_borrow_mut(|notes| notes.push(Note { what, at }));
}

/// Called before a poll.
pub(crate) fn clear() {
    NOTES.with_borrow_mut(Vec::clear);
}

/// Called after a poll that returned `Pending`; true when the task now waits for something else than before.
pub(crate) fn collect(into: &mut Vec<Note>) -> bool {
    NOTES.with_borrow_mut(|notes| {
        // A waker that fired for nothing must not reset "waiting since".
        let changed = *notes != *into;
        std::mem::swap(notes, into);
        notes.clear();
        changed
    })
}

/// One task in a [`WaitGraph`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskWait {
    /// Name of the task.
    pub name: String,
    /// What it waits for, and `file:line` of the wait. More than one entry: it waits for whichever comes first.
    pub waits: Vec<(String, String)>,
    /// Cycle since which it waits.
    pub since_cycle: u64,
}

/// Who waited for what when the simulation gave up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WaitGraph {
    /// The cycle of the picture.
    pub cycle: u64,
    /// All tasks, in the order of their creation.
    pub tasks: Vec<TaskWait>,
    /// What the bus models say about themselves.
    pub bus_models: Vec<String>,
}

impl fmt::Display for WaitGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waiting at cycle {}:", self.cycle)?;
        let width = self.tasks.iter().map(|task| task.name.len()).max().unwrap_or(0);
        for task in &self.tasks {
            for (index, (what, at)) in task.waits.iter().enumerate() {
                let name = if index == 0 { task.name.as_str() } else { "" };
                let link = if index == 0 { "for" } else { " or" };
                write!(
                    f,
                    "\n  {name:width$} {link} {what}, since cycle {} ({at})",
                    task.since_cycle
                )?;
            }
            if task.waits.is_empty() {
                write!(
                    f,
                    "\n  {:width$} for something unknown to the simulator, since cycle {}",
                    task.name, task.since_cycle
                )?;
            }
        }
        for status in &self.bus_models {
            write!(f, "\n  {status}")?;
        }
        Ok(())
    }
}
