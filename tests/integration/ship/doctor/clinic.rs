//! A stand-in with everything that settings name, and a user whose policies are chosen by the test.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Run, command, finish};
use crate::stand_in::{Cast, LocalEmu, MINI_ACCOUNT, MiniStack, OWNER};

/// Who is examined.
const USER: &str = "patient";

/// The stand-in itself; it ends with the test.
enum Cloud {
    Mini(#[expect(dead_code, reason = "it is kept until the test ends")] MiniStack),
    Local(#[expect(dead_code, reason = "it is kept until the test ends")] LocalEmu),
}

pub(super) struct Clinic {
    _cloud: Cloud,
    cast: Cast,
    folder: TempDir,
    url: String,
    pub(super) account: &'static str,
    key: (String, String),
}

impl Clinic {
    /// At MiniStack, which checks signatures and permissions.
    pub(super) fn mini() -> Option<Self> {
        let cloud = MiniStack::enforcing()?;
        let (cast, url) = (cloud.cast()?, cloud.url());
        Some(Self::set(Cloud::Mini(cloud), cast, url, MINI_ACCOUNT))
    }

    /// At LocalEmu, which checks permissions.
    pub(super) fn local() -> Option<Self> {
        let cloud = LocalEmu::start(&[])?;
        let (cast, url) = (cloud.cast()?, cloud.url());
        Some(Self::set(Cloud::Local(cloud), cast, url, OWNER))
    }

    fn set(cloud: Cloud, cast: Cast, url: String, account: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut clinic = Self { _cloud: cloud, cast, folder, url, account, key: Default::default() };
        let asked = |service: &str, call: &str, with: Value| clinic.owner(service, call, with);
        for bucket in ["trail-bucket", "vault"] {
            asked("s3", "CreateBucket", json!({ "Bucket": bucket }));
        }
        let key = format!("AWSLogs/{account}/CloudTrail/us-east-1/2026/11/22/log.json.gz");
        asked("s3", "PutObject", json!({ "Bucket": "trail-bucket", "Key": key, "Body": "{}" }));
        asked("sqs", "CreateQueue", json!({ "QueueName": "dead" }));
        let redrive =
            json!({ "deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:{account}:dead"), "maxReceiveCount": 2 });
        let attributes = json!({ "RedrivePolicy": redrive.to_string() });
        asked("sqs", "CreateQueue", json!({ "QueueName": "events", "Attributes": attributes }));
        let url = format!("{}/{account}/events", clinic.url);
        asked("sqs", "SendMessage", json!({ "QueueUrl": url, "MessageBody": "{}" }));
        asked("sns", "CreateTopic", json!({ "Name": "alarms" }));
        asked("dynamodb", "CreateTable", table("stakeout"));
        let trail = json!({ "Name": "main", "S3BucketName": "trail-bucket", "IsMultiRegionTrail": true, "EnableLogFileValidation": true });
        asked("cloudtrail", "CreateTrail", trail);
        asked("cloudtrail", "StartLogging", json!({ "Name": "main" }));
        asked("iam", "CreateUser", json!({ "UserName": USER }));
        let made = asked("iam", "CreateAccessKey", json!({ "UserName": USER }));
        let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
        let key = (text("AccessKeyId"), text("SecretAccessKey"));
        clinic.key = key;
        clinic
    }

    /// A call of the owner's, which has to succeed.
    pub(super) fn owner(&self, service: &str, call: &str, with: Value) -> Value {
        let answer =
            self.cast.ask(&json!({ "do": "call", "as": "owner", "service": service, "call": call, "with": with }));
        assert_eq!(answer["code"], "OK", "{service} {call}: {answer}");
        answer["answer"].clone()
    }

    /// The settings that name everything of the stand-in, and more of them.
    pub(super) fn settings(&self, more: &str) -> String {
        let (account, url) = (self.account, &self.url);
        format!(
            "[state]\ndynamodb = \"stakeout\"\n[aws]\nregions = [\"us-east-1\", \"eu-west-1\"]\n\
             [sources]\ntrail_bucket = \"s3://trail-bucket\"\nqueue_url = \"{url}/{account}/events\"\n\
             [[notify.sns]]\ntopic = \"arn:aws:sns:us-east-1:{account}:alarms\"\n[evidence]\ns3 = \"s3://vault\"\n\
             [[accounts]]\nid = \"{account}\"\n{more}"
        )
    }

    /// The binary as the patient, with settings.
    pub(super) fn command(&self, settings: &str, arguments: &[&str]) -> Command {
        let file = self.folder.path().join("stakeout.toml");
        std::fs::write(&file, settings).unwrap();
        let mut run = command(arguments);
        let foreign = |name: &str| {
            ["AWS_", "STAKEOUT_", "XDG_"].iter().any(|begin| name.starts_with(begin))
                || name.to_ascii_lowercase().ends_with("_proxy")
        };
        for (name, _) in std::env::vars().filter(|(name, _)| foreign(name)) {
            run.env_remove(name);
        }
        run.arg("--config").arg(file).env("HOME", self.folder.path()).env("AWS_EC2_METADATA_DISABLED", "true");
        run.env("AWS_ENDPOINT_URL", &self.url).env("AWS_REGION", "us-east-1").env("NO_PROXY", "127.0.0.1");
        run.env("AWS_ACCESS_KEY_ID", &self.key.0).env("AWS_SECRET_ACCESS_KEY", &self.key.1);
        run
    }

    pub(super) fn run(&self, settings: &str, arguments: &[&str]) -> Run {
        finish(self.command(settings, arguments), b"")
    }

    /// What `stakeout permissions detector` prints for the settings: its statements.
    pub(super) fn statements(&self, settings: &str) -> Vec<Value> {
        let run = self.run(settings, &["permissions", "detector", "--quiet"]);
        assert_eq!(run.status, 0, "{run:?}");
        let policies: Value = serde_json::from_str(&run.stdout).unwrap();
        let documents = policies.as_object().unwrap().values();
        documents.flat_map(|document| document["Statement"].as_array().unwrap().clone()).collect()
    }

    /// Gives the patient statements, and nothing else.
    pub(super) fn give(&self, statements: &[Value]) {
        // Names of statements are each policy's own.
        let numbered: Vec<Value> = statements
            .iter()
            .enumerate()
            .map(|(number, statement)| {
                let mut statement = statement.clone();
                statement["Sid"] = json!(format!("S{number}"));
                statement
            })
            .collect();
        let document = json!({ "Version": "2012-10-17", "Statement": numbered }).to_string();
        let with = json!({ "UserName": USER, "PolicyName": "all", "PolicyDocument": document });
        self.owner("iam", "PutUserPolicy", with);
    }

    /// A check-up of some parts, as JSON, and its exit status.
    pub(super) fn examine(&self, settings: &str, more: &[&str]) -> (i32, Value) {
        let run = self.run(settings, &[&["doctor", "--quiet", "--format", "json"], more].concat());
        let told = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        (run.status, told)
    }

    /// Everything that a check-up could change.
    pub(super) fn dump(&self) -> Value {
        let objects = |bucket: &str| self.owner("s3", "ListObjectsV2", json!({ "Bucket": bucket }))["Contents"].clone();
        let url = format!("{}/{}/events", self.url, self.account);
        let with = json!({ "QueueUrl": url, "AttributeNames": ["All"] });
        json!({
            "containment": self.cast.dump(&["us-east-1", "eu-west-1"]),
            "objects": [objects("trail-bucket"), objects("vault")],
            "items": self.owner("dynamodb", "Scan", json!({ "TableName": "stakeout" }))["Items"],
            "queue": self.owner("sqs", "GetQueueAttributes", with)["Attributes"],
            "received": self.owner("sqs", "GetQueueAttributes", json!({ "QueueUrl": url.replace("/events", "/dead"), "AttributeNames": ["All"] }))["Attributes"],
            "trails": self.owner("cloudtrail", "DescribeTrails", json!({}))["trailList"],
        })
    }
}

fn table(name: &str) -> Value {
    json!({
        "TableName": name,
        "AttributeDefinitions": [
            { "AttributeName": "pk", "AttributeType": "S" },
            { "AttributeName": "sk", "AttributeType": "S" },
        ],
        "KeySchema": [
            { "AttributeName": "pk", "KeyType": "HASH" },
            { "AttributeName": "sk", "KeyType": "RANGE" },
        ],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

/// Actions that statements allow.
pub(super) fn allowed(statements: &[Value]) -> BTreeSet<String> {
    let allows = statements.iter().filter(|statement| statement["Effect"] == "Allow");
    allows.flat_map(|statement| texts(&statement["Action"])).collect()
}

/// Statements without an action.
pub(super) fn without(statements: &[Value], action: &str) -> Vec<Value> {
    let rest = |statement: &Value| {
        let mut statement = statement.clone();
        if statement["Effect"] == "Allow" {
            let kept: Vec<_> = texts(&statement["Action"]).into_iter().filter(|it| it != action).collect();
            statement["Action"] = json!(kept);
        }
        statement
    };
    let rest = statements.iter().map(rest);
    rest.filter(|statement| statement["Action"].as_array().is_none_or(|actions| !actions.is_empty())).collect()
}

fn texts(value: &Value) -> Vec<String> {
    let many = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    many.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// What of a check-up has a word.
pub(super) fn of(told: &Value, found: &str) -> Vec<String> {
    let checks = told["checks"].as_array().unwrap().iter().filter(|check| check["found"] == found);
    checks.map(|check| format!("{}: {}", check["what"].as_str().unwrap(), check["told"].as_str().unwrap())).collect()
}
