//! `stakeout doctor`: what works of a setup, what does not, and what mends it.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::watch::setup::wanted;
use super::{Status, Voice, now, slack, state};
use crate::config::Config;
use crate::doctor::{self, Check, Found, Function, Part, Room, examine};
use crate::source::Problem;
use crate::source::live::{Live, Regions};

/// What signing in may take.
const SIGN_IN: Duration = Duration::from_secs(30);

/// Check a setup: identity, rights, regions, trail, state, Slack, clock, and what polling costs.
///
/// Nothing is changed and nothing is posted. Each right that the settings need is tried by a call that changes nothing, or,
/// where there is none, by a simulation of IAM; each line says what works, what fails and what mends it. Which rights these
/// are is what `stakeout permissions` prints.
///
/// The rights that are tried are those of whoever runs this command. For a function of Lambda name it: then its own settings
/// hold, the rights of its role are simulated, and its queues, schedule, dead letters and URL are looked at.
///
///   stakeout doctor --function stakeout --region us-east-1
///
/// Exit status: 0 all of it works, 1 something fails, 2 it could not be checked.
#[derive(Args)]
pub(super) struct Arguments {
    /// How to print.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// Only this part; may be given several times.
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Ask nobody: what can be told without a network.
    #[arg(long)]
    offline: bool,
    /// Examine this function of Lambda: its environment over the settings that it names, and its role.
    #[arg(long, value_name = "NAME", conflicts_with = "offline")]
    function: Option<String>,
    /// With --function: its region [default: that of the environment].
    #[arg(long, value_name = "REGION", requires = "function")]
    region: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let Some(name) = &arguments.function else {
        let mut config = Config::load(config)?;
        return state::block_on(async {
            if !arguments.offline {
                config.unlock().await;
            }
            check_up(arguments, &config, None, voice).await
        });
    };
    state::block_on(async {
        let function = Function::read(name, arguments.region.clone()).await?;
        let mut config = settings(&function, config).await?;
        config.unlock().await;
        check_up(arguments, &config, Some(&function), voice).await
    })
}

/// What a function runs with: the settings that it names, or a copy of them, and its environment over them.
async fn settings(function: &Function, copy: Option<&Path>) -> Result<Config> {
    let (text, name) = match copy {
        Some(path) => {
            let name = path.display().to_string();
            (fs::read_to_string(path).with_context(|| format!("reading the settings {name}"))?, name)
        }
        None => function.settings().await?.unwrap_or_default(),
    };
    Config::read(&text, &name, function.variables.clone().into_iter())
}

async fn check_up(arguments: &Arguments, config: &Config, function: Option<&Function>, voice: Voice) -> Result<Status> {
    let parts: Vec<Part> =
        Part::ALL.into_iter().filter(|part| arguments.only.is_empty() || arguments.only.contains(part)).collect();
    let is_asked = parts.iter().any(|part| part.needs_accounts());
    let (signed, why) =
        if arguments.offline || !is_asked { (None, None) } else { sign_in(config, function.is_some()).await };
    let Signed { live, caller, regions, listed, problems } = signed.unwrap_or_default();
    let room = Room {
        config,
        live: live.as_ref(),
        caller,
        function,
        unreached: why.clone(),
        is_offline: arguments.offline,
        regions,
        listed,
        problems,
        place: state::place(config).map_err(|error| format!("{error:#}")),
        scopes: &slack::SCOPES,
        clock: now,
    };
    let checks = examine(&room, &parts).await;
    print(&checks, arguments.format, voice)?;
    if function.is_none() && parts.contains(&Part::Rights) && !arguments.offline && arguments.format == Format::Table {
        voice.remark("The rights are those of the caller; --function NAME examines a function of Lambda.");
    }
    if let Some(why) = why {
        bail!("AWS could not be asked, so that most was not checked: {why}");
    }
    let fails = checks.iter().any(|(_, check)| check.is_failure());
    Ok(if fails { Status::Found } else { Status::Quiet })
}

/// What signing in came to.
#[derive(Default)]
struct Signed {
    live: Option<Live>,
    /// As whom AWS knows the credentials.
    caller: Option<String>,
    /// The regions of each account, those that AWS itself listed, and what could not be had.
    regions: Regions,
    listed: Regions,
    problems: Vec<Problem>,
}

/// Signs in to all accounts and lists their regions, whichever the settings name; else why not.
///
/// Roles in other accounts trust a function, and not whoever examines it: those accounts are not asked then.
async fn sign_in(config: &Config, is_function: bool) -> (Option<Signed>, Option<String>) {
    let signed = async {
        let mut config = config.clone();
        if is_function {
            config.accounts.retain(|account| account.role.is_none());
        }
        let mut wanted = wanted(&config)?;
        // All that are enabled, to see which of them nobody watches.
        wanted.regions = None;
        let live = Live::connect(wanted).await?;
        let home = live.home();
        let (found, caller) = tokio::join!(live.regions(), doctor::caller(&home));
        let problems = found.batches.into_iter().flat_map(|batch| batch.problems).collect();
        anyhow::Ok(Signed { live: Some(live), caller: caller.ok(), regions: found.all, listed: found.real, problems })
    };
    match tokio::time::timeout(SIGN_IN, signed).await {
        Ok(Ok(signed)) => (Some(signed), None),
        Ok(Err(error)) => (None, Some(format!("{error:#}"))),
        Err(_) => (None, Some(format!("no answer within {} s", SIGN_IN.as_secs()))),
    }
}

fn print(checks: &[(Part, Check)], format: Format, voice: Voice) -> Result<()> {
    let mut out = io::stdout().lock();
    let count = |found: Found| checks.iter().filter(|(_, check)| check.found == found).count();
    let (works, fails, notes) = (count(Found::Works), count(Found::Fails), count(Found::Note));
    match format {
        Format::Table => {
            for (_, check) in checks {
                writeln!(out, "{}", painted(check, voice))?;
            }
            voice.remark(&format!("{works} work, {fails} fail, {notes} to note"));
        }
        Format::Json => {
            let all: Vec<Value> = checks.iter().map(|(part, check)| of_part(*part, check.json())).collect();
            let summary = json!({ "works": works, "fails": fails, "notes": notes, "checks": all });
            writeln!(out, "{summary:#}")?;
        }
    }
    Ok(())
}

fn of_part(part: Part, mut check: Value) -> Value {
    if let Some(fields) = check.as_object_mut() {
        fields.insert("part".to_owned(), json!(part.as_str()));
    }
    check
}

/// The first word in its colour, on a terminal.
fn painted(check: &Check, voice: Voice) -> String {
    let line = check.line();
    let look = voice.look();
    let (word, rest) = line.split_at_checked(5).unwrap_or((&line, ""));
    let style = match check.found {
        Found::Works => console::Style::new().green(),
        Found::Fails => console::Style::new().red().bold(),
        Found::Note => console::Style::new().dim(),
    };
    format!("{}{rest}", style.force_styling(look.color).apply_to(word))
}
