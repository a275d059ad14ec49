//! `stakeout journal`: the record of what happened, and whether it is the one that was written.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use super::{Status, Voice, state};
use crate::config::Config;
use crate::journal::{Broken, Line, Tip, Verified, verify};
use crate::model::counted;
use crate::store::{State, StateError, transfer};

/// Letters of a hash that a person compares.
const SHOWN: usize = 12;

/// Show and verify the record of incidents, decisions and changes.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Find a line that was changed, moved, repeated, left out or cut off.
    ///
    /// Exits 1 with the line when there is one. Who can write the whole state can also write a whole new journal: keep a
    /// hash elsewhere from time to time, and ask for it with --tip.
    Verify {
        /// What `journal show` or `state export` wrote [default: the state].
        file: Option<PathBuf>,
        /// Demand that a line with this hash is in the journal.
        #[arg(long, value_name = "HASH")]
        tip: Option<String>,
    },
    /// Print lines as NDJSON.
    Show {
        /// Only those about one incident.
        #[arg(long, value_name = "ID")]
        incident: Option<String>,
    },
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    match &arguments.action {
        Action::Verify { file, tip } => told(verified(file.as_deref(), tip.as_deref(), config), voice),
        Action::Show { incident } => show(incident.as_deref(), config),
    }
}

/// Verifies a file or the state.
fn verified(file: Option<&Path>, anchor: Option<&str>, config: Option<&Path>) -> Result<Verified> {
    let (lines, tip) = match file {
        Some(file) => of_file(file).with_context(|| file.display().to_string())?,
        None => of_state(config).map(|(lines, tip)| (lines, Some(tip)))?,
    };
    let verified = verify(&lines, tip.as_ref())?;
    if let Some(anchor) = anchor.map(str::trim) {
        // Shorter beginnings could be made to fit.
        if anchor.len() != verified.tip.hash.len() {
            bail!("--tip takes a whole hash of {} letters", verified.tip.hash.len());
        }
        if !lines.iter().any(|line| line.hash.eq_ignore_ascii_case(anchor)) {
            let why = format!("is not the journal that the hash {anchor} is of: no line carries it");
            return Err(Broken { seq: verified.tip.seq, why }.into());
        }
    }
    Ok(verified)
}

/// Says what verifying came to.
fn told(result: Result<Verified>, voice: Voice) -> Result<Status> {
    let verified = match result {
        Ok(verified) => verified,
        Err(error) if is_broken(&error) => {
            super::complain(&format!("journal broken: {error:#}"));
            return Ok(Status::Found);
        }
        Err(error) => return Err(error),
    };
    let lines = counted(verified.lines, "line");
    let span = match (&verified.first, &verified.last) {
        (Some(first), Some(last)) => format!(" from {first} to {last}"),
        _ => String::new(),
    };
    let line = format!("journal: {lines}{span}, unbroken; tip {}", verified.tip.hash);
    writeln!(io::stdout(), "{}", crate::model::escape::terminal(&line))?;
    let short: String = verified.tip.hash.chars().take(SHOWN).collect();
    voice.remark(&format!("keep the tip ({short}...) elsewhere; --tip asks for it later"));
    Ok(Status::Quiet)
}

/// Whether it is the journal that is wrong, and not the way to it.
fn is_broken(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Broken>().is_some()
        || matches!(error.downcast_ref::<StateError>(), Some(StateError::Damaged { .. }))
}

fn of_state(config: Option<&Path>) -> Result<(Vec<Line>, Tip)> {
    let place = state::place(&Config::load(config)?)?;
    state::block_on(async {
        let state = State::open(state::open_existing(&place).await?).await?;
        Ok(state.journal().await?)
    })
}

/// The lines of a file, and their end where the file says it.
fn of_file(file: &Path) -> Result<(Vec<Line>, Option<Tip>)> {
    let bytes = fs::read(file)?;
    if state::is_export(&bytes) {
        let (lines, tip) = transfer::journal(&state::read(&bytes)?)?;
        return Ok((lines, Some(tip)));
    }
    let read = |(number, line): (usize, &[u8])| {
        serde_json::from_slice::<Line>(line).with_context(|| format!("line {} is none of a journal", number + 1))
    };
    let rows = bytes.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty());
    let (mut lines, mut odd) = (Vec::new(), None);
    for (place, row) in rows.enumerate() {
        match read(row) {
            Ok(line) => lines.push(line),
            Err(error) => odd = odd.or(Some((place, error))),
        }
    }
    match odd {
        // One odd line among good ones is damage; a file of something else is a mistake.
        Some((place, error)) if !lines.is_empty() => {
            Err(Broken { seq: place as u64 + 1, why: format!("cannot be read: {error:#}") }.into())
        }
        Some((_, error)) => Err(error),
        None => Ok((lines, None)),
    }
}

fn show(incident: Option<&str>, config: Option<&Path>) -> Result<Status> {
    let (lines, _) = of_state(config)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in lines.iter().filter(|line| incident.is_none() || line.incident.as_deref() == incident) {
        writeln!(out, "{}", serde_json::to_string(line)?)?;
    }
    out.flush()?;
    Ok(Status::Quiet)
}
