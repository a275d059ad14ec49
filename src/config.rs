//! The settings: one strict TOML file, and variables of the environment over it.
//!
//! An unknown key is an error and not a remark, because a misspelt protection protects nothing. `value` and `secret`
//! hold what a value may be, `allow`, `watching`, `deciding`, `slack`, `telling`, `rehearsing` and `remembering` the sections, `layers` puts file and
//! environment together, `place` finds the file or what AWS keeps in its place, `load` reads it, `unlock` the secrets.

mod allow;
mod check;
mod deciding;
mod layers;
mod load;
mod place;
mod rehearsing;
mod remembering;
mod secret;
mod show;
mod slack;
mod telling;
#[cfg(test)]
mod tests;
mod unlock;
mod value;
mod watching;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

pub(crate) use allow::{Allow, MOST_DAYS, Network, PLACEHOLDER};
pub(crate) use deciding::{Approval, Contain, Evidence, Protect};
pub(crate) use layers::Origins;
pub(crate) use place::{Place, state_folder};
pub(crate) use rehearsing::Drill;
pub(crate) use remembering::{History, MOST_SHARES};
pub(crate) use secret::{Endpoint, ExternalId, Remote, Revealed, Secret, SecretError};
pub(crate) use slack::{Daily, Slack, is_slack_user, is_user_group};
pub(crate) use telling::{File, Metrics, Notices, Notify, Sns, Webhook};
pub(crate) use value::{Arn, ChannelId, Region, Regions, TopicArn, Words};
pub(crate) use watching::{Account, Aws, Canary, Networks, Own, Sources, State, Watch};

/// Everything that can be set. Without a file every field has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub state: State,
    pub aws: Aws,
    pub sources: Sources,
    pub networks: Networks,
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
    pub canary: Canary,
    pub drill: Drill,
    pub history: History,
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
        let Self { state, notify, metrics, evidence, networks, origins, .. } = self;
        let paths = [
            ("state.path", state.path.as_mut()),
            ("notify.file.path", notify.file.as_mut().map(|file| &mut file.path)),
            ("notify.notices.file.path", notify.notices.file.as_mut().map(|file| &mut file.path)),
            ("metrics.prometheus", metrics.prometheus.as_mut()),
            ("metrics.heartbeat_file", metrics.heartbeat_file.as_mut()),
            ("evidence.dir", evidence.dir.as_mut()),
        ];
        for (key, path) in paths {
            if let Some(path) = path.filter(|_| origins.is_from_file(key)) {
                *path = folder.join(&*path);
            }
        }
        if origins.is_from_file("networks.asn") {
            networks.asn.iter_mut().for_each(|table| table.resolve(folder));
        }
    }
}
