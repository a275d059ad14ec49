//! An SNS topic: a mail's worth of text, and attributes to filter by.

use std::error::Error;

use aws_sdk_sns::Client;
use aws_sdk_sns::config::http::HttpResponse;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use sha2::{Digest as _, Sha256};

use super::{Message, Undelivered, chain, text};
use crate::aws;
use crate::config::TopicArn;
use crate::model::hex;

/// SNS takes 256 KB with attributes and all.
const TEXT_BYTES: usize = 200 * 1024;
/// SNS takes subjects of fewer than 100 characters.
const SUBJECT: usize = 99;
/// SNS takes ids of groups and of messages up to this length.
const ID: usize = 128;

/// A topic.
pub(crate) struct Sns {
    topic: TopicArn,
    client: Client,
}

impl Sns {
    /// Reads the configuration of AWS from the environment; sends nothing.
    pub(super) async fn connect(topic: &TopicArn) -> Self {
        let configuration = aws::patient(Some(topic.region().to_owned())).await;
        Self { topic: topic.clone(), client: Client::new(&configuration) }
    }

    pub(super) fn name(&self) -> String {
        format!("sns {}", self.topic)
    }

    pub(super) async fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        let mut publish = self.client.publish().topic_arn(self.topic.as_str());
        publish = publish.subject(subject(message)).message(cut(text::plain(message)));
        for (name, value) in attributes(message) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let value = value.map_err(|error| Undelivered::last(format!("the attribute {name}: {error}")))?;
            publish = publish.message_attributes(name, value);
        }
        if self.topic.is_fifo() {
            let group = message.incident.as_ref().map_or("stakeout", |incident| incident.id.as_str());
            publish = publish.message_group_id(id(group)).message_deduplication_id(id(&message.key));
        }
        publish.send().await.map(drop).map_err(|error| self.refused(&error))
    }

    /// A denied or missing topic may be put right while the message waits; a message that SNS cannot take stays one.
    fn refused<E>(&self, error: &SdkError<E, HttpResponse>) -> Undelivered
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let code = error.code().unwrap_or_default();
        let why = match error.message() {
            Some(message) => format!("{code}: {message}"),
            None => chain(error),
        };
        let hint = match code {
            "AuthorizationError" | "AuthorizationErrorException" | "AccessDenied" | "AccessDeniedException" => {
                "; allow the IAM action sns:Publish on it"
            }
            _ => "",
        };
        let is_final = matches!(
            code,
            "InvalidParameter"
                | "InvalidParameterException"
                | "InvalidParameterValue"
                | "ParameterValueInvalid"
                | "ValidationException"
        );
        Undelivered { is_final, ..Undelivered::passing(format!("publishing to {}: {why}{hint}", self.topic)) }
    }
}

/// On one line, of characters that SNS takes in a subject.
fn subject(message: &Message) -> String {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    format!("Stakeout: {}", text::headline(message)).chars().map(printable).take(SUBJECT).collect()
}

/// What subscribers filter by. SNS refuses values that are empty.
fn attributes(message: &Message) -> Vec<(&'static str, String)> {
    let accounts: Vec<_> = text::accounts(message).into_iter().collect();
    let incident = message.incident.as_ref().map(|incident| incident.id.clone()).unwrap_or_default();
    let all = [
        ("level", text::level(message).as_str().to_owned()),
        ("what", message.what.as_str().to_owned()),
        ("account", accounts.join(",")),
        ("incident", incident),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// Text that SNS takes; where it is cut it says so.
fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES {
        let end = (0..=TEXT_BYTES).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("\n(The rest is too long for SNS.)\n");
    }
    text
}

/// An id as SNS takes it; what it would not take is told by its hash.
fn id(text: &str) -> String {
    let fits = text.len() <= ID && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { text.to_owned() } else { hex(&Sha256::digest(text)) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{message, telemetry};
    use super::*;

    #[test]
    fn what_sns_refuses_is_not_sent() {
        let mut hostile = message();
        hostile.key = "k\u{e9}y ".repeat(50);
        if let Some(incident) = &mut hostile.incident {
            incident.title = "a\nb\u{1b}[31m\u{202e}".repeat(40);
            incident.narrative = vec!["\u{1f4a3}".repeat(100_000)];
        }
        let subject = subject(&hostile);
        assert!(subject.len() == 99 && subject.bytes().all(|byte| (32..127).contains(&byte)), "{subject}");
        let text = cut(text::plain(&hostile));
        assert!(text.len() < 256 * 1024 && text.ends_with("too long for SNS.)\n"));
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
        assert_eq!((id(&hostile.key).len(), id("inc-1:2").as_str()), (64, "inc-1:2"));
        hostile.incident = None;
        let names: Vec<_> = attributes(&hostile).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["level", "what", "account"]);
    }

    #[test]
    fn a_gap_in_what_is_seen_can_be_filtered_by() {
        assert_eq!(subject(&telemetry()), "Stakeout: high, a gap in what is seen: Region fell silent and 2 more");
        let attributes = attributes(&telemetry());
        let expected = [("level", "high"), ("what", "telemetry"), ("account", "111122223333")];
        assert_eq!(attributes, expected.map(|(name, value)| (name, value.to_owned())));
    }
}
