//! What stays unusual from day to day is told once, and once more when it doubles.

use std::collections::BTreeSet;

use ahash::AHashMap;

use super::alert::Alert;
use super::book::{Book, Key};
use crate::cost::{Anomaly, Day, date};
use crate::detect::rule::Detector;
use crate::event::Seconds;
use crate::model::{Finding, Level, Spend, money};

/// An episode ends when nothing was unusual at the polls of this many days.
const GAP: Day = 3;
/// The same of a notice: nobody wants to hear every week that a service is new.
const NOTICE_GAP: Day = 30;
/// Something worse is told when an amount is this many times what was told.
const WORSE: f64 = 2.0;
/// And is so much more, in US dollars: what begins small doubles for days.
const WORSE_BY: f64 = 20.0;

/// The episodes of one account in one currency, and their findings.
pub(super) struct Episodes<'a> {
    pub account: &'a str,
    pub currency: &'a str,
    pub findings: Vec<Finding>,
    /// Per key, and for notices per detector.
    open: AHashMap<(Key, Option<usize>), Episode>,
}

struct Episode {
    /// Positions of its findings.
    findings: Vec<usize>,
    /// The day before which it was last found unusual.
    last: Day,
    /// The usage day and the largest amount that was told.
    told: (Day, f64),
    level: Level,
}

impl<'a> Episodes<'a> {
    pub(super) fn new(account: &'a str, currency: &'a str) -> Self {
        Self { account, currency, findings: Vec::new(), open: AHashMap::new() }
    }

    /// Takes what a detector says at a poll about the days before `clock`. A kind of use of a service that is unusual
    /// already is part of that.
    pub(super) fn take(&mut self, (at, clock): (Seconds, Day), rule: (usize, &Detector), alert: Alert, book: &Book) {
        let (number, detector) = rule;
        let notice = detector.notice.then_some(number);
        let mut key = alert.key.clone();
        let service = Key { usage_type: "".into(), ..key.clone() };
        if self.is_open(&(service.clone(), None), clock - GAP) {
            key = service;
        }
        if notice.is_some() && self.is_open(&(key.clone(), None), clock - GAP) {
            return;
        }
        let since = clock - if notice.is_some() { NOTICE_GAP } else { GAP };
        let day = book.day(alert.day);
        let mut level = detector.level;
        let mut reasons = alert.reasons.clone();
        let known = self.open.remove(&(key.clone(), notice)).filter(|episode| episode.last >= since);
        let mut episode = known.unwrap_or(Episode { findings: Vec::new(), last: clock, told: (day, 0.0), level });
        episode.last = clock;
        for &finding in &episode.findings {
            if let Some(spend) = &mut self.findings[finding].cost {
                spend.until = spend.until.max(day);
            }
        }
        let (told_day, told) = episode.told;
        let goes_on = !episode.findings.is_empty();
        let grew = goes_on && notice.is_none() && day > told_day && alert.amount >= (WORSE * told).max(told + WORSE_BY);
        if grew {
            level = level.max(Level::High);
            let before = (date(told_day), book.money(told));
            reasons.insert(0, format!("it goes on since {}, when {} was told, and has doubled", before.0, before.1));
        }
        if !goes_on || grew || level > episode.level {
            episode.findings.push(self.findings.len());
            episode.told = (day, alert.amount.max(told));
            episode.level = level.max(episode.level);
            self.findings.push(self.finding(at, detector, (&alert, level), reasons, book));
        }
        self.open.insert((key, notice), episode);
    }

    fn is_open(&self, which: &(Key, Option<usize>), since: Day) -> bool {
        self.open.get(which).is_some_and(|episode| episode.last >= since)
    }

    fn finding(
        &self,
        at: Seconds,
        detector: &Detector,
        (alert, level): (&Alert, Level),
        mut reasons: Vec<String>,
        book: &Book,
    ) -> Finding {
        let day = book.day(alert.day);
        if book.rate != 1.0 {
            reasons.push(format!("limits are in US dollars, taken as {} {} each", book.rate, self.currency));
        }
        let amounts = (alert.amount * book.rate, alert.expected * book.rate);
        let spend = spend(self.account, self.currency, &alert.key, (day, day), amounts);
        Finding { level, ..finding(at, detector, spend, &date(day), reasons) }
    }
}

/// The finding that a root cause of AWS's own anomaly is; `until` is the last day that any answer gave it.
pub(super) fn told_by_aws(at: Seconds, detector: &Detector, key: &Key, anomaly: &Anomaly, until: Day) -> Finding {
    let Anomaly { actual, expected, start, end, .. } = anomaly;
    let reasons = vec![format!(
        "Cost Anomaly Detection says so ({}): {} from {} to {} where it expected {}",
        anomaly.id,
        money(*actual, "USD"),
        date(*start),
        date(*end),
        money(*expected, "USD")
    )];
    let days = f64::from((end - start).max(0) + 1);
    let spend = spend(&anomaly.account, "USD", key, (*start, until), (actual / days, expected / days));
    finding(at, detector, spend, &anomaly.id, reasons)
}

fn spend(account: &str, currency: &str, key: &Key, days: (Day, Day), amounts: (f64, f64)) -> Spend {
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Spend {
        usage_date: days.0,
        account: known(account),
        service: known(&key.service),
        region: known(&key.region),
        usage_type: known(&key.usage_type),
        amount: amounts.0,
        expected: amounts.1,
        currency: currency.to_owned(),
        until: days.1,
    }
}

/// A finding about an amount. `which` tells it from others of the detector about the same row.
fn finding(at: Seconds, detector: &Detector, spend: Spend, which: &str, reasons: Vec<String>) -> Finding {
    let text = |of: &Option<String>| of.clone().unwrap_or_default();
    let (account, region) = (text(&spend.account), text(&spend.region));
    let key =
        [&detector.name, &account, &spend.currency, &text(&spend.service), &region, &text(&spend.usage_type), which];
    Finding {
        id: crate::model::id("fnd", &key),
        detector: detector.name.as_str().into(),
        title: detector.title.as_str().into(),
        level: detector.level,
        notice: detector.notice,
        time: at,
        account,
        region,
        principal: String::new(),
        credential: None,
        source_ip: None,
        event_ids: BTreeSet::new(),
        attack: detector.attack.clone(),
        reasons,
        incident: None,
        cost: Some(spend),
        tactic: detector.tactic.as_str().into(),
        allowed: None,
        external: detector.external,
    }
}
