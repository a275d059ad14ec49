//! What `GetAnomalies` of Cost Anomaly Detection answers.

use serde_json::Value;

use super::answers::{array, string};
use super::folded::Counts;
use super::value::{day, float, quoted, region, seconds};
use crate::cost::{Anomaly, usually_seen};

/// The root causes of every anomaly in an answer.
pub(super) fn read(answer: &Value, counts: &mut Counts) -> Vec<Anomaly> {
    let mut anomalies = Vec::new();
    for (number, anomaly) in array(answer, "Anomalies").enumerate() {
        match causes(answer, anomaly) {
            Ok(causes) => {
                counts.rows += causes.len() as u64;
                anomalies.extend(causes);
            }
            Err(why) => counts.bad(format!("anomaly {}: {why}", number + 1)),
        }
    }
    anomalies
}

/// Brings anomalies into one order, whatever that of their files, and drops what was said twice.
pub(super) fn sort(anomalies: &mut Vec<Anomaly>) {
    let names = |anomaly: &Anomaly| {
        let Anomaly { id, account, service, region, usage_type, .. } = anomaly.clone();
        (anomaly.start, id, account, service, region, usage_type, anomaly.seen, anomaly.end)
    };
    anomalies.sort_by(|a, b| {
        names(a).cmp(&names(b)).then(a.actual.total_cmp(&b.actual)).then(a.expected.total_cmp(&b.expected))
    });
    anomalies.dedup();
}

fn causes(answer: &Value, anomaly: &Value) -> Result<Vec<Anomaly>, String> {
    let from = string(anomaly, "AnomalyStartDate");
    let start = day(from).ok_or_else(|| format!("start {} is no date", quoted(from)))?;
    let impact = &anomaly["Impact"];
    let total = float(&impact["TotalImpact"])?;
    let expected = float(&impact["TotalExpectedSpend"])?.unwrap_or(0.0);
    let actual = float(&impact["TotalActualSpend"])?.or(total.map(|total| expected + total)).ok_or("no impact")?;
    let whole = Anomaly {
        id: string(anomaly, "AnomalyId").to_owned(),
        start,
        end: day(string(anomaly, "AnomalyEndDate")).map_or(start, |end| end.max(start)),
        seen: seconds(string(answer, "SeenAt")).unwrap_or_else(|| usually_seen(start)),
        account: string(answer, "Account").to_owned(),
        service: string(anomaly, "DimensionValue").to_owned(),
        region: String::new(),
        usage_type: String::new(),
        actual,
        expected,
    };
    let causes: Vec<Anomaly> = array(anomaly, "RootCauses").map(|cause| caused(&whole, cause)).collect();
    Ok(if causes.is_empty() { vec![whole] } else { causes })
}

/// One root cause. What it contributed is a share of the anomaly's impact; spend and expectation are shared alike.
fn caused(whole: &Anomaly, cause: &Value) -> Anomaly {
    let or = |name: &str, otherwise: &str| {
        let own = string(cause, name);
        if own.is_empty() { otherwise.to_owned() } else { own.to_owned() }
    };
    let impact = whole.actual - whole.expected;
    let contribution = cause["Impact"]["Contribution"].as_f64().filter(|_| impact > 0.0);
    let share = contribution.map_or(1.0, |contribution| (contribution / impact).clamp(0.0, 1.0));
    Anomaly {
        account: or("LinkedAccount", &whole.account),
        service: or("Service", &whole.service),
        region: region(string(cause, "Region")).to_owned(),
        usage_type: string(cause, "UsageType").to_owned(),
        actual: whole.actual * share,
        expected: whole.expected * share,
        ..whole.clone()
    }
}
