//! Files as they come: packed, cut, broken, delivered twice, in any order.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use rust_decimal::Decimal;
use tempfile::TempDir;

use super::{PLAIN, RecordType, fixture, gzip, lines, money, one, put, read, total};

#[test]
fn bad_rows_are_named_and_lose_nothing_else() {
    let text = format!(
        "{PLAIN}2026-05-01,,1,a,r,u,Usage,1\n\n2026-02-30,,1,a,r,u,Usage,1\n2026-05-02,,1,a \"b\" c,r,u,Usage,1\n2026-05-03,,1,\"a,r,u,Usage,1\n2026-05-04,,1,a,r,u,Usage,abc\n2026-05-05,,1,a,r\n2026-05-06,,1,\"a\",r,u,Usage,2\n"
    );
    let bills = one("a.csv", &text);
    assert_eq!((bills.rows, bills.malformed), (7, 5));
    assert_eq!(total(&bills, "USD", RecordType::Usage), money("3"));
    assert_eq!(bills.skipped[0].why, "5 rows cannot be read, the first at line 4: date \"2026-02-30\" is none");
    let amount =
        one("b.csv", format!("{PLAIN}\n\n2026-05-01,,1,\"a\nb\",r,u,Usage,1\n2026-05-01,,1,a,r,u,Usage,abc\n"));
    assert_eq!(amount.skipped[0].why, "1 row cannot be read, at line 6: amount \"abc\" is no number");
    let open = one("c.csv", format!("{PLAIN}\"{}", "2026-05-01,,1,a,r,u,Usage,1\n".repeat(100_000)));
    assert_eq!((open.rows, open.malformed), (100_000, 1));
}

#[test]
fn what_is_no_bill_says_what_it_is() {
    let why =
        |name: &str, text: &str| one(name, text).skipped.first().map(|skipped| skipped.why.clone()).unwrap_or_default();
    assert!(why("a.json", "{\"Records\":[{\"eventVersion\":\"1.08\"}]}").contains("CloudTrail"));
    assert!(
        why("a.csv", "eventID,eventName,eventSource,eventTime\n1,a,b,2026-05-01T00:00:00Z\n").contains("CloudTrail")
    );
    assert!(why("a.txt", "hello\nworld\n").contains("begins with \"hello\""));
    assert!(why("a.json", "{\"a\":1}").contains("not a cost file"));
    assert!(why("a.json", "").contains("nothing in it"));
    let quantity = r#"{"ResultsByTime":[{"TimePeriod":{"Start":"2026-05-01","End":"2026-05-02"},"Total":{"UsageQuantity":{"Amount":"1","Unit":"N/A"}}}]}"#;
    assert!(why("q.json", quantity).contains("UsageQuantity"));
    let month = quantity.replace("2026-05-02", "2026-06-01");
    assert!(why("m.json", &month).contains("longer than a day"));
    assert_eq!(why("x-Manifest.json", "{\"assemblyId\":\"1\",\"reportKeys\":[]}"), "");
}

#[test]
fn packed_files_are_read_as_streams_and_cut_ones_keep_what_came() {
    let row = |number: u32| format!("2026-05-01,,1,service {number},r,u,Usage,1\n");
    let text = format!("{PLAIN}{}", (0..200_000).map(row).collect::<String>());
    let packed = gzip(text.as_bytes());
    let dir = TempDir::new().unwrap();
    let whole = read(&[&put(&dir, "a.csv.gz", &packed)]);
    assert_eq!((whole.rows, whole.skipped.len()), (200_000, 0));
    let cut = read(&[&put(&dir, "b.csv.gz", &packed[..packed.len() / 2])]);
    assert!(cut.rows > 50_000 && cut.malformed == 0, "{} {}", cut.rows, cut.malformed);
    assert!(cut.skipped[0].why.starts_with("truncated after"), "{:?}", cut.skipped);
    let same = read(&[dir.path().join("a.csv.gz").as_path(), &put(&dir, "c.csv", &text)]);
    assert_eq!((same.duplicate, same.superseded.len()), (200_000, 1));
}

#[test]
fn only_the_newest_delivery_counts() {
    let dir = TempDir::new().unwrap();
    let report = fs::read(fixture("report.csv")).unwrap();
    let other = String::from_utf8(report.clone()).unwrap().replace("9.99", "8.88");
    put(&dir, "r/20260501-20260601/20260502T000000Z/r-1.csv.gz", gzip(other.as_bytes()));
    put(&dir, "r/20260501-20260601/20260503T000000Z/r-1.csv.gz", gzip(&report));
    let bills = read(&[dir.path()]);
    assert_eq!(total(&bills, "USD", RecordType::Tax), money("9.99"));
    assert_eq!((bills.superseded.len(), bills.skipped.len()), (1, 0));
    assert_eq!(bills.superseded[0].why, "superseded by 20260503T000000Z");

    let dir = TempDir::new().unwrap();
    let (old, new) = ("0a000000-0000-4000-8000-000000000000", "01000000-0000-4000-8000-000000000000");
    put(&dir, &format!("r/20260501-20260601/{old}/r-1.csv"), &other);
    put(&dir, &format!("r/20260501-20260601/{new}/r-1.csv"), &report);
    let doubtful = read(&[dir.path()]);
    assert_eq!((doubtful.rows, doubtful.skipped.len()), (5, 1));
    put(&dir, "r/20260501-20260601/r-Manifest.json", format!("{{\"assemblyId\":\"{new}\",\"reportKeys\":[]}}"));
    let sure = read(&[dir.path()]);
    assert_eq!((total(&sure, "USD", RecordType::Tax), sure.skipped.len()), (money("9.99"), 0));
}

