//! How bad a match is in its circumstances: points for and against, each of them a reason.
//!
//! Two points for it and a finding is one level higher, two against it and it is one lower. What a detector asks for
//! itself is not counted again.

use std::collections::BTreeSet;

use glob::Pattern;
use rsigma_parser::SigmaRule;
use serde::Deserialize;

use super::block::FirstSeen;
use super::catalog::Rules;
use super::judge::{Bar, Judgement, Newness, newness};
use super::partial::fields_of;
use super::rule::Detector;
use crate::baseline::{Among, Baseline, Dimension, Family};
use crate::event::policy::Grade;
use crate::event::{DAY, Event, Seconds};
use crate::model::Level;

/// A caller is new for this long.
const NEW: Seconds = DAY;
/// With less history than this nobody is new.
const LEARN: Seconds = 14 * DAY;
/// How far back use counts.
const HISTORY: Seconds = 90 * DAY;
/// Fields that tell who calls and how. To a rule about these it means nothing that a call is usual.
const OF_CALLER: [&str; 18] = [
    "userIdentity",
    "userAgent",
    "sourceIPAddress",
    "additionalEventData",
    "stakeout.principal",
    "stakeout.credential",
    "stakeout.network",
    "stakeout.workload",
    "stakeout.canary",
    "stakeout.own",
    "stakeout.origin",
    "stakeout.asn",
    "stakeout.country",
    "stakeout.hosting",
    "stakeout.caller",
    "stakeout.agent",
    "stakeout.console",
    "stakeout.inside",
];
/// Fields that tell whether a call was refused.
const OF_REFUSAL: [&str; 4] = ["stakeout.denied", "stakeout.failed", "errorCode", "errorMessage"];

/// One circumstance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Point {
    /// The caller was first seen less than a day ago.
    NewCaller,
    /// Nothing was changed in the region for 90 days.
    UnusedRegion,
    /// The caller acts on itself.
    SelfTarget,
    /// The target was given all rights.
    PrivilegedTarget,
    /// The settings protect the target.
    ProtectedTarget,
    /// The caller makes this call as usual, and from where it usually calls.
    KnownGood,
    /// The call was refused.
    Refused,
}

impl Point {
    const ALL: [Self; 7] = [
        Self::ProtectedTarget,
        Self::NewCaller,
        Self::UnusedRegion,
        Self::SelfTarget,
        Self::PrivilegedTarget,
        Self::KnownGood,
        Self::Refused,
    ];

    fn weight(self) -> i32 {
        match self {
            Self::ProtectedTarget => 2,
            Self::NewCaller | Self::UnusedRegion | Self::SelfTarget | Self::PrivilegedTarget => 1,
            Self::KnownGood => -2,
            Self::Refused => -1,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::ProtectedTarget => "+2: the settings protect whom it is about",
            Self::NewCaller => "+1: the caller was first seen less than a day ago",
            Self::UnusedRegion => "+1: nothing was changed in this region for 90 days",
            Self::SelfTarget => "+1: the caller acts on itself",
            Self::PrivilegedTarget => "+1: whom it is about was given all rights",
            Self::KnownGood => "-2: the caller makes this call as usual, from where it usually calls",
            Self::Refused => "-1: it was refused",
        }
    }

    fn holds(self, rules: &Rules, event: &Event, past: &Baseline) -> bool {
        let (identity, account) = (&event.identity, &event.place.account);
        match self {
            Self::NewCaller => past.is_new_caller(identity, account, event.time, (NEW, LEARN)),
            Self::UnusedRegion => {
                event.shape.write && matches!(newness(&region(), Bar::Before(NEW), event, past), Newness::New(_))
            }
            Self::SelfTarget => event.facts.as_ref().is_some_and(|facts| facts.target_is_actor == Some(true)),
            Self::PrivilegedTarget => {
                target(event).is_some_and(|target| past.has_all_rights(account, target, event.time))
            }
            Self::ProtectedTarget => target(event).is_some_and(|target| {
                let arns = ["user", "role", "group"].map(|kind| format!(":iam::{account}:{kind}/{target}"));
                rules.protected.iter().any(|pattern| is_one_of(pattern, &arns))
            }),
            // Who gives small rights every day has no habit of giving all of them.
            Self::KnownGood => {
                let gives_much = || event.facts.as_ref().is_some_and(|facts| facts.grade >= Some(Grade::Broad));
                !gives_much() && is_usual(event, past)
            }
            Self::Refused => event.shape.denied,
        }
    }
}

/// The tuples that points ask for.
pub(super) fn families() -> [Family; 2] {
    [region().family(), calls()]
}

