//! What a request or an answer must hold as text for a rule to match: most records that a rule is asked about lack the one
//! field that it is about, and that shows before their JSON is parsed.

use std::collections::BTreeSet;

use memchr::memmem::{Finder, find};
use rsigma_parser::{ConditionExpr, Detection, DetectionItem, Modifier, Quantifier, SigmaRule, SigmaValue};

use crate::event::View;

/// A part of a record, and the name of a field that must be in it.
type Need = (String, String);

/// The fields without which a rule cannot match.
pub(crate) struct Needs(Vec<(String, Finder<'static>)>);

impl Needs {
    /// Of a rule.
    pub(super) fn of(rule: &SigmaRule) -> Self {
        Self(of_rule(rule).into_iter().map(|(part, name)| (part, Finder::new(&name).into_owned())).collect())
    }

    /// Whether all of them can be in a record.
    pub(super) fn may_be_in(&self, view: &View<'_>) -> bool {
        self.0.iter().all(|(part, name)| {
            let text = view.raw(part).unwrap_or_default().as_bytes();
            // Names can be written with escapes, although CloudTrail has no reason to.
            name.find(text).is_some() || find(text, b"\\u").is_some()
        })
    }
}

fn of_rule(rule: &SigmaRule) -> BTreeSet<Need> {
    common(rule.detection.conditions.iter().map(|condition| of_condition(rule, condition)))
}

fn of_condition(rule: &SigmaRule, condition: &ConditionExpr) -> BTreeSet<Need> {
    let named = |name: &String| rule.detection.named.get(name).map(of_detection).unwrap_or_default();
    match condition {
        ConditionExpr::Identifier(name) => named(name),
        ConditionExpr::Not(_) => BTreeSet::new(),
        ConditionExpr::And(parts) => parts.iter().flat_map(|part| of_condition(rule, part)).collect(),
        ConditionExpr::Or(parts) => common(parts.iter().map(|part| of_condition(rule, part))),
        ConditionExpr::Selector { quantifier, pattern } => {
            let meant = rule.detection.named.keys().filter(|name| pattern.matches_detection_name(name)).map(named);
            match quantifier {
                Quantifier::All => meant.flatten().collect(),
                Quantifier::Any | Quantifier::Count(_) => common(meant),
            }
        }
    }
}

fn of_detection(detection: &Detection) -> BTreeSet<Need> {
    match detection {
        Detection::AllOf(items) => items.iter().filter_map(of_item).collect(),
        Detection::And(parts) => parts.iter().flat_map(of_detection).collect(),
        Detection::AnyOf(parts) => common(parts.iter().map(of_detection)),
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => BTreeSet::new(),
    }
}

/// An absent field matches where it must be absent or null, and nowhere else.
fn of_item(item: &DetectionItem) -> Option<Need> {
    let is_absence = |value: &SigmaValue| matches!(value, SigmaValue::Null | SigmaValue::Bool(false));
    let may_be_absent = item.values.is_empty() || item.values.iter().any(is_absence);
    if may_be_absent || item.field.has_modifier(Modifier::FieldRef) {
        return None;
    }
    let (part, path) = item.field.name.as_deref()?.split_once('.')?;
    let last = path.rsplit('.').next()?;
    let name = last.split('[').next()?;
    let is_plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_name = is_plain(name) && name.bytes().any(|b| b.is_ascii_alphabetic()) && !path.contains('\\');
    (is_name && View::has_part(part)).then(|| (part.to_owned(), name.to_owned()))
}

/// What all of several need.
fn common(mut all: impl Iterator<Item = BTreeSet<Need>>) -> BTreeSet<Need> {
    let first = all.next().unwrap_or_default();
    all.fold(first, |common, other| common.intersection(&other).cloned().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::of_rule;

    /// The fields that a rule with this detection needs.
    fn needs(detection: &str) -> String {
        let text = format!("title: t\nlogsource: {{product: aws}}\ndetection: {{{detection}}}");
        let rules = rsigma_parser::parse_sigma_yaml(&text).unwrap().rules;
        let names: Vec<String> = of_rule(rules.first().unwrap()).into_iter().map(|(_, name)| name).collect();
        names.join(" ")
    }

    #[test]
    fn a_field_is_needed_where_no_match_can_lack_it() {
        const A: &str = "a: {requestParameters.x: 1, responseElements.list.y|exists: true}";
        const B: &str = "b: [{requestParameters.x|contains: k, requestParameters.z: 2}, {requestParameters.x: [3, 4]}]";
        assert_eq!(needs(&format!("{A}, condition: a")), "x y");
        assert_eq!(needs(&format!("{B}, condition: b")), "x");
        assert_eq!(needs(&format!("{A}, {B}, condition: a or b")), "x");
        assert_eq!(needs(&format!("{A}, {B}, condition: all of them")), "x y");
        assert_eq!(needs(&format!("{A}, {B}, condition: b and not a")), "x");
        assert_eq!(needs(&format!("{A}, condition: not a")), "");
    }

    #[test]
    fn what_may_be_absent_or_lies_elsewhere_is_not_needed() {
        for item in [
            "requestParameters.x: null",
            "requestParameters.x: [1, null]",
            "requestParameters.x|exists: false",
            "requestParameters.x: false",
            "'requestParameters.x[0]': 1",
            "userIdentity.x: 1",
            "stakeout.target: k",
            "eventName: k",
        ] {
            assert_eq!(needs(&format!("a: {{{item}}}, condition: a")), "", "{item}");
        }
    }
}
