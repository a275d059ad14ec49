//! How Slack's API is asked: over which addresses a token goes, within which time, and what an answer means that is no
//! success. What is asked is for those who ask.

mod failure;
#[cfg(test)]
pub(crate) mod tests;

use std::net::IpAddr;
use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use reqwest::Url;
use serde::Serialize;
use serde::de::DeserializeOwned;
use slack_morphism::prelude::{
    SlackApiToken, SlackApiTokenValue, SlackClient, SlackClientHyperConnector, SlackHyperClient,
};
use slack_morphism::{ClientResult, SlackClientSession};

pub(crate) use failure::Failure;

use crate::config::{self, Revealed};

/// How long an answer may take.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

const DEFAULT: &str = "https://slack.com/api";

/// The address of the API, by the settings or as it usually is.
pub(crate) fn api_url(settings: &config::Slack) -> String {
    settings.api_url.as_ref().map_or(DEFAULT, |url| url.as_str()).to_owned()
}

/// Slack's API with one token.
pub(crate) struct Api {
    client: SlackHyperClient,
    token: SlackApiToken,
    url: Url,
}

impl Api {
    /// Sends nothing.
    ///
    /// # Errors
    /// An address over which a token must not go, or TLS that cannot be set up.
    pub(crate) fn new(token: &Revealed, api_url: &str) -> Result<Self, String> {
        let url = Url::parse(api_url).map_err(|_| "slack.api_url is no URL".to_owned())?;
        if !is_private(&url, "https", "http") {
            return Err("slack.api_url: a token goes only over https, or over http to this machine".to_owned());
        }
        let connector = HttpsConnectorBuilder::new().with_native_roots();
        let connector = connector.map_err(|error| format!("setting up TLS for Slack: {error}"))?;
        let connector = connector.https_or_http().enable_http1().build();
        let connector =
            SlackClientHyperConnector::with_connector(connector).with_slack_api_url(url.as_str().trim_end_matches('/'));
        let token = SlackApiToken::new(SlackApiTokenValue(token.as_str().to_owned()));
        Ok(Self { client: SlackClient::new(connector), token, url })
    }

    /// The address that it was made with.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Calls a method that does something. The answer is read as far as it is needed: Slack adds fields, and what is in
    /// messages of other apps is known to nobody.
    ///
    /// # Errors
    /// No answer, or none that is a success.
    pub(crate) async fn post<B, A>(&self, method: &str, body: &B) -> Result<A, Failure>
    where
        B: Serialize + Send + Sync,
        A: DeserializeOwned + Send,
    {
        let session = self.session();
        within(session.http_session_api.http_post(method, body, None)).await
    }

    /// Calls a method that reads something.
    ///
    /// # Errors
    /// No answer, or none that is a success.
    pub(crate) async fn get<A>(&self, method: &str, about: &[(&'static str, Option<String>)]) -> Result<A, Failure>
    where
        A: DeserializeOwned + Send,
    {
        let (session, about) = (self.session(), about.to_vec());
        within(session.http_session_api.http_get(method, &about, None)).await
    }

    /// A ticket for a connection of Socket Mode: an address that is a secret, and good for one connection.
    ///
    /// # Errors
    /// No answer, none that is a success, or an address that must not be used.
    pub(crate) async fn ticket(&self) -> Result<Url, Failure> {
        #[derive(serde::Deserialize)]
        struct Opened {
            url: String,
        }
        let opened: Opened = self.post("apps.connections.open", &serde_json::json!({})).await?;
        Url::parse(&opened.url)
            .ok()
            .filter(|url| is_private(url, "wss", "ws"))
            .ok_or_else(|| Failure::Lost("Slack names an address for Socket Mode that is not wss://".to_owned()))
    }

    fn session(&self) -> SlackClientSession<'_, slack_morphism::prelude::SlackClientHyperHttpsConnector> {
        self.client.open_session(&self.token)
    }
}

async fn within<A>(call: impl Future<Output = ClientResult<A>>) -> Result<A, Failure> {
    match tokio::time::timeout(ANSWER, call).await {
        Ok(answer) => answer.map_err(Failure::from),
        Err(_) => Err(Failure::Lost(format!("no answer within {} seconds", ANSWER.as_secs()))),
    }
}

/// Whether nobody on the way reads along: the safe scheme, or the other one to this machine.
fn is_private(url: &Url, safe: &str, open: &str) -> bool {
    let host = url.host_str().unwrap_or_default();
    let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = host == "localhost" || number.is_ok_and(|address| address.is_loopback());
    let has_no_name = url.username().is_empty() && url.password().is_none();
    has_no_name && !host.is_empty() && (url.scheme() == safe || url.scheme() == open && is_here)
}
