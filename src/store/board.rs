//! What Slack shows: one message for each incident, which is a view of the record and is corrected until it agrees.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::lease::Lease;
use crate::event::Seconds;

/// The part of the head about Slack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Board {
    /// Who posts. Nobody else does meanwhile, so that nothing is said twice.
    pub lease: Option<Lease>,
    /// Messages by incident.
    pub posts: BTreeMap<String, Post>,
    /// Channels that failed, by id: each is left alone for a while.
    pub pauses: BTreeMap<String, Pause>,
    /// Presses that were decided lately, by id, the oldest first: what hands them on may do so again.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    pub decided: VecDeque<String>,
}

/// Presses that are remembered, of which the head has to hold all.
const MOST_DECIDED: usize = 200;

impl Board {
    /// Remembers that a press was decided.
    pub(crate) fn note_decided(&mut self, id: &str) {
        self.decided.push_back(id.to_owned());
        while self.decided.len() > MOST_DECIDED {
            self.decided.pop_front();
        }
    }

    /// Whether a press was decided lately.
    pub(crate) fn is_decided(&self, id: &str) -> bool {
        self.decided.iter().any(|known| known == id)
    }
}

/// A channel that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    /// Nothing is said in it before this time: Slack asked for that, or it failed.
    pub until: Seconds,
    /// Failures since the last call that went well.
    pub failures: u32,
}

/// The message of one incident.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Post {
    /// The id of the channel that it is in.
    pub channel: String,
    /// Slack's name for the message; none: it is not known to have arrived.
    pub ts: Option<String>,
    /// When it was posted for the first time, also where no answer came: it may be there.
    pub tried: Option<Seconds>,
    /// It was tried before and no answer came: it is looked for first.
    pub sought: bool,
    /// A digest of the record that it shows.
    pub shown: String,
    /// When it was posted or changed last.
    pub said: Option<Seconds>,
    /// When it could not be changed, since it was posted or changed last.
    pub failed: Option<Seconds>,
    /// It was gone once and was posted anew: a person who removes it again means it.
    pub again: bool,
    /// The revision of the incident that a plan was made for.
    pub planned: Option<u32>,
    /// Why no plan could be made for that revision.
    pub unplanned: Option<String>,
    /// Why a plan that was approved did not begin to run.
    pub stuck: Option<String>,
}
