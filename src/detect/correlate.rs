//! Sigma correlations in event time, driven through the library's engine.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;

use ahash::AHashMap;
use anyhow::{Context as _, Result};
use rsigma_eval::correlation::compile_correlation;
use rsigma_eval::{
    CorrelationConfig, CorrelationEngine, DetectionBody, EvaluationResult, Event as SigmaEvent, EventValue,
    GroupByField, GroupKey, ResultBody, RuleHeader,
};
use rsigma_parser::{ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, SigmaCollection};

use super::across::is_across;
use super::catalog::{Rule, Rules};
use crate::event::header::header_text;
use crate::event::view::LIST;
use crate::event::{DAY, Event, Seconds};

/// Events that one window holds at most: the latest.
const MOST_EVENTS: usize = 2_000;

/// One correlation whose condition holds.
pub(crate) struct Firing {
    /// Sigma id of the correlation.
    pub id: String,
    /// The values it groups by, in the order of its file.
    pub group: String,
    pub value: f64,
    /// What the value counts, in words.
    pub counted: Option<String>,
    /// Time and id of the events that contributed. While a correlation goes on firing, those that are new.
    pub events: Vec<(Seconds, Arc<str>)>,
    /// They may be of several accounts.
    pub across: bool,
}

/// The library's engine, fed with matches that were found elsewhere.
pub(crate) struct Correlator {
    engine: CorrelationEngine,
    watched: Vec<Watched>,
    /// The correlations that each rule feeds directly.
    fed_by: AHashMap<String, Vec<usize>>,
}

/// What is needed of a correlation beside the engine.
struct Watched {
    id: String,
    span: Seconds,
    group_by: Vec<GroupByField>,
    /// The fields whose distinct values it counts.
    values: Vec<String>,
    /// The correlations that it rests on.
    children: Vec<usize>,
    /// What it counts, in words.
    counted: Option<String>,
    /// It puts events of several accounts into one group.
    across: bool,
    windows: AHashMap<String, Window>,
}

/// The events of one group that are within the time of a correlation.
#[derive(Default)]
struct Window {
    events: VecDeque<(Seconds, Arc<str>)>,
    /// Up to when the last firing goes on, and the value that it reached.
    firing: Option<(Seconds, f64)>,
    /// When each value was counted last, in stretches.
    counted: AHashMap<String, Seconds>,
}

impl Correlator {
    /// Loads the correlations of a rule set.
    ///
    /// # Errors
    /// A correlation that the engine refuses, such as one that refers to itself.
    pub(crate) fn new(rules: &Rules) -> Result<Self> {
        // Groups leave by time alone: a bound on their number would make each depend on all others.
        let config = CorrelationConfig {
            max_group_entries: Some(MOST_EVENTS),
            max_state_entries: usize::MAX,
            ..CorrelationConfig::default()
        };
        let mut engine = CorrelationEngine::new(config);
        let mut collection = SigmaCollection::new();
        collection.rules.clone_from(&rules.correlated);
        collection.correlations = rules.correlations.iter().cloned().map(whole).collect();
        engine.add_collection(&collection).context("correlations")?;
        let named = |name: &String| {
            let is = |c: &CorrelationRule| c.id.as_ref() == Some(name) || c.name.as_ref() == Some(name);
            rules.correlations.iter().position(is)
        };
        let mut watched = Vec::new();
        let mut fed_by: AHashMap<String, Vec<usize>> = AHashMap::new();
        for (position, correlation) in collection.correlations.iter().enumerate() {
            for rule in rules.correlated.iter().filter(|rule| {
                correlation.rules.iter().any(|r| Some(r) == rule.id.as_ref() || Some(r) == rule.name.as_ref())
            }) {
                fed_by.entry(rule.id.clone().unwrap_or_default()).or_default().push(position);
            }
            watched.push(Watched {
                id: correlation.id.clone().unwrap_or_default(),
                span: Seconds::try_from(correlation.timespan.seconds).unwrap_or(DAY),
                group_by: compile_correlation(correlation).context("correlations")?.group_by,
                values: match (correlation.correlation_type, &correlation.condition) {
                    (CorrelationType::ValueCount, CorrelationCondition::Threshold { field: Some(fields), .. }) => {
                        fields.clone()
                    }
                    _ => Vec::new(),
                },
                children: correlation.rules.iter().filter_map(named).collect(),
                counted: counted(correlation),
                across: is_across(correlation, &rules.correlations),
                windows: AHashMap::new(),
            });
        }
        Ok(Self { engine, watched, fed_by })
    }

