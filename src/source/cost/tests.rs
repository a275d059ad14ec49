mod apart;
mod files;
mod overlap;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use rust_decimal::Decimal;
use tempfile::TempDir;

use super::{Bills, Folded, RecordType, fold_bills, read_bills, value};
use crate::cost::date;
use crate::event::time;

const LIMIT: u64 = 64 << 20;
const PLAIN: &str = "usage_date,seen_at,account,service,region,usage_type,record_type,amount\n";

fn read(paths: &[&Path]) -> Bills {
    let paths: Vec<String> = paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    read_bills(&paths, LIMIT).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cost").join(name)
}

fn put(dir: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    path
}

fn one(name: &str, content: impl AsRef<[u8]>) -> Bills {
    let dir = TempDir::new().unwrap();
    read(&[&put(&dir, name, content)])
}

/// Every sighting as one line.
fn lines(bills: &Bills) -> Vec<String> {
    let mut lines = Vec::new();
    for (series, sightings) in bills.ledger.series() {
        for sighting in sightings {
            let names = [&series.account, &series.currency, &series.service, &series.region, &series.usage_type]
                .map(|name| &**name);
            lines.push(format!(
                "{}|{}|{}|{}{}",
                names.join("|"),
                series.record_type.as_str(),
                date(sighting.usage),
                sighting.amount.normalize(),
                series.principal.as_deref().map_or_else(String::new, |principal| format!("|{principal}")),
            ));
        }
    }
    lines
}

fn total(bills: &Bills, currency: &str, kind: RecordType) -> Decimal {
    bills.totals.get(&(currency.to_owned(), kind)).copied().unwrap_or_default()
}

fn money(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text).unwrap();
    packed.finish().unwrap()
}

#[test]
fn cost_explorer_amounts_are_exact_and_seen_when_the_cache_says() {
    let bills = read(&[&fixture("cost-explorer.json")]);
    assert_eq!(
        lines(&bills),
        [
            "111122223333|USD|AWS Lambda|ap-northeast-3||usage|2026-05-01|0.00000025",
            "111122223333|USD|AWS Lambda|ap-northeast-3||usage|2026-05-02|41.1",
            "111122223333|USD|AWS Lambda|eu-west-1||usage|2026-05-01|1.2345678901",
            "111122223333|USD|Tax|||tax|2026-05-01|0.25",
        ]
    );
    let seen = bills.ledger.series().values().next().unwrap()[0].seen();
    assert_eq!(time::format(seen), "2026-05-03T06:00:00Z");
    assert_eq!((bills.rows, bills.skipped.len()), (4, 0));
}

#[test]
fn anomalies_share_their_impact_among_root_causes() {
    let bills = read(&[&fixture("anomalies.json")]);
    let told: Vec<_> =
        bills.anomalies.iter().map(|a| (a.id.as_str(), a.region.as_str(), a.actual, a.expected)).collect();
    assert_eq!(told, [("a-1", "ap-northeast-3", 37.5, 7.5), ("a-1", "eu-west-3", 12.5, 2.5), ("a-2", "", 7.5, 0.0)]);
    assert_eq!(bills.anomalies[2].service, "Amazon Bedrock");
}

#[test]
fn report_rows_add_up() {
    let bills = read(&[&fixture("report.csv")]);
    assert_eq!(bills.skipped, []);
    assert_eq!(
        lines(&bills),
        [
            "111122223333|USD|AmazonEC2|||tax|2026-05-01|9.99",
            "444455556666|USD|AmazonEC2|eu-west-1|BoxUsage:c7i.large|usage|2026-05-01|0.5",
            "444455556666|USD|AmazonEC2|eu-west-1|BoxUsage:c7i.large|usage|2026-05-01|0.202|arn:aws:iam::444455556666:user/ada",
            "444455556666|USD|AmazonEC2|eu-west-1|BoxUsage:c7i.large|commitments|2026-05-01|-0.5",
        ]
    );
}

#[test]
fn focus_usage_counts_before_discounts() {
    let bills = read(&[&fixture("focus.csv")]);
    assert_eq!(bills.skipped, []);
    assert_eq!(
        lines(&bills),
        [
            "111122223333|EUR|AWS Lambda|||usage|2026-05-02|0.3",
            "111122223333|EUR|AWS Lambda|||credits|2026-05-02|-5.1",
            "444455556666|EUR|Amazon Elastic Compute Cloud|eu-west-1|SKU.1|usage|2026-05-01|1.0000000001",
        ]
    );
}

