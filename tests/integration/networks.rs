//! A table of networks, from the command line and from the settings.

use std::fs;

use crate::harness::{root, stakeout};

const TABLE: &str = "fixtures/detectors/networks.tsv";
const LOGS: &str = "fixtures/detectors/long-term-key-from-new-network";

/// The levels of the findings that a new network made.
fn levels(stdout: &str) -> Vec<String> {
    let findings = stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let own = findings.filter(|line| line["detector"] == "long-term-key-from-new-network");
    own.map(|line| line["level"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_table_makes_hosting_worse_and_known_operators_no_news() {
    let of = |file: &str, table: bool| {
        let log = format!("{LOGS}/{file}.jsonl");
        let mut arguments = vec!["replay", &log, "--exit-zero", "--format", "ndjson"];
        arguments.extend(if table { &["--asn", TABLE][..] } else { &[] });
        let run = stakeout(arguments);
        assert_eq!(run.status, 0, "{}", run.stderr);
        levels(&run.stdout)
    };
    assert_eq!(
        (of("fires-high-hosting.asn", true), of("fires-high-hosting.asn", false)),
        (vec!["high".into()], vec!["medium".into()])
    );
    assert_eq!(
        (of("quiet-same-operator.asn", true), of("quiet-same-operator.asn", false)),
        (vec![], vec!["medium".into()])
    );
}

#[test]
fn parts_keep_whose_network_it_was_and_belong_to_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let logs = root().join(LOGS).join("fires-high-hosting.asn.jsonl");
    let logs = logs.to_str().unwrap();
    let whole = stakeout(["replay", logs, "--asn", TABLE, "--exit-zero", "--format", "ndjson"]);
    let mapped = stakeout(["map", logs, "--asn", TABLE, "-o", &at("1.part")]);
    assert_eq!((whole.status, mapped.status), (0, 0), "{}", mapped.stderr);
    let reduced = stakeout(["reduce", &at("1.part"), "--asn", TABLE, "--exit-zero", "--format", "ndjson"]);
    assert_eq!((reduced.status, reduced.stdout), (0, whole.stdout), "{}", reduced.stderr);
    let without = stakeout(["reduce", &at("1.part"), "--exit-zero"]);
    assert_eq!(without.status, 2);
    assert!(without.stderr.contains("with another table of networks (--asn)"), "{}", without.stderr);
}

#[test]
fn what_is_no_table_is_refused_and_bad_lines_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table.tsv");
    let run = |text: &str| {
        fs::write(&table, text).unwrap();
        stakeout(["replay", &format!("{LOGS}/fires.jsonl"), "--asn", table.to_str().unwrap(), "--exit-zero"])
    };
    let none = run("hello\n");
    assert_eq!(none.status, 2);
    assert!(none.stderr.contains("table.tsv: no table of networks"), "{}", none.stderr);
    let some = run("198.51.100.0\t198.51.100.255\t64500\tDE\tEXAMPLE\n198.51.100.0\toops\t1\tDE\tX\n");
    assert_eq!(some.status, 3);
    assert!(some.stderr.contains("table.tsv:2: it has no range of addresses"), "{}", some.stderr);
}
