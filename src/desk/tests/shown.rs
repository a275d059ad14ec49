//! Which plan a message shows, and which plans are wanted.

use super::*;
use crate::desk::shown::{fingerprint, runnable, unplanned, view};
use crate::model::approval::Vote;
use crate::store::board::Post;
use crate::store::watched::Watched;

fn record(plans: &[(&str, Planned)]) -> Watched {
    let plans = plans.iter().map(|(digest, planned)| ((*digest).to_owned(), planned.clone()));
    Watched { incidents: BTreeMap::from([("i".to_owned(), known(1))]), plans: plans.collect(), ..Watched::default() }
}

fn plan(at: Seconds, stage: Stage) -> Planned {
    planned("i", NOW + at, stage)
}

fn ended(at: Seconds, way: Way, holds: bool) -> Planned {
    Planned { way, done: 1, ended_at: Some(NOW + at), ..plan(at - 1, Stage::Ended { holds }) }
}

#[test]
fn a_message_shows_the_plan_that_matters() {
    use Stage::{Approved, Denied, Expired, Pending};
    let running = || Stage::Running { holder: "x".to_owned(), until: NOW };
    let held = |way| ended(5, way, true);
    for (plans, shown, last, can_undo) in [
        (vec![], None, None, false),
        (vec![("a", plan(1, Pending)), ("b", plan(2, Pending))], Some("b"), None, false),
        (vec![("a", plan(1, Approved)), ("b", plan(2, Pending))], Some("a"), None, false),
        (vec![("a", plan(1, running())), ("b", plan(2, Approved))], Some("a"), None, false),
        (vec![("a", plan(1, Expired))], Some("a"), None, false),
        (vec![("a", plan(1, Expired)), ("b", plan(2, Pending))], Some("b"), None, false),
        (vec![("a", plan(1, Pending)), ("b", plan(2, Denied))], None, Some("b"), false),
        (vec![("a", plan(3, Pending)), ("b", plan(2, Denied))], Some("a"), Some("b"), false),
        // What waited while another plan changed things is about things as they were.
        (vec![("a", plan(1, Pending)), ("b", held(Way::Contain))], None, Some("b"), true),
        (vec![("a", plan(9, Pending)), ("b", held(Way::Contain))], Some("a"), Some("b"), true),
        (vec![("a", ended(3, Way::Contain, true)), ("b", held(Way::Undo))], None, Some("b"), false),
        (vec![("a", ended(3, Way::Contain, true)), ("b", ended(5, Way::Undo, false))], None, Some("b"), true),
        // A plan that was void did nothing.
        (vec![("a", Planned { done: 0, ..ended(3, Way::Contain, false) })], None, Some("a"), false),
    ] {
        let record = record(&plans);
        let seen = view(&record, "i");
        assert_eq!(seen.plan.map(|(digest, _)| digest), shown, "{plans:?}");
        assert_eq!((seen.last.map(|(digest, _)| digest), seen.can_undo), (last, can_undo), "{plans:?}");
        assert!(view(&record, "j").plan.is_none());
    }
}

#[test]
fn what_was_done_can_be_taken_back_after_an_incident_was_closed() {
    let back = Planned { way: Way::Undo, ..plan(9, Stage::Pending) };
    for (waiting, shown) in [(back, Some("b")), (plan(9, Stage::Pending), None)] {
        let mut record = record(&[("a", ended(5, Way::Contain, true)), ("b", waiting)]);
        record.incidents.get_mut("i").unwrap().status = Status::Closed;
        let seen = view(&record, "i");
        assert_eq!((seen.plan.map(|(digest, _)| digest), seen.can_undo), (shown, true));
    }
}

#[test]
fn a_fingerprint_follows_what_is_shown_and_nothing_else() {
    let running = |until| Stage::Running { holder: "x".to_owned(), until };
    let first = record(&[("a", plan(1, running(NOW)))]);
    let print = |record: &Watched| fingerprint(record, "i");
    assert_eq!(print(&first), print(&record(&[("a", plan(1, running(NOW + 9)))])));
    let mut other = first.clone();
    other.plans.insert("z".to_owned(), planned("j", NOW, Stage::Pending));
    assert_eq!(print(&first), print(&other), "another incident's plan");
    other.plans.get_mut("a").unwrap().done = 2;
    assert_ne!(print(&first), print(&other));
    let mut other = first.clone();
    other.incidents.get_mut("i").unwrap().changed_at += 1;
    assert_ne!(print(&first), print(&other));
    let mut other = first.clone();
    other.slack.posts.insert("i".to_owned(), Post { unplanned: Some("why".to_owned()), ..Post::default() });
    assert_ne!(print(&first), print(&other));
    let unplanned = print(&other);
    other.slack.posts.insert("i".to_owned(), Post { stuck: Some("why".to_owned()), ..Post::default() });
    assert!(print(&other) != print(&first) && print(&other) != unplanned);
}

#[test]
fn plans_are_made_for_what_is_shown_and_run_where_slack_approved_them() {
    let post = |planned| Post { ts: Some("1.0".to_owned()), planned, ..Post::default() };
    let mut record = record(&[]);
    assert!(unplanned(&record).is_empty(), "it is posted first");
    record.slack.posts.insert("i".to_owned(), post(None));
    assert_eq!(unplanned(&record), [("i".to_owned(), 1)]);
    record.slack.posts.insert("i".to_owned(), post(Some(1)));
    assert!(unplanned(&record).is_empty());
    record.incidents.get_mut("i").unwrap().revision = 2;
    record.plans.insert("a".to_owned(), plan(1, Stage::Approved));
    assert!(unplanned(&record).is_empty(), "what is about to change things is waited for");
    assert!(runnable(&record, NOW).is_empty(), "approved at a command line");
    let vote = |slack: bool| {
        let ann = Person { name: "ann".to_owned(), os_user: "uid 1".to_owned(), caller: None, slack: None };
        Vote { person: if slack { person("U1") } else { ann }, at: NOW, why: None }
    };
    record.plans.get_mut("a").unwrap().votes = vec![vote(false), vote(true)];
    assert_eq!(runnable(&record, NOW).len(), 1);
    assert!(runnable(&record, NOW + 1_201).is_empty(), "it expired");
    record.plans.get_mut("a").unwrap().votes.push(vote(false));
    assert_eq!(runnable(&record, NOW).len(), 1, "somebody in Slack was told that it runs");
}
