//! Money: what is asked when, what is paid, and what survives refusals and crashes.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::json;
use tempfile::TempDir;

use super::history::{Done, History, Payment};
use super::*;
use crate::cost::{Day, date, day_of};
use crate::event::HOUR;

/// 2026-11-22T06:00:00Z.
const NOW: Seconds = 1_795_327_200;

fn policy(dollars: &str) -> Policy {
    Policy { budget: dollars.parse().unwrap(), account: None }
}

/// Answers from a list, and remembers what was asked.
#[derive(Default)]
struct Script {
    answers: RefCell<VecDeque<Result<Page, Refusal>>>,
    asked: RefCell<Vec<(What, Option<String>)>>,
}

impl Script {
    fn of(answers: impl IntoIterator<Item = Result<Page, Refusal>>) -> Self {
        Self { answers: RefCell::new(answers.into_iter().collect()), asked: RefCell::default() }
    }
}

impl Answers for Script {
    async fn page(&self, query: &Query, token: Option<&str>) -> Result<Page, Refusal> {
        self.asked.borrow_mut().push((query.what.clone(), token.map(str::to_owned)));
        self.answers.borrow_mut().pop_front().unwrap_or_else(|| Ok(page(None)))
    }
}

fn page(next: Option<&str>) -> Page {
    Page { body: json!({ "ResultsByTime": [] }), next: next.map(str::to_owned), accounts: BTreeSet::new() }
}

fn throttled() -> Result<Page, Refusal> {
    Err(Refusal::Throttled("LimitExceededException".to_owned()))
}

/// A folder, what polls of it came to and how long they waited.
struct Bench {
    folder: TempDir,
    waits: RefCell<Vec<Duration>>,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), waits: RefCell::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn open(&self) -> Cache {
        Cache::open(&self.path(), None).unwrap()
    }

    fn poll(&self, script: &Script, policy: &Policy, now: Seconds) -> Polled {
        let mut cache = self.open();
        let plan = policy.plan(cache.history(), now, None);
        let sleep = async |wait| self.waits.borrow_mut().push(wait);
        let mut patience = Patience { sleep, random: || 1.0 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(poll(script, &mut cache, policy, &plan, now, &mut patience))
    }

    fn paid(&self) -> u32 {
        self.open().history().paid_in_month(NOW)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn starts(plan: &Plan) -> Vec<(What, String)> {
    plan.queries.iter().map(|query| (query.what.clone(), date(query.start))).collect()
}

#[test]
fn the_first_poll_looks_far_back_and_later_ones_as_far_as_bills_are_restated() {
    let policy = policy("3");
    let mut history = History::default();
    let first = policy.plan(&history, NOW, None);
    let expected = [(What::Spend, "2026-09-23"), (What::Anomalies, "2026-08-24"), (What::Accounts, "2026-11-08")];
    assert_eq!(starts(&first), expected.map(|(what, start)| (what, start.to_owned())));
    assert!(first.queries.iter().filter(|query| query.what != What::Anomalies).all(|q| date(q.end) == "2026-11-23"));
    let mut asked = |at: Seconds| {
        let plan = policy.plan(&history, at, None);
        for query in &plan.queries {
            history.payments.push(Payment::new(query, at, 1, None));
            history.payments.push(Payment::new(query, at, 0, Some(Done { pages: 1, accounts: 1 })));
        }
        starts(&plan)
    };
    assert_eq!(asked(NOW).len(), 3);
    assert!(asked(NOW + 8 * HOUR - 1).is_empty(), "nothing within 8 hours");
    assert_eq!(asked(NOW + 8 * HOUR), [(What::Spend, "2026-11-19".to_owned())], "then the last days");
    let morning = NOW + 18 * HOUR;
    let day = [(What::Spend, "2026-10-01".to_owned()), (What::Anomalies, "2026-08-25".to_owned())];
    assert_eq!(asked(morning), day, "once a day all that is restated; an account alone is not asked again by account");
    let later = morning + 90 * 24 * HOUR;
    let unseen = asked(later).remove(0).1;
    assert!(unseen <= date(day_of(morning) - 3), "what was missed in between: {unseen}");
}

#[test]
fn a_service_is_looked_into_on_demand_and_not_twice() {
    let policy = policy("3");
    let mut history = History::default();
    let what = What::UsageTypes("AWS Lambda".to_owned());
    let plan = policy.plan(&history, NOW, Some("AWS Lambda"));
    let query = plan.queries.iter().find(|query| query.what == what).unwrap();
    history.payments.push(Payment::new(query, NOW, 1, None));
    history.payments.push(Payment::new(query, NOW, 0, Some(Done { pages: 1, accounts: 0 })));
    let again = policy.plan(&history, NOW + HOUR, Some("AWS Lambda"));
    assert!(again.queries.iter().all(|query| query.what != what));
    let other = policy.plan(&history, NOW + HOUR, Some("Amazon Bedrock"));
    assert!(other.queries.iter().any(|query| query.what == What::UsageTypes("Amazon Bedrock".to_owned())));
}

#[test]
fn the_estimate_is_its_own_arithmetic() {
    let mut history = History::default();
    assert_eq!(policy("3").estimate(&history, NOW).dollars, Decimal::new(121, 2));
    let plan = policy("3").plan(&history, NOW, None);
    for query in &plan.queries {
        history.payments.push(Payment::new(query, NOW, 0, Some(Done { pages: 4, accounts: 3 })));
    }
    let estimate = policy("3").estimate(&history, NOW);
    assert_eq!(estimate.pages, 30 * (2 + 4 + 4) + 30 * 4, "{}", estimate.arithmetic);
    assert!(estimate.arithmetic.contains("= 420 pages at $0.01 = $4.20"), "{}", estimate.arithmetic);
}

#[test]
fn pages_are_kept_and_paid_and_the_tokens_handed_on() {
    let bench = Bench::new();
    let script = Script::of([Ok(page(Some("two"))), Ok(page(Some("three"))), Ok(page(None))]);
    let polled = bench.poll(&script, &policy("3"), NOW);
    assert_eq!((polled.pages, polled.problems.len()), (5, 0));
    let tokens: Vec<_> = script.asked.borrow().iter().map(|(_, token)| token.clone()).collect();
    assert_eq!(tokens, [None, Some("two".to_owned()), Some("three".to_owned()), None, None]);
    let expected = [
        ".detail",
        ".paid.jsonl",
        "20261122T060000Z-anomalies-001.json",
        "20261122T060000Z-service-region-001.json",
        "20261122T060000Z-service-region-002.json",
        "20261122T060000Z-service-region-003.json",
    ];
    assert_eq!(names(&bench.path()), expected);
    assert_eq!(names(&bench.path().join(".detail")), ["20261122T060000Z-account-service-001.json"]);
    let file = bench.path().join(expected[3]);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(kept["SeenAt"], "2026-11-22T06:00:00Z");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(&bench.path())), (0o600, 0o700));
    assert_eq!(bench.paid(), 5);
    assert!(bench.poll(&script, &policy("3"), NOW + HOUR).pages == 0, "nothing is due");
}

