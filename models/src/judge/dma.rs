//! Memory reads of the device that wait for their completions.

use std::collections::BTreeMap;

use super::address_map::{Area, Span};
use super::cause::Cause;
use super::verdict::Book;
use crate::rules::RuleId;
use crate::tlp::{Body, CplStatus};

/// What a read is for, as far as its answer matters.
#[derive(Clone, Debug)]
pub(crate) enum ReadTarget {
    /// Part of a queue's ring: offset of the first byte.
    Ring {
        queue: u16,
        epoch: u64,
        area: Area,
        first: u64,
    },
    /// Buffers and indirect tables: the pieces in order, each with its first address and its length.
    Spans {
        epoch: u64,
        pieces: Vec<(Span, u64, u64)>,
    },
    /// Nothing that the judge follows.
    Nothing,
}

/// Why a read failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Unsupported Request.
    Unsupported,
    /// Completer Abort, or another status that is not success.
    Aborted,
    /// A completion came poisoned.
    Poisoned,
    /// Nobody answered in time.
    Silence,
}

/// A read that waits.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) cycle: u64,
    pub(crate) seq: u64,
    pub(crate) cause: Cause,
    pub(crate) target: ReadTarget,
    /// First enabled byte and number of bytes.
    pub(crate) addr: u64,
    pub(crate) len: u64,
    got: u64,
    /// What came so far.
    pub(crate) data: Vec<u8>,
    pub(crate) failed: Option<Failure>,
    /// Completions that came.
    pub(crate) pieces: u32,
    /// Waited for so long that the device may have given up: what it was for is taken as failed.
    given_up: bool,
}

/// All reads that wait, by tag.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    waiting: BTreeMap<u16, Read>,
    /// Event number of the latest read that was answered in full.
    latest: u64,
}

/// What a completion meant.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It belongs to no read.
    Unexpected,
    /// More is to come.
    Part(Cause),
    /// The read is over.
    Done(Box<Read>),
}

impl Reads {
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Reads issued before `cycle` that the device may give up now (PCI Express 2.8: a requester times out). They stay outstanding.
    pub(crate) fn give_up(&mut self, cycle: u64) -> Vec<Read> {
        let late = self
            .waiting
            .values_mut()
            .filter(|r| r.cycle < cycle && !r.given_up);
        late.map(|read| {
            (read.given_up, read.failed) = (true, Some(Failure::Silence));
            read.clone()
        })
        .collect()
    }

    /// Does any read that belongs to this queue wait?
    pub(crate) fn wait_for(&self, queue: u16) -> bool {
        self.waiting.values().any(|r| r.cause.queue == Some(queue))
    }

    /// This read is answered. Was a later one answered before it?
    pub(crate) fn overtaken(&mut self, read: &Read) -> bool {
        let overtaken = read.seq < self.latest;
        self.latest = self.latest.max(read.seq);
        overtaken
    }

    /// When the oldest read that waits for an answer was issued.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let waiting = self.waiting.values().filter(|r| !r.given_up);
        waiting.map(|r| r.cycle).min()
    }

    /// Is this tag taken? (Decides the rule.)
    pub(crate) fn check_tag(&self, tag: u16, book: &mut Book) {
        let old = self.waiting.get(&tag);
        book.check(
            RuleId::BusTag,
            None,
            old.is_none(),
            || format!("tag {tag} free"),
            || {
                old.map_or(String::new(), |r| {
                    format!("in use since cycle {} for {:#x}", r.cycle, r.addr)
                })
            },
        );
    }

    #[expect(clippy::too_many_arguments, reason = "one record, built in one place")]
    pub(crate) fn issue(
        &mut self,
        tag: u16,
        cause: Cause,
        target: ReadTarget,
        addr: u64,
        len: u64,
        cycle: u64,
        seq: u64,
    ) {
        let read = Read {
            cycle,
            seq,
            cause,
            target,
            addr,
            len,
            got: 0,
            data: Vec::new(),
            failed: None,
            pieces: 0,
            given_up: false,
        };
        self.waiting.insert(tag, read);
    }

    /// A completion of the host crossed.
    pub(crate) fn completion(
        &mut self,
        body: &Body,
        poisoned: bool,
        bdf: Option<u16>,
        book: &mut Book,
    ) -> Progress {
        let Body::Cpl {
            req,
            tag,
            status,
            bytes,
            lower,
            data,
            ..
        } = body
        else {
            return Progress::Unexpected;
        };
        let Some(read) = self
            .waiting
            .get_mut(tag)
            .filter(|_| bdf.is_none_or(|b| b == *req))
        else {
            book.check(
                RuleId::HostCpl,
                None,
                false,
                || "a completion of an outstanding read".into(),
                || format!("requester {req:#06x}, tag {tag}"),
            );
            return Progress::Unexpected;
        };
        let left = (read.len - read.got).max(1);
        let at = read.addr.wrapping_add(read.got);
        let skip = (at & 3) as usize;
        let good = *status == CplStatus::Sc;
        let fields =
            !good || u64::from(*bytes) == left && u64::from(*lower) == at & 0x7f && data.len() > skip;
        book.check(
            RuleId::HostCpl,
            None,
            fields,
            || format!("byte count {left}, lower address {:#x}", at & 0x7f),
            || {
                format!(
                    "byte count {bytes}, lower address {lower:#x}, {} bytes",
                    data.len()
                )
            },
        );
        let n = (data.len().saturating_sub(skip) as u64).min(left);
        read.pieces += 1;
        let failure = match status {
            CplStatus::Sc => poisoned.then_some(Failure::Poisoned),
            CplStatus::Ur => Some(Failure::Unsupported),
            _ => Some(Failure::Aborted),
        };
        if failure.is_some() {
            read.failed = failure;
        } else {
            read.data
                .extend_from_slice(data.get(skip..skip + n as usize).unwrap_or(&[]));
        }
        read.got += n;
        let mut cause = read.cause;
        cause.request_cycle = Some(read.cycle);
        cause.last = !good || read.got >= read.len;
        if !cause.last {
            return Progress::Part(cause);
        }
        match self.waiting.remove(tag) {
            Some(read) if read.given_up => Progress::Part(cause),
            Some(mut read) => {
                read.cause = cause;
                Progress::Done(Box::new(read))
            }
            None => Progress::Unexpected,
        }
    }

    /// The run is over.
    pub(crate) fn finish(&self, book: &mut Book) {
        let first = self.waiting.values().min_by_key(|r| r.seq);
        book.check(
            RuleId::HostCplMissing,
            None,
            first.is_none(),
            || "every read of the device answered".into(),
            || {
                first.map_or(String::new(), |r| {
                    format!(
                        "{} not, the first was issued at cycle {} for {:#x}",
                        self.waiting.len(),
                        r.cycle,
                        r.addr
                    )
                })
            },
        );
    }
}
