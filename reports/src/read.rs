//! From lines to a report: one pass, nothing kept but sums.

use std::io::BufRead;

use ringside_models::judge::Judge;
use ringside_models::trace::TraceError;

use crate::collect::Collector;
use crate::error::ReportError;
use crate::lines::{LineError, TraceLines};
use crate::report::Report;

/// Reads a whole trace; also the number of its last line if it stops there without its end.
pub(crate) fn read(lines: impl BufRead, name: &str) -> Result<(Report, Option<usize>), ReportError> {
    let wrong = |source: LineError| ReportError::Trace {
        name: name.to_owned(),
        source,
    };
    let mut lines = TraceLines::open(lines).map_err(wrong)?;
    let header = lines.header().clone();
    let mut judge = Judge::new(&header);
    let mut collector = Collector::new(&header);
    while let Some((event, line, text)) = lines.next_numbered().map_err(wrong)? {
        let observation = judge.observe(&event);
        collector.observe(&event, observation.cause.as_ref());
        collector.example((line as u64, text), &event, &observation);
    }
    collector.finish();
    let cut_after = match lines.finish() {
        Err(LineError::Trace(TraceError::NoEnd { line })) => Some(line),
        Err(e) => return Err(wrong(e)),
        Ok(()) => None,
    };
    let report = Report::new(name, &header, &collector, &judge.finish());
    Ok((report, cut_after))
}
