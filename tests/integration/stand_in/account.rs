//! What an account answers in which nobody but `CloudTrail` has anything to say.

use serde_json::json;

use super::fake::Request;

/// The seventeen regions that every account has.
pub(crate) const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The answer of any service but LookupEvents, for an account.
pub(crate) fn answer(request: &Request, account: &str) -> (u16, String) {
    match (request.service.as_str(), request.operation.as_str()) {
        ("account", operation) if operation.to_ascii_lowercase().contains("list") => {
            let region = |name| json!({ "RegionName": name, "RegionOptStatus": "ENABLED_BY_DEFAULT" });
            (200, json!({ "Regions": REGIONS.map(region) }).to_string())
        }
        ("cloudtrail", "DescribeTrails") => (200, json!({ "trailList": [] }).to_string()),
        ("cloudtrail", "ListTrails") => (200, json!({ "Trails": [] }).to_string()),
        ("cloudtrail", "GetTrailStatus") => refuse("TrailNotFoundException", "there is no trail"),
        ("sts", "GetCallerIdentity") => {
            let (arn, id) = (format!("arn:aws:iam::{account}:user/stakeout"), "AIDAEXAMPLESTAKEOUT01");
            xml("GetCallerIdentity", &format!("<Arn>{arn}</Arn><UserId>{id}</UserId><Account>{account}</Account>"))
        }
        ("iam", "ListUsers") => xml("ListUsers", "<Users/><IsTruncated>false</IsTruncated>"),
        ("iam", "ListRoles") => xml("ListRoles", "<Roles/><IsTruncated>false</IsTruncated>"),
        ("iam", "ListAccessKeys") => xml("ListAccessKeys", "<AccessKeyMetadata/><IsTruncated>false</IsTruncated>"),
        ("iam", "GetAccountAuthorizationDetails") => xml(
            "GetAccountAuthorizationDetails",
            "<UserDetailList/><GroupDetailList/><RoleDetailList/><Policies/><IsTruncated>false</IsTruncated>",
        ),
        ("iam", "GetUser" | "GetRole" | "GetAccessKeyLastUsed") => {
            (404, error_xml("NoSuchEntity", "it cannot be found"))
        }
        ("lambda", operation) if operation.starts_with("POST ") && operation.ends_with("/invocations") => {
            (202, String::new())
        }
        ("lambda", _) => (404, error_json("ResourceNotFoundException", "there is no such function")),
        ("iam" | "sts" | "ec2", operation) => {
            (400, error_xml("InvalidAction", &format!("nobody plays {operation} here")))
        }
        (service, operation) => {
            refuse("UnknownOperationException", &format!("nobody plays {service} {operation} here"))
        }
    }
}

/// A refusal of a JSON protocol.
pub(super) fn refuse(code: &str, message: &str) -> (u16, String) {
    (400, error_json(code, message))
}

fn error_json(code: &str, message: &str) -> String {
    json!({ "__type": code, "message": message, "Type": "User" }).to_string()
}

fn error_xml(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    )
}

fn xml(operation: &str, content: &str) -> (u16, String) {
    let answer = format!(
        "<{operation}Response><{operation}Result>{content}</{operation}Result>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></{operation}Response>"
    );
    (200, answer)
}
