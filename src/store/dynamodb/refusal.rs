//! Why DynamoDB does not do what was asked, and what a person can do about it.

use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use super::DynamoDb;
use crate::model::chain;
use crate::store::StoreError;

impl DynamoDb {
    /// What an error of the SDK means.
    pub(super) fn refusal<E>(&self, doing: &str, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if error.code() == Some("ResourceNotFoundException") {
            return self.refused(format!("there is no such table; make it with: {}", self.creation()));
        }
        let why = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("cannot {doing}: {code}: {message}"),
            (Some(code), None) => format!("cannot {doing}: {code}"),
            _ => format!("cannot {doing}: {}", chain(error)),
        };
        self.refused(why)
    }

    /// The command that makes the table.
    fn creation(&self) -> String {
        format!(
            "aws dynamodb create-table --table-name {} --region {} --billing-mode PAY_PER_REQUEST \
             --attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S \
             --key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE",
            self.table, self.region
        )
    }
}
