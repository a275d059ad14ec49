//! Whether Slack works, as far as it can be told without a message.

use crate::config::{Config, is_slack_user, is_user_group};
use crate::event::Seconds;
use crate::model::counted;
use crate::notify::slack::client::{Client, Who, can_connect};
use crate::notify::slack::workspace::{Spot, Workspace};

use super::Check;

/// A scope of Slack, and what it is for.
pub(crate) type Scope = (&'static str, &'static str);

/// Everything of Slack: token, scopes, channels, ways in, approvers. `scopes` are those that the app's manifest asks for.
pub(crate) async fn all(config: &Config, scopes: &[Scope], now: Seconds) -> Vec<Check> {
    let slack = &config.slack;
    let Some(channel) = &slack.channel else {
        let told = "it is not set up: incidents are told otherwise, and approved at the command line";
        return vec![Check::note("Slack", told).mend("stakeout slack manifest")];
    };
    let client = match Client::connect(slack) {
        Ok(client) => client,
        Err(why) => return vec![Check::fails("slack.token", why)],
    };
    let who = match client.who().await {
        Ok(who) => who,
        Err(why) => return vec![Check::fails("slack.token", why.to_string())],
    };
    let mut checks = vec![token(&who)];
    checks.extend(granted(&who, config, scopes));
    checks.push(channel_is_read(&client, "slack.channel", channel.as_str(), now).await);
    if let Some(notices) = &slack.notices {
        checks.push(channel_is_read(&client, "slack.notices", notices.as_str(), now).await);
    }
    checks.extend(ways_in(config).await);
    checks.extend(groups(&client, config).await);
    checks
}

/// Whose the token is.
pub(crate) fn token(who: &Who) -> Check {
    let bot = who.bot.as_deref().map(|bot| format!(", bot {bot}")).unwrap_or_default();
    let told = format!("it is {} ({}{bot}) in the workspace {} ({})", who.name, who.user, who.workspace, who.team);
    Check::works("slack.token", told)
}

/// The scopes that are missing. Of those that read a channel one is enough, because it is public or private.
pub(crate) fn granted(who: &Who, config: &Config, scopes: &[Scope]) -> Vec<Check> {
    let Some(granted) = &who.scopes else {
        return vec![Check::note("scopes", "Slack does not say which the token has")];
    };
    let has = |scope: &str| granted.iter().any(|known| known == scope);
    let reads = |scope: &str| scope.ends_with(":history");
    let has_groups = config.approval.approvers.iter().any(|approver| is_user_group(approver.as_str()));
    let is_needed = |scope: &str| match scope {
        "usergroups:read" => has_groups,
        scope if reads(scope) => !granted.iter().any(|known| reads(known)),
        _ => true,
    };
    let missing = scopes.iter().filter(|(scope, _)| !has(scope) && is_needed(scope));
    let check = |(scope, does): &Scope| {
        let mend = "add it under OAuth & Permissions of the app, and install the app anew";
        Check::fails(format!("scope {scope}"), format!("missing; it {does}")).mend(mend)
    };
    let mut checks: Vec<Check> = missing.map(check).collect();
    if checks.is_empty() {
        let known: Vec<&str> = scopes.iter().map(|(scope, _)| *scope).filter(|scope| has(scope)).collect();
        checks.push(Check::works("scopes", known.join(", ")));
    }
    checks
}

/// Whether the app is in a channel: it reads what was said in the last minute, and posts nothing.
async fn channel_is_read(workspace: &impl Workspace, key: &str, channel: &str, now: Seconds) -> Check {
    let spot = Spot { channel, thread: None };
    let what = format!("{key} {channel}");
    match workspace.find(spot, "doctor", now - 60).await {
        Ok(_) => Check::works(what, "the app is in it and can read it; `stakeout slack test` also posts"),
        Err(why) => Check::fails(what, why.to_string()).mend("/invite @Stakeout in the channel"),
    }
}

/// How clicks come in.
pub(crate) async fn ways_in(config: &Config) -> Vec<Check> {
    let slack = &config.slack;
    let mut checks = Vec::new();
    if let Some(token) = &slack.app_token {
        let connected = match token.reveal() {
            Ok(token) => can_connect(&token, &crate::slack::api_url(slack)).await.map_err(|why| why.to_string()),
            Err(why) => Err(why.to_string()),
        };
        let told = connected.map(|()| "Socket Mode would connect: clicks come to `stakeout serve`".to_owned());
        checks.push(Check::of("slack.app_token", told));
    }
    if let Some(secret) = &slack.signing_secret {
        let told = secret.reveal().map(|_| "it is there; only a click shows whether it is the right one".to_owned());
        checks.push(Check::of("slack.signing_secret", told.map_err(|why| why.to_string())));
    }
    if checks.is_empty() {
        let why = "no click comes in: set slack.app_token for Socket Mode, or slack.signing_secret for HTTP";
        checks.push(Check::fails("clicks", why));
    }
    checks
}

