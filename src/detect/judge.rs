//! How bad a match is: what is new about it, and what its detector says about that.

use super::block::{FirstSeen, When};
use super::correlate::Known;
use super::rule::Detector;
use crate::baseline::{Baseline, Dimension};
use crate::event::view::LIST;
use crate::event::{DAY, Event, Seconds};
use crate::model::Level;

/// Parts a reason from the example that shows it.
pub(crate) const DETAIL: &str = " (";

/// The answer to "was this seen before?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Newness {
    /// Never in the history, and the history is long enough to say so. Holds what is new.
    New(String),
    Seen,
    /// Never, but the history is shorter than the detector wants. Says how much there is.
    TooEarly(String),
    /// The event has no such tuple, or its caller is too new to have a usual.
    NotAsked,
}

/// Level, channel and reasons of a match.
#[derive(Debug, Clone)]
pub(crate) struct Judgement {
    pub level: Level,
    pub notice: bool,
    pub reasons: Vec<String>,
}

/// What contributed to a match beyond the event that completed it.
pub(crate) struct Contribution<'a> {
    /// The value that a correlation reached.
    pub value: Option<f64>,
    /// Per adjustment, the answer over all contributing events.
    pub newness: &'a dyn Fn(usize) -> Option<Newness>,
}

/// How often something must have happened not to be new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bar {
    /// Ever.
    Seen,
    /// Ever, but for the last so many seconds.
    Before(Seconds),
    /// Often enough to be usual: this is what an adjustment asks before it takes a finding for less.
    Usual,
}

/// Asks the past about one tuple of an event.
pub(crate) fn newness(question: &FirstSeen, bar: Bar, event: &Event, past: &Baseline) -> Newness {
    let family = question.family();
    let Some(tuple) = family.tuple(&event.identity, &event.place, &event.shape) else {
        return Newness::NotAsked;
    };
    let known_for = past.known_since(&event.identity, &event.place.account).map_or(0, |first| event.time - first);
    if known_for < question.established {
        return Newness::NotAsked;
    }
    let principal = question.of_principal().then_some(event.identity.key.as_str());
    let known = |family| {
        let tuple = (family, tuple.clone());
        match bar {
            Bar::Seen => past.seen(&tuple, principal, event.time, question.history),
            Bar::Before(last) => past.seen(&tuple, principal, event.time.saturating_sub(last), question.history),
            Bar::Usual => past.usual(&tuple, principal, event.time, question.history),
        }
    };
    if (event.shape.denied && known(family.of_refused())) || known(family) {
        return Newness::Seen;
    }
    let days = past.history_days(&event.place.account, event.time);
    if days < question.learn / DAY {
        let needed = spoken(question.learn / DAY);
        return Newness::TooEarly(format!("only {} of history; {needed} are needed to tell what is new", spoken(days)));
    }
    let days = days.min(question.history / DAY);
    Newness::New(format!("new in {} of history: {}", spoken(days), describe(question, event)))
}

fn spoken(days: i64) -> String {
    match days {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

fn describe(question: &FirstSeen, event: &Event) -> String {
    let value = |dimension: &Dimension| match dimension {
        Dimension::Account => format!("account {}", event.place.account),
        Dimension::Principal => event.identity.name.clone(),
        Dimension::Credential => event.identity.credential.clone().unwrap_or_default(),
        Dimension::Region => event.place.region.clone(),
        Dimension::Network => format!("network {}", event.place.network.as_deref().unwrap_or("unknown")),
        Dimension::Service => event.shape.service().to_owned(),
        Dimension::Action => event.shape.action(),
    };
    question.of.iter().map(value).collect::<Vec<_>>().join(", ")
}

/// Applies a detector's own judgement to a match; `None` when what it asks for is not new.
pub(crate) fn judge(
    detector: &Detector,
    event: &Event,
    past: &Baseline,
    contribution: &Contribution<'_>,
) -> Option<Judgement> {
    let mut judgement = Judgement { level: detector.level, notice: detector.notice, reasons: Vec::new() };
    if let Some(question) = &detector.first_seen {
        // What is added up over some time is new for all of that time.
        let bar = detector.beyond_usual.as_ref().map_or(Bar::Seen, |block| Bar::Before(block.within));
        match newness(question, bar, event, past) {
            Newness::New(what) => judgement.reasons.push(what),
            Newness::TooEarly(why) => {
                judgement.notice = true;
                judgement.reasons.push(why);
            }
            Newness::Seen | Newness::NotAsked => return None,
        }
    }
    adjust(detector, event, contribution, &mut judgement);
    Some(judgement)
}

fn adjust(detector: &Detector, event: &Event, contribution: &Contribution<'_>, judgement: &mut Judgement) {
    for (position, entry) in detector.adjust.iter().enumerate() {
        let mut because = entry.because.clone();
        if let Some(when) = &entry.when {
            if !fields_hold(when, event) || !value_holds(when, contribution) {
                continue;
            }
            if when.first_seen.is_some() {
                match (contribution.newness)(position) {
                    Some(Newness::New(what)) => because = format!("{because}{DETAIL}{what})"),
                    Some(Newness::TooEarly(why)) => {
                        judgement.level = entry.level.unwrap_or(judgement.level);
                        judgement.notice = true;
                        judgement.reasons.push(why);
                        return;
                    }
                    _ => continue,
                }
            }
        }
        judgement.level = entry.level.unwrap_or(judgement.level);
        judgement.notice = entry.notice.unwrap_or(judgement.notice);
        judgement.reasons.push(because);
        return;
    }
}

fn fields_hold(when: &When, event: &Event) -> bool {
    when.fields.iter().all(|(field, wanted)| {
        Known(event).text(field).is_some_and(|text| text.split(LIST).any(|member| member == wanted.0))
    })
}

fn value_holds(when: &When, contribution: &Contribution<'_>) -> bool {
    when.value.as_ref().is_none_or(|bound| contribution.value.is_some_and(|value| value >= bound.gte))
}
