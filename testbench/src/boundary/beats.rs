//! Beats to packets and packets to beats. Pure: no pins, no clock.

use ringside_models::tlp::{Tlp, TlpError};

/// Widest `tdata` in 32-bit words.
pub(super) const WORDS_MAX: usize = 16;

/// One beat of a TLP channel, as read from or written to its pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beat {
    /// Payload lanes, low first; lanes beyond the channel's width are zero.
    pub(super) data: [u32; WORDS_MAX],
    /// One bit a dword.
    pub(super) keep: u32,
    /// Last of its packet.
    pub(super) last: bool,
    /// Header dwords; meaningful with the first beat.
    pub(super) hdr: [u32; 4],
    /// Prefix, with the first beat.
    pub(super) prefix: Option<u32>,
}

impl Beat {
    pub(super) fn empty() -> Self {
        Beat {
            data: [0; WORDS_MAX],
            keep: 0,
            last: false,
            hdr: [0; 4],
            prefix: None,
        }
    }
}

/// What is wrong with a beat or its packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BeatError {
    #[error("tkeep {keep:#x} has a hole")]
    Hole { keep: u32 },
    #[error("tkeep {keep:#x} of a beat that is not the last is not full")]
    Partial { keep: u32 },
    #[error("packet without end: {bytes} payload bytes and no tlast")]
    Endless { bytes: usize },
    #[error("{0}")]
    Tlp(#[from] TlpError),
}

/// A packet put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) tlp: Tlp,
    /// Cycle of the first beat.
    pub(super) start: u64,
}

/// Puts packets together.
#[derive(Debug)]
pub(super) struct Assembler {
    lanes: usize,
    hdr: [u32; 4],
    prefix: Option<u32>,
    start: Option<u64>,
    bytes: Vec<u8>,
    /// A rule was broken within this packet: it is reported once.
    spoiled: bool,
}

impl Assembler {
    /// For a channel of `lanes` dwords.
    pub(super) fn new(lanes: usize) -> Self {
        Assembler {
            lanes,
            hdr: [0; 4],
            prefix: None,
            start: None,
            bytes: Vec::new(),
            spoiled: false,
        }
    }

    /// Is the next beat the first of a packet?
    pub(super) fn at_start(&self) -> bool {
        self.start.is_none()
    }

    /// Takes a beat that was handed over at `now`. The packet, when it is whole; a problem, when there is one - the packet goes on if it can.
    pub(super) fn push(&mut self, now: u64, beat: &Beat) -> (Option<Whole>, Option<BeatError>) {
        if self.start.is_none() {
            (self.start, self.hdr, self.prefix) = (Some(now), beat.hdr, beat.prefix);
            self.spoiled = false;
            self.bytes.clear();
        }
        let count = beat.keep.trailing_ones() as usize;
        let mut problem = None;
        if beat.keep.count_ones() as usize != count {
            problem = Some(BeatError::Hole { keep: beat.keep });
        } else if !beat.last && count != self.lanes {
            problem = Some(BeatError::Partial { keep: beat.keep });
        }
        for word in &beat.data[..count.min(self.lanes)] {
            self.bytes.extend_from_slice(&word.to_le_bytes());
        }
        let mut whole = None;
        let endless = self.bytes.len() > 4096 + self.lanes * 4;
        if beat.last || endless {
            let start = self.start.take().unwrap_or(now);
            if endless {
                problem = Some(BeatError::Endless {
                    bytes: self.bytes.len(),
                });
            } else {
                match Tlp::decode(self.hdr, self.prefix, self.bytes.clone()) {
                    Ok(tlp) => whole = Some(Whole { tlp, start }),
                    Err(e) => problem = problem.or(Some(e.into())),
                }
            }
        }
        if self.spoiled {
            problem = None;
        }
        self.spoiled |= problem.is_some();
        (whole, problem)
    }
}

/// Takes a packet apart.
#[derive(Debug)]
pub(super) struct Disassembler {
    lanes: usize,
    tlp: Tlp,
    next: usize,
}

impl Disassembler {
    /// For a channel of `lanes` dwords.
    pub(super) fn new(tlp: Tlp, lanes: usize) -> Self {
        Disassembler { lanes, tlp, next: 0 }
    }

