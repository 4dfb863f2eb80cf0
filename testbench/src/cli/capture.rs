//! `ringside capture`: a trace as pcapng.

use std::fs::File;
use std::io::{BufRead, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use ringside_reports::capture as pcapng;

use super::out::outln;
use super::paint::count;
use super::report::{open, stem_of};
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
    let (path, tlps) = convert(&args.trace, args.out.as_deref(), "pcapng", pcapng::write)?;
    outln!("{}  {}", path.display(), count(tlps, "TLP"));
    Ok(Outcome::Pass)
}

/// Writes a trace in another form, `out` or the trace's place with another extension; where, and what the writer counted.
pub(super) fn convert<E: std::fmt::Display>(
    trace: &Path,
    out: Option<&Path>,
    extension: &str,
    write: impl FnOnce(Box<dyn BufRead>, &mut BufWriter<File>) -> Result<u64, E>,
) -> Result<(PathBuf, u64), CliError> {
    let path = match out {
        Some(out) => out.to_owned(),
        None => trace.with_file_name(stem_of(trace) + "." + extension),
    };
    let input = open(trace, extension)?;
    let same = path.canonicalize().ok().zip(trace.canonicalize().ok());
    if same.is_some_and(|(a, b)| a == b) {
        return Err(CliError::Usage(format!(
            "{} is what would be read: say where to write with --out",
            path.display()
        )));
    }
    let (file, unfinished) = Unfinished::create(&path).map_err(CliError::file("write", &path))?;
    let mut file = BufWriter::new(file);
    let counted = write(input, &mut file).map_err(|e| CliError::Convert {
        path: trace.to_owned(),
        cause: e.to_string(),
    })?;
    let named = file.flush().and_then(|()| unfinished.finish());
    named.map_err(CliError::file("write", &path))?;
    Ok((path, counted))
}
