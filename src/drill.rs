//! The scenario generator: ordinary life of an AWS account, with or without an attack in it,
//! as the tree of log files that CloudTrail would have delivered, the bill, and the truth about it.
//!
//! `live` plays a scenario with real API calls instead, and times the answer.

mod actor;
mod bill;
mod bots;
mod cast;
mod clock;
mod delivery;
mod deploy;
mod ident;
mod library;
mod life;
pub(crate) mod live;
mod log;
mod people;
mod record;
mod scanner;
mod services;
mod story;
#[cfg(test)]
mod tests;
mod truth;
mod workload;

use std::fmt::{self, Display};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use fastrand::Rng;
use jiff::Timestamp;

use self::bill::Story;
use self::clock::{DAY, HOUR, Hour};
use self::life::Life;
use self::log::{Log, Scene};
pub(crate) use self::truth::Truth;

/// Hours of the night at which an attack may begin. Not the third, in which keys are rotated: a
/// blinded trail would lose the birth of a key that lives on.
const ATTACK_HOURS: [u32; 4] = [1, 2, 4, 5];

/// What varies between drills.
pub(crate) struct Options {
    /// Names, key ids, addresses, hours: equal seeds give equal bytes.
    pub(crate) seed: u64,
    /// Days of ordinary life; the attack falls on the last but one.
    pub(crate) days: u32,
    /// Enabled regions: those that the attack reaches.
    pub(crate) regions: Vec<String>,
    /// Median and 95th percentile of the delay between event and delivery.
    pub(crate) delay: (Duration, Duration),
    /// Share of the records that are delivered twice.
    pub(crate) duplicates: f64,
    /// Share of ordinary records that are never delivered.
    pub(crate) missing: f64,
    /// Volume of ordinary life: 1 is about 1,500 records a day, 0 leaves the attack alone.
    pub(crate) noise: f64,
    /// How often a region's records are delivered.
    pub(crate) batch: Duration,
    /// The first day; its time of day does not count.
    pub(crate) start: Timestamp,
    /// The benign twin instead of the attack.
    pub(crate) twin: bool,
    /// Ordinary life has everything in it that looks like an attack and is none.
    pub(crate) library: bool,
    /// The attacker asks little, with the tools of the house.
    pub(crate) quiet: bool,
    /// Share of the attacker's questions that are refused.
    pub(crate) denied: f64,
    /// Share of the files whose records are in no order; a third where it is not given.
    pub(crate) disorder: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            days: 30,
            regions: crate::event::DEFAULT_REGIONS.map(str::to_owned).to_vec(),
            delay: (Duration::from_secs(120), Duration::from_secs(720)),
            duplicates: 0.02,
            missing: 0.0,
            noise: 1.0,
            batch: Duration::from_secs(3_600),
            // 2026-09-01T00:00:00Z, a Tuesday.
            start: Timestamp::constant(1_788_220_800, 0),
            twin: false,
            library: false,
            quiet: false,
            denied: 0.0,
            disorder: None,
        }
    }
}

impl Options {
    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.days > 0, "a drill needs at least one day");
        ensure!(!self.regions.is_empty(), "a drill needs at least one region");
        ensure!(self.noise.is_finite() && self.noise >= 0.0, "noise is {}, which is not a volume", self.noise);
        let shares = [
            ("duplicates", self.duplicates),
            ("missing", self.missing),
            ("denied", self.denied),
            ("disorder", self.disorder.unwrap_or_default()),
        ];
        for (name, share) in shares {
            ensure!((0.0..=1.0).contains(&share), "{name} is {share}, which is not a share between 0 and 1");
        }
        Ok(())
    }
}

/// A story that a drill can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// A leaked key makes a user, the user makes functions in every region.
    LambdaDdosAllRegions,
    /// A key is gone and the log does not say why.
    MissingKey,
    /// A leaked key fills unused regions with GPU machines and containers that mine.
    GpuMining,
    /// A leaked key of a chat service sells access to language models.
    Llmjacking,
    /// A leaked key opens mail sending in every region and sends spam.
    SesSpam,
    /// A phished administrator builds five ways back in.
    AdminPersistence,
    /// Credentials of a machine hop over roles into another account.
    RoleChain,
    /// Objects are copied out, encrypted with a foreign key, and deleted.
    S3Ransom,
    /// Trail, detectors, flow logs and alarms are switched off one after the other.
    DefenceEvasion,
    /// An engineer deletes machines, databases and backups on the last day at work.
    InsiderDelete,
}

impl Scenario {
    /// Every scenario, in the order of the documentation.
    pub(crate) const ALL: [Self; 10] = [
        Self::LambdaDdosAllRegions,
        Self::MissingKey,
        Self::GpuMining,
        Self::Llmjacking,
        Self::SesSpam,
        Self::AdminPersistence,
        Self::RoleChain,
        Self::S3Ransom,
        Self::DefenceEvasion,
        Self::InsiderDelete,
    ];

