//! Everything that a message about an incident shows. A message is a view: the same card is the same message.

use std::collections::BTreeMap;

use crate::model::Incident;
use crate::model::approval::Planned;
use crate::model::plan::Plan;
use crate::store::watched::{Closed, Known};

/// What a message shows.
pub(crate) struct Card<'c> {
    /// With the status of the record.
    pub incident: &'c Incident,
    /// Of the record; its revision is what a button that closes names.
    pub revision: u32,
    pub closed: Option<&'c Closed>,
    /// What people call the accounts, by id.
    pub account_names: &'c BTreeMap<String, String>,
    /// The plan that waits for people, or runs; else none.
    pub plan: Option<Shown<'c>>,
    /// The plan that came to its end last.
    pub last: Option<Shown<'c>>,
    /// Why no plan could be made.
    pub unplanned: Option<&'c str>,
    /// Why a plan that was approved did not begin to run.
    pub stuck: Option<&'c str>,
    /// Something that was done can be taken back.
    pub can_undo: bool,
    /// Somebody is named who decides in Slack.
    pub has_deciders: bool,
    /// Whoever asked for a plan may approve it.
    pub self_approval: bool,
    pub mark: Mark,
}

/// A plan with its record.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'c> {
    pub plan: &'c Plan,
    pub planned: &'c Planned,
    /// People that must agree in all.
    pub people_needed: u32,
    /// How many of those who agreed count.
    pub people_agreed: u32,
}

/// Whether it is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    #[default]
    Real,
    /// A drill: nothing of it happened, and its buttons do nothing.
    Drill,
    /// A test of the settings.
    Test,
}

impl<'c> Card<'c> {
    /// A card of the record alone, without a plan.
    pub(crate) fn new(incident: &'c Incident, known: &'c Known, account_names: &'c BTreeMap<String, String>) -> Self {
        Self {
            incident,
            revision: known.revision,
            closed: known.closed.as_ref(),
            account_names,
            plan: None,
            last: None,
            unplanned: None,
            stuck: None,
            can_undo: false,
            has_deciders: true,
            self_approval: true,
            mark: Mark::Real,
        }
    }
}
