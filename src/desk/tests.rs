//! What Slack shows, whatever fails, and what clicks come to.

mod clicks;
pub(super) mod fake;
mod outage;
mod shown;

use std::cell::Cell;
use std::collections::BTreeMap;

use serde_json::json;

use super::Desk;
use super::sync::{Synced, sync};
use crate::config::Config;
use crate::event::Seconds;
use crate::model::approval::{Person, Planned, Stage};
use crate::model::plan::{Class, Way};
use crate::model::{Level, Status, What};
use crate::store::sqlite::Sqlite;
use crate::store::watched::{Due, Known};
use crate::store::{Head, State};
use fake::Fake;

/// 2026-11-22T03:00:00Z.
pub(super) const NOW: Seconds = 1_795_316_400;
const CHANNEL: &str = "slack:C0INCIDENT";
const NOTICES: &str = "slack-notices:C0NOTICES";

thread_local! {
    static TIME: Cell<Seconds> = const { Cell::new(NOW) };
}

/// The time of a test, which passes when it waits.
pub(super) fn clock() -> Seconds {
    TIME.get()
}

pub(super) fn pass(seconds: Seconds) {
    TIME.set(clock() + seconds);
}

/// Runs a test in a time of its own, with a folder for its state.
pub(super) fn play(test: impl AsyncFnOnce(&std::path::Path)) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    TIME.set(NOW);
    runtime.block_on(test(&folder.path().join("state.db")));
}

pub(super) async fn open(path: &std::path::Path) -> State<Sqlite> {
    State::open(Sqlite::open(path).unwrap()).await.unwrap()
}

pub(super) fn config(approvers: &[&str]) -> Config {
    serde_json::from_value(json!({
        "slack": { "channel": "C0INCIDENT", "notices": "C0NOTICES", "token": "env:SLACK_BOT_TOKEN" },
        "approval": { "approvers": approvers },
    }))
    .unwrap()
}

pub(super) fn desk<'d>(fake: &'d Fake, config: &'d Config, holder: &str) -> Desk<'d, Fake> {
    Desk::new(fake, config, BTreeMap::new(), holder.to_owned(), clock)
}

pub(super) fn known(revision: u32) -> Known {
    Known {
        title: "A key is abused".to_owned(),
        level: Level::Critical,
        status: Status::Open,
        opened_at: NOW,
        last_event: NOW,
        revision,
        changed_at: NOW,
        events: 3,
        closed: None,
        merged_into: None,
    }
}

pub(super) fn person(id: &str) -> Person {
    super::people::person(&crate::model::click::SlackUser { team: "T1".to_owned(), id: id.to_owned() })
}

pub(super) fn planned(incident: &str, made_at: Seconds, stage: Stage) -> Planned {
    Planned {
        incident: incident.to_owned(),
        way: Way::Contain,
        class: Class::R1,
        steps: 3,
        attempt: 0,
        made_at,
        expires_at: made_at + 1_200,
        requested_by: Person::stakeout(),
        votes: Vec::new(),
        stage,
        journal_from: 0,
        undoes: None,
        done: 0,
        remains: Vec::new(),
        ended_at: None,
        denied_by: None,
    }
}

/// An incident as a pass commits it, with word of it for Slack.
pub(super) async fn incident(state: &mut State<Sqlite>, id: &str, revision: u32, changes: &[&str]) {
    let record = json!({
        "incident": {
            "id": id, "title": "A key is abused", "level": "critical", "status": "open", "accounts": ["111122223333"],
            "opened_at": "2026-11-22T03:00:00Z", "first_event": "2026-11-22T03:00:00Z",
            "last_event": "2026-11-22T03:00:00Z",
            "root": { "principal": null, "credential": "AKIAEXAMPLEEXAMPLE00", "confidence": "confirmed" },
            "principals": [], "credentials": [], "resources": [], "regions": [], "source_ips": [], "attack": [],
            "findings": [], "merged_into": null, "burn_usd_per_hour": null, "narrative": [format!("revision {revision}")],
        },
        "basis": "calls", "findings": [],
    });
    state.acquire("a pass", clock(), 60).await.unwrap();
    let name = state.put_blob("incident", &serde_json::to_vec(&record).unwrap()).await.unwrap();
    let what = if revision == 1 { What::Opened } else { What::Changed };
    let changes: Vec<String> = changes.iter().map(|text| (*text).to_owned()).collect();
    let due = Due {
        incident: id.to_owned(),
        changes,
        ..Due::new(format!("{id}-{revision}"), CHANNEL.to_owned(), what, clock())
    };
    let change = |head: &mut Head| {
        head.watch.blobs.insert(format!("incident/{id}"), name.clone());
        head.watch.incidents.insert(id.to_owned(), Known { changed_at: clock(), ..known(revision) });
        head.watch.due.push(due.clone());
        Vec::new()
    };
    state.commit(clock(), change).await.unwrap();
    state.release().await.unwrap();
}

/// Rounds until nothing is to be done, for so long at most.
async fn settle(state: &mut State<Sqlite>, desk: &Desk<'_, Fake>, seconds: Seconds) -> Synced {
    let end = clock() + seconds;
    loop {
        let synced = sync(state, desk).await.unwrap();
        match synced.next.filter(|at| *at <= end) {
            Some(at) => wait(at - clock()).await,
            None => return synced,
        }
    }
}

async fn wait(seconds: Seconds) {
    pass(seconds.max(1));
    tokio::task::yield_now().await;
}

async fn kinds(state: &State<Sqlite>) -> Vec<String> {
    state.journal().await.unwrap().0.into_iter().map(|line| line.kind).collect()
}

pub(super) async fn alter(state: &mut State<Sqlite>, mut change: impl FnMut(&mut Head)) {
    let change = |head: &mut Head| {
        change(head);
        Vec::new()
    };
    state.append(clock(), change).await.unwrap();
}
