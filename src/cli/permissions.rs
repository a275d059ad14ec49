//! `stakeout permissions`: the IAM policies that the program's roles need.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::{Status, Voice};
use crate::config::{Config, ExternalId, Place};
use crate::contain::action::{self, Action};
use crate::contain::rights::{self, Places, Policy, Site, Trust};
use crate::event::identity::is_account;

/// Print the IAM policies that Stakeout needs: one role that reads, another that contains.
///
/// They are made from what this program's own actions declare, with the names of buckets,
/// queues, topics, tables, secrets and roles from the settings. Printed is one JSON object from
/// the policy's name to its document; each document fits a managed policy (6,144 characters).
/// Some are denials (`-never`), which win over whatever else a role is given. Policies that end
/// in `-home` are for where Stakeout runs, `-contain` for every account where plans run, the
/// others for every account. Give the detector's and the responder's to two roles: the detector's
/// denials hold for code and user data, which the responder reads as evidence. A Lambda function
/// has the detector's and its own.
///
///   stakeout permissions responder --name stakeout-responder-never > never.json
///   aws iam create-policy --policy-name stakeout-responder-never \
///     --policy-document file://never.json
///   stakeout permissions responder --trust --account 111122223333 > trust.json
///   aws iam create-role --role-name stakeout-responder \
///     --assume-role-policy-document file://trust.json
///
/// Keys of KMS that encrypt a bucket, a queue, a secret or a parameter are not known: allow
/// `kms:Decrypt` on them.
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
    Detector {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        trust: TrustArguments,
        /// With --trust: the external id that must be given [default: that of the settings, where it is no reference].
        #[arg(long, value_name = "ID", requires = "trust")]
        external_id: Option<String>,
    },
    /// To carry out approved plans and to undo them. It deletes nothing.
    Responder {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        trust: TrustArguments,
        /// What `eradicate` plans need beside it. Attach it for as long as one runs.
        #[arg(long)]
        eradicate: bool,
    },
    /// What the role of a Lambda function needs beside the detector's policies.
    Function {
        #[command(flatten)]
        common: Common,
        /// The queue that feeds it [default: those of the settings, else FUNCTION-events]. May be given several times.
        #[arg(long, value_name = "ARN")]
        queue: Vec<String>,
        /// The queue for invocations that failed [default: FUNCTION-dead-letters].
        #[arg(long, value_name = "ARN")]
        dead_letters: Option<String>,
    },
    /// What a function needs that maps and reduces a history (deploy/stepfunctions), called FUNCTION-history.
    History {
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args)]
struct Common {
    /// The account that the policies are for [default: the only one of the settings, else any].
    #[arg(long, value_name = "ID", value_parser = account)]
    account: Option<String>,
    /// The region of what is where Stakeout runs [default: any].
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The name of the Lambda function and of its role.
    #[arg(long, value_name = "NAME", default_value = "stakeout")]
    function: String,
    /// Where the function reads its settings: ssm:NAME or s3://BUCKET/KEY [default: where these come from].
    #[arg(long, value_name = "PLACE")]
    settings: Option<PathBuf>,
    /// The partition of AWS.
    #[arg(long, value_name = "NAME", value_parser = ["aws", "aws-us-gov", "aws-cn"], default_value = "aws")]
    partition: String,
    /// Only the policy of this name, as a document.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Args)]
struct TrustArguments {
    /// Who may assume the role, in place of what it may do.
    #[arg(long, conflicts_with = "name")]
    trust: bool,
    /// With --trust: a principal that may, by default for the responder's role the one that the account is watched with: a
    /// role of the settings, else the function's. May be given several times.
    #[arg(long, value_name = "ARN", requires = "trust")]
    trusted: Vec<String>,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let config = Config::load(config)?;
    let actions: Vec<&dyn Action> = action::all().collect();
    let (value, common) = match &arguments.role {
        Role::Detector { common, trust, external_id } if trust.trust => {
            let places = places(&config, &site(common)?, voice);
            let external_id = external_id.clone().or_else(|| external_id_of(&config, &places.account));
            (rights::trust(&trusted(&trust.trusted, None)?, &Trust::Detector { external_id }), common)
        }
        Role::Responder { common, trust, .. } if trust.trust => {
            let places = places(&config, &site(common)?, voice);
            (rights::trust(&trusted(&trust.trusted, asks(&config, &places))?, &Trust::Responder), common)
        }
        Role::Detector { common, .. } => {
            let places = places(&config, &site(common)?, voice);
            remark(&places, voice);
            (printed(rights::detector(&actions, &places), common)?, common)
        }
        Role::Responder { common, eradicate, .. } => {
            let places = places(&config, &site(common)?, voice);
            let make: fn(&[&dyn Action], &Places) -> Vec<Policy> =
                if *eradicate { rights::eradicator } else { rights::responder };
            (printed(make(&actions, &places), common)?, common)
        }
        Role::Function { common, queue, dead_letters } => {
            let site = Site { feeds: queue.clone(), dead_letters: dead_letters.clone(), ..site(common)? };
            (printed(rights::function(&places(&config, &site, voice)), common)?, common)
        }
        Role::History { common } => {
            if config.history.out.is_none() {
                bail!("[history] logs and out are not set: rights are for what they name");
            }
            (printed(rights::history(&places(&config, &site(common)?, voice)), common)?, common)
        }
    };
    writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&in_partition(value, &common.partition))?)?;
    Ok(Status::Quiet)
}

