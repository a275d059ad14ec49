//! Statements of a policy: which actions on which resources they are about.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;

use serde_json::Value;

/// How many steps of comparison one document is worth. Nobody's document needs a hundredth of it.
const MOST_STEPS: u32 = 4_000_000;

/// What is left of the steps that a document is worth. Without any, a denial takes nothing away.
pub(super) struct Fuel(Cell<u32>);

impl Fuel {
    pub(super) fn new() -> Self {
        Self(Cell::new(MOST_STEPS))
    }

    /// Takes what comparing two texts may cost; false where nothing is left.
    fn takes(&self, one: &str, other: &str) -> bool {
        let stars = one.bytes().filter(|byte| *byte == b'*').count().min(1);
        let cost = one.len() + other.len() * (1 + stars * one.len().min(other.len()));
        let left = self.0.get().checked_sub(u32::try_from(cost).unwrap_or(u32::MAX).saturating_add(1));
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
    /// Neither, which AWS would not accept.
    None,
}

/// Patterns that a statement names, or all but those.
pub(super) struct Patterns<'d> {
    list: Vec<Cow<'d, str>>,
    inverted: bool,
}

impl<'d> Patterns<'d> {
    fn of(statement: &'d Value, key: &str, inverse: &str) -> Self {
        let (value, inverted) = match statement.get(inverse) {
            Some(value) => (Some(value), true),
            None => (statement.get(key), false),
        };
        Self { list: strings(value).map(without_account).collect(), inverted }
    }

    fn cover(&self, text: &str) -> bool {
        self.list.iter().any(|pattern| matches(pattern, text)) != self.inverted
    }

    /// Whether everything that `pattern` covers is covered here.
    fn include(&self, pattern: &str, fuel: &Fuel) -> bool {
        let mut list = self.list.iter();
        if self.inverted {
            list.all(|left_out| fuel.takes("", "") && are_apart(left_out, pattern))
        } else {
            list.any(|wider| fuel.takes(wider, pattern) && matches(wider, pattern))
        }
    }

    /// Patterns that cover at least what is covered here. A statement about the resource it is attached to names none.
    fn all(&self) -> Vec<&str> {
        match (self.inverted, self.list.as_slice()) {
            (true, _) => vec!["*"],
            (false, []) => vec![""],
            (false, list) => list.iter().map(|pattern| pattern.as_ref()).collect(),
        }
    }
}

/// One statement, as far as actions and resources go.
pub(super) struct Statement<'d> {
    pub effect: Effect,
    conditional: bool,
    actions: Patterns<'d>,
    resources: Patterns<'d>,
}

impl<'d> Statement<'d> {
    pub(super) fn of(statement: &'d Value) -> Self {
        Self {
            effect: match statement.get("Effect").and_then(Value::as_str) {
                Some("Allow") => Effect::Allow,
                Some("Deny") => Effect::Deny,
                _ => Effect::None,
            },
            conditional: statement.get("Condition").is_some(),
            actions: Patterns::of(statement, "Action", "NotAction"),
            resources: Patterns::of(statement, "Resource", "NotResource"),
        }
    }

    /// A condition may be met, so an Allow under one still gives, and a Deny under one may not take.
    pub(super) fn counts(&self) -> bool {
        self.effect == Effect::Allow || self.effect == Effect::Deny && !self.conditional
    }

    pub(super) fn covers(&self, action: &str, resource: &str) -> bool {
        self.actions.cover(action) && self.resources.cover(resource)
    }

    /// Whether a pair of such patterns is allowed that none of `denies` takes away as a whole.
    pub(super) fn gives(
        &self,
        denies: &[&Self],
        fuel: &Fuel,
        is_action: impl Fn(&str) -> bool,
        is_resource: impl Fn(&str) -> bool,
    ) -> bool {
        let actions: BTreeSet<_> = self.actions.all().into_iter().filter(|action| is_action(action)).collect();
        let resources: BTreeSet<_> = self.resources.all().into_iter().filter(|it| is_resource(it)).collect();
        actions.iter().any(|action| {
            resources.iter().any(|resource| {
                !denies.iter().any(|deny| {
                    fuel.takes("", "") && deny.actions.include(action, fuel) && deny.resources.include(resource, fuel)
                })
            })
        })
    }

    /// Whether a statement about the same thing covers all of this one. Where no resource is named, it is the thing that
    /// the policy is attached to.
    pub(super) fn is_within(&self, wider: &Self, fuel: &Fuel) -> bool {
        let resources = &wider.resources;
        self.actions.all().into_iter().all(|action| wider.actions.include(action, fuel))
            && (resources.list.is_empty() || self.resources.all().into_iter().all(|it| resources.include(it, fuel)))
    }
}

/// Whether an action pattern covers all actions of a service, or of several.
pub(super) fn is_service(pattern: &str) -> bool {
    let fixed = pattern.trim_end_matches('*');
    fixed.len() < pattern.len() && fixed.split_once(':').is_none_or(|(_, action)| action.is_empty())
}

/// Whether two patterns surely have nothing in common: they differ before their first wildcard.
fn are_apart(one: &str, other: &str) -> bool {
    let fixed = |pattern: &str| pattern.bytes().position(|byte| b"*?".contains(&byte)).unwrap_or(pattern.len());
    let (one_fixed, other_fixed) = (fixed(one), fixed(other));
    let common = one_fixed.min(other_fixed);
    !one.as_bytes()[..common].eq_ignore_ascii_case(&other.as_bytes()[..common])
}

/// IAM's own patterns: `*` for any text, `?` for one character; case does not count.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    matches_by(pattern, text, |wanted, found| wanted == b'?' || wanted.eq_ignore_ascii_case(&found))
}

/// Whether a text is as a pattern says, in which `*` stands for any text. Whether another byte of the pattern stands for one
/// of the text is what `is_same` says.
pub(crate) fn matches_by(pattern: &str, text: &str, is_same: impl Fn(u8, u8) -> bool) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(byte) if is_same(*byte, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// A resource pattern with any account and partition: whose account it is does not change what it allows.
fn without_account(resource: &str) -> Cow<'_, str> {
    let parts: Vec<_> = resource.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, service, region, _, rest] => Cow::Owned(format!("arn:aws:{service}:{region}::{rest}")),
        _ => Cow::Borrowed(resource),
    }
}

/// The strings of a value that may be one string or a list of them.
pub(super) fn strings(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let list = match value {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    list.into_iter().filter_map(Value::as_str)
}
