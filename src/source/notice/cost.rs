//! Anomalies of Cost Anomaly Detection.
//! <https://docs.aws.amazon.com/cost-management/latest/userguide/cad-eventbridge.html>

use serde_json::{Value, json};

use super::record::{Notice, Thing};
use super::{Envelope, MOST_THINGS, text};
use crate::model::dollars;

/// A record for each cause, or one for the account where none is named.
pub(super) fn records(envelope: &Envelope<'_>) -> Vec<String> {
    let detail = envelope.detail;
    let Some(anomaly) = text(detail, "anomalyId") else {
        return Vec::new();
    };
    let whole = amount(&detail["impact"]["totalImpact"]).unwrap_or_default();
    let none = [Value::Null];
    let causes = detail["rootCauses"].as_array().filter(|causes| !causes.is_empty()).map_or(&none[..], Vec::as_slice);
    let record = |cause: &Value| {
        let usd = amount(&cause["impact"]["contribution"]).unwrap_or(whole);
        let (service, region) = (text(cause, "service"), text(cause, "region"));
        let of = |word: &str, what: Option<&str>| what.map(|what| format!(" {word} {what}")).unwrap_or_default();
        let told = format!(
            "Cost Anomaly Detection reports {} more than expected{}{}",
            dollars(usd),
            of("for", service),
            of("in", region)
        );
        let notice = Notice {
            kind: "CostAnomaly",
            account: text(cause, "linkedAccount").or_else(|| text(detail, "accountId")).unwrap_or(envelope.account),
            region: region.unwrap_or(envelope.region),
            time: envelope.time,
            about: Thing::Account,
            source_ip: None,
            code: "anomaly",
            mark: &[anomaly, service.unwrap_or_default(), region.unwrap_or_default()].join(" "),
            told,
            facts: json!({ "usd": usd, "service": service, "anomalyId": anomaly }),
        };
        notice.record()
    };
    causes.iter().take(MOST_THINGS).filter_map(record).collect()
}

/// US dollars, as a number or as a text.
fn amount(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}
