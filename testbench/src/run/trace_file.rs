//! Writing a trace as it happens, and its digest.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use ringside_models::event::{Event, Header};
use ringside_models::hex;
use ringside_models::trace::{encode_event, encode_header};
use sha2::{Digest as _, Sha256};

use crate::unfinished::Unfinished;

/// Bytes that wait before they go to the disk.
const BUFFER_BYTES: usize = 256 * 1024;

/// How hard a trace is compressed: a tenth of its size, and the run does not wait for it.
const LEVEL: i32 = 3;

/// A trace could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write trace {}: {cause}", path.display())]
pub struct TraceFileError {
    /// The file.
    pub path: PathBuf,
    /// The system's words.
    pub cause: std::io::Error,
}

/// Where lines go: a file, compressed if its name ends in `zst`.
enum Sink {
    Plain(BufWriter<File>),
    Zstd(Box<zstd::stream::write::Encoder<'static, BufWriter<File>>>),
}

impl Sink {
    fn new(file: File, path: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        if path.extension().is_some_and(|e| e == "zst") {
            let encoder = zstd::stream::write::Encoder::new(file, LEVEL)?;
            Ok(Sink::Zstd(Box::new(encoder)))
        } else {
            Ok(Sink::Plain(file))
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sink::Plain(file) => file.write_all(bytes),
            Sink::Zstd(encoder) => encoder.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Sink::Plain(mut file) => file.flush(),
            Sink::Zstd(encoder) => encoder.finish()?.flush(),
        }
    }
}

/// Takes events as lines: to a file, to a digest, or both.
pub struct TraceFile {
    file: Option<(Sink, Unfinished, PathBuf)>,
    digest: Option<Sha256>,
    /// The first write that failed. A sink has nobody to tell; it is told at the end.
    failed: Option<TraceFileError>,
}

impl TraceFile {
    /// Opens the file, if there is to be one, and writes the header.
    ///
    /// # Errors
    /// [`TraceFileError`] when the file cannot be created.
    pub fn create(path: Option<&Path>, digest: bool, header: &Header) -> Result<Self, TraceFileError> {
        let file = match path {
            Some(path) => {
                let (file, unfinished) = Unfinished::create(path).map_err(|cause| TraceFileError {
                    path: path.to_owned(),
                    cause,
                })?;
                let file = Sink::new(file, path).map_err(|cause| TraceFileError {
                    path: path.to_owned(),
                    cause,
                })?;
                Some((file, unfinished, path.to_owned()))
            }
            None => None,
        };
        let mut trace = TraceFile {
            file,
            digest: digest.then(Sha256::new),
            failed: None,
        };
        if trace.is_wanted() {
            trace.line(encode_header(header));
        }
        Ok(trace)
    }

    fn is_wanted(&self) -> bool {
        self.file.is_some() || self.digest.is_some()
    }

    fn line(&mut self, mut line: String) {
        if !line.ends_with('\n') {
            line.push('\n');
        }
        if let Some(digest) = &mut self.digest {
            digest.update(line.as_bytes());
        }
        if self.failed.is_none()
            && let Some((file, _, path)) = &mut self.file
            && let Err(cause) = file.write_all(line.as_bytes())
        {
            self.failed = Some(TraceFileError {
                path: path.clone(),
                cause,
            });
        }
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        if self.is_wanted() {
            self.line(encode_event(event));
        }
    }

    /// Writes out what waits; the digest in hexadecimal, if one was taken. A trace that is not `whole` (the run was
    /// stopped) stays beside its place, see [`crate::unfinished`].
    ///
    /// # Errors
    /// [`TraceFileError`] when any write failed.
    pub fn finish(self, whole: bool) -> Result<Option<String>, TraceFileError> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        if let Some((file, unfinished, path)) = self.file {
            let named = file.finish().and_then(|()| {
                if whole {
                    unfinished.finish()
                } else {
                    unfinished.leave();
                    Ok(())
                }
            });
            named.map_err(|cause| TraceFileError { path, cause })?;
        }
        Ok(self.digest.map(|d| hex::text(&d.finalize(), "")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::observer::tests::header;
    use ringside_models::event::{EndReason, What};

    #[test]
    fn a_compressed_trace_is_the_same_trace() {
        let dir = tempfile::tempdir().unwrap();
        let texts: Vec<String> = ["t.jsonl", "t.jsonl.zst"]
            .map(|name| {
                let path = dir.path().join(name);
                let mut t = TraceFile::create(Some(&path), true, &header()).unwrap();
                for cycle in 0..2000 {
                    let what = What::LinkUp { up: true };
                    t.event(&Event { cycle, what });
                }
                let what = What::End {
                    reason: EndReason::Complete,
                };
                t.event(&Event { cycle: 2000, what });
                assert!(t.finish(true).unwrap().is_some());
                let mut text = String::new();
                io::Read::read_to_string(&mut ringside_reports::input::open(&path).unwrap(), &mut text)
                    .unwrap();
                text
            })
            .into();
        assert_eq!(texts[0], texts[1]);
        let size = |name: &str| dir.path().join(name).metadata().unwrap().len();
        assert!(size("t.jsonl.zst") * 5 < size("t.jsonl"));
    }

    #[test]
    fn the_file_reads_back_and_the_digest_is_of_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl");
        let event = Event {
            cycle: 5,
            what: What::End {
                reason: EndReason::Complete,
            },
        };
        let digest = |path: Option<&Path>| {
            let mut t = TraceFile::create(path, true, &header()).unwrap();
            t.event(&event);
            t.finish(true).unwrap().unwrap()
        };
        let with_file = digest(Some(&path));
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        assert_eq!(
            ringside_models::trace::parse_header(lines.next().unwrap()).unwrap(),
            header()
        );
        assert_eq!(
            ringside_models::trace::parse_event(lines.next().unwrap(), 2).unwrap(),
            event
        );
        assert_eq!(lines.next(), None);
        assert_eq!(with_file, digest(None));
        assert_eq!(with_file.len(), 64);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let Err(e) = TraceFile::create(Some(Path::new("/proc/nowhere/t.jsonl")), false, &header()) else {
            panic!()
        };
        assert!(
            e.to_string()
                .starts_with("cannot write trace /proc/nowhere/t.jsonl: "),
            "{e}"
        );
    }
}
