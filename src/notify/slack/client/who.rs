//! Who a token is, and what it may do.

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Url};
use serde_json::Value;

use crate::config::Revealed;
use crate::event::Seconds;
use crate::notify::http;
use crate::slack::{ANSWER, Failure};

/// Where Slack lists what a token may do. Its client libraries hide it.
const SCOPES: &str = "x-oauth-scopes";

/// An app in a workspace. Names are what people chose: an outsider's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    /// The workspace's id, such as `T0123`, and its name.
    pub team: String,
    pub workspace: String,
    /// The app's own user, such as `U0123`, and its name.
    pub user: String,
    pub name: String,
    /// The app's bot, such as `B0123`; none of a token of a person.
    pub bot: Option<String>,
    /// What the token may do, in Slack's words; none where Slack does not say.
    pub scopes: Option<Vec<String>>,
}

/// Asks Slack.
///
/// # Errors
/// No answer, or a token that is not good.
pub(super) async fn ask(client: &Client, api: &Url, token: &Revealed) -> Result<Who, Failure> {
    let url = format!("{}/auth.test", api.as_str().trim_end_matches('/'));
    let request = client.post(url).timeout(ANSWER).bearer_auth(token.as_str());
    let answer = request.send().await.map_err(|error| Failure::Lost(http::told(error)))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    if !status.is_success() {
        return Err(Failure::of_status(status.as_u16(), wait(&headers)));
    }
    let body = answer.bytes().await.map_err(|error| Failure::Lost(http::told(error)))?;
    let body: Value = serde_json::from_slice(&body).map_err(|_| Failure::garbage())?;
    let text = |key| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    if body.get("ok").and_then(Value::as_bool) != Some(true) {
        return Err(text("error").map_or_else(Failure::garbage, |word| Failure::refused(&word, Some(&body))));
    }
    let scopes = headers
        .get(SCOPES)
        .and_then(|scopes| scopes.to_str().ok())
        .map(|scopes| scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect());
    Ok(Who {
        team: text("team_id").ok_or_else(Failure::garbage)?,
        workspace: text("team").unwrap_or_default(),
        user: text("user_id").ok_or_else(Failure::garbage)?,
        name: text("user").unwrap_or_default(),
        bot: text("bot_id"),
        scopes,
    })
}

fn wait(headers: &HeaderMap) -> Option<Seconds> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}
