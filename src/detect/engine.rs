//! The stateful part of detection: events in order of time in, findings out.

use std::cell::LazyCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use ahash::AHashMap;
use anyhow::Result;

use super::allow::{Allowing, Entries};
use super::beyond::{Beyond, STARTS};
use super::catalog::Rules;
use super::context;
use super::correlate::{Correlator, Firing};
use super::judge::{Bar, Contribution, DETAIL, Judgement, Newness, judge, newness};
use super::own_past::{Measured, OwnPast, Past};
use crate::baseline::Baseline;
use crate::cost::Usual;
use crate::event::{DAY, Event, HOUR, Place, Seconds};
use crate::model::Finding;

/// A repeated match within this time extends a finding instead of making another.
const SAME_FINDING: Seconds = 3_600;
/// How the reason begins that tells a correlation's value.
const COUNTED: &str = "counted ";
/// A finding that goes on gives no more reasons than this.
const MOST_REASONS: usize = 8;
/// A finding that goes on for longer becomes another one.
const LONGEST_FINDING: Seconds = DAY;
/// Marks of what was new are kept this long, longer than any window.
const MARKED: Seconds = 2 * DAY;

/// Detection over a stream of events.
pub(crate) struct Detection<'r> {
    rules: &'r Rules,
    correlator: Correlator,
    beyond: Beyond,
    /// What principals did within some time, and at most before.
    pub own_past: OwnPast<'r>,
    /// Before this time, events only teach.
    pub since: Seconds,
    /// Until when the events of a count are part of a finding already.
    counted: AHashMap<(usize, String), Seconds>,
    /// Everything found so far, in order of firing.
    pub findings: Vec<Finding>,
    /// The finding that a further match would extend, and until when.
    active: AHashMap<(usize, String), (usize, Seconds)>,
    /// What was new about events that feed correlations, by the id of the event.
    marks: AHashMap<Arc<str>, Marks>,
    /// What somebody answers for.
    allowing: Allowing<'r>,
    swept: Seconds,
}

/// When an event was, and what was new about it. Two accounts can have an event of one id.
type Marks = (Seconds, Vec<Mark>);

/// What was new about an event to an adjustment of a detector.
struct Mark {
    place: Arc<Place>,
    detector: usize,
    adjustment: usize,
    answer: Newness,
}

/// Where a match stands among others: those with the same detector and group are one finding.
struct Match<'a> {
    detector: usize,
    group: String,
    /// How long it stays open to further matches.
    open: Seconds,
    events: BTreeSet<(Seconds, Arc<str>)>,
    event: &'a Event,
}

impl<'r> Detection<'r> {
    /// Starts with nothing found, in accounts that usually spend as much as their bills say.
    ///
    /// # Errors
    /// A correlation that the engine refuses.
    pub(crate) fn new(rules: &'r Rules, usual: Usual) -> Result<Self> {
        Ok(Self {
            rules,
            correlator: Correlator::new(rules)?,
            beyond: Beyond::new(usual),
            own_past: OwnPast::new(rules),
            since: Seconds::MIN,
            counted: AHashMap::new(),
            findings: Vec::new(),
            active: AHashMap::new(),
            marks: AHashMap::new(),
            allowing: Allowing::new(&rules.allow),
            swept: Seconds::MIN,
        })
    }

    /// Takes one event through every rule that it matched; returns the findings that it made or changed.
    pub(crate) fn take(&mut self, event: &Event, past: &Baseline) -> Vec<usize> {
        self.sweep(event.time);
        let mut touched = Vec::new();
        if event.time < self.since {
            return touched;
        }
        for &rule in &event.rules {
            let rules = self.rules;
            let rule = &rules.rules[usize::from(rule)];
            self.allowing.note(rule.detector.iter().chain(&rule.feeds).map(|n| &rules.detectors[*n]), event);
            if let Some(detector) = rule.detector {
                touched.extend(self.single(detector, event, past));
            }
            if !rule.feeds.is_empty() {
                self.mark(&rule.feeds, event, past);
                for firing in self.correlator.feed(rule, event) {
                    touched.extend(self.correlated(firing, event, past));
                }
            }
        }
        touched.sort_unstable();
        touched.dedup();
        touched
    }

