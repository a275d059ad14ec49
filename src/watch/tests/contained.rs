//! What is cut off and acts all the same, and what is missed: over whole conclusions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::super::conclude::{Conclusion, Means, conclude};
use super::super::contained::{adopt as adopt_contained, still_act};
use super::super::habits::{count, habits};
use super::super::life::adopt;
use super::super::memory::{Draft, Memory};
use super::super::read::Read;
use super::*;
use crate::contain::blast_radius::{blast, is_used_by_others, usual_networks};
use crate::event::time;
use crate::habit::{Habits, decode, encode};
use crate::model::plan::Verdict;
use crate::source::inventory::Inventory;
use crate::source::live::{Batch, Cursors};
use crate::store::watched::{Contained, Watched};
use crate::store::{AnyStore, Place, State};

const USER: &str = "arn:aws:iam::111122223333:user/ci-deployer";
const KEY: &str = "AKIAEXAMPLECI0000001";
const ATTACKER: &str = "203.0.113.66";

/// A watch whose passes are conclusions, without a network or a store.
struct Watching {
    since: Seconds,
    memory: Memory,
    watched: Watched,
    habits: Habits,
}

impl Watching {
    fn new(since: Seconds, history: &[Object]) -> Self {
        let mut lesson = Lesson::new(rules(), Baseline::default(), since);
        lesson.take(history, since);
        let memory = Memory { baseline: lesson.baseline, kept: lesson.kept, ..Memory::default() };
        Self { since, memory, watched: Watched::default(), habits: lesson.habits }
    }

    fn pass(&mut self, objects: &[Object], now: Seconds) -> Conclusion {
        let mut door = Door::at(now);
        self.memory.door.buckets().for_each(|(bucket, bytes)| door.recall(bucket, &bytes));
        let mut memory = std::mem::take(&mut self.memory);
        memory.door = door;
        let told = memory.told.clone();
        let batch = Batch { feed: "lookup".to_owned(), objects: objects.to_vec(), ..Batch::default() };
        let mut read = Read {
            forgotten: BTreeSet::new(),
            batches: vec![batch],
            cursors: Cursors::default(),
            regions: BTreeMap::new(),
            inventory: Inventory::default(),
            problems: Vec::new(),
        };
        let bills = Bills::default();
        let (watched, since) = (&self.watched, self.since);
        let means = Means {
            rules: rules(),
            bills: &bills,
            watched,
            begun: now,
            since,
            patience: 1_800,
            is_noting: false,
            is_handed: false,
        };
        let mut concluded = conclude(memory, &mut read, &means).unwrap();
        for (day, daily) in concluded.habits.days() {
            self.habits.add(day, daily.clone());
        }
        for update in &concluded.updates {
            adopt(&mut self.watched.incidents, update);
        }
        adopt_contained(&mut self.watched.contained, &concluded.refused);
        self.watched.last_pass = Some(now);
        let news = concluded.updates.iter().map(|update| (update.told.incident.id.clone(), update.told.clone()));
        self.memory = Memory {
            baseline: std::mem::take(&mut concluded.baseline),
            kept: std::mem::take(&mut concluded.kept),
            door: std::mem::take(&mut concluded.door),
            told: told.into_iter().chain(news).collect(),
            inventory: Some(concluded.inventory.clone()),
            ..Memory::default()
        };
        concluded
    }

    fn incident(&self) -> &Incident {
        let open: Vec<_> = self.watched.incidents.iter().filter(|(_, known)| known.status != Status::Closed).collect();
        assert_eq!(open.len(), 1, "{:?}", self.watched.incidents);
        &self.memory.told[open[0].0].incident
    }

    /// What a plan that was executed leaves behind.
    fn contain(&mut self, names: &[&str], at: Seconds) {
        let contained = Contained::of(self.incident(), at);
        let id = contained.incident.clone();
        self.watched.contained.extend(names.iter().map(|name| ((*name).to_owned(), contained.clone())));
        self.watched.incidents.get_mut(&id).unwrap().status = Status::Contained;
    }
}

/// A night that was contained some hours after it began.
fn contained() -> (Watching, Seconds) {
    let night = Night::new(Scenario::LambdaDdosAllRegions, 1, 20);
    let (history, live): (Vec<_>, Vec<_>) =
        night.objects.iter().cloned().partition(|object| object.delivered_day().unwrap() * DAY < night.since);
    let mut watching = Watching::new(night.since, &history);
    let now = night.since + 2 * DAY + HOUR;
    watching.pass(&live, now);
    watching.contain(&[USER, KEY], now);
    (watching, now)
}

