//! Packets of the device as requester: what each read and write is for, and whether the device may touch that memory.

use super::address_map::{Area, Kind, Span};
use super::cause::{Cause, Purpose};
use super::dma::ReadTarget;
use super::inbound::enabled;
use super::met;
use super::net::shape::Role;
use super::queue::{Queue, State, UsedWrite};
use super::way_out::Class;
use super::{Judge, Life};
use crate::rules::RuleId;
use crate::tlp::{Body, Tlp};

impl Judge {
    /// A packet on `rq`.
    pub(super) fn device_request(&mut self, tlp: &Tlp) -> Cause {
        match &tlp.body {
            Body::MRd { tag, .. } => {
                self.may_act(false);
                self.reads.check_tag(*tag, &mut self.w.book);
                let (addr, len) = tlp.span().unwrap_or((0, 0));
                let (cause, target) = if len == 0 {
                    (Cause::of(Purpose::Unknown), ReadTarget::Nothing)
                } else {
                    self.device_read(addr, len)
                };
                self.ordered(tlp, cause.purpose);
                self.reads
                    .issue(*tag, cause, target, addr, len, self.w.book.now, self.w.seq);
                cause
            }
            Body::MWr { addr: base, .. } => {
                let message = tlp.span().is_some_and(|s| self.messages.is_message(s.0));
                self.may_act(message);
                let Some(span) = tlp.span() else {
                    return Cause::of(Purpose::Unknown);
                };
                let cause = self.device_write(span.0, enabled(tlp, *base, span));
                self.ordered(tlp, cause.purpose);
                cause
            }
            Body::Msg { code, .. } => {
                self.note_faults();
                if *code < 0x24 {
                    self.may_act(true);
                }
                self.messages.intx(
                    *code,
                    &self.config,
                    &mut self.queues,
                    self.requests.acknowledged,
                    &mut self.w,
                )
            }
            _ => Cause::of(Purpose::Unknown),
        }
    }

    /// Relaxed ordering is for payload only.
    fn ordered(&mut self, tlp: &Tlp, purpose: Purpose) {
        let relaxed = tlp.attr & 0b10 != 0;
        self.w.book.check(
            RuleId::BusAttr,
            None,
            !relaxed || purpose == Purpose::Payload,
            || "strict ordering".into(),
            || format!("relaxed ordering on {}", purpose.name()),
        );
    }

    /// May the device act as requester at all?
    fn may_act(&mut self, message: bool) {
        self.acts_in_suspension(message);
        match self.life {
            Life::Running | Life::Stopping => {
                self.w.book.held(RuleId::LifeBeforeDriverOk);
                self.w.book.held(RuleId::LifeAfterReset);
            }
            Life::Fresh => {
                self.w.book.check(
                    RuleId::LifeBeforeDriverOk,
                    None,
                    false,
                    || "no request before DRIVER_OK".into(),
                    || "one was sent".into(),
                );
            }
            Life::Reset => {
                self.w.book.check(
                    RuleId::LifeAfterReset,
                    None,
                    false,
                    || "no request after the acknowledged reset".into(),
                    || "one was sent".into(),
                );
            }
        }
    }

    /// Rules on the queue that a request belongs to. True if the judge shall follow what it does.
    fn queue_may_act(&mut self, queue: u16, class: Class) -> bool {
        let Some(q) = self.queues.get(&queue) else {
            return false;
        };
        let dead = q.state == State::Dead;
        self.w.book.check(
            RuleId::LifeAfterQueueReset,
            Some(queue),
            !dead,
            || "no request for a queue after its acknowledged reset".into(),
            || "one was sent".into(),
        );
        // What was decided before it froze may still be on its way.
        let frozen = q.frozen.is_some_and(|at| !self.way_out.may_wait_since(class, at));
        if let Some((_, why)) = q.fault.as_ref().filter(|_| frozen) {
            self.w.book.check(
                RuleId::RingErrorPolicy,
                Some(queue),
                false,
                || format!("no request for the queue after DEVICE_NEEDS_RESET ({why})"),
                || "one was sent".into(),
            );
        }
        if q.broken && frozen {
            self.w.book.check(
                RuleId::RingReadFailed,
                Some(queue),
                false,
                || {
                    "no request for the queue after a read of its ring failed and DEVICE_NEEDS_RESET was read"
                        .into()
                },
                || "one was sent".into(),
            );
        }
        !dead
    }

