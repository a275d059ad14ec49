//! SSH keys of users off: they open CodeCommit.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::StatusType;

use super::Right;
use super::iam::{Credential, LIST_USERS, Switch, USERS, refused};
use crate::aws::Refusal;

/// State: `status`, `Active` or `Inactive`.
pub(super) struct SshKeys;

impl Switch for SshKeys {
    const NAME: &'static str = "deactivate-ssh-key";
    const ABOUT: &'static str =
        "Makes SSH keys inactive: all of a user that the incident made, else those that it names.";
    const KIND: &'static str = "iam:ssh-key";
    const WORDS: &'static str = "SSH key";
    const READS: &'static [Right] =
        &[Right::on("iam:GetUser", USERS), LIST_USERS, Right::on("iam:ListSSHPublicKeys", USERS)];
    const WRITES: &'static [Right] = &[Right::on("iam:UpdateSSHPublicKey", USERS)];

    async fn list(client: &Client, user: &str) -> Result<Vec<Credential>, Refusal> {
        let pages = client.list_ssh_public_keys().user_name(user).into_paginator().items().send();
        let keys: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListSSHPublicKeys"))?;
        let key = |key: &aws_sdk_iam::types::SshPublicKeyMetadata| Credential {
            id: key.ssh_public_key_id().to_owned(),
            status: key.status().as_str().to_owned(),
            made: key.upload_date().secs(),
        };
        Ok(keys.iter().map(key).collect())
    }

    async fn update(client: &Client, user: &str, id: &str, status: StatusType) -> Result<(), Refusal> {
        let call = client.update_ssh_public_key().user_name(user).ssh_public_key_id(id).status(status);
        call.send().await.map(drop).map_err(refused!("iam:UpdateSSHPublicKey"))
    }
}
