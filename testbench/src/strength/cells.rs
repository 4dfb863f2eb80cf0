//! The stretches of source that became cells: read from the netlist in yosys' text form, before technology mapping.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use super::StrengthError;

/// Cells that compare sizes.
const SIZES: [&str; 4] = ["$le ", "$lt ", "$ge ", "$gt "];

/// A source file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
    /// Where each of its lines begins.
    lines: Vec<usize>,
}

impl Source {
    /// Reads it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path) -> Result<Self, StrengthError> {
        let text = std::fs::read_to_string(path).map_err(StrengthError::file("read", path))?;
        Ok(Self::new(path, text))
    }

    /// A file that has been read.
    #[must_use]
    pub fn new(path: &Path, text: String) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(after).collect();
        Source {
            path: path.to_owned(),
            text,
            lines,
        }
    }

    /// Line and column, both from 1, of a byte.
    #[must_use]
    pub fn place(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|begin| *begin <= at);
        (line, at - self.lines[line - 1] + 1)
    }

    fn offset(&self, place: &str) -> Option<usize> {
        let (line, column) = place.split_once('.')?;
        let begin = self.lines.get(line.parse::<usize>().ok()?.checked_sub(1)?)?;
        let at = begin + column.parse::<usize>().ok()?.checked_sub(1)?;
        self.text.is_char_boundary(at).then_some(at)
    }
}

/// The stretches of one source that cells come from, from byte to byte. True: one of the cells compares sizes, so a `<=` in it is no assignment.
pub type Stretches = BTreeMap<(usize, usize), bool>;

/// The stretches of the sources that cells come from, for each source by its place in `sources`.
///
/// `netlist` is RTLIL text, of which the `src` attributes before each `cell` are read: `file:line.column-line.column`, several joined by `|`.
/// Its paths are absolute or relative to `base`.
///
/// # Errors
/// A place that the sources have not.
pub fn stretches(netlist: &str, sources: &[Source], base: &Path) -> Result<Vec<Stretches>, StrengthError> {
    let known: BTreeMap<PathBuf, usize> = sources
        .iter()
        .enumerate()
        .map(|(i, s)| (plain(&s.path), i))
        .collect();
    let mut found = vec![BTreeMap::new(); sources.len()];
    let mut src = "";
    for line in netlist.lines().map(str::trim_start) {
        if let Some(rest) = line.strip_prefix("attribute \\src \"") {
            src = rest.trim_end().trim_end_matches('"');
        } else if let Some(cell) = line.strip_prefix("cell ") {
            let compares = SIZES.iter().any(|c| cell.starts_with(c));
            for place in src.split('|') {
                if let Some((file, range)) = stretch(place, &known, sources, base)? {
                    *found[file].entry((range.start, range.end)).or_default() |= compares;
                }
            }
            src = "";
        } else if !line.starts_with("attribute ") {
            src = "";
        }
    }
    Ok(found)
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out
}

/// One of them; `None`: a place without an end, or in a file that is none of the sources.
fn stretch(
    place: &str,
    known: &BTreeMap<PathBuf, usize>,
    sources: &[Source],
    base: &Path,
) -> Result<Option<(usize, Range<usize>)>, StrengthError> {
    let Some((path, range)) = place.rsplit_once(':') else {
        return Ok(None);
    };
    let (Some(file), Some((from, to))) = (known.get(&plain(&base.join(path))), range.split_once('-')) else {
        return Ok(None);
    };
    let source = &sources[*file];
    match (source.offset(from), source.offset(to)) {
        (Some(from), Some(to)) if from < to && to <= source.text.len() => Ok(Some((*file, from..to))),
        _ => Err(StrengthError::Place {
            place: place.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETLIST: &str = r#"
module \m
  attribute \src "../a.sv:1.1-1.2"
  wire \x
  cell $eq $1
  end
  attribute \src "../a.sv:2.3-2.7|/x/a.sv:1.1-2.8|b.sv:1.1-1.2|/x/a.sv:2.3"
  attribute \full_case 1
  cell $mux $2
  end
  attribute \src "../a.sv:2.3-2.7"
  cell $le $3
  end
end
"#;

    fn sources() -> Vec<Source> {
        vec![Source::new(Path::new("/x/./a.sv"), "first\n  a==b;\n".to_owned())]
    }

    #[test]
    fn cells_name_stretches_and_wires_do_not() {
        let found = stretches(NETLIST, &sources(), Path::new("/x/y")).unwrap();
        assert_eq!(found, [BTreeMap::from([((8, 12), true), ((0, 13), false)])]);
        let source = &sources()[0];
        assert_eq!(&source.text[8..12], "a==b");
        assert_eq!((source.place(0), source.place(8)), ((1, 1), (2, 3)));
    }

    #[test]
    fn a_place_beyond_the_source_is_said() {
        for wrong in [
            "../a.sv:9.1-9.2",
            "../a.sv:1.4-1.2",
            "../a.sv:x.1-1.2",
            "../a.sv:1.0-1.2",
        ] {
            let netlist = format!("attribute \\src \"{wrong}\"\ncell $eq $1\n");
            let error = stretches(&netlist, &sources(), Path::new("/x/y"))
                .unwrap_err()
                .to_string();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
