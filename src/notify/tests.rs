//! Channels: what arrives, once, and what is said where it does not.

mod file;
mod heartbeat;
mod receiver;
mod terminal;
mod webhook;

use std::collections::{BTreeMap, BTreeSet};

use super::{Channel, Message, What, text};
use crate::config::Config;
use crate::event::Seconds;
use crate::model::{Basis, Confidence, Created, Finding, Incident, Level, Members, Root, Status};

/// 2026-11-22T06:00:00Z.
const NOW: Seconds = 1_795_327_200;

pub(super) fn message() -> Message {
    let finding = finding();
    Message {
        key: "inc-0123456789ab:1".to_owned(),
        what: What::Opened,
        incident: Some(Incident {
            id: "inc-0123456789ab".to_owned(),
            title: "Functions in 17 regions by a new user".to_owned(),
            level: Level::Critical,
            status: Status::Open,
            accounts: vec!["111122223333".to_owned()],
            opened_at: NOW,
            first_event: NOW - 600,
            last_event: NOW - 60,
            root: Root {
                principal: Some("arn:aws:iam::111122223333:user/ci\u{1b}[31m".to_owned()),
                credential: Some("AKIAEXAMPLEEXAMPLE00".to_owned()),
                confidence: Confidence::Confirmed,
            },
            principals: vec![],
            credentials: vec![],
            resources: vec![Created {
                arn: "arn:aws:lambda:eu-west-1:111122223333:function:x".to_owned(),
                kind: "lambda:function".to_owned(),
                region: "eu-west-1".to_owned(),
                action: "lambda:CreateFunction".to_owned(),
                exists: true,
                by: "x".to_owned(),
                at: NOW,
            }],
            regions: (1..=17).map(|number| format!("xx-west-{number}")).collect(),
            source_ips: vec!["203.0.113.7".to_owned()],
            attack: vec![],
            findings: vec![finding.id.clone()],
            merged_into: None,
            burn_usd_per_hour: Some(12.0),
            narrative: ["One.", "Two.", "Three.", "Four."].map(str::to_owned).to_vec(),
            basis: Basis::Calls,
            members: Members::default(),
        }),
        findings: vec![finding],
        account_names: BTreeMap::from([("111122223333".to_owned(), "prod".to_owned())]),
        changes: vec!["The key was used in two more regions.".to_owned()],
        journal: "3f2a".to_owned(),
    }
}

/// What an observation about nobody becomes.
fn finding() -> Finding {
    Finding {
        id: "fnd-0123456789ab".to_owned(),
        detector: "region-silent".into(),
        title: "Region fell silent".into(),
        level: Level::High,
        notice: false,
        time: NOW,
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        principal: "stakeout".to_owned(),
        credential: None,
        source_ip: None,
        event_ids: BTreeSet::new(),
        attack: vec![],
        reasons: vec!["no event in eu-west-1 since 2026-11-21T05:00:00Z".to_owned()],
        incident: None,
        cost: None,
        tactic: "defense-evasion".into(),
        allowed: None,
        external: false,
    }
}

/// Three gaps in what is seen, which belong to no incident.
pub(super) fn telemetry() -> Message {
    let unreadable = Finding {
        title: "Region or feed could not be read".into(),
        level: Level::Medium,
        region: String::new(),
        account: String::new(),
        reasons: vec!["s3 trail/AWSLogs could not be read: AccessDenied: \u{1b}]0;no".to_owned()],
        ..finding()
    };
    let late = Finding {
        title: "Events arrive late".into(),
        level: Level::Medium,
        time: NOW - 300,
        region: "eu-west-3".to_owned(),
        reasons: vec!["events of lookup eu-west-3 arrive 42 minutes late".to_owned()],
        ..finding()
    };
    Message {
        key: "telemetry-0123456789ab".to_owned(),
        what: What::Telemetry,
        incident: None,
        findings: vec![unreadable, finding(), late],
        changes: vec![],
        ..message()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn the_channels_are_those_of_the_settings() {
    let text = "[notify.file]\npath = \"/x/told\"\n[[notify.webhook]]\nurl = \"https://example.com/a\"\n\
                [[notify.webhook]]\nurl = \"env:STAKEOUT_TEST_UNSET\"\n[[notify.webhook]]\nurl = \"https://example.com/b\"\n\
                name = \"pager\"\n[[notify.webhook]]\nurl = \"https://example.com/c\"\nname = \"muted\"\n\
                secret = \"env:STAKEOUT_TEST_UNSET\"\n[[notify.sns]]\ntopic = \"arn:aws:sns:eu-west-1:111122223333:alarms\"";
    let config = Config::read(text, "x", std::iter::empty()).unwrap();
    let (channels, problems) = run(Channel::all(&config.notify));
    let names: Vec<_> = channels.iter().map(Channel::name).collect();
    assert_eq!(
        names,
        [
            "terminal",
            "file /x/told",
            "webhook example.com 2dce0a4c",
            "webhook env:STAKEOUT_TEST_UNSET",
            "webhook pager",
            "webhook muted",
            "sns arn:aws:sns:eu-west-1:111122223333:alarms"
        ]
    );
    let why = "the variable STAKEOUT_TEST_UNSET is not set, or empty, or no UTF-8";
    assert_eq!(problems, [format!("notify.webhook.1: {why}"), format!("notify.webhook.3: {why}")]);
    let unusable: Vec<_> = channels.iter().filter(|channel| matches!(channel, Channel::Unusable { .. })).collect();
    assert_eq!(unusable.len(), 2);
    for channel in unusable {
        let lost = run(channel.deliver(&message(), NOW)).unwrap_err();
        assert_eq!((lost.why.as_str(), lost.is_final, lost.retry_after), (why, false, None), "it waits for its secret");
    }
}

#[test]
fn notices_have_channels_and_words_of_their_own() {
    let text = "[[notify.webhook]]\nurl = \"https://example.com/a\"\n[notify.notices.file]\npath = \"/x/notices\"\n\
                [[notify.notices.webhook]]\nurl = \"https://example.com/b\"\nname = \"quiet\"";
    let config = Config::read(text, "x", std::iter::empty()).unwrap();
    let (channels, problems) = run(Channel::of_notices(&config.notify.notices));
    let names: Vec<_> = channels.iter().map(Channel::name).collect();
    assert_eq!((names.len(), names[0].as_str(), problems.len()), (2, "file /x/notices", 0), "{names:?}");
    let changes = vec!["Access key created, by user/\u{1b}ci".to_owned(), "IAM user created".to_owned()];
    let message = Message { what: What::Notices, incident: None, findings: Vec::new(), changes, ..message() };
    assert_eq!(text::headline(&message), "notices: Access key created, by user/\\u{1b}ci, and 1 line more");
    let plain = text::plain(&message);
    assert!(plain.contains("new    IAM user created") && !plain.contains("account"), "{plain}");
}
