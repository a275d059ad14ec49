//! `stakeout drill --live`: a scenario with real API calls, against the clock.

mod show;
mod stage;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, ValueEnum};

use crate::aws::{self, Pinned};
use crate::cli::input::Extra;
use crate::cli::watch::setup::{Manner, Setup, holder};
use crate::cli::{Status, Voice, complain, now, output, person, state, stopped};
use crate::config::Config;
use crate::drill::Scenario;
use crate::drill::live::{Engine, Orders, Played, Target, Telling, Voices, clean, play};
use crate::model::approval::Person;
use crate::model::counted;
use crate::notify::slack::Names;
use crate::notify::slack::client::Client;
use crate::report::{Format as Written, Report};
use crate::source::live::HOME;
use crate::store::Place;
use stage::Stage;

/// Where those of its options stand in the help.
const HEADING: &str = "With --live";

/// How a live drill is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// How a live drill goes.
#[derive(Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct Live {
    /// Play it with real API calls.
    #[arg(long, conflicts_with_all = ["out", "notify", "twin"])]
    live: bool,
    /// Where AWS stands in on this machine, such as http://127.0.0.1:4566 [default: AWS itself, for a sandbox account].
    #[arg(long, value_name = "URL", requires = "live")]
    endpoint: Option<String>,
    /// The id of the sandbox account that the drill plays in, again.
    #[arg(long, value_name = "ACCOUNT", requires = "live")]
    confirm: Option<String>,
    /// From the start of one pass to the start of the next.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = super::parse_length, requires = "live")]
    interval: Duration,
    /// How long the engine may look for the intruder.
    #[arg(long, value_name = "DURATION", default_value = "20m", value_parser = super::parse_length, requires = "live")]
    patience: Duration,
    /// Who approves the plan at once. May be given several times. Without it the drill ends with the plan.
    #[arg(long, value_name = "NAME", requires = "live")]
    approve_as: Vec<String>,
    /// How to write what came of it [default: table on a terminal, else json].
    #[arg(long, value_enum, requires = "live")]
    format: Option<Format>,
    /// Play nothing, and remove what the drill of this id left, by its names. Regions are those that are watched.
    #[arg(long, value_name = "ID", requires = "live", value_parser = id)]
    #[arg(conflicts_with_all = ["interval", "patience", "approve_as", "format"])]
    clean: Option<String>,
}

fn id(text: &str) -> Result<String, String> {
    let holds = text.len() == stage::LETTERS && text.bytes().all(|byte| byte.is_ascii_lowercase());
    if holds { Ok(text.to_owned()) } else { Err(format!("a drill's id has {} small letters", stage::LETTERS)) }
}

impl Live {
    pub(super) fn is_wanted(&self) -> bool {
        self.live
    }
}

pub(super) fn run(
    arguments: &Live,
    scenario: Option<Scenario>,
    regions: Option<Vec<String>>,
    config: Option<&Path>,
    voice: Voice,
) -> Result<Status> {
    let scenario = playable(scenario)?;
    let target = Target::parse(arguments.endpoint.as_deref())?;
    let environment = std::env::vars_os();
    target
        .check(environment.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))))?;
    let is_true = |value: String| value.eq_ignore_ascii_case("true");
    let are_ignored = std::env::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_ok_and(is_true);
    target.check_profiles(&profiles(), are_ignored)?;
    // Before anything is asked of anybody: also secrets that the settings name come from there.
    if let Some(endpoint) = target.endpoint.clone() {
        let pinned = Pinned { endpoint, is_here: target.is_here };
        aws::pin(pinned).map_err(|known| anyhow!("this process is bound to {} already", known.endpoint))?;
    }
    let mut config = Config::load(config)?;
    let sandbox: Vec<&str> = config.drill.sandbox.iter().map(|account| account.as_str()).collect();
    let account = target.account(&sandbox, arguments.confirm.as_deref())?;
    state::block_on(async {
        config.unlock().await;
        Ok(())
    })?;
    let stage = Stage::new(&config, &target)?;
    stage.remarks.iter().for_each(|remark| voice.remark(remark));
    if let Some(id) = &arguments.clean {
        return state::block_on(cleaned(id, regions, &stage, account, voice));
    }
    let regions = (scenario, regions);
    let (played, ended) = state::block_on(rehearse(arguments, regions, &config, &stage, account, voice))?;
    if ended.is_ok() {
        let format = arguments.format;
        output::to(None, voice, |look, is_terminal, out| match format {
            Some(Format::Table) => show::table(&played, look, out),
            None if is_terminal => show::table(&played, look, out),
            _ => show::json(&played, out),
        })?;
    }
    // Whoever started it has to know what is left, also where the rest went to a file.
    played.remained.iter().for_each(|remained| complain(&format!("not removed: {remained}")));
    ended.context(match played.remained.is_empty() {
        true => "the drill could not be played; everything that it made is removed",
        false => "the drill could not be played, and not everything that it made is removed",
    })?;
    Ok(if played.is_well() { Status::Quiet } else { Status::Found })
}

