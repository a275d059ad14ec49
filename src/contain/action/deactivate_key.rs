//! Access keys off. A key that is inactive keeps its id for the log and can come back; sessions that it minted live on.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::StatusType;

use super::Right;
use super::iam::{Credential, LIST_USERS, Switch, USERS, refused};
use crate::aws::Refusal;

/// State: `status`, `Active` or `Inactive`.
pub(super) struct AccessKeys;

impl Switch for AccessKeys {
    const NAME: &'static str = "deactivate-key";
    const ABOUT: &'static str =
        "Makes access keys inactive: all of a user that the incident made, else those that it names.";
    const KIND: &'static str = "iam:access-key";
    const WORDS: &'static str = "access key";
    const READS: &'static [Right] =
        &[Right::on("iam:GetUser", USERS), LIST_USERS, Right::on("iam:ListAccessKeys", USERS)];
    const WRITES: &'static [Right] = &[Right::on("iam:UpdateAccessKey", USERS)];

    async fn list(client: &Client, user: &str) -> Result<Vec<Credential>, Refusal> {
        let pages = client.list_access_keys().user_name(user).into_paginator().items().send();
        let keys: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListAccessKeys"))?;
        let key = |key: &aws_sdk_iam::types::AccessKeyMetadata| {
            let status = key.status().map_or("Active", StatusType::as_str).to_owned();
            let made = key.create_date().map_or(0, |date| date.secs());
            Some(Credential { id: key.access_key_id()?.to_owned(), status, made })
        };
        Ok(keys.iter().filter_map(key).collect())
    }

    async fn update(client: &Client, user: &str, id: &str, status: StatusType) -> Result<(), Refusal> {
        let call = client.update_access_key().user_name(user).access_key_id(id).status(status);
        call.send().await.map(drop).map_err(refused!("iam:UpdateAccessKey"))
    }
}
