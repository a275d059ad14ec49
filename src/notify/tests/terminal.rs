//! The words, as a terminal and a mail show them.

use serde_json::Value;

use super::{message, telemetry};
use crate::notify::{Message, body, terminal, text};

#[test]
fn a_terminal_shows_a_short_harmless_block() {
    insta::assert_snapshot!(terminal::block(&message()).trim(), @r"
    CRITICAL incident opened: Functions in 17 regions by a new user
      who    arn:aws:iam::111122223333:user/ci\u{1b}[31m, key AKIAEXAMPLEEXAMPLE00 (confirmed)
      where  account prod (111122223333), 17 regions, from 203.0.113.7
      since  2026-11-22 05:50:00Z until 2026-11-22 05:59:00Z
      cost   up to $12 an hour at list prices, an estimate
      new    The key was used in two more regions.
      - One.
      - Two.
      - Three.
      more   stakeout show inc-0123456789ab
    ");
    let all = text::plain(&message());
    assert!(
        all.contains("- Four.") && all.contains("function:x in eu-west-1") && all.contains("Journal: 3f2a"),
        "{all}"
    );
}

#[test]
fn a_gap_in_what_is_seen_is_told_without_an_incident() {
    insta::assert_snapshot!(terminal::block(&telemetry()).trim(), @r"
    HIGH, a gap in what is seen: Region fell silent and 2 more
      where  account prod (111122223333), regions eu-west-1, eu-west-3
      since  2026-11-22 05:55:00Z
      - 2026-11-22 06:00:00Z Region fell silent in eu-west-1: no event in eu-west-1 since 2026-11-21T05:00:00Z
      - 2026-11-22 06:00:00Z Region or feed could not be read: s3 trail/AWSLogs could not be read: AccessDenied: \u{1b}]0;no
      - 2026-11-22 05:55:00Z Events arrive late in eu-west-3: events of lookup eu-west-3 arrive 42 minutes late
    ");
    let one = Message { findings: telemetry().findings.split_off(2), ..telemetry() };
    insta::assert_snapshot!(terminal::block(&one).trim(), @r"
    MEDIUM, a gap in what is seen: Events arrive late
      where  account prod (111122223333), region eu-west-3
      since  2026-11-22 05:55:00Z
      - 2026-11-22 05:55:00Z Events arrive late in eu-west-3: events of lookup eu-west-3 arrive 42 minutes late
    ");
    insta::assert_snapshot!(text::plain(&telemetry()), @r"
    high, a gap in what is seen: Region fell silent and 2 more

    where  account prod (111122223333), regions eu-west-1, eu-west-3
    since  2026-11-22 05:55:00Z

    What happened
    - 2026-11-22 06:00:00Z Region fell silent in eu-west-1: no event in eu-west-1 since 2026-11-21T05:00:00Z
    - 2026-11-22 06:00:00Z Region or feed could not be read: s3 trail/AWSLogs could not be read: AccessDenied: \u{1b}]0;no
    - 2026-11-22 05:55:00Z Events arrive late in eu-west-3: events of lookup eu-west-3 arrive 42 minutes late

    Journal: 3f2a
    Message: telemetry-0123456789ab
    ");
    let many = Message { findings: vec![telemetry().findings.remove(0); 12], ..telemetry() };
    assert_eq!(text::plain(&many).matches("\n- ").count(), 11, "ten, and how many more");
    let nothing = Message { findings: vec![], ..telemetry() };
    assert!(terminal::block(&nothing).contains("INFORMATIONAL, a gap in what is seen: nothing more is known"));
    let body: Value = serde_json::from_str(&body::json(&telemetry()).unwrap()).unwrap();
    assert_eq!((body["what"].as_str(), body["incident"].is_null()), (Some("telemetry"), true));
    assert_eq!(body["headline"], "high, a gap in what is seen: Region fell silent and 2 more");
    assert_eq!((body["findings"].as_array().map(Vec::len), &body["findings"][0]["region"]), (Some(3), &Value::Null));
}
