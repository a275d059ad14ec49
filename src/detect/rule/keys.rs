//! The keys of a detector beyond Sigma's own: where they say nothing, which contradict each other, and what is nearly one of
//! them. Any other key that Sigma does not know is for other tools.

use std::collections::{BTreeSet, HashMap};

use yaml_serde::Value;

use crate::detect::block::Adjustment;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A rule about single events.
    Rule,
    Correlation,
    /// A rule that only feeds a correlation.
    Counted,
    Bills,
}

/// Blocks of detectors about events.
const OF_EVENTS: [&str; 7] = ["adjust", "beyond_own", "beyond_usual", "context", "dormant", "first_seen", "silence"];
/// Blocks of detectors about bills.
const OF_BILLS: [&str; 9] =
    ["anomaly", "drift", "first_spend", "quiet_day", "record", "spike", "spread", "step", "week"];
/// Two of which never hold together, or of which only one is asked.
const APART: [(&str, &str); 5] = [
    ("dormant", "first_seen"),
    ("beyond_own", "silence"),
    ("beyond_usual", "silence"),
    ("dormant", "silence"),
    ("first_seen", "silence"),
];
/// The same in rules about single events; beside a correlation `beyond_own` only measures.
const APART_IN_RULES: [(&str, &str); 3] =
    [("beyond_own", "beyond_usual"), ("beyond_own", "dormant"), ("beyond_own", "first_seen")];

/// The first key that cannot stand in a document, and why.
pub(super) fn objection(kind: Kind, custom: &HashMap<String, Value>) -> Option<(&str, String)> {
    let blocks = custom.iter().filter(|(_, value)| matches!(value, Value::Mapping(_) | Value::Sequence(_)));
    let keys: BTreeSet<&str> = blocks.map(|(key, _)| key.as_str()).collect();
    misplaced(kind, &keys).or_else(|| apart(kind, &keys)).or_else(|| misspelt(&keys))
}

fn misplaced<'k>(kind: Kind, keys: &BTreeSet<&'k str>) -> Option<(&'k str, String)> {
    let (others, place) = match kind {
        Kind::Rule | Kind::Correlation => (&OF_BILLS[..], "about events"),
        Kind::Bills => (&OF_EVENTS[..], "about bills"),
        Kind::Counted => (&OF_EVENTS[..], "that only feeds a correlation"),
    };
    let key = keys.iter().find(|key| others.contains(key))?;
    Some((key, format!("{key} says nothing in a rule {place}")))
}

fn apart<'k>(kind: Kind, keys: &BTreeSet<&'k str>) -> Option<(&'k str, String)> {
    let in_rules = APART_IN_RULES.iter().filter(|_| kind == Kind::Rule);
    let (one, other) = APART.iter().chain(in_rules).find(|(one, other)| keys.contains(one) && keys.contains(other))?;
    Some((keys.get(other)?, format!("{other} does not go with {one}")))
}

fn misspelt<'k>(keys: &BTreeSet<&'k str>) -> Option<(&'k str, String)> {
    let known = || OF_EVENTS.iter().chain(&OF_BILLS);
    let mut strange = keys.iter().filter(|key| !known().any(|known| known == *key));
    strange.find_map(|key| {
        let meant = OF_EVENTS.iter().find(|known| is_slip(key.to_ascii_lowercase().as_bytes(), known.as_bytes()))?;
        Some((*key, format!("{key} is no key of a detector; {meant} is one")))
    })
}

/// Whether two words differ in one letter, or in two that changed places.
fn is_slip(one: &[u8], other: &[u8]) -> bool {
    let ahead = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    let (one, other) = (&one[ahead..], &other[ahead..]);
    let behind = one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count();
    match (&one[..one.len() - behind], &other[..other.len() - behind]) {
        ([] | [_], [] | [_]) => true,
        ([first, second], [third, fourth]) => (first, second) == (fourth, third),
        _ => false,
    }
}