    /// An access to memory that the driver did not give; `queue` if something else of it was for one.
    fn outside(&mut self, read: bool, queue: Option<u16>, addr: u64, len: u64, what: &str) -> Cause {
        let rule = if read { RuleId::SafeRead } else { RuleId::SafeWrite };
        let queue = queue.or_else(|| self.voids.queue_of(addr, &self.w.shadow));
        // After a reset the queues are forgotten and the life-cycle rules speak.
        if matches!(self.life, Life::Running | Life::Stopping) {
            self.w.book.check(
                rule,
                queue,
                false,
                || {
                    if read {
                        "memory that the driver gave for reading".into()
                    } else {
                        "memory that the driver gave for writing".into()
                    }
                },
                || format!("{len} bytes at {addr:#x}: {what}"),
            );
        }
        Cause::of(Purpose::Unknown)
    }

    fn device_read(&mut self, addr: u64, len: u64) -> (Cause, ReadTarget) {
        let Some(area) = self.w.rings.at(addr) else {
            return self.span_read(addr, len);
        };
        let queue = area.queue;
        if !self.queue_may_act(queue, Class::NonPosted) {
            return (Cause::of(Purpose::Unknown).on(queue), ReadTarget::Nothing);
        }
        if area.area == Area::Device {
            self.outside(
                true,
                Some(queue),
                addr,
                len,
                "the device area is the device's own to write",
            );
            return (Cause::of(Purpose::Unknown).on(queue), ReadTarget::Nothing);
        }
        let inside = addr.saturating_add(len) <= area.end;
        self.w.book.check(
            RuleId::SafeRead,
            Some(queue),
            inside,
            || {
                format!(
                    "a read that ends at {:#x}, the end of the ring part, or before",
                    area.end
                )
            },
            || format!("{len} bytes at {addr:#x}"),
        );
        let (first, last) = (
            addr - area.start,
            addr.saturating_add(len).min(area.end) - 1 - area.start,
        );
        let Some(q) = self.queues.get_mut(&queue) else {
            return (Cause::of(Purpose::Unknown), ReadTarget::Nothing);
        };
        let target = ReadTarget::Ring {
            queue,
            epoch: q.epoch,
            area: area.area,
            first,
        };
        (q.ring_read(area.area, first, last, &mut self.w), target)
    }

    fn span_read(&mut self, addr: u64, len: u64) -> (Cause, ReadTarget) {
        let mut pieces = Vec::new();
        let mut cause: Option<Cause> = None;
        let (mut at, mut left) = (addr, len);
        while left > 0 {
            let Some(span) = self.w.spans.at(at, |k| k != Kind::Writable) else {
                let unknown = self.outside(
                    true,
                    cause.and_then(|c| c.queue),
                    at,
                    left,
                    "neither a ring nor a buffer of an available chain",
                );
                cause.get_or_insert(unknown);
                // What came before it is read all the same, and will be answered.
                break;
            };
            self.w.book.held(RuleId::SafeRead);
            let n = left.min(span.end - at);
            let first = at - span.start + span.offset;
            let c = self.read_of_span(span, first, first + n);
            cause.get_or_insert(c);
            pieces.push((span, first, n));
            (at, left) = (at.wrapping_add(n), left - n);
        }
        let epoch = pieces
            .first()
            .and_then(|(s, ..)| self.queues.get(&s.queue))
            .map_or(0, |q| q.epoch);
        (
            cause.unwrap_or(Cause::of(Purpose::Unknown)),
            ReadTarget::Spans { epoch, pieces },
        )
    }

