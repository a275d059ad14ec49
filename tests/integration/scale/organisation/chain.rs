//! The way of an intruder through accounts: the new user of one assumes a role of a second, makes a user there, and that
//! user assumes a role of a third.

use std::path::Path;

use jiff::civil::DateTime;
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::{account, gzip, log_key, write};

const ADDRESS: &str = "203.0.113.210";
const AGENT: &str = "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.11.6";
const HOME: &str = "us-east-1";
/// Regions in which the third account has nothing.
const UNUSED: [&str; 3] = ["sa-east-1", "ap-south-1", "eu-north-1"];

/// Writes the chain that begins where a founding story ends.
pub(super) fn tell(folder: &Path, truth: &Value) {
    let start: Timestamp = truth["opened_by"].as_str().unwrap().parse().unwrap();
    let start = start.as_second() + 1_200;
    let [first, second, third] = [0, 5, 6].map(account);
    let is_user = |arn: &&str| arn.contains(":user/svc-");
    let texts =
        |name: &str| truth[name].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect::<Vec<_>>();
    let arn = texts("principals").into_iter().find(is_user).unwrap();
    let root = truth["root"]["credential"].as_str().unwrap();
    let key = texts("credentials").into_iter().find(|key| *key != root).unwrap();
    let thief = user(&first, arn.rsplit('/').next().unwrap(), "AIDAORG0000SVCMONIT00", key);
    let mut logs = Logs::default();

    let session = logs.assume(&thief, (&first, &second), "ASIAORG0005CHAINED0008", start);
    let name = "svc-backup-5";
    let id = "AIDAORG0005SVCBACKUP0";
    let made = json!({"user": {"userName": name, "userId": id, "arn": format!("arn:aws:iam::{second}:user/{name}")}});
    logs.call(&session, (&second, HOME, start + 60), ("iam", "CreateUser"), [json!({"userName": name}), made]);
    let policy = json!({"userName": name, "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    logs.call(&session, (&second, HOME, start + 62), ("iam", "AttachUserPolicy"), [policy, Value::Null]);
    let key = "AKIAORG0005CHAINED01";
    let made = json!({"accessKey": {"userName": name, "accessKeyId": key, "status": "Active"}});
    logs.call(&session, (&second, HOME, start + 64), ("iam", "CreateAccessKey"), [json!({"userName": name}), made]);

    let next = user(&second, name, id, key);
    let session = logs.assume(&next, (&second, &third), "ASIAORG0006CHAINED0009", start + 300);
    for (place, region) in (0..).zip(UNUSED) {
        let name = format!("f-chain-{place}");
        let arn = format!("arn:aws:lambda:{region}:{third}:function:{name}");
        let request = json!({"functionName": name, "runtime": "python3.12", "memorySize": 10_240, "timeout": 900,
            "role": format!("arn:aws:iam::{third}:role/app-web"), "handler": "app.handler"});
        let made = json!({"functionName": name, "functionArn": arn, "memorySize": 10_240, "timeout": 900});
        let at = start + 360 + 20 * place;
        logs.call(&session, (&third, region, at), ("lambda", "CreateFunction20150331"), [request, made]);
        let request = json!({"functionName": name, "authType": "NONE"});
        let made = json!({"functionArn": arn, "authType": "NONE", "functionUrl": "https://x.lambda-url.on.aws/"});
        logs.call(&session, (&third, region, at + 5), ("lambda", "CreateFunctionUrlConfig"), [request, made]);
    }
    logs.deliver(folder, start, &third);
}

fn user(account: &str, name: &str, id: &str, key: &str) -> Value {
    let arn = format!("arn:aws:iam::{account}:user/{name}");
    json!({"type": "IAMUser", "principalId": id, "arn": arn, "accountId": account, "accessKeyId": key, "userName": name})
}

/// Records by the account that records them, and their region.
#[derive(Default)]
struct Logs {
    records: Vec<(String, String, Value)>,
}

impl Logs {
    fn call(
        &mut self,
        who: &Value,
        (recorder, region, at): (&str, &str, i64),
        (service, name): (&str, &str),
        [request, response]: [Value; 2],
    ) {
        let number = self.records.len();
        let record = json!({
            "eventVersion": "1.11", "userIdentity": who, "eventTime": Timestamp::from_second(at).unwrap().to_string(),
            "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": region,
            "sourceIPAddress": ADDRESS, "userAgent": AGENT, "requestParameters": request, "responseElements": response,
            "eventID": format!("c4a1c4a1-0000-4000-8000-{number:012}"), "readOnly": false, "eventType": "AwsApiCall",
            "managementEvent": true, "recipientAccountId": recorder, "eventCategory": "Management",
        });
        self.records.push((recorder.to_owned(), region.to_owned(), record));
    }

    /// A role of another account is assumed, which both accounts record. Gives who acts from then on.
    fn assume(&mut self, who: &Value, (from, to): (&str, &str), key: &str, at: i64) -> Value {
        let (role, id) = (format!("arn:aws:iam::{to}:role/operations"), format!("AROAORGOPERATION{}", &to[7..]));
        let session = format!("arn:aws:sts::{to}:assumed-role/operations/visit");
        let request = json!({"roleArn": role, "roleSessionName": "visit"});
        let response = json!({
            "credentials": {"accessKeyId": key, "sessionToken": "t"},
            "assumedRoleUser": {"assumedRoleId": format!("{id}:visit"), "arn": session},
        });
        self.call(who, (from, HOME, at), ("sts", "AssumeRole"), [request.clone(), response.clone()]);
        let outside = json!({"type": "AWSAccount", "principalId": who["principalId"], "accountId": from});
        self.call(&outside, (to, HOME, at), ("sts", "AssumeRole"), [request, response]);
        let shared = format!("5ea1ed00-0000-4000-8000-{at:012}");
        for (_, _, record) in self.records.iter_mut().rev().take(2) {
            record["sharedEventID"] = json!(shared);
            record["readOnly"] = json!(true);
        }
        let issuer = json!({
            "type": "Role", "principalId": id, "arn": role, "accountId": to, "userName": "operations",
        });
        json!({
            "type": "AssumedRole", "principalId": format!("{id}:visit"), "arn": session, "accountId": to,
            "accessKeyId": key, "sessionContext": {
                "sessionIssuer": issuer,
                "attributes": {"creationDate": Timestamp::from_second(at).unwrap().to_string(), "mfaAuthenticated": "false"},
            },
        })
    }

    /// One file for each account and region. Those of one account come a day late.
    fn deliver(&self, folder: &Path, start: i64, late: &str) {
        let mut places: Vec<_> = self.records.iter().map(|(account, region, _)| (account, region)).collect();
        places.sort();
        places.dedup();
        for (account, region) in places {
            let of_place = self.records.iter().filter(|(a, r, _)| (a, r) == (account, region));
            let records: Vec<&Value> = of_place.map(|(_, _, record)| record).collect();
            let at = Timestamp::from_second(start + 1_200).unwrap().to_string();
            let at: DateTime = at.trim_end_matches('Z').parse().unwrap();
            let at = at.checked_add(Span::new().hours(if account == late { 20 } else { 0 })).unwrap();
            let text = json!({ "Records": records }).to_string();
            write(&folder.join(log_key(account, region, at, "chain")), &gzip(text.as_bytes()));
        }
    }
}
