//! `stakeout plan`: what is to be done about an incident, and what that would break.

use std::path::Path;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::watch::setup::{holder, wanted};
use super::{Status, Voice, incidents, now, output, person, state};
use crate::config::Config;
use crate::contain::compile::Wanted;
use crate::contain::subject::Hold;
use crate::model::plan::{Class, Plan};
use crate::report::Format;
use crate::report::plan::Telling;
use crate::respond::{self, Ask, Responder};
use crate::source::live::Live;
use crate::store::{AnyStore, State};

/// Plan what to do about an incident: every step with its target, its undo, and what it would break.
///
/// Reads how things are and changes nothing. The plan is stored under its digest: an approval names that digest, and is
/// void when the plan, or what it is about, changes.
///
/// Exit status: 0 done, 2 there is no such incident, or it could not be planned.
#[derive(Args)]
pub(super) struct Arguments {
    /// The incident's id, or how it begins.
    id: String,
    /// Follow only this playbook. May be given several times. [default: all that contain]
    #[arg(long, value_name = "NAME")]
    playbook: Vec<String>,
    /// Cut less off of a user with work of its own, where it was the way in.
    #[arg(long, value_enum, value_name = "WAY", conflicts_with = "undo")]
    narrow: Option<Narrow>,
    /// Plan to take back what was done.
    #[arg(long, conflicts_with = "playbook")]
    undo: bool,
    /// Take back only this step.
    #[arg(long, value_name = "N", requires = "undo")]
    step: Option<u32>,
    /// Also make the keys active again that the incident names.
    #[arg(long, requires = "undo")]
    reactivate_keys: bool,
    /// Who asks for it, for the journal [default: the user of the operating system].
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// How to write it: table, json, ndjson or markdown [default: table on a terminal, else json].
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// A narrower way.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Narrow {
    /// Only the keys that the incident names. Sessions that they minted live on.
    Key,
    /// Only sessions that began before now. Keys live on.
    Sessions,
    /// Everything that does not come from the usual networks.
    Network,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let mut config = Config::load(config)?;
    state::block_on(async {
        config.unlock().await;
        let mut state = incidents::open(&config).await?;
        let (id, known) = incidents::find(&state, &arguments.id)?;
        let desk = Desk::new(&config, arguments.name.as_deref()).await?;
        let wanted = Wanted { step: arguments.step, reactivate_keys: arguments.reactivate_keys };
        let narrow = arguments.narrow.map(|narrow| match narrow {
            Narrow::Key => Hold::Credentials,
            Narrow::Sessions => Hold::OldSessions,
            Narrow::Network => Hold::Networks,
        });
        let ask = Ask { playbooks: arguments.playbook.clone(), narrow, undo: arguments.undo.then_some(wanted) };
        let plan = respond::plan(&mut state, &desk.responder(&config), &id, &ask).await?;
        tell(&config, &state, (&known.title, &plan), None, arguments.format, voice)
    })?;
    Ok(Status::Quiet)
}

/// Whoever decides, and the accounts.
pub(super) struct Desk {
    live: Live,
    person: crate::model::approval::Person,
}

impl Desk {
    /// Signs in.
    ///
    /// # Errors
    /// Accounts that cannot be reached.
    pub(super) async fn new(config: &Config, name: Option<&str>) -> Result<Self> {
        Ok(Self { live: Live::connect(wanted(config)?).await?, person: person::here(name).await? })
    }

    pub(super) fn responder<'r>(&'r self, config: &'r Config) -> Responder<'r> {
        Responder { live: &self.live, config, person: self.person.clone(), holder: holder(), clock: now }
    }
}

/// Writes a plan with its record.
pub(super) fn tell(
    config: &Config,
    state: &State<AnyStore>,
    (title, plan): (&str, &Plan),
    result: Option<&crate::report::plan::Result>,
    format: Option<Format>,
    voice: Voice,
) -> Result<()> {
    let planned = state.head().watch.plans.get(&plan.digest);
    let quorum = &config.approval.quorum;
    let people_needed = match plan.class() {
        Class::R0 => 0,
        Class::R1 => quorum.r1,
        Class::R2 => quorum.r2,
        Class::R3 => quorum.r3,
    };
    let telling = Telling { title, plan, planned, people_needed, result };
    output::to(None, voice, |look, is_terminal, out| {
        let usual = if is_terminal { Format::Table } else { Format::Json };
        telling.write(format.unwrap_or(usual), look, out)
    })
}
