//! One loaded model: evaluate it, find its ports, dump its waves and coverage.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use cxx::UniquePtr;

use crate::build::{BuiltModel, Direction, Mode, PortInfo};
use crate::ffi::bridge;
use crate::port::Port;

/// Why a model cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[error("cannot load the model {library}: {message}")]
pub struct ModelError {
    /// The library.
    pub library: PathBuf,
    /// What the loader said.
    pub message: String,
}

/// What stopped the design, in the design's own terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cycle {cycle}: {kind} at {file}:{line}{}{message}", if message.is_empty() { "" } else { ": " })]
pub struct RtlError {
    /// `$fatal`, `$error` (also failed assertions), `$stop`, `$finish`, or `fatal` when the simulator itself gave up.
    pub kind: String,
    /// The message: what the design printed on the way, or the simulator's own words.
    pub message: String,
    /// Source file.
    pub file: String,
    /// Source line.
    pub line: u32,
    /// Cycle in which it happened, reset included.
    pub cycle: u64,
}

/// Why a port cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// There is no such port.
    #[error("the design has no port `{name}`{}", nearest_text(.nearest))]
    Missing {
        /// The name asked for.
        name: String,
        /// Ports with similar names, the most similar first.
        nearest: Vec<String>,
    },
    /// The port has another shape.
    #[error("port `{name}` is {got_bits} bit {got}, not {want_bits} bit {want}")]
    Shape {
        /// The port.
        name: String,
        /// `input` or `output`, as it is.
        got: &'static str,
        /// Width as it is.
        got_bits: u32,
        /// `input` or `output`, as asked for.
        want: &'static str,
        /// Width as asked for.
        want_bits: u32,
    },
}

fn nearest_text(nearest: &[String]) -> String {
    if nearest.is_empty() {
        String::new()
    } else {
        format!("; near are {}", nearest.join(", "))
    }
}

/// A model with its own state. It stays in its thread.
pub struct Model {
    inner: UniquePtr<bridge::Model>,
    table: Vec<bridge::PortEntry>,
    alive: &'static Cell<bool>,
    mode: Mode,
    hash: String,
    cycle: u64,
    failed: bool,
    log: Vec<String>,
    log_lost: u64,
}

/// More lines than this of `$display` output are counted, not kept.
const LOG_LINES_MAX: usize = 10_000;

impl Model {
    /// Loads a model whose uninitialised state is drawn from `seed`, and settles it with every input 0.
    ///
    /// # Errors
    /// [`ModelError`] when the library cannot be opened or its initial blocks stop.
    pub fn load(built: &BuiltModel, seed: u64) -> Result<Self, ModelError> {
        Self::load_with(built, Some(seed))
    }

    /// As [`Model::load`]; with `None` uninitialised state is zero.
    ///
    /// # Errors
    /// [`ModelError`] when the library cannot be opened or its initial blocks stop.
    pub fn load_with(built: &BuiltModel, seed: Option<u64>) -> Result<Self, ModelError> {
        let error = |message: String| ModelError {
            library: built.library.clone(),
            message,
        };
        let library = built
            .library
            .to_str()
            .ok_or_else(|| error("its path is not UTF-8".to_owned()))?;
        let rand_reset = if seed.is_some() { 2 } else { 0 };
        let inner = bridge::load_model(library, fold_seed(seed.unwrap_or(1)), rand_reset, &built.plusargs)
            .map_err(|e| error(e.what().to_owned()))?;
        let table = inner.ports();
        // One leaked byte per model is what lets `Port` be `Copy` and still be checked.
        let alive = Box::leak(Box::new(Cell::new(true)));
        let mut model = Self {
            inner,
            table,
            alive,
            mode: built.mode,
            hash: built.hash.clone(),
            cycle: 0,
            failed: false,
            log: Vec::new(),
            log_lost: 0,
        };
        // Initial blocks, with every input 0. Without this the first rising edge would not be seen as one.
        match model.eval() {
            Ok(()) => Ok(model),
            Err(stopped) => Err(error(stopped.to_string())),
        }
    }

    /// Settles the design for the current values of its inputs.
    ///
    /// # Errors
    /// [`RtlError`] when the design or the simulator stopped. After that only waves, coverage and ports are of use: another `eval` repeats the error's kind without running.
    #[inline]
    pub fn eval(&mut self) -> Result<(), RtlError> {
        if self.failed {
            return Err(
                self.rtl_error("fatal\u{1f}\u{1f}0\u{1f}the model was evaluated after it had stopped")
            );
        }
        match self.inner.pin_mut().eval() {
            Ok(()) => Ok(()),
            Err(error) => Err(self.stopped(error.what())),
        }
    }

