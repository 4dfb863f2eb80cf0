//! The `ringside` command: arguments in, exit code out.
//!
//! Exit codes: 0 pass, 1 violations, 2 usage, build or input, 3 a bug of Ringside, 4 time-out, 5 the design was not made for what was asked of it, 130 SIGINT, 143 SIGTERM.

mod build;
mod capture;
mod check;
mod compare;
mod error;
mod failure;
mod golden;
mod interrupt;
mod out;
mod paint;
mod report;
mod run;
mod run_args;
mod second;
mod serve;
mod serve_args;
mod serve_pci;
mod shrink;
mod strength;
mod study;
mod summary;
mod test;
mod timeline;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::CliError;

/// A virtio device in RTL, driven, judged and measured.
#[derive(Debug, Parser)]
#[command(
    name = "ringside",
    version,
    about = "A virtio device in RTL, driven, judged and measured",
    max_term_width = 110
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run traffic through a device, judge every transaction, report what it cost.
    Run(run_args::RunArgs),
    /// Judge a recorded trace.
    Check(check::CheckArgs),
    /// Make the report of a trace, or of every trace in a folder.
    Report(report::ReportArgs),
    /// Write all TLPs of a trace as pcapng, for Wireshark.
    Capture(capture::CaptureArgs),
    /// Write what became of every chain as Chrome trace events, for Perfetto.
    Timeline(timeline::TimelineArgs),
    /// Two runs side by side: what changed, by how much, and whether it keeps a budget.
    Compare(compare::CompareArgs),
    /// Compare the golden traces with what the device does now.
    Golden(golden::GoldenArgs),
    /// Random legal scenarios, as many as it takes for so many descriptors; goes on where it stopped.
    Test(test::TestArgs),
    /// Let a driver that nobody here wrote drive a device.
    Serve(serve::ServeArgs),
    /// Shrink a scenario that fails to the smallest one found that fails in the same way.
    Shrink(shrink::ShrinkArgs),
    /// How strong the judge is: mutants of the device, each against a budget of scenarios.
    Strength(strength::StrengthArgs),
    /// One question, the runs that answer it, one page.
    Study(study::StudyArgs),
    /// Build a device's models into the cache.
    Build(build::BuildArgs),
}

/// How a command ended when nothing kept it from ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Pass,
    /// Violations, or a difference from what is golden.
    Violations,
    /// It took too long.
    TimeOut,
    /// A bug of Ringside.
    OurBug,
    /// The device cannot do what was asked for.
    Unable,
    /// A signal ended it.
    Interrupted,
}

impl Outcome {
    fn code(self) -> u8 {
        match self {
            Outcome::Pass => 0,
            Outcome::Violations => 1,
            Outcome::OurBug => 3,
            Outcome::TimeOut => 4,
            Outcome::Unable => CliError::UNABLE,
            Outcome::Interrupted => interrupt::code(),
        }
    }
}

/// Runs the command of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are no errors; clap knows which stream is whose.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { CliError::CODE } else { 0 });
        }
    };
    let interrupt = interrupt::Interrupt::listen();
    let done = match cli.command {
        Command::Run(args) => run::run(&args, &interrupt),
        Command::Check(args) => check::check(&args),
        Command::Report(args) => report::report(&args),
        Command::Capture(args) => capture::capture(&args),
        Command::Timeline(args) => timeline::timeline(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Golden(args) => golden::golden(&args, &interrupt),
        Command::Test(args) => test::test(&args, &interrupt),
        Command::Serve(args) => serve::serve(&args, &interrupt),
        Command::Shrink(args) => shrink::shrink(&args, &interrupt),
        Command::Strength(args) => strength::strength(&args, &interrupt),
        Command::Study(args) => study::study(&args, &interrupt),
        Command::Build(args) => build::build(&args),
    };
    match done {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(e.code())
        }
    }
}
