//! Nothing in the templates allows more than `stakeout permissions` prints for the same settings.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::policy::beyond;
use super::template::{ACCOUNT, REGION, Template};
use crate::harness::{command, finish};

const MEMBER: &str = "arn:aws:iam::444455556666:role/stakeout-detector";
const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:slack-a1b2c3";
const HOME: &str = "arn:aws:iam::111122223333:role/stakeout";

/// Everything, and next to nothing.
fn stacks() -> [Vec<(&'static str, &'static str)>; 3] {
    let least = vec![("CodeBucket", "code")];
    let slack = [("SlackSecretArn", SECRET), ("SlackChannel", "C0123ABCD"), ("Approvers", "U012ANNA0,S0614ONCALL")];
    let topic = ("IncidentTopicArn", "arn:aws:sns:eu-west-1:111122223333:on-call");
    let more = [("SettingsParameter", "/stakeout/settings"), ("MemberRoleArns", MEMBER), topic];
    let made: Vec<_> = least.iter().chain(&slack).chain(&more).copied().chain([("CreateTrail", "true")]).collect();
    let named = [("TrailBucket", "org-trail"), ("EvidenceBucket", "org-evidence")];
    [made, least.iter().chain(&named).chain(&slack).copied().collect(), least]
}

/// Runs `stakeout permissions`.
fn permissions(settings: &str, environment: &[(String, String)], arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stakeout.toml");
    std::fs::write(&file, settings).unwrap();
    let mut permissions = command(["permissions", "--quiet", "--config"]);
    permissions.arg(&file).args(arguments).args(["--account", ACCOUNT, "--region", REGION]);
    permissions.envs(environment.iter().map(|(name, value)| (name, value)));
    let run = finish(permissions, b"");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{arguments:?}");
    serde_json::from_str(&run.stdout).unwrap()
}

/// The settings that a stack gives to its function: variables, and where its file is.
fn settings(template: &Template) -> (Vec<(String, String)>, Option<String>) {
    let function = template.resources()["Function"].clone();
    let variables = function["Properties"]["Environment"]["Variables"].as_object().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let place = variables.get("STAKEOUT_CONFIG").map(text);
    let others = variables.iter().filter(|(name, _)| *name != "STAKEOUT_CONFIG");
    (others.map(|(name, value)| (name.clone(), text(value))).collect(), place)
}

/// What is printed for the settings of a stack, by role.
fn printed(template: &Template, parameters: &[(&str, &str)]) -> BTreeMap<&'static str, Vec<Value>> {
    let (variables, place) = settings(template);
    let mut file = format!("[[accounts]]\nid = \"{ACCOUNT}\"\n");
    if parameters.iter().any(|(name, _)| *name == "MemberRoleArns") {
        file.push_str(&format!("[[accounts]]\nid = \"444455556666\"\nrole = \"{MEMBER}\"\n"));
    }
    let print = |role: &str| {
        let place = place.iter().flat_map(|place| ["--settings", place.as_str()]);
        let arguments: Vec<_> = std::iter::once(role).chain(place).collect();
        documents(&permissions(&file, &variables, &arguments))
    };
    let function = print("detector").into_iter().chain(print("function")).collect();
    BTreeMap::from([("stakeout", function), ("stakeout-responder", print("responder"))])
}

fn documents(policies: &Value) -> Vec<Value> {
    policies.as_object().unwrap().values().cloned().collect()
}

/// What is wrong with the policies of a template's roles.
fn wrong(template: &Template, printed: &BTreeMap<&str, Vec<Value>>) -> Vec<String> {
    let policies = template.policies();
    assert_eq!(policies.keys().map(String::as_str).collect::<Vec<_>>(), printed.keys().copied().collect::<Vec<_>>());
    policies.iter().flat_map(|(role, policies)| beyond(policies.values(), &printed[role.as_str()])).collect()
}

#[test]
fn the_stack_allows_what_is_printed_and_no_more() {
    for parameters in stacks() {
        let template = Template::read("stakeout.yaml", &parameters);
        assert_eq!(wrong(&template, &printed(&template, &parameters)), [""; 0], "{parameters:?}");
        for (name, document) in template.policies().values().flatten() {
            assert!(document.to_string().len() <= 6_144, "{name} is too large");
        }
    }
}

/// The other way round: what the program needs it has.
#[test]
fn the_stack_allows_all_that_is_printed() {
    for parameters in stacks() {
        let template = Template::read("stakeout.yaml", &parameters);
        for (role, printed) in printed(&template, &parameters) {
            let lacks = beyond(&printed, template.policies()[role].values());
            // A place is only written more exactly: the region of a table that the printed right leaves open.
            assert!(lacks.iter().all(|lack| lack.contains("arn:aws:dynamodb:*:")), "{parameters:?}: {lacks:#?}");
        }
    }
}

