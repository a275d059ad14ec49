//! The same money in several files, and what is taken for a bill at all.

use serde_json::json;
use tempfile::TempDir;

use super::super::is_bill;
use super::{Bills, PLAIN, fixture, lines, one, put, read};

/// An answer about days of May from the first on, with one amount a day.
fn answer(groups: &[&str], keys: &[&str], amounts: &[&str]) -> String {
    let definitions: Vec<_> = groups.iter().map(|name| json!({ "Type": "DIMENSION", "Key": name })).collect();
    let result = |(day, amount): (usize, &&str)| {
        json!({
            "TimePeriod": { "Start": format!("2026-05-{:02}", day + 1), "End": format!("2026-05-{:02}", day + 2) },
            "Groups": [{ "Keys": keys, "Metrics": { "UnblendedCost": { "Amount": amount, "Unit": "USD" } } }],
        })
    };
    let results: Vec<_> = amounts.iter().enumerate().map(result).collect();
    json!({ "GroupDefinitions": definitions, "ResultsByTime": results }).to_string()
}

fn told(bills: &Bills) -> Vec<String> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    bills.superseded.iter().map(|skipped| format!("{}: {}", name(&skipped.path), skipped.why)).collect()
}

#[test]
fn of_answers_about_one_day_the_one_that_tells_most_counts() {
    let dir = TempDir::new().unwrap();
    let region = put(&dir, "region.json", answer(&["REGION", "SERVICE"], &["eu-west-1", "AWS Lambda"], &["1", "2"]));
    let usage = put(&dir, "usage.json", answer(&["SERVICE", "USAGE_TYPE"], &["AWS Lambda", "x"], &["0.5"]));
    let service = put(&dir, "service.json", answer(&["SERVICE"], &["AWS Lambda"], &["1", "2", "3"]));
    let bills = read(&[&service, &region, &usage]);
    assert_eq!(
        lines(&bills),
        [
            "|USD|AWS Lambda|||usage|2026-05-03|3",
            "|USD|AWS Lambda|eu-west-1||usage|2026-05-01|1",
            "|USD|AWS Lambda|eu-west-1||usage|2026-05-02|2",
        ]
    );
    assert_eq!(
        told(&bills),
        [
            "service.json: 2026-05-01 to 2026-05-02: the answer by REGION and SERVICE tells the same money and is read",
            "usage.json: 2026-05-01: the answer by REGION and SERVICE tells the same money and is read",
        ]
    );
    assert_eq!((bills.rows, bills.duplicate, bills.skipped.len()), (6, 3, 0));
    assert_eq!(lines(&read(&[&usage, &service, &region])), lines(&bills));
}

#[test]
fn a_report_counts_before_answers_about_its_days() {
    let dir = TempDir::new().unwrap();
    let report = read(&[&fixture("report.csv")]);
    let whole = put(&dir, "whole.json", answer(&["SERVICE"], &["AWS Lambda"], &["1", "2"]));
    let linked = |account: &str| answer(&["LINKED_ACCOUNT", "SERVICE"], &[account, "AWS Lambda"], &["1"]);
    let both = read(&[&whole, &fixture("report.csv")]);
    assert_eq!(told(&both), ["whole.json: 2026-05-01: a report tells the same money and is read"]);
    assert_eq!(lines(&both).len(), lines(&report).len() + 1, "the second day is in no report");
    let own = put(&dir, "own.json", linked("444455556666"));
    assert_eq!(lines(&read(&[&own, &fixture("report.csv")])), lines(&report));
    let other = put(&dir, "other.json", linked("777788889999"));
    let apart = read(&[&other, &fixture("report.csv")]);
    assert_eq!(
        (lines(&apart).len(), told(&apart).len()),
        (lines(&report).len() + 1, 0),
        "the money of another account"
    );
}

