//! From a trace to a capture.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, BufRead, Write};

use ringside_models::event::{Channel, Event, Header, What};
use ringside_models::judge::{Cause, Judge, Violation};
use ringside_models::tlp::Tlp;
use ringside_models::trace::encode_header;

use super::{HAS_START, LINK_TEXT, LINK_TLP, VERSION, block, channel_code, read};
use crate::lines::{LineError, TraceLines};

/// Interfaces of a capture.
const UP: u32 = 0;
const DOWN: u32 = 1;
const BESIDE: u32 = 2;

/// Longest packet of text, in bytes: below what Wireshark takes.
const PIECE: usize = 128 * 1024;

/// Why a capture could not be written.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The trace.
    #[error(transparent)]
    Trace(#[from] LineError),
    /// The capture.
    #[error("cannot write the capture: {0}")]
    Write(io::Error),
}

/// Writes a trace as a capture, the judge's cause and violations as comments; how many TLPs it has. A trace without its end is an error, after all that
/// there is of it was written.
///
/// # Errors
/// [`CaptureError`] with the line of the trace, or what the system said of the capture.
pub fn write(trace: impl BufRead, out: &mut impl Write) -> Result<u64, CaptureError> {
    let mut lines = TraceLines::open(trace)?;
    let header = lines.header().clone();
    let mut writer = Writer::new(&header, out).map_err(CaptureError::Write)?;
    let mut judge = Judge::new(&header);
    let mut told = BTreeSet::new();
    let mut last = None;
    while let Some((event, line)) = lines.next_event()? {
        let observation = judge.observe(&event);
        let mut comments: Vec<String> = observation.cause.as_ref().map(words).into_iter().collect();
        for v in &observation.violations {
            told.insert((v.rule, v.cycle, v.got.clone()));
            comments.push(breach(v));
        }
        if matches!(event.what, What::End { .. }) {
            last = Some((event, line.trim_end().to_owned(), comments));
            continue;
        }
        writer
            .event(&event, line.trim_end(), &comments)
            .map_err(CaptureError::Write)?;
    }
    lines.finish()?;
    let verdict = judge.finish();
    if let Some((event, line, mut comments)) = last {
        // what was owed and never came
        let owed = verdict
            .violations
            .iter()
            .filter(|v| !told.contains(&(v.rule, v.cycle, v.got.clone())));
        comments.extend(owed.map(breach));
        writer
            .event(&event, &line, &comments)
            .map_err(CaptureError::Write)?;
    }
    Ok(writer.tlps)
}

/// A cause in words: `descriptor, queue 1, chain 7`.
fn words(cause: &Cause) -> String {
    let mut text = cause.purpose.name().to_owned();
    if let Some(queue) = cause.queue {
        let _ = write!(text, ", queue {queue}");
    }
    if let Some(chain) = cause.chain {
        let _ = write!(text, ", chain {chain}");
    }
    if cause.items > 0 {
        let _ = write!(text, ", {} moved, {} of no use", cause.items, cause.wasted);
    }
    text
}

fn breach(v: &Violation) -> String {
    format!("violation of {}: expected {}; got {}", v.rule, v.expected, v.got)
}

struct Writer<'a, W> {
    out: &'a mut W,
    ns_per_cycle: f64,
    tlps: u64,
}

impl<'a, W: Write> Writer<'a, W> {
    fn new(header: &Header, out: &'a mut W) -> io::Result<Self> {
        block::section(
            out,
            &format!("{}, {}, seed {}", header.dut, header.scenario, header.seed),
        )?;
        block::interface(out, LINK_TLP, "device to host")?;
        block::interface(out, LINK_TLP, "host to device")?;
        block::interface(out, LINK_TEXT, "beside the link")?;
        let mut writer = Writer {
            out,
            ns_per_cycle: 1000.0 / header.clock_mhz,
            tlps: 0,
        };
        writer.text(0, &encode_header(header), &[])?;
        Ok(writer)
    }

    fn ns(&self, cycle: u64) -> u64 {
        #[expect(clippy::cast_sign_loss, reason = "times are not negative")]
        let ns = (cycle as f64 * self.ns_per_cycle) as u64;
        ns
    }

    fn event(&mut self, event: &Event, line: &str, comments: &[String]) -> io::Result<()> {
        if let What::Tlp { ch, start, tlp } = &event.what
            && let Some(data) = packet(event.cycle, *ch, *start, tlp)
        {
            self.tlps += 1;
            let interface = if ch.is_upstream() { UP } else { DOWN };
            return block::packet(self.out, interface, self.ns(event.cycle), &data, comments);
        }
        self.text(event.cycle, line, comments)
    }

    /// A line of the trace; a long one in several packets.
    fn text(&mut self, cycle: u64, line: &str, comments: &[String]) -> io::Result<()> {
        let bytes = format!("{line}\n").into_bytes();
        let mut comments = comments;
        for piece in bytes.chunks(PIECE) {
            block::packet(self.out, BESIDE, self.ns(cycle), piece, comments)?;
            comments = &[];
        }
        Ok(())
    }
}

/// A TLP as a packet; `None` for one that would not come back as it is, such as one whose length field lies.
fn packet(cycle: u64, ch: Channel, start: Option<u64>, tlp: &Tlp) -> Option<Vec<u8>> {
    let duration = match start {
        Some(start) => u32::try_from(cycle.checked_sub(start)?).ok()?,
        None => 0,
    };
    let flags = if start.is_some() { HAS_START } else { 0 };
    let mut data = vec![VERSION, channel_code(ch), flags, 0];
    data.extend(cycle.to_be_bytes());
    data.extend(duration.to_be_bytes());
    data.extend(tlp.prefix.into_iter().flat_map(u32::to_be_bytes));
    let dwords = tlp.header_dw() as usize;
    data.extend(tlp.header()[..dwords].iter().flat_map(|dw| dw.to_be_bytes()));
    data.extend(tlp.data());
    let same = What::Tlp {
        ch,
        start,
        tlp: tlp.clone(),
    };
    read::tlp(&data)
        .ok()
        .filter(|e| e.cycle == cycle && e.what == same)?;
    Some(data)
}
