//! A trace in any of its forms: text, compressed text, or a capture.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
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
    let mut input: Box<dyn BufRead> = Box::new(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?));
    if input.fill_buf()?.starts_with(ZSTD) {
        let decoder = zstd::stream::read::Decoder::with_buffer(input)?;
        input = Box::new(BufReader::with_capacity(BUFFER_BYTES, decoder));
    }
    if input.fill_buf()?.starts_with(PCAPNG) {
        return Ok(Box::new(CaptureLines::new(input)));
    }
    Ok(input)
}
