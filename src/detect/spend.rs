//! What is unusual about a bill. Pure: sightings in, findings out.
//!
//! Each poll is judged with what was seen by then. [`book`] holds an account's days as known at a poll; [`history`] says
//! what was in use and [`usual`] what a day would come to; [`first`], [`spike`], [`step`], [`week`] and [`drift`] are the
//! kinds of detectors, [`block`] their settings; [`episode`] makes findings of what they say.

mod alert;
mod anomaly;
pub(crate) mod block;
mod book;
mod drift;
mod episode;
mod first;
mod history;
mod judged;
mod payer;
mod spike;
mod step;
mod usual;
mod week;

use std::collections::BTreeMap;

use rsigma_eval::{CompiledRule, JsonEvent, evaluate_rule};

use super::catalog::Rules;
use crate::cost::{Anomaly, Day, Ledger, RecordType, Series, Sighting, service};
use crate::event::Seconds;
use crate::model::Finding;
use block::Block;
use book::{Book, Key, PADDING};
use episode::Episodes;
use history::Account;

/// Days without any amount after which an account's bill begins anew.
const LONGEST_REST: Day = 400;

/// The series of one account in one currency.
type Bill<'l> = Vec<(&'l Series, &'l [Sighting])>;

/// A cost detector: which rows it is about, and how it judges them.
pub(crate) struct SpendRule {
    /// Position among the detectors.
    pub detector: usize,
    /// The Sigma rule that a row must match.
    pub rows: CompiledRule,
    pub block: Block,
}

/// Judges every poll between two times, each with what was seen by then. Findings come in order of time and id.
pub(crate) fn judge(ledger: &Ledger, anomalies: &[Anomaly], rules: &Rules, range: (Seconds, Seconds)) -> Vec<Finding> {
    let mut accounts: BTreeMap<(&str, &str), Bill<'_>> = BTreeMap::new();
    for (series, sightings) in ledger.series() {
        if series.record_type == RecordType::Usage {
            accounts.entry((&series.account, &series.currency)).or_default().push((series, sightings));
        }
    }
    let mut findings = Vec::new();
    for ((account, currency), series) in accounts {
        for stretch in stretches(&series) {
            findings.extend(judge_account(&stretch, rules, range, Episodes::new(account, currency)));
        }
    }
    findings.extend(anomaly::told_by_aws(anomalies, rules, range));
    findings.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
    findings
}

fn judge_account(
    series: &[(&Series, &[Sighting])],
    rules: &Rules,
    range: (Seconds, Seconds),
    mut episodes: Episodes<'_>,
) -> Vec<Finding> {
    let mut book = Book::new(series);
    let (mut newest, mut judged) = (PADDING, PADDING);
    for poll in book.polls().into_iter().take_while(|poll| *poll < range.1) {
        newest = newest.max(book.see(poll));
        // A first look, and a poll after a pause, have more than one day to judge.
        for day in judged.min(newest)..=newest {
            let account = Account::new(&book, day + 1);
            for rule in &rules.spends {
                let detector = &rules.detectors[rule.detector];
                for alert in alerts(&rule.block, &book, &account) {
                    if rule.is_about(&alert.key, episodes.account) {
                        episodes.take((poll, book.day(day + 1)), (rule.detector, detector), alert, &book);
                    }
                }
            }
        }
        judged = newest + 1;
    }
    // Days before the range only tell what goes on.
    episodes.findings.retain(|finding| finding.time >= range.0);
    payer::name(&mut episodes.findings, series);
    episodes.findings
}

/// Cuts series where no day of any of them has amounts for a long time: a date of another year must not hide this one.
fn stretches<'l>(series: &Bill<'l>) -> Vec<Bill<'l>> {
    let mut days: Vec<Day> = series.iter().flat_map(|(_, all)| all.iter().map(|sighting| sighting.usage)).collect();
    days.sort_unstable();
    days.dedup();
    let within = |range: &[Day]| {
        let (first, last) = (range[0], range[range.len() - 1]);
        let cut = |all: &'l [Sighting]| {
            let from = all.partition_point(|sighting| sighting.usage < first);
            &all[from..all.partition_point(|sighting| sighting.usage <= last)]
        };
        series.iter().map(|(series, all)| (*series, cut(all))).filter(|(_, all)| !all.is_empty()).collect()
    };
    days.chunk_by(|a, b| b - a <= LONGEST_REST).map(within).collect()
}

fn alerts(block: &Block, book: &Book, account: &Account) -> Vec<alert::Alert> {
    match block {
        Block::FirstSpend(block) => first::first_spend(block, book, account),
        // All others compare with what is usual.
        _ if !account.is_known() => Vec::new(),
        Block::Spread(block) => first::spread(block, book, account),
        Block::Spike(block) => spike::spikes(block, book, account),
        Block::QuietDay(block) => step::quiet_days(block, book, account),
        Block::Step(block) => step::steps(block, book, account),
        Block::Week(block) => week::weeks(block, book, account),
        Block::Record(block) => week::records(block, book, account),
        Block::Drift(block) => drift::drifts(block, book, account),
        Block::Anomaly(_) => Vec::new(),
    }
}

impl SpendRule {
    /// Whether the Sigma part of the rule wants a row.
    fn is_about(&self, key: &Key, account: &str) -> bool {
        let class = service::class(&key.service, &key.usage_type);
        let row = serde_json::json!({
            "account": account,
            "service": &*key.service,
            "region": &*key.region,
            "usage_type": &*key.usage_type,
            "record_type": RecordType::Usage.as_str(),
            "stakeout.class": class.as_str(),
            "stakeout.service": service::of(&key.service).map_or("", |service| service.event_source),
        });
        evaluate_rule(&self.rows, &JsonEvent::borrow(&row)).is_some()
    }
}
