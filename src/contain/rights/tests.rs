//! Policies are whole, fit, and are kept current with the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;

use super::statement::{Statement, allow};
use super::{MOST_OF_POLICY, Places, Policy, Right, detector, eradicator, needed, pack, responder, watching};
use crate::contain::action::{self, Action, by_name};
use crate::model::plan::Class;

/// What everybody may call, and what policies and simulations of ours only speak of.
const FREE: &[&str] = &[
    "sts:GetCallerIdentity",
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
    ("DeleteMessageBatch", &["DeleteMessage"]),
    ("HeadBucket", &["ListBucket"]),
    ("HeadObject", &["GetObject"]),
    ("ListObjectsV2", &["ListBucket"]),
    ("TransactWriteItems", &["ConditionCheckItem", "UpdateItem"]),
    ("GetCallerIdentity", &[]),
    // A field of an answer, with the name of a call.
    ("CreateDate", &[]),
];

fn actions() -> Vec<&'static dyn Action> {
    action::all().collect()
}

fn places() -> Places {
    let arn = |text: &str| vec![text.to_owned()];
    let known = BTreeMap::from([
        ("{bucket}", arn("arn:aws:s3:::trails")),
        ("{objects}", arn("arn:aws:s3:::trails/*")),
        ("{vault}", arn("arn:aws:s3:::vault")),
        ("{evidence}", arn("arn:aws:s3:::vault/*")),
        ("{manifests}", arn("arn:aws:s3:::vault/*/manifest.json")),
        ("{queue}", arn("arn:aws:sqs:eu-west-1:111122223333:q")),
        ("{topic}", arn("arn:aws:sns:eu-west-1:111122223333:t")),
        ("{role}", arn("arn:aws:iam::111122223333:role/stakeout-detector")),
    ]);
    let protected = ["arn:aws:iam::*:role/break-glass", "arn:aws:sts::111122223333:assumed-role/Admin/*"];
    Places { account: "111122223333".to_owned(), known, protected: protected.map(str::to_owned).to_vec() }
}

fn statements(policies: &[Policy], effect: &str) -> Vec<Value> {
    let all = policies.iter().flat_map(|policy| policy.document["Statement"].as_array().cloned().unwrap_or_default());
    all.filter(|statement| statement["Effect"] == effect).collect()
}

