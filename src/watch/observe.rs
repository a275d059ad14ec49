//! What Stakeout sees itself, from everything that a pass read: the input of `source::observe`.

use super::regions::Spoken;
use crate::event::facts::Facts;
use crate::event::{Event, Seconds};
use crate::model::FeedFacts;
use crate::replay::kept::Kept;
use crate::replay::part::Part;
use crate::source::Object;
use crate::source::inventory::Inventory;
use crate::source::live::{Batch, Regions};
use crate::source::observe::{Change, FeedState, Seen, StillActs, observe, observe_calls};

/// What is known when a pass has read its feeds.
pub(super) struct Evidence<'s> {
    pub kept: &'s Kept,
    pub parts: &'s [Part],
    pub spoken: &'s Spoken,
    pub batches: &'s [Batch],
    /// In the order of the batches.
    pub feeds: &'s [FeedFacts],
    /// From when on every event that arrived is known.
    pub known_since: Seconds,
    /// How late events may be.
    pub patience: Seconds,
    pub last_pass: Option<Seconds>,
    /// What was cut off and calls all the same.
    pub still: &'s [StillActs],
    /// Only what was handed in was read: what else there is cannot be compared.
    pub is_handed: bool,
}

impl Evidence<'_> {
    /// The observations of a pass, as one object of records, where there are any.
    pub(super) fn records(
        &self,
        before: Option<&Inventory>,
        after: &mut Inventory,
        enabled_before: &Regions,
        enabled: &Regions,
        now: Seconds,
    ) -> Vec<Object> {
        if self.is_handed {
            return object(&observe_calls(after, self.still, now));
        }
        let told = |change: &Change<'_>| self.events().any(|event| tells(event, change));
        let fresh = |(account, regions): (&String, &std::collections::BTreeSet<String>)| {
            let before = enabled_before.get(account)?;
            let new = regions.difference(before).map(|region| (account.clone(), region.clone()));
            Some(new.collect::<Vec<_>>())
        };
        let new_regions: Vec<_> = enabled.iter().filter_map(fresh).flatten().collect();
        let feeds: Vec<_> =
            self.batches.iter().zip(self.feeds).map(|(batch, facts)| self.state(batch, facts, now)).collect();
        let regions = self.spoken.uses();
        let seen = Seen {
            told: &told,
            patience: self.patience,
            known_since: self.known_since,
            regions: &regions,
            feeds: &feeds,
            enabled: &new_regions,
            still: self.still,
        };
        object(&observe(before, after, &seen, now))
    }

    /// How a feed did. What is new and was made before the last pass had not arrived by then: it took that long at least.
    fn state(&self, batch: &Batch, facts: &FeedFacts, now: Seconds) -> FeedState {
        let unreadable = batch.problems.iter().find(|problem| problem.blind).map(|problem| problem.why.clone());
        let newest = facts.lag_seconds.map(|age| now - age);
        let lag = newest.zip(self.last_pass).map(|(newest, passed)| (passed - newest).max(0));
        let (account, region) = (batch.account.clone(), batch.region.clone());
        FeedState { name: batch.feed.clone(), account, region, is_listing: batch.is_listing, lag, unreadable }
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.kept.events().chain(self.parts.iter().flat_map(|part| &part.events))
    }
}

/// Records as one object, where there are any.
fn object(records: &[String]) -> Vec<Object> {
    if records.is_empty() {
        return Vec::new();
    }
    vec![Object::memory("observations".to_owned(), records.join("\n").into_bytes())]
}

/// Whether an event says that a change was made.
fn tells(event: &Event, change: &Change<'_>) -> bool {
    let facts = event.facts.as_deref();
    let removed =
        |is_it: &dyn Fn(&str) -> bool| facts.is_some_and(|facts: &Facts| facts.deleted.iter().any(|arn| is_it(arn)));
    match change {
        Change::KeyMade { key } => {
            let minted = facts.and_then(|facts| facts.minted.as_ref()).and_then(|minted| minted.credential.as_deref());
            minted == Some(key)
        }
        Change::KeyRemoved { key } => removed(&|arn| arn.rsplit('#').next() == Some(key)),
        Change::UserRemoved { account, name } => removed(&|arn| {
            arn.split(':').nth(4) == Some(account) && arn.contains(":user/") && arn.rsplit('/').next() == Some(name)
        }),
        Change::RegionEnabled { account, .. } => event.shape.name == "EnableRegion" && event.place.account == *account,
    }
}

/// What is said of a feed that gave so many new events, the newest of them made at a time.
pub(super) fn feed(batch: &Batch, (events, newest): (usize, Option<Seconds>), now: Seconds) -> FeedFacts {
    FeedFacts {
        account: batch.account.clone().unwrap_or_default(),
        region: batch.region.clone().unwrap_or_default(),
        feed: batch.feed.clone(),
        requests: batch.requests,
        events,
        lag_seconds: newest.map(|newest| (now - newest).max(0)),
        errors: u32::try_from(batch.problems.len()).unwrap_or(u32::MAX),
        blind: batch.problems.iter().any(|problem| problem.blind),
    }
}
