//! Signing certificates of users off: they sign requests of the SOAP interfaces that are left.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::StatusType;

use super::Right;
use super::iam::{Credential, LIST_USERS, Switch, USERS, refused};
use crate::aws::Refusal;

/// State: `status`, `Active` or `Inactive`.
pub(super) struct SigningCertificates;

impl Switch for SigningCertificates {
    const NAME: &'static str = "deactivate-signing-certificate";
    const ABOUT: &'static str =
        "Makes signing certificates inactive: all of a user that the incident made, else those that it names.";
    const KIND: &'static str = "iam:signing-certificate";
    const WORDS: &'static str = "signing certificate";
    const READS: &'static [Right] =
        &[Right::on("iam:GetUser", USERS), LIST_USERS, Right::on("iam:ListSigningCertificates", USERS)];
    const WRITES: &'static [Right] = &[Right::on("iam:UpdateSigningCertificate", USERS)];

    async fn list(client: &Client, user: &str) -> Result<Vec<Credential>, Refusal> {
        let pages = client.list_signing_certificates().user_name(user).into_paginator().items().send();
        let all: Vec<_> = pages.collect::<Result<_, _>>().await.map_err(refused!("iam:ListSigningCertificates"))?;
        let one = |certificate: &aws_sdk_iam::types::SigningCertificate| Credential {
            id: certificate.certificate_id().to_owned(),
            status: certificate.status().as_str().to_owned(),
            made: certificate.upload_date().map_or(0, |date| date.secs()),
        };
        Ok(all.iter().map(one).collect())
    }

    async fn update(client: &Client, user: &str, id: &str, status: StatusType) -> Result<(), Refusal> {
        let call = client.update_signing_certificate().user_name(user).certificate_id(id).status(status);
        call.send().await.map(drop).map_err(refused!("iam:UpdateSigningCertificate"))
    }
}