#[test]
fn throttling_is_waited_out_and_not_paid() {
    let bench = Bench::new();
    let polled = bench.poll(&Script::of([throttled(), throttled(), Ok(page(None))]), &policy("3"), NOW);
    assert_eq!((polled.pages, polled.problems.len(), bench.paid()), (3, 0, 3));
    assert_eq!(*bench.waits.borrow(), [FIRST_WAIT, FIRST_WAIT * 2]);
    let stubborn = Bench::new();
    let polled = stubborn.poll(&Script::of((0..TRIES).map(|_| throttled())), &policy("3"), NOW);
    assert_eq!((polled.pages, polled.problems.len(), stubborn.paid()), (2, 1, 2), "the other queries are still asked");
    assert_eq!(stubborn.waits.borrow().len(), 4);
}

#[test]
fn an_answer_that_breaks_off_is_asked_again_after_an_hour_and_a_refused_one_at_once() {
    let bench = Bench::new();
    let changed = || Err(Refusal::Changed("RequestChangedException".to_owned()));
    let polled = bench.poll(&Script::of([Ok(page(Some("two"))), changed()]), &policy("3"), NOW);
    assert_eq!((polled.pages, polled.problems.len()), (3, 1));
    let script = Script::default();
    assert_eq!(bench.poll(&script, &policy("3"), NOW + HOUR - 1).pages, 0);
    assert_eq!(bench.poll(&script, &policy("3"), NOW + HOUR).pages, 1);
    let denied = Bench::new();
    let denial = || Err(Refusal::Denied { operation: "GetCostAndUsage", why: "no".to_owned() });
    denied.poll(&Script::of([denial(), denial(), denial()]), &policy("3"), NOW);
    assert_eq!(denied.poll(&script, &policy("3"), NOW + 1).pages, 3);
}

