//! What a file says of one detector, and where in it stands what cannot be used.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;

use super::documented::Documented;
use super::keys::{self, Kind};
use super::{Detector, Problem, TACTICS};
use crate::detect::block::{Adjustment, BeyondUsual};
use crate::detect::own_past::BeyondOwn;
use crate::detect::silence::Silence;
use crate::detect::spend::block::Block;
use crate::model::Level;

/// A file of rules.
pub(super) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
    pub external: bool,
}

impl Source<'_> {
    /// Whether the keys of a document can stand in it, beside each other.
    pub(super) fn check(&self, document: &Documented<'_>, kind: Kind) -> Result<(), Problem> {
        keys::objection(kind, document.custom).map_or(Ok(()), |(key, why)| Err(self.problem(key, &why)))
    }

    pub(super) fn detector(&self, document: &Documented<'_>, window: Option<u64>) -> Result<Detector, Problem> {
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
            adjust: self.adjust(document, window.is_some())?,
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

    fn adjust(&self, document: &Documented<'_>, correlates: bool) -> Result<Vec<Adjustment>, Problem> {
        let adjust: Vec<Adjustment> = self.block(document, "adjust")?.unwrap_or_default();
        let objection = keys::of_adjust(&adjust, correlates, document.custom.contains_key("beyond_own"));
        objection.map_or(Ok(adjust), |why| Err(self.problem("adjust", why)))
    }

    /// The one block that says how a cost detector judges.
    pub(super) fn spend_block(&self, document: &Documented<'_>) -> Result<Block, Problem> {
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
    pub(super) fn problem(&self, key: &str, why: &str) -> Problem {
        let at =
            self.text.lines().position(|line| line.trim_start().starts_with(key) || line.contains(&format!(": {key}")));
        Problem { file: self.file.to_owned(), line: at.map_or(0, |line| line + 1), why: one_line(why) }
    }

    /// A problem whose place the parser tells in its message, or which names what can be looked for: in quotes, or last.
    pub(super) fn problem_of(&self, message: &str) -> Problem {
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
