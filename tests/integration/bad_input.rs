//! What cannot be used is told in words, with its place, and by the exit status.

use std::path::Path;

use insta::assert_snapshot;
use tempfile::TempDir;

use crate::harness::{Run, command, finish};

/// Two functions made by one user.
const LOG: &str = concat!(
    r#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE1","arn":"arn:aws:iam::111122223333:user/ann","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE000000001","userName":"ann"},"eventTime":"2026-09-01T08:00:00Z","eventSource":"lambda.amazonaws.com","eventName":"CreateFunction20150331","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.17","requestParameters":{"functionName":"one"},"responseElements":null,"eventID":"00000000-0000-4000-8000-000000000001","readOnly":false,"eventType":"AwsApiCall","recipientAccountId":"111122223333"}"#,
    "\n",
);
const GOOD_RULE: &str = "title: Any function\nid: 11111111-2222-4333-8444-555555555555\nlevel: low\n\
    logsource: {product: aws, service: cloudtrail}\ndetection:\n  made: {eventSource: lambda.amazonaws.com}\n  condition: made\n";

/// A folder with a log, to run in.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("log.jsonl", LOG)].iter().chain(files) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn run_in(folder: &Path, line: &str) -> Run {
    let mut command = command(line.split(' '));
    command.current_dir(folder);
    finish(command, b"")
}

/// The exit status and what is told; a command that is refused has no results.
fn refused(files: &[(&str, &str)], line: &str) -> String {
    let folder = folder(files);
    let run = run_in(folder.path(), line);
    assert_eq!(run.stdout, "", "{line}");
    format!("{}\n{}", run.status, run.stderr)
}

