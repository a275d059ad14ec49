//! Actions on identities: the pure parts, a fake that refuses, and stand-ins where an endpoint is given.

mod fake;
mod live;

use std::collections::{BTreeMap, BTreeSet};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::Credentials;
use aws_sdk_iam::config::retry::RetryConfig;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::cloud::Vault;
use super::super::subject::Hold;
use super::attach_deny::AttachDeny;
use super::close_trust::CloseTrust;
use super::delete_key::DeleteKey;
use super::delete_login_profile::DeleteLoginProfile;
use super::delete_user::DeleteUser;
use super::deny_other_networks::DenyOtherNetworks;
use super::deny_sessions::DenySessions;
use super::iam::Deactivate;
use super::iam::document::{
    STEP_TIME, at, decoded, denies_all, deny_all, deny_before, deny_elsewhere, deny_sessions, deny_trust,
    names_the_gone, timeless,
};
use super::save_identity::SaveIdentity;
use super::set_deny_boundary::SetDenyBoundary;
use super::*;

/// A configuration that asks one address, with one retry.
fn configuration(endpoint: &str, key: &str, secret: &str, token: Option<&str>) -> SdkConfig {
    let credentials = Credentials::new(key, secret, token.map(str::to_owned), None, "test");
    let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::from_static("us-east-1"));
    let loader = loader.endpoint_url(endpoint).credentials_provider(credentials);
    let loader = loader.retry_config(RetryConfig::standard().with_max_attempts(2));
    run(loader.load())
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn cloud(config: SdkConfig, vault: &std::path::Path) -> Cloud {
    Cloud::new(Box::new(move |_, _| Some(config.clone())), Vault::Folder(vault.to_owned())).for_incident("inc-1", None)
}

fn knobs() -> Knobs {
    Knobs { incident: "inc-1".to_owned(), now: 4_102_444_800 }
}

fn subject(kind: &str, arn: &str, hold: Hold) -> Subject {
    Subject { hold, ..Subject::new(kind, arn, "us-east-1", false) }
}

fn target(arn: &str, detail: &[(&str, &str)]) -> Target {
    Target {
        kind: "iam:user".to_owned(),
        arn: arn.to_owned(),
        account: "111122223333".to_owned(),
        region: "us-east-1".to_owned(),
        id: "AIDAEXAMPLE".to_owned(),
        detail: detail
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
    }
}

const USER: &str = "arn:aws:iam::111122223333:user/team/svc.backup+tmp=1";
const ROLE: &str = "arn:aws:iam::111122223333:role/worker";

