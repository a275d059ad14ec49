//! One detector file: Sigma documents with our blocks, parsed and checked.

mod documented;
mod keys;
mod source;

use std::collections::BTreeSet;
use std::{fmt, iter};

use rsigma_eval::compile_rule;
use rsigma_parser::{CorrelationRule, SigmaRule, parse_sigma_yaml};
use sha2::{Digest as _, Sha256};

use super::block::{Adjustment, BeyondUsual, Context, Dormant, FirstSeen};
use super::context::Point;
use super::own_past::BeyondOwn;
use super::partial::Compiled;
use super::silence::Silence;
use super::spend::SpendRule;
use crate::baseline::Family;
use crate::model::Level;
use documented::Documented;
use keys::Kind;
use source::Source;

/// What trouble looks like, and everything a person should know about it.
#[derive(Debug, Clone)]
pub(crate) struct Detector {
    pub name: String,
    pub title: String,
    pub level: Level,
    /// Informs and never pages.
    pub notice: bool,
    pub description: String,
    /// The folder it lies in; of an added rule the first tactic that its tags name, else `external`.
    pub tactic: String,
    /// ATT&CK technique ids.
    pub attack: Vec<String>,
    pub attack_version: Option<String>,
    pub references: Vec<String>,
    pub falsepositives: Vec<String>,
    pub blind_spots: Vec<String>,
    pub playbook: Option<String>,
    pub first_seen: Option<FirstSeen>,
    pub dormant: Option<Dormant>,
    pub beyond_usual: Option<BeyondUsual>,
    pub beyond_own: Option<BeyondOwn>,
    pub silence: Option<Silence>,
    /// What of the circumstances is not counted.
    pub context: Context,
    /// Circumstances that it counts by itself.
    pub weighed: BTreeSet<Point>,
    pub adjust: Vec<Adjustment>,
    /// The Sigma id by which the engine reports it.
    pub sigma_id: String,
    /// Seconds of the correlation's window; none for a rule that fires on one event.
    pub window: Option<u64>,
    /// Where it was read.
    pub file: String,
    /// From a folder given with `--rules`.
    pub external: bool,
}

impl Detector {
    /// Whether the first match of a day, of a caller, place and kind of call, says what the others say.
    pub(super) fn asks_for_firsts(&self) -> bool {
        (self.first_seen.is_some() || self.dormant.is_some()) && self.beyond_usual.is_none()
    }

    /// The tuples that its questions are about.
    pub(super) fn families(&self) -> impl Iterator<Item = Family> {
        let asked = self.adjust.iter().filter_map(|entry| entry.when.as_ref()?.first_seen.as_ref());
        let new = self.first_seen.iter().chain(asked);
        let new = new.flat_map(|question| iter::once(question.family()).chain(question.family_by_prefix()));
        new.chain(self.dormant.as_ref().map(Dormant::family))
    }

    /// Without a table of networks, prefixes stand for autonomous systems.
    pub(super) fn without_table(&mut self) {
        let asked = self.adjust.iter_mut().filter_map(|entry| entry.when.as_mut()?.first_seen.as_mut());
        self.first_seen.iter_mut().chain(asked).for_each(FirstSeen::without_table);
    }
}

/// Something in a rule file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub file: String,
    /// Line of the file, from 1; 0 where only the file is known.
    pub line: usize,
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.why),
            line => write!(f, "{}:{line}: {}", self.file, self.why),
        }
    }
}

/// One parsed file: its Sigma documents and the detectors they make.
#[derive(Default)]
pub(crate) struct RuleFile {
    pub rules: Vec<(SigmaRule, Compiled)>,
    /// Cost detectors, whose `detector` is a position in `detectors`.
    pub spends: Vec<SpendRule>,
    pub correlations: Vec<CorrelationRule>,
    pub detectors: Vec<Detector>,
    pub problems: Vec<Problem>,
    /// Of its text, and of whether it is one of the program's own.
    pub hash: [u8; 32],
}

