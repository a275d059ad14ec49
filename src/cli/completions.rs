//! `stakeout completions`.

use std::io;

use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, Status};

/// Print completions for a shell.
#[derive(Args)]
pub(super) struct Arguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "stakeout", &mut script);
    io::Write::write_all(&mut io::stdout(), &script)?;
    Ok(Status::Quiet)
}
