//! Small organisations of odd habits: everything that can tie accounts to each other, and much that only seems to.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::event::{DAY, HOUR, Seconds, time};
use crate::replay::map::{Mapper, Range};
use crate::replay::part::Part;
use crate::replay::tests::rules;
use crate::source::{Wanted, discover};

/// Accounts that are in the logs; more are named in them.
pub(super) const ACCOUNTS: [&str; 4] = ["111122223333", "222233334444", "333344445555", "444455556666"];
const OUTSIDE: &str = "999988887777";
/// A day in 2026.
const START: Seconds = 20_500 * DAY;
/// Every account has calls from so many days before.
const PAST: i64 = 20;

/// One thing that somebody does.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub account: usize,
    pub other: usize,
    pub what: u8,
    pub at: Seconds,
    pub who: u8,
    /// Days by which AWS delivers it late; none: in a file without a date.
    pub late: Option<i64>,
    pub twice: bool,
}

/// A record, and when it is delivered.
struct Line {
    account: usize,
    delivered: Option<i64>,
    record: Value,
}

/// What a file comes to: its day, its account and its part.
pub(super) struct Section {
    pub day: Option<i64>,
    pub account: String,
    pub part: Part,
}

/// The sections of an organisation, in order of delivery.
pub(super) fn sections(deeds: &[Deed]) -> Vec<Section> {
    let mut lines = Vec::new();
    for account in 0..ACCOUNTS.len() {
        for day in (0..PAST).step_by(3) {
            let user = User::of(account, 0);
            let at = START - (PAST - day) * DAY + 9 * HOUR;
            let call = user.call(at, "ec2.amazonaws.com", "CreateTags", "eu-west-1", Value::Null, Value::Null);
            lines.push(Line { account, delivered: Some(at.div_euclid(DAY)), record: call });
        }
    }
    deeds.iter().for_each(|deed| deed.tell(&mut lines));
    let mut numbers = [0; ACCOUNTS.len()];
    for line in &mut lines {
        // The ids of different accounts are the same.
        numbers[line.account] += 1;
        if line.record.get("eventID").is_none() {
            line.record["eventID"] = format!("{:08x}-0000-4000-8000-000000000000", numbers[line.account]).into();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &lines);
    let objects = discover(&[folder.path().to_str().unwrap().to_owned()], &Wanted::default()).unwrap();
    let range = Range { start: Seconds::MIN, end: Seconds::MAX };
    let mut mapper = Mapper::new(rules(), range, 1 << 20);
    let mut sections = Vec::new();
    for object in &objects {
        let account = object.name().rsplit('/').nth(1).unwrap().to_owned();
        let day = object.delivered_day();
        mapper.map(std::slice::from_ref(object), &mut |part| {
            sections.push(Section { day, account: account.clone(), part });
        });
    }
    sections.sort_by_key(|section| section.day);
    sections
}

fn write(folder: &Path, lines: &[Line]) {
    for (account, name) in ACCOUNTS.iter().enumerate() {
        std::fs::create_dir(folder.join(name)).unwrap();
        let own = || lines.iter().filter(|line| line.account == account);
        let mut days: Vec<_> = own().map(|line| line.delivered).collect();
        days.sort_unstable();
        days.dedup();
        for day in days {
            let file = match day {
                Some(day) => {
                    let date = time::format(day * DAY)[..10].replace('-', "");
                    format!("{name}_CloudTrail_us-east-1_{date}T1200Z_abcdefgh12345678.json")
                }
                None => "undated.jsonl".to_owned(),
            };
            let mut out = std::fs::File::create(folder.join(name).join(file)).unwrap();
            own().filter(|line| line.delivered == day).for_each(|line| writeln!(out, "{}", line.record).unwrap());
        }
    }
}

/// Who calls: an identity as it is recorded, and from where.
#[derive(Clone)]
struct User {
    account: usize,
    identity: Value,
    address: &'static str,
}

impl User {
    fn of(account: usize, who: u8) -> Self {
        let (id, name) = (ACCOUNTS[account], ["alice", "bob"][usize::from(who % 2)]);
        let identity = json!({"type": "IAMUser", "principalId": format!("AIDAEXAMPLE{id}{who}"), "accountId": id,
            "arn": format!("arn:aws:iam::{id}:user/{name}"), "userName": name,
            "accessKeyId": format!("AKIAEXAMPLE{}{who}", &id[..8])});
        Self { account, identity, address: ["198.51.100.7", "203.0.113.9"][usize::from(who / 2 % 2)] }
    }

    /// A session of a role of an account.
    fn session(account: usize, role: &str, name: &str, key: &str, at: Seconds) -> Self {
        let id = ACCOUNTS[account];
        let role_id = format!("AROAEXAMPLE{id}{role}").to_uppercase();
        let identity = json!({"type": "AssumedRole", "principalId": format!("{role_id}:{name}"), "accountId": id,
            "arn": format!("arn:aws:sts::{id}:assumed-role/{role}/{name}"), "accessKeyId": key,
            "sessionContext": {"attributes": {"creationDate": time::format(at)},
                "sessionIssuer": {"type": "Role", "principalId": role_id, "arn": format!("arn:aws:iam::{id}:role/{role}"), "accountId": id}}});
        Self { account, identity, address: "203.0.113.77" }
    }

    fn call(&self, at: Seconds, source: &str, name: &str, region: &str, request: Value, response: Value) -> Value {
        let reads = ["List", "Get", "Describe", "Invoke"].iter().any(|verb| name.starts_with(verb));
        json!({"eventVersion": "1.08", "eventTime": time::format(at), "awsRegion": region, "eventSource": source,
            "eventName": name, "sourceIPAddress": self.address, "userAgent": "Boto3/1.34", "eventType": "AwsApiCall",
            "managementEvent": true, "readOnly": reads, "recipientAccountId": ACCOUNTS[self.account],
            "userIdentity": self.identity, "requestParameters": request, "responseElements": response})
    }
}

impl Deed {
    fn tell(&self, lines: &mut Vec<Line>) {
        let mut told = Vec::new();
        self.records(&mut told);
        for (account, record) in told {
            let at = time::parse(record["eventTime"].as_str().unwrap()).unwrap();
            let delivered = self.late.map(|late| at.div_euclid(DAY) + late);
            let mut copy = record.clone();
            if self.twice {
                copy["eventID"] = format!("{:08x}-1111-4000-8000-{:012x}", self.at, lines.len()).into();
                let delivered = delivered.map(|day| day + 1);
                lines.push(Line { account, delivered, record: copy.clone() });
            }
            lines.push(Line { account, delivered, record: copy });
        }
    }

    fn records(&self, told: &mut Vec<(usize, Value)>) {
        let (account, other, at) = (self.account, self.other, START + self.at);
        let user = User::of(account, self.who);
        let mut by = |user: &User, after: Seconds, source: &str, name: &str, region: &str, request, response| {
            let source = format!("{source}.amazonaws.com");
            told.push((user.account, user.call(at + after, &source, name, region, request, response)));
        };
        match self.what {
            0 => {
                for (n, name) in DISCOVERY.iter().enumerate() {
                    by(&user, n as i64 * 5, "ec2", name, "eu-west-1", Value::Null, Value::Null);
                }
            }
            1 => self.new_user(&user, &mut by),
            2 => functions(&mut by, &self.newcomer()),
            3 => self.assume(other, &mut by),
            4 => by(&user, 0, "cloudtrail", "StopLogging", "us-east-1", json!({"name": "main"}), Value::Null),
            5 => {
                for n in 0..4 {
                    by(
                        &user,
                        n,
                        "secretsmanager",
                        "GetSecretValue",
                        "us-east-1",
                        json!({"secretId": format!("s{n}")}),
                        Value::Null,
                    );
                    by(&user, n, "secretsmanager", "BatchGetSecretValue", "us-east-1", Value::Null, Value::Null);
                }
            }
            6 => models(&mut by, &self.newcomer()),
            7 => {
                // A session name that looks like an instance, which anybody can choose.
                let key = format!("ASIACHOSEN{}{}", &ACCOUNTS[account][..6], self.who);
                models(&mut by, &User::session(account, "shared", "i-0abc", &key, at - HOUR));
            }
            8 => by(&user, 0, "s3", "CreateBucket", "us-east-1", json!({"bucketName": "common-name"}), Value::Null),
            9 => by(&user, 0, "s3", "DeleteBucket", "us-east-1", json!({"bucketName": "common-name"}), Value::Null),
            10 => self.instance(&user, &mut by),
            16 => self.detour(&user, other, &mut by),
            _ => self.stranger(&mut by),
        }
    }

    /// The user that the first of a kind of deeds makes, with its key.
    fn newcomer(&self) -> User {
        let (id, name) = (ACCOUNTS[self.account], format!("helper{}", self.who % 2));
        let identity = json!({"type": "IAMUser", "principalId": format!("AIDANEW{id}{}", self.who % 2), "accountId": id,
            "arn": format!("arn:aws:iam::{id}:user/{name}"), "userName": name,
            "accessKeyId": format!("AKIANEWNEW{}{}", &id[..8], self.who % 2)});
        User { account: self.account, identity, address: "203.0.113.50" }
    }

    fn new_user(&self, user: &User, by: &mut By<'_>) {
        let new = self.newcomer().identity;
        let (name, arn) = (&new["userName"], &new["arn"]);
        let made = json!({"user": {"userName": name, "userId": new["principalId"], "arn": arn}});
        by(user, 0, "iam", "CreateUser", "us-east-1", json!({"userName": name}), made);
        let key = json!({"accessKey": {"userName": name, "accessKeyId": new["accessKeyId"], "status": "Active"}});
        by(user, 2, "iam", "CreateAccessKey", "us-east-1", json!({"userName": name}), key);
        let policy = "arn:aws:iam::aws:policy/AdministratorAccess";
        by(
            user,
            2,
            "iam",
            "AttachUserPolicy",
            "us-east-1",
            json!({"userName": name, "policyArn": policy}),
            Value::Null,
        );
    }

    fn session_key(&self, account: usize) -> String {
        format!("ASIAEXAMPLE{}{}", &ACCOUNTS[account][..6], self.who)
    }

    /// Takes on a role of an account, which records it too, and works there.
    fn assume(&self, other: usize, by: &mut By<'_>) {
        let user = User::of(self.account, self.who);
        let (id, key) = (ACCOUNTS[other], self.session_key(other));
        let role_id = format!("AROAEXAMPLE{id}DEPLOY");
        let request = json!({"roleArn": format!("arn:aws:iam::{id}:role/deploy"), "roleSessionName": "s"});
        let response = json!({"credentials": {"accessKeyId": key}, "assumedRoleUser": {"assumedRoleId": format!("{role_id}:s"), "arn": format!("arn:aws:sts::{id}:assumed-role/deploy/s")}});
        by(&user, 0, "sts", "AssumeRole", "us-east-1", request.clone(), response.clone());
        if other != self.account {
            let identity = json!({"type": "AWSAccount", "principalId": user.identity["principalId"], "accountId": ACCOUNTS[self.account]});
            let seen = User { account: other, identity, address: user.address };
            by(&seen, 0, "sts", "AssumeRole", "us-east-1", request, response);
        }
        let session = User::session(other, "deploy", "s", &key, START + self.at);
        functions(by, &session);
        models(by, &session);
        by(&session, 40, "cloudtrail", "StopLogging", "us-east-1", json!({"name": "main"}), Value::Null);
    }

    fn instance(&self, user: &User, by: &mut By<'_>) {
        let region = ["us-west-2", "ap-south-1"][usize::from(self.who % 2)];
        let id = format!("i-{:017x}", self.who % 2);
        let request = json!({"instanceType": "p4d.24xlarge", "instancesSet": {"items": [{"imageId": "ami-1", "minCount": 1, "maxCount": 1}]}});
        let response = json!({"instancesSet": {"items": [{"instanceId": id, "instanceType": "p4d.24xlarge"}]}});
        by(user, 0, "ec2", "RunInstances", region, request, response.clone());
        let works = User::session(self.account, "node", &id, &self.session_key(self.account), START + self.at);
        by(&works, 60, "iam", "CreateUser", "us-east-1", json!({"userName": "x"}), Value::Null);
        by(user, 7 * HOUR, "ec2", "TerminateInstances", region, Value::Null, response);
    }

    /// Over a role of an account whose log is not at hand, on to another.
    fn detour(&self, user: &User, other: usize, by: &mut By<'_>) {
        let (key, role) = (format!("ASIADETOUREXAMPLE{}", self.who), format!("arn:aws:iam::{OUTSIDE}:role/bridge"));
        let session = format!("AROAEXAMPLEBRIDGE:{}", self.who);
        let response = json!({"credentials": {"accessKeyId": key}, "assumedRoleUser": {"assumedRoleId": session}});
        by(user, 0, "sts", "AssumeRole", "us-east-1", json!({"roleArn": role}), response);
        let mut identity = json!({"type": "AssumedRole", "principalId": session, "accountId": OUTSIDE,
            "arn": format!("arn:aws:sts::{OUTSIDE}:assumed-role/bridge/{}", self.who),
            "sessionContext": {"attributes": {"creationDate": time::format(START + self.at)}}});
        if self.who.is_multiple_of(2) {
            identity["accessKeyId"] = key.into();
        }
        functions(by, &User { account: other, identity, address: user.address });
    }

    /// Callers that are no principal of any of the accounts.
    fn stranger(&self, by: &mut By<'_>) {
        let id = ACCOUNTS[self.account];
        let as_seen = |identity: Value| User { account: self.account, identity, address: "192.0.2.44" };
        let request = json!({"roleArn": format!("arn:aws:iam::{id}:role/deploy"), "roleSessionName": "v"});
        let key = self.session_key(self.account);
        let response = json!({"credentials": {"accessKeyId": key}, "assumedRoleUser": {"assumedRoleId": format!("AROAEXAMPLE{id}DEPLOY:v")}});
        let session = User::session(self.account, "deploy", "v", &key, START + self.at);
        let call = if self.what == 12 { "AssumeRoleWithSAML" } else { "AssumeRole" };
        let identity = match self.what {
            11 => json!({"type": "AWSAccount", "principalId": "AROAVENDORVENDOR0001:scan", "accountId": OUTSIDE}),
            12 => json!({"type": "SAMLUser", "principalId": "x", "identityProvider": "idp", "userName": "carol"}),
            13 => json!({"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}),
            14 => json!({"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}),
            _ => json!({"type": "Unknown", "principalId": "", "userName": "dave"}),
        };
        by(&as_seen(identity.clone()), 0, "sts", call, "us-east-1", request, response);
        functions(by, &session);
        // What only some strangers do makes the caller itself suspect.
        if self.who.is_multiple_of(3) {
            by(&as_seen(identity), 50, "cloudtrail", "StopLogging", "us-east-1", json!({"name": "main"}), Value::Null);
        }
    }
}

/// Records one call: who, seconds later, service, action, region, request and response.
type By<'b> = dyn FnMut(&User, Seconds, &str, &str, &str, Value, Value) + 'b;

fn functions(by: &mut By<'_>, user: &User) {
    for (n, region) in ["us-east-1", "us-west-2", "eu-central-1", "ap-south-1", "sa-east-1"].iter().enumerate() {
        let arn = format!("arn:aws:lambda:{region}:{}:function:f", ACCOUNTS[user.account]);
        let made = json!({"functionArn": arn, "codeSha256": "abc=", "memorySize": 1024});
        by(user, 5 + n as i64, "lambda", "CreateFunction20150331", region, json!({"functionName": "f"}), made);
    }
}

fn models(by: &mut By<'_>, user: &User) {
    let model = "anthropic.claude-3-5-sonnet-20241022-v2:0";
    for n in 0..40 {
        by(user, n * 1_500, "bedrock", "InvokeModel", "us-east-1", json!({"modelId": model}), Value::Null);
    }
}

const DISCOVERY: [&str; 12] = [
    "DescribeInstances",
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeImages",
    "DescribeVolumes",
    "DescribeSnapshots",
    "DescribeAddresses",
    "DescribeRegions",
    "DescribeKeyPairs",
    "DescribeHosts",
    "DescribeFleets",
    "DescribeTags",
];