fn set_of(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn names_are_one_each_and_rights_go_both_ways() {
    let names: BTreeSet<_> = all().map(|action| action.name()).collect();
    assert_eq!(names.len(), all().count());
    for action in all() {
        let name = action.name();
        assert_eq!(by_name(name).map(Action::name), Some(name));
        assert!(
            !action.card().about.is_empty() && !action.card().reads.is_empty() && !action.card().on.is_empty(),
            "{name}"
        );
        assert!(action.class() == Class::R0 || !action.card().writes.is_empty(), "{name}");
        assert!(action.class() < Class::R3 || !action.is_undoable(), "{name} deletes");
        assert!(action.class() == Class::R0 || action.is_undoable() != action.card().undoes.is_empty(), "{name}");
    }
}

#[test]
fn documents_are_the_same_text_each_time() {
    assert_eq!(
        deny_all(),
        r#"{"Statement":[{"Action":"*","Effect":"Deny","Resource":"*","Sid":"StakeoutDeny"}],"Version":"2012-10-17"}"#
    );
    let sessions = deny_sessions(&set_of(&["AROAEXAMPLE:b", "AROAEXAMPLE:a"]));
    assert!(sessions.contains(r#"{"StringEquals":{"aws:userid":["AROAEXAMPLE:a","AROAEXAMPLE:b"]}}"#), "{sessions}");
    let networks = deny_elsewhere(&set_of(&["198.51.100.0/24"]));
    assert!(networks.contains(r#""NotIpAddress":{"aws:SourceIp":["198.51.100.0/24"]}"#), "{networks}");
    assert!(networks.contains(r#""BoolIfExists":{"aws:ViaAWSService":"false"}"#), "{networks}");
    // An inline policy of a user has 2,048 characters.
    assert!(at(&deny_before(STEP_TIME), 0).len() < 300);
}

#[test]
fn only_a_deny_of_everything_denies_all() {
    let one = |rest: &str| denies_all(&format!(r#"{{"Statement":{{"Effect":"Deny",{rest}}}}}"#));
    assert!(denies_all(&deny_all()));
    assert!(one(r#""Action":["*"],"Resource":["*"]"#));
    assert!(denies_all(
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}"#
    ));
    for not in [
        r#""Action":"iam:*","Resource":"*""#,
        r#""NotAction":"*","Resource":"*""#,
        r#""Action":"*","Resource":"arn:aws:s3:::b""#,
        r#""Action":"*","NotResource":"*""#,
        r#""Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#,
    ] {
        assert!(!one(not), "{not}");
    }
    for not in ["", "null", "[]", "{}", r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#] {
        assert!(!denies_all(not), "{not}");
    }
    assert!(!denies_all(&deny_before("2026-11-22T00:00:00Z")));
    assert!(!denies_all(&deny_trust()));
}

#[test]
fn the_gone_in_a_trust_policy_are_seen() {
    let trust = |who: &str| {
        format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":{who}}},"Action":"sts:AssumeRole"}}]}}"#)
    };
    assert!(names_the_gone(&trust(r#"["arn:aws:iam::1:root","AIDAJQABLZS4A3QDU576Q"]"#)));
    assert!(names_the_gone(&trust(r#""AROAJQABLZS4A3QDU576Q""#)));
    assert!(!names_the_gone(&trust(r#""arn:aws:iam::1:role/AROAJQABLZS4A3QDU576Q""#)));
    assert!(!names_the_gone(&deny_trust()));
}

#[test]
fn attached_without_effect_is_not_held() {
    let state = |attached, inline, denied| json!({ "attached": attached, "inline": inline, "denied": denied });
    let action = AttachDeny;
    let target = target(USER, &[]);
    let goal = action.goal(&target, &state(false, false, false)).unwrap();
    assert_eq!(action.goal(&target, &state(true, false, true)), None);
    assert_eq!(action.goal(&target, &state(false, true, true)), None);
    for (state, holds) in [
        (state(true, false, true), true),
        (state(false, true, true), true),
        (state(true, true, true), true),
        (state(true, false, false), false),
        // Somebody else denies it: that may end without us.
        (state(false, false, true), false),
    ] {
        assert_eq!(action.holds(&state, &goal), holds, "{state}");
        assert_eq!(action.goal(&target, &state).is_none(), holds, "{state}");
        assert!(action.is_between(&state, &state, &goal));
    }
    // Back: what was attached before stays attached.
    let before = state(true, false, false);
    assert!(action.holds(&state(true, false, true), &before));
    assert!(!action.holds(&state(true, true, true), &before));
    assert!(!action.holds(&state(false, false, false), &before));
    let (changes, undo) = action.words(&target, &before, &goal);
    assert!(changes.contains("user svc.backup+tmp=1"), "{changes}");
    assert!(undo.unwrap().contains("stays"));
}

#[test]
fn old_sessions_are_denied_by_the_time_of_the_step() {
    let target = target(ROLE, &[]);
    let goal = DenySessions.goal(&target, &json!({ "document": null })).unwrap();
    let planned = goal["document"].as_str().unwrap();
    assert!(planned.contains(STEP_TIME));
    let written = json!({ "document": at(planned, 1_795_346_354) });
    assert!(written["document"].as_str().unwrap().contains("2026-11-22T11:19:14Z"));
    assert!(DenySessions.holds(&written, &goal));
    assert!(!DenySessions.holds(&json!({ "document": null }), &goal));
    assert!(!DenySessions.holds(&json!({ "document": deny_all() }), &goal));
    assert_eq!(DenySessions.goal(&target, &written), None);
    // Sessions that began after that time live on, so the incident must not have gone on since.
    let since = |time: i64| self::target(ROLE, &[("since", time.to_string().as_str())]);
    assert_eq!(DenySessions.goal(&since(1_795_346_354), &written), None);
    let again = DenySessions.goal(&since(1_795_346_355), &written).unwrap();
    let later = json!({ "document": at(planned, 1_795_346_400) });
    assert!(!DenySessions.holds(&written, &again) && DenySessions.holds(&later, &again));
    assert!(DenySessions.is_between(&written, &written, &again));
    // Back to an earlier text of the same policy means that text.
    assert!(!DenySessions.holds(&json!({ "document": at(planned, 0) }), &written));
}

#[test]
fn sessions_are_named_in_words_and_document() {
    let target = target(ROLE, &[("sessions", r#"["AROAEXAMPLE:evil","AROAEXAMPLE:worse"]"#)]);
    let before = json!({ "document": null });
    let goal = DenySessions.goal(&target, &before).unwrap();
    assert!(goal["document"].as_str().unwrap().contains("AROAEXAMPLE:evil"));
    let (changes, undo) = DenySessions.words(&target, &before, &goal);
    assert_eq!(changes, "refuses everything to these sessions of role worker: evil, worse");
    assert_eq!(undo.as_deref(), Some("deletes the inline policy stakeout-sessions-..."));
}

#[test]
fn nothing_is_to_be_done_where_it_is_done() {
    let target = target(ROLE, &[]);
    let closed = CloseTrust.goal(&target, &json!({ "document": "{ }" })).unwrap();
    assert_eq!(CloseTrust.goal(&target, &closed), None);
    assert_eq!(CloseTrust.goal(&target, &json!({ "document": null })), None, "there is no way back from it");
    let bound = SetDenyBoundary.goal(&target, &json!({ "boundary": null })).unwrap();
    assert_eq!(bound, json!({ "boundary": "arn:aws:iam::aws:policy/AWSDenyAll" }));
    assert_eq!(SetDenyBoundary.goal(&target, &bound), None);
    let keys = Deactivate(AccessKeys);
    assert_eq!(keys.goal(&target, &json!({ "status": "Active" })), Some(json!({ "status": "Inactive" })));
    assert_eq!(keys.goal(&target, &json!({ "status": "Inactive" })), None);
    assert_eq!(Deactivate(ServiceCredentials).goal(&target, &json!({ "status": "Expired" })), None);
    let networks = DenyOtherNetworks.goal(&target, &json!({ "document": null }));
    assert_eq!(networks, None, "without networks it would deny everything");
}

proptest! {
    #[test]
    fn what_was_encoded_is_read_as_it_was_written(text in "\\PC{0,60}|[ -~\n\t]{0,60}") {
        let text = format!("{{{text}}}");
        let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
        let one = |byte: u8| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        let encoded: String = text.bytes().map(one).collect();
        prop_assert_eq!(decoded(&encoded), text.clone());
        prop_assert_eq!(decoded(&text), text);
    }

    #[test]
    fn reading_never_panics(text in ".{0,80}") {
        drop((decoded(&format!("%{text}")), denies_all(&text), timeless(&text), names_the_gone(&text)));
    }

    #[test]
    fn a_time_goes_in_and_out(time in 0_i64..4_000_000_000) {
        let planned = deny_before(STEP_TIME);
        prop_assert_eq!(timeless(&at(&planned, time)), planned);
    }
}