fn texts(value: &Value) -> BTreeSet<String> {
    let many = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    many.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn allowed(policies: &[Policy]) -> BTreeSet<String> {
    statements(policies, "Allow").iter().flat_map(|statement| texts(&statement["Action"])).collect()
}

fn matches(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

#[test]
fn policies_fit_and_have_names_of_their_own() {
    let (actions, places) = (actions(), places());
    let all = [detector(&actions, &places), responder(&actions, &places), eradicator(&actions, &places)].concat();
    let names: BTreeSet<_> = all.iter().map(|policy| &policy.name).collect();
    assert_eq!(names.len(), all.len());
    for policy in &all {
        let size = policy.document.to_string().len();
        assert!(size <= MOST_OF_POLICY, "{} has {size} characters", policy.name);
        let sids: Vec<_> =
            policy.document["Statement"].as_array().unwrap().iter().map(|it| it["Sid"].clone()).collect();
        assert_eq!(sids.iter().map(Value::to_string).collect::<BTreeSet<_>>().len(), sids.len(), "{}", policy.name);
        assert!(!policy.document.to_string().contains('{') || !policy.document.to_string().contains("{account}"));
    }
    // A role takes ten managed policies.
    assert!(responder(&actions, &places).len() + eradicator(&actions, &places).len() <= 10);
}

#[test]
fn containing_needs_no_delete_and_reading_changes_nothing() {
    let (actions, places) = (actions(), places());
    let responder = allowed(&responder(&actions, &places));
    for action in actions.iter().filter(|action| action.class() == Class::R3) {
        let kept: BTreeSet<_> = needed(&keeping()).iter().map(|right| right.action).collect();
        for right in action.card().writes.iter().filter(|right| !kept.contains(right.action)) {
            assert!(!responder.contains(right.action), "{} of {}", right.action, action.name());
        }
    }
    let watch = ["s3:", "sns:Publish", "sqs:", "dynamodb:", "sts:AssumeRole"];
    for read in allowed(&detector(&actions, &places)) {
        let name = read.split_once(':').map_or("", |(_, name)| name);
        let reads = ["Describe", "Get", "List", "Lookup", "Simulate"].iter().any(|verb| name.starts_with(verb));
        assert!(reads || watch.iter().any(|start| read.starts_with(start)), "{read} is no reading");
    }
}

fn keeping() -> Vec<&'static dyn Action> {
    actions().into_iter().filter(|action| action.class() < Class::R3).collect()
}

#[test]
fn nothing_needed_is_denied_and_what_protects_is() {
    let (actions, places) = (actions(), places());
    for policies in [detector(&actions, &places), responder(&actions, &places)] {
        let allowed = allowed(&policies);
        let everywhere = statements(&policies, "Deny");
        let always = everywhere.iter().filter(|it| it["Resource"] == "*" && it["Condition"].is_null());
        for denied in always.flat_map(|statement| texts(&statement["Action"])) {
            assert!(!allowed.iter().any(|action| matches(&denied, action)), "{denied} is allowed and denied");
        }
    }
    let denials = statements(&responder(&actions, &places), "Deny");
    let by_sid = |sid: &str| denials.iter().find(|it| it["Sid"] == sid).unwrap_or_else(|| panic!("no {sid}"));
    let own = texts(&by_sid("NeverSelf")["Resource"]);
    // Whole names: who calls itself my-stakeout-1 is not one of ours. What the settings name takes the place of the usual.
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let names = ["aws-reserved/*", "aws-service-role/*", "stakeout", "stakeout-detector", "stakeout-responder"];
    assert_eq!(own, names.map(role).into());
    let mut named = places.clone();
    named.known.insert("{responder}", vec![role("security/responder")]);
    let denials_named = statements(&responder(&actions, &named), "Deny");
    let own = denials_named.iter().find(|it| it["Sid"] == "NeverSelf").map(|it| texts(&it["Resource"])).unwrap();
    assert!(own.contains(&role("security/responder")) && !own.contains(&role("stakeout-responder")));
    assert!(!denials.iter().any(|it| it["Condition"].to_string().contains("aws:ResourceTag/stakeout:protected")));
    let protected = texts(&by_sid("NeverProtected")["Resource"]);
    assert!(protected.contains("arn:aws:iam::*:role/break-glass"));
    assert!(protected.contains("arn:aws:iam::111122223333:role/*Admin"));
    let power = texts(&by_sid("NeverCreatePower1")["Action"]);
    for action in ["iam:CreateUser", "iam:CreateAccessKey", "cloudtrail:StopLogging", "organizations:*"] {
        assert!(power.contains(action), "{action}");
    }
}

#[cfg(feature = "ec2")]
#[test]
fn a_role_is_passed_to_those_services_only_that_had_it() {
    let denials = statements(&responder(&actions(), &places()), "Deny");
    let denial = denials.iter().find(|it| it["Action"] == "iam:PassRole").unwrap();
    let services = ["ec2.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com"];
    assert_eq!(denial["Condition"]["StringNotEquals"]["iam:PassedToService"], serde_json::json!(services));
}

/// Every way to allow something; a resource that nothing is known of allows nothing.
#[test]
fn rights_without_a_place_are_left_out() {
    let rights = [
        Right::on("sns:Publish", "{topic}"),
        Right::on("iam:PassRole", "arn:aws:iam::{account}:role/*").only_if(("StringEquals", "k", "v")),
        Right::on("ec2:StopInstances", "*").only_if(("StringEquals", "k", "v")),
        Right::on("ec2:StopInstances", "*"),
    ];
    let places = Places { account: "1".to_owned(), ..Places::default() };
    let statements = allow("S", &rights.iter().collect::<Vec<_>>(), &places);
    let actions: Vec<_> = statements.iter().flat_map(|statement| statement.actions.clone()).collect();
    // Without a condition is enough.
    assert_eq!(actions, ["ec2:StopInstances", "iam:PassRole"]);
    assert!(statements[0].condition.is_none() && statements[1].condition.is_some());
}

proptest! {
    #[test]
    fn packing_loses_and_adds_nothing(sizes in proptest::collection::vec((1_usize..120, 1_usize..120), 1..12)) {
        let texts = |kind: &str, count: usize| (0..count).map(|n| format!("service:{kind}WithARatherLongName{n}")).collect();
        let all: Vec<_> = sizes.iter().enumerate().map(|(place, (actions, resources))| {
            let sid = format!("S{place}");
            Statement { sid, allow: true, actions: texts("Action", *actions), resources: texts("Resource", *resources), condition: None }
        }).collect();
        let pairs = |statements: Vec<Value>| {
            let of = |statement: &Value| {
                let (actions, resources) = (super::tests::texts(&statement["Action"]), super::tests::texts(&statement["Resource"]));
                actions.into_iter().flat_map(move |a| resources.clone().into_iter().map(move |r| (a.clone(), r))).collect::<Vec<_>>()
            };
            statements.iter().flat_map(of).collect::<BTreeSet<_>>()
        };
        let before = pairs(all.iter().map(Statement::json).collect());
        let policies = pack::policies("p", all);
        prop_assert!(policies.iter().all(|policy| policy.document.to_string().len() <= MOST_OF_POLICY));
        prop_assert_eq!(pairs(statements(&policies, "Allow")), before);
    }
}

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
    let declared: BTreeSet<_> =
        watching::ACCOUNT.iter().chain(watching::HOME).map(|right| right.action.to_owned()).collect();
    let mut calls = 0;
    for folder in ["source", "store", "notify"] {
        for (path, code) in sources(folder) {
            calls += called(&code).len();
            assert_eq!(missing(&code, &declared), Vec::<String>::new(), "{} needs them", path.display());
        }
    }
    assert!(calls > 15, "the sources have only {calls} calls");
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

/// What is printed, at a stand-in that takes policies and, with authorization on, keeps to them.
#[cfg(feature = "ec2")]
#[test]
#[ignore = "needs a stand-in of AWS, whose address is in STAKEOUT_TEST_ENDPOINT"]
fn policies_are_taken_and_are_enough_at_a_stand_in() {
    use crate::contain::action::ec2::tests::{config, config_as, launch, on_a_thread, said, subject, there_and_back};
    use crate::contain::cloud::{Cloud, Vault};

    on_a_thread(async {
        let places = Places { account: "123456789012".to_owned(), ..places() };
        let actions = actions();
        let iam = aws_sdk_iam::Client::new(&config("us-east-1"));
        iam.create_user().user_name("robot").send().await.unwrap();
        for (policies, is_responders) in [
            (detector(&actions, &places), false),
            (eradicator(&actions, &places), false),
            (responder(&actions, &places), true),
        ] {
            for policy in policies {
                let request =
                    iam.create_policy().policy_name(&policy.name).policy_document(policy.document.to_string());
                let made = request.send().await.unwrap_or_else(|error| panic!("{}: {error:?}", policy.name));
                let arn = made.policy().unwrap().arn().unwrap().to_owned();
                if is_responders {
                    iam.attach_user_policy().user_name("robot").policy_arn(arn).send().await.unwrap();
                }
            }
        }
        let key = iam.create_access_key().user_name("robot").send().await.unwrap();
        let key = key.access_key().unwrap();
        let (id, secret) = (key.access_key_id().to_owned(), key.secret_access_key().to_owned());
        let as_robot = move |region: &str| config_as(region, &id, &secret);

        let owner = config("eu-west-1");
        let instance = launch(&aws_sdk_ec2::Client::new(&owner)).await;
        let instance = format!("arn:aws:ec2:eu-west-1:123456789012:instance/{instance}");
        let trails = aws_sdk_cloudtrail::Client::new(&owner);
        drop(aws_sdk_s3::Client::new(&config("us-east-1")).create_bucket().bucket("trails").send().await);
        drop(trails.create_trail().name("trail").s3_bucket_name("trails").send().await);
        let robot = as_robot("eu-west-1");
        let folder = tempfile::tempdir().unwrap();
        let configs = Box::new(move |_: &str, region: &str| Some(as_robot(region)));
        let cloud = Cloud::new(configs, Vault::Folder(folder.path().to_owned())).for_incident("inc-1", None);
        let instance = subject("ec2:instance", instance);
        let account = subject("account", "arn:aws:iam::123456789012:root".to_owned());
        for (name, subject) in [
            ("save-instance", &instance),
            ("start-trail", &account),
            ("detach-instance-profile", &instance),
            ("isolate-instance", &instance),
            ("stop-instance", &instance),
            ("terminate-instance", &instance),
        ] {
            match there_and_back(&cloud, name, subject).await {
                Ok(targets) => said(name, format!("ok, {targets} target(s)")),
                Err(refusal) => said(name, refusal),
            }
        }
        let iam = aws_sdk_iam::Client::new(&robot);
        said("iam:CreateUser is refused", iam.create_user().user_name("x").send().await.is_err());
        said("iam:CreateAccessKey is refused", iam.create_access_key().user_name("robot").send().await.is_err());
        let stop = aws_sdk_cloudtrail::Client::new(&robot).stop_logging().name("trail").send().await;
        said("cloudtrail:StopLogging is refused", stop.is_err());
    });
}
