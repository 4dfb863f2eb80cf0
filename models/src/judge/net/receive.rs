//! Receive side of the scoreboard: what was handed to the device against what appears in receive buffers.

use crate::judge::met;
use std::collections::{BTreeMap, VecDeque};

use super::control::Control;
use super::filter::{Fate, Filter};
use super::shape::{ETHERNET_HEADER, Shape, ethernet_header, rx_queue};
use super::transmit::difference;
use crate::hex;
use crate::judge::features;
use crate::judge::queue::{Queue, State};
use crate::judge::startup::Startup;
use crate::judge::world::World;
use crate::rules::RuleId;

/// Numbers of which any will do, in words.
fn alternatives(numbers: &[u16]) -> String {
    let words: Vec<String> = numbers.iter().map(u16::to_string).collect();
    words.join(" or ")
}

/// How far ahead a frame is looked for when it does not match.
const LOOK_AHEAD: usize = 4096;

#[derive(Debug)]
struct Pending {
    flow: u16,
    data: Vec<u8>,
    cycle: u64,
    /// Cycle of the frame before: this one may have begun right after it.
    after: u64,
    /// Pairs it may be steered to.
    pairs: Vec<u16>,
    may_accept: bool,
    may_drop: bool,
    /// A reset came in between: it may vanish without a report.
    optional: bool,
}

impl Pending {
    fn consider(&mut self, f: &Filter, features: features::Features) {
        let fate = f.fate(&self.data, features);
        self.may_accept |= fate != Fate::Drop;
        self.may_drop |= fate != Fate::Accept;
        let pair = f.pair(self.flow);
        if !self.pairs.contains(&pair) {
            self.pairs.push(pair);
        }
    }
}

/// A returned receive buffer.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) data: Vec<u8>,
    pub(crate) full: bool,
    pub(crate) chain: u64,
}

/// The receive queues.
#[derive(Debug, Default)]
pub(crate) struct Receive {
    /// Frames from before a reset that were passed over: reported drops may be theirs.
    forgiven: usize,
    pending: VecDeque<Pending>,
    /// Cycle of the last frame.
    last: u64,
    /// Reported drops not yet matched with a frame: their reasons.
    drops: VecDeque<u8>,
    /// Buffers of a packet whose others are not published yet.
    partial: BTreeMap<u16, Vec<Buffer>>,
}

impl Receive {
    /// A frame was handed to the device.
    pub(crate) fn wire(&mut self, flow: u16, data: &[u8], control: &Control, w: &World) {
        let mut p = Pending {
            flow,
            data: data.to_vec(),
            cycle: w.book.now,
            after: std::mem::replace(&mut self.last, w.book.now),
            pairs: Vec::new(),
            may_accept: false,
            may_drop: false,
            optional: false,
        };
        if w.stores {
            control.states().for_each(|f| p.consider(f, w.features));
        } else {
            // Control commands are not seen, so any active pair and any filter is possible.
            p.pairs = (0..w.shape.pairs().unwrap_or(1)).collect();
            (p.may_accept, p.may_drop) = (true, true);
        }
        self.pending.push_back(p);
    }

    /// The filters may have changed.
    pub(crate) fn filters_changed(&mut self, control: &Control, w: &World) {
        for p in &mut self.pending {
            control.states().for_each(|f| p.consider(f, w.features));
        }
    }

    /// A reset of the device, or of the receive queue of one pair.
    pub(crate) fn reset(&mut self, pair: Option<u16>) {
        for p in &mut self.pending {
            p.optional |= pair.is_none_or(|x| p.pairs.contains(&x));
        }
        match pair {
            Some(x) => {
                self.partial.remove(&x);
            }
            None => self.partial.clear(),
        }
    }

