//! `dut.toml`: what a design is, where its files are, and how its clock and reset are wired.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::filelist::{self, FileListError};
use crate::runtime::Runtime;

/// Slowest clock, MHz: times in picoseconds stay far within 64 bits in the longest run.
const CLOCK_MHZ_MIN: f64 = 0.1;
/// Fastest clock, MHz: a period still is many picoseconds, so that half of it is a time of its own.
const CLOCK_MHZ_MAX: f64 = 10_000.0;

/// A parameter of the top module, as given to the elaborator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// An integer.
    Int(i64),
    /// A TOML boolean: 1 or 0.
    Bool(bool),
    /// Text. A sized literal such as `48'h02_00_00_00_00_01` is passed as that number, anything else as a string.
    Text(String),
}

impl ParamValue {
    /// The value as a `SystemVerilog` literal.
    #[must_use]
    pub fn literal(&self) -> String {
        match self {
            Self::Int(n) => n.to_string(),
            Self::Bool(b) => u8::from(*b).to_string(),
            Self::Text(text) if is_sized_literal(text) => text.clone(),
            Self::Text(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }
}

fn is_sized_literal(text: &str) -> bool {
    let Some((size, rest)) = text.split_once('\'') else {
        return false;
    };
    let rest = rest.strip_prefix(['s', 'S']).unwrap_or(rest);
    let mut digits = rest.chars();
    size.chars().all(|c| c.is_ascii_digit())
        && digits.next().is_some_and(|c| "bBoOdDhH".contains(c))
        && digits.as_str().starts_with(|c: char| c.is_ascii_hexdigit())
        && digits.all(|c| c.is_ascii_hexdigit() || c == '_')
}

impl From<i64> for ParamValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for ParamValue {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for ParamValue {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for ParamValue {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for ParamValue {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for ParamValue {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl fmt::Display for ParamValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.literal())
    }
}

/// The reset port of a design.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// Name of the port.
    pub port: String,
    /// True when the design is in reset while the port is 0.
    #[serde(default = "yes")]
    pub active_low: bool,
}

impl Default for Reset {
    fn default() -> Self {
        Self {
            port: "rst_ni".to_owned(),
            active_low: true,
        }
    }
}

/// A design under test: everything that is needed to build its model.
#[derive(Debug, Clone, PartialEq)]
pub struct DutConfig {
    /// A name for people; default: the top module.
    pub name: String,
    /// The top module.
    pub top: String,
    /// Source files in compile order, absolute.
    pub files: Vec<PathBuf>,
    /// Folders searched for `` `include`` files and modules, absolute.
    pub include_dirs: Vec<PathBuf>,
    /// Preprocessor definitions.
    pub defines: BTreeMap<String, String>,
    /// Parameters of the top module.
    pub parameters: BTreeMap<String, ParamValue>,
    /// Which of them the design can also take when a simulation begins, by name.
    pub runtime: BTreeMap<String, Runtime>,
    /// Parameters that these sources were made with and have no more, as a netlist has not. A scenario may ask for the same value, not for another.
    pub fixed: BTreeMap<String, ParamValue>,
    /// The clock port; default `clk_i`.
    pub clock: String,
    /// Clock frequency in MHz (time in waveforms and in `$time`); default 250.
    pub clock_mhz: f64,
    /// The reset port; default `rst_ni`, active low.
    pub reset: Reset,
    /// Build without the design's assertions; default false.
    pub no_assert: bool,
    /// Build uninitialised state and X assignments as values drawn from the seed (else: zero, and whatever is fastest); default true.
    pub x_random: bool,
    /// More arguments for the elaborator, for example `-Wno-WIDTH` or a `.vlt` file's options.
    pub verilator_args: Vec<String>,
    /// A free table for whoever reads this design beyond its pins. `sim` never looks into it.
    pub meta: BTreeMap<String, toml::Value>,
    /// The folder of the `dut.toml`.
    pub base_dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDut {
    name: Option<String>,
    top: String,
    #[serde(default)]
    files: Vec<String>,
    filelist: Option<String>,
    #[serde(default)]
    include_dirs: Vec<String>,
    #[serde(default)]
    defines: BTreeMap<String, DefineValue>,
    #[serde(default)]
    parameters: BTreeMap<String, ParamValue>,
    #[serde(default)]
    runtime: BTreeMap<String, Runtime>,
    #[serde(default)]
    fixed: BTreeMap<String, ParamValue>,
    #[serde(default = "default_clock")]
    clock: String,
    #[serde(default = "default_mhz")]
    clock_mhz: f64,
    #[serde(default)]
    reset: Reset,
    #[serde(default)]
    no_assert: bool,
    #[serde(default = "yes")]
    x_random: bool,
    #[serde(default)]
    verilator_args: Vec<String>,
    #[serde(default)]
    meta: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum DefineValue {
    Int(i64),
    Bool(bool),
    Text(String),
}

fn default_clock() -> String {
    "clk_i".to_owned()
}

const fn default_mhz() -> f64 {
    250.0
}

const fn yes() -> bool {
    true
}

/// Why a `dut.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DutError {
    /// The file cannot be read.
    #[error("cannot read the design description {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not valid TOML, an unknown key, a missing key or a value of the wrong type.
    #[error("{path}:{line}:{column}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong, with the keys that are known.
        message: String,
    },
    /// A value is of the right type but makes no sense.
    #[error("{path}: {message}")]
    Value {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// A file list named by it is wrong.
    #[error("{path}: {source}")]
    FileList {
        /// The `dut.toml`.
        path: PathBuf,
        /// What is wrong in the list.
        source: FileListError,
    },
    /// A source file or an include folder does not exist.
    #[error("{path}: the design names {missing}, which does not exist")]
    Missing {
        /// The `dut.toml`.
        path: PathBuf,
        /// The file or folder.
        missing: PathBuf,
    },
}

impl DutConfig {
    /// Reads a `dut.toml`. Relative paths in it are relative to its folder; those in a file list to the list's folder.
    ///
    /// # Errors
    /// [`DutError`] with the place: unreadable, unknown key, wrong type, missing file.
    pub fn load(path: &Path) -> Result<Self, DutError> {
        let text = std::fs::read_to_string(path).map_err(|source| DutError::Read {
            path: path.to_owned(),
            source,
        })?;
        let raw: RawDut = toml::from_str(&text).map_err(|error| {
            let (line, column) = line_column(&text, error.span().map_or(0, |span| span.start));
            DutError::Parse {
                path: path.to_owned(),
                line,
                column,
                message: error.message().to_owned(),
            }
        })?;
        let base_dir = absolute_folder(path);
        let value_error = |message: String| DutError::Value {
            path: path.to_owned(),
            message,
        };
        if !(CLOCK_MHZ_MIN..=CLOCK_MHZ_MAX).contains(&raw.clock_mhz) {
            return Err(value_error(format!(
                "clock_mhz = {} is no clock in MHz that can be simulated: give {CLOCK_MHZ_MIN} to {CLOCK_MHZ_MAX}",
                raw.clock_mhz
            )));
        }
        if raw.top.is_empty() || raw.clock.is_empty() {
            return Err(value_error("top and clock must not be empty".to_owned()));
        }

        if let Some(name) = raw
            .runtime
            .keys()
            .find(|name| !raw.parameters.contains_key(*name))
        {
            return Err(value_error(format!(
                "[runtime] names {name}, which has no value in [parameters]"
            )));
        }
        if let Some(name) = raw.fixed.keys().find(|name| raw.parameters.contains_key(*name)) {
            return Err(value_error(format!(
                "{name} is in [parameters] and in [fixed]: a parameter that the sources still have is not fixed"
            )));
        }
        let mut sources = filelist::Sources::default();
        let list_error = |source| DutError::FileList {
            path: path.to_owned(),
            source,
        };
        for (key, value) in raw.defines {
            let value = match value {
                DefineValue::Int(n) => n.to_string(),
                DefineValue::Bool(b) => u8::from(b).to_string(),
                DefineValue::Text(text) => text,
            };
            sources.defines.insert(key, value);
        }
        sources
            .include_dirs
            .extend(raw.include_dirs.iter().map(|dir| base_dir.join(dir)));
        if let Some(list) = &raw.filelist {
            sources.read(&base_dir.join(list)).map_err(list_error)?;
        }
        for file in &raw.files {
            match file.strip_prefix("-f ").or_else(|| file.strip_prefix("-F ")) {
                Some(list) => sources.read(&base_dir.join(list.trim())).map_err(list_error)?,
                None => sources.files.push(base_dir.join(file)),
            }
        }
        if sources.files.is_empty() {
            return Err(value_error(
                "no source file: give files = [..] or filelist = \"..\"".to_owned(),
            ));
        }
        let missing = sources
            .files
            .iter()
            .find(|f| !f.is_file())
            .or_else(|| sources.include_dirs.iter().find(|d| !d.is_dir()));
        if let Some(missing) = missing {
            return Err(DutError::Missing {
                path: path.to_owned(),
                missing: missing.clone(),
            });
        }
        Ok(Self {
            name: raw.name.unwrap_or_else(|| raw.top.clone()),
            top: raw.top,
            files: sources.files,
            include_dirs: sources.include_dirs,
            defines: sources.defines,
            parameters: raw.parameters,
            runtime: raw.runtime,
            fixed: raw.fixed,
            clock: raw.clock,
            clock_mhz: raw.clock_mhz,
            reset: raw.reset,
            no_assert: raw.no_assert,
            x_random: raw.x_random,
            verilator_args: raw.verilator_args,
            meta: raw.meta,
            base_dir,
        })
    }

    /// The same design with one parameter set (over the one from the file, if any).
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: impl Into<ParamValue>) -> Self {
        self.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// Clock period in picoseconds, rounded; waveforms and `$time` count in these.
    #[must_use]
    #[expect(clippy::cast_sign_loss, reason = "load() admits positive frequencies only")]
    pub fn period_ps(&self) -> u64 {
        ((1e6 / self.clock_mhz).round() as u64).max(2)
    }
}

/// The folder of `path`, made absolute without asking that the file exists.
fn absolute_folder(path: &Path) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}

fn line_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_what_the_elaborator_takes() {
        let literal = |v: ParamValue| v.literal();
        assert_eq!(literal(7.into()), "7");
        assert_eq!(literal((-1).into()), "-1");
        assert_eq!(literal(true.into()), "1");
        assert_eq!(literal("48'h02_00".into()), "48'h02_00");
        assert_eq!(literal("8'sd3".into()), "8'sd3");
        assert_eq!(literal("split".into()), "\"split\"");
        assert_eq!(literal("don't".into()), "\"don't\"");
        assert_eq!(literal("8'h_".into()), "\"8'h_\"");
    }

    #[test]
    fn places_count_from_one() {
        assert_eq!(line_column("ab\ncd", 0), (1, 1));
        assert_eq!(line_column("ab\ncd", 4), (2, 2));
        assert_eq!(line_column("ab\ncd", 99), (2, 3));
    }
}
