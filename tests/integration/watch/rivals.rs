//! Two passes at the same time on one state: one acts, the other says why it does not.

use std::process::{Child, Stdio};

use super::desk::{Desk, Station, only};
use super::lookup::{history, now, shifted};
use crate::harness::Run;
use crate::stand_in::{Entry, LookupFake, Moto};

fn fake() -> LookupFake {
    let (records, begun) = history("lambda-ddos-all-regions", "0.3", &["--days", "2"]);
    let records = shifted(&records, now() - 3_600 - begun, now() - 20 * 3_600, now() - 60);
    let entries = records.into_iter().map(|record| Entry { record, step: 0, after: 0 }).collect();
    LookupFake::start("111122223333", entries, 3)
}

/// Starts passes together and lets each come to its end.
fn together(station: &Station, more: &[(&str, &str)], count: usize) -> Vec<Run> {
    let start = |_| -> Child {
        let mut pass = station.command(&["watch", "--once", "--format", "ndjson"]);
        pass.envs(more.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        pass.spawn().unwrap()
    };
    let passes: Vec<_> = (0..count).map(start).collect();
    let end = |pass: Child| {
        let output = pass.wait_with_output().unwrap();
        Run {
            status: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    };
    passes.into_iter().map(end).collect()
}

/// One pass opens the incident, the others name who is at work.
fn one_acts(runs: &[Run]) {
    let (acted, stood_by): (Vec<_>, Vec<_>) = runs.iter().partition(|run| run.status == 1);
    assert_eq!(acted.len(), 1, "{runs:?}");
    only(&acted[0].incidents());
    for run in stood_by {
        assert!(run.objects("incident").is_empty() && run.objects("finding").is_empty(), "{run:?}");
        assert!(run.stderr.contains("works on this state"), "says that another run is at work: {run:?}");
    }
}

#[test]
fn two_passes_on_one_file() {
    let fake = fake();
    let desk = Desk::at(fake.url(), "AKIAIOSFODNN7EXAMPLE");
    let station = desk.station("one", "");
    one_acts(&together(&station, &[], 2));
    only(&station.incidents());
    assert_eq!(station.keys().len(), 1);
    assert_eq!(station.watch().status, 0);
    station.verify();
}

#[test]
fn two_passes_on_one_table() {
    let Some(moto) = Moto::start() else { return };
    moto.table("stakeout");
    let fake = fake();
    let desk = Desk::at(fake.url(), "AKIAIOSFODNN7EXAMPLE");
    let station = desk.station_on("table", "dynamodb = \"stakeout\"", "");
    let place = moto.url();
    let more = [("AWS_ENDPOINT_URL_DYNAMODB", place.as_str())];
    one_acts(&together(&station, &more, 2));
    assert_eq!(station.keys().len(), 1);
    let again = together(&station, &more, 1);
    assert_eq!((again[0].status, again[0].incidents().len()), (0, 0), "{again:?}");
    let mut verify = station.command(&["journal", "verify"]);
    let verify = crate::harness::finish(
        {
            verify.envs(more);
            verify
        },
        b"",
    );
    assert_eq!(verify.status, 0, "{verify:?}");
}