fn call(id: u32, at: Seconds, key: &str, address: &str, name: &str, error: &str) -> String {
    let mut record = json!({
        "eventVersion": "1.11", "eventTime": time::format(at), "eventSource": "iam.amazonaws.com", "eventName": name,
        "awsRegion": "us-east-1", "sourceIPAddress": address, "userAgent": "Boto3/1.34.69",
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE1", "arn": USER, "accountId": "111122223333",
            "accessKeyId": key, "userName": "ci-deployer"},
        "requestParameters": null, "responseElements": null, "eventID": format!("00000000-0000-4000-8000-{id:012}"),
        "readOnly": true, "eventType": "AwsApiCall", "recipientAccountId": "111122223333",
    });
    if !error.is_empty() {
        record["errorCode"] = json!(error);
    }
    record.to_string()
}

fn object(lines: &[String]) -> Vec<Object> {
    vec![Object::memory("new".to_owned(), lines.join("\n").into_bytes())]
}

fn changes(concluded: &Conclusion) -> Vec<(Became, String)> {
    concluded.updates.iter().map(|update| (update.became, update.changes.join(" "))).collect()
}

#[test]
fn a_success_after_containment_opens_the_incident_again_each_time() {
    let (mut watching, now) = contained();
    let id = watching.incident().id.clone();
    let quiet = [
        call(1, now + 30, KEY, ATTACKER, "ListUsers", ""),
        call(2, now + 120, KEY, ATTACKER, "ListUsers", "AccessDenied"),
        call(3, now + 120, KEY, ATTACKER, "GetCallerIdentity", ""),
    ];
    watching.pass(&object(&quiet), now + 300);
    assert_eq!(watching.watched.incidents[&id].status, Status::Contained);
    let mut at = now + 600;
    for again in [false, true] {
        // With a key that nobody knew of, too.
        let key = if again { "AKIAEXAMPLECI0000077" } else { KEY };
        let concluded =
            watching.pass(&object(&[call(4 + u32::from(again), at, key, ATTACKER, "ListRoles", "")]), at + 60);
        let told = changes(&concluded);
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].0, Became::Reopened, "{told:?}");
        assert!(
            told[0].1.contains(if again { "succeeds again" } else { "Contained identity still succeeds" }),
            "{told:?}"
        );
        assert_eq!(
            (watching.incident().id.as_str(), watching.watched.incidents[&id].status),
            (id.as_str(), Status::Open)
        );
        let same = watching.pass(&object(&[call(6, at + 70, key, ATTACKER, "ListRoles", "")]), at + 130);
        let same = changes(&same);
        assert!(same.iter().all(|(_, text)| !text.contains("succeeds")), "once a day: {same:?}");
        at += DAY;
        watching.contain(&[USER, KEY], at - 120);
    }
}

#[test]
fn production_that_is_refused_is_told_once_and_at_ten_times() {
    let (mut watching, now) = contained();
    let id = watching.incident().id.clone();
    let refused = |from: u32, count: u32, at: Seconds, address: &str| {
        let calls: Vec<_> =
            (from..from + count).map(|n| call(n, at, KEY, address, "GetRole", "AccessDenied")).collect();
        object(&calls)
    };
    let count =
        |told: &[(Became, String)]| told.iter().filter(|(_, text)| text.contains("production may be broken")).count();
    assert_eq!(count(&changes(&watching.pass(&refused(100, 50, now + 90, ATTACKER), now + 120))), 0, "the attacker");
    let own = refused(200, 7, now + 200, "198.51.100.10");
    let told = changes(&watching.pass(&own, now + 300));
    assert_eq!(count(&told), 1, "{told:?}");
    let text = "Since containment 7 calls of ci-deployer from 198.51.100.0/24 (Boto3) were refused";
    assert!(told[0].1.contains(text) && told[0].1.contains(&format!("`stakeout undo {id}`")), "{told:?}");
    assert_eq!(count(&changes(&watching.pass(&own, now + 360))), 0, "the same events again");
    assert_eq!(count(&changes(&watching.pass(&refused(300, 62, now + 400, "198.51.100.11"), now + 480))), 0);
    let told = changes(&watching.pass(&refused(400, 1, now + 500, "198.51.100.10"), now + 600));
    assert!(count(&told) == 1 && told[0].1.contains("70 calls"), "{told:?}");
    assert_eq!(watching.watched.contained[USER].refused.len(), 1);
    assert!(watching.watched.contained[KEY].refused.is_empty(), "each call counts for one");
}

