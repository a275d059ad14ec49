//! Bills: what is unusual about them, as of when it was known, and who is behind it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Drill, Run, command, finish, replay, root, set};

const HEADER: &str = "usage_date,seen_at,account,service,region,usage_type,record_type,amount\n";
const COMPUTE: &str = "Amazon Elastic Compute Cloud - Compute";

/// A bill in the making: rows of the dated form.
struct Bill {
    rows: Vec<String>,
}

impl Bill {
    /// An account with ordinary days in June, July and August: more on working days, and a fee on each first.
    fn ordinary() -> Self {
        let mut bill = Self { rows: Vec::new() };
        for day in 0..92 {
            let busy = if (day + 1) % 7 < 5 { 1.0 } else { 0.6 };
            // Prime steps give every day its own small deviation.
            let wobble = 1.0 + f64::from(day * 37 % 11) / 200.0;
            bill.row(day, 1, [COMPUTE, "eu-west-1", "BoxUsage"], "Usage", 100.0 * busy * wobble);
            bill.row(day, 1, ["Amazon Simple Storage Service", "eu-west-1", "Storage"], "Usage", 20.0 * wobble);
            if matches!(day, 0 | 30 | 61) {
                bill.row(day, 1, ["AWS Support (Business)", "global", "Support"], "Fee", 900.0);
                bill.row(day, 1, ["Tax", "", "Tax"], "Tax", 600.0);
            }
        }
        bill
    }

    /// An amount for the day that lies so many days after the first of June, seen at noon so many days later.
    fn row(&mut self, day: i32, lag: i32, what: [&str; 3], record: &str, amount: f64) {
        let [service, region, usage] = what;
        let row = format!(
            "{},{}T12:00:00Z,111122223333,{service},{region},{usage},{record},{amount:.4}",
            date(day),
            date(day + lag)
        );
        self.rows.push(row);
    }

    fn write(&self, folder: &TempDir, name: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("{HEADER}{}\n", self.rows.join("\n"))).unwrap();
        path
    }
}

/// A date of 2026, counted from the first of June.
fn date(day: i32) -> String {
    let first = jiff::civil::date(2026, 6, 1);
    first.checked_add(jiff::Span::new().days(day)).unwrap().to_string()
}

fn judge(bill: &Path, more: &[&str]) -> Run {
    let mut command = command(["replay", "--quiet", "--format", "ndjson", "--cost"]);
    command.arg(bill).args(more);
    finish(command, b"")
}

/// Detector, service, region and usage date of what pages.
fn pages(run: &Run) -> BTreeSet<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let all = run.findings().into_iter().filter(|finding| finding["notice"] == false);
    all.map(|f| {
        [text(&f["detector"]), text(&f["cost"]["service"]), text(&f["cost"]["region"]), text(&f["cost"]["usage_date"])]
    })
    .collect()
}

#[test]
fn fees_taxes_and_ordinary_weeks_are_no_incident() {
    let folder = tempfile::tempdir().unwrap();
    let mut bill = Bill::ordinary();
    bill.row(80, 1, [COMPUTE, "eu-west-1", "BoxUsage"], "Credit", -5000.0);
    bill.row(81, 1, [COMPUTE, "eu-west-1", "BoxUsage"], "Refund", -900.0);
    bill.row(82, 1, ["Savings Plans for AWS Compute usage", "global", "ComputeSP"], "SavingsPlanRecurringFee", 4000.0);
    let run = judge(&bill.write(&folder, "bill.csv"), &[]);
    assert_eq!((run.status, pages(&run)), (0, BTreeSet::new()));
    let totals = run.summary()["cost"]["totals"].clone();
    let of = |kind: &str| {
        totals.as_array().unwrap().iter().find(|total| total["record_type"] == kind).unwrap()["amount"].clone()
    };
    assert_eq!([of("tax"), of("fees"), of("credits"), of("commitments")], ["1800", "2700", "-5900", "4000"]);
}