#[test]
fn the_budget_ends_it_and_a_silent_page_counts() {
    let bench = Bench::new();
    let pages = || Script::of([Ok(page(Some("2"))), Err(Refusal::Silent), Ok(page(None))]);
    let polled = bench.poll(&pages(), &policy("0.02"), NOW);
    assert_eq!((polled.pages, bench.paid()), (1, 2), "{:?}", polled.problems);
    assert!(!polled.is_refused());
    let none = Script::default();
    let polled = bench.poll(&none, &policy("0.02"), NOW + 9 * HOUR);
    assert!(polled.is_refused() && none.asked.borrow().is_empty());
    assert!(polled.problems[0].1.to_string().contains("budget of $0.02 for 2026-11 is spent: 2 pages"));
    let december = NOW + 9 * 24 * HOUR;
    assert!(bench.poll(&none, &policy("0.02"), december).pages > 0, "a new month is a new budget");
}

#[test]
fn a_page_is_paid_before_it_is_asked_for() {
    struct Crash(PathBuf);
    impl Answers for Crash {
        async fn page(&self, _: &Query, _: Option<&str>) -> Result<Page, Refusal> {
            let paid = std::fs::read_to_string(self.0.join(".paid.jsonl")).unwrap();
            assert!(paid.ends_with("\"pages\":1,\"dollars\":\"0.01\"}\n"), "{paid}");
            Err(Refusal::Silent)
        }
    }
    let bench = Bench::new();
    let mut cache = bench.open();
    let plan = policy("3").plan(cache.history(), NOW, None);
    let mut patience = Patience { sleep: async |_| {}, random: || 0.0 };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(poll(&Crash(bench.path()), &mut cache, &policy("3"), &plan, NOW, &mut patience));
    drop(cache);
    assert_eq!(bench.paid(), 3);
}

#[test]
fn a_damaged_account_never_raises_the_budget() {
    let bench = Bench::new();
    bench.poll(&Script::default(), &policy("3"), NOW);
    let path = bench.path().join(".paid.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{text}{{\"time\":\"2026-1")).unwrap();
    assert_eq!(bench.paid(), 4);
    assert_eq!(bench.poll(&Script::default(), &policy("3"), NOW + 8 * HOUR).pages, 1);
    assert_eq!(bench.paid(), 5, "what follows a torn line begins its own");
}

#[test]
fn one_folder_is_for_one_scope_and_one_process() {
    let bench = Bench::new();
    bench.poll(&Script::default(), &policy("3"), NOW);
    let other = Cache::open(&bench.path(), Some("111122223333"));
    assert!(matches!(other, Err(CacheError::OtherScope { .. })));
    let _open = bench.open();
    assert!(matches!(Cache::open(&bench.path(), None), Err(CacheError::Busy(_))));
}

proptest! {
    /// However often it is called, and whatever goes wrong, no month costs more than its budget and no two answers to
    /// the question of spend are within 8 hours.
    #[test]
    fn no_rhythm_of_calls_breaks_the_rules(
        gaps in proptest::collection::vec(0_i64..40_000, 1..60),
        pages in proptest::collection::vec(1_u32..4, 60),
        cents in 0_i64..40,
    ) {
        let policy = Policy { budget: Decimal::new(cents, 2), account: None };
        let (mut history, mut now) = (History::default(), NOW);
        let mut spend: Vec<Seconds> = Vec::new();
        for (gap, pages) in gaps.into_iter().zip(pages) {
            now += gap;
            for query in policy.plan(&history, now, None).queries {
                let affordable = policy.affordable(&history, now).min(pages);
                for _ in 0..affordable {
                    history.payments.push(Payment::new(&query, now, 1, None));
                }
                if affordable == pages {
                    history.payments.push(Payment::new(&query, now, 0, Some(Done { pages, accounts: 1 })));
                    if query.what == What::Spend {
                        spend.push(now);
                    }
                }
            }
            prop_assert!(Decimal::new(i64::from(history.paid_in_month(now)), 2) <= policy.budget);
        }
        prop_assert!(spend.windows(2).all(|pair| pair[1] - pair[0] >= 8 * HOUR));
    }

    #[test]
    fn the_month_before_begins_on_its_first_day(day in 0_i32..30_000) {
        let first: Day = query::first_of_previous_month(day);
        let (given, before) = (date(day), date(first));
        let number = |date: &str| {
            let mut parts = date.split('-').map(|part| part.parse::<i32>().unwrap());
            parts.next().unwrap() * 12 + parts.next().unwrap()
        };
        prop_assert!(before.ends_with("-01"));
        prop_assert_eq!(number(&given) - number(&before), 1);
    }
}
