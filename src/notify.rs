//! Who is told: one message, several channels, each tried until it has it.
//!
//! A channel says whether a message arrived. When it is tried again is `schedule`'s word, and keeping that is the
//! flow's: nothing here remembers anything. `text` has the words, `body` the JSON, both the same for every channel.

mod body;
mod file;
pub(crate) mod heartbeat;
mod http;
pub(crate) mod metrics;
pub(crate) mod schedule;
pub(crate) mod slack;
mod sns;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod webhook;

use std::collections::BTreeMap;

use crate::config;
use crate::event::Seconds;
use crate::model::{Finding, Incident, What, chain};

/// One thing to say. Made by the flow anew for each attempt: key and news are the same, the record is the latest.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// Idempotency: incident and revision, or the gap in what is seen. The same for every attempt and every channel.
    pub key: String,
    pub what: What,
    /// As it is known at this attempt. None where a gap in what is seen belongs to no incident.
    pub incident: Option<Incident>,
    /// The incident's findings, or those that the message is about.
    pub findings: Vec<Finding>,
    /// What people call the accounts, by id.
    pub account_names: BTreeMap<String, String>,
    /// What is new, in sentences.
    pub changes: Vec<String>,
    /// The hash of the journal's last line at this attempt: an anchor outside of the machine.
    pub journal: String,
}

/// Why a message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub(crate) struct Undelivered {
    pub why: String,
    /// How long the receiver asks to be left alone, an hour at most.
    pub retry_after: Option<Seconds>,
    /// The receiver does not want this message; it is not sent again.
    pub is_final: bool,
    /// The message that was to be changed or answered is not there any more.
    pub is_gone: bool,
    /// What the receiver has against this message, where it has something against it: others may arrive meanwhile.
    pub refused: Option<Refused>,
}

/// What a receiver has against one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// How it is laid out: its text alone may arrive.
    Layout,
    /// Something else.
    Message,
}

impl Undelivered {
    /// What may pass.
    pub(crate) fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), retry_after: None, is_final: false, is_gone: false, refused: None }
    }

    /// What will not.
    pub(crate) fn last(why: impl Into<String>) -> Self {
        Self { is_final: true, ..Self::passing(why) }
    }

    /// What will not, because the message that it is about is gone.
    pub(crate) fn gone(why: impl Into<String>) -> Self {
        Self { is_gone: true, ..Self::last(why) }
    }
}

/// A way to tell somebody.
pub(crate) enum Channel {
    Terminal(terminal::Terminal),
    File(file::File),
    Webhook(webhook::Webhook),
    Sns(sns::Sns),
    /// One whose secret or URL is not there. What is due on it waits for it.
    Unusable {
        name: String,
        why: String,
    },
}

impl Channel {
    /// The channels of the settings, and what is wrong with those that cannot be used. Sends nothing.
    ///
    /// A channel without its secret is a problem to tell through the others, and no reason for a pass not to run. It
    /// stays among the channels under the name that it has with its secret, so that its messages wait for it.
    pub(crate) async fn all(settings: &config::Notify) -> (Vec<Self>, Vec<String>) {
        let (mut channels, problems) = ways("notify", settings.file.as_ref(), &settings.webhook, &settings.sns).await;
        if settings.terminal {
            channels.insert(0, Self::Terminal(terminal::Terminal));
        }
        (channels, problems)
    }

    /// The same for notices.
    pub(crate) async fn of_notices(settings: &config::Notices) -> (Vec<Self>, Vec<String>) {
        ways("notify.notices", settings.file.as_ref(), &settings.webhook, &settings.sns).await
    }

    /// What the journal calls it; the same in every run with the same settings.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Terminal(_) => "terminal".to_owned(),
            Self::File(file) => file.name(),
            Self::Webhook(webhook) => webhook.name().to_owned(),
            Self::Sns(sns) => sns.name(),
            Self::Unusable { name, .. } => name.clone(),
        }
    }

    /// Tells it. `now` is the time of this attempt, and not of the message: a signature carries it.
    ///
    /// # Errors
    /// Where it did not arrive, or may not have.
    pub(crate) async fn deliver(&self, message: &Message, now: Seconds) -> Result<(), Undelivered> {
        match self {
            Self::Terminal(terminal) => terminal.deliver(message),
            Self::File(file) => file.deliver(message).await,
            Self::Webhook(webhook) => webhook.deliver(message, now).await,
            Self::Sns(sns) => sns.deliver(message).await,
            Self::Unusable { why, .. } => Err(Undelivered::passing(why.as_str())),
        }
    }
}

/// The channels of one section, and what is wrong with those that cannot be used.
async fn ways(
    section: &str,
    file: Option<&config::File>,
    webhooks: &[config::Webhook],
    topics: &[config::Sns],
) -> (Vec<Channel>, Vec<String>) {
    let mut channels: Vec<Channel> = Vec::new();
    let mut problems = Vec::new();
    channels.extend(file.map(|file| Channel::File(file::File::new(file.path.clone()))));
    for (number, webhook) in webhooks.iter().enumerate() {
        match webhook::Webhook::new(webhook) {
            Ok(webhook) => channels.push(Channel::Webhook(webhook)),
            Err(why) => {
                problems.push(format!("{section}.webhook.{number}: {why}"));
                channels.push(Channel::Unusable { name: webhook::name(webhook), why });
            }
        }
    }
    for sns in topics {
        channels.push(Channel::Sns(sns::Sns::connect(&sns.topic).await));
    }
    (channels, problems)
}
