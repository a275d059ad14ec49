//! `stakeout config`: the settings, and where they come from.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Status, Voice};
use crate::config::Config;
use crate::model::escape::terminal;

/// Look at the settings.
///
/// They are one TOML file: the one that --config names, else STAKEOUT_CONFIG, else ./stakeout.toml, else
/// $XDG_CONFIG_HOME/stakeout/stakeout.toml. Relative paths in it are relative to its folder. A variable of the environment
/// goes before the file: STAKEOUT_STATE__PATH is `path` of `[state]`, its value TOML or plain text; an empty one is not
/// there. Without a file every setting has its default.
///
/// Exit status: 0 done, 2 the settings are wrong.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say where the settings come from, and what is wrong with them.
    Validate,
    /// Write the settings in effect, and where each comes from that is not a default. No secret is shown.
    Show,
}

pub(super) fn run(arguments: &Arguments, path: Option<&Path>, voice: Voice) -> Result<Status> {
    let config = Config::load(path)?;
    let mut out = io::stdout().lock();
    match arguments.action {
        Action::Validate => {
            for (key, why) in config.missing_secrets() {
                voice.remark(&format!("{key}: {why}"));
            }
            writeln!(out, "{}\nok", terminal(&sources(&config)))?;
        }
        Action::Show => {
            for line in config.show()?.lines() {
                writeln!(out, "{}", terminal(line))?;
            }
        }
    }
    Ok(Status::Quiet)
}

/// Where the settings come from, in a line.
fn sources(config: &Config) -> String {
    let file = config.origins.file.as_deref().unwrap_or("no file");
    let mut variables: Vec<_> = config.origins.variables().collect();
    variables.sort_unstable();
    match variables.as_slice() {
        [] => format!("settings: {file}, no variables"),
        variables => format!("settings: {file}, and {}", variables.join(", ")),
    }
}