/// Why the entries of `adjust` cannot be used: one of them can never hold, or holds without a word.
pub(super) fn of_adjust(adjust: &[Adjustment], correlates: bool, measures: bool) -> Option<&'static str> {
    adjust.iter().enumerate().find_map(|(position, entry)| match (&entry.when, entry.otherwise) {
        (Some(_), true) | (None, false) => Some("adjust: an entry has either when or otherwise: true"),
        (None, true) => (position + 1 < adjust.len()).then_some("adjust: nothing behind otherwise is looked at"),
        (Some(when), _) if when.own_past.is_some() && !measures => Some("adjust: own_past needs beyond_own"),
        (Some(when), _) if when.value.is_some() && !correlates && !measures => {
            Some("adjust: value needs a correlation or beyond_own")
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::super::RuleFile;

    const RULE: &str = "title: T\nname: t\nid: 0b0d5a7e-0000-4000-8000-000000000001\nlevel: low\n\
                        logsource: {product: aws, service: cloudtrail}\n\
                        detection: {read: {eventSource: kms.amazonaws.com}, condition: read}\n";
    const COUNT: &str = "---\ntitle: C\nid: 0b0d5a7e-0000-4000-8000-000000000002\nlevel: low\ncorrelation: {type: event_count, \
                         rules: [t], group-by: [stakeout.account], timespan: 1h, condition: {gte: 3}}\n";
    const OWN: &str = "beyond_own: {of: [principal], within: 1h, times: 2, least: 3}\n";
    const NEW: &str = "first_seen: {of: [region]}\n";

    /// What is wrong with a file, and how many detectors are left of it.
    fn told(text: &str) -> (Vec<String>, usize) {
        let file = RuleFile::parse("rules/t.yml", text, true);
        (file.problems.iter().map(ToString::to_string).collect(), file.detectors.len())
    }

    #[test]
    fn a_key_that_says_nothing_is_named_with_its_file_and_line() {
        let silence = "silence: {of: [account, region], spoke: 7d, for: 1d}\n";
        for (blocks, line, why) in [
            ("first_sen: {of: [region]}\n".to_owned(), 7, "first_sen is no key of a detector; first_seen is one"),
            ("firstSeen: {of: [region]}\n".to_owned(), 7, "firstSeen is no key of a detector; first_seen is one"),
            ("ajdust: []\n".to_owned(), 7, "ajdust is no key of a detector; adjust is one"),
            ("first_seen: {of: [region], amogn: all}\n".to_owned(), 7, "first_seen: unknown field `amogn`"),
            ("spike: {times: 3}\n".to_owned(), 7, "spike says nothing in a rule about events"),
            (format!("{NEW}{OWN}"), 7, "first_seen does not go with beyond_own"),
            (format!("{NEW}dormant: {{of: [region]}}\n"), 7, "first_seen does not go with dormant"),
            (format!("{NEW}{silence}"), 8, "silence does not go with first_seen"),
            ("adjust: [{because: so}]\n".to_owned(), 7, "adjust: an entry has either when or otherwise: true"),
            (
                "adjust: [{otherwise: true, because: a}, {when: {awsRegion: b}, because: b}]\n".to_owned(),
                7,
                "adjust: nothing behind otherwise is looked at",
            ),
            ("adjust: [{when: {own_past: within}, because: so}]\n".to_owned(), 7, "adjust: own_past needs beyond_own"),
            (
                "adjust: [{when: {value: {gte: 3}}, because: so}]\n".to_owned(),
                7,
                "adjust: value needs a correlation or beyond_own",
            ),
        ] {
            let (problems, detectors) = told(&format!("{RULE}{blocks}"));
            let [problem] = problems.as_slice() else { panic!("{blocks}: {problems:?}") };
            assert!(problem.starts_with(&format!("rules/t.yml:{line}: {why}")), "{problem}");
            assert_eq!(detectors, 0, "{blocks}");
        }
    }

    #[test]
    fn what_judges_stands_with_the_correlation_and_not_with_what_it_counts() {
        let (problems, detectors) = told(&format!("{RULE}{NEW}{COUNT}"));
        assert_eq!(problems, ["rules/t.yml:7: first_seen says nothing in a rule that only feeds a correlation"]);
        assert_eq!(detectors, 1);
        let judged = "adjust: [{when: {value: {gte: 9}, own_past: exceeded}, because: so}]\n";
        assert_eq!(told(&format!("{RULE}{COUNT}{NEW}{OWN}{judged}")), (Vec::new(), 1));
    }

    #[test]
    fn keys_of_other_tools_are_nobodys_business() {
        let others = "simulation: [{type: atomic}]\nfirst: {seen: yes}\nrecord: true\nsteps: 3\ncontext_id: {a: b}\n";
        assert_eq!(told(&format!("{RULE}{others}")), (Vec::new(), 1));
    }

    #[test]
    fn a_detector_about_bills_asks_for_no_events() {
        let bills = RULE.replace("cloudtrail", "cost").replace("eventSource: kms.amazonaws.com", "service: Amazon EC2");
        let step = "drift: {}\n";
        let (problems, detectors) = told(&format!("{bills}{step}{NEW}"));
        assert_eq!(problems, ["rules/t.yml:8: first_seen says nothing in a rule about bills"]);
        assert_eq!(detectors, 0);
    }
}
