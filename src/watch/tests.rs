//! Passes over a stream that arrives in pieces, late, twice and out of order tell what one replay tells.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod contained;
mod learned;
mod measured;
mod silent;

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use super::change::Told;
use super::judge::{Arrivals, Judged, Lesson, Scope, judge};
use super::life::{Became, Past, Update, adopt, updates};
use crate::baseline::{Baseline, slice};
use crate::detect::Rules;
use crate::drill::{self, Scenario};
use crate::event::{DAY, HOUR, Owners, Seconds};
use crate::model::{Incident, Status};
use crate::replay::door::Door;
use crate::replay::kept::{self, Kept};
use crate::replay::map::Range;
use crate::replay::{Settings, replay};
use crate::source::{Bills, Object, Wanted, discover};
use crate::store::watched::{Closed, Known, Resolution};

fn rules() -> &'static Rules {
    static RULES: OnceLock<Rules> = OnceLock::new();
    RULES.get_or_init(|| Rules::load(&[]).unwrap())
}

/// A drill's objects in order of delivery.
struct Night {
    _folder: tempfile::TempDir,
    objects: Vec<Object>,
    /// When the last day but one begins.
    since: Seconds,
}

impl Night {
    fn new(scenario: Scenario, seed: u64, days: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = drill::Options {
            seed,
            days,
            noise: 0.1,
            duplicates: 0.1,
            batch: Duration::from_secs(1_800),
            ..drill::Options::default()
        };
        drill::write_tree(Some(scenario), &options, folder.path()).unwrap();
        let mut objects =
            discover(&[folder.path().join("AWSLogs").to_str().unwrap().to_owned()], &Wanted::default()).unwrap();
        objects.retain(|object| object.delivered_day().is_some());
        let first = objects.iter().filter_map(Object::delivered_day).min().unwrap();
        let since = (first + i64::from(days) - 2) * DAY;
        Self { _folder: folder, objects, since }
    }

    fn replayed(&self) -> Vec<Incident> {
        let range = Range { start: self.since, end: Seconds::MAX };
        let settings = Settings { range, accounts: &[], threads: 1, max_object_bytes: 1 << 30 };
        let bills = Bills::default();
        replay(&self.objects, &bills, rules(), Baseline::default(), settings, &|_| {}).unwrap().0.incidents
    }
}

/// A watch without a network or a store: what it remembers goes through bytes from pass to pass.
struct Passes {
    since: Seconds,
    now: Seconds,
    baseline: Baseline,
    kept: Kept,
    door: Door,
    known: BTreeMap<String, Known>,
    told: BTreeMap<String, Told>,
}

impl Passes {
    fn new(since: Seconds, history: &[Object]) -> Self {
        let mut lesson = Lesson::new(rules(), Baseline::default(), since);
        lesson.take(history, since);
        let (baseline, kept) = (lesson.baseline, lesson.kept);
        let (known, told) = (BTreeMap::new(), BTreeMap::new());
        Self { since, now: since, baseline, kept, door: Door::at(since), known, told }
    }

    fn pass(&mut self, objects: &[Object], now: Seconds) -> Vec<Update> {
        self.now = now;
        let mut door = Door::at(now);
        self.door.buckets().for_each(|(bucket, bytes)| door.recall(bucket, &bytes));
        let mut news = Arrivals::begin(door);
        news.read(objects, rules(), self.since);
        let parts = std::mem::take(&mut news.parts);
        let baseline = std::mem::take(&mut self.baseline);
        let scope = Scope { since: self.since, is_whole: true, now };
        let Judged { outcome, fresh, .. } =
            judge(rules(), baseline, &self.kept, parts, &Bills::default(), Owners::default(), scope).unwrap();
        let (mut report, judged) = (outcome.report, outcome.judged);
        let past = Past { known: &self.known, told: &self.told };
        let updates = updates(&past, &mut report.incidents, &mut report.findings, now);
        for update in &updates {
            self.known.insert(update.told.incident.id.clone(), update.known.clone());
            self.told.insert(update.told.incident.id.clone(), update.told.clone());
        }
        self.kept.merge(fresh);
        let live: Vec<_> = report.incidents.iter().collect();
        self.kept.forget(now, &live, &report.findings, &judged);
        self.kept = kept::decode(&kept::encode(&self.kept, rules()).unwrap(), rules()).unwrap();
        for bytes in slice::encode(&outcome.baseline, &slice::all(), now).unwrap().values() {
            slice::decode(bytes, "slice", &mut self.baseline).unwrap();
        }
        self.door = news.door;
        updates
    }
}

