#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Beyond, BeyondUsual, Tipped};
use crate::cost::ledger::{Entry, Sightings};
use crate::cost::{Ledger, RecordType, Series, Usual, usually_seen};
use crate::event::facts::{Facts, Resource};
use crate::event::{DAY, Event, Identity, Place, Record, Seconds, Shape};
use crate::price::{Prices, Runs, What};

/// When the bill is long enough.
const START: Seconds = 30 * DAY;
const BLOCK: BeyondUsual = BeyondUsual { times: 1.0, usd: 10.0, within: DAY };

/// The usual of account 1.
fn usual(usd_per_hour: i64) -> Usual {
    let mut days = Sightings::default();
    for day in 0..29 {
        days.enter(day, usually_seen(day), Decimal::from(usd_per_hour * 24), Entry::Statement);
    }
    let (none, account, currency): (Arc<str>, Arc<str>, Arc<str>) = ("".into(), "1".into(), "USD".into());
    let (service, region, usage_type) = (Arc::clone(&none), Arc::clone(&none), none);
    let record_type = RecordType::Usage;
    let series = Series { account, currency, service, region, usage_type, record_type, principal: None };
    let mut ledger = Ledger::default();
    ledger.absorb(Arc::new(series), days, Entry::Statement);
    Usual::of(&ledger)
}

fn event(at: Seconds, account: &str, runs: Option<Runs>) -> Event {
    let identity = Identity::parse("{}", account);
    let record = Record { source: "ec2.amazonaws.com".into(), name: "RunInstances".into(), ..Record::default() };
    let shape = Arc::new(Shape::of(&record, &identity));
    let made = Resource { arn: format!("i-{at}"), kind: "ec2:instance".into(), principal: None, runs };
    Event {
        time: at,
        id: format!("e{at}").into(),
        identity: Arc::new(identity),
        shape,
        place: Arc::new(Place::new(account, "us-east-1", "")),
        rules: Vec::new(),
        fields: std::collections::BTreeMap::new(),
        facts: Some(Box::new(Facts { created: vec![made], ..Facts::default() })),
    }
}

/// $3.06 an hour each.
fn machines(count: u32) -> Option<Runs> {
    Some(What::Instance { class: "p3.2xlarge".into(), spot: false, windows: false }.times(count))
}

fn take(beyond: &mut Beyond, at: Seconds, runs: Option<Runs>) -> Option<Tipped> {
    beyond.take(0, &BLOCK, &event(at, "1", runs), &Prices::default())
}

#[test]
fn what_is_started_within_a_day_adds_up_and_each_start_is_told_once() {
    let mut beyond = Beyond::new(usual(4));
    assert!(take(&mut beyond, START, machines(3)).is_none(), "$9.18 is below the least");
    assert!(take(&mut beyond, START + 5, None).is_none());
    let tipped = take(&mut beyond, START + DAY, machines(1)).unwrap();
    assert_eq!(
        tipped.reason,
        "starts $12 an hour at list prices within a day, where the account usually spends $4.00 an hour"
    );
    assert_eq!(tipped.events.len(), 2);
    let further = take(&mut beyond, START + DAY + 1, machines(3)).unwrap();
    assert_eq!(further.events.len(), 1, "the others are told already, and the first is too old");
    assert!(take(&mut beyond, START + 3 * DAY, machines(3)).is_none(), "all is too old");
}

#[test]
fn a_large_account_and_one_without_a_bill_are_silent() {
    let mut beyond = Beyond::new(usual(40));
    assert!(take(&mut beyond, START, machines(13)).is_none(), "$39.78 of $40");
    assert!(beyond.take(0, &BLOCK, &event(START, "2", machines(900)), &Prices::default()).is_none());
    assert!(take(&mut beyond, START + 1, machines(1)).is_some());
    let mut unknown = Beyond::new(Usual::default());
    assert!(take(&mut unknown, START, machines(900)).is_none());
    // What the bill says later is not known yet.
    let mut early = Beyond::new(usual(4));
    assert!(take(&mut early, DAY, machines(900)).is_none());
}

#[test]
fn functions_do_not_count() {
    let mut beyond = Beyond::new(usual(4));
    assert!(take(&mut beyond, START, Some(What::Function { memory: 10_240 }.times(1))).is_none());
}
