//! `ringside report`

use std::io::BufRead;
use std::path::{Path, PathBuf};

use clap::Args;
use ringside_models::trace::TraceError;
use ringside_reports::input;

use super::out::outln;
use super::paint::Progress;
use super::{CliError, Outcome};

/// `ringside report`
#[derive(Clone, Debug, Args)]
pub(super) struct ReportArgs {
    /// A trace, or a folder of traces (*.jsonl, *.jsonl.zst; searched one level deep)
    trace: PathBuf,
    /// Where to write it [default: beside the trace]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn report(args: &ReportArgs) -> Result<Outcome, CliError> {
    let traces = if args.trace.is_dir() {
        traces_in(&args.trace)?
    } else {
        vec![args.trace.clone()]
    };
    if traces.is_empty() {
        return Err(CliError::Usage(format!(
            "no trace (*.jsonl) in {}",
            args.trace.display()
        )));
    }
    let many = traces.len() > 1;
    for trace in &traces {
        let stem = stem_of(trace);
        let beside = trace.parent().unwrap_or(Path::new("")).to_owned();
        let out = match &args.out {
            Some(out) if many => out.join(&stem),
            Some(out) => out.clone(),
            None if many => beside.join(&stem),
            None => beside,
        };
        outln!("{}", write(trace, &out)?.display());
    }
    Ok(Outcome::Pass)
}

fn traces_in(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(CliError::file("read", &folder))?;
        for entry in entries {
            let path = entry.map_err(CliError::file("read", &folder))?.path();
            if path.is_dir() && depth == 0 {
                folders.push((path, 1));
            } else if is_trace(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Opens a trace; who waits at a terminal sees how far it is.
pub(super) fn open(trace: &Path, what: &str) -> Result<Box<dyn BufRead>, CliError> {
    let progress = Progress::new();
    let what = what.to_owned();
    let tell = move |done: u64, whole: u64| {
        let percent = (100 * done).checked_div(whole);
        let share = percent.map_or(String::new(), |p| format!("{p} % of "));
        progress.say(&format!("{what}: {share}{} MiB", whole.max(done) >> 20));
    };
    input::watched(trace, tell).map_err(CliError::file("read", trace))
}

/// Is it compressed text?
fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "zst")
}

/// Has it a trace's name?
fn is_trace(path: &Path) -> bool {
    let plain = path.with_extension("");
    let path = if is_compressed(path) { &plain } else { path };
    path.extension().is_some_and(|e| e == "jsonl")
}

/// What a run is called: as its file, or as the folder is where `trace.jsonl` or `report.json` has one of its own.
pub(super) fn name_of(path: &Path) -> String {
    let stem = stem_of(path);
    if stem == "trace" || stem == "report" {
        let folder = path.parent().and_then(Path::file_name);
        folder.map_or(stem, |f| f.to_string_lossy().into_owned())
    } else {
        stem
    }
}

/// A file's name without what says of which kind it is.
pub(super) fn stem_of(path: &Path) -> String {
    let plain = path.with_extension("");
    let path = if is_compressed(path) { &plain } else { path };
    path.file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Makes the report of one trace; where its page is.
pub(super) fn write(trace: &Path, out: &Path) -> Result<PathBuf, CliError> {
    let input = open(trace, "report")?;
    let name = name_of(trace);
    let written = ringside_reports::write_report(input, &name, out);
    let summary = written.map_err(|e| CliError::Report {
        path: trace.to_owned(),
        cause: e.to_string(),
    })?;
    match summary.cut_after {
        None => Ok(summary.html),
        Some(line) => Err(CliError::Report {
            path: trace.to_owned(),
            cause: format!(
                "{}; what there is of the run is in {}",
                TraceError::NoEnd { line },
                summary.html.display()
            ),
        }),
    }
}
