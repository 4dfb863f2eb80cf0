//! `ringside study`: the runs of a question, kept from one time to the next, and the page that answers it.

mod cases;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use clap::Args;
use ringside_reports::study::{self, Definition, Results, StudyError};
use ringside_sim::ParamValue;
use serde_json::json;

use self::cases::Runner;
use super::interrupt::Interrupt;
use super::out::outln;
use super::paint::Paint;
use super::run_args::parse_parameter;
use super::{CliError, Outcome};
use crate::workspace;

/// Where Ringside's own studies are.
const FOLDER: &str = "golden/studies";
/// Where pages go.
const OUT: &str = "reports/out/study";

/// `ringside study`
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent switches, as clap wants them"
)]
#[derive(Clone, Debug, Args)]
pub(super) struct StudyArgs {
    /// `list`, or studies: names in golden/studies, or files
    #[arg(value_name = "NAME|FILE")]
    names: Vec<String>,
    /// Every study in golden/studies
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Description of the device under test [default: what the study says, or rtl/dut.toml]
    #[arg(long, value_name = "FILE")]
    dut: Option<PathBuf>,
    /// Parameter of the device's top module, e.g. BUG=3; may be repeated. The design's own assertions are then left out of the model
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_parameter)]
    set: Vec<(String, ParamValue)>,
    /// Runs at a time [default: processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: Option<u64>,
    /// Pages and runs go below this folder [default: reports/out/study]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Keep the results beside the study's file, for documents and for --kept
    #[arg(long, conflicts_with_all = ["kept", "dut", "set"])]
    keep: bool,
    /// Run nothing: make the pages from the results that were kept
    #[arg(long, conflicts_with_all = ["dut", "set"])]
    kept: bool,
    /// What came of it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn study(args: &StudyArgs, interrupt: &Interrupt) -> Result<Outcome, CliError> {
    if args.names == ["list"] {
        return list();
    }
    let files = args.files()?;
    let out = args.out.clone().unwrap_or_else(|| workspace::path(OUT));
    let mut runner = Runner::new(args, &out)?;
    let stop = interrupt.flag();
    let (mut said, mut bad) = (Vec::new(), false);
    for file in &files {
        // Everything is read before anything is run: a mistake in the last study shows at once.
        Definition::load(file).map_err(CliError::from)?;
    }
    for file in &files {
        let definition = Definition::load(file)?;
        let kept = file.with_extension("json");
        let (results, line) = if args.kept {
            (Results::load(&kept)?, "from the results kept".to_owned())
        } else {
            let ran = Interrupt::during(|| runner.run(&definition, file, &stop))?;
            if stop.load(Ordering::SeqCst) {
                break;
            }
            ran
        };
        let page = study::write(&results, &out.join(&results.name))?;
        if args.keep && results.passed() {
            std::fs::write(&kept, results.to_json()).map_err(CliError::file("write", &kept))?;
        }
        bad |= !results.passed() || !results.broken().is_empty();
        if args.json {
            said.push(in_json(&results, &page));
        } else {
            print(&results, &line, &page);
        }
    }
    if args.json {
        outln!(
            "{:#}",
            json!({ "ringside_study": study::FORMAT_VERSION, "studies": said })
        );
    }
    Ok(if bad {
        Outcome::Violations
    } else if stop.load(Ordering::SeqCst) {
        Outcome::Interrupted
    } else {
        Outcome::Pass
    })
}

fn in_json(r: &Results, page: &Path) -> serde_json::Value {
    let broken = r.broken();
    let broken: Vec<_> = broken
        .iter()
        .map(|b| json!({ "run": b.run, "metric": b.metric, "cause": b.cause }))
        .collect();
    json!({
        "name": r.name, "question": r.question, "answer": r.sentence(), "runs": r.rows.len(),
        "passed": r.passed(), "broken": broken, "page": page.display().to_string(),
    })
}

fn print(r: &Results, line: &str, page: &Path) {
    let paint = Paint::stdout();
    let broken = r.broken();
    let word = if r.passed() && broken.is_empty() {
        paint.good("PASS")
    } else {
        paint.bad("FAIL")
    };
    outln!("\n  {word}   {}: {line}", paint.strong(&r.name));
    outln!("         {}\n         {}", paint.dim(&r.question), r.sentence());
    for row in r.rows.iter().filter(|row| !row.passed) {
        let at: Vec<&str> = row.at.values().map(String::as_str).collect();
        outln!("         {} {}: {}", paint.bad("failed"), at.join(", "), row.why);
    }
    for b in &broken {
        outln!(
            "         {} {} of {}: {}",
            paint.bad("over budget:"),
            b.metric,
            b.run,
            b.cause
        );
    }
    outln!("         page  {}", page.display());
}

fn list() -> Result<Outcome, CliError> {
    let paint = Paint::stdout();
    for file in own()? {
        let d = Definition::load(&file)?;
        let cases = d
            .cases()
            .map_err(|cause| StudyError::Format { path: file, cause })?;
        outln!(
            "  {:<18} {} runs: {}",
            paint.strong(&d.name),
            cases.len(),
            d.question
        );
    }
    Ok(Outcome::Pass)
}

/// Ringside's own studies.
fn own() -> Result<Vec<PathBuf>, CliError> {
    let folder = workspace::path(FOLDER);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(CliError::file("read", &folder))? {
        let path = entry.map_err(CliError::file("read", &folder))?.path();
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        if path.extension().is_some_and(|e| e == "toml") && !name.starts_with("dut-") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl StudyArgs {
    fn files(&self) -> Result<Vec<PathBuf>, CliError> {
        if self.all {
            return own();
        }
        let known = || -> Result<String, CliError> {
            let names: Vec<String> = own()?
                .iter()
                .filter_map(|f| Some(f.file_stem()?.to_string_lossy().into_owned()))
                .collect();
            Ok(names.join(", "))
        };
        if self.names.is_empty() {
            return Err(CliError::Usage(format!(
                "which study? --all, a file, or of: {}",
                known()?
            )));
        }
        let mut files = Vec::new();
        for name in &self.names {
            let given = PathBuf::from(name);
            let named = workspace::path(FOLDER).join(name).with_extension("toml");
            files.push(if given.extension().is_some_and(|e| e == "toml") {
                given
            } else if named.is_file() && given.components().count() == 1 {
                named
            } else {
                return Err(CliError::Usage(format!(
                    "there is no study {name:?}; there are {}",
                    known()?
                )));
            });
        }
        Ok(files)
    }
}
