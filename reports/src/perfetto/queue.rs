//! The chains of one queue, from the look that found them to the write that returned them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

use super::emit::{Emitter, Place};

/// The first thread of chains; the one before has kicks and interrupts.
const LANES: u32 = 2;

/// What a packet of a chain's buffers is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A read.
    Request,
    /// A completion, the last of its read or not.
    Answer(bool),
    /// A write.
    Write,
}

#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    /// When the device found it.
    begin: u64,
    /// First and last packet of its buffers.
    payload: Option<(u64, u64)>,
    /// Payload reads that are not answered yet.
    waiting: u64,
    bytes: u64,
}

/// A queue.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) pid: u32,
    /// Chains in the device's hands, by number.
    chains: BTreeMap<u64, Chain>,
    /// Number of the next chain that an index will show.
    next: u64,
    /// When the device asked for what it knows of a packed ring.
    looked: Option<u64>,
    /// Cycle at which each lane is free again.
    lanes: Vec<u64>,
    /// First publication that no interrupt followed yet, and chains published since.
    published: Option<(u64, u64)>,
    /// Since when the queue is reset, and how.
    stopped: Option<(u64, &'static str)>,
}

impl Queue {
    pub(super) fn new(pid: u32) -> Self {
        Queue {
            pid,
            chains: BTreeMap::new(),
            next: 0,
            looked: None,
            lanes: Vec::new(),
            published: None,
            stopped: None,
        }
    }

    /// The track of kicks and interrupts.
    pub(super) fn marks(&self) -> Place {
        Place {
            pid: self.pid,
            tid: 1,
        }
    }

    pub(super) fn depth(&self) -> u64 {
        self.chains.len() as u64
    }

    /// An index showed so many chains more.
    pub(super) fn found(&mut self, asked: u64, chains: u64) {
        for number in self.next..self.next + chains {
            self.chains.entry(number).or_insert(Chain {
                begin: asked,
                ..Chain::default()
            });
        }
        self.next += chains;
    }

    /// Descriptors came of which some were of use: what is named next was found by then.
    pub(super) fn looked(&mut self, asked: u64) {
        self.looked = Some(asked);
    }

    /// A packet names a chain, which no index need have shown (packed rings have none, and a kick may carry it).
    pub(super) fn seen(&mut self, cycle: u64, number: u64) {
        self.chain(cycle, number);
    }

    fn chain(&mut self, cycle: u64, number: u64) -> &mut Chain {
        self.next = self.next.max(number + 1);
        let begin = self.looked.map_or(cycle, |asked| asked.min(cycle));
        self.chains.entry(number).or_insert(Chain {
            begin,
            ..Chain::default()
        })
    }

    /// A packet of a chain's buffers, with so many bytes of them.
    pub(super) fn payload(&mut self, cycle: u64, number: u64, part: Part, bytes: u64) {
        let chain = self.chain(cycle, number);
        let (first, _) = chain.payload.unwrap_or((cycle, cycle));
        chain.payload = Some((first, cycle));
        chain.bytes += bytes;
        match part {
            Part::Request => chain.waiting += 1,
            Part::Answer(true) => chain.waiting = chain.waiting.saturating_sub(1),
            Part::Answer(false) | Part::Write => {}
        }
    }

    /// The device returned so many chains. Which they are is not said here: of those whose buffers are done the oldest, then the oldest of all.
    pub(super) fn returned(
        &mut self,
        out: &mut Emitter<'_, impl Write>,
        cycle: u64,
        count: u64,
    ) -> io::Result<u64> {
        if count == 0 {
            return Ok(0);
        }
        let (first, chains) = self.published.unwrap_or((cycle, 0));
        self.published = Some((first, chains + count));
        let ready = |c: &Chain| c.payload.is_some() && c.waiting == 0;
        let mut numbers: Vec<u64> = self
            .chains
            .iter()
            .filter(|(_, c)| ready(c))
            .map(|(n, _)| *n)
            .collect();
        numbers.extend(self.chains.iter().filter(|(_, c)| !ready(c)).map(|(n, _)| *n));
        numbers.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        numbers.sort_unstable();
        for number in &numbers {
            self.end(out, *number, cycle, None)?;
        }
        Ok(numbers.len() as u64)
    }

    /// A message or line told of what was published.
    pub(super) fn interrupt(&mut self, out: &mut Emitter<'_, impl Write>, cycle: u64) -> io::Result<()> {
        match self.published.take() {
            Some((first, chains)) => out.slice(
                self.marks(),
                "published, interrupt",
                (first, cycle),
                &json!({"chains": chains, "cycles": cycle - first}),
            ),
            None => out.instant(self.marks(), "interrupt", cycle, &json!({})),
        }
    }

    /// The queue is reset. What is under way may still end.
    pub(super) fn stop(&mut self, cycle: u64, why: &'static str) {
        self.stopped.get_or_insert((cycle, why));
    }

    /// The queue begins anew, or the trace ends: what it has is not returned any more.
    pub(super) fn close(&mut self, out: &mut Emitter<'_, impl Write>, cycle: u64) -> io::Result<u64> {
        let (at, why) = self.stopped.take().unwrap_or((cycle, "the trace ends"));
        let open: Vec<(u64, Chain)> = self.chains.iter().map(|(n, c)| (*n, *c)).collect();
        for (number, chain) in &open {
            let busy = chain.payload.map_or(chain.begin, |(_, last)| last);
            self.end(out, *number, at.max(busy), Some(why))?;
        }
        self.published = None;
        self.looked = None;
        self.next = 0;
        Ok(open.len() as u64)
    }

    /// A chain's slice with its parts.
    fn end(
        &mut self,
        out: &mut Emitter<'_, impl Write>,
        number: u64,
        cycle: u64,
        why: Option<&str>,
    ) -> io::Result<()> {
        let Some(chain) = self.chains.remove(&number) else {
            return Ok(());
        };
        let free = self.lanes.iter().position(|free| *free <= chain.begin);
        let lane = free.unwrap_or(self.lanes.len());
        if free.is_none() {
            self.lanes.push(0);
            out.thread(self.place(lane), &format!("chains {}", lane + 1))?;
        }
        self.lanes[lane] = cycle.max(self.lanes[lane]);
        let at = self.place(lane);
        let mut args = json!({
            "chain": number, "begin": chain.begin, "end": cycle, "cycles": cycle - chain.begin, "bytes": chain.bytes,
        });
        if let Some(why) = why {
            args["not_returned"] = json!(why);
        }
        out.slice(at, &format!("chain {number}"), (chain.begin, cycle), &args)?;
        let Some((first, last)) = chain.payload else {
            return Ok(());
        };
        for (name, from, to) in [
            ("descriptors", chain.begin, first),
            ("payload", first, last),
            ("return", last, cycle),
        ] {
            if to > from {
                out.slice(at, name, (from, to), &json!({"cycles": to - from}))?;
            }
        }
        Ok(())
    }

    fn place(&self, lane: usize) -> Place {
        Place {
            pid: self.pid,
            tid: LANES + lane as u32,
        }
    }
}
