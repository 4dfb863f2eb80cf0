//! A trace as Chrome trace events, for Perfetto: what became of every chain, queue by queue. `docs/timeline.md` is the manual.

mod emit;
mod queue;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use ringside_models::event::{Channel, Event, What};
use ringside_models::judge::{Cause, Judge, Purpose};
use ringside_models::tlp::{Body, Tlp};
use serde_json::json;

use crate::lines::{LineError, TraceLines};
use crate::registers::{Change, Registers};
use emit::{Emitter, Place};
use queue::{Part, Queue};

/// Version of the timeline's own part, `otherData`. Bump when a reader of the old version would misread a new file.
pub const TIMELINE_VERSION: u32 = 1;

/// Processes of the timeline; queue `n` is process `QUEUES + n`.
const FUNCTION: u32 = 1;
const WIRE: u32 = 2;
const QUEUES: u32 = 10;

/// Threads of the function and the wire.
const EVENTS: Place = Place {
    pid: FUNCTION,
    tid: 1,
};
const JUDGE: Place = Place {
    pid: FUNCTION,
    tid: 2,
};
const OUT: Place = Place { pid: WIRE, tid: 1 };
const IN: Place = Place { pid: WIRE, tid: 2 };

/// Why a timeline could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// The trace.
    #[error(transparent)]
    Trace(#[from] LineError),
    /// The timeline.
    #[error("cannot write the timeline: {0}")]
    Write(#[from] io::Error),
}

/// Writes the timeline of a trace; how many chains it shows. Memory does not grow with the trace's length.
///
/// # Errors
/// [`TimelineError`] with the line of the trace, or what the system said of the timeline.
pub fn write(trace: impl BufRead, out: &mut impl Write) -> Result<u64, TimelineError> {
    let mut lines = TraceLines::open(trace)?;
    let header = lines.header().clone();
    let mut judge = Judge::new(&header);
    let about = json!({
        "ringside_timeline": TIMELINE_VERSION,
        "dut": header.dut,
        "scenario": header.scenario,
        "seed": header.seed,
        "clock_mhz": header.clock_mhz,
    });
    let mut emitter = Emitter::new(out, header.clock_mhz, &about)?;
    emitter.process(FUNCTION, "function")?;
    emitter.thread(EVENTS, "events")?;
    emitter.thread(JUDGE, "violations")?;
    emitter.process(WIRE, "wire")?;
    emitter.thread(OUT, "frames out")?;
    emitter.thread(IN, "frames in")?;
    let mut t = Timeline {
        emitter,
        registers: Registers::new(header.device_type),
        queues: BTreeMap::new(),
        reads: BTreeMap::new(),
        bytes: 0,
        chains: 0,
        last: 0,
    };
    while let Some((event, _)) = lines.next_event()? {
        let observation = judge.observe(&event);
        t.event(&event, observation.cause.as_ref())?;
        for v in &observation.violations {
            let args = json!({"expected": v.expected, "got": v.got, "cycle": v.cycle, "queue": v.queue});
            t.emitter.instant(JUDGE, v.rule, event.cycle, &args)?;
        }
    }
    lines.finish()?;
    let numbers: Vec<u16> = t.queues.keys().copied().collect();
    for number in numbers {
        t.close(number)?;
    }
    t.emitter.finish()?;
    Ok(t.chains)
}

struct Timeline<'a, W: Write> {
    emitter: Emitter<'a, W>,
    registers: Registers,
    queues: BTreeMap<u16, Queue>,
    /// Bytes that reads under way still wait for, by tag.
    reads: BTreeMap<u16, u64>,
    bytes: u64,
    chains: u64,
    last: u64,
}

