//! All rules of a run: the embedded detectors and those of `--rules` folders.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rsigma_parser::{ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, SigmaRule, WindowMode};
use sha2::{Digest as _, Sha256};

use super::across::{Across, across};
use super::allow::AllowList;
use super::context;
use super::partial::{Compiled, fields_of};
use super::rule::{Detector, Problem, RuleFile};
use super::settle::{CANARY, OPENED_TO, TRAIL_PART};
use super::spend::SpendRule;
use crate::baseline::Family;
use crate::event::header::is_header_field;
use crate::event::{DAY, Networks, Own, Seconds};
use crate::price::Prices;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/detectors.rs"));
}

/// Which of many matching records a rule needs to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Thin {
    /// Every one.
    No,
    /// The first of a day, per caller, place and kind of call: for rules that ask what is new.
    Day,
    /// The first in each stretch of time, and those only where enough distinct values come together.
    Counted(Counting),
}

/// How a correlation counts distinct values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counting {
    /// Length of its window.
    pub window: Seconds,
    /// Within a stretch of this length only the first call of a kind is looked at: a sixtieth of the window.
    pub stretch: Seconds,
    pub group_by: Vec<String>,
    pub values: Vec<String>,
    /// It never fires on fewer distinct values.
    pub least: usize,
}

/// One Sigma rule, compiled, and what its matches are for.
pub(crate) struct Rule {
    pub id: String,
    pub compiled: Compiled,
    /// The detector that it is by itself.
    pub detector: Option<usize>,
    /// Detectors whose correlations it feeds.
    pub feeds: Vec<usize>,
    pub thin: Thin,
    /// Detectors that measure its matches against somebody's own past.
    pub measures: Vec<usize>,
    /// One match of so many is looked at.
    pub sample: u32,
    /// Correlations over accounts that it feeds.
    pub across: Vec<Across>,
    /// Fields to keep of a matching record, because something later asks for them.
    pub captures: BTreeSet<String>,
    /// Fields that it asks for and of which only the past tells whether they hold.
    pub settles: Vec<&'static str>,
    /// It can match only where there are canaries.
    pub needs_canary: bool,
}

/// Everything that is looked for.
pub(crate) struct Rules {
    pub detectors: Vec<Detector>,
    pub rules: Vec<Rule>,
    /// What is looked for in bills, the most serious first.
    pub spends: Vec<SpendRule>,
    pub correlations: Vec<CorrelationRule>,
    /// The rules that correlations refer to, as the library knows them.
    pub correlated: Vec<SigmaRule>,
    /// The tuples that the baseline must keep.
    pub families: Vec<Family>,
    /// By which `stakeout.usd_per_hour` and the burn of incidents are judged.
    pub prices: Prices,
    /// By which `stakeout.own` is judged.
    pub own: Own,
    /// Whose network an address is in; empty without `--asn`.
    pub networks: Networks,
    /// ARNs of users and roles that matter most, in which `*` stands for anything.
    pub protected: Vec<String>,
    /// Rules of detectors that ask for silences.
    pub silences: Vec<u16>,
    /// What somebody answers for.
    pub allow: AllowList,
    /// What in the files could not be used.
    pub problems: Vec<Problem>,
    /// A hash of all files, whatever the folders are called: the same for the same rules in the same order.
    pub fingerprint: String,
}

impl Rules {
    /// The embedded detectors and those of more folders.
    ///
    /// # Errors
    /// A folder that cannot be read, or an embedded detector with an error. Problems in folders are kept in `problems`.
    pub(crate) fn load(folders: &[PathBuf]) -> Result<Self> {
        Self::with_networks(folders, Networks::default())
    }

