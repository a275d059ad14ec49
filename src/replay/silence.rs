//! Silences as events: observations that detectors match like those of a watch.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::json;

use super::fingerprint::{Fingerprint, written};
use crate::baseline::{Baseline, Voice};
use crate::detect::Rules;
use crate::detect::plan::matches;
use crate::detect::silence::{Fallen, Silence};
use crate::event::shape::OBSERVATION;
use crate::event::told::{OBSERVER, told};
use crate::event::view::Json;
use crate::event::{DAY, Event, Identity, Place, Record, Seconds, Shape, View, time};

/// Names that are told of one silence.
const MOST_NAMES: usize = 5;

/// What silences are called.
const KINDS: [&str; 3] = ["RegionSilent", "ServiceSilent", "PrincipalSilent"];

/// So many days are asked about one by one.
const FEW: i64 = 8;

/// What is listened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listening {
    /// Everything that can fall silent, from the begin of what is judged.
    All,
    /// In the last two days: all but regions, of which whoever reads them knows more.
    Lately,
    /// Nothing: not everything could be read.
    Nothing,
}

/// The silences that end a day within some time, as events at that end, in order.
pub(super) fn events(rules: &Rules, baseline: &Baseline, range: Range<Seconds>, listening: Listening) -> Vec<Event> {
    let mut events = Vec::new();
    if listening == Listening::Nothing || range.is_empty() {
        return events;
    }
    let listened_for = rules.silences.iter().filter_map(|&rule| {
        let detector = rules.rules.get(usize::from(rule))?.detector?;
        let block = rules.detectors.get(detector)?.silence.as_ref()?;
        (listening == Listening::All || block.voice() != Some(Voice::Region)).then_some((rule, block))
    });
    let listened_for: Vec<(u16, &Silence)> = listened_for.collect();
    for day in days(baseline, &range) {
        for (rule, block) in &listened_for {
            let fallen = block.fallen(baseline, day - 1);
            events.extend(fallen.iter().filter_map(|fallen| event(rules, *rule, block, fallen, day * DAY)));
        }
    }
    events
}

/// Whether an event is a silence.
pub(super) fn is_one(event: &Event) -> bool {
    event.shape.is_observation() && KINDS.contains(&event.shape.name.as_str())
}

/// The days that begin within some time. Where that is long, only those on which anything was heard: times of events can
/// be far apart.
fn days(baseline: &Baseline, range: &Range<Seconds>) -> BTreeSet<i64> {
    let first = range.start.div_euclid(DAY) + i64::from(range.start.rem_euclid(DAY) > 0);
    let after = range.end.div_euclid(DAY) + i64::from(range.end.rem_euclid(DAY) > 0);
    if after.saturating_sub(first) <= FEW {
        return (first..after).collect();
    }
    let heard = baseline.voices().flat_map(|(_, voices)| voices.all.iter());
    heard.filter(|day| (first..after).contains(day)).collect()
}

/// One silence as an event for its rule; `None` where the rule does not match it.
fn event(rules: &Rules, rule: u16, block: &Silence, fallen: &Fallen<'_>, at: Seconds) -> Option<Event> {
    let [region, service, principal] = KINDS;
    let (kind, noun) = match fallen.voice {
        Voice::Region => (region, "no change in"),
        Voice::Service => (service, "no call of"),
        Voice::Principal => (principal, "no call by"),
    };
    let mut names = fallen.names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    if fallen.names.len() > MOST_NAMES {
        names.push_str(&format!(" and {} more", fallen.names.len() - MOST_NAMES));
    }
    let (since, until) = (time::format(at - block.silent.max(DAY)), time::format(at));
    let days = block.spoke / DAY;
    let words = format!("{noun} {names} from {since} to {until}, after some on each of the {days} days before");
    let region = match (fallen.voice, fallen.names.as_slice()) {
        (Voice::Region, [one]) => one,
        _ => "",
    };
    let id = ["silence", kind, fallen.account, &rules.rules.get(usize::from(rule))?.id].into_iter();
    let id = written(id.fold(Fingerprint::new().number(at), Fingerprint::text).finish());
    let mut record = told(OBSERVATION, kind, fallen.account, &time::format(at), &id);
    record["userIdentity"] = json!({"type": "AWSService", "invokedBy": OBSERVER});
    record["awsRegion"] = json!(region);
    record["requestParameters"] = json!({"subject": names, "told": words});
    let raw = record.to_string();
    let record = Record::scan(&raw).ok()?;
    let identity = Identity::parse(&record.identity, fallen.account);
    let (shape, place) = (Shape::of(&record, &identity), Place::new(fallen.account, region, ""));
    let json = Json::default();
    let mut view = View::new(&record, &identity, &shape, &place, &json, &rules.prices, &rules.own);
    if !matches(rules, rule, &mut view) {
        return None;
    }
    let captures = rules.rules.get(usize::from(rule)).map(|rule| &rule.captures).into_iter().flatten();
    let fields = captures.filter_map(|field| Some((field.clone(), view.text(field)?))).collect();
    let facts = view.into_facts();
    let (identity, shape, place) = (identity.into(), shape.into(), place.into());
    Some(Event { time: at, id: id.as_str().into(), identity, shape, place, rules: vec![rule], fields, facts })
}

#[cfg(test)]
mod tests;
