//! Who may write, and what is left when a writer dies.

mod crash;

use serde_json::json;

use super::{Acquired, State, StateError};
use crate::journal::{Entry, verify};
use crate::store::tests::{block_on, noise, on_every_store, open};
use crate::store::{AnyStore, Head, Place, Store as _};

const NOW: i64 = 1_800_000_000;

async fn state(place: &Place) -> State<AnyStore> {
    State::open(open(place).await).await.unwrap()
}

fn line(kind: &str, number: u64) -> Vec<Entry> {
    vec![Entry::new(kind, None, json!(number))]
}

#[test]
fn reading_writes_nothing() {
    on_every_store(async |place| {
        let state = state(place).await;
        assert_eq!(state.head(), &Head::default());
        assert_eq!(state.journal().await.unwrap().0, []);
        assert_eq!(state.calls().1, 0);
        assert_eq!(state.store().keys("").await.unwrap(), Vec::<String>::new());
    });
}

#[test]
fn a_lease_is_one_holders_until_it_ends() {
    on_every_store(async |place| {
        let (mut one, mut two) = (state(place).await, state(place).await);
        assert!(matches!(one.commit(NOW, |_| Vec::new()).await, Err(StateError::LostLease)));
        assert_eq!(one.acquire("one", NOW, 60).await.unwrap(), Acquired::Yes);
        let held = Acquired::HeldBy { holder: "one".to_owned(), until: NOW + 60 };
        assert_eq!(two.acquire("two", NOW + 59, 60).await.unwrap(), held);
        one.renew(NOW + 50, 60).await.unwrap();
        let held = Acquired::HeldBy { holder: "one".to_owned(), until: NOW + 110 };
        assert_eq!(two.acquire("two", NOW + 61, 60).await.unwrap(), held);
        one.commit(NOW + 70, |_| line("pass", 1)).await.unwrap();
        one.release().await.unwrap();
        assert_eq!(two.acquire("two", NOW + 71, 60).await.unwrap(), Acquired::Yes);
        assert_eq!((two.head().token, two.head().lease.as_ref().unwrap().holder.as_str()), (2, "two"));
        assert!(matches!(one.commit(NOW, |_| Vec::new()).await, Err(StateError::LostLease)));
        assert!(matches!(one.put_blob("part", b"x").await, Err(StateError::LostLease)));
    });
}

#[test]
fn who_lost_the_lease_writes_and_removes_nothing() {
    on_every_store(async |place| {
        let mut slow = state(place).await;
        assert_eq!(slow.acquire("slow", NOW, 60).await.unwrap(), Acquired::Yes);
        let old = slow.put_blob("part", b"old").await.unwrap();
        slow.commit(NOW, |head| {
            head.watch.blobs.insert("part".to_owned(), old.clone());
            line("pass", 1)
        })
        .await
        .unwrap();
        let stray = slow.put_blob("part", b"new").await.unwrap();
        let mut fast = state(place).await;
        // The lock of the operating system is still held by the slow one; its lease has run out.
        assert_eq!(fast.acquire("fast", NOW + 61, 60).await.unwrap(), Acquired::Yes);
        let new = fast.put_blob("part", b"new").await.unwrap();
        assert_ne!(new, stray);
        fast.commit(NOW + 61, |head| {
            head.watch.blobs.insert("part".to_owned(), new.clone());
            line("pass", 2)
        })
        .await
        .unwrap();
        assert!(matches!(slow.commit(NOW + 62, |_| line("pass", 3)).await, Err(StateError::LostLease)));
        assert!(matches!(slow.renew(NOW + 62, 60).await, Err(StateError::LostLease)));
        assert!(matches!(slow.sweep().await, Err(StateError::LostLease)));
        slow.release().await.unwrap();
        assert_eq!(fast.blob(&new).await.unwrap(), b"new");
        fast.sweep().await.unwrap();
        assert_eq!(fast.store().keys("blob/").await.unwrap(), [format!("blob/{new}")]);
        let (lines, tip) = fast.journal().await.unwrap();
        assert_eq!(verify(&lines, Some(&tip)).unwrap().lines, 2);
    });
}

#[test]
fn a_dead_holder_is_known_by_the_lock_where_there_is_one() {
    on_every_store(async |place| {
        let mut dead = state(place).await;
        assert_eq!(dead.acquire("dead", NOW, 600).await.unwrap(), Acquired::Yes);
        let stray = dead.put_blob("part", &noise(1_000_000, 1)).await.unwrap();
        drop(dead);
        let mut next = state(place).await;
        let now = match place {
            Place::File(_) => NOW + 1,
            Place::Table { .. } => {
                assert!(matches!(next.acquire("next", NOW + 1, 60).await.unwrap(), Acquired::HeldBy { .. }));
                NOW + 601
            }
        };
        assert_eq!(next.acquire("next", now, 60).await.unwrap(), Acquired::Yes);
        next.sweep().await.unwrap();
        assert!(matches!(next.blob(&stray).await, Err(StateError::Missing { .. })));
        next.release().await.unwrap();
        assert!(!next.head().unswept);
    });
}

