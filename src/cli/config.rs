//! `stakeout config`: the settings, and where they come from.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Status, Voice, now, state};
use crate::config::{Config, SecretError};
use crate::detect::Rules;
use crate::model::escape::terminal;

/// Look at the settings.
///
/// They are one TOML file: the one that --config names, else STAKEOUT_CONFIG, else ./stakeout.toml, else
/// $XDG_CONFIG_HOME/stakeout/stakeout.toml. The first two also take ssm:NAME, a parameter of the Parameter Store, and
/// s3://BUCKET/KEY. Relative paths in a file are relative to its folder. A variable of the environment goes before the file:
/// STAKEOUT_STATE__PATH is `path` of `[state]`, its value TOML or plain text; an empty one is not there. Without a file every
/// setting has its default.
///
/// Exit status: 0 done, 1 a secret cannot be had (validate --secrets), 2 the settings are wrong.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say where the settings come from, and what is wrong with them.
    Validate {
        /// Read every secret, also those that AWS keeps, and say which cannot be had. None is shown.
        #[arg(long)]
        secrets: bool,
    },
    /// Write the settings in effect, and where each comes from that is not a default. No secret is shown.
    Show,
}

pub(super) fn run(arguments: &Arguments, path: Option<&Path>, voice: Voice) -> Result<Status> {
    let config = Config::load(path)?;
    if matches!(arguments.action, Action::Validate { .. }) {
        config.check_allow(now())?;
        config.check_owners()?;
        strangers(&config, voice)?;
    }
    match arguments.action {
        Action::Validate { secrets: false } => validate(&config, voice),
        Action::Validate { secrets: true } => try_secrets(config),
        Action::Show => {
            let mut out = io::stdout().lock();
            config.show()?.lines().try_for_each(|line| writeln!(out, "{}", terminal(line)))?;
            Ok(Status::Quiet)
        }
    }
}

fn validate(config: &Config, voice: Voice) -> Result<Status> {
    for (key, why) in config.missing_secrets() {
        match why {
            SecretError::Locked(secret) => voice.remark(&format!("{key}: {secret} is read when it is used")),
            why => voice.remark(&format!("{key}: {why}")),
        }
    }
    writeln!(io::stdout(), "{}\nok", terminal(&sources(config)))?;
    Ok(Status::Quiet)
}

fn try_secrets(mut config: Config) -> Result<Status> {
    state::block_on(async {
        config.unlock().await;
        Ok(())
    })?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", terminal(&sources(&config)))?;
    let missing: BTreeMap<String, SecretError> = config.missing_secrets().into_iter().collect();
    for (key, secret) in config.references() {
        let line = match missing.get(&key) {
            None => format!("works  {key}: {secret}"),
            Some(why) => format!("FAILS  {key}: {why}"),
        };
        writeln!(out, "{}", terminal(&line))?;
    }
    Ok(if missing.is_empty() { Status::Quiet } else { Status::Found })
}

/// Names entries of `[[allow]]` whose detector nobody knows: a misspelt one hides nothing.
fn strangers(config: &Config, voice: Voice) -> Result<()> {
    let rules = Rules::load(&[])?;
    for (number, entry) in config.allow.iter().enumerate() {
        let name = entry.detector.as_str();
        if !rules.detectors.iter().any(|detector| detector.name == name) {
            let like = rules.detectors.iter().map(|detector| (in_common(name, &detector.name), &detector.name)).max();
            let like = like
                .filter(|(common, _)| *common > 5)
                .map_or_else(String::new, |(_, like)| format!("; perhaps {like}"));
            voice.remark(&format!(
                "allow.{number}.detector: Stakeout has no detector {name:?}{like}; rules of --rules are not known here"
            ));
        }
    }
    Ok(())
}

/// Letters that two names have in common at their start and at their end.
fn in_common(one: &str, other: &str) -> usize {
    let same = |pairs: &mut dyn Iterator<Item = (char, char)>| pairs.take_while(|(a, b)| a == b).count();
    same(&mut one.chars().zip(other.chars())) + same(&mut one.chars().rev().zip(other.chars().rev()))
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
