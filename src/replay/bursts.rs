//! Counting distinct values cheaply: a correlation sees only calls of groups that can reach its number.
//!
//! Most callers make the same few calls all day. Whether a group ever has enough distinct values within the window is
//! decided here on small numbers; only the calls of windows that do become events.

use std::sync::Arc;

use ahash::AHashMap;

use super::part::{Noted, Usage};
use crate::detect::catalog::{Counting, Rules, Thin};
use crate::event::header::header_text;
use crate::event::{Event, Seconds};

/// Calls that wait to be counted, per rule and group.
pub(super) struct Bursts<'r> {
    rules: &'r Rules,
    groups: AHashMap<u16, AHashMap<String, Group>>,
    /// Calls before this time were given.
    settled: Seconds,
}

#[derive(Default)]
struct Group {
    values: AHashMap<String, u32>,
    /// Calls that are looked at when there are enough values.
    waiting: Vec<(u32, Arc<Usage>)>,
    calls: Vec<Call>,
}

struct Call {
    at: Seconds,
    value: u32,
    noted: Noted,
    usage: Arc<Usage>,
    /// Became an event already.
    given: bool,
}

impl<'r> Bursts<'r> {
    pub(super) fn new(rules: &'r Rules) -> Self {
        Self { rules, groups: AHashMap::new(), settled: Seconds::MIN }
    }

    /// Adds the calls of one kind, caller, place and day, but for those that are known already, which are older than what
    /// was given.
    pub(super) fn add(&mut self, usage: &Arc<Usage>, known: &dyn Fn(&Noted) -> bool) {
        if usage.bursts.is_empty() {
            return;
        }
        let mut texts = Texts::default();
        for &(length, rule) in &usage.plan.bursts {
            let Thin::Counted(counting) = &self.rules.rules[usize::from(rule)].thin else {
                continue;
            };
            let group = texts.of(&counting.group_by, usage);
            let groups = self.groups.entry(rule).or_default();
            let group = match groups.get_mut(group) {
                Some(group) => group,
                None => groups.entry(group.to_owned()).or_default(),
            };
            let value = group.value(texts.of(&counting.values, usage));
            if usage.first < self.settled {
                group.calls.extend(calls(usage, value, length).filter(|call| !known(&call.noted)));
            } else {
                group.waiting.push((value, Arc::clone(usage)));
            }
        }
    }

    /// The calls before `settled` of windows that reach the number; no earlier ones come any more. Keeps what later
    /// calls can still make reach it.
    pub(super) fn give(&mut self, settled: Seconds, mut give: impl FnMut(Event)) {
        let before = std::mem::replace(&mut self.settled, settled);
        for (rule, groups) in &mut self.groups {
            let Thin::Counted(counting) = &self.rules.rules[usize::from(*rule)].thin else {
                continue;
            };
            let since = before.saturating_sub(counting.window);
            for group in groups.values_mut() {
                if group.values.len() >= counting.least {
                    group.look(counting.stretch, since);
                    group.give(*rule, counting, settled, &mut give);
                }
                group.forget(settled.saturating_sub(counting.window));
            }
            groups.retain(|_, group| !group.calls.is_empty() || !group.waiting.is_empty());
        }
    }
}

impl Group {
    /// The number of a value.
    fn value(&mut self, value: &str) -> u32 {
        if let Some(number) = self.values.get(value) {
            return *number;
        }
        let next = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.insert(value.to_owned(), next);
        next
    }

    /// Looks at the calls that wait, from a time on.
    fn look(&mut self, stretch: Seconds, since: Seconds) {
        for (value, usage) in std::mem::take(&mut self.waiting) {
            self.calls.extend(calls(&usage, value, stretch).filter(|call| call.at >= since));
        }
        self.thin(stretch);
    }

    /// Gives the calls before a time of windows that reach the number.
    fn give(&mut self, rule: u16, counting: &Counting, settled: Seconds, give: &mut dyn FnMut(Event)) {
        for call in self.reaching(counting) {
            if !call.given && call.at < settled {
                call.given = true;
                give(call.usage.event(&call.noted, vec![rule]));
            }
        }
    }

    /// Lets go of calls before a time.
    fn forget(&mut self, since: Seconds) {
        self.calls.retain(|call| call.at >= since);
        self.waiting.retain(|(_, usage)| usage.last >= since);
    }

    /// Puts the calls in order and keeps the first of each value and stretch, however they were cut into parts.
    fn thin(&mut self, stretch: Seconds) {
        let place = |call: &Call| (call.value, call.at.div_euclid(stretch));
        self.calls.sort_by(|a, b| (place(a), &a.noted).cmp(&(place(b), &b.noted)));
        self.calls.dedup_by(|later, first| place(later) == place(first));
        self.calls.sort_by_key(|call| (call.at, call.value));
    }

    /// The calls within any window that has enough distinct values.
    fn reaching(&mut self, counting: &Counting) -> impl Iterator<Item = &mut Call> {
        let mut counts = vec![0_u32; self.values.len()];
        let (mut distinct, mut oldest, mut from) = (0, 0, 0);
        let mut reaching = vec![false; self.calls.len()];
        for newest in 0..self.calls.len() {
            let count = &mut counts[self.calls[newest].value as usize];
            *count += 1;
            distinct += usize::from(*count == 1);
            while self.calls[oldest].at < self.calls[newest].at - counting.window {
                let count = &mut counts[self.calls[oldest].value as usize];
                *count -= 1;
                distinct -= usize::from(*count == 0);
                oldest += 1;
            }
            if distinct >= counting.least {
                reaching[from.max(oldest)..=newest].fill(true);
                from = newest;
            }
        }
        self.calls.iter_mut().zip(reaching).filter_map(|(call, reaching)| reaching.then_some(call))
    }
}

/// The first call of each stretch of a length.
fn calls(usage: &Arc<Usage>, value: u32, length: Seconds) -> impl Iterator<Item = Call> {
    let mut latest = None;
    let of_length = usage.bursts.iter().filter(move |(of, _)| length % (*of).max(1) == 0);
    let first = of_length.filter(move |(of, call)| {
        let stretch = Some((*of, call.at.div_euclid(length)));
        std::mem::replace(&mut latest, stretch) != stretch
    });
    first.map(move |(_, call)| Call { at: call.at, value, noted: call.clone(), usage: Arc::clone(usage), given: false })
}

/// Values that every call of one usage shares: many rules ask for the same fields of it.
#[derive(Default)]
struct Texts<'r>(Vec<(&'r [String], String)>);

impl<'r> Texts<'r> {
    /// The values of some fields.
    fn of(&mut self, fields: &'r [String], usage: &Usage) -> &str {
        let known = self.0.iter().position(|(known, _)| *known == fields);
        let position = known.unwrap_or_else(|| {
            self.0.push((fields, joined(fields, usage)));
            self.0.len() - 1
        });
        self.0.get(position).map_or("", |(_, text)| text)
    }
}

/// The values of fields that every call of a usage shares, as one text.
fn joined(fields: &[String], usage: &Usage) -> String {
    let mut text = String::with_capacity(64);
    for field in fields {
        text.push_str(&header_text(&usage.identity, &usage.plan.shape, &usage.place, field).unwrap_or_default());
        text.push('\u{1f}');
    }
    text
}
