//! What a watch works with, from the settings.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::cli::Voice;
use crate::cli::input::{self, Extra};
use crate::cli::now;
use crate::config::{Config, Regions};
use crate::detect::Rules;
use crate::event::Seconds;
use crate::event::identity::behind;
use crate::notify::Channel;
use crate::notify::slack::Names;
use crate::source::Bills;
use crate::source::live::{Account, Live, Wanted};
use crate::watch::Watch;

/// What else a watch has than the settings say.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cli) struct Manner {
    /// What is new is printed for a person anyway.
    pub is_table: bool,
    /// Events are handed in, so that no feed has to be named.
    pub is_fed: bool,
}

/// Everything but the state and the bills.
pub(in crate::cli) struct Setup {
    pub config: Rc<Config>,
    pub rules: Rules,
    pub live: Live,
    channels: Vec<Channel>,
    notices: Vec<Channel>,
}

impl Setup {
    /// Loads rules and signs in. Before the state was `created`, Stakeout was being set up.
    ///
    /// # Errors
    /// Rules or settings that cannot be used, and credentials that AWS does not take.
    pub(in crate::cli) async fn new(
        config: &Rc<Config>,
        extra: Extra<'_>,
        created: Option<Seconds>,
        manner: Manner,
        voice: Voice,
    ) -> Result<Self> {
        config.check_allow(now())?;
        config.check_owners()?;
        let mut rules = input::rules(extra, config)?;
        if !manner.is_fed {
            feeds(config)?;
        }
        let live = Live::connect(accounts(config)?).await?;
        rules.own.callers.extend(live.identity().into_iter().filter_map(|identity| Some(behind(identity.arn?))));
        rules.own.names.extend(own(config, &rules.own.callers));
        rules.own.since = created.unwrap_or_else(now);
        let (mut channels, mut problems) = Channel::all(&config.notify).await;
        let (notices, lacking) = Channel::of_notices(&config.notify.notices).await;
        problems.extend(lacking);
        // Whoever reads the table needs no second telling beside it.
        channels.retain(|channel| !(manner.is_table && matches!(channel, Channel::Terminal(_))));
        problems.iter().for_each(|problem| voice.remark(problem));
        Ok(Self { config: Rc::clone(config), rules, live, channels, notices })
    }

    /// The same as the flow wants it.
    pub(in crate::cli) fn watch<'w>(&'w self, bills: &'w Bills) -> Watch<'w> {
        let Config { state, watch, notify, .. } = &*self.config;
        Watch {
            live: &self.live,
            handed: None,
            reading: Duration::from_secs(watch.budget.unsigned_abs()),
            rules: &self.rules,
            channels: &self.channels,
            notices: &self.notices,
            slack: Names::of(&self.config.slack),
            digest: self.config.slack.digest,
            allow: &self.config.allow,
            account_names: self.account_names(),
            bills,
            kept: None,
            first_lookback: watch.first_lookback,
            lease: state.lease,
            patience: watch.patience,
            min_level: notify.min_level,
            holder: holder(),
            clock: now,
        }
    }

    /// What people call the accounts, by id.
    pub(in crate::cli) fn account_names(&self) -> BTreeMap<String, String> {
        let accounts = self.config.accounts.iter();
        accounts
            .filter_map(|account| Some((account.id.as_str().to_owned(), account.name.as_ref()?.to_string())))
            .collect()
    }
}

/// What is to be watched.
///
/// # Errors
/// Settings that name nothing, or secrets that are not there.
pub(in crate::cli) fn wanted(config: &Config) -> Result<Wanted> {
    feeds(config)?;
    accounts(config)
}

/// # Errors
/// Settings that name no feed.
fn feeds(config: &Config) -> Result<()> {
    let sources = &config.sources;
    if !sources.lookup_events && sources.trail_bucket.is_none() && sources.queue_url.is_empty() {
        bail!("the settings name nothing to watch: sources.lookup_events is off, and there is no bucket or queue");
    }
    Ok(())
}

/// The accounts, with the feeds that are to be asked.
///
/// # Errors
/// Secrets that are not there.
fn accounts(config: &Config) -> Result<Wanted> {
    let account = |account: &crate::config::Account| -> Result<Account> {
        Ok(Account {
            id: Some(account.id.as_str().to_owned()),
            name: account.name.as_ref().map(ToString::to_string),
            role: account.role.as_ref().map(|role| role.as_str().to_owned()),
            external_id: account.external_id.as_ref().map(|id| id.reveal()).transpose()?,
        })
    };
    Ok(Wanted {
        accounts: config.accounts.iter().map(account).collect::<Result<_>>()?,
        regions: match &config.aws.regions {
            Regions::Enabled => None,
            Regions::Only(regions) => Some(regions.iter().map(|region| region.as_str().to_owned()).collect()),
        },
        lookup_events: config.sources.lookup_events,
        trail_bucket: config.sources.trail_bucket.as_ref().map(|url| url.as_str().to_owned()),
        queues: config.sources.queue_url.iter().map(|url| url.as_str().to_owned()).collect(),
    })
}

/// Names of what belongs to Stakeout, as requests hold them: what the settings name, and who it calls as.
fn own(config: &Config, callers: &BTreeSet<String>) -> Vec<String> {
    let Config { own, sources, state, accounts, notify, .. } = config;
    let last = |arn: &str| arn.rsplit(['/', ':']).next().unwrap_or(arn).to_owned();
    let named = own.names.iter().map(ToString::to_string);
    let queues = sources.queue_url.iter().map(|url| url.as_str().to_owned());
    let bucket = sources.trail_bucket.iter().map(|url| url.as_str().trim_start_matches("s3://"));
    let bucket = bucket.map(|path| path.split('/').next().unwrap_or(path).to_owned());
    let table = state.dynamodb.iter().map(ToString::to_string);
    let topics = notify.sns.iter().chain(&notify.notices.sns).map(|sns| sns.topic.as_str().to_owned());
    let roles = accounts.iter().filter_map(|account| account.role.as_ref()).map(|role| last(role.as_str()));
    // Of the root user nothing can be taken away, and its ARN ends in no name.
    let callers = callers.iter().filter(|arn| !arn.ends_with(":root")).map(|arn| last(arn));
    named.chain(queues).chain(bucket).chain(table).chain(topics).chain(roles).chain(callers).collect()
}

/// Who holds the lease, for people. Processes of two containers may have one number and one name of a machine, so a
/// random mark, the same for the life of the process, keeps them apart.
pub(in crate::cli) fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "this machine" } else { host.trim() };
    static MARK: OnceLock<u32> = OnceLock::new();
    let mark = MARK.get_or_init(|| fastrand::u32(..));
    format!("process {} on {host} ({mark:08x})", std::process::id())
}
