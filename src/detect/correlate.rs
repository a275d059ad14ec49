//! Sigma correlations in event time, driven through the library's engine.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rsigma_eval::{
    CorrelationConfig, CorrelationEngine, CorrelationEventMode, DetectionBody, EvaluationResult, Event as SigmaEvent,
    EventValue, ResultBody, RuleHeader,
};
use rsigma_parser::{ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, SigmaCollection};

use super::catalog::{Rule, Rules};
use crate::event::view::{LIST, header_text};
use crate::event::{Event, Seconds};

/// Events that one firing names at most: the latest of its window.
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
    /// Time and id of the events in its window.
    pub events: Vec<(Seconds, Arc<str>)>,
}

/// The library's engine, fed with matches that were found elsewhere.
pub(crate) struct Correlator {
    engine: CorrelationEngine,
    /// Correlations of correlations hold no events of their own: per correlation, those it rests on.
    children: HashMap<String, Vec<String>>,
    /// What each counting correlation counts, in words.
    counted: HashMap<String, String>,
    /// Events of the last firing, per correlation that another one rests on, and group.
    fired: HashMap<(String, String), Vec<(Seconds, Arc<str>)>>,
}

impl Correlator {
    /// Loads the correlations of a rule set.
    ///
    /// # Errors
    /// A correlation that the engine refuses, such as one that refers to a rule that does not exist.
    pub(crate) fn new(rules: &Rules) -> Result<Self> {
        let config = CorrelationConfig {
            correlation_event_mode: CorrelationEventMode::Refs,
            max_correlation_events: MOST_EVENTS,
            max_group_entries: Some(4 * MOST_EVENTS),
            ..CorrelationConfig::default()
        };
        let mut engine = CorrelationEngine::new(config);
        let mut collection = SigmaCollection::new();
        collection.rules = rules.correlated.clone();
        collection.correlations = rules.correlations.iter().cloned().map(whole).collect();
        engine.add_collection(&collection).context("correlations")?;
        let id_of = |wanted: &String| {
            let found =
                rules.correlations.iter().find(|c| c.id.as_ref() == Some(wanted) || c.name.as_ref() == Some(wanted));
            found.and_then(|c| c.id.clone())
        };
        let children = rules
            .correlations
            .iter()
            .map(|c| (c.id.clone().unwrap_or_default(), c.rules.iter().filter_map(id_of).collect()));
        let counted = rules.correlations.iter().filter_map(|c| Some((c.id.clone()?, counted(c)?))).collect();
        Ok(Self { engine, children: children.collect(), counted, fired: HashMap::new() })
    }

    /// One match of one rule. A field that was kept for it and holds a list counts once for each of its members.
    pub(crate) fn feed(&mut self, rule: &Rule, event: &Event) -> Vec<Firing> {
        let rule_id = &rule.id;
        let kept = rule.captures.iter().filter_map(|field| event.fields.get_key_value(field));
        let Some((field, values)) = kept.into_iter().find(|(_, value)| value.contains(LIST)) else {
            return self.feed_one(rule_id, event);
        };
        let mut one = event.clone();
        let mut firings = Vec::new();
        for value in values.split(LIST) {
            one.fields.insert(field.clone(), value.to_owned());
            firings.extend(self.feed_one(rule_id, &one));
        }
        firings
    }

    fn feed_one(&mut self, rule_id: &str, event: &Event) -> Vec<Firing> {
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
        results.into_iter().filter_map(|result| self.firing(result)).collect()
    }

    fn firing(&mut self, result: EvaluationResult) -> Option<Firing> {
        let id = result.header.rule_id.clone()?;
        let body = result.as_correlation()?;
        let group = body.group_key.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join("\u{1f}");
        let events = match &body.event_refs {
            Some(refs) => refs.iter().filter_map(|r| Some((r.timestamp, Arc::from(r.id.as_deref()?)))).collect(),
            None => self.events_of_children(&id, &group),
        };
        let span = Seconds::try_from(body.timespan_secs).unwrap_or(Seconds::MAX);
        if self.children.values().any(|children| children.contains(&id)) {
            let newest = events.iter().map(|(at, _)| *at).max().unwrap_or(0);
            self.fired
                .retain(|_, kept: &mut Vec<(Seconds, Arc<str>)>| kept.iter().any(|(at, _)| *at >= newest - 4 * span));
            self.fired.insert((id.clone(), group.clone()), events.clone());
        }
        let counted = self.counted.get(&id).cloned();
        Some(Firing { value: body.aggregated_value, counted, id, group, events })
    }

    fn events_of_children(&self, id: &str, group: &str) -> Vec<(Seconds, Arc<str>)> {
        let children = self.children.get(id).into_iter().flatten();
        let mut events: Vec<_> = children
            .filter_map(|child| self.fired.get(&(child.clone(), group.to_owned())))
            .flatten()
            .cloned()
            .collect();
        events.sort();
        events.dedup();
        events
    }
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
        header_text(&event.identity, &event.shape, &event.place, path).map(|text| EventValue::Str(Cow::Owned(text)))
    }

    fn any_string_value(&self, _: &dyn Fn(&str) -> bool) -> bool {
        false
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        Vec::new()
    }

    /// The engine keeps of an event what is under `id`.
    fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "id": &*self.0.id })
    }
}
