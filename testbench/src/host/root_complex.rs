//! The root complex: takes the device's requests, answers its reads late, cut and out of order, applies its writes in order, and turns writes to the
//! interrupt window and `INTx` messages into interrupts. Pure: it knows cycles, not pins.

use std::collections::{BTreeSet, VecDeque};

use crate::scenario::word;
use ringside_models::tlp::{Body, CplStatus, Tlp};

use super::config::HostConfig;
use super::dice::Dice;
use super::faults::{FaultKind, FaultRule, Faults};
use super::latency::{ClockRate, LatencyLaw};
use super::link::{Credits, Kind, Limits};
use super::memory::{Memory, Part};
use super::recorder::Recorder;
use super::schedule::Schedule;
use super::split::{Piece, Splitter, valid_bytes};

/// Where message signalled interrupts go: the local APIC window of a PC.
pub const MSI_WINDOW: std::ops::Range<u64> = 0xfee0_0000..0xfef0_0000;

/// The root complex's own id as completer and requester: bus 0, device 0, function 0.
pub const ROOT_ID: u16 = 0;

/// Remarks about the device's misbehaviour that go into the trace; the judge finds the rest by itself.
const NOTES_MAX: u32 = 64;

/// A message signalled interrupt that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// Address written, in [`MSI_WINDOW`] or where the machine else takes such writes.
    pub addr: u64,
    /// Data written: what the MSI-X table entry holds.
    pub vector_data: u32,
    /// When it arrived.
    pub cycle: u64,
}

/// A change of the `INTx` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intx {
    /// Line: 0 is INTA.
    pub line: u8,
    /// Level from now on.
    pub asserted: bool,
    /// When the message arrived.
    pub cycle: u64,
}

/// What passes through the posted queue, in order.
#[derive(Debug)]
enum Arrival {
    Write(Tlp),
    Message(Tlp),
    /// A read request has passed the queue behind earlier writes: its buffer space is free.
    NonPosted(usize),
    /// A completion of the device for the host: it pushes earlier writes before it.
    Completion(Tlp),
}

#[derive(Debug)]
struct Read {
    tlp: Tlp,
    req: u16,
    tag: u16,
    addr: u64,
    data: Vec<u8>,
    pieces: Vec<Piece>,
    /// Pieces still to be sent; the slot is free after the last.
    left: usize,
    poison: Option<usize>,
}

#[derive(Debug)]
enum Action {
    /// Sample `len` bytes at `offset` of a read's data.
    Sample { slot: usize, offset: usize, len: usize },
    /// Send one piece.
    Send { slot: usize, piece: usize },
    /// Send a completion without data.
    Fail { tlp: Tlp },
}

fn crosses_4k(addr: u64, len: u64) -> bool {
    addr % 4096 + len > 4096
}

/// The root complex.
#[derive(Debug)]
pub struct RootComplex {
    memory: Memory,
    recorder: Recorder,
    law: LatencyLaw,
    splitter: Splitter,
    faults: Faults,
    credits: Credits,
    granule: Option<u64>,
    reorder: bool,
    mps: usize,
    dice: Dice,
    posted: VecDeque<(u64, Arrival)>,
    timed: Schedule<Action>,
    reads: Vec<Option<Read>>,
    free: Vec<usize>,
    last_completion: u64,
    /// Whose reads wait, and those reads.
    withheld: Vec<(u16, Part)>,
    held: Vec<((u16, Part), Tlp)>,
    notes: u32,
    /// Where interrupts go beside [`MSI_WINDOW`].
    interrupt_addresses: BTreeSet<u64>,
    /// Completions ready for `rc`, in the order in which they are to be sent.
    pub completions: VecDeque<Tlp>,
    /// Interrupts that have arrived.
    pub interrupts: VecDeque<Interrupt>,
    /// Level changes that have arrived.
    pub intx: VecDeque<Intx>,
    /// Completions of the device that have arrived.
    pub answers: VecDeque<Tlp>,
}

impl RootComplex {
    /// A root complex before `memory`.
    #[must_use]
    pub fn new(
        config: &HostConfig,
        clock: ClockRate,
        memory: Memory,
        recorder: Recorder,
        run_seed: u64,
    ) -> Self {
        RootComplex {
            memory,
            recorder,
            law: LatencyLaw::new(&config.latency, clock, Dice::new(run_seed, "host/latency")),
            splitter: Splitter::new(&config.link, &config.completions),
            faults: Faults::new(&config.faults, Dice::new(run_seed, "host/faults")),
            credits: Credits::new(&config.credits),
            granule: config.memory.skew.granule_bytes(),
            reorder: config.completions.reorder,
            mps: config.link.mps_bytes as usize,
            dice: Dice::new(run_seed, "host/root_complex"),
            posted: VecDeque::new(),
            timed: Schedule::new(),
            reads: Vec::new(),
            free: Vec::new(),
            last_completion: 0,
            withheld: Vec::new(),
            held: Vec::new(),
            notes: 0,
            interrupt_addresses: BTreeSet::new(),
            completions: VecDeque::new(),
            interrupts: VecDeque::new(),
            intx: VecDeque::new(),
            answers: VecDeque::new(),
        }
    }

