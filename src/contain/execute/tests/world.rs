//! An AWS that fails where it is told to, with a clock of its own and the record of plans: a run over it takes no time.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use serde_json::{Value, json};

use crate::approve::{self, Permit};
use crate::aws::Refusal;
use crate::contain::action::{Observed, is_mixed};
use crate::contain::hands::{Hands, Loose};
use crate::contain::scribe::Scribe;
use crate::event::Seconds;
use crate::journal::{Entry, Line, Tip};
use crate::model::approval::Plans;
use crate::model::plan::{Plan, Step};

/// When the world begins, and for how long a run is held.
pub(super) const START: Seconds = 1_800_000_000;
pub(super) const LEASE: Seconds = 60;
/// A run that takes longer hangs.
const LONGEST: i64 = 3 * 3_600_000;

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A refusal that no patience helps against.
    Refused,
    Throttled,
    /// The answer is lost, before or after the effect.
    LostBefore,
    LostAfter,
    /// The effect shows after four seconds.
    Slow,
    /// The process dies before, half way in, or after.
    DieBefore,
    DieHalf,
    DieAfter,
    /// Somebody puts a target back as it was, or into a state of his own.
    Flip(usize),
    Own(usize),
}

/// What a target is, and was until some time.
struct Thing {
    id: String,
    state: Value,
    /// Until this time in milliseconds reading shows what was before.
    shows_at: i64,
    was: Value,
    /// The last reading showed what its step wants.
    last_read: Option<Value>,
}

pub(super) struct World {
    clock: Cell<i64>,
    sleepers: RefCell<BTreeSet<i64>>,
    dead: Cell<bool>,
    things: RefCell<BTreeMap<String, Thing>>,
    pub faults: RefCell<BTreeMap<usize, Fault>>,
    pub calls: Cell<usize>,
    pub writes: Cell<usize>,
    /// Calls that changed something: step, target.
    pub effects: RefCell<Vec<(u32, String)>>,
    /// Steps whose call was answered, and that were not written down as to be done again since.
    answered: RefCell<BTreeSet<(String, u32)>>,
    pub journal: RefCell<(Vec<Line>, Tip)>,
    pub plans: RefCell<Plans>,
    permit: RefCell<Option<Permit>>,
    pub loose: RefCell<Loose>,
    /// Whether anybody but us changed something.
    pub is_hostile: Cell<bool>,
}

pub(super) fn key(step: &Step) -> String {
    format!("{} {}", if step.is_change() { "state" } else { "saved" }, step.target.arn)
}

impl World {
    pub(super) fn new(plan: &Plan) -> Self {
        let thing = |step: &Step| {
            let state = if step.is_change() { step.before.clone() } else { json!({ "saved": false }) };
            let id = step.target.id.clone();
            (key(step), Thing { id, was: state.clone(), state, shows_at: 0, last_read: None })
        };
        Self {
            clock: Cell::new(START * 1_000),
            sleepers: RefCell::default(),
            dead: Cell::new(false),
            things: RefCell::new(plan.steps.iter().map(thing).collect()),
            faults: RefCell::default(),
            calls: Cell::new(0),
            writes: Cell::new(0),
            effects: RefCell::default(),
            answered: RefCell::default(),
            journal: RefCell::default(),
            plans: RefCell::default(),
            permit: RefCell::default(),
            loose: RefCell::default(),
            is_hostile: Cell::new(false),
        }
    }

