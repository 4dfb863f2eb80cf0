//! All mutants that a design can have.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::StrengthError;
use super::cells::{self, Source};
use super::edits::{Change, edits};

/// What a mutant is to a reader, and to a list that outlives changes elsewhere in the file: no line numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    /// The file, relative to the folder of the design's description.
    pub file: String,
    /// What is changed, on one line.
    pub from: String,
    /// What it becomes, on one line; empty: it is left out.
    pub to: String,
}

/// A mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// Its name.
    pub name: Name,
    /// How many before it in the file have the same name.
    pub twin: usize,
    /// The kind of change.
    pub operator: &'static str,
    /// The file, by its place in the sources.
    pub source: usize,
    /// What is changed, in bytes of the file.
    pub range: Range<usize>,
    /// What it becomes.
    pub change: Change,
    /// Line, from 1.
    pub line: usize,
}

impl Mutant {
    /// The block that it is in: the folder of its file.
    #[must_use]
    pub fn block(&self) -> &str {
        self.name
            .file
            .rsplit_once('/')
            .map_or("top", |(folder, _)| folder)
    }
}

/// Everything that can be mutated, in the order of files and places. `base` is the folder that names of files, and paths in the netlist, are relative to.
///
/// # Errors
/// The netlist is not one of these sources.
pub fn all(netlist: &str, sources: &[Source], base: &Path) -> Result<Vec<Mutant>, StrengthError> {
    let mut found = Vec::new();
    for (source, stretches) in cells::stretches(netlist, sources, base)?.into_iter().enumerate() {
        let (text, path) = (&sources[source].text, &sources[source].path);
        let file = path.strip_prefix(base).unwrap_or(path).display().to_string();
        let mut of_file = BTreeSet::new();
        for ((from, to), compares) in stretches {
            let mut found = edits(&text[from..to], compares);
            // What became a write of a memory is named without its end.
            if found.is_empty() && text[to..].starts_with(';') {
                found = edits(&text[from..=to], compares);
            }
            for edit in found {
                let (start, end) = (from + edit.range.start, from + edit.range.end);
                of_file.insert((start, end, edit.operator, edit.change));
            }
        }
        let mut twins: BTreeMap<Name, usize> = BTreeMap::new();
        let mut changes = BTreeSet::new();
        for (start, end, operator, change) in of_file {
            // Two cells of one stretch may say the same.
            if !changes.insert((start, end, change.clone())) {
                continue;
            }
            let name = Name {
                file: file.clone(),
                from: on_one_line(&text[start..end]),
                to: match &change {
                    Change::Expression(to) => on_one_line(to),
                    Change::Dropped => String::new(),
                },
            };
            let twin = twins.entry(name.clone()).or_default();
            found.push(Mutant {
                name,
                twin: *twin,
                operator,
                source,
                range: start..end,
                change,
                line: sources[source].place(start).0,
            });
            *twin += 1;
        }
    }
    Ok(found)
}

/// Words with one space between, without comments to the end of a line.
fn on_one_line(text: &str) -> String {
    let code = text.lines().map(|l| l.split("//").next().unwrap_or_default());
    code.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_is_no_comparison() {
        let text = "if (go) m[i] <= d;\nx = a <= b;\ny = a + b;\n";
        let sources = [Source::new(Path::new("/x/m.sv"), text.to_owned())];
        let netlist = "attribute \\src \"m.sv:1.9-1.18\"\ncell $memwr_v2 $1\nattribute \\src \"m.sv:2.5-2.11\"\ncell $le $2\n\
            attribute \\src \"m.sv:3.5-3.10\"\ncell $add $3\n";
        let found = all(netlist, &sources, Path::new("/x")).unwrap();
        let said: Vec<_> = found
            .iter()
            .map(|m| (&text[m.range.clone()], m.name.to.as_str()))
            .collect();
        assert_eq!(
            said,
            [("m[i] <= d;", ""), ("a <= b", "a < b"), ("a + b", "a - b")]
        );
    }

    #[test]
    fn equal_changes_are_told_apart_and_doubles_are_one() {
        let text = "a = b && // why\n   c;\nd = b && c;\n";
        let sources = [Source::new(Path::new("/x/rtl/m.sv"), text.to_owned())];
        let cell = |place: &str| format!("attribute \\src \"/x/rtl/m.sv:{place}\"\ncell $logic_and $1\n");
        let netlist = cell("1.5-2.5") + &cell("3.5-3.11") + &cell("3.5-3.11");
        let found = all(&netlist, &sources, Path::new("/x")).unwrap();
        let said: Vec<_> = found
            .iter()
            .map(|m| (m.line, m.twin, m.name.to.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (1, 0, "b || c"),
                (1, 0, "((b) && 1'b1)"),
                (1, 0, "((c) && 1'b1)"),
                (3, 1, "b || c"),
                (3, 1, "((b) && 1'b1)"),
                (3, 1, "((c) && 1'b1)"),
            ]
        );
        assert!(
            found
                .iter()
                .all(|m| m.name.file == "rtl/m.sv" && m.name.from == "b && c" && m.block() == "rtl")
        );
    }
}