#[test]
fn the_console_table_is_read_in_both_directions() {
    let expected = [
        "|USD|EC2 Container Registry (ECR)|||usage|2026-05-02|0.25",
        "|USD|EC2-Instances|||usage|2026-05-01|1.5",
        "|USD|EC2-Instances|||usage|2026-05-02|2",
        "|USD|Tax|||tax|2026-05-01|1",
    ];
    assert_eq!(lines(&read(&[&fixture("console.csv")])), expected);
    let turned = "Service,2026-05-01($),2026-05-02($),Total costs($)\nEC2-Instances,1.5,2,3.5\nEC2 Container Registry (ECR),,0.25,0.25\nTax,1.00,,1\nTotal costs,2.5,2.25,4.75\n";
    assert_eq!(lines(&one("t.csv", turned)), expected);
    let months = one("m.csv", "Service,A($),Total costs($)\nService total,3,3\n2026-04-01,1,1\n2026-05-01,2,2\n");
    assert!(months.ledger.days().is_none() && months.skipped[0].why.contains("months"), "{:?}", months.skipped);
}

#[test]
fn a_later_sighting_restates() {
    let bills = read(&[&fixture("plain.csv")]);
    assert_eq!((bills.rows, bills.duplicate, bills.malformed), (4, 0, 0));
    assert_eq!(total(&bills, "USD", RecordType::Usage), money("3.00"), "rows of one time add up");
    assert_eq!(total(&bills, "USD", RecordType::Tax), money("0.75"));
}

#[test]
fn hours_on_several_pages_add_up_to_days() {
    let page = |hours: std::ops::Range<u32>| {
        let periods: Vec<String> = hours
            .map(|hour| {
                format!(
                    r#"{{"TimePeriod":{{"Start":"2026-05-01T{hour:02}:00:00Z","End":"2026-05-01T{:02}:00:00Z"}},"Groups":[{{"Keys":["AWS Lambda","x"],"Metrics":{{"UnblendedCost":{{"Amount":"1","Unit":"USD"}}}}}},{{"Keys":["AWS Lambda","y"],"Metrics":{{"UnblendedCost":{{"Amount":"0.5","Unit":"USD"}}}}}}]}}"#,
                    hour + 1
                )
            })
            .collect();
        format!(
            r#"{{"GroupDefinitions":[{{"Type":"DIMENSION","Key":"SERVICE"}},{{"Type":"TAG","Key":"team"}}],"ResultsByTime":[{}]}}"#,
            periods.join(",")
        )
    };
    let dir = TempDir::new().unwrap();
    let paths = [put(&dir, "1.json", page(0..6)), put(&dir, "2.json", format!("[{}]", page(6..12)))];
    let both = put(&dir, "3.json", format!("{}\n{}", page(0..6), page(6..12)));
    let expected = ["|USD|AWS Lambda|||usage|2026-05-01|18"];
    assert_eq!(lines(&read(&[&paths[0], &paths[1]])), expected);
    let all = read(&[&both, &paths[1], &paths[0], &paths[0]]);
    assert_eq!(lines(&all), expected);
    assert_eq!((all.rows, all.duplicate), (60, 36));
}

/// Reads of files outside of the project, where they are there.
#[test]
fn real_bills_add_up() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cost/data");
    if !data.exists() {
        return;
    }
    let bills = read(&[&data.join("ce-real")]);
    assert_eq!((bills.rows, bills.malformed, bills.skipped.len()), (945, 0, 0));
    assert_eq!(total(&bills, "USD", RecordType::Usage), money("53.7940521894"));
    assert_eq!(total(&bills, "USD", RecordType::Tax), money("13.46"));

    let bills = read(&[&data.join("cur-legacy")]);
    assert_eq!((bills.rows, bills.malformed, bills.skipped.len()), (1281, 0, 0));
    assert_eq!(bills.totals.values().copied().collect::<Vec<_>>(), [money("1.60230869740"), money("0.08")]);

    let bills = read(&[&data.join("focus")]);
    assert_eq!((bills.rows, bills.malformed, bills.skipped.len()), (1000, 0, 0));
    assert_eq!(total(&bills, "USD", RecordType::Usage), money("23.00460575119"));
    assert_eq!(total(&bills, "USD", RecordType::Credit), money("-2.3417"));
}

#[test]
fn amounts_are_read_as_they_are_written() {
    for (text, plain) in [
        ("1.749E-7", "0.0000001749"),
        ("-2e3", "-2000"),
        ("1.2E10", "12000000000"),
        ("+3", "3"),
        (".5", "0.5"),
        ("1e-40", "0"),
        ("0E-11", "0"),
    ] {
        assert_eq!(value::amount(text), Some(money(plain)), "{text}");
    }
    for bad in ["", "abc", "1e400", "1e30", "1_000", "1,5", "NaN", "inf", "1000000000001", "e5"] {
        assert_eq!(value::amount(bad), None, "{bad}");
    }
    for (zone, region) in [
        ("us-east-1a", "us-east-1"),
        ("us-west-2-lax-1a", "us-west-2"),
        ("us-gov-west-1b", "us-gov-west-1"),
        ("", ""),
        ("x", ""),
    ] {
        assert_eq!(value::region_of(zone), region);
    }
}
