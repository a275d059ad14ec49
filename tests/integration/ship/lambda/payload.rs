//! What Lambda hands to a function, by who invokes it.

use serde_json::{Value, json};

/// What a rule of EventBridge sends by a schedule.
pub(super) fn schedule() -> Value {
    json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event",
        "source": "aws.events", "account": "111122223333", "time": "2026-11-22T16:53:06Z", "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:111122223333:rule/stakeout-schedule"], "detail": {},
    })
}

/// A message of a queue, and how often it was received.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) tries: usize,
}

impl Message {
    pub(super) fn new(id: &str, body: &Value) -> Self {
        Self { id: id.to_owned(), body: body.to_string(), tries: 1 }
    }

    pub(super) fn tried(self, tries: usize) -> Self {
        Self { tries, ..self }
    }
}

/// A batch of a queue.
pub(super) fn batch(messages: &[Message]) -> Value {
    let record = |message: &Message| {
        json!({
            "messageId": message.id,
            "receiptHandle": format!("receipt-of-{}", message.id),
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.tries.to_string(), "SentTimestamp": "1545082649183",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1545082649185",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:stakeout-events",
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}

/// The ids of the messages that come again.
pub(super) fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap_or_else(|| panic!("no batch's answer: {answer:#}"));
    let mut ids: Vec<_> = failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

/// A call as EventBridge tells it.
pub(super) fn bridged(record: &Value) -> Value {
    let source = record["eventSource"].as_str().unwrap().replace(".amazonaws.com", "");
    json!({
        "version": "0", "id": record["eventID"], "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{source}"), "account": record["recipientAccountId"], "time": record["eventTime"],
        "region": record["awsRegion"], "resources": [], "detail": record,
    })
}

/// What S3 says of a new object.
pub(super) fn stored(bucket: &str, key: &str) -> Value {
    let object = json!({ "key": key.replace(':', "%3A"), "size": 1024, "eTag": "d41d8cd98f00b204e9800998ecf8427e" });
    let bucket = json!({ "name": bucket, "arn": format!("arn:aws:s3:::{bucket}") });
    json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-11-22T08:00:00.000Z", "eventName": "ObjectCreated:Put",
        "s3": { "s3SchemaVersion": "1.0", "configurationId": "1", "bucket": bucket, "object": object },
    }] })
}

/// A request of a function URL. What is no text comes in base64, as a form does.
pub(super) fn url(method: &str, headers: &[(&str, &str)], body: &str) -> Value {
    let domain = "url-id.lambda-url.us-east-1.on.aws";
    let mut all = json!({ "host": domain, "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.1" });
    for (name, value) in headers {
        all[name.to_ascii_lowercase()] = json!(value);
    }
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "headers": all,
        "requestContext": {
            "accountId": "anonymous", "apiId": "url-id", "domainName": domain, "domainPrefix": "url-id",
            "http": {
                "method": method, "path": "/", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.1",
                "userAgent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            },
            "requestId": "b1ab8f18-f2d8-4b4b-a6b8-e3e8b4c3d7a6", "routeKey": "$default", "stage": "$default",
            "time": "22/Nov/2026:16:53:06 +0000", "timeEpoch": 1_795_366_386_000_i64,
        },
        "body": base64(body.as_bytes()),
        "isBase64Encoded": true,
    })
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |place: usize| three.get(place).copied().map_or(0, u32::from);
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
