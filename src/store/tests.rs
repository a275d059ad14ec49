//! Both stores keep the same promises.
//!
//! DynamoDB is tested where `STAKEOUT_TEST_DYNAMODB` is the address of a stand-in. The integration tests start one, run
//! these tests again with it, and demand that they met it.

mod table;
mod transfer;

use std::path::PathBuf;
use std::sync::Barrier;

use super::{AnyStore, Lock, Place, Store as _, StoreError};

/// Runs a test on a new place of each kind, from the file to the table.
pub(super) fn on_every_store(test: impl AsyncFn(&Place)) {
    let folder = tempfile::tempdir().unwrap();
    block_on(test(&Place::File(folder.path().join("below/it/state.db"))));
    if let Some(url) = table::url() {
        block_on(async {
            let place = table::make(&url).await;
            test(&place).await;
            #[expect(clippy::print_stdout, reason = "the integration tests count these lines")]
            {
                println!("met {place}");
            }
        });
    }
}

pub(super) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A handle on a place, as a process of its own would have.
pub(super) async fn open(place: &Place) -> AnyStore {
    AnyStore::open(place).await.unwrap()
}

/// Bytes that do not compress.
pub(super) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

#[test]
fn values_of_every_size_come_back_and_replace_each_other() {
    on_every_store(async |place| {
        let (store, other) = (open(place).await, open(place).await);
        assert_eq!(store.get("v").await.unwrap(), None);
        let sizes = [3_000_000, 0, 1, 300_000, 1_000_000, 380_000, 380_001, 3_000_000, 2];
        for (version, size) in (1..).zip(sizes) {
            let value = noise(size, size as u64);
            if version % 2 == 0 {
                store.put("v", &value).await.unwrap();
            } else {
                assert!(store.swap("v", version - 1, &value).await.unwrap());
            }
            let read = other.get("v").await.unwrap().unwrap();
            assert_eq!(read.version, version, "{size}");
            assert!(read.value == value, "{size}");
            assert_eq!(other.range("").await.unwrap(), [("v".to_owned(), value)]);
            assert!(!other.swap("v", version - 1, b"late").await.unwrap());
            assert!(!other.swap("v", version - 1, &noise(500_000, 1)).await.unwrap());
        }
        store.delete("v").await.unwrap();
        store.delete("v").await.unwrap();
        assert_eq!(other.get("v").await.unwrap(), None);
        assert!(other.swap("v", 0, b"again").await.unwrap());
        assert!(!store.swap("v", 0, b"late").await.unwrap());
    });
}

#[test]
fn odd_keys_are_apart() {
    on_every_store(async |place| {
        let store = open(place).await;
        let mut keys =
            vec!["a", "a/", "a/-", "a//", "-", "/", "//", "/a", "%", "_", "a b", "'\"\\", "ä/ö", "🦀", "a/%_*"];
        let long = format!("l/{}", "x".repeat(510));
        keys.push(&long);
        for key in &keys {
            assert!(store.swap(key, 0, key.as_bytes()).await.unwrap(), "{key}");
        }
        keys.sort_unstable();
        assert_eq!(store.keys("").await.unwrap(), keys);
        assert_eq!(store.keys("a/").await.unwrap(), ["a/", "a/%_*", "a/-", "a//"]);
        assert_eq!(store.keys("/").await.unwrap(), ["/", "//", "/a"]);
        assert_eq!(store.keys("nothing/").await.unwrap(), Vec::<String>::new());
        for key in keys {
            assert_eq!(store.get(key).await.unwrap().unwrap().value, key.as_bytes());
        }
        for bad in ["", &"x".repeat(513)] {
            assert!(matches!(store.put(bad, b"").await, Err(StoreError::Refused { .. })));
        }
    });
}

