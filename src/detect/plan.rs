//! What to do with records of one shape, decided once and remembered.

use std::sync::Arc;

use ahash::AHashMap;

use super::catalog::{Rules, Thin};
use crate::event::about::{self, Source};
use crate::event::{Seconds, Shape, View, facts};

/// Shapes that a planner remembers.
const MOST_KNOWN: usize = 20_000;

/// What records of one shape are needed for.
#[derive(Debug)]
pub(crate) struct Plan {
    pub shape: Arc<Shape>,
    /// Rules that match every such record, and need every one.
    pub always: Vec<u16>,
    /// Rules that match every such record, and need the first of a day.
    pub daily: Vec<u16>,
    /// Rules that match every such record, and need the first in so many seconds.
    pub bursts: Vec<(Seconds, u16)>,
    /// The stretches of time that these rules need: each of theirs is one or several of them.
    pub stretches: Vec<Seconds>,
    /// Rules that must be asked per record.
    pub ask: Vec<u16>,
    /// Rules that look at one of so many records, and whether they must be asked about that.
    pub sampled: Vec<(u32, u16, bool)>,
    /// Such records can have facts.
    pub facts: bool,
    /// Such records are calls of models, which are counted.
    pub models: bool,
    /// Where such records say what they are about.
    pub about: Vec<&'static Source>,
}

impl Plan {
    /// Whether more than the baseline may want to see a record of this kind.
    pub(crate) fn keeps(&self, fingerprint: u64) -> bool {
        let only_counts = self.always.is_empty() && self.ask.is_empty() && !self.facts;
        !only_counts || self.drawn(fingerprint).next().is_some()
    }

    /// The rules for which a record is the one of many that is looked at, and whether they must be asked.
    pub(crate) fn drawn(&self, fingerprint: u64) -> impl Iterator<Item = (u16, bool)> {
        let is_drawn = move |(sample, ..): &&(u32, u16, bool)| fingerprint.is_multiple_of(u64::from(*sample).max(1));
        self.sampled.iter().filter(is_drawn).map(|(_, rule, ask)| (*rule, *ask))
    }

    /// Some rule needs the first of such calls, of a day or of a stretch of time.
    pub(crate) fn tells_firsts(&self) -> bool {
        !self.daily.is_empty() || !self.bursts.is_empty()
    }
}

/// Makes plans; remembers per source and name which rules can apply at all.
pub(crate) struct Planner<'r> {
    rules: &'r Rules,
    by_name: AHashMap<(String, String), Vec<u16>>,
    known: AHashMap<Arc<Shape>, Arc<Plan>>,
}

impl<'r> Planner<'r> {
    pub(crate) fn new(rules: &'r Rules) -> Self {
        Self { rules, by_name: AHashMap::new(), known: AHashMap::new() }
    }

    /// The plan for a shape that may come again.
    pub(crate) fn known(&mut self, shape: &Arc<Shape>) -> Arc<Plan> {
        if let Some(plan) = self.known.get(shape) {
            return Arc::clone(plan);
        }
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        let plan = Arc::new(self.plan(Shape::clone(shape)));
        self.known.insert(Arc::clone(shape), Arc::clone(&plan));
        plan
    }

    /// The plan for a shape.
    pub(crate) fn plan(&mut self, shape: Shape) -> Plan {
        let rules = self.rules;
        let candidates = self.by_name.entry((shape.source.clone(), shape.raw_name.clone())).or_insert_with(|| {
            let has_canary = !rules.own.canaries.is_empty();
            let applies = |(_, rule): &(usize, &super::catalog::Rule)| {
                (has_canary || !rule.needs_canary) && rule.compiled.may_match_name(&shape)
            };
            rules.rules.iter().enumerate().filter(applies).filter_map(|(n, _)| u16::try_from(n).ok()).collect()
        });
        let mut plan = Plan {
            always: Vec::new(),
            daily: Vec::new(),
            bursts: Vec::new(),
            stretches: Vec::new(),
            ask: Vec::new(),
            sampled: Vec::new(),
            facts: facts::may_have(&shape),
            models: shape.calls_model(),
            about: about::sources(&shape),
            shape: Arc::new(shape),
        };
        for &n in candidates.iter() {
            let rule = &rules.rules[usize::from(n)];
            let verdict = rule.compiled.judge(&plan.shape);
            if rule.sample > 1 {
                let ask = !verdict.must || !rule.captures.is_empty();
                plan.sampled.extend(verdict.may.then_some((rule.sample, n, ask)));
                continue;
            }
            match (verdict.must, verdict.may, &rule.thin) {
                (true, _, Thin::Day) if rule.captures.is_empty() => plan.daily.push(n),
                (true, _, Thin::Counted(counting)) => plan.bursts.push((counting.stretch, n)),
                (true, _, Thin::No) if rule.captures.is_empty() => plan.always.push(n),
                (true, _, Thin::No | Thin::Day) | (false, true, _) => plan.ask.push(n),
                (false, false, _) => {}
            }
        }
        plan.stretches = shortest(&plan.bursts);
        plan
    }
}

