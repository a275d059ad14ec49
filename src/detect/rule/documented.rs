//! What a Sigma document says of itself, whether it is a rule or a correlation.

use std::collections::HashMap;

use rsigma_parser::{CorrelationRule, SigmaRule};

/// What rules and correlations have in common.
pub(super) struct Documented<'a> {
    pub title: &'a str,
    pub name: Option<&'a str>,
    pub id: &'a str,
    pub level: Option<rsigma_parser::Level>,
    pub description: Option<&'a str>,
    pub tags: &'a [String],
    pub references: &'a [String],
    pub falsepositives: &'a [String],
    pub custom: &'a HashMap<String, yaml_serde::Value>,
}

impl<'a> Documented<'a> {
    pub(super) fn of_rule(rule: &'a SigmaRule) -> Self {
        Self {
            title: &rule.title,
            name: rule.name.as_deref(),
            id: rule.id.as_deref().unwrap_or_default(),
            level: rule.level,
            description: rule.description.as_deref(),
            tags: &rule.tags,
            references: &rule.references,
            falsepositives: &rule.falsepositives,
            custom: &rule.custom_attributes,
        }
    }

    pub(super) fn of_correlation(rule: &'a CorrelationRule) -> Self {
        Self {
            title: &rule.title,
            name: rule.name.as_deref(),
            id: rule.id.as_deref().unwrap_or_default(),
            level: rule.level,
            description: rule.description.as_deref(),
            tags: &rule.tags,
            references: &rule.references,
            falsepositives: &rule.falsepositives,
            custom: &rule.custom_attributes,
        }
    }
}
