//! Slack: one message for each incident, that a person can act on.
//!
//! - `card`: everything that a message shows; `words` makes blocks of it
//! - `workspace`: what is asked of Slack; `client` asks it
//!
//! Nothing here remembers or decides anything: what is shown when is the flow's.

pub(crate) mod card;
pub(crate) mod client;
pub(crate) mod words;
pub(crate) mod workspace;

use crate::config;

/// The channels as messages that are due name them; none where Slack is not set up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Incidents, and gaps in what is seen.
    pub incidents: Option<String>,
    /// Notices, and the digest of a day.
    pub notices: Option<String>,
}

impl Names {
    /// Of the settings: Slack is set up where a channel and a token are named.
    pub(crate) fn of(settings: &config::Slack) -> Self {
        let is_set_up = settings.token.is_some();
        let named = |channel: &Option<config::ChannelId>, kind: &str| {
            channel.as_ref().filter(|_| is_set_up).map(|id| format!("{kind}:{}", id.as_str()))
        };
        Self { incidents: named(&settings.channel, "slack"), notices: named(&settings.notices, "slack-notices") }
    }

    /// Whether a message that is due on a channel goes to Slack.
    pub(crate) fn has(&self, channel: &str) -> bool {
        [&self.incidents, &self.notices].into_iter().any(|name| name.as_deref() == Some(channel))
    }
}
