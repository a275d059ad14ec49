//! What is watched, from where, and where the state is kept.

use std::path::PathBuf;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::secret::ExternalId;
use super::value::{AccountId, Arn, FileName, HttpUrl, Regions, S3Url, Words, dollars, one_or_many};
use crate::event::{Canaries, DAY, Seconds, time::duration};

/// `[state]`: where baseline, cursors, incidents and journal are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct State {
    /// One SQLite file. Default: `$XDG_STATE_HOME/stakeout/stakeout.db`, with `~/.local/state` where that is not set.
    pub path: Option<PathBuf>,
    /// A DynamoDB table in place of the file.
    pub dynamodb: Option<Words>,
    /// How long one run holds the state before another may take it over. Default: `2m`.
    #[serde(with = "duration")]
    pub lease: Seconds,
}

impl Default for State {
    fn default() -> Self {
        Self { path: None, dynamodb: None, lease: 120 }
    }
}

/// `[aws]`: what of AWS is watched. Credentials, profile and endpoint come from the usual `AWS_*` variables.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Aws {
    /// `"enabled"`, which is every region that an account has enabled, or a list. Default: `"enabled"`.
    pub regions: Regions,
}

/// `[sources]`: where events and costs come from. Several at once double nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Sources {
    /// Ask CloudTrail's LookupEvents in every region. Default: true.
    pub lookup_events: bool,
    /// The bucket of a trail, perhaps with a prefix: `s3://name/prefix`.
    pub trail_bucket: Option<S3Url>,
    /// One SQS queue or a list of them, with S3 notifications of a trail or with events of EventBridge.
    #[serde(deserialize_with = "one_or_many")]
    pub queue_url: Vec<HttpUrl>,
    /// Ask Cost Explorer every 8 hours, which costs $0.01 a page. Default: false.
    pub cost_explorer: bool,
    /// US dollars that Cost Explorer may cost in a calendar month. Default: as for `stakeout cost --live`.
    #[serde(with = "dollars")]
    pub cost_budget: Option<Decimal>,
}

impl Default for Sources {
    fn default() -> Self {
        Self { lookup_events: true, trail_bucket: None, queue_url: Vec::new(), cost_explorer: false, cost_budget: None }
    }
}

/// `[networks]`: whose network an address is in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Networks {
    /// One table of iptoasn.com or MaxMind or a list of them: paths, or `s3://bucket/key`.
    #[serde(deserialize_with = "one_or_many")]
    pub asn: Vec<FileName>,
}

/// `[[accounts]]`: an account to watch. Without any, the account of the credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// Twelve digits, in quotes.
    pub id: AccountId,
    /// What people call it.
    pub name: Option<Words>,
    /// The role to assume in it. Default: none, for the account of the credentials.
    pub role: Option<Arn>,
    /// The external id that the role asks for, or a reference to it.
    pub external_id: Option<ExternalId>,
}

/// `[watch]`: how a pass works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Watch {
    /// How far back the first pass reads. Default: `24h`.
    #[serde(with = "duration")]
    pub first_lookback: Seconds,
    /// From the start of one pass to the start of the next, where `watch` goes on by itself. Default: `5m`.
    #[serde(with = "duration")]
    pub interval: Seconds,
    /// How long one pass may read; what is left is read by the next. Default: `4m`.
    #[serde(with = "duration")]
    pub budget: Seconds,
    /// How late events may be before what they should have told (a key that is gone, feeds that lag) becomes a finding.
    /// Default: `30m`.
    #[serde(with = "duration")]
    pub patience: Seconds,
}

impl Default for Watch {
    fn default() -> Self {
        Self { first_lookback: DAY, interval: 300, budget: 240, patience: 1_800 }
    }
}

/// `[canary]`: bait that nobody has a reason to touch. A call by it or about it is a finding, also when it is refused.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Canary {
    /// Access key ids.
    pub keys: Vec<Words>,
    /// Names of users.
    pub users: Vec<Words>,
    /// Names of roles.
    pub roles: Vec<Words>,
    /// Names of buckets.
    pub buckets: Vec<Words>,
    /// Names of secrets and parameters.
    pub secrets: Vec<Words>,
    /// Names of functions.
    pub functions: Vec<Words>,
}

impl Canary {
    /// The same, as events are compared with it.
    pub(crate) fn canaries(&self) -> Canaries {
        let names = |words: &[Words]| words.iter().map(ToString::to_string).collect();
        Canaries {
            keys: names(&self.keys),
            users: names(&self.users),
            roles: names(&self.roles),
            buckets: names(&self.buckets),
            secrets: names(&self.secrets),
            functions: names(&self.functions),
        }
    }
}

/// `[own]`: what belongs to Stakeout itself. A change of it is a finding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Own {
    /// Names or ARNs of its role, queue, schedule and trail.
    pub names: Vec<Words>,
}
