#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use super::{Burn, Estimate, Step};
use crate::event::Seconds;
use crate::event::facts::{Becomes, Change};
use crate::price::{Model, Prices, Runs, What};

fn begins(burn: &mut Burn, at: Seconds, arn: &str, runs: Runs) {
    let region = arn.split(':').nth(3).unwrap().to_owned();
    burn.started.insert(arn.to_owned());
    let site = ("1".to_owned(), region);
    burn.log.insert((at, Step::Begins { arn: arn.to_owned(), site, runs }));
}

fn changes(burn: &mut Burn, at: Seconds, arn: &str, to: Becomes) {
    burn.log.insert((at, Step::Changes(Change { arn: arn.to_owned(), to })));
}

fn at(burn: &Burn, now: Seconds) -> Estimate {
    burn.estimate(&Prices::default(), now).unwrap()
}

fn function(region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:1:function:{name}")
}

fn gpu() -> Runs {
    What::Instance { class: "p3.16xlarge".into(), spot: false, windows: false }.times(1)
}

const BOX: &str = "arn:aws:ec2:us-east-1:1:instance/i-1";

#[test]
fn functions_of_a_region_share_its_concurrency() {
    let mut burn = Burn::default();
    for region in ["us-east-1", "eu-west-1"] {
        for name in ["a", "b", "c"] {
            begins(&mut burn, 10, &function(region, name), What::Function { memory: 10_240 }.times(1));
        }
    }
    let told = at(&burn, 20);
    assert_eq!(told.usd_per_hour, 1200.0);
    assert_eq!(
        told.told,
        "It burns up to $1,200 an hour at list prices: 2 regions of functions at 1,000 concurrent runs of 10,240 MB each \
         (an estimate, prices of 2026-07-20)."
    );
    // A function with runs of its own takes them from the others.
    changes(&mut burn, 11, &function("us-east-1", "a"), Becomes::Concurrency(Some(0)));
    changes(&mut burn, 11, &function("us-east-1", "b"), Becomes::Concurrency(Some(100)));
    changes(&mut burn, 11, &function("us-east-1", "c"), Becomes::Memory(1_024));
    assert_eq!(at(&burn, 20).usd_per_hour, 600.0 + 60.0 + 54.0);
    for name in ["a", "b", "c"] {
        changes(&mut burn, 12, &function("us-east-1", name), Becomes::Concurrency(Some(0)));
        burn.log.insert((12, Step::Ends(function("eu-west-1", name))));
    }
    let told = at(&burn, 20);
    assert_eq!(told.usd_per_hour, 0.0);
    assert!(
        told.told.starts_with("It burned up to $1,200 an hour at list prices, and nothing of it is left: 2 regions")
    );
}

#[test]
fn machines_stop_start_and_end_by_themselves() {
    let mut burn = Burn::default();
    assert_eq!(burn.estimate(&Prices::default(), 99), None);
    begins(&mut burn, 10, BOX, gpu());
    assert_eq!(at(&burn, 10).usd_per_hour, 24.48);
    changes(&mut burn, 20, BOX, Becomes::Stopped);
    assert_eq!(at(&burn, 20).usd_per_hour, 0.0);
    changes(&mut burn, 30, BOX, Becomes::Started);
    begins(&mut burn, 30, "arn:aws:x:us-east-1:1:job/1", gpu().lasting(Some(60)));
    assert_eq!(at(&burn, 89).usd_per_hour, 48.96);
    let told = at(&burn, 90);
    assert_eq!(told.usd_per_hour, 24.48);
    assert!(
        told.told.starts_with("It burns up to $24 an hour at list prices, and burned up to $49 before: 2 p3.16xlarge")
    );
}

#[test]
fn definitions_give_sizes_and_what_has_none_has_no_price() {
    let mut burn = Burn::default();
    let service = "arn:aws:ecs:us-east-1:1:service/c/s";
    begins(&mut burn, 10, service, What::As("d".into()).times(10));
    assert_eq!(burn.estimate(&Prices::default(), 99), None);
    burn.defined.insert("d".into(), What::Task { cpu: 1024, memory: 2048 }.times(1));
    assert_eq!(at(&burn, 99).usd_per_hour, 0.49);
    changes(&mut burn, 11, service, Becomes::Count(1_000));
    assert_eq!(at(&burn, 99).usd_per_hour, 49.37);
}

#[test]
fn calls_of_models_burn_by_the_hour_in_which_they_come() {
    let calls = |sonnet: u64, opus: u64| {
        BTreeMap::from([(Model::of("anthropic.claude-3-sonnet"), sonnet), (Model::of("anthropic.claude-opus-4"), opus)])
    };
    let mut burn = Burn::default();
    burn.call(0, &BTreeMap::from([(Model::of("amazon.titan-embed"), 40)]));
    assert_eq!(burn.estimate(&Prices::default(), 10), None, "less than half a cent");
    burn.call(7_000, &calls(3_000, 0));
    burn.call(7_199, &calls(0, 200));
    burn.call(10_799, &calls(1_000, 0));
    let told = at(&burn, 10_800);
    assert_eq!(told.usd_per_hour, 18.0);
    assert_eq!(
        told.told,
        "It burns up to $18 an hour at list prices, and burned up to $72 before: 3,200 model calls an hour at 1,000 tokens \
         in and out each (an estimate, prices of 2026-07-20)."
    );
    assert_eq!(at(&burn, 10_799 + 3_599).usd_per_hour, 18.0);
    let later = at(&burn, 10_799 + 3_600);
    assert_eq!(later.usd_per_hour, 0.0);
    assert!(later.told.starts_with("It burned up to $72 an hour at list prices, and nothing of it is left"));
    // An hour that still runs is no less than the one before.
    burn.call(10_900, &calls(1, 0));
    assert_eq!(at(&burn, 11_000).usd_per_hour, 18.0);
    begins(&mut burn, 10_950, BOX, gpu());
    assert_eq!(at(&burn, 11_000).usd_per_hour, 42.48);
    // The same in two halves, of which either takes the other over.
    let (mut one, mut other) = (Burn::default(), burn);
    one.call(10_901, &calls(999_999, 0));
    let (left, right) = (one.clone(), other.clone());
    one.merge(right);
    other.merge(left);
    assert_eq!(at(&one, 11_000), at(&other, 11_000));
    assert_eq!(at(&one, 11_000).usd_per_hour, 18_024.48);
}

#[test]
fn merging_loses_nothing_and_counts_nothing_twice() {
    let (mut one, mut other) = (Burn::default(), Burn::default());
    begins(&mut one, 10, BOX, gpu());
    begins(&mut one, 11, &function("us-east-1", "a"), What::Function { memory: 128 }.times(1));
    begins(&mut other, 12, &function("us-east-1", "b"), What::Function { memory: 256 }.times(1));
    begins(&mut other, 10, BOX, gpu());
    changes(&mut other, 13, &function("us-east-1", "b"), Becomes::Memory(512));
    let (mut left, mut right) = (one.clone(), other.clone());
    left.merge(other);
    right.merge(one);
    assert_eq!(at(&left, 99).usd_per_hour, 54.48);
    assert_eq!(at(&left, 99), at(&right, 99));
}
