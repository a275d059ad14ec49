//! `stakeout slack test`: whether the settings for Slack work, one thing after the other.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use clap::Args;

use super::manifest::SCOPES;
use crate::cli::sample::{Sample, State, small};
use crate::cli::{Status, now, state};
use crate::config::{Config, is_slack_user, is_user_group};
use crate::drill::Scenario;
use crate::event::{Seconds, time};
use crate::model::counted;
use crate::model::escape::terminal;
use crate::notify::slack::card::Mark;
use crate::notify::slack::client::{Client, Who, can_connect};
use crate::notify::slack::words;
use crate::notify::slack::workspace::{Spot, Workspace};

/// Try the settings for Slack: post a sample incident that is marked TEST, edit it, reply to it.
///
/// Says of the token, its scopes, the channels, the ways in for clicks and the approvers what works, what does not, and what
/// mends it. The messages stay in the channels.
///
/// Exit status: 0 all of it works, 1 a part, 2 nothing: no settings, or a token that Slack does not take.
#[derive(Args)]
pub(super) struct Arguments {}

/// What was found of one thing.
enum Found {
    Works,
    Fails,
    /// It is meant so, or nobody can say.
    Note,
}

/// What was tried, and what came of it.
struct Check {
    found: Found,
    what: String,
    told: String,
}

impl Check {
    fn new(found: Found, what: impl Into<String>, told: impl Into<String>) -> Self {
        Self { found, what: what.into(), told: told.into() }
    }

    fn of(what: impl Into<String>, result: Result<String, String>) -> Self {
        match result {
            Ok(told) => Self::new(Found::Works, what, told),
            Err(why) => Self::new(Found::Fails, what, why),
        }
    }

    fn line(&self) -> String {
        let word = match self.found {
            Found::Works => "works",
            Found::Fails => "FAILS",
            Found::Note => "note ",
        };
        terminal(&format!("{word}  {}: {}", self.what, self.told))
    }
}

pub(super) fn run(_: &Arguments, config: Option<&Path>) -> Result<Status> {
    let config = Config::load(config)?;
    state::block_on(test(&config))
}

async fn test(config: &Config) -> Result<Status> {
    let slack = &config.slack;
    let Some(channel) = &slack.channel else { bail!("{NOT_SET_UP}") };
    let client = Client::connect(slack).map_err(|why| anyhow!("slack.token: {why}"))?;
    let who = client.who().await.map_err(|why| anyhow!("slack.token: {why}"))?;
    let mut fails = 0;
    let mut say = |checks: Vec<Check>| -> Result<()> {
        fails += checks.iter().filter(|check| matches!(check.found, Found::Fails)).count();
        checks.iter().try_for_each(|check| writeln!(io::stdout(), "{}", check.line()))?;
        Ok(())
    };
    say(vec![token(&who)])?;
    say(scopes(&who, config))?;
    say(post(&client, channel.as_str(), now()).await?)?;
    if let Some(notices) = &slack.notices {
        say(vec![notice(&client, notices.as_str(), now()).await])?;
    }
    say(ways_in(config).await)?;
    say(approvers(&client, config).await)?;
    Ok(if fails > 0 { Status::Found } else { Status::Quiet })
}

/// What a command says that needs Slack and has none.
pub(in crate::cli) const NOT_SET_UP: &str = "Slack is not set up: the settings need slack.token and slack.channel; \
                                             `stakeout slack manifest` says how to come by them";

fn token(who: &Who) -> Check {
    let bot = who.bot.as_deref().map(|bot| format!(", bot {bot}")).unwrap_or_default();
    let told = format!("it is {} ({}{bot}) in the workspace {} ({})", who.name, who.user, who.workspace, who.team);
    Check::new(Found::Works, "slack.token", told)
}

/// The scopes that are missing. Of those that read a channel one is enough, because it is public or private.
fn scopes(who: &Who, config: &Config) -> Vec<Check> {
    let Some(granted) = &who.scopes else {
        return vec![Check::new(Found::Note, "scopes", "Slack does not say which the token has")];
    };
    let has = |scope: &str| granted.iter().any(|known| known == scope);
    let reads = |scope: &str| scope.ends_with(":history");
    let has_groups = config.approval.approvers.iter().any(|approver| is_user_group(approver.as_str()));
    let is_needed = |scope: &str| match scope {
        "usergroups:read" => has_groups,
        scope if reads(scope) => !granted.iter().any(|known| reads(known)),
        _ => true,
    };
    let missing = SCOPES.iter().filter(|(scope, _)| !has(scope) && is_needed(scope));
    let check = |(scope, does): &(&str, &str)| {
        let mend = "add it under OAuth & Permissions of the app, and install the app anew";
        Check::new(Found::Fails, format!("scope {scope}"), format!("missing; it {does}. To mend: {mend}"))
    };
    let mut checks: Vec<Check> = missing.map(check).collect();
    if checks.is_empty() {
        let known: Vec<&str> = SCOPES.iter().map(|(scope, _)| *scope).filter(|scope| has(scope)).collect();
        checks.push(Check::new(Found::Works, "scopes", known.join(", ")));
    }
    checks
}

