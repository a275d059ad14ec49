//! What a person sees of a bill.

use std::sync::Arc;

use console::measure_text_width;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::cost::ledger::Entry;
use crate::cost::{RecordType, Series, Sightings, date};
use crate::event::Seconds;
use crate::model::{Level, Spend};

/// 2026-11-21.
const LAST: Day = 20_778;

fn series(service: &str, region: &str, record_type: RecordType) -> Arc<Series> {
    Arc::new(Series {
        account: "111122223333".into(),
        currency: "USD".into(),
        service: service.into(),
        region: region.into(),
        usage_type: "".into(),
        record_type,
        principal: None,
    })
}

fn enter(ledger: &mut Ledger, series: &Arc<Series>, day: Day, seen: Seconds, amount: Decimal, entry: Entry) {
    let mut sightings = Sightings::default();
    sightings.enter(day, seen, amount, entry);
    ledger.absorb(Arc::clone(series), sightings, entry);
}

/// Sixty days of EC2 for $40 a day, and Lambda in a new region on the last day.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    let ec2 = series("Amazon Elastic Compute Cloud - Compute", "us-east-1", RecordType::Usage);
    let tax = series("Tax", "", RecordType::Tax);
    for day in LAST - 59..=LAST {
        enter(&mut ledger, &ec2, day, Seconds::from(day), Decimal::new(4_000, 2), Entry::Statement);
    }
    // Restated: the later sighting is the word on the day.
    enter(&mut ledger, &ec2, LAST, Seconds::from(LAST) + 1, Decimal::new(4_125, 2), Entry::Statement);
    enter(&mut ledger, &tax, LAST - 20, 0, Decimal::new(123_456, 2), Entry::Statement);
    let lambda = series("AWS Lambda\u{1b}[31m", "ap-northeast-3", RecordType::Usage);
    enter(&mut ledger, &lambda, LAST, 0, Decimal::new(1_250, 2), Entry::Statement);
    ledger
}

fn finding(service: Option<&str>, region: Option<&str>, amount: f64) -> Finding {
    let spend = Spend {
        usage_date: LAST,
        account: Some("111122223333".to_owned()),
        service: service.map(str::to_owned),
        region: region.map(str::to_owned),
        usage_type: None,
        amount,
        expected: 0.0,
        currency: "USD".to_owned(),
        until: LAST,
    };
    Finding {
        id: "f1".to_owned(),
        detector: "first-spend".into(),
        title: "First spend in a region".into(),
        level: Level::High,
        notice: false,
        time: 0,
        account: "111122223333".to_owned(),
        region: String::new(),
        principal: String::new(),
        credential: None,
        source_ip: None,
        event_ids: std::collections::BTreeSet::new(),
        attack: Vec::new(),
        reasons: vec!["nothing was spent in ap-northeast-3 in 60 days".to_owned()],
        incident: None,
        cost: Some(spend),
        tactic: "cost".into(),
        allowed: None,
        external: false,
    }
}

fn report(ledger: &Ledger, findings: Vec<Finding>, by: By, most: usize) -> SpendReport {
    let (first, last) = ledger.days().unwrap();
    let cost = Cost { rows: 1, days: last - first + 1, first_day: Some(date(first)), ..Cost::default() };
    SpendReport::new(ledger, findings, Accounting { cost, skipped: Vec::new() }, Choice { by, days: 30, most })
}