#[test]
fn a_wider_right_is_found() {
    let parameters = &stacks()[0];
    let template = Template::read("stakeout.yaml", parameters);
    let printed = printed(&template, parameters);
    let policies = template.policies();
    let function: Vec<_> = policies["stakeout"].values().cloned().collect();
    let found = |documents: &[Value]| beyond(documents, &printed["stakeout"]).len();
    assert_eq!(found(&function), 0);
    let all_of_iam = json!({ "Statement": [{ "Effect": "Allow", "Action": "iam:*", "Resource": "*" }] });
    assert_eq!(found(&[function.clone(), vec![all_of_iam]].concat()), 1);
    for (place, document) in function.iter().enumerate() {
        for (number, statement) in document["Statement"].as_array().unwrap().iter().enumerate() {
            let mut mutants = function.clone();
            let mutant = &mut mutants[place]["Statement"][number];
            match (statement["Effect"].as_str(), statement["Resource"].as_str()) {
                // Everything of this is allowed anyway, under a condition or on all resources.
                (Some("Allow"), Some("*")) => continue,
                (Some("Allow"), _) => mutant["Resource"] = json!("*"),
                _ => mutant["Effect"] = json!("Allow"),
            }
            assert!(found(&mutants) > 0, "{statement}");
        }
    }
}

#[test]
fn a_member_allows_what_is_printed_and_no_more() {
    let settings = "[contain]\nresponder_role = \"arn:aws:iam::111122223333:role/stakeout-responder\"\n";
    let parameters = [("HomeRoleArn", HOME), ("ExternalId", "a-long-external-id")];
    let template = Template::read("member.yaml", &parameters);
    let print = |role: &str| documents(&permissions(settings, &[], &[role]));
    let printed =
        BTreeMap::from([("stakeout-detector", print("detector")), ("stakeout-responder", print("responder"))]);
    assert_eq!(wrong(&template, &printed), [""; 0]);
    let watched = Template::read("member.yaml", &[&parameters[..], &[("Responder", "false")]].concat());
    assert_eq!(watched.policies().keys().collect::<Vec<_>>(), ["stakeout-detector"]);
}

#[test]
fn eradication_allows_what_is_printed_and_no_more() {
    for settings in ["", "[evidence]\ns3 = \"s3://vault\"\n"] {
        let printed = documents(&permissions(settings, &[], &["responder", "--eradicate"]));
        let template = Template::read("eradicate.yaml", &[]);
        assert_eq!(wrong(&template, &BTreeMap::from([("stakeout-responder", printed)])), [""; 0]);
    }
}

#[test]
fn only_the_function_takes_the_responders_role() {
    let trust = |template: &str, parameters: &[(&str, &str)], role: &str| {
        Template::read(template, parameters).resources()[role]["Properties"]["AssumeRolePolicyDocument"].clone()
    };
    let code = ("CodeBucket", "code");
    let printed = permissions("", &[], &["responder", "--trust"]);
    assert_eq!(sorted(&trust("stakeout.yaml", &[code], "ResponderRole")), sorted(&printed));
    let operator = "arn:aws:iam::111122223333:role/on-call";
    let printed = permissions("", &[], &["responder", "--trust", "--trusted", HOME, "--trusted", operator]);
    let operators = [code, ("OperatorRoleArns", operator)];
    assert_eq!(sorted(&trust("stakeout.yaml", &operators, "ResponderRole")), sorted(&printed));

    let member = [("HomeRoleArn", HOME), ("ExternalId", "a-long-external-id")];
    let arguments = ["detector", "--trust", "--trusted", HOME, "--external-id", "a-long-external-id"];
    assert_eq!(sorted(&trust("member.yaml", &member, "DetectorRole")), sorted(&permissions("", &[], &arguments)));
    let detector = "arn:aws:iam::111122223333:role/stakeout-detector";
    let printed = permissions("", &[], &["responder", "--trust", "--trusted", detector]);
    assert_eq!(sorted(&trust("member.yaml", &member, "ResponderRole")), sorted(&printed));
}

/// A trust policy with lists for single values.
fn sorted(policy: &Value) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        for place in ["/Action", "/Principal/AWS"] {
            let Some(value) = statement.pointer_mut(place) else { continue };
            if value.is_string() {
                *value = json!([value]);
            }
        }
    }
    policy
}