/// The lengths of which all others are multiples: the first call of a stretch is the first of a part of it.
fn shortest(bursts: &[(Seconds, u16)]) -> Vec<Seconds> {
    let mut lengths: Vec<Seconds> = bursts.iter().map(|(length, _)| *length).collect();
    lengths.sort_unstable();
    let mut shortest: Vec<Seconds> = Vec::new();
    for length in lengths {
        if !shortest.iter().any(|known| length % known == 0) {
            shortest.push(length);
        }
    }
    shortest
}

/// Asks a rule about a record. Rules may name an event with its API version or without.
pub(crate) fn matches(rules: &Rules, rule: u16, view: &mut View<'_>) -> bool {
    let compiled = &rules.rules[usize::from(rule)].compiled;
    if !compiled.needs.may_be_in(view) {
        return false;
    }
    let rule = &compiled.full;
    let versions: &[bool] = if view.shape.name == view.shape.raw_name { &[false] } else { &[false, true] };
    versions.iter().any(|stripped| {
        view.stripped = *stripped;
        rule.conditions
            .iter()
            .any(|condition| rsigma_eval::compiler::eval_condition(condition, &rule.detections, view, &mut Vec::new()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::{Planner, Rules, shortest};
    use crate::event::{Identity, Record, Shape};

    /// The detectors whose rules look into records of a kind.
    fn asked(source: &str, name: &str, identity: &str, read_only: bool) -> Vec<String> {
        let rules = Rules::load(&[]).unwrap();
        let raw = format!(
            r#"{{"eventTime":"2026-03-10T02:14:07Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","readOnly":{read_only},"userIdentity":{identity}}}"#
        );
        let record = Record::scan(&raw).unwrap();
        let identity = Identity::parse(&record.identity, "111122223333");
        let plan = Planner::new(&rules).plan(Shape::of(&record, &identity));
        let detector = |rule: &u16| Some(rules.detectors[rules.rules[usize::from(*rule)].detector?].name.clone());
        plan.ask.iter().filter_map(detector).collect()
    }

    #[test]
    fn of_stretches_those_are_kept_that_others_are_made_of() {
        let of = |lengths: &[i64]| shortest(&lengths.iter().map(|length| (*length, 0)).collect::<Vec<_>>());
        assert_eq!(of(&[60, 10, 2, 30, 10]), [2]);
        assert_eq!(of(&[60, 15, 2, 30]), [2, 15]);
        assert_eq!(of(&[7, 10]), [7, 10]);
        assert_eq!(of(&[]), [0; 0]);
    }

    #[test]
    fn only_changes_are_asked_whether_they_are_about_stakeout() {
        const USER: &str =
            r#"{"type":"IAMUser","principalId":"AIDAEXAMPLEE942561524","arn":"arn:aws:iam::111122223333:user/ci"}"#;
        const SERVICE: &str = r#"{"type":"AWSService","invokedBy":"lambda.amazonaws.com"}"#;
        let is_asked = |source, name, identity, read_only| {
            asked(source, name, identity, read_only).iter().any(|detector| detector.starts_with("stakeout-"))
        };
        assert!(is_asked("sqs", "PurgeQueue", USER, false));
        assert!(is_asked("lambda", "DeleteFunction20150331", USER, false));
        assert!(is_asked("sts", "AssumeRole", USER, true));
        for (source, name, identity, read_only) in [
            ("sts", "AssumeRole", SERVICE, true),
            ("sts", "GetCallerIdentity", USER, true),
            ("lambda", "Invoke", USER, false),
            ("lambda", "GetFunction20150331v2", USER, true),
            ("dynamodb", "PutItem", USER, false),
            ("s3", "PutObject", USER, false),
            ("sqs", "ReceiveMessage", USER, false),
            ("sns", "Publish", USER, false),
            ("kms", "Decrypt", USER, true),
            ("logs", "CreateLogStream", USER, false),
            ("ec2", "RunInstances", USER, false),
        ] {
            assert!(!is_asked(source, name, identity, read_only), "{source}:{name}");
        }
    }
}