    /// The same, with a table of networks.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub(crate) fn with_networks(folders: &[PathBuf], networks: Networks) -> Result<Self> {
        let mut files: Vec<_> = embedded::FILES.iter().map(|(file, text)| RuleFile::parse(file, text, false)).collect();
        if let Some(problem) = files.iter().flat_map(|file| &file.problems).next() {
            bail!("{problem}");
        }
        for folder in folders {
            files.extend(read_folder(folder)?);
        }
        Ok(Self::new(files, networks))
    }

    /// Only the rules of one folder, with a table of networks that may be empty.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(crate) fn of_folder(folder: &Path, networks: Networks) -> Result<Self> {
        Ok(Self::new(read_folder(folder)?, networks))
    }

    fn new(files: Vec<RuleFile>, networks: Networks) -> Self {
        let mut all = Self {
            detectors: Vec::new(),
            rules: Vec::new(),
            spends: Vec::new(),
            correlations: Vec::new(),
            correlated: Vec::new(),
            families: [Family::networks()].into_iter().chain(context::families()).collect(),
            prices: Prices::default(),
            own: Own::default(),
            networks,
            protected: Vec::new(),
            silences: Vec::new(),
            allow: AllowList::default(),
            problems: Vec::new(),
            fingerprint: fingerprint(&files),
        };
        for file in files {
            all.add(file);
        }
        for rule in &mut all.rules {
            if let Some(known) = all.correlated.iter().find(|known| known.id.as_ref() == Some(&rule.id)) {
                rule.across = across(&rule.id, known.name.as_deref(), &all.correlations);
            }
        }
        let refused: Vec<_> = all.families.iter().map(|family| family.of_refused()).collect();
        all.families.extend(refused);
        all.spends.sort_by_key(|rule| {
            let detector = &all.detectors[rule.detector];
            (detector.notice, std::cmp::Reverse(detector.level), detector.name.clone())
        });
        all.families.sort_unstable();
        all.families.dedup();
        all
    }

    fn add(&mut self, file: RuleFile) {
        self.problems.extend(file.problems);
        let offset = self.detectors.len();
        for mut detector in file.detectors {
            if self.networks.is_empty() {
                detector.without_table();
            }
            self.families.extend(detector.families());
            detector.weighed = context::weighed(&detector);
            self.detectors.push(detector);
        }
        self.spends.extend(file.spends.into_iter().map(|rule| SpendRule { detector: rule.detector + offset, ..rule }));
        for (rule, compiled) in file.rules {
            let reached = reached_by(rule.id.as_deref().unwrap_or_default(), rule.name.as_deref(), &file.correlations);
            let made = self.rule(&rule, compiled, &reached, offset);
            let weighed = context::weighed_by(&rule);
            for number in made.detector.iter().chain(&made.feeds) {
                self.detectors[*number].weighed.extend(weighed.iter().copied());
            }
            if made.detector.is_some_and(|number| self.detectors[number].silence.is_some()) {
                self.silences.extend(u16::try_from(self.rules.len()));
            }
            if !reached.is_empty() {
                self.correlated.push(rule);
            }
            self.rules.push(made);
        }
        self.correlations.extend(file.correlations);
    }

    /// A rule whose detectors stand from `offset` on, and which feeds the correlations that it has `reached`.
    fn rule(&self, rule: &SigmaRule, compiled: Compiled, reached: &[&CorrelationRule], offset: usize) -> Rule {
        let id = rule.id.clone().unwrap_or_default();
        let own = &self.detectors[offset..];
        let position = |wanted: &str| own.iter().position(|detector| detector.sigma_id == wanted).map(|n| n + offset);
        let feeds: Vec<_> = reached.iter().filter_map(|c| position(c.id.as_deref().unwrap_or_default())).collect();
        let detector = position(&id);
        let fed = || detector.iter().chain(&feeds).map(|number| (*number, &self.detectors[*number]));
        let fields = fields_of(rule);
        let settles: Vec<_> = [TRAIL_PART, OPENED_TO].into_iter().filter(|field| fields.contains(field)).collect();
        let mut captures = captures(reached, fed().map(|(_, detector)| detector));
        captures.extend(settles.iter().map(|field| (*field).to_owned()));
        let measures: Vec<_> = fed().filter(|(_, fed)| fed.beyond_own.is_some()).map(|(number, _)| number).collect();
        let by_itself = detector.map(|number| &self.detectors[number]);
        let measure = by_itself.and_then(|detector| detector.beyond_own.as_ref()).filter(|_| reached.is_empty());
        Rule {
            thin: if measures.is_empty() { thin(by_itself, reached) } else { Thin::No },
            sample: measure.map_or(1, |block| block.sample),
            across: Vec::new(),
            needs_canary: fields.contains(CANARY),
            id,
            compiled,
            detector,
            feeds,
            measures,
            captures,
            settles,
        }
    }
}

