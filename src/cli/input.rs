//! What `replay` and `map` read: the options that say which logs, which time and which rules.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Voice;
use crate::baseline::{Baseline, file};
use crate::config::Config;
use crate::detect::rule::Problem;
use crate::detect::{AllowList, Rules};
use crate::event::{Seconds, time};
use crate::price::Prices;
use crate::replay::Settings;
use crate::replay::map::Range;
use crate::source::{BadLine, Bills, Object, Wanted, discover, is_bill, networks, read_bills};

#[derive(Args)]
pub(super) struct Input {
    /// Files, directories, globs, s3://bucket/prefix, or - for standard input.
    #[arg(required_unless_present_any = ["cost", "from"], value_name = "PATH")]
    pub paths: Vec<String>,
    /// Read paths from a file too, one a line, or between NUL bytes where it has one; - for standard input. They are no
    /// globs, and what is gone by then is named and is no failure.
    #[arg(long, value_name = "FILE")]
    pub from: Option<String>,
    /// Bills of the same accounts: Cost Explorer answers, CUR, FOCUS, dated CSV, or what `stakeout cost --live` keeps.
    #[arg(long, value_name = "PATH")]
    pub cost: Vec<String>,
    /// Add a folder of Sigma rules. Their findings open an incident only beside one of Stakeout's own.
    #[arg(long, value_name = "DIR")]
    pub rules: Vec<PathBuf>,
    /// Judge events from this time on; earlier ones are history only (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub start: Option<Seconds>,
    /// Leave out events from this time on (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub end: Option<Seconds>,
    /// With --start, read what was delivered so long before it as history; older files are not read, as their names tell.
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = parse_length)]
    pub history: Seconds,
    /// Read only these accounts, separated by commas; files whose path names another one are not read.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub accounts: Vec<String>,
    /// Prices to estimate by, before the built-in ones: `instance_type,usd_per_hour` and perhaps `,region`, or a JSON map.
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Whose network an address is in: tables of iptoasn.com, or of MaxMind as CSV or .mmdb, here or at s3://bucket/key.
    /// May be given several times.
    #[arg(long, value_name = "FILE")]
    pub asn: Vec<String>,
    /// Reader threads [default: one for each core].
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Unpack at most so many MiB of one object.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub max_object: u64,
}

/// What a run over logs works on.
pub(super) struct Gathered<'a> {
    pub config: Config,
    pub settings: Settings<'a>,
    pub rules: Rules,
    /// What earlier runs learned.
    pub baseline: Baseline,
    pub objects: Vec<Object>,
    pub bills: Bills,
}

fn parse_time(text: &str) -> Result<Seconds, String> {
    time::parse(text).ok_or_else(|| format!("{text:?} is no RFC 3339 time such as 2026-09-01T00:00:00Z"))
}

fn parse_length(text: &str) -> Result<Seconds, String> {
    time::parse_duration(text).ok_or_else(|| format!("{text:?} is no duration such as 12h or 90d"))
}

impl Input {
    /// Everything that is read before the logs themselves: settings, rules, baselines, which objects there are, and bills.
    ///
    /// # Errors
    /// What cannot be read, and options that contradict each other.
    pub(super) fn gather(&self, config: Option<&Path>, baselines: &[PathBuf], voice: Voice) -> Result<Gathered<'_>> {
        let config = Config::load(config)?;
        let settings = self.settings()?;
        let rules = rules(self.extra(), &config)?;
        ask_for_owners(&config, voice);
        let baseline = learned(baselines)?;
        let (logs, costs) = self.sorted(voice)?;
        let objects = self.objects(&logs)?;
        let bills = read_bills(&costs, settings.max_object_bytes)?;
        Ok(Gathered { config, settings, rules, baseline, objects, bills })
    }

    /// The times that are judged and read.
    ///
    /// # Errors
    /// A time that ends before it starts.
    pub(super) fn range(&self) -> Result<Range> {
        let range = Range { start: self.start.unwrap_or(Seconds::MIN), end: self.end.unwrap_or(Seconds::MAX) };
        if range.start >= range.end {
            bail!("--start is not before --end");
        }
        Ok(range)
    }

    /// Which objects are read.
    pub(super) fn wanted(&self) -> Wanted {
        let accounts = self.accounts.iter().cloned().collect();
        Wanted { accounts, ..Wanted::between(self.start, self.end, self.history) }
    }

    /// The objects at paths, and at those of a list. A path of the list that is gone becomes an object whose
    /// reading says so: whoever listed it did so earlier.
    ///
    /// # Errors
    /// A path that does not exist, and a list that cannot be read.
    pub(super) fn objects(&self, paths: &[String]) -> Result<Vec<Object>> {
        let listed = match self.from.as_deref() {
            Some("-") if paths.iter().any(|path| path == "-") => bail!("standard input (-) can be read only once"),
            Some("-") => io::read_to_string(io::stdin()).context("standard input")?,
            Some(file) => fs::read_to_string(file).with_context(|| file.to_owned())?,
            None => return Ok(discover(paths, &self.wanted())?),
        };
        let mut objects = discover(&paths_of(&listed), &Wanted { keeps_gone: true, ..self.wanted() })?;
        objects.extend(discover(paths, &self.wanted())?);
        objects.sort_by(Object::order);
        Ok(objects)
    }

    /// What is looked for beside what the program brings along.
    pub(super) fn extra(&self) -> Extra<'_> {
        Extra { rules: &self.rules, prices: self.prices.as_deref(), asn: &self.asn }
    }

    /// How they are read.
    ///
    /// # Errors
    /// As [`Self::range`].
    pub(super) fn settings(&self) -> Result<Settings<'_>> {
        let cores = || std::thread::available_parallelism().ok().map(usize::from);
        Ok(Settings {
            range: self.range()?,
            accounts: &self.accounts,
            threads: self.threads.or_else(cores).unwrap_or(1),
            max_object_bytes: self.max_object.saturating_mul(1 << 20),
        })
    }

    /// Paths of logs, and paths of bills. A shell turns `--cost *.csv` into one bill and paths of the others.
    ///
    /// # Errors
    /// Standard input that is named twice.
    pub(super) fn sorted(&self, voice: Voice) -> Result<(Vec<String>, Vec<String>)> {
        let (mut logs, mut bills) = (Vec::new(), self.cost.clone());
        let is_stdin = |path: &String| path == "-";
        if self.paths.iter().any(is_stdin) && bills.iter().any(is_stdin) {
            bail!("standard input (-) can be read only once");
        }
        for path in &self.paths {
            if is_bill(path) {
                voice.remark(&format!("{path}: a bill, read as with --cost"));
                bills.push(path.clone());
            } else {
                logs.push(path.clone());
            }
        }
        Ok((logs, bills))
    }
}

