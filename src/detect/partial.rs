//! Deciding a rule on what a kind of call alone tells: it never matches, always matches, or must be asked per record.

use std::collections::{BTreeSet, HashMap};

use rsigma_eval::compiler::{compile_detection, eval_condition};
use rsigma_eval::{CompiledDetection, CompiledRule, Event as SigmaEvent, EventValue, compile_rule};
use rsigma_parser::{ConditionExpr, Detection, DetectionItem, Modifier, Quantifier, SigmaRule};

use super::needs::Needs;
use crate::event::Shape;
use crate::event::header::{is_shape_field, of_shape};

/// A rule that can be asked about a record, and before that about what is known of its kind.
pub(crate) struct Compiled {
    /// The whole rule, for records.
    pub full: CompiledRule,
    /// What source and name of a call tell.
    by_name: Partial,
    /// What its shape tells.
    by_shape: Partial,
    /// What a record must hold for it to match.
    pub needs: Needs,
}

/// A rule reduced to the fields that are known.
struct Partial {
    conditions: Vec<ConditionExpr>,
    selections: HashMap<String, Selection>,
    /// The library's evaluator wants its detections in a map; these are [`Selection`]'s, by derived names.
    detections: HashMap<String, CompiledDetection>,
}

/// One named detection, weakened and strengthened to what a shape can tell.
struct Selection {
    /// `None`: it can match whatever the shape says, so only the record decides.
    may: Option<ConditionExpr>,
    /// `None`: no shape alone makes it match.
    must: Option<ConditionExpr>,
}

/// Whether something holds for a record of some shape: it may, and it must.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verdict {
    pub may: bool,
    pub must: bool,
}

impl Compiled {
    /// Compiles a rule.
    ///
    /// # Errors
    /// What the library says about a rule that it cannot compile.
    pub(crate) fn new(rule: &SigmaRule) -> Result<Self, rsigma_eval::EvalError> {
        Ok(Self {
            full: compile_rule(rule)?,
            by_name: Partial::new(rule, is_name_field)?,
            by_shape: Partial::new(rule, is_shape_field)?,
            needs: Needs::of(rule),
        })
    }

    /// Whether a record with the source and name of this shape can match at all.
    pub(crate) fn may_match_name(&self, shape: &Shape) -> bool {
        self.by_name.judge(shape).may
    }

    /// What a shape alone says.
    pub(crate) fn judge(&self, shape: &Shape) -> Verdict {
        self.by_shape.judge(shape)
    }
}

fn is_name_field(path: &str) -> bool {
    matches!(
        path,
        "eventSource" | "eventName" | "stakeout.action" | "stakeout.service" | "stakeout.name" | "stakeout.global"
    )
}

impl Partial {
    fn new(rule: &SigmaRule, known: fn(&str) -> bool) -> Result<Self, rsigma_eval::EvalError> {
        let mut partial = Self {
            conditions: rule.detection.conditions.clone(),
            selections: HashMap::new(),
            detections: HashMap::new(),
        };
        for (name, detection) in &rule.detection.named {
            let may = partial.derive(format!("may {name}"), weakened(detection, known))?;
            let must = partial.derive(format!("must {name}"), strengthened(detection, known))?;
            partial.selections.insert(name.clone(), Selection { may, must });
        }
        Ok(partial)
    }

    /// Keeps a detection under a name, and gives what asks for it.
    fn derive(
        &mut self,
        name: String,
        detection: Option<Detection>,
    ) -> Result<Option<ConditionExpr>, rsigma_eval::EvalError> {
        let Some(detection) = detection else { return Ok(None) };
        self.detections.insert(name.clone(), compile_detection(&detection)?);
        Ok(Some(ConditionExpr::Identifier(name)))
    }

    /// Rules may name an event with its API version or without.
    fn judge(&self, shape: &Shape) -> Verdict {
        let as_recorded = self.judge_as(&OfShape { shape, stripped: false });
        if shape.name == shape.raw_name {
            return as_recorded;
        }
        let stripped = self.judge_as(&OfShape { shape, stripped: true });
        Verdict { may: as_recorded.may || stripped.may, must: as_recorded.must || stripped.must }
    }

    fn judge_as(&self, event: &OfShape<'_>) -> Verdict {
        let all = self.conditions.iter().map(|condition| self.condition(condition, event));
        all.fold(Verdict { may: false, must: false }, |sum, one| Verdict {
            may: sum.may || one.may,
            must: sum.must || one.must,
        })
    }