#[test]
fn what_is_missed_is_told_with_the_incident_that_goes_on() {
    let (mut watching, now) = contained();
    let id = watching.incident().id.clone();
    watching.watched.contained.values_mut().for_each(|held| held.incident = "inc-old".to_owned());
    let old =
        Known { status: Status::Closed, merged_into: Some(id.clone()), ..watching.watched.incidents[&id].clone() };
    watching.watched.incidents.insert("inc-old".to_owned(), old);
    let own = object(&[call(1, now + 200, KEY, "198.51.100.10", "GetRole", "AccessDenied")]);
    let concluded = watching.pass(&own, now + 300);
    let told = concluded.updates.iter().find(|update| update.told.incident.id == id).unwrap();
    assert!(told.changes.join(" ").contains("`stakeout undo inc-old`"), "{:?}", told.changes);
}

#[test]
fn only_what_was_cut_off_counts() {
    let (watching, now) = contained();
    let still = |change: &dyn Fn(&mut Contained), address: &str| {
        let mut all = watching.watched.contained.clone();
        all.values_mut().for_each(change);
        let mut news = Arrivals::begin(Door::at(now));
        news.read(&object(&[call(1, now + 900, KEY, address, "ListRoles", "")]), rules(), 0);
        still_act(&news.parts, &all, &watching.memory.told).len()
    };
    let own = "198.51.100.10";
    assert_eq!((still(&|_| {}, own), still(&|held| held.since = now + 841, own)), (1, 0));
    let of_networks = |held: &mut Contained| held.network_ok = BTreeSet::from(["198.51.100.0/24".to_owned()]);
    assert_eq!((still(&of_networks, own), still(&of_networks, ATTACKER)), (0, 1));
    assert_eq!(still(&|held| held.sessions = BTreeSet::from(["AROAX:s".to_owned()]), own), 0);
    assert_eq!(still(&|held| held.sessions_before = Some(now), own), 0);
}

#[test]
fn the_key_of_the_pipeline_is_automation_that_somebody_waits_for() {
    let (watching, now) = contained();
    let incident = watching.incident().clone();
    let history = watching.memory.baseline.history_days("111122223333", now);
    for credential in [Some(KEY), None] {
        let blast = blast(&watching.habits, &incident, USER, credential, history, now);
        assert_eq!(blast.verdict, Verdict::AutomationHigh, "{blast:?}");
        assert_eq!(
            (blast.networks.as_slice(), blast.user_agents.as_slice()),
            (&["198.51.100.0/24".to_owned()][..], &["Terraform".to_owned()][..])
        );
        assert_eq!(blast.alternatives[0].way, "network");
        assert!(blast.would_have_refused > 40 && blast.calls_per_day > 40.0, "{blast:?}");
    }
    assert_eq!(usual_networks(&watching.habits, &incident, USER, None, now).len(), 1);
    let made = incident.resources.iter().filter(|made| made.kind == "iam:role" || made.kind == "iam:user");
    let made: Vec<_> = made.map(|made| made.arn.as_str()).collect();
    assert!(made.len() >= 2, "{made:?}");
    for arn in made {
        assert_eq!(blast(&watching.habits, &incident, arn, None, history, now).verdict, Verdict::Unused);
        assert!(!is_used_by_others(&watching.habits, &incident, arn, now));
    }
    assert!(is_used_by_others(&watching.habits, &incident, "arn:aws:iam::111122223333:role/orders-api-exec", now));
}

#[test]
fn counts_do_not_change_with_order_copies_or_pieces() {
    let night = Night::new(Scenario::MissingKey, 3, 16);
    let counted = |objects: &[&[Object]]| {
        let (mut habits, mut door) = (Habits::default(), Door::at(night.since));
        for some in objects {
            let mut news = Arrivals::begin(door);
            news.read(some, rules(), Seconds::MIN);
            news.parts.iter().for_each(|part| count(&mut habits, part));
            door = news.door;
        }
        habits
    };
    let whole = counted(&[&night.objects]);
    let mut shuffled = night.objects.clone();
    fastrand::Rng::with_seed(1).shuffle(&mut shuffled);
    let pieces: Vec<&[Object]> = shuffled.chunks(50).chain([night.objects.as_slice()]).collect();
    assert_eq!(counted(&pieces), whole);
    // What is learned and what is judged are two parts of one whole.
    let mut lesson = Lesson::new(rules(), Baseline::default(), night.since);
    lesson.take(&shuffled, night.since);
    let mut news = Arrivals::begin(Door::at(night.since));
    news.read(&shuffled, rules(), night.since);
    let mut both = lesson.habits;
    news.parts.iter().for_each(|part| count(&mut both, part));
    assert_eq!(both, whole);
}