impl<W: Write> Timeline<'_, W> {
    fn event(&mut self, event: &Event, cause: Option<&Cause>) -> io::Result<()> {
        let cycle = event.cycle;
        self.last = cycle;
        match self.registers.observe(event) {
            // the device may go on until it has acknowledged
            Some(Change::Reset) => {
                for queue in self.queues.values_mut() {
                    queue.stop(cycle, "device reset");
                }
            }
            Some(Change::Stopped(number)) => {
                if let Some(queue) = self.queues.get_mut(&number) {
                    queue.stop(cycle, "queue reset");
                }
            }
            Some(Change::Enabled(number, _)) => self.close(number)?,
            None => {}
        }
        match &event.what {
            What::Tlp { ch, tlp, .. } => self.tlp(cycle, *ch, tlp, cause)?,
            What::WireTx { queue, error, data } => {
                let args = json!({"pair": queue, "bytes": data.len(), "broken": error});
                self.emitter.instant(OUT, "frame", cycle, &args)?;
            }
            What::WireRx { flow, data } => {
                let args = json!({"flow": flow, "bytes": data.len()});
                self.emitter.instant(IN, "frame", cycle, &args)?;
            }
            What::WireDrop { reason } => {
                self.emitter
                    .instant(IN, "dropped", cycle, &json!({"reason": reason}))?;
            }
            What::HardReset {} => self.emitter.instant(EVENTS, "hard reset", cycle, &json!({}))?,
            What::LinkUp { up } => {
                let name = if *up { "link up" } else { "link down" };
                self.emitter.instant(EVENTS, name, cycle, &json!({}))?;
            }
            What::Note { text } => {
                self.emitter
                    .instant(EVENTS, "note", cycle, &json!({"text": text}))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn tlp(&mut self, cycle: u64, ch: Channel, tlp: &Tlp, cause: Option<&Cause>) -> io::Result<()> {
        self.flight(cycle, ch, tlp)?;
        let Some((cause, number)) = cause.and_then(|c| Some((c, c.queue?))) else {
            return Ok(());
        };
        if !self.queues.contains_key(&number) {
            let role = self.registers.role(number).word();
            let pid = QUEUES + u32::from(number);
            self.emitter.process(pid, &format!("queue {number} ({role})"))?;
            self.emitter
                .thread(Place { pid, tid: 1 }, "kicks and interrupts")?;
            self.queues.insert(number, Queue::new(pid));
        }
        let Some(queue) = self.queues.get_mut(&number) else {
            return Ok(());
        };
        let before = queue.depth();
        match (ch, cause.purpose) {
            (Channel::Cq, Purpose::Kick) => {
                self.emitter.instant(queue.marks(), "kick", cycle, &json!({}))?;
            }
            (Channel::Rc, Purpose::AvailIndex) => {
                queue.found(cause.request_cycle.unwrap_or(cycle), u64::from(cause.items));
            }
            (Channel::Rc, Purpose::Descriptor) if cause.items > cause.wasted => {
                queue.looked(cause.request_cycle.unwrap_or(cycle));
            }
            (Channel::Rq, Purpose::Msix | Purpose::Intx) => {
                queue.interrupt(&mut self.emitter, cycle)?;
            }
            (Channel::Rq, Purpose::UsedIndex | Purpose::UsedDescriptor) => {
                self.chains += queue.returned(&mut self.emitter, cycle, u64::from(cause.items))?;
            }
            (_, Purpose::Payload) => {
                if let Some(chain) = cause.chain {
                    let part = match (&tlp.body, ch) {
                        (Body::MRd { .. }, _) => Part::Request,
                        (_, Channel::Rc) => Part::Answer(cause.last),
                        _ => Part::Write,
                    };
                    queue.payload(cycle, chain, part, tlp.data().len() as u64);
                }
            }
            (_, Purpose::IndirectTable) => {
                if let Some(chain) = cause.chain {
                    queue.seen(cause.request_cycle.unwrap_or(cycle), chain);
                }
            }
            _ => {}
        }
        if queue.depth() != before {
            let (pid, depth) = (queue.pid, queue.depth());
            self.emitter
                .counter(pid, "chains in the device's hands", cycle, "chains", depth)?;
        }
        Ok(())
    }

    /// Bytes that the device's reads are waiting for.
    fn flight(&mut self, cycle: u64, ch: Channel, tlp: &Tlp) -> io::Result<()> {
        let before = self.bytes;
        match (ch, &tlp.body) {
            (Channel::Rq, Body::MRd { tag, dw, .. }) => {
                let bytes = 4 * u64::from(*dw);
                // a tag that is used twice counts once
                let old = self.reads.insert(*tag, bytes).unwrap_or(0);
                self.bytes = self.bytes + bytes - old;
            }
            (Channel::Rc, Body::Cpl { tag, data, bytes, .. }) => {
                if let Some(left) = self.reads.get_mut(tag) {
                    let last = usize::from(*bytes) <= data.len() || data.is_empty();
                    let brought = if last {
                        *left
                    } else {
                        (*left).min(data.len() as u64)
                    };
                    *left -= brought;
                    self.bytes -= brought;
                    if last || *left == 0 {
                        self.reads.remove(tag);
                    }
                }
            }
            _ => {}
        }
        if self.bytes == before {
            return Ok(());
        }
        self.emitter
            .counter(FUNCTION, "read bytes in flight", cycle, "bytes", self.bytes)
    }

    /// What a queue has is not returned any more.
    fn close(&mut self, number: u16) -> io::Result<()> {
        if let Some(queue) = self.queues.get_mut(&number) {
            self.chains += queue.close(&mut self.emitter, self.last)?;
            let (pid, depth) = (queue.pid, queue.depth());
            self.emitter
                .counter(pid, "chains in the device's hands", self.last, "chains", depth)?;
        }
        Ok(())
    }
}
