//! Credentials of single services off: `CodeCommit` passwords, Keyspaces, API keys of Bedrock.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::StatusType;

use super::Right;
use super::iam::{Credential, LIST_USERS, Switch, USERS, refused};
use crate::aws::Refusal;

/// State: `status`, `Active`, `Inactive` or `Expired`.
pub(super) struct ServiceCredentials;

/// A user has a few of each service, so more pages than these are a server that never ends.
const MOST_PAGES: usize = 20;

impl Switch for ServiceCredentials {
    const NAME: &'static str = "deactivate-service-credential";
    const ABOUT: &'static str =
        "Makes service-specific credentials inactive: all of a user that the incident made, else those that it names.";
    const KIND: &'static str = "iam:service-credential";
    const WORDS: &'static str = "service-specific credential";
    const READS: &'static [Right] =
        &[Right::on("iam:GetUser", USERS), LIST_USERS, Right::on("iam:ListServiceSpecificCredentials", USERS)];
    const WRITES: &'static [Right] = &[Right::on("iam:UpdateServiceSpecificCredential", USERS)];

    async fn list(client: &Client, user: &str) -> Result<Vec<Credential>, Refusal> {
        let (mut all, mut marker) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let call = client.list_service_specific_credentials().user_name(user).set_marker(marker);
            let answer = call.send().await.map_err(refused!("iam:ListServiceSpecificCredentials"))?;
            all.extend(answer.service_specific_credentials().iter().map(|credential| Credential {
                id: credential.service_specific_credential_id().to_owned(),
                status: credential.status().as_str().to_owned(),
                made: credential.create_date().secs(),
            }));
            if !answer.is_truncated() {
                return Ok(all);
            }
            marker = answer.marker().map(str::to_owned);
        }
        let why = format!("the list of service-specific credentials of {user} has no end");
        Err(Refusal::Other { action: "iam:ListServiceSpecificCredentials", why })
    }

    async fn update(client: &Client, user: &str, id: &str, status: StatusType) -> Result<(), Refusal> {
        let call = client.update_service_specific_credential().user_name(user).service_specific_credential_id(id);
        let answer = call.status(status).send().await;
        answer.map(drop).map_err(refused!("iam:UpdateServiceSpecificCredential"))
    }
}
