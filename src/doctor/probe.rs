//! Trying a right: the cheapest call that needs it and changes nothing.
//!
//! AWS decides whether a caller may before it looks whether there is such a thing, so that asking for a thing that cannot
//! be there tells one from the other. Each service is one file.

mod ec2;
mod iam;
mod lambda;
mod others;
mod storage;

use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};

use crate::aws::Refusal;

/// The name of what is asked for and is not there.
const NOBODY: &str = "stakeout-doctor-asks-for-nobody";
/// A uuid that AWS gives to nothing.
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";

/// What came of trying a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tried {
    Allowed,
    /// The caller may, and there is no such thing.
    Missing(String),
    /// AWS denied this very right, in its own words.
    Denied(String),
    /// The answer does not tell, and why.
    Unknown(String),
    /// There is no answer, and why.
    Silent(String),
}

/// What a right is tried with.
pub(super) struct Bench<'a> {
    pub account: &'a str,
    /// With the credentials and the region in which the right is tried.
    pub config: SdkConfig,
    /// A key of a user of the account, where one is known.
    pub key: Option<String>,
    /// URLs of the queues of the settings.
    pub queues: &'a [String],
}

impl Bench<'_> {
    fn region(&self) -> &str {
        self.config.region().map_or(super::HOME, AsRef::as_ref)
    }

    /// Tries `service:Action` on a resource; nothing where no call can try it.
    pub(super) async fn attempt(&self, action: &str, resource: &str) -> Option<Tried> {
        let (service, name) = action.split_once(':')?;
        let result = match service {
            "iam" => iam::attempt(name, resource, self).await,
            "lambda" => lambda::attempt(name, self).await,
            "ec2" => ec2::attempt(name, self).await,
            // Only what the settings name has to be there.
            "dynamodb" | "s3" | "sqs" => return storage::attempt(action, resource, self).await,
            _ => others::attempt(action, self).await,
        };
        result.map(|result| if matches!(result, Tried::Missing(_)) { Tried::Allowed } else { result })
    }
}

/// What an answer says of a right.
fn tried<T, E>(action: &'static str, answer: Result<T, SdkError<E, HttpResponse>>) -> Tried
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Err(error) = answer else { return Tried::Allowed };
    let is_named = matches!(error, SdkError::ServiceError(_)) && error.code().is_some();
    match Refusal::of(action, &error) {
        Refusal::Denied { why, .. } => denied(action, why),
        Refusal::Gone(why) => Tried::Missing(why),
        // What follows the decision: a condition, a receipt, a dry run.
        Refusal::Other { .. } if is_named && is_after_the_decision(error.code().unwrap_or_default()) => Tried::Allowed,
        silent @ (Refusal::Passing(_) | Refusal::Throttled(_) | Refusal::Credentials(_)) => {
            Tried::Silent(silent.to_string())
        }
        other => Tried::Unknown(other.to_string()),
    }
}

/// A denial, unless it is about another right.
fn denied(action: &str, why: String) -> Tried {
    match named(&why) {
        Some(other) if !other.eq_ignore_ascii_case(action) => Tried::Unknown(format!("AWS denies {other} ({why})")),
        _ => Tried::Denied(why),
    }
}

/// The right that a denial names: `... is not authorized to perform: iam:GetUser on resource: ...`.
fn named(why: &str) -> Option<&str> {
    let right = why.split_once("is not authorized to perform: ")?.1.split_whitespace().next()?;
    right.contains(':').then_some(right)
}

/// Whether a code is one of those that only who may is given. The form of a request, the place where it belongs, and
/// whether there is such a call may be looked at before the rights are.
fn is_after_the_decision(code: &str) -> bool {
    !is_unheard_of(code) && !is_of_form(code) && !is_elsewhere(code)
}

/// Codes of a request that is not well formed.
fn is_of_form(code: &str) -> bool {
    const PARTS: [&str; 5] = ["Validation", "InvalidParameter", "MissingParameter", "Malformed", "Serialization"];
    PARTS.iter().any(|part| code.contains(part))
}