    fn read_of_span(&mut self, span: Span, first: u64, last: u64) -> Cause {
        let queue = span.queue;
        if !self.queue_may_act(queue, Class::NonPosted) {
            return Cause::of(Purpose::Payload).on(queue);
        }
        let Some(q) = self.queues.get_mut(&queue) else {
            return Cause::of(Purpose::Unknown);
        };
        if span.kind == Kind::Indirect {
            self.w.book.check(
                RuleId::SafeAfterUsed,
                Some(queue),
                !span.used,
                || {
                    format!(
                        "the indirect table of chain {} left alone after its return",
                        span.chain
                    )
                },
                || "read".into(),
            );
            return q.table_read(span.chain, first, last, &mut self.w);
        }
        touched(q, span, first, last, true, &mut self.w);
        let mut cause = Cause {
            chain: Some(span.chain),
            ..Cause::of(Purpose::Payload).on(queue)
        };
        if span.kind == Kind::Writable {
            self.w.book.check(
                RuleId::SafeReadWritable,
                Some(queue),
                false,
                || {
                    format!(
                        "device-writable bytes {first}..{last} of chain {} not read",
                        span.chain
                    )
                },
                || "read".into(),
            );
        } else {
            self.w.book.held(RuleId::SafeReadWritable);
            q.begin(span.chain, &mut self.w);
            if let Some(c) = q.chain_mut(span.chain) {
                c.reads_outstanding += 1;
                let new = c.read.add(first, last);
                self.w.book.compared.payload_read_bytes += last - first;
                cause.wasted = u32::from(new < last - first);
            }
        }
        cause
    }

    fn device_write(&mut self, addr: u64, data: &[u8]) -> Cause {
        let len = data.len() as u64;
        if self.messages.is_message(addr) {
            self.note_faults();
            self.w.book.held(RuleId::SafeWrite);
            let mut value = [0; 4];
            value[..data.len().min(4)].copy_from_slice(&data[..data.len().min(4)]);
            self.w.book.check(
                RuleId::IntVector,
                None,
                len == 4,
                || "one dword".into(),
                || format!("{len} bytes at {addr:#x}"),
            );
            return self.messages.msix(
                addr,
                u32::from_le_bytes(value),
                &self.registers,
                &self.config,
                &mut self.queues,
                self.requests.acknowledged,
                &mut self.w,
            );
        }
        let Some(area) = self.w.rings.at(addr) else {
            return self.span_write(addr, data);
        };
        let queue = area.queue;
        if !self.queue_may_act(queue, Class::Posted) {
            return Cause::of(Purpose::Unknown).on(queue);
        }
        if let Some(Err(what)) = self.queues.get(&queue).map(|q| q.writable(area.area)) {
            self.outside(false, Some(queue), addr, len, what);
            return Cause::of(Purpose::Unknown).on(queue);
        }
        let inside = addr.saturating_add(len) <= area.end;
        self.w.book.check(
            RuleId::SafeWrite,
            Some(queue),
            inside,
            || {
                format!(
                    "a write that ends at {:#x}, the end of the ring part, or before",
                    area.end
                )
            },
            || format!("{len} bytes at {addr:#x}"),
        );
        let end = addr.saturating_add(len).min(area.end);
        self.w.shadow.write(addr, &data[..(end - addr) as usize]);
        let Some(q) = self.queues.get_mut(&queue) else {
            return Cause::of(Purpose::Unknown);
        };
        let (cause, out) = q.ring_write(area.area, addr - area.start, end - 1 - area.start, &mut self.w);
        self.after_used(queue, &out);
        cause
    }

