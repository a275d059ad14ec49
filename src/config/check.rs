//! What one value cannot say about itself: values that do not go together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Config, Endpoint, History, MOST_SHARES, Webhook, Words, allow, slack};
use crate::event::HOUR;

/// More is mapped by no invocation in its time.
const MOST_MIB: u32 = 65_536;

/// The first thing that is wrong: its key, and why.
pub(super) fn problem(config: &Config) -> Option<(String, String)> {
    exclusive(config)
        .or_else(|| limits(config))
        .or_else(|| history(config))
        .or_else(|| paths(config))
        .or_else(|| lists(config))
        .or_else(|| allow::problem(config))
        .or_else(|| slack::problem(config))
}

fn wrong(key: impl Into<String>, why: impl Into<String>) -> Option<(String, String)> {
    Some((key.into(), why.into()))
}

fn exclusive(config: &Config) -> Option<(String, String)> {
    let also = |key: &str| config.origins.of(key).map(|origin| format!(" ({origin})")).unwrap_or_default();
    if config.state.path.is_some() && config.state.dynamodb.is_some() {
        let why = format!("the state is in a file or in a table, and state.path is set too{}", also("state.path"));
        return wrong("state.dynamodb", why);
    }
    if config.evidence.dir.is_some() && config.evidence.s3.is_some() {
        let why =
            format!("evidence goes to a folder or to a bucket, and evidence.dir is set too{}", also("evidence.dir"));
        return wrong("evidence.s3", why);
    }
    None
}

fn limits(config: &Config) -> Option<(String, String)> {
    let Config { state, watch, approval, .. } = config;
    let lengths = [
        ("state.lease", state.lease, 10, HOUR),
        ("watch.first_lookback", watch.first_lookback, 60, 366 * 24 * HOUR),
        ("watch.interval", watch.interval, 1, 24 * HOUR),
        ("watch.budget", watch.budget, 1, 24 * HOUR),
        ("watch.patience", watch.patience, 60, 24 * HOUR),
        ("approval.expires", approval.expires, 1, 24 * HOUR),
        ("contain.reassert", config.contain.reassert, 0, HOUR),
    ];
    let format = crate::event::time::format_duration;
    for (key, length, least, most) in lengths {
        if !(least..=most).contains(&length) {
            return wrong(key, format!("{} is not between {} and {}", format(length), format(least), format(most)));
        }
    }
    for (key, quorum) in [("R1", approval.quorum.r1), ("R2", approval.quorum.r2), ("R3", approval.quorum.r3)] {
        if quorum == 0 {
            return wrong(format!("approval.quorum.{key}"), "nothing is done without an approval; the least is 1");
        }
    }
    for (section, webhooks) in webhooks(config) {
        for (number, webhook) in webhooks.iter().enumerate() {
            if !(1..=60).contains(&webhook.timeout) {
                let why = format!("{} is not between 1s and 1m", format(webhook.timeout));
                return wrong(format!("{section}.webhook.{number}.timeout"), why);
            }
        }
    }
    None
}

/// The webhooks for incidents, and those for notices.
fn webhooks(config: &Config) -> [(&'static str, &[Webhook]); 2] {
    [("notify", &config.notify.webhook), ("notify.notices", &config.notify.notices.webhook)]
}

fn history(config: &Config) -> Option<(String, String)> {
    let History { logs, out, shares, part_mib } = &config.history;
    if logs.is_some() != out.is_some() {
        let (key, other) = if logs.is_some() { ("logs", "out") } else { ("out", "logs") };
        return wrong(format!("history.{key}"), format!("history.{other} is not set, and neither is of use alone"));
    }
    if logs.as_ref().is_some_and(|logs| logs.as_str().split('/').any(|part| part == "AWSLogs")) {
        return wrong("history.logs", "AWSLogs/ and what is behind it is found anyway; name only what is before it");
    }
    if !(1..=MOST_SHARES).contains(shares) {
        return wrong("history.shares", format!("{shares} is not between 1 and {MOST_SHARES}"));
    }
    if !(1..=MOST_MIB).contains(part_mib) {
        return wrong("history.part_mib", format!("{part_mib} is not between 1 and {MOST_MIB}"));
    }
    None
}

fn paths(config: &Config) -> Option<(String, String)> {
    let paths = [
        ("state.path", config.state.path.as_deref()),
        ("notify.file.path", config.notify.file.as_ref().map(|file| file.path.as_path())),
        ("notify.notices.file.path", config.notify.notices.file.as_ref().map(|file| file.path.as_path())),
        ("metrics.prometheus", config.metrics.prometheus.as_deref()),
        ("metrics.heartbeat_file", config.metrics.heartbeat_file.as_deref()),
        ("evidence.dir", config.evidence.dir.as_deref()),
    ];
    let empty = paths.into_iter().find(|(_, path)| *path == Some(Path::new("")));
    empty.and_then(|(key, _)| wrong(key, "is empty; name a path"))
}

fn lists(config: &Config) -> Option<(String, String)> {
    let mut ids = BTreeSet::new();
    let twice = config.accounts.iter().position(|account| !ids.insert(&account.id));
    if let Some(number) = twice {
        return wrong(format!("accounts.{number}.id"), "the account is listed before");
    }
    // A webhook of each list may be one and the same; two of one list, or two places of one name, may not.
    let mut named: BTreeMap<&str, &Endpoint> = BTreeMap::new();
    for (section, webhooks) in webhooks(config) {
        let mut here = BTreeSet::new();
        for (number, webhook) in webhooks.iter().enumerate() {
            let Some(name) = webhook.name.as_ref().map(Words::as_str) else { continue };
            if !here.insert(name) || *named.entry(name).or_insert(&webhook.url) != &webhook.url {
                return wrong(format!("{section}.webhook.{number}.name"), "another webhook has this name");
            }
        }
        if let Some(number) = alike(webhooks) {
            let why = "another webhook has this URL; give one of them a name";
            return wrong(format!("{section}.webhook.{number}.url"), why);
        }
    }
    for (section, list) in [("notify", &config.notify.sns), ("notify.notices", &config.notify.notices.sns)] {
        let mut topics = BTreeSet::new();
        if let Some(number) = list.iter().position(|sns| !topics.insert(&sns.topic)) {
            return wrong(format!("{section}.sns.{number}.topic"), "the topic is listed before");
        }
    }
    None
}

/// The first webhook without a name of its own that has the URL of one before it.
fn alike(webhooks: &[Webhook]) -> Option<usize> {
    let is_named_like =
        |webhook: &Webhook, other: &Webhook| webhook.name.is_none() && other.name.is_none() && webhook.url == other.url;
    let before = |number: usize| webhooks.iter().take(number);
    webhooks.iter().enumerate().position(|(number, webhook)| before(number).any(|other| is_named_like(webhook, other)))
}
