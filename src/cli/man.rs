//! `stakeout man`: manual pages.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, CommandFactory as _};
use clap_mangen::Man;

use super::{Cli, Status};

/// Print the manual page, or write one for each command.
///
///   stakeout man | man -l -
///   stakeout man --out ~/.local/share/man/man1
///
/// Exit status: 0 done, 2 could not write.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Write `stakeout.1` and a page for each command into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status> {
    match &arguments.out {
        None => {
            let mut page = Vec::new();
            Man::new(Cli::command()).render(&mut page)?;
            io::stdout().write_all(&page)?;
        }
        Some(folder) => write(folder).with_context(|| folder.display().to_string())?,
    }
    Ok(Status::Quiet)
}

fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)?;
    Ok(())
}
