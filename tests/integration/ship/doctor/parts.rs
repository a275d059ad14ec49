//! What a check-up says of a whole setup, and that it leaves everything as it was.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};

use super::clinic::{Clinic, allowed, of};
use super::rights::{MINISTACK, given};
use crate::harness::{finish, stakeout};
use crate::stand_in::LookupFake;
use crate::watch::desk::Desk;

#[test]
fn a_whole_setup_is_told_and_left_as_it_was() {
    let Some(clinic) = Clinic::mini() else { return };
    let settings = clinic.settings("");
    // Whoever sets it up may look at the table and the queue too.
    let more = json!({ "Effect": "Allow", "Action": ["sqs:GetQueue*", "dynamodb:Describe*"], "Resource": "*" });
    clinic.give(&[given(&clinic, &MINISTACK), vec![more]].concat());
    // A stand-in is slow where it is asked for something for the first time.
    clinic.run(&settings, &["doctor", "--quiet"]);
    let before = clinic.dump();
    let run = clinic.run(&settings, &["doctor"]);
    assert_eq!(before, clinic.dump(), "nothing is changed");
    assert_eq!(run.status, 0, "{}", run.stdout);
    assert!((15..=40).contains(&run.stdout.lines().count()), "{}", run.stdout);
    let account = clinic.account;
    for expected in [
        format!("works  account {account}: it is watched as arn:aws:iam::{account}:user/patient").as_str(),
        "works  clock: it agrees with AWS's",
        format!("works  rights in {account}: ").as_str(),
        &format!("works  rights at home ({account}): "),
        format!("works  regions of {account}: 2 of 2 watched regions answer").as_str(),
        "works  queue events: 1 waiting, 0 in hand",
        "works  queue events, dead letters: dead is empty",
        "works  table stakeout: it is there, paid by PAY_PER_REQUEST",
        "note   last pass: there was none yet. To mend: stakeout watch --learn 30d --once",
        "note   cost: a pass every 5m costs about $",
    ] {
        assert!(run.stdout.contains(expected), "{expected}\n{}", run.stdout);
    }
}

#[test]
fn a_responder_that_lacks_something_fails() {
    let Some(clinic) = Clinic::mini() else { return };
    let account = clinic.account;
    let role = format!("arn:aws:iam::{account}:role/stakeout-responder");
    let settings = clinic.settings(&format!("[contain]\nresponder_role = \"{role}\"\n"));
    let assume = json!({ "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Resource": role });
    // The denials of these settings let the responder be.
    let simulate = json!({ "Effect": "Allow", "Action": "iam:SimulatePrincipalPolicy", "Resource": "*" });
    clinic.give(&[clinic.statements(&settings), vec![assume, simulate]].concat());
    let only = ["--only", "responder"];
    let (status, told) = clinic.examine(&settings, &only);
    assert_eq!(status, 1, "{told:#}");
    assert!(of(&told, "fails")[0].starts_with(&format!("responder {role}: it cannot be assumed")), "{told:#}");

    let trusted = format!("arn:aws:iam::{account}:root");
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": { "AWS": trusted },
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"] }] });
    let with = json!({ "RoleName": "stakeout-responder", "AssumeRolePolicyDocument": trust.to_string() });
    clinic.owner("iam", "CreateRole", with);
    let printed = clinic.run(&settings, &["permissions", "responder", "--quiet"]);
    let policies: Value = serde_json::from_str(&printed.stdout).unwrap();
    let put = |name: &str, document: &str| {
        let with = json!({ "RoleName": "stakeout-responder", "PolicyName": name, "PolicyDocument": document });
        clinic.owner("iam", "PutRolePolicy", with);
    };
    for (name, document) in policies.as_object().unwrap() {
        put(name, &document.to_string());
    }
    // The stand-in's simulation reads no context, so that rights under a condition look as if they were missing.
    let of_stand_in = under_a_condition(&policies);
    let (_, told) = clinic.examine(&settings, &only);
    let looks_missing = missing(&told);
    assert!(looks_missing.is_subset(&of_stand_in), "{told:#}");
    assert!(of(&told, "works")[0].ends_with("it can be assumed"), "{told:#}");
    let denial = json!({ "Effect": "Deny", "Action": "iam:UpdateAccessKey", "Resource": "*" });
    put("denial", &json!({ "Version": "2012-10-17", "Statement": [denial] }).to_string());
    let (status, told) = clinic.examine(&settings, &only);
    let more: BTreeSet<_> = missing(&told).difference(&looks_missing).cloned().collect();
    assert!(status == 1 && more == BTreeSet::from(["iam:UpdateAccessKey".to_owned()]), "{told:#}");
}

