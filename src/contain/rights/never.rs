//! What is denied whatever else a role is given: a denial wins over every right.

use std::collections::{BTreeMap, BTreeSet};

use super::statement::{Condition, Statement};
use super::{Places, Right};

/// Nothing that contains an incident gives anybody more power, ends a recording, deletes data or runs code. Those that
/// an action needs are not denied; those that it needs under a condition are denied without it.
const POWER: &[&str] = &[
    "account:AcceptPrimaryEmailUpdate",
    "account:Delete*",
    "account:DisableRegion",
    "account:EnableRegion",
    "account:Put*",
    "account:StartPrimaryEmailUpdate",
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
    "ec2:RequestSpotFleet",
    "ec2:RequestSpotInstances",
    "ec2:RunInstances",
    "guardduty:DeleteDetector",
    "iam:AddRoleToInstanceProfile",
    "iam:AddUserToGroup",
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreateOpenIDConnectProvider",
    "iam:CreatePolicy",
    "iam:CreatePolicyVersion",
    "iam:CreateRole",
    "iam:CreateSAMLProvider",
    "iam:CreateServiceSpecificCredential",
    "iam:CreateUser",
    "iam:PassRole",
    "iam:PutGroupPolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutUserPermissionsBoundary",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateLoginProfile",
    "iam:UploadSSHPublicKey",
    "iam:UploadSigningCertificate",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "lambda:CreateFunction",
    "lambda:InvokeFunction",
    "lambda:InvokeFunctionUrl",
    "lambda:UpdateFunctionCode",
    "organizations:*",
    "s3:DeleteBucket",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "sts:GetFederationToken",
];
/// What reads data, secrets or code. Where some of it is needed, it is denied everywhere else.
const DATA: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
    "ec2:DescribeInstanceAttribute",
    "ec2:GetConsoleOutput",
    "ec2:GetPasswordData",
    "lambda:GetFunction",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
];
/// What makes somebody else of a caller.
const OTHERS: &[&str] = &["sts:AssumeRole"];

/// Denials for the detector, and for the function that has its policies.
pub(super) fn detector(needed: &[&Right], places: &Places) -> Vec<Statement> {
    // Its own table and bucket may be none: then it reads no data at all.
    let used: Vec<_> = needed.iter().copied().filter(|right| !places.resources(right.resource).is_empty()).collect();
    let lists = [("NeverReadData", DATA), ("NeverCreatePower", POWER), ("NeverBecome", OTHERS)];
    lists.into_iter().flat_map(|(sid, list)| elsewhere(sid, list, &used, places)).collect()
}

/// Denials for the responder.
pub(super) fn responder(needed: &[&Right], places: &Places) -> Vec<Statement> {
    let mut denials = vec![own(places)];
    denials.extend(protected(places));
    // No denial by tag: an attacker tags what it made. Who plans knows what the incident made, and keeps to tags.
    denials.extend(denied("NeverCreatePower", POWER, needed));
    denials
}

/// The roles that this program takes, by the settings or as they are called without any, and its own.
const ROLES: [(&str, &str); 3] =
    [("{role}", "stakeout-detector"), ("{responder}", "stakeout-responder"), ("{own}", "stakeout")];

/// This program's own roles, by their whole names, and those that AWS keeps. A pattern would also protect an attacker who
/// chooses a name that fits.
fn own(places: &Places) -> Statement {
    let account = &places.account;
    let in_account = |name: &str| format!("arn:aws:iam::{account}:role/{name}");
    let mut resources: BTreeSet<_> = ["aws-service-role/*", "aws-reserved/*"].map(in_account).into();
    for (place, usual) in ROLES {
        match places.known.get(place) {
            Some(roles) => resources.extend(roles.iter().cloned()),
            None => _ = resources.insert(in_account(usual)),
        }
    }
    Statement::deny("NeverSelf", texts(&["iam:*", "sts:AssumeRole"]), resources)
}

/// The principals that the settings protect. A session is protected through its role.
fn protected(places: &Places) -> Option<Statement> {
    let resources: BTreeSet<_> = places.protected.iter().filter_map(|arn| principal(arn)).collect();
    let denial = || Statement::deny("NeverProtected", texts(&["iam:*", "sts:AssumeRole"]), resources.clone());
    (!resources.is_empty()).then(denial)
}

