//! Whom calls let in, as records have them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use super::{kinds, opened, relied_on};
use crate::event::{Identity, Record, Shape};

fn shape(service: &str, name: &str) -> Shape {
    let raw = json!({"eventTime": "2026-03-10T02:14:07Z", "eventSource": format!("{service}.amazonaws.com"), "eventName": name,
        "readOnly": name.starts_with("Get"),
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/m"}})
    .to_string();
    let record = Record::scan(&raw).unwrap();
    Shape::of(&record, &Identity::parse(&record.identity, "111122223333"))
}

fn opens(service: &str, name: &str, request: &Value, response: &Value) -> String {
    let reach = opened(&shape(service, name), request, response, &|account| account == "111122223333");
    let accounts = reach.accounts.iter().cloned();
    kinds(&reach).map(str::to_owned).chain(accounts).collect::<Vec<_>>().join(" ")
}

#[test]
fn policies_are_found_wherever_calls_carry_them() {
    let policy = json!({"Statement": {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "*"}});
    let text = policy.to_string();
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for (service, name, request, response) in [
        ("iam", "CreateRole", json!({"assumeRolePolicyDocument": text}), Value::Null),
        ("iam", "CreateRole", Value::Null, json!({"role": {"assumeRolePolicyDocument": encoded}})),
        ("iam", "UpdateAssumeRolePolicy", json!({"policyDocument": text}), Value::Null),
        ("s3", "PutBucketPolicy", json!({"bucketPolicy": policy, "bucketName": "b"}), Value::Null),
        ("kms", "PutKeyPolicy", json!({"policy": text, "policyName": "default"}), Value::Null),
        ("ecr", "SetRepositoryPolicy", json!({"policyText": text}), Value::Null),
        ("sqs", "SetQueueAttributes", json!({"attributes": {"Policy": text}}), Value::Null),
        ("sns", "SetTopicAttributes", json!({"attributeName": "Policy", "attributeValue": text}), Value::Null),
        ("secretsmanager", "PutResourcePolicy", json!({"resourcePolicy": text}), Value::Null),
        (
            "apigateway",
            "UpdateRestApi",
            json!({"patchOperations": [{"op": "replace", "path": "/policy", "value": text}]}),
            Value::Null,
        ),
        ("glacier", "SetVaultAccessPolicy", json!({"policy": {"policy": text}}), Value::Null),
    ] {
        assert_eq!(
            opens(service, name, &request, &response),
            "another-account 444455556666",
            "{service}:{name} {request}"
        );
    }
    assert_eq!(opens("iam", "CreatePolicy", &json!({"policyDocument": text}), &Value::Null), "");
    assert_eq!(opens("ec2", "CreateVpcEndpoint", &json!({"policyDocument": text}), &Value::Null), "");
    assert_eq!(
        opens("s3", "GetBucketPolicy", &json!({"bucketPolicy": policy}), &Value::Null),
        "",
        "a question opens nothing"
    );
}

#[test]
fn direct_grants_tell_whom_they_name() {
    let group = "http://acs.amazonaws.com/groups/global/AllUsers";
    for (service, name, request, wanted) in [
        (
            "ec2",
            "ModifyImageAttribute",
            json!({"launchPermission": {"add": {"items": [{"group": "all"}]}}}),
            "everybody",
        ),
        ("ec2", "ModifyImageAttribute", json!({"launchPermission": {"remove": {"items": [{"group": "all"}]}}}), ""),
        (
            "ec2",
            "ModifyImageAttribute",
            json!({"launchPermission": {"add": {"items": [{"organizationArn": "arn:aws:organizations::111122223333:organization/o-x"}]}}}),
            "organisation",
        ),
        (
            "ec2",
            "ModifySnapshotAttribute",
            json!({"createVolumePermission": {"add": {"items": {"userId": "444455556666"}}}}),
            "another-account 444455556666",
        ),
        (
            "ec2",
            "ModifySnapshotAttribute",
            json!({"createVolumePermission": {"add": {"items": [{"userId": "111122223333"}]}}}),
            "own",
        ),
        ("rds", "ModifyDBSnapshotAttribute", json!({"valuesToAdd": ["all"], "attributeName": "restore"}), "everybody"),
        (
            "rds",
            "ModifyDBClusterSnapshotAttribute",
            json!({"valuesToAdd": ["444455556666"], "valuesToRemove": ["all"]}),
            "another-account 444455556666",
        ),
        ("lambda", "AddPermission20150331v2", json!({"principal": "*"}), "everybody"),
        (
            "lambda",
            "AddPermission20150331v2",
            json!({"principal": "*", "principalOrgID": "o-abcdef1234"}),
            "organisation",
        ),
        (
            "lambda",
            "AddPermission20150331v2",
            json!({"principal": "*", "sourceAccount": "111122223333"}),
            "own service",
        ),
        ("lambda", "AddPermission20150331v2", json!({"principal": "444455556666"}), "another-account 444455556666"),
        (
            "lambda",
            "AddPermission20150331v2",
            json!({"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::b"}),
            "service",
        ),
        (
            "lambda",
            "AddPermission20150331v2",
            json!({"principal": "sns.amazonaws.com", "sourceArn": "arn:aws:sns:eu-west-1:444455556666:t"}),
            "service another-account 444455556666",
        ),
        (
            "lambda",
            "AddLayerVersionPermission20181031",
            json!({"principal": "*", "organizationId": "o-abcdef1234"}),
            "organisation",
        ),
        (
            "kms",
            "CreateGrant",
            json!({"granteePrincipal": "arn:aws:iam::444455556666:role/x"}),
            "another-account 444455556666",
        ),
        (
            "ram",
            "CreateResourceShare",
            json!({"principals": ["444455556666"], "resourceArns": ["arn:aws:ec2:eu-west-1:111122223333:subnet/s"]}),
            "another-account 444455556666",
        ),
        (
            "sqs",
            "AddPermission",
            json!({"aWSAccountIds": ["444455556666"], "actions": ["*"]}),
            "another-account 444455556666",
        ),
        ("ssm", "ModifyDocumentPermission", json!({"accountIdsToAdd": ["All"]}), "everybody"),
        (
            "events",
            "PutPermission",
            json!({"principal": "*", "condition": {"key": "aws:PrincipalOrgID", "value": "o-x"}}),
            "organisation",
        ),
        (
            "s3",
            "PutBucketAcl",
            json!({"accessControlList": {"x-amz-grant-read": format!("uri=\"{group}\"")}}),
            "everybody",
        ),
        ("s3", "PutBucketAcl", json!({"x-amz-acl": ["public-read"]}), "everybody"),
        (
            "s3",
            "PutBucketAcl",
            json!({"AccessControlPolicy": {"Owner": {"ID": "aa"}, "AccessControlList": {"Grant": [{"Grantee": {"ID": "aa"}}, {"Grantee": {"URI": group}}]}}}),
            "own everybody",
        ),
        (
            "s3",
            "PutBucketReplication",
            json!({"ReplicationConfiguration": {"Rule": {"Destination": {"Account": "444455556666"}}}}),
            "another-account 444455556666",
        ),
        ("lambda", "AddPermission", Value::Null, ""),
        ("s3", "PutBucketAcl", json!([[]]), ""),
    ] {
        assert_eq!(opens(service, name, &request, &Value::Null), wanted, "{service}:{name} {request}");
    }
}

#[test]
fn things_of_other_accounts_are_told() {
    let request = json!({"layers": ["arn:aws:lambda:eu-west-1:444455556666:layer:l:1", "arn:aws:lambda:eu-west-1:111122223333:layer:m:1"],
        "x-amz-server-side-encryption-aws-kms-key-id": "alias/x"});
    let accounts = relied_on(&request, &|account| account == "111122223333");
    assert_eq!(accounts.into_iter().collect::<Vec<_>>(), ["444455556666"]);
}
