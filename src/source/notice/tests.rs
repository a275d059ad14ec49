use serde_json::{Value, json};

use super::records;
use crate::source::tests::read;

fn told(value: &Value) -> Vec<Value> {
    records(value.to_string().as_bytes()).iter().map(|record| serde_json::from_str(record).unwrap()).collect()
}

fn event(source: &str, kind: &str, detail: Value) -> Value {
    json!({
        "version": "0", "id": "7bf73129-1428-4cd3-a780-95db273d1602", "detail-type": kind, "source": source,
        "account": "111122223333", "time": "2026-03-10T02:14:07Z", "region": "us-east-1", "resources": [], "detail": detail,
    })
}

fn risk(entities: &[&str]) -> Value {
    let entities: Vec<Value> = entities.iter().map(|entity| json!({"entityValue": entity})).collect();
    event(
        "aws.health",
        "AWS Health Event",
        json!({
            "eventArn": "arn:aws:health:us-east-1::event/RISK/AWS_RISK_CREDENTIALS_EXPOSED/1", "service": "RISK",
            "eventTypeCode": "AWS_RISK_CREDENTIALS_EXPOSED", "eventTypeCategory": "issue", "statusCode": "open",
            "communicationId": "c1", "affectedAccount": "123456789012", "eventRegion": "global",
            "affectedEntities": entities,
        }),
    )
}

#[test]
fn each_key_that_health_names_is_a_record_about_it() {
    let all = told(&risk(&["AKIAIOSFODNN7EXAMPLE", "AKIAI44QH8DHBEXAMPLE"]));
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["userIdentity"]["accessKeyId"], "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(all[0]["recipientAccountId"], "123456789012", "the account that is affected, not the one that was told");
    assert_eq!(all[0]["awsRegion"], "us-east-1");
    assert_eq!(all[0]["requestParameters"]["subject"], "AKIAIOSFODNN7EXAMPLE");
    assert_ne!(all[0]["eventID"], all[1]["eventID"]);
    let again = told(&risk(&["AKIAIOSFODNN7EXAMPLE"]));
    assert_eq!(again[0]["eventID"], all[0]["eventID"], "what comes twice counts once");
    assert_eq!(told(&risk(&[]))[0]["userIdentity"]["arn"], "account/123456789012");
}