    /// Fills in the next beat and says how many bytes of the link it takes.
    pub(super) fn fill(&mut self, beat: &mut Beat) -> u64 {
        let first = self.next == 0;
        let data = self.tlp.data();
        let from = (self.next * self.lanes * 4).min(data.len());
        let to = (from + self.lanes * 4).min(data.len());
        beat.data = [0; WORDS_MAX];
        for (word, bytes) in beat.data.iter_mut().zip(data[from..to].chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let dwords = (to - from) / 4;
        beat.keep = ((1_u64 << dwords) - 1) as u32;
        beat.last = to == data.len();
        beat.hdr = if first { self.tlp.header() } else { [0; 4] };
        beat.prefix = if first { self.tlp.prefix } else { None };
        self.next += 1;
        let payload = (to - from) as u64;
        if first {
            self.tlp.wire_bytes() - data.len() as u64 + payload
        } else {
            payload
        }
    }

    /// The packet.
    pub(super) fn into_tlp(self) -> Tlp {
        self.tlp
    }
}

/// Bytes of the link that a beat takes: its payload, and with the first also framing, prefix and header.
pub(super) fn beat_wire_bytes(beat: &Beat, first: bool) -> u64 {
    let payload = u64::from(beat.keep.count_ones()) * 4;
    if first {
        let wide = u64::from(beat.hdr[0] >> 29 & 1);
        payload + 8 + 4 * (3 + wide) + 4 * u64::from(beat.prefix.is_some())
    } else {
        payload
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringside_models::tlp::Body;

    fn write(bytes: usize) -> Tlp {
        Tlp::new(Body::MWr {
            req: 1,
            tag: 0,
            addr: 0x1_0000_0000,
            fbe: 0xf,
            lbe: if bytes > 4 { 0xf } else { 0 },
            data: (0..bytes).map(|i| i as u8).collect(),
        })
    }

    fn read() -> Tlp {
        Tlp::new(Body::MRd {
            req: 1,
            tag: 7,
            addr: 0x1000,
            dw: 16,
            fbe: 0xf,
            lbe: 0xf,
        })
    }

    #[test]
    fn every_packet_survives_every_width() {
        for lanes in [2, 4, 8, 16] {
            for bytes in [4, 8, 28, 32, 36, 64, 68, 128, 256, 4096] {
                for mut tlp in [write(bytes), read()] {
                    tlp.prefix = (bytes == 64).then_some(0x9100_0042);
                    let mut apart = Disassembler::new(tlp.clone(), lanes);
                    let mut together = Assembler::new(lanes);
                    let mut beat = Beat::empty();
                    let (mut wire, mut wire_seen, mut now) = (0, 0, 10);
                    let whole = loop {
                        wire += apart.fill(&mut beat);
                        wire_seen += beat_wire_bytes(&beat, together.at_start());
                        let (whole, problem) = together.push(now, &beat);
                        assert_eq!(problem, None);
                        now += 1;
                        if let Some(whole) = whole {
                            break whole;
                        }
                        assert!(!beat.last);
                    };
                    assert!(beat.last);
                    assert_eq!((whole.start, &whole.tlp), (10, &tlp));
                    assert_eq!((wire, wire_seen), (tlp.wire_bytes(), tlp.wire_bytes()));
                    assert_eq!(now - 10, tlp.data().len().div_ceil(lanes * 4).max(1) as u64);
                    assert_eq!(apart.into_tlp(), tlp);
                }
            }
        }
    }

    #[test]
    fn a_hole_a_short_beat_and_a_lying_length_are_told_once() {
        let mut a = Assembler::new(4);
        let mut beat = Beat::empty();
        let mut d = Disassembler::new(write(32), 4);
        d.fill(&mut beat);
        beat.keep = 0b1011;
        assert_eq!(a.push(0, &beat).1, Some(BeatError::Hole { keep: 0b1011 }));
        d.fill(&mut beat);
        let (whole, problem) = a.push(1, &beat);
        assert_eq!(
            (whole, problem),
            (None, None),
            "told once, and the packet cannot be read"
        );

        let mut d = Disassembler::new(write(32), 4);
        d.fill(&mut beat);
        beat.keep = 0b0111;
        assert_eq!(a.push(2, &beat).1, Some(BeatError::Partial { keep: 0b0111 }));
        d.fill(&mut beat);
        a.push(3, &beat);

        let mut d = Disassembler::new(write(16), 4);
        d.fill(&mut beat);
        beat.hdr[0] += 1;
        let (whole, problem) = a.push(4, &beat);
        assert!(whole.is_none());
        let text = problem.map(|p| p.to_string()).unwrap_or_default();
        assert!(text.contains("header says 5 payload dwords, 16 bytes"), "{text}");
    }

    #[test]
    fn a_packet_without_end_is_cut() {
        let mut a = Assembler::new(16);
        let mut beat = Beat::empty();
        beat.keep = 0xffff;
        let problems: Vec<_> = (0..70).filter_map(|now| a.push(now, &beat).1).collect();
        assert_eq!(problems, [BeatError::Endless { bytes: 66 * 64 }]);
    }
}
