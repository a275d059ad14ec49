//! Every call that the sources make is a right of somebody.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::{needed, watching};
use super::actions;
use crate::contain::action::{self, by_name};

/// What everybody may call, and what policies and simulations of ours only speak of.
const FREE: &[&str] = &[
    "sts:GetCallerIdentity",
    // Keys are not known: whoever prints policies is told, and so is whoever is refused.
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "ec2:RunInstances",
    "iam:CreateUser",
    "lambda:CreateFunction",
];
/// First words of calls of the SDK.
const VERBS: &str = "add associate attach authorize batch cancel create deactivate delete describe detach disable \
    disassociate enable get head list lookup modify publish put query receive remove request resync revoke run scan send \
    simulate start stop tag terminate transact untag update";
/// Calls that another right is for, or several.
const OTHERWISE: &[(&str, &[&str])] = &[
    ("CreateMultipartUpload", &["PutObject"]),
    ("DeleteMessageBatch", &["DeleteMessage"]),
    ("HeadBucket", &["ListBucket"]),
    ("HeadObject", &["GetObject"]),
    ("ListObjectsV2", &["ListBucket"]),
    ("TransactWriteItems", &["ConditionCheckItem", "UpdateItem"]),
    ("GetCallerIdentity", &[]),
    // A field of an answer, with the name of a call.
    ("CreateDate", &[]),
    // Of a runtime.
    ("EnableAll", &[]),
];

/// The files of a folder of `src` with their text, without tests.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut waiting = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        let beside = folder.with_extension("rs");
        let entries =
            fs::read_dir(&folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>());
        for path in entries.unwrap_or_default().into_iter().chain(beside.exists().then_some(beside)) {
            if path.is_dir() {
                waiting.push(path);
            } else if !path.ends_with("tests.rs") && !path.components().any(|part| part.as_os_str() == "tests") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                found.push((path, code));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// `service:Action` in quotes.
fn named(code: &str) -> BTreeSet<String> {
    let right = |text: &&str| {
        let Some((service, action)) = text.split_once(':') else { return false };
        let of = |text: &str, plain: fn(char) -> bool| !text.is_empty() && text.chars().all(plain);
        let service = of(service, |letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
        service
            && action.starts_with(|letter: char| letter.is_ascii_uppercase())
            && of(action, |it| it.is_ascii_alphanumeric())
    };
    let quoted = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2));
    quoted.filter(right).filter(|text| *text != "s3:TestEvent").map(str::to_owned).collect()
}

/// Calls of the SDK: `.list_users()` is `ListUsers`. Nothing else has such a name and no argument.
fn called(code: &str) -> BTreeSet<String> {
    if !code.contains("aws_sdk_") && !code.contains("client.") && !code.contains("super::client(") {
        return BTreeSet::new();
    }
    let calls = code.split('.').filter_map(|rest| rest.split_once("()").map(|(name, _)| name));
    // A time in an answer is no call.
    let snake = |name: &&str| {
        name.contains('_')
            && !name.ends_with("_date")
            && name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit())
    };
    let verb = |name: &&str| VERBS.split_whitespace().any(|verb| name.starts_with(&format!("{verb}_")));
    let camel = |name: &str| -> String {
        let words = name.split('_').map(|word| word.split_at(usize::from(!word.is_empty())));
        words.map(|(first, rest)| format!("{}{rest}", first.to_ascii_uppercase())).collect()
    };
    calls.filter(snake).filter(verb).map(camel).collect()
}

/// The names behind the colon, as SDK and IAM write them: `SSH` is `Ssh` in one of them.
fn plain(names: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    names.into_iter().map(|name| name.rsplit(':').next().unwrap_or_default().to_ascii_lowercase()).collect()
}

/// What of a file is in no list.
fn missing(code: &str, declared: &BTreeSet<String>) -> Vec<String> {
    let names = plain(declared.iter().cloned());
    let rights = needed(&actions());
    let is_key = |name: &str| {
        name.starts_with("aws:") || rights.iter().any(|right| right.only_if.is_some_and(|(_, key, _)| key == name))
    };
    let is_free = |name: &str| FREE.contains(&name) || is_key(name);
    let literal = named(code).into_iter().filter(|name| !declared.contains(name) && !is_free(name));
    let needs = |call: &String| match OTHERWISE.iter().find(|(name, _)| name == call) {
        Some((_, others)) => others.iter().any(|other| !names.contains(&other.to_ascii_lowercase())),
        None => !names.contains(&call.to_ascii_lowercase()),
    };
    literal.chain(called(code).into_iter().filter(needs)).collect()
}

#[test]
fn every_call_of_a_watch_is_declared() {
    let declared: BTreeSet<_> = watching::ACCOUNT
        .iter()
        .chain(watching::HOME)
        .chain(watching::FUNCTION)
        .chain(watching::HISTORY)
        .map(|it| it.action.to_owned())
        .collect();
    let mut calls = 0;
    for folder in ["aws", "config", "source", "store", "notify"] {
        for (path, code) in sources(folder) {
            calls += called(&code).len();
            assert_eq!(missing(&code, &declared), Vec::<String>::new(), "{} needs them", path.display());
        }
    }
    assert!(calls > 18, "the sources have only {calls} calls");
}

/// Calls of `doctor --function`, which whoever deploys makes and not the program.
const BY_HAND: &[&str] =
    &["events:ListRuleNamesByTarget", "iam:SimulatePrincipalPolicy", "lambda:GetFunctionUrlConfig"];

#[test]
fn every_call_of_a_check_up_is_declared() {
    let actions = actions();
    let needed = needed(&actions);
    let lists = [watching::ACCOUNT, watching::HOME, watching::CHECKING, watching::FUNCTION, watching::SAVING];
    let lists = lists.into_iter().chain([watching::RESPONDING, watching::PLANNING, action::tags::READS]);
    let declared = lists.flatten().chain(needed).map(|it| it.action.to_owned());
    let declared: BTreeSet<_> = declared.chain(BY_HAND.iter().map(|it| (*it).to_owned())).collect();
    let lacking: Vec<_> = sources("doctor")
        .into_iter()
        .flat_map(|(path, code)| missing(&code, &declared).into_iter().map(move |it| (path.display().to_string(), it)))
        .collect();
    assert!(lacking.is_empty(), "{lacking:#?}");
}

#[test]
fn every_call_of_an_action_is_declared_by_it() {
    let actions = actions();
    let all: BTreeSet<_> = needed(&actions)
        .into_iter()
        .chain(watching::SAVING)
        .chain(watching::HOME)
        .chain(action::tags::READS)
        .map(|it| it.action.to_owned())
        .collect();
    let mut seen = 0;
    let mut lacking = Vec::new();
    for (path, code) in sources("contain") {
        // `subject` knows the calls of others by their names.
        let is_list = path.components().any(|part| part.as_os_str() == "rights");
        if is_list || path.ends_with("rights.rs") || path.ends_with("subject.rs") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().replace('_', "-");
        // What several actions share is declared by any of them.
        let declared = match by_name(&name) {
            Some(action) => needed(&[action]).into_iter().map(|right| right.action.to_owned()).collect(),
            None => all.clone(),
        };
        seen += usize::from(by_name(&name).is_some());
        lacking.extend(missing(&code, &declared).into_iter().map(|name| (path.display().to_string(), name)));
    }
    assert!(lacking.is_empty(), "{lacking:#?}");
    assert_eq!(seen, actions.len(), "an action is no file of its name");
}
