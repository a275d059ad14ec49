//! What Cost Explorer says, kept in a folder.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cli::{Voice, now};
use crate::config::{Config, state_folder};
use crate::source::explorer::{Cache, Explorer, Patience, Policy, poll};
use crate::source::{Bills, read_bills};

/// The folder beside the state.
///
/// # Errors
/// An environment that names no home.
pub(super) fn folder() -> Result<PathBuf> {
    Ok(state_folder().context("neither HOME nor XDG_STATE_HOME is set")?.join("cost"))
}

/// Asks Cost Explorer for what is due, where the settings say so, and reads what is there.
pub(super) async fn bills(config: &Config, voice: Voice) -> Bills {
    if !config.sources.cost_explorer {
        return Bills::default();
    }
    let read = async {
        let folder = folder()?;
        ask(config, &folder, voice).await?;
        known(&folder)
    };
    told(read.await)
}

/// Bills, or why there are none.
pub(in crate::cli) fn told(bills: Result<Bills>) -> Bills {
    bills.unwrap_or_else(|error| {
        crate::cli::complain(&format!("stakeout: costs: {error:#}"));
        Bills::default()
    })
}

/// Asks Cost Explorer for what is due. Says whether it asked for anything.
///
/// # Errors
/// A folder that cannot be used.
pub(in crate::cli) async fn ask(config: &Config, folder: &Path, voice: Voice) -> Result<bool> {
    let mut cache = Cache::open(folder, None)?;
    let policy = Policy { budget: config.sources.cost_budget.unwrap_or(Policy::DEFAULT_BUDGET), account: None };
    let at = now();
    let plan = policy.plan(cache.history(), at, None);
    if plan.queries.is_empty() {
        return Ok(false);
    }
    let mut patience = Patience { sleep: |wait: Duration| tokio::time::sleep(wait), random: fastrand::f64 };
    let polled = poll(&Explorer::connect().await, &mut cache, &policy, &plan, at, &mut patience).await;
    polled.problems.iter().for_each(|(what, why)| voice.remark(&format!("{}: {why}", what.key())));
    Ok(true)
}

/// What is known, without asking.
///
/// # Errors
/// A folder that cannot be read.
pub(in crate::cli) fn known(folder: &Path) -> Result<Bills> {
    Ok(read_bills(&[folder.display().to_string()], 1 << 30)?)
}
