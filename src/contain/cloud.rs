//! Where actions find AWS: one configuration for each account and region.

use std::path::PathBuf;

use aws_config::SdkConfig;

use crate::aws::Refusal;

/// Gives the configuration of an account in a region.
pub(crate) type Configs = Box<dyn Fn(&str, &str) -> Option<SdkConfig>>;

/// Where evidence goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Vault {
    Folder(PathBuf),
    /// Bucket and prefix.
    Bucket(String, String),
}

/// The accounts, as actions reach them.
pub(crate) struct Cloud {
    configs: Configs,
    pub vault: Vault,
    /// The incident that is worked on: evidence lies below its id.
    pub incident: String,
    home: Option<SdkConfig>,
}

impl Cloud {
    pub(crate) fn new(configs: Configs, vault: Vault) -> Self {
        Self { configs, vault, incident: String::new(), home: None }
    }

    /// For an incident, with the configuration of the vault's bucket: the caller's account, the bucket's region.
    pub(crate) fn for_incident(self, incident: &str, home: Option<SdkConfig>) -> Self {
        Self { incident: incident.to_owned(), home, ..self }
    }

    /// The configuration of the vault's bucket.
    ///
    /// # Errors
    /// Where there is none.
    pub(crate) fn home(&self) -> Result<SdkConfig, Refusal> {
        let missing =
            || Refusal::Other { action: "evidence", why: "the account of the bucket is not reached".to_owned() };
        self.home.clone().ok_or_else(missing)
    }

    /// The configuration for an account and region.
    ///
    /// # Errors
    /// An account that cannot be reached.
    pub(crate) fn config(&self, account: &str, region: &str) -> Result<SdkConfig, Refusal> {
        let missing = || Refusal::Other { action: "sts:AssumeRole", why: format!("account {account} is not reached") };
        (self.configs)(account, region).ok_or_else(missing)
    }
}