    /// One match of one rule. A field that was kept for it and holds a list counts once for each of its members.
    pub(crate) fn feed(&mut self, rule: &Rule, event: &Event) -> Vec<Firing> {
        let groups = self.groups(&rule.id, event);
        for (position, group) in &groups {
            let correlation = &mut self.watched[*position];
            let span = correlation.span;
            correlation.window(group).add(event, span);
        }
        let kept = rule.captures.iter().filter_map(|field| event.fields.get_key_value(field));
        let Some((field, values)) = kept.into_iter().find(|(_, value)| value.contains(LIST)) else {
            return self.feed_one(&rule.id, event, &groups);
        };
        let mut one = event.clone();
        let mut firings: Vec<Firing> = Vec::new();
        for value in values.split(LIST) {
            one.fields.insert(field.clone(), value.to_owned());
            let groups = self.groups(&rule.id, &one);
            firings.extend(self.feed_one(&rule.id, &one, &groups));
        }
        firings
    }

    /// The correlations that a match of a rule feeds, and the group of each that it is in.
    fn groups(&self, rule_id: &str, event: &Event) -> Vec<(usize, String)> {
        let group = |position: &usize| (*position, group_of(&self.watched[*position].group_by, rule_id, event));
        self.fed_by.get(rule_id).into_iter().flatten().map(group).collect()
    }

    /// What a counting correlation says of a value that it counted a moment ago: nothing new, so that a busy value does
    /// not push others out of a bounded window. While it is firing, the event is one more of those that contribute.
    fn repeated(&mut self, event: &Event, groups: &[(usize, String)]) -> Option<Vec<Firing>> {
        let [(position, group)] = groups else { return None };
        let correlation = self.watched.get_mut(*position).filter(|correlation| !correlation.values.is_empty())?;
        let known = Known(event);
        let values: Vec<_> = correlation.values.iter().map(|field| known.text(field).unwrap_or_default()).collect();
        let stretch = event.time.div_euclid(correlation.stretch());
        let window = correlation.window(group);
        if window.counted.insert(values.join("\u{1f}"), stretch) != Some(stretch) {
            return None;
        }
        let firing = window.firing.filter(|(until, _)| event.time <= *until);
        let going_on = firing.map(|(_, value)| Firing {
            id: correlation.id.clone(),
            group: group.clone(),
            value,
            counted: correlation.counted.clone(),
            events: vec![(event.time, Arc::clone(&event.id))],
            across: correlation.across,
        });
        Some(going_on.into_iter().collect())
    }

    fn feed_one(&mut self, rule_id: &str, event: &Event, groups: &[(usize, String)]) -> Vec<Firing> {
        if let Some(firings) = self.repeated(event, groups) {
            return firings;
        }
        let matched = EvaluationResult {
            header: RuleHeader {
                rule_title: String::new(),
                rule_id: Some(rule_id.to_owned()),
                level: None,
                tags: Vec::new(),
                custom_attributes: Arc::default(),
                enrichments: None,
            },
            body: ResultBody::Detection(DetectionBody {
                matched_selections: Vec::new(),
                matched_fields: Vec::new(),
                event: None,
            }),
        };
        let results = self.engine.process_with_detections(&Known(event), vec![matched], event.time);
        results.into_iter().filter_map(|result| self.firing(&result, event, groups)).collect()
    }

    fn firing(&mut self, result: &EvaluationResult, event: &Event, groups: &[(usize, String)]) -> Option<Firing> {
        let id = result.header.rule_id.as_ref()?;
        let body = result.as_correlation()?;
        let position = self.watched.iter().position(|correlation| correlation.id == *id)?;
        let group = match groups.iter().find(|(fed, _)| *fed == position) {
            Some((_, group)) => group.clone(),
            None => joined(&body.group_key),
        };
        let mut events = Vec::new();
        let correlation = &mut self.watched[position];
        if correlation.children.is_empty() {
            let until = event.time + correlation.span;
            let window = correlation.windows.get_mut(&group)?;
            if window.firing.is_some_and(|(until, _)| event.time <= until) {
                events.push((event.time, Arc::clone(&event.id)));
            } else {
                events.extend(window.events.iter().cloned());
            }
            window.firing = Some((until, body.aggregated_value));
        } else {
            let children = &self.watched[position].children;
            let windows = children.iter().filter_map(|child| self.watched[*child].windows.get(&group));
            events.extend(windows.flat_map(|window| window.events.iter().cloned()));
        }
        let Watched { counted, across, .. } = &self.watched[position];
        let (counted, across) = (counted.clone(), *across);
        Some(Firing { id: id.clone(), group, value: body.aggregated_value, counted, events, across })
    }

