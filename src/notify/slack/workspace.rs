//! What is asked of Slack. One trait, so that a flow can be tried on a workspace that fails as Slack does.

use super::words::Words;
use crate::event::Seconds;
use crate::notify::Undelivered;

/// A place for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot<'s> {
    /// The channel's id.
    pub channel: &'s str,
    /// The message whose thread it is; none: the channel itself.
    pub thread: Option<&'s str>,
}

/// A Slack workspace, as an app with a bot token may use it.
pub(crate) trait Workspace {
    /// Posts a message, and returns Slack's name for it (`ts`).
    ///
    /// # Errors
    /// It did not arrive, or no answer came and it may have.
    async fn post(&self, spot: Spot<'_>, words: &Words) -> Result<String, Undelivered>;

    /// Puts other words in a message's place.
    ///
    /// # Errors
    /// It did not happen, or no answer came.
    async fn update(&self, channel: &str, ts: &str, words: &Words) -> Result<(), Undelivered>;

    /// Looks for a message of ours by the id of its first block, among those since a time.
    ///
    /// # Errors
    /// It could not be looked for. Where the app may not read the channel that is final.
    async fn find(&self, spot: Spot<'_>, mark: &str, since: Seconds) -> Result<Option<String>, Undelivered>;

    /// Answers whoever pressed a button, so that nobody else sees it.
    ///
    /// # Errors
    /// An address that is not Slack's, or an answer that did not arrive.
    async fn answer(&self, response_url: &str, words: &Words) -> Result<(), Undelivered>;

    /// The ids of the users in a user group (`S0123`).
    ///
    /// # Errors
    /// They could not be had.
    async fn members(&self, group: &str) -> Result<Vec<String>, Undelivered>;
}
