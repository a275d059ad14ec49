//! AWS Health: credentials that are known to others, and reports of abuse.
//! <https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html>

use serde_json::{Value, json};

use super::record::{Notice, Thing};
use super::{Envelope, text};

/// How abuse is called, whatever the event that tells it is called.
const ABUSE: &str = "AWS_ABUSE_";

/// Things of one notice that are told apart. What affects more is told once.
const MOST_APART: usize = 20;
/// Names of these that one record tells.
const NAMED: usize = 3;

/// A record for each thing that is affected, or one for the account. Only what is about risk and abuse: Health also tells of
/// maintenance and outages.
pub(super) fn records(envelope: &Envelope<'_>) -> Vec<String> {
    let detail = envelope.detail;
    let Some(code) = text(detail, "eventTypeCode") else {
        return Vec::new();
    };
    let service = text(detail, "service").unwrap_or_default();
    let is_abuse = code.starts_with(ABUSE) || service == "ABUSE";
    if !is_abuse && service != "RISK" && !code.starts_with("AWS_RISK_") {
        return Vec::new();
    }
    let kind = if is_abuse { "HealthAbuseEvent" } else { "HealthEvent" };
    let account = text(detail, "affectedAccount").unwrap_or(envelope.account);
    let region = text(detail, "eventRegion").filter(|region| *region != "global").unwrap_or(envelope.region);
    let status = text(detail, "statusCode").unwrap_or("open");
    // The same event comes again for each of its pages and from a second region.
    let mark = [text(detail, "eventArn"), text(detail, "communicationId"), Some(status)];
    let mark = mark.map(Option::unwrap_or_default).join(" ");
    let entities: Vec<&str> = detail["affectedEntities"].as_array().into_iter().flatten().filter_map(entity).collect();
    let affected = entities.len();
    let notice = |about: Thing<'_>, whom: &str| {
        let told = format!("AWS Health reports {code} about {whom}");
        let facts = json!({ "service": service, "status": status, "affected": affected });
        let (time, source_ip) = (envelope.time, None);
        Notice { kind, account, region, time, about, source_ip, code, mark: &mark, told, facts }.record()
    };
    if affected == 0 {
        return notice(Thing::Account, &format!("account {account}")).into_iter().collect();
    }
    if affected > MOST_APART {
        let first = entities.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let whom = format!("{affected} things in account {account}, such as {first}");
        return notice(Thing::Account, &whom).into_iter().collect();
    }
    entities.into_iter().filter_map(|entity| notice(Thing::named(entity), entity)).collect()
}

fn entity(entity: &Value) -> Option<&str> {
    text(entity, "entityValue")
}