    /// The device reported that it dropped a frame.
    pub(crate) fn dropped(
        &mut self,
        reason: u8,
        shape: &Shape,
        queues: &BTreeMap<u16, Queue>,
        startup: &Startup,
        w: &mut World,
    ) {
        w.book.compared.frames_dropped += 1;
        let now = w.book.now;
        let open = self.pending.len() + self.forgiven > self.drops.len();
        let legal = open
            && self
                .pending
                .iter()
                .any(|p| p.optional || lawful(p, reason, &self.pending, shape, queues, startup, now));
        w.book.check(
            RuleId::NetRxDrop,
            None,
            legal,
            || "a reason that holds for a frame not yet delivered".into(),
            || {
                let why = match reason {
                    1 => "filtered",
                    2 => "no buffers",
                    3 => "too large for the buffer",
                    4 => "over the maximum",
                    5 => "queue not running",
                    _ => "unknown reason",
                };
                if open {
                    format!("reason {reason} ({why})")
                } else {
                    format!("reason {reason} ({why}), with no frame left to drop")
                }
            },
        );
        if !open {
            return;
        }
        if self.pending.len() == 1 {
            self.pending.clear();
        } else if let Some(at) = self.pending.iter().position(|p| reason == 1 && !p.may_accept) {
            self.pending.remove(at);
        } else {
            self.drops.push_back(reason);
        }
    }

    /// Takes a reported drop that can have been this frame.
    fn take_drop(drops: &mut VecDeque<u8>, p: &Pending) -> bool {
        let fits = |r: u8| if r == 1 { p.may_drop } else { p.may_accept };
        match drops.iter().position(|&r| fits(r)) {
            Some(at) => drops.remove(at).is_some(),
            None => false,
        }
    }

    /// Buffers of a receive queue were published together. Returns how many packets that completes.
    pub(crate) fn returned(&mut self, pair: u16, buffers: Vec<Buffer>, shape: &Shape, w: &mut World) -> u64 {
        let mut packets = 0;
        let mut left: VecDeque<Buffer> = self.partial.remove(&pair).unwrap_or_default().into();
        let continued = left.len();
        left.extend(buffers);
        let queue = Some(rx_queue(pair));
        if continued > 0 && left.len() > continued {
            w.book.check(
                RuleId::NetRxTogether,
                queue,
                false,
                || "all buffers of a packet published by one used.idx write".into(),
                || format!("{continued} before, the others now"),
            );
        }
        let merge = w.has(features::MRG_RXBUF);
        let header = shape.header_bytes();
        while let Some(first) = left.front() {
            if first.data.len() < header {
                let (chain, len) = (first.chain, first.data.len());
                w.book.check(
                    RuleId::NetRxLen,
                    queue,
                    false,
                    || format!("at least the {header} header bytes in the first buffer"),
                    || format!("{len} in chain {chain}"),
                );
                left.pop_front();
                continue;
            }
            let said = usize::from(u16::from_le_bytes([first.data[10], first.data[11]]));
            let plain = !w.has(1) && !w.has(7) && !w.has(8);
            if plain {
                let (flags, gso) = (first.data[0], first.data[1]);
                w.book.check(
                    RuleId::NetRxHeader,
                    queue,
                    flags == 0 && gso == 0,
                    || "flags 0 and gso_type 0".into(),
                    || format!("flags {flags:#x}, gso_type {gso:#x}"),
                );
            }
            let want = self
                .pending
                .iter()
                .find(|p| p.pairs.contains(&pair))
                .map(|p| p.data.len() + header);
            let fits = |n: usize| {
                Some(left.iter().take(n).map(|b| b.data.len()).sum::<usize>()) == want && n <= left.len()
            };
            let real = if said > 0 && fits(said) {
                said
            } else {
                (1..=left.len().min(1024))
                    .find(|&n| fits(n))
                    .unwrap_or(said.max(1))
            };
            let legal = said == real && (merge || said == 1);
            w.book.check(
                RuleId::NetRxNumBuffers,
                queue,
                legal,
                || format!("num_buffers {}", if merge { real } else { 1 }),
                || format!("{said}"),
            );
            if real > left.len() {
                self.partial.insert(pair, left.into());
                return packets;
            }
            w.book.held(RuleId::NetRxTogether);
            let packet: Vec<Buffer> = left.drain(..real).collect();
            let short = packet[..real - 1].iter().find(|b| !b.full).map(|b| b.chain);
            w.book.check(
                RuleId::NetRxFull,
                queue,
                short.is_none(),
                || "all buffers but the last filled".into(),
                || format!("chain {} is not", short.unwrap_or(0)),
            );
            let mut frame = Vec::with_capacity(packet.iter().map(|b| b.data.len()).sum());
            for b in &packet {
                frame.extend_from_slice(&b.data);
            }
            met::delivered(frame.len() - header, packet.len(), w);
            self.delivered(pair, &frame[header..], w);
            packets += 1;
        }
        packets
    }

