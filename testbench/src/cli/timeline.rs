//! `ringside timeline`: what became of every chain, for Perfetto.

use std::path::PathBuf;

use clap::Args;
use ringside_reports::perfetto;

use super::capture::convert;
use super::out::outln;
use super::paint::count;
use super::{CliError, Outcome};

/// `ringside timeline`
#[derive(Clone, Debug, Args)]
pub(super) struct TimelineArgs {
    /// The trace
    trace: PathBuf,
    /// Where to write it [default: beside the trace, with the extension timeline.json]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn timeline(args: &TimelineArgs) -> Result<Outcome, CliError> {
    let (path, chains) = convert(&args.trace, args.out.as_deref(), "timeline.json", perfetto::write)?;
    outln!("{}  {}", path.display(), count(chains, "chain"));
    Ok(Outcome::Pass)
}
