//! Trace files, line by line: a header, then events whose cycles never decrease. `docs/trace.md` is the manual.
//!
//! The caller reads the lines (this crate does no I/O) and hands them over one by one, so that a trace of any length needs little memory.

use crate::event::{Event, Header, TRACE_VERSION, What};

/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a line of a trace was not understood. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// The first line is no header of a Ringside trace.
    #[error("line 1, column {column}: not a Ringside trace: {cause}")]
    NotATrace {
        /// Column of the problem.
        column: usize,
        /// What the parser said.
        cause: String,
    },
    /// Another version of the format.
    #[error("line 1: trace format version {found}, this reader understands version {TRACE_VERSION}")]
    Version {
        /// Version in the file.
        found: u64,
    },
    /// A header field has an impossible value.
    #[error("line 1: {field} is {value}, expected {expected}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// Bytes that are no text.
    #[error("line {line}, column {column}: byte {byte:#04x} is no UTF-8 text, and a trace is text")]
    NotText {
        /// Line number.
        line: usize,
        /// Column of the first such byte, in bytes.
        column: usize,
        /// The byte.
        byte: u8,
    },
    /// The trace stops before its end.
    #[error("line {line}: the trace stops here without an `end` event: it was cut, or its run was killed")]
    NoEnd {
        /// Number of the last line.
        line: usize,
    },
    /// A line is no event.
    #[error("line {line}, column {column}: not an event: {cause}")]
    Event {
        /// Line number.
        line: usize,
        /// Column of the problem.
        column: usize,
        /// What the parser said.
        cause: String,
    },
    /// Time runs backwards.
    #[error("line {line}: cycle {cycle} comes after cycle {previous}; cycles never decrease")]
    Order {
        /// Line number.
        line: usize,
        /// Cycle of this line.
        cycle: u64,
        /// Cycle of the line before.
        previous: u64,
    },
    /// Something follows the end event.
    #[error("line {line}: an event after the end event of line {end}")]
    AfterEnd {
        /// Line number.
        line: usize,
        /// Line of the end event.
        end: usize,
    },
}

fn cause(e: &serde_json::Error) -> String {
    let text = e.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// The text of a line of a file, numbered `line`. A byte order mark before the first is no part of it.
///
/// # Errors
/// When it is not UTF-8.
pub fn text(bytes: &[u8], line: usize) -> Result<&str, TraceError> {
    let (bytes, skipped) = match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) if line == 1 => (rest, BYTE_ORDER_MARK.len()),
        _ => (bytes, 0),
    };
    std::str::from_utf8(bytes).map_err(|e| TraceError::NotText {
        line,
        column: skipped + e.valid_up_to() + 1,
        byte: bytes[e.valid_up_to()],
    })
}

/// Reads the header line.
///
/// # Errors
/// When it is no JSON object of the header's shape, of another version, or has impossible values.
pub fn parse_header(line: &str) -> Result<Header, TraceError> {
    let not = |e: &serde_json::Error| TraceError::NotATrace {
        column: e.column(),
        cause: cause(e),
    };
    let value: serde_json::Value = serde_json::from_str(line.trim_end()).map_err(|e| not(&e))?;
    match value.get("ringside_trace").map(serde_json::Value::as_u64) {
        None => {
            return Err(TraceError::NotATrace {
                column: 1,
                cause: "the first line has no field `ringside_trace`".into(),
            });
        }
        Some(Some(v)) if v == u64::from(TRACE_VERSION) => {}
        Some(v) => {
            return Err(TraceError::Version {
                found: v.unwrap_or(0),
            });
        }
    }
    let header: Header = serde_json::from_str(line.trim_end()).map_err(|e| not(&e))?;
    sane(&header)?;
    Ok(header)
}

