//! Transmit side of the scoreboard: frames on the wire against the chains of their queue.

use crate::judge::met;
use std::collections::{BTreeMap, VecDeque};

use super::shape::tx_queue;
use crate::judge::queue::chain::Chain;
use crate::judge::queue::{Queue, State};
use crate::judge::windows::Coverage;
use crate::judge::world::World;
use crate::rules::RuleId;

/// A longer chain than any frame: its bytes are not kept.
const LONGEST_BYTES: u64 = 1 << 18;
/// How far ahead a frame is looked for when it does not match.
const LOOK_AHEAD: usize = 256;

#[derive(Debug)]
struct Expected {
    chain: u64,
    /// Header and frame.
    bytes: Vec<u8>,
    /// Bytes known (without stores they become known as they are read).
    known: Coverage,
    /// False for a monster whose bytes are not kept.
    kept: bool,
    failed: bool,
    returned: bool,
}

impl Expected {
    fn frame(&self, header: usize) -> &[u8] {
        self.bytes.get(header..).unwrap_or(&[])
    }

    fn complete(&self) -> bool {
        self.known.contains(0, self.bytes.len() as u64)
    }

    /// The header asks for an offload, so the frame on the wire may differ.
    fn offloaded(&self) -> bool {
        self.bytes.first().is_some_and(|&f| f & 1 != 0) || self.bytes.get(1).is_some_and(|&g| g != 0)
    }
}

/// The transmit queues.
#[derive(Debug, Default)]
pub(crate) struct Transmit {
    queues: BTreeMap<u16, VecDeque<Expected>>,
    /// Frames of queues that were reset: they may still be on their way out.
    leftover: BTreeMap<u16, VecDeque<Vec<u8>>>,
    last: BTreeMap<u16, Vec<u8>>,
}

impl Transmit {
    /// A chain became available (or, without stores, its descriptors became known).
    pub(crate) fn chain(&mut self, pair: u16, chain: &Chain, w: &World) {
        let kept = chain.readable_bytes <= LONGEST_BYTES;
        let mut bytes = vec![0; if kept { chain.readable_bytes as usize } else { 0 }];
        let mut known = Coverage::default();
        if kept && w.stores {
            let mut at = 0;
            for s in chain.segments.iter().filter(|s| !s.writable) {
                w.shadow.read(s.addr, &mut bytes[at..at + s.len as usize]);
                at += s.len as usize;
            }
            known.add(0, at as u64);
        }
        let expected = Expected {
            chain: chain.number,
            bytes,
            known,
            kept,
            failed: false,
            returned: false,
        };
        let q = self.queues.entry(pair).or_default();
        // Without stores chains become known in the order in which their descriptors are read.
        let at = q
            .iter()
            .rposition(|e| e.chain < chain.number)
            .map_or(0, |i| i + 1);
        q.insert(at, expected);
    }

    fn find(&mut self, pair: u16, chain: u64) -> Option<&mut Expected> {
        let q = self.queues.get_mut(&pair)?;
        let first = q.front()?.chain;
        match chain.checked_sub(first).and_then(|i| usize::try_from(i).ok()) {
            Some(i) if q.get(i).is_some_and(|e| e.chain == chain) => q.get_mut(i),
            _ => q.iter_mut().find(|e| e.chain == chain),
        }
    }

    /// Without stores: the device read bytes of a chain.
    pub(crate) fn read(&mut self, pair: u16, chain: u64, offset: u64, data: &[u8]) {
        if let Some(e) = self.find(pair, chain).filter(|e| e.kept) {
            let at = offset as usize;
            if let Some(place) = e.bytes.get_mut(at..at + data.len()) {
                place.copy_from_slice(data);
                e.known.add(offset, offset + data.len() as u64);
            }
        }
    }

    /// A read of the chain failed.
    pub(crate) fn failed(&mut self, pair: u16, chain: u64) {
        if let Some(e) = self.find(pair, chain) {
            e.failed = true;
        }
    }

    /// The chain was returned.
    pub(crate) fn returned(&mut self, pair: u16, chain: u64) {
        if let Some(e) = self.find(pair, chain) {
            e.returned = true;
        }
    }

    /// The queue was reset.
    pub(crate) fn reset(&mut self, pair: u16, header: usize) {
        let Some(q) = self.queues.remove(&pair) else {
            return;
        };
        let left = self.leftover.entry(pair).or_default();
        // The wire may have stood still over more than one reset.
        left.extend(q.into_iter().map(|e| e.frame(header).to_vec()).take(LOOK_AHEAD));
        left.drain(..left.len().saturating_sub(2 * LOOK_AHEAD));
    }

