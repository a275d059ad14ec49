//! What people and spreadsheets get to see, of an honest log and of a hostile one.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::formats::lines;
use crate::harness::{Run, command, finish, stakeout};

/// The night, without what is below high: enough for the form, little enough to read.
fn night(format: &str, columns: &str) -> String {
    let mut command = command(["replay", "fixtures/night", "--min-level", "high", "--format", format]);
    command.env("COLUMNS", columns);
    let run = finish(command, b"");
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    run.stdout
}

#[test]
fn a_table_fits_a_narrow_terminal() {
    let table = night("table", "80");
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
    assert_snapshot!("table-80", table);
}

#[test]
fn a_table_uses_a_wide_terminal() {
    let table = night("table", "140");
    assert!(table.lines().all(|line| line.chars().count() <= 140), "{table}");
    assert_snapshot!("table-140", table);
}

#[test]
fn ten_lines_say_what_who_where_since_when_and_what_next() {
    let top: Vec<_> = night("table", "140").lines().take(10).map(str::to_owned).collect();
    let top = top.join("\n");
    for needed in
        ["CRITICAL", "AKIAEXAMPLECI0000001", "17 regions", "since", "confirmed", "next", "Freeze 85 functions"]
    {
        assert!(top.contains(needed), "{needed} is not in\n{top}");
    }
}

#[test]
fn markdown_is_ready_for_a_ticket() {
    assert_snapshot!("markdown", night("markdown", "80"));
}

#[test]
fn csv_is_one_row_a_finding() {
    let text = night("csv", "80");
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<_> = rows.headers().unwrap().iter().map(str::to_owned).collect();
    assert_snapshot!(header.join(","), @"time,level,notice,detector,title,account,region,principal,credential,source_ip,incident,events,reasons,allowed");
    let rows: Vec<_> = rows.records().map(|row| row.unwrap()).collect();
    let run = stakeout(["replay", "fixtures/night", "--min-level", "high", "--format", "ndjson", "-q"]);
    assert_eq!(rows.len(), run.findings().len());
}

/// Every path of keys below a value, with lists as `[]`.
fn keys(value: &Value, path: &str, all: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                all.insert(format!("{path}{key}"));
                keys(value, &format!("{path}{key}."), all);
            }
        }
        Value::Array(values) => {
            values.iter().for_each(|value| keys(value, &format!("{}[].", path.trim_end_matches('.')), all))
        }
        _ => {}
    }
}