/// The rights that a check-up says a responder lacks.
fn missing(told: &Value) -> BTreeSet<String> {
    let line = of(told, "fails").into_iter().find(|line| line.starts_with("responder's rights"));
    let names = line.as_deref().and_then(|line| line.split_once("by simulation: ")).map_or("", |(_, names)| names);
    names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// What policies allow under a condition only.
fn under_a_condition(policies: &Value) -> BTreeSet<String> {
    let all: Vec<Value> = policies
        .as_object()
        .unwrap()
        .values()
        .flat_map(|document| document["Statement"].as_array().unwrap().clone())
        .collect();
    let (under, free): (Vec<_>, Vec<_>) = all.into_iter().partition(|statement| !statement["Condition"].is_null());
    let free = allowed(&free);
    allowed(&under).into_iter().filter(|action| !free.contains(action)).collect()
}

#[test]
fn an_account_that_cannot_be_reached_cannot_be_checked() {
    let desk = Desk::at("http://127.0.0.1:1".to_owned(), "AKIAIOSFODNN7EXAMPLE");
    let station = desk.station("doctor", "");
    let run = finish(station.command(&["doctor"]), b"");
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stdout.contains("FAILS  identity: "), "{}", run.stdout);
    assert!(run.stderr.contains("AWS could not be asked"), "{}", run.stderr);
    // What needs nobody is told all the same.
    assert!(run.stdout.contains("works  state: ") && !desk.path().join("doctor.db").exists(), "{}", run.stdout);
    let offline = finish(station.command(&["doctor", "--offline"]), b"");
    assert_eq!(offline.status, 0, "{offline:?}");
    assert!(!offline.stdout.contains("identity"), "{}", offline.stdout);
    let wrong = stakeout(["doctor", "--config", "/nonexistent/stakeout.toml"]);
    assert!(wrong.status == 2 && wrong.stderr.contains("/nonexistent/stakeout.toml"), "{wrong:?}");
}

#[test]
fn seventeen_regions_are_asked_within_twenty_seconds() {
    let cloud = LookupFake::start("111122223333", Vec::new(), 1);
    let desk = Desk::at(cloud.url(), "AKIAIOSFODNN7EXAMPLE");
    let begun = Instant::now();
    let run = finish(desk.station("doctor", "").command(&["doctor", "--only", "regions"]), b"");
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    assert!(run.stdout.contains("17 of 17 watched regions answer"), "{run:?}");
}

#[test]
fn secrets_that_aws_keeps_are_looked_at() {
    let Some(clinic) = Clinic::mini() else { return };
    let kept = json!({ "token": "xoxb-1", "signing_secret": "s" }).to_string();
    clinic.owner("secretsmanager", "CreateSecret", json!({ "Name": "stakeout/slack", "SecretString": kept }));
    let more = "[slack]\ntoken = \"secretsmanager:stakeout/slack#token\"\n\
                signing_secret = \"secretsmanager:stakeout/slack#signing_secret\"\nchannel = \"C0123ABCD\"\n";
    let settings = clinic.settings(more);
    let only = ["--only", "settings"];
    let secrets = |told: &Value, found: &str| of(told, found).iter().filter(|it| it.starts_with("secret ")).count();
    clinic.give(&[json!({ "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*" })]);
    let (status, told) = clinic.examine(&settings, &only);
    assert!(status == 0 && secrets(&told, "fails") + secrets(&told, "note") == 0, "{told:#}");
    let (status, told) = clinic.examine(&settings, &["--only", "settings", "--offline"]);
    assert!(status == 0 && secrets(&told, "note") == 2, "{told:#}");
    clinic.give(&[json!({ "Effect": "Deny", "Action": "secretsmanager:GetSecretValue", "Resource": "*" })]);
    let (status, told) = clinic.examine(&settings, &only);
    assert!(status == 1 && secrets(&told, "fails") == 2, "{told:#}");
}

