//! Bills that are folded apart and put together later.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

use super::super::join_bills;
use super::{Bills, Folded, LIMIT, PLAIN, fixture, fold_bills, gzip, put, read, read_bills};

/// Bills of every kind, many of which say what others say.
struct Pool {
    _dir: TempDir,
    paths: Vec<String>,
}

static POOL: LazyLock<Pool> = LazyLock::new(|| {
    let dir = TempDir::new().unwrap();
    reports(&dir);
    deliveries(&dir);
    answers(&dir);
    packed(&dir);
    for name in ["anomalies.json", "console.csv", "cost-explorer.json", "focus.csv", "plain.csv", "report.csv"] {
        put(&dir, &format!("fixtures/{name}"), fs::read(fixture(name)).unwrap());
    }
    let mut paths = Vec::new();
    files(dir.path(), &mut paths);
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cost/data");
    if real.exists() {
        paths.extend(["ce-real", "cur-legacy", "focus"].map(|name| real.join(name).display().to_string()));
    }
    Pool { _dir: dir, paths }
});

fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path.display().to_string()) }
    }
    found.sort();
}

const ITEMS: &str = "identity/LineItemId,identity/TimeInterval,lineItem/UsageStartDate,lineItem/UsageAccountId,lineItem/ProductCode,lineItem/UnblendedCost\n";

fn items(range: std::ops::Range<u32>, amount: &str) -> String {
    let row = |n| format!("id{n},x,2026-05-0{}T00:00:00Z,{},s{},{amount}\n", 1 + n % 3, n % 2, n % 5);
    format!("{ITEMS}{}", range.map(row).collect::<String>())
}

/// Reports that share line items, have the same content, or say whole days.
fn reports(dir: &TempDir) {
    put(dir, "twin/early.csv", items(0..60, "1"));
    put(dir, "twin/late.csv.gz", gzip(items(0..80, "1.0").as_bytes()));
    put(dir, "twin/half.csv", items(60..130, "0.5"));
    put(dir, "twin/next.csv", items(200..220, "2"));
    put(dir, "twin/again.csv", items(200..220, "2"));
    let row = |day: u8, seen: u8, service: u8, amount: &str| {
        format!("2026-05-{day:02},2026-06-{seen:02},1,s{service},r,u,Usage,{amount}\n")
    };
    put(dir, "plain/a.csv", format!("{PLAIN}{}{}{}", row(1, 1, 0, "1.10"), row(1, 1, 0, "1"), row(2, 1, 1, "-0.00")));
    put(dir, "plain/b.csv", format!("{PLAIN}{}{}", row(1, 1, 0, "2.1000"), row(2, 2, 1, "1e-15")));
    put(dir, "plain/c.csv", format!("{PLAIN}{}{}", row(1, 1, 0, "2.1"), row(9, 1, 1, "x")));
}

/// Deliveries of billing periods that replace each other: by time, by a manifest, and as nothing tells.
fn deliveries(dir: &TempDir) {
    let report = |amount: u32| {
        format!("{}{}", ITEMS.replace("identity/", "other/"), &items(0..9, &amount.to_string())[ITEMS.len()..])
    };
    for (number, time) in ["20260502T000000Z", "20260503T000000Z", "20260504T000000Z"].iter().enumerate() {
        put(dir, &format!("timed/20260501-20260601/{time}/r-1.csv"), report(10 + number as u32));
        put(dir, &format!("timed/20260501-20260601/{time}/r-2.csv.gz"), gzip(report(20 + number as u32).as_bytes()));
    }
    let ids = ["0a", "01", "0c"].map(|start| format!("{start}000000-0000-4000-8000-000000000000"));
    for (number, id) in ids.iter().enumerate() {
        put(dir, &format!("named/20260501-20260601/{id}/r-1.csv"), report(30 + number as u32));
        put(dir, &format!("doubt/BILLING_PERIOD=2026-05/{id}/r-1.csv"), report(4 * 10_u32.pow(number as u32)));
        put(dir, &format!("doubt/BILLING_PERIOD=2026-05/{id}/r-2.csv"), report(5 * 10_u32.pow(4 - 2 * number as u32)));
    }
    let manifest = |id: &str| format!("{{\"assemblyId\":\"{id}\",\"reportKeys\":[]}}");
    put(dir, "named/20260501-20260601/r-Manifest.json", manifest(&ids[0]));
    put(dir, "named/20260501-20260601/s-Manifest.json", manifest("0b000000-0000-4000-8000-000000000000"));
    put(dir, "elsewhere/r-Manifest.json", format!("{{\"executionId\":\"{}\",\"dataFiles\":[]}}", ids[2]));
    put(dir, "elsewhere/t-Manifest.json", manifest("20260503T000000Z"));
}