    fn single(&mut self, detector: usize, event: &Event, past: &Baseline) -> Option<usize> {
        let rules = self.rules;
        let rule = &rules.detectors[detector];
        if rule.beyond_own.is_some() {
            return self.measured(detector, event, past);
        }
        let asked = |position: usize| {
            let question = rule.adjust.get(position)?.when.as_ref()?.first_seen.as_ref()?;
            Some(newness(question, Bar::Usual, event, past))
        };
        let contribution = Contribution { value: None, newness: &asked, own_past: None };
        let mut judgement = judge(rule, event, past, &contribution)?;
        context::weigh(rules, rule, event, past, &mut judgement);
        let mut events = BTreeSet::from([(event.time, Arc::clone(&event.id))]);
        if let Some(block) = &rule.beyond_usual {
            let tipped = self.beyond.take(detector, block, event, &rules.prices)?;
            judgement.reasons.insert(0, tipped.reason);
            events.extend(tipped.events);
        }
        if let Some(told) = event.facts.as_ref().and_then(|facts| facts.told.clone()) {
            judgement.reasons.insert(0, told);
        }
        let target = event.facts.as_ref().and_then(|facts| facts.target.as_deref()).unwrap_or_default();
        let (group, open) = match &rule.first_seen {
            Some(question) => {
                // Many new things of one caller are one finding.
                let family = question.family().without_things();
                (family.tuples(&event.identity, &event.place, &event.shape).concat(), DAY)
            }
            None if rule.dormant.is_some() => (event.identity.credential.clone().unwrap_or_default(), DAY),
            None => {
                (format!("{}\u{1f}{target}", event.identity.credential.as_deref().unwrap_or_default()), SAME_FINDING)
            }
        };
        // Whoever steals a key does what its owner does out of habit: a notice of the one is not the start of the other.
        let habit = if judgement.notice { "habit" } else { "" };
        let group = format!("{}\u{1f}{}\u{1f}{group}\u{1f}{habit}", event.place.account, event.identity.key);
        Some(self.put(Match { detector, group, open, events, event }, judgement))
    }

    fn correlated(&mut self, firing: Firing, event: &Event, past: &Baseline) -> Option<usize> {
        let rules = self.rules;
        let detector =
            rules.detectors.iter().position(|detector| detector.window.is_some() && detector.sigma_id == firing.id)?;
        let rule = &rules.detectors[detector];
        let window = Seconds::try_from(rule.window.unwrap_or_default()).unwrap_or(DAY);
        let account = Some(&event.place.account).filter(|_| !firing.across);
        let measured = self.own_past.ask(detector, event, past);
        let asked = |position: usize| self.marked(&firing.events, account, (detector, position));
        let own_past = measured.as_ref().map(|measured| measured.past);
        let contribution = Contribution { value: Some(firing.value), newness: &asked, own_past };
        let mut judgement = judge(rule, event, past, &contribution)?;
        context::weigh(rules, rule, event, past, &mut judgement);
        if let Some(measured) = measured.filter(|measured| measured.past == Past::Exceeded) {
            judgement.reasons.push(measured.reason);
        }
        if let Some(what) = firing.counted.as_ref().filter(|_| firing.value > 1.0) {
            judgement.reasons.insert(0, format!("{COUNTED}{} {what} within {}", firing.value, spoken(window)));
        }
        let events = firing.events.into_iter().collect();
        Some(self.put(Match { detector, group: firing.group, open: window, events, event }, judgement))
    }

    /// A match whose count is beyond its caller's own past, or beyond what is known of it.
    fn measured(&mut self, detector: usize, event: &Event, past: &Baseline) -> Option<usize> {
        let rules = self.rules;
        let rule = &rules.detectors[detector];
        self.mark(&[detector], event, past);
        let measured = self.own_past.ask(detector, event, past).filter(|measured| measured.past != Past::Within)?;
        let Measured { past: own_past, count, counted, reason } = measured;
        let group = format!("{}\u{1f}{}", event.place.account, event.identity.key);
        let counted_as = (detector, group);
        let told = self.counted.get(&counted_as).copied().unwrap_or(Seconds::MIN);
        let ids = LazyCell::new(|| Vec::from_iter(self.own_past.events(detector, event, told)));
        let asked = |position: usize| self.marked(&ids, Some(&event.place.account), (detector, position));
        let contribution = Contribution { value: Some(count as f64), newness: &asked, own_past: Some(own_past) };
        let mut judgement = judge(rule, event, past, &contribution)?;
        context::weigh(rules, rule, event, past, &mut judgement);
        judgement.reasons.splice(0..0, [format!("{COUNTED}{counted}"), reason]);
        let events = ids.iter().cloned().collect();
        // What comes to nothing is told with what follows.
        self.counted.insert(counted_as.clone(), event.time);
        let (_, group) = counted_as;
        Some(self.put(Match { detector, group, open: SAME_FINDING, events, event }, judgement))
    }

    /// The strongest answer to what an adjustment asks about some events of an account, or of several.
    fn marked(
        &self,
        events: &[(Seconds, Arc<str>)],
        account: Option<&String>,
        (detector, adjustment): (usize, usize),
    ) -> Option<Newness> {
        let answers = events.iter().filter_map(|(_, id)| self.marks.get(id)).flat_map(|(_, answers)| answers);
        let answers = answers.filter(|mark| mark.detector == detector && mark.adjustment == adjustment);
        let answers = answers.filter(|mark| account.is_none_or(|account| mark.place.account == *account));
        let strength = |answer: &&Newness| match answer {
            Newness::New(_) => 2,
            Newness::TooEarly(_) => 1,
            Newness::Seen | Newness::NotAsked => 0,
        };
        answers.map(|mark| &mark.answer).max_by_key(strength).cloned()
    }