/// Codes of who sends the caller to another place.
fn is_elsewhere(code: &str) -> bool {
    const CODES: [&str; 5] =
        ["301", "307", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "MovedPermanently"];
    code.contains("Redirect") || CODES.contains(&code)
}

/// Codes of who does not know the call at all.
fn is_unheard_of(code: &str) -> bool {
    const CODES: [&str; 8] = [
        "UnknownOperation",
        "UnknownOperationException",
        "InvalidAction",
        "NotImplemented",
        "NotImplementedException",
        "UnsupportedOperation",
        "OptInRequired",
        "SubscriptionRequiredException",
    ];
    CODES.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_counts_for_the_right_that_it_names() {
        let why = |right: &str| format!("AccessDenied: User: x is not authorized to perform: {right} on resource: y");
        assert!(matches!(denied("iam:GetUser", why("iam:GetUser")), Tried::Denied(_)));
        assert!(
            matches!(denied("s3:GetObject", why("s3:ListBucket")), Tried::Unknown(why) if why.contains("s3:ListBucket"))
        );
        assert!(matches!(denied("ec2:DescribeTags", "You are not authorized".to_owned()), Tried::Denied(_)));
        assert_eq!(named("is not authorized to perform: this operation"), None);
    }

    #[test]
    fn an_error_that_may_come_before_the_decision_tells_nothing() {
        let after = ["ConditionalCheckFailedException", "DryRunOperation", "ReceiptHandleIsInvalid", "NoSuchThing"];
        assert!(after.into_iter().all(is_after_the_decision));
        let before = [
            "ValidationException",
            "ValidationError",
            "InvalidParameterValueException",
            "MissingParameter",
            "PermanentRedirect",
            "301",
            "UnknownOperation",
        ];
        assert!(!before.into_iter().any(is_after_the_decision));
    }

    /// Rights that no call tries without an effect or a cost. Roles and secrets are tried where they are used.
    #[cfg(feature = "ec2")]
    const SIMULATED: [&str; 4] = ["ce:GetAnomalies", "ce:GetCostAndUsage", "sns:Publish", "sqs:ReceiveMessage"];

    #[cfg(feature = "ec2")]
    const SETTINGS: &str = r#"
        [state]
        dynamodb = "stakeout"
        [sources]
        trail_bucket = "s3://trails"
        queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/events"
        [[notify.sns]]
        topic = "arn:aws:sns:eu-west-1:111122223333:alarms"
        [evidence]
        s3 = "s3://vault"
        [contain]
        responder_role = "arn:aws:iam::111122223333:role/stakeout-responder"
        [[accounts]]
        id = "111122223333"
        role = "arn:aws:iam::111122223333:role/stakeout-detector"
    "#;

    #[cfg(feature = "ec2")]
    #[tokio::test]
    async fn every_right_of_the_detector_is_tried_or_known_not_to_be() {
        use aws_config::{BehaviorVersion, Region};
        use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};

        use super::super::rights::needs;
        use crate::config::Config;
        use crate::contain::action;
        use crate::contain::rights::{Places, detector};

        let settings = Config::read(SETTINGS, "", std::iter::empty()).unwrap();
        let actions: Vec<_> = action::all().collect();
        let needs = needs(&detector(&actions, &Places::of(&settings, None)));
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
        // Nobody listens there: whatever is sent comes back at once.
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-west-1"))
            .endpoint_url("http://127.0.0.1:1")
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        let queues = [settings.sources.queue_url[0].to_string()];
        let bench =
            Bench { account: "111122223333", config, key: Some("AKIAIOSFODNN7EXAMPLE".to_owned()), queues: &queues };
        let mut untried = std::collections::BTreeSet::new();
        for need in &needs {
            let is_elsewhere =
                ["sts:", "ssm:", "secretsmanager:"].iter().any(|service| need.action.starts_with(service));
            match bench.attempt(&need.action, &need.resource).await {
                None if !is_elsewhere => _ = untried.insert(need.action.as_str()),
                Some(Tried::Allowed | Tried::Denied(_)) => panic!("{need:?} is answered by nobody"),
                _ => {}
            }
        }
        assert!(needs.len() > 60, "{needs:?}");
        assert_eq!(untried, SIMULATED.into());
    }
}
