//! What AWS's own Cost Anomaly Detection says, as findings.

use std::collections::BTreeMap;

use super::block::Block;
use super::book::Key;
use super::episode;
use crate::cost::Anomaly;
use crate::detect::catalog::Rules;
use crate::event::Seconds;
use crate::model::Finding;

/// The root causes of one anomaly, as one answer gave them.
type Answer<'a> = BTreeMap<[&'a str; 4], &'a Anomaly>;

/// A finding for each root cause of an anomaly, from the first answer on in which all of them together are enough.
pub(super) fn told_by_aws(anomalies: &[Anomaly], rules: &Rules, range: (Seconds, Seconds)) -> Vec<Finding> {
    let mut told: BTreeMap<&str, BTreeMap<Seconds, Answer<'_>>> = BTreeMap::new();
    for one in anomalies.iter().filter(|one| one.seen < range.1) {
        let cause = [&*one.account, &*one.service, &*one.region, &*one.usage_type];
        let known = told.entry(&one.id).or_default().entry(one.seen).or_default().entry(cause).or_insert(one);
        // The same answer, given again later without a time of its own.
        if (one.end, one.actual) > (known.end, known.actual) {
            *known = one;
        }
    }
    let mut findings = Vec::new();
    for rule in &rules.spends {
        let Block::Anomaly(block) = &rule.block else {
            continue;
        };
        let detector = &rules.detectors[rule.detector];
        for answers in told.values() {
            let excess = |answer: &Answer<'_>| answer.values().map(|cause| cause.actual - cause.expected).sum::<f64>();
            let Some((seen, answer)) = answers.iter().find(|(_, answer)| excess(answer) >= block.usd) else {
                continue;
            };
            let until = answers.values().flat_map(BTreeMap::values).map(|cause| cause.end).max().unwrap_or_default();
            for cause in answer.values().filter(|_| *seen >= range.0) {
                let key = Key {
                    service: (&*cause.service).into(),
                    region: (&*cause.region).into(),
                    usage_type: (&*cause.usage_type).into(),
                };
                if rule.is_about(&key, &cause.account) {
                    findings.push(episode::told_by_aws(*seen, detector, &key, cause, until));
                }
            }
        }
    }
    findings
}
