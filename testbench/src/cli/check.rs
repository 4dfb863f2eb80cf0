//! `ringside check`: a recorded trace gets the verdict of the live run.

use std::path::{Path, PathBuf};

use clap::Args;
use ringside_models::cost::Costs;
use ringside_models::event::Header;
use ringside_models::judge::{Judge, Verdict};
use ringside_reports::TraceLines;

use super::out::{out, outln};
use super::paint::Paint;
use super::report::open;
use super::{CliError, Outcome, failure, summary};

/// `ringside check`
#[derive(Clone, Debug, Args)]
pub(super) struct CheckArgs {
    /// The trace: text, compressed with zstd, or a capture made by `ringside capture`
    trace: PathBuf,
    /// Verdict as JSON
    #[arg(long)]
    json: bool,
}

/// Judges a trace file. One without its end event is no record of a run, so it gets no verdict.
pub(super) fn judge(path: &Path) -> Result<(Header, Verdict, Costs), CliError> {
    let trace = open(path, "check")?;
    let wrong = |cause| CliError::Trace {
        path: path.to_owned(),
        cause,
    };
    let mut lines = TraceLines::open(trace).map_err(wrong)?;
    let header = lines.header().clone();
    let (mut judge, mut costs) = (Judge::new(&header), Costs::new());
    while let Some((event, _)) = lines.next_event().map_err(wrong)? {
        let cause = judge.observe(&event).cause;
        costs.observe(&event, cause.as_ref());
    }
    lines.finish().map_err(wrong)?;
    Ok((header, judge.finish(), costs))
}

pub(super) fn check(args: &CheckArgs) -> Result<Outcome, CliError> {
    let (header, verdict, costs) = judge(&args.trace)?;
    if args.json {
        outln!("{}", summary::check_json(&header, &verdict));
    } else {
        let paint = Paint::stdout();
        out!("{}", summary::head(&header, paint));
        out!("{}", summary::verdict_lines(&verdict, paint));
        out!("{}", summary::cost_table(&costs, &header));
        let repeat = format!("ringside check {}", failure::quote(&args.trace.to_string_lossy()));
        out!("{}", failure::violations(&verdict, &repeat, paint));
        out!("{}", failure::advice(&verdict, paint));
    }
    Ok(if verdict.passed() {
        Outcome::Pass
    } else {
        Outcome::Violations
    })
}