    fn after_used(&mut self, queue: u16, out: &UsedWrite) {
        let Some(q) = self.queues.get_mut(&queue) else {
            return;
        };
        if let Some((old, new)) = out.published.filter(|_| q.state != State::Dead) {
            let chains = out.groups.iter().map(Vec::len).sum::<usize>() as u64;
            met::published(chains, (old, new), q.size, &mut self.w);
            let vector = self.registers.queues.get(&queue).and_then(|r| r.vector);
            if super::messages::Messages::mapped(vector, &self.config) {
                let stopping = q.state == State::Stopping;
                q.decision
                    .published(old, new, stopping, self.w.seq, self.w.book.now);
            }
        }
        if self.w.shape.net {
            let mut packets = 0;
            for group in &out.groups {
                packets += self.net.returned(q, group, &mut self.w);
            }
            q.decision.moderation.published(packets, self.w.book.now);
            if !out.groups.is_empty() && self.w.shape.role(queue) == Role::Control {
                self.moderation_changed();
            }
        }
    }

    fn span_write(&mut self, addr: u64, data: &[u8]) -> Cause {
        let mut cause: Option<Cause> = None;
        let (mut at, mut rest) = (addr, data);
        while !rest.is_empty() {
            let Some(span) = self.w.spans.at(at, |k| k == Kind::Writable) else {
                let unknown = self.outside(
                    false,
                    cause.and_then(|c| c.queue),
                    at,
                    rest.len() as u64,
                    "neither a used ring, a buffer of an available chain nor an MSI-X address",
                );
                return cause.unwrap_or(unknown);
            };
            let n = (rest.len() as u64).min(span.end - at);
            let first = at - span.start + span.offset;
            let c = self.write_of_span(span, first, first + n);
            cause.get_or_insert(c);
            if span.kind == Kind::Writable {
                self.w.shadow.write(at, &rest[..n as usize]);
            }
            (at, rest) = (at.wrapping_add(n), &rest[n as usize..]);
        }
        cause.unwrap_or(Cause::of(Purpose::Unknown))
    }

    fn write_of_span(&mut self, span: Span, first: u64, last: u64) -> Cause {
        let queue = span.queue;
        let cause = Cause {
            chain: Some(span.chain),
            ..Cause::of(Purpose::Payload).on(queue)
        };
        if !self.queue_may_act(queue, Class::Posted) {
            return cause;
        }
        let Some(q) = self.queues.get_mut(&queue) else {
            return cause;
        };
        let ok = span.kind == Kind::Writable;
        self.w.book.check(
            RuleId::SafeWrite,
            Some(queue),
            ok,
            || "device-writable memory".into(),
            || {
                format!(
                    "bytes {first}..{last} of {} of chain {}",
                    if span.kind == Kind::Indirect {
                        "the indirect table"
                    } else {
                        "the readable part"
                    },
                    span.chain
                )
            },
        );
        if ok {
            self.w.book.compared.payload_written_bytes += last - first;
            touched(q, span, first, last, false, &mut self.w);
            q.payload_written(span.chain, first, last, &mut self.w);
        }
        cause
    }
}

/// A buffer of a chain is being touched: may it be?
fn touched(q: &Queue, span: Span, first: u64, last: u64, read: bool, w: &mut super::world::World) {
    let verb = if read { "read" } else { "written" };
    if read || !span.used {
        // Late writes are told apart by the chain itself: bytes that were reported, or others.
        w.book.check(
            RuleId::SafeAfterUsed,
            Some(q.index),
            !span.used,
            || format!("chain {} left alone after its return", span.chain),
            || format!("bytes {first}..{last} {verb}"),
        );
    }
    if let Some((faulty, why)) = &q.fault {
        w.book.check(
            RuleId::RingErrorPolicy,
            Some(q.index),
            span.chain < *faulty,
            || format!("no buffer touched from chain {faulty} on ({why})"),
            || format!("bytes {first}..{last} of chain {} {verb}", span.chain),
        );
    }
}
