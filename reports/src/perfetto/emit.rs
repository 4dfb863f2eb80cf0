//! Trace events as JSON, one a line.

use std::io::{self, Write};

use serde_json::{Value as Json, json};

/// A track: a process and a thread of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pid: u32,
    pub(super) tid: u32,
}

/// Writes trace events.
pub(super) struct Emitter<'a, W: Write> {
    out: &'a mut W,
    ns_per_cycle: f64,
    first: bool,
}

impl<'a, W: Write> Emitter<'a, W> {
    /// Begins the file; `about` is its `otherData`.
    pub(super) fn new(out: &'a mut W, clock_mhz: f64, about: &Json) -> io::Result<Self> {
        write!(
            out,
            "{{\"displayTimeUnit\":\"ns\",\"otherData\":{about},\"traceEvents\":["
        )?;
        Ok(Emitter {
            out,
            ns_per_cycle: 1000.0 / clock_mhz,
            first: true,
        })
    }

    /// Ends the file.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        writeln!(self.out, "\n]}}")
    }

    fn event(&mut self, event: &Json) -> io::Result<()> {
        let between = if self.first { "\n" } else { ",\n" };
        self.first = false;
        write!(self.out, "{between}{event}")
    }

    /// Whole nanoseconds: times of one cycle are equal however they come about, so slices that touch do not overlap.
    fn ns(&self, cycle: u64) -> u64 {
        #[expect(clippy::cast_sign_loss, reason = "times are not negative")]
        let ns = (cycle as f64 * self.ns_per_cycle) as u64;
        ns
    }

    /// Microseconds, as the format wants them.
    fn us(ns: u64) -> Json {
        json!(ns as f64 / 1000.0)
    }

    /// Names a process.
    pub(super) fn process(&mut self, pid: u32, name: &str) -> io::Result<()> {
        self.event(&json!({"ph": "M", "pid": pid, "name": "process_name", "args": {"name": name}}))?;
        self.event(&json!({"ph": "M", "pid": pid, "name": "process_sort_index", "args": {"sort_index": pid}}))
    }

    /// Names a thread.
    pub(super) fn thread(&mut self, at: Place, name: &str) -> io::Result<()> {
        let Place { pid, tid } = at;
        self.event(
            &json!({"ph": "M", "pid": pid, "tid": tid, "name": "thread_name", "args": {"name": name}}),
        )?;
        self.event(
            &json!({"ph": "M", "pid": pid, "tid": tid, "name": "thread_sort_index", "args": {"sort_index": tid}}),
        )
    }

    /// A slice from one cycle to another.
    pub(super) fn slice(
        &mut self,
        at: Place,
        name: &str,
        (from, to): (u64, u64),
        args: &Json,
    ) -> io::Result<()> {
        let Place { pid, tid } = at;
        let (begin, end) = (self.ns(from), self.ns(to.max(from)));
        self.event(&json!({
            "ph": "X", "pid": pid, "tid": tid, "name": name, "cat": "ring",
            "ts": Self::us(begin), "dur": Self::us(end - begin), "args": args,
        }))
    }

    /// Something that takes no time.
    pub(super) fn instant(&mut self, at: Place, name: &str, cycle: u64, args: &Json) -> io::Result<()> {
        let Place { pid, tid } = at;
        let ts = Self::us(self.ns(cycle));
        self.event(&json!({
            "ph": "i", "s": "t", "pid": pid, "tid": tid, "name": name, "cat": "ring", "ts": ts, "args": args,
        }))
    }

    /// A level from now on.
    pub(super) fn counter(
        &mut self,
        pid: u32,
        name: &str,
        cycle: u64,
        what: &str,
        value: u64,
    ) -> io::Result<()> {
        let ts = Self::us(self.ns(cycle));
        self.event(&json!({"ph": "C", "pid": pid, "name": name, "ts": ts, "args": {what: value}}))
    }
}