    /// One line for a list of scenarios.
    pub(crate) fn summary(self) -> &'static str {
        match self {
            Self::LambdaDdosAllRegions => {
                "a leaked CI key creates an admin user, who fills every region with functions"
            }
            Self::MissingKey => "an access key vanishes behind a blinded trail, then secrets and roles are taken",
            Self::GpuMining => "a leaked key fills unused regions with GPU machines and containers that mine",
            Self::Llmjacking => "a leaked key of a chat service sells access to language models",
            Self::SesSpam => "a leaked key opens mail sending in every region and sends spam",
            Self::AdminPersistence => "a phished administrator builds five ways back in",
            Self::RoleChain => "credentials of a machine hop over roles into another account",
            Self::S3Ransom => "objects are copied out, encrypted with a foreign key, and deleted",
            Self::DefenceEvasion => "trail, detectors, flow logs and alarms are switched off one after the other",
            Self::InsiderDelete => "an engineer deletes machines, databases and backups on the last day at work",
        }
    }
}

impl Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::LambdaDdosAllRegions => "lambda-ddos-all-regions",
            Self::MissingKey => "missing-key",
            Self::GpuMining => "gpu-mining-unused-regions",
            Self::Llmjacking => "llmjacking",
            Self::SesSpam => "ses-spam",
            Self::AdminPersistence => "admin-persistence",
            Self::RoleChain => "role-chain-cross-account",
            Self::S3Ransom => "s3-ransom",
            Self::DefenceEvasion => "defence-evasion",
            Self::InsiderDelete => "insider-delete",
        })
    }
}

impl FromStr for Scenario {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        match Self::ALL.into_iter().find(|scenario| scenario.to_string() == name) {
            Some(scenario) => Ok(scenario),
            None => {
                let known = Self::ALL.map(|scenario| scenario.to_string()).join(", ");
                bail!("unknown scenario '{name}'; known are {known}")
            }
        }
    }
}

/// One object as it arrives in the trail's bucket.
pub(crate) struct DeliveredFile {
    /// The object's key, from `AWSLogs/` on.
    pub(crate) path: String,
    /// Its content.
    pub(crate) gzip: Vec<u8>,
}

/// Takes the files in the order of delivery.
pub(crate) type Sink<'a> = dyn FnMut(DeliveredFile) -> anyhow::Result<()> + 'a;

/// Generates a drill, or ordinary life alone when there is no `scenario`. Records are made hour
/// by hour and leave through `sink`, so memory does not grow with the number of days. Returns the
/// truth, and the bill as CSV.
///
/// # Errors
///
/// Options out of range, and whatever `sink` returns.
pub(crate) fn generate(
    scenario: Option<Scenario>,
    options: &Options,
    sink: &mut Sink<'_>,
) -> anyhow::Result<(Truth, String)> {
    options.check()?;
    let mut rng = Rng::with_seed(options.seed);
    let mut log = Log::new(&mut rng, options)?;
    let mut chance = rng.fork();
    let mut life = Life::new(&mut rng, options);
    let mut presupposed = rng.fork();
    let start = options.start.as_second().div_euclid(DAY) * DAY;
    let night = ATTACK_HOURS[chance.usize(..ATTACK_HOURS.len())];
    let night = scenario.and_then(story::hour_of_day).unwrap_or(night);
    let first_hour = options.days.saturating_sub(2) * 24 + night;
    let attack = Hour::new(start, first_hour);
    let mut truth = Truth::new(scenario, options);
    let mut spent = Story::default();
    if let Some(scenario) = scenario {
        story::prepare(scenario, attack, options.twin, &mut life, &mut log);
    }
    for index in 0..options.days * 24 {
        let hour = Hour::new(start, index);
        if options.noise > 0.0 {
            life.live(hour, &mut log);
        }
        if let Some(scenario) = scenario {
            let volume = options.noise.min(1.0);
            let mut scene = Scene { hour, log: &mut log, rng: &mut presupposed, volume };
            story::background(scenario, options.twin, &mut scene);
        }
        if let Some(scenario) = scenario.filter(|_| index == first_hour) {
            let mut scene = Scene { hour, log: &mut log, rng: &mut chance, volume: 1.0 };
            spent = match options.twin {
                false => story::attack(scenario, &mut scene, options, &mut truth),
                true => story::twin(scenario, &mut scene),
            };
        }
        log.advance(hour.start + HOUR, sink)?;
    }
    log.finish(start + i64::from(options.days) * DAY, sink)?;
    let bill = bill::write(scenario, options, &spent);
    truth.bill_usd_per_hour = bill.usd_per_hour;
    truth.costs_seen_at = bill.seen_at.map(clock::rfc3339);
    truth.finish();
    Ok((truth, bill.csv))
}

/// Generates a drill into the directory `out`: the tree of log files, `costs.csv` and `truth.json`.
///
/// # Errors
///
/// As [`generate`], and files that cannot be written, by name.
pub(crate) fn write_tree(scenario: Option<Scenario>, options: &Options, out: &Path) -> anyhow::Result<Truth> {
    let (truth, costs) = generate(scenario, options, &mut |file| {
        let path = out.join(&file.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        }
        std::fs::write(&path, &file.gzip).with_context(|| format!("write {}", path.display()))
    })?;
    let path = out.join("truth.json");
    let mut text = serde_json::to_string_pretty(&truth).context("write the truth as JSON")?;
    text.push('\n');
    std::fs::create_dir_all(out).with_context(|| format!("create {}", out.display()))?;
    let bill = out.join("costs.csv");
    std::fs::write(&bill, costs).with_context(|| format!("write {}", bill.display()))?;
    std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(truth)
}