/// Posts, finds, edits and replies, as an incident does.
async fn post(workspace: &impl Workspace, channel: &str, now: Seconds) -> Result<Vec<Check>> {
    let (_, sample) = Sample::play(Some(Scenario::LambdaDdosAllRegions), &small())?;
    let Some(sample) = sample else { bail!("the sample comes to no incident") };
    let key = format!("test-{}", time::format(now));
    let spot = Spot { channel, thread: None };
    let first = sample.words(State::Open, Mark::Test, &key);
    let ts = match workspace.post(spot, &first).await {
        Ok(ts) => ts,
        Err(why) => return Ok(vec![Check::new(Found::Fails, format!("posting to {channel}"), why.to_string())]),
    };
    let found = match workspace.find(spot, &key, now - 60).await {
        Ok(Some(found)) if found == ts => {
            Check::new(Found::Works, "finding it again", "after a crash nothing is said twice")
        }
        Ok(_) => Check::new(Found::Fails, "finding it again", "it is not in what Slack says of the channel"),
        Err(why) => {
            Check::new(Found::Fails, "finding it again", format!("{why}; after a crash a message may come twice"))
        }
    };
    let next = sample.words(State::Pending, Mark::Test, &key);
    let edited = workspace.update(channel, &ts, &next).await;
    let edited = edited.map(|()| "the message has a plan and buttons".to_owned()).map_err(|why| why.to_string());
    let thread = Spot { channel, thread: Some(&ts) };
    let text = "This is how Stakeout says what is new. This was a test: nothing happened.".to_owned();
    let replied = workspace.post(thread, &words::reply(&[text], &format!("{key}-reply"))).await;
    let replied = replied.map(|_| "in the thread of the message".to_owned()).map_err(|why| why.to_string());
    Ok(vec![
        Check::new(Found::Works, format!("posting to {channel}"), format!("message {ts}, marked TEST")),
        found,
        Check::of("editing", edited),
        Check::of("replying", replied),
    ])
}

async fn notice(workspace: &impl Workspace, channel: &str, now: Seconds) -> Check {
    let lines = ["TEST: notices and the digest of a day come here.".to_owned()];
    let words = words::list("Notices", &lines, &format!("test-notices-{}", time::format(now)));
    let posted = workspace.post(Spot { channel, thread: None }, &words).await;
    let told = posted.map(|ts| format!("message {ts}, marked TEST")).map_err(|why| why.to_string());
    Check::of(format!("posting to {channel} (slack.notices)"), told)
}

/// How clicks come in.
async fn ways_in(config: &Config) -> Vec<Check> {
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
        checks.push(Check::new(Found::Fails, "clicks", why));
    }
    checks
}

/// Who may approve in Slack.
async fn approvers(workspace: &impl Workspace, config: &Config) -> Vec<Check> {
    let approvers = &config.approval.approvers;
    if approvers.is_empty() {
        let why = "none are named, so nobody approves in Slack; the command line can";
        return vec![Check::new(Found::Note, "approval.approvers", why)];
    }
    let mut checks = Vec::new();
    for approver in approvers.iter().map(|approver| approver.as_str()) {
        let what = format!("approver {approver}");
        checks.push(if is_user_group(approver) {
            let members = workspace.members(approver).await;
            match members {
                Ok(members) if members.is_empty() => Check::new(Found::Fails, what, "the user group has no members"),
                Ok(members) => Check::new(Found::Works, what, counted(members.len(), "member")),
                Err(why) => Check::new(Found::Fails, what, why.to_string()),
            }
        } else if is_slack_user(approver) {
            Check::new(Found::Note, what, "a Slack user, by id")
        } else {
            Check::new(Found::Note, what, "a name, which counts at the command line and not in Slack")
        });
    }
    checks
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::notify::Undelivered;
    use crate::notify::slack::words::Words;

    /// A workspace that refuses some methods.
    #[derive(Default)]
    struct Fake {
        refuses: &'static [&'static str],
        called: RefCell<Vec<&'static str>>,
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

    fn failing(checks: &[Check]) -> Vec<&str> {
        checks.iter().filter(|check| matches!(check.found, Found::Fails)).map(|check| check.what.as_str()).collect()
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
        let (alone, group) = (settings("[\"U1\"]"), settings("[\"S1\"]"));
        assert!(failing(&scopes(&who(&["chat:write", "groups:history"]), &alone)).is_empty());
        assert_eq!(failing(&scopes(&who(&["channels:history"]), &alone)), ["scope chat:write"]);
        assert_eq!(failing(&scopes(&who(&["chat:write", "channels:history"]), &group)), ["scope usergroups:read"]);
        let both = scopes(&who(&["chat:write"]), &alone);
        assert_eq!(failing(&both), ["scope channels:history", "scope groups:history"]);
        assert!(both[0].line().contains("after a crash") && both[0].line().contains("install the app anew"));
        assert!(failing(&scopes(&Who { scopes: None, ..who(&[]) }, &alone)).is_empty());
    }

    #[tokio::test]
    async fn each_thing_that_fails_is_named_and_the_rest_is_tried() {
        let fake = Fake { refuses: &["find", "update"], ..Fake::default() };
        let checks = post(&fake, "C1", 1_790_000_000).await.unwrap();
        assert_eq!(failing(&checks), ["finding it again", "editing"]);
        assert_eq!(*fake.called.borrow(), ["post", "find", "update", "reply"]);
        assert!(checks.iter().all(|check| !check.line().contains('\u{1b}')));
        let mute = Fake { refuses: &["post"], ..Fake::default() };
        assert_eq!(failing(&post(&mute, "C1", 1_790_000_000).await.unwrap()), ["posting to C1"]);
        let people = approvers(&fake, &settings("[\"U1\", \"S1\", \"S2\", \"anna\"]")).await;
        assert_eq!((people.len(), failing(&people)), (4, vec!["approver S2"]));
        assert_eq!(failing(&ways_in(&settings("[]")).await), ["clicks"]);
    }
}
