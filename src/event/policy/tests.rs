//! What documents allow, and whom they let in.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Grade, Kind, document, reach_of};

#[test]
fn grades_what_a_document_allows() {
    let grade = |action: &str, resource: &str| {
        Grade::of_document(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#
        ))
    };
    assert_eq!(grade("*", "*"), Some(Grade::Admin));
    assert_eq!(grade("iam:*", "*"), Some(Grade::Admin));
    assert_eq!(grade("sts:AssumeRole", "arn:aws:iam::1:role/*"), Some(Grade::Admin));
    assert_eq!(grade("sts:AssumeRole", "arn:aws:iam::1:role/deploy"), Some(Grade::Narrow));
    assert_eq!(grade("IAM:*", "arn:aws:iam::111122223333:*"), Some(Grade::Admin));
    assert_eq!(grade("i*:*", "*"), Some(Grade::Admin));
    assert_eq!(grade("iam:CreateU*", "*"), Some(Grade::Narrow));
    assert_eq!(grade("iam:Create*", "*"), Some(Grade::Admin), "includes iam:CreatePolicyVersion");
    assert_eq!(grade("iam:PutUserPolicy", "*"), Some(Grade::Admin));
    assert_eq!(grade("iam:PutUserPolicy", "arn:aws:iam::111122223333:*"), Some(Grade::Admin));
    assert_eq!(grade("iam:PutUserPolicy", "arn:aws:iam::111122223333:user/me"), Some(Grade::Narrow));
    assert_eq!(grade("iam:*", "arn:aws:iam::111122223333:user/me"), Some(Grade::Narrow));
    assert_eq!(grade("s3:*", "arn:aws:s3:::one/*"), Some(Grade::Narrow));
    assert_eq!(grade("lambda:*", "*"), Some(Grade::Broad));
    assert_eq!(grade("s3:GetObject", "*"), Some(Grade::Narrow));
    let all_but = |action: &str| {
        Grade::of_document(&format!(
            r#"{{"Statement":[{{"Effect":"Allow","NotAction":["{action}"],"Resource":"*"}}]}}"#
        ))
    };
    assert_eq!(all_but("s3:*"), Some(Grade::Admin));
    assert_eq!(Grade::of_document("not json"), None);
    let encoded = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Deny%22%2C%22Action%22%3A%22%2A%22%7D%5D%7D";
    assert_eq!(Grade::of_document(encoded), Some(Grade::DenyOnly));
    assert_eq!(Grade::of_managed("arn:aws-us-gov:iam::aws:policy/AdministratorAccess"), Grade::Admin);
    assert_eq!(Grade::of_managed("arn:aws:iam::111122223333:policy/AdministratorAccess"), Grade::Narrow);
}

fn union(statements: &[(&str, &str, &str)]) -> Option<Grade> {
    let statements: Vec<_> = statements
        .iter()
        .map(|(effect, action, resource)| serde_json::json!({"Effect": effect, "Action": action, "Resource": resource}))
        .collect();
    let text = serde_json::json!({ "Statement": statements }).to_string();
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let grade = Grade::of_document(&text);
    assert_eq!(Grade::of_document(&encoded), grade);
    grade
}

#[test]
fn statements_add_up() {
    let parts = ["iam:A*", "iam:C*", "iam:P*", "iam:U*"].map(|action| ("Allow", action, "*"));
    assert_eq!(union(&parts), Some(Grade::Admin));
    let on = |kind: &'static str| ("Allow", "iam:*", kind);
    assert_eq!(union(&[on("arn:aws:iam::*:user/*"), on("arn:aws:iam::*:role/*")]), Some(Grade::Admin));
    assert_eq!(union(&[on("arn:aws:iam::*:user/*")]), Some(Grade::Narrow));
    let calls = ["AttachUserPolicy", "CreateUser"].map(|call| format!("iam:{call}"));
    let [attach, create] = calls.each_ref().map(|call| ("Allow", call.as_str(), "arn:aws:iam::*:user/*"));
    assert_eq!(union(&[attach, create]), Some(Grade::Narrow));
    assert_eq!(
        union(&[attach, create, ("Allow", "iam:PassRole", "*"), ("Allow", "iam:Up*", "arn:aws:iam::1:role/*")]),
        Some(Grade::Admin)
    );
}