#[test]
fn an_unused_region_pages_once_names_nobody_and_pages_again_when_it_doubles() {
    let folder = tempfile::tempdir().unwrap();
    let mut bill = Bill::ordinary();
    for (day, amount) in [(80, 12.0), (81, 14.0), (82, 15.0), (83, 400.0), (84, 410.0), (85, 410.0)] {
        bill.row(day, 1, [COMPUTE, "ap-northeast-3", "BoxUsage"], "Usage", amount);
    }
    let run = judge(&bill.write(&folder, "bill.csv"), &[]);
    assert_eq!(run.status, 1);
    let days: Vec<_> = pages(&run).into_iter().map(|[_, _, region, day]| (region, day)).collect();
    assert_eq!(days, ["2026-08-20", "2026-08-23"].map(|day| ("ap-northeast-3".to_owned(), day.to_owned())));
    let [incident] = &*run.incidents() else { panic!("not one incident: {}", run.stdout) };
    assert_eq!((&incident["opened_at"], &incident["level"]), (&"2026-08-21T12:00:00Z".into(), &"high".into()));
    assert_eq!((&incident["root"]["principal"], &incident["root"]["confidence"]), (&Value::Null, &"unknown".into()));
    let paging: Vec<_> = run.findings().into_iter().filter(|finding| finding["notice"] == false).collect();
    assert_eq!((paging.len(), &paging[0]["principal"]), (2, &Value::Null));
    let reasons = |n: usize| paging[n]["reasons"].to_string();
    assert!(reasons(0).contains("$12.00 on 2026-08-20"), "{}", reasons(0));
    assert!(reasons(1).contains("goes on since 2026-08-20, when $12.00 was told, and has doubled"), "{}", reasons(1));
}

/// Two who start things where the bill rises: the one whose things cost that much is named, and what was made told.
#[test]
fn who_started_what_costs_is_named_and_not_who_came_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut bill = Bill::ordinary();
    for day in 80..84 {
        bill.row(day, 1, [COMPUTE, "us-west-2", "BoxUsage:p3.16xlarge"], "Usage", 1175.0);
    }
    let mut log = String::new();
    for day in 60..84 {
        // The CI user starts something small there every day; on the day in question others come.
        log.push_str(&run_instances(day, 6, "ci", "t3.nano"));
    }
    log.push_str(&run_instances(80, 2, "mallory", "p3.16xlarge"));
    log.push_str(&run_instances(80, 20, "alice", "t3.nano"));
    // After the bill was seen.
    log.push_str(&run_instances(81, 13, "bob", "p4d.24xlarge"));
    let logs = folder.path().join("log.jsonl");
    std::fs::write(&logs, log).unwrap();
    let run = judge(&bill.write(&folder, "bill.csv"), &[logs.to_str().unwrap()]);
    let about: Vec<_> = run
        .incidents()
        .into_iter()
        .filter(|i| i["title"].to_string().contains("p3.16xlarge") || i["regions"].to_string().contains("us-west-2"))
        .collect();
    let mallory: Vec<_> = about.iter().filter(|i| i["root"]["principal"].to_string().contains("mallory")).collect();
    assert!(
        !mallory.is_empty() && !about.iter().any(|i| i["root"]["principal"].to_string().contains("alice")),
        "{about:#?}"
    );
    let finding = run.findings().into_iter().find(|f| f["cost"]["amount"] == 1175.0 && f["notice"] == false).unwrap();
    assert!(finding["principal"].to_string().contains("mallory"), "{finding}");
}

/// A `RunInstances` of one instance, so many days after the first of June.
fn run_instances(day: i32, hour: u32, user: &str, kind: &str) -> String {
    let at = format!("{}T{hour:02}:00:00Z", date(day));
    let record = serde_json::json!({
        "eventVersion": "1.09", "eventTime": at, "eventSource": "ec2.amazonaws.com", "eventName": "RunInstances",
        "awsRegion": "us-west-2", "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2", "readOnly": false,
        "eventID": format!("{user}-{day}-{hour}"), "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "principalId": format!("AIDAEXAMPLE{user}"), "userName": user,
            "arn": format!("arn:aws:iam::111122223333:user/{user}"), "accountId": "111122223333",
            "accessKeyId": format!("AKIAEXAMPLE{:0>9}", user.to_uppercase())},
        "requestParameters": {"instanceType": kind},
        "responseElements": {"instancesSet": {"items": [{"instanceId": format!("i-{user}{day}{hour}"), "instanceType": kind}]}},
    });
    format!("{record}\n")
}

