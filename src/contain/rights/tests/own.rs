//! What is denied on everything but our own, and who may become us.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{Places, Trust, detector, function, trust};
use super::{actions, places, statements, texts};

/// Whether an ARN fits a pattern of IAM: `*` is anything, `?` one character.
fn fits(pattern: &str, arn: &str) -> bool {
    match (pattern.split_at_checked(1), arn.chars().next()) {
        (None, next) => next.is_none(),
        (Some(("*", rest)), next) => fits(rest, arn) || next.is_some_and(|next| fits(pattern, &arn[next.len_utf8()..])),
        (Some(("?", rest)), Some(next)) => fits(rest, &arn[next.len_utf8()..]),
        (Some((one, rest)), Some(_)) => arn.strip_prefix(one).is_some_and(|arn| fits(rest, arn)),
        (Some(_), None) => false,
    }
}

/// Whether a denial without a condition holds for an action on a resource.
fn is_denied(denials: &[Value], action: &str, arn: &str) -> bool {
    denials.iter().filter(|denial| denial["Condition"].is_null()).any(|denial| {
        let is_about = texts(&denial["Action"]).iter().any(|pattern| fits(pattern, action));
        let on = |key: &str| (!denial[key].is_null()).then(|| texts(&denial[key]).iter().any(|it| fits(it, arn)));
        is_about && (on("Resource").unwrap_or(false) || on("NotResource").is_some_and(|is_ours| !is_ours))
    })
}

/// What the detector and the function read and become is theirs alone, whatever else they are given.
#[test]
fn our_own_data_may_be_read_and_no_other() {
    let (actions, places) = (actions(), places());
    let watching = detector(&actions, &places);
    let denials = statements(&watching, "Deny");
    let own = [function(&places), watching].concat();
    for allowed in statements(&own, "Allow") {
        for action in texts(&allowed["Action"]) {
            for arn in texts(&allowed["Resource"]) {
                // A pattern of ours stands for one of the names that it fits.
                let arn = arn.replace("??????", "a1B2c3").replace('*', "x");
                assert!(!is_denied(&denials, &action, &arn), "{action} on {arn} is allowed and denied");
            }
        }
    }
    for (action, ours, other) in [
        (
            "ssm:GetParameter",
            "arn:aws:ssm:eu-west-1:111122223333:parameter/stakeout/token",
            "arn:aws:ssm:eu-west-1:111122223333:parameter/prod/password",
        ),
        (
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:stakeout/slack-a1B2c3",
            "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod-a1B2c3",
        ),
        ("s3:GetObject", "arn:aws:s3:::settings/stakeout.toml", "arn:aws:s3:::customers/all.csv"),
        ("s3:GetObject", "arn:aws:s3:::trails/AWSLogs/x", "arn:aws:s3:::trails-2/x"),
        (
            "dynamodb:GetItem",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/stakeout",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
        ),
        (
            "dynamodb:Scan",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/stakeout",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/stakeout-2",
        ),
        (
            "lambda:InvokeFunction",
            "arn:aws:lambda:eu-west-1:111122223333:function:stakeout",
            "arn:aws:lambda:eu-west-1:111122223333:function:payments",
        ),
        ("sqs:ReceiveMessage", "arn:aws:sqs:eu-west-1:111122223333:q", "arn:aws:sqs:eu-west-1:111122223333:orders"),
        ("sts:AssumeRole", "arn:aws:iam::111122223333:role/stakeout-responder", "arn:aws:iam::111122223333:role/Admin"),
    ] {
        assert!(!is_denied(&denials, action, ours), "{action} on {ours}");
        assert!(is_denied(&denials, action, other), "{action} on {other}");
    }
    for action in [
        "ssm:GetParametersByPath",
        "secretsmanager:BatchGetSecretValue",
        "dynamodb:PartiQLSelect",
        "account:PutAlternateContact",
        "iam:CreateUser",
    ] {
        assert!(is_denied(&denials, action, "arn:aws:ssm:eu-west-1:111122223333:parameter/stakeout/token"), "{action}");
    }
    // What the settings do not name is not read at all.
    let nothing = Places { known: BTreeMap::new(), ..places };
    let denials = statements(&detector(&actions, &nothing), "Deny");
    for (action, arn) in [
        ("ssm:GetParameter", "arn:aws:ssm:eu-west-1:111122223333:parameter/stakeout/token"),
        ("sts:AssumeRole", "arn:aws:iam::1:role/x"),
    ] {
        assert!(is_denied(&denials, action, arn), "{action}");
    }
}

#[test]
fn the_responder_is_assumed_for_a_plan_and_the_detector_with_its_external_id() {
    let by = ["arn:aws:iam::111122223333:role/stakeout".to_owned()];
    let responder = &trust(&by, &Trust::Responder)["Statement"][0];
    assert_eq!(texts(&responder["Principal"]["AWS"]), by.clone().into());
    assert_eq!(texts(&responder["Action"]), ["sts:AssumeRole", "sts:SetSourceIdentity"].map(str::to_owned).into());
    assert_eq!(responder["Condition"]["StringLike"]["sts:SourceIdentity"], "stakeout-*");
    let detector = &trust(&by, &Trust::Detector { external_id: Some("x1".to_owned()) })["Statement"][0];
    assert_eq!(
        (&detector["Action"], &detector["Condition"]["StringEquals"]["sts:ExternalId"]),
        (&"sts:AssumeRole".into(), &"x1".into())
    );
    assert!(trust(&by, &Trust::Detector { external_id: None })["Statement"][0]["Condition"].is_null());
}
