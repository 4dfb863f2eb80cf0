//! From lines to a report: one pass, nothing kept but sums.

use std::io::BufRead;

use ringside_models::judge::Judge;
use ringside_models::trace::{Reader, TraceError, parse_header};

use crate::collect::Collector;
use crate::error::ReportError;
use crate::report::Report;

/// Reads a whole trace.
pub(crate) fn read(mut lines: impl BufRead, name: &str) -> Result<Report, ReportError> {
    let trace = |source| ReportError::Trace {
        name: name.to_owned(),
        source,
    };
    let mut text = String::new();
    let mut number = 0;
    let mut line = |text: &mut String| {
        text.clear();
        let n = lines.read_line(text).map_err(|source| ReportError::Read {
            name: name.to_owned(),
            line: number,
            source,
        })?;
        number += 1;
        Ok::<bool, ReportError>(n > 0)
    };
    if !line(&mut text)? {
        return Err(ReportError::Empty {
            name: name.to_owned(),
        });
    }
    let header = parse_header(&text).map_err(trace)?;
    let mut reader = Reader::new();
    let mut judge = Judge::new(&header);
    let mut collector = Collector::new(&header);
    while line(&mut text)? {
        let event = match reader.event(&text) {
            Ok(event) => event,
            // Only the last line of a file can lack its line break.
            Err(cause @ TraceError::Event { .. }) if !text.ends_with('\n') => {
                return Err(ReportError::Cut {
                    name: name.to_owned(),
                    line: reader.line(),
                    events: collector.events,
                    cause,
                });
            }
            Err(e) => return Err(trace(e)),
        };
        if let Some(event) = event {
            let observation = judge.observe(&event);
            collector.observe(&event, observation.cause.as_ref());
        }
    }
    collector.finish();
    Ok(Report::new(name, &header, &collector, &judge.finish()))
}
