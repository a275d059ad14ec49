//! What a person does with the incidents of a state, and moving the state.

use serde_json::Value;

use super::desk::{Desk, Station, core, only};
use super::lookup::{history, now, shifted};
use crate::stand_in::{Entry, LookupFake};

pub(super) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

/// An account under attack; the attack's last third comes at the next step.
pub(super) fn account() -> LookupFake {
    let (records, begun) = history("lambda-ddos-all-regions", "0.3", &["--days", "2"]);
    let now = now();
    let mut records = shifted(&records, now - 900 - begun, now - 10 * 3_600, now - 1);
    records.sort_by_key(|record| record["eventTime"].as_str().unwrap().to_owned());
    let made = |record: &Value| record["eventName"].as_str().unwrap().starts_with("CreateFunction");
    let all = records.iter().filter(|record| made(record)).count();
    assert!(all > 10, "functions: {all}");
    let mut seen = 0;
    let entries = records.into_iter().map(|record| {
        seen += usize::from(made(&record));
        Entry { step: usize::from(seen * 3 > all * 2), record, after: 0 }
    });
    LookupFake::start("111122223333", entries.collect(), 37)
}

fn status(station: &Station) -> Value {
    only(&station.incidents())["status"].clone()
}

#[test]
fn an_incident_is_listed_shown_closed_and_opened_again_by_late_events() {
    let fake = account();
    let desk = Desk::at(fake.url(), KEY);
    let station = desk.station("people", "");
    let opened = station.watch();
    assert_eq!(opened.status, 1, "{opened:?}");
    let incidents = opened.incidents();
    let id = only(&incidents)["id"].as_str().unwrap().to_owned();
    assert_eq!(core(only(&station.incidents())), core(only(&incidents)));
    let listed = station.run(&["incidents"]);
    assert_eq!((listed.status, listed.stdout.contains(&id)), (0, true), "{listed:?}");
    let shown = station.run(&["show", &id, "--format", "ndjson"]);
    assert_eq!(core(only(&shown.incidents())), core(only(&incidents)));
    assert!(!shown.findings().is_empty(), "with its findings: {shown:?}");
    assert_eq!(station.run(&["show", "inc-000000000000"]).status, 2);

    assert_eq!(station.run(&["close", &id, "--as", "false-positive"]).status, 2, "a reason is needed");
    assert_eq!(station.run(&["close", "inc-000000000000", "--as", "benign", "--why", "none"]).status, 2);
    let close = station.run(&["close", &id, "--as", "false-positive", "--why", "a test of \u{1b}[31mours"]);
    assert_eq!(close.status, 0, "{close:?}");
    assert!(!close.stdout.contains('\u{1b}') && !close.stderr.contains('\u{1b}'), "{close:?}");
    assert_eq!(status(&station), "closed");
    let quiet = station.watch();
    assert_eq!((quiet.status, quiet.incidents()), (0, Vec::new()), "{quiet:?}");

    fake.step(1);
    let again = station.watch();
    assert_eq!(again.status, 1, "{again:?}");
    let incidents = again.incidents();
    assert_eq!(
        (&only(&incidents)["id"], &only(&incidents)["status"]),
        (&Value::from(id.as_str()), &Value::from("open"))
    );
    assert_eq!(status(&station), "open");
    assert_eq!(station.keys().len(), station.told().len());
    let contained = station.run(&["close", &id, "--as", "contained", "--why", "the key is off"]);
    assert_eq!(contained.status, 0, "{contained:?}");
    station.verify();
}

#[test]
fn a_state_is_moved_and_goes_on_where_it_was() {
    let fake = account();
    let desk = Desk::at(fake.url(), KEY);
    let old = desk.station("old", "");
    assert_eq!(old.watch().status, 1);
    let (first, second) = (desk.path().join("first.state"), desk.path().join("second.state"));
    let export = |station: &Station, file: &std::path::Path| {
        let run = station.run(&["state", "export", "-o", file.to_str().unwrap()]);
        assert_eq!(run.status, 0, "{run:?}");
        std::fs::read(file).unwrap()
    };
    let exported = export(&old, &first);
    let new = desk.station("new", "");
    let import = new.run(&["state", "import", first.to_str().unwrap()]);
    assert_eq!(import.status, 0, "{import:?}");
    assert_eq!(export(&new, &second), exported, "the same, byte for byte");
    assert_eq!(new.incidents(), old.incidents());
    assert_eq!(new.verify(), old.verify());
    assert_eq!(new.run(&["state", "import", first.to_str().unwrap()]).status, 2, "not over another state");

    // A damaged export is refused, and a damaged journal is found.
    let text = String::from_utf8(exported).unwrap();
    let cut = desk.path().join("cut.state");
    std::fs::write(&cut, &text[..text.len() / 2]).unwrap();
    let other = desk.station("other", "");
    assert_eq!(other.run(&["state", "import", cut.to_str().unwrap()]).status, 2);

    let again = new.watch();
    assert_eq!((again.status, again.incidents()), (0, Vec::new()), "nothing is told twice: {again:?}");
    fake.step(1);
    let more = new.watch();
    assert_eq!((more.status, &only(&more.incidents())["id"]), (1, &only(&old.incidents())["id"]), "{more:?}");
}