    /// A frame left the device.
    pub(crate) fn wire(
        &mut self,
        pair: u16,
        error: bool,
        data: &[u8],
        header: usize,
        queue: Option<&Queue>,
        w: &mut World,
    ) {
        let index = Some(tx_queue(pair));
        let q = self.queues.entry(pair).or_default();
        while q
            .front()
            .is_some_and(|e| e.kept && e.complete() && e.frame(header).is_empty())
        {
            q.pop_front(); // a header without a frame puts nothing on the wire
        }
        // A chain of a faulty queue or with failed reads may have been dropped without a trace on the wire.
        let freed = queue.is_some_and(|q| q.fault.is_some());
        let same =
            |e: &Expected| !e.kept || e.failed || !e.complete() || e.offloaded() || e.frame(header) == data;
        // A reset may cut a frame that is half out: the wire is told so, and that is all that can be said of it. A wire that
        // stands still may get to know of it when the queue lives again; nothing of the earlier life follows. Padding keeps a
        // frame's length.
        let old = self
            .leftover
            .get(&pair)
            .is_some_and(|l| l.iter().any(|f| f.len() == data.len()));
        let cut = old || queue.is_none_or(|q| q.state != State::Live);
        // Where both can be, a failed read in front speaks for this life; what is cut may still follow.
        let live_failed = old && q.front().is_some_and(|e| e.failed);
        if error && cut && !live_failed {
            self.leftover.remove(&pair);
            w.book.held(RuleId::NetTxError);
            return;
        }
        if error {
            let failed = q.iter().take(LOOK_AHEAD).position(|e| e.failed);
            w.book.check(
                RuleId::NetTxError,
                index,
                failed.is_some(),
                || "a frame marked broken only after a failed read".into(),
                || format!("{} bytes marked broken", data.len()),
            );
            let gone = (failed.unwrap_or(0) + 1).min(q.len());
            q.drain(..gone).for_each(drop);
            return;
        }
        let Some(front) = q.front() else {
            let known = self
                .leftover
                .get_mut(&pair)
                .and_then(|l| l.iter().position(|f| f == data).map(|i| l.drain(..=i).count()));
            let repeated = self.last.get(&pair).is_some_and(|l| l == data);
            w.book.check(
                if repeated {
                    RuleId::NetTxOrder
                } else {
                    RuleId::NetTxData
                },
                index,
                known.is_some(),
                || "no frame: every chain made available has been sent".into(),
                || {
                    format!(
                        "{} bytes{}",
                        data.len(),
                        if repeated {
                            ", a repetition of the frame before"
                        } else {
                            ""
                        }
                    )
                },
            );
            return;
        };
        w.book.compared.frames_tx += 1;
        met::sent(data.len(), w);
        if same(front) {
            w.book.held(RuleId::NetTxData);
            w.book.held(RuleId::NetTxOrder);
            // A queue keeps its order over a reset: behind a frame of this life comes none of an earlier one.
            if front.kept && front.complete() && front.frame(header) == data {
                self.leftover.remove(&pair);
            }
            if front.failed {
                w.book.check(
                    RuleId::NetTxError,
                    index,
                    false,
                    || {
                        format!(
                            "frame of chain {} marked broken: a read of it failed",
                            front.chain
                        )
                    },
                    || "not marked".into(),
                );
            } else {
                w.book.held(RuleId::NetTxError);
            }
            q.pop_front();
            self.last.insert(pair, data.to_vec());
            return;
        }
        let later = q
            .iter()
            .take(LOOK_AHEAD)
            .position(|e| e.kept && e.complete() && e.frame(header) == data);
        if let Some(at) = later {
            let skippable = q.iter().take(at).all(|e| e.failed) || freed;
            w.book.check(
                RuleId::NetTxOrder,
                index,
                skippable,
                || format!("the frame of chain {}", front.chain),
                || format!("that of chain {}", q[at].chain),
            );
            q.drain(..=at).for_each(drop);
            return;
        }
        if self.leftover.get_mut(&pair).is_some_and(|l| {
            l.iter()
                .position(|f| f == data)
                .map(|i| l.drain(..=i).count())
                .is_some()
        }) {
            return;
        }
        let repeated = self.last.get(&pair).is_some_and(|l| l == data);
        let rule = if repeated {
            RuleId::NetTxOrder
        } else {
            RuleId::NetTxData
        };
        let (chain, want) = (front.chain, front.frame(header));
        let detail = difference(want, data);
        w.book.check(
            rule,
            index,
            false,
            || format!("the {} bytes of chain {chain}", want.len()),
            || {
                if repeated {
                    "the frame before once more".into()
                } else {
                    detail
                }
            },
        );
        if !repeated {
            q.pop_front();
        }
    }

    /// The run is over.
    pub(crate) fn finish(&self, header: usize, w: &mut World) {
        for (&pair, q) in &self.queues {
            let missing: Vec<u64> = q
                .iter()
                .filter(|e| {
                    e.returned && !e.failed && !(e.complete() && e.kept && e.frame(header).is_empty())
                })
                .map(|e| e.chain)
                .collect();
            w.book.check(
                RuleId::NetTxMissing,
                Some(tx_queue(pair)),
                missing.is_empty(),
                || "a frame on the wire for every chain returned".into(),
                || format!("none for {} chains, the first is {}", missing.len(), missing[0]),
            );
        }
    }
}

/// Where two frames differ.
pub(crate) fn difference(want: &[u8], got: &[u8]) -> String {
    match want.iter().zip(got).position(|(a, b)| a != b) {
        Some(at) => format!(
            "{} bytes, byte {at} is {:#04x} instead of {:#04x}",
            got.len(),
            got[at],
            want[at]
        ),
        None => format!("{} bytes, equal up to the shorter one's end", got.len()),
    }
}
