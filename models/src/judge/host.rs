//! Requests of the host and the device's completions of them.

use std::collections::{BTreeMap, VecDeque};

use super::cause::Cause;
use super::checkpoint::Asked;
use super::registers::ReadContext;
use super::verdict::Book;
use crate::event::Region;
use crate::rules::RuleId;
use crate::tlp::{Body, CplStatus};

/// What a read of the host was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostTarget {
    /// Configuration register.
    ConfigRead(u16),
    ConfigWrite,
    /// Common configuration.
    Common(ReadContext),
    /// The checkpoint window.
    Checkpoint(Asked),
    /// A place in another structure.
    Region(Region, u32),
    /// Nothing the judge knows.
    Elsewhere,
}

/// A request of the host that waits for its completion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HostRequest {
    pub(crate) cycle: u64,
    pub(crate) seq: u64,
    pub(crate) target: HostTarget,
    pub(crate) cause: Cause,
    /// First byte's address and the number of bytes wanted.
    pub(crate) addr: u64,
    pub(crate) bytes: u64,
    dwords: usize,
    /// It is a configuration request.
    config: bool,
}

impl HostRequest {
    /// What was asked, in the specification's terms.
    fn words(&self) -> String {
        match self.target {
            HostTarget::ConfigRead(register) => format!("read of configuration register {register:#05x}"),
            HostTarget::ConfigWrite => "configuration write".into(),
            HostTarget::Common(read) => {
                format!("read of {} in {}", read.words(), Region::Common)
            }
            HostTarget::Checkpoint(asked) => {
                format!("read of {} at offset {:#x}", Region::Checkpoint, asked.offset())
            }
            HostTarget::Region(region, offset) => format!("read of {region} at offset {offset:#x}"),
            HostTarget::Elsewhere => format!("read of {} bytes at {:#x}", self.bytes, self.addr),
        }
    }
}

/// Requests of the host that wait.
#[derive(Debug, Default)]
pub(crate) struct HostRequests {
    waiting: BTreeMap<(u16, u16), HostRequest>,
    /// Requests whose tag the host used again before an answer came, and the first of them.
    given_up: u64,
    first_given_up: Option<HostRequest>,
    /// Event number of the latest request that has been answered.
    pub(crate) acknowledged: u64,
    /// The latest answers: cycle, and `acknowledged` from then on.
    answered: VecDeque<(u64, u64)>,
}

/// Answers remembered: more than a host has requests under way while one packet crosses.
const ANSWERS: usize = 64;

/// A completed request and what came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) request: HostRequest,
    /// The bytes wanted; `None` if the request was not successful.
    pub(crate) data: Option<Vec<u8>>,
}

impl HostRequests {
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// What was acknowledged when a packet began that has crossed now; a packet of one beat has no `start` of its own.
    pub(crate) fn acknowledged_before(&self, start: Option<u64>) -> u64 {
        let Some(start) = start else {
            return self.acknowledged;
        };
        let before = self.answered.iter().rev().find(|&&(cycle, _)| cycle < start);
        before.map_or(0, |&(_, seq)| seq)
    }

    // The host has timed out on it; the device still owes the completion.
    fn give_up(&mut self, request: HostRequest) {
        self.given_up += 1;
        self.first_given_up.get_or_insert(request);
    }

    /// A non-posted request crossed.
    pub(crate) fn request(
        &mut self,
        body: &Body,
        target: HostTarget,
        cause: Cause,
        span: Option<(u64, u64)>,
        cycle: u64,
        seq: u64,
    ) {
        let (req, tag, dwords) = match body {
            Body::MRd { req, tag, dw, .. } => (*req, *tag, usize::from(*dw)),
            Body::CfgRd { req, tag, .. } => (*req, *tag, 1),
            Body::CfgWr { req, tag, .. } => (*req, *tag, 0),
            _ => return,
        };
        let (addr, bytes) = span.unwrap_or((0, if dwords == 0 { 0 } else { 4 }));
        let replaced = self.waiting.insert(
            (req, tag),
            HostRequest {
                cycle,
                seq,
                target,
                cause,
                addr,
                bytes,
                dwords,
                config: !matches!(body, Body::MRd { .. }),
            },
        );
        if let Some(replaced) = replaced {
            self.give_up(replaced);
        }
    }

    /// A completion of the device crossed. Returns the cause, and the answer if it is the end of a request.
    pub(crate) fn completion(
        &mut self,
        body: &Body,
        poisoned: bool,
        bdf: Option<u16>,
        book: &mut Book,
    ) -> Option<Answer> {
        let Body::Cpl {
            cpl,
            req,
            tag,
            status,
            bytes,
            lower,
            data,
        } = body
        else {
            return None;
        };
        let Some(request) = self.waiting.remove(&(*req, *tag)) else {
            book.check(
                RuleId::BusCplUnexpected,
                None,
                false,
                || "a completion of an outstanding request".into(),
                || format!("requester {req:#06x}, tag {tag}"),
            );
            return None;
        };
        book.held(RuleId::BusCplUnexpected);
        self.acknowledged = self.acknowledged.max(request.seq);
        if self.answered.len() == ANSWERS {
            self.answered.pop_front();
        }
        self.answered.push_back((book.now, self.acknowledged));
        let good = *status == CplStatus::Sc;
        let memory = !request.config;
        // Byte count and lower address have a meaning for memory reads; elsewhere they are 4 and 0.
        let (want_bytes, want_lower) = if memory {
            (request.bytes.max(1), (request.addr & 0x7f) as u8)
        } else {
            (4, 0)
        };
        let want_data = if good { request.dwords * 4 } else { 0 };
        let fields = (!good || !memory || u64::from(*bytes) == want_bytes && *lower == want_lower)
            && (memory || *bytes == 4 && *lower == 0)
            && data.len() == want_data;
        book.check(
            RuleId::BusCplFields,
            None,
            fields,
            || {
                format!(
                    "byte count {want_bytes}, lower address {want_lower:#x}, {want_data} bytes of payload"
                )
            },
            || {
                format!(
                    "byte count {bytes}, lower address {lower:#x}, {} bytes",
                    data.len()
                )
            },
        );
        if let Some(bdf) = bdf {
            book.check(
                RuleId::BusCplFields,
                None,
                *cpl == bdf,
                || format!("completer id {bdf:#06x}"),
                || format!("{cpl:#06x}"),
            );
        }
        let skip = (request.addr & 3) as usize;
        let wanted = data.get(skip..skip + request.bytes as usize);
        let data = wanted.filter(|_| good && !poisoned).map(<[u8]>::to_vec);
        Some(Answer { request, data })
    }

    /// The run is over.
    pub(crate) fn finish(&self, book: &mut Book) {
        let first = self
            .waiting
            .values()
            .chain(&self.first_given_up)
            .min_by_key(|r| r.seq);
        let missing = self.waiting.len() as u64 + self.given_up;
        book.check(
            RuleId::BusCplMissing,
            None,
            first.is_none(),
            || "every request of the host answered".into(),
            || {
                first.map_or(String::new(), |r| {
                    format!(
                        "{missing} not; the first, at cycle {}, was a {}",
                        r.cycle,
                        r.words()
                    )
                })
            },
        );
    }
}
