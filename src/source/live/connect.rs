//! Signing in to every account that is watched.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_cloudtrail::config::{ProvideCredentials as _, SharedCredentialsProvider};

use super::cloud::{Cloud, RegionLookups};
use super::trail::{ABREAST, Location};
use super::{Account, Identity, Live, Wanted};
use crate::aws;
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::event::identity::is_account;
use crate::source::Problem;

/// Where the events of global services are, and where IAM, STS and the account service answer, in the commercial partition.
pub(crate) const HOME: &str = "us-east-1";
/// The name of our sessions, by which people find them in their logs.
const SESSION: &str = "stakeout";
/// A poller's questions are short.
const ANSWER: Duration = Duration::from_secs(20);
const CONNECT: Duration = Duration::from_secs(5);
/// What one question may take with all attempts at it, where one refusal would leave a whole list unread.
const PATIENCE: Duration = Duration::from_secs(30);
const TRIES: u32 = 5;

/// One account, and what may be asked of it.
pub(super) struct Watched {
    pub(super) id: String,
    name: Option<String>,
    /// With the account's credentials, in the home region.
    pub(super) config: SdkConfig,
    /// Our own ARN there.
    caller: RefCell<Option<String>>,
}

impl Watched {
    pub(super) fn identity(&self) -> Identity {
        Identity { account: self.id.clone(), name: self.name.clone(), arn: self.caller.borrow().clone() }
    }

    pub(super) fn is_reached(&self) -> bool {
        self.caller.borrow().is_some()
    }

    /// The account in a region; what AWS throttles or fails to answer is asked for again.
    pub(super) fn patient(&self, region: &str) -> SdkConfig {
        patient(&self.config).into_builder().region(Region::new(region.to_owned())).build()
    }

    /// LookupEvents in one of its regions.
    pub(super) fn lookups(&self, region: &str) -> RegionLookups {
        RegionLookups::new(&self.config, region)
    }

    /// Asks AWS who we are there.
    async fn reach(&self) -> Option<(String, Problem)> {
        let what = format!("account {}", self.id);
        let problem = match caller(&self.config).await {
            Ok((account, arn)) if account == self.id => {
                self.caller.replace(Some(arn));
                return None;
            }
            Ok((account, arn)) => {
                let why = format!("the credentials are those of account {account} ({arn})");
                Problem::blind(what, why)
            }
            Err(refusal) => Problem::blind(what, format!("it cannot be reached: {refusal}")),
        };
        Some((self.id.clone(), problem))
    }
}

impl Live {
    /// Signs in. An account that cannot be reached is a problem of each pass; without any account it fails.
    pub(crate) async fn connect(mut wanted: Wanted) -> Result<Self> {
        let location = match &wanted.trail_bucket {
            Some(text) => Some(Location::parse(text).with_context(|| format!("{text:?} is no s3://bucket/prefix"))?),
            None => None,
        };
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(ANSWER).build();
        let base = aws::configuration(HOME).await.into_builder().timeout_config(timeouts).build();
        if wanted.accounts.is_empty() {
            wanted.accounts.push(Account::default());
        }
        let mut accounts: Vec<Watched> = Vec::new();
        let mut known = BTreeSet::new();
        for account in &wanted.accounts {
            let account = watched(&base, account).await?;
            if known.insert(account.id.clone()) {
                accounts.push(account);
            }
        }
        let cloud = Cloud::new(base, home().await);
        let live = Self { wanted, cloud, location, accounts };
        let problems = live.reach().await;
        if !live.accounts.iter().any(Watched::is_reached) {
            let why = problems.into_iter().map(|(_, problem)| format!("{}: {}", problem.what, problem.why));
            bail!("no account can be reached: {}", why.collect::<Vec<_>>().join("; "));
        }
        Ok(live)
    }

    /// The configuration for an account and region, where the account is reached; clients with it try again what AWS throttles.
    pub(crate) fn config(&self, account: &str, region: &str) -> Option<SdkConfig> {
        let account = self.accounts.iter().find(|watched| watched.id == account && watched.is_reached())?;
        Some(account.patient(region))
    }

    /// The configurations of the accounts that are reached, by id, for whoever outlives this connection.
    pub(crate) fn configs(&self) -> BTreeMap<String, SdkConfig> {
        self.reached().map(|account| (account.id.clone(), account.patient(HOME))).collect()
    }

    /// As whom AWS knows the credentials of this process; nothing where it does not.
    pub(crate) async fn caller() -> Option<String> {
        caller(&aws::configuration(HOME).await).await.ok().map(|(_, arn)| arn)
    }

    /// The caller's own, in its region: buckets and queues are reached so.
    pub(crate) fn home(&self) -> SdkConfig {
        patient(self.cloud.config()).into_builder().region(self.cloud.region()).build()
    }

