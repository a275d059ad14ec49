//! Why Cost Explorer does not answer, and what a person can do about it.

use std::error::Error;

use aws_sdk_costexplorer::config::http::HttpResponse;
use aws_sdk_costexplorer::error::{ProvideErrorMetadata, SdkError};

use crate::model::chain;

/// Why a page was not given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Too many requests at once.
    #[error("Cost Explorer asks for patience ({0}); ask again in some minutes")]
    Throttled(String),
    #[error(
        "AWS denies ce:{operation} ({why}); allow the IAM action ce:{operation} on resource *, and in an organisation let the management account give members access to Cost Explorer"
    )]
    Denied { operation: &'static str, why: String },
    /// The credentials are not good.
    #[error("AWS does not take the credentials ({0}); sign in again, or check AWS_PROFILE and the AWS_* variables")]
    Credentials(String),
    /// Parameters of a later page differ, or the token is too old.
    #[error("Cost Explorer lost its place between two pages ({0}); pages until then are kept, ask again in an hour")]
    Changed(String),
    #[error(
        "Cost Explorer has no data for this account yet ({0}); it begins to collect when it is opened once in the billing console, and needs a day"
    )]
    Unavailable(String),
    #[error(
        "AWS no longer keeps the bill of these days ({0}); ask with an empty folder, which asks for fewer: --cache DIR"
    )]
    Expired(String),
    /// AWS answered with some other error.
    #[error("Cost Explorer refuses {operation}: {why}")]
    Other { operation: &'static str, why: String },
    /// No answer came in time; AWS may have given and billed one.
    #[error("Cost Explorer did not answer in time; the page counts as paid")]
    Silent,
    /// An answer came, and is none.
    #[error("Cost Explorer's answer to {operation} cannot be read: {why}; the page counts as paid")]
    Garbled { operation: &'static str, why: String },
    /// The request was never sent.
    #[error("cannot reach Cost Explorer: {0}")]
    Unreachable(String),
}

impl Refusal {
    /// What an error of the SDK means.
    pub(super) fn of<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        match (error, status) {
            (SdkError::TimeoutError(_), _) => Self::Silent,
            (_, None) => Self::Unreachable(chain(error)),
            (_, Some(status)) if status < 400 => Self::Garbled { operation, why: chain(error) },
            (_, Some(status)) => Self::named(operation, status, error.code(), error.message()),
        }
    }

    /// What an error code of AWS means.
    fn named(operation: &'static str, status: u16, code: Option<&str>, message: Option<&str>) -> Self {
        let name = code.unwrap_or("no error code");
        let why = match message {
            Some(message) => format!("{name}: {message}"),
            None => format!("{name}, HTTP status {status}"),
        };
        match name {
            "LimitExceededException"
            | "ThrottlingException"
            | "Throttling"
            | "RequestLimitExceeded"
            | "TooManyRequestsException" => Self::Throttled(why),
            "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" => Self::Denied { operation, why },
            "UnrecognizedClientException"
            | "ExpiredTokenException"
            | "ExpiredToken"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationTokenException"
            | "IncompleteSignatureException" => Self::Credentials(why),
            "RequestChangedException" | "InvalidNextTokenException" => Self::Changed(why),
            "DataUnavailableException" => Self::Unavailable(why),
            "BillExpirationException" => Self::Expired(why),
            _ if matches!(status, 429 | 503) => Self::Throttled(why),
            _ => Self::Other { operation, why },
        }
    }

    /// Whether AWS may have billed the page all the same: only answered errors and what was never sent cost nothing.
    pub(super) fn is_billed(&self) -> bool {
        matches!(self, Self::Silent | Self::Garbled { .. })
    }

    /// Whether the same request may be answered after a while.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Throttled(_))
    }
}