#[test]
fn many_keys_are_listed_whole_and_in_order() {
    on_every_store(async |place| {
        let store = open(place).await;
        let keys: Vec<_> = (0..1_500).map(|number| format!("line/{number:020}")).collect();
        // More than one page of an answer, which holds a megabyte.
        for key in keys.iter().rev() {
            store.put(key, &[7; 1_000]).await.unwrap();
        }
        store.put("line", b"").await.unwrap();
        store.put("lines/1", b"").await.unwrap();
        assert_eq!(store.keys("line/").await.unwrap(), keys);
        assert_eq!(store.keys("line/00000000000000001").await.unwrap(), keys[1_000..]);
        let range = store.range("line/").await.unwrap();
        assert!(range.iter().map(|(key, _)| key).eq(&keys) && range.iter().all(|(_, value)| *value == [7; 1_000]));
        assert_eq!(store.keys("").await.unwrap().len(), 1_502);
        assert!(store.calls().1 >= 1_502 && store.calls().0 >= 4);
    });
}

#[test]
fn of_writers_at_once_one_wins() {
    const WRITERS: u64 = 6;
    const ROUNDS: u64 = 12;
    on_every_store(async |place| {
        let barrier = Barrier::new(usize::try_from(WRITERS).unwrap());
        let race = |writer: u64| {
            let store = block_on(open(place));
            let mut won = 0;
            for round in 0..ROUNDS {
                // Large values race as well.
                let value = noise(if round % 4 == 3 { 500_000 } else { 20 }, writer);
                barrier.wait();
                won += u64::from(block_on(store.swap("race", round, &value)).unwrap());
                barrier.wait();
                let read = block_on(store.get("race")).unwrap().unwrap();
                assert_eq!(read.version, round + 1);
            }
            // And nobody's step is lost where all go on until they get through.
            for _ in 0..ROUNDS {
                loop {
                    let (seen, sum) = block_on(store.get("sum"))
                        .unwrap()
                        .map_or((0, 0), |item| (item.version, u64::from_le_bytes(item.value.try_into().unwrap())));
                    if block_on(store.swap("sum", seen, &(sum + 1).to_le_bytes())).unwrap() {
                        break;
                    }
                }
            }
            won
        };
        let won: u64 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || race(writer))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(won, ROUNDS);
        let sum = open(place).await.get("sum").await.unwrap().unwrap();
        assert_eq!((sum.version, sum.value), (WRITERS * ROUNDS, (WRITERS * ROUNDS).to_le_bytes().to_vec()));
    });
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("state.db")
}

#[cfg(unix)]
#[test]
fn a_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/state.db");
    let store = super::sqlite::Sqlite::open(&path).unwrap();
    assert_eq!(store.lock().unwrap(), Lock::Ours);
    block_on(store.put("k", b"v")).unwrap();
    let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder.path().join("deep")), mode(folder.path().join("deep/er"))), (0o700, 0o700));
    for name in ["state.db", "state.db-wal", "state.db-shm", "state.db.lock"] {
        assert_eq!(mode(folder.path().join("deep/er").join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_file_of_somebody_else_or_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |sql: &str| {
        drop(std::fs::remove_file(file(&folder)));
        rusqlite::Connection::open(file(&folder)).unwrap().execute_batch(sql).unwrap();
        super::sqlite::Sqlite::open(&file(&folder)).err().unwrap().to_string()
    };
    assert!(refused("PRAGMA user_version = 2").contains("newer stakeout"));
    assert!(refused("CREATE TABLE bookmarks (url TEXT)").contains("another program"));
    std::fs::write(file(&folder), "no database at all, but long enough to be read as one".repeat(30)).unwrap();
    let error = anyhow::Error::from(super::sqlite::Sqlite::open(&file(&folder)).err().unwrap());
    assert!(format!("{error:#}").contains("not a database"), "{error:#}");
}

#[test]
fn a_new_file_opened_by_many_at_once_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let barrier = Barrier::new(8);
    let made = std::thread::scope(|scope| {
        let open = || {
            barrier.wait();
            block_on(super::sqlite::Sqlite::open(&file(&folder)).unwrap().swap("k", 0, b"v")).unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|thread| u8::from(thread.join().unwrap())).sum::<u8>()
    });
    assert_eq!(made, 1);
}