    /// Runs a future to its end, or to the death of its process.
    pub(super) fn drive<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        struct Flag(AtomicBool);
        impl Wake for Flag {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        let end = self.clock.get() + LONGEST;
        loop {
            if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                return Some(result);
            }
            if self.dead.take() {
                self.sleepers.borrow_mut().clear();
                return None;
            }
            if flag.0.swap(false, Ordering::Relaxed) {
                continue;
            }
            let next = self.sleepers.borrow_mut().pop_first();
            self.clock.set(next.expect("somebody waits for nothing").max(self.clock.get()));
            assert!(self.clock.get() < end, "it never ends");
        }
    }

    pub(super) fn pass(&self, seconds: Seconds) {
        self.clock.set(self.clock.get() + seconds * 1_000);
    }

    /// Begins a run by the record.
    pub(super) fn begin(&self, digest: &str, holder: &str) -> Result<(), String> {
        let answer = approve::begin(&mut self.plans.borrow_mut(), digest, holder, LEASE, self.now());
        self.append(answer.entries);
        *self.permit.borrow_mut() = Some(answer.said?);
        Ok(())
    }

    pub(super) fn append(&self, entries: Vec<Entry>) {
        let mut journal = self.journal.borrow_mut();
        let (lines, tip) = journal.1.extend(self.now(), entries);
        journal.0.extend(lines);
        journal.1 = tip;
    }

    pub(super) fn state(&self, step: &Step) -> Value {
        self.things.borrow()[&key(step)].state.clone()
    }

    pub(super) fn last_read(&self, step: &Step) -> Option<Value> {
        self.things.borrow()[&key(step)].last_read.clone()
    }

    pub(super) fn put(&self, step: &Step, id: &str, state: Value) {
        let thing = Thing { id: id.to_owned(), was: state.clone(), state, shows_at: 0, last_read: None };
        self.things.borrow_mut().insert(key(step), thing);
    }

    pub(super) fn remove(&self, step: &Step) {
        self.things.borrow_mut().remove(&key(step));
    }

    async fn sleep(&self, milliseconds: i64) {
        let at = self.clock.get() + milliseconds;
        poll_fn(|_| {
            if self.clock.get() >= at {
                return Poll::Ready(());
            }
            self.sleepers.borrow_mut().insert(at);
            Poll::Pending
        })
        .await;
    }

    /// Nothing more comes from a process that is dead.
    async fn die(&self) -> ! {
        self.dead.set(true);
        std::future::pending().await
    }

    /// Begins a call: what goes wrong with it.
    async fn call(&self) -> Option<Fault> {
        let number = self.calls.get();
        self.calls.set(number + 1);
        self.sleep(20 + (number as i64 * 7) % 30).await;
        if self.dead.get() {
            self.die().await;
        }
        let fault = self.faults.borrow().get(&number).copied();
        match fault {
            Some(Fault::DieBefore) => self.die().await,
            Some(Fault::Flip(place) | Fault::Own(place)) => {
                self.is_hostile.set(true);
                let mut things = self.things.borrow_mut();
                let mut targets = things.iter_mut().filter(|(key, _)| key.starts_with("state"));
                if let Some((_, thing)) = targets.nth(place) {
                    let own = matches!(fault, Some(Fault::Own(_)));
                    thing.state = if own { json!({ "a": "his", "b": "own" }) } else { json!({ "a": 0, "b": 0 }) };
                    thing.shows_at = 0;
                }
                None
            }
            fault => fault,
        }
    }

    /// What must hold at every effect: the journal says that it was begun, and nothing is done twice.
    fn explain(&self, step: &Step, from: &Value) {
        let permit = self.permit.borrow();
        let digest = permit.as_ref().expect("an effect without an approval").digest().to_owned();
        let lines = &self.journal.borrow().0;
        let is_told = |line: &Line| {
            line.detail["plan"] == digest.as_str()
                && line.detail["n"] == step.n
                && matches!(line.kind.as_str(), "step.started" | "step.reasserted")
        };
        assert!(lines.iter().any(is_told), "an effect that the journal does not explain");
        let is_agreed = !step.is_change() || is_mixed(from, &step.before, &step.after);
        let is_retaken = |line: &Line| is_told(line) && line.detail["found"] == *from;
        assert!(is_agreed || lines.iter().any(is_retaken), "moved from {from}, which nobody agreed to");
        let is_repeated = self.answered.borrow().contains(&(digest, step.n));
        assert!(!is_repeated || self.is_hostile.get(), "step {} is repeated", step.n);
        self.effects.borrow_mut().push((step.n, step.target.arn.clone()));
    }
}

impl Hands for &World {
    fn may(&self, plan: &Plan) -> Option<Seconds> {
        self.permit.borrow().as_ref().filter(|permit| permit.digest() == plan.digest).map(Permit::expires_at)
    }

