//! Frame streams on their pins: the wire's end of a network device.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use ringside_models::event::What;
use ringside_sim::{Bfm, Cycle, Port, SimHandle};

use super::ports::{FramePorts, NetPorts};
use super::pressure::Pressure;
use super::stall::{Problems, StallWatch};
use crate::host::recorder::Recorder;

/// Widest `tdata` in 32-bit words.
const WORDS_MAX: usize = super::beats::WORDS_MAX;

/// Frames longer than this have lost their end.
const FRAME_BYTES_MAX: usize = 128 * 1024;

/// A frame that the device sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxFrame {
    /// Cycle of its last beat.
    pub cycle: u64,
    /// Transmit queue pair.
    pub queue: u16,
    /// The device says that it is broken: the wire discards it.
    pub error: bool,
    /// Bytes without FCS.
    pub data: Vec<u8>,
}

/// A frame for the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RxFrame {
    /// Earliest cycle of its first beat.
    pub not_before: u64,
    /// Flow hash.
    pub flow: u16,
    /// Bytes without FCS, at least one.
    pub data: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct FrameBeat {
    data: [u32; WORDS_MAX],
    keep: u64,
    last: bool,
    queue: u16,
    error: bool,
}

impl FrameBeat {
    fn empty() -> Self {
        FrameBeat {
            data: [0; WORDS_MAX],
            keep: 0,
            last: false,
            queue: 0,
            error: false,
        }
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.data.iter().flat_map(|w| w.to_le_bytes())
    }

    /// Same where it counts.
    fn same(&self, other: &Self) -> bool {
        let kept = self.bytes().zip(other.bytes()).enumerate();
        (self.keep, self.last, self.queue, self.error) == (other.keep, other.last, other.queue, other.error)
            && kept
                .filter(|(i, _)| self.keep >> i & 1 == 1)
                .all(|(_, (a, b))| a == b)
    }
}

/// Receives frames of the device.
pub struct FrameSink {
    ports: FramePorts,
    queue: Port,
    error: Port,
    words: usize,
    pressure: Pressure,
    ready: bool,
    beat: FrameBeat,
    watch: StallWatch<FrameBeat>,
    /// Bytes of the frame under way and the queue that its first beat named.
    bytes: Vec<u8>,
    of_queue: Option<u16>,
    problems: Problems,
    recorder: Recorder,
    taken: Box<dyn FnMut(TxFrame)>,
    open: Rc<Cell<bool>>,
}

impl fmt::Debug for FrameSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameSink")
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

impl FrameSink {
    /// Watches `net_tx`; each whole frame is recorded and given to `taken`.
    #[must_use]
    pub fn new(
        net: &NetPorts,
        pressure: Pressure,
        recorder: Recorder,
        taken: Box<dyn FnMut(TxFrame)>,
    ) -> Self {
        net.tx.tready.set_bool(false);
        FrameSink {
            ports: net.tx,
            queue: net.tx_queue,
            error: net.tx_error,
            words: net.tx.tdata.words(),
            pressure,
            ready: false,
            beat: FrameBeat::empty(),
            watch: StallWatch::new(FrameBeat::empty()),
            bytes: Vec::new(),
            of_queue: None,
            problems: Problems::new("net_tx", recorder.clone()),
            recorder,
            taken,
            open: Rc::new(Cell::new(true)),
        }
    }