/// What both must say of an incident.
fn essence(incident: &Incident) -> serde_json::Value {
    serde_json::to_value(incident).unwrap()
}

fn watched(night: &Night, every: usize, shuffle: u64) -> (Passes, Vec<Update>) {
    let (history, live): (Vec<_>, Vec<_>) =
        night.objects.iter().cloned().partition(|object| object.delivered_day().unwrap() * DAY < night.since);
    let mut passes = Passes::new(night.since, &history);
    let mut random = fastrand::Rng::with_seed(shuffle);
    // Some objects come later than others that were delivered after them, and some come twice.
    let mut order: Vec<(usize, Object)> = live.into_iter().enumerate().collect();
    for (position, _) in &mut order {
        *position += random.usize(0..every * 2);
    }
    order.extend(order.clone().into_iter().filter(|_| shuffle % 2 == 1).map(|(at, object)| (at + every * 3, object)));
    order.sort_by_key(|(position, _)| *position);
    let objects: Vec<Object> = order.into_iter().map(|(_, object)| object).collect();
    let chunks = objects.chunks(every).count() as i64;
    let mut all = Vec::new();
    for (number, chunk) in (1..).zip(objects.chunks(every)) {
        // Old objects are judged again here, too: the history that was delivered late.
        all.extend(passes.pass(chunk, night.since + (2 * DAY + HOUR) * number / chunks));
    }
    (passes, all)
}

#[test]
fn passes_tell_what_a_replay_tells() {
    for (scenario, seed) in
        [(Scenario::LambdaDdosAllRegions, 1), (Scenario::LambdaDdosAllRegions, 5), (Scenario::MissingKey, 2)]
    {
        let night = Night::new(scenario, seed, 20);
        let replayed = night.replayed();
        assert_eq!(replayed.len(), 1, "{scenario:?} {seed}");
        for (every, shuffle) in [(7, 0), (40, 1), (100, 2), (100_000, 3)] {
            let (passes, all) = watched(&night, every, shuffle);
            let open: Vec<_> = passes.known.iter().filter(|(_, known)| known.status == Status::Open).collect();
            assert_eq!(open.len(), 1, "{scenario:?} {seed} every {every}");
            let last = &passes.told[open[0].0].incident;
            let (mut mine, mut other) = (essence(last), essence(&replayed[0]));
            // An incident keeps the id and the time with which it opened, also when earlier events come later.
            for changing in ["id", "opened_at"] {
                mine[changing] = serde_json::Value::Null;
                other[changing] = serde_json::Value::Null;
            }
            assert_eq!(mine, other, "{scenario:?} {seed} every {every}");
            let opened = all.iter().filter(|update| update.became == Became::Opened).count();
            let merged = all.iter().filter(|update| update.became == Became::Merged).count();
            assert_eq!(opened - merged, 1, "{scenario:?} {seed} every {every}");
        }
    }
}

/// An incident with so many events, of some findings, in some regions.
fn told(id: &str, findings: &[&str], regions: &[&str], events: usize) -> Told {
    let finding = |name: &&str| -> crate::model::Finding {
        let text = serde_json::json!({
            "id": name, "detector": name, "title": format!("Title of {name}"), "level": "high", "notice": false,
            "time": "2026-03-01T00:00:00Z", "account": "111122223333", "region": "us-east-1", "principal": "arn",
            "credential": null, "source_ip": null, "event_ids": [], "attack": [], "reasons": [], "incident": id,
        });
        serde_json::from_value(text).unwrap()
    };
    let incident = serde_json::json!({
        "id": id, "title": "t", "level": "high", "status": "open", "accounts": ["111122223333"],
        "opened_at": "2026-03-01T00:00:00Z", "first_event": "2026-03-01T00:00:00Z",
        "last_event": "2026-03-01T01:00:00Z", "root": {"principal": "arn", "credential": null, "confidence": "probable"},
        "principals": [], "credentials": [], "resources": [], "regions": regions, "source_ips": [], "attack": [],
        "findings": findings, "merged_into": null, "burn_usd_per_hour": null, "narrative": [],
    });
    let mut incident: Incident = serde_json::from_value(incident).unwrap();
    incident.members.events = (0..events).map(|n| format!("{id}-{n}").into()).collect();
    Told { incident, findings: findings.iter().map(finding).collect() }
}

