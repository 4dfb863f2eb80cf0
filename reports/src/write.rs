//! Puts a report into its folder.

use std::fs;
use std::path::Path;

use crate::Summary;
use crate::error::ReportError;
use crate::page;
use crate::plot::{self, Figure};
use crate::report::Report;
use crate::table::Value;

/// Writes page, JSON, tables and pictures.
pub(crate) fn write(report: &Report, folder: &Path) -> Result<Summary, ReportError> {
    let figures: Vec<Figure> = plot::figures(report)?;
    let csv = folder.join("csv");
    fs::create_dir_all(&csv).map_err(|source| ReportError::Write {
        path: csv.clone(),
        source,
    })?;
    put(&csv.join("headline.csv"), &report.headline().csv())?;
    for table in &report.tables {
        put(&csv.join(table.id).with_extension("csv"), &table.csv())?;
    }
    let json = folder.join("report.json");
    put(&json, &format!("{:#}\n", report.json()))?;
    let html = folder.join("report.html");
    put(&html, &page::page(report, &figures).into_string())?;
    let number = |key| report.metric(key).as_f64();
    let count = |key| match report.metric(key) {
        Value::Count(n) => *n,
        _ => 0,
    };
    Ok(Summary {
        passed: report.judgement.passed,
        complete: report.judgement.complete,
        cut_after: None,
        unexpected_violations: report.judgement.unexpected,
        frames_tx: count("frames_tx"),
        frames_rx: count("frames_rx"),
        frames_dropped: count("frames_dropped"),
        packets_per_clock: number("packets_per_clock"),
        link_up_percent: number("link_up_percent"),
        link_down_percent: number("link_down_percent"),
        requests_per_packet: number("requests_per_packet"),
        html,
        json,
    })
}

/// Writes a file. One that was cut must not look whole: it gets its name when it is.
pub(crate) fn put(path: &Path, text: &str) -> Result<(), ReportError> {
    let unfinished = path.with_added_extension("part");
    let written = fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, path));
    written.map_err(|source| ReportError::Write {
        path: path.to_owned(),
        source,
    })
}
