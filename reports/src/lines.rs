//! A trace file line by line, with the line in every error.

use std::io::{self, BufRead};

use ringside_models::event::{Event, Header};
use ringside_models::trace::{self, Reader, TraceError};

/// Why a trace file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The file has not even a first line.
    #[error("empty, expected a Ringside trace")]
    Empty,
    /// The system did not give the next line.
    #[error("cannot read after line {line}: {source}")]
    Read {
        /// Last line that was read, from 1; 0: none.
        line: usize,
        /// What the system said.
        source: io::Error,
    },
    /// A line is wrong, or the end is missing.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// The last line was cut in the middle.
    #[error("cut in the middle of line {line}: {cause}; {events} whole events come before it")]
    Cut {
        /// Number of the incomplete line, from 1.
        line: usize,
        /// Whole events before it.
        events: u64,
        /// What the parser said.
        cause: TraceError,
    },
}

/// Reads a trace file in bounded memory.
pub struct TraceLines<R> {
    input: R,
    bytes: Vec<u8>,
    header: Header,
    reader: Reader,
    events: u64,
}

impl<R: BufRead> TraceLines<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`LineError`] when the first line is no header.
    pub fn open(mut input: R) -> Result<Self, LineError> {
        let mut bytes = Vec::new();
        if !next_line(&mut input, &mut bytes, 0)? {
            return Err(LineError::Empty);
        }
        let header = trace::parse_header(trace::text(&bytes, 1)?)?;
        Ok(TraceLines {
            input,
            bytes,
            header,
            reader: Reader::new(),
            events: 0,
        })
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next event and its line; `None` when the file is over. Whether it had its end is for [`TraceLines::finish`].
    ///
    /// # Errors
    /// [`LineError`] when the next line is no event, or cannot be read.
    pub fn next_event(&mut self) -> Result<Option<(Event, &str)>, LineError> {
        Ok(self.next_numbered()?.map(|(event, _, text)| (event, text)))
    }

    /// [`TraceLines::next_event`] with the number of its line, from 1.
    ///
    /// # Errors
    /// As [`TraceLines::next_event`].
    pub fn next_numbered(&mut self) -> Result<Option<(Event, usize, &str)>, LineError> {
        while next_line(&mut self.input, &mut self.bytes, self.reader.line())? {
            let text = trace::text(&self.bytes, self.reader.line() + 1)?;
            let event = self.reader.event(text).map_err(|cause| match cause {
                // Only the last line of a file can lack its line break.
                TraceError::Event { line, .. } if !self.bytes.ends_with(b"\n") => LineError::Cut {
                    line,
                    events: self.events,
                    cause,
                },
                other => other.into(),
            })?;
            if let Some(event) = event {
                self.events += 1;
                // Checked above; borrowed again because the loop may go on.
                let line = self.reader.line();
                return Ok(Some((event, line, trace::text(&self.bytes, line)?)));
            }
        }
        Ok(None)
    }

    /// Says whether the trace had its end.
    ///
    /// # Errors
    /// [`TraceError::NoEnd`] with the last line.
    pub fn finish(&self) -> Result<(), LineError> {
        Ok(self.reader.finish()?)
    }
}

fn next_line(input: &mut impl BufRead, bytes: &mut Vec<u8>, line: usize) -> Result<bool, LineError> {
    bytes.clear();
    let read = input.read_until(b'\n', bytes);
    Ok(read.map_err(|source| LineError::Read { line, source })? > 0)
}
