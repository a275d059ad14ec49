//! What is usual, as passes write it: additions of their own, which are put to the slices now and then.

use std::collections::BTreeSet;

use super::super::commit::name_blobs;
use super::super::memory::{Draft, Memory};
use super::*;
use crate::baseline::{Family, Usage};
use crate::event::{Identity, Place, Record, Shape};
use crate::store::{AnyStore, Place as Where, State};

const NOW: Seconds = 100 * DAY;
/// An addition, and what belongs to nobody.
const SMALL: usize = 2;

/// What a pass learns: some of a few principals in a few accounts, by its number.
fn lesson(pass: usize) -> Baseline {
    let mut learned = Baseline::default();
    for who in 0..6 {
        let account = format!("11112222333{}", (pass + who) % 3);
        let raw = format!(
            r#"{{"type":"IAMUser","principalId":"AIDA{who:016}","arn":"arn:aws:iam::{account}:user/u","accountId":"{account}"}}"#
        );
        let identity = Identity::parse(&raw, &account);
        let place = Place::new(&account, "eu-west-1", &format!("10.0.{}.1", pass % 7));
        let record = Record { source: "s3.amazonaws.com".into(), name: "GetObject".into(), ..Record::default() };
        let (shape, at) = (Shape::of(&record, &identity), NOW - (pass as i64) * HOUR);
        let usage = Usage { identity: &identity, place: &place, shape: &shape, first: at, last: at };
        learned.record(&[Family::networks()], &usage);
    }
    learned
}

async fn commit(
    state: &mut State<AnyStore>,
    draft: impl AsyncFnOnce(&State<AnyStore>) -> Vec<(String, Option<String>)>,
) {
    let slots = draft(state).await.into_iter().collect();
    let change = |head: &mut crate::store::Head| {
        name_blobs(head, &slots);
        Vec::new()
    };
    state.commit(NOW, change).await.unwrap();
    state.sweep().await.unwrap();
    state.release().await.unwrap();
}

#[test]
fn additions_are_put_to_the_slices_and_those_of_an_earlier_version_are_cut_anew() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = AnyStore::open(&Where::File(folder.path().join("state.db"))).await.unwrap();
        let mut state = State::open(store).await.unwrap();
        let mut whole = lesson(50);
        state.acquire("earlier", NOW, 60).await.unwrap();
        commit(&mut state, async |state| {
            let mut draft = Draft::new(state);
            let bytes = slice::encode(&whole, &slice::all(), NOW).unwrap();
            for (number, bytes) in bytes.into_values().enumerate() {
                draft.put(format!("baseline/{number:02}"), bytes);
            }
            draft.write().await.unwrap().into_iter().collect()
        })
        .await;
        let mut written = Vec::new();
        for pass in 0..40 {
            state.acquire("me", NOW, 60).await.unwrap();
            let memory = Memory::load(&state, rules(), NOW).await.unwrap();
            assert_eq!(memory.baseline, whole, "pass {pass}");
            let new = lesson(pass);
            whole.merge(new.clone());
            let mut slots = 0;
            commit(&mut state, async |state| {
                let mut draft = Draft::new(state);
                draft.learned(&whole, &new, &memory.unfolded, NOW).unwrap();
                let changed = draft.write().await.unwrap();
                slots = changed.values().flatten().count();
                changed.into_iter().collect()
            })
            .await;
            written.push(slots);
            let names: BTreeSet<usize> =
                state.head().watch.blobs.keys().filter(|slot| slot.starts_with("baseline/")).map(String::len).collect();
            assert_eq!(names, BTreeSet::from(["baseline/000".len()]));
        }
        let large: Vec<usize> = (0..written.len()).filter(|pass| written[*pass] > SMALL).collect();
        assert_eq!(large, [0, 13, 26, 39], "{written:?}");
    });
}
