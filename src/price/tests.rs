#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::{CONCURRENCY, Prices, What, function};

fn instance(class: &str) -> What {
    What::Instance { class: class.to_owned(), spot: false, windows: false }
}

fn price(what: What, region: &str) -> f64 {
    Prices::default().per_hour(&what.times(1), region).unwrap()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6
}

#[test]
fn listed_types_are_scaled_by_region_and_kind() {
    assert!(close(price(instance("p3.16xlarge"), "us-east-1"), 24.48));
    assert!(close(price(instance("p3.16xlarge"), "sa-east-1"), 24.48 * 1.6));
    assert!(close(price(instance("p3.16xlarge"), "nowhere-7"), 24.48 * 1.25));
    assert!(close(price(instance("p3.16xlarge"), "us-gov-west-1"), 29.376));
    assert!(close(price(instance("p3.16xlarge"), "cn-north-1"), 288.627 * 0.14));
    assert!(close(price(What::Managed("ml.p3.16xlarge".into()), "us-east-1"), 24.48 * 1.25));
    let spot = What::Instance { class: "p3.16xlarge".into(), spot: true, windows: false };
    assert!(close(price(spot, "us-east-1"), 24.48 * 0.3));
    let windows = What::Instance { class: "m5.large".into(), spot: false, windows: true };
    assert!(close(price(windows, "us-east-1"), 0.096 + 0.092));
    let task = What::Task { cpu: 4096, memory: 8192 };
    assert!(close(price(task, "us-east-1"), 4.0 * 0.04048 + 8.0 * 0.004_445));
}

#[test]
fn an_unknown_type_costs_by_its_size_and_a_definition_nothing() {
    for (class, vcpus) in [("z99.large", 2.0), ("z99.xlarge", 4.0), ("z99.12xlarge", 48.0), ("z99.metal-24xl", 96.0)] {
        assert!(close(price(instance(class), "us-east-1"), vcpus * 0.05), "{class}");
    }
    for class in ["", ".", "xl", "99999999999xlarge", "z99.\u{e9}xlarge"] {
        assert!(price(instance(class), "us-east-1") > 0.0, "{class}");
    }
    assert_eq!(Prices::default().per_hour(&What::As("nothing".into()).times(9), "us-east-1"), None);
}

#[test]
fn a_thousand_runs_of_ten_gigabytes_are_six_hundred_dollars() {
    assert!((function(10_240, CONCURRENCY) - 600.0).abs() < 0.01);
}

#[test]
fn a_price_file_comes_first() {
    let text = "instance_type,usd_per_hour,region\n# ours\nm5.large,0.05\nm5.xlarge,0.1,eu-west-1\nml.p3.2xlarge,3\n";
    let prices = Prices::read(text, "ours.csv").unwrap();
    let price = |what: What, region: &str| prices.per_hour(&what.times(2), region).unwrap();
    assert!(close(price(instance("m5.large"), "sa-east-1"), 0.1));
    assert!(close(price(instance("m5.xlarge"), "eu-west-1"), 0.2));
    assert!(close(price(instance("m5.xlarge"), "us-east-1"), 0.384));
    assert!(close(price(What::Managed("ml.p3.2xlarge".into()), "us-east-1"), 6.0));
    let json = Prices::read(r#"{"us-east-1": {"m5.large": 0.2}, "m6i.large": 1}"#, "ours.json").unwrap();
    let price = |class: &str, region: &str| json.per_hour(&instance(class).times(1), region).unwrap();
    assert!(close(price("m5.large", "us-west-1"), 0.24));
    assert!(close(price("m6i.large", "us-west-1"), 1.0));
}

#[test]
fn a_bad_price_file_is_told_by_its_line() {
    for (text, told) in [
        ("m5.large,0.1\nm5.xlarge;0.2\n", "p.csv, line 2: expected instance_type,usd_per_hour[,region]"),
        ("m5.large,cheap\n", "p.csv, line 1: \"cheap\" is no price"),
        ("m5.large,-1\n", "p.csv, line 1: m5.large has the price -1"),
        ("m5.large,NaN\n", "p.csv, line 1: m5.large has the price NaN"),
        ("large,1\n", "p.csv, line 1: \"large\" is no instance type such as m5.large"),
        ("instance_type,usd_per_hour\n", "p.csv: holds no price"),
        ("{\"us-east-1\": {\"m5.large\": \"0.1\"}}", "p.csv: us-east-1, m5.large: no price"),
        ("{\n\"m5.large\": 1,\n", "p.csv: no JSON: EOF while parsing a value at line 3 column 0"),
    ] {
        let error = Prices::read(text, "p.csv").unwrap_err();
        assert_eq!(format!("{error:#}"), told);
    }
}