/// A report says `AmazonEC2` where Cost Explorer says `Amazon Elastic Compute Cloud - Compute`: both are computing.
#[test]
fn a_new_region_is_found_under_every_name_of_the_service() {
    let folder = tempfile::tempdir().unwrap();
    for (service, usage) in
        [("AmazonEC2", "APN3-BoxUsage:g5.xlarge"), (COMPUTE, ""), ("Claude Opus 4 (Amazon Bedrock Edition)", "")]
    {
        let mut bill = Bill::ordinary();
        bill.row(80, 1, [service, "ap-northeast-3", usage], "Usage", 25.0);
        let run = judge(&bill.write(&folder, "bill.csv"), &[]);
        let found: Vec<_> = pages(&run).into_iter().map(|[detector, ..]| detector).collect();
        assert_eq!(found, ["spend-in-unused-region"], "{service}");
    }
}

/// Late data is judged when it comes, and what was said before stands.
#[test]
fn a_judgement_uses_only_what_was_seen_by_then() {
    let folder = tempfile::tempdir().unwrap();
    let mut bill = Bill::ordinary();
    bill.row(80, 1, [COMPUTE, "ap-northeast-3", "BoxUsage"], "Usage", 0.05);
    bill.row(80, 2, [COMPUTE, "ap-northeast-3", "BoxUsage"], "Usage", 9.0);
    bill.row(80, 9, [COMPUTE, "ap-northeast-3", "BoxUsage"], "Usage", 0.0);
    let whole = judge(&bill.write(&folder, "whole.csv"), &[]);
    let finding = whole.findings().into_iter().find(|finding| finding["notice"] == false).unwrap();
    assert_eq!((&finding["time"], &finding["cost"]["amount"]), (&"2026-08-22T12:00:00Z".into(), &9.0.into()));

    // Cut to what was known when: the same findings, without those that come later.
    for cut in [78, 81, 82, 85] {
        let until = format!("{}T12:00:01Z", date(cut));
        let mut known = Bill { rows: Vec::new() };
        known.rows = bill.rows.iter().filter(|row| row.split(',').nth(1).unwrap() < &*until).cloned().collect();
        let cut = judge(&known.write(&folder, "cut.csv"), &[]);
        let ids = |run: &Run| -> Vec<Value> {
            let by_then = run.findings().into_iter().filter(|finding| finding["time"].as_str().unwrap() < &*until);
            by_then.map(|finding| finding["id"].clone()).collect()
        };
        assert_eq!(ids(&cut), ids(&whole), "{until}");
        assert_eq!(ids(&cut).len(), cut.findings().len());
    }
}

#[test]
fn the_order_of_rows_and_files_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut bill = Bill::ordinary();
    bill.row(85, 1, [COMPUTE, "eu-west-1", "BoxUsage"], "Usage", 900.0);
    bill.row(85, 1, ["AWS Lambda", "sa-east-1", "GB-Second"], "Usage", 33.0);
    let straight = judge(&bill.write(&folder, "straight.csv"), &[]);
    bill.rows.reverse();
    assert_eq!(judge(&bill.write(&folder, "reversed.csv"), &[]).results(), straight.results());
    let (one, two) = bill.rows.split_at(60);
    let halves = [one, two].map(|rows| Bill { rows: rows.to_vec() });
    let [one, two] = [halves[0].write(&folder, "a.csv"), halves[1].write(&folder, "b.csv")];
    let more = ["--cost", one.to_str().unwrap(), "--cost", one.to_str().unwrap()];
    assert_eq!(judge(&two, &more).results(), straight.results());
    assert!(!straight.incidents().is_empty());
}