fn sane(h: &Header) -> Result<(), TraceError> {
    let field = |field, value: String, expected| {
        Err(TraceError::Field {
            field,
            value,
            expected,
        })
    };
    if !(h.clock_mhz.is_finite() && h.clock_mhz > 0.0) {
        return field("clock_mhz", h.clock_mhz.to_string(), "a positive number");
    }
    if !h.data_width_bits.is_power_of_two() || !(32..=4096).contains(&h.data_width_bits) {
        return field(
            "data_width_bits",
            h.data_width_bits.to_string(),
            "a power of two, 32 to 4096",
        );
    }
    if !(1..=6).contains(&h.link.generation) {
        return field("link.generation", h.link.generation.to_string(), "1 to 6");
    }
    if !h.link.lanes.is_power_of_two() || h.link.lanes > 32 {
        return field("link.lanes", h.link.lanes.to_string(), "1, 2, 4, 8, 16 or 32");
    }
    for (name, value) in [
        ("link.mps_bytes", h.link.mps_bytes),
        ("link.mrrs_bytes", h.link.mrrs_bytes),
    ] {
        if !value.is_power_of_two() || !(128..=4096).contains(&value) {
            return field(name, value.to_string(), "a power of two, 128 to 4096");
        }
    }
    if !matches!(h.link.rcb_bytes, 64 | 128) {
        return field("link.rcb_bytes", h.link.rcb_bytes.to_string(), "64 or 128");
    }
    Ok(())
}

/// Reads one event line, numbered `line` in its file.
///
/// # Errors
/// When it is no JSON object of an event's shape.
pub fn parse_event(text: &str, line: usize) -> Result<Event, TraceError> {
    serde_json::from_str(text.trim_end()).map_err(|e| TraceError::Event {
        line,
        column: e.column(),
        cause: cause(&e),
    })
}

/// The header as a line, without the line break.
#[must_use]
pub fn encode_header(header: &Header) -> String {
    encode(header)
}

/// An event as a line, without the line break.
#[must_use]
pub fn encode_event(event: &Event) -> String {
    encode(event)
}

fn encode<T: serde::Serialize>(value: &T) -> String {
    // The types have no maps with non-string keys and no fallible serializers: nothing here can fail.
    serde_json::to_string(value).unwrap_or_default()
}

/// Reads the event lines of a trace in order and holds the rules that concern more than one line.
#[derive(Clone, Debug)]
pub struct Reader {
    line: usize,
    cycle: u64,
    end: Option<usize>,
}

impl Reader {
    /// A reader that has seen the header (line 1).
    #[must_use]
    pub fn new() -> Self {
        Reader {
            line: 1,
            cycle: 0,
            end: None,
        }
    }

    /// Reads the next line; `None` for an empty one.
    ///
    /// # Errors
    /// When it is no event, is earlier than the one before, or follows the end.
    pub fn event(&mut self, text: &str) -> Result<Option<Event>, TraceError> {
        self.line += 1;
        if text.trim().is_empty() {
            return Ok(None);
        }
        let line = self.line;
        if let Some(end) = self.end {
            return Err(TraceError::AfterEnd { line, end });
        }
        let event = parse_event(text, line)?;
        if event.cycle < self.cycle {
            return Err(TraceError::Order {
                line,
                cycle: event.cycle,
                previous: self.cycle,
            });
        }
        self.cycle = event.cycle;
        if matches!(event.what, What::End { .. }) {
            self.end = Some(line);
        }
        Ok(Some(event))
    }

    /// The file is over.
    ///
    /// # Errors
    /// When the end event has not been read.
    pub fn finish(&self) -> Result<(), TraceError> {
        if self.ended() {
            Ok(())
        } else {
            Err(TraceError::NoEnd { line: self.line })
        }
    }

    /// Number of the line read last.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Has the end event been read?
    #[must_use]
    pub fn ended(&self) -> bool {
        self.end.is_some()
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EndReason, Link};