#[test]
fn the_keys_of_json_are_stable() {
    let mut all = BTreeSet::new();
    keys(&serde_json::from_str(&night("json", "80")).unwrap(), "", &mut all);
    assert_snapshot!(all.into_iter().collect::<Vec<_>>().join("\n"), @"
    findings
    findings[].account
    findings[].attack
    findings[].credential
    findings[].detector
    findings[].event_ids
    findings[].id
    findings[].incident
    findings[].level
    findings[].notice
    findings[].principal
    findings[].reasons
    findings[].region
    findings[].source_ip
    findings[].time
    findings[].title
    incidents
    incidents[].accounts
    incidents[].attack
    incidents[].burn_usd_per_hour
    incidents[].credentials
    incidents[].findings
    incidents[].first_event
    incidents[].id
    incidents[].last_event
    incidents[].level
    incidents[].merged_into
    incidents[].narrative
    incidents[].opened_at
    incidents[].principals
    incidents[].regions
    incidents[].resources
    incidents[].resources[].action
    incidents[].resources[].arn
    incidents[].resources[].exists
    incidents[].resources[].region
    incidents[].resources[].type
    incidents[].root
    incidents[].root.confidence
    incidents[].root.credential
    incidents[].root.principal
    incidents[].source_ips
    incidents[].status
    incidents[].title
    schema
    summary
    summary.accounts
    summary.allow_expired
    summary.allow_unused
    summary.allowed
    summary.duplicate
    summary.findings
    summary.first_event
    summary.history_days
    summary.incidents
    summary.kept
    summary.last_event
    summary.malformed
    summary.not_a_log
    summary.read
    summary.regions
    summary.skipped
    ");
}

#[test]
fn json_and_its_lines_say_the_same() {
    let document: Value = serde_json::from_str(&night("json", "80")).unwrap();
    let lines = Run { status: 1, stdout: night("ndjson", "80"), stderr: String::new() };
    let bare = |kind: &str| -> Vec<Value> {
        let mut objects = lines.objects(kind);
        objects.iter_mut().for_each(|object| drop(object.as_object_mut().unwrap().remove("kind")));
        objects
    };
    assert_eq!(document["findings"], Value::from(bare("finding")));
    assert_eq!(document["incidents"], Value::from(bare("incident")));
    assert_eq!(vec![document["summary"].clone()], bare("summary"));
}

/// Names that do something to a terminal, a page or a spreadsheet that takes them at their word.
const HOSTILE: [&str; 5] = [
    "=cmd|' /C calc'!A0",
    "a\u{1b}[2J\u{1b}]0;x\u{7}",
    "x\u{202e}gnp.exe\u{200f}",
    "`x` | <b> [y](http://z) |",
    "-1+1\r\n@SUM(1)",
];

/// A user of such a name gets a key and everything else, by one of such a name.
fn hostile_log() -> String {
    let mut records = Vec::new();
    for (number, name) in HOSTILE.iter().enumerate() {
        let calls = [
            (
                "CreateUser",
                json!({"userName": name}),
                json!({"user": {"userName": name, "userId": format!("AIDAEXAMPLE{number}"), "arn": format!("arn:aws:iam::111122223333:user/{name}")}}),
            ),
            (
                "AttachUserPolicy",
                json!({"userName": name, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
                Value::Null,
            ),
            (
                "CreateAccessKey",
                json!({"userName": name}),
                json!({"accessKey": {"userName": name, "accessKeyId": format!("AKIAEXAMPLE00000000{number}"), "status": "Active"}}),
            ),
        ];
        for (step, (call, parameters, response)) in calls.into_iter().enumerate() {
            records.push(json!({
                "eventVersion": "1.11",
                "userIdentity": {"type": "IAMUser", "principalId": format!("AIDAEXAMPLEBY{number}"), "accountId": "111122223333",
                    "arn": format!("arn:aws:iam::111122223333:user/{name}"), "userName": name, "accessKeyId": format!("AKIAEXAMPLEBY00000{number}")},
                "eventTime": format!("2026-09-0{}T08:00:0{step}Z", number + 1),
                "eventSource": "iam.amazonaws.com",
                "eventName": call,
                "awsRegion": name,
                "sourceIPAddress": name,
                "userAgent": name,
                "requestParameters": parameters,
                "responseElements": response,
                "eventID": format!("id-{number}-{step}"),
                "readOnly": false,
                "eventType": "AwsApiCall",
                "recipientAccountId": "111122223333"
            }));
        }
    }
    lines(&records)
}

fn hostile(format: &str) -> String {
    let mut command = command(["replay", "-", "--format", format]);
    command.env("COLUMNS", "80");
    let run = finish(command, hostile_log().as_bytes());
    assert_eq!(run.status, 1, "{}", run.stderr);
    run.stdout
}

#[test]
fn no_name_in_a_log_controls_a_terminal_or_a_page() {
    for format in ["table", "markdown", "csv"] {
        let text = hostile(format);
        for (number, line) in text.lines().enumerate() {
            let bad = line.chars().find(|c| {
                c.is_control() || ('\u{200b}'..='\u{200f}').contains(c) || ('\u{202a}'..='\u{202e}').contains(c)
            });
            assert_eq!(bad, None, "{format}, line {}: {line:?}", number + 1);
        }
        assert!(text.contains("gnp.exe"), "{format} leaves the name out");
    }
    // JSON escapes control characters by its nature; whoever reads it gets the log's own text.
    assert!(!hostile("ndjson").chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn no_name_in_a_log_is_markup() {
    let text = hostile("markdown");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| 2026-")).collect();
    assert!(rows.len() >= HOSTILE.len());
    for line in text.lines() {
        let plain = line.replace("\\\\", "").replace("\\`", "").replace("\\|", "").replace("\\[", "");
        assert!(!plain.contains(['`', '[']) && !plain.contains("<b>"), "{line}");
        if line.starts_with("| 2026-") {
            assert_eq!(plain.matches('|').count(), 7, "{line}");
        }
    }
}

#[test]
fn no_name_in_a_log_is_a_formula() {
    let text = hostile("csv");
    let mut cells = 0;
    for row in csv::Reader::from_reader(text.as_bytes()).records() {
        for cell in &row.unwrap() {
            cells += 1;
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:?}");
        }
    }
    assert!(cells > 100);
}
