//! What a pass saw, for machines: Prometheus' text format and CloudWatch's embedded metric format.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::event::Seconds;
use crate::model::{FeedFacts, PassFacts};

/// The namespace of the metrics in CloudWatch.
const NAMESPACE: &str = "Stakeout";
/// Metrics of CloudWatch up to which quiet feeds are told. CloudWatch bills each one, by the hours in which it is sent:
/// 17 regions of one account stay below, and an organisation does not pay for silence.
const MOST: usize = 100;

/// One number of a feed, by its name and help.
type OfFeed = (&'static str, &'static str, fn(&FeedFacts) -> Option<f64>);

const OF_FEED: [OfFeed; 5] = [
    ("requests", "Requests that the last pass made to the feed.", |feed| Some(f64::from(feed.requests))),
    ("events", "Events that the last pass read.", |feed| Some(feed.events as f64)),
    ("errors", "Requests to the feed that failed in the last pass.", |feed| Some(f64::from(feed.errors))),
    ("lag_seconds", "Age of the newest event that was read.", |feed| feed.lag_seconds.map(|lag| lag as f64)),
    ("blind", "Whether events of the feed may be missing.", |feed| Some(f64::from(u8::from(feed.blind)))),
];

/// The numbers of a pass over what was handed in: what it found.
const OF_HANDED: [&str; 4] = ["events", "findings", "incidents_opened", "incidents_changed"];

/// The numbers of a pass, by name and help.
fn of_pass(facts: &PassFacts) -> [(&'static str, &'static str, f64); 11] {
    let blind_feeds = facts.feeds.iter().filter(|feed| feed.blind).count();
    [
        ("pass_timestamp_seconds", "When the last pass began.", facts.at as f64),
        ("pass_seconds", "Wall time of the last pass.", facts.seconds),
        ("blind", "Whether the last pass may have missed events.", f64::from(u8::from(facts.is_blind))),
        ("blind_feeds", "Feeds of the last pass in which events may be missing.", blind_feeds as f64),
        ("incidents_opened", "Incidents that the last pass opened.", facts.opened as f64),
        ("incidents_changed", "Incidents that the last pass changed.", facts.changed as f64),
        ("incidents_open", "Incidents that are open.", facts.open_incidents as f64),
        ("findings", "Findings of the last pass.", facts.findings as f64),
        ("undelivered", "Messages that wait for a channel.", facts.undelivered as f64),
        ("state_reads", "Read calls of the last pass to its store.", facts.state_reads as f64),
        ("state_writes", "Write calls of the last pass to its store.", facts.state_writes as f64),
    ]
}

/// The facts in Prometheus' text format: gauges, because each pass replaces the last.
pub(crate) fn prometheus(facts: &PassFacts) -> String {
    let mut text = String::new();
    let head = |text: &mut String, name: &str, help: &str| {
        let _ = writeln!(text, "# HELP stakeout_{name} {help}\n# TYPE stakeout_{name} gauge");
    };
    for (name, help, value) in of_pass(facts) {
        head(&mut text, name, help);
        let _ = writeln!(text, "stakeout_{name} {value}");
    }
    for (name, help, value) in OF_FEED {
        let name = format!("feed_{name}");
        if !facts.feeds.iter().any(|feed| value(feed).is_some()) {
            continue;
        }
        head(&mut text, &name, help);
        let mut told = BTreeSet::new();
        for feed in &facts.feeds {
            let Some(value) = value(feed) else { continue };
            let labels = [("account", &feed.account), ("region", &feed.region), ("feed", &feed.feed)];
            let labels = labels.map(|(label, of)| format!("{label}=\"{}\"", quoted(of))).join(",");
            // A collector refuses a file in which two lines have the same labels.
            if told.insert(labels.clone()) {
                let _ = writeln!(text, "stakeout_{name}{{{labels}}} {value}");
            }
        }
    }
    text
}

