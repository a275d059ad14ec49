//! `stakeout permissions`: the IAM policies that the program's roles need.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value};

use super::{Status, Voice};
use crate::config::Config;
use crate::contain::action::{self, Action};
use crate::contain::rights::{self, Places, Policy};

/// Print the IAM policies that Stakeout needs: one role that reads, another that contains.
///
/// They are made from what this program's own actions declare, with the names of buckets, queues, topics, tables and roles
/// from the settings. Printed is one JSON object from the policy's name to its document; each document fits a managed
/// policy (6,144 characters). Some are denials (`-never`), which win over whatever else a role is given. Policies that end
/// in `-home` are for where Stakeout runs, the others for every account. Give the detector's and the responder's to two
/// roles: the detector's denials hold for code and user data, which the responder reads as evidence.
///
///   stakeout permissions responder --name stakeout-responder-never > never.json
///   aws iam create-policy --policy-name stakeout-responder-never --policy-document file://never.json
///
/// Keys of KMS that encrypt the trail's bucket or the queue are not known: allow `kms:Decrypt` on them.
///
/// Exit status: 0 done, 2 could not run.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// To watch and to plan: reads, and changes nothing.
    Detector(Common),
    /// To carry out approved plans and to undo them. It deletes nothing.
    Responder {
        #[command(flatten)]
        common: Common,
        /// What `eradicate` plans need beside it. Attach it for as long as one runs.
        #[arg(long)]
        eradicate: bool,
    },
}

#[derive(Args)]
struct Common {
    /// The account that the policies are for [default: the only one of the settings, else any].
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Option<String>,
    /// Only the policy of this name, as a document.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value = "json")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
}

/// Makes a role's policies.
type Make = fn(&[&dyn Action], &Places) -> Vec<Policy>;

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let config = Config::load(config)?;
    let actions: Vec<&dyn Action> = action::all().collect();
    let (common, policies): (_, Make) = match &arguments.role {
        Role::Detector(common) => (common, rights::detector),
        Role::Responder { common, eradicate: false } => (common, rights::responder),
        Role::Responder { common, eradicate: true } => (common, rights::eradicator),
    };
    let Format::Json = common.format;
    let places = places(&config, common.account.as_deref());
    let policies = policies(&actions, &places);
    remark(&places, &policies, voice);
    let value = match &common.name {
        None => Value::Object(policies.into_iter().map(|policy| (policy.name, policy.document)).collect::<Map<_, _>>()),
        Some(name) => match policies.iter().find(|policy| policy.name == *name) {
            Some(policy) => policy.document.clone(),
            None => {
                let names: Vec<_> = policies.iter().map(|policy| policy.name.as_str()).collect();
                bail!("no policy {name}; there are {}", names.join(", "));
            }
        },
    };
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&value)?)?;
    Ok(Status::Quiet)
}

fn account(text: &str) -> Result<String, String> {
    let holds = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if holds { Ok(text.to_owned()) } else { Err("an account id has 12 digits".to_owned()) }
}

/// What was not known.
fn remark(places: &Places, policies: &[Policy], voice: Voice) {
    if places.account == "*" {
        voice.remark("the account is not known, so that policies say *; --account sets it");
    }
    if policies.iter().any(|policy| policy.name.starts_with("stakeout-detector")) {
        let unused = [("{objects}", "a trail's bucket"), ("{queue}", "a queue"), ("{topic}", "a topic")];
        let unused: Vec<_> =
            unused.iter().filter(|(key, _)| !places.known.contains_key(key)).map(|(_, it)| *it).collect();
        if !unused.is_empty() {
            voice.remark(&format!("the settings name no rights for {}: those are left out", unused.join(", ")));
        }
    }
}

/// Where the settings say that things are.
fn places(config: &Config, account: Option<&str>) -> Places {
    let account = match (account, config.accounts.as_slice()) {
        (Some(account), _) => account.to_owned(),
        (None, [one]) => one.id.to_string(),
        _ => "*".to_owned(),
    };
    let mut known: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut add = |key, arn: String| known.entry(key).or_default().push(arn);
    if let Some(url) = &config.sources.trail_bucket {
        let (bucket, prefix) = bucket(url.as_str());
        add("{bucket}", format!("arn:aws:s3:::{bucket}"));
        add("{objects}", format!("arn:aws:s3:::{bucket}/{prefix}*"));
    }
    if let Some(url) = &config.evidence.s3 {
        let (bucket, prefix) = bucket(url.as_str());
        add("{vault}", format!("arn:aws:s3:::{bucket}"));
        add("{evidence}", format!("arn:aws:s3:::{bucket}/{prefix}*"));
        add("{manifests}", format!("arn:aws:s3:::{bucket}/{prefix}*/manifest.json"));
    }
    config.sources.queue_url.iter().for_each(|url| add("{queue}", queue(url.as_str())));
    config.notify.sns.iter().for_each(|sns| add("{topic}", sns.topic.to_string()));
    config.accounts.iter().filter_map(|one| one.role.as_ref()).for_each(|role| add("{role}", role.to_string()));
    config.contain.responder_role.iter().for_each(|role| add("{responder}", role.to_string()));
    if let Some(table) = &config.state.dynamodb {
        add("{table}", format!("arn:aws:dynamodb:*:{account}:table/{table}"));
    }
    let protected = config.protect.principals.iter().map(ToString::to_string).collect();
    Places { account, known, protected }
}

/// The bucket, and a prefix that is empty or ends in a slash.
fn bucket(url: &str) -> (&str, String) {
    let path = url.strip_prefix("s3://").unwrap_or(url);
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    let prefix = prefix.trim_end_matches('/');
    (bucket, if prefix.is_empty() { String::new() } else { format!("{prefix}/") })
}

/// The ARN of a queue. Its region is only known where the host is one of AWS.
fn queue(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut parts = rest.trim_end_matches('/').rsplit('/');
    let (name, account) = (parts.next().unwrap_or("*"), parts.next().unwrap_or("*"));
    let host = rest.split('/').next().unwrap_or_default();
    let region = host.strip_prefix("sqs.").and_then(|host| host.split_once(".amazonaws.com")).map_or("*", |(it, _)| it);
    format!("arn:aws:sqs:{region}:{account}:{name}")
}

#[cfg(test)]
mod tests {
    use super::{places, queue};
    use crate::config::Config;

    #[test]
    fn settings_become_arns() {
        let text = r#"
            [sources]
            trail_bucket = "s3://trails/org/"
            queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/events"
            [evidence]
            s3 = "s3://vault"
            [[accounts]]
            id = "111122223333"
            role = "arn:aws:iam::111122223333:role/stakeout-detector"
        "#;
        let places = places(&Config::read(text, "", std::iter::empty()).unwrap(), None);
        assert_eq!(places.account, "111122223333");
        let known = |key| places.known[key].join(" ");
        assert_eq!(known("{objects}"), "arn:aws:s3:::trails/org/*");
        assert_eq!(known("{manifests}"), "arn:aws:s3:::vault/*/manifest.json");
        assert_eq!(known("{queue}"), "arn:aws:sqs:eu-west-1:111122223333:events");
        assert_eq!(known("{role}"), "arn:aws:iam::111122223333:role/stakeout-detector");
        assert!(!places.known.contains_key("{topic}"));
        assert_eq!(queue("http://127.0.0.1:4566/000000000000/q"), "arn:aws:sqs:*:000000000000:q");
    }
}
