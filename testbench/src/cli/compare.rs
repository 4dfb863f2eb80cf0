//! `ringside compare`: two runs side by side, and the second held to a budget.

use std::path::{Path, PathBuf};

use clap::Args;
use ringside_reports::compare::{Budgets, Comparison, Run};

use super::out::{out, outln};
use super::report::name_of;
use super::{CliError, Outcome};

/// Changes of table rows that a terminal shows.
const ROWS: usize = 20;

/// `ringside compare`
#[derive(Clone, Debug, Args)]
pub(super) struct CompareArgs {
    /// The first run: a report.json, a trace, or a folder with one of them
    a: PathBuf,
    /// The second run, which is held against the first
    b: PathBuf,
    /// What the second run may cost; one that it does not keep, or a second run that did not pass, makes the exit code 1
    #[arg(long, value_name = "FILE")]
    budget: Option<PathBuf>,
    /// Write compare.html, compare.json and compare.csv into this folder
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The comparison as JSON
    #[arg(long, conflicts_with = "all")]
    json: bool,
    /// Show every change, not the largest ones only
    #[arg(long)]
    all: bool,
}

pub(super) fn compare(args: &CompareArgs) -> Result<Outcome, CliError> {
    let budgets = match &args.budget {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(CliError::file("read", path))?;
            Some(Budgets::parse(&text, path)?)
        }
        None => None,
    };
    let [a, b] = names(&args.a, &args.b);
    let comparison = Comparison::new(&Run::open(&args.a, &a)?, &Run::open(&args.b, &b)?);
    let findings = match &budgets {
        Some(budgets) => budgets.check(&comparison)?,
        None => Vec::new(),
    };
    let page = match &args.out {
        Some(folder) => Some(
            comparison
                .write(&findings, folder)
                .map_err(|e| CliError::Report {
                    path: folder.clone(),
                    cause: e.to_string(),
                })?,
        ),
        None => None,
    };
    if args.json {
        outln!("{:#}", comparison.json(&findings));
    } else {
        let rows = if args.all { usize::MAX } else { ROWS };
        out!("{}", comparison.text(&findings, rows));
        if let Some(page) = page {
            outln!("\n  page    {}", page.display());
        }
    }
    // A run that failed may well be cheap: nothing that it costs counts.
    let kept = findings.iter().all(|f| f.broken.is_none()) && comparison.passed[1];
    if budgets.is_some() && !comparison.passed[1] && !args.json {
        outln!("\n  the second run did not pass, so it keeps no budget");
    }
    Ok(if budgets.is_none() || kept {
        Outcome::Pass
    } else {
        Outcome::Violations
    })
}

/// What the runs are called: as their reports are, or as they were given if that does not tell them apart.
fn names(a: &Path, b: &Path) -> [String; 2] {
    let short = [a, b].map(|path| {
        if path.is_dir() {
            name_of(&path.join("trace.jsonl"))
        } else {
            name_of(path)
        }
    });
    if short[0] == short[1] || short.contains(&String::new()) {
        [a, b].map(|p| p.display().to_string())
    } else {
        short
    }
}