    fn condition(&self, condition: &ConditionExpr, event: &OfShape<'_>) -> Verdict {
        match condition {
            ConditionExpr::Identifier(name) => self.selection(name, event),
            ConditionExpr::Not(inner) => {
                let inner = self.condition(inner, event);
                Verdict { may: !inner.must, must: !inner.may }
            }
            ConditionExpr::And(parts) => count(parts.iter().map(|part| self.condition(part, event)), parts.len()),
            ConditionExpr::Or(parts) => count(parts.iter().map(|part| self.condition(part, event)), 1),
            ConditionExpr::Selector { quantifier, pattern } => {
                let matching: Vec<_> =
                    self.selections.keys().filter(|name| pattern.matches_detection_name(name)).collect();
                let needed = match quantifier {
                    Quantifier::Any => 1,
                    Quantifier::All => matching.len(),
                    Quantifier::Count(needed) => usize::try_from(*needed).unwrap_or(usize::MAX),
                };
                count(matching.into_iter().map(|name| self.selection(name, event)), needed)
            }
        }
    }

    fn selection(&self, name: &str, event: &OfShape<'_>) -> Verdict {
        let Some(selection) = self.selections.get(name) else {
            return Verdict { may: true, must: false };
        };
        let holds = |asked: &ConditionExpr| eval_condition(asked, &self.detections, event, &mut Vec::new());
        Verdict { may: selection.may.as_ref().is_none_or(holds), must: selection.must.as_ref().is_some_and(holds) }
    }
}

/// At least `needed` of the parts hold.
fn count(parts: impl Iterator<Item = Verdict>, needed: usize) -> Verdict {
    let (may, must) =
        parts.fold((0, 0), |(may, must), part| (may + usize::from(part.may), must + usize::from(part.must)));
    Verdict { may: may >= needed, must: must >= needed }
}

/// The detection without what a shape cannot tell, so that it holds wherever the whole could. `None`: always.
fn weakened(detection: &Detection, known: fn(&str) -> bool) -> Option<Detection> {
    match detection {
        Detection::AllOf(items) => {
            let known: Vec<_> = items.iter().filter(|item| is_known(item, known)).cloned().collect();
            (!known.is_empty()).then_some(Detection::AllOf(known))
        }
        Detection::AnyOf(parts) => {
            parts.iter().map(|part| weakened(part, known)).collect::<Option<Vec<_>>>().map(Detection::AnyOf)
        }
        Detection::And(parts) => {
            let known: Vec<_> = parts.iter().filter_map(|part| weakened(part, known)).collect();
            (!known.is_empty()).then_some(Detection::And(known))
        }
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => None,
    }
}

/// The detection where a shape tells all of it, so that the whole holds wherever it does. `None`: never.
fn strengthened(detection: &Detection, known: fn(&str) -> bool) -> Option<Detection> {
    match detection {
        Detection::AllOf(items) => items.iter().all(|item| is_known(item, known)).then(|| detection.clone()),
        Detection::AnyOf(parts) => {
            let certain: Vec<_> = parts.iter().filter_map(|part| strengthened(part, known)).collect();
            (!certain.is_empty()).then_some(Detection::AnyOf(certain))
        }
        Detection::And(parts) => {
            parts.iter().map(|part| strengthened(part, known)).collect::<Option<Vec<_>>>().map(Detection::And)
        }
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => None,
    }
}

fn is_known(item: &DetectionItem, known: fn(&str) -> bool) -> bool {
    item.field.name.as_deref().is_some_and(known) && !item.field.has_modifier(Modifier::FieldRef)
}

/// The fields that a rule asks for anywhere.
pub(super) fn fields_of(rule: &SigmaRule) -> BTreeSet<&str> {
    fn collect<'d>(detection: &'d Detection, fields: &mut BTreeSet<&'d str>) {
        match detection {
            Detection::AllOf(items) => fields.extend(items.iter().filter_map(|item| item.field.name.as_deref())),
            Detection::AnyOf(parts) | Detection::And(parts) => parts.iter().for_each(|part| collect(part, fields)),
            Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {}
        }
    }
    let mut fields = BTreeSet::new();
    rule.detection.named.values().for_each(|detection| collect(detection, &mut fields));
    fields
}

/// A shape under the eyes of a rule.
struct OfShape<'a> {
    shape: &'a Shape,
    stripped: bool,
}

impl SigmaEvent for OfShape<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        of_shape(path)?(self.shape, self.stripped)
    }

    fn any_string_value(&self, _: &dyn Fn(&str) -> bool) -> bool {
        false
    }

    fn all_string_values(&self) -> Vec<std::borrow::Cow<'_, str>> {
        Vec::new()
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}
