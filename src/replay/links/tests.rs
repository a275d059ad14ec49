//! Accounts without a link are judged apart as they are together.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod organisation;

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::Links;
use crate::baseline::Baseline;
use crate::cost::Usual;
use crate::detect::AllowList;
use crate::event::{DAY, Seconds};
use crate::replay::map::Range;
use crate::replay::part::{Part, Usage};
use crate::replay::reduce::Reducer;
use crate::replay::tests::rules;
use crate::replay::verdict::Verdict;
use crate::report::{Format, Look, Report};
use crate::source::Bills;
use organisation::{ACCOUNTS, Deed, Section, sections};

const RANGE: Range = Range { start: Seconds::MIN, end: Seconds::MAX };

fn copy(part: &Part) -> Part {
    let Part { usage, events, seen, accounts, calls, counts } = part;
    Part {
        usage: usage.clone(),
        events: events.clone(),
        seen: seen.clone(),
        accounts: accounts.clone(),
        calls: calls.clone(),
        counts: counts.clone(),
    }
}

/// One reducer over the sections of some accounts. Days end for all at once.
fn judge(sections: &[Section], is_meant: &dyn Fn(&str) -> bool) -> Verdict {
    let mut reducer = Reducer::new(rules(), Baseline::default(), Usual::default()).unwrap();
    let mut days: Vec<_> = sections.iter().map(|section| section.day).collect();
    days.dedup();
    for (n, day) in days.iter().enumerate() {
        for section in sections.iter().filter(|section| section.day == *day && is_meant(&section.account)) {
            reducer.add(copy(&section.part), day.is_some());
        }
        if let Some(day) = day.filter(|_| n + 1 < days.len()) {
            reducer.end_day(day);
        }
    }
    let last = |usage: &std::sync::Arc<Usage>| usage.last;
    reducer.known_until(sections.iter().flat_map(|section| section.part.usage.iter().map(last)).max().unwrap_or(0));
    reducer.conclude(RANGE)
}

fn printed(report: &Report) -> String {
    let mut out = Vec::new();
    for format in [Format::Ndjson, Format::Table, Format::Markdown] {
        report.write(format, Look { columns: 120, color: false }, &mut out).unwrap();
    }
    String::from_utf8(out).unwrap()
}

fn links_of<'s>(sections: impl IntoIterator<Item = &'s Section>) -> Links {
    let mut links = Links::default();
    sections.into_iter().for_each(|section| links.note(rules(), &section.part));
    links
}

fn deed(linked: bool) -> impl Strategy<Value = Deed> {
    let late = prop_oneof![6 => Just(Some(0)), 3 => (1..4_i64).prop_map(Some), 1 => Just(None)];
    let at = (0..5 * DAY).prop_map(|at| if at % 3 == 0 { at / 3_600 * 3_600 } else { at });
    (0..ACCOUNTS.len(), 0..ACCOUNTS.len(), 0..17_u8, at, 0..4_u8, late, prop::bool::weighted(0.2)).prop_map(
        move |(account, other, what, at, who, late, twice)| {
            let other = if linked { other } else { account };
            // Of these, only one account does any where accounts are to stay apart.
            let account = if !linked && matches!(what, 8 | 9 | 11 | 12 | 15 | 16) { 0 } else { account };
            Deed { account, other: if linked { other } else { account }, what, at, who, late, twice }
        },
    )
}

fn apart(deeds: &[Deed]) -> Result<usize, TestCaseError> {
    let sections = sections(deeds);
    let links = links_of(&sections);
    let together = judge(&sections, &|_| true).into_report(&Bills::default(), &AllowList::default());
    let groups = links.groups(ACCOUNTS);
    let mut all = Verdict::default();
    for group in groups.iter().rev() {
        let verdict = judge(&sections, &|account| group.contains(account));
        let bytes = serde_json::to_vec(&verdict).unwrap();
        all.merge(serde_json::from_slice(&bytes).unwrap());
    }
    let apart = all.into_report(&Bills::default(), &AllowList::default());
    prop_assert_eq!(printed(&together), printed(&apart), "{:?}", groups);
    let summary = &apart.summary;
    prop_assert_eq!(summary.read, summary.kept + summary.duplicate + summary.malformed + summary.not_a_log);
    // Links of pieces, in any order, some twice, written and read.
    let mut merged = links_of(sections.iter().rev().step_by(2));
    merged.merge(links_of(sections.iter().rev().skip(1).step_by(2)));
    merged.merge(links_of(sections.iter().take(3)));
    let merged: Links = serde_json::from_slice(&serde_json::to_vec(&merged).unwrap()).unwrap();
    prop_assert_eq!(merged, links);
    Ok(groups.len())
}

proptest! {
    // A case is a small organisation: an eighth of the usual number takes long enough.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 8))]

    #[test]
    fn accounts_without_a_link_are_judged_apart_as_together(deeds in vec(deed(false), 0..14)) {
        prop_assert_eq!(apart(&deeds)?, ACCOUNTS.len());
    }

    #[test]
    fn linked_accounts_are_judged_together(deeds in vec(deed(true), 0..10)) {
        apart(&deeds)?;
    }
}

#[test]
fn groups_hold_every_account_once() {
    let mut links = Links::default();
    for (one, other) in [("2", "4"), ("6", "4"), ("1", "9"), ("8", "9"), ("3", "3")] {
        links.pair(one, other);
    }
    let texts = |groups: Vec<BTreeSet<String>>| {
        groups.into_iter().map(|group| group.into_iter().collect::<String>()).collect::<Vec<_>>()
    };
    assert_eq!(texts(links.groups(["6", "2", "3", "4", "1", "8", "2"])), ["1", "246", "3", "8"]);
    assert_eq!(texts(links.groups(["", "9", "8", "1"])), ["", "189"]);
    links.open.insert("3".to_owned());
    assert_eq!(links.groups(["", "1", "3", "6"]).len(), 1);
    assert_eq!(links.groups(["", "1", "6"]).len(), 3);
    assert!(links.groups([]).is_empty());
}

#[test]
fn links_that_name_no_account_are_an_error() {
    let error = serde_json::from_str::<Links>(r#"{"accounts":["1"],"pairs":[[0,1]],"ties":[],"open":[],"homes":[]}"#)
        .unwrap_err();
    assert!(error.to_string().contains("account 1 of 1"), "{error}");
}