    /// While it holds false no beat is taken.
    #[must_use]
    pub fn gate(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.open)
    }

    fn read_beat(&mut self) {
        let (p, beat) = (&self.ports, &mut self.beat);
        p.tdata.read_words(&mut beat.data[..self.words]);
        beat.keep = p.tkeep.get_u64();
        beat.last = p.tlast.get_bool();
        beat.queue = self.queue.get_u64() as u16;
        beat.error = beat.last && self.error.get_bool();
    }

    fn take_beat(&mut self, now: u64) {
        let beat = &self.beat;
        let count = beat.keep.trailing_ones() as usize;
        if beat.keep.count_ones() as usize != count {
            let keep = beat.keep;
            self.problems
                .tell(now, format_args!("tkeep {keep:#x} has a hole"));
        } else if count == 0 || !beat.last && count != self.words * 4 {
            let keep = beat.keep;
            self.problems.tell(
                now,
                format_args!("tkeep {keep:#x}: a last beat carries a byte, any other all"),
            );
        }
        let queue = *self.of_queue.get_or_insert(beat.queue);
        if queue != beat.queue {
            let other = beat.queue;
            self.problems.tell(
                now,
                format_args!("queue changed from {queue} to {other} within a frame"),
            );
        }
        for word in &beat.data[..count.div_ceil(4)] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        self.bytes
            .truncate(self.bytes.len() - (count.div_ceil(4) * 4 - count));
        let endless = self.bytes.len() > FRAME_BYTES_MAX;
        if endless {
            self.problems.tell(
                now,
                format_args!("frame without end: {} bytes and no tlast", self.bytes.len()),
            );
        }
        if beat.last || endless {
            self.of_queue = None;
            let frame = TxFrame {
                cycle: now,
                queue,
                error: beat.error || endless,
                data: self.bytes.clone(),
            };
            self.bytes.clear();
            self.recorder.record_with(now, || What::WireTx {
                queue,
                error: frame.error,
                data: frame.data.clone(),
            });
            (self.taken)(frame);
        }
    }
}

impl Bfm for FrameSink {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        if !self.ports.tvalid.get_bool() {
            if self.watch.idle() {
                self.problems.tell(cx.now, "tvalid fell before tready was seen");
            }
            return;
        }
        self.read_beat();
        let beat = &self.beat;
        if self
            .watch
            .valid(self.ready, |held| held.same(beat), |held| held.clone_from(beat))
        {
            self.problems.tell(cx.now, "frame changed while stalled");
        }
        if self.ready {
            cx.progress();
            self.take_beat(cx.now);
        }
    }

    fn drive(&mut self, cx: &mut Cycle<'_>) {
        let ready = self.pressure.go(cx.now) && self.open.get();
        if ready != self.ready {
            self.ready = ready;
            self.ports.tready.set_bool(ready);
        }
    }

    fn status(&self) -> Option<String> {
        (!self.bytes.is_empty()).then(|| format!("net_tx: {} bytes of a frame", self.bytes.len()))
    }
}

#[derive(Default)]
struct Feed {
    queue: RefCell<VecDeque<RxFrame>>,
    pushed: Cell<u64>,
    sent: Cell<u64>,
    dropped: Cell<u64>,
}

/// Gives frames to a [`FrameSource`]; clones feed the same one.
#[derive(Clone, Default)]
pub struct FrameFeeder(Rc<Feed>);

impl fmt::Debug for FrameFeeder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameFeeder")
            .field("pushed", &self.pushed())
            .field("sent", &self.sent())
            .finish_non_exhaustive()
    }
}

impl FrameFeeder {
    /// Queues a frame behind the others. False, and nothing queued, if it is empty: a stream cannot carry no bytes.
    #[must_use]
    pub fn push(&self, frame: RxFrame) -> bool {
        if frame.data.is_empty() {
            return false;
        }
        self.0.pushed.set(self.0.pushed.get() + 1);
        self.0.queue.borrow_mut().push_back(frame);
        true
    }

    /// Frames queued so far.
    #[must_use]
    pub fn pushed(&self) -> u64 {
        self.0.pushed.get()
    }

    /// Frames that the device has taken whole.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.0.sent.get()
    }

    /// Frames that the device said it dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.dropped.get()
    }

    /// Frames not yet taken whole.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.pushed() - self.sent()
    }
}

/// Sends frames to the device and watches its drop reports.
pub struct FrameSource {
    ports: FramePorts,
    flow: Port,
    drop: Port,
    drop_reason: Port,
    words: usize,
    pressure: Pressure,
    feed: FrameFeeder,
    current: Option<RxFrame>,
    at: usize,
    beat_bytes: usize,
    valid: bool,
    words_out: [u32; WORDS_MAX],
    recorder: Recorder,
    dropped: Box<dyn FnMut(u64, u8)>,
}