#[test]
fn bills_that_a_shell_made_logs_of_are_bills() {
    let folder = tempfile::tempdir().unwrap();
    let mut bill = Bill::ordinary();
    bill.row(85, 1, ["AWS Lambda", "sa-east-1", "GB-Second"], "Usage", 33.0);
    let straight = judge(&bill.write(&folder, "straight.csv"), &[]);
    let (one, two) = bill.rows.split_at(60);
    let halves = [one, two].map(|rows| Bill { rows: rows.to_vec() });
    let [one, two] = [halves[0].write(&folder, "a.csv"), halves[1].write(&folder, "b.csv")];
    let mut globbed = command(["replay", "--format", "ndjson", "--cost"]);
    globbed.args([&one, &two]);
    let globbed = finish(globbed, b"");
    assert_eq!(globbed.results(), straight.results());
    assert!(globbed.stderr.contains("b.csv: a bill, read as with --cost"), "{}", globbed.stderr);
    assert_eq!(globbed.summary()["accounts"], serde_json::json!(["111122223333"]));
    let twice = finish(command(["replay", "-", "--cost", "-"]), b"");
    assert_eq!((twice.status, twice.stderr.contains("can be read only once")), (2, true), "{twice:?}");
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_the_rest_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let mut bill = Bill::ordinary();
    bill.row(80, 1, ["AWS Lambda", "sa-east-1", "GB-Second"], "Usage", 33.0);
    bill.rows.insert(3, "2026-06-31,2026-07-01T12:00:00Z,111122223333,AWS Lambda,eu-west-1,x,Usage,1.0".to_owned());
    bill.rows.insert(9, "2026-06-03,2026-06-04T12:00:00Z,111122223333,AWS Lambda,eu-west-1,x,Usage,a lot".to_owned());
    let run = judge(&bill.write(&folder, "bill.csv"), &[]);
    assert_eq!((run.status, run.incidents().len()), (3, 1));
    assert_eq!(run.summary()["cost"]["malformed"], 2);
    let [(path, why)] = &*run.skipped() else { panic!("{:?}", run.skipped()) };
    assert!(path.ends_with("bill.csv") && why.contains("line 5"), "{path}: {why}");
}

/// The founding night with its bill: a number within minutes, and the bill's own findings in the same incident.
#[test]
fn the_founding_story_burns_from_its_first_minutes_and_owns_its_costs() {
    for seed in ["1", "4"] {
        let drill = Drill::small("lambda-ddos-all-regions", &["--seed", seed]);
        let bill = drill.path().join("costs.csv");
        let run = replay([drill.path().as_os_str(), "--cost".as_ref(), bill.as_os_str()]);
        let [incident] = &*run.incidents() else { panic!("not one incident: {:?}", run.incidents()) };
        let real = drill.truth["bill_usd_per_hour"].as_f64().unwrap();
        let burn = incident["burn_usd_per_hour"].as_f64().unwrap();
        assert!((real / 2.0..=real * 2.0).contains(&burn), "{burn} against a bill of {real} an hour");
        let costs: Vec<_> =
            run.findings().into_iter().filter(|f| f["cost"].is_object() && f["notice"] == false).collect();
        assert!(costs.len() >= 17, "{} cost findings", costs.len());
        let principals = set(&incident["principals"]);
        for cost in &costs {
            assert_eq!(cost["incident"], incident["id"], "{cost}");
            assert!(principals.contains(cost["principal"].as_str().unwrap()), "{cost}");
        }
        let first = costs.iter().map(|cost| cost["time"].as_str().unwrap()).min().unwrap();
        let [first, opened] =
            [first, incident["opened_at"].as_str().unwrap()].map(|at| at.parse::<jiff::Timestamp>().unwrap());
        assert!(first.as_second() - opened.as_second() >= 9 * 3_600, "opened {opened}, on the bill {first}");
    }
}

/// Answers of a real learner's account, where they lie beside the project: 86 days with a dozen new services.
#[test]
fn a_real_account_pages_seldom_and_its_new_services_are_named() {
    let path = root().join("../shared/cost/data/ce-real/get_cost_and_usage_daily_service.json");
    if !path.is_file() {
        return;
    }
    let run = judge(&path, &[]);
    assert!(pages(&run).len() <= 4, "{:?}", pages(&run));
    let named: BTreeSet<String> =
        run.findings().iter().map(|f| f["cost"]["service"].as_str().unwrap_or("-").to_owned()).collect();
    let mut missing = String::new();
    for service in [
        "Amazon Transcribe",
        "Amazon Relational Database Service",
        "Amazon Simple Notification Service",
        "Amazon Route 53",
        "Amazon Elastic Container Service for Kubernetes",
        "AWS Cost Explorer",
    ] {
        if !named.contains(service) {
            writeln!(missing, "{service}").unwrap();
        }
    }
    assert_eq!(missing, "");
}
