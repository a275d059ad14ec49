//! What is said about a pass, on stderr.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Voice;
use crate::event::{Seconds, time};
use crate::model::{FeedFacts, counted};
use crate::watch::Passed;

/// Days of history that most detectors want which ask what is new.
const ENOUGH: i64 = 14;
/// Steps of a progress bar.
const STEPS: u64 = 1_000;

/// Somebody else is at work.
pub(super) fn held(holder: &str, until: Seconds) -> String {
    format!("{holder} works on this state, until {} at most; nothing was done", time::format(until))
}

/// One line for a pass: each feed that gave events or trouble, and how many were quiet. And another for the first one.
pub(super) fn pass(passed: &Passed, learned: bool) -> Vec<String> {
    let facts = &passed.facts;
    let (loud, quiet): (Vec<_>, Vec<_>) =
        facts.feeds.iter().partition(|feed| feed.lag_seconds.is_some() || feed.blind || feed.errors > 0);
    let requests: u32 = facts.feeds.iter().map(|feed| feed.requests).sum();
    let mut parts = vec![counted(facts.feeds.len(), "feed"), counted(requests, "request")];
    parts.extend(loud.into_iter().map(feed));
    if !quiet.is_empty() {
        parts.push(format!("{} quiet", quiet.len()));
    }
    parts.push(format!("{} opened, {} changed, {} open", facts.opened, facts.changed, facts.open_incidents));
    if facts.undelivered > 0 {
        parts.push(format!("{} waiting", counted(facts.undelivered, "message")));
    }
    let (at, seconds) = (time::format(facts.at), facts.seconds);
    let mut lines = vec![format!(
        "pass {at} ({seconds:.1} s; state: {} reads, {} writes): {}",
        facts.state_reads,
        facts.state_writes,
        parts.join("; ")
    )];
    if passed.is_first && passed.history_days < ENOUGH {
        let hint = if learned { "" } else { "; `stakeout watch --learn 30d` reads it at once" };
        lines.push(format!(
            "first pass with {} of history: only what needs no history pages until there are {ENOUGH}{hint}",
            counted(passed.history_days, "day")
        ));
    }
    lines
}

fn feed(feed: &FeedFacts) -> String {
    let mut text = format!("{} {}", feed.feed, counted(feed.requests, "request"));
    if feed.events > 0 {
        text.push_str(&format!(" {}", counted(feed.events, "event")));
    }
    text.push_str(&feed.lag_seconds.map(|lag| format!(" newest {lag} s old")).unwrap_or_default());
    if feed.errors > 0 {
        text.push_str(&format!(" {}", counted(feed.errors, "problem")));
    }
    if feed.blind {
        text.push_str(" BLIND");
    }
    text
}

/// A bar for history that is read.
pub(super) fn progress(voice: Voice) -> ProgressBar {
    if voice.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(STEPS);
    match ProgressStyle::with_template("learning {bar:30} {percent} % {msg}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Moves the bar.
pub(super) fn tell_progress(bar: &ProgressBar, share: f64, events: usize) {
    bar.set_position((share.clamp(0.0, 1.0) * STEPS as f64) as u64);
    bar.set_message(counted(events, "event"));
}
