//! Why a model could not be built.

use std::path::PathBuf;

/// Place of a message in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the tool named it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1; 0 when the tool gave none.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if self.column != 0 {
            write!(f, ":{}", self.column)?;
        }
        Ok(())
    }
}

/// Why a model could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Verilator was not found anywhere.
    #[error("Verilator is not installed: run `make setup` (looked at {looked})")]
    NoVerilator {
        /// The places that were tried.
        looked: String,
    },
    /// A tool could not be started.
    #[error("cannot start {program}: {source}; run `make setup`")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Verilator refused the design.
    #[error("{name}: the design does not elaborate{}\n{}", at(.place.as_ref()), excerpt(.stderr))]
    Verilator {
        /// Name of the design.
        name: String,
        /// The first error's place, when it has one.
        place: Option<Place>,
        /// The command, to run it by hand.
        command: String,
        /// Everything the tool said.
        stderr: String,
    },
    /// The C++ compiler refused what was generated.
    #[error("{name}: compiling {file} failed{}\n{}\ncommand: {command}", hint(.stderr), excerpt(.stderr))]
    Compiler {
        /// Name of the design.
        name: String,
        /// The C++ file, or the library when linking.
        file: String,
        /// The command, to run it by hand.
        command: String,
        /// Everything the tool said.
        stderr: String,
    },
    /// The design has a port that Ringside cannot drive.
    #[error("{name}: port `{port}` is {what}; ports of the top module must be flat (packed)")]
    Port {
        /// Name of the design.
        name: String,
        /// The port.
        port: String,
        /// What it is.
        what: String,
    },
    /// A parameter has a value that the design does not know.
    #[error("{name}: {parameter} = {value}: the design knows {least} to {greatest}")]
    Parameter {
        /// Name of the design.
        name: String,
        /// The parameter.
        parameter: String,
        /// Its value.
        value: String,
        /// The least value there is.
        least: i64,
        /// The greatest value there is.
        greatest: i64,
    },
    /// A parameter that the sources were made with was asked to be another.
    #[error(
        "{name}: made with {parameter} = {fixed}, which cannot be {value} now: make it anew, or leave the parameter out"
    )]
    Fixed {
        /// Name of the design.
        name: String,
        /// The parameter.
        parameter: String,
        /// The value it was made with.
        fixed: String,
        /// The value asked for.
        value: String,
    },
    /// A file of the cache or of the design cannot be read or written.
    #[error("{what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl BuildError {
    pub(super) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}

fn at(place: Option<&Place>) -> String {
    place.map_or_else(String::new, |place| format!(" at {place}"))
}

fn hint(stderr: &str) -> &'static str {
    if stderr.contains("lz4.h")
        || stderr.contains("zlib.h")
        || stderr.contains("-llz4")
        || stderr.contains("-lz")
    {
        " (waveforms need the zlib and lz4 headers: run `make setup`)"
    } else {
        ""
    }
}

/// The lines a person needs first: errors with the source lines under them, at most 24.
fn excerpt(stderr: &str) -> String {
    const LINES_MAX: usize = 24;
    let mut keep = false;
    let mut lines = Vec::new();
    for line in stderr.lines() {
        if line.starts_with("%Warning") || line.starts_with("- ") {
            keep = false;
        } else if line.starts_with("%Error")
            || line.contains("error:")
            || line.contains("undefined reference")
        {
            keep = true;
        }
        if keep && !line.trim_start().starts_with("... ") {
            lines.push(line);
        }
    }
    if lines.is_empty() {
        lines = stderr.lines().collect();
    }
    let more = lines.len().saturating_sub(LINES_MAX);
    lines.truncate(LINES_MAX);
    let mut text = lines.join("\n");
    if more > 0 {
        text.push_str("\n... ");
        text.push_str(&more.to_string());
        text.push_str(" more lines");
    }
    text
}

/// The place of the first `%Error` that has one.
pub(super) fn first_place(stderr: &str) -> Option<Place> {
    stderr
        .lines()
        .filter(|line| line.starts_with("%Error"))
        .find_map(|line| {
            let (_, rest) = line.split_once(": ")?;
            let mut parts = rest.splitn(4, ':');
            let file = parts.next()?.to_owned();
            let line = parts.next()?.parse().ok()?;
            let column = parts
                .next()
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0);
            Some(Place { file, line, column })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_gives_the_place() {
        let stderr = "%Warning-WIDTH: a.sv:1:2: x\n%Error: Cannot find file\n%Error-PINMISSING: rtl/b.sv:12:5: no such pin\n%Error: c.sv:3:1: later";
        assert_eq!(
            first_place(stderr),
            Some(Place {
                file: "rtl/b.sv".to_owned(),
                line: 12,
                column: 5
            })
        );
        assert_eq!(first_place("%Error: Exiting due to 1 error(s)"), None);
    }

    #[test]
    fn the_excerpt_drops_warnings_and_keeps_errors() {
        let stderr = "%Warning-WIDTH: a.sv:1:2: x\n   1 | wide\n%Error: b.sv:2:1: syntax error\n   2 | bad\n      | ^~~\n        ... See the manual\n";
        assert_eq!(
            excerpt(stderr),
            "%Error: b.sv:2:1: syntax error\n   2 | bad\n      | ^~~"
        );
        assert_eq!(excerpt("nothing known"), "nothing known");
    }
}