    /// Makes reads fail from now on.
    pub fn inject(&mut self, rule: FaultRule) {
        self.faults.add(rule);
    }

    /// Answers no read of this part of a queue's memory until [`RootComplex::release`].
    pub fn withhold(&mut self, queue: u16, part: Part) {
        if !self.withheld.contains(&(queue, part)) {
            self.withheld.push((queue, part));
        }
    }

    /// Answers reads of the queue's memory again. Those that waited are taken as if they came now, in their order.
    pub fn release(&mut self, now: u64, queue: u16) {
        self.withheld.retain(|(q, _)| *q != queue);
        let (released, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|((q, _), _)| *q == queue);
        self.held = held;
        for (_, tlp) in released {
            self.accept_read(now, now, tlp);
        }
    }

    /// The part of a queue's memory that this read is withheld for.
    fn withholds(&self, tlp: &Tlp) -> Option<(u16, Part)> {
        let Body::MRd { addr, dw, .. } = tlp.body else {
            return None;
        };
        if self.withheld.is_empty() {
            return None;
        }
        let (first, bytes) = valid_bytes(tlp, addr, dw);
        let of = self.memory.assigned(first, bytes)?;
        self.withheld.contains(&of).then_some(of)
    }

    /// The machine takes writes to these addresses, too, for interrupts.
    pub fn set_interrupt_addresses(&mut self, addresses: BTreeSet<u64>) {
        self.interrupt_addresses = addresses;
    }

    /// The max payload size that enumeration found both sides capable of.
    pub fn set_payload_bytes(&mut self, mps_bytes: u32) {
        self.mps = mps_bytes as usize;
        self.splitter.set_payload_bytes(mps_bytes);
    }

