//! Asks Slack.

mod pace;
mod refusal;
#[cfg(test)]
mod tests;
mod who;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};
use slack_morphism::prelude::{SlackApiChatPostMessageRequest, SlackApiChatUpdateRequest, SlackMessageContent};
use tokio::sync::OnceCell;

use super::words::{Words, block_id};
use super::workspace::{Spot, Workspace};
use crate::config::{self, Revealed};
use crate::event::Seconds;
use crate::notify::{Undelivered, http};
use crate::slack::{ANSWER, Api, Failure, api_url};

use pace::Pace;
pub(crate) use who::Who;

/// Messages in one page of a channel's history, and the most pages that are looked through.
const PAGE: usize = 200;
const MOST_PAGES: usize = 50;
/// Hosts that belong to Slack, with all below them.
const HOSTS: [&str; 2] = ["slack.com", "slack-gov.com"];

/// A workspace by its API.
pub(crate) struct Client {
    api: Api,
    token: Revealed,
    http: reqwest::Client,
    who: OnceCell<Who>,
    pace: Mutex<Pace>,
}

#[derive(Deserialize)]
struct Posted {
    ts: String,
}

/// One page of messages. Each is read as far as it is needed: those of other apps hold whatever Slack can show.
#[derive(Deserialize)]
struct Page {
    messages: Vec<Value>,
    #[serde(default)]
    response_metadata: Value,
}

impl Client {
    /// With the token of the settings. Sends nothing.
    ///
    /// # Errors
    /// A token that is not there, TLS that cannot be set up, or a URL over which a token must not go.
    pub(crate) fn connect(settings: &config::Slack) -> Result<Self, String> {
        let token = settings.token.as_ref().ok_or("slack.token is not set")?;
        let token = token.reveal().map_err(|error| format!("slack.token: {error}"))?;
        Self::with(token, &api_url(settings))
    }

    fn with(token: Revealed, api_url: &str) -> Result<Self, String> {
        Ok(Self {
            api: Api::new(&token, api_url)?,
            token,
            http: http::client()?,
            who: OnceCell::new(),
            pace: Mutex::default(),
        })
    }

    /// Who this app is in which workspace. Asked once.
    ///
    /// # Errors
    /// It could not be asked, or the token is not good.
    pub(crate) async fn who(&self) -> Result<Who, Undelivered> {
        let ask = || who::ask(&self.http, self.api.url(), &self.token);
        let known = self.who.get_or_try_init(ask).await;
        known.cloned().map_err(|failure| refusal::of("asking who the app is", "", failure))
    }

