//! A run as it is compared: the values of its report.

use std::io::{BufRead as _, Read as _};
use std::path::Path;

use serde_json::Value as Json;

use super::CompareError;
use crate::{input, read};

/// Longest report that is read, in bytes: more than any report has, less than what fills a machine.
const LONGEST: u64 = 256 << 20;

/// A run: its name and its report.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it is called.
    pub name: String,
    pub(super) report: Json,
}

/// Whether both are there and `file` was written after `other`.
fn is_newer(file: &Path, other: &Path) -> bool {
    let written = |p: &Path| p.metadata().and_then(|m| m.modified()).ok();
    matches!((written(file), written(other)), (Some(a), Some(b)) if a > b)
}

impl Run {
    /// Opens a report (`report.json`), a trace, or a folder with one of the two. `name` is what the comparison calls it.
    ///
    /// # Errors
    /// [`CompareError`] with the file and what is wrong with it.
    pub fn open(path: &Path, name: &str) -> Result<Self, CompareError> {
        if path.is_dir() {
            let [report, trace] = ["report.json", "trace.jsonl"].map(|file| path.join(file));
            // A report that is older than the trace beside it is of another run.
            let order = if is_newer(&trace, &report) {
                [trace, report]
            } else {
                [report, trace]
            };
            let Some(file) = order.iter().find(|p| p.is_file()) else {
                return Err(CompareError::NoRun {
                    path: path.to_owned(),
                });
            };
            return Run::open(file, name);
        }
        let unreadable = |cause| CompareError::Read {
            path: path.to_owned(),
            cause,
        };
        let mut file = input::open(path).map_err(unreadable)?;
        // what cannot be read on is told by its reader, with its place
        let trace = is_trace(file.fill_buf().unwrap_or_default());
        let report = if trace {
            let (report, cut_after) = read::read(file, name)?;
            if let Some(line) = cut_after {
                return Err(CompareError::Neither {
                    path: path.to_owned(),
                    cause: format!(
                        "the trace stops after line {line} without its end: half a run has no costs to compare"
                    ),
                });
            }
            report.json()
        } else {
            let mut text = String::new();
            let read = file.take(LONGEST).read_to_string(&mut text);
            let neither = |cause: String| CompareError::Neither {
                path: path.to_owned(),
                cause,
            };
            read.map_err(|e| neither(e.to_string()))?;
            serde_json::from_str(&text).map_err(|e| neither(e.to_string()))?
        };
        check(&report, path)?;
        Ok(Run {
            name: name.to_owned(),
            report,
        })
    }
}

/// Has the beginning what only a trace's header has?
fn is_trace(begins: &[u8]) -> bool {
    let line = begins.split(|b| *b == b'\n').next().unwrap_or_default();
    let key = br#""ringside_trace""#;
    line.windows(key.len()).any(|w| w == key)
}

/// The members that a comparison relies on.
fn check(report: &Json, path: &Path) -> Result<(), CompareError> {
    match report.get("ringside_report") {
        None => {
            return Err(CompareError::Neither {
                path: path.to_owned(),
                cause: "it has no member `ringside_report`".to_owned(),
            });
        }
        Some(v) if v.as_u64() == Some(u64::from(crate::FORMAT_VERSION)) => {}
        Some(v) => {
            return Err(CompareError::Version {
                path: path.to_owned(),
                found: v.to_string(),
            });
        }
    }
    let wrong = |member: &str, expected| {
        Err(CompareError::Member {
            path: path.to_owned(),
            member: member.to_owned(),
            expected,
        })
    };
    for member in ["passed", "complete"] {
        if !report["verdict"][member].is_boolean() {
            return wrong(&format!("verdict.{member}"), "true or false");
        }
    }
    for member in ["violations", "unexpected"] {
        if !report["verdict"][member].is_u64() {
            return wrong(&format!("verdict.{member}"), "a whole number");
        }
    }
    let Some(headline) = report["headline"].as_object() else {
        return wrong("headline", "an object");
    };
    if let Some((key, _)) = headline.iter().find(|(_, v)| !v.is_number() && !v.is_null()) {
        return wrong(&format!("headline.{key}"), "a number or null");
    }
    let Some(tables) = report["tables"].as_object() else {
        return wrong("tables", "an object");
    };
    for (id, rows) in tables {
        if !rows
            .as_array()
            .is_some_and(|rows| rows.iter().all(Json::is_object))
        {
            return wrong(&format!("tables.{id}"), "a list of objects");
        }
    }
    Ok(())
}
