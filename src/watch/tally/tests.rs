//! Notices and digests: each thing once, nothing lost, however passes and deliveries fall.

use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::event::{DAY, HOUR};
use crate::model::Status;
use crate::store::watched::Known;

/// 2026-09-17T08:00:00Z.
const EIGHT: Seconds = 20_713 * DAY + 8 * HOUR;

fn finding(number: u32, notice: bool, incident: Option<&str>) -> Finding {
    let value = serde_json::json!({
        "id": format!("fnd-{number}"), "detector": "d", "title": format!("Title {}", number % 3), "level": "medium",
        "notice": notice, "time": "2026-09-17T02:00:00Z", "account": "111122223333", "region": "eu-west-1",
        "principal": format!("arn:aws:iam::111122223333:user/u{}", number % 2), "credential": null, "source_ip": null,
        "event_ids": [], "attack": [], "reasons": [], "incident": incident,
    });
    serde_json::from_value(value).unwrap()
}

fn names() -> Names {
    Names { incidents: Some("slack:C1".to_owned()), notices: Some("slack-notices:C2".to_owned()) }
}

/// A pass that judges some findings, as the commit does it.
fn pass(watched: &mut Watched, notes: &mut Notes, findings: &[Finding], now: Seconds) {
    let notices = notes.take(findings).iter().map(|finding| lines::notice(finding, &BTreeMap::new())).collect();
    let news = News { notices, ..digested(notes, (Daily::default(), Vec::new()), &watched.tally, now) };
    tell(watched, &news, &Places::named(&names(), Vec::new()), now);
}

fn delivered(watched: &mut Watched, what: What) -> Vec<Due> {
    let (gone, left) = std::mem::take(&mut watched.due).into_iter().partition(|due| due.what == what);
    watched.due = left;
    gone
}

#[test]
fn notices_come_once_and_one_message_at_a_time() {
    let (mut watched, mut notes) = (Watched::default(), Notes::default());
    let first: Vec<Finding> = (0..30).map(|n| finding(n, true, None)).collect();
    pass(&mut watched, &mut notes, &first, EIGHT);
    pass(&mut watched, &mut notes, &first, EIGHT + 1);
    let [due] = watched.due.as_slice() else { panic!("{:?}", watched.due) };
    assert_eq!((due.changes.len(), due.channel.as_str()), (21, "slack-notices:C2"));
    assert!(
        due.changes[0].contains("Title 0, by user/u0, in eu-west-1, account 111122223333, at 2026-09-17T02:00:00Z")
    );
    assert!(due.changes[20].starts_with("and 10 more"), "{}", due.changes[20]);
    // While it is not delivered, what is new waits, and is bounded.
    let more: Vec<Finding> = (0..90).map(|n| finding(n, true, None)).collect();
    for now in 2..60 {
        pass(&mut watched, &mut notes, &more, EIGHT + now);
    }
    let waiting = &watched.tally.waiting["slack-notices:C2"];
    assert_eq!((watched.due.len(), waiting.lines.len(), waiting.more), (1, 20, 40));
    let key = delivered(&mut watched, What::Notices).remove(0).key;
    pass(&mut watched, &mut notes, &more, EIGHT + 60);
    assert!(watched.due[0].changes[20].starts_with("and 40 more") && watched.due[0].key != key);
    assert_eq!(watched.tally, Tally { digested: Some(EIGHT), ..Tally::default() });
}

#[test]
fn a_digest_tells_a_day_and_a_quiet_one_says_so() {
    let (mut watched, mut notes) = (Watched::default(), Notes::default());
    // One notice; four findings that page nobody, of which an incident takes one in; one that is in an incident.
    let mut all = vec![finding(0, true, None), finding(1, false, None), finding(2, false, None)];
    all.extend([finding(4, false, None), finding(5, false, None), finding(7, false, Some("inc-1"))]);
    pass(&mut watched, &mut notes, &all, EIGHT - HOUR);
    assert!(delivered(&mut watched, What::Digest).is_empty(), "the first time of day is still to come");
    all[4].incident = Some("inc-1".to_owned());
    pass(&mut watched, &mut notes, &all, EIGHT + 299);
    pass(&mut watched, &mut notes, &all, EIGHT + 300);
    let [digest] = delivered(&mut watched, What::Digest).try_into().unwrap();
    assert_eq!((digest.key.as_str(), digest.channel.as_str()), ("digest-2026-09-17T08:00:00Z", "slack-notices:C2"));
    assert_eq!(
        digest.changes,
        [
            "Paged nobody (medium): Title 1, 2 times, mostly by user/u0",
            "Paged nobody (medium): Title 2, by user/u0",
            "Notice: Title 0, by user/u0"
        ]
    );
    let known = Known {
        title: "Functions everywhere".to_owned(),
        level: Level::Critical,
        status: Status::Open,
        opened_at: EIGHT,
        last_event: EIGHT,
        revision: 1,
        changed_at: EIGHT,
        events: 1,
        closed: None,
        merged_into: None,
    };
    // Nothing passed for three days: one digest.
    watched.incidents.insert("inc-1".to_owned(), known);
    pass(&mut watched, &mut notes, &all, EIGHT + 3 * DAY + 5);
    let open = "Open since 2026-09-17T08:00:00Z: inc-1, critical, Functions everywhere";
    assert_eq!(delivered(&mut watched, What::Digest).remove(0).changes, [open], "nothing twice");
    watched.incidents.clear();
    pass(&mut watched, &mut notes, &[], EIGHT + 4 * DAY);
    assert!(delivered(&mut watched, What::Digest).remove(0).changes[0].starts_with("A quiet day"));
    // A clock that was wrong does not silence it for years.
    watched.tally.digested = Some(EIGHT + 900 * DAY);
    pass(&mut watched, &mut notes, &[], EIGHT + 5 * DAY);
    pass(&mut watched, &mut notes, &[], EIGHT + 6 * DAY);
    assert_eq!(delivered(&mut watched, What::Digest).len(), 1);
}

