//! A trace in any of its forms: text, compressed text, or a capture.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::capture::CaptureLines;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// How a zstd frame begins.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// How a pcapng file begins.
const PCAPNG: &[u8] = &[0x0a, 0x0d, 0x0d, 0x0a];

/// Opens a trace: the lines as text, however the file holds them (JSON Lines, the same compressed with zstd, or pcapng). What it is shows in its first bytes.
///
/// # Errors
/// The system's, when the file cannot be opened or read.
pub fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    watched(path, |_, _| ())
}

/// [`open`], telling as it goes how many bytes of the file were read, and how many it has (0 where that is not known, as of a pipe).
///
/// # Errors
/// As [`open`].
pub fn watched(path: &Path, tell: impl FnMut(u64, u64) + 'static) -> io::Result<Box<dyn BufRead>> {
    let file = File::open(path)?;
    let whole = file.metadata()?.len();
    let file = Watched {
        file,
        done: 0,
        whole,
        tell,
    };
    let mut input: Box<dyn BufRead> = Box::new(BufReader::with_capacity(BUFFER_BYTES, file));
    if input.fill_buf()?.starts_with(ZSTD) {
        let decoder = zstd::stream::read::Decoder::with_buffer(input)?;
        input = Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder));
    }
    if input.fill_buf()?.starts_with(PCAPNG) {
        return Ok(Box::new(CaptureLines::new(input)));
    }
    Ok(input)
}

/// A file that tells how much of it was read.
struct Watched<F> {
    file: File,
    done: u64,
    whole: u64,
    tell: F,
}

impl<F: FnMut(u64, u64)> Read for Watched<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(into)?;
        self.done += n as u64;
        (self.tell)(self.done, self.whole);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn a_reader_tells_how_far_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t");
        std::fs::write(&path, "line\n".repeat(100_000)).unwrap();
        let seen = Rc::new(Cell::new((0, 0)));
        let tell = Rc::clone(&seen);
        let mut input = watched(&path, move |done, whole| tell.set((done, whole))).unwrap();
        assert_eq!(seen.get(), (256 * 1024, 500_000));
        assert_eq!(io::copy(&mut input, &mut io::sink()).unwrap(), 500_000);
        assert_eq!(seen.get(), (500_000, 500_000));
    }

    #[test]
    fn compressed_text_that_was_cut_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.zst");
        let whole = zstd::stream::encode_all(&b"some text\n".repeat(100)[..], 3).unwrap();
        std::fs::write(&path, &whole).unwrap();
        let mut text = String::new();
        open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text.len(), 1000);
        std::fs::write(&path, &whole[..whole.len() - 3]).unwrap();
        let read = open(&path).and_then(|mut input| input.read_to_string(&mut String::new()));
        assert!(read.is_err());
    }
}