/// Passes over tellings, as a watch keeps them.
#[derive(Default)]
struct Life {
    known: BTreeMap<String, Known>,
    told: BTreeMap<String, Told>,
}

impl Life {
    fn pass(&mut self, all: &[Told], now: Seconds) -> Vec<(Became, String)> {
        let mut incidents: Vec<_> = all.iter().map(|told| told.incident.clone()).collect();
        let mut findings: Vec<_> = all.iter().flat_map(|told| told.findings.clone()).collect();
        let past = Past { known: &self.known, told: &self.told };
        let updates = updates(&past, &mut incidents, &mut findings, now);
        for update in &updates {
            adopt(&mut self.known, update);
            self.told.insert(update.told.incident.id.clone(), update.told.clone());
        }
        updates.into_iter().map(|update| (update.became, update.told.incident.id)).collect()
    }

    fn close(&mut self, id: &str, resolution: Resolution, at: Seconds) {
        let known = self.known.get_mut(id).unwrap();
        known.status = Status::Closed;
        known.closed = Some(Closed { at, resolution, by: "ada".to_owned(), why: "known".to_owned() });
    }
}

#[test]
fn an_incident_is_told_once_for_each_change_that_matters() {
    let mut life = Life::default();
    let of = |news: Became| vec![(news, "a".to_owned())];
    assert_eq!(life.pass(&[told("a", &["f1"], &["eu-west-1"], 3)], 1), of(Became::Opened));
    assert_eq!(life.pass(&[told("a", &["f1"], &["eu-west-1"], 3)], 2), []);
    assert_eq!(life.pass(&[told("a", &["f1"], &["eu-west-1"], 9)], 3), of(Became::Continued));
    assert_eq!(life.pass(&[told("a", &["f1"], &["eu-west-1", "eu-north-1"], 10)], 4), of(Became::Changed));
    assert_eq!(life.known["a"].revision, 2);
    // What is kept of the past may be less than what was known.
    assert_eq!(life.pass(&[told("a", &["f1"], &["eu-west-1"], 4)], 5), []);
    life.close("a", Resolution::FalsePositive, 6);
    assert_eq!(life.pass(&[told("a", &["f1"], &["eu-west-1", "eu-north-1"], 12)], 7), of(Became::Continued));
    assert_eq!((life.known["a"].status, life.known["a"].closed.is_some()), (Status::Closed, true));
    let late = told("a", &["f1", "f2"], &["eu-west-1", "eu-north-1"], 13);
    assert_eq!(life.pass(&[late], 8), of(Became::Reopened));
    assert_eq!((life.known["a"].status, life.known["a"].closed.is_some()), (Status::Open, false));
}

#[test]
fn an_incident_keeps_its_id_and_merges_once() {
    let mut life = Life::default();
    life.pass(&[told("a", &["f1"], &[], 3), told("b", &["f2"], &[], 3)], 1);
    // An earlier event came late, and what was `a` is told under another id.
    let renamed = told("c", &["f0", "f1"], &[], 5);
    let news = life.pass(&[renamed, told("b", &["f2"], &[], 3)], 2);
    assert_eq!(news, [(Became::Changed, "a".to_owned())]);
    let both = told("b", &["f0", "f1", "f2"], &[], 9);
    let news = life.pass(std::slice::from_ref(&both), 3);
    assert_eq!(news, [(Became::Changed, "b".to_owned()), (Became::Merged, "a".to_owned())]);
    assert_eq!(life.known["a"].merged_into.as_deref(), Some("b"));
    assert_eq!(life.pass(&[both], 4), []);
}

#[test]
fn an_incident_that_splits_gives_its_id_once() {
    let mut life = Life::default();
    life.pass(&[told("a", &["f1", "f2"], &[], 3)], 1);
    let news = life.pass(&[told("c", &["f1"], &[], 5), told("d", &["f2"], &[], 5)], 2);
    assert_eq!(news.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["a", "d"]);
    // What was merged is no name for something new.
    let mut life = Life::default();
    life.pass(&[told("a", &["f1"], &[], 3), told("b", &["f2"], &[], 3)], 1);
    life.pass(&[told("b", &["f1", "f2"], &[], 9)], 2);
    assert_eq!(life.pass(&[told("e", &["f1"], &[], 3), told("b", &["f2"], &[], 9)], 3)[0].1, "e");
}
