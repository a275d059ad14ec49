//! What AWS itself tells joins the story of whom it is about.

use std::fs;

use serde_json::{Value, json};

use super::{replay, replay_path};
use crate::drill;
use crate::event::time;

const KEY: &str = "AKIAEXAMPLE232878014";
const USER: &str = "arn:aws:iam::111122223333:user/ci-deployer";

fn health(kind: &str, code: &str, at: &str, entity: &str) -> Value {
    json!({
        "version": "0", "detail-type": kind, "source": "aws.health", "account": "111122223333", "time": at, "region": "us-east-1",
        "detail": {"eventArn": code, "service": code.split('_').nth(1), "eventTypeCode": code, "statusCode": "open",
            "affectedEntities": [{"entityValue": entity}]},
    })
}

/// A call of the user with the key. Every call has an id of its own.
fn call(at: &str, address: &str, source: &str, name: &str, request: Value, response: Value) -> Value {
    json!({
        "eventVersion": "1.11", "eventTime": at, "eventID": format!("{at}-{name}"), "eventSource": format!("{source}.amazonaws.com"),
        "eventName": name, "awsRegion": "us-east-1", "sourceIPAddress": address, "readOnly": false, "eventType": "AwsApiCall",
        "userAgent": "Boto3/1.34", "recipientAccountId": "111122223333", "requestParameters": request, "responseElements": response,
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLEE942561524", "arn": USER, "accountId": "111122223333",
            "accessKeyId": KEY, "userName": "ci-deployer"},
    })
}

fn deploy(at: &str) -> Value {
    let code = json!({"codeSha256": "4hx8n0bXk1vXQm3cH1lq0m0J0fXo3nJp6m0XQm3cH1k="});
    call(at, "198.51.100.10", "lambda", "UpdateFunctionCode20150331v2", json!({"functionName": "orders"}), code)
}

#[test]
fn a_key_that_aws_reports_is_an_incident_that_leaves_its_owners_calls_out() {
    let days = ["2026-02-10", "2026-02-16", "2026-02-22", "2026-02-28", "2026-03-06", "2026-03-08", "2026-03-09"];
    let mut lines: Vec<Value> = days.iter().map(|day| deploy(&format!("{day}T08:00:00Z"))).collect();
    lines.push(health("AWS Health Event", "AWS_RISK_CREDENTIALS_EXPOSED", "2026-03-09T01:00:00Z", KEY));
    let user = json!({"user": {"userName": "backup", "userId": "AIDAEXAMPLEBACKUP0001", "arn": "arn:aws:iam::111122223333:user/backup"}});
    lines.push(call("2026-03-09T10:00:00Z", "203.0.113.66", "iam", "CreateUser", json!({"userName": "backup"}), user));
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (report, _) = replay(text.as_bytes());
    let [incident] = report.incidents.as_slice() else { panic!("{} incidents", report.incidents.len()) };
    assert_eq!(time::format(incident.opened_at), "2026-03-09T01:00:00Z");
    assert_eq!(incident.root.credential.as_deref(), Some(KEY));
    assert_eq!(incident.root.principal.as_deref(), Some(USER));
    assert_eq!(incident.source_ips, ["203.0.113.66"]);
    let principals: Vec<_> = incident.principals.iter().map(String::as_str).collect();
    assert_eq!(principals, ["arn:aws:iam::111122223333:user/backup", USER]);
}

#[test]
fn notices_about_members_join_their_incident_and_change_nothing_else_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let options = drill::Options { days: 20, noise: 0.1, ..drill::Options::default() };
    let truth = drill::write_tree(Some(drill::Scenario::LambdaDdosAllRegions), &options, folder.path()).unwrap();
    let logs = folder.path().join("AWSLogs");
    let (before, _) = replay_path(&logs);
    let root = truth.root.as_ref().unwrap();
    let function = truth.resources.iter().find(|arn| arn.contains(":function:")).unwrap();
    let end = time::format(before.incidents[0].last_event + 60);
    let notices = [
        health("AWS Health Event", "AWS_RISK_CREDENTIALS_EXPOSED", &end, &root.credential),
        health("AWS Health Abuse Event", "AWS_ABUSE_DOS_REPORT", &end, function),
    ];
    let account = truth.accounts.first().unwrap();
    let text = notices.map(|notice| notice.to_string().replace("111122223333", account)).join("\n");
    fs::write(logs.join("notices.json"), text).unwrap();
    let (after, _) = replay_path(&logs);
    assert_eq!((before.incidents.len(), after.incidents.len()), (1, 1));
    let (before, incident) = (&before.incidents[0], &after.incidents[0]);
    assert_eq!(
        (&before.id, &before.principals, before.resources.len()),
        (&incident.id, &incident.principals, incident.resources.len())
    );
    assert_eq!((&before.credentials, &before.source_ips), (&incident.credentials, &incident.source_ips));
    for detector in ["aws-reports-exposed-key", "aws-abuse-report"] {
        let finding = after.findings.iter().find(|finding| &*finding.detector == detector).unwrap();
        assert_eq!(finding.incident.as_ref(), Some(&incident.id), "{detector}");
    }
}

#[test]
fn a_notice_about_nobody_known_is_an_incident_by_itself() {
    let notice = health("AWS Health Abuse Event", "AWS_ABUSE_EMAIL_SPAM_REPORT", "2026-03-09T01:00:00Z", "203.0.113.7");
    let (report, _) = replay(notice.to_string().as_bytes());
    assert_eq!(report.incidents.len(), 1);
    assert!(report.incidents[0].narrative.iter().any(|told| told.contains("AWS_ABUSE_EMAIL_SPAM_REPORT")));
}
