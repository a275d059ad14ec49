//! Why AWS does not answer, and what a person can do about it.

use std::error::Error;

use aws_sdk_cloudtrail::config::http::HttpResponse;
use aws_sdk_cloudtrail::error::{ProvideErrorMetadata, SdkError};

use crate::model::chain;

/// Why a request was not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Refusal {
    /// Too many requests at once.
    #[error("AWS throttles it to the end ({0})")]
    Throttled(String),
    #[error("AWS denies it ({why}); allow the IAM action {action}")]
    Denied { action: &'static str, why: String },
    #[error("AWS does not take the credentials ({0}); sign in again, or check AWS_PROFILE and the AWS_* variables")]
    Credentials(String),
    /// A page token is too old or belongs to another question.
    #[error("AWS does not take its own page token ({0})")]
    Token(String),
    /// The service says that there is no such thing.
    #[error("it does not exist ({0})")]
    Gone(String),
    /// The network or the service failed; the same request may be answered later.
    #[error("no answer ({0})")]
    Passing(String),
    #[error("AWS refuses {action}: {why}")]
    Other { action: &'static str, why: String },
}

/// Characters of what AWS says that are told.
const TOLD: usize = 400;

impl Refusal {
    /// What an error of the SDK means; `action` is the IAM action that the request needs.
    pub(crate) fn of<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        match (error, status) {
            (SdkError::TimeoutError(_), _) => Self::Passing("timeout".to_owned()),
            (SdkError::ConstructionFailure(_), _) => Self::Other { action, why: short(chain(error)) },
            (_, None) => Self::Passing(short(chain(error))),
            (SdkError::ServiceError(_), Some(status)) => Self::named(action, status, error.code(), error.message()),
            (_, Some(status)) if status >= 500 => Self::Passing(format!("HTTP status {status}")),
            (_, Some(status)) => Self::Other { action, why: format!("HTTP status {status}, {}", short(chain(error))) },
        }
    }

    /// What an error code of AWS means. A HEAD request is refused without one.
    fn named(action: &'static str, status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        let name = code.unwrap_or("no error code");
        let why = match message {
            Some(message) => short(format!("{name}: {message}")),
            None => format!("{name}, HTTP status {status}"),
        };
        match name {
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "LimitExceededException"
            | "TooManyRequestsException"
            | "SlowDown"
            | "OverLimit"
            | "KmsThrottled" => Self::Throttled(why),
            "AccessDeniedException"
            | "AccessDenied"
            | "UnauthorizedOperation"
            | "AuthorizationError"
            | "KmsAccessDenied"
            | "AWS.SimpleQueueService.AccessDenied" => Self::Denied { action, why },
            "UnrecognizedClientException"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "AuthFailure"
            | "MissingAuthenticationTokenException"
            | "MissingAuthenticationToken"
            | "IncompleteSignatureException" => Self::Credentials(why),
            "InvalidNextTokenException" | "InvalidNextToken" => Self::Token(why),
            // Somebody changes the same thing at this moment, or it was made a moment ago.
            "ConcurrentModification" | "ConcurrentModificationException" | "EntityTemporarilyUnmodifiable" => {
                Self::Passing(why)
            }
            "NoSuchBucket"
            | "NoSuchKey"
            | "NotFound"
            | "QueueDoesNotExist"
            | "AWS.SimpleQueueService.NonExistentQueue"
            | "NoSuchEntity"
            | "ParameterNotFound"
            | "ParameterVersionNotFound"
            | "ResourceNotFoundException"
            | "TrailNotFoundException" => Self::Gone(why),
            // `InvalidInstanceID.NotFound`, `InvalidLaunchTemplateId.NotFoundException` and their like, which are EC2's.
            _ if name.starts_with("Invalid") && name.contains(".NotFound") => Self::Gone(why),
            // A status of 404 alone may come from a proxy, and says nothing about the thing.
            _ if matches!(status, 429 | 503) => Self::Throttled(why),
            _ if status >= 500 => Self::Passing(why),
            _ if status == 403 => Self::Denied { action, why },
            _ => Self::Other { action, why },
        }
    }

    /// Whether asking again never helps: a right that is missing can be given.
    pub(crate) fn is_final(&self) -> bool {
        !self.is_passing() && !matches!(self, Self::Denied { .. } | Self::Credentials(_))
    }

    /// Whether the same request may be answered after a while.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Throttled(_) | Self::Passing(_))
    }
}

/// Whole pages come back where something is not what it should be.
fn short(text: String) -> String {
    match text.char_indices().nth(TOLD) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
