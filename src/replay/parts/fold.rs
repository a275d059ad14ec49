//! Parts of files put together by account and day of delivery, with alike calls in one row.
//!
//! What comes out is a function of what went in and not of its order or its cuts, once it is written: `section` sorts.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use ahash::AHashMap;

use super::super::part::{ModelCall, Part, Usage, late};
use super::super::told::{Ranked, Ranks, Sharing, Tables, Who};
use crate::event::{DAY, Place};

/// About what rows, calls and fingerprints take in memory, in bytes.
const ROW: usize = 320;
const CALL: usize = 64;
const EVENT: usize = 2_048;
const FINGERPRINT: usize = 8;

/// An account, by its position, and a day of delivery.
type Of = (usize, Option<i64>);
/// What calls of one row share: caller, kind, place and day; and the fingerprint of one that stands by itself.
type Key = ([u32; 3], i64, Option<u64>);

/// What is being put together.
#[derive(Default)]
pub(in crate::replay) struct Folding {
    sharing: Sharing,
    accounts: AHashMap<String, usize>,
    /// The account of each place.
    of_place: Vec<usize>,
    positions: AHashMap<Of, usize>,
    sections: Vec<Section>,
    /// The section that was looked for last: parts are of one account mostly.
    last: Option<(Of, usize)>,
    weight: usize,
}

/// What was recorded of one account and delivered on one day.
struct Section {
    of: Of,
    rows: AHashMap<Key, u32>,
    part: Part,
    of_usage: Vec<Who>,
    of_events: Vec<Who>,
}

/// Sections, and what they share.
#[derive(Default)]
pub(in crate::replay) struct Batch {
    pub(super) tables: Tables,
    pub sections: Vec<Folded>,
}

/// A part of one account and day of delivery.
pub(in crate::replay) struct Folded {
    pub account: String,
    pub day: Option<i64>,
    pub part: Part,
    /// For each row of usage and each event, where in the tables of the batch it is told whose it is.
    pub(super) of_usage: Vec<Ranked>,
    pub(super) of_events: Vec<Ranked>,
}

impl Folding {
    /// About how many bytes of memory it takes.
    pub(in crate::replay) fn weight(&self) -> usize {
        self.weight
    }

    /// Takes a part of objects of one day in. Its counts are somebody else's.
    pub(in crate::replay) fn add(&mut self, part: Part, day: Option<i64>) {
        let rows: Vec<(usize, u32)> = part.usage.into_iter().map(|usage| self.usage(usage, day)).collect();
        for event in part.events {
            let who = self.sharing.who(&event.identity, &event.shape, &event.place);
            let account = self.account_of(who, &event.place);
            self.weight += EVENT;
            let section = self.section((account, day));
            section.of_events.push(who);
            section.part.events.push(event);
        }
        for call in part.calls {
            if let Some(&(account, usage)) = rows.get(call.usage as usize) {
                self.weight += CALL;
                self.section((account, day)).part.calls.push(ModelCall { usage, ..call });
            }
        }
        self.weight += part.seen.len() * FINGERPRINT;
        let ends = part.accounts.iter().skip(1).map(|(from, _)| *from).chain([part.seen.len()]);
        for ((from, account), end) in part.accounts.iter().zip(ends) {
            let account = self.account(account);
            let seen = part.seen.get(*from..end).unwrap_or_default();
            self.section((account, day)).part.seen.extend_from_slice(seen);
        }
    }

    /// Gives everything, by account and then day.
    pub(in crate::replay) fn drain(&mut self) -> Batch {
        let Self { sharing, accounts, sections, .. } = std::mem::take(self);
        let mut names = vec![String::new(); accounts.len()];
        for (name, position) in accounts {
            if let Some(place) = names.get_mut(position) {
                *place = name;
            }
        }
        let (tables, ranks) = sharing.sorted();
        let name = |position: usize| names.get(position).cloned().unwrap_or_default();
        let folded = |section: Section| {
            let account = name(section.of.0);
            section.folded(account, &ranks)
        };
        let mut sections: Vec<Folded> = sections.into_iter().map(folded).collect();
        sections.sort_by(|a, b| (&a.account, a.day).cmp(&(&b.account, b.day)));
        Batch { tables, sections }
    }

    /// Takes calls in; returns their account and their row.
    fn usage(&mut self, usage: Arc<Usage>, day: Option<i64>) -> (usize, u32) {
        let who = self.sharing.who(&usage.identity, &usage.plan.shape, &usage.place);
        let account = self.account_of(who, &usage.place);
        let first = usage.noted.as_ref().or(usage.bursts.first().map(|(_, call)| call));
        let alone = first.filter(|_| day.is_some_and(|day| usage.first < late(day))).map(|call| call.fingerprint);
        let key = (who.map(narrow), usage.first.div_euclid(DAY), alone);
        let weight = ROW + CALL * usage.bursts.len();
        let section = self.section((account, day));
        let row = match section.rows.entry(key) {
            Entry::Occupied(row) => {
                let row = *row.get();
                let known = section.part.usage.get_mut(row as usize);
                known.into_iter().for_each(|known| Arc::make_mut(known).unite(&usage));
                row
            }
            Entry::Vacant(row) => {
                let row = *row.insert(narrow(section.part.usage.len()));
                section.of_usage.push(who);
                section.part.usage.push(usage);
                self.weight += weight;
                row
            }
        };
        (account, row)
    }

    /// The account of a place, which is at a position.
    fn account_of(&mut self, [_, _, position]: Who, place: &Place) -> usize {
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

    fn section(&mut self, of: Of) -> &mut Section {
        let position = match self.last {
            Some((known, position)) if known == of => position,
            _ => *self.positions.entry(of).or_insert(self.sections.len()),
        };
        self.last = Some((of, position));
        if position == self.sections.len() {
            self.sections.push(Section::new(of));
        }
        &mut self.sections[position]
    }
}

/// More positions than this has are not in memory.
fn narrow(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

impl Section {
    fn new(of: Of) -> Self {
        let (rows, part) = (AHashMap::new(), Part::default());
        Self { of, rows, part, of_usage: Vec::new(), of_events: Vec::new() }
    }

    fn folded(self, account: String, ranks: &Ranks) -> Folded {
        let Self { of: (_, day), mut part, of_usage, of_events, .. } = self;
        let unsorted = part.usage.iter_mut().filter(|usage| usage.bursts.len() > 1);
        unsorted.for_each(|usage| Arc::make_mut(usage).thin());
        let [of_usage, of_events] = [of_usage, of_events].map(|all| all.into_iter().map(|who| ranks.of(who)).collect());
        Folded { account, day, part, of_usage, of_events }
    }
}
