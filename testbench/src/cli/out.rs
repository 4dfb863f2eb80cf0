//! Standard output that a reader may close: `ringside … | head` is no bug of ours.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _, stdout};

/// Writes text; a closed pipe ends the output quietly, anything else is said once.
pub(super) fn write(text: Arguments<'_>) {
    if let Err(e) = stdout().write_fmt(text)
        && e.kind() != ErrorKind::BrokenPipe
    {
        eprintln!("cannot write to standard output: {e}");
    }
}

/// `println!` that survives a closed pipe.
macro_rules! outln {
    ($($arg:tt)*) => { $crate::cli::out::write(format_args!("{}\n", format_args!($($arg)*))) };
}

/// `print!` that survives a closed pipe.
macro_rules! out {
    ($($arg:tt)*) => { $crate::cli::out::write(format_args!($($arg)*)) };
}

pub(super) use {out, outln};
