//! Payloads as the documentation of each service shows them.

use super::*;

/// EventBridge: a rule with a schedule.
const RULE: &str = r#"{
  "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "detail-type": "Scheduled Event", "source": "aws.events",
  "account": "111122223333", "time": "2026-11-22T06:00:00Z", "region": "eu-west-1",
  "resources": ["arn:aws:events:eu-west-1:111122223333:rule/stakeout"], "detail": {}
}"#;
/// EventBridge Scheduler, without an input of one's own.
const SCHEDULER: &str = r#"{
  "version": "0", "id": "d32c5kddcf5bb8c3", "detail-type": "Scheduled Event", "source": "aws.scheduler",
  "account": "111122223333", "time": "2026-11-22T06:00:00Z", "region": "eu-west-1",
  "resources": ["arn:aws:scheduler:eu-west-1:111122223333:schedule/default/stakeout"], "detail": "{}"
}"#;
const BATCH: &str = r#"{"Records": [
  {
    "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d", "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
    "body": "{\"detail-type\":\"AWS API Call via CloudTrail\",\"detail\":{}}",
    "attributes": {
      "ApproximateReceiveCount": "3", "SentTimestamp": "1545082649183", "SenderId": "AIDAIENQZJOLO23YVJ4VO",
      "ApproximateFirstReceiveTimestamp": "1545082649185"
    },
    "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
    "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:stakeout-events", "awsRegion": "eu-west-1"
  },
  { "messageId": "2e1424d4-f796-459a-8184-9c92662be6da", "body": null, "attributes": 7, "eventSource": "aws:sqs" }
]}"#;
/// EventBridge: an event of CloudTrail.
const EVENT: &str = r#"{
  "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "AWS API Call via CloudTrail",
  "source": "aws.iam", "account": "111122223333", "time": "2026-11-22T06:00:00Z", "region": "us-east-1", "resources": [],
  "detail": { "eventVersion": "1.08", "eventName": "CreateUser", "eventSource": "iam.amazonaws.com" }
}"#;
const URL: &str = r#"{
  "version": "2.0", "rawPath": "/", "headers": { "content-type": "application/x-www-form-urlencoded" },
  "requestContext": { "accountId": "anonymous", "http": { "method": "POST", "path": "/" }, "timeEpoch": 1583348638390 },
  "body": "cGF5bG9hZD17fQ==", "isBase64Encoded": true
}"#;

fn read(text: &str) -> Result<Shape, String> {
    shape(serde_json::from_str(text).unwrap())
}

#[test]
fn each_service_is_known_by_the_shape_of_what_it_sends() {
    for schedule in [RULE, SCHEDULER, "{}"] {
        assert!(matches!(read(schedule), Ok(Shape::Schedule)), "{schedule}");
    }
    assert!(matches!(read(URL), Ok(Shape::Url(_))));
    let Ok(Shape::Batch(batch)) = read(BATCH) else { panic!("no batch") };
    let [(queue, first), (_, second)] = batch.as_slice() else { panic!("{batch:?}") };
    assert_eq!(queue, "arn:aws:sqs:eu-west-1:111122223333:stakeout-events");
    assert_eq!((first.tries, first.id.as_str()), (3, "059f36b4-87a3-44ab-83d2-661975830a7d"));
    assert!(first.body.contains("AWS API Call"));
    assert_eq!((second.tries, second.body.as_str()), (1, ""), "what is missing of one takes no other away");
    assert_ne!(first.handle, second.handle);
    let Ok(Shape::Event((queue, message))) = read(EVENT) else { panic!("no event") };
    assert_eq!((queue.as_str(), message.id.as_str()), (EVENTBRIDGE, "6a7e8feb-b491-4cf7-a9f1-bf3703467718"));
    assert!(message.body.contains("CreateUser"));
}

#[test]
fn what_the_function_sends_to_itself_comes_back() {
    let posted = Posted {
        signature: "v0=00".to_owned(),
        timestamp: "1795327200".to_owned(),
        content_type: "application/x-www-form-urlencoded".to_owned(),
        body: "payload=%7B%7D".to_owned(),
    };
    let Ok(Shape::Click(back)) = shape(click(&posted)) else { panic!("no click") };
    assert_eq!(back, posted);
    assert!(matches!(shape(go_on(3)), Ok(Shape::GoOn(3))));
}

#[test]
fn an_error_names_what_was_understood_and_no_value() {
    let sns = r#"{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"hunter2"}}]}"#;
    let s3 = r#"{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"hunter2"}}}]}"#;
    let own = [r#"{"stakeout":"hunter2"}"#, r#"{"stakeout":"click","body":"hunter2"}"#, r#"{"stakeout":"go-on"}"#];
    let odd =
        [r#"{"user":"hunter2"}"#, r#"{"detail-type":"hunter2","detail":"hunter2"}"#, r#"["hunter2"]"#, "7", "null"];
    let two = r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"hunter2"},
        {"eventSource":"aws:sqs","eventSourceARN":"b"}]}"#;
    assert!(read(two).unwrap_err().contains("several queues"));
    for text in [sns, s3, two, r#"{"Records":[]}"#].into_iter().chain(own).chain(odd) {
        let why = read(text).unwrap_err();
        assert!(!why.contains("hunter2") && why.len() > 20, "{text}: {why}");
    }
    assert!(read(r#"{"user":"a","password":"b"}"#).unwrap_err().contains("password, user"));
    let many: serde_json::Map<_, _> = (0..100).map(|n| (format!("{n:060}"), Value::Null)).collect();
    assert!(shape(Value::Object(many)).unwrap_err().len() < 600);
}