/// Who may approve in Slack.
pub(crate) async fn approvers(workspace: &impl Workspace, config: &Config) -> Vec<Check> {
    let approvers = &config.approval.approvers;
    if approvers.is_empty() {
        let why = "none are named, so nobody approves in Slack; the command line can";
        return vec![Check::note("approval.approvers", why)];
    }
    let mut checks = Vec::new();
    for approver in approvers.iter().map(|approver| approver.as_str()) {
        let what = format!("approver {approver}");
        if is_user_group(approver) {
            checks.push(group(workspace, approver).await);
        } else if is_slack_user(approver) {
            checks.push(Check::note(what, "a Slack user, by id"));
        } else {
            checks.push(Check::note(what, "a name, which counts at the command line and not in Slack"));
        }
    }
    checks
}

/// The user groups among the approvers.
async fn groups(workspace: &impl Workspace, config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    for approver in config.approval.approvers.iter().map(|approver| approver.as_str()).filter(|it| is_user_group(it)) {
        checks.push(group(workspace, approver).await);
    }
    checks
}

async fn group(workspace: &impl Workspace, id: &str) -> Check {
    let what = format!("approver {id}");
    match workspace.members(id).await {
        Ok(members) if members.is_empty() => Check::fails(what, "the user group has no members"),
        Ok(members) => Check::works(what, counted(members.len(), "member")),
        Err(why) => Check::fails(what, why.to_string()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::notify::Undelivered;
    use crate::notify::slack::words::Words;

    const SCOPES: [Scope; 4] =
        [("chat:write", "posts"), ("channels:history", "finds"), ("groups:history", "finds"), ("usergroups:read", "x")];

    /// A workspace that refuses some methods.
    #[derive(Default)]
    pub(crate) struct Fake {
        pub refuses: &'static [&'static str],
        pub called: RefCell<Vec<&'static str>>,
    }

    impl Fake {
        fn ask<T>(&self, method: &'static str, answer: T) -> Result<T, Undelivered> {
            self.called.borrow_mut().push(method);
            let refused = || Undelivered::passing(format!("{method}: \u{1b}[2Jmissing_scope"));
            if self.refuses.contains(&method) { Err(refused()) } else { Ok(answer) }
        }
    }

    impl Workspace for Fake {
        async fn post(&self, spot: Spot<'_>, _: &Words) -> Result<String, Undelivered> {
            self.ask(if spot.thread.is_some() { "reply" } else { "post" }, "1.5".to_owned())
        }

        async fn update(&self, _: &str, _: &str, _: &Words) -> Result<(), Undelivered> {
            self.ask("update", ())
        }

        async fn find(&self, _: Spot<'_>, _: &str, _: Seconds) -> Result<Option<String>, Undelivered> {
            self.ask("find", Some("1.5".to_owned()))
        }

        async fn answer(&self, _: &str, _: &Words) -> Result<(), Undelivered> {
            self.ask("answer", ())
        }

        async fn members(&self, group: &str) -> Result<Vec<String>, Undelivered> {
            self.ask("members", if group == "S2" { Vec::new() } else { vec!["U1".to_owned()] })
        }
    }

    pub(crate) fn failing(checks: &[Check]) -> Vec<&str> {
        checks.iter().filter(|check| check.is_failure()).map(|check| check.what.as_str()).collect()
    }

    fn settings(approvers: &str) -> Config {
        let text = format!("[slack]\ntoken = \"env:T\"\nchannel = \"C1\"\n[approval]\napprovers = {approvers}\n");
        Config::read(&text, "", std::iter::empty()).unwrap()
    }

    #[test]
    fn a_scope_is_missed_where_something_needs_it() {
        let who = |scopes: &[&str]| Who {
            team: "T1".to_owned(),
            workspace: "w".to_owned(),
            user: "U1".to_owned(),
            name: "n".to_owned(),
            bot: None,
            scopes: Some(scopes.iter().map(|scope| (*scope).to_owned()).collect()),
        };
        let scopes = |who: &Who, config: &Config| granted(who, config, &SCOPES);
        let (alone, group) = (settings("[\"U1\"]"), settings("[\"S1\"]"));
        assert!(failing(&scopes(&who(&["chat:write", "groups:history"]), &alone)).is_empty());
        assert_eq!(failing(&scopes(&who(&["channels:history"]), &alone)), ["scope chat:write"]);
        assert_eq!(failing(&scopes(&who(&["chat:write", "channels:history"]), &group)), ["scope usergroups:read"]);
        let both = scopes(&who(&["chat:write"]), &alone);
        assert_eq!(failing(&both), ["scope channels:history", "scope groups:history"]);
        assert!(both[0].line().contains("install the app anew"));
        assert!(failing(&scopes(&Who { scopes: None, ..who(&[]) }, &alone)).is_empty());
    }

    #[tokio::test]
    async fn nothing_is_posted_and_what_fails_is_named() {
        let fake = Fake { refuses: &["find"], ..Fake::default() };
        let read = channel_is_read(&fake, "slack.channel", "C1", 1_790_000_000).await;
        assert!(read.is_failure() && read.line().contains("/invite @Stakeout"), "{}", read.line());
        let people = approvers(&fake, &settings("[\"U1\", \"S1\", \"S2\", \"anna\"]")).await;
        assert_eq!((people.len(), failing(&people)), (4, vec!["approver S2"]));
        assert_eq!(failing(&ways_in(&settings("[]")).await), ["clicks"]);
        assert_eq!(*fake.called.borrow(), ["find", "members", "members"]);
    }
}
