//! Parts of files put together by account and day of delivery, with alike calls in one row.
//!
//! What comes out is a function of what went in and not of its order or its cuts, once it is written: `section` sorts.

use std::sync::Arc;

use ahash::AHashMap;

use super::super::part::{ModelCall, Part, Usage, late};
use super::super::told::{Sharing, Who};
use crate::detect::plan::Plan;
use crate::event::{DAY, Event, Place};

/// About what rows, calls and fingerprints take in memory, in bytes.
const ROW: usize = 320;
const CALL: usize = 64;
const EVENT: usize = 2_048;
const FINGERPRINT: usize = 8;

/// An account, by its position, and a day of delivery.
type Of = (usize, Option<i64>);
/// What calls of one row share: caller, kind, place and day; and the fingerprint of one that stands by itself.
type Key = (Who, i64, Option<u64>);

/// What is being put together.
#[derive(Default)]
pub(in crate::replay) struct Folding {
    sharing: Sharing,
    plans: Vec<Arc<Plan>>,
    accounts: AHashMap<String, usize>,
    /// The account of each place.
    of_place: Vec<usize>,
    sections: AHashMap<Of, Section>,
    weight: usize,
}

/// What was recorded of one account and delivered on one day.
#[derive(Default)]
struct Section {
    rows: AHashMap<Key, usize>,
    usage: Vec<Usage>,
    events: Vec<Event>,
    seen: Vec<u64>,
    calls: Vec<ModelCall>,
}

/// A part of one account and day of delivery.
pub(in crate::replay) struct Folded {
    pub account: String,
    pub day: Option<i64>,
    pub part: Part,
}

impl Folding {
    /// About how many bytes of memory it takes.
    pub(in crate::replay) fn weight(&self) -> usize {
        self.weight
    }

    /// Takes a part of objects of one day in. Its counts are somebody else's.
    pub(in crate::replay) fn add(&mut self, part: Part, day: Option<i64>) {
        let rows: Vec<(usize, u32)> = part.usage.into_iter().map(|usage| self.usage(usage, day)).collect();
        for mut event in part.events {
            event.identity = self.sharing.identities.same(&event.identity);
            let place = self.place(&event.place);
            event.place = self.sharing.places.same(&event.place);
            event.shape = self.sharing.shapes.same(&event.shape);
            self.weight += EVENT;
            self.section(place, day).events.push(event);
        }
        for call in part.calls {
            if let Some(&(account, usage)) = rows.get(call.usage as usize) {
                self.weight += CALL;
                self.section(account, day).calls.push(ModelCall { usage, ..call });
            }
        }
        self.weight += part.seen.len() * FINGERPRINT;
        let ends = part.accounts.iter().skip(1).map(|(from, _)| *from).chain([part.seen.len()]);
        for ((from, account), end) in part.accounts.iter().zip(ends) {
            let account = self.account(account);
            let seen = part.seen.get(*from..end).unwrap_or_default();
            self.section(account, day).seen.extend_from_slice(seen);
        }
    }

    /// Gives everything, by account and then day.
    pub(in crate::replay) fn drain(&mut self) -> Vec<Folded> {
        let Self { accounts, sections, .. } = std::mem::take(self);
        let mut names = vec![String::new(); accounts.len()];
        for (name, position) in accounts {
            if let Some(place) = names.get_mut(position) {
                *place = name;
            }
        }
        let named = |((account, day), section): (Of, Section)| Folded {
            account: names.get(account).cloned().unwrap_or_default(),
            day,
            part: section.into_part(),
        };
        let mut folded: Vec<_> = sections.into_iter().map(named).collect();
        folded.sort_by(|a, b| (&a.account, a.day).cmp(&(&b.account, b.day)));
        folded
    }

    /// Takes calls in; returns their account and their row.
    fn usage(&mut self, usage: Arc<Usage>, day: Option<i64>) -> (usize, u32) {
        let who = self.sharing.who(&usage.identity, &usage.plan.shape, &usage.place);
        let [_, shape, _] = who;
        if shape == self.plans.len() {
            self.plans.push(Arc::clone(&usage.plan));
        }
        let account = self.place(&usage.place);
        let first = usage.noted.as_ref().or(usage.bursts.first().map(|(_, call)| call));
        let alone = first.filter(|_| day.is_some_and(|day| usage.first < late(day))).map(|call| call.fingerprint);
        let key = (who, usage.first.div_euclid(DAY), alone);
        let next = self.section(account, day).usage.len();
        let row = *self.section(account, day).rows.entry(key).or_insert(next);
        if row < next {
            if let Some(known) = self.section(account, day).usage.get_mut(row) {
                known.unite(&usage);
            }
        } else {
            let mut usage = Arc::unwrap_or_clone(usage);
            usage.identity = self.sharing.identities.same(&usage.identity);
            usage.place = self.sharing.places.same(&usage.place);
            usage.plan = self.plans.get(shape).map_or(usage.plan, Arc::clone);
            self.weight += ROW + CALL * usage.bursts.len();
            self.section(account, day).usage.push(usage);
        }
        (account, u32::try_from(row).unwrap_or(u32::MAX))
    }

    /// The account of a place.
    fn place(&mut self, place: &Arc<Place>) -> usize {
        let position = self.sharing.places.position(place);
        if let Some(account) = self.of_place.get(position) {
            return *account;
        }
        let account = self.account(&place.account);
        self.of_place.push(account);
        account
    }

    fn account(&mut self, account: &str) -> usize {
        if let Some(position) = self.accounts.get(account) {
            return *position;
        }
        let position = self.accounts.len();
        self.accounts.insert(account.to_owned(), position);
        position
    }

    fn section(&mut self, account: usize, day: Option<i64>) -> &mut Section {
        self.sections.entry((account, day)).or_default()
    }
}

impl Section {
    fn into_part(mut self) -> Part {
        self.usage.iter_mut().for_each(Usage::thin);
        Part {
            usage: self.usage.into_iter().map(Arc::new).collect(),
            events: self.events,
            seen: self.seen,
            calls: self.calls,
            ..Part::default()
        }
    }
}