#[test]
fn parquet_rows_are_read() {
    use polars::prelude::{DataFrame, NamedFrom as _, ParquetWriter, Series};
    let mut frame = DataFrame::new_infer_height(vec![
        Series::new("line_item_usage_start_date".into(), ["2026-05-01 00:00:00", "2026-05-01 05:00:00", "x"]).into(),
        Series::new("line_item_usage_account_id".into(), ["1", "1", "1"]).into(),
        Series::new("line_item_product_code".into(), ["AmazonEC2", "AmazonEC2", "AmazonEC2"]).into(),
        Series::new("product_region_code".into(), [Some("eu-west-1"), Some("eu-west-1"), None]).into(),
        Series::new("line_item_line_item_type".into(), ["Usage", "DiscountedUsage", "Usage"]).into(),
        Series::new("line_item_unblended_cost".into(), [0.1_f64, 1e-7, 3.0]).into(),
    ])
    .unwrap();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("a.snappy.parquet");
    ParquetWriter::new(fs::File::create(&path).unwrap()).with_row_group_size(Some(2)).finish(&mut frame).unwrap();
    let bills = read(&[&path]);
    assert_eq!(lines(&bills), ["1|USD|AmazonEC2|eu-west-1||usage|2026-05-01|0.1000001"]);
    assert_eq!(bills.skipped[0].why, "1 row cannot be read, at row 3: date \"x\" is none");
    let other = put(&dir, "b.parquet", "");
    ParquetWriter::new(fs::File::create(&other).unwrap()).finish(&mut frame.slice(0, 1)).unwrap();
    let both = read(&[&path, &other, &path]);
    assert_eq!((total(&both, "USD", RecordType::Usage), both.superseded.len()), (money("0.2000001"), 1));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(lines(&one("a.gz", gzip(&bytes))), lines(&bills));
    for cut in [5, 20, bytes.len() / 2, bytes.len() - 1] {
        assert_eq!(one("c.parquet", &bytes[..cut]).skipped.len(), 1);
    }
}

type Row = (u8, u8, u8, u32);

fn file(rows: &[Row], report: bool) -> String {
    let header = if report {
        "lineItem/UsageStartDate,lineItem/UsageAccountId,lineItem/ProductCode,lineItem/UnblendedCost\n"
    } else {
        "usage_date,account,service,amount,seen_at\n"
    };
    let row = |(day, account, service, cents): &Row| {
        let seen = if report { String::new() } else { format!(",2026-06-{:02}", 1 + cents % 3) };
        format!("2026-05-{:02},{account},\"s{service}\",{cents}e-2{seen}\n", day + 1)
    };
    format!("{header}{}", rows.iter().map(row).collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_order_matters_and_a_file_counts_once(
        rows in prop::collection::vec((0_u8..4, 0_u8..2, 0_u8..3, 0_u32..500), 1..60),
        report in any::<bool>(), cut in 0_usize..60, seed in any::<u64>(),
    ) {
        let dir = TempDir::new().unwrap();
        let (mut other, mut random) = (rows.clone(), fastrand::Rng::with_seed(seed));
        let cut = cut.min(rows.len());
        // Parts of a report may be cut anywhere; each plain table is a statement of its own.
        let cut_other = if report { (seed % 60) as usize % (rows.len() + 1) } else { cut };
        if report {
            random.shuffle(&mut other);
        }
        random.shuffle(&mut other[..cut_other]);
        random.shuffle(&mut other[cut_other..]);
        let (a, b) = (put(&dir, "1/a.csv", file(&rows[..cut], report)), put(&dir, "1/b.csv", file(&rows[cut..], report)));
        let c = put(&dir, "2/z.csv", file(&other[..cut_other], report));
        let d = put(&dir, "2/c.csv.gz", gzip(file(&other[cut_other..], report).as_bytes()));
        let first = read(&[&a, &b, &a]);
        let second = read(&[&d, &c, &d]);
        // Halves with the same content are one file.
        prop_assume!(rows[..cut] != rows[cut..] && other[..cut_other] != other[cut_other..]);
        prop_assert_eq!(lines(&first), lines(&second));
        prop_assert_eq!(&first.totals, &second.totals);
        let sums: BTreeMap<_, _> = first.totals.clone();
        if report {
            let cents: u32 = rows.iter().map(|row| row.3).sum();
            prop_assert_eq!(sums.values().copied().sum::<Decimal>(), Decimal::new(i64::from(cents), 2));
        }
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(prop::sample::select(b"\",\n\r2026-05-01 a{}[]PAR1\x1f\x8b\x08\xff".to_vec()), 0..300)) {
        let with_header = [PLAIN.as_bytes(), &bytes].concat();
        one("a.csv", &bytes);
        one("b.csv", &with_header);
        one("c.parquet", [b"PAR1", bytes.as_slice(), b"PAR1"].concat());
    }
}
