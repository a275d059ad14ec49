//! `stakeout slack manifest`: what Slack makes the app of.

use std::io::{self, Write as _};

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Status, Voice};

/// Write the manifest that Slack makes the app of, as JSON; what to do with it is said on stderr.
///
/// Without --url clicks come by Socket Mode: Stakeout opens the connection, and needs no public address. With it they come
/// by HTTP, signed.
///
/// The app asks for four scopes:
///   chat:write        posts incidents, and keeps each message up to date
///   channels:history  finds its own message again after a crash, in a public channel
///   groups:history    the same in a private channel
///   usergroups:read   who is in a user group that may approve
/// It reads no profiles, and joins no channel by itself.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Where Slack sends clicks: the public https address of `stakeout serve --listen`.
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<String>,
}

/// What the app may do, and what for.
pub(in crate::cli) const SCOPES: [(&str, &str); 4] = [
    ("chat:write", "posts incidents, and keeps each message up to date"),
    ("channels:history", "finds its own message again after a crash, in a public channel"),
    ("groups:history", "finds its own message again after a crash, in a private channel"),
    ("usergroups:read", "says who is in a user group that may approve"),
];

const BY_SOCKET: [&str; 6] = [
    "1. https://api.slack.com/apps: Create New App, From a manifest; choose the workspace and paste this",
    "2. Install App: the Bot User OAuth Token (xoxb-) is slack.token",
    "3. Basic Information, App-Level Tokens: a token with the scope connections:write (xapp-) is slack.app_token",
    "4. Invite the app to the channel: /invite @Stakeout",
    "5. The channel's id, at the foot of its details, is slack.channel",
    "6. stakeout slack test, then stakeout serve",
];
const BY_HTTP: [&str; 6] = [
    "1. https://api.slack.com/apps: Create New App, From a manifest; choose the workspace and paste this",
    "2. Install App: the Bot User OAuth Token (xoxb-) is slack.token",
    "3. Basic Information, App Credentials: the Signing Secret is slack.signing_secret",
    "4. Invite the app to the channel: /invite @Stakeout",
    "5. The channel's id, at the foot of its details, is slack.channel",
    "6. stakeout slack test, then stakeout serve --listen ADDRESS behind the address that --url names",
];

fn address(text: &str) -> Result<String, String> {
    let is_good = |url: &reqwest::Url| url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
    match reqwest::Url::parse(text) {
        Ok(url) if is_good(&url) => Ok(url.to_string()),
        _ => Err("Slack sends clicks to https addresses only".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments, voice: Voice) -> Result<Status> {
    writeln!(io::stdout(), "{:#}", manifest(arguments.url.as_deref()))?;
    let steps = if arguments.url.is_some() { BY_HTTP } else { BY_SOCKET };
    steps.iter().for_each(|step| voice.remark(step));
    Ok(Status::Quiet)
}

fn manifest(url: Option<&str>) -> Value {
    let mut interactivity = json!({ "is_enabled": true });
    if let Some((url, of)) = url.zip(interactivity.as_object_mut()) {
        of.insert("request_url".to_owned(), json!(url));
    }
    json!({
        "display_information": {
            "name": "Stakeout",
            "description": "Finds abuse of AWS accounts, and contains it when you say so",
            "background_color": "#1f2933",
        },
        "features": { "bot_user": { "display_name": "Stakeout", "always_online": true } },
        "oauth_config": { "scopes": { "bot": SCOPES.map(|(scope, _)| scope) } },
        "settings": {
            "interactivity": interactivity,
            "org_deploy_enabled": false,
            "socket_mode_enabled": url.is_none(),
            "token_rotation_enabled": false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clicks_come_one_way_only() {
        let socket = manifest(None);
        assert_eq!(socket["settings"]["socket_mode_enabled"], true);
        assert_eq!(socket["settings"]["interactivity"], json!({ "is_enabled": true }));
        let http = manifest(Some("https://stakeout.example.com/slack"));
        assert_eq!(http["settings"]["socket_mode_enabled"], false);
        assert_eq!(http["settings"]["interactivity"]["request_url"], "https://stakeout.example.com/slack");
        assert!(address("http://x.example").is_err() && address("https://u:p@x.example").is_err());
    }
}
