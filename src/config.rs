//! The settings: one strict TOML file, and variables of the environment over it.
//!
//! An unknown key is an error and not a remark, because a misspelt protection protects nothing. `value` and `secret`
//! hold what a value may be, `watching`, `deciding`, `slack` and `telling` the sections, `layers` puts file and environment
//! together, `place` finds the file.

mod check;
mod deciding;
mod layers;
mod place;
mod secret;
mod show;
mod slack;
mod telling;
#[cfg(test)]
mod tests;
mod value;
mod watching;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

pub(crate) use deciding::{Allow, Approval, Contain, Evidence, Protect};
pub(crate) use layers::Origins;
pub(crate) use place::state_folder;
pub(crate) use secret::{Endpoint, ExternalId, Revealed, Secret, SecretError};
pub(crate) use slack::{Daily, Slack, is_slack_user, is_user_group};
pub(crate) use telling::{Metrics, Notify, Webhook};
pub(crate) use value::{ChannelId, Regions, TopicArn};
pub(crate) use watching::{Account, Aws, Own, Sources, State, Watch};

/// Everything that can be set. Without a file every field has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub state: State,
    pub aws: Aws,
    pub sources: Sources,
    pub accounts: Vec<Account>,
    pub watch: Watch,
    pub notify: Notify,
    pub metrics: Metrics,
    pub slack: Slack,
    pub approval: Approval,
    pub contain: Contain,
    pub protect: Protect,
    pub evidence: Evidence,
    pub allow: Vec<Allow>,
    pub own: Own,
    /// Where each value that is not a default comes from.
    #[serde(skip)]
    pub origins: Origins,
}

/// Where the state is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatePlace {
    /// A SQLite file.
    File(PathBuf),
    /// A DynamoDB table.
    Table(String),
}

impl Config {
    /// Reads settings: the text of a file, if there is one, then the variables of an environment over it.
    ///
    /// Relative paths of the file stay as they are.
    ///
    /// # Errors
    /// The first thing that is wrong, with file, line and column or the name of the variable, and the key.
    pub(crate) fn read(
        text: &str,
        file_name: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self> {
        layers::read(text, file_name, environment)
    }

    /// The settings of this process: of the file that `--config` names, or else of the first that is there.
    ///
    /// Relative paths in a file are relative to its folder, so that a cron job and a shell mean the same state.
    ///
    /// # Errors
    /// Where the file cannot be read, or as [`Config::read`].
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        let found = place::find(path, |name| std::env::var_os(name))?;
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let environment: Vec<_> = environment
            .filter(|(name, _)| layers::is_setting(name))
            .map(|(name, value)| value.into_string().map(|value| (name.clone(), value)).map_err(|_| name))
            .collect::<Result<_, _>>()
            .map_err(|name| anyhow::anyhow!("the variable {name} is no UTF-8"))?;
        let Some(path) = found else { return Self::read("", "", environment.into_iter()) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading the settings {name}"))?;
        let mut config = Self::read(&text, &name, environment.into_iter())?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    /// Where the state is kept.
    ///
    /// # Errors
    /// Where nothing says so: no setting, no `XDG_STATE_HOME` and no home folder.
    pub(crate) fn state_place(&self) -> Result<StatePlace> {
        if let Some(table) = &self.state.dynamodb {
            return Ok(StatePlace::Table(table.as_str().to_owned()));
        }
        let usual = || state_folder().map(|folder| folder.join("stakeout.db"));
        let path = self.state.path.clone().or_else(usual);
        path.map(StatePlace::File).context("neither HOME nor XDG_STATE_HOME is set; name a file with [state] path")
    }

    /// Puts the relative paths that the file gave into its folder.
    fn resolve(&mut self, folder: &Path) {
        let Self { state, notify, metrics, evidence, origins, .. } = self;
        let paths = [
            ("state.path", state.path.as_mut()),
            ("notify.file.path", notify.file.as_mut().map(|file| &mut file.path)),
            ("metrics.prometheus", metrics.prometheus.as_mut()),
            ("metrics.heartbeat_file", metrics.heartbeat_file.as_mut()),
            ("evidence.dir", evidence.dir.as_mut()),
        ];
        for (key, path) in paths {
            if let Some(path) = path.filter(|_| origins.is_from_file(key)) {
                *path = folder.join(&*path);
            }
        }
    }
}