    fn delivered(&mut self, pair: u16, frame: &[u8], w: &mut World) {
        w.book.compared.frames_rx += 1;
        let queue = Some(rx_queue(pair));
        if let Some(longest) = w.shape.longest_packet() {
            let longest = longest + ethernet_header(frame);
            w.book.check(
                RuleId::NetMtu,
                queue,
                frame.len() <= longest,
                || format!("at most {longest} bytes"),
                || format!("{} bytes delivered", frame.len()),
            );
        }
        let Some(first) = self.pending.iter().position(|p| p.pairs.contains(&pair)) else {
            let elsewhere = self.pending.iter().position(|p| p.data == frame);
            return self.misplaced(elsewhere, pair, frame, w);
        };
        let same = self
            .pending
            .iter()
            .take(first + LOOK_AHEAD)
            .enumerate()
            .skip(first)
            .find(|(_, p)| p.pairs.contains(&pair) && p.data == frame)
            .map(|(i, _)| i);
        let Some(at) = same else {
            if let Some(i) = self.pending.iter().position(|p| p.data == frame) {
                return self.misplaced(Some(i), pair, frame, w);
            }
            let want = &self.pending[first].data;
            let common = want.len().min(frame.len());
            let rule = if want.len() != frame.len() && want[..common] == frame[..common] {
                RuleId::NetRxLen
            } else {
                RuleId::NetRxData
            };
            w.book.check(
                rule,
                queue,
                false,
                || format!("the next frame for this queue, {} bytes", want.len()),
                || difference(want, frame),
            );
            self.pending.remove(first);
            return;
        };
        w.book.held(RuleId::NetRxLen);
        w.book.held(RuleId::NetRxSteering);
        // Frames that were surely for this queue and come before it must have been dropped.
        let mut lost = 0;
        let mut i = first;
        let mut at = at;
        while i < at {
            let p = &self.pending[i];
            if p.pairs.as_slice() != [pair] {
                i += 1;
                continue;
            }
            // One from before a reset may have been lost silently, or be among the drops.
            if p.optional {
                self.forgiven += 1;
            } else if !Self::take_drop(&mut self.drops, p) {
                lost += 1;
            }
            self.pending.remove(i);
            at -= 1;
        }
        w.book.check(
            RuleId::NetRxData,
            queue,
            lost == 0,
            || "the next frame received for this queue".into(),
            || format!("a later one; {lost} frames skipped without a reported drop"),
        );
        if let Some(p) = self.pending.remove(at) {
            w.book.check(
                RuleId::NetFilter,
                queue,
                p.may_accept,
                || "a frame that the filters let through".into(),
                || format!("one for {}", hex::text(&p.data[..p.data.len().min(6)], ":")),
            );
        }
    }

    fn misplaced(&mut self, at: Option<usize>, pair: u16, frame: &[u8], w: &mut World) {
        let queue = Some(rx_queue(pair));
        match at.and_then(|i| self.pending.remove(i)) {
            Some(p) => {
                w.book.check(
                    RuleId::NetRxSteering,
                    queue,
                    p.optional,
                    || format!("flow {:#06x} in queue pair {}", p.flow, alternatives(&p.pairs)),
                    || format!("queue pair {pair}"),
                );
            }
            None => {
                w.book.check(
                    RuleId::NetRxData,
                    queue,
                    false,
                    || "no frame: none is waiting for this queue".into(),
                    || format!("{} bytes", frame.len()),
                );
            }
        }
    }