#[test]
fn a_function_is_examined_by_its_own_environment_and_role() {
    let Some(clinic) = Clinic::mini() else { return };
    let account = clinic.account;
    clinic.give(&[json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })]);
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "Service": "lambda.amazonaws.com" } }] });
    let with = json!({ "RoleName": "stakeout", "AssumeRolePolicyDocument": trust.to_string() });
    clinic.owner("iam", "CreateRole", with.clone());
    let mut responder = with;
    responder["RoleName"] = json!("stakeout-responder");
    clinic.owner("iam", "CreateRole", responder);
    // A zip with nothing in it.
    let empty = format!("PK\u{5}\u{6}{}", "\0".repeat(18));
    clinic.owner("s3", "PutObject", json!({ "Bucket": "vault", "Key": "code.zip", "Body": empty }));
    let responder = format!("arn:aws:iam::{account}:role/stakeout-responder");
    let made = json!({
        "FunctionName": "stakeout", "Runtime": "provided.al2023", "Handler": "bootstrap", "MemorySize": 512,
        "Timeout": 300, "Role": format!("arn:aws:iam::{account}:role/stakeout"),
        "Code": { "S3Bucket": "vault", "S3Key": "code.zip" },
        "Environment": { "Variables": {
            "STAKEOUT_CONFIG": "ssm:/stakeout/settings", "STAKEOUT_STATE__DYNAMODB": "stakeout",
            "STAKEOUT_CONTAIN__RESPONDER_ROLE": responder,
        } },
    });
    clinic.owner("lambda", "CreateFunction", made);
    let settings = "[aws]\nregions = [\"us-east-1\"]\n";
    clinic.owner("ssm", "PutParameter", json!({ "Name": "/stakeout/settings", "Type": "String", "Value": settings }));
    let source = format!("arn:aws:sqs:us-east-1:{account}:events");
    clinic.owner("lambda", "CreateEventSourceMapping", json!({ "FunctionName": "stakeout", "EventSourceArn": source }));

    // No settings of this machine count.
    let mut run = clinic.command("", &["doctor", "--quiet", "--format", "json", "--function", "stakeout"]);
    run.env_remove("STAKEOUT_CONFIG");
    let mut arguments: Vec<_> = run.get_args().map(std::ffi::OsStr::to_owned).collect();
    arguments.truncate(arguments.len() - 2);
    let mut bare = crate::harness::command(Vec::<&str>::new());
    bare.args(&arguments);
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => bare.env(name, value),
            None => bare.env_remove(name),
        };
    }
    let run = finish(bare, b"");
    let told: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let (works, fails) = (of(&told, "works"), of(&told, "fails"));
    let has = |lines: &[String], begin: &str| lines.iter().any(|line| line.starts_with(begin));
    assert!(has(&works, "settings: ssm:/stakeout/settings, and 2 variables over it"), "{told:#}");
    assert!(has(&works, "function stakeout: "), "{told:#}");
    assert!(has(&works, "table stakeout: "), "{told:#}");
    assert!(has(&fails, "event source events: it has no ReportBatchItemFailures"), "{told:#}");
    assert!(has(&fails, &format!("rights of arn:aws:iam::{account}:role/stakeout: ")), "{told:#}");
    assert!(has(&fails, &format!("responder {responder}: its trust policy does not let")), "{told:#}");
    assert!(run.status == 1 && !has(&works, "rights in "), "{told:#}");
}