/// The points that a detector counts by itself, or that say nothing about its matches.
pub(super) fn weighed(detector: &Detector) -> BTreeSet<Point> {
    let mut points: BTreeSet<Point> = detector.context.ignore.iter().copied().collect();
    let whens = || detector.adjust.iter().filter_map(|entry| entry.when.as_ref());
    for question in detector.first_seen.iter().chain(whens().filter_map(|when| when.first_seen.as_ref())) {
        let asks = |dimension| question.of.contains(&dimension);
        points.extend(asks(Dimension::Region).then_some(Point::UnusedRegion));
        if asks(Dimension::Principal) || asks(Dimension::Credential) {
            points.extend([Point::NewCaller, Point::KnownGood]);
        }
    }
    // What is new, too much or seen together is no matter of one usual call.
    if detector.first_seen.is_some() || detector.window.is_some() || detector.beyond_own.is_some() {
        points.insert(Point::KnownGood);
    }
    points.extend(whens().flat_map(|when| when.fields.keys()).filter_map(|field| of_field(field)));
    points
}

/// The points that a rule counts by the fields that it asks for.
pub(super) fn weighed_by(rule: &SigmaRule) -> BTreeSet<Point> {
    fields_of(rule).into_iter().filter_map(of_field).collect()
}

fn of_field(field: &str) -> Option<Point> {
    let is = |names: &[&str]| names.iter().any(|name| field.starts_with(name));
    match field {
        "stakeout.target_is_actor" => Some(Point::SelfTarget),
        _ if is(&OF_REFUSAL) || field.starts_with("stakeout.refused") => Some(Point::Refused),
        _ if is(&OF_CALLER) => Some(Point::KnownGood),
        _ => None,
    }
}

/// Adds the reasons of all points that hold, and moves the level by their sum. A notice stays one, and what Stakeout saw
/// itself has no caller.
pub(super) fn weigh(rules: &Rules, detector: &Detector, event: &Event, past: &Baseline, judgement: &mut Judgement) {
    if judgement.notice || event.shape.is_observation() {
        return;
    }
    let counted = Point::ALL.into_iter().filter(|point| !detector.weighed.contains(point));
    let holding: Vec<Point> = counted.filter(|point| point.holds(rules, event, past)).collect();
    let sum: i32 = holding.iter().map(|point| point.weight()).sum();
    judgement.reasons.extend(holding.into_iter().map(|point| point.reason().to_owned()));
    let may_be_critical =
        detector.level == Level::Critical || detector.adjust.iter().any(|entry| entry.level == Some(Level::Critical));
    judgement.level = match (sum, judgement.level) {
        (2.., Level::High) if may_be_critical => Level::Critical,
        (2.., Level::Informational) => Level::Low,
        (2.., Level::Low) => Level::Medium,
        (2.., Level::Medium) => Level::High,
        (..=-2, Level::High) => Level::Medium,
        (..=-2, Level::Medium) => Level::Low,
        (_, level) => level,
    };
}

fn is_usual(event: &Event, past: &Baseline) -> bool {
    let (identity, place) = (&event.identity, &event.place);
    if event.shape.denied || !event.shape.write {
        return false;
    }
    let from_home = place
        .network
        .as_deref()
        .is_none_or(|network| past.usual_network(&place.account, &identity.key, network, event.time));
    let mut tuples = calls().tuples(identity, place, &event.shape).into_iter();
    from_home && tuples.any(|tuple| past.usual(&(calls(), tuple), Some(&identity.key), event.time, HISTORY))
}

fn calls() -> Family {
    Family::new(&[Dimension::Principal, Dimension::Action], Among::Writes)
}

fn region() -> FirstSeen {
    let of = vec![Dimension::Account, Dimension::Region];
    FirstSeen { of, among: Among::Writes, history: HISTORY, learn: LEARN, established: 0, known: None, young: None }
}

fn target(event: &Event) -> Option<&str> {
    event.facts.as_ref()?.target.as_deref()
}

/// Whether a pattern is that of some ARN, of which only the end from `:iam:` on is known, and of that no path. Only the
/// star is special.
fn is_one_of(pattern: &str, arns: &[String]) -> bool {
    let pattern = pattern.find(":iam:").map_or(pattern, |at| &pattern[at..]);
    let is_one = |pattern: &str| {
        let escaped: Vec<String> = pattern.split('*').map(Pattern::escape).collect();
        Pattern::new(&escaped.join("*")).is_ok_and(|pattern| arns.iter().any(|arn| pattern.matches(arn)))
    };
    is_one(pattern) || without_path(pattern).is_some_and(|pattern| is_one(&pattern))
}

/// `:iam::1:role/x` for `:iam::1:role/ops/x`; `None` where there is no path, or every name in it is meant.
fn without_path(pattern: &str) -> Option<String> {
    let (kind, rest) = pattern.split_once('/')?;
    let (_, name) = rest.rsplit_once('/')?;
    name.contains(|c| c != '*').then(|| format!("{kind}/{name}"))
}

#[cfg(test)]
mod tests;