/// Which scenario real calls can tell.
fn playable(scenario: Option<Scenario>) -> Result<Scenario> {
    match scenario {
        Some(Scenario::LambdaDdosAllRegions) => Ok(Scenario::LambdaDdosAllRegions),
        Some(Scenario::MissingKey) => bail!(
            "missing-key cannot be played live: its key is deleted behind a blinded trail, and LookupEvents tells a deletion \
             although no trail does; `stakeout drill missing-key` writes it as logs"
        ),
        Some(other) => bail!("{other} cannot be played live; there is lambda-ddos-all-regions"),
        None => bail!("ordinary life cannot be played live; there is lambda-ddos-all-regions"),
    }
}

/// The files of profiles that there are, by path and text.
fn profiles() -> Vec<(String, String)> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let path = |variable: &str, usual: &str| match std::env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => home.join(".aws").join(usual),
    };
    let paths = [path("AWS_CONFIG_FILE", "config"), path("AWS_SHARED_CREDENTIALS_FILE", "credentials")];
    let read = |path: PathBuf| Some((path.display().to_string(), std::fs::read_to_string(&path).ok()?));
    paths.into_iter().filter_map(read).collect()
}

/// Signs in, and gives the account too, which is the one that was confirmed.
async fn sign_in(stage: &Stage, account: Option<&str>, voice: Voice) -> Result<(Setup, String)> {
    let setup =
        Setup::new(&stage.config, Extra::default(), None, Manner { is_table: true, ..Manner::default() }, voice)
            .await?;
    let identity =
        setup.live.identity().into_iter().next().context("AWS does not say who the credentials belong to")?;
    if account.is_some_and(|account| account != identity.account) {
        bail!("the credentials belong to account {}, which is not the one that --confirm names", identity.account);
    }
    Ok((setup, identity.account))
}

/// Removes what a drill left that was killed.
async fn cleaned(
    id: &str,
    regions: Option<Vec<String>>,
    stage: &Stage,
    account: Option<&str>,
    voice: Voice,
) -> Result<Status> {
    let (setup, own) = sign_in(stage, account, voice).await?;
    let regions = match regions {
        Some(regions) => regions,
        None => {
            let watched = setup.live.regions().await.all.remove(&own).unwrap_or_default();
            watched.iter().map(ToString::to_string).collect()
        }
    };
    let config = setup.live.config(&own, HOME).with_context(|| format!("account {own} is not reached"))?;
    let removed = clean(id, &regions, &config).await;
    voice.remark(&format!("removed {} of drill {id} in account {own}", counted(removed.count, "thing")));
    removed.remained.iter().for_each(|remained| complain(&format!("not removed: {remained}")));
    Ok(if removed.remained.is_empty() { Status::Quiet } else { Status::Found })
}

/// Signs in, and plays. A failure behind the first change is in the result, beside what was removed.
async fn rehearse(
    arguments: &Live,
    (scenario, regions): (Scenario, Option<Vec<String>>),
    config: &Config,
    stage: &Stage,
    account: Option<&str>,
    voice: Voice,
) -> Result<(Played, Result<()>)> {
    let (mut setup, own) = sign_in(stage, account, voice).await?;
    // The drill's own things begin as Stakeout's do, and are not.
    setup.rules.own.names.retain(|name| name != "stakeout-*");
    let client = match Names::of(&config.slack).incidents {
        Some(_) => Some(Client::connect(&config.slack).map_err(|why| anyhow!("slack: {why}"))?),
        None => None,
    };
    let slack = client.as_ref().zip(config.slack.channel.as_ref());
    let slack = slack.map(|(client, channel)| Telling::new(client, channel.as_str()));
    let engine = Engine {
        live: &setup.live,
        rules: &setup.rules,
        config: &stage.config,
        place: Place::File(stage.folder.join("drill.db")),
        account: own,
        account_names: setup.account_names(),
        holder: holder(),
        clock: now,
    };
    // Whoever prepares is no approver: late events make it a part of the incident, and then it would have no say.
    let person = |name: &String| person::called(name, None);
    let orders = Orders {
        scenario,
        id: stage.id.clone(),
        regions,
        interval: arguments.interval,
        patience: arguments.patience,
        approvers: arguments.approve_as.iter().map(person).collect::<Result<Vec<Person>>>()?,
    };
    let is_table = arguments.format == Some(Format::Table);
    let mut print = |report: &Report| {
        output::to(None, voice, |look, is_terminal, out| {
            match is_table || arguments.format.is_none() && is_terminal {
                true => report.write(Written::Table, look, out),
                false => Ok(()),
            }
        })?;
        for incident in &report.incidents {
            complain(&format!("DRILL: incident {}: {}", incident.id, incident.title));
        }
        Ok(())
    };
    let say = |text: &str| voice.remark(text);
    Ok(play(&orders, &engine, Voices { slack, print: &mut print, say: &say }, stopped()).await)
}
