//! `stakeout slack test`: whether the settings for Slack work, one thing after the other.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use clap::Args;

use super::manifest::SCOPES;
use crate::cli::sample::{Sample, State, small};
use crate::cli::{Status, now, state};
use crate::config::Config;
use crate::doctor::Check;
use crate::doctor::slack::{approvers, granted, token, ways_in};
use crate::drill::Scenario;
use crate::event::{Seconds, time};
use crate::notify::slack::card::Mark;
use crate::notify::slack::client::Client;
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

pub(super) fn run(_: &Arguments, config: Option<&Path>) -> Result<Status> {
    let mut config = Config::load(config)?;
    state::block_on(async {
        config.unlock().await;
        test(&config).await
    })
}

async fn test(config: &Config) -> Result<Status> {
    let slack = &config.slack;
    let Some(channel) = &slack.channel else { bail!("{NOT_SET_UP}") };
    let client = Client::connect(slack).map_err(|why| anyhow!("slack.token: {why}"))?;
    let who = client.who().await.map_err(|why| anyhow!("slack.token: {why}"))?;
    let mut fails = 0;
    let mut say = |checks: Vec<Check>| -> Result<()> {
        fails += checks.iter().filter(|check| check.is_failure()).count();
        checks.iter().try_for_each(|check| writeln!(io::stdout(), "{}", check.line()))?;
        Ok(())
    };
    say(vec![token(&who)])?;
    say(granted(&who, config, &SCOPES))?;
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

/// Posts, finds, edits and replies, as an incident does.
async fn post(workspace: &impl Workspace, channel: &str, now: Seconds) -> Result<Vec<Check>> {
    let (_, sample) = Sample::play(Some(Scenario::LambdaDdosAllRegions), &small())?;
    let Some(sample) = sample else { bail!("the sample comes to no incident") };
    let key = format!("test-{}", time::format(now));
    let spot = Spot { channel, thread: None };
    let first = sample.words(State::Open, Mark::Test, &key);
    let ts = match workspace.post(spot, &first).await {
        Ok(ts) => ts,
        Err(why) => return Ok(vec![Check::fails(format!("posting to {channel}"), why.to_string())]),
    };
    let found = match workspace.find(spot, &key, now - 60).await {
        Ok(Some(found)) if found == ts => Check::works("finding it again", "after a crash nothing is said twice"),
        Ok(_) => Check::fails("finding it again", "it is not in what Slack says of the channel"),
        Err(why) => Check::fails("finding it again", format!("{why}; after a crash a message may come twice")),
    };
    let next = sample.words(State::Pending, Mark::Test, &key);
    let edited = workspace.update(channel, &ts, &next).await;
    let edited = edited.map(|()| "the message has a plan and buttons".to_owned()).map_err(|why| why.to_string());
    let thread = Spot { channel, thread: Some(&ts) };
    let text = "This is how Stakeout says what is new. This was a test: nothing happened.".to_owned();
    let replied = workspace.post(thread, &words::reply(&[text], &format!("{key}-reply"))).await;
    let replied = replied.map(|_| "in the thread of the message".to_owned()).map_err(|why| why.to_string());
    Ok(vec![
        Check::works(format!("posting to {channel}"), format!("message {ts}, marked TEST")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::slack::tests::{Fake, failing};

    #[tokio::test]
    async fn each_thing_that_fails_is_named_and_the_rest_is_tried() {
        let fake = Fake { refuses: &["find", "update"], ..Fake::default() };
        let checks = post(&fake, "C1", 1_790_000_000).await.unwrap();
        assert_eq!(failing(&checks), ["finding it again", "editing"]);
        assert_eq!(*fake.called.borrow(), ["post", "find", "update", "reply"]);
        assert!(checks.iter().all(|check| !check.line().contains('\u{1b}')));
        let mute = Fake { refuses: &["post"], ..Fake::default() };
        assert_eq!(failing(&post(&mute, "C1", 1_790_000_000).await.unwrap()), ["posting to C1"]);
    }
}