#[test]
fn arguments_that_are_none() {
    assert_snapshot!(refused(&[], "replay log.jsonl --colour red"), @"
    2
    stakeout: unexpected argument '--colour' found; --help shows what there is
    ");
    assert_snapshot!(refused(&[], "replay"), @"
    2
    stakeout: the following required arguments were not provided: <PATH>...; --help shows what there is
    ");
    assert_snapshot!(refused(&[], "replay log.jsonl --format xml"), @"
    2
    stakeout: invalid value 'xml' for '--format <FORMAT>' [possible values: table, ndjson, json, markdown, csv]; --help shows what there is
    ");
    assert_snapshot!(refused(&[], "detectors explain lambda"), @r#"
    2
    stakeout: no detector is named "lambda"; `stakeout detectors list` shows all
    "#);
    assert_snapshot!(refused(&[], "drill lambda"), @r#"
    2
    stakeout: no scenario is named "lambda"; there are lambda-ddos-all-regions, missing-key, gpu-mining-unused-regions, llmjacking, ses-spam, admin-persistence, role-chain-cross-account, s3-ransom, defence-evasion, insider-delete and ordinary
    "#);
}

#[test]
fn paths_with_nothing_behind_them() {
    assert_snapshot!(refused(&[], "replay gone/logs"), @"
    2
    stakeout: gone/logs: no such file or directory
    ");
    assert_snapshot!(refused(&[], "replay *.gz"), @"
    2
    stakeout: *.gz: the pattern matches nothing
    ");
    assert_snapshot!(refused(&[], "replay [*.gz"), @"
    2
    stakeout: [*.gz: not a valid pattern: invalid range pattern
    ");
    assert_snapshot!(refused(&[], "replay - log.jsonl -"), @"
    2
    stakeout: standard input (-) can be read only once
    ");
    assert_snapshot!(refused(&[], "replay log.jsonl --rules gone"), @"
    2
    stakeout: rules gone: No such file or directory (os error 2)
    ");
    assert_snapshot!(refused(&[], "replay log.jsonl --baseline gone"), @"
    2
    stakeout: gone: No such file or directory (os error 2)
    ");
}

#[test]
fn results_that_cannot_be_written() {
    assert_snapshot!(refused(&[], "replay log.jsonl -o gone/results"), @"
    2
    stakeout: gone/results: No such file or directory (os error 2)
    ");
    let folder = folder(&[]);
    let run = run_in(folder.path(), "replay log.jsonl --save-baseline gone/usual");
    assert_eq!(run.status, 2);
    assert_snapshot!(run.stderr, @"stakeout: gone/usual: No such file or directory (os error 2)");
}

#[test]
fn times_that_are_none() {
    assert_snapshot!(refused(&[], "replay log.jsonl --start yesterday"), @r#"
    2
    stakeout: invalid value 'yesterday' for '--start <TIME>': "yesterday" is no RFC 3339 time such as 2026-09-01T00:00:00Z; --help shows what there is
    "#);
    assert_snapshot!(refused(&[], "replay log.jsonl --end 2026-09-31T00:00:00Z"), @r#"
    2
    stakeout: invalid value '2026-09-31T00:00:00Z' for '--end <TIME>': "2026-09-31T00:00:00Z" is no RFC 3339 time such as 2026-09-01T00:00:00Z; --help shows what there is
    "#);
    let backwards = "replay log.jsonl --start 2026-09-02T00:00:00Z --end 2026-09-01T00:00:00Z";
    assert_snapshot!(refused(&[], backwards), @"
    2
    stakeout: --start is not before --end
    ");
}

#[test]
fn baselines_that_are_none() {
    let with = |text: &str| refused(&[("usual", text)], "replay log.jsonl --baseline usual");
    assert_snapshot!(with("{\"kind\":\"stakeout-baseline\",\"version\":99}\n"), @"
    2
    stakeout: usual: a baseline of version 99; this program reads version 1
    ");
    assert_snapshot!(with(LOG), @"
    2
    stakeout: usual: not a baseline
    ");
    assert_snapshot!(with(""), @"
    2
    stakeout: usual: not a baseline
    ");
    let account = r#"{"fact":"account","account":"111122223333","first":1,"last":2}"#;
    let broken = format!("{{\"kind\":\"stakeout-baseline\",\"version\":1}}\n{account}\n{}\n", &account[..30]);
    assert_snapshot!(with(&broken), @"
    2
    stakeout: usual:3: EOF while parsing a string at line 1 column 30
    ");
}

/// The exit status and what is told of a folder of rules with one that is good and one that is not.
fn half_good(rule: &str) -> String {
    let folder = folder(&[("rules/good.yml", GOOD_RULE), ("rules/bad.yml", rule)]);
    let run = run_in(folder.path(), "replay log.jsonl --rules rules -q --format ndjson");
    let found = run.findings().iter().any(|finding| finding["title"] == "Any function");
    assert!(found, "the good rule did not run: {}", run.stdout);
    format!("{}\n{}", run.status, run.stderr)
}

#[test]
fn a_rule_with_an_error_is_named_and_the_rest_runs() {
    let other = GOOD_RULE.replace("555555555555", "666666666666").replace("Any function", "Another");
    assert_snapshot!(half_good(&other.replace("cloudtrail}", "cloudtrail")), @"
    3
    rules/bad.yml:5: YAML parse error: did not find expected ',' or '}' at line 5 column 10, while parsing a flow mapping at line 4 column 12
    ");
    assert_snapshot!(half_good(&other.replace("condition: made", "condition: made and not usual")), @"
    3
    rules/bad.yml:7: Another: unknown detection identifier: usual
    ");
    assert_snapshot!(half_good(&other.replace("eventSource:", "eventSource|sounds_like:")), @"
    3
    rules/bad.yml:6: Unknown modifier 'sounds_like'
    ");
    assert_snapshot!(half_good(&(other.clone() + "first_seen: {of: [acount], history: 90d}\n")), @"
    3
    rules/bad.yml:8: first_seen: unknown variant `acount`, expected one of `account`, `principal`, `credential`, `region`, `network`, `service`, `action`, `object`, `role`, `caller`, `agent`, `asn`, `country`
    ");
    assert_snapshot!(half_good(&other.replace("product: aws", "product: okta")), @"
    3
    rules/bad.yml:4: logsource okta/cloudtrail is neither aws/cloudtrail nor aws/cost
    ");
    assert_snapshot!(half_good(&GOOD_RULE.replace("Any function", "Same id")), @"
    3
    rules/good.yml: id 11111111-2222-4333-8444-555555555555 is also that of rules/bad.yml
    ");
}

#[test]
fn an_exit_status_of_partial_wins_over_one_of_found() {
    let folder = folder(&[("rules/bad.yml", "title: x\n")]);
    let run = run_in(folder.path(), "replay log.jsonl --rules rules --exit-zero");
    assert_eq!((run.status, run.summary()["kept"].as_u64()), (3, Some(1)));
}

#[test]
fn a_reader_that_leaves_changes_no_exit_status() {
    for format in ["ndjson", "json", "csv", "markdown", "table"] {
        let mut command = command(["replay", "fixtures/night", "--format", format]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), told.as_str()), (Some(1), ""), "{format}");
    }
}
