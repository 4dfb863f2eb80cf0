//! Code coverage: reads Verilator's `coverage.dat`, merges runs, writes lcov.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Why coverage cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// The file cannot be read or written.
    #[error("cannot {what} the coverage file {path}: {source}")]
    Io {
        /// `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not in Verilator's format.
    #[error("{path}:{line}: not a coverage record: {text}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The line, cut to 60 characters.
        text: String,
    },
}

/// What a coverage point counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A block of statements.
    Line,
    /// One side of an `if` or one arm of a `case`.
    Branch,
    /// A `cover property`.
    User,
    /// Any other kind, such as toggles.
    Other,
}

/// One point, as a reader needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Source file, relative to the repository.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// What is counted.
    pub kind: Kind,
    /// What the tool calls it: `block`, `if`, `else`, or the name of a `cover property`.
    pub comment: String,
    /// All lines it stands for.
    pub lines: Vec<u32>,
    /// The instance, for example `TOP.counter`.
    pub hier: String,
    /// Times reached.
    pub count: u64,
}

/// Coverage of any number of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Times reached, by the tool's own key.
    counts: BTreeMap<String, u64>,
}

impl Coverage {
    /// Reads one `coverage.dat`.
    ///
    /// # Errors
    /// [`CoverageError`] with file and line.
    pub fn read(path: &Path) -> Result<Self, CoverageError> {
        let bytes = std::fs::read(path).map_err(|source| CoverageError::Io {
            what: "read",
            path: path.to_owned(),
            source,
        })?;
        let mut coverage = Self::default();
        for (index, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, count) = record(line).ok_or_else(|| CoverageError::Format {
                path: path.to_owned(),
                line: index + 1,
                text: line.chars().take(60).collect(),
            })?;
            *coverage.counts.entry(key.to_owned()).or_default() += count;
        }
        Ok(coverage)
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Self) {
        for (key, count) in &other.counts {
            *self.counts.entry(key.clone()).or_default() += count;
        }
    }

    /// All points, in the order of their keys.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.counts
            .iter()
            .map(|(key, count)| point(key, *count))
            .collect()
    }

    /// Points reached at least once, and all points.
    #[must_use]
    pub fn reached(&self) -> (usize, usize) {
        (
            self.counts.values().filter(|count| **count > 0).count(),
            self.counts.len(),
        )
    }

    /// The lcov text: `DA` for every line that a point stands for, `BRDA` for branches. Source paths are as in the design,
    /// relative to the repository, so `genhtml` is run at its root.
    #[must_use]
    pub fn lcov(&self) -> String {
        #[derive(Default)]
        struct Source {
            lines: BTreeMap<u32, u64>,
            branches: BTreeMap<u32, Vec<u64>>,
        }
        let mut sources: BTreeMap<String, Source> = BTreeMap::new();
        // A module's instances share its lines: a line counts as often as all of them reached it; a branch is one of the module's.
        let mut branches: BTreeMap<(String, u32, String, String), u64> = BTreeMap::new();
        for (key, count) in &self.counts {
            let point = point(key, *count);
            if point.file.is_empty() {
                continue;
            }
            let source = sources.entry(point.file.clone()).or_default();
            for line in &point.lines {
                *source.lines.entry(*line).or_default() += count;
            }
            if point.kind == Kind::Branch {
                let column = field(key, "n").unwrap_or_default().to_owned();
                *branches
                    .entry((point.file, point.line, column, point.comment))
                    .or_default() += count;
            }
        }
        for ((file, line, _, _), count) in branches {
            sources
                .entry(file)
                .or_default()
                .branches
                .entry(line)
                .or_default()
                .push(count);
        }
        let mut text = String::new();
        for (file, source) in sources {
            let _ = writeln!(text, "TN:ringside\nSF:{file}");
            for (line, counts) in &source.branches {
                for (index, count) in counts.iter().enumerate() {
                    let _ = writeln!(text, "BRDA:{line},0,{index},{count}");
                }
            }
            let all: Vec<u64> = source.branches.into_values().flatten().collect();
            if !all.is_empty() {
                let hit = all.iter().filter(|count| **count > 0).count();
                let _ = writeln!(text, "BRF:{}\nBRH:{hit}", all.len());
            }
            for (line, count) in &source.lines {
                let _ = writeln!(text, "DA:{line},{count}");
            }
            let hit = source.lines.values().filter(|count| **count > 0).count();
            let _ = writeln!(text, "LF:{}\nLH:{hit}\nend_of_record", source.lines.len());
        }
        text
    }

    /// Writes the lcov text.
    ///
    /// # Errors
    /// [`CoverageError::Io`] with the file.
    pub fn write_lcov(&self, path: &Path) -> Result<(), CoverageError> {
        std::fs::write(path, self.lcov()).map_err(|source| CoverageError::Io {
            what: "write",
            path: path.to_owned(),
            source,
        })
    }
}

