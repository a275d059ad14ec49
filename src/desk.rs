//! A conversation: what Slack shows, and what a click does. The record is the journal; a message is a view of it, which is
//! corrected until it agrees.
//!
//! - `shown`: pure: what of the record a message shows, and which plans are wanted or may run
//! - `next`: pure: what is to be said next
//! - `sync`: says it, so that nothing is said twice or lost; `hold` is who may, and how long to wait after a failure
//! - `render`: words of the record; `people`: who somebody in Slack is
//! - `clicks`: what was pressed becomes decisions, all that wait at once; `judge`: pure: what becomes of one
//! - `work`: plans that are made and run; `keep`: everything side by side, for as long as a process lasts
//!   or until nothing is left to do

mod clicks;
mod hold;
mod judge;
mod keep;
mod next;
mod people;
mod render;
mod shown;
mod sync;
#[cfg(test)]
mod tests;
mod work;

use std::collections::BTreeMap;

use crate::config::Config;
use crate::event::Seconds;
use crate::notify::slack::Names;
use crate::store::watched::Watched;
use people::Groups;

pub(crate) use keep::{Hours, Office, catch_up, keep, shift};
pub(crate) use sync::sync;

/// What a conversation is held with.
pub(crate) struct Desk<'d, W> {
    pub workspace: &'d W,
    pub config: &'d Config,
    pub names: Names,
    /// What people call the accounts, by id.
    pub account_names: BTreeMap<String, String>,
    /// Which process this is.
    pub holder: String,
    pub clock: fn() -> Seconds,
    groups: Groups,
}

/// Whether the record wants something said in Slack, or a plan made or run, at a time.
pub(crate) fn is_wanted(watched: &Watched, names: &Names, now: Seconds) -> bool {
    let is_said = matches!(next::next(watched, names, now), next::Next::Rest(_));
    !is_said || !shown::unplanned(watched).is_empty() || !shown::runnable(watched, now).is_empty()
}

impl<'d, W> Desk<'d, W> {
    /// As the settings name channels and people.
    pub(crate) fn new(
        workspace: &'d W,
        config: &'d Config,
        account_names: BTreeMap<String, String>,
        holder: String,
        clock: fn() -> Seconds,
    ) -> Self {
        let names = Names::of(&config.slack);
        Self { workspace, config, names, account_names, holder, clock, groups: Groups::default() }
    }

    fn now(&self) -> Seconds {
        (self.clock)()
    }
}
