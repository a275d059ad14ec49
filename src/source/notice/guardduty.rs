//! Findings of GuardDuty, from EventBridge and as GuardDuty exports them.
//! <https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_findings_eventbridge.html>

use serde_json::{Value, json};

use super::record::{Notice, Owner, Thing};
use super::{Envelope, deep, text};

/// The bounds of GuardDuty's own words for a severity.
const BOUNDS: [(f64, &str); 4] = [(9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low")];

/// The record of a finding.
pub(super) fn records(envelope: &Envelope<'_>) -> Vec<String> {
    let detail = envelope.detail;
    let Some(code) = text(detail, "type") else {
        return Vec::new();
    };
    let region = text(detail, "region").unwrap_or(envelope.region);
    let account = text(detail, "accountId").unwrap_or(envelope.account);
    let instance = deep(detail, "/resource/instanceDetails/instanceId");
    let instance = instance.map(|id| format!("arn:aws:ec2:{region}:{account}:instance/{id}"));
    let about = about(&detail["resource"], instance.as_deref());
    let severity = detail["severity"].as_f64().unwrap_or_default();
    let word = BOUNDS.into_iter().find(|(bound, _)| severity >= *bound).map_or("informational", |(_, word)| word);
    let title = text(detail, "title").unwrap_or(code);
    let notice = Notice {
        kind: "GuardDutyFinding",
        account,
        region,
        time: if envelope.time.is_empty() { text(detail, "updatedAt").unwrap_or_default() } else { envelope.time },
        about,
        source_ip: deep(detail, "/service/action/awsApiCallAction/remoteIpDetails/ipAddressV4"),
        code,
        mark: &[text(detail, "id"), text(detail, "updatedAt")].map(Option::unwrap_or_default).join(" "),
        told: format!("GuardDuty reports {title} ({code}, severity {severity})"),
        facts: json!({
            "severity": word,
            "score": severity,
            "archived": detail["service"]["archived"] == Value::Bool(true),
            "sample": is_sample(detail, title),
        }),
    };
    notice.record().into_iter().collect()
}

/// The key that was used, the instance or function, else the account.
fn about<'v>(resource: &'v Value, instance: Option<&'v str>) -> Thing<'v> {
    let key = &resource["accessKeyDetails"];
    let owner = Owner {
        kind: text(key, "userType").unwrap_or_default(),
        principal_id: text(key, "principalId").unwrap_or_default(),
        name: text(key, "userName").unwrap_or_default(),
    };
    match Thing::named(text(key, "accessKeyId").unwrap_or_default()) {
        Thing::Key(key, _) => return Thing::Key(key, Some(owner)),
        _ if instance.is_some() => return instance.map_or(Thing::Account, Thing::Named),
        _ => {}
    }
    let bucket = resource["s3BucketDetails"].get(0).and_then(|bucket| text(bucket, "arn"));
    let named = deep(resource, "/lambdaDetails/functionArn").or_else(|| deep(resource, "/eksClusterDetails/arn"));
    named.or(bucket).map_or(Thing::Account, Thing::Named)
}

/// Findings that somebody asked for to see what they look like.
fn is_sample(detail: &Value, title: &str) -> bool {
    title.starts_with("[SAMPLE]") || detail["service"]["additionalInfo"]["sample"] == Value::Bool(true)
}