/// Answers to several questions about the same days, as pages, in hours, and labelled.
fn answers(dir: &TempDir) {
    let answer = |groups: &[&str], keys: &[&str], periods: &[(&str, &str)], metric: &str, label: &str| {
        let groups: Vec<_> = groups.iter().map(|name| json!({ "Type": "DIMENSION", "Key": name })).collect();
        let result = |(number, (start, end)): (usize, &(&str, &str))| {
            let amount = json!({ metric: { "Amount": format!("{number}.250"), "Unit": "USD" } });
            json!({ "TimePeriod": { "Start": start, "End": end }, "Groups": [{ "Keys": keys, "Metrics": amount }] })
        };
        let results: Vec<_> = periods.iter().enumerate().map(result).collect();
        json!({ "Account": label, "GroupDefinitions": groups, "ResultsByTime": results }).to_string()
    };
    let days = [("2026-05-01", "2026-05-02"), ("2026-05-02", "2026-05-03"), ("2026-05-03", "2026-05-04")];
    let hours = [("2026-05-02T00:00:00Z", "2026-05-02T01:00:00Z"), ("2026-05-02T01:00:00Z", "2026-05-02T02:00:00Z")];
    let by_region =
        |days: &[(&str, &str)]| answer(&["REGION", "SERVICE"], &["eu-west-1", "a"], days, "UnblendedCost", "");
    let by_service = |periods: &[(&str, &str)], metric| answer(&["SERVICE"], &["a"], periods, metric, "");
    put(dir, "ce/region-1.json", by_region(&days[..2]));
    put(dir, "ce/region-2.json", by_region(&days[1..2]));
    put(dir, "ce/service.json", by_service(&days, "UnblendedCost"));
    put(dir, "ce/hours.json", by_service(&hours, "UnblendedCost"));
    put(dir, "ce/blended.json", by_service(&days, "BlendedCost"));
    let both = [by_service(&days[2..], "UnblendedCost"), by_service(&hours[1..], "UnblendedCost")].join("\n");
    put(dir, "ce/both.json.gz", gzip(both.as_bytes()));
    let label =
        |days| answer(&["LINKED_ACCOUNT", "SERVICE"], &["777788889999", "a"], days, "UnblendedCost", "111122223333");
    put(dir, "ce/label.json", label(&days[..]));
    put(dir, "ce/cut.json", &label(&days[1..])[..300]);
}