/// The paths of a list: between NUL bytes where it has one, as a path may have several lines, else one a line.
fn paths_of(list: &str) -> Vec<String> {
    let paths: Vec<_> = if list.contains('\0') { list.split('\0').collect() } else { list.lines().collect() };
    paths.into_iter().filter(|path| !path.is_empty()).map(str::to_owned).collect()
}

/// What is looked for, and by which tables, beside what the program brings along.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extra<'a> {
    /// Folders of rules.
    pub rules: &'a [PathBuf],
    pub prices: Option<&'a Path>,
    /// Tables of networks.
    pub asn: &'a [String],
}

/// The rules of the program and of folders, with prices of a file before the built-in ones, and with what the settings say of
/// networks, own things and findings that somebody answers for. Says which of them, and which lines of tables, cannot be used.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn rules(extra: Extra<'_>, config: &Config) -> Result<Rules> {
    let configured: Vec<String> = config.networks.asn.iter().map(ToString::to_string).collect();
    let (networks, bad) = networks(if extra.asn.is_empty() { &configured } else { extra.asn })?;
    let mut rules = Rules::with_networks(extra.rules, networks)?;
    let problem = |BadLine { file, line, why }| Problem { file, line, why };
    rules.problems.extend(bad.into_iter().map(problem));
    if let Some(path) = extra.prices {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        rules.prices = Prices::read(&text, &path.display().to_string())?;
    }
    for problem in &rules.problems {
        super::complain(&problem.to_string());
    }
    rules.allow = AllowList::new(&config.allow);
    rules.protected = config.protect.principals.iter().map(|arn| arn.as_str().to_owned()).collect();
    rules.own.accounts.extend(config.accounts.iter().map(|account| account.id.as_str().to_owned()));
    let buckets = config.sources.trail_bucket.iter().map(|url| url.as_str().trim_start_matches("s3://"));
    let parts = buckets.map(|path| format!("bucket {}", path.split('/').next().unwrap_or(path)));
    rules.own.trail_parts.extend(parts);
    rules.own.canaries = config.canary.canaries();
    Ok(rules)
}

/// What several runs learned, as one.
///
/// # Errors
/// A file that cannot be read, or is no baseline.
pub(super) fn learned(paths: &[PathBuf]) -> Result<Baseline> {
    let mut baseline = Baseline::default();
    for path in paths {
        baseline.merge(file::load(path)?);
    }
    Ok(baseline)
}

/// Names what nobody answers for. Entries that `stakeout tune` left open hold too, so that they can be tried; only a watch
/// wants them answered for.
pub(super) fn ask_for_owners(config: &Config, voice: Voice) {
    if let Err(open) = config.check_owners() {
        voice.remark(&format!("{open:#}; `watch` wants it said"));
    }
}

pub(super) fn progress_bar(objects: &[Object], voice: Voice) -> ProgressBar {
    if voice.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(objects.iter().map(Object::bytes).sum());
    match ProgressStyle::with_template("reading {bar:30} {bytes}/{total_bytes} {eta}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