/// The correlations that a rule feeds, directly or through others.
pub(super) fn reached_by<'a>(
    id: &str,
    name: Option<&str>,
    correlations: &'a [CorrelationRule],
) -> Vec<&'a CorrelationRule> {
    let mut known: Vec<&str> = std::iter::once(id).chain(name).collect();
    let mut reached: Vec<&CorrelationRule> = Vec::new();
    while let Some(next) = correlations
        .iter()
        .find(|c| !reached.iter().any(|r| std::ptr::eq(*r, *c)) && c.rules.iter().any(|r| known.contains(&r.as_str())))
    {
        reached.push(next);
        known.extend(next.id.as_deref().into_iter().chain(next.name.as_deref()));
    }
    reached
}

fn value_fields(correlation: &CorrelationRule) -> &[String] {
    match &correlation.condition {
        CorrelationCondition::Threshold { field: Some(fields), .. } => fields,
        _ => &[],
    }
}

fn captures<'a>(correlations: &[&CorrelationRule], detectors: impl Iterator<Item = &'a Detector>) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for correlation in correlations {
        fields.extend(correlation.group_by.iter().chain(value_fields(correlation)).cloned());
        fields.extend(correlation.aliases.iter().flat_map(|alias| alias.mapping.values().cloned()));
    }
    for detector in detectors {
        let whens = detector.adjust.iter().filter_map(|entry| entry.when.as_ref());
        fields.extend(whens.flat_map(|when| when.fields.keys().cloned()));
        fields.extend(detector.beyond_own.iter().filter_map(|block| block.field()).map(str::to_owned));
    }
    fields.retain(|field| !is_header_field(field));
    fields
}

/// What is new on a day is the day's first. Distinct values over a window are the same, but for a sixtieth of it, when
/// only the first of each sixtieth is kept.
fn thin(detector: Option<&Detector>, correlations: &[&CorrelationRule]) -> Thin {
    match (detector, correlations) {
        (Some(detector), []) if detector.asks_for_firsts() => Thin::Day,
        (None, [only]) => counting(only).map_or(Thin::No, Thin::Counted),
        _ => Thin::No,
    }
}

/// How a correlation counts, if it counts distinct values of fields that every event carries.
fn counting(correlation: &CorrelationRule) -> Option<Counting> {
    let CorrelationCondition::Threshold { predicates, .. } = &correlation.condition else {
        return None;
    };
    let values = value_fields(correlation);
    let from_header = correlation.group_by.iter().chain(values).all(|field| is_header_field(field));
    let sliding = correlation.window == WindowMode::Sliding && correlation.aliases.is_empty();
    if correlation.correlation_type != CorrelationType::ValueCount || !from_header || !sliding {
        return None;
    }
    let least = predicates.iter().filter_map(|(operator, number)| match operator {
        ConditionOperator::Gte | ConditionOperator::Eq => usize::try_from(*number).ok(),
        ConditionOperator::Gt => usize::try_from(number + 1).ok(),
        _ => None,
    });
    let window = Seconds::try_from(correlation.timespan.seconds).ok().filter(|window| *window <= DAY)?;
    Some(Counting {
        window,
        stretch: (window / 60).max(1),
        group_by: correlation.group_by.clone(),
        values: values.to_vec(),
        least: least.max()?,
    })
}

fn fingerprint(files: &[RuleFile]) -> String {
    let mut hasher = Sha256::new();
    files.iter().for_each(|file| hasher.update(file.hash));
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn read_folder(folder: &Path) -> Result<Vec<RuleFile>> {
    let mut paths = Vec::new();
    collect(folder, &mut paths).with_context(|| format!("rules {}", folder.display()))?;
    paths.sort();
    let mut names: HashMap<String, String> = HashMap::new();
    let mut files = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path).with_context(|| shown.clone())?;
        let mut file = RuleFile::parse(&shown, &text, true);
        for (rule, _) in &file.rules {
            let id = rule.id.clone().unwrap_or_default();
            if let Some(first) = names.insert(id.clone(), shown.clone()) {
                file.problems.push(Problem {
                    file: shown.clone(),
                    line: 0,
                    why: format!("id {id} is also that of {first}"),
                });
            }
        }
        files.push(file);
    }
    Ok(files)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if folder.is_file() {
        paths.push(folder.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
            paths.push(path);
        }
    }
    Ok(())
}
