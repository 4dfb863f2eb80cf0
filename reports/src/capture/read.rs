//! From a capture to the lines of its trace.

use std::io::{self, BufRead, Read};

use ringside_models::event::{Event, What};
use ringside_models::tlp::Tlp;
use ringside_models::trace::encode_event;

use super::block::Blocks;
use super::{HAS_START, LEAD, LINK_TEXT, LINK_TLP, VERSION, channel_of};

/// Longest line of a trace that is put together from packets, in bytes.
const LONGEST_LINE: usize = 64 << 20;

/// A capture read as the trace that it holds. Packets of other link types are none of ours and are left out.
pub struct CaptureLines<R> {
    blocks: Blocks<R>,
    line: Vec<u8>,
    at: usize,
    /// Bytes so far of a line that goes on in the next packet.
    open: usize,
}

impl<R: BufRead> CaptureLines<R> {
    /// Reads a pcapng file.
    pub fn new(input: R) -> Self {
        CaptureLines {
            blocks: Blocks::new(input),
            line: Vec::new(),
            at: 0,
            open: 0,
        }
    }

    /// Brings the next line, or part of one; nothing at the end.
    fn next(&mut self) -> io::Result<()> {
        loop {
            let Some(packet) = self.blocks.packet()? else {
                self.line.clear();
                self.at = 0;
                return if self.open > 0 {
                    Err(self.blocks.wrong("the file ends inside a line of the trace"))
                } else {
                    Ok(())
                };
            };
            match packet.link_type {
                LINK_TEXT => {
                    let last = packet.data.iter().rev().take_while(|b| **b != b'\n').count();
                    self.open = if last == packet.data.len() {
                        self.open + last
                    } else {
                        last
                    };
                    if self.open > LONGEST_LINE {
                        return Err(self.blocks.wrong("a line of the trace without an end"));
                    }
                    self.line = packet.data;
                }
                LINK_TLP if self.open > 0 => {
                    return Err(self.blocks.wrong("a TLP inside a line of the trace"));
                }
                LINK_TLP => {
                    let event = tlp(&packet.data).map_err(|cause| self.blocks.wrong(cause))?;
                    self.line = encode_event(&event).into_bytes();
                    self.line.push(b'\n');
                }
                _ => continue,
            }
            self.at = 0;
            if !self.line.is_empty() {
                return Ok(());
            }
        }
    }
}

impl<R: BufRead> Read for CaptureLines<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let n = from.len().min(into.len());
        into[..n].copy_from_slice(&from[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for CaptureLines<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.line.len() {
            self.next()?;
        }
        Ok(&self.line[self.at..])
    }

    fn consume(&mut self, n: usize) {
        self.at += n;
    }
}

/// The event that a packet of link type 147 is.
pub(super) fn tlp(data: &[u8]) -> Result<Event, String> {
    let Some((lead, mut rest)) = data.split_at_checked(LEAD) else {
        return Err(format!(
            "{} bytes are no TLP with its {LEAD} bytes of lead",
            data.len()
        ));
    };
    if lead[0] != VERSION {
        return Err(format!(
            "version {} of the lead, this reader understands {VERSION}",
            lead[0]
        ));
    }
    let ch = channel_of(lead[1]).ok_or_else(|| format!("channel {}, expected 0 to 3", lead[1]))?;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b));
    let (cycle, duration) = (number(&lead[4..12]), number(&lead[12..16]));
    let start = if lead[2] & HAS_START != 0 {
        let start = cycle.checked_sub(duration);
        Some(start.ok_or_else(|| format!("a TLP of {duration} cycles that ends in cycle {cycle}"))?)
    } else {
        None
    };
    let mut dword = || -> Result<u32, String> {
        let (dw, more) = rest
            .split_at_checked(4)
            .ok_or("a TLP that ends inside its header")?;
        rest = more;
        Ok(number(dw) as u32)
    };
    let mut first = dword()?;
    let mut prefix = None;
    if first >> 29 == 0b100 {
        prefix = Some(first);
        first = dword()?;
        if first >> 29 == 0b100 {
            return Err("a second prefix: Ringside knows one".to_owned());
        }
    }
    let wide = first >> 29 & 1 == 1;
    let header = [first, dword()?, dword()?, if wide { dword()? } else { 0 }];
    let tlp = Tlp::decode(header, prefix, rest.to_vec()).map_err(|e| e.to_string())?;
    Ok(Event {
        cycle,
        what: What::Tlp { ch, start, tlp },
    })
}
