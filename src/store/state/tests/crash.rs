//! A pass that dies at every one of its writes.

use std::cell::Cell;

use super::{NOW, noise, on_every_store};
use crate::journal::{Entry, verify};
use crate::store::StateError;
use crate::store::state::{Acquired, State};
use crate::store::tests::open;
use crate::store::{AnyStore, Head, Item, Lock, Place, Store, StoreError};

/// How a write fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Death {
    /// The process dies before it.
    Before,
    /// The process dies after it.
    After,
    /// The write happens, its answer is lost, and the process goes on.
    AnswerLost,
    /// The store says that somebody else was faster, because its own first try got through.
    TriedTwice,
}

/// A store that fails at one of its writes.
struct Failing {
    store: AnyStore,
    death: Death,
    left: Cell<u32>,
    dead: Cell<bool>,
}

impl Failing {
    fn fail(&self) -> StoreError {
        self.dead.set(self.death != Death::AnswerLost);
        StoreError::Refused { place: "test".to_owned(), why: "died".to_owned() }
    }

    /// Whether this write is the one, and whether it happens.
    fn strikes(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left == 1
    }

    fn alive(&self) -> Result<(), StoreError> {
        if self.dead.get() { Err(self.fail()) } else { Ok(()) }
    }

    async fn write<T>(
        &self,
        answer: Option<T>,
        write: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.alive()?;
        if !self.strikes() {
            return write.await;
        }
        if self.death != Death::Before {
            write.await?;
        }
        match answer {
            Some(answer) if self.death == Death::TriedTwice => Ok(answer),
            _ => Err(self.fail()),
        }
    }
}

impl Store for Failing {
    async fn get(&self, key: &str) -> Result<Option<Item>, StoreError> {
        self.alive()?;
        self.store.get(key).await
    }

    async fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.write(Some(()), self.store.put(key, value)).await
    }

    async fn swap(&self, key: &str, seen: u64, value: &[u8]) -> Result<bool, StoreError> {
        self.write(Some(false), self.store.swap(key, seen, value)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.write(Some(()), self.store.delete(key)).await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.alive()?;
        self.store.keys(prefix).await
    }

    async fn range(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.alive()?;
        self.store.range(prefix).await
    }

    async fn tidy(&self, prefix: &str) -> Result<(), StoreError> {
        self.alive()?;
        self.store.tidy(prefix).await
    }

    fn lock(&self) -> Result<Lock, StoreError> {
        self.store.lock()
    }

    fn unlock(&self) {
        self.store.unlock();
    }

    fn calls(&self) -> (u64, u64) {
        self.store.calls()
    }
}

/// A pass takes the next number, as a flow takes what is new since its cursor.
async fn pass(store: impl Store, now: i64, last: u64) -> Result<(), StateError> {
    let mut state = State::open(store).await?;
    assert_eq!(state.acquire("pass", now, 60).await?, Acquired::Yes);
    while number(state.head()) < last {
        let next = number(state.head()) + 1;
        let part = state.put_blob("part", &noise(60, next)).await?;
        let shard = state.put_blob("baseline", &noise(60, next / 2)).await?;
        let change = |head: &mut Head| {
            head.watch.blobs.insert("baseline".to_owned(), shard.clone());
            head.watch.blobs.insert("part".to_owned(), part.clone());
            head.watch.blobs.insert("number".to_owned(), next.to_string());
            ["pass", "notified"].map(|kind| Entry::new(kind, None, next.into())).into()
        };
        state.commit(now, change).await?;
        state.sweep().await?;
    }
    state.release().await
}

fn number(head: &Head) -> u64 {
    head.watch.blobs.get("number").map_or(0, |number| number.parse().unwrap())
}

/// The state is that of so many whole passes.
async fn check(place: &Place, swept: bool) -> u64 {
    let state = State::open(open(place).await).await.unwrap();
    let done = number(state.head());
    let (lines, tip) = state.journal().await.unwrap();
    verify(&lines, Some(&tip)).unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.kind.as_str(), line.detail.as_u64().unwrap())).collect();
    let due: Vec<_> = (1..=done).flat_map(|number| [("pass", number), ("notified", number)]).collect();
    assert_eq!(told, due);
    let blobs = &state.head().watch.blobs;
    for (slot, number) in [("part", done), ("baseline", done / 2)] {
        if let Some(name) = blobs.get(slot) {
            assert_eq!(state.blob(name).await.unwrap(), noise(60, number), "{slot}");
        }
    }
    if swept {
        let mut named = [format!("blob/{}", blobs["baseline"]), format!("blob/{}", blobs["part"])];
        named.sort();
        assert_eq!(state.store().keys("blob/").await.unwrap(), named);
    }
    done
}

async fn die(place: &Place, death: Death) {
    let mut now = NOW;
    let mut last = 2;
    pass(open(place).await, now, last).await.unwrap();
    for write in 1.. {
        now += 1_000;
        last += 2;
        let store = Failing { store: open(place).await, death, left: Cell::new(write), dead: Cell::new(false) };
        let ended = pass(store, now, last).await;
        assert!(check(place, false).await <= last, "{death:?} at write {write}");
        if ended.is_ok() && death != Death::TriedTwice {
            // An answer may be lost where reading again shows that all is well.
            assert!(death == Death::AnswerLost || write > 12, "{write}");
        }
        // The next run does the rest.
        now += 1_000;
        pass(open(place).await, now, last).await.unwrap();
        assert_eq!(check(place, true).await, last, "{death:?} at write {write}");
        if write > 20 {
            ended.unwrap();
            return;
        }
    }
}

#[test]
fn a_pass_that_dies_at_any_write_loses_and_doubles_nothing() {
    on_every_store(async |place| die(place, Death::Before).await);
    on_every_store(async |place| die(place, Death::After).await);
}

#[test]
fn a_write_whose_answer_is_lost_happens_once() {
    on_every_store(async |place| die(place, Death::AnswerLost).await);
    on_every_store(async |place| die(place, Death::TriedTwice).await);
}
