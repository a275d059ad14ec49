//! The settings themselves: the file, its secrets, who is told, who approves.

use super::{Check, Room};
use crate::config::{Config, SecretError, is_slack_user, is_user_group};
use crate::model::counted;

pub(super) fn all(room: &Room<'_>) -> Vec<Check> {
    let config = room.config;
    let mut checks = vec![file(config)];
    checks.extend(secrets(room));
    checks.push(channels(config));
    checks.push(approvers(config));
    checks.push(heartbeat(config));
    checks
}

fn file(config: &Config) -> Check {
    let variables = config.origins.variables().count();
    let over = if variables == 0 { String::new() } else { format!(", and {} over it", counted(variables, "variable")) };
    match &config.origins.file {
        Some(file) => Check::works("settings", format!("{file}{over}")),
        None => Check::note("settings", format!("no file: the defaults{over}")).mend("stakeout init"),
    }
}

/// Secrets that cannot be had. One that can is not told.
fn secrets(room: &Room<'_>) -> Vec<Check> {
    let missing = room.config.missing_secrets();
    let mend = "put it where the settings say that it is; a variable has to be set for this process too";
    let one = |(key, why): (String, SecretError)| match why {
        // Nobody was asked for it.
        SecretError::Locked(_) if room.is_offline => Check::note(format!("secret {key}"), why.to_string()),
        SecretError::Missing(name) if room.function.is_some_and(|function| function.variables.contains_key(&name)) => {
            Check::note(format!("secret {key}"), format!("the function has it in {name}; it was not looked at"))
        }
        why => Check::fails(format!("secret {key}"), why.to_string()).mend(mend),
    };
    missing.into_iter().map(one).collect()
}

/// Who is told of incidents.
fn channels(config: &Config) -> Check {
    let notify = &config.notify;
    let counts = [
        (usize::from(config.slack.channel.is_some()), "Slack"),
        (notify.webhook.len(), "webhook"),
        (notify.sns.len(), "SNS topic"),
        (usize::from(notify.file.is_some()), "file"),
    ];
    let named = |(count, name): &(usize, &str)| match (*count, *name) {
        (0, _) => None,
        (_, "Slack") => Some("Slack".to_owned()),
        (count, name) => Some(counted(count, name)),
    };
    let names: Vec<_> = counts.iter().filter_map(named).collect();
    if names.is_empty() {
        let told = "incidents are only written to this terminal or to the log";
        return Check::note("channels", told).mend("set [slack], [[notify.webhook]], [[notify.sns]] or [notify.file]");
    }
    Check::works("channels", format!("incidents are told to {}", names.join(", ")))
}

/// Who may approve.
fn approvers(config: &Config) -> Check {
    let approvers = &config.approval.approvers;
    let in_slack = approvers.iter().filter(|it| is_slack_user(it.as_str()) || is_user_group(it.as_str())).count();
    let has_slack = config.slack.channel.is_some();
    let what = "approval.approvers";
    let mend = "[approval] approvers = [\"U0123ABCD\"], the ids of Slack users";
    match (approvers.len(), in_slack) {
        (0, _) if has_slack => {
            Check::note(what, "none are named, so nobody approves in Slack; the command line can").mend(mend)
        }
        (0, _) => Check::note(what, "none are named: the operator at the command line approves R1 and R2").mend(mend),
        (_, 0) if has_slack => Check::note(what, "none is a Slack user or group: nobody approves in Slack").mend(mend),
        (count, _) => {
            let most = config.approval.quorum.r3;
            let told = format!("{} named; deleting takes {most}", counted(count, "approver"));
            let is_short = usize::try_from(most).is_ok_and(|most| count < most)
                && !approvers.iter().any(|it| is_user_group(it.as_str()));
            if is_short {
                Check::note(what, format!("{told}, which they cannot come to"))
            } else {
                Check::works(what, told)
            }
        }
    }
}

/// Whether somebody misses us when we are silent.
fn heartbeat(config: &Config) -> Check {
    let metrics = &config.metrics;
    let places = [
        metrics.heartbeat_url.as_ref().map(|url| format!("{url} is asked after each pass")),
        metrics.heartbeat_file.as_ref().map(|path| format!("{} is written", path.display())),
        metrics.prometheus.as_ref().map(|path| format!("{} has metrics", path.display())),
        metrics.emf.then(|| "CloudWatch has metrics".to_owned()),
    ];
    let places: Vec<_> = places.into_iter().flatten().collect();
    if places.is_empty() {
        let told = "none: a watch that stopped is missed by nobody";
        return Check::note("heartbeat", told)
            .mend("[metrics] heartbeat_url = \"https://...\" of a service that misses it");
    }
    Check::works("heartbeat", places.join(", "))
}
