//! Bills for programs: JSON lines, one JSON document, CSV.

use std::collections::BTreeSet;
use std::io::{self, Write};

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use super::view::{Bill, Row, Subject, View};
use super::{Accounting, SpendReport};
use crate::cost::{RecordType, date};
use crate::model::escape::cell;
use crate::model::{Cost, Skipped};
use crate::report::csv::cause;
use crate::report::json::line;

/// One object a line: findings, then the summary.
pub(super) fn write_lines(report: &SpendReport, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        line(out, "finding", finding)?;
    }
    line(out, "summary", &summary(report))
}

/// One document with all of it.
pub(super) fn write_document(report: &SpendReport, out: &mut dyn Write) -> io::Result<()> {
    let document = json!({
        "schema": "stakeout/1",
        "bills": report.view.bills.iter().map(bill).collect::<Vec<_>>(),
        "usage_types": report.usage_types.as_ref().map(usage_types),
        "findings": report.findings,
        "summary": summary(report),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn usage_types((service, view): &(String, View)) -> Value {
    json!({ "service": service, "bills": view.bills.iter().map(bill).collect::<Vec<_>>() })
}

/// What was read: exact sums, as texts, because a JSON number is a binary fraction.
fn summary(report: &SpendReport) -> Summary<'_> {
    let Accounting { cost, skipped } = &report.accounting;
    let accounts = report.view.bills.iter().map(|bill| &*bill.account).filter(|id| !id.is_empty());
    Summary { cost, skipped, accounts: accounts.collect(), findings: report.findings.len() }
}

#[derive(Serialize)]
struct Summary<'r> {
    #[serde(flatten)]
    cost: &'r Cost,
    skipped: &'r [Skipped],
    accounts: BTreeSet<&'r str>,
    findings: usize,
}

fn total(currency: &str, kind: &RecordType, amount: &Decimal) -> Value {
    json!({ "currency": currency, "record_type": kind.as_str(), "amount": amount.normalize().to_string() })
}

fn bill(bill: &Bill) -> Value {
    let usage = total(&bill.currency, &RecordType::Usage, &bill.usage);
    let others = bill.others.iter().map(|(kind, amount)| total(&bill.currency, kind, amount));
    let totals: Vec<_> = std::iter::once(usage).chain(others).collect();
    json!({
        "account": bill.account,
        "currency": bill.currency,
        "first_day": date(bill.first),
        "last_day": date(bill.last),
        "totals": totals,
        "all_usage": series(bill, &bill.daily),
        "series": bill.rows.iter().map(|row| series(bill, row)).collect::<Vec<_>>(),
        "left_out": { "series": bill.left.0, "amount": bill.left.1.normalize().to_string() },
    })
}

fn series(bill: &Bill, row: &Row) -> Value {
    let Subject { service, region, usage_type } = &row.subject;
    let day = |day| json!({ "usage_date": date(day), "amount": row.on(day).normalize().to_string() });
    let usual = row.usual(bill.last, bill.first).map(|amount| amount.normalize().to_string());
    let mark = row.mark.map(|mark| json!({ "level": mark.level, "notice": !mark.pages, "usage_date": date(mark.day) }));
    json!({
        "service": service,
        "region": region,
        "usage_type": usage_type,
        "last": row.on(bill.last).normalize().to_string(),
        "usual": usual,
        "finding": mark,
        "days": (bill.from..=bill.last).map(day).collect::<Vec<_>>(),
    })
}

const HEADER: [&str; 9] =
    ["usage_date", "account", "service", "region", "usage_type", "record_type", "amount", "currency", "finding"];

/// One row a day and series of the days that are shown.
pub(super) fn write_csv(report: &SpendReport, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(HEADER).map_err(cause)?;
    for bill in &report.view.bills {
        for row in &bill.rows {
            let Subject { service, region, usage_type } = &row.subject;
            let text =
                |text: &Option<_>| text.as_ref().map_or_else(String::new, |text: &std::sync::Arc<str>| cell(text));
            for (day, amount) in row.amounts.range(bill.from..) {
                let mark = row.mark.filter(|mark| mark.day == *day);
                rows.write_record([
                    date(*day),
                    cell(&bill.account),
                    text(service),
                    text(region),
                    text(usage_type),
                    "usage".to_owned(),
                    amount.normalize().to_string(),
                    cell(&bill.currency),
                    mark.map_or_else(String::new, |mark| mark.level.to_string()),
                ])
                .map_err(cause)?;
            }
        }
    }
    rows.flush()
}
