//! Out of one store and into another.

use serde_json::json;

use super::{block_on, noise, on_every_store, open};
use crate::journal::{Entry, verify};
use crate::store::state::State;
use crate::store::transfer::{ImportError, Items, check, export, import, journal};
use crate::store::{Acquired, AnyStore, Place, StateError, Store as _};

const NOW: i64 = 1_800_000_000;

/// A state with lines, a small and a large blob, and a lease that was not given back.
async fn filled(place: &Place) -> State<AnyStore> {
    let mut state = State::open(open(place).await).await.unwrap();
    assert_eq!(state.acquire("one", NOW, 60).await.unwrap(), Acquired::Yes);
    for pass in 0..3_u64 {
        let part = state.put_blob("part", &noise(700_000, pass)).await.unwrap();
        let small = state.put_blob("fingerprints", &noise(100, pass)).await.unwrap();
        let change = |head: &mut crate::store::Head| {
            head.watch.blobs.insert("part/a".to_owned(), part.clone());
            head.watch.blobs.insert("fingerprints".to_owned(), small.clone());
            vec![
                Entry::new("pass", None, json!({ "n": pass, "usd": 0.1 + 0.2 })),
                Entry::new("notified", Some("i"), json!("ü")),
            ]
        };
        state.commit(NOW, change).await.unwrap();
        state.sweep().await.unwrap();
    }
    state
}

fn sqlite(folder: &tempfile::TempDir, name: &str) -> Place {
    Place::File(folder.path().join(name))
}

#[test]
fn an_export_is_the_same_again_whatever_store_it_went_through() {
    let folder = tempfile::tempdir().unwrap();
    let round = std::cell::Cell::new(0);
    on_every_store(async |place| {
        round.set(round.get() + 1);
        let between = sqlite(&folder, &format!("between-{}.db", round.get()));
        drop(filled(&between).await);
        let first = export(&open(&between).await).await.unwrap();
        // A head, two blobs, and four lines; the last two are still in the head.
        assert_eq!(first.len(), 7);
        assert_eq!(import(open(place).await, &first, false, "import", NOW).await.unwrap().lines, 6);
        let second = export(&open(place).await).await.unwrap();
        assert!(first == second);
        let back = sqlite(&folder, &format!("back-{}.db", round.get()));
        import(open(&back).await, &second, false, "import", NOW).await.unwrap();
        assert!(export(&open(&back).await).await.unwrap() == first);
        // And it is a state that works on.
        let mut state = State::open(open(place).await).await.unwrap();
        assert_eq!(state.acquire("two", NOW, 60).await.unwrap(), Acquired::Yes);
        state.commit(NOW, |_| vec![Entry::new("pass", None, json!(3))]).await.unwrap();
        let (lines, tip) = state.journal().await.unwrap();
        assert_eq!(verify(&lines, Some(&tip)).unwrap().lines, 7);
        let part = state.head().watch.blobs["part/a"].clone();
        assert!(state.blob(&part).await.unwrap() == noise(700_000, 2));
        state.release().await.unwrap();
    });
}

#[test]
fn an_import_replaces_only_when_told_and_when_nobody_works() {
    on_every_store(async |place| {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(&sqlite(&folder, "a.db")).await);
        let items = export(&open(&sqlite(&folder, "a.db")).await).await.unwrap();
        let mut holder = filled(place).await;
        let token = holder.head().token;
        let refused = import(open(place).await, &items, false, "import", NOW).await;
        assert!(matches!(refused, Err(ImportError::NotEmpty(6))));
        let refused = import(open(place).await, &items, true, "import", NOW + 30).await;
        assert!(matches!(refused, Err(ImportError::State(StateError::Held { .. }))));
        import(open(place).await, &items, true, "import", NOW + 61).await.unwrap();
        let state = State::open(open(place).await).await.unwrap();
        assert!(state.head().token > token, "the old holder stays behind the fence");
        assert!(matches!(holder.commit(NOW + 62, |_| Vec::new()).await, Err(StateError::LostLease)));
        assert_eq!(export(state.store()).await.unwrap().len(), items.len());
        check(&export(state.store()).await.unwrap()).unwrap();
    });
}

#[test]
fn an_import_that_ends_early_is_not_taken_for_a_state() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let place = sqlite(&folder, "a.db");
        drop(filled(&place).await);
        let items = export(&open(&place).await).await.unwrap();
        let store = open(&place).await;
        let head = store.get("head").await.unwrap().unwrap();
        let text = String::from_utf8(head.value).unwrap().replace(r#""importing":false"#, r#""importing":true"#);
        assert!(store.swap("head", head.version, text.as_bytes()).await.unwrap());
        assert!(matches!(State::open(open(&place).await).await, Err(StateError::HalfImported)));
        assert!(matches!(export(&store).await, Err(StateError::HalfImported)));
        drop(store);
        import(open(&place).await, &items, true, "import", NOW).await.unwrap();
        State::open(open(&place).await).await.unwrap();
    });
}

#[test]
fn what_is_not_whole_is_not_imported() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let place = sqlite(&folder, "a.db");
        drop(filled(&place).await);
        let items = export(&open(&place).await).await.unwrap();
        assert_eq!(journal(&items).unwrap().0.len(), 6);
        for key in items.keys() {
            let mut less: Items = items.clone();
            less.remove(key);
            check(&less).unwrap_err();
            let mut changed = items.clone();
            let value = changed.get_mut(key).unwrap();
            let middle = value.len() / 2;
            value[middle] ^= 1;
            // A head has fields that no hash covers.
            if key != "head" {
                check(&changed).unwrap_err();
            }
        }
        let nothing = import(open(&sqlite(&folder, "b.db")).await, &Items::new(), false, "import", NOW).await;
        assert!(nothing.is_err());
    });
}