/// A label's value as the format wants it.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Writes the facts where the textfile collector of Prometheus' node exporter finds them, whole or not at all.
///
/// # Errors
/// Where the folder cannot be written to.
pub(crate) fn write_prometheus(facts: &PassFacts, path: &Path) -> Result<()> {
    let mut name = path.file_name().context("metrics.prometheus names no file")?.to_owned();
    // The collector reads only what ends in `.prom`.
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(prometheus(facts).as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&new))).with_context(|| format!("writing {}", path.display()))
}

/// The facts in CloudWatch's embedded metric format: one line for the pass, and with `each_feed` one for each feed that gave
/// something, failed or was blind. Feeds that were asked and had nothing are told too while all metrics together are at most
/// [`MOST`].
///
/// A line has one value of each dimension; feeds of one account and region are samples of the same metrics.
pub(crate) fn emf(facts: &PassFacts, each_feed: bool) -> String {
    let units = |name: &str| if name.ends_with("econds") { "Seconds" } else { "Count" };
    let of_all = of_all(facts);
    // What comes by itself says nothing about feeds that are to be asked.
    let each_feed = each_feed && !facts.is_handed;
    let asked: Vec<_> = facts.feeds.iter().filter(|feed| each_feed && (feed.requests > 0 || is_loud(feed))).collect();
    let places: BTreeSet<_> = asked.iter().map(|feed| (&feed.account, &feed.region)).collect();
    let with_quiet = of_all.len() + places.len() * OF_FEED.len() <= MOST;
    let mut lines = vec![line(facts.at, &[], &of_all, units)];
    for feed in asked.into_iter().filter(|feed| with_quiet || is_loud(feed)) {
        let named = |text: &str| if text.is_empty() { "several".to_owned() } else { text.to_owned() };
        let dimensions = [("Account", named(&feed.account)), ("Region", named(&feed.region))];
        lines.push(line(facts.at, &dimensions, &of_feed(feed), units));
    }
    lines.join("\n") + "\n"
}

/// The numbers of a pass, with what its feeds gave together.
fn of_all(facts: &PassFacts) -> Vec<(&'static str, f64)> {
    let lag = facts.feeds.iter().filter_map(|feed| feed.lag_seconds).max();
    // The first is the time, which every line has.
    let mut all: Vec<_> = of_pass(facts).into_iter().skip(1).map(|(name, _, value)| (name, value)).collect();
    all.push(("events", facts.feeds.iter().map(|feed| feed.events as f64).sum()));
    all.extend(lag.map(|lag| ("lag_seconds", lag as f64)));
    // Alarms watch what passes over all feeds know: a message that was read well is not to end what they told.
    all.retain(|(name, _)| !facts.is_handed || OF_HANDED.contains(name));
    all
}

fn of_feed(feed: &FeedFacts) -> Vec<(&'static str, f64)> {
    OF_FEED.iter().filter_map(|(name, _, value)| Some((*name, value(feed)?))).collect()
}

/// Gave something, or trouble.
fn is_loud(feed: &FeedFacts) -> bool {
    feed.events > 0 || feed.errors > 0 || feed.blind
}

fn line(
    at: Seconds,
    dimensions: &[(&'static str, String)],
    values: &[(&'static str, f64)],
    unit: impl Fn(&str) -> &'static str,
) -> String {
    let metrics: Vec<_> = values.iter().map(|(name, _)| json!({ "Name": camel(name), "Unit": unit(name) })).collect();
    let keys: Vec<_> = dimensions.iter().map(|(name, _)| *name).collect();
    let mut all = Map::new();
    all.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.saturating_mul(1_000),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [keys], "Metrics": metrics }],
        }),
    );
    all.extend(dimensions.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str()))));
    all.extend(values.iter().map(|(name, value)| (camel(name), json!(if value.is_finite() { *value } else { 0.0 }))));
    Value::Object(all).to_string()
}

/// `lag_seconds` as CloudWatch's own metrics are written: `LagSeconds`.
fn camel(name: &str) -> String {
    let capital =
        |part: &str| part.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(part.chars().skip(1)).collect();
    name.split('_').map(capital).collect::<Vec<String>>().concat()
}
