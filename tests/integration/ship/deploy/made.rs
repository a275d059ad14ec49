//! The stack, made on `MiniStack`: what is there afterwards is what the template says.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::template::Template;
use crate::harness::{finish, root};
use crate::stand_in::{MiniStack, boto};

const MAKE: &str = include_str!("stack.py");

/// Makes a stack; none where the machine has no Python for it.
fn made(parameters: &Value) -> Option<Value> {
    let (python, cloud) = (boto()?, MiniStack::enforcing()?);
    let mut make = Command::new(python);
    let template = root().join("deploy/cloudformation/stakeout.yaml");
    make.args(["-c", MAKE, &cloud.url()]).arg(template).arg(parameters.to_string());
    let run = finish(make, b"");
    assert_eq!(run.status, 0, "{}", run.stderr);
    Some(serde_json::from_str(&run.stdout).unwrap())
}

/// A part of a value, by its path.
fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    value.pointer(path).unwrap_or_else(|| panic!("no {path} in {value}"))
}

#[test]
fn the_stack_is_made_as_it_is_written() {
    let secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:slack-a1b2c3";
    let parameters = json!({
        "CodeBucket": "code", "TrailBucket": "org-trail", "SettingsParameter": "/stakeout/settings",
        "SlackSecretArn": secret, "SlackChannel": "C0123ABCD", "Approvers": "U012ANNA0,S0614ONCALL",
        "MemberRoleArns": "arn:aws:iam::444455556666:role/stakeout-detector",
    });
    let Some(made) = made(&parameters) else { return };
    let is = |path: &str, expected: Value| assert_eq!(*at(&made, path), expected, "{path}");
    is("/function/Runtime", json!("provided.al2023"));
    is("/function/Timeout", json!(300));
    is("/function/MemorySize", json!(512));
    let table = at(&made, "/outputs/Table").as_str().unwrap();
    assert!(table.starts_with("stakeout-"), "{table}");
    for (name, expected) in [
        ("CONFIG", "ssm:/stakeout/settings".to_owned()),
        ("STATE__DYNAMODB", table.to_owned()),
        ("SLACK__TOKEN", format!("secretsmanager:{secret}#token")),
        ("SLACK__CHANNEL", "C0123ABCD".to_owned()),
        ("SLACK__API_URL", "https://slack.com/api".to_owned()),
        ("APPROVAL__APPROVERS", r#"["U012ANNA0", "S0614ONCALL"]"#.to_owned()),
        ("CONTAIN__RESPONDER_ROLE", "arn:aws:iam::111122223333:role/stakeout-responder".to_owned()),
        ("EVIDENCE__S3", format!("s3://{}", at(&made, "/outputs/EvidenceBucket").as_str().unwrap())),
        ("SOURCES__TRAIL_BUCKET", "s3://org-trail".to_owned()),
    ] {
        is(&format!("/function/Environment/Variables/STAKEOUT_{name}"), json!(expected));
    }
    let keys = json!([{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }]);
    is("/table/KeySchema", keys);
    is("/table/BillingModeSummary/BillingMode", json!("PAY_PER_REQUEST"));
    is("/table/DeletionProtectionEnabled", json!(true));
    is("/queue/VisibilityTimeout", json!("1800"));
    let redrive: Value = serde_json::from_str(at(&made, "/queue/RedrivePolicy").as_str().unwrap()).unwrap();
    assert_eq!(redrive["deadLetterTargetArn"], *at(&made, "/dead/QueueArn"));
    is("/sources/0/BatchSize", json!(1000));
    is("/sources/0/MaximumBatchingWindowInSeconds", json!(30));
    is("/sources/0/FunctionResponseTypes", json!(["ReportBatchItemFailures"]));
    is("/sources/0/ScalingConfig/MaximumConcurrency", json!(2));
    is("/rule/ScheduleExpression", json!("rate(5 minutes)"));
    is("/targets/0/Arn", at(&made, "/function/FunctionArn").clone());
    is("/url/AuthType", json!("NONE"));
    let allowed = at(&made, "/policy/Statement").as_array().unwrap();
    assert_eq!(
        allowed.iter().filter(|statement| statement["Principal"].to_string().contains('*')).count(),
        2,
        "{allowed:?}"
    );
    let notify: Value = serde_json::from_str(at(&made, "/outputs/NotifyBucket").as_str().unwrap()).unwrap();
    assert_eq!(notify["QueueConfigurations"][0]["QueueArn"], *at(&made, "/queue/QueueArn"));
    assert_eq!(at(&made, "/alarms").as_array().unwrap().len(), 7);
    same_policies(&made, &parameters);
}

/// The policies of the roles, resolved by somebody else than this test.
fn same_policies(made: &Value, parameters: &Value) {
    let given: Vec<_> =
        parameters.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    let suffix = at(made, "/outputs/Table").as_str().unwrap().trim_start_matches("stakeout-");
    let ours = json!(Template::read("stakeout.yaml", &given).policies()).to_string();
    let ours = ours.replace("eu-west-1", "us-east-1").replace("1a2b3c4d", suffix);
    assert_eq!(*at(made, "/policies"), serde_json::from_str::<Value>(&ours).unwrap());
}

/// What `MiniStack` leaves out, read from the template: it makes no trails, no settings of asynchronous invocations, and no
/// backups.
#[test]
fn what_must_not_be_lost_is_kept() {
    let parameters = [("CodeBucket", "code"), ("CreateTrail", "true")];
    let resources = Template::read("stakeout.yaml", &parameters).resources();
    for (name, resource) in &resources {
        let holds_data = ["AWS::DynamoDB::Table", "AWS::S3::Bucket"].iter().any(|kind| resource["Type"] == *kind);
        if holds_data {
            let kept = (resource["DeletionPolicy"].as_str(), resource["UpdateReplacePolicy"].as_str());
            // Only what a failed first attempt can delete may go with it.
            let at_end = if name == "Evidence" { "RetainExceptOnCreate" } else { "Retain" };
            assert_eq!(kept, (Some(at_end), Some("Retain")), "{name}");
        }
    }
    let of = |name: &str| &resources[name]["Properties"];
    assert_eq!(of("Table")["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"], true);
    assert_eq!(of("Asynchronous")["DestinationConfig"]["OnFailure"]["Destination"], of_queue("stakeout-dead-letters"));
    let trail = of("Trail");
    let is_on = |key: &str| trail[key] == true;
    assert!(["IsLogging", "IsMultiRegionTrail", "EnableLogFileValidation"].into_iter().all(is_on), "{trail}");
    assert_eq!(trail["S3BucketName"], of("TrailLogs")["BucketName"]);
    let queues = &of("TrailLogs")["NotificationConfiguration"]["QueueConfigurations"];
    assert_eq!(queues[0]["Queue"], of_queue("stakeout-events"));
    assert_eq!(of("HeartbeatAlarm")["TreatMissingData"], "breaching");
    let visible = of("Events")["VisibilityTimeout"].as_u64().unwrap();
    assert!(visible >= 6 * of("Function")["Timeout"].as_u64().unwrap());
    let template = fs::read_to_string(root().join("deploy/cloudformation/stakeout.yaml")).unwrap();
    assert!(!template.contains("NoEcho"), "secrets are no parameters");
}

fn of_queue(name: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:111122223333:{name}")
}