    /// As whom we call: in each account, and before any role was assumed.
    pub(crate) async fn callers(&self) -> BTreeSet<String> {
        let reached = self.reached().filter_map(|account| account.caller.borrow().clone());
        let mut callers: BTreeSet<String> = reached.collect();
        callers.extend(caller(self.cloud.config()).await.ok().map(|(_, arn)| arn));
        callers
    }

    /// The ids of the access keys that we sign with.
    pub(crate) async fn credentials(&self) -> BTreeSet<String> {
        let configs = self.reached().map(|account| &account.config).chain([self.cloud.config()]);
        let mut keys = BTreeSet::new();
        for provider in configs.filter_map(SdkConfig::credentials_provider) {
            let credentials = provider.provide_credentials().await;
            keys.extend(credentials.ok().map(|credentials| credentials.access_key_id().to_owned()));
        }
        keys
    }

    pub(super) fn reached(&self) -> impl Iterator<Item = &Watched> {
        self.accounts.iter().filter(|account| account.is_reached())
    }

    /// Tries the accounts that were not reached; gives the ids of those that still are not.
    pub(super) async fn reach(&self) -> Vec<(String, Problem)> {
        let missing = self.accounts.iter().filter(|account| !account.is_reached());
        let work = missing.map(|account| -> Work<'_, _> { Box::pin(account.reach()) });
        side_by_side(ABREAST, work).await.into_iter().flatten().collect()
    }
}

#[cfg(test)]
impl Live {
    /// Reaches no account, and has nothing to sign with.
    pub(crate) fn nowhere() -> Self {
        let latest = aws_config::BehaviorVersion::latest();
        let config = SdkConfig::builder().behavior_version(latest).endpoint_url("http://127.0.0.1:1").build();
        let cloud = Cloud::new(config, Region::from_static(HOME));
        Self { wanted: Wanted::default(), cloud, location: None, accounts: Vec::new() }
    }
}

/// An account with its credentials; its id comes from the settings, the role or, for the caller's own, from AWS.
async fn watched(base: &SdkConfig, account: &Account) -> Result<Watched> {
    let of_role = match &account.role {
        Some(role) => Some(account_of(role).with_context(|| format!("{role:?} is no ARN of a role"))?),
        None => None,
    };
    let (id, arn) = match account.id.clone().or(of_role) {
        Some(id) => (id, None),
        None => {
            let (id, arn) = caller(base).await.context("asking AWS who the credentials belong to")?;
            (id, Some(arn))
        }
    };
    let config = match &account.role {
        Some(role) => assumed(base, role, account.external_id.as_deref()).await,
        None => base.clone(),
    };
    Ok(Watched { id, name: account.name.clone(), config, caller: RefCell::new(arn) })
}

/// The configuration of whoever assumes a role; AWS is asked when the first request needs it.
async fn assumed(base: &SdkConfig, role: &str, external_id: Option<&str>) -> SdkConfig {
    let mut provider = AssumeRoleProvider::builder(role).session_name(SESSION).configure(&patient(base));
    if let Some(id) = external_id {
        provider = provider.external_id(id);
    }
    let provider = provider.build().await;
    base.to_builder().credentials_provider(SharedCredentialsProvider::new(provider)).build()
}

/// A configuration whose clients try again.
fn patient(config: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ANSWER)
        .operation_timeout(PATIENCE)
        .build();
    let retries = RetryConfig::standard().with_max_attempts(TRIES);
    config.to_builder().timeout_config(timeouts).retry_config(retries).build()
}

/// The account and the ARN of a caller.
async fn caller(config: &SdkConfig) -> Result<(String, String), Refusal> {
    let answer = aws_sdk_sts::Client::new(&patient(config)).get_caller_identity().send().await;
    let answer = answer.map_err(|error| Refusal::of("sts:GetCallerIdentity", &error))?;
    match (answer.account, answer.arn) {
        (Some(account), Some(arn)) => Ok((account, arn)),
        _ => Err(Refusal::Other { action: "sts:GetCallerIdentity", why: "the answer names no account".to_owned() }),
    }
}

fn account_of(role: &str) -> Option<String> {
    let account = role.strip_prefix("arn:")?.split(':').nth(3)?;
    (is_account(account) && role.contains(":role/")).then(|| account.to_owned())
}

/// The region that the environment or the profile names, for buckets and queues that name none.
async fn home() -> Region {
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
    let named = chain.or_else(ProfileFileRegionProvider::new()).region().await;
    named.unwrap_or_else(|| Region::from_static(HOME))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_account_stands_in_the_role() {
        assert_eq!(super::account_of("arn:aws:iam::111122223333:role/path/watch").as_deref(), Some("111122223333"));
        for bad in ["", "watch", "arn:aws:iam::1111:role/watch", "arn:aws:iam::111122223333:user/watch"] {
            assert_eq!(super::account_of(bad), None, "{bad}");
        }
    }
}