    /// [`Model::eval`] for a clock edge: cheaper, and right only when no input but the clock has changed since the last one.
    ///
    /// # Errors
    /// As [`Model::eval`].
    #[inline]
    pub fn eval_edge(&mut self) -> Result<(), RtlError> {
        if self.failed {
            return self.eval();
        }
        match self.inner.pin_mut().eval_edge() {
            Ok(()) => Ok(()),
            Err(error) => Err(self.stopped(error.what())),
        }
    }

    #[cold]
    fn stopped(&mut self, what: &str) -> RtlError {
        self.failed = true;
        self.drain_log();
        self.rtl_error(what)
    }

    fn rtl_error(&self, what: &str) -> RtlError {
        let mut parts = what.splitn(4, '\u{1f}');
        let mut kind = parts.next().unwrap_or_default();
        let file = parts.next().unwrap_or_default().to_owned();
        let line = parts.next().and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut message = parts.next().unwrap_or_default();
        // $error, $fatal and assertions print first and stop then: the last line of the log says which it was.
        if let Some((severity, text)) = self.log.last().and_then(|last| printed_at(last, &file, line)) {
            kind = severity;
            message = text;
        }
        let (kind, message) = (kind.to_owned(), message.to_owned());
        RtlError {
            kind,
            message,
            file,
            line,
            cycle: self.cycle,
        }
    }

    /// The cycle that messages of this model name; the clock keeps it.
    pub fn set_cycle(&mut self, cycle: u64) {
        self.cycle = cycle;
    }

    /// Sets simulated time: what `$time` says.
    pub fn set_time_ps(&mut self, picoseconds: u64) {
        self.inner.pin_mut().set_time(picoseconds);
    }

