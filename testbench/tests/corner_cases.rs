//! docs/corner-cases.md against the sources: every line is there once and has something to show, and no mark names what does not exist.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lines of the plan that the page is about.
fn wanted() -> impl Iterator<Item = u32> {
    (1..=70).chain(78..=91).chain(105..=109)
}

/// Rows of the error policy.
const ERRORS: u32 = 11;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/corner-cases.md")).expect("the page is readable")
}

/// Cells of the tables' rows, by the first one. Rows that come twice are an error.
fn rows(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|l| l.starts_with('|')) {
        let cells: Vec<String> = line
            .trim_matches('|')
            .split('|')
            .map(|c| c.trim().to_owned())
            .collect();
        let first = cells[0].clone();
        if first == "line" || first == "row" || first.starts_with("---") {
            continue;
        }
        assert!(rows.insert(first, cells).is_none(), "twice: {line}");
    }
    rows
}

/// The names in backticks that are names of tests.
fn marks(cell: &str) -> Vec<&str> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .filter(|m| *m == "random" || m.contains('/'))
        .collect()
}

/// Why there is no such test, if there is none.
fn missing(mark: &str, bugs: usize) -> Option<String> {
    let exists = |path: String| (!root().join(&path).is_file()).then(|| format!("{mark}: no file {path}"));
    if mark == "random" {
        return None;
    }
    if let Some(name) = mark.strip_prefix("golden/") {
        return exists(format!("golden/scenarios/{name}.toml"));
    }
    if let Some(name) = mark.strip_prefix("stress/") {
        return exists(format!("golden/scenarios/stress/{name}.toml"));
    }
    if let Some(number) = mark.strip_prefix("bug/") {
        let known = number.parse::<usize>().is_ok_and(|n| (1..=bugs).contains(&n));
        return (!known).then(|| format!("{mark}: golden/bugs.toml has bugs 1 to {bugs}"));
    }
    let Some((file, test)) = mark.split_once("::") else {
        return Some(format!("{mark}: neither a scenario, nor a bug, nor FILE::TEST"));
    };
    let Ok(source) = std::fs::read_to_string(root().join(file)) else {
        return Some(format!("{mark}: no file {file}"));
    };
    let at = source
        .find(&format!("\nfn {test}("))
        .or_else(|| source.find(&format!(" fn {test}(")));
    let is_test = at.is_some_and(|at| source[..at].trim_end().ends_with("#[test]"));
    (!is_test).then(|| format!("{mark}: no test {test} in {file}"))
}

#[test]
fn every_line_is_there_and_has_something_to_show() {
    let page = page();
    let rows = rows(&page);
    let wanted: Vec<String> = wanted()
        .map(|n| n.to_string())
        .chain((1..=ERRORS).map(|n| format!("E{n}")))
        .collect();
    let absent: Vec<&String> = wanted.iter().filter(|n| !rows.contains_key(*n)).collect();
    assert!(absent.is_empty(), "lines without a row: {absent:?}");
    let foreign: Vec<&String> = rows.keys().filter(|k| !wanted.contains(k)).collect();
    assert!(foreign.is_empty(), "rows of no line: {foreign:?}");
    for (line, cells) in &rows {
        let shown: &[String] = if line.starts_with('E') {
            &cells[3..]
        } else {
            &cells[2..]
        };
        for cell in shown {
            let honest = cell.contains("Not shown") || cell == "no queue runs";
            assert!(
                !marks(cell).is_empty() || honest,
                "line {line}: {cell:?} names no test and no reason"
            );
            let offered = cell.split("Not offered").nth(1);
            assert!(
                offered.is_none_or(|rest| !marks(rest).is_empty()),
                "line {line}: what is not offered needs a test that it is not"
            );
        }
    }
}

#[test]
fn every_mark_names_a_test_that_exists() {
    let table =
        std::fs::read_to_string(root().join("golden/bugs.toml")).expect("golden/bugs.toml is readable");
    let bugs = table.lines().filter(|l| l.trim() == "[[bug]]").count();
    let page = page();
    let wrong: Vec<String> = rows(&page)
        .values()
        .flatten()
        .flat_map(|cell| marks(cell))
        .filter_map(|mark| missing(mark, bugs))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(missing("stress/no_such_scenario", bugs).is_some());
    assert!(missing("bug/0", bugs).is_some());
    assert!(
        missing("testbench/tests/corner_cases.rs::page", bugs).is_some(),
        "a function that is no test"
    );
}
