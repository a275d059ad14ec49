//! What of a ledger is worth a line.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::{By, Choice};
use crate::cost::ledger::latest;
use crate::cost::{Day, Ledger, RecordType, Series};
use crate::model::{Finding, Level, Spend};

/// Days before a day of which the median is what is usual.
const USUAL: Day = 28;

/// Bills, one for each account and currency.
#[derive(Debug)]
pub(crate) struct View {
    pub bills: Vec<Bill>,
}

/// What one account spent in one currency.
#[derive(Debug)]
pub(crate) struct Bill {
    /// Empty where the input does not say.
    pub account: Arc<str>,
    pub currency: Arc<str>,
    /// The first and the last day with a row of usage, or of anything where nothing was used.
    pub first: Day,
    pub last: Day,
    pub usage: Decimal,
    /// Credits, tax, fees and commitments.
    pub others: BTreeMap<RecordType, Decimal>,
    /// Usage of all series together.
    pub daily: Row,
    /// The largest series and every one with a finding, the largest first.
    pub rows: Vec<Row>,
    /// Series that are not shown, and what they come to in the days shown.
    pub left: (usize, Decimal),
    /// The first day that is shown.
    pub from: Day,
}

/// What a row is about; none for what it is a sum over.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    pub service: Option<Arc<str>>,
    pub region: Option<Arc<str>>,
    pub usage_type: Option<Arc<str>>,
}

/// One series by day.
#[derive(Debug)]
pub(crate) struct Row {
    pub subject: Subject,
    pub amounts: BTreeMap<Day, Decimal>,
    /// The worst finding about it.
    pub mark: Option<Mark>,
}

/// That there is a finding about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// Findings before notices.
    pub pages: bool,
    pub level: Level,
    pub day: Day,
}

impl Row {
    /// What was spent on a day; a bill leaves out what is nothing.
    pub(crate) fn on(&self, day: Day) -> Decimal {
        self.amounts.get(&day).copied().unwrap_or_default()
    }

    /// What was spent from a day on.
    pub(crate) fn since(&self, day: Day) -> Decimal {
        self.amounts.range(day..).map(|(_, amount)| *amount).sum()
    }

    /// The median of the 28 days before a day, as far as the bill goes back; none on its first day.
    pub(crate) fn usual(&self, day: Day, first: Day) -> Option<Decimal> {
        let mut amounts: Vec<_> = (first.max(day - USUAL)..day).map(|day| self.on(day)).collect();
        amounts.sort_unstable();
        let upper = *amounts.get(amounts.len() / 2)?;
        let lower = *amounts.get(amounts.len().saturating_sub(1) / 2)?;
        Some((upper + lower) / Decimal::TWO)
    }
}

impl View {
    /// Chooses rows from a ledger and marks those with findings.
    pub(crate) fn of(ledger: &Ledger, findings: &[Finding], choice: Choice) -> Self {
        let mut drafts: BTreeMap<(Arc<str>, Arc<str>), Draft> = BTreeMap::new();
        for (series, sightings) in ledger.series() {
            let key = (Arc::clone(&series.account), Arc::clone(&series.currency));
            let draft = drafts.entry(key).or_default();
            for sighting in latest(sightings) {
                draft.add(series, choice.by, sighting.usage, sighting.amount);
            }
        }
        let bill = |((account, currency), draft): ((Arc<str>, Arc<str>), Draft)| {
            let spends = findings.iter().filter_map(|finding| finding.cost.as_ref().map(|spend| (finding, spend)));
            let ours = spends.filter(|(_, spend)| {
                spend.currency == *currency && spend.account.as_deref().unwrap_or_default() == &*account
            });
            let ours: Vec<_> = ours.collect();
            draft.finish((Arc::clone(&account), Arc::clone(&currency)), &ours, choice)
        };
        Self { bills: drafts.into_iter().filter_map(bill).collect() }
    }
}

/// A bill while it is summed up.
#[derive(Default)]
struct Draft {
    rows: BTreeMap<Subject, BTreeMap<Day, Decimal>>,
    daily: BTreeMap<Day, Decimal>,
    others: BTreeMap<RecordType, Decimal>,
    days: Option<(Day, Day)>,
}

impl Draft {
    fn add(&mut self, series: &Series, by: By, day: Day, amount: Decimal) {
        let (first, last) = self.days.unwrap_or((day, day));
        self.days = Some((first.min(day), last.max(day)));
        if series.record_type != RecordType::Usage {
            *self.others.entry(series.record_type).or_default() += amount;
            return;
        }
        let own = |wanted: bool, text: &Arc<str>| wanted.then(|| Arc::clone(text));
        let subject = Subject {
            service: own(matches!(by, By::Service | By::ServiceRegion), &series.service),
            region: own(matches!(by, By::Region | By::ServiceRegion), &series.region),
            usage_type: own(by == By::UsageType, &series.usage_type),
        };
        *self.daily.entry(day).or_default() += amount;
        *self.rows.entry(subject).or_default().entry(day).or_default() += amount;
    }

    fn finish(
        self,
        (account, currency): (Arc<str>, Arc<str>),
        findings: &[(&Finding, &Spend)],
        choice: Choice,
    ) -> Option<Bill> {
        let (first, last) = match (self.daily.first_key_value(), self.daily.last_key_value(), self.days) {
            (Some((first, _)), Some((last, _)), _) => (*first, *last),
            (_, _, days) => days?,
        };
        let from = first.max(last - choice.days.max(1) + 1);
        let row = |(subject, amounts)| Row { subject, amounts, mark: None };
        let mut rows: Vec<_> = self.rows.into_iter().map(row).collect();
        for (finding, spend) in findings {
            mark(&mut rows, finding, spend);
        }
        rows.sort_by_cached_key(|row| (Reverse(row.since(from)), row.subject.clone()));
        let (mut shown, mut left) = (Vec::new(), (0, Decimal::ZERO));
        for row in rows {
            let spent = row.since(from);
            let is_shown = row.mark.is_some() || (shown.len() < choice.most && !spent.is_zero());
            if is_shown {
                shown.push(row);
            } else {
                left = (left.0 + 1, left.1 + spent);
            }
        }
        let daily = Row { subject: Subject::default(), amounts: self.daily, mark: None };
        let usage = daily.amounts.values().sum();
        Some(Bill { account, currency, first, last, usage, others: self.others, daily, rows: shown, left, from })
    }
}

/// Marks the row that a finding is about: of several, as for a finding about all regions, the largest on its day.
fn mark(rows: &mut [Row], finding: &Finding, spend: &Spend) {
    let agrees = |own: Option<&Arc<str>>, said: Option<&String>| match (own, said) {
        (Some(own), Some(said)) => **own == **said,
        _ => true,
    };
    let names_any = |row: &Row| {
        let subject = &row.subject;
        [(&subject.service, &spend.service), (&subject.region, &spend.region), (&subject.usage_type, &spend.usage_type)]
            .iter()
            .any(|(own, said)| own.is_some() && said.is_some())
    };
    let about = rows.iter_mut().filter(|row| {
        names_any(row)
            && agrees(row.subject.service.as_ref(), spend.service.as_ref())
            && agrees(row.subject.region.as_ref(), spend.region.as_ref())
            && agrees(row.subject.usage_type.as_ref(), spend.usage_type.as_ref())
    });
    if let Some(row) = about.max_by_key(|row| row.on(spend.usage_date)) {
        let new = Mark { pages: !finding.notice, level: finding.level, day: spend.usage_date };
        row.mark = Some(row.mark.map_or(new, |known| known.max(new)));
    }
}
