#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::Value;

use super::{Change, FeedState, RegionUse, Seen, observe};
use crate::baseline::Baseline;
use crate::detect::Rules;
use crate::event::{DAY, HOUR, Seconds};
use crate::replay::map::Range;
use crate::replay::{Settings, replay};
use crate::report::Report;
use crate::source::inventory::{AccountInventory, Inventory, Key, Trail, TrailStatus, User};
use crate::source::{Bills, Wanted, discover};

/// Half an hour.
const PATIENCE: Seconds = 1_800;
const ACCOUNT: &str = "111122223333";
const START: Seconds = 1_773_100_800;
const PASS: Seconds = 300;
const DEPLOY: &str = "AKIAEXAMPLEDB0000001";

fn nothing(_: &Change<'_>) -> bool {
    false
}

fn feed(region: &str, unreadable: Option<&str>) -> FeedState {
    FeedState {
        name: format!("lookup {region}"),
        account: Some(ACCOUNT.to_owned()),
        region: Some(region.to_owned()),
        is_listing: false,
        lag: Some(120),
        unreadable: unreadable.map(str::to_owned),
    }
}

fn seen(told: &dyn Fn(&Change<'_>) -> bool) -> Seen<'_> {
    static FEEDS: OnceLock<[FeedState; 1]> = OnceLock::new();
    let feeds = FEEDS.get_or_init(|| [feed("us-east-1", None)]);
    Seen { told, known_since: START - 2 * DAY, patience: PATIENCE, regions: &[], feeds, enabled: &[], still: &[] }
}

fn user(number: usize, keys: &[&str], listed: Seconds) -> (String, User) {
    let name = if number == 0 { "deploy-bot".to_owned() } else { format!("user-{number}") };
    let arn = format!("arn:aws:iam::{ACCOUNT}:user/{name}");
    let keys = keys.iter().map(|key| ((*key).to_owned(), Key { active: true, created: START - 90 * DAY })).collect();
    (format!("AIDAEXAMPLE{number:010}"), User { name, arn, listed: Some(listed), keys })
}

/// An account in which deploy-bot has keys, and somebody else one of their own.
fn inventory(keys: &[&str], taken: Seconds) -> Inventory {
    let users = [user(0, keys, taken), user(1, &["AKIAEXAMPLEDB0000009"], taken)].into();
    of(AccountInventory { taken, users_known: true, users, trails_known: true, ..AccountInventory::default() })
}

fn of(account: AccountInventory) -> Inventory {
    Inventory { accounts: [(ACCOUNT.to_owned(), account)].into(), ..Inventory::default() }
}

/// Goes through passes, of which each saves what it leaves as JSON; returns what was seen, with the number of the pass.
fn run(mut passes: impl FnMut(usize, Seconds) -> Inventory, count: usize, seen: &Seen<'_>) -> Vec<(usize, Value)> {
    let mut saved: Option<String> = None;
    let mut found = Vec::new();
    for pass in 0..count {
        let now = START + PASS * Seconds::try_from(pass).unwrap();
        let before: Option<Inventory> = saved.map(|text| serde_json::from_str(&text).unwrap());
        let mut after = passes(pass, now);
        let lines = observe(before.as_ref(), &mut after, seen, now);
        found.extend(lines.iter().map(|line| (pass, serde_json::from_str(line).unwrap())));
        saved = Some(serde_json::to_string(&after).unwrap());
    }
    found
}

fn names(found: &[(usize, Value)]) -> Vec<(usize, &str)> {
    found.iter().map(|(pass, record)| (*pass, record["eventName"].as_str().unwrap())).collect()
}

/// What the built-in detectors make of records.
fn judged(found: &[(usize, Value)]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seen.jsonl");
    let lines: Vec<_> = found.iter().map(|(_, record)| record.to_string()).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let objects = discover(&[path.display().to_string()], &Wanted::default()).unwrap();
    let range = Range { start: Seconds::MIN, end: Seconds::MAX };
    let settings = Settings { range, accounts: &[], threads: 1, max_object_bytes: 1 << 20 };
    let rules = Rules::load(&[]).unwrap();
    let (report, baseline) =
        replay(&objects, &Bills::default(), &rules, Baseline::default(), settings, &|_| {}).unwrap();
    assert_eq!((report.summary.kept, report.summary.malformed), (found.len() as u64, 0));
    assert_eq!(baseline.span(), None, "what was seen is no use");
    assert_eq!(baseline.first_seen("AIDAEXAMPLE0000000000"), None);
    report
}

#[test]
fn a_key_that_goes_without_an_event_is_told_once_when_events_had_time_to_come() {
    let gone = |pass, now| inventory(if pass < 2 { &[DEPLOY] } else { &[] }, now);
    let found = run(gone, 14, &seen(&nothing));
    assert_eq!(names(&found), [(8, "AccessKeyMissing")]);
    let record = &found[0].1;
    assert_eq!(record["userIdentity"]["accessKeyId"], DEPLOY);
    assert_eq!(record["requestParameters"]["lastAsBefore"], "2026-03-10T00:05:00Z");
    let report = judged(&found);
    assert_eq!(report.incidents.len(), 1, "{:?}", report.findings.iter().map(|f| &f.title).collect::<Vec<_>>());
    let [finding] = &report.findings[..] else { panic!() };
    assert_eq!((&*finding.detector, finding.credential.as_deref()), ("access-key-missing-without-event", Some(DEPLOY)));
    assert_eq!(finding.reasons, [record["requestParameters"]["told"].as_str().unwrap()]);
}

#[test]
fn a_pass_that_is_repeated_says_the_same() {
    let before = inventory(&[DEPLOY], START);
    let quick = Seen { patience: 0, ..seen(&nothing) };
    let pass = || observe(Some(&before), &mut inventory(&[], START + PASS), &quick, START + PASS);
    assert_eq!(pass().len(), 1);
    assert_eq!(pass(), pass());
}

#[test]
fn events_explain_what_came_and_went() {
    const NEW: &str = "AKIAEXAMPLEDB0000002";
    let turned = |pass: usize, now: Seconds| {
        let mut inventory = inventory(if pass < 2 { &[DEPLOY] } else { &[NEW] }, now);
        let users = &mut inventory.accounts.get_mut(ACCOUNT).unwrap().users;
        users.values_mut().flat_map(|user| user.keys.get_mut(NEW)).for_each(|key| key.created = START + PASS);
        if pass >= 3 {
            users.remove("AIDAEXAMPLE0000000001");
        }
        inventory
    };
    let all = run(turned, 14, &seen(&nothing));
    assert_eq!(names(&all), [(8, "AccessKeyMissing"), (8, "AccessKeyAppeared"), (9, "UserMissing")]);
    let report = judged(&all);
    assert_eq!(report.findings.len(), 3);
    assert_eq!(report.findings.iter().filter(|f| &*f.detector == "access-key-appeared-without-event").count(), 1);
    let told = |change: &Change<'_>| match change {
        Change::KeyMade { key } => *key == NEW,
        Change::KeyRemoved { key } => *key == DEPLOY,
        Change::UserRemoved { account, name } => (*account, *name) == (ACCOUNT, "user-1"),
        Change::RegionEnabled { .. } => false,
    };
    assert_eq!(run(turned, 14, &seen(&told)), []);
}

#[test]
fn many_at_once_are_one_incident() {
    let emptied = |pass, now| {
        let listed = if pass == 0 { START } else { now };
        let keys: Vec<_> = (0..50).map(|number| format!("AKIAEXAMPLE{number:09}")).collect();
        let kept = |number: usize| pass == 0 || number >= 40;
        let users = (0..50).map(|number| {
            let key = keys[number].as_str();
            user(number, if kept(number) { std::slice::from_ref(&key) } else { &[] }, listed)
        });
        of(AccountInventory { taken: now, users_known: true, users: users.collect(), ..AccountInventory::default() })
    };
    let found = run(emptied, 14, &seen(&nothing));
    assert_eq!(names(&found), [(7, "AccessKeyMissing")]);
    assert_eq!(found[0].1["requestParameters"]["together"], 40);
    assert_eq!(found[0].1["requestParameters"]["others"].as_array().unwrap().len(), 39);
    let report = judged(&found);
    assert_eq!(report.incidents.len(), 1);
    assert!(report.incidents[0].narrative[1].contains("40 such at once"), "{:?}", report.incidents[0].narrative);
}

#[test]
fn what_could_not_be_read_is_not_gone() {
    let unread = |taken| of(AccountInventory { taken, ..AccountInventory::default() });
    let denied = |pass, now| if (3..7).contains(&pass) { unread(now) } else { inventory(&[DEPLOY], now) };
    assert_eq!(run(denied, 20, &seen(&nothing)), []);
    let absent = |pass, now| if (3..7).contains(&pass) { Inventory::default() } else { inventory(&[DEPLOY], now) };
    assert_eq!(run(absent, 20, &seen(&nothing)), []);
    // What goes behind the back of a refusal is told all the same.
    let hidden = |pass, now| match pass {
        0..3 => inventory(&[DEPLOY], now),
        3..7 => unread(now),
        _ => inventory(&[], now),
    };
    assert_eq!(names(&run(hidden, 20, &seen(&nothing))), [(13, "AccessKeyMissing")]);
    // Keys of a user whose turn it was not are as they were.
    let unlisted = |pass: usize, now| inventory(&[DEPLOY], if pass < 3 { now } else { START });
    assert_eq!(run(unlisted, 20, &seen(&nothing)), []);
}

#[test]
fn nobody_is_accused_while_the_feed_is_blind() {
    let gone = |pass, now| inventory(if pass < 2 { &[DEPLOY] } else { &[] }, now);
    let denied = |region| feed(region, Some("AccessDeniedException"));
    let clear = feed("us-east-1", None);
    for (feeds, missing, unreadable) in [
        (vec![denied("us-east-1")], 0, 1),
        (vec![denied("eu-west-1"), clear.clone()], 1, 1),
        (vec![FeedState { lag: Some(HOUR), ..clear.clone() }], 0, 0),
        // Nothing could ever tell.
        (vec![feed("eu-west-1", None)], 0, 0),
        (vec![FeedState { account: None, region: None, ..clear.clone() }], 1, 0),
        // Regions that cannot be listed hide nothing of those that are read.
        (vec![FeedState { region: None, is_listing: true, ..denied("all") }, clear.clone()], 1, 1),
    ] {
        let found = run(gone, 30, &Seen { feeds: &feeds, ..seen(&nothing) });
        let count = |name: &str| found.iter().filter(|(_, record)| record["eventName"] == name).count();
        assert_eq!((count("AccessKeyMissing"), count("RegionUnreadable")), (missing, unreadable), "{feeds:?}");
        let judged = judged(&found).findings;
        assert_eq!(judged.iter().filter(|finding| &*finding.detector == "region-unreadable").count(), unreadable);
    }
    // Blindness does not hide it for good.
    let feeds = [denied("us-east-1")];
    let found = run(gone, 300, &Seen { feeds: &feeds, ..seen(&nothing) });
    assert_eq!(found.iter().filter(|(_, record)| record["eventName"] == "AccessKeyMissing").count(), 1);
}

#[test]
fn after_a_long_stop_nobody_can_tell_what_events_said() {
    let now = START + 3 * DAY;
    let told = |known_since| {
        let quick = Seen { patience: 0, known_since, ..seen(&nothing) };
        observe(Some(&inventory(&[DEPLOY], START)), &mut inventory(&[], now), &quick, now).len()
    };
    assert_eq!((told(START), told(now - 2 * DAY)), (1, 0));
}

#[test]
fn a_region_that_always_spoke_is_missed() {
    let today = START.div_euclid(DAY);
    let region = |region: &str, newest: Seconds, days: i64| RegionUse {
        account: ACCOUNT.to_owned(),
        region: region.to_owned(),
        days: (0..days).map(|back| newest.div_euclid(DAY) - back).collect::<BTreeSet<_>>(),
        newest,
        newest_write: None,
    };
    let silent = START - DAY - HOUR;
    let heard = |regions: &[RegionUse], feeds: &[FeedState]| {
        let found = run(|_, now| inventory(&[], now), 12, &Seen { regions, feeds, ..seen(&nothing) });
        let found = found.iter().filter(|(_, record)| record["eventName"] == "RegionSilent");
        found.map(|(_, record)| record["awsRegion"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = FeedState { account: None, region: None, ..feed("all", None) };
    let told = |regions: &[RegionUse]| heard(regions, std::slice::from_ref(&all));
    let one_silent = [region("eu-west-1", silent, 7), region("us-east-1", START, 1)];
    assert_eq!(told(&one_silent), ["eu-west-1"]);
    let listing = FeedState { account: None, is_listing: true, ..feed("eu-west-1", Some("AccessDenied")) };
    assert_eq!(heard(&one_silent, &[feed("eu-west-1", None), listing.clone()]), ["eu-west-1"]);
    for nobody in [feed("us-east-1", None), feed("eu-west-1", Some("AccessDenied")), listing] {
        assert!(heard(&one_silent, &[nobody]).is_empty(), "nobody listens");
    }
    assert!(told(&[region("eu-west-1", silent, 6), region("us-east-1", START, 1)]).is_empty(), "not every day");
    assert!(told(&[region("eu-west-1", silent, 7)]).is_empty(), "nobody speaks");
    assert!(told(&[region("eu-west-1", START - 9 * HOUR, 7), region("us-east-1", START, 1)]).is_empty());
    assert_eq!(today * DAY, START);
}

#[test]
fn trails_are_watched_for_what_should_have_come() {
    let trail = |logging: bool, latest: Seconds, error: Option<&str>| Trail {
        arn: format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/all"),
        name: "all".to_owned(),
        home_region: "us-east-1".to_owned(),
        multi_region: true,
        bucket: "logs".to_owned(),
        has_logged: logging,
        status: Some(TrailStatus { logging, latest_delivery: Some(latest), delivery_error: error.map(str::to_owned) }),
    };
    let with = |trails: Vec<Trail>, taken| {
        of(AccountInventory { taken, trails_known: true, trails, ..AccountInventory::default() })
    };
    let run = |passes: &dyn Fn(usize) -> Vec<Trail>, change: Seconds| {
        let regions = [RegionUse {
            account: ACCOUNT.to_owned(),
            region: "eu-west-1".to_owned(),
            days: BTreeSet::new(),
            newest: START,
            newest_write: Some(change),
        }];
        let found = run(|pass, now| with(passes(pass), now), 6, &Seen { regions: &regions, ..seen(&nothing) });
        judged(&found).findings.iter().map(|finding| finding.detector.to_string()).collect::<Vec<_>>()
    };
    let quiet: &[String] = &[];
    let night = START - 5 * HOUR;
    assert_eq!(run(&|_| vec![trail(true, night, None)], night - 60), quiet, "nothing to deliver");
    assert_eq!(run(&|_| vec![trail(true, night, None)], night + 60), ["trail-not-delivering"]);
    assert_eq!(run(&|_| vec![trail(true, night, None)], START - 60), quiet, "it may still come");
    assert_eq!(run(&|_| vec![trail(true, START, Some("NoSuchBucket"))], 0), ["trail-not-delivering"]);
    assert_eq!(run(&|pass| vec![trail(pass < 2, START, None)], 0), ["trail-not-logging"]);
    assert_eq!(run(&|pass| if pass < 2 { vec![trail(true, START, None)] } else { vec![] }, 0), ["trail-not-logging"]);
}

#[test]
fn an_inventory_of_a_thousand_users_is_small() {
    let users = (0..1_000).map(|number| user(number, &[&format!("AKIAEXAMPLE{number:09}")], START)).collect();
    let all = of(AccountInventory { users_known: true, users, ..AccountInventory::default() });
    let bytes = serde_json::to_string(&all).unwrap().len();
    assert!((180_000..230_000).contains(&bytes), "{bytes}");
}