#[test]
fn a_deny_takes_away() {
    let all = ("Allow", "*", "*");
    assert_eq!(union(&[all, ("Deny", "*", "*")]), Some(Grade::DenyOnly));
    assert_eq!(union(&[("Allow", "s3:*", "*"), ("Deny", "s3:*", "*")]), Some(Grade::DenyOnly));
    assert_eq!(union(&[all, ("Deny", "iam:*", "*"), ("Deny", "sts:*", "*")]), Some(Grade::Broad));
    assert_eq!(union(&[all, ("Deny", "iam:DeleteUser", "*")]), Some(Grade::Admin));
    assert_eq!(
        union(&[("Allow", "iam:PutUserPolicy", "*"), ("Deny", "iam:Put*", "arn:aws:iam::*:user/*")]),
        Some(Grade::Narrow)
    );
    let all_but = |condition: &str, allowed: &str| {
        Grade::of_document(&format!(
            r#"{{"Statement":[{{"Effect":"Allow","Action":"{allowed}","Resource":"*"}},
                {{"Effect":"Deny","NotAction":"iam:*","Resource":"*"{condition}}}]}}"#
        ))
    };
    assert_eq!(all_but("", "s3:*"), Some(Grade::DenyOnly));
    assert_eq!(all_but("", "*"), Some(Grade::Admin));
    assert_eq!(all_but(r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#, "s3:*"), Some(Grade::Broad));
}

/// Kinds, and accounts of others, that a document opens to, in account 111122223333.
fn opens(statements: &Value) -> String {
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let reach = reach_of(&document).settle(&|account| account == "111122223333");
    let kinds = reach.kinds.iter().map(|kind| kind.as_str().to_owned());
    let external = reach.by_external_id.then(|| "id".to_owned());
    kinds.chain(reach.accounts.iter().cloned()).chain(external).collect::<Vec<_>>().join(" ")
}

/// The same of one statement.
fn one(principal: Value, condition: Value) -> String {
    let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal});
    if !condition.is_null() {
        statement["Condition"] = condition;
    }
    let listed = opens(&json!([statement]));
    assert_eq!(opens(&statement), listed, "one statement needs no list");
    listed
}