fn text(report: &SpendReport, format: SpendFormat, columns: usize) -> String {
    let mut out = Vec::new();
    report.write(format, Look { columns, color: false }, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_bill_is_told_on_a_narrow_terminal() {
    let report = report(
        &ledger(),
        vec![finding(Some("AWS Lambda\u{1b}[31m"), Some("ap-northeast-3"), 12.5)],
        By::ServiceRegion,
        15,
    );
    let table = text(&report, SpendFormat::Table, 80);
    assert!(table.lines().all(|line| measure_text_width(line) <= 80), "{table}");
    assert!(!table.contains('\u{1b}'), "{table}");
    assert!(table.contains("2026-09-23 to 2026-11-21, 60 days: usage $2,413.75, tax $1,234.56"), "{table}");
    let line = |name: &str| table.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    let (all, ec2, lambda) = (line("all usage"), line("Elastic"), line("Lambda"));
    assert!(all.contains("53.75") && all.contains("40.00"), "{table}");
    assert!(ec2.contains("41.25") && ec2.contains("us-east-1"), "{table}");
    assert!(lambda.contains("12.50") && lambda.contains("0.00") && lambda.contains("high 11-21"), "{table}");
    assert!(lambda.contains(" █ "), "what is new stands alone: {table}");
    assert!(table.contains("Unusual: 1 finding, 0 notices"), "{table}");
    assert!(table.contains("$12.50 where $0.00 is usual"), "{table}");
}

#[test]
fn a_marked_series_is_shown_however_small_and_the_rest_is_counted() {
    let marked = report(&ledger(), vec![finding(Some("AWS Lambda\u{1b}[31m"), None, 12.5)], By::ServiceRegion, 0);
    let bill = &marked.view.bills[0];
    assert_eq!(bill.rows.len(), 1, "a finding about all regions marks the largest");
    assert_eq!(bill.left, (1, Decimal::new(120_125, 2)));
    assert!(text(&marked, SpendFormat::Table, 100).contains("and one more series, $1,201.25 in these days"));
    let account = report(&ledger(), vec![finding(None, None, 53.75)], By::ServiceRegion, 15);
    assert!(account.view.bills[0].rows.iter().all(|row| row.mark.is_none()));
}

#[test]
fn programs_get_findings_days_and_exact_sums() {
    let report = report(&ledger(), vec![finding(None, Some("ap-northeast-3"), 12.5)], By::Region, 15);
    let lines: Vec<serde_json::Value> =
        text(&report, SpendFormat::Ndjson, 80).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["kind"].as_str().unwrap()).collect::<Vec<_>>(), ["finding", "summary"]);
    assert_eq!(lines[0]["cost"]["usage_date"], "2026-11-21");
    assert_eq!((&lines[1]["first_day"], &lines[1]["findings"]), (&"2026-09-23".into(), &1.into()));
    let json: serde_json::Value = serde_json::from_str(&text(&report, SpendFormat::Json, 80)).unwrap();
    let regions = json["bills"][0]["series"].as_array().unwrap();
    assert_eq!(regions[0]["region"], "us-east-1");
    assert_eq!(regions[1]["days"].as_array().unwrap().len(), 30);
    assert_eq!((&regions[1]["last"], &regions[1]["finding"]["level"]), (&"12.5".into(), &"high".into()));
    let csv = text(&report, SpendFormat::Csv, 80);
    assert_eq!(csv.lines().count(), 1 + 30 + 1);
    assert!(csv.contains("2026-11-21,111122223333,,ap-northeast-3,,usage,12.5,USD,high"), "{csv}");
}

#[test]
fn findings_of_one_detector_and_day_are_told_together() {
    let many: Vec<_> = (0..40).map(|n| finding(Some(&format!("service {n}")), None, 2.0)).collect();
    let table = text(&report(&ledger(), many, By::Region, 15), SpendFormat::Table, 80);
    assert!(table.contains("First spend in a region (40 times)"), "{table}");
    assert!(
        table.contains("also $78.00: service 1; service 2;") && table.contains("service 5 and 34\n      more"),
        "{table}"
    );
    let apart = (0..12).map(|n| Finding { detector: format!("d{n}").into(), ..finding(Some("a"), None, 2.0) });
    let table = text(&report(&ledger(), apart.collect(), By::Region, 15), SpendFormat::Table, 80);
    assert!(table.contains("and 2 more; --format ndjson lists all"), "{table}");
}

#[test]
fn bars_grow_with_amounts() {
    let bars = [0, 1, 50, 100].map(Decimal::from);
    assert_eq!(chart::sparkline(&bars), " ▁▄█");
}

proptest! {
    #[test]
    fn no_name_or_amount_breaks_the_page(
        names in proptest::collection::vec(any::<String>(), 1..6),
        amounts in proptest::collection::vec(any::<i64>(), 1..40),
        columns in 0_usize..200,
    ) {
        let mut ledger = Ledger::default();
        for (number, amount) in amounts.iter().enumerate() {
            let name = &names[number % names.len()];
            let day = LAST - i32::try_from(number).unwrap();
            enter(&mut ledger, &series(name, name, RecordType::Usage), day, 0, Decimal::new(*amount, 6), Entry::LineItem);
        }
        for by in [By::Service, By::Region, By::UsageType, By::ServiceRegion] {
            let report = report(&ledger, vec![finding(names.first().map(String::as_str), None, 1e300)], by, 3);
            let table = text(&report, SpendFormat::Table, columns);
            prop_assert!(!table.chars().any(|c| c.is_control() && c != '\n'));
            for format in [SpendFormat::Json, SpendFormat::Ndjson, SpendFormat::Csv] {
                text(&report, format, columns);
            }
        }
    }
}
