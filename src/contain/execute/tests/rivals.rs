//! Several runs on one state: one runs.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::approve::Permit;
use crate::aws::Refusal;
use crate::contain::action::Observed;
use crate::contain::hands::{Hands, Loose};
use crate::contain::scribe::Ledger;
use crate::event::Seconds;
use crate::journal::verify;
use crate::store::{AnyStore, Place, State};

/// Targets that several processes reach.
#[derive(Default)]
struct Account {
    states: Mutex<BTreeMap<u32, Value>>,
    sets: AtomicUsize,
    clock: AtomicI64,
}

struct Reach<'a>(&'a Account, Permit);

impl Hands for Reach<'_> {
    fn may(&self, plan: &Plan) -> Option<Seconds> {
        (self.1.digest() == plan.digest).then(|| self.1.expires_at())
    }

    async fn observe(&self, step: &Step) -> Result<Observed, Refusal> {
        let state = self.0.states.lock().unwrap().get(&step.n).cloned().unwrap_or(step.before.clone());
        Ok(Observed { id: step.target.id.clone(), state })
    }

    async fn set(&self, step: &Step, _: &Value, to: &Value) -> Result<Value, Refusal> {
        self.0.sets.fetch_add(1, Ordering::Relaxed);
        self.0.states.lock().unwrap().insert(step.n, to.clone());
        Ok(Value::Null)
    }

    fn holds(&self, step: &Step, state: &Value) -> bool {
        *state == step.after
    }

    fn is_between(&self, _: &Step, _: &Value) -> bool {
        false
    }

    async fn loose(&self, _: &Plan) -> Result<Loose, Refusal> {
        Ok(Loose::new())
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration / 100).await;
    }

    fn now(&self) -> Seconds {
        START + self.0.clock.load(Ordering::Relaxed)
    }
}

async fn open(place: &Place) -> State<AnyStore> {
    State::open(AnyStore::open(place).await.unwrap()).await.unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// As a process of its own would run it: whether it ran, or why not.
async fn contain(place: &Place, plan: &Plan, account: &Account, holder: &str) -> Result<Outcome, String> {
    let clock = || START + account.clock.load(Ordering::Relaxed);
    let mut state = open(place).await;
    let mut said = Err("never asked".to_owned());
    let begin = |head: &mut crate::store::Head| {
        let answer = approve::begin(&mut head.watch.plans, &plan.digest, holder, 60, clock());
        said = answer.said;
        answer.entries
    };
    state.append(clock(), begin).await.unwrap();
    let hands = Reach(account, said?);
    let progress = Progress::of(&state.journal().await.unwrap().0, &plan.digest);
    let ledger = Ledger::new(state, (&plan.digest, holder), 60, &clock);
    let limits = Limits { reassert: 1, abort: &NEVER, pauses: false };
    let work = execute(plan, &progress, &hands, &ledger, &limits);
    let tick = async {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            account.clock.fetch_add(1, Ordering::Relaxed);
        }
    };
    let outcome = tokio::select! { outcome = work => outcome, never = tick => never };
    let mut state = ledger.into_state();
    let end = |head: &mut crate::store::Head| {
        approve::end(&mut head.watch.plans, &plan.digest, holder, true, json!({}), clock()).entries
    };
    state.append(clock(), end).await.unwrap();
    outcome.map_err(|halt| halt.to_string())
}

#[test]
fn of_many_runs_one_runs() {
    let folder = tempfile::tempdir().unwrap();
    let place = &Place::File(folder.path().join("state.db"));
    block_on(async {
        let plan = story(20);
        let mut state = open(place).await;
        state
            .append(START, |head| {
                approved(&mut head.watch.plans, &plan, None, START);
                Vec::new()
            })
            .await
            .unwrap();
        drop(state);
        let account = Account::default();
        let results: Vec<_> = std::thread::scope(|scope| {
            let runs: Vec<_> = ["one", "two", "three"]
                .map(|holder| {
                    let (account, plan) = (&account, &plan);
                    scope.spawn(move || block_on(contain(place, plan, account, holder)))
                })
                .into_iter()
                .collect();
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        let ran = results.iter().filter(|result| result.as_ref().is_ok_and(Outcome::holds)).count();
        assert_eq!(ran, 1, "{results:?}");
        let why: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
        assert!(why.iter().all(|why| why.contains("runs it until") || why.contains("used already")), "{why:?}");
        assert_eq!(account.sets.load(Ordering::Relaxed), 42);
        let state = open(place).await;
        let (lines, tip) = state.journal().await.unwrap();
        verify(&lines, Some(&tip)).unwrap();
        assert_eq!(lines.iter().filter(|line| line.kind == "approval.refused").count(), 2);
        assert_eq!(lines.iter().filter(|line| line.kind == "step.started").count(), 42);
    });
}
