//! Who is told, and how the program says that it is alive.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::secret::{Endpoint, Secret};
use super::value::{TopicArn, Words};
use crate::event::{Seconds, time::duration};
use crate::model::Level;

/// `[notify]`: who is told of incidents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Notify {
    /// A short block on standard error. Default: true.
    pub terminal: bool,
    /// Incidents below this level are kept and not told. Default: `high`, which is every incident.
    pub min_level: Level,
    /// `[notify.file]`
    pub file: Option<File>,
    /// `[[notify.webhook]]`
    pub webhook: Vec<Webhook>,
    /// `[[notify.sns]]`
    pub sns: Vec<Sns>,
    /// `[notify.notices]`
    pub notices: Notices,
}

/// `[notify.notices]`: who is told of notices, which inform and never page, and gets the digest of a day. None of these is
/// told of incidents. Default: nobody; Slack has `notices` of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Notices {
    /// `[notify.notices.file]`
    pub file: Option<File>,
    /// `[[notify.notices.webhook]]`
    pub webhook: Vec<Webhook>,
    /// `[[notify.notices.sns]]`
    pub sns: Vec<Sns>,
}

impl Default for Notify {
    fn default() -> Self {
        Self {
            terminal: true,
            min_level: Level::High,
            file: None,
            webhook: Vec::new(),
            sns: Vec::new(),
            notices: Notices::default(),
        }
    }
}

/// `[notify.file]`: a line of JSON for each message, at the end of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The file; it is made where it does not exist, its folder is not.
    pub path: PathBuf,
}

/// `[[notify.webhook]]`: JSON sent by POST.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    /// Where to; a URL, or a reference such as `env:NAME` where the URL itself is a secret.
    pub url: Endpoint,
    /// What messages are signed with, by reference. Default: they are not signed.
    pub secret: Option<Secret>,
    /// What the journal calls it. Default: the reference to its URL, or else its host and a part of the SHA-256 of its
    /// URL.
    pub name: Option<Words>,
    /// How long to wait for an answer. Default: `10s`.
    #[serde(default = "ten_seconds", with = "duration")]
    pub timeout: Seconds,
}

fn ten_seconds() -> Seconds {
    10
}

/// `[[notify.sns]]`: an SNS topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sns {
    /// Its ARN.
    pub topic: TopicArn,
}

/// `[metrics]`: what a pass saw, for machines, and that it was made at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Metrics {
    /// A file in Prometheus' text format, for the textfile collector of its node exporter: a name that ends in `.prom`.
    pub prometheus: Option<PathBuf>,
    /// Write CloudWatch's embedded metric format, one JSON object a line, about each pass. Default: false.
    pub emf: bool,
    /// With `emf`, also about each feed by account and region. CloudWatch bills each metric it makes of it: feeds that had
    /// nothing are left out where there would be more than 100. Default: false.
    pub emf_feeds: bool,
    /// A URL to ask after each pass that could read everything; a URL, or a reference where the URL itself is a secret.
    pub heartbeat_url: Option<Endpoint>,
    /// A URL to ask after each pass that was blind somewhere. Default: none is asked then.
    pub heartbeat_fail_url: Option<Endpoint>,
    /// A file to write after each pass that could read everything, with the time of the pass.
    pub heartbeat_file: Option<PathBuf>,
}