    fn header() -> Header {
        Header {
            ringside_trace: TRACE_VERSION,
            dut: "d".into(),
            device_type: 1,
            clock_mhz: 250.0,
            data_width_bits: 512,
            link: Link {
                generation: 3,
                lanes: 8,
                mps_bytes: 256,
                mrrs_bytes: 512,
                rcb_bytes: 64,
            },
            driver_stores: true,
            seed: 1,
            scenario: "s".into(),
            expect: vec![],
            conditions: vec![],
        }
    }

    #[test]
    fn header_and_events_survive_the_file() {
        assert_eq!(parse_header(&encode_header(&header())).unwrap(), header());
        let e = Event {
            cycle: 7,
            what: What::Store {
                addr: 0x1000,
                data: vec![1, 2],
                visible: Some(9),
            },
        };
        assert_eq!(parse_event(&encode_event(&e), 2).unwrap(), e);
    }

    #[test]
    fn bytes_that_are_no_text_are_named_with_their_place() {
        assert_eq!(text(b"\xef\xbb\xbf{}", 1), Ok("{}"));
        assert_eq!(
            text(b"{\"c\":\xff", 7),
            Err(TraceError::NotText {
                line: 7,
                column: 6,
                byte: 0xff
            })
        );
        assert!(text(b"\xef\xbb\xbf{}", 2).is_ok_and(|t| parse_event(t, 2).is_err()));
    }

    #[test]
    fn a_trace_without_its_end_is_named_with_its_last_line() {
        let mut r = Reader::new();
        let up = Event {
            cycle: 5,
            what: What::LinkUp { up: true },
        };
        r.event(&encode_event(&up)).unwrap();
        assert_eq!(r.finish(), Err(TraceError::NoEnd { line: 2 }));
        let end = Event {
            cycle: 6,
            what: What::End {
                reason: EndReason::Truncated,
            },
        };
        r.event(&encode_event(&end)).unwrap();
        assert_eq!(r.finish(), Ok(()));
    }

    #[test]
    fn another_file_is_named_as_such() {
        for (text, part) in [
            ("", "line 1, column 0: not a Ringside trace"),
            ("{\"a\":1}", "no field `ringside_trace`"),
            (
                "{\"ringside_trace\":2}",
                "version 2, this reader understands version 1",
            ),
            ("{\"ringside_trace\":1}", "missing field `dut`"),
        ] {
            let e = parse_header(text).unwrap_err().to_string();
            assert!(e.contains(part), "{text:?} gave {e:?}");
        }
        let mut h = header();
        h.link.mps_bytes = 100;
        assert!(
            parse_header(&encode_header(&h))
                .unwrap_err()
                .to_string()
                .contains("link.mps_bytes is 100")
        );
        h = header();
        h.clock_mhz = 0.0;
        assert!(
            parse_header(&encode_header(&h))
                .unwrap_err()
                .to_string()
                .contains("clock_mhz is 0")
        );
    }

    #[test]
    fn junk_backward_time_and_epilogues_are_refused_with_their_line() {
        let line = |cycle, what| encode_event(&Event { cycle, what });
        let mut r = Reader::new();
        assert!(r.event(&line(5, What::LinkUp { up: true })).unwrap().is_some());
        assert!(r.event("").unwrap().is_none());
        assert_eq!(
            r.event(&line(4, What::LinkUp { up: true })).unwrap_err(),
            TraceError::Order {
                line: 4,
                cycle: 4,
                previous: 5
            }
        );
        assert!(matches!(
            r.event("{\"c\":6,\"e\":{\"nonsense\":1}}").unwrap_err(),
            TraceError::Event { line: 5, .. }
        ));
        assert!(matches!(
            r.event("{\"c\":6").unwrap_err(),
            TraceError::Event {
                line: 6,
                column: 6,
                ..
            }
        ));
        r.event(&line(
            9,
            What::End {
                reason: EndReason::Complete,
            },
        ))
        .unwrap();
        assert_eq!(
            r.event(&line(9, What::LinkUp { up: true })).unwrap_err(),
            TraceError::AfterEnd { line: 8, end: 7 }
        );
    }
}