/// The user or role behind a protected ARN; none for what is none of IAM's.
fn principal(arn: &str) -> Option<String> {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        [_, _, "iam", ..] => Some(arn.to_owned()),
        [_, partition, "sts", _, account, session] => {
            let role = session.strip_prefix("assumed-role/")?.split('/').next()?;
            // The ARN of a session does not say the path of its role.
            Some(format!("arn:{partition}:iam::{account}:role/*{role}"))
        }
        _ => None,
    }
}

/// Denials of a list, as far as nothing on it is needed.
fn denied(sid: &str, list: &[&str], needed: &[&Right]) -> Vec<Statement> {
    let mut always = BTreeSet::new();
    let mut denials = Vec::new();
    for action in list {
        let uses = needed.iter().filter(|right| covers(action, right.action));
        let conditions: BTreeSet<_> = uses.map(|right| right.only_if).collect();
        if conditions.is_empty() {
            always.insert((*action).to_owned());
        } else if let Some(condition) = outside_of(&conditions) {
            let sid = format!("{sid}{}", denials.len() + 2);
            let denial = Statement::deny(&sid, texts(&[action]), texts(&["*"]));
            denials.push(Statement { condition: Some(condition), ..denial });
        }
    }
    let first = Statement::deny(&format!("{sid}1"), always, texts(&["*"]));
    denials.insert(0, first);
    denials
}

/// Denials of a list: of what is needed for some resources, on all others; of the rest, on everything.
fn elsewhere(sid: &str, list: &[&str], needed: &[&Right], places: &Places) -> Vec<Statement> {
    let (bound, free): (Vec<&str>, Vec<&str>) = list.iter().partition(|action| is_bound(action, needed, places));
    let mut denials = denied(sid, &free, needed);
    denials.retain(|denial| !denial.actions.is_empty());
    let mut by_resources: BTreeMap<BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
    for action in bound {
        let uses = needed.iter().filter(|right| covers(action, right.action));
        let resources = uses.flat_map(|right| places.resources(right.resource)).collect();
        by_resources.entry(resources).or_default().insert(action.to_owned());
    }
    let named = by_resources.into_iter().enumerate().map(|(place, (resources, actions))| {
        Statement::deny_elsewhere(&format!("{sid}Elsewhere{}", place + 1), actions, resources)
    });
    denials.extend(named);
    denials
}

/// Whether an action is needed, and only ever on resources that have names.
fn is_bound(action: &str, needed: &[&Right], places: &Places) -> bool {
    let mut uses = needed.iter().filter(|right| covers(action, right.action)).peekable();
    uses.peek().is_some()
        && uses.all(|right| right.only_if.is_none() && !places.resources(right.resource).contains(&"*".to_owned()))
}

/// What holds where none of some conditions does; nothing where one of them is none, or they ask for different things.
fn outside_of(conditions: &BTreeSet<Option<(&str, &str, &str)>>) -> Option<Condition> {
    let conditions: Vec<_> = conditions.iter().copied().collect::<Option<_>>()?;
    let (operator, key, _) = *conditions.first()?;
    let is_alike = conditions.iter().all(|other| (other.0, other.1) == (operator, key));
    let operator = opposite(operator).filter(|_| is_alike)?.to_owned();
    let values = conditions.iter().map(|(_, _, value)| (*value).to_owned()).collect();
    Some(Condition { operator, key: key.to_owned(), values })
}

/// The operator that holds where another does not; also where the key is missing.
fn opposite(operator: &str) -> Option<&'static str> {
    match operator {
        "StringEquals" => Some("StringNotEquals"),
        "StringLike" => Some("StringNotLike"),
        "ArnEquals" => Some("ArnNotEquals"),
        "ArnLike" => Some("ArnNotLike"),
        _ => None,
    }
}

/// Whether an action, or a service with `*`, covers another action.
fn covers(pattern: &str, action: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == action, |start| action.starts_with(start))
}

fn texts(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