/// `C '<key>' <count>`.
fn record(line: &str) -> Option<(&str, u64)> {
    let rest = line.strip_prefix("C '")?;
    let (key, count) = rest.rsplit_once("' ")?;
    Some((key, count.trim().parse().ok()?))
}

/// A key is a run of `\x01name\x02value`.
fn field<'a>(key: &'a str, name: &str) -> Option<&'a str> {
    key.split('\u{1}').find_map(|part| {
        let (field, value) = part.split_once('\u{2}')?;
        (field == name).then_some(value)
    })
}

fn point(key: &str, count: u64) -> Point {
    let text = |name| field(key, name).unwrap_or_default();
    let line = text("l").parse().unwrap_or(0);
    let page = text("page");
    let kind = match page.split('/').next().unwrap_or_default() {
        // The packaged 5.48 files the sides of an `if` under lines.
        "v_line" if matches!(text("o"), "if" | "else" | "elsif" | "case") => Kind::Branch,
        "v_line" => Kind::Line,
        "v_branch" => Kind::Branch,
        "v_user" => Kind::User,
        _ => Kind::Other,
    };
    let mut lines = line_set(text("S"));
    if lines.is_empty() && line != 0 {
        lines.push(line);
    }
    Point {
        file: text("f").to_owned(),
        line,
        kind,
        comment: text("o").to_owned(),
        lines,
        hier: text("h").to_owned(),
        count,
    }
}

/// `12-14,17`.
fn line_set(text: &str) -> Vec<u32> {
    let mut lines = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.trim().parse::<u32>(), to.trim().parse::<u32>()) {
            // A damaged file must not make us count to four billion.
            lines.extend(from..=to.min(from.saturating_add(100_000)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fields: &[(&str, &str)]) -> String {
        let parts: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("\u{1}{name}\u{2}{value}"))
            .collect();
        parts.concat()
    }

    #[test]
    fn a_point_knows_its_lines() {
        let key = key(&[
            ("f", "rtl/a.sv"),
            ("l", "12"),
            ("page", "v_branch/a"),
            ("o", "if"),
            ("S", "12-14,17"),
            ("h", "TOP.a"),
        ]);
        let line = format!("C '{key}' 5");
        let (got, count) = record(&line).unwrap();
        let point = point(got, count);
        assert_eq!(
            (point.file.as_str(), point.line, point.kind, point.count),
            ("rtl/a.sv", 12, Kind::Branch, 5)
        );
        assert_eq!(point.lines, [12, 13, 14, 17]);
    }

    #[test]
    fn a_damaged_file_names_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.dat");
        std::fs::write(&path, "# SystemC::Coverage-3\nnonsense\n").unwrap();
        let text = Coverage::read(&path).unwrap_err().to_string();
        assert!(
            text.contains("c.dat:2: not a coverage record: nonsense"),
            "{text}"
        );
        let text = Coverage::read(&dir.path().join("none")).unwrap_err().to_string();
        assert!(text.contains("cannot read"), "{text}");
    }
}
