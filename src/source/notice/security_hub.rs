//! Findings that Security Hub has gathered, in the AWS Security Finding Format.
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-event-formats.html>

use serde_json::{Value, json};

use super::record::{Notice, Owner, Thing};
use super::{Envelope, MOST_THINGS, deep, text};

/// How the types of findings about deeds begin. All else is about settings and vulnerabilities.
const DEEDS: [&str; 3] = ["TTPs", "Effects", "Unusual Behaviors"];

/// A record for each finding about a deed.
pub(super) fn records(envelope: &Envelope<'_>) -> Vec<String> {
    let findings = envelope.detail["findings"].as_array().into_iter().flatten();
    findings.take(MOST_THINGS).filter_map(|finding| record(finding, envelope)).collect()
}

fn record(finding: &Value, envelope: &Envelope<'_>) -> Option<String> {
    let types = finding["Types"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let code = types.into_iter().find(|code| DEEDS.iter().any(|deed| code.starts_with(deed)))?;
    let product =
        text(finding, "ProductName").or_else(|| deep(finding, "/ProductFields/aws~1securityhub~1ProductName"));
    let product = product.unwrap_or("Security Hub");
    let title = text(finding, "Title").unwrap_or(code);
    let updated = text(finding, "UpdatedAt").unwrap_or_default();
    let notice = Notice {
        kind: "SecurityHubFinding",
        account: text(finding, "AwsAccountId").unwrap_or(envelope.account),
        region: text(finding, "Region").unwrap_or(envelope.region),
        time: if envelope.time.is_empty() { updated } else { envelope.time },
        about: about(&finding["Resources"]),
        source_ip: deep(finding, "/Action/AwsApiCallAction/RemoteIpDetails/IpAddressV4"),
        code,
        mark: &[text(finding, "Id").unwrap_or_default(), updated].join(" "),
        told: format!("{product} reports {title} ({code})"),
        facts: json!({
            "product": product,
            "severity": deep(finding, "/Severity/Label").unwrap_or("INFORMATIONAL").to_ascii_lowercase(),
            "archived": text(finding, "RecordState") == Some("ARCHIVED"),
            "status": deep(finding, "/Workflow/Status").unwrap_or("NEW"),
            "sample": title.starts_with("[SAMPLE]"),
        }),
    };
    notice.record()
}

/// The first key among what it is about, else the first thing.
fn about(resources: &Value) -> Thing<'_> {
    let all = || resources.as_array().into_iter().flatten();
    let key = |resource| {
        let details: &Value = resource;
        let details = &details["Details"]["AwsIamAccessKey"];
        let id = text(details, "AccessKeyId").or_else(|| text(resource, "Id")?.rsplit(':').next())?;
        let owner = Owner {
            kind: text(details, "PrincipalType").unwrap_or_default(),
            principal_id: text(details, "PrincipalId").unwrap_or_default(),
            name: text(details, "PrincipalName").unwrap_or_default(),
        };
        match Thing::named(id) {
            Thing::Key(key, _) => Some(Thing::Key(key, Some(owner))),
            _ => None,
        }
    };
    let named = |resource| text(resource, "Id").filter(|id| !id.starts_with("AWS::::Account:")).map(Thing::Named);
    all().find_map(key).or_else(|| all().find_map(named)).unwrap_or(Thing::Account)
}
