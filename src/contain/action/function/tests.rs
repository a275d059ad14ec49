use serde_json::{Value, json};

use super::*;
use crate::contain::action::{by_name, code, statement};

fn subject(kind: &str, arn: &str, region: &str) -> Subject {
    Subject::new(kind, arn, region, true)
}

const ARN: &str = "arn:aws:lambda:eu-west-1:111122223333:function:f-1";

fn allow(principal: &Value, condition: &Value) -> Value {
    let mut statement = json!({ "Sid": "s", "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction",
                                "Resource": ARN });
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    statement
}

#[test]
fn parts_of_arns() {
    assert_eq!(function_of(&format!("{ARN}:live#url")), ARN);
    assert_eq!((function_of(ARN), function_of("odd")), (ARN, "odd"));
    assert_eq!((qualifier_of(&format!("{ARN}:$LATEST#x:y")), qualifier_of(ARN)), (Some("$LATEST"), None));
    let of = subject(FUNCTION, &format!("{ARN}:live"), "eu-west-1");
    assert_eq!(target(&of, "url", "", &[]).arn, format!("{ARN}#url"));
}

#[test]
fn statements_that_let_others_in() {
    let own = "111122223333";
    let lets = |principal: Value, condition: Value| statement::lets_in(&allow(&principal, &condition), own);
    assert_eq!(lets(json!("*"), Value::Null).as_deref(), Some("everybody"));
    assert_eq!(lets(json!({ "AWS": "*" }), Value::Null).as_deref(), Some("everybody"));
    assert_eq!(lets(json!({ "AWS": format!("arn:aws:iam::{own}:root") }), Value::Null), None);
    assert_eq!(lets(json!({ "AWS": "666677778888" }), Value::Null).as_deref(), Some("account 666677778888"));
    assert_eq!(lets(json!("*"), json!({ "StringEquals": { "AWS:SourceAccount": own } })), None);
    let rule =
        |account: &str| json!({ "ArnLike": { "AWS:SourceArn": format!("arn:aws:events:eu-west-1:{account}:rule/x") } });
    let service = json!({ "Service": "events.amazonaws.com" });
    assert_eq!(lets(service.clone(), rule(own)), None);
    assert_eq!(lets(service.clone(), rule("666677778888")).as_deref(), Some("account 666677778888"));
    assert_eq!(lets(service, Value::Null).as_deref(), Some("everybody by way of events.amazonaws.com"));
}

#[test]
fn only_what_can_be_put_back_is_taken_away() {
    let grant = |statement: &Value| statement::Grant::of(statement);
    let all = json!({
        "StringEquals": { "lambda:FunctionUrlAuthType": "NONE", "AWS:SourceAccount": "1", "aws:PrincipalOrgID": "o-1",
                          "lambda:EventSourceToken": "t" },
        "ArnLike": { "AWS:SourceArn": "arn:aws:s3:::b" },
        "Bool": { "lambda:InvokedViaFunctionUrl": "true" },
    });
    let known = grant(&allow(&json!("*"), &all)).unwrap();
    assert_eq!((known.via_url, known.auth.as_deref(), known.principal.as_str()), (Some(true), Some("NONE"), "*"));
    let root = grant(&allow(&json!({ "AWS": "arn:aws:iam::666677778888:root" }), &Value::Null)).unwrap();
    assert_eq!(root.principal, "666677778888");
    for odd in [
        allow(&json!("*"), &json!({ "IpAddress": { "aws:SourceIp": "203.0.113.0/24" } })),
        allow(&json!("*"), &json!({ "StringEquals": { "aws:SourceAccount": ["1", "2"] } })),
        allow(&json!({ "AWS": ["1", "2"] }), &Value::Null),
        allow(&json!({ "AWS": "AIDAEXAMPLE" }), &Value::Null),
        allow(&json!({ "Federated": "x" }), &Value::Null),
        json!({ "Sid": "s", "Effect": "Deny", "Principal": "*", "Action": "a", "Resource": ARN }),
        json!({ "Effect": "Allow", "Principal": "*", "Action": "a", "Resource": ARN }),
        json!({ "Sid": "s", "Effect": "Allow", "NotPrincipal": "*", "Action": "a", "Resource": ARN }),
        json!({ "Sid": "s", "Effect": "Allow", "Principal": "*", "Action": ["a", "b"], "Resource": ARN }),
        Value::Null,
    ] {
        assert!(grant(&odd).is_err(), "{odd}");
        let remove = by_name("remove-public-permission").unwrap();
        assert_eq!(remove.goal(&target(&subject(FUNCTION, ARN, ""), "", "", &[]), &json!({ "statement": odd })), None);
    }
}

#[test]
fn goals_are_reached_once() {
    let target = target(&subject(FUNCTION, ARN, "eu-west-1"), "", "", &[]);
    for (name, open, closed) in [
        ("stop-function", json!({ "reserved": null }), json!({ "reserved": 0 })),
        ("stop-function", json!({ "reserved": 7 }), json!({ "reserved": 0 })),
        ("remove-provisioned-concurrency", json!({ "provisioned": 3 }), json!({ "provisioned": null })),
        ("remove-failure-destination", json!({ "on_failure": ARN }), json!({ "on_failure": null })),
        ("require-signed-url", json!({ "auth": "NONE" }), json!({ "auth": "AWS_IAM" })),
        (
            "remove-public-permission",
            json!({ "statement": allow(&json!("*"), &Value::Null) }),
            json!({ "statement": null }),
        ),
        ("disable-event-source", json!({ "enabled": true }), json!({ "enabled": false })),
        (
            "disable-rule",
            json!({ "state": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" }),
            json!({ "state": "DISABLED" }),
        ),
        ("disable-schedule", json!({ "state": "ENABLED" }), json!({ "state": "DISABLED" })),
        ("delete-function", json!({ "exists": true }), json!({ "exists": false })),
        ("save-function", json!({ "saved": false }), json!({ "saved": true })),
    ] {
        let action = by_name(name).unwrap();
        assert_eq!(action.goal(&target, &open).as_ref(), Some(&closed), "{name}");
        assert_eq!(action.goal(&target, &closed), None, "{name}");
        assert!(action.holds(&closed, &closed) && !action.holds(&open, &closed), "{name}");
        let (does, back) = action.words(&target, &open, &closed);
        assert!(!does.is_empty() && back.is_some() == action.is_undoable(), "{name}");
    }
    let queue = json!({ "on_failure": "arn:aws:sqs:eu-west-1:111122223333:q" });
    assert_eq!(by_name("remove-failure-destination").unwrap().goal(&target, &queue), None);
}

#[test]
fn hashes_of_code_are_those_of_aws() {
    assert_eq!(code::hash(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_eq!(code::hash(b"abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}