    /// Answers now what adjustments will ask about this event when its correlation fires.
    fn mark(&mut self, detectors: &[usize], event: &Event, past: &Baseline) {
        for &detector in detectors {
            for (position, entry) in self.rules.detectors[detector].adjust.iter().enumerate() {
                let Some(question) = entry.when.as_ref().and_then(|when| when.first_seen.as_ref()) else {
                    continue;
                };
                let answer = newness(question, Bar::Usual, event, past);
                if matches!(answer, Newness::New(_) | Newness::TooEarly(_)) {
                    let (_, answers) =
                        self.marks.entry(Arc::clone(&event.id)).or_insert_with(|| (event.time, Vec::new()));
                    answers.push(Mark { place: Arc::clone(&event.place), detector, adjustment: position, answer });
                }
            }
        }
    }

    fn put(&mut self, new: Match<'_>, judgement: Judgement) -> usize {
        let key = (new.detector, format!("{} {}", new.event.identity.acting(), new.group));
        let until = new.event.time + new.open;
        if let Some((position, open_until)) = self.active.get_mut(&key)
            && new.event.time <= *open_until
            && new.event.time <= self.findings[*position].time + LONGEST_FINDING
        {
            *open_until = until;
            let finding = &mut self.findings[*position];
            extend(finding, judgement);
            self.allowing.mark((*position, false), &new.events, finding);
            finding.event_ids.extend(new.events);
            return *position;
        }
        let position = self.findings.len();
        self.active.insert(key, (position, until));
        let mut finding = self.finding(new, judgement);
        let events = std::mem::take(&mut finding.event_ids);
        self.allowing.mark((position, true), &events, &mut finding);
        finding.event_ids = events;
        self.findings.push(finding);
        position
    }

    /// The entries of `[[allow]]` that hid something.
    pub(crate) fn allow_used(&self) -> Entries {
        self.allowing.used.clone()
    }

    fn finding(&self, new: Match<'_>, judgement: Judgement) -> Finding {
        let detector = &self.rules.detectors[new.detector];
        let (event, place) = (new.event, &new.event.place);
        let first = new.events.first().map_or_else(|| Arc::clone(&event.id), |(_, id)| Arc::clone(id));
        Finding {
            id: crate::model::id("fnd", &[&detector.name, &place.account, event.identity.acting(), &new.group, &first]),
            detector: detector.name.as_str().into(),
            title: detector.title.as_str().into(),
            level: judgement.level,
            notice: judgement.notice,
            time: event.time,
            account: place.account.clone(),
            region: place.region.clone(),
            principal: event.identity.arn.clone(),
            credential: event.identity.credential.clone(),
            source_ip: place.address().map(str::to_owned),
            event_ids: new.events,
            attack: detector.attack.clone(),
            reasons: judgement.reasons,
            incident: None,
            cost: None,
            tactic: detector.tactic.as_str().into(),
            allowed: None,
            external: detector.external,
        }
    }

    /// All events before a time were taken, but for late ones.
    pub(crate) fn settle(&mut self, end: Seconds) {
        self.sweep(end);
    }

    /// Forgets what no window can reach any more, on every full hour of event time. So what is known at an event depends
    /// on its time and on no other caller's events.
    fn sweep(&mut self, now: Seconds) {
        let now = now.div_euclid(HOUR).saturating_mul(HOUR);
        if now <= self.swept {
            return;
        }
        self.swept = now;
        self.active.retain(|_, (_, until)| *until >= now);
        self.marks.retain(|_, (at, _)| *at >= now - MARKED);
        self.allowing.forget(now - MARKED);
        self.correlator.forget(now);
        self.beyond.forget(now);
        self.own_past.forget(now);
        self.counted.retain(|_, until| *until >= now - DAY);
    }
}

/// A further match makes a finding worse, never better.
fn extend(finding: &mut Finding, judgement: Judgement) {
    let pages = |notice: bool| !notice;
    let (was, is) = ((pages(finding.notice), finding.level), (pages(judgement.notice), judgement.level));
    if is > was {
        finding.level = judgement.level;
        finding.notice = judgement.notice;
        finding.reasons = judgement.reasons;
        return;
    }
    for reason in judgement.reasons {
        let known = finding.reasons.iter().position(|known| kind(known) == kind(&reason));
        match known {
            Some(known) if counts(&reason) => finding.reasons[known] = reason,
            None if is == was && finding.reasons.len() < MOST_REASONS => finding.reasons.push(reason),
            _ => {}
        }
    }
}

/// Whether a reason tells a number, which grows.
fn counts(reason: &str) -> bool {
    reason.starts_with(COUNTED) || reason.starts_with(STARTS)
}

/// What a reason is about: two that are about the same are not both given.
fn kind(reason: &str) -> &str {
    if counts(reason) { "" } else { reason.split(DETAIL).next().unwrap_or(reason) }
}

/// `90 d`, `12 h`, `15 min` or `30 s`.
pub(super) fn spoken(seconds: Seconds) -> String {
    match seconds {
        s if s % DAY == 0 => format!("{} d", s / DAY),
        s if s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}
