//! A trace made comparable: lines of text in streams.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::BufRead;

use ringside_models::event::{Channel, EndReason, Header, What};
use ringside_models::hex;
use ringside_models::judge::{Cause, Judge, Purpose};
use ringside_models::tlp::{Body, Tlp};
use ringside_reports::{LineError, TraceLines};

/// How much of a trace counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// What happened, in order within each stream.
    Timeless,
    /// Every event at its cycle, in one stream.
    Exact,
}

/// A line of a stream. Lines are equal if their texts are.
#[derive(Clone, Debug)]
pub struct Line {
    /// What is compared.
    pub text: String,
    /// Cycle of the event.
    pub cycle: u64,
    /// Its place among the trace's events, from 1.
    pub event: u64,
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Line {}

/// A comparable trace: streams by name, each a list of lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Normal {
    /// The streams.
    pub streams: BTreeMap<String, Vec<Line>>,
}

/// Makes a trace comparable.
///
/// # Errors
/// [`LineError`] with the line when it is no trace, or one without its end.
pub fn normalise(lines: impl BufRead, precision: Precision) -> Result<Normal, LineError> {
    let mut lines = TraceLines::open(lines)?;
    let mut judge = Judge::new(lines.header());
    let mut normal = Normal::default();
    normal.push("0 header", header_line(lines.header()), 0, 0);
    let mut number = 0;
    while let Some((event, line)) = lines.next_event()? {
        number += 1;
        let cause = judge.observe(&event).cause;
        match precision {
            Precision::Exact => {
                let text = format!("{} {}", event.cycle, exact(line));
                normal.push("all", text, event.cycle, number);
            }
            Precision::Timeless => {
                if let Some((stream, text)) = timeless(&event.what, cause.as_ref()) {
                    normal.push(&stream, text, event.cycle, number);
                }
            }
        }
    }
    lines.finish()?;
    Ok(normal)
}

impl Normal {
    fn push(&mut self, stream: &str, text: String, cycle: u64, event: u64) {
        self.streams
            .entry(stream.to_owned())
            .or_default()
            .push(Line { text, cycle, event });
    }

    /// Lines in all.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.streams.values().map(Vec::len).sum()
    }
}

/// What two traces must have in common to be compared at all.
fn header_line(h: &Header) -> String {
    format!(
        "{} seed {} link gen{} x{}, MPS {}, MRRS {}, RCB {} expect {}",
        h.scenario,
        h.seed,
        h.link.generation,
        h.link.lanes,
        h.link.mps_bytes,
        h.link.mrrs_bytes,
        h.link.rcb_bytes,
        h.expect.join(", ")
    )
}

/// An event's line without its cycle, which stands before it.
fn exact(line: &str) -> &str {
    line.split_once(",\"e\":")
        .map_or(line, |(_, rest)| rest)
        .trim_end()
}

fn timeless(what: &What, cause: Option<&Cause>) -> Option<(String, String)> {
    match what {
        What::Tlp { ch, tlp, .. } => {
            let cause = cause.copied().unwrap_or(Cause::of(Purpose::Unknown));
            let queue = cause.queue.map(|q| format!(" q{q}")).unwrap_or_default();
            let stream = match ch {
                Channel::Rq => format!("rq {}{queue}", cause.purpose.name()),
                // Kicks of different queues race, and with register accesses; the rest is one thread's work and has one order.
                Channel::Cq if cause.purpose == Purpose::Kick => format!("cq kick{queue}"),
                Channel::Cq => "cq".to_owned(),
                Channel::Cc => "cc".to_owned(),
                // The host's answers are its own memory, cut and ordered by its own laws.
                Channel::Rc => return None,
            };
            Some((stream, tlp_line(tlp)))
        }
        What::Store { addr, data, .. } => {
            Some(("store".into(), format!("{addr:#x} {}", hex::text(data, ""))))
        }
        What::Map {
            region,
            addr,
            len_bytes,
            multiplier,
        } => Some((
            "map".into(),
            format!(
                "{region} at {addr:#x}, {len_bytes} bytes, multiplier {}",
                multiplier.map_or("none".to_owned(), |m| m.to_string())
            ),
        )),
        What::WireTx { queue, error, data } => Some((
            format!("net_tx q{queue}"),
            format!("{}{}", if *error { "broken " } else { "" }, hex::text(data, "")),
        )),
        What::WireRx { flow, data } => {
            Some(("net_rx".into(), format!("flow {flow} {}", hex::text(data, ""))))
        }
        What::WireDrop { reason } => Some(("net_rx drops".into(), format!("reason {reason}"))),
        What::LinkUp { up } => Some(("link".into(), format!("up {up}"))),
        What::Pin { channel, problem } => Some(("pins".into(), format!("{channel}: {problem}"))),
        What::End { reason } => Some((
            "end".into(),
            match reason {
                EndReason::Complete => "complete".into(),
                EndReason::Truncated => "truncated".into(),
            },
        )),
        What::HardReset {} => Some(("reset".into(), "reset".into())),
        // Credits follow the host's pace; notes are remarks.
        What::Credit { .. } | What::Note { .. } => None,
    }
}