    /// The credit limits in force.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.credits.limits()
    }

    /// Nothing is under way: no read unanswered, no write on its way to memory.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.posted.is_empty() && self.timed.is_empty() && self.completions.is_empty() && self.held.is_empty()
    }

    /// A request of the device has arrived whole.
    pub fn accept(&mut self, now: u64, tlp: Tlp) {
        let arrives = now + self.law.posted_cycles();
        let arrival = match &tlp.body {
            Body::MWr { .. } => Arrival::Write(tlp),
            Body::Msg { .. } => Arrival::Message(tlp),
            Body::MRd { .. } => {
                match self.withholds(&tlp) {
                    Some(of) => self.held.push((of, tlp)),
                    None => self.accept_read(now, arrives, tlp),
                }
                Arrival::NonPosted(0)
            }
            Body::Cpl { .. } => {
                self.note(now, "completion on rq: dropped");
                return;
            }
            Body::CfgRd { req, tag, .. } | Body::CfgWr { req, tag, .. } => {
                let (req, tag, data_bytes) = (*req, *tag, tlp.data().len());
                self.note(now, "configuration request on rq: Unsupported Request");
                self.refuse(arrives + 1, &tlp, req, tag, CplStatus::Ur, 4, 0);
                Arrival::NonPosted(data_bytes)
            }
            Body::Other { hdr, data } => {
                let (dw0, dw1, data_bytes) = (hdr[0], hdr[1], data.len());
                self.note(
                    now,
                    &format!("request of unknown type, dw0 {dw0:#010x}: Unsupported Request"),
                );
                self.refuse(
                    arrives + 1,
                    &tlp,
                    (dw1 >> 16) as u16,
                    (dw1 >> 8 & 0xff) as u16,
                    CplStatus::Ur,
                    4,
                    0,
                );
                Arrival::NonPosted(data_bytes)
            }
        };
        self.posted.push_back((arrives, arrival));
    }

    /// A completion of the device has arrived whole.
    pub fn accept_completion(&mut self, now: u64, tlp: Tlp) {
        let arrives = now + self.law.posted_cycles();
        self.posted.push_back((arrives, Arrival::Completion(tlp)));
    }

    fn accept_read(&mut self, now: u64, arrives: u64, tlp: Tlp) {
        let Body::MRd {
            req, tag, addr, dw, ..
        } = tlp.body
        else {
            return;
        };
        let mut ready = (now + self.law.read_cycles()).max(arrives + 1);
        if !self.reorder {
            ready = ready.max(self.last_completion);
        }
        let len = u64::from(dw) * 4;
        let end = addr.saturating_add(len);
        let (first, bytes) = valid_bytes(&tlp, addr, dw);
        let refused = if crosses_4k(addr, len) {
            self.note(
                now,
                &format!("read of {addr:#x}..{end:#x} crosses 4 KiB: Completer Abort"),
            );
            Some(CplStatus::Ca)
        } else if tlp.at != 0 || !self.memory.is_memory(addr, len) {
            self.note(
                now,
                &format!("read of {addr:#x}..{end:#x} hits no memory: Unsupported Request"),
            );
            Some(CplStatus::Ur)
        } else {
            None
        };
        let fault = if refused.is_none() {
            self.faults.draw(addr, end)
        } else {
            None
        };
        let status = match (refused, fault) {
            (Some(status), _) => Some(status),
            (None, Some(FaultKind::Ur)) => Some(CplStatus::Ur),
            (None, Some(FaultKind::Ca)) => Some(CplStatus::Ca),
            _ => None,
        };
        if let Some(kind) = fault {
            self.note(
                now,
                &format!("fault `{}` on the read of {addr:#x}, tag {tag}", word(&kind)),
            );
        }
        if let Some(status) = status {
            self.refuse(ready, &tlp, req, tag, status, bytes as u16, (first & 0x7f) as u8);
            return;
        }
        if fault == Some(FaultKind::Timeout) {
            return;
        }
        let pieces = self.splitter.pieces(&tlp, addr, dw, &mut self.dice);
        let (send, abort) = match fault {
            Some(FaultKind::PartialCa) => (usize::from(pieces.len() > 1), true),
            Some(FaultKind::PartialTimeout) => (usize::from(pieces.len() > 1), false),
            _ => (pieces.len(), false),
        };
        let poison =
            (fault == Some(FaultKind::Poison)).then(|| self.dice.below(pieces.len() as u64) as usize);
        let stopped = pieces.get(send).copied();
        let slot = self.free.pop().unwrap_or_else(|| {
            self.reads.push(None);
            self.reads.len() - 1
        });
        if send > 0 {
            self.sample(slot, addr, len, arrives, ready);
        }
        let mut at = ready;
        for piece in 0..send {
            self.timed.at(at, Action::Send { slot, piece });
            if self.reorder {
                at += self.dice.below(4); // room for other tags in between
            }
        }
        if let (true, Some(p)) = (abort, stopped) {
            self.refuse(at, &tlp, req, tag, CplStatus::Ca, p.remaining_bytes, p.lower);
        }
        self.last_completion = self.last_completion.max(at);
        if send == 0 {
            self.free.push(slot);
            return;
        }
        self.reads[slot] = Some(Read {
            tlp,
            req,
            tag,
            addr,
            data: vec![0; usize::from(dw) * 4],
            pieces,
            left: send,
            poison,
        });
    }

    /// Plans when each granule of a read is sampled: somewhere in `from..=to`.
    fn sample(&mut self, slot: usize, addr: u64, len: u64, from: u64, to: u64) {
        let granule = self.granule.unwrap_or(u64::MAX);
        let mut offset = 0;
        while offset < len {
            // Granules are aligned in memory, not in the request.
            let to_border = granule - (addr + offset) % granule;
            let take = to_border.min(len - offset);
            let cycle = from + self.dice.up_to(to - from);
            self.timed.at(
                cycle,
                Action::Sample {
                    slot,
                    offset: offset as usize,
                    len: take as usize,
                },
            );
            offset += take;
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a completion header")]
    fn refuse(
        &mut self,
        cycle: u64,
        request: &Tlp,
        req: u16,
        tag: u16,
        status: CplStatus,
        bytes: u16,
        lower: u8,
    ) {
        let mut tlp = Tlp::new(Body::Cpl {
            cpl: ROOT_ID,
            req,
            tag,
            status,
            bytes,
            lower,
            data: Vec::new(),
        });
        (tlp.tc, tlp.attr) = (request.tc, request.attr);
        self.timed.at(cycle, Action::Fail { tlp });
    }

    /// One cycle passes: applies what arrives, samples, and makes completions ready. The new credit limits, if they move.
    pub fn tick(&mut self, now: u64) -> Option<Limits> {
        while let Some((cycle, _)) = self.posted.front()
            && *cycle <= now
        {
            if let Some((_, arrival)) = self.posted.pop_front() {
                self.arrive(now, arrival);
            }
        }
        while let Some(action) = self.timed.due(now) {
            self.act(now, action);
        }
        self.credits.tick(now)
    }

    fn act(&mut self, now: u64, action: Action) {
        match action {
            Action::Fail { tlp } => self.completions.push_back(tlp),
            Action::Sample { slot, offset, len } => {
                if let Some(read) = &mut self.reads[slot] {
                    let into = &mut read.data[offset..offset + len];
                    self.memory.device_read(now, read.addr + offset as u64, into);
                }
            }
            Action::Send { slot, piece } => {
                let Some(read) = &mut self.reads[slot] else {
                    return;
                };
                let p = read.pieces[piece];
                let from = (p.addr - read.addr) as usize;
                let mut tlp = Tlp::new(Body::Cpl {
                    cpl: ROOT_ID,
                    req: read.req,
                    tag: read.tag,
                    status: CplStatus::Sc,
                    bytes: p.remaining_bytes,
                    lower: p.lower,
                    data: read.data[from..from + p.len_bytes as usize].to_vec(),
                });
                (tlp.tc, tlp.attr) = (read.tlp.tc, read.tlp.attr);
                tlp.poisoned = read.poison == Some(piece);
                self.completions.push_back(tlp);
                read.left -= 1;
                if read.left == 0 {
                    self.reads[slot] = None;
                    self.free.push(slot);
                }
            }
        }
    }

    fn arrive(&mut self, now: u64, arrival: Arrival) {
        match arrival {
            Arrival::NonPosted(data_bytes) => self.credits.free(now, Kind::NonPosted, data_bytes),
            Arrival::Completion(tlp) => {
                self.credits.free(now, Kind::Completion, tlp.data().len());
                self.answers.push_back(tlp);
            }
            Arrival::Message(tlp) => {
                self.credits.free(now, Kind::Posted, tlp.data().len());
                match tlp.body {
                    Body::Msg {
                        code: code @ 0x20..=0x27,
                        ..
                    } => self.intx.push_back(Intx {
                        line: code & 3,
                        asserted: code < 0x24,
                        cycle: now,
                    }),
                    Body::Msg { code, .. } => {
                        self.note(now, &format!("message {code:#04x} has no reader: dropped"));
                    }
                    _ => {}
                }
            }
            Arrival::Write(tlp) => {
                self.credits.free(now, Kind::Posted, tlp.data().len());
                self.apply_write(now, &tlp);
            }
        }
    }

    fn apply_write(&mut self, now: u64, tlp: &Tlp) {
        let Body::MWr {
            addr, fbe, lbe, data, ..
        } = &tlp.body
        else {
            return;
        };
        let (addr, len) = (*addr, data.len() as u64);
        let end = addr.saturating_add(len);
        if tlp.poisoned {
            return self.note(now, &format!("poisoned write at {addr:#x}: dropped"));
        }
        if MSI_WINDOW.contains(&addr) || self.interrupt_addresses.contains(&addr) {
            match <[u8; 4]>::try_from(data.as_slice()) {
                Ok(word) if *fbe == 0xf => self.interrupts.push_back(Interrupt {
                    addr,
                    vector_data: u32::from_le_bytes(word),
                    cycle: now,
                }),
                _ => self.note(
                    now,
                    &format!("write of {len} bytes to the interrupt window: dropped"),
                ),
            }
            return;
        }
        if data.len() > self.mps {
            return self.note(
                now,
                &format!("write of {len} bytes at {addr:#x} exceeds the max payload size: dropped"),
            );
        }
        if crosses_4k(addr, len) {
            return self.note(
                now,
                &format!("write of {addr:#x}..{end:#x} crosses 4 KiB: dropped"),
            );
        }
        if tlp.at != 0 || !self.memory.is_memory(addr, len) {
            return self.note(
                now,
                &format!("write of {addr:#x}..{end:#x} hits no memory: dropped"),
            );
        }
        if let Some((first, bytes)) = tlp.span()
            && !self.memory.is_allocated(first, bytes)
        {
            self.note(
                now,
                &format!("write of {bytes} bytes at {first:#x} leaves every live buffer"),
            );
        }
        self.memory.device_write(now, addr, data, *fbe, *lbe);
    }

    fn note(&mut self, now: u64, text: &str) {
        self.notes += 1;
        if self.notes <= NOTES_MAX {
            let text = format!("host: {text}");
            self.recorder
                .record(now, ringside_models::event::What::Note { text });
        }
    }
}