impl fmt::Debug for FrameSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameSource")
            .field("feed", &self.feed)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl FrameSource {
    /// Drives `net_rx` with what comes through the feeder; `dropped` is told the cycle and reason of each drop.
    #[must_use]
    pub fn new(
        net: &NetPorts,
        pressure: Pressure,
        recorder: Recorder,
        dropped: Box<dyn FnMut(u64, u8)>,
    ) -> (Self, FrameFeeder) {
        for port in [
            net.rx.tvalid,
            net.rx.tlast,
            net.rx.tkeep,
            net.rx.tdata,
            net.rx_flow,
        ] {
            port.set_u64(0);
        }
        let feed = FrameFeeder::default();
        let source = FrameSource {
            ports: net.rx,
            flow: net.rx_flow,
            drop: net.rx_drop,
            drop_reason: net.rx_drop_reason,
            words: net.rx.tdata.words(),
            pressure,
            feed: feed.clone(),
            current: None,
            at: 0,
            beat_bytes: 0,
            valid: false,
            words_out: [0; WORDS_MAX],
            recorder,
            dropped,
        };
        (source, feed)
    }

    fn beat_taken(&mut self, now: u64) {
        self.valid = false;
        self.at += self.beat_bytes;
        let whole = self.current.take_if(|f| self.at >= f.data.len());
        if let Some(frame) = whole {
            self.at = 0;
            let feed = &self.feed.0;
            feed.sent.set(feed.sent.get() + 1);
            self.recorder.record_with(now, || What::WireRx {
                flow: frame.flow,
                data: frame.data,
            });
        }
    }

    fn write_beat(&mut self) {
        let Some(frame) = &self.current else { return };
        let rest = &frame.data[self.at..];
        let take = rest.len().min(self.words * 4);
        self.beat_bytes = take;
        self.words_out = [0; WORDS_MAX];
        for (word, bytes) in self.words_out.iter_mut().zip(rest[..take].chunks(4)) {
            let mut le = [0; 4];
            le[..bytes.len()].copy_from_slice(bytes);
            *word = u32::from_le_bytes(le);
        }
        let p = &self.ports;
        p.tdata.write_words(&self.words_out[..self.words]);
        p.tkeep.set_u64(u64::MAX >> (64 - take));
        p.tlast.set_bool(take == rest.len());
        self.flow.set_u64(frame.flow.into());
        p.tvalid.set_bool(true);
        self.valid = true;
    }
}

impl Bfm for FrameSource {
    fn sample(&mut self, cx: &mut Cycle<'_>) {
        if self.valid && self.ports.tready.get_bool() {
            cx.progress();
            self.beat_taken(cx.now);
        }
        if self.drop.get_bool() {
            cx.progress();
            let reason = self.drop_reason.get_u64() as u8;
            let feed = &self.feed.0;
            feed.dropped.set(feed.dropped.get() + 1);
            self.recorder.record(cx.now, What::WireDrop { reason });
            (self.dropped)(cx.now, reason);
        }
    }

    fn drive(&mut self, cx: &mut Cycle<'_>) {
        let go = self.pressure.go(cx.now);
        if self.valid {
            return;
        }
        if self.current.is_none() {
            let mut queue = self.feed.0.queue.borrow_mut();
            // What is driven now is on the pins in the next cycle.
            if queue.front().is_some_and(|f| f.not_before <= cx.now + 1) {
                self.current = queue.pop_front();
            }
        }
        if go && self.current.is_some() {
            self.write_beat();
        } else if self.ports.tvalid.get_bool() {
            self.ports.tvalid.set_bool(false);
        }
    }

    fn status(&self) -> Option<String> {
        let pending = self.feed.pending();
        (pending > 0).then(|| {
            format!(
                "net_rx: {pending} frames to give, {} bytes of the first given",
                self.at
            )
        })
    }
}

/// The link state that the device sees.
#[derive(Clone, Debug)]
pub struct LinkUp {
    port: Port,
    sim: SimHandle,
    state: Rc<Cell<Option<bool>>>,
    recorder: Recorder,
}

impl LinkUp {
    /// The `link_up_i` pin, down until [set](LinkUp::set).
    #[must_use]
    pub fn new(net: &NetPorts, sim: SimHandle, recorder: Recorder) -> Self {
        net.link_up.set_bool(false);
        LinkUp {
            port: net.link_up,
            sim,
            state: Rc::default(),
            recorder,
        }
    }

    /// Sets the state; a change is recorded.
    pub fn set(&self, up: bool) {
        if self.state.replace(Some(up)) != Some(up) {
            self.sim.write(self.port, up.into());
            self.recorder.record(self.sim.now(), What::LinkUp { up });
        }
    }
}