impl RuleFile {
    /// Parses a file. What cannot be used is named; the rest is kept.
    pub(crate) fn parse(file: &str, text: &str, external: bool) -> Self {
        let source = Source { file, text, external };
        let hash = Sha256::new().chain_update([u8::from(external)]).chain_update(text).finalize().into();
        let mut parsed = Self { hash, ..Self::default() };
        let collection = match parse_sigma_yaml(text) {
            Ok(collection) => collection,
            Err(error) => {
                parsed.problems.push(source.problem_of(&error.to_string()));
                return parsed;
            }
        };
        parsed.problems.extend(collection.errors.iter().map(|error| source.problem_of(error)));
        parsed.problems.extend(
            collection.filters.iter().map(|filter| source.problem(&filter.title, "Sigma filters are not supported")),
        );
        for mut rule in collection.rules {
            if let Some(why) = unsupported(&rule) {
                parsed.problems.push(source.problem("logsource", &why));
                continue;
            }
            rule.id = rule.id.or_else(|| rule.name.clone()).or_else(|| Some(rule.title.clone()));
            if rule.logsource.service.as_deref() == Some(COST) {
                parsed.add_spend(&source, &rule);
                continue;
            }
            match Compiled::new(&rule) {
                Ok(compiled) => parsed.rules.push((rule, compiled)),
                Err(error) => parsed.problems.push(source.problem_of(&format!("{}: {error}", rule.title))),
            }
        }
        for mut rule in collection.correlations {
            rule.id = rule.id.or_else(|| rule.name.clone()).or_else(|| Some(rule.title.clone()));
            parsed.correlations.push(rule);
        }
        parsed.drop_dangling(&source);
        parsed.make_detectors(&source);
        parsed
    }

    /// Adds a rule about bills.
    fn add_spend(&mut self, source: &Source<'_>, rule: &SigmaRule) {
        let document = Documented::of_rule(rule);
        let problem = |error: rsigma_eval::EvalError| source.problem_of(&format!("{}: {error}", rule.title));
        let parts = source
            .check(&document, Kind::Bills)
            .and_then(|()| source.spend_block(&document))
            .and_then(|block| Ok((block, compile_rule(rule).map_err(problem)?, source.detector(&document, None)?)));
        match parts {
            Ok((block, rows, detector)) => {
                self.spends.push(SpendRule { detector: self.detectors.len(), rows, block });
                self.detectors.push(detector);
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    /// A correlation refers to rules of its own file.
    fn drop_dangling(&mut self, source: &Source<'_>) {
        let rules = self.rules.iter().flat_map(|(rule, _)| rule.id.iter().chain(&rule.name));
        let correlations = self.correlations.iter().flat_map(|rule| rule.id.iter().chain(&rule.name));
        let known: Vec<_> = rules.chain(correlations).cloned().collect();
        self.correlations.retain(|correlation| match correlation.rules.iter().find(|rule| !known.contains(rule)) {
            Some(missing) => {
                self.problems.push(source.problem(
                    missing,
                    &format!("{} refers to {missing}, which is not in this file", correlation.title),
                ));
                false
            }
            None => true,
        });
    }

    /// Documents that no other document of the file refers to stand for themselves.
    fn make_detectors(&mut self, source: &Source<'_>) {
        let referred = |id: &Option<String>, name: &Option<String>| {
            self.correlations
                .iter()
                .any(|c| !c.generate && c.rules.iter().any(|r| Some(r) == id.as_ref() || Some(r) == name.as_ref()))
        };
        let make = |document: &Documented<'_>, kind: Kind, window: Option<u64>| -> Result<Option<Detector>, Problem> {
            source.check(document, kind)?;
            Ok(if kind == Kind::Counted { None } else { Some(source.detector(document, window)?) })
        };
        let mut made = Vec::new();
        for (rule, _) in &self.rules {
            let kind = if referred(&rule.id, &rule.name) { Kind::Counted } else { Kind::Rule };
            made.push(make(&Documented::of_rule(rule), kind, None));
        }
        for rule in &self.correlations {
            let kind = if referred(&rule.id, &rule.name) { Kind::Counted } else { Kind::Correlation };
            made.push(make(&Documented::of_correlation(rule), kind, Some(rule.timespan.seconds)));
        }
        for result in made {
            match result {
                Ok(detector) => self.detectors.extend(detector),
                Err(problem) => self.problems.push(problem),
            }
        }
    }
}

/// The service of a log source that means bills.
const COST: &str = "cost";

/// Rules about CloudTrail and bills only; anything else in the folder is for other tools.
fn unsupported(rule: &SigmaRule) -> Option<String> {
    let (product, service) = (rule.logsource.product.as_deref(), rule.logsource.service.as_deref());
    let ours = product == Some("aws") && matches!(service, Some("cloudtrail" | COST) | None);
    (!ours).then(|| {
        format!(
            "logsource {}/{} is neither aws/cloudtrail nor aws/cost",
            product.unwrap_or("any"),
            service.unwrap_or("any")
        )
    })
}

/// The tactics of ATT&CK, as tags of rules and folders of detectors spell them.
pub(crate) const TACTICS: [&str; 14] = [
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
];
