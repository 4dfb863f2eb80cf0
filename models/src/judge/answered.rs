//! Completions of the device's reads: what the device knows once they have come.

use super::address_map::{Kind, Span};
use super::cause::{Cause, Purpose};
use super::dma::{Progress, Read, ReadTarget};
use super::queue::{Queue, State};
use super::{Judge, met};
use crate::rules::RuleId;
use crate::tlp::Tlp;

impl Judge {
    /// A packet on `rc`.
    pub(super) fn host_completion(&mut self, tlp: &Tlp) -> Cause {
        let bdf = self.config.bdf;
        match self
            .reads
            .completion(&tlp.body, tlp.poisoned, bdf, &mut self.w.book)
        {
            Progress::Unexpected => Cause::of(Purpose::Unknown),
            Progress::Part(cause) => cause,
            Progress::Done(read) => {
                let overtaken = self.reads.overtaken(&read);
                met::answered(&read, &read.cause, overtaken, &mut self.w);
                self.read_done(&read)
            }
        }
    }

    /// Reads that nobody has answered for longer than a requester has to wait.
    pub(super) fn give_up_reads(&mut self) {
        let Some(before) = self.w.book.now.checked_sub(self.timeout_cycles) else {
            return;
        };
        for read in self.reads.give_up(before) {
            met::answered(&read, &read.cause, false, &mut self.w);
            self.read_done(&read);
        }
    }

    fn read_done(&mut self, read: &Read) -> Cause {
        let mut cause = read.cause;
        let current = |q: &&mut Queue, epoch| q.epoch == epoch && q.state != State::Dead;
        match &read.target {
            ReadTarget::Ring {
                queue,
                epoch,
                area,
                first,
            } => {
                let Some(q) = self.queues.get_mut(queue).filter(|q| current(q, *epoch)) else {
                    return cause;
                };
                if read.failed.is_some() {
                    return self.ring_read_failed(*queue, cause);
                }
                if read.data.is_empty() {
                    return cause;
                }
                if !self.w.stores {
                    self.w.shadow.write(read.addr, &read.data);
                }
                let from = q.device_known;
                let answer = q.ring_answer(*area, *first, &read.data, (read.seq, cause), &mut self.w);
                cause = answer.cause;
                met::learned(q, from, &mut self.w);
                self.chains_appeared(*queue, answer.new);
            }
            ReadTarget::Spans { epoch, pieces } => {
                let mut at = 0;
                for &(span, first, n) in pieces {
                    let data = read.data.get(at..at + n as usize).unwrap_or(&[]);
                    at += n as usize;
                    if self.w.stores && read.failed.is_none() {
                        self.host_data(span, first, data, read.cycle);
                    }
                    self.span_done(span, *epoch, first, n, read.failed.is_some(), data);
                }
            }
            ReadTarget::Nothing => {}
        }
        self.late_chains();
        cause
    }

    /// A read issued at cycle `from` brought these bytes of a buffer or an indirect table: did memory hold them?
    fn host_data(&mut self, span: Span, first: u64, data: &[u8], from: u64) {
        let addr = span.start + first - span.offset;
        let now = self.w.shadow.bytes(addr, data.len());
        let foreign = self.past.first_foreign(addr, data, &now, from);
        self.w.book.check(
            RuleId::HostCplData,
            Some(span.queue),
            foreign.is_none(),
            || format!("bytes that memory held at {addr:#x}.. since cycle {from}"),
            || {
                let at = foreign.unwrap_or(0);
                format!(
                    "{:#04x} instead of {:#04x} at {:#x}",
                    data[at],
                    now[at],
                    addr + at as u64
                )
            },
        );
    }

    fn span_done(&mut self, span: Span, epoch: u64, first: u64, n: u64, failed: bool, data: &[u8]) {
        let queue = span.queue;
        let Some(q) = self
            .queues
            .get_mut(&queue)
            .filter(|q| q.epoch == epoch && q.state != State::Dead)
        else {
            return;
        };
        if span.kind == Kind::Indirect {
            if failed {
                self.ring_read_failed(queue, Cause::of(Purpose::IndirectTable));
            } else {
                if !self.w.stores {
                    self.w.shadow.write(span.start + first, data);
                }
                q.table_answer(span.chain, first, first + n, &mut self.w);
            }
            return;
        }
        let Some(c) = q.chain_mut(span.chain).filter(|_| span.kind == Kind::Readable) else {
            return;
        };
        c.reads_outstanding = c.reads_outstanding.saturating_sub(1);
        if failed {
            c.read_failed = true;
            self.distress.failed_reads = true;
            self.messages.changes.changed(false, self.w.book.now);
            self.net.read_failed(queue, span.chain, &self.w);
        } else if !self.w.stores {
            self.net.read(queue, span.chain, first, data, &self.w);
        }
    }

    /// A read of a ring structure came back with an error: the device cannot go on with this queue.
    fn ring_read_failed(&mut self, queue: u16, cause: Cause) -> Cause {
        self.distress.failed_reads = true;
        self.messages.changes.fault();
        if let Some(q) = self.queues.get_mut(&queue) {
            q.broken = true;
            self.distress.status_read_since_failure = false;
            q.decision.excuse();
        }
        cause
    }
}