#[test]
fn blobs_are_checked_and_written_once() {
    on_every_store(async |place| {
        let mut state = state(place).await;
        assert_eq!(state.acquire("one", NOW, 60).await.unwrap(), Acquired::Yes);
        let name = state.put_blob("baseline", b"usual").await.unwrap();
        assert!(name.starts_with("baseline-"), "{name}");
        state
            .commit(NOW, |head| {
                head.watch.blobs.insert("baseline/03".to_owned(), name.clone());
                Vec::new()
            })
            .await
            .unwrap();
        let before = state.calls();
        assert_eq!(state.put_blob("baseline", b"usual").await.unwrap(), name);
        state.sweep().await.unwrap();
        assert_eq!(state.calls(), before, "nothing changed, so nothing is written or swept");
        state.store().put(&format!("blob/{name}"), &zstd::encode_all(&b"other"[..], 3).unwrap()).await.unwrap();
        let error = state.blob(&name).await.unwrap_err().to_string();
        assert!(error.contains(&name) && error.contains("damaged"), "{error}");
    });
}

#[test]
fn a_head_that_is_too_large_is_refused_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let mut state = state(&Place::File(folder.path().join("s.db"))).await;
        state.append(NOW, |_| line("a", 1)).await.unwrap();
        let large = |bytes: usize| vec![Entry::new("a", None, json!("x".repeat(bytes)))];
        let error = state.append(NOW, |_| large(375_000)).await.unwrap_err();
        assert!(error.to_string().contains("smaller steps"), "{error}");
        state.append(NOW, |_| line("a", 2)).await.unwrap();
        // A pass leaves room for people, who could not close or contain anything otherwise.
        assert_eq!(state.acquire("watch", NOW, 60).await.unwrap(), Acquired::Yes);
        state.commit(NOW, |_| large(350_000)).await.unwrap_err();
        state.append(NOW, |_| large(350_000)).await.unwrap();
        state.release().await.unwrap();
        let (lines, tip) = state.journal().await.unwrap();
        assert_eq!(verify(&lines, Some(&tip)).unwrap().lines, 3);
    });
}

#[test]
fn a_state_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let place = Place::File(folder.path().join("s.db"));
        open(&place).await.put("head", br#"{"version":9,"token":"unreadable here"}"#).await.unwrap();
        let error = State::open(open(&place).await).await.err().unwrap();
        assert!(matches!(error, StateError::Newer { version: 9, known: 1 }));
    });
}

/// One watch that commits and two people who decide, all at once: every line is there once, in one chain.
#[test]
fn commits_and_appends_of_others_do_not_lose_each_other() {
    on_every_store(async |place| {
        let rounds = if matches!(place, Place::File(_)) { 60 } else { 12 };
        let watch = || {
            block_on(async {
                let mut state = state(place).await;
                assert_eq!(state.acquire("watch", NOW, 60).await.unwrap(), Acquired::Yes);
                for number in 0..rounds {
                    let name = state.put_blob("part", &noise(50, number)).await.unwrap();
                    let change = |head: &mut Head| {
                        head.watch.blobs.insert("part".to_owned(), name.clone());
                        [line("watch", number), line("watch.more", number)].concat()
                    };
                    state.commit(NOW, change).await.unwrap();
                    state.sweep().await.unwrap();
                }
                state.release().await.unwrap();
            })
        };
        let decide = |who: &str| {
            block_on(async {
                for number in 0..rounds {
                    // As the command line does: a process for each decision.
                    state(place).await.append(NOW, |_| line(who, number)).await.unwrap();
                }
            })
        };
        let read = || {
            block_on(async {
                let state = state(place).await;
                for _ in 0..rounds / 4 {
                    match state.journal().await {
                        Ok((lines, tip)) => drop(verify(&lines, Some(&tip)).unwrap()),
                        Err(error) => assert!(matches!(error, StateError::Busy), "{error}"),
                    }
                }
            })
        };
        std::thread::scope(|scope| {
            scope.spawn(watch);
            scope.spawn(|| decide("ann"));
            scope.spawn(|| decide("bob"));
            scope.spawn(read);
        });
        let state = state(place).await;
        let (lines, tip) = state.journal().await.unwrap();
        verify(&lines, Some(&tip)).unwrap();
        for kind in ["watch", "watch.more", "ann", "bob"] {
            let told: Vec<_> =
                lines.iter().filter(|line| line.kind == kind).map(|line| line.detail.as_u64().unwrap()).collect();
            assert_eq!(told, (0..rounds).collect::<Vec<_>>(), "{kind}");
        }
        let part = &state.head().watch.blobs["part"];
        assert_eq!(state.store().keys("blob/").await.unwrap(), [format!("blob/{part}")]);
    });
}