#[test]
fn a_report_that_was_saved_twice_counts_once() {
    let dir = TempDir::new().unwrap();
    let header = "identity/LineItemId,identity/TimeInterval,lineItem/UsageStartDate,lineItem/UsageAccountId,lineItem/ProductCode,lineItem/UnblendedCost\n";
    let rows = |range: std::ops::Range<u32>, more: &str| -> String {
        let row = |n| format!("id{n},2026-05-01/2026-05-02,2026-05-01T00:00:00Z,1,a,1{more}\n");
        format!("{header}{}", range.map(row).collect::<String>())
    };
    let early = put(&dir, "early.csv", rows(0..1_500, ""));
    let late = put(&dir, "late.csv.gz", super::gzip(rows(0..2_000, ".0").as_bytes()));
    let next = put(&dir, "next.csv", rows(2_000..2_100, ""));
    let bills = read(&[&early, &late, &next]);
    assert_eq!(lines(&bills), ["1|USD|a|||usage|2026-05-01|2100"]);
    assert_eq!((bills.rows, bills.duplicate, bills.skipped.len()), (3_600, 1_500, 0));
    let [told] = &*told(&bills) else { panic!("{:?}", bills.superseded) };
    assert!(told.starts_with("early.csv: the same line items as ") && told.contains("late.csv.gz"), "{told}");
    assert_eq!(lines(&read(&[&next, &late, &early])), lines(&bills));
}

#[test]
fn rows_of_one_file_add_up_and_files_are_statements() {
    let dir = TempDir::new().unwrap();
    let row = |amount: &str| format!("2026-05-01,2026-05-02T12:00:00Z,1,a,r,u,Usage,{amount}\n");
    let hours = put(&dir, "hours.csv", format!("{PLAIN}{}{}{}", row("1"), row("1"), row("0.5")));
    let less = put(&dir, "less.csv", format!("{PLAIN}{}", row("2")));
    assert_eq!(lines(&read(&[&hours])), ["1|USD|a|r|u|usage|2026-05-01|2.5"]);
    let both = read(&[&less, &hours, &hours]);
    assert_eq!(lines(&both), ["1|USD|a|r|u|usage|2026-05-01|2.5"]);
    assert_eq!((both.rows, both.duplicate, both.superseded.len()), (7, 4, 1));
}

#[test]
fn what_is_seen_before_it_happens_is_malformed() {
    let row = |day: u8| format!("2026-05-{day:02},2026-05-02T12:00:00Z,1,a,r,u,Usage,1\n");
    let bills = one("a.csv", format!("{PLAIN}{}{}{}", row(1), row(3), row(4)));
    assert_eq!((bills.rows, bills.malformed), (3, 1));
    let why = "1 row cannot be read, at line 4: 2026-05-04 is later than its time of sight, 2026-05-02T12:00:00Z";
    assert_eq!(bills.skipped[0].why, why);
    let answer = answer(&["SERVICE"], &["a"], &["1"]).replacen('{', r#"{"SeenAt":"2026-04-29T00:00:00Z","#, 1);
    assert_eq!(one("a.json", answer).malformed, 1);
}

#[test]
fn impossible_impacts_are_named() {
    let anomaly = |impact: &str| {
        format!(
            r#"{{"Anomalies":[{{"AnomalyId":"a","AnomalyStartDate":"2026-05-01","Impact":{{"TotalImpact":{impact}}}}}]}}"#
        )
    };
    assert_eq!(one("a.json", anomaly("1e12")).anomalies.len(), 1);
    let bills = one("b.json", anomaly("1e300"));
    assert_eq!((bills.anomalies.len(), bills.malformed), (0, 1));
    assert!(bills.skipped[0].why.contains("anomaly 1: 1e300 is no possible amount"), "{:?}", bills.skipped);
}

#[test]
fn a_bill_is_told_from_a_log() {
    let dir = TempDir::new().unwrap();
    let is = |name: &str, content: &[u8]| is_bill(&put(&dir, name, content).to_string_lossy());
    for name in ["report.csv", "focus.csv", "console.csv", "cost-explorer.json", "anomalies.json"] {
        let text = std::fs::read(fixture(name)).unwrap();
        assert!(is(name, &text) && is(&format!("{name}.gz"), &super::gzip(&text)), "{name}");
    }
    let log = br#"{"Records":[{"eventVersion":"1.08","requestParameters":"ResultsByTime"}]}"#;
    assert!(!is("log.json", log) && !is("log.csv", b"eventID,eventName,eventSource,eventTime\n1,a,b,c\n"));
    assert!(!is("empty", b"") && !is("cut.gz", b"\x1f\x8b\x08") && !is("p.parquet", b"PAR1PAR1"));
    assert!(!is_bill(&dir.path().to_string_lossy()) && !is_bill("/nowhere"));
}
