//! The process: parse, run, turn the result into an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    stakeout::cli::main()
}