    async fn observe(&self, step: &Step) -> Result<Observed, Refusal> {
        match self.call().await {
            Some(Fault::Refused) => Err(Refusal::Denied { action: "x:Get", why: "no".to_owned() }),
            Some(Fault::Throttled) => Err(Refusal::Throttled("slow down".to_owned())),
            Some(Fault::LostBefore | Fault::LostAfter) => Err(Refusal::Passing("timeout".to_owned())),
            Some(Fault::DieHalf | Fault::DieAfter) => self.die().await,
            _ => {
                let mut things = self.things.borrow_mut();
                let thing = things.get_mut(&key(step)).ok_or_else(|| Refusal::Gone("NoSuchEntity".to_owned()))?;
                let shows = if self.clock.get() >= thing.shows_at { &thing.state } else { &thing.was };
                let observed = Observed { id: thing.id.clone(), state: shows.clone() };
                thing.last_read = Some(observed.state.clone());
                Ok(observed)
            }
        }
    }

    async fn set(&self, step: &Step, from: &Value, to: &Value) -> Result<Value, Refusal> {
        let fault = self.call().await;
        match fault {
            Some(Fault::Refused) => return Err(Refusal::Other { action: "x:Set", why: "no".to_owned() }),
            Some(Fault::Throttled) => return Err(Refusal::Throttled("slow down".to_owned())),
            Some(Fault::LostBefore) => return Err(Refusal::Passing("timeout".to_owned())),
            _ => {}
        }
        {
            let mut things = self.things.borrow_mut();
            let thing = things.get_mut(&key(step)).ok_or_else(|| Refusal::Gone("NoSuchEntity".to_owned()))?;
            self.explain(step, from);
            thing.was = thing.state.clone();
            thing.shows_at = if fault == Some(Fault::Slow) { self.clock.get() + 4_000 } else { 0 };
            thing.state = to.clone();
            if fault == Some(Fault::DieHalf) && step.is_change() {
                thing.state["b"] = thing.was["b"].clone();
            }
        }
        match fault {
            Some(Fault::DieHalf | Fault::DieAfter) => self.die().await,
            Some(Fault::LostAfter) => Err(Refusal::Passing("connection lost".to_owned())),
            _ => {
                let digest = self.permit.borrow().as_ref().map(|permit| permit.digest().to_owned()).unwrap();
                self.answered.borrow_mut().insert((digest, step.n));
                Ok(json!({ "told": step.n }))
            }
        }
    }

    fn holds(&self, step: &Step, state: &Value) -> bool {
        *state == step.after
    }

    fn is_between(&self, step: &Step, state: &Value) -> bool {
        is_mixed(state, &step.before, &step.after)
    }

    async fn loose(&self, _: &Plan) -> Result<Loose, Refusal> {
        Ok(self.loose.borrow().clone())
    }

    async fn pause(&self, duration: Duration) {
        self.sleep(i64::try_from(duration.as_millis()).unwrap()).await;
    }

    fn now(&self) -> Seconds {
        self.clock.get() / 1_000
    }
}

impl World {
    pub(super) fn now(&self) -> Seconds {
        Hands::now(&self)
    }
}

impl Scribe for &World {
    async fn write(&self, entries: Vec<Entry>) -> Result<(), String> {
        self.writes.set(self.writes.get() + 1);
        let fault = self.call().await;
        if fault == Some(Fault::LostBefore) {
            return Err("the disk is full".to_owned());
        }
        let (digest, holder) = {
            let permit = self.permit.borrow();
            (permit.as_ref().unwrap().digest().to_owned(), "us")
        };
        approve::renew(&mut self.plans.borrow_mut(), &digest, holder, LEASE, self.now())?;
        for entry in entries.iter().filter(|entry| entry.kind == "step.reasserted") {
            let n = u32::try_from(entry.detail["n"].as_u64().unwrap()).unwrap();
            self.answered.borrow_mut().remove(&(digest.clone(), n));
        }
        self.append(entries);
        match fault {
            Some(Fault::DieHalf | Fault::DieAfter) => self.die().await,
            Some(Fault::LostAfter) => Err("the answer of the store is lost".to_owned()),
            _ => Ok(()),
        }
    }

    fn beat(&self) -> Option<Duration> {
        Some(Duration::from_secs(LEASE.unsigned_abs()) / 4)
    }
}