/// What is packed, cut, in another encoding, or no bill.
fn packed(dir: &TempDir) {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in [("in.csv", items(300..310, "3")), ("none.txt", "hello".to_owned())] {
        archive.start_file(name, SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    let archive = archive.finish().unwrap().into_inner();
    put(dir, "packed/a.zip", &archive);
    put(dir, "packed/b.gz", gzip(&archive));
    let long = gzip(items(400..4_000, "3").as_bytes());
    put(dir, "packed/cut.csv.gz", &long[..long.len() / 2]);
    let wide: Vec<u8> = format!("\u{feff}{}", items(310..320, "1")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    put(dir, "packed/wide.csv", wide);
    put(dir, "packed/empty.csv", "");
    put(dir, "packed/log.json", "{\"Records\":[{\"eventVersion\":\"1.08\"}]}");
}

/// All that bills tell, by which they are compared.
fn told(bills: &Bills) -> String {
    let Bills { ledger, anomalies, rows, duplicate, malformed, skipped, superseded, totals } = bills;
    let (summary, accounts) = (serde_json::to_string(&bills.summary()).unwrap(), bills.accounts());
    let counts = (rows, duplicate, malformed);
    format!("{:#?}", (ledger.series(), anomalies, counts, skipped, superseded, totals, summary, accounts))
}

fn kept(folded: &Folded) -> Folded {
    let bytes = folded.encode();
    let again = Folded::decode(&bytes).unwrap();
    assert_eq!(again.encode(), bytes);
    again
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bills_folded_apart_are_those_read_together(seed in any::<u64>(), groups in 1_usize..9, share in 1_u8..=10) {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut paths = POOL.paths.clone();
        random.shuffle(&mut paths);
        paths.retain(|_| random.u8(0..10) < share);
        let mut apart: Vec<Vec<String>> = vec![Vec::new(); groups];
        for path in &paths {
            apart[random.usize(0..groups)].push(path.clone());
        }
        // One that a command names twice counts twice, and one that two commands name counts once.
        if let (Some(first), Some(last)) = (paths.first().cloned(), paths.last().cloned()) {
            let own = apart.iter_mut().find(|group| group.contains(&first)).unwrap();
            own.push(first.clone());
            paths.push(first);
            if !apart[0].contains(&last) {
                apart[0].push(last);
            }
        }
        let whole = read_bills(&paths, LIMIT).unwrap();
        let mut folded = Vec::new();
        for group in &apart {
            folded.extend(fold_bills(group, LIMIT, (1, 1)).unwrap().iter().map(kept));
        }
        if let Some(twice) = random.choice(&folded).map(kept) {
            folded.push(twice);
        }
        random.shuffle(&mut folded);
        prop_assert_eq!(told(&join_bills(folded)), told(&whole));
    }

    #[test]
    fn bytes_of_anybody_make_nothing_panic(changes in prop::collection::vec((any::<u64>(), any::<u8>()), 1..4), cut in any::<u64>()) {
        let at = |position: u64, of: usize| usize::try_from(position % of as u64).unwrap();
        let mut read = Vec::new();
        for bytes in ENCODED.iter() {
            let cut = at(cut, bytes.len());
            prop_assert!(Folded::decode(&bytes[..cut]).is_err());
            let mut bytes = bytes.clone();
            for (position, byte) in &changes {
                let position = at(*position, bytes.len());
                bytes[position] = *byte;
            }
            let _ = Folded::decode(&bytes[..cut]);
            read.extend(Folded::decode(&bytes));
        }
        told(&join_bills(read));
    }
}

/// Small bills of every kind as bytes.
static ENCODED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let all = fold_bills(&POOL.paths, LIMIT, (1, 1)).unwrap();
    all.iter().map(Folded::encode).filter(|bytes| bytes.len() < 10_000).collect()
});

#[test]
fn shares_of_the_listing_are_all_of_it() {
    let paths = &POOL.paths;
    let shares = (1..=7).flat_map(|share| fold_bills(paths, LIMIT, (share, 7)).unwrap());
    assert_eq!(told(&join_bills(shares.collect())), told(&read_bills(paths, LIMIT).unwrap()));
    assert_eq!(told(&join_bills(Vec::new())), told(&Bills::default()));
}

#[test]
fn what_a_manifest_rules_out_for_good_is_not_read() {
    let dir = TempDir::new().unwrap();
    let ids = ["01", "02", "03"].map(|start| format!("{start}000000-0000-4000-8000-000000000000"));
    let file = |number: usize| format!("r/20260501-20260601/{}/r-1.csv", ids[number]);
    for number in 0..3_u32 {
        put(&dir, &file(number as usize), items(0..number + 1, "1"));
    }
    put(&dir, "r/20260501-20260601/r-Manifest.json", format!("{{\"assemblyId\":\"{}\",\"reportKeys\":[]}}", ids[1]));
    let folder = [dir.path().display().to_string()];
    let folded = fold_bills(&folder, LIMIT, (1, 1)).unwrap();
    let read_of =
        |number: usize| folded.iter().find(|bill| bill.name.ends_with(&file(number))).unwrap().pieces.is_some();
    assert_eq!([0, 1, 2].map(read_of), [true, true, false], "a manifest elsewhere may name the first");
    assert_eq!(told(&join_bills(folded)), told(&read(&[dir.path()])));
}

#[test]
fn a_bill_as_bytes_is_small() {
    let row = |n: u32| {
        format!(
            "2026-05-{:02},,11112222{:04},AWS Lambda {},eu-west-{},GB-Second,Usage,{}.{n:06}\n",
            1 + n % 30,
            n % 20,
            n / 7 % 11,
            n % 3,
            n % 90
        )
    };
    let text = format!("{PLAIN}{}", (0..100_000).map(row).collect::<String>());
    let dir = TempDir::new().unwrap();
    let path = put(&dir, "a.csv", &text).display().to_string();
    let bytes = fold_bills(&[path], LIMIT, (1, 1)).unwrap()[0].encode();
    let packed = zstd::bulk::compress(&bytes, 3).unwrap().len();
    assert!(packed * 30 < text.len(), "{} {} {packed}", text.len(), bytes.len());
}