    /// Forgets what is in no window any more.
    pub(crate) fn forget(&mut self, now: Seconds) {
        self.engine.evict_expired(now);
        for correlation in &mut self.watched {
            let (since, stretch) = (now - correlation.span, correlation.stretch());
            correlation.windows.retain(|_, window| {
                window.counted.retain(|_, counted| *counted * stretch >= since);
                !window.counted.is_empty() || window.events.back().is_some_and(|(last, _)| *last >= since)
            });
        }
    }
}

impl Watched {
    /// Within so much time a value counts once: a sixtieth of the window.
    fn stretch(&self) -> Seconds {
        (self.span / 60).max(1)
    }

    /// The window of a group.
    fn window(&mut self, group: &str) -> &mut Window {
        self.windows.entry(group.to_owned()).or_default()
    }
}

impl Window {
    fn add(&mut self, event: &Event, span: Seconds) {
        self.events.push_back((event.time, Arc::clone(&event.id)));
        while self.events.len() > MOST_EVENTS || self.events.front().is_some_and(|(at, _)| *at < event.time - span) {
            self.events.pop_front();
        }
    }
}

/// The values by which an event is grouped, as the engine takes them.
fn group_of(group_by: &[GroupByField], rule_id: &str, event: &Event) -> String {
    joined(&GroupKey::extract(&Known(event), group_by, &[rule_id]).to_pairs(group_by))
}

/// One text for fields and their values that no other values give.
fn joined(pairs: &[(String, String)]) -> String {
    let mut text = String::with_capacity(pairs.iter().map(|(field, value)| field.len() + value.len() + 6).sum());
    for (field, value) in pairs {
        // Writing to a string does not fail.
        _ = write!(text, "{field}={}:{value};", value.len());
    }
    text
}

/// `events`, or `different regions`.
fn counted(correlation: &CorrelationRule) -> Option<String> {
    match (&correlation.correlation_type, &correlation.condition) {
        (CorrelationType::EventCount, _) => Some("events".to_owned()),
        (CorrelationType::ValueCount, CorrelationCondition::Threshold { field: Some(fields), .. }) => {
            let names = fields.iter().map(|field| match field.as_str() {
                "awsRegion" => "regions".to_owned(),
                "sourceIPAddress" => "addresses".to_owned(),
                other => format!("{}s", other.rsplit('.').next().unwrap_or(other).replace('_', " ")),
            });
            Some(format!("different {}", names.collect::<Vec<_>>().join(" and ")))
        }
        _ => None,
    }
}

/// A temporal correlation without a condition wants all of its rules; the engine would be content with one.
fn whole(mut correlation: CorrelationRule) -> CorrelationRule {
    let all = correlation.rules.len() as u64;
    let temporal = matches!(correlation.correlation_type, CorrelationType::Temporal | CorrelationType::TemporalOrdered);
    if let CorrelationCondition::Threshold { predicates, .. } = &mut correlation.condition
        && temporal
        && *predicates == [(ConditionOperator::Gte, 1)]
    {
        *predicates = vec![(ConditionOperator::Gte, all)];
    }
    correlation
}

/// An event under the eyes of a correlation: its header and the fields that were kept for this.
pub(crate) struct Known<'a>(pub &'a Event);

impl Known<'_> {
    /// A field as text.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        self.get_field(path).and_then(|value| value.as_str().map(Cow::into_owned))
    }
}

impl SigmaEvent for Known<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        let event = self.0;
        if let Some(value) = event.fields.get(path) {
            return Some(EventValue::Str(Cow::Borrowed(value)));
        }
        header_text(&event.identity, &event.shape, &event.place, path).map(EventValue::Str)
    }

    fn any_string_value(&self, _: &dyn Fn(&str) -> bool) -> bool {
        false
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        Vec::new()
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
