//! `stakeout state`: the memory of a watch, out of one store and into another.

mod format;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

use super::{Status, Voice, now, output};
use crate::config::{Config, StatePlace};
use crate::model::counted;
use crate::store::{AnyStore, Place, transfer};

pub(super) use format::{is_export, read};

/// Export and import what a watch remembers: cursors, baseline, incidents, journal.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Write everything as NDJSON, the same whatever the store is.
    ///
    /// It names principals and addresses of the account: keep it as you keep logs.
    Export {
        /// Write to a file.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Read an export into a store that is empty.
    ///
    /// The journal is verified first, and nothing is written when it is broken.
    Import {
        /// What `state export` wrote.
        file: PathBuf,
        /// Discard the state that is there.
        #[arg(long)]
        replace: bool,
    },
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let place = place(&Config::load(config)?)?;
    match &arguments.action {
        Action::Export { output } => export(&place, output.as_deref(), voice),
        Action::Import { file, replace } => import(&place, file, *replace, voice),
    }
}

fn export(place: &Place, output: Option<&Path>, voice: Voice) -> Result<Status> {
    let items = block_on(async {
        let store = open_existing(place).await?;
        Ok(transfer::export(&store).await?)
    })?;
    if items.is_empty() {
        bail!("{place}: there is no state yet");
    }
    output::to(output, voice, |_, _, out| format::write(&items, out))?;
    voice.remark(&format!("{place}: {}", counted(items.len(), "item")));
    Ok(Status::Quiet)
}

fn import(place: &Place, file: &Path, replace: bool, voice: Voice) -> Result<Status> {
    let name = || file.display().to_string();
    let bytes = fs::read(file).with_context(name)?;
    let items = read(&bytes).with_context(name)?;
    let verified = block_on(async {
        transfer::check(&items).with_context(name)?;
        let store = AnyStore::open(place).await?;
        let holder = format!("import by process {}", std::process::id());
        transfer::import(store, &items, replace, &holder, now()).await.with_context(|| place.to_string())
    })?;
    let (items, lines) = (counted(items.len(), "item"), counted(verified.lines, "journal line"));
    voice.remark(&format!("{place}: {items}, {lines}"));
    Ok(Status::Quiet)
}

/// Opens a state for a command that only reads: none is made.
///
/// # Errors
/// No state, or a store that cannot be opened.
pub(super) async fn open_existing(place: &Place) -> Result<AnyStore> {
    if place.is_missing() {
        bail!("{place}: there is no state yet");
    }
    Ok(AnyStore::open(place).await?)
}

/// Where the settings keep the state.
///
/// # Errors
/// An environment that names no home.
pub(super) fn place(config: &Config) -> Result<Place> {
    Ok(match config.state_place()? {
        StatePlace::File(path) => Place::File(path),
        StatePlace::Table(name) => Place::Table { name, region: None },
    })
}

/// Runs what waits for a store.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start to wait for the state")?.block_on(work)
}
