//! One detector file: Sigma documents with our blocks, parsed and checked.

mod documented;

use std::collections::BTreeSet;
use std::fmt;

use rsigma_eval::compile_rule;
use rsigma_parser::{CorrelationRule, SigmaRule, parse_sigma_yaml};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::block::{Adjustment, BeyondUsual, Context, Dormant, FirstSeen};
use super::context::Point;
use super::own_past::BeyondOwn;
use super::partial::Compiled;
use super::silence::Silence;
use super::spend::SpendRule;
use super::spend::block::Block;
use crate::model::Level;
use documented::Documented;

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
            .spend_block(&document)
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
        let mut made = Vec::new();
        for (rule, _) in self.rules.iter().filter(|(rule, _)| !referred(&rule.id, &rule.name)) {
            made.push(source.detector(&Documented::of_rule(rule), None));
        }
        for rule in self.correlations.iter().filter(|rule| !referred(&rule.id, &rule.name)) {
            made.push(source.detector(&Documented::of_correlation(rule), Some(rule.timespan.seconds)));
        }
        for result in made {
            match result {
                Ok(detector) => self.detectors.push(detector),
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

struct Source<'a> {
    file: &'a str,
    text: &'a str,
    external: bool,
}

impl Source<'_> {
    fn detector(&self, document: &Documented<'_>, window: Option<u64>) -> Result<Detector, Problem> {
        let stem = self.file.rsplit('/').next().unwrap_or(self.file).trim_end_matches(".yml").trim_end_matches(".yaml");
        let tactic = self.file.rsplit('/').nth(1).unwrap_or(NO_TACTIC);
        Ok(Detector {
            name: document.name.unwrap_or(stem).to_owned(),
            title: document.title.to_owned(),
            level: document.level.map_or(Level::Informational, level),
            notice: self.block(document, "notice")?.unwrap_or(false),
            description: document.description.unwrap_or_default().trim().to_owned(),
            tactic: if self.external { tactic_of(document.tags) } else { tactic }.to_owned(),
            attack: document.tags.iter().filter_map(|tag| technique(tag)).collect(),
            attack_version: self.block(document, "attack_version")?,
            references: document.references.to_vec(),
            falsepositives: document.falsepositives.to_vec(),
            blind_spots: self.block(document, "blind_spots")?.unwrap_or_default(),
            playbook: self.block(document, "playbook")?,
            first_seen: self.block(document, "first_seen")?,
            dormant: self.block(document, "dormant")?,
            beyond_usual: self.beyond_usual(document, window.is_some())?,
            beyond_own: self.beyond_own(document, window.is_some())?,
            silence: self.silence(document, window.is_some())?,
            context: self.block(document, "context")?.unwrap_or_default(),
            weighed: BTreeSet::new(),
            adjust: self.block(document, "adjust")?.unwrap_or_default(),
            sigma_id: document.id.to_owned(),
            window,
            file: self.file.to_owned(),
            external: self.external,
        })
    }

    /// Calls are added up one by one, which a correlation does in its own way.
    fn beyond_usual(&self, document: &Documented<'_>, correlates: bool) -> Result<Option<BeyondUsual>, Problem> {
        let block = self.block(document, "beyond_usual")?;
        match block {
            Some(_) if correlates => Err(self.problem("beyond_usual", "beyond_usual does not go with a correlation")),
            block => Ok(block),
        }
    }

    fn beyond_own(&self, document: &Documented<'_>, correlates: bool) -> Result<Option<BeyondOwn>, Problem> {
        let block: Option<BeyondOwn> = self.block(document, "beyond_own")?;
        let objection = block.as_ref().and_then(|block| block.objection(correlates));
        objection.map_or(Ok(block), |why| Err(self.problem("beyond_own", why)))
    }

    fn silence(&self, document: &Documented<'_>, correlates: bool) -> Result<Option<Silence>, Problem> {
        let block: Option<Silence> = self.block(document, "silence")?;
        let objection = block.as_ref().and_then(|block| block.objection(correlates));
        objection.map_or(Ok(block), |why| Err(self.problem("silence", why)))
    }

    /// The one block that says how a cost detector judges.
    fn spend_block(&self, document: &Documented<'_>) -> Result<Block, Problem> {
        let blocks = [
            self.block(document, "first_spend")?.map(Block::FirstSpend),
            self.block(document, "spread")?.map(Block::Spread),
            self.block(document, "spike")?.map(Block::Spike),
            self.block(document, "quiet_day")?.map(Block::QuietDay),
            self.block(document, "step")?.map(Block::Step),
            self.block(document, "week")?.map(Block::Week),
            self.block(document, "record")?.map(Block::Record),
            self.block(document, "drift")?.map(Block::Drift),
            self.block(document, "anomaly")?.map(Block::Anomaly),
        ];
        let mut blocks = blocks.into_iter().flatten();
        match (blocks.next(), blocks.next()) {
            (Some(block), None) => Ok(block),
            _ => Err(self.problem(
                "logsource",
                "a cost detector has exactly one of first_spend, spread, spike, quiet_day, step, week, record, drift and \
                 anomaly",
            )),
        }
    }

    fn block<T: DeserializeOwned>(&self, document: &Documented<'_>, key: &str) -> Result<Option<T>, Problem> {
        let Some(value) = document.custom.get(key) else {
            return Ok(None);
        };
        yaml_serde::from_value(value.clone()).map(Some).map_err(|error| self.problem(key, &format!("{key}: {error}")))
    }

    /// A problem at the first line that begins with a key.
    fn problem(&self, key: &str, why: &str) -> Problem {
        let at =
            self.text.lines().position(|line| line.trim_start().starts_with(key) || line.contains(&format!(": {key}")));
        Problem { file: self.file.to_owned(), line: at.map_or(0, |line| line + 1), why: one_line(why) }
    }

    /// A problem whose place the parser tells in its message, or which names what can be looked for: in quotes, or last.
    fn problem_of(&self, message: &str) -> Problem {
        let number = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        let told = message.split("line ").nth(1).and_then(number);
        let quoted = message.split(['\'', '"', '`']).nth(1);
        let last = message.rsplit([' ', ':']).next();
        let holds = |word: &str| self.text.lines().position(|line| word.len() > 1 && line.contains(word));
        let in_condition = |word: &str| {
            let words = |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word);
            self.text.lines().position(|line| line.trim_start().starts_with("condition:") && words(line))
        };
        let found = last.and_then(in_condition).or_else(|| quoted.and_then(holds)).or_else(|| last.and_then(holds));
        let line = told.or(found.map(|line| line + 1)).unwrap_or(1);
        Problem { file: self.file.to_owned(), line, why: one_line(message) }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `T1098.003` for `attack.t1098.003`; tags that are no technique give nothing.
fn technique(tag: &str) -> Option<String> {
    let id = tag.strip_prefix("attack.")?;
    let is_technique = id.strip_prefix('t').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_technique.then(|| id.to_ascii_uppercase())
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
/// Where a rule stands that names no tactic.
const NO_TACTIC: &str = "external";

/// The first tactic that tags name.
fn tactic_of(tags: &[String]) -> &'static str {
    let named = |tag: &String| {
        let name = tag.strip_prefix("attack.")?.replace('_', "-");
        TACTICS.into_iter().find(|tactic| *tactic == name)
    };
    tags.iter().find_map(named).unwrap_or(NO_TACTIC)
}

fn level(level: rsigma_parser::Level) -> Level {
    match level {
        rsigma_parser::Level::Informational => Level::Informational,
        rsigma_parser::Level::Low => Level::Low,
        rsigma_parser::Level::Medium => Level::Medium,
        rsigma_parser::Level::High => Level::High,
        rsigma_parser::Level::Critical => Level::Critical,
    }
}
