//! An entry covers what it says and nothing beside it.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::event::facts::Resource;
use crate::event::{Facts, Identity, Place, Record, Shape};

const ROLE: &str = "arn:aws:iam::111122223333:role/deploy";
/// 2026-10-01T00:00:00Z.
const ENDS: Seconds = 1_790_812_800;

fn list(lines: &str) -> AllowList {
    let text = format!(
        "[[allow]]\nprincipal = \"{ROLE}\"\ndetector = \"d\"\nowner = \"ann\"\nreason = \"r\"\nexpires = \"2026-10-01\"\n{lines}"
    );
    AllowList::new(&Config::read(&text, "", std::iter::empty()).unwrap().allow)
}

fn event(address: &str, region: &str, target: Option<&str>) -> Event {
    let raw = format!(
        r#"{{"type":"AssumedRole","principalId":"AROAEXAMPLE:x","arn":"arn:aws:sts::111122223333:assumed-role/deploy/x","accountId":"111122223333","sessionContext":{{"sessionIssuer":{{"arn":"{ROLE}"}}}}}}"#
    );
    let identity = Identity::parse(&raw, "111122223333");
    Event {
        time: ENDS - 1,
        id: "e".into(),
        shape: Arc::new(Shape::of(&Record::default(), &identity)),
        identity: Arc::new(identity),
        place: Arc::new(Place::new("111122223333", region, address)),
        rules: Vec::new(),
        fields: BTreeMap::new(),
        facts: target.map(|target| Box::new(Facts { target: Some(target.to_owned()), ..Facts::default() })),
    }
}

fn covers(lines: &str, event: &Event) -> bool {
    !list(lines).covering(["d"].into_iter(), event).is_empty()
}

#[test]
fn all_that_is_asked_has_to_hold() {
    let office = event("203.0.113.7", "eu-west-1", Some("ci-1"));
    let both = "network = \"203.0.113.0/24\"\nregion = [\"eu-west-1\", \"eu-west-2\"]";
    assert!(covers(both, &office));
    assert!(!covers(both, &event("198.51.100.7", "eu-west-1", None)), "another network");
    assert!(!covers(both, &event("203.0.113.7", "us-east-1", None)), "another region");
    assert!(!covers(both, &event("cloudformation.amazonaws.com", "eu-west-1", None)), "no address");
    assert!(covers("change = \"CHG-1\"", &office));
    let later = Event { time: ENDS, ..office.clone() };
    assert!(!covers("change = \"CHG-1\"", &later), "expired");
    assert!(list("change = \"CHG-1\"").covering(["other"].into_iter(), &office).is_empty());
    let stranger = Event { identity: Arc::new(Identity::parse("{}", "111122223333")), ..office };
    assert!(!covers("change = \"CHG-1\"", &stranger));
}

#[test]
fn a_target_is_meant_by_name_or_by_arn_and_all_targets_are_asked() {
    assert!(covers("target = \"ci-*\"", &event("203.0.113.7", "eu-west-1", Some("ci-1"))));
    assert!(!covers("target = \"ci-*\"", &event("203.0.113.7", "eu-west-1", Some("admin"))));
    assert!(!covers("target = \"ci-*\"", &event("203.0.113.7", "eu-west-1", None)), "a call about nothing known");
    let mut two = event("203.0.113.7", "eu-west-1", Some("ci-1"));
    let made = |arn: &str| Resource { arn: arn.to_owned(), kind: "iam:user".to_owned(), principal: None, runs: None };
    if let Some(facts) = &mut two.facts {
        facts.created = vec![made("arn:aws:iam::111122223333:user/ci-1")];
    }
    assert!(covers("target = \"arn:aws:iam::*:user/ci-*\"", &two), "a name and an ARN are one thing");
    if let Some(facts) = &mut two.facts {
        facts.created.push(made("arn:aws:iam::111122223333:user/admin"));
    }
    assert!(!covers("target = \"ci-*\"", &two), "one of two");
}

#[test]
fn a_role_that_is_handed_on_and_values_that_are_no_names_are_not_what_a_call_is_about() {
    let function = "arn:aws:lambda:eu-west-1:111122223333:function:ci-build";
    let mut made = event("203.0.113.7", "eu-west-1", None);
    Arc::make_mut(&mut made.place).role = Some("arn:aws:iam::111122223333:role/worker".to_owned());
    let created =
        Resource { arn: function.to_owned(), kind: "lambda:function".to_owned(), principal: None, runs: None };
    made.facts = Some(Box::new(Facts { created: vec![created], ..Facts::default() }));
    made.fields.insert("requestParameters.runtime".to_owned(), "python3.13".to_owned());
    assert!(covers("target = \"ci-*\"", &made));
    let mut asked = event("203.0.113.7", "eu-west-1", None);
    for (field, value) in [("name", "ci-1"), ("severity", "HIGH"), ("encrypted", "true"), ("size", "4.5")] {
        asked.fields.insert(format!("requestParameters.{field}"), value.to_owned());
    }
    asked.fields.insert("userAgent".to_owned(), "curl".to_owned());
    assert_eq!(targets(&asked), ["ci-1".to_owned()].into());
    asked.fields.insert("requestParameters.accountId".to_owned(), "444455556666".to_owned());
    assert!(!covers("target = \"ci-*\"", &asked), "the number of an account is its name");
    let mut assumed = event("203.0.113.7", "eu-west-1", None);
    Arc::make_mut(&mut assumed.place).role = Some(ROLE.to_owned());
    assert!(!covers("target = \"deploy\"", &assumed));
    let raw = r#"{"eventTime":"2026-03-10T02:14:07Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","awsRegion":"eu-west-1"}"#;
    assumed.shape = Arc::new(Shape::of(&Record::scan(raw).unwrap(), &assumed.identity));
    assert!(covers("target = \"deploy\"", &assumed));
}

#[test]
fn entries_that_hid_nothing_and_those_that_are_over_are_told_apart() {
    let list = list("region = \"eu-west-1\"");
    let (idle, expired) = list.idle_and_expired(&Entries::new(), ENDS - 1);
    assert_eq!((idle.len(), expired.len()), (1, 0));
    assert_eq!(idle[0].to_string(), format!("d by {ROLE} (owner ann)"));
    let (idle, expired) = list.idle_and_expired(&[0].into(), ENDS - 1);
    assert_eq!((idle.len(), expired.len()), (0, 0));
    let (idle, expired) = list.idle_and_expired(&Entries::new(), ENDS);
    assert_eq!((idle.len(), expired.len()), (0, 1));
}

proptest! {
    /// A pattern means what a plain search for its parts in their order means.
    #[test]
    fn a_star_stands_for_anything(parts in prop::collection::vec("[ab]{0,3}", 1..4), between in "[abc]{0,4}") {
        let pattern = parts.join("*");
        prop_assert!(matches(&pattern, &parts.join(&between)));
        prop_assert_eq!(matches(&pattern, &format!("c{}", parts.concat())), parts[0].is_empty() && parts.len() > 1);
        prop_assert_eq!(matches(&parts[0], &between), parts[0] == between);
        prop_assert!(!matches(&parts[0].to_uppercase(), &parts[0]) || parts[0].is_empty());
        prop_assert!(!matches("?*", &pattern));
    }
}
