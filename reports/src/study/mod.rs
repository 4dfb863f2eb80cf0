//! Studies: one question, the runs that answer it, one page.
//!
//! A study is data ([`Definition`], a TOML file): what is asked, what every run has in common, what is varied, what is measured and drawn. Whoever can
//! run scenarios runs its [`Case`]s and takes the numbers out of their reports; the [`Results`] are all that the page needs, so that it can be made again
//! from a file. The answer is a sentence made of these numbers, verdict included.

mod answer;
mod budget;
mod definition;
mod figures;
mod grid;
mod metric;
mod page;
mod results;
mod text;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use budget::Broken;
pub use definition::{Answer, Axis, Budget, Choice, Definition, Metric, Plot, Scale, Source};
pub use grid::Case;
pub use results::{FORMAT_VERSION, Results, Row};
pub use text::markdown;

use crate::error::ReportError;
use crate::write::put;

/// Why a study, or its results, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// A definition is not what one looks like.
    #[error("study {}: {cause}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// Line, column and what is wrong.
        cause: String,
    },
    /// Results are not what they look like, or of another version.
    #[error("{}: {cause}", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// A page or file of it could not be made.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// Writes a study's page, JSON and CSV files into a folder, which is made if it does not exist; where the page is.
///
/// # Errors
/// When a file cannot be written or a picture cannot be drawn.
pub fn write(results: &Results, folder: &Path) -> Result<PathBuf, StudyError> {
    let csv = folder.join("csv");
    std::fs::create_dir_all(&csv).map_err(|source| ReportError::Write {
        path: csv.clone(),
        source,
    })?;
    let drawn = figures::figures(results)?;
    put(&csv.join("runs.csv"), &text::csv(results))?;
    for figure in &drawn {
        put(&csv.join(&figure.picture.id).with_extension("csv"), &figure.csv)?;
    }
    put(&folder.join("study.json"), &results.to_json())?;
    let html = folder.join("study.html");
    put(&html, &page::page(results, &drawn).into_string())?;
    Ok(html)
}