#[test]
fn what_affects_many_things_is_told_once() {
    let names: Vec<String> = (0..21).map(|number| format!("AKIAIOSFODNN7EXAMP{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(told(&risk(&names[..20])).len(), 20);
    let all = told(&risk(&names));
    assert_eq!(all.len(), 1);
    let request = &all[0]["requestParameters"];
    assert_eq!((&request["subject"], &request["affected"]), (&json!("123456789012"), &json!(21)));
    let words = request["told"].as_str().unwrap();
    assert!(words.contains("21 things in account 123456789012, such as AKIAIOSFODNN7EXAMP00, "), "{words}");
}

#[test]
fn texts_of_notices_are_bounded() {
    let all = told(&risk(&[&"é".repeat(3 << 20)]));
    let subject = all[0]["requestParameters"]["subject"].as_str().unwrap();
    assert!(subject.chars().count() == 512 && subject.ends_with("é…"));
    let words = all[0]["requestParameters"]["told"].as_str().unwrap();
    assert!(words.chars().count() == 512 && words.ends_with('…'));
    assert!(all[0].to_string().len() < 8_192);
    assert_eq!(told(&risk(&[&"x".repeat(512)]))[0]["requestParameters"]["subject"], "x".repeat(512));
}

#[test]
fn abuse_is_about_what_runs() {
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:relay";
    let detail = json!({
        "service": "ABUSE", "eventTypeCode": "AWS_ABUSE_DOS_REPORT", "eventTypeCategory": "issue",
        "affectedEntities": [{"entityValue": function}, {"entityValue": "203.0.113.7"}],
    });
    let all = told(&event("aws.health", "AWS Health Abuse Event", detail));
    assert_eq!(all[0]["eventName"], "HealthAbuseEvent");
    assert_eq!(all[0]["userIdentity"]["inScopeOf"]["credentialsIssuedTo"], function);
    assert_eq!(all[1]["userIdentity"]["userName"], "203.0.113.7");
    let outage = json!({"service": "EC2", "eventTypeCode": "AWS_EC2_OPERATIONAL_ISSUE"});
    assert!(told(&event("aws.health", "AWS Health Event", outage)).is_empty());
}

fn finding(resource: Value) -> Value {
    json!({
        "schemaVersion": "2.0", "accountId": "111122223333", "region": "eu-west-1", "id": "f1", "severity": 8,
        "type": "UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS", "title": "Credentials used elsewhere",
        "updatedAt": "2026-03-10T02:10:00Z", "resource": resource,
        "service": {"archived": false, "action": {"awsApiCallAction": {"remoteIpDetails": {"ipAddressV4": "203.0.113.66"}}}},
    })
}

#[test]
fn a_finding_of_guardduty_stands_where_its_caller_stands() {
    let key = json!({"accessKeyDetails": {"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "principalId": "AROAEXAMPLEWEB000001:i-0abc1234def567890", "userName": "app-web", "userType": "AssumedRole"}});
    let all = told(&event("aws.guardduty", "GuardDuty Finding", finding(key.clone())));
    assert_eq!(all[0]["userIdentity"]["accessKeyId"], "ASIAIOSFODNN7EXAMPLE");
    assert_eq!(all[0]["sourceIPAddress"], "203.0.113.66");
    assert_eq!(all[0]["requestParameters"]["severity"], "high");
    // As GuardDuty exports it, without an envelope.
    assert_eq!(told(&finding(key))[0]["eventTime"], "2026-03-10T02:10:00Z");
    let instance = json!({"instanceDetails": {"instanceId": "i-0abc1234def567890"}});
    let all = told(&event("aws.guardduty", "GuardDuty Finding", finding(instance)));
    let arn = "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc1234def567890";
    assert_eq!(all[0]["userIdentity"]["inScopeOf"]["credentialsIssuedTo"], arn);
}

#[test]
fn security_hub_tells_of_deeds_and_not_of_settings() {
    let finding = |kind: &str| {
        json!({
            "Id": "1", "AwsAccountId": "111122223333", "Region": "eu-west-1", "Types": [kind], "Title": "Odd", "ProductName": "GuardDuty",
            "Severity": {"Label": "HIGH"}, "RecordState": "ACTIVE", "UpdatedAt": "2026-03-10T02:10:00Z",
            "Resources": [{"Type": "AwsIamAccessKey", "Id": "AWS::IAM::AccessKey:AKIAIOSFODNN7EXAMPLE",
                "Details": {"AwsIamAccessKey": {"PrincipalId": "AIDAEXAMPLECI0000001", "PrincipalName": "ci", "PrincipalType": "IAMUser"}}}],
        })
    };
    let kinds = ["TTPs/Initial Access", "Software and Configuration Checks/AWS Security Best Practices"];
    let detail = json!({"findings": kinds.map(finding)});
    let all = told(&event("aws.securityhub", "Security Hub Findings - Imported", detail));
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["userIdentity"]["principalId"], "AIDAEXAMPLECI0000001");
    assert_eq!(all[0]["userIdentity"]["accessKeyId"], "AKIAIOSFODNN7EXAMPLE");
}

#[test]
fn each_cause_of_an_anomaly_is_a_record() {
    let detail = json!({
        "accountId": "111122223333", "anomalyId": "a1", "impact": {"totalImpact": 90.5},
        "rootCauses": [{"service": "AWS Lambda", "region": "eu-west-1", "linkedAccount": "123456789012", "impact": {"contribution": 60.25}}, {"service": "Amazon EC2"}],
    });
    let all = told(&event("aws.ce", "Anomaly Detected", detail));
    assert_eq!(all[0]["recipientAccountId"], "123456789012");
    assert_eq!(all[0]["requestParameters"]["usd"], 60.25);
    assert_eq!(all[1]["requestParameters"]["usd"], 90.5);
}

#[test]
fn notices_come_in_any_container_and_odd_ones_are_counted() {
    let envelope = risk(&["AKIAIOSFODNN7EXAMPLE"]).to_string();
    let quoted = serde_json::to_string(&envelope).unwrap();
    for text in [
        envelope.clone(),
        format!(r#"{{"Type":"Notification","Message":{quoted}}}"#),
        format!(r#"{{"Records":[{{"eventSource":"aws:sqs","body":{quoted}}}]}}"#),
        format!("[{envelope}]"),
        finding(json!({})).to_string(),
    ] {
        let (all, outcome) = read(text.as_bytes());
        assert_eq!((all.len(), outcome.records, outcome.malformed, outcome.not_a_log), (1, 1, 0, 0), "{text}");
    }
    for odd in [
        event("aws.health", "AWS Health Event", json!({})),
        event("aws.health", "AWS Health Event", json!({"eventTypeCode": 7})),
        event("aws.guardduty", "GuardDuty Finding", json!({"type": "x", "severity": "high", "resource": []})),
        event("aws.securityhub", "x", json!({"findings": [1, {"Types": "TTPs"}, {"Types": [1]}]})),
        event("aws.ce", "Anomaly Detected", json!({"anomalyId": "a", "rootCauses": [{"impact": []}]})),
        event("aws.ec2", "EC2 Instance State-change Notification", json!({"state": "running"})),
    ] {
        let (all, outcome) = read(odd.to_string().as_bytes());
        assert_eq!(outcome.records + outcome.not_a_log, 1, "{odd}");
        assert_eq!(all.len() as u64, outcome.records);
    }
}
