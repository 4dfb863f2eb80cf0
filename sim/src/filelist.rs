//! File lists (`.f`): sources, include folders and definitions, in the notation every simulator shares.
//!
//! Relative paths are relative to the folder of the list they stand in, for `-f` and `-F` alike, so that a list means the same from any working directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Nested deeper than this, a list includes itself.
const DEPTH_MAX: usize = 16;

/// What is wrong with a file list.
#[derive(Debug, thiserror::Error)]
pub enum FileListError {
    /// The list cannot be read.
    #[error("cannot read the file list {path}: {source}")]
    Read {
        /// The list.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An argument that is not understood.
    #[error(
        "{path}:{line}: `{argument}` is not understood; known are files, -f, -F, -v, -y, -I, -D, +incdir+ and +define+"
    )]
    Unknown {
        /// The list.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The argument.
        argument: String,
    },
    /// An argument that needs a value stands last on its line.
    #[error("{path}:{line}: `{argument}` needs a value on the same line")]
    NoValue {
        /// The list.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The argument.
        argument: String,
    },
    /// Lists that include each other.
    #[error("{path}: file lists nested more than {DEPTH_MAX} deep; does one include itself?")]
    TooDeep {
        /// The list at which reading stopped.
        path: PathBuf,
    },
}

/// What file lists add up to.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) include_dirs: Vec<PathBuf>,
    pub(crate) defines: BTreeMap<String, String>,
}

impl Sources {
    /// Adds what `list` names.
    pub(crate) fn read(&mut self, list: &Path) -> Result<(), FileListError> {
        self.read_nested(list, 0)
    }

    fn read_nested(&mut self, list: &Path, depth: usize) -> Result<(), FileListError> {
        if depth > DEPTH_MAX {
            return Err(FileListError::TooDeep {
                path: list.to_owned(),
            });
        }
        let text = std::fs::read_to_string(list).map_err(|source| FileListError::Read {
            path: list.to_owned(),
            source,
        })?;
        let folder = list.parent().unwrap_or(Path::new("."));
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let mut words = strip_comment(line).split_whitespace();
            while let Some(word) = words.next() {
                let mut value = |argument: &str| {
                    words
                        .next()
                        .map(str::to_owned)
                        .ok_or_else(|| FileListError::NoValue {
                            path: list.to_owned(),
                            line: line_number,
                            argument: argument.to_owned(),
                        })
                };
                if let Some(dirs) = word.strip_prefix("+incdir+") {
                    self.include_dirs
                        .extend(dirs.split('+').filter(|d| !d.is_empty()).map(|d| folder.join(d)));
                } else if let Some(defines) = word.strip_prefix("+define+") {
                    for define in defines.split('+').filter(|d| !d.is_empty()) {
                        self.define(define);
                    }
                } else if matches!(word, "-f" | "-F") {
                    let nested = folder.join(value(word)?);
                    self.read_nested(&nested, depth + 1)?;
                } else if word == "-v" {
                    let file = folder.join(value(word)?);
                    self.files.push(file);
                } else if matches!(word, "-y" | "-I" | "-D") {
                    let text = value(word)?;
                    if word == "-D" {
                        self.define(&text);
                    } else {
                        self.include_dirs.push(folder.join(text));
                    }
                } else if let Some(dir) = word.strip_prefix("-I") {
                    self.include_dirs.push(folder.join(dir));
                } else if let Some(define) = word.strip_prefix("-D") {
                    self.define(define);
                } else if word.starts_with(['-', '+']) {
                    return Err(FileListError::Unknown {
                        path: list.to_owned(),
                        line: line_number,
                        argument: word.to_owned(),
                    });
                } else {
                    self.files.push(folder.join(word));
                }
            }
        }
        Ok(())
    }

    fn define(&mut self, text: &str) {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        self.defines.insert(name.to_owned(), value.to_owned());
    }
}

fn strip_comment(line: &str) -> &str {
    let line = line.split("//").next().unwrap_or("");
    // A `#` opens a comment only where no word precedes it: file names may contain one.
    if line.trim_start().starts_with('#') {
        ""
    } else {
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn nested_lists_resolve_from_their_own_folder() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "sub/inner.f", "# comment\nb.sv // tail\n-I inc\n");
        let top = write(
            dir.path(),
            "top.f",
            "a.sv\n-f sub/inner.f\n+incdir+x+y\n+define+A=1+B\n-D C=2\n",
        );
        let mut sources = Sources::default();
        sources.read(&top).unwrap();
        let relative = |paths: &[PathBuf]| {
            paths
                .iter()
                .map(|p| p.strip_prefix(dir.path()).unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            relative(&sources.files),
            [Path::new("a.sv"), Path::new("sub/b.sv")]
        );
        assert_eq!(
            relative(&sources.include_dirs),
            [Path::new("sub/inc"), Path::new("x"), Path::new("y")]
        );
        assert_eq!(sources.defines["A"], "1");
        assert_eq!(sources.defines["B"], "");
        assert_eq!(sources.defines["C"], "2");
    }

    #[test]
    fn wrong_arguments_name_their_line() {
        let dir = tempfile::tempdir().unwrap();
        let unknown = write(dir.path(), "u.f", "a.sv\n-sverilog\n");
        let text = Sources::default().read(&unknown).unwrap_err().to_string();
        assert!(text.contains("u.f:2: `-sverilog`"), "{text}");
        let short = write(dir.path(), "s.f", "-I\n");
        let text = Sources::default().read(&short).unwrap_err().to_string();
        assert!(text.contains("s.f:1: `-I` needs a value"), "{text}");
        let cycle = write(dir.path(), "c.f", "-f c.f\n");
        let text = Sources::default().read(&cycle).unwrap_err().to_string();
        assert!(text.contains("does one include itself"), "{text}");
    }
}
