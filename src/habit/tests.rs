#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;
use crate::event::{HOUR, Record};

/// Some calls, by numbers that choose whose, from where and with what.
#[derive(Debug, Clone)]
struct Some {
    who: u8,
    network: u16,
    agent: u16,
    action: u16,
    denied: bool,
    at: Seconds,
    count: u32,
}

fn some() -> impl Strategy<Value = Some> {
    (0..4_u8, 0..3_u16, 0..3_u16, 0..5_u16, any::<bool>(), 0..3 * DAY, 1..50_u32).prop_map(
        |(who, network, agent, action, denied, at, count)| Some { who, network, agent, action, denied, at, count },
    )
}

fn record(habits: &mut Habits, some: &Some) {
    let arn = format!("arn:aws:iam::111122223333:user/u{}", some.who);
    let raw = format!(
        r#"{{"type":"IAMUser","principalId":"AIDAEXAMPLE{:09}","arn":"{arn}","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE{:09}","userName":"u{}"}}"#,
        some.who, some.who, some.who
    );
    let identity = Identity::parse(&raw, "111122223333");
    let (high, low) = (some.network / 250, some.network % 250);
    let place = Place::new("111122223333", "eu-west-1", &format!("198.{high}.{low}.1"));
    let record = Record {
        source: "s3.amazonaws.com".into(),
        name: format!("Get{}", some.action).into(),
        user_agent: format!("Agent{}/1.0 x", some.agent).into(),
        error_code: if some.denied { "AccessDenied".into() } else { "".into() },
        ..Record::default()
    };
    let mut hours = Hours::default();
    hours[usize::try_from(some.at.rem_euclid(DAY) / HOUR).unwrap()] = some.count;
    let shape = Shape::of(&record, &identity);
    habits.record(&Calls { identity: &identity, place: &place, shape: &shape, hours: &hours, last: some.at });
}

fn all(calls: &[Some]) -> Habits {
    let mut habits = Habits::default();
    calls.iter().for_each(|some| record(&mut habits, some));
    habits
}

fn merged(parts: &[Habits]) -> Habits {
    let mut whole = Habits::default();
    for (day, daily) in parts.iter().flat_map(Habits::days) {
        whole.add(day, daily.clone());
    }
    whole
}

proptest! {
    #[test]
    fn a_sum_does_not_ask_for_an_order(calls in prop::collection::vec(some(), 0..40), cut in 0..40_usize) {
        let (one, two) = calls.split_at(cut.min(calls.len()));
        let whole = all(&calls);
        prop_assert_eq!(&merged(&[all(one), all(two)]), &whole);
        prop_assert_eq!(&merged(&[all(two), all(one)]), &whole);
        let counted: u64 = calls.iter().map(|some| u64::from(some.count)).sum();
        prop_assert_eq!(whole.days().map(|(_, daily)| daily.calls()).sum::<u64>(), counted);
    }

    #[test]
    fn what_is_written_is_read(calls in prop::collection::vec(some(), 0..40)) {
        for (_, daily) in all(&calls).days() {
            let mut bounded = daily.clone();
            bounded.bound();
            prop_assert_eq!(&bounded, daily);
            prop_assert_eq!(&decode(&encode(daily).unwrap()).unwrap(), daily);
        }
    }
}

#[test]
fn what_does_not_fit_is_put_together_and_stays_counted() {
    let calls: Vec<_> = (0..20_000_u16)
        .map(|n| Some { who: 0, network: n % 500, agent: n % 77, action: n, denied: false, at: 0, count: 1 })
        .collect();
    let habits = all(&calls);
    let (_, daily) = habits.days().next().unwrap();
    let mut bounded = daily.clone();
    bounded.bound();
    assert_eq!(bounded.calls(), 20_000);
    assert!(bounded.cells().count() <= 50 && !bounded.is_crowded());
    assert!(bounded.cells().all(|(_, cell)| cell.actions.values().sum::<u64>() == cell.calls()));
    assert!(encode(&bounded).unwrap().len() < 60_000);
    let again = bounded.clone();
    bounded.bound();
    assert_eq!(again, bounded);
}

#[test]
fn the_least_busy_go_first_and_it_is_known_that_they_do() {
    let mut daily = Daily::default();
    for n in 0..2_100_u64 {
        let who = Who {
            key: format!("AIDA{n:08}"),
            arn: String::new(),
            credential: String::new(),
            network: String::new(),
            agent: String::new(),
        };
        let mut cell = Cell::default();
        cell.hours[0] = n + 1;
        daily.cells.insert(who, cell);
    }
    daily.bound();
    assert!(daily.is_crowded() && daily.cells().count() == 2_000);
    assert!(daily.cells().all(|(_, cell)| cell.calls() > 100));
}

#[test]
fn other_callers_are_not_counted() {
    let mut habits = Habits::default();
    let calls = |identity: &str, account: &str| (identity.to_owned(), account.to_owned());
    for (identity, account) in [
        calls(r#"{"type":"AWSService","invokedBy":"lambda.amazonaws.com"}"#, "111122223333"),
        calls(r#"{"type":"IAMUser","principalId":"AIDAX","arn":"arn:aws:iam::1:user/x","accountId":"1"}"#, "2"),
        calls(
            r#"{"type":"AssumedRole","principalId":"AROAX:s","arn":"arn:aws:sts::1:assumed-role/r/s","accountId":"1","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/aws-service-role/config.amazonaws.com/r","principalId":"AROAX"}}}"#,
            "1",
        ),
    ] {
        let (identity, place) =
            (Identity::parse(&identity, &account), Place::new(&account, "eu-west-1", "198.51.100.1"));
        let shape = Shape::of(&Record::default(), &identity);
        habits.record(&Calls { identity: &identity, place: &place, shape: &shape, hours: &[1; 24], last: 0 });
    }
    assert_eq!(habits.history_days(i64::MAX), 0);
}

#[test]
fn agents_have_families() {
    let identity = Identity::parse("{}", "");
    for (agent, expected) in [
        ("Boto3/1.35.36 md/Botocore#1.35.36 ua/2.0", "Boto3"),
        ("[Boto3/1.35.36 md/Botocore]", "Boto3"),
        ("APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io)", "Terraform"),
        ("aws-cli/2.17.62 md/awscrt#0.21.2", "aws-cli"),
        ("Mozilla/5.0 (Macintosh)", "console"),
        ("signin.amazonaws.com", "console"),
        ("", "unknown"),
        ("\u{1b}[31m\u{202e}evil", "31mevil"),
    ] {
        let record = Record { user_agent: agent.to_owned().into(), ..Record::default() };
        assert_eq!(family(&Shape::of(&record, &identity)), expected, "{agent}");
    }
}