#[test]
fn what_somebody_answers_for_is_counted_and_notices_go_to_every_place() {
    let (mut watched, mut notes) = (Watched::default(), Notes::default());
    let allowed =
        crate::model::Allowed { owner: "ann".to_owned(), reason: "r".to_owned(), expires: "2026-12-01".to_owned() };
    let mut all: Vec<Finding> = (0..4).map(|n| finding(n, n == 0, None)).collect();
    all[1].allowed = Some(allowed.clone());
    all[1].level = Level::Low;
    let notices = notes.take(&all).iter().map(|finding| lines::notice(finding, &BTreeMap::new())).collect();
    watched.tally.digested = Some(EIGHT - HOUR);
    let news = News { notices, ..digested(&mut notes, (Daily::default(), Vec::new()), &watched.tally, EIGHT) };
    let places = Places::named(&names(), vec!["webhook ops".to_owned()]);
    tell(&mut watched, &news, &places, EIGHT);
    for what in [What::Digest, What::Notices] {
        let channels: Vec<_> = delivered(&mut watched, what).into_iter().map(|due| due.channel).collect();
        assert_eq!(channels, ["slack-notices:C2", "webhook ops"], "{what:?}");
    }
    let digest = news.digest.unwrap().lines;
    assert_eq!(digest[2], "Allowed: Title 1, by user/u1", "{digest:?}");
    // A place that the settings no longer name keeps nothing waiting.
    watched.tally.waiting.insert("gone".to_owned(), Lines { lines: vec!["x".to_owned()], more: 0 });
    tell(&mut watched, &News::default(), &places, EIGHT);
    assert!(watched.tally.waiting.is_empty());
}

#[test]
fn entries_that_end_or_hide_nothing_are_told_in_time() {
    let entry = |detector: &str, expires: &str| {
        format!(
            "[[allow]]\nprincipal = \"arn:aws:iam::111122223333:role/ci\"\ndetector = \"{detector}\"\nregion = \"eu-west-1\"\n\
             owner = \"ann\"\nreason = \"the roll-out\"\nexpires = \"{expires}\"\n"
        )
    };
    let text = [("a", "2026-10-01"), ("b", "2026-09-17"), ("c", "2026-10-02"), ("d", "2026-12-01")];
    let text: String = text.map(|(detector, expires)| entry(detector, expires)).concat();
    let config = Config::read(&text, "", std::iter::empty()).unwrap();
    let known = used(&config.allow, &Entries::new(), &BTreeMap::new(), EIGHT - 20 * DAY);
    let seen = used(&config.allow, &[2].into(), &known, EIGHT - DAY);
    let expected = [
        "No longer allowed since 2026-09-17: b by role/ci (owner ann: the roll-out)",
        "Allowed until 2026-10-01, 14 days left: a by role/ci (owner ann: the roll-out)",
        "Allowed and not needed for 20 days: a by role/ci (owner ann: the roll-out)",
        "Allowed and not needed for 20 days: d by role/ci (owner ann: the roll-out)",
    ];
    assert_eq!(lines::allowed(&config.allow, &seen, EIGHT), expected);
}

proptest! {
    /// However findings come, change and go, and whenever messages are delivered: each notice is told once, and each
    /// finding is in one digest at most.
    #[test]
    fn nothing_is_counted_twice(
        passes in prop::collection::vec((prop::collection::btree_set(0_u32..40, 0..20), any::<bool>(), 0_i64..DAY), 1..30)
    ) {
        let (mut watched, mut notes, mut now) = (Watched::default(), Notes::default(), EIGHT);
        let (mut told, mut counted, mut seen) = (0, 0, std::collections::BTreeSet::new());
        let of = |due: &Due| {
            let left = due.changes.iter().find_map(|line| line.strip_prefix("and ")?.split(' ').next()?.parse::<usize>().ok());
            due.changes.len() - usize::from(left.is_some()) + left.unwrap_or(0)
        };
        let digest = |due: &Due| {
            let times = |line: &String| line.split(", ").find_map(|part| part.strip_suffix(" times")?.parse().ok()).unwrap_or(1);
            due.changes.iter().filter(|line| line.starts_with("Notice")).map(times).sum::<usize>()
        };
        for (ids, is_delivered, later) in passes {
            now += later;
            seen.extend(ids.iter().copied());
            // What was judged once is judged for as long as it is kept.
            let findings: Vec<Finding> = seen.iter().map(|n| finding(*n, true, None)).collect();
            let bytes = serde_json::to_vec(&notes).unwrap();
            notes = serde_json::from_slice(&bytes).unwrap();
            pass(&mut watched, &mut notes, &findings, now);
            counted += delivered(&mut watched, What::Digest).iter().map(digest).sum::<usize>();
            if is_delivered {
                told += delivered(&mut watched, What::Notices).iter().map(of).sum::<usize>();
            }
        }
        told += delivered(&mut watched, What::Notices).iter().map(of).sum::<usize>();
        told += watched.tally.waiting.values().map(|waiting| waiting.lines.len() + waiting.more).sum::<usize>();
        counted += notes.waiting().count();
        prop_assert_eq!((told, counted), (seen.len(), seen.len()));
    }
}
