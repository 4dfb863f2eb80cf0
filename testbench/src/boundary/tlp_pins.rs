//! A TLP channel on its pins.

use ringside_models::event::{Channel, What};
use ringside_models::tlp::Tlp;

use super::beats::{Assembler, Beat, Disassembler, beat_wire_bytes};
use super::ports::TlpPorts;
use super::stall::{Problems, StallWatch};
use crate::host::recorder::Recorder;

fn name(channel: Channel) -> &'static str {
    match channel {
        Channel::Cq => "cq",
        Channel::Cc => "cc",
        Channel::Rq => "rq",
        Channel::Rc => "rc",
    }
}

fn event(channel: Channel, start: u64, now: u64, tlp: &Tlp) -> What {
    What::Tlp {
        ch: channel,
        start: (start != now).then_some(start),
        tlp: tlp.clone(),
    }
}

/// What a [`TlpSink`] saw in a cycle.
#[derive(Debug, Default)]
pub struct Arrived {
    /// Bytes of the link used.
    pub wire_bytes: u64,
    /// A packet that is whole now.
    pub tlp: Option<Tlp>,
}

/// Receives packets from the device.
#[derive(Debug)]
pub struct TlpSink {
    channel: Channel,
    ports: TlpPorts,
    lanes: usize,
    assembler: Assembler,
    watch: StallWatch<Beat>,
    beat: Beat,
    ready: bool,
    problems: Problems,
    recorder: Recorder,
}

impl TlpSink {
    /// Watches the pins of `channel`; not ready.
    #[must_use]
    pub fn new(channel: Channel, ports: TlpPorts, recorder: Recorder) -> Self {
        let lanes = ports.tkeep.width() as usize;
        ports.tready.set_bool(false);
        TlpSink {
            channel,
            ports,
            lanes,
            assembler: Assembler::new(lanes),
            watch: StallWatch::new(Beat::empty()),
            beat: Beat::empty(),
            ready: false,
            problems: Problems::new(name(channel), recorder.clone()),
            recorder,
        }
    }

    /// Before the edge: takes what is handed over. Records whole packets.
    pub fn sample(&mut self, now: u64) -> Option<Arrived> {
        if !self.ports.tvalid.get_bool() {
            if self.watch.idle() {
                self.problems.tell(now, "tvalid fell before tready was seen");
            }
            return None;
        }
        let first = self.assembler.at_start();
        self.read_beat(first);
        let beat = &self.beat;
        let changed = self.watch.valid(
            self.ready,
            |held| same(held, beat, first),
            |held| held.clone_from(beat),
        );
        if changed {
            self.problems.tell(now, "payload or header changed while stalled");
        }
        if !self.ready {
            return None;
        }
        let wire_bytes = beat_wire_bytes(&self.beat, first);
        let (whole, problem) = self.assembler.push(now, &self.beat);
        if let Some(problem) = problem {
            self.problems.tell(now, problem);
        }
        let tlp = whole.map(|w| {
            self.recorder
                .record_with(now, || event(self.channel, w.start, now, &w.tlp));
            w.tlp
        });
        Some(Arrived { wire_bytes, tlp })
    }

    /// After the edge: ready in the next cycle, or not.
    pub fn drive(&mut self, ready: bool) {
        if ready != self.ready {
            self.ready = ready;
            self.ports.tready.set_bool(ready);
        }
    }

    /// Broken handshake rules so far.
    #[must_use]
    pub fn problems(&self) -> u32 {
        self.problems.count()
    }

    fn read_beat(&mut self, first: bool) {
        let (p, beat) = (&self.ports, &mut self.beat);
        p.tdata.read_words(&mut beat.data[..self.lanes]);
        beat.keep = p.tkeep.get_u64() as u32;
        beat.last = p.tlast.get_bool();
        if first {
            p.thdr.read_words(&mut beat.hdr);
            beat.prefix = p.tprefix_valid.get_bool().then(|| p.tprefix.get_u64() as u32);
        }
    }
}

/// Are two beats the same where it counts: kept lanes, and the header with a first beat?
fn same(a: &Beat, b: &Beat, first: bool) -> bool {
    let lanes = a.data.iter().zip(&b.data).enumerate();
    a.keep == b.keep
        && a.last == b.last
        && (!first || a.hdr == b.hdr && a.prefix == b.prefix)
        && lanes
            .filter(|(i, _)| a.keep >> i & 1 == 1)
            .all(|(_, (x, y))| x == y)
}

#[derive(Debug)]
struct Sending {
    parts: Disassembler,
    start: Option<u64>,
}

/// Sends packets to the device, one after the other.
#[derive(Debug)]
pub struct TlpSource {
    channel: Channel,
    ports: TlpPorts,
    lanes: usize,
    sending: Option<Sending>,
    beat: Beat,
    /// The beat stands on the pins and has not been taken.
    valid: bool,
    recorder: Recorder,
}

impl TlpSource {
    /// Drives the pins of `channel`; idle.
    #[must_use]
    pub fn new(channel: Channel, ports: TlpPorts, recorder: Recorder) -> Self {
        for port in [
            ports.tvalid,
            ports.tlast,
            ports.tkeep,
            ports.tdata,
            ports.thdr,
            ports.tprefix,
            ports.tprefix_valid,
        ] {
            port.set_u64(0);
        }
        TlpSource {
            channel,
            lanes: ports.tkeep.width() as usize,
            ports,
            sending: None,
            beat: Beat::empty(),
            valid: false,
            recorder,
        }
    }

    /// Is there no packet under way?
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.sending.is_none()
    }

    /// The next packet. The source must be [free](TlpSource::is_free).
    pub fn send(&mut self, tlp: Tlp) {
        debug_assert!(self.is_free());
        self.sending = Some(Sending {
            parts: Disassembler::new(tlp, self.lanes),
            start: None,
        });
    }

    /// Before the edge: was the beat taken? The packet, when that was its last; it is recorded.
    pub fn sample(&mut self, now: u64) -> Option<Tlp> {
        if !self.valid || !self.ports.tready.get_bool() {
            return None;
        }
        self.valid = false;
        let start = *self.sending.as_mut()?.start.get_or_insert(now);
        if !self.beat.last {
            return None;
        }
        let tlp = self.sending.take()?.parts.into_tlp();
        self.recorder
            .record_with(now, || event(self.channel, start, now, &tlp));
        Some(tlp)
    }

    /// After the edge: puts the next beat on the pins if there is one and `open` lets it. Returns the bytes of the link that it takes.
    pub fn drive(&mut self, open: bool) -> u64 {
        if self.valid {
            return 0;
        }
        match &mut self.sending {
            Some(sending) if open => {
                let bytes = sending.parts.fill(&mut self.beat);
                self.valid = true;
                self.write_beat();
                bytes
            }
            _ => {
                if self.ports.tvalid.get_bool() {
                    self.ports.tvalid.set_bool(false);
                }
                0
            }
        }
    }

    fn write_beat(&self) {
        let (p, beat) = (&self.ports, &self.beat);
        p.tvalid.set_bool(true);
        p.tdata.write_words(&beat.data[..self.lanes]);
        p.tkeep.set_u64(beat.keep.into());
        p.tlast.set_bool(beat.last);
        p.thdr.write_words(&beat.hdr);
        p.tprefix.set_u64(beat.prefix.unwrap_or(0).into());
        p.tprefix_valid.set_bool(beat.prefix.is_some());
    }
}