#[test]
fn days_are_kept_in_the_state_for_a_month_and_learned_once() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = AnyStore::open(&Place::File(folder.path().join("state.db"))).await.unwrap();
        let mut state = State::open(store).await.unwrap();
        let mut watching = Watching::new(0, &[]);
        let now = 100 * DAY;
        let lines =
            [call(1, now - 50, KEY, ATTACKER, "ListRoles", ""), call(2, now + 50, KEY, ATTACKER, "ListRoles", "")];
        let fresh = watching.pass(&object(&lines), now).habits;
        for (pass, learns) in [(0, true), (1, true), (2, false)] {
            state.acquire("me", now + pass, 60).await.unwrap();
            let mut draft = Draft::new(&state);
            if learns {
                draft.habits_of_past(&fresh, now).await.unwrap()
            } else {
                draft.habits(&fresh, now).await.unwrap()
            }
            let slots = draft.write().await.unwrap();
            state
                .commit(now, |head| {
                    super::super::commit::name_blobs(head, &slots);
                    Vec::new()
                })
                .await
                .unwrap();
            state.sweep().await.unwrap();
            state.release().await.unwrap();
        }
        let calls = |habits: &Habits| habits.days().map(|(day, daily)| (day, daily.calls())).collect::<Vec<_>>();
        assert_eq!(calls(&habits(&state, now).await.unwrap()), [(99, 2), (100, 2)], "learned twice is learned once");
        assert_eq!(calls(&habits(&state, now + 30 * DAY).await.unwrap()), [(100, 2)]);
        state.acquire("me", now, 60).await.unwrap();
        let mut draft = Draft::new(&state);
        draft.habits(&Habits::default(), now + 30 * DAY).await.unwrap();
        assert_eq!(draft.slots.values().filter(|name| name.is_none()).count(), 2);
    });
}

/// Sizes that the documentation names. Run by hand: `cargo test --lib sizes -- --ignored --nocapture`.
#[test]
#[ignore = "it measures"]
#[expect(clippy::print_stdout, reason = "it measures")]
fn sizes_of_days() {
    let packed = |habits: &Habits| {
        let sizes = habits.days().map(|(_, daily)| {
            let mut daily = daily.clone();
            daily.bound();
            let bytes = encode(&daily).unwrap();
            (bytes.len(), zstd::encode_all(&*bytes, 3).unwrap().len())
        });
        sizes.fold((0, 0, 0), |(days, raw, packed), (more, less)| (days + 1, raw + more, packed + less))
    };
    let night = Night::new(Scenario::LambdaDdosAllRegions, 1, 31);
    let mut lesson = Lesson::new(rules(), Baseline::default(), Seconds::MAX);
    lesson.take(&night.objects, night.since);
    let tell = |what: &str, (days, bytes, packed): (usize, usize, usize)| {
        println!("{what}: {days} days, {bytes} bytes, {packed} packed");
    };
    tell(&format!("drill of {} events", lesson.events), packed(&lesson.habits));
    let mut large = Habits::default();
    let mut random = fastrand::Rng::with_seed(1);
    for (day, who) in (0..30).flat_map(|day| (0..1_000).map(move |who| (day, who))) {
        for (address, action) in (0..2).flat_map(|address| (0..12).map(move |action| (address, action))) {
            let raw = json!({"type": "AssumedRole", "principalId": format!("AROAEXAMPLE{who:010}:s"), "accountId": "111122223333",
                "sessionContext": {"sessionIssuer": {"principalId": format!("AROAEXAMPLE{who:010}"), "type": "Role",
                    "arn": format!("arn:aws:iam::111122223333:role/service-{who}")}}});
            let identity = crate::event::Identity::parse(&raw.to_string(), "111122223333");
            let place = crate::event::Place::new(
                "111122223333",
                "eu-west-1",
                &format!("198.51.{}.{address}", (who + address) % 250),
            );
            let name = format!("Action{}", (action * 7 + who) % 300);
            let record = crate::event::Record {
                source: "ec2.amazonaws.com".into(),
                name: name.into(),
                user_agent: "Boto3/1".into(),
                ..Default::default()
            };
            let shape = crate::event::Shape::of(&record, &identity);
            let mut hours = crate::habit::Hours::default();
            hours.iter_mut().for_each(|hour| *hour = random.u32(0..40));
            large.record(&crate::habit::Calls {
                identity: &identity,
                place: &place,
                shape: &shape,
                hours: &hours,
                last: day * DAY + random.i64(0..DAY),
            });
        }
    }
    tell("1,000 principals", packed(&large));
    let begun = std::time::Instant::now();
    large.days().for_each(|(_, daily)| drop(decode(&encode(daily).unwrap()).unwrap()));
    println!("written and read in {} ms", begun.elapsed().as_millis());
}