    /// Waits until something may be sent there.
    async fn turn(&self, kind: &str, channel: &str, apart: Duration) {
        let wait = {
            let mut pace = self.pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            pace.turn(&format!("{kind} {channel}"), apart, Instant::now())
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// Whether Socket Mode would connect. Takes a ticket and does not use it.
///
/// # Errors
/// The reason why it would not.
pub(crate) async fn can_connect(app_token: &Revealed, api_url: &str) -> Result<(), Undelivered> {
    let api = Api::new(app_token, api_url).map_err(Undelivered::last)?;
    let ticket = api.ticket().await;
    ticket.map(drop).map_err(|failure| refusal::of("opening Socket Mode", "", failure))
}

impl Workspace for Client {
    async fn post(&self, spot: Spot<'_>, words: &Words) -> Result<String, Undelivered> {
        self.turn("post", spot.channel, pace::POSTS).await;
        let request = SlackApiChatPostMessageRequest::new(spot.channel.into(), content(words))
            .opt_thread_ts(spot.thread.map(Into::into))
            .with_unfurl_links(false)
            .with_unfurl_media(false);
        let posted: Result<Posted, _> = self.api.post("chat.postMessage", &request).await;
        let named = posted.and_then(|posted| if is_ts(&posted.ts) { Ok(posted.ts) } else { Err(Failure::garbage()) });
        named.map_err(|failure| refusal::of("posting to", spot.channel, failure))
    }

    async fn update(&self, channel: &str, ts: &str, words: &Words) -> Result<(), Undelivered> {
        self.turn("update", channel, pace::CHANGES).await;
        // Blocks that are left out stay as they are.
        let content = SlackMessageContent::new().with_text(words.text.clone()).with_blocks(words.blocks.clone());
        let request = SlackApiChatUpdateRequest::new(channel.into(), content, ts.into());
        let updated: Result<Posted, _> = self.api.post("chat.update", &request).await;
        updated.map(drop).map_err(|failure| refusal::of("updating a message in", channel, failure))
    }

    async fn find(&self, spot: Spot<'_>, mark: &str, since: Seconds) -> Result<Option<String>, Undelivered> {
        let who = self.who().await?;
        let mark = block_id(mark);
        let method = if spot.thread.is_some() { "conversations.replies" } else { "conversations.history" };
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let about = [
                ("channel", Some(spot.channel.to_owned())),
                ("ts", spot.thread.map(str::to_owned)),
                ("oldest", Some(format!("{}.000000", since.max(0)))),
                ("inclusive", Some("true".to_owned())),
                ("limit", Some(PAGE.to_string())),
                ("cursor", cursor.clone()),
            ];
            let page: Page = match self.api.get(method, &about).await {
                Ok(page) => page,
                Err(Failure::Refused { word, .. }) if word == "thread_not_found" => return Ok(None),
                Err(failure) => return Err(refusal::of_reading(spot.channel, failure)),
            };
            if let Some(ts) = page.messages.iter().find_map(|message| ours(message, &mark, &who)) {
                return Ok(Some(ts));
            }
            let next = page.response_metadata.get("next_cursor").and_then(Value::as_str);
            let next = next.filter(|next| !next.is_empty() && Some(*next) != cursor.as_deref()).map(str::to_owned);
            if next.is_none() {
                return Ok(None);
            }
            cursor = next;
        }
        let most = PAGE * MOST_PAGES;
        Err(Undelivered::last(format!("looking for a message in {}: there are more than {most} since", spot.channel)))
    }

    async fn answer(&self, response_url: &str, words: &Words) -> Result<(), Undelivered> {
        let url = Url::parse(response_url).ok().filter(|url| is_slack(url, self.api.url()));
        let url = url.ok_or_else(|| Undelivered::last("answering a press: the address is not Slack's"))?;
        let mut body = json!({ "response_type": "ephemeral", "replace_original": false, "text": words.text });
        if let Some(body) = body.as_object_mut().filter(|_| !words.blocks.is_empty()) {
            let blocks = serde_json::to_value(&words.blocks);
            body.insert(
                "blocks".to_owned(),
                blocks.map_err(|error| Undelivered::last(format!("writing JSON: {error}")))?,
            );
        }
        let request = self.http.post(url).timeout(ANSWER).header("content-type", "application/json; charset=utf-8");
        let sent = request.body(body.to_string()).send().await;
        let status =
            sent.map_err(|error| Undelivered::passing(format!("answering a press: {}", http::told(error))))?.status();
        if status.is_success() {
            return Ok(());
        }
        let why = format!("answering a press: the answer is {status}");
        // An address of a press is good for half an hour, and for five answers.
        Err(if http::is_passing(status) { Undelivered::passing(why) } else { Undelivered::last(why) })
    }

    async fn members(&self, group: &str) -> Result<Vec<String>, Undelivered> {
        #[derive(Deserialize)]
        struct Group {
            users: Vec<String>,
        }
        let listed: Result<Group, _> =
            self.api.get("usergroups.users.list", &[("usergroup", Some(group.to_owned()))]).await;
        listed.map(|group| group.users).map_err(|failure| refusal::of("reading the user group", group, failure))
    }
}

fn content(words: &Words) -> SlackMessageContent {
    let content = SlackMessageContent::new().with_text(words.text.clone());
    if words.blocks.is_empty() { content } else { content.with_blocks(words.blocks.clone()) }
}

/// Slack's name for a message, such as `1503435956.000247`.
fn is_ts(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    text.len() < 40 && text.split_once('.').is_some_and(|(seconds, rest)| is_number(seconds) && is_number(rest))
}

/// The name of a message that has this mark and is this app's own: anybody may give a block any id.
fn ours(message: &Value, mark: &str, who: &Who) -> Option<String> {
    let text = |key| message.get(key).and_then(Value::as_str);
    if message.pointer("/blocks/0/block_id").and_then(Value::as_str) != Some(mark) {
        return None;
    }
    let is_ours = match (text("bot_id"), who.bot.as_deref()) {
        (Some(bot), Some(ours)) => bot == ours,
        _ => text("user").is_none_or(|user| user == who.user),
    };
    text("ts").filter(|ts| is_ours && is_ts(ts)).map(str::to_owned)
}

/// Whether an answer may go there: to Slack over https, or to where the API is. Who can make up a press could else have
/// this program ask any server that it reaches.
fn is_slack(url: &Url, api: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_host = |ours: &&str| host == *ours || host.strip_suffix(*ours).is_some_and(|front| front.ends_with('.'));
    let has_no_name = url.username().is_empty() && url.password().is_none();
    let is_public = url.scheme() == "https" && url.port().is_none() && HOSTS.iter().any(is_host);
    has_no_name && (is_public || url.origin() == api.origin())
}
