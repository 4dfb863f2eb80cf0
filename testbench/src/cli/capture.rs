//! `ringside capture`: a trace as pcapng.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use clap::Args;
use ringside_reports::{capture as pcapng, input};

use super::out::outln;
use super::paint::count;
use super::report::stem_of;
use super::{CliError, Outcome};
use crate::unfinished::Unfinished;

/// `ringside capture`
#[derive(Clone, Debug, Args)]
pub(super) struct CaptureArgs {
    /// The trace
    trace: PathBuf,
    /// Where to write it [default: beside the trace, with the extension pcapng]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn capture(args: &CaptureArgs) -> Result<Outcome, CliError> {
    let path = match &args.out {
        Some(out) => out.clone(),
        None => args.trace.with_file_name(stem_of(&args.trace) + ".pcapng"),
    };
    let trace = input::open(&args.trace).map_err(CliError::file("read", &args.trace))?;
    let same = path.canonicalize().ok().zip(args.trace.canonicalize().ok());
    if same.is_some_and(|(a, b)| a == b) {
        return Err(CliError::Usage(format!(
            "{} is what would be read: say where to write with --out",
            path.display()
        )));
    }
    let (file, unfinished) = Unfinished::create(&path).map_err(CliError::file("write", &path))?;
    let mut out = BufWriter::new(file);
    let tlps = pcapng::write(trace, &mut out).map_err(|e| CliError::Capture {
        path: args.trace.clone(),
        cause: e.to_string(),
    })?;
    let named = out.flush().and_then(|()| unfinished.finish());
    named.map_err(CliError::file("write", &path))?;
    outln!("{}  {}", path.display(), count(tlps, "TLP"));
    Ok(Outcome::Pass)
}
