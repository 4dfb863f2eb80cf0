//! The `ringside` command.

fn main() -> std::process::ExitCode {
    ringside::cli::main()
}
