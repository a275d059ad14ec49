//! Who used what costs, where the bill itself knows: CUR 2.0 has the calling principal of some services.

use std::collections::BTreeMap;

use crate::cost::{Series, Sighting};
use crate::event::Seconds;
use crate::event::identity::role_arn;
use crate::model::{Finding, Spend, money};

/// A principal is named who stands for this share of an amount.
const MOST: f64 = 0.5;

/// Names the principal behind each amount, as the bill knew it when the finding was made.
pub(super) fn name(findings: &mut [Finding], series: &[(&Series, &[Sighting])]) {
    if series.iter().all(|(series, _)| series.principal.is_none()) {
        return;
    }
    for finding in findings {
        let Some(spend) = &finding.cost else {
            continue;
        };
        let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
        for (series, sightings) in series.iter().filter(|(series, _)| is_part(series, spend)) {
            if let Some(principal) = &series.principal {
                *shares.entry(principal).or_default() += known(sightings, spend, finding.time);
            }
        }
        let largest = shares.into_iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(a.0)));
        if let Some((principal, share)) = largest.filter(|(_, share)| *share >= MOST * spend.amount) {
            let session = principal.contains(":assumed-role/");
            finding.principal = if session { role_arn(principal) } else { principal.to_owned() };
            finding.reasons.push(format!("the bill names {principal} for {} of it", money(share, &spend.currency)));
        }
    }
}

/// Whether the amounts of a series are part of what a finding is about.
fn is_part(series: &Series, spend: &Spend) -> bool {
    let same = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    same(&spend.service, &series.service)
        && same(&spend.region, &series.region)
        && same(&spend.usage_type, &series.usage_type)
}

/// What a series came to on the day, as seen by a time.
fn known(sightings: &[Sighting], spend: &Spend, by: Seconds) -> f64 {
    use rust_decimal::prelude::ToPrimitive as _;
    let mut of_day = sightings.iter().filter(|sighting| sighting.usage == spend.usage_date && sighting.seen() <= by);
    of_day.next_back().and_then(|sighting| sighting.amount.to_f64()).unwrap_or_default()
}