    /// A port by the name it has in the source.
    ///
    /// # Errors
    /// [`PortError::Missing`] with the nearest names.
    pub fn port(&self, name: &str) -> Result<Port, PortError> {
        self.table
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| Port::new(entry.address, entry.width, entry.is_input, self.alive))
            .ok_or_else(|| PortError::Missing {
                name: name.to_owned(),
                nearest: self.nearest(name),
            })
    }

    /// A port that must have this direction and width.
    ///
    /// # Errors
    /// [`PortError`] when it is missing or shaped otherwise.
    pub fn port_as(&self, name: &str, direction: Direction, width_bits: u32) -> Result<Port, PortError> {
        let port = self.port(name)?;
        if port.direction() == direction && port.width() == width_bits {
            return Ok(port);
        }
        let word = |direction| {
            if direction == Direction::Input {
                "input"
            } else {
                "output"
            }
        };
        Err(PortError::Shape {
            name: name.to_owned(),
            got: word(port.direction()),
            got_bits: port.width(),
            want: word(direction),
            want_bits: width_bits,
        })
    }

    /// All ports, sorted by name.
    #[must_use]
    pub fn ports(&self) -> Vec<PortInfo> {
        self.table
            .iter()
            .map(|entry| PortInfo {
                name: entry.name.clone(),
                dir: if entry.is_input {
                    Direction::Input
                } else {
                    Direction::Output
                },
                width_bits: entry.width,
            })
            .collect()
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        let mut ranked: Vec<(usize, &str)> = self
            .table
            .iter()
            .map(|entry| (distance(name, &entry.name), entry.name.as_str()))
            .collect();
        ranked.sort_unstable();
        let limit = (name.len() / 2).max(3);
        ranked
            .into_iter()
            .filter(|(d, _)| *d <= limit)
            .take(4)
            .map(|(_, n)| n.to_owned())
            .collect()
    }

    /// What the library was built for.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Hash of the library: names the exact model in artefacts.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Opens a waveform file. Before the first `eval` or after: dumping starts with the next [`Model::trace_dump`].
    ///
    /// # Errors
    /// [`ModelError`] when the model has no waveforms or the file cannot be created.
    pub fn trace_open(&mut self, path: &Path) -> Result<(), ModelError> {
        let text = utf8(path)?;
        self.inner
            .pin_mut()
            .trace_open(text)
            .map_err(|e| at(path, e.what()))
    }

    /// Writes the current values at this time.
    ///
    /// # Errors
    /// [`ModelError`] when the file cannot be written.
    pub fn trace_dump(&mut self, picoseconds: u64) -> Result<(), ModelError> {
        self.inner
            .pin_mut()
            .trace_dump(picoseconds)
            .map_err(|e| at(Path::new("(waves)"), e.what()))
    }

    /// Closes the waveform file; nothing happens when none is open.
    ///
    /// # Errors
    /// [`ModelError`] when the file cannot be written.
    pub fn trace_close(&mut self) -> Result<(), ModelError> {
        self.inner
            .pin_mut()
            .trace_close()
            .map_err(|e| at(Path::new("(waves)"), e.what()))
    }

    /// Writes the coverage counters so far, in Verilator's own format; see [`crate::coverage`].
    ///
    /// # Errors
    /// [`ModelError`] when the model counts no coverage or the file cannot be written.
    pub fn coverage_write(&mut self, path: &Path) -> Result<(), ModelError> {
        let text = utf8(path)?;
        self.inner
            .pin_mut()
            .coverage_write(text)
            .map_err(|e| at(path, e.what()))
    }

    /// Runs the design's `final` blocks; a stop in one is reported.
    ///
    /// # Errors
    /// [`RtlError`] when a final block stops.
    pub fn finish(&mut self) -> Result<(), RtlError> {
        if self.failed {
            return Ok(());
        }
        match self.inner.pin_mut().finish() {
            Ok(()) => Ok(()),
            Err(error) => Err(self.stopped(error.what())),
        }
    }

    /// Takes the lines that the design printed with `$display` and its kin.
    pub fn take_log(&mut self) -> Vec<String> {
        self.drain_log();
        let mut log = std::mem::take(&mut self.log);
        if self.log_lost > 0 {
            log.push(format!("... {} more lines not kept", self.log_lost));
            self.log_lost = 0;
        }
        log
    }

    /// Moves printed text out of the library, before it fills up there.
    pub(crate) fn drain_log(&mut self) {
        let bytes = self.inner.pin_mut().take_log();
        if bytes.is_empty() {
            return;
        }
        for line in String::from_utf8_lossy(&bytes).lines() {
            if self.log.len() < LOG_LINES_MAX {
                self.log.push(line.to_owned());
            } else {
                self.log_lost += 1;
            }
        }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.alive.set(false);
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model")
            .field("hash", &self.hash)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// `[120] %Error: a.sv:7: text` is about this place: gives `$error` and `text`. The design prints file names without folders.
fn printed_at<'a>(line: &'a str, file: &str, number: u32) -> Option<(&'static str, &'a str)> {
    let name = file.rsplit('/').next().unwrap_or(file);
    let place = format!(": {name}:{number}: ");
    let at = line.find(&place)?;
    let severity = if line[..at].ends_with("%Fatal") {
        "$fatal"
    } else {
        "$error"
    };
    Some((severity, &line[at + place.len()..]))
}

fn utf8(path: &Path) -> Result<&str, ModelError> {
    path.to_str().ok_or_else(|| at(path, "the path is not UTF-8"))
}

fn at(path: &Path, message: &str) -> ModelError {
    ModelError {
        library: path.to_owned(),
        message: message.to_owned(),
    }
}

/// Verilator's seed is 31 bits and never 0; neighbouring seeds must stay apart.
fn fold_seed(seed: u64) -> i32 {
    let mixed = (seed ^ (seed >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    i32::try_from((mixed >> 33) & 0x7fff_ffff).unwrap_or(1).max(1)
}

/// Edits from one name to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance() {
        assert_eq!(distance("clk", "clk_i"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("rq_tdata", "rc_tdata"), 1);
    }

    #[test]
    fn seeds_stay_apart_and_never_zero() {
        assert!((0..1000).all(|s| fold_seed(s) > 0));
        assert_ne!(fold_seed(1), fold_seed(2));
    }

    #[test]
    fn the_last_printed_line_is_the_message() {
        let line = "[12] %Error: a.sv:7: Assertion failed in top: bad 3";
        assert_eq!(
            printed_at(line, "rtl/a.sv", 7),
            Some(("$error", "Assertion failed in top: bad 3"))
        );
        assert_eq!(
            printed_at("[0] %Fatal: a.sv:7: gone", "a.sv", 7),
            Some(("$fatal", "gone"))
        );
        assert_eq!(printed_at(line, "rtl/a.sv", 8), None);
        assert_eq!(printed_at("hello", "a.sv", 7), None);
    }
}