fn tlp_line(tlp: &Tlp) -> String {
    let mut line = match &tlp.body {
        Body::MRd {
            addr, dw, fbe, lbe, ..
        } => format!("MRd {addr:#x} {dw} dw be {fbe:x}/{lbe:x}"),
        Body::MWr {
            addr, fbe, lbe, data, ..
        } => format!("MWr {addr:#x} be {fbe:x}/{lbe:x} {}", hex::text(data, "")),
        Body::CfgRd { target, reg, fbe, .. } => format!("CfgRd {target:#06x} {reg:#x} be {fbe:x}"),
        Body::CfgWr {
            target,
            reg,
            fbe,
            data,
            ..
        } => {
            format!("CfgWr {target:#06x} {reg:#x} be {fbe:x} {}", hex::text(data, ""))
        }
        Body::Cpl {
            status,
            bytes,
            lower,
            data,
            ..
        } => {
            format!(
                "Cpl ({status}) {bytes} bytes lower {lower:#x} {}",
                hex::text(data, "")
            )
        }
        Body::Msg {
            routing, code, data, ..
        } => format!("Msg {code:#x} routing {routing} {}", hex::text(data, "")),
        Body::Other { hdr, data } => {
            let [a, b, c, d] = hdr;
            format!("TLP {a:08x} {b:08x} {c:08x} {d:08x} {}", hex::text(data, ""))
        }
    };
    if (tlp.tc, tlp.attr, tlp.at, tlp.poisoned) != (0, 0, 0, false) {
        let _ = write!(
            line,
            " tc {} attr {} at {} ep {}",
            tlp.tc, tlp.attr, tlp.at, tlp.poisoned
        );
    }
    if let Some(prefix) = tlp.prefix {
        let _ = write!(line, " prefix {prefix:#x}");
    }
    line
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::run::observer::tests::header;
    use ringside_models::event::{EndReason, Event};
    use ringside_models::trace::{encode_event, encode_header};

    pub(crate) fn trace(events: Vec<(u64, What)>) -> Vec<u8> {
        let mut text = encode_header(&header()).trim_end().to_owned();
        for (cycle, what) in events {
            text.push('\n');
            text.push_str(encode_event(&Event { cycle, what }).trim_end());
        }
        text.push('\n');
        text.into_bytes()
    }

    pub(crate) fn read(tag: u16, addr: u64) -> What {
        let body = Body::MRd {
            req: 0,
            tag,
            addr,
            dw: 1,
            fbe: 15,
            lbe: 0,
        };
        What::Tlp {
            ch: Channel::Rq,
            start: None,
            tlp: Tlp::new(body),
        }
    }

    #[test]
    fn time_and_tags_do_not_count_unless_asked() {
        let end = What::End {
            reason: EndReason::Complete,
        };
        let one = trace(vec![(10, read(1, 0x1000)), (20, end.clone())]);
        let other = trace(vec![(11, read(7, 0x1000)), (30, end)]);
        let with =
            |precision| normalise(&one[..], precision).unwrap() == normalise(&other[..], precision).unwrap();
        assert!(with(Precision::Timeless));
        assert!(!with(Precision::Exact));
    }

    #[test]
    fn rubbish_is_an_error_with_its_line() {
        let mut bad = trace(vec![(10, read(1, 0x1000))]);
        bad.extend_from_slice(b"nonsense\n");
        let e = normalise(&bad[..], Precision::Timeless).unwrap_err();
        assert!(e.to_string().starts_with("line 3"), "{e}");
        let cut = trace(vec![(10, read(1, 0x1000))]);
        let e = normalise(&cut[..], Precision::Timeless).unwrap_err();
        assert!(
            e.to_string().starts_with("line 2: the trace stops here without"),
            "{e}"
        );
    }
}
