//! `stakeout incidents`, `show` and `close`: what a watch knows, and what a person decided.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Status, Voice, now, output, person, state};
use crate::approve::Answer;
use crate::config::Config;
use crate::event::time;
use crate::model::Status as Stage;
use crate::model::approval::Person;
use crate::model::escape::terminal;
use crate::report::Format;
use crate::respond;
use crate::store::watched::{Closed, Known, Resolution};
use crate::store::{AnyStore, Head, State};
use crate::watch::incident;

/// List the incidents that a watch knows: the open ones, or all.
///
/// Exit status: 0 done, 2 there is no state.
#[derive(Args)]
pub(super) struct List {
    /// Closed ones too.
    #[arg(long)]
    all: bool,
    /// How to write them: table, ndjson or json.
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// Tell one incident, with its findings and what to do next.
///
/// Exit status: 0 done, 2 there is no such incident.
#[derive(Args)]
pub(super) struct Show {
    /// The incident's id, or how it begins.
    id: String,
    /// How to write it [default: table on a terminal, else ndjson].
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Close an incident, with what it was and why.
///
/// What its principals did counts as usual again, unless it was contained. When it goes on in a new way within seven
/// days, it opens again.
///
/// Exit status: 0 done, 2 there is no such incident, or it is closed.
#[derive(Args)]
pub(super) struct Close {
    /// The incident's id, or how it begins.
    id: String,
    /// What it was.
    #[arg(long = "as", value_enum)]
    resolution: What,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Who decided [default: the user of the operating system].
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// What an incident was.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// It did not happen.
    FalsePositive,
    /// It happened, and it is all right.
    Benign,
    /// It happened, and it is cut off.
    Contained,
}

pub(super) fn list(arguments: &List, config: Option<&Path>) -> Result<Status> {
    let state = state::block_on(open(&Config::load(config)?))?;
    let mut known: Vec<_> = state.head().watch.incidents.iter().collect();
    known.retain(|(_, known)| arguments.all || known.status != Stage::Closed);
    known.sort_by_key(|(id, known)| (std::cmp::Reverse(known.opened_at), id.to_owned()));
    let mut out = io::stdout().lock();
    let values: Vec<_> = known.iter().map(|(id, known)| value(id, known)).collect();
    match arguments.format {
        Format::Json => writeln!(out, "{:#}", json!({ "schema": "stakeout/1", "incidents": values }))?,
        Format::Ndjson => values.iter().try_for_each(|value| writeln!(out, "{value}"))?,
        Format::Table => {
            if known.is_empty() {
                writeln!(out, "No {}incidents.", if arguments.all { "" } else { "open " })?;
            }
            for (id, known) in known {
                let (level, at) = (known.level.as_str(), time::format(known.opened_at));
                let line = format!("{id}  {level:<8}  {:<6}  {at}  {}", known.status.as_str(), known.title);
                writeln!(out, "{}", terminal(&line))?;
            }
        }
        Format::Markdown | Format::Csv => bail!("a list of incidents is written as table, ndjson or json"),
    }
    Ok(Status::Quiet)
}

fn value(id: &str, known: &Known) -> serde_json::Value {
    json!({
        "id": id,
        "title": known.title,
        "level": known.level.as_str(),
        "status": known.status.as_str(),
        "opened_at": time::format(known.opened_at),
        "last_event": time::format(known.last_event),
        "merged_into": known.merged_into,
        "closed": known.closed,
    })
}

pub(super) fn show(arguments: &Show, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let (known, mut told) = state::block_on(async {
        let state = open(&Config::load(config)?).await?;
        let (id, known) = find(&state, &arguments.id)?;
        Ok((known, incident(&state, &id).await?.with_context(|| format!("{id} is not stored"))?))
    })?;
    told.incident.status = known.status;
    told.incident.merged_into.clone_from(&known.merged_into);
    if let Some(closed) = &known.closed {
        let Closed { at, resolution, by, why } = closed;
        voice.remark(&format!("closed as {} by {by} at {}: {why}", resolution.as_str(), time::format(*at)));
    }
    let report = told.report();
    output::to(None, voice, |look, is_terminal, out| {
        let usual = if is_terminal { Format::Table } else { Format::Ndjson };
        report.write(arguments.format.unwrap_or(usual), look, out)
    })?;
    Ok(Status::Quiet)
}

pub(super) fn close(arguments: &Close, config: Option<&Path>, voice: Voice) -> Result<Status> {
    if arguments.why.trim().is_empty() {
        bail!("--why wants a reason");
    }
    let resolution = match arguments.resolution {
        What::FalsePositive => Resolution::FalsePositive,
        What::Benign => Resolution::Benign,
        What::Contained => Resolution::Contained,
    };
    let user = person::os_user();
    let by = arguments.by.clone().unwrap_or_else(|| user.clone());
    let closed = Closed { at: now(), resolution, by, why: arguments.why.clone() };
    let person = Person { name: closed.by.clone(), os_user: user, caller: None, slack: None };
    let id = state::block_on(async {
        let mut state = open(&Config::load(config)?).await?;
        let (id, _) = find(&state, &arguments.id)?;
        let mut said = None;
        let change = |head: &mut Head| {
            let Answer { said: answer, entries } = respond::close(&mut head.watch, &id, &closed, &person, None);
            said = Some(answer);
            entries
        };
        state.append(closed.at, change).await?;
        said.context("the state did not answer")?.map_err(anyhow::Error::msg)?;
        Ok(id)
    })?;
    voice.remark(&format!("{id} is closed as {}", resolution.as_str()));
    Ok(Status::Quiet)
}

/// The state that the settings name.
///
/// # Errors
/// No state, or one that cannot be opened.
pub(super) async fn open(config: &Config) -> Result<State<AnyStore>> {
    let place = state::place(config)?;
    Ok(State::open(state::open_existing(&place).await?).await?)
}

/// The incident whose id begins with a text.
///
/// # Errors
/// None such, or several.
pub(super) fn find(state: &State<AnyStore>, start: &str) -> Result<(String, Known)> {
    let incidents = &state.head().watch.incidents;
    if let Some(known) = incidents.get(start) {
        return Ok((start.to_owned(), known.clone()));
    }
    let is_meant = |id: &&String| id.starts_with(start) || id.trim_start_matches("inc-").starts_with(start);
    let found: Vec<_> = incidents.keys().filter(is_meant).collect();
    match found.as_slice() {
        [id] => Ok(((*id).clone(), incidents[*id].clone())),
        [] => bail!("{start}: there is no such incident; `stakeout incidents --all` lists them"),
        _ => bail!("{start}: {} incidents begin so", found.len()),
    }
}
