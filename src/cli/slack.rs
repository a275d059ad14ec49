//! `stakeout slack`: setting up the app, and seeing what it says.

mod manifest;
mod preview;
mod test;

use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Status, Voice};
pub(super) use manifest::SCOPES;
pub(super) use test::NOT_SET_UP;

/// Set up Slack: the app's manifest, a look at every message, a test of the settings.
///
/// The settings are `[slack]` and `[approval]`; `stakeout serve` then shows incidents and answers clicks.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Manifest(manifest::Arguments),
    Preview(preview::Arguments),
    Test(test::Arguments),
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    match &arguments.action {
        Action::Manifest(arguments) => manifest::run(arguments, voice),
        Action::Preview(arguments) => preview::run(arguments),
        Action::Test(arguments) => test::run(arguments, config),
    }
}
