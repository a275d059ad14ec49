//! What a state machine asks for, checked: pure. Whoever may invoke the function writes it, so nothing of it names a place.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::day::Day;
use crate::config::MOST_SHARES;
use crate::event::identity::is_account;
use crate::event::{Seconds, time};

/// Days of delivery in one item, where the input does not say.
const DAYS: u32 = 30;
/// Days that a run may be about.
pub(super) const MOST_DAYS: u32 = 4_000;
/// Characters in the name of a run, as an execution may have.
const LONGEST: usize = 80;

/// What is to be done for one run.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli::lambda) struct Task {
    /// The name of the run, which is a folder of the results.
    pub run: String,
    pub stage: Stage,
}

#[derive(Debug, Clone, PartialEq)]
pub(in crate::cli::lambda) enum Stage {
    /// Say which items there are.
    Plan(Wish),
    /// Map a piece of an item. The first one finds out into how many it is cut.
    Map { item: Item, share: u32, of: Option<u32> },
    /// Judge a share of the groups.
    Reduce { share: u32, of: u32 },
    /// Put together what was judged.
    Merge,
}

/// What a run is about, as whoever starts it wrote.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::cli::lambda) struct Wish {
    /// The first day of delivery.
    pub from: Option<Day>,
    /// The last one.
    pub until: Option<Day>,
    /// Of one item.
    pub days: u32,
    pub start: Option<Seconds>,
    pub end: Option<Seconds>,
    /// Twelve digits each; all where there are none.
    pub accounts: BTreeSet<String>,
}

/// What one child of the state machine maps: what was delivered below a prefix on some days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::cli::lambda) struct Item {
    /// From 1.
    pub number: u32,
    /// `AWSLogs/[ORGANISATION/]ACCOUNT/CloudTrail/`, behind the prefix of the settings.
    pub prefix: String,
    pub from: Day,
    pub until: Day,
    /// Times of events, in seconds since 1970.
    pub start: Option<Seconds>,
    pub end: Option<Seconds>,
}

/// The input of an execution.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    from: Option<Day>,
    until: Option<Day>,
    days: Option<u32>,
    start: Option<String>,
    end: Option<String>,
    #[serde(default)]
    accounts: Vec<String>,
}

/// What a payload of the kind `what` asks for; none where that is no kind of a history.
///
/// # Errors
/// What is wrong with it, without any of its values.
pub(in crate::cli::lambda) fn task(what: &str, payload: &Value) -> Option<Result<Task, String>> {
    let read: fn(&Value) -> Result<Stage, String> = match what {
        "plan" => |payload| wish(payload.get("input")).map(Stage::Plan),
        "map" => map,
        "reduce" => reduce,
        "merge" => |_| Ok(Stage::Merge),
        _ => return None,
    };
    let run = payload.get("run").and_then(Value::as_str).filter(|run| is_name(run));
    let run = run.ok_or_else(|| format!("run is no name of 1 to {LONGEST} letters, digits, hyphens and underscores"));
    Some(run.and_then(|run| Ok(Task { run: run.to_owned(), stage: read(payload)? })))
}

fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain)
}

fn wish(input: Option<&Value>) -> Result<Wish, String> {
    let input = input.cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let input: Input = serde_json::from_value(input).map_err(|_| {
        "the input is not understood; it has from and until as days such as 2026-08-31, days as a number, start and end as \
         times of RFC 3339, accounts as a list, each of them or none"
            .to_owned()
    })?;
    let moment = |key: &str, text: Option<String>| match text {
        Some(text) => time::parse(&text).map(Some).ok_or_else(|| format!("{key} of the input is no time of RFC 3339")),
        None => Ok(None),
    };
    let (start, end) = (moment("start", input.start)?, moment("end", input.end)?);
    if start.zip(end).is_some_and(|(start, end)| start >= end) {
        return Err("start of the input is not before its end".to_owned());
    }
    let days = input.days.unwrap_or(DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(format!("days of the input are not between 1 and {MOST_DAYS}"));
    }
    if !input.accounts.iter().all(|account| is_account(account)) {
        return Err("accounts of the input are not all of 12 digits, in quotes".to_owned());
    }
    Ok(Wish { from: input.from, until: input.until, days, start, end, accounts: input.accounts.into_iter().collect() })
}

fn map(payload: &Value) -> Result<Stage, String> {
    let item = payload.get("item").cloned().unwrap_or_default();
    let item: Item = serde_json::from_value(item).map_err(|_| "item is none of a plan".to_owned())?;
    let is_span = item.from <= item.until && item.from.until(item.until) < i64::from(MOST_DAYS);
    let is_time = item.start.zip(item.end).is_none_or(|(start, end)| start < end);
    if !is_prefix(&item.prefix) || item.number == 0 || !is_span || !is_time {
        return Err("item is none that a plan makes".to_owned());
    }
    let number = |key: &str| payload.get(key).filter(|value| !value.is_null()).map(Value::as_u64);
    let share = number("share").unwrap_or(Some(1)).and_then(|share| u32::try_from(share).ok());
    let of = match number("of") {
        Some(of) => Some(of.and_then(|of| u32::try_from(of).ok()).ok_or("of is no number of shares")?),
        None => None,
    };
    match share {
        Some(share @ 1..=MOST_SHARES) if share <= of.unwrap_or(1) && of.is_none_or(|of| of <= MOST_SHARES) => {
            Ok(Stage::Map { item, share, of })
        }
        _ => Err("share is none of those that there are".to_owned()),
    }
}

fn reduce(payload: &Value) -> Result<Stage, String> {
    let share = payload.get("share").and_then(Value::as_str).and_then(|text| text.split_once('/'));
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    match share.and_then(|(share, of)| number(share).zip(number(of))) {
        Some((share, of)) if (1..=of).contains(&share) && of <= MOST_SHARES => Ok(Stage::Reduce { share, of }),
        _ => Err("share is none such as 3/16".to_owned()),
    }
}

/// Whether a prefix is one below which `CloudTrail` delivers: nothing in it leads elsewhere.
pub(super) fn is_prefix(prefix: &str) -> bool {
    let is_organisation = |text: &str| {
        text.strip_prefix("o-").is_some_and(|rest| {
            (1..=32).contains(&rest.len())
                && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
    };
    match prefix.split('/').collect::<Vec<_>>().as_slice() {
        ["AWSLogs", account, "CloudTrail", ""] => is_account(account),
        ["AWSLogs", organisation, account, "CloudTrail", ""] => is_organisation(organisation) && is_account(account),
        _ => false,
    }
}
