//! Regions, feeds and trails that do not say what they should.

use serde_json::json;

use super::record::{Observation, Records, Subject};
use super::{Change, FeedState, GLOBAL, RegionUse, Seen};
use crate::event::{DAY, HOUR, Seconds, time};
use crate::source::inventory::{AccountInventory, Trail, TrailStatus};

/// AWS delivers in 15 minutes or less.
const LATE: Seconds = 20 * 60;
/// A region that spoke on each of so many days is expected to speak.
const SPOKE: i64 = 7;
/// A region is silent after this.
const SILENT: Seconds = DAY;
/// After this it is no news any more.
const SILENT_FOR_GOOD: Seconds = 4 * DAY;

/// Whether events about users of an account would be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// No feed can hold them.
    None,
    /// They may be missing or late in this pass.
    Blurred,
    Clear,
}

/// Whether events about users of an account would be seen in this pass.
pub(super) fn sight_of_users(account: &str, seen: &Seen<'_>) -> Sight {
    let concerns = |feed: &&FeedState| {
        let is_global = |region: &str| GLOBAL.iter().any(|(_, global)| *global == region);
        !feed.is_listing
            && feed.account.as_deref().is_none_or(|of| of == account)
            && feed.region.as_deref().is_none_or(is_global)
    };
    let is_blind = |feed: &FeedState| feed.unreadable.is_some() || feed.lag.is_some_and(|lag| lag > LATE);
    seen.feeds.iter().filter(concerns).fold(Sight::None, |sight, feed| match sight {
        Sight::Blurred => sight,
        Sight::None | Sight::Clear if is_blind(feed) => Sight::Blurred,
        Sight::None | Sight::Clear => Sight::Clear,
    })
}

/// Regions that fell silent while others speak, and regions that were enabled.
pub(super) fn regions(seen: &Seen<'_>, records: &mut Records) {
    let now = records.now;
    let speaks = |region: &RegionUse| now - region.newest < SILENT;
    for region in seen.regions {
        let last = region.newest.div_euclid(DAY);
        let expected = (last - SPOKE + 1..=last).all(|day| region.days.contains(&day));
        let silent = !speaks(region) && now - region.newest < SILENT_FOR_GOOD;
        // Where nobody listens, silence means nothing.
        let mut feeds = seen.feeds.iter().filter(|feed| concerns(feed, region)).peekable();
        let could_be_read = feeds.peek().is_some() && feeds.all(|feed| feed.unreadable.is_none());
        if expected && silent && could_be_read && seen.regions.iter().any(speaks) {
            let newest = time::format(region.newest);
            let told = format!("no event in {} since {newest}, after events on every day of a week", region.region);
            let facts = json!({ "newestEvent": newest });
            records.daily("RegionSilent", &region.account, Some(&region.region), &region.region, told, facts);
        }
    }
    for (account, region) in seen.enabled {
        let announced = (seen.told)(&Change::RegionEnabled { account, region });
        let told = if announced { "as an event has told" } else { "and no EnableRegion event has arrived" };
        let told = format!("region {region} is enabled, {told}");
        records.daily("RegionEnabled", account, Some(region), region, told, json!({ "announced": announced }));
    }
}

fn concerns(feed: &FeedState, region: &RegionUse) -> bool {
    !feed.is_listing
        && feed.account.as_ref().is_none_or(|account| *account == region.account)
        && feed.region.as_ref().is_none_or(|name| *name == region.region)
}

/// Feeds that could not be read, and feeds that are late.
pub(super) fn feeds(seen: &Seen<'_>, records: &mut Records) {
    for feed in seen.feeds {
        let account = feed.account.as_deref().unwrap_or_default();
        let region = feed.region.as_deref();
        if let Some(why) = &feed.unreadable {
            let told = format!("{} could not be read: {why}", feed.name);
            records.daily("RegionUnreadable", account, region, &feed.name, told, json!({ "why": why }));
        }
        if let Some(lag) = feed.lag.filter(|lag| *lag > LATE) {
            let told = format!("events of {} arrive {} minutes late", feed.name, lag / 60);
            records.daily("DeliveryLate", account, region, &feed.name, told, json!({ "lagSeconds": lag }));
        }
    }
}

/// Trails that do not log, and trails whose logs do not arrive.
pub(super) fn trails(
    account: &str,
    known: Option<&AccountInventory>,
    current: &AccountInventory,
    seen: &Seen<'_>,
    records: &mut Records,
) {
    let is_there = |trail: &Trail| current.trails.iter().any(|same| same.arn == trail.arn);
    for trail in known.iter().flat_map(|known| &known.trails) {
        if current.trails_known && trail.has_logged && !is_there(trail) {
            not_logging(account, trail, "is gone", records);
        }
    }
    for trail in &current.trails {
        let Some(status) = &trail.status else {
            continue;
        };
        let is_known = known.is_some_and(|known| known.trails.iter().any(|same| same.arn == trail.arn));
        if !status.logging && (trail.has_logged || !is_known) {
            not_logging(account, trail, "does not log", records);
        } else if let Some(why) = undelivered(account, trail, status, seen, records.now) {
            let facts = json!({
                "name": trail.name,
                "bucketName": trail.bucket,
                "latestDelivery": status.latest_delivery.map(time::format),
                "deliveryError": status.delivery_error,
            });
            let told = format!("trail {} does not deliver: {why}", trail.name);
            records.daily("TrailNotDelivering", account, Some(&trail.home_region), &trail.arn, told, facts);
        }
    }
}

fn not_logging(account: &str, trail: &Trail, how: &str, records: &mut Records) {
    let told = format!("trail {} {how}", trail.name);
    let facts = json!({ "name": trail.name, "bucketName": trail.bucket, "hasLogged": trail.has_logged });
    records.daily("TrailNotLogging", account, Some(&trail.home_region), &trail.arn, told, facts);
}

/// Why a logging trail is known not to deliver. A trail delivers only when there is something to deliver: a change that
/// is older than an hour and newer than the last delivery. Where no change is known, Stakeout's own reads are something,
/// though not for every trail.
fn undelivered(account: &str, trail: &Trail, status: &TrailStatus, seen: &Seen<'_>, now: Seconds) -> Option<String> {
    if !status.logging {
        return None;
    }
    if let Some(error) = &status.delivery_error {
        return Some(format!("AWS says {error}"));
    }
    let latest = status.latest_delivery?;
    let covered =
        |region: &&RegionUse| region.account == account && (trail.multi_region || region.region == trail.home_region);
    let mut changes = seen.regions.iter().filter(covered).filter_map(|region| region.newest_write).peekable();
    let any_known = changes.peek().is_some();
    let waits = changes.any(|change| change > latest && change <= now - HOUR);
    (waits || (!any_known && latest <= now - DAY)).then(|| format!("nothing since {}", time::format(latest)))
}

impl Records {
    /// Adds an observation about nobody, which is told once a day.
    fn daily(
        &mut self,
        kind: &'static str,
        account: &str,
        region: Option<&str>,
        subject: &str,
        told: String,
        facts: serde_json::Value,
    ) {
        let region = region.filter(|region| !region.is_empty());
        let (mark, time) = (format!("{} day", self.now.div_euclid(DAY)), self.now);
        self.add(&Observation { kind, account, region, subject, mark, told, facts, about: Subject::Nobody, time });
    }
}