#[test]
fn principals_in_every_spelling() {
    const ROLE: &str = "arn:aws:iam::444455556666:role/x";
    for (principal, wanted) in [
        (json!("*"), "everybody"),
        (json!({"AWS": "*"}), "everybody"),
        (json!({"AWS": ["arn:aws:iam::111122223333:root", "*"]}), "own everybody"),
        (json!({"AWS": "111122223333"}), "own"),
        (json!({"AWS": "arn:aws:iam::111122223333:root"}), "own"),
        (json!({"AWS": "444455556666"}), "another-account 444455556666"),
        (json!({"AWS": "arn:aws-cn:iam::444455556666:root"}), "another-account 444455556666"),
        (json!({"AWS": ["arn:aws:iam::111122223333:role/a", ROLE]}), "own another-account 444455556666"),
        (json!({"AWS": "arn:aws:sts::444455556666:assumed-role/x/y"}), "another-account 444455556666"),
        (json!({"AWS": "AROAEXAMPLEGONE000001"}), "own"),
        (json!({"AWS": "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}), "service"),
        (json!({"AWS": "arn:aws:iam::127311923021:root"}), "service"),
        (json!({"CanonicalUser": "ab".repeat(32)}), &format!("another-account {}", "ab".repeat(32))),
        (json!({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}), "service"),
        (json!({"Service": "ec2.amazonaws.com", "AWS": ROLE}), "service another-account 444455556666"),
        (json!({"Federated": "arn:aws:iam::111122223333:saml-provider/corp"}), "provider"),
        (json!({}), ""),
        (json!(7), ""),
        (json!([]), ""),
        (Value::Null, ""),
    ] {
        assert_eq!(one(principal.clone(), Value::Null), wanted, "{principal}");
    }
    let but = json!({"Effect": "Allow", "Action": "s3:GetObject", "NotPrincipal": {"AWS": ROLE}});
    assert_eq!(opens(&but), "everybody");
    assert_eq!(opens(&json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})), "", "a policy of an identity");
    assert_eq!(opens(&json!({"Effect": "Deny", "Action": "*", "Principal": "*"})), "");
}

#[test]
fn conditions_narrow_where_they_surely_do() {
    let of = |operator: &str, key: &str, value: Value| json!({operator: {key: value}});
    for (condition, wanted) in [
        (of("StringEquals", "aws:PrincipalOrgID", json!("o-abcdef1234")), "organisation"),
        (of("StringLike", "aws:PrincipalOrgID", json!("*")), "everybody"),
        (of("StringLike", "aws:PrincipalOrgID", json!("o-*")), "everybody"),
        (of("StringEquals", "aws:PrincipalOrgID", json!("*")), ""),
        (of("StringEqualsIfExists", "aws:PrincipalOrgID", json!("o-abcdef1234")), "everybody"),
        (of("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", json!("o-abcdef1234/r-a/*")), "organisation"),
        (of("ForAllValues:StringLike", "aws:PrincipalOrgPaths", json!("o-abcdef1234/*")), "everybody"),
        (of("StringEquals", "AWS:SourceOwner", json!("111122223333")), "own"),
        (of("StringEquals", "aws:SourceAccount", json!(444455556666_u64)), "another-account 444455556666"),
        (
            of("StringEquals", "aws:PrincipalAccount", json!(["111122223333", "444455556666"])),
            "own another-account 444455556666",
        ),
        (of("StringLike", "aws:PrincipalAccount", json!("1111*")), "everybody"),
        (of("StringEquals", "kms:CallerAccount", json!("111122223333")), "own"),
        (of("StringEquals", "kms:ViaService", json!("s3.eu-west-1.amazonaws.com")), "everybody"),
        (of("ArnLike", "aws:PrincipalArn", json!("arn:aws:iam::111122223333:role/*")), "own"),
        (of("ArnEquals", "aws:PrincipalArn", json!("arn:aws:iam::*:role/deploy")), "everybody"),
        (of("StringEquals", "aws:PrincipalArn", json!("arn:aws:iam::*:role/deploy")), ""),
        (of("ArnLike", "aws:SourceArn", json!("arn:aws:s3:::photos")), "own"),
        (of("ArnLike", "aws:SourceArn", json!("arn:aws:s3:::*")), "everybody"),
        (of("ArnLike", "aws:SourceArn", json!("arn:aws:sns:*:444455556666:news")), "another-account 444455556666"),
        (of("ArnLike", "aws:SourceArn", json!("arn:aws:*")), "everybody"),
        (of("StringEquals", "aws:SourceVpce", json!("vpce-0123456789")), "network"),
        (of("StringLike", "aws:SourceVpc", json!("vpc-*")), "everybody"),
        (of("IpAddress", "aws:SourceIp", json!(["198.51.100.0/24", "203.0.113.7"])), "network"),
        (of("IpAddress", "aws:SourceIp", json!(["198.51.100.0/24", "0.0.0.0/0"])), "everybody"),
        (of("IpAddress", "aws:SourceIp", json!(["0.0.0.0/1", "128.0.0.0/1"])), "everybody"),
        (of("IpAddress", "aws:SourceIp", json!("::/0")), "everybody"),
        (of("NotIpAddress", "aws:SourceIp", json!("198.51.100.0/24")), "everybody"),
        (of("StringNotEquals", "aws:PrincipalOrgID", json!("o-abcdef1234")), "everybody"),
        (of("StringEquals", "sts:ExternalId", json!("7f3a")), "another-account id"),
        (of("StringLike", "sts:ExternalId", json!("*")), "everybody"),
        (of("Bool", "aws:SecureTransport", json!("true")), "everybody"),
        (of("Bool", "aws:PrincipalIsAWSService", json!(true)), "service"),
        (of("Bool", "elasticfilesystem:AccessedViaMountTarget", json!("true")), "network"),
        (of("Null", "aws:PrincipalOrgID", json!("false")), "everybody"),
        (of("StringEquals", "aws:ResourceAccount", json!("${aws:PrincipalAccount}")), "own"),
        (of("StringLike", "aws:UserAgent", json!("secret*")), "everybody"),
        (json!({"StringEquals": {"aws:SourceVpce": "vpce-0123456789", "aws:PrincipalAccount": "111122223333"}}), "own"),
        (
            json!({"Bool": {"aws:SecureTransport": true}, "StringEquals": {"aws:PrincipalOrgID": "o-abcdef1234"}}),
            "organisation",
        ),
        (json!({"StringEquals": {"aws:PrincipalOrgID": []}}), "everybody"),
        (json!({"StringEquals": "aws:PrincipalOrgID"}), "everybody"),
        (json!("none"), "everybody"),
    ] {
        assert_eq!(one(json!("*"), condition.clone()), wanted, "{condition}");
        assert_eq!(one(json!({"AWS": ["*"]}), condition.clone()), wanted, "{condition}");
    }
    let foreign = |condition| one(json!({"AWS": "arn:aws:iam::444455556666:root"}), condition);
    assert_eq!(foreign(of("StringEquals", "sts:ExternalId", json!("7f3a"))), "another-account 444455556666 id");
    assert_eq!(foreign(of("StringEquals", "aws:PrincipalOrgID", json!("o-abcdef1234"))), "organisation");
    assert_eq!(foreign(of("StringEquals", "aws:PrincipalAccount", json!("111122223333"))), "");
    assert_eq!(foreign(of("IpAddress", "aws:SourceIp", json!("10.0.0.0/8"))), "another-account 444455556666");
    let service = |condition| one(json!({"Service": "s3.amazonaws.com"}), condition);
    assert_eq!(service(of("StringEquals", "aws:SourceAccount", json!("111122223333"))), "own service");
    assert_eq!(
        service(of("StringEquals", "aws:SourceAccount", json!("444455556666"))),
        "service another-account 444455556666"
    );
}

#[test]
fn identity_providers_let_in_whom_their_conditions_name() {
    const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let host = |provider: &str, operator: &str, claim: &str, value: Value| {
        let name = provider.rsplit_once(":oidc-provider/").map_or(provider, |(_, name)| name).to_owned();
        one(json!({"Federated": provider}), json!({operator: {format!("{name}:{claim}"): value}}))
    };
    let like = |value: &str| host(GITHUB, "StringLike", "sub", json!(value));
    for narrow in ["repo:acme/shop:*", "repo:acme/*", "repository_owner_id:42", "job_workflow_ref:acme/ci/x@*"] {
        assert_eq!(like(narrow), "provider", "{narrow}");
    }
    for open in
        ["*", "repo:*", "repo:*/*:ref:refs/heads/main", "repo:acme*/*", "environment:prod", "repo:*:environment:prod"]
    {
        assert_eq!(like(open), "any-pipeline", "{open}");
    }
    assert_eq!(host(GITHUB, "StringEquals", "aud", json!("sts.amazonaws.com")), "any-pipeline");
    assert_eq!(host(GITHUB, "ForAllValues:StringLike", "sub", json!("repo:acme/shop:*")), "any-pipeline");
    assert_eq!(host(GITHUB, "StringLikeIfExists", "sub", json!("repo:acme/shop:*")), "any-pipeline");
    assert_eq!(host(GITHUB, "StringLike", "sub", json!(["repo:acme/shop:*", "repo:*"])), "any-pipeline");
    assert_eq!(host(GITHUB, "StringEquals", "repository_owner", json!("acme")), "provider");
    assert_eq!(one(json!({"Federated": GITHUB}), Value::Null), "any-pipeline");
    let cognito = "cognito-identity.amazonaws.com";
    assert_eq!(one(json!({"Federated": cognito}), Value::Null), "everybody");
    assert_eq!(host(cognito, "StringEquals", "aud", json!("eu-west-1:11-22")), "provider");
    let cluster = "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC";
    assert_eq!(one(json!({"Federated": cluster}), Value::Null), "provider");
}

#[test]
fn denials_narrow_what_they_cover() {
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]});
    let with = |deny: Value| opens(&json!([allow.clone(), deny]));
    let deny = |actions: Value, resources: Value, condition: Value| {
        with(
            json!({"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": resources, "Condition": condition}),
        )
    };
    let outside = json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-abcdef1234"}});
    let all = json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]);
    assert_eq!(deny(json!("s3:*"), all.clone(), outside.clone()), "organisation");
    assert_eq!(deny(json!("*"), json!("*"), outside.clone()), "organisation");
    assert_eq!(deny(json!("s3:GetObject"), json!("*"), outside.clone()), "everybody", "the list is left open");
    assert_eq!(deny(json!("s3:*"), json!("arn:aws:s3:::b/*"), outside), "everybody", "the bucket itself is left open");
    assert_eq!(deny(json!("s3:*"), all.clone(), json!({"Bool": {"aws:SecureTransport": "false"}})), "everybody");
    let perimeter = json!({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-abcdef1234"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}});
    assert_eq!(deny(json!("s3:*"), all.clone(), perimeter), "service organisation");
    assert_eq!(deny(json!("s3:*"), all, json!({})), "");
    let spared =
        |who: &str| with(json!({"Effect": "Deny", "NotPrincipal": {"AWS": who}, "Action": "s3:*", "Resource": "*"}));
    assert_eq!(spared("arn:aws:iam::111122223333:root"), "own");
    let foreign = json!({"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "s3:*", "Resource": "*"});
    let shut = json!({"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "s3:*", "Resource": "*"});
    assert_eq!(opens(&json!([foreign, shut])), "");
}

#[test]
fn documents_are_read_through_every_layer() {
    let plain = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}]});
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let once = encode(&plain.to_string());
    for field in [
        plain.clone(),
        json!(plain.to_string()),
        json!(once),
        json!(encode(&once)),
        json!(serde_json::to_string(&plain.to_string()).unwrap()),
        json!(format!(" \n{plain}")),
    ] {
        assert_eq!(document::read(&field).as_deref(), Some(&plain), "{field}");
    }
    for broken in [
        "",
        "{",
        "{\"Statement\":",
        "%7B%2",
        "[]",
        "{\"Statement\":7}",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "%%%",
        "\"\"",
        "%22",
    ] {
        assert_eq!(document::parse(broken), None, "{broken}");
    }
}

#[test]
fn a_long_document_takes_no_long_time() {
    let many: Vec<String> = (0..20_000).map(|n| format!("s3:*a*b*c{n}*")).collect();
    let pattern = "*a".repeat(20_000);
    let allow = json!({"Effect": "Allow", "Principal": "*", "Action": many, "Resource": many});
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": many, "Resource": [pattern]});
    let document = json!({"Statement": [allow, deny, allow, deny, deny]});
    assert_eq!(reach_of(&document).kinds.last(), Some(&Kind::Everybody));
    assert!(Grade::of_parsed(&document).is_some());
}

fn value() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("*".to_owned()),
        Just("arn:aws:iam::444455556666:root".to_owned()),
        Just("StringNotEquals".to_owned()),
        Just("ForAnyValue:StringLike".to_owned()),
        Just("aws:PrincipalOrgID".to_owned()),
        Just("arn:::".to_owned()),
        "[%{}:*?$\\PC]{0,12}",
    ];
    let leaf = prop_oneof![
        word.prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null)
    ];
    let key = prop_oneof![
        Just("Statement"),
        Just("Effect"),
        Just("Principal"),
        Just("NotPrincipal"),
        Just("Action"),
        Just("Condition"),
        Just("AWS"),
        Just("Federated"),
        Just("StringLike"),
        Just("aws:SourceIp"),
        Just("Resource"),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((key.clone(), inner), 0..6).prop_map(|fields| {
                fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
            }),
        ]
    })
}

proptest! {
    /// Whatever stands in a document, and a statement more never lets fewer in unless it denies.
    #[test]
    fn any_document_is_read(one in value(), other in value(), text in "\\PC{0,200}") {
        let document = json!({"Statement": [one, {"Effect": "Allow", "Principal": other, "Action": "*", "Condition": one}]});
        _ = reach_of(&document);
        _ = Grade::of_parsed(&document);
        _ = document::parse(&text);
        _ = document::parse(&document.to_string());
        let with = json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*"}, {"Effect": "Allow", "Principal": other, "Action": "*"}]});
        prop_assert!(reach_of(&with).kinds.contains(&Kind::Everybody));
    }
}
