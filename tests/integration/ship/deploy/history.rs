//! The state machine of a history and its template.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::policy::beyond;
use super::template::{ACCOUNT, REGION, Template};
use crate::harness::{command, finish, root};
use crate::stand_in::{language, linter};

const TEMPLATE: &str = "../stepfunctions/stakeout-history.yaml";
const LINT: &str = "import sys; from cfnlint.runner import main; sys.exit(main())";
/// Reads a state machine by the grammar of its language.
const PARSE: &str = "\
import sys
from localemu.services.stepfunctions.asl.parse.asl_parser import AmazonStateLanguageParser
AmazonStateLanguageParser.parse(sys.stdin.read())
";
const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1a2b3c4d-0000-1111-2222-333344445555";

fn template(more: &[(&str, &str)]) -> Template {
    let given = [("CodeBucket", "code"), ("LogsBucket", "org-trail"), ("ResultsBucket", "org-results")];
    Template::read(TEMPLATE, &[&given[..], more].concat())
}

/// The state machine as a file of its own.
fn machine() -> String {
    let text = fs::read_to_string(root().join("deploy/stepfunctions/statemachine.asl.json")).unwrap();
    text.replace("${Function}", &format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:stakeout-history"))
}

#[test]
fn the_template_has_nothing_to_find_fault_with() {
    let Some(python) = linter() else { return };
    let mut lint = Command::new(python);
    lint.args(["-c", LINT, "--template", "deploy/stepfunctions/stakeout-history.yaml"]).current_dir(root());
    let run = finish(lint, b"");
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
}

#[test]
fn the_state_machine_is_one_by_its_grammar() {
    let Some(python) = language() else { return };
    let parses = |text: &str| {
        let mut parse = Command::new(&python);
        parse.args(["-c", PARSE]);
        finish(parse, text.as_bytes()).status == 0
    };
    assert!(parses(&machine()));
    assert!(!parses(&machine().replace("\"ItemSelector\"", "\"ItemsSelector\"")));
    // The grammar does not follow names.
    let machine: Value = serde_json::from_str(&machine()).unwrap();
    let mut machines = vec![&machine];
    while let Some(machine) = machines.pop() {
        let states = machine["States"].as_object().unwrap();
        let mut named: Vec<&Value> = vec![&machine["StartAt"]];
        for state in states.values() {
            named.extend(["Next", "Default"].iter().filter_map(|key| state.get(key)));
            named.extend(state["Choices"].as_array().into_iter().flatten().map(|choice| &choice["Next"]));
            machines.extend(state.get("ItemProcessor"));
        }
        let mut named: Vec<_> = named.into_iter().map(|name| name.as_str().unwrap()).collect();
        named.sort_unstable();
        named.dedup();
        let mut there: Vec<_> = states.keys().map(String::as_str).collect();
        there.sort_unstable();
        assert_eq!(named, there);
    }
}

/// The template holds the same machine as the file beside it.
#[test]
fn the_template_has_the_same_state_machine() {
    let resources = template(&[]).resources();
    let text = resources["StateMachine"]["Properties"]["DefinitionString"].as_str().unwrap().to_owned();
    let mut within: Value = serde_json::from_str(&text).unwrap();
    let mut beside: Value = serde_json::from_str(&machine()).unwrap();
    for machine in [&mut within, &mut beside] {
        assert!(machine.as_object_mut().unwrap().remove("Comment").is_some());
    }
    assert_eq!(within, beside);
    let resources = template(&[("MaxConcurrency", "7"), ("ReduceShares", "5")]).resources();
    let text = resources["StateMachine"]["Properties"]["DefinitionString"].as_str().unwrap().to_owned();
    let machine: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&machine["States"]["Map"]["MaxConcurrency"], &machine["States"]["Reduce"]["MaxConcurrency"]),
        (&json!(7), &json!(7))
    );
    assert_eq!(resources["Function"]["Properties"]["Environment"]["Variables"]["STAKEOUT_HISTORY__SHARES"], "5");
}

/// Which buckets may be listed below which prefixes, and the policies without those conditions.
fn lists(policies: &[Value]) -> (Vec<(String, String)>, Vec<Value>) {
    let (mut listed, mut everywhere) = (Vec::new(), policies.to_vec());
    for statement in everywhere.iter_mut().flat_map(|policy| policy["Statement"].as_array_mut().unwrap()) {
        if statement["Action"] == "s3:ListBucket" {
            let condition = statement.as_object_mut().unwrap().remove("Condition").unwrap_or_default();
            let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{condition}")).to_owned();
            listed.push((text(&statement["Resource"]), text(&condition["StringLike"]["s3:prefix"])));
        }
    }
    (listed, everywhere)
}

/// The function may what `stakeout permissions history` prints, with lists of what is below its prefixes only, and the state
/// machine may hand on what it invokes.
#[test]
fn the_roles_may_what_they_need_and_no_more() {
    for more in [&[][..], &[("LogsPrefix", "trail/"), ("ResultsPrefix", "a/b"), ("KeyArn", KEY)]] {
        let template = template(more);
        let variables = template.resources()["Function"]["Properties"]["Environment"]["Variables"].clone();
        let mut print = command(["permissions", "history", "--quiet", "--account", ACCOUNT, "--region", REGION]);
        print.envs(variables.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap())));
        let run = finish(print, b"");
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        let printed: Value = serde_json::from_str(&run.stdout).unwrap();
        let printed: Vec<_> = printed.as_object().unwrap().values().cloned().collect();
        let policies = template.policies();
        assert_eq!(policies.keys().collect::<Vec<_>>(), ["stakeout-history", "stakeout-history-states"]);
        let own: Vec<_> = policies["stakeout-history"].values().cloned().collect();
        let (listed, everywhere) = lists(&own);
        assert_eq!(beyond(&printed, &everywhere), [""; 0], "{more:?}");
        let prefix = |name: &str| more.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let logs = format!("{}AWSLogs/*", prefix("LogsPrefix").unwrap_or_default());
        let results = format!("{}/*", prefix("ResultsPrefix").unwrap_or("stakeout-history"));
        assert_eq!(
            listed,
            [("arn:aws:s3:::org-trail".to_owned(), logs), ("arn:aws:s3:::org-results".to_owned(), results)]
        );
        let wider = beyond(&own, &printed);
        let key = json!({ "Statement": [{ "Effect": "Allow", "Action": "kms:Decrypt", "Resource": KEY }] });
        let only_key = beyond(&own, printed.iter().chain([&key]));
        assert_eq!((wider.len(), only_key.len()), (usize::from(!more.is_empty()), 0), "{more:?}: {wider:#?}");
        let function = json!(format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:stakeout-history"));
        let statements = policies["stakeout-history-states"].values().next().unwrap()["Statement"].clone();
        assert_eq!(
            (&statements[0]["Action"], &statements[0]["Resource"]),
            (&json!("lambda:InvokeFunction"), &function)
        );
        assert!(!statements.to_string().contains("\"*\""), "{statements}");
    }
}
