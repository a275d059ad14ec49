//! What Stakeout sees itself, where no event says it: snapshots in, records in the shape of CloudTrail out. They run
//! through the same engine as events, so that detectors for them are ordinary rules, and incidents join them by key.
//!
//! Pure. Each record is made once: its `eventID` is a hash of kind, account, subject and time, and what was made is kept
//! in the inventory. The time in that hash is the hour in which a user or key was first found missing or new, and the day
//! for everything else, so that what lasts is told once a day.

mod contained;
mod record;
mod telemetry;
#[cfg(test)]
mod tests;
mod users;

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{AccountInventory, Inventory};
use crate::event::{DAY, Seconds};
pub(crate) use contained::StillActs;
use record::Records;
pub(super) use record::id;

/// What is missing or new is told after this time, even if events still cannot be read.
const MOST_PATIENCE: Seconds = DAY;
/// What was told is remembered for this long.
const REMEMBERED: Seconds = 3 * DAY;
/// Where IAM records its events, by partition.
const GLOBAL: [(&str, &str); 3] = [("aws", "us-east-1"), ("aws-us-gov", "us-gov-west-1"), ("aws-cn", "cn-north-1")];

/// What events and feeds told, beside the inventories.
pub(crate) struct Seen<'a> {
    /// Whether an event since `known_since` says that this was done.
    pub told: &'a dyn Fn(&Change<'_>) -> bool,
    /// From when on `told` knows every event that arrived: 48 hours ago, or later where less is kept. Of what may have come
    /// or gone before, nobody can say that no event told it, and it is passed over.
    pub known_since: Seconds,
    /// How long to wait for such an event: half an hour, or less where events arrive at once.
    pub patience: Seconds,
    /// Every region in which there were events.
    pub regions: &'a [RegionUse],
    /// Every feed that was to be read in this pass. An account without one that can hold its global region has no events
    /// of users, and nothing is said about them.
    pub feeds: &'a [FeedState],
    /// Account and region of regions that were not enabled at the last pass.
    pub enabled: &'a [(String, String)],
    /// What was cut off and calls all the same.
    pub still: &'a [StillActs],
}

/// A change that an event can explain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// `CreateAccessKey` gave this access key id.
    KeyMade { key: &'a str },
    /// `DeleteAccessKey` of this access key id.
    KeyRemoved { key: &'a str },
    /// `DeleteUser` of this name.
    UserRemoved { account: &'a str, name: &'a str },
    /// `EnableRegion`.
    RegionEnabled { account: &'a str, region: &'a str },
}

/// When there were events in a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegionUse {
    pub account: String,
    pub region: String,
    /// Days (UTC, since 1970) of the last fortnight with any event.
    pub days: BTreeSet<i64>,
    /// Time of the newest event.
    pub newest: Seconds,
    /// Time of the newest event that every trail must record: one with `readOnly` false.
    pub newest_write: Option<Seconds>,
}

/// How a feed did in this pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedState {
    /// As the feed is called in messages.
    pub name: String,
    /// None: it may hold every account.
    pub account: Option<String>,
    /// None: it may hold every region.
    pub region: Option<String>,
    /// It holds no events: it tells which regions there are.
    pub is_listing: bool,
    /// Of what arrived in this pass, the longest time from event to arrival. None where nothing arrived.
    pub lag: Option<Seconds>,
    /// Why it could not be read, where it could not.
    pub unreadable: Option<String>,
}

/// Compares two inventories, and looks at regions, feeds and trails. Without an earlier inventory nothing is missing or new.
///
/// `after` is completed: it takes over from `before` what could not be read this time, what still waits for an
/// explanation, and what was told. It is to be saved once the records are safe.
pub(crate) fn observe(before: Option<&Inventory>, after: &mut Inventory, seen: &Seen<'_>, now: Seconds) -> Vec<String> {
    let mut told = before.map(|before| before.told.clone()).unwrap_or_default();
    told.retain(|_, at| *at > now - REMEMBERED);
    let mut records = Records::new(told, now);
    if let Some(before) = before {
        for (account, known) in &before.accounts {
            let current = after.accounts.entry(account.clone()).or_insert_with(|| unread(known));
            carry_over(known, current);
            users::compare(known, current, seen, &records);
        }
    }
    for (account, current) in &mut after.accounts {
        users::explain(account, current, seen, &mut records);
        let known = before.and_then(|before| before.accounts.get(account));
        telemetry::trails(account, known, current, seen, &mut records);
    }
    telemetry::regions(seen, &mut records);
    telemetry::feeds(seen, &mut records);
    contained::tell(seen.still, &mut records);
    let (told, lines) = records.finish();
    after.told = told;
    lines
}

/// The same where only events came in: nothing is compared, and only what was cut off and calls all the same is seen.
pub(crate) fn observe_calls(inventory: &mut Inventory, still: &[StillActs], now: Seconds) -> Vec<String> {
    let mut records = Records::new(std::mem::take(&mut inventory.told), now);
    contained::tell(still, &mut records);
    let (told, lines) = records.finish();
    inventory.told = told;
    lines
}

/// An account of which nothing was read this time.
fn unread(known: &AccountInventory) -> AccountInventory {
    AccountInventory { taken: known.taken, ..AccountInventory::default() }
}

/// What could not be read is taken to be as it was.
fn carry_over(known: &AccountInventory, current: &mut AccountInventory) {
    current.unexplained.clone_from(&known.unexplained);
    if !current.users_known {
        current.users_known = known.users_known;
        current.users.clone_from(&known.users);
        current.taken = known.taken;
    }
    if !current.trails_known {
        current.trails_known = known.trails_known;
        current.trails.clone_from(&known.trails);
    }
    let trails: BTreeMap<_, _> = known.trails.iter().map(|trail| (trail.arn.as_str(), trail)).collect();
    for trail in &mut current.trails {
        if let Some(known) = trails.get(trail.arn.as_str()) {
            trail.has_logged |= known.has_logged;
            trail.status = trail.status.take().or_else(|| known.status.clone());
        }
    }
}
