//! `MiniStack`: small and quick, for queues and buckets.

use std::process::Command;

use serde_json::{Value, json};

use super::python::{Recipe, interpreter};
use super::server::{Server, answered, request, status};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/stand_in/ministack/serve.py");
const RECIPE: Recipe = Recipe { name: "ministack", requirements: include_str!("ministack.txt"), minor: 11 };

/// The account of the stand-in.
pub(crate) const MINI_ACCOUNT: &str = "111122223333";
/// The key of who owns it: with permissions enforced, nobody else is allowed everything.
pub(crate) const MINI_OWNER: (&str, &str) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

/// Headers of a request of S3, for a server that does not look at signatures.
const SIGNED: [(&str, &str); 2] = [
    (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/us-east-1/s3/aws4_request, SignedHeaders=host, \
         Signature=00",
    ),
    ("X-Amz-Date", "20261122T000000Z"),
];

/// A `MiniStack` server of its own for a test.
pub(crate) struct MiniStack(Server);

impl MiniStack {
    /// Starts a server; none where the machine has no Python for it.
    pub(crate) fn start() -> Option<Self> {
        Self::launch(&[])
    }

    /// Starts a server that checks signatures and permissions, and runs functions.
    pub(crate) fn enforcing() -> Option<Self> {
        let owner = [("AWS_ACCESS_KEY_ID", MINI_OWNER.0), ("AWS_SECRET_ACCESS_KEY", MINI_OWNER.1)];
        Self::launch(&[("AUTH", "true"), ("LAMBDA_EXECUTOR", "local"), owner[0], owner[1]])
    }

    fn launch(settings: &[(&str, &str)]) -> Option<Self> {
        let python = interpreter(&RECIPE)?;
        Some(Self(Server::start("/_ministack/health", |port, folder| {
            let mut server = Command::new(python);
            server.arg(SCRIPT).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder);
            // It binds every address unless told otherwise, and these two listeners always do.
            server.env("BIND_HOST", "127.0.0.1").env("GATEWAY_PORT", port.to_string());
            server.env("IOT_MTLS_ENABLED", "0").env("SFTP_ENABLED", "0");
            server.env("MINISTACK_ACCOUNT_ID", MINI_ACCOUNT).env("HOME", folder).env("TMPDIR", folder);
            server.envs(settings.iter().copied());
            server
        })))
    }

    pub(crate) fn url(&self) -> String {
        self.0.url()
    }

    /// Makes a queue whose messages come back after some seconds when nobody deletes them. Gives its URL.
    pub(crate) fn queue(&self, name: &str, visibility: u32) -> String {
        let attributes = json!({ "VisibilityTimeout": visibility.to_string() });
        let body = json!({ "QueueName": name, "Attributes": attributes });
        let (status, answer) = self.0.call("AmazonSQS.CreateQueue", &body);
        assert_eq!(status, 200, "{answer}");
        answer["QueueUrl"].as_str().unwrap().to_owned()
    }

    /// Sends messages, ten in a request.
    pub(crate) fn send(&self, queue: &str, bodies: &[String]) {
        for ten in bodies.chunks(10) {
            let entries: Vec<_> = ten
                .iter()
                .enumerate()
                .map(|(place, body)| json!({ "Id": place.to_string(), "MessageBody": body }))
                .collect();
            let (status, answer) =
                self.0.call("AmazonSQS.SendMessageBatch", &json!({ "QueueUrl": queue, "Entries": entries }));
            assert_eq!((status, answer["Failed"].as_array().map_or(0, Vec::len)), (200, 0), "{answer}");
        }
    }

    /// Messages that wait and messages that somebody has in hand.
    pub(crate) fn waiting(&self, queue: &str) -> (u64, u64) {
        let body = json!({ "QueueUrl": queue, "AttributeNames": ["All"] });
        let (status, answer) = self.0.call("AmazonSQS.GetQueueAttributes", &body);
        assert_eq!(status, 200, "{answer}");
        let count = |name: &str| {
            let value: &Value = &answer["Attributes"][name];
            value.as_str().and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
        };
        (count("ApproximateNumberOfMessages"), count("ApproximateNumberOfMessagesNotVisible"))
    }

    /// Makes a bucket.
    pub(crate) fn bucket(&self, name: &str) {
        self.put(&format!("/{name}"), b"");
    }

    /// Puts an object.
    pub(crate) fn object(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.put(&format!("/{bucket}/{key}"), bytes);
    }

    /// The bytes of an object.
    pub(crate) fn get(&self, bucket: &str, key: &str) -> Vec<u8> {
        let path = format!("/{bucket}/{key}");
        let answer = answered(self.0.port, "GET", &path, &SIGNED, b"").unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{path}: no answer"));
        let head = String::from_utf8_lossy(&answer[..end]);
        assert_eq!(status(&head), 200, "{path}: {head}");
        answer[end + 4..].to_vec()
    }

    fn put(&self, path: &str, bytes: &[u8]) {
        let answer = request(self.0.port, "PUT", path, &SIGNED, bytes).unwrap_or_default();
        assert_eq!(status(&answer), 200, "{path}: {answer}");
    }
}
