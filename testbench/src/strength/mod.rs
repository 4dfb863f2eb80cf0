//! Mutants of a design: small changes of its source, hundreds in one model, one of them in force at a time.
//!
//! What is worth changing is asked of the synthesised design: every cell of the netlist before technology mapping names the stretch of source that it comes
//! from ([`cells`]). So parameters, loops that unroll, generate conditions, planted bugs and assertions are left alone, and what is changed is hardware. An expression or
//! statement so found is taken apart as text ([`tokens`]) and gets its [`edits`]; a [`sample`] of them, in proportion to the blocks, is written
//! into a copy of the sources, each behind a comparison with the number of the mutant in force ([`schema`]).

pub mod cells;
pub mod edits;
pub mod mutant;
pub mod sample;
pub mod schema;
pub mod tokens;

use std::path::PathBuf;

/// Why a design could not be mutated.
#[derive(Debug, thiserror::Error)]
pub enum StrengthError {
    /// A line of the netlist names a place that the sources have not.
    #[error("the netlist names {place}, which the sources have not: were they changed meanwhile?")]
    Place {
        /// File, line and column, as the netlist has it.
        place: String,
    },
    /// Nothing can be mutated.
    #[error("nothing of {dut} can be mutated: its netlist has no operators, or their places are not known")]
    Nothing {
        /// The design.
        dut: String,
    },
    /// The top module is not found in the sources.
    #[error("module {top} with a list of parameters, `module {top} ... #(`, is in none of the sources")]
    Top {
        /// Its name.
        top: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {what} {path}: {cause}")]
    File {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
}

impl StrengthError {
    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| StrengthError::File { what, path, cause }
    }
}