    /// The run is over.
    pub(crate) fn finish(mut self, w: &mut World) {
        let drops = &mut self.drops;
        // Frames from before a reset may have gone without a report, so what was reported goes to the others first.
        self.pending.retain(|p| p.optional || !Self::take_drop(drops, p));
        let missing: Vec<&Pending> = self.pending.iter().filter(|p| !p.optional).collect();
        let filtered = missing.iter().filter(|p| !p.may_accept).count();
        w.book.check(
            RuleId::NetRxMissing,
            missing
                .first()
                .and_then(|p| p.pairs.first())
                .map(|&p| rx_queue(p)),
            missing.is_empty(),
            || "every received frame delivered or reported as dropped".into(),
            || {
                format!(
                    "{} frames neither ({filtered} of them to be filtered), the first came at cycle {}",
                    missing.len(),
                    missing[0].cycle
                )
            },
        );
        for (&pair, rest) in &self.partial {
            w.book.check(
                RuleId::NetRxTogether,
                Some(rx_queue(pair)),
                false,
                || "a whole packet".into(),
                || format!("{} buffers of one that never became whole", rest.len()),
            );
        }
    }
}

/// Can this frame have been dropped for this reason?
fn lawful(
    p: &Pending,
    reason: u8,
    pending: &VecDeque<Pending>,
    shape: &Shape,
    queues: &BTreeMap<u16, Queue>,
    startup: &Startup,
    now: u64,
) -> bool {
    let need = (p.data.len() + shape.header_bytes()) as u64;
    let merge = features::has(shape.features, features::MRG_RXBUF);
    p.pairs.iter().any(|&pair| {
        let queue = queues.get(&rx_queue(pair)).filter(|q| q.state == State::Live);
        match (reason, queue) {
            (1, _) => p.may_drop,
            // The frame may have begun when the queue did not run yet. A queue stands still after a malformed chain, or after a ring read that failed.
            (5, q) => {
                let sure = startup.queue(rx_queue(pair));
                sure.is_none_or(|since| p.after <= since) || q.is_none_or(|q| q.fault.is_some() || q.broken)
            }
            (2, Some(q)) => q.fault.is_some() || q.broken || !room(q, p, pair, pending, shape, merge, now),
            (3, Some(q)) => {
                need > q.in_flight().map(|c| c.writable_bytes).min().unwrap_or(0)
                    && (!merge || p.data.len() > 1514)
            }
            (4, Some(_)) => {
                // Whether a tag counts as part of the header is the device's reading of the clause.
                p.data.len() > shape.longest_packet().unwrap_or(1500) + ETHERNET_HEADER
            }
            _ => false,
        }
    })
}

/// Was there surely room for frame `p`, counting only buffers that the device was told of before the frame came?
fn room(
    q: &Queue,
    p: &Pending,
    pair: u16,
    pending: &VecDeque<Pending>,
    shape: &Shape,
    merge: bool,
    now: u64,
) -> bool {
    let told = q.kicks.notified(now);
    let mut buffers = q
        .in_flight()
        .filter(|c| c.visible_cycle <= p.cycle && c.position < told)
        .map(|c| c.writable_bytes);
    for f in pending.iter().filter(|f| f.may_accept && f.pairs.contains(&pair)) {
        let mut need = (f.data.len() + shape.header_bytes()) as u64;
        loop {
            let Some(b) = buffers.next() else { return false };
            if b >= need {
                break;
            }
            if !merge {
                return false;
            }
            need -= b;
        }
        if std::ptr::eq(f, p) {
            return true;
        }
    }
    true
}