fn account(text: &str) -> Result<String, String> {
    if is_account(text) { Ok(text.to_owned()) } else { Err("an account id has 12 digits".to_owned()) }
}

fn site(common: &Common) -> Result<Site> {
    Ok(Site {
        account: common.account.clone(),
        region: common.region.clone(),
        function: Some(common.function.clone()),
        settings: common.settings.as_deref().map(Place::parse).transpose()?,
        ..Site::default()
    })
}

fn places(config: &Config, site: &Site, voice: Voice) -> Places {
    let places = Places::at(config, site);
    if places.account == "*" {
        voice.remark("the account is not known, so that policies say *; --account sets it");
    }
    places
}

/// All policies by their names, or the document of one.
fn printed(policies: Vec<Policy>, common: &Common) -> Result<Value> {
    let Some(name) = &common.name else {
        let all = policies.into_iter().map(|policy| (policy.name, policy.document));
        return Ok(Value::Object(all.collect::<Map<_, _>>()));
    };
    match policies.iter().find(|policy| policy.name == *name) {
        Some(policy) => Ok(policy.document.clone()),
        None => {
            let names: Vec<_> = policies.iter().map(|policy| policy.name.as_str()).collect();
            bail!("no policy {name}; there are {}", names.join(", "));
        }
    }
}

/// Who may assume a role: who is named, else the usual one.
fn trusted(named: &[String], usual: Option<String>) -> Result<Vec<String>> {
    if !named.is_empty() {
        return Ok(named.to_vec());
    }
    let usual = usual.filter(|arn| !arn.contains('*'));
    usual.map(|usual| vec![usual]).context("whom to trust is not known: name principals with --trusted")
}

/// Who assumes the responder's role of an account: the role with which it is watched, else the function.
fn asks(config: &Config, places: &Places) -> Option<String> {
    let watched = config.accounts.iter().find(|watched| watched.id.as_str() == places.account);
    let role = watched.and_then(|watched| watched.role.as_ref()).map(ToString::to_string);
    role.or_else(|| places.known.get("{own}")?.first().cloned())
}

fn external_id_of(config: &Config, account: &str) -> Option<String> {
    match config.accounts.iter().find(|watched| watched.id.as_str() == account)?.external_id.as_ref()? {
        ExternalId::Id(id) => Some(id.clone()),
        ExternalId::Kept(_) => None,
    }
}

/// ARNs of a partition, in place of those of the commercial one.
fn in_partition(value: Value, partition: &str) -> Value {
    match value {
        Value::String(text) => Value::String(match text.strip_prefix("arn:aws:") {
            Some(rest) => format!("arn:{partition}:{rest}"),
            None => text,
        }),
        Value::Array(list) => list.into_iter().map(|value| in_partition(value, partition)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key, in_partition(value, partition))).collect())
        }
        other => other,
    }
}

/// What the settings do not name.
fn remark(places: &Places, voice: Voice) {
    let unused = [("{objects}", "a trail's bucket"), ("{queue}", "a queue"), ("{topic}", "a topic")];
    let unused: Vec<_> = unused.iter().filter(|(key, _)| !places.known.contains_key(key)).map(|(_, it)| *it).collect();
    if !unused.is_empty() {
        voice.remark(&format!("the settings name no rights for {}: those are left out", unused.join(", ")));
    }
}
