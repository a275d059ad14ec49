//! How bad a match is: what is new about it, and what its detector says about that.

use super::block::{Dormant, FirstSeen, Often, When, Young};
use super::correlate::Known;
use super::own_past::Past;
use super::rule::Detector;
use crate::baseline::{Baseline, Dimension, Family};
use crate::event::view::LIST;
use crate::event::{DAY, Event, Seconds, agent};
use crate::model::{Level, counted};

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
    /// What the principal's own past says, where the count is large enough to ask.
    pub own_past: Option<Past>,
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
    let tuples = family.tuples(&event.identity, &event.place, &event.shape);
    if tuples.is_empty() {
        return Newness::NotAsked;
    }
    let known_for = past.known_since(&event.identity, &event.place.account).map_or(0, |first| event.time - first);
    if known_for < question.established {
        return Newness::NotAsked;
    }
    let principal = question.of_principal().then_some(event.identity.key.as_str());
    let bar = match (question.known, bar) {
        (Some(Often::Ever), Bar::Usual) => Bar::Seen,
        (Some(Often::Usual), Bar::Seen) => Bar::Usual,
        _ => bar,
    };
    let known = |family, tuple: &str| {
        let tuple = (family, tuple.to_owned());
        match bar {
            Bar::Seen => past.seen(&tuple, principal, event.time, question.history),
            Bar::Before(last) => past.seen(&tuple, principal, event.time.saturating_sub(last), question.history),
            Bar::Usual => past.usual(&tuple, principal, event.time, question.history),
        }
    };
    let ever =
        |family: Family, tuple: &str| (event.shape.denied && known(family.of_refused(), tuple)) || known(family, tuple);
    let by_prefix = question.family_by_prefix();
    let by_prefix = by_prefix.map(|family| (family, family.tuples(&event.identity, &event.place, &event.shape)));
    let has_prefix = |(family, tuples): &(Family, Vec<String>)| tuples.iter().any(|tuple| ever(*family, tuple));
    // Of a call about several things, one that is new is enough.
    if tuples.iter().all(|tuple| ever(family, tuple)) || by_prefix.as_ref().is_some_and(has_prefix) {
        return Newness::Seen;
    }
    let days = past.history_days(&event.place.account, event.time);
    if days < question.learn / DAY {
        let needed = in_days(question.learn / DAY);
        return Newness::TooEarly(format!(
            "only {} of history; {needed} are needed to tell what is new",
            in_days(days)
        ));
    }
    let days = days.min(question.history / DAY);
    Newness::New(format!("new in {} of history: {}", in_days(days), describe(question, event)))
}

/// Since when a tuple of an event was silent, in words, where it was seen before and is only seen again now.
fn awakes(question: &Dormant, event: &Event, past: &Baseline) -> Option<String> {
    let family = question.family();
    let principal = question.of.contains(&Dimension::Principal).then_some(event.identity.key.as_str());
    let tuples = family.tuples(&event.identity, &event.place, &event.shape);
    let last_day = |tuple: &String| {
        let days =
            [family, family.of_refused()].map(|family| past.last_day(&(family, tuple.clone()), principal, event.time));
        days.into_iter().flatten().max()
    };
    let days = event.time.div_euclid(DAY) - tuples.iter().filter_map(last_day).max()?;
    (days > question.silent / DAY).then(|| format!("not seen for {}", in_days(days)))
}

/// A number of days in words.
fn in_days(days: i64) -> String {
    if days == 0 { "less than a day".to_owned() } else { counted(days, "day") }
}

fn describe(question: &FirstSeen, event: &Event) -> String {
    let value = |dimension: &Dimension| match dimension {
        Dimension::Account => format!("account {}", event.place.account),
        Dimension::Principal => event.identity.name.clone(),
        Dimension::Credential => event.identity.credential.clone().unwrap_or_default(),
        Dimension::Region => event.place.region.clone(),
        Dimension::Network => network(event),
        Dimension::Asn => operator(event),
        Dimension::Country => format!("country {}", event.place.country().unwrap_or("unknown")),
        Dimension::Service => event.shape.service().to_owned(),
        Dimension::Action => event.shape.action(),
        Dimension::Object => listed(event.place.object.as_deref()),
        Dimension::Role => listed(event.place.role.as_deref()),
        Dimension::Caller => format!("account {}", event.place.foreign(&event.identity).unwrap_or("unknown")),
        Dimension::Agent => format!("agent {}", agent::family(&event.shape)),
    };
    question.of.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn listed(joined: Option<&str>) -> String {
    joined.unwrap_or_default().replace(LIST, " and ")
}

fn network(event: &Event) -> String {
    format!("network {}", event.place.network.as_deref().unwrap_or("unknown"))
}

/// The autonomous system with its name, where a table says which it is, else the network.
fn operator(event: &Event) -> String {
    match (event.place.asn(), &event.place.owner) {
        (Some(asn), Some(owner)) if !owner.name.is_empty() => format!("{asn} {}", owner.name),
        (Some(asn), _) => asn,
        _ => network(event),
    }
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
                judgement.for_want_of_history(question, None);
                judgement.reasons.push(why);
            }
            Newness::Seen | Newness::NotAsked => return None,
        }
    }
    if let Some(question) = &detector.dormant {
        judgement.reasons.push(awakes(question, event, past)?);
    }
    adjust(detector, event, contribution, &mut judgement);
    Some(judgement)
}

impl Judgement {
    /// What a question says where it came too early; without a word, a match becomes a notice.
    fn for_want_of_history(&mut self, question: &FirstSeen, level: Option<Level>) {
        let (level, notice) = match question.young {
            Some(Young::Next) => return,
            Some(Young::Judged { level, notice }) => (level, notice),
            None => (level, true),
        };
        self.level = level.unwrap_or(self.level);
        self.notice = notice;
    }
}

fn adjust(detector: &Detector, event: &Event, contribution: &Contribution<'_>, judgement: &mut Judgement) {
    for (position, entry) in detector.adjust.iter().enumerate() {
        let mut because = entry.because.clone();
        if let Some(when) = &entry.when {
            let own_past_holds = when.own_past.is_none() || when.own_past == contribution.own_past;
            if !fields_hold(when, event) || !value_holds(when, contribution) || !own_past_holds {
                continue;
            }
            if let Some(question) = &when.first_seen {
                match (contribution.newness)(position) {
                    Some(Newness::New(what)) => because = format!("{because}{DETAIL}{what})"),
                    Some(Newness::TooEarly(why)) => {
                        judgement.for_want_of_history(question, entry.level);
                        if !judgement.reasons.contains(&why) {
                            judgement.reasons.push(why);
                        }
                        if question.young == Some(Young::Next) {
                            continue;
                        }
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
        let text = Known(event).text(field);
        wanted.holds(text.as_deref().map(|text| text.split(LIST).collect::<Vec<_>>()).as_deref())
    })
}

fn value_holds(when: &When, contribution: &Contribution<'_>) -> bool {
    when.value.as_ref().is_none_or(|bound| contribution.value.is_some_and(|value| value >= bound.gte))
}

#[cfg(test)]
mod tests;
